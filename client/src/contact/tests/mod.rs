//! A branch with its owner, its risk control, a month's scores, and the tables that rules read.

mod adopt;
mod apart;
mod bad_inputs;
mod certificates;
mod customers;
mod delivery;
mod evasions;
mod faults;
mod hidden;
mod kills;
mod limits;
mod lists;
mod outcomes;
mod properties;
mod register;
mod restart;
mod shrunk;
mod tampered;
mod told;
mod undone;
pub(crate) mod whole;
mod withdrawn;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tributary_certs::enrolment::{init_authority, issue_client};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::{read_signing_key, write_signing_key, write_verifying_key};
use tributary_certs::policy::{Owned, sign_owned};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_texts::Said;

use super::{Approving, Built, build, deliver};
use crate::error::ClientError;
use crate::score::ScoresNote;
use crate::settings::Settings;

/// 2026-11-30 09:00 in Shanghai.
pub(super) const NOW: u64 = 1_796_000_400;
/// A day, in seconds.
pub(super) const DAY: u64 = 86_400;

const SETTINGS: &str = r#"
[client]
state_dir = "state"
[coordinator]
address = "localhost:1"
[identity]
folder = "identity"
[policy]
file = "policy.toml"
owner = "owner.pub"
[data]
file = "policy.toml"
schema = "policy.toml"
[contact]
attributes = "attributes.csv"
contacts = "contacts.csv"
"#;

/// Rules with everything in them but what a test adds: `{more}` stands for it.
pub(super) const RULES: &str = r#"
[list]
campaign = "2026-12 deposits"
purpose = "churn"
valid_until = "2027-06-30"
approvers = ["APPROVER"]
[scores]
label = "churn"
[choose]
by = "probability"
top = 10
[attributes]
customer = "id"
opt_out = { column = "refuses", allowed = ["否"] }
consent = { column = "purposes", allowed = ["营销"], divider = ";" }
risk = { column = "risk", levels = ["低", "中", "高"], most = "中" }
tolerance = { column = "bears", levels = ["C1", "C2", "C3"], least = "C2" }
team = "team"
[delivery]
crm = "CRM-01"
[[delivery.columns]]
from = "batch"
to = "PCH"
[[delivery.columns]]
from = "line"
to = "XH"
[[delivery.columns]]
from = "customer"
to = "KHH"
[[delivery.columns]]
from = "reason_1"
to = "YY"
"#;

/// A table of attributes with nobody in it.
pub(super) const HEADER: &str = "id,refuses,purposes,risk,bears,team\n";

/// A branch.
pub(super) struct World {
    folder: TempDir,
    owner: SigningKey,
    pub(super) approver: SigningKey,
}

impl World {
    /// With these rules; customers are added by a test.
    pub(super) fn new(rules: &str) -> Self {
        let owner = SigningKey::generate(&mut OsEntropy);
        let approver = SigningKey::generate(&mut OsEntropy);
        let world = Self { folder: tempfile::tempdir().unwrap(), owner, approver };
        let domain = TrustDomain::parse("federation.example").unwrap();
        init_authority(&world.at("office"), &domain, 1, 1, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        let issued = issue_client(&world.at("office"), "north-bank", "branch-01", &world.at("identity"), NOW);
        issued.unwrap_or_else(|fault| panic!("{fault}"));
        world.write("policy.toml", "");
        world.write("contacts.csv", "customer,day\n");
        world.write("confidential.csv", "customer\n");
        write_verifying_key(&world.owner.verifying_key(), &world.at("owner.pub")).unwrap();
        write_signing_key(&world.owner, &world.at("owner.key")).unwrap();
        write_signing_key(&world.approver, &world.at("risk.key")).unwrap();
        fs::create_dir(world.at("crm")).unwrap();
        world.rules(rules);
        world
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    /// Rules as the owner signs them, with the approver's key in them.
    pub(super) fn rules(&self, text: &str) {
        let text = text.replace("APPROVER", &self.approver.verifying_key().to_string());
        self.write("rules.toml", &text);
        // The settings name a table of confidential suppressions where rules read one.
        let named = if text.contains("[confidential]") { "confidential = \"confidential.csv\"\n" } else { "" };
        self.write("client.toml", &format!("{SETTINGS}{named}"));
        sign_owned(Owned::Rules, &self.at("rules.toml"), &text, &self.owner).unwrap();
    }

    /// So many customers `c1`, `c2`, .. whom nothing keeps out, the best first.
    pub(super) fn customers(&self, count: u32) {
        let attributes: String = (1..=count).map(|number| format!("c{number},否,营销;风控,低,C3,一组\n")).collect();
        self.write("attributes.csv", &format!("{HEADER}{attributes}"));
        self.scores(count);
    }

    /// Scores of `c1`, `c2`, .., the best first.
    pub(super) fn scores(&self, count: u32) {
        let rows: Vec<String> = (1..=count)
            .map(|number| {
                let probability = 1.0 - f64::from(number) / 1e6;
                format!(
                    "c{number},{},{probability},1,,Balance falls,,,dormant,call,Deposits are insured\n",
                    -f64::from(number)
                )
            })
            .collect();
        self.scored(&rows);
    }

    /// A scores file of these rows.
    pub(super) fn scored(&self, rows: &[String]) {
        let header = "customer,churn.score,churn.probability,churn.decile,churn.points,churn.reason_1,churn.reason_2,churn.reason_3,stage,action,notice,model\n";
        let rows: Vec<String> = rows.iter().map(|row| format!("{},07070707\n", row.trim_end_matches('\n'))).collect();
        self.scores_file(&format!("{header}{}", rows.concat()), rows.len(), &[]);
    }

    /// A scores file, with parts of its note, or of what it says of its model, exchanged.
    pub(super) fn scores_file(&self, text: &str, rows: usize, changes: &[(&str, serde_json::Value)]) {
        let mut own = serde_json::json!({
            "model": Digest([7; 32]).to_string(), "state": "champion", "share": null, "rows": rows,
        });
        for (key, value) in changes.iter().filter(|(key, _)| ["model", "state"].contains(key)) {
            own[*key] = value.clone();
        }
        let digits = own["model"].as_str().and_then(|model| model.get(..8)).unwrap_or("07070707");
        let text = &text.replace("07070707", digits);
        self.write("scores.csv", text);
        let mut note = serde_json::json!({
            "format": 1, "models": [own], "purpose": "churn",
            "schema": Digest([3; 32]).to_string(), "labels": ["churn"], "source_digest": Digest([4; 32]).to_string(),
            "as_of": "2026-11-30", "made_at": NOW - 3600, "valid_until": NOW + 30 * DAY, "rows": rows, "erased": 0, "rejected": 0,
            "digest": Digest::of(text.as_bytes()).to_string(), "branch": "north-bank/branch-01",
        });
        for (key, value) in changes.iter().filter(|(key, _)| !["model", "state"].contains(key)) {
            note[*key] = value.clone();
        }
        self.note("scores.csv", note);
    }

    /// The key by which the branch signs.
    pub(super) fn branch_key(&self) -> SigningKey {
        read_signing_key(&self.at("identity/signing.key")).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// A note, signed by the branch; as it stands where it is none.
    pub(super) fn note(&self, of: &str, note: serde_json::Value) {
        let text = match serde_json::from_value::<ScoresNote>(note.clone()) {
            Ok(note) => serde_json::to_string(&note.signed(&self.branch_key())).unwrap(),
            Err(_) => note.to_string(),
        };
        self.write(&format!("{of}.json"), &text);
    }

    pub(super) fn settings(&self) -> Settings {
        Settings::load(&self.config()).unwrap_or_else(|fault| panic!("{fault}"))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.at("client.toml")
    }

    pub(super) fn build_at(&self, now: u64) -> Result<Built, ClientError> {
        build(&self.config(), &self.at("rules.toml"), &self.at("scores.csv"), Some(&self.at("out")), now)
    }

    pub(super) fn build(&self) -> Built {
        self.build_at(NOW).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// Why no list is made.
    pub(super) fn refused(&self) -> String {
        self.build_at(NOW).map(|built| panic!("{built:?}")).unwrap_err().to_string()
    }

    /// The customers of a list, as the copy of its lines has them.
    pub(super) fn listed(&self, list: u32) -> Vec<String> {
        let text = self.read(&format!("out/list-{list:06}.csv"));
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
    }

    pub(super) fn approve(&self, list: u32) -> Result<Said, ClientError> {
        Approving::open(&self.config(), list, &self.at("risk.key"), NOW)?.approve(NOW)
    }

    pub(super) fn deliver_at(&self, list: u32, now: u64) -> Result<Vec<Said>, ClientError> {
        deliver(&self.config(), list, &self.at("crm"), now)
    }

    /// A list that was made, approved and delivered.
    pub(super) fn delivered(&self) -> Built {
        let built = self.build();
        self.approve(built.list).unwrap_or_else(|fault| panic!("{fault}"));
        self.deliver_at(built.list, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        built
    }

    /// Names in the folder of the bank's system.
    pub(super) fn handed(&self) -> Vec<String> {
        names(&self.at("crm"))
    }
}

/// Names in a folder, in order.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

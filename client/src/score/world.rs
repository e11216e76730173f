//! A branch's folder with a model that it keeps, for the tests of this room.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tributary_certs::enrolment::{init_authority, issue_client};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::grant::{sign_grant, write_grant};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::write_verifying_key;
use tributary_certs::policy::{Owned, sign_owned};
use tributary_certs::suite::SigningKey;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Attestation, Gates, Grant, GrantSubject, GrantUses, PrivacyMode, RunRef};
use tributary_protocol::registry::{
    BranchModelsEvent, GatesReport, Lineage, ModelManifest, ModelStatement, ModelStep, SignedReport, SignedStatement,
    StatementScope, Told,
};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_protocol::round::cast;
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::time::Millis;
use tributary_storage::files::{Existing, create_private_folder, write_stored};
use tributary_storage::journal::Journal;
use tributary_texts::Language;

use super::actions::tests::{SCHEMA, text};
use super::run::{ScoreOptions, ScoresMade, score};
use crate::grants;
use crate::settings::Settings;
use crate::test_home::copied;

pub(super) const NOW: u64 = 1_796_256_000;

/// A branch, whose owner has a key.
pub(super) struct World {
    folder: tempfile::TempDir,
    owner: Arc<SigningKey>,
    sequence: u64,
}

/// The share of a challenger, in parts in 10,000.
pub(super) const SHARE: u16 = 1_000;

/// Some rows of the schema, without a label.
pub(super) const ROWS: &str = "who,age,state\nC1,90,1\nC2,50,frozen\nC3,10,1\nC4,,1\n";

impl World {
    /// Enrolled, with rows and a schema; nothing is granted, and no model is known.
    pub(super) fn new(data: &str) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            owner: Arc::new(SigningKey::generate(&mut OsEntropy)),
            sequence: 0,
        };
        let settings = format!(
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
             [policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n[data]\nschema = \"schema.toml\"\n{data}\n"
        );
        for (name, text) in
            [("client.toml", settings.as_str()), ("schema.toml", SCHEMA), ("policy.toml", ""), ("rows.csv", ROWS)]
        {
            world.write(name, text);
        }
        write_verifying_key(&world.owner.verifying_key(), &world.at("owner.pub")).unwrap();
        let domain = TrustDomain::parse("federation.example").unwrap();
        init_authority(&world.at("office"), &domain, 1, 1, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        let enrolled = issue_client(&world.at("office"), "bank", "branch-3", &world.at("identity"), NOW);
        enrolled.unwrap_or_else(|fault| panic!("{fault}"));
        create_private_folder(&world.at("state/models")).unwrap();
        create_private_folder(&world.at("state/grants")).unwrap();
        world
    }

    /// The usual one: rows from a file, a grant, and a champion.
    pub(super) fn usual() -> (Self, Digest) {
        let mut world = Self::new("file = \"rows.csv\"");
        world.granted(u64::MAX);
        let model = world.champion(&model(1.0));
        (world, model)
    }

    /// A copy of it in another place, without those who enrolled it.
    pub(super) fn copied(&self) -> Self {
        Self {
            folder: copied(self.folder.path(), &["office"]),
            owner: Arc::clone(&self.owner),
            sequence: self.sequence,
        }
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    pub(super) fn settings(&self) -> Settings {
        Settings::load(&self.at("client.toml")).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// The owner lets the branch keep models for churn, until a second of the clock.
    pub(super) fn granted(&self, not_after: u64) {
        let grant = Grant {
            federation: grants::federation_of(&self.settings()),
            branches: vec![MemberName::parse("bank/branch-3").unwrap()],
            subject: GrantSubject::Plans { proposer: staff(), purpose: "churn".into() },
            uses: GrantUses { train: false, keep_models: true },
            not_before: 0,
            not_after,
            owner: self.owner.verifying_key(),
            ..cast::grant(&cast::plan())
        };
        let grant = sign_grant(&self.owner, grant);
        write_grant(&grant, &self.at("state/grants").join(format!("{}.grant", grant.digest()))).unwrap();
    }

    /// Nothing is granted any more.
    pub(super) fn taken_back(&self) {
        fs::remove_dir_all(self.at("state/grants")).unwrap();
    }

    /// What two people state of a model. Who signs is judged where a branch hears of it, and not where it reads its own ledger.
    pub(super) fn stated(&mut self, step: ModelStep, manifest: &ModelManifest) {
        self.stated_of(step, manifest, true);
    }

    /// The same, where the statement may be about other branches.
    pub(super) fn stated_of(&mut self, step: ModelStep, manifest: &ModelManifest, here: bool) {
        self.sequence += 1;
        let scope = match step {
            ModelStep::Pilot => {
                let branch = if here { "bank/branch-3" } else { "bank/branch-4" };
                StatementScope::Branches(vec![MemberName::parse(branch).unwrap()])
            }
            ModelStep::Challenge => StatementScope::Customers(SHARE),
            _ => StatementScope::All,
        };
        let report = step.needs_report().then(|| Box::new(report(manifest)));
        let statement = ModelStatement {
            federation: Digest::ZERO,
            step,
            model: manifest.digest(),
            purpose: manifest.lineage.purpose.clone(),
            sequence: self.sequence,
            scope,
            evidence: report.as_ref().map_or(Digest::ZERO, |report| report.report.digest()),
            reason: "better".into(),
        };
        let signed = attestation(step.action(), statement.digest());
        let statement = SignedStatement { statement, first: signed.clone(), second: signed, report };
        self.record(BranchModelsEvent::StatementAccepted {
            told: Box::new(Told { manifest: manifest.clone(), statement }),
            here,
        });
    }

    fn record(&self, event: BranchModelsEvent) {
        let path = self.at("state/models/models.ledger");
        let (mut journal, _) = Journal::<BranchModelsEvent>::open(&path, LedgerId::MODELS).unwrap();
        journal.append(Millis(1), event).unwrap();
        journal.sync().unwrap();
    }

    /// A model becomes the champion, and is kept.
    pub(super) fn champion(&mut self, parameters: &Parameters) -> Digest {
        self.used(ModelStep::Promote, parameters)
    }

    /// A model is stated to be used, and is kept.
    pub(super) fn used(&mut self, step: ModelStep, parameters: &Parameters) -> Digest {
        let manifest = manifest(parameters);
        self.stated(step, &manifest);
        let model = manifest.digest();
        let folder = self.at("state/models").join(model.to_string());
        create_private_folder(&folder).unwrap();
        let path = folder.join("parameters");
        write_stored(&path, &STATE_FORMAT, &parameters.to_le_bytes(), Existing::Replace).unwrap();
        self.record(BranchModelsEvent::ModelStored { model });
        model
    }

    /// The owner signs actions as they are.
    pub(super) fn actions(&self, text: &str) {
        self.write("actions.toml", text);
        sign_owned(Owned::Actions, &self.at("actions.toml"), text, &self.owner).unwrap();
    }

    /// With actions of three stages.
    pub(super) fn acting(&self) {
        self.actions(&text());
        let settings = fs::read_to_string(self.at("client.toml")).unwrap();
        self.write("client.toml", &format!("{settings}[scores]\nactions = \"actions.toml\"\n"));
    }

    /// A mapping that the owner signs.
    pub(super) fn mapped(&self, text: &str) {
        let text = text.replace("SCHEMA", &schema().digest().to_string());
        self.write("mapping.toml", &text);
        sign_owned(Owned::Mapping, &self.at("mapping.toml"), &text, &self.owner).unwrap();
    }

    pub(super) fn options(&self, model: &str, output: &str) -> ScoreOptions {
        ScoreOptions {
            config: self.at("client.toml"),
            model: model.into(),
            input: None,
            output: self.at(output),
            language: Language::English,
            gb18030: false,
        }
    }

    /// The scores of the settings' own table.
    pub(super) fn scored(&self) -> Result<(ScoresMade, String), String> {
        self.scored_as(&self.options("champion", "scores.csv"))
    }

    pub(super) fn scored_as(&self, options: &ScoreOptions) -> Result<(ScoresMade, String), String> {
        let made = score(options, NOW).map_err(|fault| fault.to_string())?;
        Ok((made, fs::read_to_string(&options.output).unwrap()))
    }
}

pub(super) fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

fn staff() -> StaffNumber {
    StaffNumber::parse("bank/e5").unwrap()
}

/// Age speaks for churn so much, no value of it twice as much, and frozen accounts a little.
pub(super) fn model(age: f32) -> Parameters {
    let network = Architecture::logistic(4, &["churn"]).unwrap();
    Parameters::new(network, vec![age, 2.0 * age, -0.5, 0.5, -1.0]).unwrap()
}

pub(super) fn manifest(parameters: &Parameters) -> ModelManifest {
    let lineage = Lineage {
        parent: None,
        initial: Digest::ZERO,
        run: RunRef { plan: Gates::USUAL.of_plan(&TERMS), number: 1 },
        name: "monthly churn".into(),
        purpose: "churn".into(),
        privacy: PrivacyMode::Customer,
        group: "all".into(),
        owner: staff(),
        statement: Digest::ZERO,
        rounds: 4,
        complete: true,
    };
    ModelManifest {
        parameters: parameters.digest(),
        parameter_bytes: parameters.to_le_bytes().len() as u64,
        architecture: parameters.architecture().encode(),
        schema: schema().digest(),
        features: Digest([4; 32]),
        lineage,
    }
}

/// The plan's terms without its gates.
const TERMS: Digest = Digest([9; 32]);

fn attestation(action: Action, subject: Digest) -> Attestation {
    let role = if action == Action::ValidateModel { Role::ModelValidator } else { Role::PlanOwner };
    let (federation, signature) = (Digest::ZERO, Signature::none());
    let staff = if role == Role::ModelValidator { StaffNumber::parse("bank/e6").unwrap() } else { staff() };
    Attestation { action, subject, federation, staff, role, at: NOW, signature }
}

/// A report whose gates hold.
fn report(manifest: &ModelManifest) -> SignedReport {
    let report = GatesReport {
        federation: Digest::ZERO,
        terms: TERMS,
        valid_until: NOW + 300 * 86_400,
        ..cast::gates_report(manifest)
    };
    let signed = attestation(Action::ValidateModel, report.digest());
    SignedReport { report, signed }
}

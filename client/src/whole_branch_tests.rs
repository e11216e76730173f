//! A whole branch in a folder: enrolled, its policy signed, its budget begun. What its commands say is compared in whole sentences.

use std::path::{Path, PathBuf};

use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator, names};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::{write_signing_key, write_verifying_key};
use tributary_certs::office::make_token;
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Caps, RunRef};
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;
use tributary_texts::{Language, Said};
use tributary_transport::preflight::Findings;

use crate::begin::begin_budget;
use crate::budget::begun_budget;
use crate::error::ClientError;
use crate::identity::BranchIdentity;
use crate::policy::{BranchPolicy, SAMPLE};
use crate::raise::{Grounds, propose, read_proposed};
use crate::release::release_run;
use crate::settings::Settings;
use crate::test_home::{accepted, copied, furnish, token};
use crate::{home, standing};

const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;
const SCHEMA: &str = include_str!("../../docs/samples/schemas/deposit_churn.toml");

/// Its folder, and when it was enrolled.
pub(crate) struct Home(tempfile::TempDir, u64);

impl Home {
    fn enrolled() -> Self {
        Self::enrolled_at(NOW)
    }

    pub(crate) fn enrolled_at(now: u64) -> Self {
        let home = Self(tempfile::tempdir().unwrap(), now);
        let domain = TrustDomain::parse("federation.example").unwrap();
        init_authority(&home.at("office"), &domain, 1, 1, now).unwrap();
        let host_names = ["localhost".to_owned()];
        let request =
            CoordinatorRequest { organisation: "centre", id: "main", host_names: &host_names, addresses: &[] };
        issue_coordinator(&home.at("office"), &request, &home.at("centre"), now).unwrap();
        issue_client(&home.at("office"), "north-bank", "branch-01", &home.at("identity"), now).unwrap();
        furnish(home.0.path(), SCHEMA);
        write_signing_key(&SigningKey::from_seed(&[5; 32]), &home.at("other.key")).unwrap();
        home
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A copy of it in another place, without those who enrolled it.
    pub(crate) fn copied(&self) -> Self {
        Self(copied(self.0.path(), &["office", "centre"]), self.1)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::load(&self.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// In English, with `HOME` for the folder.
    fn plain(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "HOME")
    }

    fn told(&self, done: Result<Vec<Said>, ClientError>) -> Result<Vec<String>, String> {
        let english = |line: &Said| self.plain(line.text(Language::English));
        done.map(|lines| lines.iter().map(english).collect()).map_err(|fault| self.plain(&fault.to_string()))
    }

    pub(crate) fn begin(&self) {
        begin_budget(&self.at("client.toml"), &self.at("owner.key"), false, self.1 * 1_000)
            .unwrap_or_else(|fault| panic!("{fault}"));
    }

    /// Puts an event into the budget file, as a daemon that ran before.
    pub(crate) fn append(&self, event: ParticipantEvent) {
        let Ok((mut file, _)) = begun_budget(&self.settings()) else { panic!("it was begun") };
        file.append(Millis(NOW * 1_000), event).and_then(|()| file.sync()).unwrap_or_else(|fault| panic!("{fault}"));
    }

    fn standing(&self, settings: &Settings) -> String {
        let mut found = Findings::default();
        standing::standing(&mut found, settings, NOW + DAY);
        self.plain(&found.to_string())
    }
}

#[test]
fn what_stands_on_a_machine_is_told_as_it_was() {
    let home = Home::enrolled();
    let mut told = String::new();
    let mut tell = |heading: &str, text: &str| told += &format!("== {heading}\n{text}\n");
    tell("enrolled", &home.standing(&home.settings()));
    home.begin();
    tell("begun", &home.standing(&home.settings()));
    let public = home.at("identity").join(names::SIGNING_PUBLIC);
    let own = std::fs::read(&public).unwrap();
    write_verifying_key(&SigningKey::from_seed(&[5; 32]).verifying_key(), &public).unwrap();
    tell("another public half", &home.standing(&home.settings()));
    std::fs::write(&public, "damaged\n").unwrap();
    tell("a damaged public half", &home.standing(&home.settings()));
    std::fs::remove_file(&public).unwrap();
    tell("no public half", &home.standing(&home.settings()));
    std::fs::write(&public, own).unwrap();
    std::fs::write(home.at("policy.toml"), format!("{SAMPLE}\n")).unwrap();
    tell("a policy that was changed", &home.standing(&home.settings()));
    let elsewhere = Settings { state_dir: home.at("customers.csv"), ..home.settings() };
    tell("a file for the state", &home.standing(&elsewhere));
    std::fs::write(home.at("schema.toml"), "damaged").unwrap();
    tell("a damaged schema", &home.standing(&home.settings()));
    let look = |now| match BranchIdentity::look(home.settings().identity.clone(), now) {
        Ok(identity) => identity,
        Err(fault) => panic!("{fault}"),
    };
    let identity = look(NOW + DAY);
    for seconds in [DAY, 22 * DAY + DAY / 2 - 300, 23 * DAY + 7_200, 28 * DAY, 30 * DAY, 30 * DAY + 1, 31 * DAY] {
        let mut found = Findings::default();
        standing::certificate(&mut found, &identity, NOW + seconds);
        tell(&format!("the certificate after {seconds} seconds"), &home.plain(&found.to_string()));
    }
    for seconds in [DAY, 6 * DAY, 6 * DAY + 3_601, 7 * DAY, 7 * DAY + 1] {
        let mut found = Findings::default();
        standing::lists(&mut found, &identity, NOW + seconds);
        let name = without_marks(&home.plain(&found.to_string()));
        tell(&format!("the lists after {seconds} seconds"), &name);
    }
    assert_eq!(told, include_str!("whole_branch.txt"), "{told}");
}

/// An authority's name ends in digits that were drawn; here in noughts.
fn without_marks(text: &str) -> String {
    let mut parts = text.split("authority ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| {
        let drawn = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let digits = if drawn == 8 { "00000000" } else { &part[..drawn] };
        format!("{told}authority {digits}{}", &part[drawn..])
    })
}

#[test]
fn a_branch_s_folder_is_furnished_once_and_owned_by_one_key() {
    let place = Home::enrolled();
    let request = token("branch-02", "fl.bank.example:7443");
    make_token(&place.at("office"), &request, &place.at("branch-02.bundle"), NOW).unwrap();
    let (folder, bundle, schema) = (place.at("home"), place.at("branch-02.bundle"), place.at("schema.toml"));
    let furnish = |schema: Option<&Path>| place.told(home::furnish(&folder, &bundle, schema));
    let bare = furnish(None).unwrap();
    assert_eq!(bare.len(), 1, "{bare:?}");
    assert!(bare[0].contains("HOME/home/client.toml"), "{bare:?}");
    assert!(std::fs::read_to_string(folder.join("client.toml")).unwrap().contains("\"fl.bank.example:7443\""));
    let furnished = furnish(Some(&schema)).unwrap();
    assert!(furnished.len() == 1 && furnished[0].contains("HOME/home/policy.toml"), "{furnished:?}");
    assert_eq!(std::fs::read(folder.join("schema.toml")).unwrap(), std::fs::read(&schema).unwrap());
    // Again, what is there stays; and another schema is refused before anything is written.
    std::fs::write(folder.join("policy.toml"), SAMPLE).unwrap();
    assert_eq!(furnish(Some(&schema)), Ok(vec![]));
    std::fs::write(place.at("another.toml"), format!("{SCHEMA}\n# another\n")).unwrap();
    let refused = furnish(Some(&place.at("another.toml"))).unwrap_err();
    assert!(refused.contains("HOME/home/schema.toml") && refused.contains("HOME/another.toml"), "{refused}");
    assert!(refused.find("HOME/home/schema.toml") < refused.find("HOME/another.toml"), "{refused}");
    assert_eq!(std::fs::read_to_string(folder.join("schema.toml")).unwrap(), SCHEMA);
    let own = |key: &str| place.told(home::own(&folder, &place.at(key), false, NOW * 1_000));
    let first = own("owner.key").unwrap();
    assert!(!first.is_empty() && folder.join("owner.pub").exists() && folder.join("policy.toml.sig").exists());
    assert!(own("owner.key").is_ok());
    for other in ["other.key", "nothing.key"] {
        let refused = own(other).unwrap_err();
        assert!(refused.contains(&format!("HOME/{other}")) && refused.contains("HOME/home/owner.pub"), "{refused}");
        assert!(refused.find(&format!("HOME/{other}")) < refused.find("HOME/home/owner.pub"), "{refused}");
    }
}

#[test]
fn a_run_is_let_go_by_its_owner_when_its_plan_is_over() {
    let home = Home::enrolled();
    home.begin();
    let run = RunRef { plan: Digest([0xab; 32]), number: 2 };
    let end = (NOW + 10 * DAY) * 1_000;
    home.append(accepted(run, end));
    let release =
        |name: &str, key: &str, now: u64| home.told(release_run(&home.at("client.toml"), name, &home.at(key), now));
    let short = run.plan.short();
    let text = |part: &str| part.to_owned();
    let cases = [
        (
            "abababab/3",
            "owner.key",
            end,
            vec![text("HOME/state/budget.ledger: "), text("abababab/3"), format!("{short}/2")],
        ),
        ("abababab/2", "owner.key", end - 1, vec![text("HOME/state/budget.ledger: "), short.clone(), text(" 1 ")]),
        ("abababab/2", "owner.key", end - DAY * 1_000 - 1, vec![short.clone(), text(" 2 ")]),
        ("abababab/2", "other.key", end, vec![text("HOME/state/budget.ledger: "), text("HOME/other.key")]),
    ];
    for (name, key, now, parts) in cases {
        let refused = release(name, key, now).unwrap_err();
        for part in parts {
            assert!(refused.contains(&part), "{part:?} in {refused}");
        }
    }
    let done = release("abababab/2", "owner.key", end).unwrap();
    assert!(done.len() == 2 && done[0].contains(&run.plan.to_string()), "{done:?}");
    let again = release("abababab/2", "owner.key", end).unwrap_err();
    assert!(again.contains("none"), "{again}");
}

#[test]
fn a_raise_is_proposed_by_the_owner_of_a_policy_with_higher_caps() {
    let home = Home::enrolled();
    home.begin();
    let to = match BranchPolicy::owned(&home.settings()) {
        Ok(policy) => policy.epsilon_caps(),
        Err(fault) => panic!("{fault}"),
    };
    let out = home.at("caps.raise");
    let asked = |key: &str, reason: &str, ticket: &str| {
        let grounds = Grounds { reason, ticket };
        home.told(propose(&home.at("client.toml"), &home.at(key), grounds, &out, NOW * 1_000))
    };
    let refused = |key: &str, reason: &str| asked(key, reason, "change 17").unwrap_err();
    let nothing = refused("owner.key", "a second model");
    home.append(ParticipantEvent::CapsNoted { caps: to });
    assert_eq!(refused("owner.key", "a second model"), nothing, "the caps of the policy are those of the file");
    let from = Caps { life_bits: (f64::from_bits(to.life_bits) - 1.0).to_bits(), ..to };
    home.append(ParticipantEvent::CapsNoted { caps: from });
    assert_ne!(refused("other.key", "a second model"), nothing);
    assert_ne!(refused("owner.key", "two\nlines"), nothing);
    assert!(!out.exists());
    let lines = asked("owner.key", "a second model", "change 17").unwrap();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].contains("epsilon 7 for life") && lines[1].contains("epsilon 8 for life"), "{lines:?}");
    assert!(lines[2].contains("a second model") && lines[3].contains("change 17"), "{lines:?}");
    assert!(lines[5].contains("HOME/caps.raise"), "{lines:?}");
    let proposed = match read_proposed(&out) {
        Ok(proposed) => proposed,
        Err(fault) => panic!("{fault}"),
    };
    assert!(lines[4].contains(&proposed.digest().to_string()), "{lines:?}");
    let shown: Vec<String> = proposed.words().iter().map(|line| line.text(Language::English).to_owned()).collect();
    assert_eq!(shown, lines[..5]);
    // Nobody but its owner has signed it: it is not applied.
    let applied = crate::raise::apply(&home.at("client.toml"), &out, &home.at("roster"), NOW * 1_000);
    assert!(home.told(applied).unwrap_err().contains("HOME/caps.raise"));
}

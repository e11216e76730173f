//! A bank with partners: certificates of the partners' own authorities, the whole noise by themselves, and nobody's word for another.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use tributary_certs::enrolment::{names, open_authority, write_certificates};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::Identity;
use tributary_certs::inspect::verify_chain;
use tributary_certs::issue::{LeafRequest, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::tls::{TrustRoots, read_certificates};
use tributary_storage::files::Existing;

use crate::demo::{demo, only_run};
use crate::support::{EXECUTABLE, activate, run};

/// A demo of eight branches and two partners that ran to its end.
struct Ran {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    figures: serde_json::Value,
}

impl Ran {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap().join("run");
        let finished = demo(&dir, &["--json", "--epsilon", "8", "--partners", "2"]);
        assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
        Self { _folder: folder, dir, figures: finished.json() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    fn json(&self, words: &[&str], file: &str) -> serde_json::Value {
        let file = self.at(file);
        let finished = run(words.iter().map(Path::new).chain([file.as_path()]));
        assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
        finished.json()
    }

    /// Gives the first partner a certificate for its own key, from this authority, in the folder that its settings name.
    fn misname(&self, authority: &str) {
        let folder = self.at("identities/partner-000");
        let validity = Validity::starting(now(), 86_400);
        let identity = Identity::parse("spiffe://demo.tributary/partner-000/client/partner-000").unwrap();
        let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity };
        let key = TlsKey::read(&folder.join(names::KEY)).unwrap();
        let authority = open_authority(&self.at(authority)).unwrap();
        let chain = authority.issue_for(&mut OsEntropy, &request, &key.spki()).unwrap();
        write_certificates(&folder.join(names::CHAIN), chain.certificates(), Existing::Replace).unwrap();
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn partners_bring_their_own_authority_and_the_whole_noise() {
    let ran = Ran::new();
    assert_eq!((&ran.figures["branches"], &ran.figures["partners"]), (&10.into(), &2.into()));
    // Eight of six shares, and two whole noises.
    let excess = ran.figures["noise_excess"].as_f64().unwrap();
    assert!((excess - (8.0_f64 / 6.0 + 2.0).sqrt()).abs() < 1e-9, "{excess}");
    let ledger = "coordinator/state/audit.log";
    let verdict = only_run(&ran.json(&["verify", "ledger", "--json"], ledger));
    assert_eq!((&verdict["rounds_committed"], &verdict["complete"]), (&4.into(), &true.into()));
    let statement = ran.json(&["verify", "statement", "--json"], ledger);
    let full = &statement["protections"][2];
    assert!(full["who"].as_str().unwrap().contains("own_noise = \"full\""), "{full}");
    assert!(full["epsilon_run"].is_f64());
    assert_eq!(full["epsilon_run"], statement["figures"]["epsilon_run"]);

    // An organisation each in the roster, behind the bank's.
    let roster = fs::read_to_string(ran.at("authority/roster")).unwrap();
    for (client, organisation) in [(1, 1), (8, 1), (9, 2), (10, 3)] {
        let line = roster.lines().find(|line| line.starts_with(&format!("client {client} "))).unwrap();
        assert!(line.contains(&format!(" organisation {organisation} ")), "{line}");
    }
    for (number, other) in [(0, 1), (1, 0)] {
        let name = format!("partner-00{number}");
        let chain = read_certificates(&ran.at(&format!("identities/{name}/identity.pem"))).unwrap();
        let root = |authority: &str| TrustRoots::read(&ran.at(authority).join("trust.pem")).unwrap();
        let own = root(&format!("partners/{name}/authority"));
        let named = verify_chain(&own, &chain[0], &chain[1..], now()).unwrap();
        assert_eq!(named.organisation(), name);
        let stranger = root(&format!("partners/partner-00{other}/authority"));
        let refused = verify_chain(&stranger, &chain[0], &chain[1..], now()).unwrap_err();
        assert_eq!(refused.kind, FaultKind::ForeignAuthority);
        // The coordinator's own folder restricts each of them.
        assert!(ran.at(&format!("identities/coordinator/trust-{name}.pem")).is_file());
        let budget = ran.json(&["client", "budget", "--json", "--config"], &format!("partners/{name}/client.toml"));
        let stage = &budget["plans"][0]["runs"][0]["stages"][0];
        assert_eq!((&stage["kind"], &stage["charged"]), (&"gradient".into(), &4.into()));
        assert_eq!(budget["own_noise"], "full");
        assert_eq!(budget["epsilon_spent"], verdict["epsilon"], "whole noise is no other charge");
    }
    let budget = ran.json(&["client", "budget", "--json", "--config"], "branches/branch-000/client.toml");
    assert_eq!(budget["own_noise"], "share");
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A coordinator on a fresh state, and the first partner on its way to it.
struct Door {
    _coordinator: Running,
    _partner: Running,
    log: BufReader<ChildStderr>,
    events: BufReader<ChildStdout>,
}

impl Door {
    fn open(ran: &Ran) -> Self {
        // Not there after the first time.
        let _ = fs::remove_dir_all(ran.at("coordinator/state"));
        let start = |words: [&str; 2], config: &str| {
            let mut command = Command::new(EXECUTABLE);
            command.args(words).args(["--events", "--config"]).arg(ran.at(config)).stdin(Stdio::null());
            Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        };
        activate(&ran.at(""), &ran.at("coordinator/coordinator.toml"));
        let mut coordinator = start(["coordinator", "serve"], "coordinator/coordinator.toml");
        let log = BufReader::new(coordinator.0.stderr.take().unwrap());
        let mut events = BufReader::new(coordinator.0.stdout.take().unwrap());
        let listening = event(&mut events, "listening");
        let config = "partners/partner-000/client.toml";
        let text = fs::read_to_string(ran.at(config)).unwrap();
        let old = text.lines().find(|line| line.starts_with("address")).unwrap();
        let new = format!("address = \"{}\"", listening["address"].as_str().unwrap());
        fs::write(ran.at(config), text.replace(old, &new)).unwrap();
        let partner = start(["client", "run"], config);
        Self { _coordinator: coordinator, _partner: partner, log, events }
    }
}

/// The next event of this name.
fn event(lines: &mut BufReader<ChildStdout>, name: &str) -> serde_json::Value {
    let mut lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    lines.find(|event| event["event"] == name).unwrap_or_else(|| panic!("the coordinator ended before {name}"))
}

#[test]
fn nobody_speaks_for_a_partner_but_its_own_authority() {
    let ran = Ran::new();
    // Another partner's authority, and the bank's own, each for the key that the roster names.
    for authority in ["partners/partner-001/authority", "authority"] {
        ran.misname(authority);
        let refused = Door::open(&ran).log.lines().find(|line| line.as_ref().unwrap().contains("connection over"));
        let refused = refused.expect("the coordinator says why").unwrap();
        assert!(refused.contains("[126 certificate-wrong-authority]"), "{authority}: {refused}");
    }
    ran.misname("partners/partner-000/authority");
    assert_eq!(event(&mut Door::open(&ran).events, "joined")["client"], 9);
}

#[test]
fn partners_need_invented_customers() {
    let words = ["demo", "--partners", "1", "--data", "a.csv", "--schema", "a", "--partition", "a", "--split", "a"];
    run(words).assert_refused(64, &["--partners", "--data", "leave one of the two out"]);
    run(["demo", "--partners", "249", "--branches", "8"]).assert_refused(64, &["249 partners", "256"]);
}

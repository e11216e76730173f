//! The command line through the built executable: exit codes as a table, settings explained, certificates issued and inspected.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{self, EXECUTABLE, run};

/// `docs/OPERATING.md` describes the codes; these are the ways to each that need no federation.
#[test]
fn exit_codes_are_those_of_the_manual() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let faulty = path("faulty.toml");
    fs::write(&faulty, "[client]\ncolour = 1\n").unwrap();
    let table: &[(&[&str], i32)] = &[
        (&["--help"], 0),
        (&["--version"], 0),
        (&["demo", "--help"], 0),
        (&["coordinator", "init", &path("new")], 0),
        (&["config", "check", &faulty], 2),
        (&["config", "check", &path("absent.toml")], 2),
        (&["config", "check", "--json", &faulty], 2),
        (&["client", "run", "--config", &faulty], 2),
        (&["coordinator", "serve", "--config", &path("absent.toml")], 2),
        (&["verify", "ledger", &path("absent")], 4),
        (&["certs", "inspect", &path("absent")], 1),
        (&["coordinator", "init", &path("new")], 1),
        (&[], 64),
        (&["nonsense"], 64),
        (&["demo", "--rounds", "0"], 64),
        (&["demo", "--branches", "7"], 64),
        (&["demo", "--epsilon", "0"], 64),
        (&["demo", "--delta", "1"], 64),
        (&["demo", "--data", "x.csv"], 64),
        (&["demo", "--model", "forest"], 64),
        (&["verify", "ledger", "--delta", "2", "x"], 64),
        (&["coordinator", "serve"], 64),
        (&["client", "run", "--config"], 64),
    ];
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATING.md")).unwrap();
    for (arguments, code) in table {
        let finished = run(*arguments);
        assert_eq!(finished.code, Some(*code), "{arguments:?}: {} {}", finished.out, finished.err);
        assert!(manual.contains(&format!("| {code} |")), "docs/OPERATING.md has no row for {code}");
        assert!(!finished.err.contains("panicked"), "{arguments:?}: {}", finished.err);
    }
}

#[test]
fn few_branches_are_refused_with_the_reason() {
    run(["demo", "--branches", "7"]).assert_refused(64, &["7 branches are too few", "8 or more"]);
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "x").unwrap();
    let arguments = ["demo".as_ref(), "--dir".as_ref(), folder.path().as_os_str()];
    run(arguments).assert_refused(1, &["is not empty", "Name an empty"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn every_fault_of_a_settings_file_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.toml");
    let text = "[client]\nstate_dir = \"state\"\nstate_dri = \"x\"\n[coordinator]\naddress = \"nowhere\"\n\
                [identity]\nfolder = \"identity\"\n[data]\nfile = \"absent.csv\"\nschema = \"absent.toml\"\n\
                [policy]\nfile = \"absent\"\nepsilon_max = 1\n";
    fs::write(&file, text).unwrap();
    let check = |json: bool| {
        let words = ["config".as_ref(), "check".as_ref(), file.as_os_str()];
        run(words.into_iter().chain(json.then_some("--json".as_ref())))
    };
    let faults = ["client.state_dri", "coordinator.address", "identity.folder", "data.file", "data.schema"];
    let faults = [&faults[..], &["policy.file", "policy.owner", "policy.epsilon_max"]].concat();
    let file_name = [file.to_str().unwrap(), "found", "allowed"];
    check(false).assert_refused(2, &[&faults[..], &file_name[..]].concat());
    let found = check(true).json();
    let keys: Vec<&str> =
        found["faults"].as_array().unwrap().iter().map(|fault| fault["key"].as_str().unwrap()).collect();
    assert_eq!(found["valid"], false);
    for key in faults {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }

    fs::write(&file, "[nobody]\nx = 1\n").unwrap();
    check(false).assert_refused(2, &["[client]", "[coordinator]"]);
    fs::write(&file, "[client\n").unwrap();
    check(false).assert_refused(2, &["line 1"]);
}

#[test]
fn a_federation_can_be_enrolled_and_inspected() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let authority = path("authority");
    let certs = |what: &[&str], more: &[&str]| {
        run(["certs"].iter().chain(what).chain(&["--authority", &authority]).chain(more))
    };
    let issue = |what: &str, more: &[&str]| certs(&["issue", what], more);
    let done = |finished: support::Finished| assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    done(certs(&["init"], &["--trust-domain", "bank.test", "--authorities", "3", "--needed", "2"]));
    certs(&["init"], &["--trust-domain", "bank.test"]).assert_refused(1, &["exists already"]);
    let centre = ["--organisation", "bank", "--id", "centre"];
    done(issue("coordinator", &[&centre[..], &["--host", "localhost", "--out", &path("centre")]].concat()));
    let branch = ["--organisation", "bank", "--id", "b1", "--out"];
    done(issue("client", &[&branch[..], &[&path("b1")]].concat()));
    issue("client", &[&branch[..], &[&path("b2")]].concat()).assert_refused(1, &["enrolled already"]);
    let ca = Path::new(&authority);
    let roster = support::sign_roster(ca, &[ca]);
    assert!(roster.contains("roster 1 of 1 client with 3 signatures is in force"), "{roster}");

    let inspect = |file: &str, trust: &str| run(["certs", "inspect", "--json", "--trust", trust, file]);
    let found = inspect(&path("b1/identity.pem"), &path("b1/trust.pem"));
    assert_eq!(found.code, Some(0), "{} {}", found.out, found.err);
    let found = found.json();
    assert_eq!(found["identity"], "spiffe://bank.test/bank/client/b1");
    assert_eq!((&found["role"], &found["problems"]), (&"client".into(), &serde_json::json!([])));

    // Another authority's certificate is a problem, not a crash.
    let other = path("other");
    done(run(["certs", "init", "--authority", &other, "--trust-domain", "bank.test"]));
    let foreign = inspect(&path("b1/identity.pem"), &path("other/trust.pem"));
    assert_eq!(foreign.code, Some(1));
    assert_eq!(foreign.json()["problems"].as_array().unwrap().len(), 1);
}

/// The authority names groups, and the next roster carries them.
#[test]
fn groups_are_named_listed_and_signed_with_the_roster() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let certs = |words: &[&str]| run(["certs"].iter().chain(words).chain(&["--authority", &path("ca")]));
    let done = |words: &[&str]| {
        let finished = certs(words);
        assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        finished.out
    };
    done(&["init", "--trust-domain", "bank.example", "--authorities", "1", "--needed", "1"]);
    let pair = ["issue", "coordinator", "--organisation", "bank", "--id", "centre", "--host", "localhost"];
    done(&[&pair[..], &["--out", &path("centre")]].concat());
    for number in 1..=4 {
        let id = format!("branch-{number}");
        done(&["issue", "client", "--organisation", "bank", "--id", &id, "--out", &path(&id)]);
    }
    let made = done(&["roster", "group", "pilot", "--members", "1-2,4"]);
    assert!(made.contains("group pilot has 3 members, 1-2,4") && made.contains("propose the next roster"), "{made}");
    assert_eq!(done(&["roster", "group"]), "pilot  1-2,4\n");
    certs(&["roster", "group", "pilot", "--members", "9"]).assert_refused(1, &["client 9 is not in the members list"]);
    certs(&["roster", "group", "all", "--members", "1"]).assert_refused(1, &["always means every client"]);
    certs(&["roster", "group", "pilot", "--members", "2,1"]).assert_refused(64, &["ascending"]);
    assert_eq!(certs(&["roster", "group", "pilot"]).code, Some(64), "members or removal");
    let ca = folder.path().join("ca");
    let signed = support::sign_roster(&ca, &[&ca]);
    assert!(signed.contains("roster 1 of 4 clients with 1 signature is in force; groups pilot"), "{signed}");
    let roster = fs::read_to_string(path("ca/roster")).unwrap();
    assert!(roster.contains("\ngroup pilot 1-2 4\nsignature 0 "), "{roster}");
    done(&["roster", "group", "pilot", "--remove"]);
    assert_eq!(done(&["roster", "group"]), "");
    support::sign_roster(&ca, &[&ca]);
    certs(&["roster", "propose", "--out", &path("nothing")]).assert_refused(1, &["nothing differs from roster 2"]);
    assert!(!fs::read_to_string(path("ca/roster")).unwrap().contains("\ngroup "));
}

/// A full disk, or a reader that has gone, is a failure of the command like any other, and no panic.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_told_and_ends_with_1() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let words = ["privacy", "account", "--noise-multiplier", "1", "--rounds", "1", "--delta", "1e-6"];
    let ended = Command::new(EXECUTABLE).args(words).stdout(full).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("The answer is lost") && !told.contains("panicked"), "{told}");
}

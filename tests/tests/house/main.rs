//! The house's rules, over `cargo metadata`, `deny.toml` and the sources: who may know whom, and which crate is named where.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod circles;
mod manuals;
mod places;
mod source;
mod texts;

/// Which of our packages each of our packages may depend on, in any kind of dependency.
const HOUSE: [(&str, &[&str]); 15] = [
    ("tributary-protocol", &[]),
    ("tributary-settings", &["tributary-protocol"]),
    // Words alone.
    ("tributary-texts", &[]),
    ("tributary-storage", &["tributary-protocol"]),
    ("tributary-model", &["tributary-protocol"]),
    ("tributary-certs", &["tributary-protocol", "tributary-storage"]),
    (
        "tributary-transport",
        &["tributary-protocol", "tributary-certs", "tributary-settings", "tributary-storage", "tributary-texts"],
    ),
    // What both daemons need, and neither decides by.
    (
        "tributary-daemon",
        &[
            "tributary-protocol",
            "tributary-certs",
            "tributary-transport",
            "tributary-storage",
            "tributary-settings",
            "tributary-texts",
        ],
    ),
    // What somebody else recomputes: no daemon, no file.
    ("tributary-evidence", &["tributary-protocol", "tributary-model", "tributary-certs"]),
    // Plans, their files and their signatures: no daemon.
    (
        "tributary-planning",
        &["tributary-protocol", "tributary-model", "tributary-certs", "tributary-storage", "tributary-settings"],
    ),
    // A plan's stages in one process: no daemon, no network, no file. Plans are for its tests.
    ("tributary-rehearsal", &["tributary-protocol", "tributary-model", "tributary-planning"]),
    ("tributary-coordinator", &COORDINATOR),
    ("tributary-client", &SHELL),
    ("tributary", &EXECUTABLE),
    ("tributary-tests", &EVERYTHING),
];

/// What the two daemons may know.
const SHELL: [&str; 8] = [
    "tributary-protocol",
    "tributary-model",
    "tributary-certs",
    "tributary-transport",
    "tributary-daemon",
    "tributary-storage",
    "tributary-settings",
    "tributary-texts",
];

/// What the coordinator may know besides: it reads the plan that two people signed, and says of it what an auditor says.
const COORDINATOR: [&str; 9] = [
    "tributary-protocol",
    "tributary-model",
    "tributary-certs",
    "tributary-evidence",
    "tributary-planning",
    "tributary-transport",
    "tributary-daemon",
    "tributary-storage",
    "tributary-settings",
];

/// What the executable may know: the roles, and the simulator where the feature asks for it.
const EXECUTABLE: [&str; 14] = [
    "tributary-protocol",
    "tributary-model",
    "tributary-certs",
    "tributary-evidence",
    "tributary-planning",
    "tributary-rehearsal",
    "tributary-transport",
    "tributary-daemon",
    "tributary-storage",
    "tributary-settings",
    "tributary-coordinator",
    "tributary-client",
    "tributary-tests",
    "tributary-texts",
];

/// What the simulator may know besides what its tests do: no learning, no sockets.
const SIMULATOR: [&str; 2] = ["tributary-protocol", "tributary-certs"];

/// What the tests may know.
const EVERYTHING: [&str; 13] = [
    "tributary-protocol",
    "tributary-model",
    "tributary-certs",
    "tributary-evidence",
    "tributary-planning",
    "tributary-rehearsal",
    "tributary-transport",
    "tributary-daemon",
    "tributary-storage",
    "tributary-settings",
    "tributary-coordinator",
    "tributary-client",
    "tributary-texts",
];

/// Crates with one home: the packages that may depend on them, and the only sources that name them. Nothing: no source of ours at all.
const HOMES: [(&str, &[&str], &[&str]); 9] = [
    ("lettre", &["tributary-daemon"], &["daemon/src/notices/"]),
    ("ureq", &["tributary-daemon"], &["daemon/src/notices/hook/webhook.rs"]),
    ("blake3", &["tributary-protocol"], &["protocol/src/digest.rs"]),
    ("bincode", &["tributary-protocol"], &["protocol/src/codec.rs"]),
    ("burn-tensor", &["tributary-model"], &["model/src/network/", "model/src/train/"]),
    ("quinn", &["tributary-transport"], &["transport/src/quic/", "transport/src/wire.rs"]),
    (
        "rcgen",
        &["tributary-certs", "tributary-coordinator", "tributary-daemon"],
        &["certs/", "coordinator/tests/", "coordinator/src/sink/tests.rs", "daemon/src/notices/hook/tests.rs"],
    ),
    ("aws_lc_rs", &["tributary-certs"], &["certs/"]),
    ("cryptoki", &["tributary-certs"], &["certs/src/pkcs11/", "certs/tests/pkcs11/"]),
];

/// Wanted for tests alone: package and crate.
const TESTS_ONLY: [(&str, &str); 2] = [("tributary-coordinator", "rcgen"), ("tributary-daemon", "rcgen")];

/// Crates that nobody may depend on, directly or not.
const BANNED: [&str; 2] = ["openssl", "ring"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo {arguments:?}: {words}");
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// Each of our packages with the names of everything that it depends on, in any kind.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    wanted(|_| true)
}

/// As [`dependencies`], without those for tests and benches.
fn shipped() -> BTreeMap<String, BTreeSet<String>> {
    wanted(|dependency| dependency["kind"] != "dev")
}

fn metadata() -> serde_json::Value {
    let text = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"]);
    serde_json::from_str(&text).expect("metadata is JSON")
}

fn wanted(counts: impl Fn(&serde_json::Value) -> bool) -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let list = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().expect("dependencies");
        all.iter().filter(|dependency| counts(dependency)).map(name).collect()
    };
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (name(package), list(package))).collect()
}

#[test]
fn nobody_knows_whom_they_must_not() {
    let found = dependencies();
    let rules: BTreeMap<&str, &[&str]> = HOUSE.into_iter().collect();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), rules.keys().copied().collect::<Vec<_>>());
    for (package, known) in &found {
        let ours: Vec<&str> = known.iter().map(String::as_str).filter(|name| rules.contains_key(name)).collect();
        let allowed = rules[package.as_str()];
        for name in ours {
            assert!(allowed.contains(&name), "{package} knows {name}, and may only know {allowed:?}");
        }
    }
}

#[test]
fn the_simulator_is_light() {
    let known = &shipped()["tributary-tests"];
    let ours: Vec<&str> = known.iter().map(String::as_str).filter(|name| name.starts_with("tributary")).collect();
    assert_eq!(ours.iter().copied().collect::<BTreeSet<_>>(), SIMULATOR.into_iter().collect());
    let tree = tree("simulate");
    assert!(tree.contains("tributary-tests"));
    for heavy in ["burn-tensor", "quinn", "tributary-coordinator", "tributary-client"] {
        assert!(!tree.contains(heavy), "the simulator wants {heavy}");
    }
}

/// Defences can be taken down in builds that ask for it by name, and in no other.
#[test]
fn sabotage_is_asked_for_by_name_alone() {
    let metadata = metadata();
    let mut askers = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let package_name = package["name"].as_str().expect("a name");
        for (feature, wants) in package["features"].as_object().expect("features") {
            let wants = wants.as_array().expect("a list").iter().filter_map(serde_json::Value::as_str);
            if feature != "sabotage" && wants.into_iter().any(|wanted| wanted.ends_with("sabotage")) {
                askers.push(format!("{package_name}/{feature}"));
            }
        }
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let features = dependency["features"].as_array().expect("a list");
            assert!(features.iter().all(|feature| feature != "sabotage"), "{package_name} always has sabotage");
        }
    }
    assert_eq!(askers, Vec::<String>::new());
}

/// What is for tests alone, as a kind of stage and a medium that fails, is in no executable: only tests ask for it.
#[test]
fn what_is_for_tests_is_asked_for_by_tests_alone() {
    let storage = ["tributary-certs", "tributary-client", "tributary-coordinator"];
    for (wanted, by) in [("test-stage", &["tributary-tests"][..]), ("faults", &storage)] {
        let mut askers = BTreeSet::new();
        for package in metadata()["packages"].as_array().expect("packages") {
            let name = package["name"].as_str().expect("a name");
            for dependency in package["dependencies"].as_array().expect("dependencies") {
                let features = dependency["features"].as_array().expect("a list");
                if features.iter().any(|feature| feature == wanted) {
                    assert_eq!(dependency["kind"], "dev", "{name} ships {wanted}");
                    askers.insert(name.to_owned());
                }
            }
            let features = package["features"].as_object().expect("features").values();
            let wants =
                features.flat_map(|wants| wants.as_array().expect("a list")).filter_map(serde_json::Value::as_str);
            assert!(wants.into_iter().all(|want| !want.ends_with(wanted)), "{name} has {wanted} by a feature");
        }
        assert_eq!(askers, by.iter().map(|name| (*name).to_owned()).collect(), "{wanted}");
    }
}

/// Part in plans of the modes `branch` and `none` is in no executable by default, and in none for another feature's sake.
#[test]
fn weak_modes_are_asked_for_by_name_and_by_tests_alone() {
    let metadata = metadata();
    let mut features_of = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let features = dependency["features"].as_array().expect("a list");
            let asks = features.iter().any(|feature| feature == "weak-modes");
            assert!(!asks || dependency["kind"] == "dev", "{name} always has the weak modes");
        }
        for (feature, wants) in package["features"].as_object().expect("features") {
            let wants = wants.as_array().expect("a list").iter().filter_map(serde_json::Value::as_str);
            if wants.into_iter().any(|wanted| wanted.ends_with("weak-modes")) {
                features_of.push(format!("{name}/{feature}"));
            }
        }
    }
    assert_eq!(features_of, ["tributary/weak-modes"]);
}

/// Whoever recomputes reads bytes that somebody hands over: no file, no socket, no thread, no clock, no variable.
#[test]
fn evidence_is_recomputed_from_what_is_handed_over() {
    let mut sources = Vec::new();
    collect(&root().join("evidence/src"), &mut sources);
    assert!(sources.len() > 5, "the sources were found");
    for path in sources {
        let text = fs::read_to_string(&path).expect("UTF-8");
        for word in ["std::fs", "std::net", "std::thread", "std::env", "SystemTime", "Instant", "OsEntropy"] {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn crates_with_one_home_are_wanted_nowhere_else() {
    for (package, crate_name) in TESTS_ONLY {
        assert!(!shipped()[package].contains(crate_name), "{package} ships {crate_name}");
    }
    for (package, known) in dependencies() {
        for (name, packages, _) in HOMES {
            let crate_name = name.replace('_', "-");
            assert!(
                !known.contains(&crate_name) || packages.contains(&package.as_str()),
                "{package} wants {crate_name}"
            );
        }
        for name in BANNED {
            assert!(!known.contains(name), "{package} wants {name}");
        }
    }
}

#[test]
fn crates_with_one_home_are_named_nowhere_else() {
    let mut sources = Vec::new();
    collect(&root(), &mut sources);
    assert!(sources.len() > 100, "the sources were found");
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for path in sources {
        let relative = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        if relative.starts_with("tests/tests/house/") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source is UTF-8");
        for (name, _, homes) in HOMES {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let here = lines.filter(|line| names(line, name)).count();
            *named.entry(name).or_default() += here;
            let home = homes.iter().any(|home| relative.starts_with(home));
            assert!(here == 0 || home, "{relative} names {name}, which is for {homes:?}");
        }
    }
    assert!(named.values().all(|count| *count > 0), "a rule about a name that nobody uses tests nothing: {named:?}");
}

#[test]
fn the_core_has_no_standard_library() {
    let text = fs::read_to_string(root().join("protocol/src/lib.rs")).expect("the core");
    assert!(text.contains("#![no_std]"));
    let known = &dependencies()["tributary-protocol"];
    for loud in ["tokio", "tracing", "getrandom", "rand", "socket2"] {
        assert!(!known.contains(loud), "the quiet core wants {loud}");
    }
}

#[test]
fn each_role_comes_without_the_other() {
    let (client, coordinator) = (tree("client"), tree("coordinator"));
    assert!(client.contains("tributary-client") && !client.contains("tributary-coordinator"));
    assert!(coordinator.contains("tributary-coordinator") && !coordinator.contains("tributary-client"));
    // Only branches train.
    assert!(client.contains("burn-tensor") && !coordinator.contains("burn-tensor"));
    // Training takes one core of a branch's machine: no library beside the worker's thread has threads of its own.
    assert!(!client.contains("rayon"));
    for name in BANNED.into_iter().chain(["tributary-tests"]) {
        assert!(!client.contains(name) && !coordinator.contains(name), "{name} is in an executable");
    }
}

/// Nothing in it speaks to a network, to a database or to a daemon. `rustls` is there, because certificates are read by its rules; it opens no connection.
#[test]
fn an_executable_that_verifies_can_do_nothing_else() {
    let found = tree("verify");
    assert!(found.contains("tributary-evidence"));
    for name in ["tokio", "tokio-rustls", "quinn", "socket2", "ureq", "hyper", "rusqlite", "parquet", "burn-tensor"] {
        assert!(!found.contains(name), "{name}");
    }
    for name in ["transport", "daemon", "coordinator", "client", "planning", "rehearsal"] {
        assert!(!found.contains(&format!("tributary-{name}")), "{name}");
    }
}

/// Every package in an executable of one feature.
fn tree(feature: &str) -> BTreeSet<String> {
    let text = cargo(&[
        "tree",
        "--offline",
        "--locked",
        "--package",
        "tributary",
        "--no-default-features",
        "--features",
        feature,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    text.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn deny_toml_says_the_same() {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let table: toml::Table = text.parse().expect("TOML");
    let denied = table["bans"]["deny"].as_array().expect("a list");
    let denied: BTreeMap<&str, BTreeSet<&str>> = denied
        .iter()
        .map(|entry| {
            let wrappers = entry["wrappers"].as_array().expect("wrappers").iter();
            (entry["crate"].as_str().expect("a name"), wrappers.map(|name| name.as_str().expect("a name")).collect())
        })
        .collect();
    // aws-lc-rs is under everything that speaks TLS, so that wrappers cannot say who may name it; the sources can.
    for (name, packages, _) in HOMES.into_iter().filter(|(name, ..)| *name != "aws_lc_rs") {
        assert_eq!(denied[name], packages.iter().copied().collect(), "{name}");
    }
    for name in BANNED {
        assert!(denied[name].is_empty(), "{name}");
    }
    for name in ["tributary-coordinator", "tributary-client", "tributary-tests"] {
        let may = HOUSE.iter().filter(|(_, known)| known.contains(&name)).map(|(package, _)| *package);
        assert_eq!(denied[name], may.collect(), "{name}");
    }
}

#[test]
fn a_name_is_told_from_a_part_of_one() {
    assert!(
        names("use burn_tensor::Tensor;", "burn-tensor") && names("    burn_tensor::Tensor::zeros()", "burn-tensor")
    );
    assert!(
        !names("let x = heartburn_tensor::new();", "burn-tensor") && !names("network::burn_tensor::x()", "burn-tensor")
    );
}

/// Whether a line of code starts a path with this crate's name.
fn names(line: &str, name: &str) -> bool {
    let path = format!("{}::", name.replace('-', "_"));
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':')
    })
}

/// Every Rust source of the workspace, in order.
fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.') || name == "target");
        if path.is_dir() && !hidden {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

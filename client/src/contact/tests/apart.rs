//! Nothing about a list leaves the branch: the room knows nobody who could carry it, and no daemon knows the room.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(folder, &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_room_knows_no_message_metric_log_or_notice() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let room = client.join("contact");
    let words = [
        "tributary_transport",
        "tributary_daemon",
        "crate::telemetry",
        "crate::noticing",
        "crate::conversation",
        "crate::control",
        "ToCoordinator",
        "tracing::",
        "tokio",
        "std::net",
        "rustls",
        "println!",
    ];
    let own: Vec<(PathBuf, String)> =
        all(&room).into_iter().filter(|(path, _)| !path.starts_with(room.join("tests"))).collect();
    assert!(own.len() > 20, "the sources were found");
    for (path, text) in own {
        for word in words {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
    // The settings know it for what they read, whoever reads the branch's rows for who is left out there, and whoever makes a file of scores notes it
    // there. Nobody else does.
    let others = all(&client).into_iter().filter(|(path, _)| !path.starts_with(&room));
    let mut knowing: Vec<String> = others
        .filter(|(_, text)| text.contains("contact::"))
        .map(|(path, _)| path.strip_prefix(&client).unwrap().display().to_string())
        .collect();
    knowing.sort();
    let tests = ["score/faults_tests.rs", "score/target_tests.rs", "score/tests.rs", "score/turns_tests.rs"];
    knowing.retain(|path| !tests.contains(&path.as_str()));
    assert_eq!(knowing, ["dataset/mod.rs", "score/run.rs", "settings.rs"]);
}

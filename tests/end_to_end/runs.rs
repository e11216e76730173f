//! Runs of several plans in one state folder: one after the other, in one journal.

use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::demo;
use crate::federation::Federation;
use crate::support::{Finished, replan, run};

fn of_file(words: &[&str], file: &Path) -> Finished {
    run(words.iter().map(Path::new).chain([file]))
}

fn json(words: &[&str], file: &Path) -> serde_json::Value {
    let finished = of_file(words, file);
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.json()
}

fn journal(dir: &Path) -> PathBuf {
    dir.join("coordinator/state/audit.log")
}

fn settings(dir: &Path) -> PathBuf {
    dir.join("coordinator/coordinator.toml")
}

/// Another plan, that differs in its name.
fn second(text: &str) -> String {
    assert!(text.contains("name = \"demo\""), "{text}");
    text.replace("name = \"demo\"", "name = \"second\"")
}

#[test]
fn a_second_plan_begins_when_the_first_is_over_in_the_same_journal() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    let first = json(&["verify", "ledger", "--json"], &journal(&dir));
    let before = fs::read(journal(&dir)).unwrap();
    replan(&dir, second);
    let mut federation = Federation::serving(folder, dir.clone(), |_, text| text.to_owned());
    let clients: Vec<_> = (0..8).map(|branch| federation.start(branch)).collect();
    assert_eq!(federation.until("finished")["complete"], true);
    drop(clients);

    // What was there stays, and the second run comes after it: in the journal, and with what is kept of its rounds.
    let kept = |folder: &str| fs::read_dir(dir.join("coordinator/state").join(folder)).unwrap().count();
    assert_eq!((kept("rounds"), kept("sums")), (8, 8));
    assert!(fs::read(journal(&dir)).unwrap().starts_with(&before));
    let both = json(&["verify", "ledger", "--json"], &journal(&dir));
    let [of_first, of_second] = both["runs"].as_array().unwrap().as_slice() else { panic!("{both}") };
    assert_eq!(of_first, &first["runs"][0]);
    assert_eq!((&of_second["plan_name"], &of_second["run"]), (&"second".into(), &1.into()));
    assert_eq!((&of_second["finished"], &of_second["complete"]), (&true.into(), &true.into()));
    assert_ne!(of_first["plan"], of_second["plan"]);
    let entries = ["entries"].map(|key| of_first[key].as_u64().unwrap() + of_second[key].as_u64().unwrap());
    assert_eq!(both["entries"].as_u64(), Some(entries[0]));
    // The statement is the newest run's, and so is the model that programs find.
    let statement = json(&["verify", "statement", "--json"], &journal(&dir));
    assert_eq!(statement["plan"], of_second["plan"]);
    let pointer: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("coordinator/state/model.json")).unwrap()).unwrap();
    assert_eq!((&pointer["plan"], &pointer["model"]), (&of_second["plan"], &of_second["model"]));

    // A branch's file has both, and one life that paid for both.
    let home = dir.join("branches/branch-000");
    let file = json(&["verify", "ledger", "--json"], &home.join("state/budget.ledger"));
    let charged = |run: &serde_json::Value| run["rounds"].as_u64();
    assert_eq!(file["runs"].as_array().unwrap().iter().map(charged).collect::<Vec<_>>(), [Some(4), Some(4)]);
    let budget = json(&["client", "budget", "--json", "--config"], &home.join("client.toml"));
    let names: Vec<_> = budget["plans"].as_array().unwrap().iter().map(|plan| plan["name"].as_str()).collect();
    assert_eq!(names, [Some("demo"), Some("second")]);
    let (life, one) = (budget["epsilon_spent"].as_f64().unwrap(), of_second["epsilon"].as_f64().unwrap());
    assert_eq!(budget["epsilon_spent"], file["epsilon"]);
    assert!(life > one && life < 2.0 * one, "two plans of {one} cost {life}");
}

#[test]
fn another_plan_waits_until_the_first_is_over() {
    let mut federation = Federation::waiting();
    federation.stop();
    let (file, ledger) = (settings(&federation.dir), journal(&federation.dir));
    let plan = federation.dir.join("coordinator/plan.tributary");
    let signed = fs::read(&plan).unwrap();
    let digest = || json(&["config", "check", "--json"], &file)["found"]["plan"].as_str().unwrap()[..8].to_owned();
    let first = digest();
    replan(&federation.dir, second);
    let other = digest();
    assert_ne!(first, other);
    let before = fs::read(&ledger).unwrap();
    let serve = || of_file(&["coordinator", "serve", "--config"], &file);
    let words = [format!("in the middle of plan {first} run 1"), format!("the configured one is plan {other} run 1")];
    let parts = [words[0].as_str(), words[1].as_str(), "put the settings of the first back", "fresh state directory"];
    serve().assert_refused(1, &parts);
    assert_eq!(fs::read(&ledger).unwrap(), before, "nothing of the second run is in the journal");

    // A journal of a release before is not continued, and is left as it is.
    let old = *b"TRIBLDGR\x01\0\0\0";
    fs::write(&ledger, old).unwrap();
    serve().assert_refused(1, &["audit.log", "a journal of version 1", "verify it with the release that wrote it"]);
    assert_eq!(fs::read(&ledger).unwrap(), old);

    // With the first plan's settings and journal it goes on.
    fs::write(&plan, signed).unwrap();
    fs::write(&ledger, before).unwrap();
    let listening = federation.restart();
    assert_eq!(listening["plan"].as_str().map(|plan| &plan[..8]), Some(first.as_str()));
}

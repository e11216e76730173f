//! Runs of several plans in one state folder: one after the other, in one journal.

use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::demo;
use crate::federation::Federation;
use crate::support::{Finished, activate, replan, run};

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
    let of_registry = both["registry"]["entries"].as_u64().unwrap();
    assert_eq!((both["entries"].as_u64(), of_registry), (Some(entries[0] + of_registry), 4));
    // The statement is the newest run's. Each run has registered its model and written its card, and nothing of the first was overwritten.
    let statement = json(&["verify", "statement", "--json"], &journal(&dir));
    assert_eq!(statement["plan"], of_second["plan"]);
    let models = json(&["model", "list", "--json", "--config"], &settings(&dir));
    let [one, two] = models["models"].as_array().unwrap().as_slice() else { panic!("{models}") };
    for (model, run) in [(one, of_first), (two, of_second)] {
        assert_eq!(
            (&model["parameters"], &model["plan"], &model["state"]),
            (&run["model"], &run["plan"], &"candidate".into())
        );
        let folder = Path::new(model["folder"].as_str().unwrap());
        let statement = fs::read(folder.join("statement.json")).unwrap();
        let stated: serde_json::Value = serde_json::from_slice(&statement).unwrap();
        assert_eq!((&stated["plan"], &stated["model"]), (&run["plan"], &run["model"]));
        let plan = dir.join("coordinator/state/plans").join(model["plan"].as_str().unwrap());
        assert_eq!(fs::read(plan.join("runs/1/statement.json")).unwrap(), statement);
    }

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
fn a_journal_of_an_older_release_is_left_as_it_is() {
    let mut federation = Federation::waiting();
    federation.stop();
    let (file, ledger) = (settings(&federation.dir), journal(&federation.dir));
    let before = fs::read(&ledger).unwrap();
    let old = *b"TRIBLDGR\x01\0\0\0";
    fs::write(&ledger, old).unwrap();
    let refused = of_file(&["coordinator", "serve", "--config"], &file);
    refused.assert_refused(1, &["audit.log", "a journal of version 1", "verify it with the release that wrote it"]);
    assert_eq!(fs::read(&ledger).unwrap(), old);
    fs::write(&ledger, before).unwrap();
    federation.restart();
}

/// Two plans over the same links: each is finished, each branch paid for both, and neither waited for the other's end.
#[test]
fn two_plans_run_side_by_side_over_the_same_links() {
    let mut federation = Federation::waiting();
    let dir = federation.dir.clone();
    replan(&dir, second);
    activate(&dir, &settings(&dir));
    let opened = federation.until("run_opened");
    assert_eq!(opened["plan_name"], "second", "taken up while the daemon runs");
    let clients: Vec<_> = (0..8).map(|branch| federation.start_to_stay(branch)).collect();
    let mut names: Vec<_> = (0..2).map(|_| federation.until("finished")["plan_name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["demo", "second"]);
    drop(clients);
    let both = json(&["verify", "ledger", "--json"], &journal(&dir));
    let complete = |run: &serde_json::Value| run["complete"].as_bool();
    assert_eq!(both["runs"].as_array().unwrap().iter().map(complete).collect::<Vec<_>>(), [Some(true), Some(true)]);
}

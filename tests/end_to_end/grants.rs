//! Grants on their way: a plan waits in the owner's inbox, and the coordinator carries what the owner signs.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::federation::Federation;
use crate::support::{Finished, run};

fn typed(words: &[&str], paths: &[(&str, &Path)]) -> Finished {
    let paths = paths.iter().flat_map(|(option, path)| [OsStr::new(option), path.as_os_str()]);
    run(words.iter().map(OsStr::new).chain(paths).filter(|word| !word.is_empty()))
}

fn done(finished: Finished) -> Finished {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished
}

#[test]
fn a_plan_waits_for_the_owner_and_the_coordinator_carries_the_answer_and_what_takes_it_back() {
    let mut federation = Federation::waiting();
    let (home, settings) = (federation.branch(7), federation.dir.join("coordinator/coordinator.toml"));
    let config = federation.config(7);
    for entry in fs::read_dir(home.join("state/grants")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let clients: Vec<_> = (0..7).map(|branch| federation.start(branch)).collect();
    let mut last = federation.start_to_hear(7);
    let mut events = last.events();
    let awaited = events.find(|event| event["event"] == "grant_awaited").unwrap();
    assert!(awaited["until"].as_u64().is_some(), "{awaited}");
    let inbox = || done(typed(&["client", "authorise", "inbox", "--json"], &[("--config", &config)])).json();
    let waiting = inbox();
    let [asked] = waiting["waiting"].as_array().unwrap().as_slice() else { panic!("{waiting}") };
    assert_eq!(
        (&asked["name"], &asked["proposer"], &asked["until"]),
        (&"demo".into(), &"bank/e1".into(), &awaited["until"])
    );
    // The owner reads what was signed, in words.
    let (plan, out) = (asked["plan"].as_str().unwrap(), home.join("asked.tributary"));
    done(typed(&["client", "authorise", "inbox", plan], &[("--out", &out), ("--config", &config)]));
    let shown = done(typed(&["plan", "show", "--json"], &[("", &out)])).json();
    assert_eq!(shown["plan"]["digest"], plan);

    // Nothing is carried that the owner has not signed, or that names nobody here.
    let (grant, bad) = (home.join("demo.grant"), home.join("bad.grant"));
    let send = |file: &Path| typed(&["coordinator", "grant", "send", "--json"], &[("", file), ("--config", &settings)]);
    let text = fs::read_to_string(&grant).unwrap();
    let (start, end) = text.trim_end().split_at(text.trim_end().len() - 1);
    fs::write(&bad, format!("{start}{}\n", if end == "0" { "1" } else { "0" })).unwrap();
    fs::set_permissions(&bad, fs::metadata(&grant).unwrap().permissions()).unwrap();
    send(&bad).assert_refused(1, &["signature is not good", "Ask the owner"]);
    let sent = done(send(&grant)).json();
    assert_eq!(sent["branches"], serde_json::json!(["bank/branch-007"]));
    let carried = events.find(|event| event["event"] == "grant_carried").unwrap();
    assert_eq!(carried["withdrawn"], false);
    assert!(events.any(|event| event["event"] == "accepted"));
    assert_eq!(inbox()["waiting"], serde_json::json!([]));
    assert_eq!(federation.until("finished")["complete"], true);

    // What was carried once is known, and its owner takes it back the same way.
    send(&grant).assert_refused(1, &["exists already"]);
    let (key, taken) = (home.join("owner.key"), home.join("demo.withdrawal"));
    let digest = carried["grant"].as_str().unwrap();
    done(typed(&["client", "authorise", "revoke", digest], &[("--key", &key), ("--out", &taken)]));
    done(send(&taken));
    let carried = events.find(|event| event["event"] == "grant_carried").unwrap();
    assert_eq!((&carried["withdrawn"], &carried["grant"]), (&true.into(), &digest.into()));
    let list = done(typed(&["client", "authorise", "list", "--json"], &[("--config", &config)])).json();
    assert_eq!(list["grants"][0]["withdrawn"], true, "{list}");
    drop(clients);
}

//! The witnesses of the coordinator's journal, as real processes: one that was replaced is found by the branches, and whoever has two checkpoints proves it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::demo;
use crate::kills::{Daemon, edit, event};
use crate::support::{Finished, activate, run};

/// So often a daemon is asked before the test gives up.
const ASKED_MAX: usize = 5_000;

fn status(who: &str, config: &Path) -> serde_json::Value {
    let words = [who, "status", "--json", "--config"].map(OsStr::new);
    let told = run(words.into_iter().chain([config.as_os_str()]));
    assert_eq!(told.code, Some(0), "{} {}", told.out, told.err);
    told.json()
}

fn fork(words: &[&OsStr]) -> Finished {
    run(["verify", "fork"].map(OsStr::new).iter().chain(words))
}

fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("checkpoints/newest")
}

/// Entries of a checkpoint: its second line.
fn entries(note: &Path) -> u64 {
    let text = fs::read_to_string(note).unwrap();
    text.lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_journal_that_was_replaced_is_found_by_its_branches() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &[]).code, Some(0));
    let (central, state) = (dir.join("coordinator/coordinator.toml"), dir.join("coordinator/state"));
    let branch = |number: usize| dir.join(format!("branches/branch-{number:03}"));
    let [one, other] = [0, 1].map(|number| branch(number).join("state"));
    let (journal, honest) = (OsStr::new("--journal"), dir.join("honest"));

    // What the branches have seen is one journal, and every message of theirs is noted.
    let log = state.join("audit.log");
    let same = fork(&[one.as_os_str(), other.as_os_str(), journal, log.as_os_str()]);
    assert_eq!(same.code, Some(0), "{} {}", same.out, same.err);
    assert!(same.out.starts_with("consistent"), "{}", same.out);
    sent(&branch(0));

    // The coordinator goes on from another history, as if the first had not been.
    fs::rename(&state, &honest).unwrap();
    activate(&dir, &central);
    let mut coordinator = Daemon::start(["coordinator", "serve", "--events", "--config"], &central);
    let mut told = coordinator.lines();
    let address = event(&mut told, "listening")["address"].as_str().unwrap().to_owned();
    edit(&central, "listen", &format!("listen = \"{address}\""));
    let config = branch(0).join("client.toml");
    edit(&config, "address", &format!("address = \"{address}\""));
    let seen = entries(&checkpoint(&one));
    let mut client = Daemon::start(["client", "run", "--events", "--config"], &config);
    let refused = event(&mut client.lines(), "log_refused");
    assert_eq!(refused["seen"], seen);
    let disputed = event(&mut told, "log_disputed");
    assert_eq!((&disputed["entries"], &disputed["name"]), (&seen.into(), &"bank/branch-000".into()));
    assert_eq!(status("coordinator", &central)["log"]["disputes"][0]["entries"], seen);
    assert_eq!(status("client", &config)["daemon"]["log"]["refused"].as_array().unwrap().len(), 1);
    assert_eq!(entries(&checkpoint(&one)), seen, "it never goes back");

    // Both die without a word. The evidence stays, and the honest journal is cosigned again.
    client.kill();
    coordinator.kill();
    let shown = PathBuf::from(refused["file"].as_str().unwrap());
    let log = honest.join("audit.log");
    for (first, second) in [(&one, &other), (&checkpoint(&other), &shown)] {
        let found = fork(&[first.as_os_str(), second.as_os_str(), journal, log.as_os_str(), OsStr::new("--json")]);
        assert_eq!((found.code, &found.json()["verdict"]), (Some(1), &"forked".into()), "{} {}", found.out, found.err);
    }
    fs::rename(&state, dir.join("forked")).unwrap();
    fs::rename(&honest, &state).unwrap();
    coordinator.restart();
    client.restart();
    let words = ["coordinator", "status", "--json", "--config"].map(OsStr::new);
    let cosigned = |_| {
        // Its socket comes after its port.
        let told = run(words.into_iter().chain([central.as_os_str()]));
        told.code == Some(0) && told.json()["log"]["cosigned"].as_u64() > Some(0)
    };
    event(&mut coordinator.lines(), "listening");
    assert!((0..ASKED_MAX).any(cosigned), "the honest journal is not cosigned any more");
    assert!(entries(&checkpoint(&one)) >= seen);
    client.kill();
    coordinator.kill();

    // Files that decide nothing.
    let (key, text) = (branch(0).join("owner.pub"), branch(0).join("client.toml"));
    fork(&[one.as_os_str(), other.as_os_str(), OsStr::new("--key"), key.as_os_str()])
        .assert_refused(3, &["Nothing was compared"]);
    fork(&[one.as_os_str(), text.as_os_str()])
        .assert_refused(4, &["client.toml", "is not what a checkpoint has there"]);
    let (short, long) = (shown, checkpoint(&one));
    assert_ne!(entries(&short), entries(&long));
    let open = fork(&[short.as_os_str(), long.as_os_str()]);
    assert_eq!(open.code, Some(2), "{} {}", open.out, open.err);
    assert!(open.out.contains("--journal"), "{}", open.out);

    // A coordinator whose own journal was cut does not go on with it.
    let cut = fs::read(state.join("audit.log")).unwrap();
    fs::remove_file(state.join("audit.index")).unwrap();
    fs::write(state.join("audit.log"), &cut[..17]).unwrap();
    let words = ["coordinator", "serve", "--config"].map(OsStr::new);
    run(words.into_iter().chain([central.as_os_str()]))
        .assert_refused(1, &["does not go on from the checkpoint", "newest good copy"]);
}

fn words_of(config: &Path, more: &[&str]) -> Vec<OsString> {
    let words = ["client", "sent", "--config"].map(OsStr::new).into_iter().chain([config.as_os_str()]);
    words.chain(more.iter().map(OsStr::new)).map(OsStr::to_owned).collect()
}

/// What left a branch is read line by line, and a changed line is named.
fn sent(home: &Path) {
    let config = home.join("client.toml");
    let words = |more: &[&str]| words_of(&config, more);
    let read = run(words(&[]));
    assert_eq!(read.code, Some(0), "{} {}", read.out, read.err);
    assert!(read.out.contains("masked yes  noised yes") && read.out.contains("the chain is whole"), "{}", read.out);
    let lines = run(words(&["--json"])).out;
    let kinds: Vec<_> = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    let count = |kind: &str| kinds.iter().filter(|line| line["kind"] == kind).count();
    // One vector for each round that the ledger has; and each one is masked.
    assert!(count("masked") >= 4 && count("witness") >= 2, "{lines}");
    assert!(kinds.iter().all(|line| (line["kind"] == "masked") == line["masked"].as_bool().is_some()), "{lines}");
    // A file that was cut at a line's end has a whole chain, and one that is deleted has none: the budget file knows what is missing.
    let log = home.join("state/sent.log");
    let whole = fs::read_to_string(&log).unwrap();
    let last = whole.match_indices("\"kind\":\"masked\"").last().unwrap().0;
    let cut = whole[..last].rfind('\n').unwrap() + 1;
    for left in [cut, whole.find('\n').unwrap() + 1] {
        fs::write(&log, &whole[..left]).unwrap();
        let page = home.join(format!("cut-{left}.html"));
        for more in [&[][..], &["--json"], &["--html", page.to_str().unwrap()]] {
            run(words(more)).assert_refused(1, &["uploads that the budget file charges", "state"]);
        }
        assert!(fs::read_to_string(&page).unwrap().contains("uploads that the budget file charges"));
    }
    fs::remove_file(&log).unwrap();
    assert_eq!(run(words(&[])).code, Some(1));
    fs::write(&log, &whole).unwrap();
    // The same as a page, in both languages, with sums that are those of the lines.
    let messages = kinds.len().to_string();
    for (language, words) in
        [("en", ["What left this branch", "By kind of message"]), ("zh", ["本分行发出内容一览", "按消息类型"])]
    {
        let page = home.join(format!("sent-{language}.html"));
        let mut typed = words_of(&config, &["--lang", language, "--html"]);
        typed.push(page.clone().into_os_string());
        let made = run(typed.clone());
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        let text = fs::read_to_string(&page).unwrap();
        assert!(words.iter().all(|word| text.contains(word)) && text.contains(&format!(">{messages}<")), "{text}");
        for lacking in ["<script", "http:", "https:", "src=", "url("] {
            assert!(!text.contains(lacking), "{lacking}");
        }
        run(typed).assert_refused(1, &["exists"]);
    }
    let file = home.join("state/sent.log");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"masked\":true", "\"masked\":null", 1)).unwrap();
    run(words(&[])).assert_refused(1, &["does not follow from the one before"]);
    fs::write(&file, text).unwrap();
}

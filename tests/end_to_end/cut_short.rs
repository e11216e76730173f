//! Whoever signs or carries a file is killed while it is written: what was there stays whole, nothing half written is taken for anything, and the
//! same command once more does what it would have done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::federation::Federation;
use crate::support::{EXECUTABLE, Finished, finished, run};

/// Runs a command that the system kills when it writes beyond so many blocks of 512 bytes of one file.
fn run_limited(blocks: u64, words: &[&str]) -> Finished {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -c 0; ulimit -f \"$0\"; exec \"$@\""]).arg(blocks.to_string()).arg(EXECUTABLE);
    finished(&shell.args(words).output().unwrap())
}

fn done(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
}

/// Kills a command at every block that it writes of its file, then lets it go through; `same` is asked after every kill.
fn killed_and_done(words: &[&str], out: &Path, same: &dyn Fn()) {
    let before = fs::read(out).ok();
    let mut killed = 0;
    loop {
        let finished = run_limited(killed, words);
        if finished.code == Some(0) {
            break;
        }
        assert_eq!(finished.code, None, "it dies of a signal: {} {}", finished.out, finished.err);
        assert_eq!(fs::read(out).ok(), before, "killed after {killed} blocks of {words:?}");
        same();
        killed += 1;
        assert!(killed < 1_000, "{words:?} never ends");
    }
    assert!(killed > 0, "{words:?} writes nothing");
    assert_ne!(fs::read(out).ok(), before, "{words:?}");
}

#[test]
fn every_signed_file_is_whole_or_not_there() {
    let mut federation = Federation::waiting();
    federation.stop();
    let dir = federation.dir.clone();
    let path = |name: &str| dir.join(name).display().to_string();
    let (list, plan) = (path("authority/authorities"), path("cut.tributary"));
    // A plan: proposed, then approved, in one file.
    done(&run(["plan", "build", &path("coordinator/plan.toml"), "--out", &plan]));
    let shown = run(["plan", "show", "--json", &plan]).json();
    let digest = shown["plan"]["digest"].as_str().unwrap();
    for (turn, person, signed) in [("propose", "people/e1", 0), ("approve", "people/e2", 1)] {
        let person = path(person);
        let words = ["plan", turn, &plan, "--person", &person, "--authorities", &list, "--confirm", digest];
        killed_and_done(&words, Path::new(&plan), &|| {
            let shown = run(["plan", "show", "--json", &plan]).json();
            assert_eq!(shown["signatures"].as_array().unwrap().len(), signed);
        });
    }
    let shown = run(["plan", "show", "--json", &plan]).json();
    assert_eq!(shown["signatures"].as_array().unwrap().len(), 2);

    // A grant and its withdrawal: signed where the owner's key is, and carried to the branch.
    let (key, config) = (path("branches/branch-000/owner.key"), federation.config(0).display().to_string());
    let listed = || {
        let listed = run(["client", "authorise", "list", "--json", "--config", &config]);
        done(&listed);
        let listed = listed.json();
        let grants = listed["grants"].as_array().unwrap().clone();
        (grants.len(), grants.iter().filter(|grant| grant["withdrawn"] == true).count())
    };
    assert_eq!(listed(), (1, 0));
    let (grant, withdrawal) = (path("cut.grant"), path("cut.withdrawal"));
    let words = ["client", "authorise", "grant", "--plan", digest, "--branch", "bank/branch-000"];
    let more = [
        "--epsilon-run",
        "1",
        "--epsilon-year",
        "1",
        "--runs",
        "1",
        "--authorities",
        &list,
        "--key",
        &key,
        "--out",
        &grant,
    ];
    killed_and_done(&[&words[..], &more].concat(), Path::new(&grant), &|| {});
    let granted = |name: &str| {
        let folder = federation.branch(0).join("state/grants");
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|found| found == name)).collect::<Vec<PathBuf>>()
    };
    let install = |file: &str, kind: &str, before: (usize, usize), after: (usize, usize)| {
        let words = ["client", "authorise", "install", file, "--config", &config];
        let were = granted(kind).len();
        let mut killed = 0;
        while run_limited(killed, &words).code != Some(0) {
            assert_eq!((granted(kind).len(), listed()), (were, before), "killed after {killed} blocks");
            killed += 1;
        }
        assert!(killed > 0);
        assert_eq!((granted(kind).len(), listed()), (were + 1, after));
    };
    install(&grant, "grant", (1, 0), (2, 0));
    let name = granted("grant").into_iter().find(|path| fs::read(path).ok() == fs::read(&grant).ok()).unwrap();
    let taken = name.file_stem().unwrap().to_str().unwrap().to_owned();
    let words = ["client", "authorise", "revoke", &taken, "--key", &key, "--out", &withdrawal];
    killed_and_done(&words, Path::new(&withdrawal), &|| assert_eq!(listed(), (2, 0)));
    install(&withdrawal, "withdrawal", (2, 0), (2, 1));

    // A freeze: signed, and carried to the coordinator.
    let (stop, state, officer) = (path("cut.order"), path("coordinator/state"), path("people/e2"));
    let words = ["order", "freeze", "--person", &officer, "--role", "privacy-officer", "--authorities", &list];
    killed_and_done(&[&words[..], &["--out", &stop]].concat(), Path::new(&stop), &|| {});
    let orders = || {
        let entries = fs::read_dir(dir.join("coordinator/state/orders")).into_iter().flatten();
        let orders = entries.map(|entry| entry.unwrap().path());
        orders.filter(|path| path.extension().is_some_and(|found| found == "order")).count()
    };
    let words = ["order", "install", &stop, "--state", &state];
    let mut killed = 0;
    while run_limited(killed, &words).code != Some(0) {
        assert_eq!(orders(), 0, "killed after {killed} blocks");
        killed += 1;
    }
    assert!(killed > 0 && orders() == 1);
}

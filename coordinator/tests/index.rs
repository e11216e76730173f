//! The index of the journal: a start reads what it can be sure of, and the journal decides.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../tests/log.rs"]
mod log;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use log::logged;
use support::{Client, Daemon, Ended, Federation};
use tributary_coordinator::cli::serve_reporting;
use tributary_coordinator::{Ends, Event};

const CLIENTS: usize = 9;

fn run_all(federation: &Federation, address: SocketAddr, runs: usize) -> Vec<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for index in 0..CLIENTS {
            let name = format!("branch-{index}");
            let client = Client::connect(federation, &name, address, 1_000).await.unwrap();
            running.spawn(client.in_runs(runs).run());
        }
        running.join_all().await
    })
}

/// Starts the coordinator and stops it at once; what the log was told of the index.
fn starts(config: &Path) -> bool {
    let (end, log) = logged(|| serve_reporting(config, Ends::Never, &mut |_| {}, std::future::ready(())));
    end.unwrap();
    log.contains("the index of the journal")
}

#[test]
fn an_index_that_is_not_this_coordinators_word_of_this_journal_is_made_anew() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    assert_eq!(run_all(&federation, address, 1), vec![Ended::Finished(1); CLIENTS]);
    let _ = daemon.finished();
    daemon.join().0.unwrap();
    let (index, journal) = (federation.path("state/audit.index"), federation.path("state/audit.log"));
    let (written, whole) = (fs::read(&index).unwrap(), fs::read(&journal).unwrap());
    assert!(!starts(&config), "it is taken");
    assert_eq!((fs::read(&index).unwrap(), fs::read(&journal).unwrap()), (written.clone(), whole.clone()));
    fs::remove_file(&index).unwrap();
    assert!(!starts(&config), "nothing is wrong without one");
    assert_eq!(fs::read(&index).unwrap(), written, "the journal says the same");
    // Every part of it is signed; and what was cut off is missed.
    for byte in [0, 20, 60, 100, written.len() / 2, written.len() - 1] {
        let mut changed = written.clone();
        changed[byte] ^= 1;
        fs::write(&index, changed).unwrap();
        assert!(starts(&config), "byte {byte}");
        assert_eq!(fs::read(&index).unwrap(), written, "byte {byte}");
    }
    for length in [0, 16, 17, written.len() - 1] {
        fs::write(&index, &written[..length]).unwrap();
        assert!(starts(&config), "cut at {length}");
        assert_eq!(fs::read(&index).unwrap(), written, "cut at {length}");
    }
}

/// The index says that one plan is over and another is not. Both go on from there.
#[test]
fn a_run_that_is_open_goes_on_beside_one_that_is_over() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    // Runs that are due at the same time are opened in the order of their plans. What the index says is before the oldest open run: the other one's.
    let plans = || -> BTreeSet<PathBuf> {
        let found = fs::read_dir(federation.path("state/plans")).unwrap();
        found.map(|entry| entry.unwrap().path()).collect()
    };
    let first = plans();
    for name in (0..).map(|number| format!("name = \"long {number}\"")) {
        federation.settings(|text| text.replace("rounds = 3\n", "rounds = 40\n").replace("name = \"test\"", &name));
        let both = plans();
        if both.first() == first.first() {
            break;
        }
        both.difference(&first).for_each(|plan| fs::remove_dir_all(plan).unwrap());
    }
    let mut daemon = Daemon::start(&config);
    let address = daemon.address();
    std::thread::scope(|scope| {
        let clients = scope.spawn(|| run_all(&federation, address, 2));
        assert_eq!(daemon.finished().rounds, 1);
        daemon.stop();
        clients.join().unwrap();
    });
    daemon.join().0.unwrap();
    let index = federation.path("state/audit.index");
    let one_over = fs::read(&index).unwrap();
    assert!(!starts(&config), "it is taken");
    assert_eq!(fs::read(&index).unwrap(), one_over);
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    assert!(run_all(&federation, address, 1).iter().all(|end| matches!(end, Ended::Finished(_))));
    assert_eq!(daemon.finished().rounds, 40);
    let (end, events) = daemon.join();
    end.unwrap();
    assert!(events.iter().all(|event| !matches!(event, Event::RunOpened { .. })), "the other one stays over");
    assert!(fs::read(&index).unwrap().len() > one_over.len());
}

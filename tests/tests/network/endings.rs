//! The end of a plan over a network that fails just then, and behind a coordinator that dies in the middle of it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tributary_client::telemetry::Report;
use tributary_coordinator::cli::serve_reporting;
use tributary_coordinator::{Ends, Event, Told};
use tributary_protocol::log::{Entries, LedgerId, scan};

use crate::cast::{BRANCHES, Director, IMPATIENT, Played, by_way_of, federation, play};
use crate::relay::Relay;

const ROUNDS: usize = 3;

fn plan() -> String {
    format!("model = \"logistic\"\nrounds = {ROUNDS}\nsession_rounds = 4\n")
}

/// Attempts that fail before the path is open again: longer than a connection that only closes would be waited for.
const ATTEMPTS: usize = 2;

/// So many in vain mean that the coordinator is gone.
const GONE: usize = 50;

/// One client behind a path that is dead from the last round's commit until it has tried in vain so many times.
struct Outage {
    relay: Relay,
    attempts: AtomicUsize,
}

impl Director for Outage {
    fn listening(&self, coordinator: SocketAddr) {
        self.relay.lead_to(coordinator);
    }

    fn settings(&self, branch: usize, usual: String) -> String {
        match branch {
            0 => by_way_of(&usual, self.relay.address(), "quic") + "\n[network]\n" + IMPATIENT,
            _ => usual,
        }
    }

    fn event(&self, event: &Event) {
        if matches!(event, Event::Round { committed, .. } if *committed as usize == ROUNDS) {
            self.relay.stop_udp(true);
        }
    }

    fn report(&self, branch: usize, report: &Report) {
        if matches!(report, Report::Disconnected { .. }) {
            let before = self.attempts.fetch_add(1, Ordering::SeqCst);
            assert!(before < GONE, "branch {branch} waits for a coordinator that has left: {report:?}");
            if before == ATTEMPTS {
                self.relay.stop_udp(false);
            }
        }
    }
}

#[test]
fn a_client_that_is_cut_off_at_the_end_is_told_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = federation(folder.path(), &plan(), IMPATIENT);
    let relay = Relay::open(Duration::ZERO);
    let outage = Outage { relay, attempts: AtomicUsize::new(0) };
    let played = play(&federation, &outage);
    played.assert_whole(ROUNDS);
    assert!(played.disconnections(0).len() > ATTEMPTS, "the outage was noticed");
    assert!(played.connections(0)[1..].iter().all(|(_, resumed)| *resumed));
    assert_everybody_is_through(&played);
}

#[test]
fn a_coordinator_that_died_before_it_registered_the_model_registers_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = federation(folder.path(), &plan(), "detached_ms = 3000\n");
    let first = play(&federation, &Nothing);
    first.assert_whole(ROUNDS);
    assert_everybody_is_through(&first);
    // Written after the run's last record: without it the process has died between the two.
    let state = federation.coordinator.with_file_name("state");
    let ledger = state.join("audit.log");
    let whole = fs::read(&ledger).expect("a ledger");
    let last = scan(Entries::new(&whole)).entries.last().map(|entry| (entry.ledger, entry.offset)).expect("entries");
    assert_eq!(last.0, LedgerId::ADMINISTRATION, "a model was registered");
    let before = whole[..usize::try_from(last.1).expect("a short file")].to_vec();
    fs::write(&ledger, &before).expect("a ledger");
    // It had signed no checkpoint of what it had not written.
    fs::remove_dir_all(state.join("checkpoints")).expect("checkpoints");
    let released = manifests(&state);

    let mut rounds = 0;
    let mut count = |told: &Told| rounds += u32::from(matches!(told.event, Event::Round { .. }));
    serve_reporting(&federation.coordinator, Ends::WithTheLastRun, &mut count, std::future::pending())
        .expect("it starts again");
    assert_eq!((rounds, released.len()), (0, 1));
    assert_eq!(manifests(&state), released);
    let after = fs::read(&ledger).expect("a ledger");
    assert!(after.starts_with(&before), "what was there stays");
    assert_eq!(after.len(), whole.len(), "the model is registered, and nothing else happened");

    let mut events = Vec::new();
    let mut report = |told: &Told| events.push(told.event.clone());
    serve_reporting(&federation.coordinator, Ends::WithTheLastRun, &mut report, std::future::pending())
        .expect("there is nothing to do");
    assert!(matches!(events[..], [Event::Listening { .. }]), "{events:?}");
}

/// What each model of a registry is.
fn manifests(state: &Path) -> Vec<Vec<u8>> {
    let folders = fs::read_dir(state.join("registry")).expect("a registry");
    folders.map(|folder| fs::read(folder.expect("a folder").path().join("manifest")).expect("a manifest")).collect()
}

struct Nothing;

impl Director for Nothing {}

fn assert_everybody_is_through(played: &Played) {
    for branch in 0..BRANCHES {
        let rounds = played.reports[branch].iter().find_map(|report| match report {
            Report::Finished { rounds, .. } => Some(*rounds as usize),
            _ => None,
        });
        assert_eq!(rounds, Some(ROUNDS), "branch {branch}");
    }
}

//! Routers that forget a UDP path and give it another port: a QUIC connection moves along.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tributary_client::telemetry::Report;
use tributary_coordinator::Event;

use crate::cast::{BRANCHES, Director, by_way_of, federation, play};
use crate::relay::Relay;
use crate::support::sums::compare_sums;

const ROUNDS: usize = 12;

/// Bytes towards the coordinator behind which the path is forgotten again: several times in each round's uploads.
const FORGOTTEN_AFTER: u64 = 300_000;

/// The whole cohort behind one router.
struct Router {
    relay: Arc<Relay>,
    over: Arc<AtomicBool>,
}

impl Director for Router {
    fn listening(&self, coordinator: SocketAddr) {
        self.relay.lead_to(coordinator);
    }

    fn settings(&self, _branch: usize, usual: String) -> String {
        by_way_of(&usual, self.relay.address(), "quic") + "\n[network]\nkeep_alive_ms = 200\nidle_ms = 10000\n"
    }

    fn event(&self, event: &Event) {
        if matches!(event, Event::Finished(_)) {
            self.over.store(true, Ordering::SeqCst);
        }
    }

    fn report(&self, branch: usize, report: &Report) {
        assert!(!matches!(report, Report::Disconnected { .. }), "branch {branch}: {report:?}");
    }
}

#[test]
fn a_forgotten_udp_path_costs_no_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan =
        format!("model = \"mlp\"\nhidden = [1000]\nrounds = {ROUNDS}\nsession_rounds = 16\nupload_offset_ms = 20\n");
    let federation = federation(folder.path(), &plan, "keep_alive_ms = 200\nidle_ms = 10000\n");
    let (relay, over) = (Arc::new(Relay::open(Duration::from_millis(1))), Arc::new(AtomicBool::new(false)));
    let router = Router { relay: Arc::clone(&relay), over: Arc::clone(&over) };
    let forgotten = AtomicUsize::new(0);
    let played = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = FORGOTTEN_AFTER;
            while !over.load(Ordering::SeqCst) {
                if relay.wait_for_up(next, Duration::from_millis(100)) {
                    relay.rebind();
                    forgotten.fetch_add(1, Ordering::SeqCst);
                    next = relay.up() + FORGOTTEN_AFTER * BRANCHES as u64;
                }
            }
        });
        play(&federation, &router)
    });
    let forgotten = forgotten.into_inner();
    println!("the path was forgotten {forgotten} times in {ROUNDS} rounds of {BRANCHES} clients");
    assert!(forgotten >= ROUNDS);
    played.assert_whole(ROUNDS);
    assert_eq!(compare_sums(&federation), ROUNDS);
    for branch in 0..BRANCHES {
        assert_eq!(played.connections(branch), [("quic", false)]);
    }
}

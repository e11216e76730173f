//! UDP that does not get through, and later does: the client goes over TCP, and back to QUIC by itself.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tributary_client::telemetry::Report;
use tributary_coordinator::Event;

use crate::cast::{Director, by_way_of, federation, play};
use crate::relay::Relay;
use crate::support::sums::compare_sums;

/// So many, each at least as long as the upload offset, that QUIC is found again before the plan ends.
const ROUNDS: usize = 60;

/// UDP is let through again behind this round.
const OPENED_AFTER: u32 = 3;

struct Firewall {
    relay: Relay,
    started: OnceLock<Instant>,
}

impl Director for Firewall {
    fn listening(&self, coordinator: SocketAddr) {
        self.relay.lead_to(coordinator);
        self.relay.stop_udp(true);
    }

    fn settings(&self, branch: usize, usual: String) -> String {
        if branch > 0 {
            return usual;
        }
        self.started.get_or_init(Instant::now);
        by_way_of(&usual, self.relay.address(), "auto") + "\n[network]\nprobe_ms = 1000\n"
    }

    fn event(&self, event: &Event) {
        if matches!(event, Event::Round { committed: OPENED_AFTER, .. }) {
            self.relay.stop_udp(false);
        }
    }

    fn report(&self, branch: usize, report: &Report) {
        if let (0, Report::Connected { transport, .. }) = (branch, report) {
            let since = self.started.get().map(Instant::elapsed);
            println!("connected over {transport} after {:.2} s", since.unwrap_or_default().as_secs_f64());
        }
    }
}

#[test]
fn a_client_goes_around_dropped_udp_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = format!("model = \"logistic\"\nrounds = {ROUNDS}\nsession_rounds = 64\nupload_offset_ms = 250\n");
    let federation = federation(folder.path(), &plan, "");
    let firewall = Firewall { relay: Relay::open(Duration::ZERO), started: OnceLock::new() };
    let played = play(&federation, &firewall);
    played.assert_whole(ROUNDS);
    assert_eq!(compare_sums(&federation), ROUNDS);
    assert_eq!(played.connections(0), [("tcp", false), ("quic", true)]);
    assert_eq!(played.disconnections(0), Vec::<String>::new());
}

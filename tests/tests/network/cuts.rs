//! Connections that are cut in the middle of uploads: nobody above the transport notices.

use std::net::SocketAddr;
use std::time::Duration;

use tributary_coordinator::Event;
use tributary_model::architecture::Architecture;
use tributary_model::synthetic::schema;
use tributary_transport::limits::UNCONFIRMED_BYTES_MAX;

use crate::cast::{Director, IMPATIENT, by_way_of, federation, play};
use crate::dice;
use crate::relay::Relay;
use crate::support::sums::compare_sums;

const CUTS: usize = 10;

const HIDDEN: u32 = 1_000;

/// The first round and the last are left in peace.
const ROUNDS: usize = CUTS + 2;

/// Longest part of a round's upload that may follow or precede its vector: messages of the protocol, and the transport's own.
const AROUND_BYTES: u64 = 40_000;

/// What a new connection costs by itself, and packets sent into the void before silence is noticed.
const OVERHEAD_BYTES: u64 = 64 << 10;

struct Cutter {
    relay: Relay,
    transport: &'static str,
    seed: u64,
    upload_bytes: u64,
}

impl Director for Cutter {
    fn listening(&self, coordinator: SocketAddr) {
        self.relay.lead_to(coordinator);
    }

    fn settings(&self, branch: usize, usual: String) -> String {
        if branch > 0 {
            return usual;
        }
        by_way_of(&usual, self.relay.address(), self.transport) + "\n[network]\n" + IMPATIENT
    }

    fn event(&self, event: &Event) {
        let Event::Round { committed, .. } = event else { return };
        let number = u64::from(*committed);
        if number <= CUTS as u64 {
            let position = dice::between(self.seed, number, AROUND_BYTES, self.upload_bytes - AROUND_BYTES);
            println!("{}: round {} is cut at byte {position}", self.transport, number + 1);
            self.relay.cut_after(position);
        }
    }
}

fn cut_uploads(transport: &'static str) {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = format!(
        "model = \"mlp\"\nhidden = [{HIDDEN}]\nrounds = {ROUNDS}\nsession_rounds = 16\nupload_offset_ms = 50\n"
    );
    let federation = federation(folder.path(), &plan, IMPATIENT);
    let relay = Relay::open(Duration::ZERO);
    let cutter = Cutter { relay, transport, seed: dice::seed(), upload_bytes: upload_bytes() };
    let played = play(&federation, &cutter);
    played.assert_whole(ROUNDS);
    assert_eq!(compare_sums(&federation), ROUNDS);
    assert_eq!(cutter.relay.cuts(), CUTS);
    let connections = played.connections(0);
    // A machine that stands still for longer than the silence that is allowed costs a connection more.
    assert!((CUTS + 1..=2 * CUTS + 1).contains(&connections.len()), "{} connections", connections.len());
    let resumed = &connections[1..];
    assert!(resumed.iter().all(|(_, resumed)| *resumed));
    let undisturbed = played.bytes_up(1);
    let again = cutter.relay.up().saturating_sub(undisturbed);
    println!(
        "{transport}: {again} of {} bytes were sent again or for new connections, {} for each of these",
        cutter.relay.up(),
        again / resumed.len() as u64
    );
    assert!(again <= resumed.len() as u64 * (UNCONFIRMED_BYTES_MAX + OVERHEAD_BYTES));
}

/// Bytes of one vector of this model.
fn upload_bytes() -> u64 {
    let schema = schema();
    let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
    let inputs = u32::try_from(schema.width()).expect("a small schema");
    let model = Architecture::mlp(inputs, &[HIDDEN], &heads).expect("a model");
    8 * model.parameter_count() as u64
}

#[test]
fn uploads_that_are_cut_over_tcp_go_on() {
    cut_uploads("tcp");
}

#[test]
fn uploads_that_are_cut_over_quic_go_on() {
    cut_uploads("quic");
}

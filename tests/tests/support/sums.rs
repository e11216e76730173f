//! The sums of a plan without noise, computed again outside the protocol.

use tributary_certs::entropy::OsEntropy;
use tributary_client::data::read_csv;
use tributary_model::planned;
use tributary_model::stage::{Rows, STATE_FORMAT};
use tributary_model::synthetic::schema;
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{Entries, LedgerId, LogEntry, scan};
use tributary_protocol::plan::Plan;
use tributary_protocol::round::{CoordinatorEvent, Recorded};
use tributary_protocol::secagg::modular::RingWords;

use super::federation::Federation;

/// Asserts that every committed sum is the plain sum of all branches' integers; how many there are.
pub(crate) fn compare_sums(federation: &Federation) -> usize {
    let events = ledger(federation);
    let [CoordinatorEvent::RunOpened { plan, .. }, ..] = &events[..] else { panic!("a ledger opens with its run") };
    let mut open = None;
    let mut compared = 0;
    for event in &events {
        match event {
            CoordinatorEvent::RoundStarted { descriptor } => open = Some(descriptor.model),
            CoordinatorEvent::RoundCommitted { sum, .. } => {
                let model = open.take().expect("a round starts before it commits");
                assert_eq!(*sum, plain_sum(federation, plan, &model));
                compared += 1;
            }
            _ => {}
        }
    }
    compared
}

/// The events of the coordinator's one run.
pub(crate) fn ledger(federation: &Federation) -> Vec<CoordinatorEvent> {
    let file = std::fs::read(federation.folder.join("coordinator/state/audit.log")).expect("a journal");
    let found = scan(Entries::new(&file));
    assert_eq!(found.fault, None, "a good journal");
    let of_run = found.entries.iter().filter(|entry| entry.ledger != LedgerId::ADMINISTRATION);
    let decode =
        |entry: &LogEntry<'_>| codec::decode::<Recorded<CoordinatorEvent>>(entry.event, LEDGER_ENTRY_BYTES_MAX);
    of_run.map(|entry| decode(entry).expect("an event").event).collect()
}

/// The plain sum of every branch's integers for one state of the plan's first stage.
fn plain_sum(federation: &Federation, plan: &Plan, model: &Digest) -> Digest {
    let planned = planned::check(plan, Some(&schema())).expect("every number of a plan follows");
    let stage = planned.stage(0).expect("a plan has a stage");
    let file = federation.folder.join(format!("coordinator/state/models/{model}.params"));
    let bytes = tributary_storage::files::read_stored(&file, &STATE_FORMAT).expect("a stored state");
    assert_eq!(stage.state_digest(&bytes), *model);
    let state = stage.read_state(&bytes).expect("a state");
    let placement = stage.placement().unwrap_or(Placement::Dense);
    let mut total: Option<RingWords> = None;
    for branch in 0..federation.branches {
        let data = read_csv(&federation.branch(branch).join("customers.csv"), &schema()).expect("rows");
        let maxima = TableMaxima { customers: 160, rows: 160, rows_per_customer: 1 };
        let table = Table::new(data, maxima, &PlacementKey::new([0; 32])).expect("maxima within their limits");
        let trainer = Trainer::new(planned.architecture(), &table, placement).expect("a trainer");
        let rows = Rows { trainer: &trainer, customers_nominal: 1 };
        let sum = stage.contribute(&rows, &state, &mut OsEntropy).expect("a sum");
        let zeros = vec![0; sum.coordinates()];
        let words = sum.add_noise(zeros).expect("no noise").quantize(stage.terms().ring).into_words();
        match &mut total {
            None => total = Some(words),
            Some(total) => total.add(&words).expect("the same ring"),
        }
    }
    total.expect("branches").digest()
}

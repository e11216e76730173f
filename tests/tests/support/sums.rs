//! The sums of a plan without noise, computed again outside the protocol.

use tributary_client::data::read_csv;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::synthetic::schema;
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_model::update::{ClipForm, ClipRule, ClipSettings, ClipUnit, clipped_sum};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{ClipForm as PlannedForm, Plan};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::modular::RingWords;

use super::federation::Federation;

/// Asserts that every committed sum is the plain sum of all branches' integers; how many there are.
pub(crate) fn compare_sums(federation: &Federation) -> usize {
    let events = ledger(federation);
    let [CoordinatorEvent::PlanOpened { plan, .. }, ..] = &events[..] else { panic!("a ledger opens with its plan") };
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

/// The coordinator's events.
pub(crate) fn ledger(federation: &Federation) -> Vec<CoordinatorEvent> {
    let path = federation.folder.join("coordinator/state/coordinator.ledger");
    tributary_journal::read(&path).expect("a good ledger").into_iter().map(|recorded| recorded.event).collect()
}

/// The plain sum of every branch's integers for one model.
fn plain_sum(federation: &Federation, plan: &Plan, model: &Digest) -> Digest {
    let architecture = Architecture::decode(&plan.architecture).expect("an architecture");
    let file = federation.folder.join(format!("coordinator/state/models/{model}.params"));
    let bytes = std::fs::read(file).expect("a stored model");
    let parameters = Parameters::from_le_bytes(&architecture, &bytes).expect("a model");
    assert_eq!(parameters.digest(), *model);
    let form = match plan.clip_form {
        PlannedForm::Exact => ClipForm::Exact,
        PlannedForm::Chunked => ClipForm::Chunked,
    };
    let rule = ClipRule::new(ClipSettings {
        example_clip_norm: f64::from_bits(plan.example_clip_norm_bits),
        clip_units: plan.clip_units,
        form,
        loss_bound: Some(f64::from_bits(plan.loss_bound_bits)),
        unit: ClipUnit::Customer,
    })
    .expect("a rule");
    let mut total: Option<RingWords> = None;
    for branch in 0..federation.branches {
        let data = read_csv(&federation.branch(branch).join("customers.csv"), &schema()).expect("rows");
        let placement = match form {
            ClipForm::Exact => Placement::Dense,
            ClipForm::Chunked => Placement::Hashed,
        };
        let maxima = TableMaxima { customers: 160, rows: 160, rows_per_customer: 1 };
        let table = Table::new(data, maxima, &PlacementKey::new([0; 32])).expect("maxima within their limits");
        let trainer = Trainer::new(&architecture, &table, placement).expect("a trainer");
        let sum = clipped_sum(&trainer, &parameters, &rule).expect("a sum");
        let zeros = vec![0; sum.coordinates()];
        let words = sum.add_noise(zeros).expect("no noise").quantize(plan.ring).into_words();
        match &mut total {
            None => total = Some(words),
            Some(total) => total.add(&words).expect("the same ring"),
        }
    }
    total.expect("branches").digest()
}

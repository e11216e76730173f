//! The unmasked sum equals the plain integer sum of the same inputs, bit for bit: real daemons, real QUIC, real certificates.
//!
//! Without noise every branch's integers follow from its data and the round's model, so that they can be computed again outside the
//! protocol and compared with the digest that the coordinator recorded before it used the sum.

mod support;

use std::path::Path;
use std::sync::mpsc;

use tributary_client::data::read_csv;
use tributary_coordinator::Event;
use tributary_coordinator::cli::serve_reporting;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::synthetic::schema;
use tributary_model::train::{Placement, PlacementKey, Trainer};
use tributary_model::update::{ClipForm, ClipRule, ClipSettings, ClipUnit, clipped_sum};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{ClipForm as PlannedForm, Plan};
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent};
use tributary_protocol::secagg::modular::RingWords;

use self::support::federation::{Federation, FederationSpec};

const BRANCHES: usize = 8;

/// Runs a federation of threads to its end.
fn run(folder: &Path, plan: &str) -> Federation {
    let federation = Federation::create(
        folder,
        FederationSpec {
            branches: BRANCHES,
            customers_per_branch: 40,
            plan: plan.to_string(),
            epsilon_max: 8.0,
            modes: &["none", "customer"],
            seed: 3,
        },
    );
    let (address_sender, address) = mpsc::channel();
    std::thread::scope(|scope| {
        let coordinator = scope.spawn(|| {
            let mut complete = None;
            let mut report = |event: &Event| match event {
                Event::Listening { address, .. } => address_sender.send(*address).expect("the test listens"),
                Event::Finished(finished) => complete = Some(finished.complete),
                _ => {}
            };
            serve_reporting(&federation.coordinator, &mut report, std::future::pending()).expect("the plan ends");
            complete
        });
        let address = address.recv().expect("the coordinator listens");
        for path in federation.client_settings(address) {
            scope.spawn(move || {
                let settings = tributary_client::settings::Settings::load(&path).expect("good settings");
                tributary_client::runtime::run(settings, &|_| {}).expect("the client ends well");
            });
        }
        assert_eq!(coordinator.join().expect("no panic"), Some(true));
    });
    federation
}

fn ledger(federation: &Federation) -> Vec<CoordinatorEvent> {
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
    for branch in 0..BRANCHES {
        let data = read_csv(&federation.branch(branch).join("customers.csv"), &schema()).expect("rows");
        let placement = match form {
            ClipForm::Exact => Placement::Dense,
            ClipForm::Chunked => {
                Placement::Hashed { key: PlacementKey::new([0; 32]), customers_max: 160, rows_per_customer_max: 1 }
            }
        };
        let trainer = Trainer::new(&architecture, &data, &placement).expect("a trainer");
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

fn compare(plan_lines: &str, rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = run(folder.path(), plan_lines);
    let events = ledger(&federation);
    let [CoordinatorEvent::PlanOpened { plan, .. }, ..] = &events[..] else { panic!("a ledger opens with its plan") };
    let mut open = None;
    let mut compared = 0;
    for event in &events {
        match event {
            CoordinatorEvent::RoundStarted { descriptor } => open = Some(descriptor.model),
            CoordinatorEvent::RoundCommitted { sum, .. } => {
                let model = open.take().expect("a round starts before it commits");
                assert_eq!(*sum, plain_sum(&federation, plan, &model));
                compared += 1;
            }
            _ => {}
        }
    }
    assert_eq!(compared, rounds);
}

#[test]
fn unmasked_sums_are_the_plain_sums_in_the_64_bit_ring() {
    compare(
        "model = \"logistic\"\nrounds = 5\nprivacy = \"none\"\nsession_rounds = 2\n\
         [plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 1.0\n",
        5,
    );
}

#[test]
fn unmasked_sums_are_the_plain_sums_in_the_32_bit_ring() {
    compare(
        "model = \"logistic\"\nring = 32\nrounds = 3\nprivacy = \"none\"\n\
         [plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 1.0\n",
        3,
    );
}

/// With noise the sum cannot be computed again, but everything that is charged can.
#[test]
fn every_branch_charges_what_the_ledger_says_and_no_more_than_its_cap() {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = run(
        folder.path(),
        "model = \"logistic\"\nrounds = 4\nprivacy = \"customer\"\nepsilon = 8.0\ndelta = 1e-6\n\
         [plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 1.0\n",
    );
    let started =
        ledger(&federation).iter().filter(|event| matches!(event, CoordinatorEvent::RoundStarted { .. })).count();
    assert_eq!(started, 4);
    for branch in 0..BRANCHES {
        let path = federation.branch(branch).join("state/budget.ledger");
        let events: Vec<ParticipantEvent> = tributary_journal::read(&path)
            .expect("a good budget file")
            .into_iter()
            .map(|recorded| recorded.event)
            .collect();
        let charges: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                ParticipantEvent::BudgetCharged { charge, .. } => Some(charge.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(charges.len(), 4);
        let spent = charges.iter().fold(tributary_protocol::privacy::RdpVector::zero(), |sum, charge| sum.plus(charge));
        let (epsilon, _) = tributary_model::privacy::epsilon_of(&spent, 1e-6);
        assert!(epsilon > 4.0 && epsilon <= 8.0, "{epsilon}");
    }
}

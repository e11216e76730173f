//! The unmasked sum equals the plain integer sum of the same inputs, bit for bit: real daemons, real QUIC, real certificates.
//!
//! Without noise every branch's integers follow from its data and the round's model, so that they can be computed again outside the
//! protocol and compared with the digest that the coordinator recorded before it used the sum.

mod support;

use std::path::Path;
use std::sync::mpsc;

use tributary_client::runtime::{self, Ends};
use tributary_client::settings::Settings;
use tributary_coordinator::cli::serve_reporting;
use tributary_coordinator::{Event, Told};
use tributary_protocol::log::LedgerId;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent};

use self::support::federation::{Federation, FederationSpec};
use self::support::sums::{compare_sums, ledger};

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
            group: None,
        },
    );
    let (address_sender, address) = mpsc::channel();
    let settings = &federation.coordinator;
    std::thread::scope(|scope| {
        // The sender ends with this thread: whoever waits for an address hears when there will be none.
        let coordinator = scope.spawn(move || {
            let mut complete = None;
            let mut report = |told: &Told| match &told.event {
                Event::Listening { address, .. } => address_sender.send(*address).expect("the test listens"),
                Event::Finished(finished) => complete = Some(finished.complete),
                _ => {}
            };
            serve_reporting(settings, tributary_coordinator::Ends::WithTheLastRun, &mut report, std::future::pending())
                .expect("the plan ends");
            complete
        });
        let address = address.recv().expect("the coordinator listens");
        for path in federation.client_settings(address) {
            scope.spawn(move || {
                let settings = Settings::load(&path).expect("good settings");
                runtime::run(settings, Ends::WithFirstRun, &|_| {}).expect("the client ends well");
            });
        }
        assert_eq!(coordinator.join().expect("no panic"), Some(true));
    });
    federation
}

fn compare(plan_lines: &str, rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = run(folder.path(), plan_lines);
    assert_eq!(compare_sums(&federation), rounds);
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
        let events: Vec<ParticipantEvent> = tributary_storage::journal::read(&path, LedgerId::BUDGET)
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
        let spent = charges.iter().fold(tributary_protocol::privacy::Accounts::zero(), |sum, charge| sum.plus(charge));
        let (epsilon, _) = tributary_model::privacy::epsilon_of(&spent.customer, 1e-6);
        assert!(epsilon > 4.0 && epsilon <= 8.0, "{epsilon}");
    }
}

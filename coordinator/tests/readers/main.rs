//! What people are shown of a coordinator's folder after two runs: lists of models, exports, cards, bundles and papers, each read from the files alone.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../support/mod.rs"]
mod support;

mod durable;
mod exported;
mod models;
mod papers;
mod points_set;

use std::path::PathBuf;

use support::{Client, Daemon, Ended, Federation, Kept, now};
use tributary_coordinator::registry::{ModelLine, list};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;

const CLIENTS: usize = 9;
/// Of each run, with the round in which customers are counted, and the one in which the model is evaluated.
const ROUNDS: [u32; 2] = [1, 4];
/// Stages of the second plan before and after the training.
const COUNTS: &str = "[plan.statistics]\nbins = 12\n[plan.evaluation]\nbins = 8\n";

/// A coordinator's folder after a run of each of two plans, the shorter one first.
struct World {
    federation: Federation,
    config: PathBuf,
    models: Vec<ModelLine>,
}

impl World {
    fn new() -> Self {
        let federation = Federation::new(CLIENTS);
        let plan = |name: &str, rounds: u32, counts: &str| {
            federation.settings(|text| {
                let rounds = format!("rounds = {rounds}\n");
                let text = text.replace("rounds = 3\n", &rounds);
                text.replace("name = \"test\"", &format!("name = \"{name}\"")) + counts
            })
        };
        plan("first", ROUNDS[0], "");
        let config = plan("second", ROUNDS[1] - 2, COUNTS);
        let daemon = Daemon::start(&config);
        let address = daemon.address();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ends = runtime.block_on(async {
            let mut running = tokio::task::JoinSet::new();
            for index in 0..CLIENTS {
                let client = Client::connect(&federation, &format!("branch-{index}"), address, 1_000).await.unwrap();
                running.spawn(client.in_runs(2).run());
            }
            running.join_all().await
        });
        assert!(ends.iter().all(|end| matches!(end, Ended::Finished(_))), "{ends:?}");
        let _ = (daemon.finished(), daemon.finished());
        daemon.join().0.unwrap();
        let mut models = list(&config).unwrap();
        models.sort_by_key(|model| model.rounds);
        Self { federation, config, models }
    }

    fn state(&self, name: &str) -> PathBuf {
        self.federation.path("state").join(name)
    }

    fn run(&self, place: usize) -> RunRef {
        RunRef { plan: Digest::from_hex(&self.models[place].plan).unwrap(), number: self.models[place].run }
    }
}

#[test]
fn a_coordinators_folder_is_shown_by_every_reader() {
    let world = World::new();
    models::models_are_listed(&world);
    models::what_there_is_not_is_said(&world);
    points_set::what_was_counted_is_shown(&world);
    points_set::points_are_changed_by_two_people(&world);
    models::a_draft_waits_for_signatures(&world);
    exported::exports_are_numbered_and_none_is_taken_out(&world);
    models::a_card_is_the_one_that_was_written(&world);
    papers::bundles_have_what_their_scope_names(&world);
    papers::papers_say_what_the_journal_says(&world);
    papers::nothing_else_leaves_in_the_place_of_what_is_kept(&world);
    papers::a_security_report_names_every_flow(&world);
    exported::a_command_that_was_cut_short_is_put_on_record_by_the_next_one(&world);
    exported::a_daemon_records_what_leaves(&world);
    durable::what_people_bring_is_there_for_good_or_they_hear_that_it_is_not(&world);
}

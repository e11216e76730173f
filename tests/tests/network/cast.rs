//! Real daemons in threads, with a network of the test's between them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};

use tributary_client::runtime::Ends;
use tributary_client::telemetry::Report;
use tributary_coordinator::cli::serve_reporting;
use tributary_coordinator::{Event, Told};

use crate::support::federation::{Federation, FederationSpec};

/// Branches of every federation here.
pub(crate) const BRANCHES: usize = 8;

/// Settings of `[network]` with which silence is noticed soon.
pub(crate) const IMPATIENT: &str = "keep_alive_ms = 100\nidle_ms = 400\n";

/// A federation whose plan has no noise, with the coordinator's `[network]` settings.
///
/// Each branch has one customer: sums of floats do not depend on any order then, so that the integers can be computed again.
pub(crate) fn federation(folder: &Path, plan: &str, network: &str) -> Federation {
    let federation = Federation::create(
        folder,
        FederationSpec {
            branches: BRANCHES,
            customers_per_branch: 30,
            plan: format!(
                "privacy = \"none\"\nround_deadline_ms = 120000\nkeying_deadline_ms = 120000\n{plan}\n\
                 [plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 1.0\n\n[network]\n{network}\n"
            ),
            epsilon_max: 8.0,
            modes: &["none"],
            seed: 5,
            group: None,
        },
    );
    for branch in 0..BRANCHES {
        let file = federation.branch(branch).join("customers.csv");
        let text = std::fs::read_to_string(&file).expect("a data file");
        let rows: Vec<&str> = text.lines().take(2).collect();
        std::fs::write(&file, rows.join("\n") + "\n").expect("a data file");
    }
    federation
}

/// What a test has to say while a plan runs.
pub(crate) trait Director: Sync {
    /// The coordinator listens, and no client has started.
    fn listening(&self, _coordinator: SocketAddr) {}

    /// The settings of a client, from the usual ones.
    fn settings(&self, _branch: usize, usual: String) -> String {
        usual
    }

    /// The coordinator says something.
    fn event(&self, _event: &Event) {}

    /// A client says something.
    fn report(&self, _branch: usize, _report: &Report) {}
}

/// What everybody said.
pub(crate) struct Played {
    pub(crate) events: Vec<Event>,
    pub(crate) reports: Vec<Vec<Report>>,
}

impl Played {
    /// Updates in the sum of each round.
    pub(crate) fn survivors(&self) -> Vec<usize> {
        let survivors =
            |event: &Event| if let Event::Round { survivors, .. } = event { Some(*survivors) } else { None };
        self.events.iter().filter_map(survivors).collect()
    }

    /// Asserts that every round has every update, at the first attempt, and that the coordinator never lost a client.
    pub(crate) fn assert_whole(&self, rounds: usize) {
        assert_eq!(self.survivors(), vec![BRANCHES; rounds]);
        for event in &self.events {
            assert!(!matches!(event, Event::Aborted { .. }), "{event:?}");
        }
        let finished = self.events.iter().filter_map(|event| match event {
            Event::Finished(finished) => Some(finished.complete),
            _ => None,
        });
        assert_eq!(finished.collect::<Vec<_>>(), [true], "the plan ends, once");
    }

    /// Bytes that a client has sent.
    pub(crate) fn bytes_up(&self, branch: usize) -> u64 {
        let up = |report: &Report| if let Report::Finished { bytes_up, .. } = report { Some(*bytes_up) } else { None };
        self.reports[branch].iter().find_map(up).expect("the client has finished")
    }

    /// Over what a client connected each time, and whether it went on where it was.
    pub(crate) fn connections(&self, branch: usize) -> Vec<(&'static str, bool)> {
        let connected = |report: &Report| match report {
            Report::Connected { transport, resumed, .. } => Some((*transport, *resumed)),
            _ => None,
        };
        self.reports[branch].iter().filter_map(connected).collect()
    }

    /// Why a client was without a connection, each time.
    pub(crate) fn disconnections(&self, branch: usize) -> Vec<String> {
        let lost = |report: &Report| {
            if let Report::Disconnected { reason, .. } = report { Some(reason.clone()) } else { None }
        };
        self.reports[branch].iter().filter_map(lost).collect()
    }
}

/// Runs a federation to its end.
pub(crate) fn play(federation: &Federation, director: &dyn Director) -> Played {
    let (address_sender, address) = mpsc::channel();
    let reports: Vec<Mutex<Vec<Report>>> = (0..federation.branches).map(|_| Mutex::default()).collect();
    let events = std::thread::scope(|scope| {
        let coordinator = scope.spawn(|| {
            let mut events = Vec::new();
            let mut report = |Told { event, .. }: &Told| {
                if let Event::Listening { address, .. } = event {
                    address_sender.send(*address).expect("the test listens");
                }
                director.event(event);
                events.push(event.clone());
            };
            serve_reporting(
                &federation.coordinator,
                tributary_coordinator::Ends::WithTheLastRun,
                &mut report,
                std::future::pending(),
            )
            .expect("the plan ends");
            events
        });
        let address = address.recv().expect("the coordinator listens");
        director.listening(address);
        for (branch, path) in federation.client_settings(address).into_iter().enumerate() {
            let usual = std::fs::read_to_string(&path).expect("settings");
            std::fs::write(&path, director.settings(branch, usual)).expect("settings");
            let reports = &reports;
            scope.spawn(move || {
                run_client(&path, &|report| {
                    director.report(branch, report);
                    reports[branch].lock().unwrap_or_else(PoisonError::into_inner).push(report.clone());
                });
            });
        }
        coordinator.join().expect("no panic")
    });
    let reports = reports.into_iter().map(|reports| reports.into_inner().unwrap_or_else(PoisonError::into_inner));
    Played { events, reports: reports.collect() }
}

/// A client's daemon, to its first run's end.
pub(crate) fn run_client(settings: &Path, report: &dyn Fn(&Report)) {
    let settings = tributary_client::settings::Settings::load(settings).expect("good settings");
    tributary_client::runtime::run(settings, Ends::WithFirstRun, report).expect("the client ends well");
}

/// Settings that go to another address, over one transport or `auto`.
pub(crate) fn by_way_of(usual: &str, address: SocketAddr, transport: &str) -> String {
    let old = usual.lines().find(|line| line.starts_with("address = ")).expect("an address");
    usual.replace(old, &format!("address = \"{address}\"\ntransport = \"{transport}\""))
}

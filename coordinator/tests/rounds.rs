//! Whole plans over real QUIC on this machine: what the clients put in is what the model becomes, across sessions, restarts and losses.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use support::{Behaviour, Client, Daemon, Ended, Federation, Kept};
use tributary_certs::enrolment::names;
use tributary_certs::suite::RealSuite;
use tributary_coordinator::{Event, Finished, Job};
use tributary_evidence::{NothingKept, Retained, Verdict, judge};
use tributary_model::parameters::Parameters;
use tributary_protocol::budget::{self, Heads};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::{Entries, LedgerId, scan};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::round::{CoordinatorEvent, RoundDescriptor, RunRecord};
use tributary_protocol::secagg::kept::{CommittedRound, KeptHead, KeptRound, read_sum};
use tributary_protocol::versioned::HEADER_BYTES;

const CLIENTS: usize = 9;

/// What each client puts into every coordinate: its number in thousands.
fn value(index: usize) -> i64 {
    1000 * (i64::try_from(index).unwrap() + 1)
}

fn total() -> i64 {
    (0..CLIENTS).map(value).sum()
}

async fn run_all(federation: &Federation, address: SocketAddr) -> Vec<Ended> {
    let mut running = tokio::task::JoinSet::new();
    for index in 0..CLIENTS {
        let client = Client::connect(federation, &format!("branch-{index}"), address, value(index)).await.unwrap();
        running.spawn(client.run());
    }
    running.join_all().await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The model after so many rounds of the same sum.
fn expected(federation: &Federation, rounds: u32) -> Parameters {
    let job = Job::open(&federation.plan()).unwrap();
    let stage = job.planned.stage(0).unwrap();
    let mut state = stage.start(job.initial.clone());
    let sum = vec![total(); stage.terms().dimension as usize];
    for _ in 0..rounds {
        stage.advance(&mut state, &sum, CLIENTS).unwrap();
    }
    stage.conclude(&state).unwrap().parameters
}

/// Somebody without a key recomputes sums and heads, says what was not verified, and finds a kept round that was changed.
fn judged_by_somebody_else(federation: &Federation, journal: &Path) {
    let (bytes, beside) = (std::fs::read(journal).unwrap(), Kept(federation.path("state")));
    let sums = |kept: &dyn Retained| match judge(&bytes, 1e-6, kept) {
        Verdict::Coordinator(report) => Ok((report.runs[0].sums_verified, report.runs[0].sums_not_verified)),
        other => Err(other.to_string()),
    };
    assert_eq!((sums(&beside), sums(&NothingKept)), (Ok((3, 0)), Ok((0, 3))));
    // Each round's model, and what the stage hands on; and of the registry what it says of the model.
    let Verdict::Coordinator(report) = judge(&bytes, 1e-6, &beside) else { panic!("a journal") };
    assert_eq!((report.runs[0].models_verified, report.runs[0].model_follows), (4, true), "{report}");
    let registry = report.registry.as_ref().unwrap();
    assert_eq!((registry.models_recomputed, &registry.not_verified), (1, &Vec::new()), "{report}");
    assert_eq!(report.not_verified(), Vec::new(), "{report}");
    let Verdict::Coordinator(report) = judge(&bytes, 1e-6, &NothingKept) else { panic!("a journal") };
    assert!(!report.runs[0].model_follows && report.not_verified().len() > 1, "{report}");
    let kept = std::fs::read_dir(federation.path("state/rounds")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&kept).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&kept, changed).unwrap();
    let found = sums(&beside).unwrap_err();
    assert!(found.contains("not that of the uploads"), "{found}");
    std::fs::write(&kept, whole).unwrap();
    let heads = std::fs::read(federation.path("heads/budgets.ledger")).unwrap();
    let Verdict::Heads(report) = judge(&heads, 1e-6, &NothingKept) else { panic!("budget heads") };
    assert_eq!(report.clients, CLIENTS);
}

/// Every committed round is recomputed from what the daemon kept of it: how many, and the survivors of the last one.
fn proved(federation: &Federation, events: &[CoordinatorEvent]) -> (usize, usize) {
    let (mut open, mut admitted): (Option<&RoundDescriptor>, BTreeMap<ClientId, Digest>) = (None, BTreeMap::new());
    let (mut rounds, mut survivors) = (0, 0);
    for event in events {
        match event {
            CoordinatorEvent::RoundStarted { descriptor } => (open, admitted) = (Some(descriptor), BTreeMap::new()),
            CoordinatorEvent::UpdateAdmitted { client, vector, .. } => {
                admitted.insert(*client, *vector);
            }
            CoordinatorEvent::RoundCommitted { round, sum, .. } => {
                let RoundDescriptor { ring, dimension, .. } = *open.unwrap();
                let head = KeptHead { round: *round, descriptor: open.unwrap().digest(), ring, dimension };
                let bytes = std::fs::read(federation.path(&format!("state/rounds/{}-{round}.kept", open.unwrap().run)))
                    .unwrap();
                let committed = CommittedRound { head, admitted: &admitted, sum: *sum };
                let opened = KeptRound::decode(&bytes).unwrap().recompute::<RealSuite>(&committed).unwrap();
                let bytes = std::fs::read(federation.path(&format!("state/sums/{sum}.sum"))).unwrap();
                assert_eq!(read_sum(ring, dimension as usize, &bytes, *sum).unwrap(), opened.values());
                (rounds, survivors) = (rounds + 1, opened.participants());
            }
            _ => {}
        }
    }
    assert_eq!(
        std::fs::read_dir(federation.path("state/rounds")).unwrap().count(),
        rounds,
        "of committed rounds alone"
    );
    (rounds, survivors)
}

/// The events of the plan's first run.
fn ledger(federation: &Federation, path: &Path) -> Vec<CoordinatorEvent> {
    let run = Job::open(&federation.plan()).unwrap().run;
    let mut ledgers = tributary_storage::journal::read_ledgers(path).unwrap();
    ledgers.remove(&run.id().into()).unwrap().into_iter().map(|recorded| recorded.event).collect()
}

/// What the registry says of the model that a run released.
fn lineage(finished: &Finished) -> serde_json::Value {
    let folder = Path::new(&finished.model_file).parent().unwrap();
    assert!(folder.ends_with(Path::new("registry").join(&finished.registered)), "{}", folder.display());
    serde_json::from_slice(&std::fs::read(folder.join("lineage.json")).unwrap()).unwrap()
}

/// The folder of the plan's first run.
fn run_folder(federation: &Federation) -> PathBuf {
    let plan = Job::open(&federation.plan()).unwrap().plan().digest();
    federation.path(&format!("state/plans/{plan}/runs/1"))
}

#[test]
fn a_plan_runs_to_its_end_over_two_sessions() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text);
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    let ends = runtime().block_on(run_all(&federation, address));
    assert_eq!(ends, vec![Ended::Finished(3); CLIENTS]);

    let (mut sessions, mut rounds, mut far) = (0, Vec::new(), Vec::new());
    let finished = loop {
        match daemon.wait_for(|event| Some(event.clone())) {
            Event::Session { cohort, .. } => {
                assert_eq!(cohort, CLIENTS);
                sessions += 1;
            }
            Event::Round { round, committed, survivors, loss, epsilon, .. } => {
                assert_eq!((u64::from(committed), survivors), (round, CLIENTS));
                assert!(loss.is_some() && epsilon.is_some_and(|epsilon| epsilon > 0.0));
                rounds.push(epsilon);
            }
            Event::NoiseAlone { nominal, counted, noise_stddev } => far.push((nominal, counted < 2.0 * noise_stddev)),
            Event::CustomersFar { nominal, counted, .. } => far.push((nominal, counted < 100.0)),
            Event::Finished(finished) => break *finished,
            _ => {}
        }
    };
    assert_eq!((sessions, rounds.len()), (2, 3));
    // These clients stand for hardly a customer: that few are there, and that it may be nobody, are told once each at most.
    assert!((1..=2).contains(&far.len()) && far.iter().all(|told| *told == (1000, true)), "{far:?}");
    assert!(rounds.is_sorted());
    assert!(finished.complete && finished.rounds == 3 && finished.charged == 3);
    assert_eq!(finished.epsilon, rounds[2]);
    assert!(finished.bytes_up > 0 && finished.bytes_down > 0 && finished.round_milliseconds.len() == 3);

    let model = expected(&federation, 3);
    assert_eq!(finished.model, model.digest().to_string());
    assert_eq!(std::fs::read(&finished.model_file).unwrap()[HEADER_BYTES..], model.to_le_bytes());
    let lineage = lineage(&finished);
    assert_eq!(lineage["parameters"], finished.model.as_str());
    assert_eq!((&lineage["rounds"], &lineage["complete"]), (&3.into(), &true.into()));
    let events = ledger(&federation, Path::new(&finished.ledger));
    let record = RunRecord::replay(&events).unwrap();
    assert_eq!((record.committed(0), record.finished), (3, Some(true)));
    assert_eq!(record.released(), Digest::from_hex(&finished.model));
    assert_eq!(proved(&federation, &events), (3, CLIENTS));
    daemon.join().0.unwrap();
    judged_by_somebody_else(&federation, Path::new(&finished.ledger));

    // Every run is over: another start says nothing of it again. Whoever has not heard of the end is told.
    let journal = federation.path("state/audit.log");
    let whole = std::fs::read(&journal).unwrap();
    let last = scan(Entries::new(&whole)).entries.last().map(|entry| (entry.ledger, entry.offset)).unwrap();
    assert_eq!(last.0, LedgerId::ADMINISTRATION, "the model was registered after the run's last entry");
    std::fs::write(&journal, &whole[..usize::try_from(last.1).unwrap()]).unwrap();
    // An entry that was cut off after a checkpoint was signed for it is noticed.
    let cut = Daemon::start(&config).join().0.unwrap_err().to_string();
    assert!(cut.contains("entries were cut off or changed"), "{cut}");
    // A crash before the entry was durable left no such checkpoint.
    std::fs::remove_dir_all(federation.path("state/checkpoints")).unwrap();
    let mut again = Daemon::start(&config);
    assert_eq!(again.finished().model, finished.model, "what was not released is");
    again.stop();
    again.join().0.unwrap();
    let mut again = Daemon::start(&config);
    again.address();
    again.stop();
    let (result, events) = again.join();
    result.unwrap();
    assert!(events.iter().all(|event| !matches!(event, Event::Finished(_) | Event::RunOpened { .. })), "{events:?}");
}

#[test]
fn a_stopped_coordinator_continues_where_its_ledger_ends() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text.replace("rounds = 3\n", "rounds = 4\n"));
    let mut daemon = Daemon::start(&config);
    let address = daemon.address();
    let first = std::thread::scope(|scope| {
        let clients = scope.spawn(|| runtime().block_on(run_all(&federation, address)));
        let committed = daemon.wait_for(|event| match event {
            Event::Round { committed, .. } => Some(*committed),
            _ => None,
        });
        daemon.stop();
        let ends = clients.join().unwrap();
        assert!(ends.iter().all(|end| matches!(end, Ended::Lost(_))), "{ends:?}");
        committed
    });
    let (result, events) = daemon.join();
    result.unwrap();
    let stopped =
        events.iter().find_map(|event| if let Event::Stopped { rounds } = event { Some(*rounds) } else { None });
    let stopped = stopped.expect("it said so");
    assert!(stopped >= first && stopped < 4, "{stopped}");

    // What is left in the state directory beside the ledger's own is not trusted and not needed.
    std::fs::write(run_folder(&federation).join("optimizer/stray.state"), b"stray").unwrap();
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    let ends = runtime().block_on(run_all(&federation, address));
    assert_eq!(ends, vec![Ended::Finished(4); CLIENTS]);
    let finished = daemon.finished();
    assert!(finished.complete && finished.charged >= 4);
    assert_eq!(finished.model, expected(&federation, 4).digest().to_string());
    daemon.join().0.unwrap();
    let states = std::fs::read_dir(run_folder(&federation).join("optimizer")).unwrap().count();
    assert_eq!(states, 0, "nobody goes on from the last one");
    assert_eq!(proved(&federation, &ledger(&federation, Path::new(&finished.ledger))), (4, CLIENTS));
}

#[test]
fn a_state_directory_that_was_tampered_with_is_refused() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    runtime().block_on(run_all(&federation, address));
    let finished = daemon.finished();
    daemon.join().0.unwrap();
    let ledger = std::fs::read(&finished.ledger).unwrap();
    let mut changed = ledger.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&finished.ledger, &changed).unwrap();
    let refused = Daemon::start(&config).join().0.unwrap_err().to_string();
    assert!(refused.contains("audit.log"), "{refused}");
}

/// Two plans at once, over the same links: each ends by itself, and the other goes on.
#[test]
fn plans_run_beside_each_other_and_each_ends_alone() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    federation.settings(|text| text.replace("name = \"test\"", "name = \"other\""));
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    let ends = runtime().block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for index in 0..CLIENTS {
            let client = Client::connect(&federation, &format!("branch-{index}"), address, value(index)).await.unwrap();
            running.spawn(client.in_runs(2).run());
        }
        running.join_all().await
    });
    assert_eq!(ends, vec![Ended::Finished(4); CLIENTS], "one round and three");
    let mut rounds = [daemon.finished().rounds, daemon.finished().rounds];
    rounds.sort_unstable();
    assert_eq!(rounds, [1, 3]);
    daemon.join().0.unwrap();
}

#[test]
fn a_coordinator_that_began_without_a_roster_serves_the_first_large_enough() {
    let federation = Federation::new(CLIENTS);
    let roster = federation.coordinator().join(names::ROSTER);
    let signed = std::fs::read(&roster).unwrap();
    std::fs::remove_file(&roster).unwrap();
    let config = federation.settings(|text| text);
    let daemon = Daemon::start(&config);
    let address = daemon.wait_for(|event| match event {
        Event::Listening { address, enrolled, .. } => Some((*address, *enrolled)),
        _ => None,
    });
    assert_eq!(address.1, 0);
    let reason =
        daemon.wait_for(|event| if let Event::Waiting { reason } = event { Some(reason.clone()) } else { None });
    assert!(reason.starts_with("0 of 8 members") && reason.contains("no round before 8"), "{reason}");
    std::fs::write(&roster, signed).unwrap();
    let adopted = daemon.wait_for(|event| match event {
        Event::Roster { epoch, enrolled } => Some((*epoch, *enrolled)),
        _ => None,
    });
    assert_eq!(adopted, (1, CLIENTS));
    let ended = runtime().block_on(run_all(&federation, address.0));
    assert_eq!(ended, vec![Ended::Finished(3); CLIENTS]);
    assert!(daemon.finished().complete);
    daemon.join().0.unwrap();
}

/// What each look publishes is there before somebody hears of it: a roll is told at a later look.
#[test]
fn the_metric_of_members_that_lack_is_of_the_run_that_lacks_most() {
    let federation = Federation::new(CLIENTS);
    let named = |name: &str, more: &str| {
        federation.settings(|text| text.replace("name = \"test\"", &format!("name = {name:?}")) + more)
    };
    named("one", "");
    named("larger", "[plan.cohort]\ncohort_min = 9\n");
    let config = named("two", "");
    let mut daemon = Daemon::start(&config);
    let needed =
        || daemon.wait_for(|event| if let Event::Muster { needed, .. } = event { Some(*needed) } else { None });
    let mut all = [needed(), needed(), needed()];
    all.sort_unstable();
    assert_eq!(all, [8, 8, 9]);
    let metrics = std::fs::read_to_string(federation.path("state/metrics.prom")).unwrap();
    assert!(
        metrics.contains("\ntributary_members_lacking 9\n") && metrics.contains("\ntributary_runs_open 3\n"),
        "{metrics}"
    );
    daemon.stop();
    daemon.join().0.unwrap();
}

#[test]
fn a_session_opens_without_those_who_do_not_come() {
    let federation = Federation::new(CLIENTS);
    let config = federation
        .settings(|text| text.replace("rounds = 3\n", "rounds = 1\n").replace("gather_ms = 60000", "gather_ms = 1000"));
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    let ends = runtime().block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for index in 1..CLIENTS {
            let client = Client::connect(&federation, &format!("branch-{index}"), address, value(index)).await.unwrap();
            running.spawn(client.run());
        }
        running.join_all().await
    });
    assert_eq!(ends, vec![Ended::Finished(1); CLIENTS - 1]);
    assert!(daemon.finished().complete);
    daemon.join().0.unwrap();
}

/// A client that breaks the rules of uploading ends the session, is turned away, and the others finish without it.
fn others_finish_without(behaviour: Behaviour) -> Ended {
    others_of(&Federation::new(CLIENTS), behaviour)
}

fn others_of(federation: &Federation, behaviour: Behaviour) -> Ended {
    let config = federation.settings(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    let (bad, good) = runtime().block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for index in 1..CLIENTS {
            let client = Client::connect(federation, &format!("branch-{index}"), address, value(index)).await.unwrap();
            running.spawn(client.run());
        }
        let bad = Client::connect(federation, "branch-0", address, value(0)).await.unwrap();
        let bad = bad.behaving(behaviour).run().await;
        (bad, running.join_all().await)
    });
    assert_eq!(good, vec![Ended::Finished(1); CLIENTS - 1]);
    let finished = daemon.finished();
    assert!(finished.complete);
    let events = ledger(federation, Path::new(&finished.ledger));
    let last = events.iter().rev().find_map(|event| match event {
        CoordinatorEvent::SurvivorsFrozen { survivors, .. } => Some(survivors.len()),
        _ => None,
    });
    assert_eq!(last, Some(CLIENTS - 1));
    assert_eq!(proved(federation, &events), (1, CLIENTS - 1));
    daemon.join().0.unwrap();
    bad
}

#[test]
fn an_upload_with_another_digest_than_signed_is_not_counted() {
    let Ended::Stopped(explanation) = others_finish_without(Behaviour::OtherDigest) else { panic!("it is told why") };
    assert!(explanation.contains("protocol does not allow"), "{explanation}");
}

#[test]
fn an_upload_of_another_length_is_not_counted() {
    assert!(matches!(others_finish_without(Behaviour::OtherLength), Ended::Stopped(_)));
}

#[test]
fn a_vector_that_nobody_announced_closes_the_connection() {
    let Ended::Lost(reason) = others_finish_without(Behaviour::Unannounced) else { panic!("the connection ends") };
    assert!(reason.contains("no header announced"), "{reason}");
}

#[test]
fn an_upload_that_is_cut_is_not_counted() {
    assert_eq!(others_finish_without(Behaviour::CutUpload), Ended::Lost("cut".into()));
}

/// A run may have let go of its member while an upload was on its way. Nothing is summed of it, and no other run charges less for it.
#[test]
fn what_is_announced_in_no_run_is_not_counted_and_what_it_has_spent_is() {
    let federation = Federation::new(CLIENTS);
    assert_eq!(others_of(&federation, Behaviour::OtherRun), Ended::Lost("left".into()));
    let kept = tributary_storage::journal::read::<budget::Kept>(
        &federation.path("heads/budgets.ledger"),
        LedgerId::ADMINISTRATION,
    );
    let kept: Vec<budget::Kept> = kept.unwrap().into_iter().map(|kept| kept.event).collect();
    let heads = Heads::replay(&kept);
    let spent: Vec<_> =
        (0..=CLIENTS).filter_map(|client| heads.newest(ClientId(u32::try_from(client).unwrap()))).collect();
    assert_eq!(spent.len(), CLIENTS);
    assert!(spent.iter().all(|head| head.spent == spent[0].spent && head.spent != Accounts::zero()));
}

//! A plan that somebody ends while its run is under way: told to everybody, recorded, and for good.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::{Client, Daemon, Ended, Federation, now};
use tributary_certs::enrolment::names;
use tributary_certs::order::write_order;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_coordinator::federation::orders::install_order;
use tributary_coordinator::{Event, Job};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::{CoordinatorEvent, RunRecord};

const CLIENTS: usize = 9;

async fn run_all(federation: &Federation, address: SocketAddr) -> Vec<Ended> {
    let mut running = tokio::task::JoinSet::new();
    for index in 0..CLIENTS {
        let client = Client::connect(federation, &format!("branch-{index}"), address, 1000).await.unwrap();
        running.spawn(client.run());
    }
    running.join_all().await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The privacy officer ends the plan, and the order is carried to the coordinator.
fn abort(federation: &Federation, plan: Digest) {
    let officer = SigningPerson::open(&federation.path("people/e2")).unwrap();
    let authorities = RosterAuthorities::read(&federation.path("authority").join(names::AUTHORITIES)).unwrap();
    let order = officer.attest(Action::AbortPlan, plan, authorities.digest(), Role::PrivacyOfficer, now()).unwrap();
    let carried = federation.path("end.order");
    write_order(&order, &carried).unwrap();
    install_order(&federation.path("state"), &carried).unwrap();
}

#[test]
fn a_plan_that_was_aborted_ends_at_once_and_stays_so() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| {
        let text = text.replace("rounds = 3\n", "rounds = 2000\nretries = 0\n");
        text.replace("[plan]\n", "[network]\ndetached_ms = 10000\n[plan]\n")
    });
    let plan = Job::open(&federation.plan()).unwrap().plan().digest();
    let daemon = Daemon::start(&config);
    let address = daemon.address();
    let ends = std::thread::scope(|scope| {
        let clients = scope.spawn(|| runtime().block_on(run_all(&federation, address)));
        daemon.wait_for(|event| matches!(event, Event::Round { .. }).then_some(()));
        abort(&federation, plan);
        clients.join().unwrap()
    });
    for end in ends {
        let Ended::Stopped(why) = end else { panic!("{end:?}") };
        assert!(why.contains("the plan was aborted by north-bank/e2 (privacy-officer)"), "{why}");
    }
    let (by, rounds, charged) = daemon.wait_for(|event| match event {
        Event::PlanAborted { by, rounds, charged, .. } => Some((by.clone(), *rounds, *charged)),
        _ => None,
    });
    assert_eq!(by, "north-bank/e2");
    assert!((1..2000).contains(&rounds) && charged >= rounds, "{rounds} of {charged}");
    // There is no run left, so that the process ends by itself.
    daemon.join().0.unwrap();

    let run = RunRef { plan, number: 1 };
    let mut ledgers = tributary_storage::journal::read_ledgers(&federation.path("state/audit.log")).unwrap();
    let events: Vec<CoordinatorEvent> =
        ledgers.remove(&run.id().into()).unwrap().into_iter().map(|recorded| recorded.event).collect();
    let record = RunRecord::replay(&events).unwrap();
    assert_eq!((record.finished, record.released(), record.committed_all()), (Some(false), None, rounds));
    let last = events.last().unwrap();
    assert!(matches!(last, CoordinatorEvent::RunFinished { complete: false, .. }), "{last:?}");
    let registered = std::fs::read_dir(federation.path("state/registry"));
    assert!(registered.map_or(true, |mut entries| entries.next().is_none()), "nothing is released");

    // The next start opens nothing of it, with the order among its files or without.
    for kept in [true, false] {
        if !kept {
            std::fs::remove_dir_all(federation.path("state/orders")).unwrap();
        }
        let daemon = Daemon::start(&config);
        let address = daemon.address();
        if kept {
            // Whoever was away meanwhile still finds it here.
            let stays = runtime().block_on(async {
                let mut client = Client::connect(&federation, "branch-0", address, 1_000).await.unwrap();
                let stays = client.is_alive_for(Duration::from_secs(2)).await;
                client.leave().await;
                stays
            });
            assert!(stays);
        }
        let (result, events) = daemon.join();
        result.unwrap();
        let none =
            |event: &Event| !matches!(event, Event::RunOpened { .. } | Event::PlanAborted { .. } | Event::Finished(_));
        assert!(events.iter().all(none), "{events:?}");
    }
}

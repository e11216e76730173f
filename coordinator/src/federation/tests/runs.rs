//! Runs from their first event to their last.

use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc::error::TryRecvError;
use tributary_evidence::Item;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::{PROTOCOL_VERSION, RUNS_AT_ONCE_MAX};
use tributary_protocol::message::{Downstream, Join, RefusalCode};
use tributary_protocol::plan::GrantFault;
use tributary_protocol::secagg::suite::Signature;

use super::*;
use crate::connections::{Order, Trouble};
use crate::control::{MemberState, MemberStatus, Readiness, Refusing};
use crate::report::{RefusedFor, Whom};

fn begins(number: u32) -> String {
    format!(
        "test run 1: client {number} (north-bank/branch-{}) begins a budget that this coordinator does not know, signed by its owner …; if it took \
         part before, ask both",
        number - 1
    )
}

fn readiness(world: &mut World) -> Readiness {
    match world.centre.answer(Request::Readiness("test".into())).unwrap() {
        Said::Readiness(runs) => runs.into_iter().next().expect("a run is open"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_is_told_step_by_step_and_leaves_what_it_promises() {
    let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 2\n"));
    assert!(world.status().runs.is_empty() && !world.centre.is_through());
    world.begin();
    world.comes(2);
    let mut expected = readiness(&mut world);
    let state = |readiness: &Readiness, number: u32| readiness.members[number as usize - 1].state.clone();
    assert_eq!((expected.members.len(), expected.ready_min, &expected.as_of), (9, 0, &None));
    assert_eq!(
        (state(&expected, 1), state(&expected, 2)),
        (MemberState::Silent { last_seen: None }, MemberState::Asked)
    );
    (1..=BRANCHES).filter(|number| *number != 2).for_each(|number| world.comes(number));
    let status = world.status();
    let [run] = status.runs.as_slice() else { panic!("one run") };
    assert_eq!((status.roster_epoch, status.enrolled, status.here, status.ended), (1, 9, 9, 0));
    assert_eq!(
        (run.stage.as_str(), run.committed, run.rounds, run.charged, run.charged_max),
        ("1 (gradient)", 0, 2, 0, 3)
    );
    assert_eq!((run.epsilon, run.group_size, run.ready, run.without.len()), (Some(0.0), 9, 0, 0));
    assert_eq!(run.next, "open a session when enough are ready");
    assert!(run.deadline_unix_ms.unwrap() <= status.now_unix_ms + 60_000);
    // Nobody hears of anything but lists, before there is anything else.
    world.talk_until(|event| matches!(event, Event::Session { .. }));
    expected.members.iter_mut().for_each(|member| member.state = MemberState::Ready);
    assert_eq!(readiness(&mut world), expected);
    world.talk_until(|event| matches!(event, Event::Round { .. }));
    let run = &world.status().runs[0];
    assert_eq!((run.committed, run.ready), (1, 9));
    assert!((1..=2).contains(&run.charged) && run.epsilon.unwrap() > 0.0);
    world.talk();
    let lines = world.take_lines();
    let mut told = vec!["test run 1: open; its members are invited".to_owned()];
    told.extend((1..=BRANCHES).map(begins));
    let rest = [
        "test run 1: session …: 9 clients are keyed; a sum needs 8, of whom 6 are assumed honest",
        "test run 1: round 1 committed (1 so far) with 9 updates in … ms, loss about …, epsilon … spent",
        "test run 1: the round counts about … customers (noise 132), and plan.customers_nominal is 1000: its branches seem to send noise alone, so that \
         nothing is learnt. Ask them whether their data are read and whether training fails there",
        "test run 1: round 2 committed (2 so far) with 9 updates in … ms, loss about …, epsilon … spent",
        "test run 1: finished, complete: 2 rounds, 2 charged, epsilon … at delta 1e-6",
    ];
    told.extend(rest.map(str::to_owned));
    assert_eq!(lines, told);
    assert_eq!(world.ends(), vec![Ended::Finished(2); BRANCHES as usize]);
    let status = world.status();
    assert!(status.runs.is_empty() && status.waiting.is_empty() && world.centre.is_through());
    assert_eq!((status.ended, status.here, world.centre.stuck()), (1, 9, None));
    let log = status.log.unwrap();
    assert_eq!((log.entries, log.cosigned, log.late.len(), log.disputes.len()), (53, 0, 0, 0));
    // Statement and model lie where people look for them.
    let run = world.run(1);
    let folder = world.state(&format!("plans/{}/runs/1", run.plan));
    assert!(folder.join("statement.json").is_file() && folder.join("statement.txt").is_file());
    let models = crate::registry::list(&world.config).unwrap();
    assert_eq!(models.len(), 1);
    // A plan may begin from its parameters.
    let parameters = Digest::from_hex(&models[0].parameters).unwrap();
    assert!(world.state(&Item::State(parameters).name()).is_file());
    assert!((1..=BRANCHES).all(|number| matches!(world.heard(number), [ToClient::Lists(_)])), "{:?}", world.heard(1));
}

/// Who asks for a run that is over hears how it ended; of a run that there is not, nobody hears anything.
#[test]
fn whoever_asks_after_the_end_is_told_of_it() {
    let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    world.begin();
    world.all_come();
    world.talk();
    let run = world.run(1).id();
    let asks = |world: &mut World, client: u32, run: RunId| {
        let join =
            Join { version: PROTOCOL_VERSION, schema: Digest::ZERO, holding: Vec::new(), nonce: Digest([7; 32]) };
        world.arrive(Arrival::Message(ClientId(client), run, Upstream::Join(join)));
        let pieces = world.here.get_mut(&ClientId(client))?.queue.try_recv().ok()?;
        let mut frames = Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX));
        frames.feed(pieces.into_iter().next()?);
        let frame = frames.frame().unwrap()?;
        Some(codec::decode::<ToClient>(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).unwrap())
    };
    let told = asks(&mut world, 3, run).expect("an answer");
    assert!(matches!(&told, ToClient::Run(of, Downstream::Finished { .. }) if *of == run), "{told:?}");
    assert_eq!(asks(&mut world, 3, RunId([9; 32])), None);
    assert_eq!(asks(&mut world, 77, run), None, "it is no member");
    // Anything else of such a run is nothing.
    let refusal = Upstream::Refuse { code: RefusalCode::BranchUnprepared, signature: Signature::none() };
    world.arrive(Arrival::Message(ClientId(3), run, refusal));
    assert!(world.here.get_mut(&ClientId(3)).unwrap().queue.try_recv().is_err());
    assert_eq!(world.status().ended, 1);
}

/// Why a member is away, and when it was here, stays until it is back; the same reason is told once.
#[test]
fn who_is_here_and_why_not_is_known_of_every_member() {
    let mut world = World::new(|text| text);
    world.begin();
    let sites = |world: &mut World| match world.centre.answer(Request::Sites).unwrap() {
        Said::Sites(sites) => sites,
        other => panic!("{other:?}"),
    };
    let unheard = "its daemon may not run; ask its operator what `tributary client status` says there";
    let first = sites(&mut world).remove(0);
    assert_eq!((first.client.client, first.client.name.as_deref()), (1, Some("north-bank/branch-0")));
    assert_eq!((first.here, first.last_seen, first.trouble.as_deref()), (false, None, Some(unheard)));
    assert_eq!((first.release, first.not_after), (None, world.house.members[0].entry.not_after));
    let trouble = |reason: &str| Trouble { code: "Denied".into(), reason: reason.into() };
    for reason in ["denied", "denied", "ended", "denied"] {
        world.arrive(Arrival::TurnedAway(ClientId(1), trouble(reason)));
    }
    let turned = |reason: &str| format!("client 1 (north-bank/branch-0) was turned away: {reason}");
    assert_eq!(world.take_lines()[1..], ["denied", "ended", "denied"].map(turned), "each once, until it is another");
    assert_eq!(sites(&mut world)[0].trouble.as_deref(), Some("denied"));
    world.comes(1);
    world.comes(2);
    world.arrive(Arrival::About(ClientId(2), "0.9.1".into()));
    let all = sites(&mut world);
    assert_eq!((all[0].here, &all[0].trouble, &all[0].release), (true, &None, &None));
    assert_eq!((all[1].here, all[1].release.as_deref(), all.len()), (true, Some("0.9.1"), 9));
    assert!(all[0].last_seen.is_some_and(|seen| seen.abs_diff(now()) < 60) && all[2].last_seen.is_none());
    world.goes(1, None);
    world.goes(2, Some("the line was cut"));
    let all = sites(&mut world);
    let why = "the line was cut; its own screen says more (`tributary client status`)";
    assert_eq!([&all[0], &all[1]].map(|site| site.trouble.as_deref().unwrap()), [unheard, why]);
    assert!(all[0].last_seen.is_some() && all[1].last_seen.is_some() && !all[0].here && !all[1].here);
    let told: Vec<String> = world.take_told().iter().map(ToString::to_string).collect();
    let of = |number: u32, what: &str| format!("client {number} (north-bank/branch-{}) {what}", number - 1);
    assert_eq!(told, [of(1, "joined"), of(2, "joined"), of(1, "left"), of(2, &format!("left: {why}"))]);
    // Of a run its operator is told the same.
    let run = &world.status().runs[0];
    let without: Vec<_> = run.without.iter().map(|one| (one.client.client, one.reason.as_str())).collect();
    assert_eq!(without.len(), 9);
    assert_eq!(without[1], (2, &*format!("it is away: {why}")));
    assert_eq!(without[2], (3, &*format!("it is away: {unheard}")));
}

/// One that is here and whose operator has not said yet that its data are ready.
#[test]
fn a_member_that_is_late_is_told_from_one_that_was_asked() {
    let mut world = World::new(|text| text);
    world.begin();
    world.all_come();
    let late = |world: &mut World| -> Vec<usize> {
        let members = readiness(world).members;
        (1..).zip(members).filter(|(_, member)| member.state == MemberState::Late).map(|(number, _)| number).collect()
    };
    // Once it has joined.
    while late(&mut world).is_empty() {
        assert!(world.talk_once());
        world.arrive(Arrival::Message(ClientId(3), world.run(1).id(), Upstream::NotReady));
    }
    assert_eq!(late(&mut world), [3]);
}

/// Whoever does not read what it is sent is let go, and nobody waits for it.
#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let mut world = World::new(|text| text);
    world.begin();
    (1..=2).for_each(|number| world.comes(number));
    let lists = || Arrival::Lists(b"lists".to_vec());
    let mut sent = 0;
    while world.status().here == 2 {
        sent += 1;
        world.arrive(lists());
        while world.here.get_mut(&ClientId(1)).unwrap().queue.try_recv().is_ok() {}
        assert!(sent <= 64, "as many groups as wait for it");
    }
    let sites = match world.centre.answer(Request::Sites).unwrap() {
        Said::Sites(sites) => sites,
        other => panic!("{other:?}"),
    };
    assert_eq!((sites[0].here, sites[1].here, sent > 32), (true, false, true), "{sent}");
    // Its connection is cut with what waits for it; the others' goes on.
    let mut order = |number: u32| {
        let next = std::pin::pin!(world.here.get_mut(&ClientId(number)).unwrap().orders.next());
        next.poll(&mut Context::from_waker(Waker::noop()))
    };
    let why = "this client did not read what it was sent".to_owned();
    assert_eq!([order(1), order(2)], [Poll::Pending, Poll::Ready(Order::Cut(why))]);
}

/// Whoever says what the protocol does not allow hears why, and its connection ends after that.
#[test]
fn a_client_that_breaks_the_protocol_is_told_and_let_go() {
    let mut world = World::new(|text| text);
    world.begin();
    world.all_come();
    world.talk_until(|event| matches!(event, Event::Session { .. }));
    let run = world.run(1).id();
    let refusal = Upstream::Refuse { code: RefusalCode::BranchUnprepared, signature: Signature::none() };
    world.arrive(Arrival::Message(ClientId(4), run, refusal));
    let queue = &mut world.here.get_mut(&ClientId(4)).unwrap().queue;
    let mut said = Vec::new();
    let end = loop {
        match queue.try_recv() {
            Ok(frames) => said.extend(frames),
            Err(end) => break end,
        }
    };
    assert_eq!(end, TryRecvError::Disconnected);
    let text = String::from_utf8_lossy(&said.concat()).into_owned();
    assert!(text.contains("the client must be restarted"), "{text}");
    assert!(!world.here[&ClientId(5)].queue.is_closed());
}

/// Of more runs than are open at once the others wait, in the order in which they are due.
#[test]
fn runs_beyond_those_that_are_open_at_once_wait_for_one_of_them() {
    let house = Federation::new(BRANCHES as usize);
    let mut config = PathBuf::new();
    for number in 0..RUNS_AT_ONCE_MAX + 2 {
        let name = format!("name = \"plan {number}\"");
        config = house.settings(|text| text.replace("name = \"test\"", &name).replace("rounds = 3\n", "rounds = 1\n"));
    }
    let mut world = World::at(house, config);
    world.begin();
    let status = world.status();
    assert_eq!((status.runs.len(), status.waiting.len()), (RUNS_AT_ONCE_MAX, 2));
    let full = format!("{RUNS_AT_ONCE_MAX} runs are open; it begins when one of them is over");
    assert!(status.waiting.iter().all(|waits| waits.reason == full && waits.begins.is_none()));
    let mut names: Vec<String> = status.runs.iter().map(|run| run.of.plan_name.clone()).collect();
    names.extend(status.waiting.iter().map(|waits| waits.of.plan_name.clone()));
    names.sort();
    assert_eq!(names.len(), RUNS_AT_ONCE_MAX + 2);
    names.dedup();
    assert_eq!(names.len(), RUNS_AT_ONCE_MAX + 2, "each of them once");
    let asked = |world: &mut World, plan: &str| match world.centre.answer(Request::Readiness(plan.into())).unwrap() {
        Said::Readiness(runs) => runs.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (asked(&mut world, "plan 3") <= 1, asked(&mut world, "none"), asked(&mut world, "")),
        (true, 0, RUNS_AT_ONCE_MAX)
    );
    // Everybody takes part in all of them, and what one run has kept of a budget the others have heard.
    world.all_come();
    world.here.values_mut().for_each(|seat| seat.machines.runs = RUNS_AT_ONCE_MAX + 2);
    world.talk();
    let rounds = u32::try_from(RUNS_AT_ONCE_MAX).unwrap() + 2;
    assert_eq!(world.ends(), vec![Ended::Finished(rounds); BRANCHES as usize]);
    let told = world.take_told();
    let count = |wanted: fn(&Event) -> bool| told.iter().filter(|told| wanted(&told.event)).count();
    assert_eq!(count(|event| matches!(event, Event::Finished(_))), RUNS_AT_ONCE_MAX + 2);
    assert_eq!(count(|event| matches!(event, Event::BudgetBegun { .. })), BRANCHES as usize, "a budget begins once");
    assert_eq!((world.status().ended, world.centre.is_through()), (RUNS_AT_ONCE_MAX + 2, true));
}

/// A member that takes no part is told of with its reason, wherever people look, and everybody waits a while for it to think again.
#[test]
fn a_member_that_refuses_a_run_is_told_of_and_may_come_back() {
    for (code, cause) in [
        (RefusalCode::NotGranted(GrantFault::Withdrawn), RefusedFor::GrantWithdrawn),
        (RefusalCode::NotGranted(GrantFault::Uses), RefusedFor::GrantMissing),
        (RefusalCode::BranchUnprepared, RefusedFor::Other),
    ] {
        let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
        world.begin();
        world.all_come();
        world.here.get_mut(&ClientId(4)).unwrap().machines.refuses = Some(code);
        world.talk_until(|event| matches!(event, Event::Refused { .. }));
        let (client, reason) = (Whom { client: 4, name: Some("north-bank/branch-3".into()) }, code.to_string());
        let state = MemberState::Without { reason: reason.clone() };
        assert_eq!(readiness(&mut world).members[3], MemberStatus { client: client.clone(), state });
        let run = world.status().runs.remove(0);
        assert!(
            run.without.contains(&Refusing { client: client.clone(), reason: reason.clone() }),
            "{:?}",
            run.without
        );
        world.talk();
        let told = world.take_told();
        let refused: Vec<_> = told.iter().filter(|told| matches!(told.event, Event::Refused { .. })).collect();
        let [told] = refused[..] else { panic!("{refused:?}") };
        assert_eq!(told.event, Event::Refused { client, reason, cause });
        assert_eq!((world.ends(), world.status().runs[0].ready), (vec![Ended::Stopped(code.to_string())], 8));
        world.goes(4, None);
        world.comes(4);
        world.talk();
        assert_eq!(world.ends(), vec![Ended::Finished(1); BRANCHES as usize]);
    }
}

/// A stop is told with the rounds of the runs that are open.
#[test]
fn a_stop_says_how_far_the_open_runs_are() {
    let mut world = World::new(|text| text);
    world.begin();
    world.all_come();
    world.talk_until(|event| matches!(event, Event::Round { .. }));
    let committed = world.status().runs[0].committed;
    assert_eq!(committed, 1);
    world.take_told();
    world.centre.stop().unwrap();
    let told = world.take_told();
    assert!(told.iter().any(|told| told.event == Event::Stopped { rounds: committed }), "{told:?}");
}

/// What people look at is published: who is missing of the run that lacks most, and how many runs are open.
#[test]
fn a_look_publishes_what_is_lacking() {
    let mut world = World::new(|text| text);
    world.begin();
    (1..=3).for_each(|number| world.comes(number));
    world.talk();
    world.centre.look().unwrap();
    let metrics = std::fs::read_to_string(world.state("metrics.prom")).unwrap();
    for line in ["tributary_members_lacking 5\n", "tributary_runs_open 1\n"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert!(world.centre.deadline().is_some());
}

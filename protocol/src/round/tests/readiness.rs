//! Branches whose data are not ready: nothing is recorded of them, nobody is struck, and a run waits for as many as its plan wants.

use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::ids::ClientId;
use crate::message::{Downstream, RefusalCode, Upstream};
use crate::plan::{AsOf, Plan, Readiness};
use crate::round::{CoordinatorEvent, Input, ParticipantInput, cast};
use crate::secagg::suite::Signature;
use crate::time::Millis;

const LATE: ClientId = ClientId(3);
const CLIENTS: u32 = 9;

fn served(ready_min: u32) -> Plan {
    plan(|plan| plan.readiness = Readiness { as_of: AsOf::MonthEnd, ready_min })
}

/// Nine branches that are judging the run, and that answer when a test says so.
fn judging(ready_min: u32) -> World {
    let mut world = World::new(CLIENTS, served(ready_min));
    world.silent_workers = true;
    world.connect_all();
    world.run();
    world
}

fn all_but(late: &[ClientId]) -> Vec<ClientId> {
    (1..=CLIENTS).map(ClientId).filter(|client| !late.contains(client)).collect()
}

fn admits(world: &mut World, client: ClientId, ready_min: u32) {
    let run = cast::run(served(ready_min)).id();
    world.tell_branch(client, ParticipantInput::RunJudged { run, verdict: Ok(()) });
}

/// What a branch has said since it joined.
fn said(world: &World, client: ClientId) -> Vec<&Upstream> {
    let of = |packet: &Packet| matches!(packet, Packet::Up(from, _) if *from == client);
    let said = world.packets.iter().filter(|packet| of(packet));
    said.filter_map(|packet| if let Packet::Up(_, message) = packet { Some(message) } else { None }).collect()
}

#[test]
fn a_branch_that_is_not_ready_says_that_and_nothing_else_and_joins_later() {
    let mut world = judging(0);
    let recorded = world.branches[&LATE].events.len();
    world.tell_branch(LATE, ParticipantInput::NotReady);
    assert_eq!(said(&world, LATE), [&Upstream::NotReady]);
    world.run();
    assert_eq!(world.branches[&LATE].events.len(), recorded, "nothing is recorded at the branch");
    let refused = |event: &CoordinatorEvent| {
        matches!(event, CoordinatorEvent::ClientRefused { .. } | CoordinatorEvent::ClientEvicted { .. })
    };
    assert!(!world.events.iter().any(refused), "nor at the coordinator");
    assert_eq!(world.coordinator.late(), [LATE]);
    assert!(world.branches[&LATE].stopped.is_none() && world.branches[&LATE].connected);
    // A word that comes twice, or before anything was asked, changes nothing.
    world.tell_branch(LATE, ParticipantInput::NotReady);
    assert!(said(&world, LATE).is_empty());
    world.tell(Input::Message(LATE, Upstream::NotReady));
    world.run();
    // The operator has given the word.
    world.tell_branch(LATE, ParticipantInput::Connected);
    world.run();
    for client in all_but(&[]) {
        admits(&mut world, client, 0);
    }
    world.run();
    assert!(world.coordinator.late().is_empty());
    assert!(world.coordinator.ready_clients().contains(&LATE));
}

#[test]
fn a_run_waits_for_as_many_as_its_plan_wants_and_its_people_see_who_is_late() {
    let mut world = judging(CLIENTS);
    world.tell_branch(LATE, ParticipantInput::NotReady);
    for client in all_but(&[LATE]) {
        admits(&mut world, client, CLIENTS);
    }
    // Nobody is hoped for any more: eight would be a cohort.
    world.now = Millis(world.now.0 + 1_000_000);
    world.tell(Input::Timer);
    world.run();
    let opened =
        |world: &World| world.events.iter().any(|event| matches!(event, CoordinatorEvent::SessionOpened { .. }));
    assert!(!opened(&world), "no keys are agreed on");
    let muster = world.coordinator.muster().expect("it is told who is missing");
    assert_eq!((muster.here, muster.needed, muster.missing.as_slice()), (8, 9, &[LATE][..]));
    assert_eq!(world.coordinator.late(), [LATE]);
    let lacking = world.coordinator.lacking().expect("the operator alone can help");
    assert!(
        lacking.starts_with("9 members that have joined") && lacking.contains("8 have, 1 are here and not ready"),
        "{lacking}"
    );
    assert_eq!(world.coordinator.wait().reason, lacking);
    world.tell_branch(LATE, ParticipantInput::Connected);
    world.run();
    admits(&mut world, LATE, CLIENTS);
    world.run();
    assert!(opened(&world) && world.coordinator.muster().is_none());
}

/// Whoever was not ready is late until it says something else, or is gone.
#[test]
fn nobody_stays_late_who_has_answered_or_has_gone() {
    type Goes = fn(&mut World);
    let answers: [(&str, Goes); 4] = [
        ("it admits the plan", |world| admits(world, LATE, 0)),
        ("it refuses the plan", |world| {
            let run = cast::run(served(0)).id();
            world.tell_branch(LATE, ParticipantInput::RunJudged { run, verdict: Err(RefusalCode::SchemaDiffers) });
        }),
        ("its connection breaks", |world| world.cut(LATE)),
        ("it breaks the protocol", |world| {
            let (code, signature) = (RefusalCode::Unexpected, Signature::none());
            world.tell(Input::Message(LATE, Upstream::Refuse { code, signature }));
        }),
    ];
    for (what, goes) in answers {
        let mut world = judging(0);
        world.tell_branch(LATE, ParticipantInput::NotReady);
        world.run();
        world.tell_branch(LATE, ParticipantInput::Connected);
        world.run();
        assert_eq!(world.coordinator.late(), [LATE], "{what}: as long as it judges the plan");
        goes(&mut world);
        world.run();
        assert_eq!(world.coordinator.late(), [], "{what}");
    }
}

/// As many as the smallest cohort has of this group, or, where the whole group is none, as many as a group must have.
#[test]
fn a_wait_for_members_says_how_many_are_needed() {
    for (clients, cohort_min, needed) in [(7, 8, 8), (9, 8, 8), (9, 9, 9), (16, 8, 13)] {
        let mut world = World::new(clients, plan(|plan| plan.cohort.cohort_min = cohort_min));
        world.connect(LATE);
        world.run();
        let muster = world.coordinator.muster().expect("all the others are missing");
        assert_eq!((muster.here, muster.needed), (1, needed), "{clients} members, at least {cohort_min}");
    }
}

/// Of many that are missing the first are named, and the others counted.
#[test]
fn a_wait_for_many_names_so_many_and_no_more() {
    let mut world = World::new(40, plan(|plan| plan.cohort.cohort_min = 40));
    world.connect(ClientId(2));
    world.run();
    let muster = world.coordinator.muster().expect("39 are missing");
    let named: Vec<ClientId> = [1].into_iter().chain(3..=21).map(ClientId).collect();
    assert_eq!((muster.here, muster.missing, muster.more), (1, named, 19));
}

#[test]
fn without_such_a_number_a_run_begins_with_those_who_are_ready() {
    let mut world = judging(0);
    world.tell_branch(LATE, ParticipantInput::NotReady);
    for client in all_but(&[LATE]) {
        admits(&mut world, client, 0);
    }
    world.now = Millis(world.now.0 + 1_000_000);
    world.tell(Input::Timer);
    world.run();
    let candidates = world.events.iter().find_map(|event| match event {
        CoordinatorEvent::SessionOpened { candidates, .. } => Some(candidates.clone()),
        _ => None,
    });
    assert_eq!(candidates, Some(all_but(&[LATE])));
}

/// Of which day a run's data must be follows from its beginning, which stays what it was over a restart, and which the welcome says.
#[test]
fn a_welcome_says_when_the_run_began() {
    let mut world = World::new(CLIENTS, served(0));
    world.now = Millis(86_400_000 * 40);
    world.connect_all();
    while !matches!(world.packets.front(), Some(Packet::Down(_, Downstream::Welcome(_)))) {
        assert!(world.step());
    }
    let Some(Packet::Down(client, Downstream::Welcome(mut welcome))) = world.packets.pop_front() else { panic!("one") };
    let Some(CoordinatorEvent::RunOpened { begun, .. }) = world.events.first() else { panic!("a run opens") };
    assert_eq!((welcome.begun, welcome.at), (*begun, world.now));
    assert_eq!(world.coordinator.record().opened_at, Some(*begun));
    // It is signed: another day than the run's own comes from no coordinator.
    welcome.begun = Millis(welcome.begun.0 + 1);
    world.tell_branch(client, ParticipantInput::Message(Downstream::Welcome(welcome)));
    assert_eq!(world.branches[&client].distrusted.len(), 1);
}

/// How often a member says that its data are not ready, in the middle of a set-up; and how often that ends by it.
pub(super) const NOT_READY: &[(&str, usize, usize)] =
    &[("it is ready", 0, 0), ("it is not", 1, 1), ("it says so again and again", 200, 1)];

#[test]
fn whoever_is_not_ready_is_let_go_and_fills_no_ledger() {
    for (what, times, ended) in NOT_READY {
        let mut world = World::new(CLIENTS, plan(|_| {}));
        world.connect_all();
        let keys = |packet: &Packet| matches!(packet, Packet::Up(LATE, Upstream::Keys(_)));
        while !world.packets.front().is_some_and(keys) {
            assert!(world.step());
        }
        let before = world.events.len();
        for _ in 0..*times {
            world.tell(Input::Message(LATE, Upstream::NotReady));
        }
        let told = |packet: &Packet| matches!(packet, Packet::Down(LATE, Downstream::Rejected { .. }));
        assert!(!world.packets.iter().any(told), "{what}: nobody is struck");
        assert_eq!(world.coordinator.late().contains(&LATE), *times > 0, "{what}");
        let since = &world.events[before..];
        let of_sets = |event: &&CoordinatorEvent| {
            matches!(event, CoordinatorEvent::SessionClosed { .. } | CoordinatorEvent::SessionOpened { .. })
        };
        let closed = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::SessionClosed { .. });
        assert_eq!(since.iter().filter(closed).count(), *ended, "{what}");
        assert_eq!(since.iter().filter(of_sets).count(), since.len(), "{what}: nothing else is recorded");
    }
}

//! Which of two sessions rounds use, and when another one is keyed: members are lost, come back, or give up their keys.

use super::world::{World, plan};
use crate::ids::{ClientId, SessionId};
use crate::message::{ClosedReason, RefusalCode, Upstream};
use crate::round::cast::settings;
use crate::round::{CoordinatorEvent, Input};
use crate::time::Millis;

const AWAY: ClientId = ClientId(9);

/// Nine of whom everybody holds the keys of two sessions. The second set-up was begun twice, because one of them was lost in it, and is back: until
/// 200 ms it is as if others could be lost and come back as well.
fn keyed_twice() -> (World, [SessionId; 2]) {
    // Rounds enough for the second session to be keyed beside those of the first.
    let mut world = World::new(9, plan(|plan| (plan.stages[0].rounds, plan.session_rounds) = (12, 8)));
    world.connect_all();
    while world.coordinator.record().sessions.is_empty() || world.coordinator.record().keying.is_none() {
        assert!(world.step(), "{:?}", world.coordinator.wait());
    }
    world.cut(AWAY);
    world.connect(AWAY);
    while world.coordinator.record().sessions.len() < 2 {
        assert!(world.step(), "{:?}", world.coordinator.wait());
    }
    let sessions = [0, 1].map(|place| world.coordinator.record().sessions[place].view.session);
    (world, sessions)
}

fn give_up(world: &mut World, session: SessionId, clients: impl IntoIterator<Item = u32>) {
    for client in clients.into_iter().map(ClientId) {
        let abandon = Upstream::Abandon { session, code: RefusalCode::BadKeyMaterial, accused: None };
        world.tell(Input::Message(client, abandon));
    }
}

/// Whether a session gave way to the one after it.
fn gave_way(world: &World, one: SessionId) -> bool {
    let gave_way = |event: &CoordinatorEvent| match event {
        CoordinatorEvent::SessionClosed { session, reason: ClosedReason::Superseded } => *session == one,
        _ => false,
    };
    world.events.iter().any(gave_way)
}

fn pass(world: &mut World, until: u64) {
    world.now = Millis(until);
    world.tell(Input::Timer);
}

/// Still fewer have the keys of the next one. Whoever is away may be back at once, until nobody is hoped for; then a session of those who are here is
/// keyed.
#[test]
fn a_session_of_too_few_gives_way_when_nobody_is_waited_for_any_more() {
    let (mut world, [current, next]) = keyed_twice();
    give_up(&mut world, next, 1..=4);
    give_up(&mut world, current, 1..=2);
    world.run();
    pass(&mut world, 199);
    assert!(!gave_way(&world, current) && world.coordinator.record().keying.is_none());
    let muster = world.coordinator.muster().expect("the round needs eight");
    assert_eq!((muster.here, muster.needed, muster.missing), (7, 8, [1, 2].map(ClientId).into()));
    pass(&mut world, 200);
    assert!(gave_way(&world, current) && !gave_way(&world, next));
    assert!(world.coordinator.record().keying.is_some(), "five of the next one are too few as well");
    assert_eq!((world.coordinator.muster(), world.coordinator.lacking()), (None, None), "something is under way");
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
}

/// Whether or not anybody is waited for.
#[test]
fn a_session_of_too_few_gives_way_at_once_to_one_that_is_no_worse() {
    for (lost, lost_of_next, at_once) in [(1, 1, false), (2, 1, true), (2, 2, true), (2, 3, false)] {
        let (mut world, [current, next]) = keyed_twice();
        give_up(&mut world, next, 1..=lost_of_next);
        give_up(&mut world, current, 1..=lost);
        let open = |world: &World| world.coordinator.record().round.as_ref().map(|open| open.round);
        let before = open(&world).expect("a round is open");
        while open(&world) == Some(before) {
            assert!(world.step());
        }
        assert_eq!(gave_way(&world, current), at_once, "{} and {} of nine", 9 - lost, 9 - lost_of_next);
    }
}

/// All that may come back is waited for, and at last as many as a round needs are enough.
#[test]
fn after_a_restart_a_round_waits_for_everybody_and_begins_with_enough() {
    let served = || plan(|plan| plan.session_rounds = 8);
    for (back, begins) in [(7, false), (8, true)] {
        let mut world = World::new(9, served());
        world.connect_all();
        while world.coordinator.record().committed(0) < 1 {
            assert!(world.step());
        }
        world.restart_with(settings(9, served()));
        for client in (1..=9).map(ClientId) {
            world.cut(client);
        }
        (1..=back).for_each(|number| world.connect(ClientId(number)));
        world.run();
        pass(&mut world, 99);
        let needed = world.coordinator.muster().map(|muster| (muster.here, muster.needed, muster.missing));
        let missing = (back + 1..=9).map(ClientId).collect();
        assert_eq!(needed, (!begins).then_some((back, 8, missing)), "of {back}");
        assert!(world.coordinator.record().round.is_none(), "the others may come back");
        pass(&mut world, 100);
        assert_eq!(world.coordinator.record().round.is_some(), begins, "with {back}");
    }
}

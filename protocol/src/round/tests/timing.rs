//! When uploads leave: at the plan's offset, and under a strict policy never later.

use super::world::{Packet, World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{Downstream, Upstream};
use crate::plan::Plan;
use crate::round::cast::policy;
use crate::round::{Input, ParticipantEvent, ParticipantInput, Policy, Timing};
use crate::time::Millis;

const LATE: ClientId = ClientId(3);
const OFFSET_MS: u64 = 100;

/// Nine clients, of whom one is never ready, when everything before the offset of the first round has happened.
fn before_the_offset(timing: Timing) -> (World, Plan) {
    let served = plan(|plan| plan.upload_offset_ms = OFFSET_MS);
    let mut world = World::with_policy(9, served.clone(), |_| Policy { timing, ..policy(&served) });
    world.branches.get_mut(&LATE).unwrap().late = true;
    world.connect_all();
    world.run();
    (world, served)
}

fn at(world: &mut World, milliseconds: u64) {
    world.now = Millis(milliseconds);
    world.pass_at_branches();
    world.run();
}

fn uploads(world: &World) -> alloc::vec::Vec<(ClientId, Digest)> {
    let of = |events: &[ParticipantEvent]| {
        events.iter().find_map(|event| match event {
            ParticipantEvent::Uploaded { vector, .. } => Some(*vector),
            _ => None,
        })
    };
    world.branches.iter().filter_map(|(client, branch)| Some((*client, of(&branch.events)?))).collect()
}

#[test]
fn under_a_strict_policy_noise_leaves_in_time_where_the_vector_is_late() {
    let (mut world, _) = before_the_offset(Timing::Strict);
    at(&mut world, OFFSET_MS - 1);
    assert!(uploads(&world).is_empty(), "nobody is early");
    at(&mut world, OFFSET_MS);
    let left = uploads(&world);
    assert_eq!(left.len(), 9, "nobody is late");
    assert_eq!(world.sums.len(), 1);
    world.assert_sums_exact();
    // The vector itself comes when the noise has left: it changes nothing.
    let vector = Digest([9; 32]);
    world.tell_branch(LATE, ParticipantInput::Masked { round: RoundId(1), vector });
    world.run();
    assert!(uploads(&world).iter().all(|(_, left)| *left != vector));
}

#[test]
fn noise_that_is_masked_after_the_offset_leaves_at_once() {
    let served = plan(|plan| plan.upload_offset_ms = 0);
    let mut world = World::with_policy(9, served.clone(), |_| Policy { timing: Timing::Strict, ..policy(&served) });
    world.branches.get_mut(&LATE).unwrap().late = true;
    world.connect_all();
    world.run();
    assert_eq!(uploads(&world).len(), 9);
    world.assert_sums_exact();
}

#[test]
fn under_a_plain_policy_a_vector_is_waited_for() {
    let (mut world, served) = before_the_offset(Timing::Plain);
    let wait = world.branches[&LATE].machine.wait();
    assert_eq!(wait.deadline, Some(Millis(served.round_deadline_ms)), "nothing of its leaves before that: {wait:?}");
    at(&mut world, OFFSET_MS);
    let left = uploads(&world);
    assert_eq!(left.len(), 8);
    assert!(left.iter().all(|(client, _)| *client != LATE));
    at(&mut world, OFFSET_MS + served.round_deadline_ms / 2);
    assert_eq!(uploads(&world).len(), 8, "noise alone is for strict policies");
}

/// Of those who are awaited when a step's time is over, the silent ones are let go of and nobody else.
#[test]
fn whoever_is_silent_until_a_deadline_is_let_go_of_alone() {
    let silent = |client: ClientId| client.0 <= 4;
    type Is = fn(&Upstream) -> bool;
    let steps: [(&str, Is); 3] = [
        ("a set-up", |message| matches!(message, Upstream::SetupAck { .. })),
        ("survivors", |message| matches!(message, Upstream::SurvivorsAck { .. })),
        ("shares", |message| matches!(message, Upstream::Unmask { .. })),
    ];
    for (what, is) in steps {
        let mut world = World::new(9, plan(|_| {}));
        world.connect_all();
        let mut held = 0;
        loop {
            let before = world.packets.len();
            world
                .packets
                .retain(|packet| !matches!(packet, Packet::Up(client, message) if silent(*client) && is(message)));
            held += before - world.packets.len();
            if !world.step() {
                break;
            }
        }
        assert_eq!(held, 4, "{what}");
        world.now = world.coordinator.deadline().expect("they are awaited");
        world.tell(Input::Timer);
        let left: alloc::vec::Vec<ClientId> = (5..=9).map(ClientId).collect();
        assert_eq!(world.coordinator.ready_clients(), left, "{what}");
    }
}

/// A branch waits for a round and for a set-up beside it: people hear of the one that ends first, and of the round where both end together.
#[test]
fn of_a_round_and_a_set_up_the_one_that_ends_first_is_told() {
    for (keying_ms, deadline, told, next) in [
        (999, 999, "key set-up: the frozen cohort", "give up the key set-up and erase its keys"),
        (1_000, 1_000, "round 2: the survivor set", "forget the round and erase its keys"),
        (1_001, 1_000, "round 2: the survivor set", "forget the round and erase its keys"),
    ] {
        let mut world = World::new(9, plan(|plan| plan.keying_deadline_ms = keying_ms));
        world.connect_all();
        let mut offers = 0;
        let offered = |packet: &Packet| matches!(packet, Packet::Down(LATE, Downstream::Offer(_)));
        while offers < 2 || world.branches[&LATE].machine.record().runs.is_empty() {
            offers += usize::from(world.packets.front().is_some_and(offered));
            assert!(world.step());
        }
        let wait = world.branches[&LATE].machine.wait();
        assert_eq!((wait.deadline, wait.reason.as_str(), wait.next), (Some(Millis(deadline)), told, next));
    }
}

/// What a branch waits for between rounds and sessions, and when its vector is ready before its time.
#[test]
fn a_wait_says_what_comes_next() {
    let mut world = World::new(9, plan(|plan| (plan.upload_offset_ms, plan.session_rounds) = (OFFSET_MS, 8)));
    world.connect_all();
    let wait = |world: &World| world.branches[&LATE].machine.wait();
    let until = |world: &mut World, due: fn(&Packet) -> bool| {
        while !world.packets.front().is_some_and(due) {
            assert!(world.step());
        }
    };
    until(&mut world, |packet| matches!(packet, Packet::Down(LATE, Downstream::Offer(_))));
    assert_eq!((wait(&world).reason.as_str(), wait(&world).deadline), ("the next key set-up", None));
    until(&mut world, |packet| matches!(packet, Packet::Start(LATE, _)));
    assert_eq!((wait(&world).reason.as_str(), wait(&world).deadline), ("the next round", None));
    assert!(world.step());
    assert_eq!((wait(&world).next, wait(&world).deadline), ("upload", Some(Millis(OFFSET_MS))));
    at(&mut world, OFFSET_MS);
    assert_eq!(wait(&world).next, "forget the round and erase its keys");
}

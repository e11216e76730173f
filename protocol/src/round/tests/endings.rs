//! The end of a plan, as everybody hears of it who is there, comes late, or was cut off.

use alloc::vec;
use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::ids::ClientId;
use crate::message::{Downstream, Upstream};
use crate::privacy::Accounts;
use crate::round::cast::{self, policy};
use crate::round::{
    CoordinatorEvent, Input, Outbox, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy, RunEnd,
};
use crate::secagg::toy::Seeded;

/// What each client was told at the end: rounds, or why it is not wanted.
fn told(world: &World) -> Vec<(Option<u32>, Option<&str>)> {
    world.branches.values().map(|branch| (branch.finished, branch.stopped.as_deref())).collect()
}

const OVER: &str = "the run is over; there is nothing to do in it any more";

#[test]
fn everybody_who_took_part_is_told_and_let_go() {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    world.connect_all();
    world.run();
    assert_eq!(told(&world), vec![(Some(served.rounds()), None); 9]);
    assert!(world.coordinator.ready_clients().is_empty());
    assert!(world.packets.is_empty());
}

#[test]
fn whoever_missed_the_end_is_told_when_it_comes_back() {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    world.connect_all();
    while world.finished.is_none() {
        assert!(world.step());
    }
    // The last messages are lost, with the coordinator's process.
    world.restart_coordinator(9, served.clone());
    assert!(world.branches.values().all(|branch| branch.finished.is_none()));
    let events = world.events.len();
    world.run();
    assert_eq!(told(&world), vec![(Some(served.rounds()), None); 9]);
    assert_eq!(world.events.len(), events, "a plan that is over leaves no more traces");
}

/// Whoever was let go of when the last round that could be charged failed is asked once more, and hears of the end.
#[test]
fn whoever_was_silent_in_the_last_round_hears_of_the_end() {
    let served = plan(|plan| plan.retries = 0);
    let mut world = World::new(9, served);
    world.connect_all();
    while world.coordinator.record().committed_all() < 4 {
        assert!(world.step());
    }
    let silent = |packet: &Packet| matches!(packet, Packet::Up(ClientId(1..=4), Upstream::Unmask { .. }));
    loop {
        world.packets.retain(|packet| !silent(packet));
        if !world.step() {
            break;
        }
    }
    assert_eq!(world.finished, None);
    world.now = world.coordinator.deadline().expect("shares are awaited");
    world.tell(Input::Timer);
    assert_eq!(world.finished, Some(false), "nothing may be charged any more");
    world.run();
    assert_eq!(told(&world), vec![(Some(4), None); 9]);
    assert!(world.branches.values().all(|branch| branch.machine.record().reserved() == Accounts::zero()));
}

/// What the branch's shell holds of a round goes with the last word, whatever has been sent of it.
#[test]
fn a_branch_that_stops_in_a_round_forgets_its_vector() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    let uploads = |world: &World| {
        world.packets.iter().find_map(|packet| match packet {
            Packet::Up(client, Upstream::Masked(header)) => Some((*client, header.round)),
            _ => None,
        })
    };
    let (client, round) = loop {
        match uploads(&world) {
            Some(found) => break found,
            None => assert!(world.step(), "nobody sends a vector"),
        }
    };
    let mut outbox = Outbox::new();
    let branch = world.branches.get_mut(&client).unwrap();
    branch.machine.handle(world.now, &mut Seeded::new(1), ParticipantInput::Stop, &mut outbox);
    let forgotten = |effect: &ParticipantEffect| matches!(effect, ParticipantEffect::ForgetVector(of) if *of == round);
    assert!(outbox.iter().any(forgotten));
}

/// Whoever comes after the end is asked, where it has reserved something that it can let go of.
#[test]
fn after_the_end_those_are_asked_who_had_admitted_the_plan() {
    let mut world = World::new(12, plan(|_| {}));
    (1..=10).for_each(|number| world.connect(ClientId(number)));
    world.run();
    world.pass_deadlines();
    assert!(world.finished.is_some());
    for client in [10, 11].map(ClientId) {
        world.branches.get_mut(&client).expect("a branch").connected = true;
        world.tell(Input::Disconnected(client));
        world.tell(Input::Connected(client));
        let invited = |packet: &Packet| matches!(packet, Packet::Down(to, Downstream::Invite) if *to == client);
        assert_eq!(world.packets.iter().any(invited), client == ClientId(10), "client {client}");
    }
}

#[test]
fn whoever_did_not_take_part_is_refused_before_and_behind_the_end() {
    let served = plan(|_| {});
    let mut world = World::new(12, served.clone());
    let (connected, late) = (ClientId(11), ClientId(12));
    (1..=10).for_each(|number| world.connect(ClientId(number)));
    // It does not say who it is until all is over.
    world.tell(Input::Connected(connected));
    world.run();
    world.pass_deadlines();
    assert!(matches!(world.events.last(), Some(CoordinatorEvent::RunFinished { .. })));
    world.connect(connected);
    world.connect(late);
    world.run();
    let told = told(&world);
    assert_eq!(told[..10], vec![(Some(served.rounds()), None); 10]);
    assert_eq!(told[10..], [(None, Some(OVER)); 2]);
}

/// A run that is tried again and again is refused each time, and the file says it once. An end that the coordinator has signed counts for more than a
/// refusal, and is written down once as well.
#[test]
fn an_end_is_written_down_once_however_often_it_is_heard() {
    const MEMBER: ClientId = ClientId(4);
    let served = plan(|_| {});
    let strict = |policy: Policy| Policy { purposes: Vec::new(), ..policy };
    let again = |world: &mut World, own: Policy| {
        world.cut(MEMBER);
        let file = world.branches[&MEMBER].events.clone();
        world.reboot(MEMBER);
        world.reborn(MEMBER, own, file);
        world.connect(MEMBER);
        world.run();
        let ends = |event: &ParticipantEvent| match event {
            ParticipantEvent::RunEnded { how, .. } => Some(how.clone()),
            _ => None,
        };
        let events = &world.branches[&MEMBER].events;
        let refused = events.iter().filter(|event| matches!(event, ParticipantEvent::Refused { .. })).count();
        (refused, events.iter().filter_map(ends).collect::<Vec<_>>())
    };
    let mut world = World::new(10, served.clone());
    world.connect_all();
    let begun = [cast::begun(MEMBER, false)].to_vec();
    world.reborn(MEMBER, strict(policy(&served)), begun);
    for time in 0..3 {
        assert_eq!(again(&mut world, strict(policy(&served))), (1, Vec::new()), "time {time}");
    }
    // In the middle of a run.
    let mut world = World::new(10, served.clone());
    world.connect_all();
    while world.coordinator.record().committed_all() < 1 {
        assert!(world.step());
    }
    for time in 0..3 {
        assert_eq!(again(&mut world, strict(policy(&served))).1, [RunEnd::Refused], "time {time}");
    }
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "the others go on");
    for time in 0..3 {
        assert_eq!(again(&mut world, policy(&served)).1, [RunEnd::Refused, RunEnd::Finished], "time {time}");
    }
}

//! The roster changes while a plan runs.

use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{ClosedReason, Downstream, RefusalCode, RejectCode, Upstream, Welcome};
use crate::roster::{EntryChange, Roster, RosterChanges, RosterEntry, RosterHead, SignedRoster};
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, coordinator_signs, entry, next_roster, roster, roster_after, settings};
use crate::round::{
    Coordinator, CoordinatorEvent, CoordinatorSettings, Input, Outbox, ParticipantEvent, ParticipantInput, ResumeFault,
};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// Cohorts of each session so far.
fn cohorts(world: &World) -> Vec<usize> {
    let cohort = |event: &CoordinatorEvent| match event {
        CoordinatorEvent::SessionKeyed { cohort, .. } => Some(cohort.len()),
        _ => None,
    };
    world.events.iter().filter_map(cohort).collect()
}

fn adopted(world: &World) -> Vec<RosterHead> {
    let head = |event: &CoordinatorEvent| match event {
        CoordinatorEvent::RosterAdopted { roster, .. } => Some(roster.roster.head()),
        _ => None,
    };
    world.events.iter().filter_map(head).collect()
}

/// The roster of the opening.
fn first_head() -> RosterHead {
    roster(9).roster.head()
}

/// A world of ten branches, of which the roster names nine, in the middle of its plan.
fn world() -> (World, Roster) {
    let mut world = World::new(10, plan(|_| {}));
    world.lose_ledger();
    world.restart_coordinator(9, plan(|_| {}));
    while world.coordinator.record().committed(0) < 1 {
        assert!(world.step());
    }
    (world, roster(9).roster)
}

/// The operator installs a roster, and the rounds go on until it is in force.
pub(super) fn install(world: &mut World, roster: &SignedRoster) {
    world.tell(Input::Roster(roster.clone().into()));
    while world.enrolled.is_none() {
        assert!(world.step());
    }
}

/// The door closes every connection, and everybody comes back.
fn reconnect(world: &mut World, roster: &SignedRoster) {
    for client in world.branches.keys().copied().collect::<Vec<_>>() {
        world.cut(client);
        if roster.entry(client).is_some() {
            world.connect(client);
        }
    }
}

#[test]
fn a_federation_begins_without_a_roster_and_its_plan_with_the_first_large_enough() {
    let least = crate::round::cast::plan().cohort.smallest_group().expect("a rule that can be satisfied");
    let none = CoordinatorSettings { roster: SignedRoster::none(), ..settings(1, plan(|_| {})) };
    let branches = World::new(10, plan(|_| {})).branches;
    let mut world = World::with_settings(none, |_| unreachable!("nobody is in it"));
    world.branches = branches;
    let lacking = |world: &World| world.coordinator.lacking().expect("somebody must help");
    assert!(lacking(&world).contains(&alloc::format!("0 of {least} members")), "at once: {}", lacking(&world));
    world.connect(ClientId(1));
    world.run();
    assert!(world.refusals().is_empty() && adopted(&world).is_empty(), "nobody is a member, nothing is recorded");
    world.cut(ClientId(1));
    let few = roster(7);
    install(&mut world, &few);
    reconnect(&mut world, &few);
    world.run();
    assert!(lacking(&world).contains(&alloc::format!("7 of {least} members")), "{}", lacking(&world));
    world.enrolled = None;
    let enough = next_roster(&few.roster, 10);
    install(&mut world, &enough);
    reconnect(&mut world, &enough);
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
    assert_eq!(adopted(&world), [few.roster.head(), enough.roster.head()]);
}

#[test]
fn a_branch_that_is_enrolled_takes_part_without_a_restart() {
    let (mut world, first) = world();
    let second = next_roster(&first, 10);
    assert!(world.coordinator.record().round.is_some(), "a round is open");
    world.tell(Input::Roster(second.clone().into()));
    assert_eq!(world.enrolled, None, "the open round ends under the roster that it began with");
    install(&mut world, &second);
    assert!(world.aborts().is_empty(), "no round is lost");
    assert_eq!(world.coordinator.record().committed(0), 2);
    reconnect(&mut world, &second);
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
    assert_eq!(adopted(&world), [first_head(), second.roster.head()]);
    let cohorts = cohorts(&world);
    assert_eq!((cohorts.first(), cohorts.last()), (Some(&9), Some(&10)));
    for branch in world.branches.values() {
        assert_eq!(branch.machine.record().roster, Some(second.roster.head()));
    }
}

#[test]
fn a_branch_that_left_the_roster_is_out() {
    let (mut world, first) = world();
    let second = next_roster(&first, 8);
    install(&mut world, &second);
    reconnect(&mut world, &second);
    // Its connection was made while the door knew the old roster.
    world.connect(ClientId(9));
    let refused = |packet: &Packet| {
        matches!(packet, Packet::Down(ClientId(9), Downstream::Rejected { code: RejectCode::NotInRoster, .. }))
    };
    while !world.packets.iter().any(refused) {
        assert!(world.step());
    }
    world.run();
    // No roster says with which key that could be signed for it.
    assert_eq!((world.branches[&ClientId(9)].distrusted.len(), world.refusals().len()), (1, 0));
    assert_eq!(world.finished, Some(true));
    assert_eq!(cohorts(&world).last(), Some(&8));
    world.assert_sums_exact();
}

/// Whoever asks while a roster waits is put off until that is in force, a branch that it alone has included; then everybody is invited.
#[test]
fn whoever_asks_while_a_roster_waits_is_asked_when_it_is_in_force() {
    let (mut world, first) = world();
    let second = next_roster(&first, 10);
    assert!(world.coordinator.record().round.is_some(), "a round is open");
    world.tell(Input::Roster(second.clone().into()));
    let (known, new) = (ClientId(9), ClientId(10));
    for client in [known, new] {
        world.cut(client);
        world.branches.get_mut(&client).expect("a branch").distrusted.clear();
        world.connect(client);
    }
    install(&mut world, &second);
    for client in [known, new] {
        let branch = &world.branches[&client];
        assert!(branch.stopped.as_ref().is_some_and(|why| why.contains("a newer roster")), "{:?}", branch.stopped);
        assert_eq!(branch.distrusted.len(), 0);
    }
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
    assert_eq!(cohorts(&world).last(), Some(&10));
    assert!(world.refusals().is_empty());
}

/// Whom the roster that waits does not have is put off under the one in force, so that it believes the word.
#[test]
fn whoever_the_next_roster_does_not_have_is_told_under_this_one() {
    let (mut world, first) = world();
    world.tell(Input::Roster(next_roster(&first, 8).into()));
    world.cut(ClientId(9));
    world.connect(ClientId(9));
    let told = |packet: &Packet| match packet {
        Packet::Down(ClientId(9), Downstream::Rejected { code: RejectCode::NotNow, proof, .. }) => proof.clone(),
        _ => None,
    };
    while world.packets.iter().find_map(told).is_none() {
        assert!(world.step(), "a signed word comes");
    }
    world.branches.get_mut(&ClientId(9)).expect("a branch").distrusted.clear();
    while world.packets.iter().find_map(told).is_some() {
        world.step();
    }
    assert!(world.branches[&ClientId(9)].distrusted.is_empty());
}

#[test]
fn of_rosters_that_wait_the_newest_counts_and_an_older_one_never() {
    let (mut world, first) = world();
    let second = next_roster(&first, 10);
    let third = next_roster(&second.roster, 9);
    world.tell(Input::Roster(third.clone().into()));
    install(&mut world, &second);
    assert_eq!(world.enrolled, Some(third.roster.head()));
    reconnect(&mut world, &third);
    world.tell(Input::Roster(second.into()));
    world.run();
    assert_eq!(adopted(&world), [first_head(), third.roster.head()]);
    assert_eq!(world.finished, Some(true));
}

/// A coordinator that lies: it shows a newer roster, and says that the old session goes on.
#[test]
fn keys_that_were_agreed_on_under_another_roster_are_gone() {
    const VICTIM: ClientId = ClientId(3);
    let (mut world, first) = world();
    while world.packets.iter().all(|packet| !matches!(packet, Packet::Start(VICTIM, _))) {
        assert!(world.step());
    }
    let start = world.packets.iter().find_map(|packet| match packet {
        Packet::Start(VICTIM, start) => Some(start.clone()),
        _ => None,
    });
    let start = start.expect("it is under way");
    let model = Ok(start.descriptor.model);
    for (changed, expected) in [(false, None), (true, Some(RefusalCode::Unexpected))] {
        world.branches.get_mut(&VICTIM).unwrap().connected = true;
        world.tell_branch(VICTIM, ParticipantInput::Disconnected);
        world.tell_branch(VICTIM, ParticipantInput::Connected);
        let roster = if changed { next_roster(&first, 10) } else { roster(9) };
        let session = start.descriptor.session;
        world.tell_branch(VICTIM, ParticipantInput::Message(welcome(joined(&world), &roster, session)));
        world.tell_branch(VICTIM, ParticipantInput::Started { start: start.clone(), model });
        let charged =
            world.branches[&VICTIM].machine.record().runs.values().map(|spend| spend.charged.last_round).max();
        assert_eq!(
            charged,
            Some(start.descriptor.round.0),
            "the round is charged under the roster that it was keyed under"
        );
        let refused = world.branches[&VICTIM].events.iter().rev().find_map(|event| match event {
            ParticipantEvent::Refused { code } => Some(*code),
            _ => None,
        });
        // The second time the round is used as well; that is not what is said.
        assert_eq!(refused, expected);
    }
}

/// The nonce of the last `Join` that is on its way.
fn joined(world: &World) -> Digest {
    let nonce = |packet: &Packet| match packet {
        Packet::Up(_, Upstream::Join(join)) => Some(join.nonce),
        _ => None,
    };
    world.packets.iter().rev().find_map(nonce).expect("it joins")
}

/// What a coordinator with the cast's key says in answer to a join.
fn welcome(nonce: Digest, roster: &SignedRoster, session: SessionId) -> Downstream {
    let plan = plan(|_| {});
    let signature =
        coordinator_signs(&welcome_message::<Toy>(&nonce, cast::run(plan.clone()).id(), roster, [Millis(0); 2]));
    let (sessions, approvals) = (alloc::vec![session], cast::approvals(&plan));
    let (version, roster) = (PROTOCOL_VERSION, roster.clone());
    let (number, budget, at, begun) = (1, None, Millis(0), Millis(0));
    let welcome = Welcome { version, nonce, plan, approvals, number, roster, sessions, budget, at, begun, signature };
    Downstream::Welcome(welcome.into())
}

#[test]
fn a_gap_in_the_rosters_is_reported_and_so_is_who_changed() {
    let (mut world, first) = world();
    let second = next_roster(&first, 9);
    let third = next_roster(&second.roster, 9);
    let mut entries: Vec<RosterEntry> = (2..=10).map(|number| entry(ClientId(number))).collect();
    entries[0].tls_spki_sha256 = crate::digest::Digest::of(b"another key");
    let changed = entries[0].clone();
    let fourth = roster_after(&third.roster, entries, Vec::new());
    install(&mut world, &fourth);
    reconnect(&mut world, &fourth);
    world.run();
    assert_eq!(world.finished, Some(true));
    for number in 2..=9 {
        let branch = &world.branches[&ClientId(number)];
        let changes = RosterChanges {
            added: alloc::vec![entry(ClientId(10))],
            removed: alloc::vec![entry(ClientId(1))],
            changed: alloc::vec![EntryChange { before: entry(ClientId(2)), after: changed.clone() }],
            groups: Vec::new(),
            people: Vec::new(),
        };
        assert_eq!(branch.rosters, [(1, 0, None), (4, 2, Some(changes))]);
        let recorded = branch.events.iter().filter_map(|event| match event {
            ParticipantEvent::RosterAccepted { head, missing } => Some((head.epoch, *missing)),
            _ => None,
        });
        assert!(recorded.eq([(1, 0), (4, 2)]));
    }
    // Whoever sees its first roster knows of none before it.
    assert_eq!(world.branches[&ClientId(10)].rosters, [(4, 0, None)]);
}

#[test]
fn a_set_up_under_the_old_roster_ends() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().keying.is_none() {
        assert!(world.step());
    }
    let second = next_roster(&roster(9).roster, 9);
    world.tell(Input::Roster(second.clone().into()));
    let closed = world
        .events
        .iter()
        .any(|event| matches!(event, CoordinatorEvent::SessionClosed { reason: ClosedReason::RosterChanged, .. }));
    assert!(closed && world.enrolled == Some(second.roster.head()));
    reconnect(&mut world, &second);
    world.run();
    assert_eq!(world.finished, Some(true));
}

/// A set-up that failed makes the next one wait a moment. One that a newer roster has ended did not fail.
#[test]
fn a_roster_that_ends_a_set_up_waits_for_its_members_alone() {
    let mut world = World::new(10, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().keying.is_none() {
        assert!(world.step());
    }
    let second = next_roster(&roster(10).roster, 10);
    world.tell(Input::Roster(second.clone().into()));
    assert_eq!(world.enrolled, Some(second.roster.head()));
    reconnect(&mut world, &second);
    world.cut(ClientId(10));
    world.run();
    assert!(world.coordinator.record().keying.is_none(), "the tenth may come back");
    world.now = world.coordinator.deadline().expect("others are hoped for");
    world.tell(Input::Timer);
    assert!(world.coordinator.record().keying.is_some(), "nine begin, and wait for nothing else");
}

#[test]
fn a_ledger_does_not_go_back_to_an_older_roster() {
    let (mut world, first) = world();
    let second = next_roster(&first, 10);
    install(&mut world, &second);
    let resumed = |roster: SignedRoster| {
        let settings = crate::round::CoordinatorSettings { roster, ..settings(9, plan(|_| {})) };
        let mut outbox = Outbox::new();
        Coordinator::<Toy>::resume(settings, &world.events, Vec::new(), Millis(0), &mut outbox)
    };
    let refused = resumed(roster(9)).err();
    assert_eq!(refused, Some(ResumeFault::RosterRolledBack { configured: 1, adopted: 2 }));
    // Another one of the same epoch is no better.
    let fork = next_roster(&first, 9);
    assert_eq!(resumed(fork).err(), Some(ResumeFault::RosterRolledBack { configured: 2, adopted: 2 }));
    // A restart is a moment between two rounds as well.
    let third = next_roster(&second.roster, 9);
    let head = third.roster.head();
    let machine = resumed(third).expect("a newer roster");
    assert_eq!(machine.record().roster_head(), Some(head));
    assert!(machine.record().sessions.is_empty());
    assert!(resumed(second).is_ok());
}

/// A roster waits for the open round, and a branch asks meanwhile: it is told so once, and asked again when the roster is in force. Whoever is invited
/// before that asks over and over, and is taken for one that breaks the protocol.
#[test]
fn whoever_asks_while_a_roster_waits_is_invited_when_it_is_in_force() {
    const LATE: ClientId = ClientId(5);
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().round.is_none() {
        assert!(world.step(), "a round begins");
    }
    world.tell(Input::Roster(next_roster(&roster(9).roster, 9).into()));
    world.cut(LATE);
    world.connect(LATE);
    // Nobody else says anything: the round stays open.
    let of = |packet: &Packet| matches!(packet, Packet::Up(LATE, _) | Packet::Down(LATE, _) | Packet::Start(LATE, _));
    let mut told = Vec::new();
    while let Some(place) = world.packets.iter().position(of).filter(|_| told.len() < 3) {
        let packet = world.packets.remove(place).expect("it was found");
        if let Packet::Down(_, Downstream::Rejected { code, .. }) = &packet {
            told.push(*code);
        }
        world.packets.push_front(packet);
        world.step();
    }
    assert_eq!((told, world.enrolled), ([RejectCode::NotNow].to_vec(), None));
    world.run();
    assert_eq!(adopted(&world).len(), 2);
    assert_eq!((world.refusals(), world.branches[&LATE].finished), ([].to_vec(), Some(5)));
}

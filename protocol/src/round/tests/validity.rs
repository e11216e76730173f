//! Entries of the roster that end by the clock, and groups that a client is not in.

use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::{CLOCK_SKEW_MS_MAX, SESSIONS_HELD_MAX};
use crate::message::{ClosedReason, Downstream, Offer, RefusalCode, RejectCode, SignedBody, Upstream};
use crate::plan::Plan;
use crate::roster::{RosterEntry, RosterGroup, SignedRoster};
use crate::round::cast::{coordinator_signs, entry, policy, roster, roster_after, roster_of, settings};
use crate::round::{CoordinatorEvent, Input, ParticipantInput};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// Whose entry ends.
const ENDING: ClientId = ClientId(4);
/// Somebody else.
const OTHER: ClientId = ClientId(7);
/// Its last second.
const LAST: u64 = 100;
/// The first moment after it.
const OVER: Millis = Millis((LAST + 1) * 1000);
/// The last moment at which a client takes it as valid.
const OVER_HERE: Millis = Millis(OVER.0 - 1 + CLOCK_SKEW_MS_MAX);

/// The roster of ten, of whom one ends.
fn ending(clients: u32) -> SignedRoster {
    let entries = (1..=clients).map(|number| match ClientId(number) {
        ENDING => RosterEntry { not_after: LAST, ..entry(ENDING) },
        client => entry(client),
    });
    roster_after(&roster(clients).roster, entries.collect(), Vec::new())
}

/// Ten branches, the roster in force before anybody connects.
fn world_of(roster: SignedRoster, plan: Plan) -> World {
    let mut world = World::new(10, plan);
    world.tell(Input::Roster(roster.into()));
    world.connect_all();
    world
}

/// With deadlines beyond all of these moments.
fn world() -> World {
    let patient = |plan: &mut Plan| (plan.round_deadline_ms, plan.keying_deadline_ms) = (10_000_000, 10_000_000);
    world_of(ending(10), plan(patient))
}

/// Delivers until so many rounds are committed.
fn commit(world: &mut World, rounds: u32) {
    while world.coordinator.record().committed(0) < rounds {
        assert!(world.step(), "{:?}", world.coordinator.wait());
    }
}

fn closed(world: &World) -> Vec<ClosedReason> {
    let reason = |event: &CoordinatorEvent| match event {
        CoordinatorEvent::SessionClosed { reason, .. } => Some(*reason),
        _ => None,
    };
    world.events.iter().filter_map(reason).collect()
}

/// Why a client was turned away, of what is under way.
fn rejected(world: &World, client: ClientId) -> Option<RejectCode> {
    world.packets.iter().find_map(|packet| match packet {
        Packet::Down(to, Downstream::Rejected { code, .. }) if *to == client => Some(*code),
        _ => None,
    })
}

#[test]
fn an_entry_that_ends_ends_its_sessions_and_is_in_no_new_one() {
    let mut world = world();
    commit(&mut world, 1);
    assert!(world.coordinator.record().round.is_some(), "a round is open");
    world.now = Millis(OVER.0 - 1);
    world.tell(Input::Timer);
    world.now = OVER;
    world.tell(Input::Timer);
    assert_eq!(closed(&world), [], "the open round ends in order");
    commit(&mut world, 2);
    assert_eq!(closed(&world), [ClosedReason::EntryEnded(ENDING); 2], "the session, and the set-up of the next one");
    assert_eq!(rejected(&world, ENDING), Some(RejectCode::EntryEnded));
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
    assert!(world.aborts().is_empty());
    let cohort = world.events.iter().rev().find_map(|event| match event {
        CoordinatorEvent::SessionKeyed { cohort, .. } => Some(cohort.clone()),
        _ => None,
    });
    let cohort = cohort.expect("a session");
    assert!(cohort.len() == 9 && !cohort.contains(&ENDING), "{cohort:?}");
    let stopped = world.branches[&ENDING].stopped.as_ref().expect("the branch hears why");
    assert!(stopped.contains("client 4 has ended") && stopped.contains("enrol the branch anew"), "{stopped}");
}

/// A partner's seat ends with its agreement as it does with its entry, in the middle of a run.
#[test]
fn an_agreement_that_ends_ends_its_partner_s_sessions() {
    let partner = 2;
    let served = plan(|plan| {
        (plan.round_deadline_ms, plan.keying_deadline_ms) = (10_000_000, 10_000_000);
        let agreement = plan.charter.agreements.iter_mut().find(|one| one.organisation.0 == partner);
        agreement.expect("the cast has it").until = LAST;
    });
    let begun = || {
        let mut settings = settings(10, served.clone());
        settings.roster = roster_of(10, |client| if client == 4 { 2 } else { 1 });
        let mut world = World::with_settings(settings, |_| policy(&served));
        world.connect_all();
        commit(&mut world, 1);
        world
    };
    let mut world = begun();
    world.now = OVER;
    world.tell(Input::Timer);
    commit(&mut world, 2);
    assert_eq!(closed(&world), [ClosedReason::EntryEnded(ENDING); 2]);
    assert_eq!(rejected(&world, ENDING), Some(RejectCode::NoAgreement));
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    let stopped = world.branches[&ENDING].stopped.as_ref().expect("the branch hears why");
    assert!(stopped.contains("no agreement"), "{stopped}");
    // A coordinator that asks for a round all the same is refused by everybody, five minutes later by a branch's own clock.
    let mut world = begun();
    while !matches!(world.packets.front(), Some(Packet::Start(OTHER, _))) {
        assert!(world.step());
    }
    world.now = OVER_HERE.plus(1);
    world.step();
    assert_eq!(world.refusals().first(), Some(&(OTHER, RefusalCode::EntryEnded)));
    assert_eq!(world.branches[&OTHER].machine.record().last_round(&run_of(&world)), 1);
}

/// In its last moment an entry is valid, and in the next one it is not.
#[test]
fn an_entry_counts_to_its_last_moment() {
    for (now, deadline, counts) in [(Millis(OVER.0 - 1), OVER, true), (OVER, OVER.plus(100), false)] {
        let mut world = World::new(10, plan(|_| {}));
        world.now = now;
        world.tell(Input::Roster(ending(10).into()));
        assert_eq!(world.coordinator.deadline(), Some(deadline));
        assert_eq!(world.coordinator.hopefuls().contains(&ENDING), counts);
        world.connect_all();
        world.run();
        let cohort = world.events.iter().find_map(|event| match event {
            CoordinatorEvent::SessionKeyed { cohort, .. } => Some(cohort.contains(&ENDING)),
            _ => None,
        });
        assert_eq!((cohort, world.finished), (Some(counts), Some(true)));
    }
}

#[test]
fn a_deadline_wakes_the_coordinator_when_an_entry_ends_and_its_operator_is_told() {
    let mut world = world_of(ending(10), plan(|plan| plan.cohort.cohort_min = 10));
    world.cut(OTHER);
    world.run();
    world.now = world.coordinator.deadline().expect("others are hoped for");
    world.tell(Input::Timer);
    assert_eq!(world.coordinator.wait().deadline, Some(OVER), "nine are too few, and nobody else is awaited");
    world.now = OVER;
    world.tell(Input::Timer);
    assert_eq!(rejected(&world, ENDING), Some(RejectCode::EntryEnded));
    let wait = world.coordinator.wait();
    assert_eq!(wait.deadline, None);
    assert!(wait.reason.contains("entries of 1 client have ended, the first is client 4"), "{wait:?}");
    // Neither does it come back, nor is it asked.
    world.cut(ENDING);
    world.branches.get_mut(&ENDING).expect("a branch").stopped = None;
    world.connect(ENDING);
    let asked = |packet: &Packet| matches!(packet, Packet::Down(ENDING, Downstream::Invite));
    assert!(!world.packets.iter().any(asked));
    world.connect(OTHER);
    world.run();
    let stopped = world.branches[&ENDING].stopped.as_ref().expect("it hears why");
    assert!(stopped.contains("client 4 has ended"), "{stopped}");
    assert!(world.sums.is_empty());
}

#[test]
fn a_set_up_with_an_entry_that_has_ended_is_refused_by_everybody_in_it() {
    for (now, refused) in [(OVER_HERE, None), (OVER_HERE.plus(1), Some(RefusalCode::EntryEnded))] {
        for victim in [OTHER, ENDING] {
            let mut world = world();
            while !matches!(world.packets.front(), Some(Packet::Down(to, Downstream::Offer(_))) if *to == victim) {
                assert!(world.step());
            }
            // The coordinator's clock stands; only this branch's has gone on.
            world.now = now;
            let Some(Packet::Down(_, offer)) = world.packets.pop_front() else { panic!("an offer") };
            world.tell_branch(victim, ParticipantInput::Message(offer));
            let refusals = world.refusals();
            assert_eq!(refusals.first().map(|(client, code)| (*client, *code)), refused.map(|code| (victim, code)));
        }
    }
}

#[test]
fn a_branch_whose_own_entry_has_ended_joins_nothing() {
    for (now, refused) in [(OVER_HERE, None), (OVER_HERE.plus(1), Some(RefusalCode::EntryEnded))] {
        let mut world = world();
        while !matches!(world.packets.front(), Some(Packet::Down(ENDING, Downstream::Welcome(_)))) {
            assert!(world.step());
        }
        world.now = now;
        let Some(Packet::Down(_, welcome)) = world.packets.pop_front() else { panic!("a welcome") };
        world.tell_branch(ENDING, ParticipantInput::Message(welcome));
        assert_eq!(world.refusals().first().map(|(_, code)| *code), refused);
    }
}

/// A coordinator whose clock stands does not keep a session alive.
#[test]
fn keys_are_erased_when_an_entry_of_their_cohort_ends_and_the_open_round_ends_in_order() {
    let mut world = world();
    commit(&mut world, 1);
    while !matches!(world.packets.front(), Some(Packet::Down(OTHER, Downstream::Survivors(_)))) {
        assert!(world.step());
    }
    let wait = |world: &World| world.branches[&OTHER].machine.wait();
    let (end, erases) = (Some(OVER_HERE.plus(1)), "erase the session's keys: an entry of its cohort has ended");
    assert_eq!((wait(&world).deadline, wait(&world).next), (end, erases), "it is woken before the round's deadline");
    world.now = OVER_HERE;
    world.tell_branch(OTHER, ParticipantInput::Timer);
    assert_eq!(wait(&world).deadline, end, "not a moment before");
    world.now = OVER_HERE.plus(1);
    world.tell_branch(OTHER, ParticipantInput::Timer);
    assert_eq!(wait(&world).next, "forget the round and erase its keys", "once");
    world.now = Millis(0);
    while !matches!(world.packets.front(), Some(Packet::Start(OTHER, _))) {
        assert!(world.step(), "{:?} {:?}", world.coordinator.wait(), world.refusals());
    }
    assert_eq!(world.coordinator.record().committed(0), 2, "the round that was open is committed");
    assert_eq!(world.refusals(), []);
    // The next one has no keys, whatever the time is now.
    world.step();
    assert_eq!(world.refusals(), [(OTHER, RefusalCode::RoundReused)]);
    assert_eq!(world.branches[&OTHER].machine.record().last_round(&run_of(&world)), 2);
}

fn run_of(world: &World) -> crate::plan::RunRef {
    world.coordinator.run().reference()
}

#[test]
fn a_round_under_an_entry_that_has_ended_is_refused_before_it_is_charged() {
    for (now, refused) in [(OVER_HERE, None), (OVER_HERE.plus(1), Some((OTHER, RefusalCode::EntryEnded)))] {
        let mut world = world();
        commit(&mut world, 1);
        while !matches!(world.packets.front(), Some(Packet::Start(OTHER, _))) {
            assert!(world.step());
        }
        world.now = now;
        world.step();
        assert_eq!(world.refusals().first().copied(), refused);
        let charged = if refused.is_none() { 2 } else { 1 };
        assert_eq!(world.branches[&OTHER].machine.record().last_round(&run_of(&world)), charged);
        // Whoever stops has no keys left to erase.
        world.tell_branch(OTHER, ParticipantInput::Stop);
        assert_eq!(world.branches[&OTHER].machine.wait().deadline, None);
    }
}

/// Where a round and the keys end in the same moment, people hear of the round.
#[test]
fn a_round_that_ends_with_the_keys_is_told() {
    let ends = OVER_HERE.plus(1);
    let mut world = world_of(
        ending(10),
        plan(|plan| (plan.round_deadline_ms, plan.keying_deadline_ms, plan.session_rounds) = (ends.0, ends.0, 8)),
    );
    while !matches!(world.packets.front(), Some(Packet::Down(OTHER, Downstream::Survivors(_)))) {
        assert!(world.step());
    }
    let wait = world.branches[&OTHER].machine.wait();
    assert_eq!((wait.deadline, wait.next), (Some(ends), "forget the round and erase its keys"));
}

/// The keys of a session are erased when one of its cohort is over; they count no more among those that a branch may hold.
#[test]
fn keys_that_were_erased_make_room_for_others() {
    let mut world = world();
    let first = loop {
        match world.packets.front() {
            Some(Packet::Down(OTHER, Downstream::Offer(offer))) => break offer.clone(),
            _ => assert!(world.step()),
        }
    };
    let acks = |packet: &Packet| matches!(packet, Packet::Down(OTHER, Downstream::SetupAcks { .. }));
    let mut held = 0;
    while held < SESSIONS_HELD_MAX {
        held += usize::from(world.packets.front().is_some_and(acks));
        assert!(world.step(), "{:?}", world.coordinator.wait());
    }
    let mut without = Offer { session: SessionId([9; 32]), first_round: RoundId(100), ..first };
    without.candidates.to_mut().retain(|client| *client != ENDING);
    without.signature = coordinator_signs(&without.to_sign::<Toy>());
    world.now = OVER_HERE.plus(1);
    world.tell_branch(OTHER, ParticipantInput::Timer);
    world.packets.clear();
    world.tell_branch(OTHER, ParticipantInput::Message(Downstream::Offer(without)));
    assert_eq!(world.refusals(), []);
    assert!(matches!(world.packets.front(), Some(Packet::Up(OTHER, Upstream::Keys(_)))));
}

fn pilot(members: &[u32]) -> SignedRoster {
    let entries = (1..=10).map(|number| entry(ClientId(number))).collect();
    let group = RosterGroup { name: "pilot".into(), members: members.iter().copied().map(ClientId).collect() };
    roster_after(&roster(10).roster, entries, alloc::vec![group])
}

fn piloted() -> Plan {
    plan(|plan| plan.group = "pilot".into())
}

#[test]
fn a_plan_for_a_group_runs_with_its_members_alone() {
    let mut world = world_of(pilot(&[1, 2, 3, 4, 6, 7, 8, 9]), piloted());
    let invited = |packet: &Packet| match packet {
        Packet::Down(client, Downstream::Invite) => Some(client.0),
        _ => None,
    };
    let invited: Vec<u32> = world.packets.iter().filter_map(invited).collect();
    assert_eq!(invited, [1, 2, 3, 4, 6, 7, 8, 9], "nobody else is asked");
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
    assert_eq!(world.coordinator.record().group_size(), 8);
    assert_eq!(world.sums.len(), 5);
    for stranger in [5, 10] {
        let stopped = world.branches[&ClientId(stranger)].stopped.as_ref().expect("whoever asks unasked hears why");
        let whom = alloc::format!("client {stranger} is not in it");
        assert!(stopped.contains("group \"pilot\"") && stopped.contains(&whom), "{stopped}");
    }
}

/// How many a coalition is counted of is what the roster says, and not how many the coordinator chose.
#[test]
fn the_size_of_a_group_is_the_roster_s() {
    let sized = |group: &str| {
        let served = plan(|plan| plan.group = group.into());
        crate::round::agreement::group_size(&served, &roster(9).roster, 3)
    };
    assert_eq!((sized(crate::roster::ALL), sized("north")), (9, 0));
}

/// A coordinator that offers somebody from outside, or shows a roster without the group.
#[test]
fn strangers_to_the_group_are_refused_in_a_set_up() {
    let mut world = world_of(pilot(&[1, 2, 3, 4, 6, 7, 8, 9]), piloted());
    while !matches!(world.packets.front(), Some(Packet::Down(OTHER, Downstream::Offer(_)))) {
        assert!(world.step());
    }
    let Some(Packet::Down(_, Downstream::Offer(mut offer))) = world.packets.pop_front() else { panic!("an offer") };
    let place = offer.candidates.iter().position(|client| *client > ClientId(5)).expect("there are later ones");
    offer.candidates.to_mut().insert(place, ClientId(5));
    offer.signature = coordinator_signs(&offer.to_sign::<Toy>());
    world.tell_branch(OTHER, ParticipantInput::Message(Downstream::Offer(offer)));
    assert_eq!(world.refusals(), [(OTHER, RefusalCode::Unexpected)]);
}

#[test]
fn a_branch_refuses_a_plan_whose_group_it_is_not_in() {
    // The coordinator's machine would turn it away; this one is told to let it in.
    let mut world = world_of(pilot(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), piloted());
    let outside = pilot(&[1, 2, 3, 4, 6, 7, 8, 9]);
    let without =
        roster_after(&roster(10).roster, (1..=10).map(|number| entry(ClientId(number))).collect(), Vec::new());
    for (client, shown) in [(ClientId(5), outside), (OTHER, without)] {
        while !matches!(world.packets.front(), Some(Packet::Down(to, Downstream::Welcome(_))) if *to == client) {
            assert!(world.step());
        }
        let Some(Packet::Down(_, Downstream::Welcome(mut welcome))) = world.packets.pop_front() else { panic!("one") };
        let run = crate::plan::RunRef { plan: welcome.plan.digest(), number: welcome.number }.id();
        welcome.signature = coordinator_signs(&crate::round::agreement::welcome_message::<Toy>(
            &welcome.nonce,
            run,
            &shown,
            [welcome.at, welcome.begun],
        ));
        welcome.roster = shown;
        world.tell_branch(client, ParticipantInput::Message(Downstream::Welcome(welcome)));
    }
    let refused = [(ClientId(5), RefusalCode::NotInGroup), (OTHER, RefusalCode::NotInGroup)];
    assert_eq!(world.refusals(), refused);
}

//! When the coordinator gives a round up, and when it does not yet: losses and deadlines in each phase, on both sides of the threshold.

use alloc::vec::Vec;

use super::{VICTIM, nine, until};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{ClosedReason, Downstream, Join, Upstream};
use crate::round::cast::{self, next_roster, policy, roster, roster_of, settings};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorSettings, Input, Outbox};
use crate::secagg::parameters::{CoalitionRule, CohortRule};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// Lets a world run until a packet of this kind is the next one, and leaves it there.
fn before(world: &mut World, due: fn(&Packet) -> bool) {
    let packet = until(world, due);
    world.packets.push_front(packet);
}

fn acknowledges(packet: &Packet) -> bool {
    matches!(packet, Packet::Up(_, Upstream::SurvivorsAck { .. }))
}

fn unmasks(packet: &Packet) -> bool {
    matches!(packet, Packet::Up(_, Upstream::Unmask { .. }))
}

fn cut(world: &mut World, clients: impl IntoIterator<Item = u32>) {
    clients.into_iter().for_each(|number| world.cut(ClientId(number)));
}

/// The quorum of nine is six.
#[test]
fn a_round_ends_when_no_quorum_can_sign_any_more() {
    for (lost, aborts) in [(3, &[][..]), (4, &[ClosedReason::TooFew])] {
        let mut world = nine();
        before(&mut world, acknowledges);
        cut(&mut world, 1..=lost);
        assert_eq!(world.aborts(), aborts, "{lost} are lost before they sign");
    }
    // Whoever has signed has signed.
    let mut world = nine();
    before(&mut world, acknowledges);
    let signers: Vec<u32> = (0..4)
        .map(|_| match world.packets.front() {
            Some(Packet::Up(ClientId(signer), Upstream::SurvivorsAck { .. })) => {
                let signer = *signer;
                world.step();
                signer
            }
            _ => panic!("an acknowledgement"),
        })
        .collect();
    cut(&mut world, signers);
    assert_eq!(world.aborts(), []);
    // With two more there is a quorum, and five are left who could reveal a share.
    world.run();
    assert_eq!(world.aborts(), [ClosedReason::TooFew]);
}

/// While a round goes on, enough for it are here, however few are left of its session: nobody is told who is missing.
#[test]
fn in_a_round_nobody_is_missing() {
    let mut world = nine();
    before(&mut world, acknowledges);
    cut(&mut world, 1..=3);
    let coordinator = &world.coordinator;
    assert_eq!((coordinator.ready_clients().len(), coordinator.muster(), coordinator.lacking()), (6, None, None));
    cut(&mut world, [4]);
    assert_eq!(world.aborts(), [ClosedReason::TooFew]);
    let muster = world.coordinator.muster().expect("the next round needs eight");
    assert_eq!((muster.here, muster.needed, muster.missing), (5, 8, (1..=4).map(ClientId).collect()));
}

/// Twelve, of whom eleven may certify and eight are a quorum: the operator's fourth member counts for nothing.
#[test]
fn only_those_who_may_certify_are_counted_on() {
    let consortium = || {
        let coalition = CoalitionRule::Organisations { operator: OrganisationId(1), others: 0, outside_min: 2 };
        let served = plan(|plan| plan.cohort = CohortRule { coalition, ..CohortRule::USUAL });
        let roster = roster_of(12, |number| if number <= 4 { 1 } else { 2 + number % 4 });
        let settings = CoordinatorSettings { roster, ..cast::settings(12, served.clone()) };
        let mut world = World::with_settings(settings, |_| policy(&served));
        world.connect_all();
        before(&mut world, acknowledges);
        world
    };
    let mut world = consortium();
    cut(&mut world, [4, 10, 11, 12]);
    assert_eq!(world.aborts(), []);
    let mut world = consortium();
    cut(&mut world, [9, 10, 11, 12]);
    assert_eq!(world.aborts(), [ClosedReason::TooFew]);
}

/// Six shares of nine open a secret.
#[test]
fn a_round_ends_when_a_secret_cannot_be_opened_any_more() {
    for (sent, lost, aborts) in [
        (0, 1..=3, &[][..]),
        (0, 1..=4, &[ClosedReason::TooFew]),
        // What has been sent counts, and does not come a second time.
        (5, 6..=8, &[]),
        (5, 6..=9, &[ClosedReason::TooFew]),
        (5, 1..=5, &[]),
    ] {
        let mut world = nine();
        before(&mut world, unmasks);
        for sender in 1..=sent {
            let index = world
                .packets
                .iter()
                .position(|packet| matches!(packet, Packet::Up(client, Upstream::Unmask { .. }) if client.0 == sender));
            let index = index.unwrap_or_else(|| panic!("client {sender} reveals: {:?}", world.coordinator.wait()));
            let packet = world.packets.remove(index).expect("it is there");
            world.packets.push_front(packet);
            world.step();
        }
        cut(&mut world, lost.clone());
        assert_eq!(world.aborts(), aborts, "{sent} sent, {lost:?} lost");
    }
}

/// Nine, of whom one uploads nothing: of its eight survivors three may be lost, whoever else is there.
#[test]
fn one_that_did_not_survive_brings_no_share() {
    let mut world = nine();
    let silent = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Masked(_)));
    until(&mut world, silent);
    world.run();
    world.now = world.coordinator.wait().deadline.expect("the round collects");
    world.tell(Input::Timer);
    before(&mut world, unmasks);
    cut(&mut world, [1, 2]);
    assert_eq!(world.aborts(), []);
    cut(&mut world, [3]);
    assert_eq!(world.aborts(), [ClosedReason::TooFew]);
}

/// As many of nine have uploaded as this says, and the rest never does.
fn uploaded(arrived: u32) -> World {
    // One session is enough, so that nothing is keyed beside the rounds.
    let mut world = World::new(9, plan(|plan| plan.session_rounds = 8));
    world.connect_all();
    before(&mut world, |packet| matches!(packet, Packet::Up(_, Upstream::Masked(_))));
    while world.coordinator.record().admitted.len() < arrived as usize {
        let index = world
            .packets
            .iter()
            .position(|packet| matches!(packet, Packet::Up(client, Upstream::Masked(_)) if client.0 <= arrived));
        match index {
            Some(index) => {
                let packet = world.packets.remove(index).expect("it is there");
                world.packets.push_front(packet);
                world.step();
            }
            None => assert!(step_without_uploads(&mut world, arrived)),
        }
    }
    world
}

/// One step, past the uploads of those behind `arrived`.
fn step_without_uploads(world: &mut World, arrived: u32) -> bool {
    let late = |packet: &Packet| matches!(packet, Packet::Up(client, Upstream::Masked(_)) if client.0 > arrived);
    world.packets.retain(|packet| !late(packet));
    world.step()
}

#[test]
fn at_its_deadline_a_round_goes_on_with_enough_and_ends_with_too_few() {
    for (arrived, now, frozen, aborts) in [
        (8, 599, false, &[][..]),
        (8, 600, true, &[]),
        (7, 600, false, &[ClosedReason::TooFew]),
        // The clock has jumped: nobody could certify in time.
        (8, 799, true, &[]),
        (8, 800, false, &[ClosedReason::Deadline]),
    ] {
        let mut world = uploaded(arrived);
        world.now = Millis(now);
        world.tell(Input::Timer);
        assert_eq!(world.coordinator.record().survivors.is_some(), frozen, "{arrived} at {now}");
        assert_eq!(world.aborts(), aborts, "{arrived} at {now}");
    }
}

/// Whoever has uploaded counts as long as uploads are collected, wherever it is; in what comes after that it is missing.
#[test]
fn uploads_of_those_who_have_gone_count_until_a_quorum_is_asked() {
    let mut world = uploaded(8);
    cut(&mut world, 1..=4);
    assert_eq!(world.aborts(), []);
    world.now = Millis(600);
    world.tell(Input::Timer);
    let frozen = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::SurvivorsFrozen { .. });
    assert!(world.events.iter().any(frozen));
    assert_eq!(world.aborts(), [ClosedReason::TooFew], "four of the eight could sign");
}

/// Enough are here, and the one who is awaited may still come, or be lost.
#[test]
fn a_round_waits_for_those_who_may_still_come() {
    let mut world = World::new(10, plan(|_| {}));
    world.connect_all();
    let late = |packet: &Packet| matches!(packet, Packet::Up(ClientId(9 | 10), Upstream::Masked(_)));
    let mut kept = Vec::new();
    while world.coordinator.record().admitted.len() < 8 {
        if world.packets.front().is_some_and(late) {
            kept.extend(world.packets.pop_front());
            continue;
        }
        assert!(world.step());
    }
    assert!(world.coordinator.record().survivors.is_none());
    world.cut(ClientId(10));
    assert!(world.coordinator.record().survivors.is_none(), "client 9 is awaited");
    world.cut(ClientId(9));
    assert!(world.coordinator.record().survivors.is_some(), "nobody is awaited");
}

/// Whoever was late is not waited for in the next round, and everybody else is.
#[test]
fn the_next_round_waits_for_those_who_were_in_time() {
    let mut world = uploaded(8);
    world.packets.retain(|packet| !matches!(packet, Packet::Up(ClientId(9), Upstream::Masked(_))));
    world.now = Millis(600);
    world.tell(Input::Timer);
    while world.coordinator.record().charged(0) < 2 {
        assert!(world.step());
    }
    let reason = world.coordinator.wait().reason;
    assert!(reason.contains("0 here, 8 awaited, first 1"), "{reason}");
    // It is the first of all in that round.
    while world.coordinator.record().charged(0) < 3 {
        let own = world.packets.iter().position(|packet| of(packet, ClientId(9)));
        if let Some(packet) = own.and_then(|own| world.packets.remove(own)) {
            world.packets.push_front(packet);
        }
        assert!(world.step());
    }
    let reason = world.coordinator.wait().reason;
    assert!(reason.contains("0 here, 9 awaited, first 1"), "{reason}");
}

fn of(packet: &Packet, one: ClientId) -> bool {
    match packet {
        Packet::Up(client, _) | Packet::Down(client, _) | Packet::Start(client, _) => *client == one,
    }
}

/// It had not admitted the plan yet when the survivors were counted: it was asked for nothing.
#[test]
fn whoever_was_not_asked_for_an_upload_is_not_late() {
    let mut world = World::new(9, plan(|plan| plan.session_rounds = 8));
    world.connect_all();
    before(&mut world, |packet| matches!(packet, Packet::Up(_, Upstream::Masked(_))));
    world.cut(VICTIM);
    world.connect(VICTIM);
    // The others' uploads come between its welcome and its answer.
    let welcome = loop {
        let own = world.packets.iter().position(|packet| of(packet, VICTIM)).expect("it is let in");
        match world.packets.remove(own).expect("it is there") {
            welcome @ Packet::Down(_, Downstream::Welcome(_)) => break welcome,
            packet => world.packets.push_front(packet),
        }
        world.step();
    };
    while world.coordinator.record().survivors.is_none() {
        assert!(world.step());
    }
    world.packets.push_front(welcome);
    while world.coordinator.record().charged(0) < 2 {
        assert!(world.step());
    }
    let reason = world.coordinator.wait().reason;
    assert!(reason.contains("0 here, 9 awaited, first 1"), "{reason}");
}

/// A start goes to those who admitted the plan and hold the keys, and to nobody else.
#[test]
fn a_start_goes_to_those_who_hold_the_keys() {
    let started = |world: &World| {
        let to_victim = |packet: &Packet| matches!(packet, Packet::Start(VICTIM, _));
        world.packets.iter().any(to_victim)
    };
    // What concerns the victim comes first.
    let ready = |world: &mut World| {
        while !world.coordinator.ready_clients().contains(&VICTIM) {
            let own = world.packets.iter().position(|packet| match packet {
                Packet::Up(client, _) | Packet::Down(client, _) | Packet::Start(client, _) => *client == VICTIM,
            });
            let packet = world.packets.remove(own.expect("it is welcomed")).expect("it is there");
            world.packets.push_front(packet);
            world.step();
        }
    };
    let second_round = |world: &mut World| {
        while world.coordinator.record().charged(0) < 2 {
            assert!(world.step(), "{:?}", world.coordinator.wait());
        }
    };
    // Back without its keys.
    let mut world = nine();
    before(&mut world, unmasks);
    world.cut(VICTIM);
    let served = plan(|_| {});
    let file = world.branches[&VICTIM].events.clone();
    world.reborn(VICTIM, policy(&served), file);
    world.connect(VICTIM);
    ready(&mut world);
    second_round(&mut world);
    assert!(!started(&world));
    // Back with its keys, and not yet with its word on the plan.
    let mut world = nine();
    before(&mut world, unmasks);
    let session = world.coordinator.record().sessions[0].view.session;
    world.cut(VICTIM);
    world.tell(Input::Connected(VICTIM));
    let join = Join {
        version: PROTOCOL_VERSION,
        schema: Digest::of(b"schema"),
        holding: [session].to_vec(),
        nonce: Digest::ZERO,
    };
    world.tell(Input::Message(VICTIM, Upstream::Join(join)));
    second_round(&mut world);
    assert!(!started(&world));
    // Back with both.
    let mut world = nine();
    before(&mut world, unmasks);
    world.cut(VICTIM);
    world.connect(VICTIM);
    ready(&mut world);
    second_round(&mut world);
    assert!(started(&world));
}

/// A branch's file says as much as the ledger in a plan without accidents, and is not noted as saying more.
#[test]
fn a_branch_that_was_charged_as_often_is_not_noted() {
    let noted = |world: &World| {
        let more = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::ClientChargedMore { .. });
        world.events.iter().filter(more).count()
    };
    let mut world = nine();
    before(&mut world, unmasks);
    world.cut(VICTIM);
    world.connect(VICTIM);
    world.run();
    assert_eq!((world.finished, noted(&world)), (Some(true), 0));
}

/// A plan that is over stays as it ended, whatever the roster is by then.
#[test]
fn a_plan_that_is_over_adopts_no_roster() {
    let mut world = nine();
    world.run();
    assert_eq!(world.finished, Some(true));
    let roster = next_roster(&roster(9).roster, 9);
    let settings = CoordinatorSettings { roster, ..settings(9, plan(|_| {})) };
    let mut outbox = Outbox::new();
    let resumed = Coordinator::<Toy>::resume(settings, &world.events, Vec::new(), Millis(0), &mut outbox);
    assert!(resumed.is_ok());
    assert!(!outbox.iter().any(|effect| matches!(effect, CoordinatorEffect::Append(_))));
}

/// A coordinator that is stopped ends its round and its set-up, durably, before anybody hears of it.
#[test]
fn a_stop_ends_what_is_open() {
    let mut world = nine();
    // The second session is keyed beside the first one's rounds.
    while world.coordinator.record().round.is_none() || world.coordinator.record().keying.is_none() {
        assert!(world.step());
    }
    world.tell(Input::Stop);
    assert_eq!(world.aborts(), [ClosedReason::Stopped]);
    assert!(matches!(world.events.last(), Some(CoordinatorEvent::SessionClosed { reason: ClosedReason::Stopped, .. })));
    let told = |packet: &Packet| {
        matches!(packet, Packet::Down(_, Downstream::SessionClosed { reason: ClosedReason::Stopped, .. }))
    };
    assert!(world.packets.iter().any(told));
}

/// What was added up so far of a round that ends by a stop is thrown away: it is a sum of fewer than anybody agreed to.
#[test]
fn a_stop_throws_away_the_open_sum() {
    let mut world = nine();
    while world.sum.is_none() {
        assert!(world.step());
    }
    world.tell(Input::Stop);
    assert!(world.sum.is_none() && world.aborts() == [ClosedReason::Stopped]);
    // Nobody is heard, and nobody is asked.
    world.packets.clear();
    let events = world.events.len();
    world.tell(Input::Disconnected(VICTIM));
    world.tell(Input::Connected(VICTIM));
    let (schema, holding, nonce) = (Digest::of(b"schema"), Vec::new(), Digest::ZERO);
    world.tell(Input::Message(VICTIM, Upstream::Join(Join { version: PROTOCOL_VERSION, schema, holding, nonce })));
    world.tell(Input::Timer);
    assert!(world.coordinator.ready_clients().is_empty());
    assert_eq!((world.packets.len(), world.events.len()), (0, events));
}

/// A plan that is over stays over.
#[test]
fn a_stop_after_the_end_changes_nothing() {
    let mut world = nine();
    world.run();
    let (wait, events) = (world.coordinator.wait(), world.events.len());
    world.tell(Input::Stop);
    assert_eq!((world.coordinator.wait(), world.events.len()), (wait, events));
}

//! What the coordinator does not take from a client in a round, and from its own shell.

use alloc::vec::Vec;

use super::from_members::{Row, forge, punished, take};
use super::{VICTIM, nine, rejected, signs, until};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{MaskedHeader, RejectCode, Upstream};
use crate::privacy::Accounts;
use crate::round::cast::signing_key;
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{CoordinatorEvent, Input};
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;

fn header(message: &mut Upstream) -> &mut MaskedHeader {
    match message {
        Upstream::Masked(header) => header,
        _ => panic!("a header"),
    }
}

pub(super) const MASKED: &[Row] = &[
    ("over another descriptor", |message| {
        let header = header(message);
        header.descriptor.0[0] ^= 1;
        header.signature = signs(VICTIM, header);
    }),
    ("with a head of a lower counter", |message| {
        let header = header(message);
        header.head.counter = 0;
        header.head.signature = signs(VICTIM, &*header.head);
        header.signature = signs(VICTIM, header);
    }),
    ("with a head that lacks what this round costs", |message| {
        let header = header(message);
        header.head.spent = Accounts::zero();
        header.head.signature = signs(VICTIM, &*header.head);
        header.signature = signs(VICTIM, header);
    }),
    ("with a head that was not charged for this round", |message| {
        let header = header(message);
        header.head.charged.last_round -= 1;
        header.head.signature = signs(VICTIM, &*header.head);
        header.signature = signs(VICTIM, header);
    }),
    ("with a head under another run", |message| {
        let header = header(message);
        header.head.run.number += 1;
        header.head.signature = signs(VICTIM, &*header.head);
        header.signature = signs(VICTIM, header);
    }),
    ("with another head than was signed", |message| header(message).head.counter += 1),
    ("for another vector than was signed", |message| header(message).vector.0[0] ^= 1),
    ("by another member", |message| {
        let header = header(message);
        header.signature = signs(ClientId(4), header);
    }),
];

/// The header of an upload: its sender's signature over the round's own descriptor.
#[test]
fn a_header_with_one_thing_wrong_is_not_admitted() {
    let masked = |message: &Upstream| matches!(message, Upstream::Masked(_));
    punished(nine, masked, MASKED);
    let mut world = nine();
    let mut message = take(&mut world, masked);
    (MASKED[0].1)(&mut message);
    world.tell(Input::Message(VICTIM, message));
    assert!(!world.has_upload(VICTIM), "its vector is let go of");
}

/// Whoever is late, or was never asked, is not to blame: its vector is not read.
#[test]
fn a_header_out_of_turn_is_discarded() {
    fn admitted(world: &World) -> usize {
        world.coordinator.record().admitted.len()
    }
    let masked = |message: &Upstream| matches!(message, Upstream::Masked(_));
    // For a round that is not the open one.
    let mut world = nine();
    let Upstream::Masked(mut header) = take(&mut world, masked) else { panic!("a header") };
    header.round = RoundId(7);
    header.signature = signs(VICTIM, &header);
    let before = admitted(&world);
    world.tell(Input::Message(VICTIM, Upstream::Masked(header)));
    assert_eq!((admitted(&world), rejected(&world, VICTIM)), (before, None));

    // By one that is connected and no member of the session.
    let mut world = World::new(10, plan(|_| {}));
    (1..=9).for_each(|number| world.connect(ClientId(number)));
    world.run();
    world.now = crate::time::Millis(100);
    world.tell(Input::Timer);
    let late = ClientId(10);
    let first = until(&mut world, |packet| matches!(packet, Packet::Up(_, Upstream::Masked(_))));
    let Packet::Up(_, Upstream::Masked(mut header)) = first else { panic!("a header") };
    world.connect(late);
    while !world.coordinator.ready_clients().contains(&late) {
        assert!(world.step());
    }
    header.signature = signs(late, &header);
    let open = world.coordinator.record().round.as_ref().map(|open| open.round);
    assert_eq!(open, Some(header.round), "the round still collects");
    let before = admitted(&world);
    world.tell(Input::Message(late, Upstream::Masked(header)));
    assert_eq!((admitted(&world), rejected(&world, late)), (before, None));
}

/// An upload is counted once, when it was announced, and for the open round.
#[test]
fn an_arrival_counts_once_and_for_its_round() {
    let mut world = nine();
    let message = take(&mut world, |message| matches!(message, Upstream::Masked(_)));
    let round = world.coordinator.record().round.as_ref().expect("a round is open").round;
    let events = world.events.len();
    world.tell(Input::Arrived { round, client: VICTIM });
    assert_eq!(world.events.len(), events, "it was not announced");
    // The world's shell answers with its arrival.
    world.tell(Input::Message(VICTIM, message));
    assert!(world.coordinator.record().admitted.contains_key(&VICTIM));
    let events = world.events.len();
    world.tell(Input::Arrived { round, client: VICTIM });
    world.tell(Input::UploadFailed { round: RoundId(round.0 + 1), client: VICTIM });
    let reason = crate::message::ClosedReason::ChecksFailed;
    world.tell(Input::UpdateFailed { round: RoundId(round.0 + 1), reason });
    let model = Digest::of(b"a model of somebody else");
    world.tell(Input::Updated { round, sum: Digest::ZERO, model });
    assert_eq!(world.events.len(), events);
    assert_eq!(rejected(&world, VICTIM), None);
}

#[test]
fn an_arrival_for_another_round_is_passed_over() {
    let mut world = nine();
    let message = take(&mut world, |message| matches!(message, Upstream::Masked(_)));
    let round = world.coordinator.record().round.as_ref().expect("a round is open").round;
    world.silent_workers = true;
    world.tell(Input::Message(VICTIM, message));
    let events = world.events.len();
    world.tell(Input::Arrived { round: RoundId(round.0 + 1), client: VICTIM });
    assert_eq!(world.events.len(), events);
    // One that is not what was signed is its sender's fault.
    world.tell(Input::UploadFailed { round, client: VICTIM });
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
    let reason = crate::message::ClosedReason::UpdateRefused;
    world.tell(Input::UpdateFailed { round, reason });
    assert_eq!(world.aborts(), [reason]);
}

/// What the shell says of another round or stage than it was asked about decides nothing of this one.
#[test]
fn an_answer_about_another_round_or_stage_is_passed_over() {
    fn settled(world: &World) -> (u32, usize) {
        let concluded = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::StageConcluded { .. });
        (world.coordinator.record().committed_all(), world.events.iter().filter(concluded).count())
    }
    let mut world = World::new(9, plan(|plan| (plan.stages[0].rounds, plan.retries) = (1, 0)));
    world.connect_all();
    while !matches!(world.packets.front(), Some(Packet::Up(_, Upstream::Unmask { .. }))) {
        assert!(world.step());
    }
    world.silent_workers = true;
    world.run();
    let round = world.coordinator.record().round.as_ref().expect("its sum is opened").round;
    let (sum, model) = (Digest::of(b"sum"), Digest::of(b"a model"));
    world.tell(Input::Updated { round: RoundId(round.0 + 1), sum, model });
    assert_eq!(settled(&world), (0, 0));
    world.tell(Input::Updated { round, sum, model });
    assert_eq!(settled(&world), (1, 0));
    world.tell(Input::Concluded { stage: 1, model });
    assert_eq!(settled(&world), (1, 0));
    world.tell(Input::Concluded { stage: 0, model });
    assert_eq!((settled(&world), world.finished), ((1, 1), Some(true)));
}

pub(super) const SURVIVORS_ACK: &[Row] = &[("forged", forge)];

#[test]
fn an_acknowledged_survivor_set_is_signed() {
    punished(nine, |message| matches!(message, Upstream::SurvivorsAck { .. }), SURVIVORS_ACK);
}

fn shares(message: &mut Upstream) -> &mut Vec<[u8; 32]> {
    match message {
        Upstream::Unmask { shares, .. } => shares,
        _ => panic!("shares"),
    }
}

pub(super) const UNMASK: &[Row] = &[
    ("one too few", |message| {
        shares(message).pop();
    }),
    ("one too many", |message| {
        let last = shares(message)[8];
        shares(message).push(last);
    }),
    ("no number of the field", |message| shares(message)[3] = [0xff; 32]),
];

#[test]
fn revealed_shares_with_one_thing_wrong_are_not_taken() {
    punished(nine, |message| matches!(message, Upstream::Unmask { .. }), UNMASK);
}

/// Nine, of whom client 5's upload never arrives: it has no voice in the round that goes on without it.
fn without_victims_upload() -> World {
    let mut world = nine();
    take(&mut world, |message| matches!(message, Upstream::Masked(_)));
    world.run();
    world.now = world.coordinator.wait().deadline.expect("the round collects");
    world.tell(Input::Timer);
    world
}

#[test]
fn whoever_did_not_survive_acknowledges_and_reveals_nothing() {
    use crate::round::agreement::survivors_ack_message;
    let mut world = without_victims_upload();
    let record = world.coordinator.record();
    let (descriptor, set) = (record.descriptor.expect("a round"), record.survivors.expect("a set"));
    let round = record.round.as_ref().expect("a round").round;
    let signature = Toy::sign(&signing_key(VICTIM), &survivors_ack_message::<Toy>(&descriptor, &set));
    world.tell(Input::Message(VICTIM, Upstream::SurvivorsAck { round, signature }));
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));

    let mut world = without_victims_upload();
    let unmasks = |packet: &Packet| matches!(packet, Packet::Up(_, Upstream::Unmask { .. }));
    let Packet::Up(_, message) = until(&mut world, unmasks) else { panic!("shares") };
    world.tell(Input::Message(VICTIM, message));
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
}

/// What belongs to a round that is over is nobody's fault.
#[test]
fn words_about_another_round_are_passed_over() {
    for is in [(|message| matches!(message, Upstream::SurvivorsAck { .. })) as fn(&Upstream) -> bool, |message| {
        matches!(message, Upstream::Unmask { .. })
    }] {
        let mut world = nine();
        let mut message = take(&mut world, is);
        match &mut message {
            Upstream::SurvivorsAck { round, .. } | Upstream::Unmask { round, .. } => round.0 += 1,
            _ => {}
        }
        let (events, packets) = (world.events.len(), world.packets.len());
        world.tell(Input::Message(VICTIM, message.clone()));
        assert_eq!((world.events.len(), world.packets.len()), (events, packets));
        // It has not spoken yet about the open one.
        match &mut message {
            Upstream::SurvivorsAck { round, .. } | Upstream::Unmask { round, .. } => round.0 -= 1,
            _ => {}
        }
        world.tell(Input::Message(VICTIM, message));
        assert_eq!(rejected(&world, VICTIM), None);
    }
}

//! What has no place of its own in a round or a set-up: a start without its model, a session that is closed, proofs, and the end of time.

use alloc::vec::Vec;

use super::{VICTIM, nine, refusals, revealed, told, until};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{ClosedReason, Downstream, RefusalCode, RoundOutcome, Start, Upstream};
use crate::round::cast::policy;
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{ParticipantEvent, ParticipantInput, Policy, Timing};
use crate::time::Millis;

fn start(world: &mut World) -> Start {
    match until(world, |packet| matches!(packet, Packet::Start(VICTIM, _))) {
        Packet::Start(_, start) => start,
        Packet::Up(..) | Packet::Down(..) => panic!("a start"),
    }
}

fn begin(world: &mut World, start: Start) {
    let model = Ok(start.descriptor.model);
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
}

fn uploads(world: &World) -> usize {
    let masked = |packet: &&Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Masked(_)));
    world.packets.iter().filter(masked).count()
}

#[test]
fn a_start_without_its_model_is_refused() {
    let mut world = nine();
    let start = start(&mut world);
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Start(start)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected]);
}

#[test]
fn keys_of_a_closed_session_are_gone() {
    let reason = ClosedReason::Superseded;
    let mut world = nine();
    let start = start(&mut world);
    let closed = Downstream::SessionClosed { session: SessionId([9; 32]), reason };
    world.tell_branch(VICTIM, ParticipantInput::Message(closed));
    begin(&mut world, start.clone());
    assert_eq!(refusals(&world), [], "another session was closed");
    let closed = Downstream::SessionClosed { session: start.descriptor.session, reason };
    world.tell_branch(VICTIM, ParticipantInput::Message(closed));
    assert!(!world.branches[&VICTIM].machine.record().runs.is_empty());
    let survivors = told(&mut world, |message| match message {
        Downstream::Survivors(survivors) => Some(survivors),
        _ => None,
    });
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(survivors)));
    assert_eq!(refusals(&world), [], "the round is over here");
    let acknowledges = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::SurvivorsAck { .. }));
    assert!(!world.packets.iter().any(acknowledges));
}

/// What happens to a round, whether it goes on, and how it happens.
type Play = (&'static str, bool, fn(&mut World));

pub(super) const OUTCOME: &[Play] = &[
    ("its outcome", false, |_| {}),
    ("another outcome", true, |_| {}),
    ("its deadline", false, |world| world.now = Millis(1000)),
    ("a moment before", true, |world| world.now = Millis(999)),
];

/// A round that is closed, or whose time is over, is forgotten with its secrets; news about another one changes nothing.
#[test]
fn a_round_ends_with_its_own_outcome_or_deadline() {
    let aborted = |round| Downstream::Outcome(RoundOutcome::Aborted { round, reason: ClosedReason::Deadline });
    for (number, (what, goes_on, play)) in OUTCOME.iter().enumerate() {
        let mut world = nine();
        let start = start(&mut world);
        let round = start.descriptor.round;
        begin(&mut world, start);
        assert_eq!(uploads(&world), 1);
        match number {
            0 => world.tell_branch(VICTIM, ParticipantInput::Message(aborted(round))),
            1 => world.tell_branch(VICTIM, ParticipantInput::Message(aborted(RoundId(round.0 + 1)))),
            _ => {
                play(&mut world);
                world.tell_branch(VICTIM, ParticipantInput::Timer);
            }
        }
        let survivors = told(&mut world, |message| matches!(message, Downstream::Survivors(_)).then_some(message));
        world.tell_branch(VICTIM, ParticipantInput::Message(survivors));
        let acknowledges = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::SurvivorsAck { .. }));
        assert_eq!(world.packets.iter().any(acknowledges), *goes_on, "{what}");
        assert_eq!(refusals(&world), [], "{what}");
    }
}

/// A vector of another round is not this one's.
#[test]
fn a_vector_of_another_round_does_not_leave() {
    let mut world = nine();
    let start = start(&mut world);
    let round = start.descriptor.round;
    world.silent_workers = true;
    begin(&mut world, start);
    let uploaded = |world: &World| {
        let uploads = |event: &ParticipantEvent| matches!(event, ParticipantEvent::Uploaded { .. });
        world.branches[&VICTIM].events.iter().any(uploads)
    };
    world.tell_branch(VICTIM, ParticipantInput::Masked { round: RoundId(round.0 + 1), vector: Digest::ZERO });
    assert!(!uploaded(&world));
    world.tell_branch(VICTIM, ParticipantInput::Masked { round, vector: Digest::ZERO });
    assert!(uploaded(&world));
}

/// Noise that is masked alone leaves in place of the open round's vector, once the offset has passed, and of no other.
#[test]
fn noise_of_another_round_or_beside_a_vector_does_not_leave() {
    let served = plan(|_| {});
    let mut world = World::with_policy(9, served.clone(), |_| Policy { timing: Timing::Strict, ..policy(&served) });
    world.connect_all();
    let start = start(&mut world);
    let round = start.descriptor.round;
    world.silent_workers = true;
    begin(&mut world, start);
    let left = |world: &World| -> Vec<Digest> {
        let vector = |event: &ParticipantEvent| match event {
            ParticipantEvent::Uploaded { vector, .. } => Some(*vector),
            _ => None,
        };
        world.branches[&VICTIM].events.iter().filter_map(vector).collect()
    };
    let noise = Digest::of(b"noise");
    world.tell_branch(VICTIM, ParticipantInput::NoiseMasked { round: RoundId(round.0 + 1), vector: noise });
    assert_eq!(left(&world), []);
    let vector = Digest::of(b"the vector");
    world.tell_branch(VICTIM, ParticipantInput::Masked { round, vector });
    assert_eq!(left(&world), [vector]);
    world.tell_branch(VICTIM, ParticipantInput::NoiseMasked { round, vector: noise });
    assert_eq!(left(&world), [vector], "one vector leaves in a round");
}

/// A vector after the upload, or of another round, is of no account.
#[test]
fn the_worker_is_heard_once_and_about_the_open_round() {
    let mut world = nine();
    let start = start(&mut world);
    let round = start.descriptor.round;
    begin(&mut world, start);
    let events = world.branches[&VICTIM].events.len();
    for other in [round, RoundId(round.0 + 1)] {
        world.tell_branch(VICTIM, ParticipantInput::Masked { round: other, vector: Digest::ZERO });
    }
    assert_eq!(world.branches[&VICTIM].events.len(), events, "one vector leaves, once");
    assert_eq!(uploads(&world), 1);
}

/// Proofs are shown for the round whose shares were revealed, and for shares that are held.
#[test]
fn proofs_are_for_the_revealed_round_and_for_dealers() {
    fn played() -> (World, RoundId) {
        let mut world = nine();
        let certificate = told(&mut world, |message| match message {
            Downstream::Quorum(certificate) => Some(certificate),
            _ => None,
        });
        let round = certificate.round;
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Quorum(certificate)));
        assert_eq!(revealed(&world), 1);
        (world, round)
    }
    let proofs = |world: &World| {
        let proofs = |packet: &&Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Proofs { .. }));
        world.packets.iter().filter(proofs).count()
    };
    let prove = |round, dealer| {
        let dealers = [ClientId(dealer)].to_vec();
        ParticipantInput::Message(Downstream::Prove { round, dealers })
    };
    let (mut world, round) = played();
    world.tell_branch(VICTIM, prove(RoundId(round.0 + 1), 1));
    assert_eq!((proofs(&world), refusals(&world).len()), (0, 0), "another round");
    world.tell_branch(VICTIM, prove(round, 1));
    assert_eq!((proofs(&world), refusals(&world).len()), (1, 0));
    world.tell_branch(VICTIM, prove(round, 77));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected], "it holds nothing of client 77");
}

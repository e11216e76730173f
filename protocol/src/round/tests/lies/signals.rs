//! What has no place of its own in a round or a set-up: a start without its model, a session that is closed, proofs, and the end of time.

use alloc::string::String;
use alloc::vec::Vec;

use super::{VICTIM, nine, refusals, revealed, told, until};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{
    ClosedReason, Downstream, QuorumCertificate, RefusalCode, RoundOutcome, ShareProof, Start, Survivors, Upstream,
};
use crate::round::cast::policy;
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{Outbox, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy, Timing};
use crate::secagg::toy::Seeded;
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
    let closed = || Downstream::SessionClosed { session: SessionId([9; 32]), reason };
    world.tell_branch(VICTIM, ParticipantInput::Message(closed()));
    begin(&mut world, start.clone());
    assert_eq!(refusals(&world), [], "another session was closed");
    let open = world.branches[&VICTIM].machine.wait();
    assert!(open.deadline.is_some(), "{open:?}");
    world.tell_branch(VICTIM, ParticipantInput::Message(closed()));
    assert_eq!(world.branches[&VICTIM].machine.wait().reason, open.reason, "and its round goes on");
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

/// What the victim waits for.
fn waits(world: &World) -> String {
    world.branches[&VICTIM].machine.wait().reason
}

/// A set-up is over with its own session, and with no other.
#[test]
fn a_set_up_ends_when_its_own_session_is_closed() {
    let mut world = nine();
    let session = told(&mut world, |message| match message {
        Downstream::Freeze(freeze) => Some(freeze.session),
        _ => None,
    });
    let mut close = |session| {
        let closed = Downstream::SessionClosed { session, reason: ClosedReason::Superseded };
        world.tell_branch(VICTIM, ParticipantInput::Message(closed));
        (waits(&world), world.branches[&VICTIM].machine.wait().deadline)
    };
    let (frozen, none) = ("key set-up: the frozen cohort".into(), "the next key set-up".into());
    assert_eq!(close(SessionId([9; 32])), (frozen, Some(Millis(500))));
    assert_eq!(close(session), (none, None));
}

/// A survivor set and a certificate of another round than the open one are of a time that is over: nothing is made of them.
#[test]
fn a_set_or_a_certificate_of_another_round_is_passed_over() {
    let mut world = nine();
    let survivors = told(&mut world, |message| match message {
        Downstream::Survivors(survivors) => Some(survivors),
        _ => None,
    });
    let mut passes = |message: Downstream| {
        let (events, before) = (world.branches[&VICTIM].events.len(), waits(&world));
        world.tell_branch(VICTIM, ParticipantInput::Message(message));
        assert_eq!((world.branches[&VICTIM].events.len(), waits(&world)), (events, before));
    };
    let other = RoundId(survivors.round.0 + 1);
    passes(Downstream::Survivors(Survivors { round: other, ..survivors.clone() }));
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(survivors)));
    let certificate = told(&mut world, |message| match message {
        Downstream::Quorum(certificate) => Some(certificate),
        _ => None,
    });
    let events = world.branches[&VICTIM].events.len();
    let message = Downstream::Quorum(QuorumCertificate { round: other, ..certificate });
    world.tell_branch(VICTIM, ParticipantInput::Message(message));
    assert_eq!((world.branches[&VICTIM].events.len(), revealed(&world)), (events, 0));
    assert!(waits(&world).ends_with("the quorum certificate"));
}

/// Whoever is not in the run hears nothing of it: what was on its way is passed over, and nothing is said.
#[test]
fn what_comes_to_a_branch_that_is_not_in_the_run_is_passed_over() {
    type Moment = (&'static str, fn(&mut World));
    let moments: [Moment; 3] = [
        ("it has no connection", |world| world.tell_branch(VICTIM, ParticipantInput::Disconnected)),
        ("it has asked", |world| world.tell_branch(VICTIM, ParticipantInput::Connected)),
        ("it is over", |world| world.tell_branch(VICTIM, ParticipantInput::Stop)),
    ];
    for (what, before) in moments {
        let mut world = nine();
        let start = start(&mut world);
        before(&mut world);
        let (packets, events) = (world.packets.len(), world.branches[&VICTIM].events.len());
        begin(&mut world, start.clone());
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Start(start)));
        let branch = &world.branches[&VICTIM];
        assert_eq!((world.packets.len(), branch.events.len()), (packets, events), "{what}");
        assert!(branch.distrusted.is_empty() && branch.stopped.is_none(), "{what}");
    }
}

/// A branch that stops says so to whoever is there, once, and has nothing left to wait for; it asks for nothing more.
#[test]
fn a_branch_that_stops_takes_its_leave_once() {
    let says = |world: &mut World, input| {
        world.packets.clear();
        world.tell_branch(VICTIM, input);
        world.packets.len()
    };
    let moments: [fn(Downstream) -> Option<()>; 2] = [
        |message| matches!(message, Downstream::Freeze(_)).then_some(()),
        |message| matches!(message, Downstream::Survivors(_)).then_some(()),
    ];
    for moment in moments {
        let mut world = nine();
        told(&mut world, moment);
        assert!(world.branches[&VICTIM].machine.wait().deadline.is_some());
        assert_eq!(says(&mut world, ParticipantInput::Stop), 1);
        assert!(matches!(world.packets.front(), Some(Packet::Up(VICTIM, Upstream::Leave))));
        assert_eq!(world.branches[&VICTIM].machine.wait().deadline, None, "nothing is left");
        assert_eq!(says(&mut world, ParticipantInput::Stop), 0, "it is over");
        assert_eq!(says(&mut world, ParticipantInput::Disconnected), 0);
        assert_eq!(says(&mut world, ParticipantInput::Connected), 0, "and stays over");
    }
    let mut world = nine();
    told(&mut world, |message| matches!(message, Downstream::Freeze(_)).then_some(()));
    assert_eq!(says(&mut world, ParticipantInput::Disconnected), 0);
    assert_eq!(world.branches[&VICTIM].machine.wait().deadline, None, "the set-up ends with the connection");
    assert_eq!(says(&mut world, ParticipantInput::Stop), 0, "nobody is there to hear it");
}

/// The coordinator went on without this member: what its shell holds of the round before goes when the next one begins.
#[test]
fn the_vector_of_a_round_that_was_left_is_forgotten() {
    let mut world = nine();
    let first = start(&mut world);
    let left = first.descriptor.round;
    begin(&mut world, first);
    // It does not hear how the round ended.
    let ends = |packet: &Packet| matches!(packet, Packet::Down(VICTIM, Downstream::Quorum(_) | Downstream::Outcome(_)));
    let next = loop {
        world.packets.retain(|packet| !ends(packet));
        match world.packets.front() {
            Some(Packet::Start(VICTIM, start)) => break start.clone(),
            _ => assert!(world.step()),
        }
    };
    let input = ParticipantInput::Started { model: Ok(next.descriptor.model), start: next };
    let mut outbox = Outbox::new();
    let branch = world.branches.get_mut(&VICTIM).expect("a branch");
    branch.machine.handle(world.now, &mut Seeded::new(1), input, &mut outbox);
    let forgets = |effect: &ParticipantEffect| matches!(effect, ParticipantEffect::ForgetVector(of) if *of == left);
    assert!(outbox.iter().any(forgets));
}

/// What the victim shows when it is asked for proofs.
fn proves(world: &mut World, round: RoundId) -> Option<Vec<ShareProof>> {
    world.packets.clear();
    let message = Downstream::Prove { round, dealers: [ClientId(3)].to_vec() };
    world.tell_branch(VICTIM, ParticipantInput::Message(message));
    world.packets.iter().find_map(|packet| match packet {
        Packet::Up(VICTIM, Upstream::Proofs { proofs, .. }) => Some(proofs.clone()),
        _ => None,
    })
}

/// Proofs are of the session whose round was opened, also when the keys of the next one have come.
#[test]
fn proofs_are_of_the_session_in_use() {
    let mut world = nine();
    let acks = |packet: &Packet| matches!(packet, Packet::Down(VICTIM, Downstream::SetupAcks { .. }));
    let first = until(&mut world, acks);
    world.packets.push_front(first);
    world.step();
    let second = until(&mut world, acks);
    let opened = |event: &ParticipantEvent| match event {
        ParticipantEvent::SharesRevealed { round, .. } => Some(*round),
        _ => None,
    };
    let round = world.branches[&VICTIM].events.iter().rev().find_map(opened).expect("a round was opened");
    let before = proves(&mut world, round);
    assert!(before.is_some());
    let Packet::Down(_, second) = second else { panic!("it goes down") };
    world.tell_branch(VICTIM, ParticipantInput::Message(second));
    assert_eq!(proves(&mut world, round), before);
}

//! Who ends a branch's work: the coordinator's signature for this branch, this plan and this connection, and nobody else.
//!
//! The enemy has the issuing authority's key, so that every branch takes it for the coordinator on the network. It lacks the coordinator's
//! signing key, and sends whatever it has ever seen.

use alloc::string::String;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, RunId};
use crate::message::{Downstream, Proof, RejectCode, Upstream};
use crate::round::cast::{self, coordinator_signs, signing_key};
use crate::round::{Ending, Outbox, ParticipantEffect, ParticipantEvent, ParticipantInput, RunEnd, ending_message};
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::secagg::toy::{Seeded, Toy};

const VICTIM: ClientId = ClientId(5);
const OTHER: ClientId = ClientId(6);
const WHY: &str = "the plan is over";

/// A world in which everybody has joined, and what the victim's connection is called.
fn joined() -> (World, Digest) {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    let nonce = nonce_of(&world, VICTIM);
    (world, nonce)
}

fn nonce_of(world: &World, client: ClientId) -> Digest {
    let nonce = |packet: &Packet| match packet {
        Packet::Up(from, Upstream::Join(join)) if *from == client => Some(join.nonce),
        _ => None,
    };
    world.packets.iter().rev().find_map(nonce).expect("it says who it is")
}

fn key(client: ClientId) -> VerifyingKey {
    Toy::verifying_key(&signing_key(client))
}

fn word(run: RunId, client: &VerifyingKey, nonce: &Digest, ending: Ending<'_>) -> Option<Proof> {
    Some(Proof { run, signature: coordinator_signs(&ending_message::<Toy>(run, client, nonce, ending)) })
}

fn rejected(proof: Option<Proof>) -> Downstream {
    Downstream::Rejected { code: RejectCode::PlanFinished, explanation: WHY.into(), proof }
}

fn finished(proof: Option<Proof>) -> Downstream {
    Downstream::Finished { model: Digest::of(b"model"), rounds: 3, proof }
}

const OVER: Ending<'_> = Ending::Rejected { code: RejectCode::PlanFinished, explanation: WHY };

/// Everything that an enemy without the coordinator's key can show to the victim, whose connection has this nonce.
fn enemies(nonce: &Digest) -> Vec<(&'static str, Downstream)> {
    let served = cast::run(plan(|_| {})).id();
    let model = Digest::of(b"model");
    let done = Ending::Finished { model: &model, rounds: 3 };
    let forged = || Some(Proof { run: served, signature: Toy::sign(&signing_key(OTHER), b"anything") });
    let empty = || Some(Proof { run: served, signature: Signature::none() });
    let proof = |client, nonce: &Digest, ending| word(served, &key(client), nonce, ending);
    let yesterday = Digest::of(b"another connection");
    let mut elsewhere = proof(VICTIM, nonce, OVER);
    if let Some(proof) = &mut elsewhere {
        proof.run.0[0] ^= 1;
    }
    let evicted = Ending::Rejected { code: RejectCode::Evicted, explanation: WHY };
    let reworded = Ending::Rejected { code: RejectCode::PlanFinished, explanation: "another" };
    [
        ("a refusal that nobody signed", rejected(None)),
        ("an end that nobody signed", finished(None)),
        ("a refusal signed by a member", rejected(forged())),
        ("an end signed by a member", finished(forged())),
        ("an empty signature", rejected(empty())),
        ("the refusal of another client", rejected(proof(OTHER, nonce, OVER))),
        ("a refusal of yesterday", rejected(proof(VICTIM, &yesterday, OVER))),
        ("an end of yesterday", finished(proof(VICTIM, &yesterday, done))),
        ("the end of another client", finished(proof(OTHER, nonce, done))),
        ("a refusal under another plan", rejected(elsewhere)),
        ("a refusal with another code", rejected(proof(VICTIM, nonce, evicted))),
        ("a refusal in other words", rejected(proof(VICTIM, nonce, reworded))),
        ("a refusal made of an end", rejected(proof(VICTIM, nonce, done))),
        ("an end made of a refusal", finished(proof(VICTIM, nonce, OVER))),
    ]
    .into()
}

fn tell(world: &mut World, message: Downstream) {
    world.tell_branch(VICTIM, ParticipantInput::Message(message));
}

fn stopped(world: &World) -> (Option<String>, Option<u32>) {
    let branch = &world.branches[&VICTIM];
    (branch.stopped.clone(), branch.finished)
}

#[test]
fn an_end_that_the_coordinator_did_not_sign_for_this_connection_ends_nothing() {
    let (_, nonce) = joined();
    for (what, message) in enemies(&nonce) {
        // Before the welcome, and in the middle of a plan.
        for steps in [0, 60] {
            let (mut world, nonce) = joined();
            assert!(enemies(&nonce).iter().any(|(_, other)| *other == message), "worlds are alike");
            (0..steps).for_each(|_| assert!(world.step()));
            tell(&mut world, message.clone());
            assert_eq!(stopped(&world), (None, None), "{what}");
            assert_eq!(world.branches[&VICTIM].distrusted.len(), 1, "{what}");
            let refused = |event: &ParticipantEvent| matches!(event, ParticipantEvent::Refused { .. });
            assert!(!world.branches[&VICTIM].events.iter().any(refused), "{what}");
            // It dials again, and takes part to the end, whose word is signed.
            world.cut(VICTIM);
            world.connect(VICTIM);
            world.run();
            world.pass_deadlines();
            assert_eq!(stopped(&world), (None, Some(plan(|_| {}).rounds())), "{what}");
        }
    }
}

#[test]
fn the_coordinator_s_own_word_ends_the_work_at_once() {
    let served = cast::run(plan(|_| {})).id();
    let (mut world, nonce) = joined();
    tell(&mut world, rejected(word(served, &key(VICTIM), &nonce, OVER)));
    assert_eq!(stopped(&world), (Some(WHY.to_string()), None));
    let (mut world, nonce) = joined();
    let model = Digest::of(b"model");
    let done = Ending::Finished { model: &model, rounds: 3 };
    tell(&mut world, finished(word(served, &key(VICTIM), &nonce, done)));
    assert_eq!(stopped(&world), (None, Some(3)));
    assert!(world.branches.values().all(|branch| branch.distrusted.is_empty()));
}

/// Signed or not, words of another are words: they reach the operator's screen without a line end, an escape or a mark of direction.
#[test]
fn the_words_of_a_refusal_are_escaped_for_the_screen() {
    let hostile = "no\u{1b}[2J\u{1b}[1;1H\nconnected to the coordinator\u{202e}lla";
    let shown = "no\\u{1b}[2J\\u{1b}[1;1H\\u{a}connected to the coordinator\\u{202e}lla";
    // What is signed is what was sent.
    for code in [RejectCode::NotNow, RejectCode::PlanFinished] {
        let (mut world, nonce) = joined();
        let served = cast::run(plan(|_| {})).id();
        let proof = word(served, &key(VICTIM), &nonce, Ending::Rejected { code, explanation: hostile });
        tell(&mut world, Downstream::Rejected { code, explanation: hostile.into(), proof });
        assert_eq!(stopped(&world).0.as_deref(), Some(shown));
        assert!(world.branches[&VICTIM].distrusted.is_empty());
    }
    // What is not signed reaches no screen.
    let (mut world, _) = joined();
    tell(&mut world, Downstream::Rejected { code: RejectCode::NotNow, explanation: hostile.into(), proof: None });
    assert_eq!((stopped(&world), world.branches[&VICTIM].distrusted.len()), ((None, None), 1));
}

/// What may have changed by the next attempt ends nothing: an invitation, or its own next question, brings the branch back.
#[test]
fn a_reason_to_try_again_is_signed_and_ends_nothing() {
    let served = cast::run(plan(|_| {})).id();
    for code in [RejectCode::NotInGroup, RejectCode::EntryEnded, RejectCode::NoAgreement, RejectCode::NotNow] {
        for signed in [true, false] {
            let (mut world, nonce) = joined();
            let proof = word(served, &key(VICTIM), &nonce, Ending::Rejected { code, explanation: WHY });
            tell(&mut world, Downstream::Rejected { code, explanation: WHY.into(), proof: proof.filter(|_| signed) });
            assert_eq!(stopped(&world).0.as_deref(), signed.then_some(WHY));
            assert_eq!(world.branches[&VICTIM].distrusted.len(), usize::from(!signed));
            // It has left: what comes now was on its way before.
            let waits = world.branches[&VICTIM].machine.wait();
            assert!(waits.reason.starts_with("a connection to the coordinator"), "{waits:?}");
            tell(&mut world, Downstream::Rejected { code, explanation: WHY.into(), proof: None });
            assert_eq!(world.branches[&VICTIM].distrusted.len(), usize::from(!signed));
            let branch = world.branches.get_mut(&VICTIM).expect("a branch");
            branch.stopped = None;
            // The answer to its first question is on the way, and is none any more.
            world.packets.retain(|packet| !matches!(packet, Packet::Up(VICTIM, _)));
            world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Invite));
            world.run();
            world.pass_deadlines();
            assert_eq!(stopped(&world).1, Some(plan(|_| {}).rounds()), "{code:?}");
            let refused = |event: &ParticipantEvent| matches!(event, ParticipantEvent::Refused { .. });
            assert!(!world.branches[&VICTIM].events.iter().any(refused), "{code:?}");
        }
    }
}

/// Whether there is a reason to try again is the code's to say, and so is whether the branch may take part in that run once more.
#[test]
fn a_code_says_whether_to_try_again_and_how_a_run_ends() {
    use RejectCode as Code;
    let served = cast::run(plan(|_| {})).id();
    for (code, retry, ended) in [
        (Code::NotNow, true, None),
        (Code::NotInGroup, true, None),
        (Code::PlanFinished, false, Some(RunEnd::Dismissed)),
        (Code::Evicted, false, Some(RunEnd::Dismissed)),
        (Code::VersionDiffers, false, Some(RunEnd::Refused)),
        (Code::SchemaDiffers, false, Some(RunEnd::Refused)),
    ] {
        let (mut world, nonce) = joined();
        while world.branches[&VICTIM].machine.record().accepted.is_empty() {
            assert!(world.step());
        }
        let proof = word(served, &key(VICTIM), &nonce, Ending::Rejected { code, explanation: WHY });
        let message = Downstream::Rejected { code, explanation: WHY.into(), proof };
        let mut outbox = Outbox::new();
        let branch = world.branches.get_mut(&VICTIM).expect("a branch");
        let input = ParticipantInput::Message(message);
        branch.machine.handle(world.now, &mut Seeded::new(1), input, &mut outbox);
        let told = outbox.iter().find_map(|effect| match effect {
            ParticipantEffect::Stop { retry, .. } => Some(*retry),
            _ => None,
        });
        assert_eq!(told, Some(retry), "{code:?}");
        let end = branch.machine.record().accepted.values().next().and_then(|terms| terms.ended.clone());
        assert_eq!(end, ended, "{code:?}");
    }
}

/// A welcome is made for one connection: an old one, which names an old plan or an old roster, makes no branch refuse the plan for good.
#[test]
fn a_welcome_of_yesterday_is_nobody_s() {
    let (mut world, _) = joined();
    let old = loop {
        if let Some(Packet::Down(VICTIM, message @ Downstream::Welcome(_))) = world.packets.front() {
            break message.clone();
        }
        assert!(world.step());
    };
    world.cut(VICTIM);
    world.connect(VICTIM);
    tell(&mut world, old);
    assert_eq!((stopped(&world), world.refusals().len()), ((None, None), 0));
    // It answers an earlier question: nothing is made of it, and the answer to this one is heard.
    let branch = &world.branches[&VICTIM];
    assert!(branch.distrusted.is_empty() && branch.machine.record().accepted.is_empty());
    world.run();
    assert_eq!(world.branches[&VICTIM].machine.record().accepted.len(), 1);
}

/// Everything goes on over another connection, and at its other end is somebody else: nonsense makes the branch leave it, and no more.
#[test]
fn nonsense_on_a_resumed_connection_ends_nothing() {
    for (resumed, ends) in [(false, true), (true, false)] {
        let (mut world, _) = joined();
        (0..60).for_each(|_| assert!(world.step()));
        if resumed {
            world.tell_branch(VICTIM, ParticipantInput::Resumed);
        }
        let again = loop {
            match world.packets.front() {
                Some(Packet::Start(VICTIM, start)) => break start.clone(),
                _ => assert!(world.step()),
            }
        };
        tell(&mut world, Downstream::Start(again));
        assert_eq!(stopped(&world).0.is_some(), ends);
        assert_eq!(world.branches[&VICTIM].distrusted.is_empty(), ends);
    }
}

/// A new question on a connection on which somebody has proved to be the coordinator is answered by somebody who has not.
#[test]
fn a_forged_answer_to_a_new_question_ends_nothing() {
    let (mut world, _) = joined();
    let mut forged = loop {
        match world.packets.front() {
            Some(Packet::Down(VICTIM, Downstream::Welcome(welcome))) => break welcome.clone(),
            _ => assert!(world.step()),
        }
    };
    assert!(world.step(), "it is welcomed");
    world.tell_branch(VICTIM, ParticipantInput::Connected);
    forged.nonce = nonce_of(&world, VICTIM);
    tell(&mut world, Downstream::Welcome(forged));
    assert_eq!((world.refusals(), stopped(&world)), (Vec::new(), (None, None)));
    assert_eq!(world.branches[&VICTIM].distrusted.len(), 1);
}

/// Without the defence each of them stops the victim.
#[cfg(feature = "sabotage")]
#[test]
fn without_the_signature_anybody_ends_the_work() {
    let (_, nonce) = joined();
    for (what, message) in enemies(&nonce) {
        let end = super::without(crate::defence::Defence::SignedEnding, || {
            let (mut world, _) = joined();
            tell(&mut world, message);
            stopped(&world)
        });
        assert_ne!(end, (None, None), "{what}");
    }
}

//! What a branch does with words of its coordinator that end something, ask for proofs, or say nothing: each with one thing wrong.

use alloc::vec::Vec;

use super::{VICTIM, from_victim, nine, refusals, told, until};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{ClosedReason, Downstream, Muster, Proof, RefusalCode, RejectCode, Upstream};
use crate::round::cast::{self, coordinator_signs, signing_key};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{Ending, Outbox, ParticipantEffect, ParticipantInput, ending_message};
use crate::secagg::suite::Suite;
use crate::secagg::toy::{Seeded, Toy};

/// What is wrong with a word that ends the work.
type Row = (&'static str, fn(&mut Downstream));

fn proof(message: &mut Downstream) -> &mut Option<Proof> {
    match message {
        Downstream::Rejected { proof, .. } | Downstream::Finished { proof, .. } => proof,
        _ => panic!("it ends"),
    }
}

fn signed(message: &mut Downstream) -> &mut Proof {
    proof(message).as_mut().expect("it is signed")
}

pub(super) const REJECTED: &[Row] = &[
    ("by nobody", |message| *proof(message) = None),
    ("forged", |message| signed(message).signature.bytes[0] ^= 1),
    ("for another run", |message| signed(message).run.0[0] ^= 1),
    ("for another reason", |message| {
        if let Downstream::Rejected { code, .. } = message {
            *code = RejectCode::Evicted;
        }
    }),
    ("in other words", |message| {
        if let Downstream::Rejected { explanation, .. } = message {
            *explanation = "over?".into();
        }
    }),
];

pub(super) const FINISHED: &[Row] = &[
    ("by nobody", |message| *proof(message) = None),
    ("forged", |message| signed(message).signature.bytes[0] ^= 1),
    ("for another run", |message| signed(message).run.0[0] ^= 1),
    ("with another model", |message| {
        if let Downstream::Finished { model, .. } = message {
            model.0[0] ^= 1;
        }
    }),
    ("after another round", |message| {
        if let Downstream::Finished { rounds, .. } = message {
            *rounds += 1;
        }
    }),
];

#[test]
fn a_word_that_ends_the_work_with_one_thing_wrong_ends_nothing() {
    let (model, words) = (Digest::of(b"model"), "over");
    let run = cast::run(plan(|_| {})).id();
    let key = Toy::verifying_key(&signing_key(VICTIM));
    let genuine: Row = ("nothing", |_| {});
    for (ends, rows) in [(false, REJECTED), (true, FINISHED)] {
        for (what, change) in core::iter::once(&genuine).chain(rows) {
            let mut world = nine();
            let nonce = world.packets.iter().find_map(|packet| match packet {
                Packet::Up(VICTIM, Upstream::Join(join)) => Some(join.nonce),
                _ => None,
            });
            let nonce = nonce.expect("it joins");
            told(&mut world, |message| matches!(message, Downstream::Offer(_)).then_some(()));
            let code = RejectCode::PlanFinished;
            let ending = match ends {
                true => Ending::Finished { model: &model, rounds: 3 },
                false => Ending::Rejected { code, explanation: words },
            };
            let signature = coordinator_signs(&ending_message::<Toy>(run, &key, &nonce, ending));
            let proof = Some(Proof { run, signature });
            let mut message = match ends {
                true => Downstream::Finished { model, rounds: 3, proof },
                false => Downstream::Rejected { code, explanation: words.into(), proof },
            };
            change(&mut message);
            world.tell_branch(VICTIM, ParticipantInput::Message(message));
            let branch = &world.branches[&VICTIM];
            let over = branch.stopped.is_some() || branch.finished.is_some();
            assert_eq!(
                (over, branch.distrusted.len()),
                (*what == "nothing", usize::from(*what != "nothing")),
                "{what}"
            );
        }
    }
}

/// Whose shares are to be proved in which round.
type Asked = (RoundId, Vec<ClientId>);

/// What is wrong with a demand, the refusal that it earns if any, and how it becomes wrong.
type Demand = (&'static str, Option<RefusalCode>, fn(&mut Asked));

pub(super) const PROVE: &[Demand] = &[
    ("about another round", None, |(round, _)| round.0 += 1),
    ("of a stranger's shares", Some(RefusalCode::Unexpected), |(_, dealers)| dealers.push(ClientId(77))),
];

#[test]
fn shares_are_proved_of_the_revealed_round_and_of_its_dealers() {
    let proves = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Proofs { .. }));
    let asked = |change: fn(&mut Asked)| {
        let mut world = nine();
        let unmasks =
            until(&mut world, |packet| from_victim(packet, |message| matches!(message, Upstream::Unmask { .. })));
        let Packet::Up(_, Upstream::Unmask { round, .. }) = unmasks else { panic!("shares") };
        let mut asked = (round, alloc::vec![ClientId(3)]);
        change(&mut asked);
        let (round, dealers) = asked;
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Prove { round, dealers }));
        world
    };
    let world = asked(|_| {});
    assert!(world.packets.iter().any(proves) && refusals(&world).is_empty());
    for (what, code, change) in PROVE {
        let world = asked(*change);
        assert!(!world.packets.iter().any(proves), "{what}");
        assert_eq!(refusals(&world), code.iter().copied().collect::<Vec<_>>(), "{what}");
    }
    // Before anything is revealed there is nothing to prove.
    let mut world = nine();
    told(&mut world, |message| matches!(message, Downstream::Survivors(_)).then_some(()));
    let message = Downstream::Prove { round: RoundId(1), dealers: alloc::vec![ClientId(3)] };
    world.tell_branch(VICTIM, ParticipantInput::Message(message));
    assert!(!world.packets.iter().any(proves) && refusals(&world).is_empty());
}

/// Which session is closed, and of how many the keys are left.
type Closed = (&'static str, usize, fn(&mut SessionId));

pub(super) const SESSION_CLOSED: &[Closed] = &[("its own", 0, |_| {}), ("another", 1, |session| session.0[0] ^= 1)];

#[test]
fn keys_are_erased_when_their_own_session_is_closed() {
    for (what, held, change) in SESSION_CLOSED {
        let mut world = nine();
        let Packet::Start(_, start) = until(&mut world, |packet| matches!(packet, Packet::Start(VICTIM, _))) else {
            panic!("a start")
        };
        let mut session = start.descriptor.session;
        change(&mut session);
        let closed = Downstream::SessionClosed { session, reason: ClosedReason::Superseded };
        world.tell_branch(VICTIM, ParticipantInput::Message(closed));
        world.packets.clear();
        world.tell_branch(VICTIM, ParticipantInput::Disconnected);
        world.tell_branch(VICTIM, ParticipantInput::Connected);
        let holding = world.packets.iter().find_map(|packet| match packet {
            Packet::Up(VICTIM, Upstream::Join(join)) => Some(join.holding.len()),
            _ => None,
        });
        assert_eq!(holding, Some(*held), "{what}");
    }
}

/// When an invitation comes, how often the branch asks to be let in for it, and how many sets of keys it says that it has.
type Invited = (&'static str, Option<usize>, fn(&mut World));

pub(super) const INVITE: &[Invited] = &[
    ("while its question is on the way", None, |_| {}),
    ("where it has not asked", Some(0), |world| world.tell_branch(VICTIM, ParticipantInput::Disconnected)),
    ("while it judges the plan", Some(0), |world| {
        world.silent_workers = true;
        let welcome = told(world, |message| matches!(message, Downstream::Welcome(_)).then_some(message));
        world.tell_branch(VICTIM, ParticipantInput::Message(welcome));
    }),
    ("in a set-up", Some(0), |world| {
        told(world, |message| matches!(message, Downstream::Freeze(_)).then_some(()));
    }),
    ("in a round", Some(1), |world| {
        told(world, |message| matches!(message, Downstream::Survivors(_)).then_some(()));
    }),
    ("when it has ended", None, |world| world.tell_branch(VICTIM, ParticipantInput::Stop)),
];

#[test]
fn an_invitation_is_answered_once_and_begins_everything_anew_but_keys() {
    for (what, holding, before) in INVITE {
        let mut world = nine();
        before(&mut world);
        let events = world.branches[&VICTIM].events.len();
        world.packets.clear();
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Invite));
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Invite));
        let joins = world.packets.iter().map(|packet| match packet {
            Packet::Up(VICTIM, Upstream::Join(join)) => join.holding.len(),
            _ => panic!("{what}: nothing else is said"),
        });
        assert_eq!(joins.collect::<Vec<_>>(), holding.iter().copied().collect::<Vec<_>>(), "{what}");
        assert_eq!(world.branches[&VICTIM].events.len(), events, "{what}: nothing is recorded");
        // What belongs to the time before the question is not answered.
        world.packets.clear();
        world.tell_branch(VICTIM, ParticipantInput::Timer);
        assert!(world.packets.is_empty() && world.branches[&VICTIM].stopped.is_none(), "{what}");
    }
}

/// What it says, and that it decides nothing.
type Word = (&'static str, fn() -> Downstream);

pub(super) const MUSTER: &[Word] = &[
    ("nobody is here", || {
        Downstream::Muster(Muster { here: 0, needed: u32::MAX, missing: Vec::new(), more: u32::MAX })
    }),
    ("this branch is missing", || {
        Downstream::Muster(Muster { here: 1, needed: 1, missing: alloc::vec![VICTIM; 3], more: 0 })
    }),
];

#[test]
fn words_for_people_and_shells_decide_nothing() {
    for (what, word) in MUSTER {
        let mut world = nine();
        told(&mut world, |message| matches!(message, Downstream::Survivors(_)).then_some(()));
        let (events, packets) = (world.branches[&VICTIM].events.len(), world.packets.len());
        world.tell_branch(VICTIM, ParticipantInput::Message(word()));
        assert_eq!((world.branches[&VICTIM].events.len(), world.packets.len()), (events, packets), "{what}");
        assert!(world.branches[&VICTIM].distrusted.is_empty() && world.branches[&VICTIM].stopped.is_none(), "{what}");
        // The operator's screen is told all of it.
        let mut outbox = Outbox::new();
        let branch = world.branches.get_mut(&VICTIM).expect("a branch");
        branch.machine.handle(world.now, &mut Seeded::new(1), ParticipantInput::Message(word()), &mut outbox);
        let shown = outbox.iter().filter(|effect| match (effect, word()) {
            (ParticipantEffect::Muster(shown), Downstream::Muster(muster)) => *shown == muster,
            _ => false,
        });
        assert_eq!((shown.count(), outbox.iter().count()), (1, 1), "{what}");
    }
    let mut world: World = nine();
    world.run();
    assert_eq!(world.finished, Some(true));
}

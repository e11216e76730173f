//! What a branch refuses in the set-up of a session: the offer, the frozen cohort, the neighbours' keys, bundles and acknowledgements.

use alloc::vec::Vec;

use super::{Row, VICTIM, nine, refusals, refuses, signs, told, until};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::SESSIONS_HELD_MAX;
use crate::list::List;
use crate::message::RefusalCode::{BadKeyMaterial, RoundReused, SignatureInvalid, Unexpected};
use crate::message::{
    DealStatement, Downstream, Encapsulation, Floor, Freeze, Neighbourhood, Offer, RefusalCode, SealedShares,
    SignedBody, Upstream, keys_digest,
};
use crate::round::cast::coordinator_signs;
use crate::round::tests::world::{Packet, World};
use crate::round::{ParticipantEvent, ParticipantInput};
use crate::secagg::suite::Signature;
use crate::secagg::toy::Toy;

fn offer(message: Downstream) -> Option<Offer> {
    match message {
        Downstream::Offer(offer) => Some(offer),
        _ => None,
    }
}

fn signed(mut offer: Offer) -> Downstream {
    offer.signature = coordinator_signs(&offer.to_sign::<Toy>());
    Downstream::Offer(offer)
}

pub(super) const OFFER: &[Row<Offer>] = &[
    ("of another run", Unexpected, |offer| offer.run.0[0] ^= 1),
    ("under another roster", Unexpected, |offer| offer.roster.0[0] ^= 1),
    ("without this client", Unexpected, |offer| {
        offer.candidates.to_mut().remove(4);
    }),
    ("out of order", Unexpected, |offer| offer.candidates.to_mut().swap(0, 1)),
    ("one twice", Unexpected, |offer| offer.candidates.to_mut()[8] = ClientId(8)),
    ("a stranger", Unexpected, |offer| offer.candidates.to_mut()[8] = ClientId(77)),
    ("for no round", Unexpected, |offer| offer.rounds = 0),
    ("for more rounds than the plan says", Unexpected, |offer| offer.rounds = 4),
    ("from a round before the first", RoundReused, |offer| offer.first_round = RoundId(0)),
];

#[test]
fn an_offer_with_one_thing_wrong_is_refused() {
    refuses(offer, signed, OFFER);
    let unsigned: [Row<Offer>; 1] =
        [("by nobody", RefusalCode::SignatureInvalid, |offer| offer.signature.bytes[0] ^= 1)];
    refuses(offer, Downstream::Offer, &unsigned);
}

/// An offer that is a new one each time, and in order.
fn next_offer(mut offer: Offer, number: u8) -> Downstream {
    offer.session = SessionId([number; 32]);
    signed(offer)
}

#[test]
fn an_offer_out_of_turn_is_refused() {
    // Before the plan is accepted.
    let mut world = nine();
    let first = told(&mut world, offer);
    let mut world = nine();
    told(&mut world, |message| matches!(message, Downstream::Welcome(_)).then_some(()));
    let early = first.clone();
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Offer(first)));
    assert_eq!(refusals(&world), [], "nothing is admitted");
    // Whoever has asked to be let in awaits the answer, and hears nothing else.
    let branch = &world.branches[&VICTIM];
    assert!(branch.distrusted.is_empty() && branch.machine.record().accepted.is_empty());

    // While its data are being judged.
    let mut world = nine();
    world.silent_workers = true;
    let welcome = told(&mut world, |message| matches!(message, Downstream::Welcome(_)).then_some(message));
    world.tell_branch(VICTIM, ParticipantInput::Message(welcome));
    world.tell_branch(VICTIM, ParticipantInput::Message(next_offer(early, 9)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected], "it has promised nothing yet");

    // For a session that stands: the same again, from a later round on.
    let mut world = nine();
    let mut again = told(&mut world, offer);
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Offer(again.clone())));
    until(&mut world, |packet| matches!(packet, Packet::Start(VICTIM, _)));
    again.first_round = RoundId(4);
    world.tell_branch(VICTIM, ParticipantInput::Message(signed(again)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected], "its keys are held");
}

/// A branch holds the keys of two sessions at most: with a second one beside the first, no third is offered to it.
#[test]
fn an_offer_beyond_the_sessions_that_may_be_held_is_refused() {
    let mut world = nine();
    let first = told(&mut world, offer);
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Offer(first.clone())));
    for held in 1..=SESSIONS_HELD_MAX {
        let keyed = |world: &World| {
            let keyed = |event: &&crate::round::CoordinatorEvent| {
                matches!(event, crate::round::CoordinatorEvent::SessionKeyed { .. })
            };
            world.events.iter().filter(keyed).count()
        };
        while keyed(&world) < held {
            assert!(world.step());
        }
    }
    // The acknowledgements of the second one have still to arrive.
    let acks = |packet: &Packet| matches!(packet, Packet::Down(VICTIM, Downstream::SetupAcks { .. }));
    let Packet::Down(_, acks) = until(&mut world, acks) else { panic!("acknowledgements") };
    world.tell_branch(VICTIM, ParticipantInput::Message(acks));
    let third = Offer { first_round: RoundId(100), ..first };
    world.tell_branch(VICTIM, ParticipantInput::Message(next_offer(third, 9)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected]);
}

fn freeze(message: Downstream) -> Option<Freeze> {
    match message {
        Downstream::Freeze(freeze) => Some(freeze),
        _ => None,
    }
}

/// A member signs its statement again.
fn restate(freeze: &mut Freeze, index: usize) {
    let statement = &mut freeze.members.to_mut()[index];
    statement.signature = signs(statement.client, statement);
}

/// A member states the keys that are shown of it.
fn rekey(freeze: &mut Freeze, index: usize) {
    let keys = &freeze.keys[index];
    freeze.members.to_mut()[index].keys = keys_digest::<Toy>(&keys.exchange, &keys.commitments);
    restate(freeze, index);
}

pub(super) const FREEZE: &[Row<Freeze>] = &[
    ("a member is gone", Unexpected, |freeze| {
        freeze.members.to_mut().pop();
    }),
    ("two members in each other's place", Unexpected, |freeze| freeze.members.to_mut().swap(0, 1)),
    ("its own statement is another", Unexpected, |freeze| {
        freeze.members.to_mut()[4].contribution.0[0] ^= 1;
        restate(freeze, 4);
    }),
    ("a statement for another session", SignatureInvalid, |freeze| {
        freeze.members.to_mut()[6].session = SessionId([9; 32]);
        restate(freeze, 6);
    }),
    ("a statement that nobody signed", SignatureInvalid, |freeze| {
        freeze.members.to_mut()[6].contribution.0[0] ^= 1;
    }),
    ("a commitment to noise, which this version does not have", Unexpected, |freeze| {
        freeze.members.to_mut()[6].noise.push(Digest::ZERO);
        restate(freeze, 6);
    }),
    ("a nonce, which this version does not have", Unexpected, |freeze| {
        freeze.members.to_mut()[6].nonce = Some([0; 32]);
        restate(freeze, 6);
    }),
    ("keys that are not the stated ones", SignatureInvalid, |freeze| {
        freeze.keys.to_mut()[6].exchange.diffie_hellman = freeze.keys[7].exchange.diffie_hellman.clone();
    }),
    ("commitments for fewer rounds", SignatureInvalid, |freeze| {
        freeze.keys.to_mut()[6].commitments.pop();
        rekey(freeze, 6);
    }),
    ("a neighbour's keys are gone", Unexpected, |freeze| {
        freeze.keys.to_mut().remove(6);
    }),
    ("two neighbours' keys in each other's place", Unexpected, |freeze| freeze.keys.to_mut().swap(6, 7)),
    ("keys that are no keys", BadKeyMaterial, |freeze| {
        freeze.keys.to_mut()[1].exchange.diffie_hellman = alloc::vec![0xff; 32];
        rekey(freeze, 1);
    }),
    ("an encapsulation key that is none", BadKeyMaterial, |freeze| {
        freeze.keys.to_mut()[6].exchange.encapsulation.pop();
        rekey(freeze, 6);
    }),
    ("a smaller quorum", RefusalCode::PolicyFloor(Floor::Cohort), |freeze| freeze.thresholds.quorum -= 1),
];

#[test]
fn a_frozen_cohort_with_one_thing_wrong_is_refused() {
    refuses(freeze, Downstream::Freeze, FREEZE);
}

/// What is encapsulated to the victim.
type Items = (SessionId, Vec<Encapsulation>);

fn encapsulations(message: Downstream) -> Option<(SessionId, Vec<Encapsulation>)> {
    match message {
        Downstream::Encapsulations { session, items } => Some((session, items)),
        _ => None,
    }
}

pub(super) const ENCAPSULATIONS: &[Row<Items>] = &[
    ("one too few", Unexpected, |(_, items)| {
        items.pop();
    }),
    ("one too many", Unexpected, |(_, items)| items.push(items[3].clone())),
    ("out of order", Unexpected, |(_, items)| items.swap(0, 1)),
    ("for another session", SignatureInvalid, |(_, items)| {
        items[2].session = SessionId([9; 32]);
        items[2].signature = signs(items[2].from, &items[2]);
    }),
    ("for another member", SignatureInvalid, |(_, items)| {
        items[2].to = ClientId(6);
        items[2].signature = signs(items[2].from, &items[2]);
    }),
    ("by another member", SignatureInvalid, |(_, items)| items[2].signature = signs(ClientId(9), &items[2])),
    ("no ciphertext", BadKeyMaterial, |(_, items)| {
        items[2].ciphertext.pop();
        items[2].signature = signs(items[2].from, &items[2]);
    }),
];

#[test]
fn encapsulations_with_one_thing_wrong_are_refused() {
    refuses(encapsulations, |(session, items)| Downstream::Encapsulations { session, items }, ENCAPSULATIONS);
}

/// What the victim is dealt.
type Dealt = (SessionId, Vec<SealedShares>, List<DealStatement>);

fn shares(message: Downstream) -> Option<Dealt> {
    match message {
        Downstream::Shares { session, bundles, deals } => Some((session, bundles, deals)),
        _ => None,
    }
}

pub(super) const SHARES: &[Row<Dealt>] = &[
    ("a stranger's statement more", Unexpected, |(_, _, deals)| {
        let stranger = DealStatement { client: ClientId(77), ..deals[8].clone() };
        deals.to_mut().push(stranger);
    }),
    ("a statement is gone", Unexpected, |(_, _, deals)| {
        deals.to_mut().pop();
    }),
    ("two statements in each other's place", Unexpected, |(_, _, deals)| deals.to_mut().swap(0, 1)),
    ("a statement for another session", Unexpected, |(_, _, deals)| {
        deals.to_mut()[6].session = SessionId([9; 32]);
    }),
    ("its own statement is another", Unexpected, |(_, _, deals)| deals.to_mut()[4].root.0[0] ^= 1),
    ("a bundle too few", Unexpected, |(_, bundles, _)| {
        bundles.pop();
    }),
    ("a bundle too many", Unexpected, |(_, bundles, _)| bundles.push(bundles[0].clone())),
    ("a bundle by somebody else", Unexpected, |(_, bundles, _)| bundles[2].from = ClientId(9)),
    ("a bundle for somebody else", Unexpected, |(_, bundles, _)| bundles[2].to = ClientId(9)),
    ("two bundles in each other's place", Unexpected, |(_, bundles, _)| bundles.swap(0, 1)),
    ("a bundle that was changed", BadKeyMaterial, |(_, bundles, _)| bundles[2].sealed[0] ^= 1),
    ("another root than it was dealt under", BadKeyMaterial, |(_, _, deals)| deals.to_mut()[6].root.0[0] ^= 1),
];

#[test]
fn bundles_with_one_thing_wrong_are_refused() {
    refuses(shares, |(session, bundles, deals)| Downstream::Shares { session, bundles, deals }, SHARES);
}

fn acks(message: Downstream) -> Option<(SessionId, List<Signature>)> {
    match message {
        Downstream::SetupAcks { session, signatures } => Some((session, signatures)),
        _ => None,
    }
}

pub(super) const SETUP_ACKS: &[Row<(SessionId, List<Signature>)>] = &[
    ("one too few", SignatureInvalid, |(_, signatures)| {
        signatures.to_mut().pop();
    }),
    ("one too many", SignatureInvalid, |(_, signatures)| {
        let last = signatures[8].clone();
        signatures.to_mut().push(last);
    }),
    ("in each other's place", SignatureInvalid, |(_, signatures)| signatures.to_mut().swap(0, 1)),
    ("forged", SignatureInvalid, |(_, signatures)| signatures.to_mut()[8].bytes[0] ^= 1),
];

#[test]
fn acknowledgements_with_one_thing_wrong_are_refused() {
    refuses(acks, |(session, signatures)| Downstream::SetupAcks { session, signatures }, SETUP_ACKS);
}

/// Each message of a set-up a second time, when the set-up is a step further.
#[test]
fn a_message_of_a_set_up_that_comes_twice_is_refused() {
    let steps: [fn(&Downstream) -> bool; 4] = [
        |message| matches!(message, Downstream::Freeze(_)),
        |message| matches!(message, Downstream::Encapsulations { .. }),
        |message| matches!(message, Downstream::Shares { .. }),
        // The set-up is over with the acknowledgements: what comes after them belongs to none.
        |message| matches!(message, Downstream::SetupAcks { .. }),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let mut world = nine();
        let due = |packet: &Packet| matches!(packet, Packet::Down(VICTIM, message) if step(message));
        let Packet::Down(_, message) = until(&mut world, due) else { panic!("it goes down") };
        world.tell_branch(VICTIM, ParticipantInput::Message(message.clone()));
        assert_eq!(refusals(&world), []);
        world.tell_branch(VICTIM, ParticipantInput::Message(message));
        let expected = if number < 3 { &[RefusalCode::Unexpected][..] } else { &[] };
        assert_eq!(refusals(&world), expected, "step {number}");
    }
    // And a step before its time.
    let mut world = nine();
    let frozen = told(&mut world, freeze);
    let session = frozen.session;
    let hood = Neighbourhood { session, contributions: List::default(), keys: Vec::new() };
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Neighbourhood(hood)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected]);
    // What belongs to another set-up is not judged at all.
    let mut world = nine();
    let other = Freeze { session: SessionId([9; 32]), ..told(&mut world, freeze) };
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Freeze(other)));
    assert_eq!(refusals(&world), []);
}

/// A set-up that does not end is given up, and its keys with it; the branch stays for the next one.
#[test]
fn a_set_up_behind_its_deadline_is_given_up() {
    let mut world = nine();
    let frozen = told(&mut world, freeze);
    world.now = crate::time::Millis(499);
    world.tell_branch(VICTIM, ParticipantInput::Timer);
    assert_eq!(refusals(&world), []);
    world.now = crate::time::Millis(500);
    world.tell_branch(VICTIM, ParticipantInput::Timer);
    assert_eq!(refusals(&world), [RefusalCode::DeadlinePassed]);
    let session = frozen.session;
    let abandons = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Abandon { session: left, .. }) if *left == session);
    assert!(world.packets.iter().any(abandons) && world.branches[&VICTIM].stopped.is_none());
    let events = world.branches[&VICTIM].events.len();
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Freeze(frozen)));
    assert!(matches!(world.branches[&VICTIM].events.last(), Some(ParticipantEvent::Refused { .. })));
    assert_eq!(world.branches[&VICTIM].events.len(), events, "it has no keys for that any more");
}

/// The last word of a set-up comes when its deadline has passed at one member: what that member gives up is on its way while the others begin.
#[test]
fn a_start_of_a_set_up_that_was_given_up_is_passed_over() {
    let mut world = nine();
    let acknowledged = told(&mut world, |message| match message {
        Downstream::SetupAcks { session, .. } => Some(session),
        _ => None,
    });
    world.now = crate::time::Millis(500);
    world.tell_branch(VICTIM, ParticipantInput::Timer);
    let Packet::Start(_, start) = until(&mut world, |packet| matches!(packet, Packet::Start(VICTIM, _))) else {
        panic!("a start")
    };
    assert_eq!(start.descriptor.session, acknowledged, "the others have a session");
    world.packets.push_front(Packet::Start(VICTIM, start));
    world.step();
    assert_eq!(refusals(&world), [RefusalCode::DeadlinePassed]);
    assert!(world.branches[&VICTIM].stopped.is_none());
    let survivors = until(&mut world, |packet| matches!(packet, Packet::Down(_, Downstream::Survivors(_))));
    let Packet::Down(_, Downstream::Survivors(survivors)) = survivors else { panic!("a survivor set") };
    assert_eq!(survivors.uploads.len(), 8, "nobody waits for it");
    world.run();
    assert!(world.coordinator.record().finished.is_some(), "{:?}", world.coordinator.wait());
}

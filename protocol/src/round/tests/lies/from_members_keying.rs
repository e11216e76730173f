//! What the coordinator does not take from a client in the set-up of a session.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::from_members::{Row, forge, punished, take};
use super::{VICTIM, from_victim, nine, rejected, signs, until};
use crate::digest::Digest;
use crate::ids::{ClientId, SessionId};
use crate::message::{
    Deal, Downstream, Keys, RefusalCode, RejectCode, Upstream, envelopes_digest, keys_digest, rounds_digest,
};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{CoordinatorEvent, Input};
use crate::secagg::commitments::pairs_digest;
use crate::secagg::toy::Toy;

fn keys(message: &mut Upstream) -> &mut Keys {
    match message {
        Upstream::Keys(keys) => keys,
        _ => panic!("keys"),
    }
}

pub(super) const KEYS: &[Row] = &[
    ("for another client", |message| {
        let keys = keys(message);
        keys.statement.client = ClientId(4);
        keys.statement.signature = signs(VICTIM, &keys.statement);
    }),
    ("other keys than the stated ones", |message| {
        let keys = keys(message);
        keys.exchange.diffie_hellman[0] ^= 1;
    }),
    ("a commitment to noise, which this version does not have", |message| {
        let keys = keys(message);
        keys.statement.noise.push(Digest::ZERO);
        keys.statement.signature = signs(VICTIM, &keys.statement);
    }),
    ("a nonce, which this version does not have", |message| {
        let keys = keys(message);
        keys.statement.nonce = Some([0; 32]);
        keys.statement.signature = signs(VICTIM, &keys.statement);
    }),
    ("a lower counter than its head's", |message| {
        let keys = keys(message);
        keys.statement.counter -= 1;
        keys.statement.signature = signs(VICTIM, &keys.statement);
    }),
    ("a higher counter than its head's", |message| {
        let keys = keys(message);
        keys.statement.counter += 1;
        keys.statement.signature = signs(VICTIM, &keys.statement);
    }),
    ("other keys than it has signed", |message| keys(message).exchange.encapsulation[0] ^= 1),
    ("other commitments than it has signed", |message| keys(message).commitments[0].envelope.0[0] ^= 1),
    ("commitments for fewer rounds", |message| {
        let keys = keys(message);
        keys.commitments.pop();
        keys.statement.keys = keys_digest::<Toy>(&keys.exchange, &keys.commitments);
        keys.statement.signature = signs(VICTIM, &keys.statement);
    }),
    ("by another member", |message| {
        let keys = keys(message);
        keys.statement.signature = signs(ClientId(4), &keys.statement);
    }),
];

#[test]
fn keys_with_one_thing_wrong_are_not_taken() {
    punished(nine, |message| matches!(message, Upstream::Keys(_)), KEYS);
}

fn items(message: &mut Upstream) -> &mut Vec<crate::message::Encapsulation> {
    match message {
        Upstream::Encapsulations { items, .. } => items,
        _ => panic!("encapsulations"),
    }
}

pub(super) const ENCAPSULATIONS: &[Row] = &[
    ("for another session", |message| items(message)[1].session = SessionId([9; 32])),
    ("by another client", |message| items(message)[1].from = ClientId(4)),
    ("one too few", |message| {
        items(message).pop();
    }),
    ("out of order", |message| items(message).swap(0, 1)),
];

#[test]
fn encapsulations_with_one_thing_wrong_are_not_taken() {
    punished(nine, |message| matches!(message, Upstream::Encapsulations { .. }), ENCAPSULATIONS);
}

/// Makes the statement of a deal true again, and signs it.
fn restate(deal: &mut Deal) {
    deal.statement.envelopes = envelopes_digest::<Toy>(&deal.envelopes);
    let pairs: Vec<Digest> = deal.pairs.iter().map(|pairs| pairs_digest::<Toy>(pairs)).collect();
    deal.statement.pairs = rounds_digest::<Toy>(&pairs);
    deal.statement.signature = signs(VICTIM, &deal.statement);
}

fn deal(message: &mut Upstream) -> &mut Deal {
    match message {
        Upstream::Deal(deal) => deal,
        _ => panic!("a deal"),
    }
}

pub(super) const DEAL: &[Row] = &[
    ("for another client", |message| {
        let deal = deal(message);
        deal.statement.client = ClientId(4);
        restate(deal);
    }),
    ("a bundle by another client", |message| deal(message).bundles[1].from = ClientId(4)),
    ("a bundle too few", |message| {
        deal(message).bundles.pop();
    }),
    ("bundles out of order", |message| deal(message).bundles.swap(0, 1)),
    ("an envelope too few", |message| {
        let deal = deal(message);
        deal.envelopes.pop();
        restate(deal);
    }),
    ("commitments for a round too few", |message| {
        let deal = deal(message);
        deal.pairs.pop();
        restate(deal);
    }),
    ("commitments for a neighbour too few", |message| {
        let deal = deal(message);
        deal.pairs[1].pop();
        restate(deal);
    }),
    ("other envelopes than the stated ones", |message| deal(message).envelopes[1][0] ^= 1),
    ("other commitments than the stated ones", |message| deal(message).pairs[1][0].0[0] ^= 1),
    ("by another member", |message| {
        let deal = deal(message);
        deal.statement.signature = signs(ClientId(4), &deal.statement);
    }),
];

#[test]
fn a_deal_with_one_thing_wrong_is_not_taken() {
    punished(nine, |message| matches!(message, Upstream::Deal(_)), DEAL);
}

pub(super) const SETUP_ACK: &[Row] = &[("forged", forge)];

#[test]
fn an_acknowledged_set_up_is_signed() {
    punished(nine, |message| matches!(message, Upstream::SetupAck { .. }), SETUP_ACK);
}

/// Messages of a set-up when it is at another step.
#[test]
fn a_step_of_a_set_up_out_of_turn_is_not_taken() {
    let later: [fn(&Upstream) -> bool; 4] = [
        |message| matches!(message, Upstream::Keys(_)),
        |message| matches!(message, Upstream::Encapsulations { .. }),
        |message| matches!(message, Upstream::Deal(_)),
        |message| matches!(message, Upstream::SetupAck { .. }),
    ];
    // Each message in the step behind its own, and a contribution where the graph is complete.
    for pair in later.windows(2) {
        let mut world = nine();
        let message = take(&mut world, pair[0]);
        world.tell(Input::Message(VICTIM, message.clone()));
        until(&mut world, |packet| from_victim(packet, pair[1]));
        world.tell(Input::Message(VICTIM, message));
        assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
    }
    let mut world = nine();
    let message = take(&mut world, later[0]);
    let Upstream::Keys(keys) = message else { panic!("keys") };
    let session = keys.statement.session;
    world.tell(Input::Message(VICTIM, Upstream::Contribution { session, contribution: [0; 32] }));
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
}

/// What is said about a set-up that is not under way, or by one that is not asked, changes nothing.
#[test]
fn words_about_another_set_up_are_passed_over() {
    let mut world = nine();
    let Upstream::Keys(keys) = take(&mut world, |message| matches!(message, Upstream::Keys(_))) else { panic!("keys") };
    let session = keys.statement.session;
    let (events, packets) = (world.events.len(), world.packets.len());
    let code = RefusalCode::BadKeyMaterial;
    let other = SessionId([9; 32]);
    world.tell(Input::Message(VICTIM, Upstream::Abandon { session: other, code, accused: Some(ClientId(1)) }));
    let mut stray: Box<Keys> = keys.clone();
    stray.statement.session = other;
    world.tell(Input::Message(VICTIM, Upstream::Keys(stray)));
    assert_eq!((world.events.len(), world.packets.len()), (events, packets));
    // In its own words it ends the set-up.
    world.tell(Input::Message(VICTIM, Upstream::Abandon { session, code, accused: None }));
    assert!(matches!(world.events.last(), Some(CoordinatorEvent::SessionClosed { .. })));

    let mut world = World::new(10, plan(|_| {}));
    (1..=9).for_each(|number| world.connect(ClientId(number)));
    world.run();
    world.now = crate::time::Millis(100);
    world.tell(Input::Timer);
    let asked = until(&mut world, |packet| matches!(packet, Packet::Up(_, Upstream::Keys(_))));
    let Packet::Up(_, Upstream::Keys(keys)) = asked else { panic!("keys") };
    let late = ClientId(10);
    world.connect(late);
    while !world.coordinator.ready_clients().contains(&late) {
        // The set-up itself stands still.
        let index = world.packets.iter().position(|packet| match packet {
            Packet::Up(client, _) | Packet::Down(client, _) | Packet::Start(client, _) => *client == late,
        });
        let packet = world.packets.remove(index.expect("it is welcomed")).expect("it is there");
        world.packets.push_front(packet);
        world.step();
    }
    let session = keys.statement.session;
    let events = world.events.len();
    world.tell(Input::Message(late, Upstream::Abandon { session, code, accused: Some(ClientId(1)) }));
    assert_eq!(world.events.len(), events, "it has no part in that set-up");
    // Nor have its keys, which are in order.
    let asked = keys.statement.client;
    let (first, mut own) = (keys.clone(), keys);
    own.statement.client = late;
    own.statement.signature = signs(late, &own.statement);
    world.tell(Input::Message(late, Upstream::Keys(own)));
    assert_eq!(rejected(&world, late), None);
    world.tell(Input::Message(asked, Upstream::Keys(first)));
    while world.coordinator.record().sessions.is_empty() {
        assert!(world.step(), "the nine that were asked have a session: {:?}", world.refusals());
    }
    let cohort = world.events.iter().find_map(|event| match event {
        CoordinatorEvent::SessionKeyed { cohort, .. } => Some(cohort.len()),
        _ => None,
    });
    assert_eq!(cohort, Some(9));
}

/// A member gives up the keys of the next session, which the others have. It is in the session in use as before.
#[test]
fn whoever_gives_up_the_next_session_stays_in_the_round_of_this_one() {
    // Rounds enough in the session in use for the next one to be keyed beside them.
    let mut world = World::new(9, plan(|plan| (plan.stages[0].rounds, plan.session_rounds) = (12, 8)));
    world.connect_all();
    let start = loop {
        let start = until(&mut world, |packet| matches!(packet, Packet::Start(VICTIM, _)));
        let Packet::Start(_, start) = start else { panic!("a start") };
        if world.coordinator.record().sessions.len() == 2 {
            break start;
        }
        world.packets.push_front(Packet::Start(VICTIM, start));
        world.step();
    };
    let session = world.coordinator.record().sessions[1].view.session;
    assert_ne!(start.descriptor.session, session);
    let (events, code) = (world.events.len(), RefusalCode::BadKeyMaterial);
    world.tell(Input::Message(VICTIM, Upstream::Abandon { session, code, accused: None }));
    let noted = matches!(world.events[events..], [CoordinatorEvent::ClientRefused { client: VICTIM, .. }]);
    assert!(noted, "{:?}", &world.events[events..]);
    // Everybody else uploads before it.
    world.packets.push_back(Packet::Start(VICTIM, start));
    let survivors = until(&mut world, |packet| matches!(packet, Packet::Down(_, Downstream::Survivors(_))));
    let Packet::Down(_, Downstream::Survivors(survivors)) = survivors else { panic!("a survivor set") };
    assert_eq!(survivors.uploads.len(), 9, "the round waits for it");
}

/// A member gives up the keys of the session in use before it has uploaded: the round goes on without it, at once. What it says of a session whose keys it
/// does not hold is not recorded.
#[test]
fn whoever_gives_up_the_session_in_use_is_not_waited_for() {
    let mut world = nine();
    take(&mut world, |message| matches!(message, Upstream::Masked(_)));
    while world.coordinator.record().admitted.len() < 8 {
        assert!(world.step());
    }
    let (session, code) = (world.coordinator.record().sessions[0].view.session, RefusalCode::BadKeyMaterial);
    let events = world.events.len();
    for session in [SessionId([9; 32]), session] {
        assert_eq!((world.events.len(), world.coordinator.record().survivors), (events, None));
        world.tell(Input::Message(VICTIM, Upstream::Abandon { session, code, accused: None }));
    }
    assert!(world.coordinator.record().survivors.is_some(), "nobody else is awaited");
    let noted = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::ClientRefused { client: VICTIM, .. });
    assert_eq!(world.events.iter().filter(noted).count(), 1);
    world.tell(Input::Message(VICTIM, Upstream::Abandon { session, code, accused: None }));
    assert_eq!(world.events.iter().filter(noted).count(), 1, "once");
}

/// What of an abandonment makes it one of no set-up.
pub(super) const ABANDON: &[Row] = &[("another set-up", |message| {
    if let Upstream::Abandon { session, .. } = message {
        session.0[0] ^= 1;
    }
})];

#[test]
fn a_set_up_is_given_up_in_its_own_words() {
    let genuine: Row = ("nothing", |_| {});
    for (what, change) in core::iter::once(&genuine).chain(ABANDON) {
        let mut world = nine();
        let message = take(&mut world, |message| matches!(message, Upstream::Keys(_)));
        let Upstream::Keys(keys) = message else { panic!("keys") };
        let (session, code) = (keys.statement.session, RefusalCode::BadKeyMaterial);
        let mut message = Upstream::Abandon { session, code, accused: None };
        change(&mut message);
        let events = world.events.len();
        world.tell(Input::Message(VICTIM, message));
        let ended = matches!(world.events.last(), Some(CoordinatorEvent::SessionClosed { .. }));
        assert_eq!((ended, world.events.len() > events), (*what == "nothing", *what == "nothing"), "{what}");
    }
}

//! What the coordinator does not take from a client: messages in which one thing is wrong, and messages out of turn. Their sender is told
//! that it misbehaved and cut off, and what it sent counts for nothing.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{VICTIM, from_victim, nine, rejected, signs, until};
use crate::budget::{BudgetHead, LastDay};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::STRIKES_MAX;
use crate::message::{
    Charged, Deal, Join, Keys, MaskedHeader, RefusalCode, RejectCode, Upstream, envelopes_digest, keys_digest,
    rounds_digest,
};
use crate::privacy::Accounts;
use crate::round::cast::signing_key;
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{CoordinatorEvent, EvictionReason, Input};
use crate::secagg::commitments::pairs_digest;
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;

/// What is wrong with a message, and how it becomes wrong.
type Row = (&'static str, fn(&mut Upstream));

/// Takes the victim's first message of a kind out of the world.
fn take(world: &mut World, is: fn(&Upstream) -> bool) -> Upstream {
    match until(world, |packet| from_victim(packet, is)) {
        Packet::Up(_, message) => message,
        Packet::Down(..) | Packet::Start(..) => panic!("it goes up"),
    }
}

/// Lets the victim send such a message with one thing wrong, in a world for each row: it is cut off at once.
fn punished(world_of: fn() -> World, is: fn(&Upstream) -> bool, rows: &[Row]) {
    for (what, change) in rows {
        let mut world = world_of();
        let mut message = take(&mut world, is);
        change(&mut message);
        world.tell(Input::Message(VICTIM, message));
        assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved), "{what}");
    }
    // In order it is taken, and a second time it is not.
    let mut world = world_of();
    let message = take(&mut world, is);
    world.tell(Input::Message(VICTIM, message.clone()));
    assert_eq!(rejected(&world, VICTIM), None, "nothing is wrong");
    world.tell(Input::Message(VICTIM, message));
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved), "the same again");
}

fn keys(message: &mut Upstream) -> &mut Keys {
    match message {
        Upstream::Keys(keys) => keys,
        _ => panic!("keys"),
    }
}

#[test]
fn keys_with_one_thing_wrong_are_not_taken() {
    punished(
        nine,
        |message| matches!(message, Upstream::Keys(_)),
        &[
            ("for another client", |message| {
                let keys = keys(message);
                keys.statement.client = ClientId(4);
                keys.statement.signature = signs(VICTIM, &keys.statement);
            }),
            ("other keys than the stated ones", |message| {
                let keys = keys(message);
                keys.exchange.diffie_hellman[0] ^= 1;
            }),
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
        ],
    );
}

#[test]
fn encapsulations_with_one_thing_wrong_are_not_taken() {
    fn items(message: &mut Upstream) -> &mut Vec<crate::message::Encapsulation> {
        match message {
            Upstream::Encapsulations { items, .. } => items,
            _ => panic!("encapsulations"),
        }
    }
    punished(
        nine,
        |message| matches!(message, Upstream::Encapsulations { .. }),
        &[
            ("for another session", |message| items(message)[1].session = SessionId([9; 32])),
            ("by another client", |message| items(message)[1].from = ClientId(4)),
            ("one too few", |message| {
                items(message).pop();
            }),
            ("out of order", |message| items(message).swap(0, 1)),
        ],
    );
}

/// Makes the statement of a deal true again, and signs it.
fn restate(deal: &mut Deal) {
    deal.statement.envelopes = envelopes_digest::<Toy>(&deal.envelopes);
    let pairs: Vec<Digest> = deal.pairs.iter().map(|pairs| pairs_digest::<Toy>(pairs)).collect();
    deal.statement.pairs = rounds_digest::<Toy>(&pairs);
    deal.statement.signature = signs(VICTIM, &deal.statement);
}

#[test]
fn a_deal_with_one_thing_wrong_is_not_taken() {
    fn deal(message: &mut Upstream) -> &mut Deal {
        match message {
            Upstream::Deal(deal) => deal,
            _ => panic!("a deal"),
        }
    }
    punished(
        nine,
        |message| matches!(message, Upstream::Deal(_)),
        &[
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
        ],
    );
}

#[test]
fn an_acknowledged_set_up_or_survivor_set_is_signed() {
    punished(
        nine,
        |message| matches!(message, Upstream::SetupAck { .. }),
        &[("forged", |message| {
            if let Upstream::SetupAck { signature, .. } = message {
                signature.0[0] ^= 1;
            }
        })],
    );
    punished(
        nine,
        |message| matches!(message, Upstream::SurvivorsAck { .. }),
        &[("forged", |message| {
            if let Upstream::SurvivorsAck { signature, .. } = message {
                signature.0[0] ^= 1;
            }
        })],
    );
}

/// The header of an upload: its sender's signature over the round's own descriptor.
#[test]
fn a_header_with_one_thing_wrong_is_not_admitted() {
    fn header(message: &mut Upstream) -> &mut MaskedHeader {
        match message {
            Upstream::Masked(header) => header,
            _ => panic!("a header"),
        }
    }
    punished(
        nine,
        |message| matches!(message, Upstream::Masked(_)),
        &[
            ("over another descriptor", |message| {
                let header = header(message);
                header.descriptor.0[0] ^= 1;
                header.signature = signs(VICTIM, header);
            }),
            ("for another vector than was signed", |message| header(message).vector.0[0] ^= 1),
            ("by another member", |message| {
                let header = header(message);
                header.signature = signs(ClientId(4), header);
            }),
        ],
    );
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
    world.tell(Input::Updated { round, sum: Digest::ZERO, model, update_clip_norm_bits: 0 });
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

#[test]
fn revealed_shares_with_one_thing_wrong_are_not_taken() {
    fn shares(message: &mut Upstream) -> &mut Vec<[u8; 32]> {
        match message {
            Upstream::Unmask { shares, .. } => shares,
            _ => panic!("shares"),
        }
    }
    punished(
        nine,
        |message| matches!(message, Upstream::Unmask { .. }),
        &[
            ("one too few", |message| {
                shares(message).pop();
            }),
            ("one too many", |message| {
                let last = shares(message)[8];
                shares(message).push(last);
            }),
            ("no number of the field", |message| shares(message)[3] = [0xff; 32]),
        ],
    );
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

#[test]
fn a_message_out_of_turn_is_not_taken() {
    let signature = || Toy::sign(&signing_key(VICTIM), b"anything");
    let join =
        || Upstream::Join(Join { version: 1, schema: Digest::of(b"schema"), holding: Vec::new(), nonce: Digest::ZERO });
    let accept = |plan| {
        let mut head = BudgetHead {
            client: VICTIM,
            population: Digest::ZERO,
            counter: 1,
            spent: Accounts::zero(),
            plan,
            charged: Charged::default(),
            others: Vec::new(),
            day: LastDay::NONE,
            epoch: 1,
            owner: Toy::verifying_key(&signing_key(VICTIM)),
            signature: signature(),
        };
        head.signature = signs(VICTIM, &head);
        Upstream::Accept { plan, head: Box::new(head), begun: None }
    };
    // Anything before it has said who it is; twice who it is; another plan; a refusal that it did not sign.
    let served = plan(|_| {}).digest();
    let lines: [(&str, Vec<Upstream>); 6] = [
        ("not joined", [accept(served)].into()),
        ("joined twice", [join(), join()].into()),
        ("another plan", [join(), accept(Digest::ZERO)].into()),
        ("a budget that nobody began", [join(), accept(served)].into()),
        ("a refusal by nobody", {
            let code = RefusalCode::Unexpected;
            [join(), Upstream::Refuse { code, signature: signature() }].into()
        }),
        ("proofs that nobody asked for are none of a round", [join(), join()].into()),
    ];
    for (what, messages) in lines {
        let mut world = World::new(9, plan(|_| {}));
        world.branches.get_mut(&VICTIM).expect("a branch").connected = true;
        world.tell(Input::Connected(VICTIM));
        for message in messages {
            assert_eq!(rejected(&world, VICTIM), None, "{what}");
            world.tell(Input::Message(VICTIM, message));
        }
        assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved), "{what}");
        assert!(!world.coordinator.ready_clients().contains(&VICTIM));
    }
    for (what, version, schema, code) in [
        ("another protocol", 2, Digest::of(b"schema"), RejectCode::VersionDiffers),
        ("another schema", 1, Digest::ZERO, RejectCode::SchemaDiffers),
    ] {
        let mut world = World::new(9, plan(|_| {}));
        world.branches.get_mut(&VICTIM).expect("a branch").connected = true;
        world.tell(Input::Connected(VICTIM));
        world.tell(Input::Message(
            VICTIM,
            Upstream::Join(Join { version, schema, holding: Vec::new(), nonce: Digest::ZERO }),
        ));
        assert_eq!(rejected(&world, VICTIM), Some(code), "{what}");
    }
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

#[test]
fn strangers_and_the_evicted_are_not_let_in() {
    let mut world = World::new(9, plan(|_| {}));
    let client = VICTIM;
    world.branches.get_mut(&client).expect("a branch").connected = true;
    for strike in 1..=STRIKES_MAX {
        world.tell(Input::Connected(client));
        world.tell(Input::Message(client, Upstream::Leave));
        let expected = if strike < STRIKES_MAX { RejectCode::Misbehaved } else { RejectCode::Evicted };
        assert_eq!(rejected(&world, client), Some(expected), "strike {strike}");
        world.packets.clear();
    }
    let evicted = CoordinatorEvent::ClientEvicted { client, reason: EvictionReason::Strikes };
    assert_eq!(world.events.last(), Some(&evicted));
    // The word that ends its work is signed, so that it comes after what it is signed with.
    world.tell(Input::Connected(client));
    assert_eq!(rejected(&world, client), None);
    let join = Join { version: 1, schema: Digest::of(b"schema"), holding: Vec::new(), nonce: Digest::ZERO };
    world.tell(Input::Message(client, Upstream::Join(join)));
    assert_eq!(rejected(&world, client), Some(RejectCode::Evicted));
}

//! What the coordinator does not take from a client: messages in which one thing is wrong, and messages out of turn. Their sender is told
//! that it misbehaved and cut off, and what it sent counts for nothing. Here: who it is, and what it says of the run.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{VICTIM, from_victim, nine, rejected, signs, until};
use crate::budget::{BudgetHead, FirstUse, Heads};
use crate::digest::Digest;
use crate::ids::{ClientId, RunId, SessionId};
use crate::limits::{JOINS_MAX, JOINS_WITHIN_MS, PROTOCOL_VERSION, STRIKES_MAX};
use crate::message::{Charged, ClosedReason, Downstream, Join, RefusalCode, RejectCode, SignedBody as _, Upstream};
use crate::plan::RunRef;
use crate::round::agreement::refusal_message;
use crate::round::cast::{self, next_roster, roster, signing_key};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{CoordinatorEvent, EvictionReason, Input};
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;

/// What is wrong with a message, and how it becomes wrong.
pub(super) type Row = (&'static str, fn(&mut Upstream));

/// Takes the victim's first message of a kind out of the world.
pub(super) fn take(world: &mut World, is: fn(&Upstream) -> bool) -> Upstream {
    match until(world, |packet| from_victim(packet, is)) {
        Packet::Up(_, message) => message,
        Packet::Down(..) | Packet::Start(..) => panic!("it goes up"),
    }
}

/// Lets the victim send such a message with one thing wrong, in a world for each row: it is cut off at once.
pub(super) fn punished(world_of: fn() -> World, is: fn(&Upstream) -> bool, rows: &[Row]) {
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

/// A signature in which one bit is another.
pub(super) fn forge(message: &mut Upstream) {
    if let Upstream::SetupAck { signature, .. } | Upstream::SurvivorsAck { signature, .. } = message {
        signature.bytes[0] ^= 1;
    }
}

/// What is wrong with a join, and how its sender is refused.
type Joined = (&'static str, RejectCode, fn(&mut Join));

pub(super) const JOIN: &[Joined] = &[
    ("a later protocol", RejectCode::VersionDiffers, |join| join.version += 1),
    ("an earlier protocol", RejectCode::VersionDiffers, |join| join.version -= 1),
    ("another schema", RejectCode::SchemaDiffers, |join| join.schema.0[0] ^= 1),
];

#[test]
fn a_join_with_one_thing_wrong_is_refused() {
    for (what, code, change) in JOIN {
        let mut world = nine();
        let Upstream::Join(mut join) = take(&mut world, |message| matches!(message, Upstream::Join(_))) else {
            panic!("it joins")
        };
        change(&mut join);
        world.tell(Input::Message(VICTIM, Upstream::Join(join)));
        assert_eq!(rejected(&world, VICTIM), Some(*code), "{what}");
    }
}

/// Where nothing may begin nobody is invited. Whoever asks all the same has its answer, and is not invited to ask again; neither is anybody who has gone.
#[test]
fn whoever_has_asked_or_has_gone_is_not_invited_afterwards() {
    let change: fn(&mut Join) = |_| {};
    let wrong = JOIN.iter().map(|(what, code, change)| (*what, Some(*code), *change));
    for (what, code, change) in core::iter::once(("nothing", None, change)).chain(wrong) {
        let mut world = World::new(9, plan(|_| {}));
        world.tell(Input::Withheld(Some("the second copy lags".into())));
        world.branches.get_mut(&VICTIM).expect("a branch").connected = true;
        world.tell(Input::Connected(VICTIM));
        let (schema, holding, nonce) = (Digest::of(b"schema"), Vec::new(), Digest::ZERO);
        let mut join = Join { version: PROTOCOL_VERSION, schema, holding, nonce };
        change(&mut join);
        world.tell(Input::Message(VICTIM, Upstream::Join(join)));
        assert_eq!(rejected(&world, VICTIM), code, "{what}");
        let gone = ClientId(4);
        world.tell(Input::Connected(gone));
        world.tell(Input::Disconnected(gone));
        world.branches.get_mut(&gone).expect("a branch").connected = true;
        world.packets.clear();
        world.tell(Input::Withheld(None));
        assert!(world.packets.is_empty(), "{what}");
        // A newer roster has everybody asked anew who is here.
        world.tell(Input::Roster(next_roster(&roster(9).roster, 9).into()));
        let invited = |packet: &Packet| match packet {
            Packet::Down(client, Downstream::Invite) => Some(*client),
            _ => None,
        };
        assert_eq!(world.packets.iter().filter_map(invited).collect::<Vec<_>>(), [VICTIM], "{what}");
    }
}

/// Whatever is said to the others goes to those who are here.
#[test]
fn whoever_has_left_is_told_nothing_more() {
    let moments: [fn(&Upstream) -> bool; 5] = [
        |message| matches!(message, Upstream::Keys(_)),
        |message| matches!(message, Upstream::Masked(_)),
        |message| matches!(message, Upstream::SurvivorsAck { .. }),
        |message| matches!(message, Upstream::Unmask { .. }),
        |message| matches!(message, Upstream::Accept { .. }),
    ];
    for (moment, is) in moments.into_iter().enumerate() {
        let mut world = nine();
        let message = take(&mut world, is);
        world.tell(Input::Message(VICTIM, message));
        world.tell(Input::Message(VICTIM, Upstream::Leave));
        let own = |packet: &Packet| match packet {
            Packet::Up(client, _) | Packet::Down(client, _) | Packet::Start(client, _) => *client == VICTIM,
        };
        world.packets.retain(|packet| !own(packet));
        for _ in 0..50 {
            while !world.packets.iter().any(own) && world.step() {}
            assert!(!world.packets.iter().any(own), "moment {moment}");
            if world.finished.is_some() {
                break;
            }
            world.now = world.coordinator.wait().deadline.expect("it goes on");
            world.tell(Input::Timer);
        }
        assert_eq!(world.finished, Some(true), "moment {moment}");
    }
}

/// Nobody holds the keys of a session that is not open, so that giving them up is no news for the ledger.
#[test]
fn a_join_names_no_session_that_is_not_open() {
    let mut world = nine();
    while world.coordinator.record().sessions.is_empty() {
        assert!(world.step());
    }
    let session = SessionId([9; 32]);
    let (schema, holding, nonce) = (Digest::of(b"schema"), [session].into(), Digest::ZERO);
    world.tell(Input::Message(VICTIM, Upstream::Join(Join { version: PROTOCOL_VERSION, schema, holding, nonce })));
    let events = world.events.len();
    let code = RefusalCode::BadKeyMaterial;
    world.tell(Input::Message(VICTIM, Upstream::Abandon { session, code, accused: None }));
    assert_eq!((world.events.len(), rejected(&world, VICTIM)), (events, None));
}

fn shown(message: &mut Upstream) -> (&mut BudgetHead, &mut FirstUse) {
    match message {
        Upstream::Accept { head, begun: Some(begun), .. } => (head, begun),
        _ => panic!("it accepts, and says how its budget began"),
    }
}

/// Signs the head again after a change.
fn restated(message: &mut Upstream, change: fn(&mut BudgetHead)) {
    let (head, _) = shown(message);
    change(head);
    head.signature = signs(VICTIM, head);
}

pub(super) const ACCEPT: &[Row] = &[
    ("another run", |message| {
        if let Upstream::Accept { run, .. } = message {
            run.0[0] ^= 1;
        }
    }),
    ("a head under another run of the plan", |message| restated(message, |head| head.run.number += 1)),
    ("a head under another plan", |message| restated(message, |head| head.run.plan.0[0] ^= 1)),
    ("another client's head", |message| restated(message, |head| head.client = ClientId(4))),
    ("a head of the next roster", |message| restated(message, |head| head.epoch += 1)),
    ("a head of the roster before", |message| restated(message, |head| head.epoch -= 1)),
    ("a head that nobody signed", |message| shown(message).0.counter += 1),
    ("a head by another member", |message| {
        let (head, _) = shown(message);
        head.signature = signs(ClientId(4), head);
    }),
    ("more stages than a plan has", |message| restated(message, |head| head.charged.rounds = [1; 13].into())),
    ("a stage without rounds at the end", |message| restated(message, |head| head.charged.rounds = [1, 0].into())),
    ("another run's stage without rounds at the end", |message| {
        restated(message, |head| {
            head.others = [(RunRef::NONE, Charged { rounds: [0].into(), last_round: 0 })].into();
        });
    }),
    ("no word on how its budget began", |message| {
        if let Upstream::Accept { begun, .. } = message {
            *begun = None;
        }
    }),
    ("another population than was begun", |message| restated(message, |head| head.population.0[0] ^= 1)),
    ("another owner than began it", |message| restated(message, |head| head.owner.bytes[0] ^= 1)),
    ("a first use that its owner did not sign", |message| shown(message).1.signature.bytes[0] ^= 1),
    ("a first use of another member", |message| {
        let (_, begun) = shown(message);
        begun.signing_key = Toy::verifying_key(&signing_key(ClientId(4)));
        begun.signature = Toy::sign(&cast::OWNER_KEY, &begun.to_sign::<Toy>());
    }),
];

#[test]
fn an_acceptance_with_one_thing_wrong_is_not_taken() {
    punished(nine, |message| matches!(message, Upstream::Accept { .. }), ACCEPT);
}

/// A branch's first upload arrived, and its file of before shows less than that cost: what a ledger knows is not unsaid.
#[test]
fn a_head_that_lacks_what_arrived_is_not_taken() {
    let mut world = nine();
    let mut accept = take(&mut world, |message| matches!(message, Upstream::Accept { .. }));
    world.tell(Input::Message(VICTIM, accept.clone()));
    while !world.coordinator.record().unshown.contains_key(&VICTIM) {
        assert!(world.step());
    }
    // The heads that were kept are lost, and the ledger is not.
    world.kept.clear();
    world.restart_coordinator(9, plan(|_| {}));
    world.packets.clear();
    world.tell(Input::Disconnected(VICTIM));
    world.tell(Input::Connected(VICTIM));
    let join =
        Join { version: PROTOCOL_VERSION, schema: Digest::of(b"schema"), holding: Vec::new(), nonce: Digest::ZERO };
    world.tell(Input::Message(VICTIM, Upstream::Join(join)));
    restated(&mut accept, |head| head.counter = 2);
    let events = world.events.len();
    world.tell(Input::Message(VICTIM, accept));
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
    assert_eq!(world.events.len(), events);
}

/// Whoever is put out of the run after its header was admitted has no part in the sum, whatever of its vector still arrives.
#[test]
fn a_vector_that_arrives_after_its_sender_was_put_out_is_passed_over() {
    let mut world = nine();
    let message = take(&mut world, |message| matches!(message, Upstream::Masked(_)));
    let round = world.coordinator.record().round.as_ref().expect("a round is open").round;
    world.silent_workers = true;
    world.tell(Input::Message(VICTIM, message));
    for _ in 0..STRIKES_MAX {
        breach(&mut world, VICTIM);
    }
    assert!(world.coordinator.record().evicted.contains_key(&VICTIM));
    let events = world.events.len();
    world.tell(Input::Arrived { round, client: VICTIM });
    assert_eq!(world.events.len(), events);
    assert!(!world.coordinator.record().admitted.contains_key(&VICTIM));
}

pub(super) const REFUSE: &[Row] = &[
    ("signed by nobody", |message| {
        if let Upstream::Refuse { signature, .. } = message {
            signature.bytes[0] ^= 1;
        }
    }),
    ("for another reason than was signed", |message| {
        if let Upstream::Refuse { code, .. } = message {
            *code = RefusalCode::BudgetExceeded;
        }
    }),
    ("of another run", |message| {
        if let Upstream::Refuse { code, signature } = message {
            let other = RunRef { plan: Digest::ZERO, number: 1 }.id();
            *signature = Toy::sign(&signing_key(VICTIM), &crate::round::refusal_message::<Toy>(other, *code));
        }
    }),
];

#[test]
fn a_refusal_is_the_clients_own_and_of_this_run() {
    let genuine: Row = ("nothing", |_| {});
    for (what, change) in core::iter::once(&genuine).chain(REFUSE) {
        let mut world = nine();
        let accept = take(&mut world, |message| matches!(message, Upstream::Accept { .. }));
        world.tell(Input::Message(VICTIM, accept));
        let code = RefusalCode::SchemaDiffers;
        let message = crate::round::refusal_message::<Toy>(world.coordinator.run().id(), code);
        let mut message = Upstream::Refuse { code, signature: Toy::sign(&signing_key(VICTIM), &message) };
        change(&mut message);
        world.tell(Input::Message(VICTIM, message));
        let recorded = matches!(world.events.last(), Some(CoordinatorEvent::ClientRefused { client: VICTIM, .. }));
        assert_eq!(recorded, *what == "nothing", "{what}");
        assert!(!world.coordinator.ready_clients().contains(&VICTIM), "{what}");
        assert_eq!(rejected(&world, VICTIM), (!recorded).then_some(RejectCode::Misbehaved), "{what}");
    }
}

/// How often it says that it leaves, after it was let in; and how often its set-up ends by that.
pub(super) const LEAVE: &[(&str, usize, usize)] = &[("it stays", 0, 0), ("it leaves", 1, 1), ("it leaves twice", 2, 1)];

#[test]
fn whoever_leaves_is_let_go_without_a_word() {
    for (what, times, ended) in LEAVE {
        let mut world = nine();
        take(&mut world, |message| matches!(message, Upstream::Keys(_)));
        for _ in 0..*times {
            world.tell(Input::Message(VICTIM, Upstream::Leave));
        }
        assert_eq!(rejected(&world, VICTIM), None, "{what}");
        assert_eq!(world.coordinator.ready_clients().contains(&VICTIM), *times == 0, "{what}");
        let closed = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::SessionClosed { .. });
        assert_eq!(world.events.iter().filter(closed).count(), *ended, "{what}");
    }
}

#[test]
fn a_message_out_of_turn_is_not_taken() {
    let signature = || Toy::sign(&signing_key(VICTIM), b"anything");
    let join = || {
        Upstream::Join(Join {
            version: PROTOCOL_VERSION,
            schema: Digest::of(b"schema"),
            holding: Vec::new(),
            nonce: Digest::ZERO,
        })
    };
    let accept = |run: RunRef| {
        let owner = Toy::verifying_key(&signing_key(VICTIM));
        let mut head = BudgetHead { owner, ..cast::head(VICTIM, run) };
        head.signature = signs(VICTIM, &head);
        Upstream::Accept { run: run.id(), head: Box::new(head), begun: None }
    };
    let refuse = || {
        let code = RefusalCode::Unexpected;
        let signature = Toy::sign(&signing_key(VICTIM), &refusal_message::<Toy>(RunId::NONE, code));
        Upstream::Refuse { code, signature }
    };
    // Another plan; a budget that nobody began; a refusal that it did not sign, and one that would be recorded twice; and asking without end.
    let served = cast::run(plan(|_| {})).reference();
    let lines: [(&str, Vec<Upstream>); 5] = [
        ("another plan", [join(), accept(RunRef::NONE)].into()),
        ("a budget that nobody began", [join(), accept(served)].into()),
        ("a refusal by nobody", {
            let code = RefusalCode::Unexpected;
            [join(), Upstream::Refuse { code, signature: signature() }].into()
        }),
        ("a refusal again", [join(), refuse(), refuse()].into()),
        ("asking without end", core::iter::repeat_with(join).take(JOINS_MAX as usize + 1).collect()),
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
        let events = world.events.len();
        for message in [join(), accept(served)] {
            world.packets.clear();
            world.tell(Input::Message(VICTIM, message));
            assert!(world.packets.is_empty() && world.events.len() == events, "{what}: nothing more is heard of it");
        }
    }
    // What comes of somebody who has not asked to be let in, or not again, was on its way.
    let mut world = nine();
    let masked = take(&mut world, |message| matches!(message, Upstream::Masked(_)));
    let Upstream::Masked(header) = &masked else { panic!("a header") };
    let spent = header.head.counter;
    world.tell(Input::Message(VICTIM, Upstream::Leave));
    let (events, round) = (world.events.len(), world.coordinator.record().round.clone());
    world.packets.clear();
    let late = [masked, accept(served), refuse(), Upstream::Leave];
    for message in late {
        world.tell(Input::Message(VICTIM, message));
    }
    assert!(world.packets.is_empty() && world.events.len() == events && world.coordinator.record().round == round);
    assert!(!world.has_upload(VICTIM), "its vector is let go of");
    let newest = Heads::replay(&world.kept).newest(VICTIM).map(|head| head.counter);
    assert_eq!(newest, Some(spent), "what it has spent counts");
}

/// Whoever asks again is welcomed again, and begins anew; an hour later it may ask as often once more.
#[test]
fn whoever_asks_again_begins_anew() {
    let mut world = nine();
    take(&mut world, |message| matches!(message, Upstream::Keys(_)));
    let asks = |world: &mut World, number: u8| {
        world.packets.clear();
        let (nonce, schema) = (Digest([number; 32]), Digest::of(b"schema"));
        let join = Join { version: PROTOCOL_VERSION, schema, holding: Vec::new(), nonce };
        world.tell(Input::Message(VICTIM, Upstream::Join(join)));
        let welcomed = |packet: &Packet| match packet {
            Packet::Down(VICTIM, Downstream::Welcome(welcome)) => welcome.nonce == nonce,
            _ => false,
        };
        world.packets.iter().any(welcomed)
    };
    assert!(world.coordinator.ready_clients().contains(&VICTIM));
    assert!(asks(&mut world, 1) && !world.coordinator.ready_clients().contains(&VICTIM));
    let last = world.events.last();
    assert!(
        matches!(last, Some(CoordinatorEvent::SessionClosed { reason: ClosedReason::ParticipantLost(VICTIM), .. })),
        "{last:?}"
    );
    // The first of them was its own.
    (2..u8::try_from(JOINS_MAX).unwrap()).for_each(|number| assert!(asks(&mut world, number), "question {number}"));
    world.now = world.now.plus(JOINS_WITHIN_MS);
    (0..JOINS_MAX).for_each(|_| assert!(asks(&mut world, 200)));
    assert!(!asks(&mut world, 200), "no more often than before");
    assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
}

/// A client connects anew, and asks without end.
fn breach(world: &mut World, client: ClientId) {
    world.tell(Input::Disconnected(client));
    world.tell(Input::Connected(client));
    for _ in 0..=JOINS_MAX {
        let (schema, nonce) = (Digest::of(b"schema"), Digest::ZERO);
        let join = Join { version: PROTOCOL_VERSION, schema, holding: Vec::new(), nonce };
        world.tell(Input::Message(client, Upstream::Join(join)));
    }
}

#[test]
fn strangers_and_the_evicted_are_not_let_in() {
    let mut world = World::new(9, plan(|_| {}));
    let client = VICTIM;
    world.branches.get_mut(&client).expect("a branch").connected = true;
    for strike in 1..=STRIKES_MAX {
        breach(&mut world, client);
        let expected = if strike < STRIKES_MAX { RejectCode::Misbehaved } else { RejectCode::Evicted };
        assert_eq!(rejected(&world, client), Some(expected), "strike {strike}");
        world.packets.clear();
    }
    let evicted = CoordinatorEvent::ClientEvicted { client, reason: EvictionReason::Strikes };
    assert_eq!(world.events.last(), Some(&evicted));
    // It goes on: nobody is evicted twice.
    for _ in 0..3 {
        breach(&mut world, client);
        assert_eq!(rejected(&world, client), Some(RejectCode::Evicted));
        world.packets.clear();
    }
    assert_eq!(world.events.iter().filter(|event| **event == evicted).count(), 1);
    // The word that ends its work is signed, so that it comes after what it is signed with.
    world.tell(Input::Connected(client));
    assert_eq!(rejected(&world, client), None);
    let invited = |packet: &Packet| matches!(packet, Packet::Down(_, Downstream::Invite));
    assert!(!world.packets.iter().any(invited), "whoever is out is not asked");
    let join =
        Join { version: PROTOCOL_VERSION, schema: Digest::of(b"schema"), holding: Vec::new(), nonce: Digest::ZERO };
    world.tell(Input::Message(client, Upstream::Join(join)));
    assert_eq!(rejected(&world, client), Some(RejectCode::Evicted));
}

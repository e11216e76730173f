//! What a branch refuses of a welcome, before any data is read.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{VICTIM, nine, refusals, signs, told};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{Downstream, MaskedHeader, RefusalCode, Upstream, Welcome};
use crate::plan::RoundKind;
use crate::round::agreement::welcome_message;
use crate::round::cast::{cap, coordinator_signs, next_roster, policy, roster};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{ParticipantEvent, ParticipantInput};
use crate::secagg::suite::Signature;
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// What is wrong with a welcome, the refusal that it earns, and how it becomes wrong.
type Row = (&'static str, RefusalCode, fn(&mut Welcome));

fn welcome(message: Downstream) -> Option<Box<Welcome>> {
    match message {
        Downstream::Welcome(welcome) => Some(welcome),
        _ => None,
    }
}

/// The coordinator's own signature over what the welcome says now, where that is a plan at all.
fn sign(welcome: &mut Welcome) {
    if let Ok(plan) = welcome.plan.clone().validate() {
        welcome.signature = coordinator_signs(&welcome_message::<Toy>(&plan, &welcome.roster));
    }
}

fn tell(world: &mut World, welcome: Box<Welcome>) {
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Welcome(welcome)));
}

/// Whether the victim went on to judge the plan against its data, and admitted it.
fn accepts(world: &World) -> bool {
    world.packets.iter().any(|packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. })))
}

#[test]
fn a_welcome_with_one_thing_wrong_is_refused() {
    let rows: [Row; 7] = [
        ("another protocol", RefusalCode::PlanMalformed, |welcome| welcome.version += 1),
        ("no plan", RefusalCode::PlanMalformed, |welcome| welcome.plan.rounds = 0),
        ("another schema", RefusalCode::PolicyFloor(crate::message::Floor::Schema), |welcome| {
            welcome.plan.schema.0[0] ^= 1
        }),
        ("a roster without this branch", RefusalCode::RosterInvalid, |welcome| welcome.roster = roster(4)),
        ("a roster that nobody signed", RefusalCode::RosterInvalid, |welcome| welcome.roster.signatures.clear()),
        ("a roster with a forged signature", RefusalCode::RosterInvalid, |welcome| {
            welcome.roster.signatures[0].signature.0[0] ^= 1;
        }),
        ("another purpose", RefusalCode::PolicyFloor(crate::message::Floor::Purpose), |welcome| {
            welcome.plan.purpose = "another".into();
        }),
    ];
    for (what, code, change) in rows {
        let mut world = nine();
        let mut message = told(&mut world, welcome);
        change(&mut message);
        sign(&mut message);
        tell(&mut world, message);
        assert_eq!(refusals(&world), [code], "{what}");
        assert!(!accepts(&world), "{what}");
    }
    let mut world = nine();
    let mut message = told(&mut world, welcome);
    message.signature.0[0] ^= 1;
    tell(&mut world, message);
    assert_eq!(refusals(&world), [RefusalCode::SignatureInvalid], "the coordinator did not sign it");
}

#[test]
fn an_older_roster_and_a_second_welcome_are_refused() {
    let served = plan(|_| {});
    let newer = next_roster(&roster(9).roster, 9);
    let mut world = World::new(9, served.clone());
    let file = [ParticipantEvent::RosterAccepted { head: newer.roster.head(), missing: 0 }].to_vec();
    world.reborn(VICTIM, policy(&served), file);
    world.connect_all();
    let message = told(&mut world, welcome);
    tell(&mut world, message);
    assert_eq!(refusals(&world), [RefusalCode::RosterRolledBack]);

    let mut world = nine();
    let message = told(&mut world, welcome);
    tell(&mut world, message.clone());
    assert!(accepts(&world));
    tell(&mut world, message);
    assert_eq!(refusals(&world), [RefusalCode::Unexpected], "it is welcome already");
}

/// The rest of the plan must be payable when it is admitted: what is left of the cap is, to the last round.
#[test]
fn a_plan_whose_rest_cannot_be_paid_is_refused() {
    let served = plan(|_| {});
    for (rounds, accepted) in [(8, true), (7, false)] {
        let mut world = World::new(9, served.clone());
        let mut policy = policy(&served);
        policy.cap = cap(&served, rounds);
        world.reborn(VICTIM, policy, Vec::new());
        world.connect_all();
        let message = told(&mut world, welcome);
        tell(&mut world, message);
        assert_eq!(accepts(&world), accepted, "{rounds} rounds' worth of 8");
        assert_eq!(refusals(&world).first().copied(), (!accepted).then_some(RefusalCode::BudgetExceeded));
    }
}

/// A header for a round that the victim's file does not know.
fn upload(signer: ClientId) -> MaskedHeader {
    let (descriptor, vector) = (Digest::of(b"descriptor"), Digest::of(b"vector"));
    let header = MaskedHeader { round: RoundId(3), descriptor, vector, signature: Signature(Vec::new()) };
    MaskedHeader { signature: signs(signer, &header), ..header }
}

fn adopted(world: &World) -> bool {
    let adopts = |event: &ParticipantEvent| matches!(event, ParticipantEvent::ChargesAdopted { .. });
    world.branches[&VICTIM].events.iter().any(adopts)
}

#[test]
fn only_an_upload_of_its_own_makes_a_branch_count_more() {
    for (signer, counts) in [(VICTIM, true), (ClientId(1), false)] {
        let mut world = nine();
        let mut message = told(&mut world, welcome);
        message.last_upload = Some(upload(signer));
        message.charged.rounds[0] = 3;
        tell(&mut world, message);
        assert_eq!(adopted(&world), counts, "signed by client {signer}");
        assert!(accepts(&world));
    }
}

/// The file of a branch was rolled back, and what it forgot does not fit beside what it spent elsewhere.
#[test]
fn a_record_that_is_too_old_to_be_mended_is_refused() {
    let served = plan(|_| {});
    let elsewhere = |rounds| ParticipantEvent::BudgetCharged {
        plan: Digest::of(b"another plan"),
        round: RoundId(1),
        kind: RoundKind::Train,
        at: Millis(0),
        descriptor: Digest::ZERO,
        charge: cap(&served, rounds),
    };
    for (spent, code) in [(6, RefusalCode::RecordRolledBack), (5, RefusalCode::BudgetExceeded)] {
        let mut world = World::new(9, served.clone());
        world.reborn(VICTIM, policy(&served), [elsewhere(spent)].to_vec());
        world.connect_all();
        let mut message = told(&mut world, welcome);
        message.last_upload = Some(upload(VICTIM));
        message.charged.rounds[0] = 3;
        tell(&mut world, message);
        // Three rounds are missing, of a cap of eight.
        assert_eq!(refusals(&world), [code], "{spent} of 8 rounds' worth is spent elsewhere");
        assert_eq!(adopted(&world), code == RefusalCode::BudgetExceeded);
    }
}

#[test]
fn a_plan_is_accepted_when_it_is_judged_and_once() {
    let served = plan(|_| {}).digest();
    let judged = |plan, verdict| ParticipantInput::PlanJudged { plan, verdict };
    let count = |world: &World| {
        let accepts = |packet: &&Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. }));
        world.packets.iter().filter(accepts).count()
    };
    // A verdict before the plan is known, and one about another plan.
    let mut world = nine();
    world.tell_branch(VICTIM, judged(served, Ok(())));
    assert_eq!(count(&world), 0);
    let message = told(&mut world, welcome);
    tell(&mut world, message);
    assert_eq!(count(&world), 1);
    world.tell_branch(VICTIM, judged(Digest::of(b"another plan"), Err(RefusalCode::SchemaDiffers)));
    assert_eq!(refusals(&world), []);
    world.tell_branch(VICTIM, judged(served, Ok(())));
    assert_eq!(count(&world), 1, "it was accepted before");
}

/// Keys outlive a connection as long as the coordinator names their session, and the plan is the same.
#[test]
fn keys_are_kept_for_the_sessions_of_the_same_plan() {
    type Change = (&'static str, bool, fn(&mut Welcome));
    let changes: [Change; 3] = [
        ("nothing", true, |_| {}),
        ("the session is not named", false, |welcome| welcome.sessions.clear()),
        ("another plan", false, |welcome| welcome.plan.name = "another".into()),
    ];
    for (what, kept, change) in changes {
        let mut world = nine();
        super::until(&mut world, |packet| matches!(packet, Packet::Start(VICTIM, _)));
        world.cut(VICTIM);
        world.connect(VICTIM);
        let mut message = told(&mut world, welcome);
        assert_eq!(message.sessions.len(), 1);
        change(&mut message);
        sign(&mut message);
        tell(&mut world, message);
        assert_eq!(refusals(&world), []);
        // What it says that it holds when it comes the next time.
        world.packets.clear();
        world.tell_branch(VICTIM, ParticipantInput::Disconnected);
        world.tell_branch(VICTIM, ParticipantInput::Connected);
        let holding = world.packets.iter().find_map(|packet| match packet {
            Packet::Up(VICTIM, Upstream::Join(join)) => Some(join.holding.len()),
            _ => None,
        });
        assert_eq!(holding, Some(usize::from(kept)), "{what}");
    }
}

//! What other runs of a branch do beside one: while its data are judged for that one, and while a round of it is on its way. Limits that held at the
//! welcome hold at the acceptance too, and a run that is overtaken is charged no more.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::four_eyes::{VICTIM, told_welcome};
use super::world::{Packet, World, plan};
use crate::message::{Downstream, RefusalCode, Upstream};
use crate::plan::{Caps, Grant, GrantFault, Plan, Run};
use crate::privacy::Accounts;
use crate::round::cast::{self, cap, granted, owner_signs, policy};
use crate::round::{Input, ParticipantEvent, ParticipantInput, Policy};

/// Nine branches; one of them has this policy, is welcomed, and has not judged its data yet.
fn welcomed(served: &Plan, own: &Policy) -> World {
    let mut world = World::with_policy(9, served.clone(), |_| policy(served));
    world.silent_workers = true;
    world.reborn(VICTIM, own.clone(), [cast::begun(VICTIM, false)].to_vec());
    world.connect_all();
    let welcome = told_welcome(&mut world);
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Welcome(welcome)));
    assert_eq!(world.refusals(), []);
    world
}

/// What the branch says when its data are judged to be in order.
fn verdict(world: &mut World) -> Option<RefusalCode> {
    let run = world.coordinator.run().id();
    world.tell_branch(VICTIM, ParticipantInput::RunJudged { run, verdict: Ok(()) });
    let accepts = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. }));
    let refused = world.refusals().into_iter().find(|(client, _)| *client == VICTIM);
    assert_eq!(world.packets.iter().any(accepts), refused.is_none(), "it accepts, or refuses");
    refused.map(|(_, code)| code)
}

/// What the branch says to the run when these events of others have come into its file in between.
fn says(served: &Plan, own: &Policy, between: &[ParticipantEvent]) -> Option<RefusalCode> {
    let mut world = welcomed(served, own);
    world.overtake(VICTIM, between.to_vec());
    verdict(&mut world)
}

/// Another run, accepted under a grant.
fn accepted(run: &Run, grant: &Grant) -> ParticipantEvent {
    let mut event = cast::accepted(run);
    let ParticipantEvent::RunAccepted { grant: own, .. } = &mut event else { panic!("it is accepted") };
    *own = grant.digest();
    event
}

/// Several runs that were welcomed together, each within the limits, are not accepted together beyond them.
#[test]
fn what_was_accepted_in_between_counts() {
    let served = plan(|plan| plan.runs = 2);
    let grant = owner_signs(Grant { runs: 2, ..cast::grant(&served) });
    let own = |runs: u32, rounds: u64, year: u64| {
        let mut granted = granted(&served, owner_signs(Grant { runs, ..grant.clone() }));
        granted.year = granted.run.times(year);
        Policy { cap: cap(&served, rounds), grants: [granted].to_vec(), ..policy(&served) }
    };
    let other = cast::run(plan(|plan| plan.name = "other".into()));
    let beside = |own: Policy| {
        let between = accepted(&other, &own.grants[0].grant);
        says(&served, &own, &[between])
    };
    assert_eq!(says(&served, &own(1, 8, 1), &[]), None, "alone it fits");
    assert_eq!(beside(own(2, 16, 2)), None, "and beside another one, where there is enough for both");
    assert_eq!(beside(own(2, 15, 2)), Some(RefusalCode::BudgetExceeded));
    assert_eq!(beside(own(1, 16, 2)), Some(RefusalCode::NotGranted(GrantFault::Uses)));
    assert_eq!(beside(own(2, 16, 1)), Some(RefusalCode::NotGranted(GrantFault::EpsilonYear)));
    // A later run of the same plan.
    let later = Run::new(served.clone().validate().expect("valid"), 2).expect("it has two");
    assert_eq!(says(&served, &own(2, 16, 2), &[accepted(&later, &grant)]), Some(RefusalCode::NotDue));
}

/// What a head or an owner takes away while the data are judged is not there any more.
#[test]
fn what_was_taken_away_in_between_is_gone() {
    let served = plan(|_| {});
    let own = policy(&served);
    let withdrawal = cast::withdrawal(&own.grants[0].grant);
    let withdrawn = [ParticipantEvent::GrantWithdrawn { withdrawal }];
    assert_eq!(says(&served, &own, &withdrawn), Some(RefusalCode::NotGranted(GrantFault::Withdrawn)));
    let lower = [ParticipantEvent::CapsNoted { caps: Caps { life_bits: 7.0_f64.to_bits(), ..own.caps } }];
    assert_eq!(says(&served, &own, &lower), Some(RefusalCode::CapsHigher));
    let mut world = welcomed(&served, &own);
    world.branches.get_mut(&VICTIM).expect("a branch").machine.set_grants(Vec::new());
    assert_eq!(verdict(&mut world), Some(RefusalCode::NotGranted(GrantFault::None)));
}

/// Another run brings a newer roster while the data are judged. Nothing is promised under the one before: the branch asks anew, and takes part.
#[test]
fn a_newer_roster_in_between_makes_the_branch_ask_anew() {
    let served = plan(|_| {});
    let mut world = welcomed(&served, &policy(&served));
    let newer = cast::next_roster(&cast::roster(9).roster, 9);
    let brought = ParticipantEvent::RosterAccepted { head: newer.roster.head(), missing: 0 };
    world.overtake(VICTIM, [brought].to_vec());
    world.silent_workers = false;
    world.tell(Input::Roster(Box::new(newer)));
    let run = world.coordinator.run().id();
    world.tell_branch(VICTIM, ParticipantInput::RunJudged { run, verdict: Ok(()) });
    let says = |packet: &Packet| match packet {
        Packet::Up(VICTIM, message) => Some(matches!(message, Upstream::Join(_))),
        _ => None,
    };
    assert_eq!(world.packets.iter().rev().find_map(says), Some(true), "it asks anew");
    world.run();
    assert_eq!((world.refusals(), world.branches[&VICTIM].finished), ([].to_vec(), Some(5)));
}

/// Another run uses the grant in hand up while the data are judged, and the owner has given another one: the branch asks anew, and takes part under that.
#[test]
fn a_grant_that_was_used_up_in_between_makes_room_for_another() {
    let served = plan(|_| {});
    let grants = [1, 2].map(|nonce| owner_signs(Grant { runs: 1, nonce: [nonce; 16], ..cast::grant(&served) }));
    let own = |grants: &[Grant]| {
        let grants = grants.iter().map(|grant| granted(&served, grant.clone())).collect();
        Policy { cap: cap(&served, 100), grants, ..policy(&served) }
    };
    let between = accepted(&cast::run(plan(|plan| plan.name = "other".into())), &grants[0]);
    assert_eq!(
        says(&served, &own(&grants[..1]), core::slice::from_ref(&between)),
        Some(RefusalCode::NotGranted(GrantFault::Uses))
    );
    // By its uses, or by its year.
    let mut of_the_year = own(&[Grant { runs: 2, ..grants[0].clone() }, grants[1].clone()].map(owner_signs));
    of_the_year.grants[0].year = of_the_year.grants[0].run.clone();
    for own in [own(&grants), of_the_year] {
        let [first, second] = [0, 1].map(|number: usize| &own.grants[number].grant);
        let between = accepted(&cast::run(plan(|plan| plan.name = "other".into())), first);
        let mut world = welcomed(&served, &own);
        world.overtake(VICTIM, [between].to_vec());
        world.silent_workers = false;
        let run = world.coordinator.run().id();
        world.tell_branch(VICTIM, ParticipantInput::RunJudged { run, verdict: Ok(()) });
        world.run();
        assert_eq!((world.refusals(), world.branches[&VICTIM].finished), ([].to_vec(), Some(5)));
        let record = world.branches[&VICTIM].machine.record();
        assert_eq!(record.accepted[&world.coordinator.run().reference()].grant, second.digest());
    }
}

/// Another run brings a newer roster, and a signed start under the one before is on its way: nothing is charged under that, and the branch asks anew.
#[test]
fn a_start_under_a_roster_that_was_overtaken_charges_nothing() {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    world.connect_all();
    while !world.packets.iter().any(|packet| matches!(packet, Packet::Start(VICTIM, _))) {
        assert!(world.step(), "a round begins");
    }
    let newer = cast::next_roster(&cast::roster(9).roster, 9);
    let brought = ParticipantEvent::RosterAccepted { head: newer.roster.head(), missing: 0 };
    world.overtake(VICTIM, [brought].to_vec());
    while world.packets.iter().any(|packet| matches!(packet, Packet::Start(VICTIM, _))) {
        assert!(world.step(), "the start arrives");
    }
    assert_eq!(world.branches[&VICTIM].machine.record().spent, Accounts::zero());
    let asks = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Join(_)));
    assert!(world.packets.iter().any(asks), "it asks anew");
    world.tell(Input::Roster(Box::new(newer)));
    world.run();
    world.pass_deadlines();
    assert_eq!((world.refusals(), world.finished), ([].to_vec(), Some(true)));
    assert!(world.branches[&VICTIM].machine.record().spent != Accounts::zero(), "it takes part under the newer one");
}

/// A later run of the plan is accepted, and a signed start of this one is on its way: nothing is charged, and the process does not end.
#[test]
fn a_start_in_a_run_that_was_overtaken_is_refused() {
    let served = plan(|plan| plan.runs = 2);
    let mut world = World::new(9, served.clone());
    world.connect_all();
    while !world.packets.iter().any(|packet| matches!(packet, Packet::Start(VICTIM, _))) {
        assert!(world.step(), "a round begins");
    }
    let later = Run::new(served.validate().expect("valid"), 2).expect("it has two");
    world.overtake(VICTIM, [cast::accepted(&later)].to_vec());
    world.run();
    assert_eq!(world.refusals(), [(VICTIM, RefusalCode::NotDue)]);
    assert_eq!(world.branches[&VICTIM].machine.record().spent, Accounts::zero());
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "the others go on");
}

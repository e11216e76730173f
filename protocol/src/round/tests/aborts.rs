//! Who ends a plan for good, what becomes of its run, and that nothing brings it back.

use super::orders::{OPERATOR, OTHER_OWNER, SECOND, after_two_rounds, order, people, signed, world};
use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::ClosedReason;
use crate::plan::{Attestation, AttestationFault, Run};
use crate::privacy::Accounts;
use crate::role::{Action, Role};
use crate::round::cast::{self, APPROVER, PROPOSER};
use crate::round::orders::order_digest;
use crate::round::{
    CoordinatorEvent, CoordinatorSettings, Input, OrderFault, Orders, ParticipantEvent, RunEnd, RunRecord,
};

const OFFICER: (&str, Role) = (APPROVER, Role::PrivacyOfficer);

fn abort((staff, role): (&str, Role)) -> Attestation {
    signed(staff, role, Action::AbortPlan, plan(|_| {}).digest())
}

/// The run is over without a model, and every branch that was told has let go of it.
fn is_over(world: &World, by: &str) {
    let record = world.coordinator.record();
    assert_eq!((world.finished, record.finished, record.released()), (Some(false), Some(false), None));
    let Some(CoordinatorEvent::RunFinished { model, rounds, complete: false }) = world.events.last() else {
        panic!("{:?}", world.events.last())
    };
    assert_eq!((Some(*model), *rounds), (record.model, record.committed_all()));
    let last = RunRecord::replay(&world.events[..world.events.len() - 1]).expect("a ledger in order");
    let told = last.describe(world.events.last().expect("one"));
    assert!(told.contains(by) && told.ends_with("aborted the plan: it releases nothing"), "{told}");
    for branch in world.branches.values() {
        let told = branch.stopped.as_deref().unwrap_or_default();
        assert!(told.contains("the plan was aborted by") && told.contains(by), "{told}");
        assert_eq!(branch.finished, None);
        let ended =
            |event: &ParticipantEvent| matches!(event, ParticipantEvent::RunEnded { how: RunEnd::Dismissed, .. });
        let accepted = |event: &ParticipantEvent| matches!(event, ParticipantEvent::RunAccepted { .. });
        assert_eq!(branch.events.iter().any(ended), branch.events.iter().any(accepted));
        assert_eq!(branch.machine.record().reserved(), Accounts::zero(), "what it had reserved is free");
    }
}

#[test]
fn one_person_whose_role_it_is_ends_a_plan_at_once() {
    for who in [OFFICER, (SECOND, Role::PrivacyOfficer), (PROPOSER, Role::PlanOwner)] {
        let mut world = after_two_rounds();
        let reserved = world.branches[&ClientId(1)].machine.record().reserved();
        assert!(reserved != Accounts::zero());
        assert!(order(&mut world, &abort(who)), "{who:?}");
        assert_eq!(world.aborts(), [ClosedReason::Ordered], "the open round ends without a sum");
        world.run();
        is_over(&world, who.0);
    }
}

/// No word and no connection lets it go on.
#[test]
fn nothing_brings_it_back() {
    let mut world = after_two_rounds();
    let stop = abort(OFFICER);
    assert!(order(&mut world, &stop));
    world.run();
    let events = world.events.len();
    for (staff, role, action) in [
        (PROPOSER, Role::PlanOwner, Action::ResumePlan),
        (SECOND, Role::PrivacyOfficer, Action::ResumePlan),
        (OPERATOR, Role::PlatformOperator, Action::Thaw),
        (SECOND, Role::PrivacyOfficer, Action::Thaw),
    ] {
        assert!(!order(&mut world, &signed(staff, role, action, order_digest(&stop))), "{staff} {action}");
    }
    assert!(!order(&mut world, &abort((SECOND, Role::PrivacyOfficer))) && !order(&mut world, &stop));
    world.connect_all();
    world.run();
    world.pass_deadlines();
    assert_eq!(world.events.len(), events, "a plan that is over leaves no more traces");
    is_over(&world, APPROVER);
}

/// Before anybody was asked for anything as well.
#[test]
fn a_plan_can_be_ended_before_its_first_session() {
    let mut world = world(people());
    world.connect_all();
    assert!(order(&mut world, &abort(OFFICER)));
    world.run();
    is_over(&world, APPROVER);
}

/// What was ordered goes over to a later run of the same plan, and to no other plan.
#[test]
fn a_later_run_of_the_plan_ends_as_it_begins() {
    let served = plan(|plan| plan.runs = 2);
    let mut orders = Orders::default();
    orders.apply(&signed(APPROVER, Role::PrivacyOfficer, Action::AbortPlan, served.digest()));
    assert_eq!(orders.carried_to(&plan(|_| {}).digest()), Orders::default());
    let run = Run::new(served.clone().validate().expect("a plan"), 2).expect("its second run");
    let settings = CoordinatorSettings { run, orders, ..cast::settings(9, served.clone()) };
    let mut world = World::with_settings(settings, |_| cast::policy(&served));
    world.connect_all();
    world.run();
    is_over(&world, APPROVER);
    let began = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::SessionOpened { .. });
    assert!(!world.events.iter().any(began));
}

/// The coordinator's process ends after the order was taken, before it could say that the run is over.
#[test]
fn a_coordinator_that_starts_again_after_the_order_ends_the_run() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().round.is_none() {
        assert!(world.step());
    }
    assert!(order(&mut world, &abort(OFFICER)));
    let taken = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::OrderTaken { .. });
    let kept = world.events.iter().position(taken).expect("it was taken") + 1;
    world.shorten(kept);
    world.finished = None;
    world.restart_coordinator(9, plan(|_| {}));
    world.run();
    is_over(&world, APPROVER);
}

/// A sum that was opened before the order is used; the run ends after it.
#[test]
fn a_sum_that_is_open_already_is_used_before_the_end() {
    let mut world = after_two_rounds();
    let committed = world.coordinator.record().committed_all();
    while !world.coordinator.record().certified {
        assert!(world.step());
    }
    world.silent_workers = true;
    while !world.coordinator.wait().reason.contains("arithmetic") {
        assert!(world.step(), "{}", world.coordinator.wait().reason);
    }
    assert!(order(&mut world, &abort(OFFICER)));
    assert_eq!((world.finished, world.aborts()), (None, [].into()));
    assert!(world.coordinator.record().state().contains("awaits its sum"));
    assert!(!order(&mut world, &abort((SECOND, Role::PrivacyOfficer))), "it is ended already");
    let round = world.coordinator.record().round.as_ref().expect("it is open").round;
    world.tell(Input::Updated { round, sum: Digest::of(b"sum"), model: Digest::of(b"model") });
    world.silent_workers = false;
    world.run();
    assert_eq!(world.coordinator.record().committed_all(), committed + 1);
    is_over(&world, APPROVER);
}

/// A plan that is paused, or a federation that is frozen, can be ended; and somebody who has paused it may.
#[test]
fn what_is_stopped_can_be_ended() {
    let digest = plan(|_| {}).digest();
    for (action, subject) in [(Action::PausePlan, digest), (Action::Freeze, cast::federation())] {
        let mut world = after_two_rounds();
        assert!(order(&mut world, &signed(APPROVER, Role::PrivacyOfficer, action, subject)));
        world.run();
        assert!(order(&mut world, &abort(OFFICER)), "{action}");
        world.run();
        is_over(&world, APPROVER);
    }
}

/// Who may not changes nothing, and each is told why.
#[test]
fn an_abort_of_nobody_whose_role_it_is_changes_nothing() {
    let digest = plan(|_| {}).digest();
    let mut forged = abort(OFFICER);
    forged.signature.bytes[3] ^= 1;
    let mut elsewhere = abort(OFFICER);
    elsewhere.federation.0[0] ^= 1;
    for (bad, fault) in [
        (forged, AttestationFault::Signature),
        (elsewhere, AttestationFault::Federation),
        (abort((OPERATOR, Role::PlatformOperator)), AttestationFault::Duty),
        (abort((OTHER_OWNER, Role::PlanOwner)), AttestationFault::Duty),
        (abort((APPROVER, Role::PlanOwner)), AttestationFault::Duty),
        (abort((PROPOSER, Role::PrivacyOfficer)), AttestationFault::Role),
        (abort(("bank-1/stranger", Role::PrivacyOfficer)), AttestationFault::Person),
        (signed(APPROVER, Role::PrivacyOfficer, Action::AbortPlan, cast::federation()), AttestationFault::Subject),
        (signed(APPROVER, Role::PrivacyOfficer, Action::RejectPlan, digest), AttestationFault::Subject),
    ] {
        let mut world = after_two_rounds();
        assert!(!order(&mut world, &bad), "{} {}", bad.staff, bad.action);
        assert_eq!(world.order_faults, [OrderFault::Person(fault)], "{}", bad.staff);
        world.run();
        assert_eq!(world.finished, Some(true));
    }
}

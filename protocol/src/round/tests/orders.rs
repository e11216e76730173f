//! Who stops a plan or the federation, and what it takes to go on.

use super::world::{World, plan};
use crate::digest::Digest;
use crate::message::ClosedReason;
use crate::plan::{Attestation, AttestationFault};
use crate::role::{Action, Role};
use crate::roster::Roster;
use crate::round::cast::{self, APPROVER, PROPOSER, attestation, person};
use crate::round::orders::order_digest;
use crate::round::{CoordinatorEvent, Input, OrderFault, RunRecord};

const OPERATOR: &str = "bank-1/operator";
const SECOND: &str = "bank-1/second";

fn world() -> World {
    let mut settings = cast::settings(9, plan(|_| {}));
    let mut people = cast::people();
    people.extend([person(OPERATOR, Role::PlatformOperator), person(SECOND, Role::PrivacyOfficer)]);
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let entries = cast::roster(9).roster.entries().to_vec();
    let roster = Roster::new(1, Digest::ZERO, entries, alloc::vec::Vec::new(), people);
    settings.roster = cast::signed_by_authority(roster.expect("a roster"));
    let served = plan(|_| {});
    World::with_settings(settings, |_| cast::policy(&served))
}

fn after_two_rounds() -> World {
    let mut world = world();
    world.connect_all();
    while world.coordinator.record().committed_all() < 2 || world.coordinator.record().round.is_none() {
        assert!(world.step(), "rounds go on");
    }
    world
}

fn order(world: &mut World, order: &Attestation) -> bool {
    let before = world.events.len();
    world.tell(Input::Ordered(order.clone().into()));
    let taken =
        |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::OrderTaken { order: taken } if taken == order);
    world.events[before..].iter().any(taken)
}

fn signed(staff: &str, role: Role, action: Action, subject: Digest) -> Attestation {
    attestation(staff, role, action, subject)
}

fn stands_still(world: &mut World) {
    let started = |world: &World| {
        world.events.iter().filter(|event| matches!(event, CoordinatorEvent::RoundStarted { .. })).count()
    };
    let before = started(world);
    world.run();
    world.pass_deadlines();
    assert_eq!((started(world), world.finished), (before, None));
}

#[test]
fn one_person_stops_at_once_and_two_roles_let_it_go_on() {
    let plan_digest = plan(|_| {}).digest();
    let cases = [
        (
            APPROVER,
            Role::PrivacyOfficer,
            Action::Freeze,
            cast::federation(),
            [(OPERATOR, Role::PlatformOperator), (SECOND, Role::PrivacyOfficer)],
        ),
        (
            OPERATOR,
            Role::PlatformOperator,
            Action::Freeze,
            cast::federation(),
            [(OPERATOR, Role::PlatformOperator), (APPROVER, Role::PrivacyOfficer)],
        ),
        (
            PROPOSER,
            Role::PlanOwner,
            Action::PausePlan,
            plan_digest,
            [(PROPOSER, Role::PlanOwner), (APPROVER, Role::PrivacyOfficer)],
        ),
        (
            SECOND,
            Role::PrivacyOfficer,
            Action::PausePlan,
            plan_digest,
            [(SECOND, Role::PrivacyOfficer), (PROPOSER, Role::PlanOwner)],
        ),
    ];
    for (staff, role, action, subject, lifting) in cases {
        let mut world = after_two_rounds();
        let stop = signed(staff, role, action, subject);
        assert!(order(&mut world, &stop), "{staff} {action}");
        let aborted = |event: &CoordinatorEvent| {
            matches!(event, CoordinatorEvent::RoundAborted { reason: ClosedReason::Ordered, .. })
        };
        assert!(world.events.iter().any(aborted), "the open round ends without a sum");
        let held = world.coordinator.lacking().expect("it says why");
        assert!(held.contains(staff) && held.contains(&alloc::format!("{}", order_digest(&stop))), "{held}");
        stands_still(&mut world);
        assert!(!order(&mut world, &stop), "the same order again changes nothing");
        let lifts = if action == Action::Freeze { Action::Thaw } else { Action::ResumePlan };
        let digest = order_digest(&stop);
        // Another officer is no other role, and a word that names another order lifts none.
        let [first, second] = lifting;
        assert!(!order(&mut world, &signed(first.0, first.1, lifts, subject)), "it does not name the order");
        assert!(order(&mut world, &signed(first.0, first.1, lifts, digest)));
        assert!(!order(&mut world, &signed(first.0, first.1, lifts, digest)), "once");
        let same_role = if first.0 == SECOND { APPROVER } else { SECOND };
        if first.1 == Role::PrivacyOfficer {
            assert!(!order(&mut world, &signed(same_role, first.1, lifts, digest)), "the same role is no second one");
        }
        stands_still(&mut world);
        assert!(order(&mut world, &signed(second.0, second.1, lifts, digest)), "{second:?}");
        world.run();
        world.pass_deadlines();
        world.run();
        assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
        let replayed = RunRecord::replay(&world.events).expect("a ledger in order");
        assert!(!replayed.orders.stop());
    }
}

/// What does not count changes nothing: no event, no pause.
#[test]
fn an_order_of_nobody_whose_role_it_is_changes_nothing() {
    let plan_digest = plan(|_| {}).digest();
    let mut forged = signed(APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    forged.signature.bytes[3] ^= 1;
    let mut late = signed(APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    late.at = 1;
    for bad in [
        forged,
        late,
        signed(PROPOSER, Role::PlanOwner, Action::Freeze, cast::federation()),
        signed(OPERATOR, Role::PlatformOperator, Action::PausePlan, plan_digest),
        signed(APPROVER, Role::PrivacyOfficer, Action::PausePlan, cast::federation()),
        signed(APPROVER, Role::PrivacyOfficer, Action::Freeze, plan_digest),
        signed(APPROVER, Role::PrivacyOfficer, Action::Thaw, cast::federation()),
        signed(APPROVER, Role::PrivacyOfficer, Action::ApprovePlan, plan_digest),
        signed("bank-1/stranger", Role::PrivacyOfficer, Action::Freeze, cast::federation()),
    ] {
        let mut world = after_two_rounds();
        assert!(!order(&mut world, &bad), "{} {}", bad.staff, bad.action);
        assert_eq!(world.order_faults.len(), 1, "the operator hears why");
        world.run();
        assert_eq!(world.finished, Some(true));
    }
}

/// An order may come before the roster that has whoever signed it. Orders that are known already come again with every start, and nobody is told.
#[test]
fn an_order_waits_for_the_roster_that_has_its_signer() {
    let mut world = after_two_rounds();
    let new = "bank-1/third";
    let stop = signed(new, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    assert!(!order(&mut world, &stop));
    assert_eq!(world.order_faults, [OrderFault::Person(AttestationFault::Person)]);
    let mut people = world.coordinator.record().roster.as_ref().expect("one is in force").people().to_vec();
    people.push(person(new, Role::PrivacyOfficer));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let roster =
        Roster::new(2, cast::roster(9).roster.digest(), cast::roster(9).roster.entries().to_vec(), [].into(), people);
    world.tell(Input::Roster(cast::signed_by_authority(roster.expect("a roster")).into()));
    world.run();
    let taken = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::OrderTaken { order } if *order == stop);
    assert!(world.events.iter().any(taken), "{:?}", world.order_faults);
    stands_still(&mut world);
    assert!(!order(&mut world, &stop));
    assert_eq!(world.order_faults.len(), 1, "what is known is not told again");
}

/// An order that was lifted does not come back with its file.
#[test]
fn an_old_order_stops_nothing_again_and_an_old_word_lifts_nothing_new() {
    let mut world = after_two_rounds();
    let stop = signed(APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    assert!(order(&mut world, &stop));
    let words = [(OPERATOR, Role::PlatformOperator), (SECOND, Role::PrivacyOfficer)]
        .map(|(staff, role)| signed(staff, role, Action::Thaw, order_digest(&stop)));
    assert!(words.iter().all(|word| order(&mut world, word)));
    assert!(!order(&mut world, &stop));
    let again = signed(SECOND, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    assert!(order(&mut world, &again));
    assert!(words.iter().all(|word| !order(&mut world, word)), "they name the order before");
    stands_still(&mut world);
}

//! Who stops a plan or the federation, and what it takes to go on.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::membership::install;
use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::limits::ORDERS_UNHEARD_MAX;
use crate::message::ClosedReason;
use crate::message::SignedBody as _;
use crate::plan::{Attestation, AttestationFault};
use crate::role::{Action, Role};
use crate::roster::{Person, Roster, Scope, SignedRoster};
use crate::round::cast::{self, APPROVER, PROPOSER, attestation, person, person_key};
use crate::round::orders::order_digest;
use crate::round::{CoordinatorEvent, CoordinatorSettings, Input, OrderFault, Orders, RunRecord};
use crate::secagg::suite::Suite as _;
use crate::secagg::toy::Toy;
use crate::time::Millis;

pub(super) const OPERATOR: &str = "bank-1/operator";
pub(super) const SECOND: &str = "bank-1/second";
/// A plan owner, and not of this plan.
pub(super) const OTHER_OWNER: &str = "bank-1/other-owner";

pub(super) fn people() -> Vec<Person> {
    let mut people = cast::people();
    people.extend([person(OPERATOR, Role::PlatformOperator), person(SECOND, Role::PrivacyOfficer)]);
    people.push(person(OTHER_OWNER, Role::PlanOwner));
    people
}

/// The cast's first roster with these people.
pub(super) fn roster_with(clients: u32, mut people: Vec<Person>) -> SignedRoster {
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let entries = cast::roster(clients).roster.entries().to_vec();
    cast::signed_by_authority(Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster"))
}

pub(super) fn world(people: Vec<Person>) -> World {
    let settings = CoordinatorSettings { roster: roster_with(9, people), ..cast::settings(9, plan(|_| {})) };
    let served = plan(|_| {});
    World::with_settings(settings, |_| cast::policy(&served))
}

pub(super) fn after_two_rounds() -> World {
    let mut world = world(people());
    world.connect_all();
    while world.coordinator.record().committed_all() < 2 || world.coordinator.record().round.is_none() {
        assert!(world.step(), "rounds go on");
    }
    world
}

pub(super) fn order(world: &mut World, order: &Attestation) -> bool {
    let before = world.events.len();
    world.tell(Input::Ordered(order.clone().into()));
    let taken =
        |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::OrderTaken { order: taken } if taken == order);
    world.events[before..].iter().any(taken)
}

pub(super) fn signed(staff: &str, role: Role, action: Action, subject: Digest) -> Attestation {
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

/// A world in the middle of a round, five minutes and more after the beginning of all clocks.
fn later(people: Vec<Person>) -> World {
    let mut world = world(people);
    world.now = Millis(302_000);
    world.connect_all();
    while world.coordinator.record().round.is_none() {
        assert!(world.step(), "a round begins");
    }
    world
}

/// The roster after the one of [`world`], with these people.
fn next(mut people: Vec<Person>) -> SignedRoster {
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let last = cast::roster(9).roster;
    let roster = Roster::new(2, last.digest(), last.entries().to_vec(), Vec::new(), people);
    cast::signed_by_authority(roster.expect("a roster"))
}

/// Whatever the roster in force lacks of the signer the next one may have: branches, time, principal, and key.
#[test]
fn an_order_waits_for_the_roster_that_cures_its_signer() {
    const PRINCIPAL: &str = "bank-1/principal";
    let stop = signed(SECOND, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    type Change = fn(&mut Person);
    let cases: [(Change, AttestationFault); 4] = [
        (|second| second.holdings[0].scope = Scope::Organisation(OrganisationId(1)), AttestationFault::Scope),
        (|second| second.holdings[0].until = 1, AttestationFault::Ended),
        (|second| second.holdings[0].deputy_of = Some(cast::staff(PRINCIPAL)), AttestationFault::Principal),
        (|second| second.signing_key = Toy::verifying_key(&[77; 32]), AttestationFault::Signature),
    ];
    for (change, fault) in cases {
        let mut principal = person(PRINCIPAL, Role::PrivacyOfficer);
        principal.holdings[0].until = 1;
        let mut before = [people(), [principal].into()].concat();
        before.iter_mut().filter(|person| person.staff == cast::staff(SECOND)).for_each(change);
        let mut world = later(before);
        assert!(!order(&mut world, &stop));
        assert_eq!(world.order_faults, [OrderFault::Person(fault)]);
        world.tell(Input::Roster(next(people()).into()));
        world.run();
        assert!(world.coordinator.record().orders.knows(&stop), "{fault}: {:?}", world.order_faults);
    }
}

/// As many orders wait as may, each once; who brings more of them has to bring them again.
#[test]
fn orders_that_wait_are_bounded_and_each_waits_once() {
    let stop = signed("bank-1/third", Role::PrivacyOfficer, Action::Freeze, cast::federation());
    let most = u64::try_from(ORDERS_UNHEARD_MAX).expect("a few");
    let cases: [(Vec<u64>, bool); 3] =
        [((1..most).collect(), true), ((0..most).collect(), false), ((0..most).map(|_| 0).collect(), true)];
    for (before, taken) in cases {
        let mut world = later(people());
        before.into_iter().for_each(|at| assert!(!order(&mut world, &freeze_at("bank-1/stranger", at))));
        assert!(!order(&mut world, &stop));
        let third = person("bank-1/third", Role::PrivacyOfficer);
        world.tell(Input::Roster(next([people(), [third].into()].concat()).into()));
        world.run();
        assert_eq!(world.coordinator.record().orders.knows(&stop), taken);
    }
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

/// An order of a second of its own.
fn freeze_at(staff: &str, at: u64) -> Attestation {
    let mut order = signed(staff, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    order.at = at;
    order.signature = Toy::sign(&person_key(staff), &order.to_sign::<Toy>());
    order
}

/// Two roles lift an order, and the run goes on to its end if no other one stands.
fn lift(world: &mut World, stop: &Attestation) {
    for (staff, role) in [(OPERATOR, Role::PlatformOperator), (SECOND, Role::PrivacyOfficer)] {
        assert!(order(world, &signed(staff, role, Action::Thaw, order_digest(stop))), "{:?}", world.order_faults);
    }
}

/// Whoever stops again and again needs no more words to be let go on than one order takes.
#[test]
fn one_person_stops_once_and_whatever_stands_can_be_lifted() {
    let mut world = after_two_rounds();
    let stops: Vec<Attestation> = (0..16).map(|at| freeze_at(APPROVER, at)).collect();
    let taken = stops.iter().filter(|stop| order(&mut world, stop)).count();
    assert_eq!((taken, world.order_faults.len()), (1, 15));
    assert!(world.order_faults.iter().all(|fault| matches!(fault, OrderFault::Rule(_))), "{:?}", world.order_faults);
    // Another action of the same person is another matter.
    let pause = signed(APPROVER, Role::PrivacyOfficer, Action::PausePlan, plan(|_| {}).digest());
    assert!(order(&mut world, &pause));
    for (staff, role) in [(PROPOSER, Role::PlanOwner), (SECOND, Role::PrivacyOfficer)] {
        assert!(order(&mut world, &signed(staff, role, Action::ResumePlan, order_digest(&pause))));
    }
    stands_still(&mut world);
    lift(&mut world, &stops[0]);
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
    // As many as may stand, of as many people: one more is refused, and each of them is lifted.
    let officers: Vec<String> = (10..27).map(|number| alloc::format!("bank-1/o{number}")).collect();
    let mut everybody = people();
    everybody.extend(officers.iter().map(|officer| person(officer, Role::PrivacyOfficer)));
    let mut world = self::world(everybody);
    world.connect_all();
    let stops: Vec<Attestation> = officers.iter().map(|officer| freeze_at(officer, 0)).collect();
    let taken: Vec<bool> = stops.iter().map(|stop| order(&mut world, stop)).collect();
    assert_eq!(taken, [[true; 16].as_slice(), &[false]].concat());
    for stop in &stops[..16] {
        stands_still(&mut world);
        lift(&mut world, stop);
    }
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
}

/// Whoever has agreed that an order is lifted and has lost the role since, or the key, has not agreed.
#[test]
fn a_roster_that_takes_a_role_takes_the_word_that_was_given_in_it() {
    let renamed = |mut people: Vec<Person>| {
        let second = people.iter_mut().filter(|person| person.staff == cast::staff(SECOND));
        second.for_each(|person| person.signing_key = Toy::verifying_key(&[77; 32]));
        people
    };
    let without = |mut people: Vec<Person>| {
        people.retain(|person| person.staff != cast::staff(SECOND));
        people
    };
    let kept = |people: Vec<Person>| people;
    type Change = fn(Vec<Person>) -> Vec<Person>;
    let changes: [(Change, bool); 3] = [(kept, true), (renamed, false), (without, false)];
    for (change, counts) in changes {
        let mut world = after_two_rounds();
        let stop = freeze_at(PROPOSER, 0);
        assert!(!order(&mut world, &stop), "no role of the plan's owner");
        let stop = freeze_at(APPROVER, 0);
        assert!(order(&mut world, &stop));
        assert!(order(&mut world, &signed(SECOND, Role::PrivacyOfficer, Action::Thaw, order_digest(&stop))));
        let before = world.coordinator.record().roster.clone().expect("one is in force");
        let next =
            Roster::new(2, before.digest(), before.entries().to_vec(), Vec::new(), change(before.people().to_vec()));
        install(&mut world, &cast::signed_by_authority(next.expect("a roster")));
        assert!(order(&mut world, &signed(OPERATOR, Role::PlatformOperator, Action::Thaw, order_digest(&stop))));
        assert_eq!(world.coordinator.record().orders.stop(), !counts, "one of two words is left");
        if !counts {
            assert!(order(&mut world, &signed(APPROVER, Role::PrivacyOfficer, Action::Thaw, order_digest(&stop))));
        }
        assert!(!world.coordinator.record().orders.stop());
        for client in (1..=9).map(ClientId) {
            world.cut(client);
            world.connect(client);
        }
        world.run();
        world.pass_deadlines();
        assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
    }
}

/// A freeze does not end with a run, and neither does a pause of the plan whose next run begins; a pause of another plan does.
#[test]
fn orders_that_stand_go_over_to_the_next_run() {
    let served = plan(|plan| plan.runs = 2);
    let freeze = signed(APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    let own = signed(APPROVER, Role::PrivacyOfficer, Action::PausePlan, served.digest());
    let other = signed(SECOND, Role::PrivacyOfficer, Action::PausePlan, plan(|_| {}).digest());
    let lifted = signed(SECOND, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    // As the runs before have left them: the ledger of each plan takes its own.
    let left = |orders: &[&Attestation]| {
        let mut left = Orders::default();
        for order in orders {
            left.apply(order);
        }
        for (staff, role) in [(OPERATOR, Role::PlatformOperator), (APPROVER, Role::PrivacyOfficer)] {
            left.apply(&signed(staff, role, Action::Thaw, order_digest(&lifted)));
        }
        left
    };
    let cases: [(&[&Attestation], usize); 4] = [
        (&[&freeze, &lifted], 1),
        (&[&own, &lifted], 1),
        (&[&other, &lifted], 0),
        (&[&freeze, &own, &other, &lifted], 2),
    ];
    for (standing, carried) in cases {
        let mut settings = CoordinatorSettings { orders: left(standing), ..cast::settings(9, served.clone()) };
        settings.run = crate::plan::Run::new(served.clone().validate().expect("valid"), 2).expect("its second run");
        let in_force = world(people()).coordinator.record().roster.clone().expect("one is in force");
        settings.roster = cast::signed_by_authority(in_force);
        let mut world = World::with_settings(settings, |_| cast::policy(&served));
        world.connect_all();
        let second = world.events.get(1);
        let told = second.is_some_and(|event| matches!(event, CoordinatorEvent::OrdersCarried { .. }));
        assert!(told, "what was lifted is carried over as well: {second:?}");
        assert_eq!(world.coordinator.record().orders.standing().count(), carried);
        assert!(!order(&mut world, &lifted), "an old order stops nothing again");
        if carried == 0 {
            world.run();
            assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
            continue;
        }
        stands_still(&mut world);
        for stop in standing.iter().filter(|stop| **stop != &lifted && **stop != &other) {
            stands_still(&mut world);
            let (action, first) = match stop.action {
                Action::Freeze => (Action::Thaw, (OPERATOR, Role::PlatformOperator)),
                _ => (Action::ResumePlan, (PROPOSER, Role::PlanOwner)),
            };
            for (staff, role) in [first, (SECOND, Role::PrivacyOfficer)] {
                assert!(order(&mut world, &signed(staff, role, action, order_digest(stop))));
            }
        }
        world.run();
        world.pass_deadlines();
        assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
    }
}

/// The process is killed with any part of its ledger on the disk, and starts again: its folder of orders tells it all of them once more, and what was not
/// written is taken again. The end is the same wherever it was killed.
#[test]
fn a_kill_at_any_moment_of_orders_changes_nothing_of_what_they_come_to() {
    let stop = freeze_at(APPROVER, 0);
    let words = [(OPERATOR, Role::PlatformOperator), (SECOND, Role::PrivacyOfficer)]
        .map(|(staff, role)| signed(staff, role, Action::Thaw, order_digest(&stop)));
    for count in 1..=3 {
        let files: Vec<&Attestation> = core::iter::once(&stop).chain(&words).take(count).collect();
        let moments = {
            let mut world = after_two_rounds();
            let before = world.events.len();
            assert!(files.iter().all(|file| order(&mut world, file)));
            before..=world.events.len()
        };
        for kept in moments {
            let mut world = after_two_rounds();
            files.iter().for_each(|file| world.tell(Input::Ordered(Box::new((*file).clone()))));
            let roster = cast::signed_by_authority(world.coordinator.record().roster.clone().expect("one is in force"));
            world.forget_events_after(kept);
            world.restart_with(CoordinatorSettings { roster, ..cast::settings(9, plan(|_| {})) });
            files.iter().for_each(|file| world.tell(Input::Ordered(Box::new((*file).clone()))));
            assert_eq!(world.coordinator.record().orders.stop(), count < 3, "{count} orders, {kept} events");
            for client in (1..=9).map(ClientId) {
                world.cut(client);
                world.connect(client);
            }
            if count < 3 {
                stands_still(&mut world);
                continue;
            }
            world.run();
            world.pass_deadlines();
            assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
        }
    }
}

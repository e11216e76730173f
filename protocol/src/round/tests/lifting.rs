//! What orders come to by themselves: what is known, what would change something, and what a roster takes away.

use alloc::vec::Vec;

use super::orders::{OPERATOR, SECOND, people, roster_with, signed};
use super::world::plan;
use crate::digest::Digest;
use crate::plan::{Attestation, Over};
use crate::role::{Action, Role};
use crate::roster::Person;
use crate::round::cast::{self, APPROVER, PROPOSER, person};
use crate::round::{OrderGrounds, Orders, order_digest};
use crate::secagg::suite::Suite as _;
use crate::secagg::toy::Toy;

const OFFICER: Role = Role::PrivacyOfficer;

fn freeze(staff: &str) -> Attestation {
    signed(staff, OFFICER, Action::Freeze, cast::federation())
}

fn after(orders: &[&Attestation]) -> Orders {
    let mut all = Orders::default();
    orders.iter().for_each(|order| all.apply(order));
    all
}

#[test]
fn an_order_changes_something_once() {
    let stop = freeze(APPROVER);
    let said = |orders: &Orders, order: &Attestation| (orders.knows(order), orders.would_change(order));
    let (news, known, nothing) = ((false, true), (true, false), (false, false));
    assert_eq!(said(&Orders::default(), &stop), news);
    let stands = after(&[&stop]);
    assert_eq!(said(&stands, &stop), known);
    assert_eq!(said(&stands, &Attestation { at: 1, ..stop.clone() }), nothing, "nobody stops one thing twice");
    let pause = signed(APPROVER, OFFICER, Action::PausePlan, plan(|_| {}).digest());
    for other in [freeze(SECOND), Attestation { subject: Digest::ZERO, ..stop.clone() }, pause] {
        assert_eq!(said(&stands, &other), news, "{} {}", other.staff, other.action);
    }
    let subject = order_digest(&stop);
    let word = |staff, role| signed(staff, role, Action::Thaw, subject);
    let operator = word(OPERATOR, Role::PlatformOperator);
    assert_eq!(said(&stands, &operator), news);
    let agreed = after(&[&stop, &operator]);
    assert_eq!(said(&agreed, &operator), known);
    assert_eq!(said(&agreed, &word(SECOND, Role::PlatformOperator)), nothing, "that role has agreed");
    assert_eq!(said(&agreed, &word(OPERATOR, OFFICER)), nothing, "that person has agreed");
    assert_eq!(said(&agreed, &word(SECOND, OFFICER)), news);
    // Two people of one role are one role.
    assert!(after(&[&stop, &operator, &word(SECOND, Role::PlatformOperator)]).stop());
    let lifted = after(&[&stop, &operator, &word(SECOND, OFFICER)]);
    assert!(!lifted.stop() && lifted.standing().count() == 0);
    assert_eq!(said(&lifted, &stop), known, "an old order stops nothing again");
    assert!(lifted.knows(&operator) && lifted.knows(&word(APPROVER, OFFICER)), "whatever was said of it");
    assert_eq!(said(&lifted, &freeze(SECOND)), news);
    // A word about nothing that stands is no agreement to anything.
    assert_eq!(after(&[&operator]), Orders::default());
}

/// What lifts an order is the word of its kind, about that order; what stops reaches this plan or the federation.
#[test]
fn an_order_is_about_this_plan_or_what_stands() {
    let (served, other) = (plan(|_| {}), plan(|plan| plan.name = "other".into()));
    let pause = |subject| signed(APPROVER, OFFICER, Action::PausePlan, subject);
    let abort = |subject| signed(APPROVER, OFFICER, Action::AbortPlan, subject);
    let (paused, frozen) = (pause(served.digest()), freeze(APPROVER));
    let stands = after(&[&paused, &frozen]);
    let (digest, approvals) = (served.digest(), cast::approvals(&served));
    let lifts = |action, order: &Attestation| signed(APPROVER, OFFICER, action, order_digest(order));
    let reach = |order: &Attestation| {
        let grounds = OrderGrounds { plan: &digest, approvals: &approvals, group: "north", now: Some(7) };
        stands.wanted(order, grounds).map(|wanted| {
            assert_eq!((wanted.action, wanted.subject, wanted.now), (order.action, &order.subject, Some(7)));
            assert_eq!((wanted.federation, wanted.owner), (&cast::federation(), Some(&cast::staff(PROPOSER))));
            match wanted.over {
                Over::Group(group) => group == "north",
                Over::Federation => false,
                Over::Branch(_) => panic!("no order is about one branch"),
            }
        })
    };
    let (group, federation) = (Some(true), Some(false));
    assert_eq!([reach(&pause(served.digest())), reach(&pause(other.digest()))], [group, None]);
    assert_eq!([reach(&abort(served.digest())), reach(&abort(other.digest()))], [group, None]);
    assert_eq!([reach(&frozen), reach(&Attestation { subject: digest, ..frozen.clone() })], [federation, None]);
    assert_eq!([&paused, &frozen].map(|stop| reach(&lifts(Action::ResumePlan, stop))), [group, None]);
    assert_eq!([&paused, &frozen].map(|stop| reach(&lifts(Action::Thaw, stop))), [None, federation]);
    assert_eq!(reach(&lifts(Action::Thaw, &freeze(SECOND))), None, "it does not stand");
}

/// Whoever agreed has to hold the role and the key still, in the first roster that a run adopts and in each one after it.
#[test]
fn a_word_lasts_as_long_as_role_and_key() {
    let stop = freeze(APPROVER);
    let word = signed(SECOND, OFFICER, Action::Thaw, order_digest(&stop));
    let with = |change: fn(&mut Vec<Person>)| {
        let mut people = people();
        change(&mut people);
        roster_with(9, people).roster
    };
    fn second(people: &mut [Person]) -> &mut Person {
        people.iter_mut().find(|person| person.staff == cast::staff(SECOND)).expect("the second officer")
    }
    let same = with(|_| {});
    let gone = with(|people| people.retain(|person| person.staff != cast::staff(SECOND)));
    let demoted = with(|people| *second(people) = person(SECOND, Role::PlatformOperator));
    let rekeyed = with(|people| second(people).signing_key = Toy::verifying_key(&[77; 32]));
    for (before, now, lasts) in [
        (None, &same, true),
        (None, &rekeyed, true),
        (None, &gone, false),
        (None, &demoted, false),
        (Some(&same), &same, true),
        (Some(&same), &gone, false),
        (Some(&same), &demoted, false),
        (Some(&same), &rekeyed, false),
        (Some(&gone), &same, false),
        (Some(&demoted), &same, false),
        (Some(&gone), &gone, false),
    ] {
        let mut orders = after(&[&stop, &word]);
        orders.adopt(before, now);
        assert!(orders.stop() && orders.knows(&stop));
        assert_eq!(orders.knows(&word), lasts);
    }
}

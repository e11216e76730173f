//! Orders that have come, for runs that begin later; and what of them people must hear before any run does.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Attestation};
use tributary_protocol::role::Action;
use tributary_protocol::roster::Roster;
use tributary_protocol::round::{OrderGrounds, Orders};
use tributary_protocol::secagg::suite::Suite;

/// Orders that are kept for runs that begin later, at most.
const ORDERS_MAX: usize = 10_000;

/// Every order that has come.
#[derive(Default)]
pub(crate) struct Heard {
    all: Vec<Attestation>,
    /// What stands, as far as people were told.
    told: Orders,
}

/// A plan of which no run is open.
pub(crate) struct Waiting<'a> {
    pub(crate) plan: &'a Digest,
    pub(crate) approvals: &'a Approvals,
    pub(crate) group: &'a str,
}

impl Heard {
    /// After what stood when the last run ended.
    pub(crate) fn after(orders: Orders) -> Self {
        Self { all: Vec::new(), told: orders }
    }

    /// What runs that begin hear of.
    pub(crate) fn all(&self) -> &[Attestation] {
        &self.all
    }

    /// A run is over, with these orders.
    pub(crate) fn ended(&mut self, orders: Orders) {
        self.told = orders;
    }

    /// An order has come.
    pub(crate) fn hear(&mut self, order: Attestation) {
        if self.all.len() < ORDERS_MAX {
            self.all.push(order);
        } else {
            tracing::error!(
                action = %order.action, staff = %order.staff,
                "the folder of orders has more than {ORDERS_MAX}; runs that begin later do not hear of this one. Move old orders out of it, and start the coordinator again"
            );
        }
    }

    /// Whether people must hear of an order now: it counts for a plan that waits, and no open run will take it. A run that opens says it again.
    pub(crate) fn counts<'a, S: Suite>(
        &mut self,
        order: &Attestation,
        (mut waiting, open): (impl Iterator<Item = Waiting<'a>>, bool),
        (roster, now): (&Roster, u64),
    ) -> bool {
        // What is about the federation goes to every open run, and each of them tells of it.
        if !self.told.would_change(order) || open && matches!(order.action, Action::Freeze | Action::Thaw) {
            return false;
        }
        let counts = waiting.any(|Waiting { plan, approvals, group }| {
            let wanted = self.told.wanted(order, OrderGrounds { plan, approvals, group, now: Some(now) });
            wanted.is_some_and(|wanted| order.judge::<S>(roster, wanted).is_ok())
        });
        if counts {
            self.told.apply(order);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use tributary_protocol::role::Role;
    use tributary_protocol::round::cast::{self, APPROVER, PROPOSER};
    use tributary_protocol::round::order_digest;
    use tributary_protocol::secagg::toy::Toy;
    use tributary_protocol::signed::SignedBody as _;

    use super::*;

    #[test]
    fn people_hear_of_an_order_that_no_run_takes() {
        let plan = cast::plan();
        let (digest, approvals, roster) = (plan.digest(), cast::approvals(&plan), cast::roster(9).roster);
        let mut heard = Heard::default();
        let mut counts = |order: &Attestation, open| {
            let waiting = Waiting { plan: &digest, approvals: &approvals, group: "all" };
            heard.counts::<Toy>(order, (iter::once(waiting), open), (&roster, 0))
        };
        let officer = |action, subject| cast::attestation(APPROVER, Role::PrivacyOfficer, action, subject);
        let freeze = officer(Action::Freeze, cast::federation());
        assert!(!counts(&freeze, true), "an open run takes it, and tells of it");
        let stranger = cast::attestation("bank-1/stranger", Role::PrivacyOfficer, Action::Freeze, cast::federation());
        assert!(!counts(&stranger, false));
        let mut changed = freeze.clone();
        changed.signature.bytes[0] ^= 1;
        assert!(!counts(&changed, false));
        let pause = |subject| cast::attestation(PROPOSER, Role::PlanOwner, Action::PausePlan, subject);
        assert!(!counts(&pause(Digest::of(b"another plan")), false));
        let thaw = officer(Action::Thaw, order_digest(&freeze));
        assert!(!counts(&thaw, false), "nothing stands that it lifts");
        assert!(counts(&freeze, false) && !counts(&freeze, false), "once");
        assert!(counts(&thaw, false) && !counts(&thaw, false), "once");
        assert!(counts(&pause(digest), true), "a run of another plan does not take it");
    }

    /// Runs that begin later hear of every order, in the order in which they came, and of no more than so many.
    #[test]
    fn what_came_is_kept_for_runs_that_begin_later() {
        let order = |number: u8| cast::attestation(PROPOSER, Role::PlanOwner, Action::PausePlan, Digest([number; 32]));
        let mut heard = Heard::after(Orders::default());
        assert!(heard.all().is_empty());
        (0..3).for_each(|number| heard.hear(order(number)));
        assert_eq!(heard.all(), [0, 1, 2].map(order));
        heard.all.resize(ORDERS_MAX - 1, order(7));
        (8..10).for_each(|number| heard.hear(order(number)));
        assert_eq!((heard.all().len(), heard.all().last()), (ORDERS_MAX, Some(&order(8))));
        // What stands after a run is what people were told.
        let mut orders = Orders::default();
        let freeze = cast::attestation(APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
        orders.apply(&freeze);
        heard.ended(orders);
        assert!(!heard.told.would_change(&freeze));
    }

    /// No run takes such orders, so nobody is told of them, and what is kept does not grow by them.
    #[test]
    fn people_hear_of_no_order_that_changes_nothing() {
        let plan = cast::plan();
        let (digest, approvals) = (plan.digest(), cast::approvals(&plan));
        let mut people = cast::people();
        let operator = cast::person(APPROVER, Role::PlatformOperator).holdings;
        let officers = people.iter_mut().filter(|person| person.staff == cast::staff(APPROVER));
        officers.for_each(|person| person.holdings.splice(..0, operator.clone()).for_each(drop));
        let roster = Roster::new(1, Digest::ZERO, cast::roster(9).roster.entries().to_vec(), Vec::new(), people);
        let roster = roster.expect("a roster");
        let signed = |role, action, subject, at| {
            let mut order = cast::attestation(APPROVER, role, action, subject);
            order.at = at;
            order.signature = Toy::sign(&cast::person_key(APPROVER), &order.to_sign::<Toy>());
            order
        };
        let mut heard = Heard::default();
        let mut counts = |order: &Attestation| {
            let waiting = Waiting { plan: &digest, approvals: &approvals, group: "all" };
            heard.counts::<Toy>(order, (iter::once(waiting), false), (&roster, 100))
        };
        let freeze = |at| signed(Role::PrivacyOfficer, Action::Freeze, cast::federation(), at);
        assert!(counts(&freeze(0)));
        assert!((1..50).all(|at| !counts(&freeze(at))), "one freeze of a person stands");
        let thaw = |role| signed(role, Action::Thaw, order_digest(&freeze(0)), 60);
        assert!(counts(&thaw(Role::PrivacyOfficer)));
        assert!(!counts(&thaw(Role::PlatformOperator)), "one person with two roles lifts nothing");
        assert_eq!(heard.told.standing().count(), 1);
    }
}

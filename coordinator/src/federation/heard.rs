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
        if self.told.knows(order) || open && matches!(order.action, Action::Freeze | Action::Thaw) {
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
}

//! Which order may follow what came before it in a run's ledger.

use super::rule::{OutOfOrder, rule};
use super::run::RunRecord;
use crate::digest::Digest;
use crate::plan::{Attestation, AttestationFault, Plan};
use crate::role::Action;
use crate::round::orders::{OrderGrounds, Orders, Standing, order_digest};

/// Most orders that stand at once, of as many people, beside one that ends the plan.
const STANDING_MAX: usize = 16;

impl RunRecord {
    /// Whether an order may be taken: of somebody in the roster in force whose role it is, and one that changes something. The signature is a
    /// [`RunRecord::claims`].
    ///
    /// # Errors
    /// What is wrong with whoever signed.
    pub fn judge_order(&self, order: &Attestation, now: Option<u64>) -> Result<(), AttestationFault> {
        let (Some(run), Some(approvals), Some(roster)) = (&self.run, &self.approvals, &self.roster) else {
            return Err(AttestationFault::Person);
        };
        let grounds = OrderGrounds { plan: &run.plan().digest(), approvals, group: &run.group, now };
        let wanted = self.orders.wanted(order, grounds).ok_or(AttestationFault::Subject)?;
        order.judge_role(roster, wanted)
    }

    pub(super) fn check_carried(&self, orders: &Orders) -> Result<(), OutOfOrder> {
        let first = self.roster.is_none() && self.orders == Orders::default() && *orders != Orders::default();
        rule(first, "orders are carried over once, before the first roster")?;
        let plan = self.plan().map(Plan::digest).unwrap_or(Digest::ZERO);
        let federation = self.approvals.as_ref().map(|approvals| approvals.proposal.federation);
        let stands = |(digest, stop): (&Digest, &Standing)| {
            let order = &stop.order;
            let reaches = match order.action {
                Action::Freeze => Some(order.subject) == federation,
                Action::PausePlan | Action::AbortPlan => order.subject == plan,
                _ => false,
            };
            reaches
                && order_digest(order) == *digest
                && Some(order.federation) == federation
                && stop.agreed.len() < 2
                && !orders.lifted.contains(digest)
        };
        let most = STANDING_MAX + usize::from(orders.aborted().is_some());
        let whole = orders.standing.len() <= most && orders.standing.iter().all(stands);
        rule(whole, "what is carried over stops this plan or the federation, and was not lifted")
    }

    pub(super) fn check_order(&self, order: &Attestation) -> Result<(), OutOfOrder> {
        rule(self.judge_order(order, None).is_ok(), "an order is of somebody in the roster in force whose role it is")?;
        let aborts = order.action == Action::AbortPlan;
        let stops = aborts || matches!(order.action, Action::PausePlan | Action::Freeze);
        // However many stop a plan, one more may end it.
        let full = stops && !aborts && self.orders.standing.len() >= STANDING_MAX;
        rule(!self.is_aborted(), "nothing is ordered of a plan that an order has ended")?;
        rule(
            !full && self.orders.would_change(order),
            "an order changes something: nobody stops twice, and whoever agrees does so once for a role",
        )
    }
}

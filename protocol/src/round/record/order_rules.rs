//! Which order may follow what came before it in a run's ledger.

use super::orders::order_digest;
use super::rule::{OutOfOrder, rule};
use super::run::RunRecord;
use crate::plan::{Attestation, AttestationFault, Wanted};
use crate::role::Action;

/// Most orders that stand at once: one of each kind is enough.
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
        let (plan, federation) = (run.plan().digest(), &approvals.proposal.federation);
        // What lifts an order names it, so that no old word lifts a new one.
        let stopped = |action| self.orders.standing.get(&order.subject).is_some_and(|stop| stop.order.action == action);
        let fits = match order.action {
            Action::PausePlan => order.subject == plan,
            Action::Freeze => order.subject == *federation,
            Action::ResumePlan => stopped(Action::PausePlan),
            Action::Thaw => stopped(Action::Freeze),
            _ => false,
        };
        if !fits {
            return Err(AttestationFault::Subject);
        }
        let own = order.staff == approvals.proposal.staff;
        let Attestation { action, subject, .. } = order;
        order.judge_role(roster, Wanted { action: *action, subject, federation, own, branch: None, now })
    }

    pub(super) fn check_order(&self, order: &Attestation) -> Result<(), OutOfOrder> {
        rule(self.judge_order(order, None).is_ok(), "an order is of somebody in the roster in force whose role it is")?;
        let digest = order_digest(order);
        let known = self.orders.standing.contains_key(&digest) || self.orders.lifted.contains(&digest);
        let agreed = self.orders.standing.get(&order.subject).is_some_and(|standing| {
            standing.agreed.iter().any(|(staff, role)| *staff == order.staff || *role == order.role)
        });
        let few = self.orders.standing.len() < STANDING_MAX;
        rule(
            !known && !agreed && few,
            "an order changes something: it is new, and whoever agrees does so once for a role",
        )
    }
}

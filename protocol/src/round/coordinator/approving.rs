//! Whether the run may go on: two people of the roster in force stand by its plan, and its schedule lets it begin.

use alloc::string::String;

use super::{Coordinator, Phase};
use crate::message::{ClosedReason, SignedBody as _};
use crate::plan::{ApprovalFault, Attestation, Grounds};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::round::record::order_digest;
use crate::secagg::suite::Suite;
use crate::time::Millis;

impl<S: Suite> Coordinator<S> {
    /// Judges the signatures by the roster in force, whatever a clock says: once for each roster.
    pub(super) fn judge_signers(&self) -> Result<(), ApprovalFault> {
        let settings = &self.settings;
        let grounds = Grounds { roster: &settings.roster.roster, federation: &settings.federation, now: None };
        settings.approvals.judge::<S>(&settings.run.plan().digest(), grounds)
    }

    /// Whether the plan is approved now. Where it is not, no session and no round begins: it is paused until a roster or a signature cures that.
    pub(super) fn approved(&self, now: Millis) -> Result<(), ApprovalFault> {
        self.signed?;
        let settings = &self.settings;
        let (federation, now) = (&settings.federation, Some(now.0 / 1000));
        let grounds = Grounds { roster: &settings.roster.roster, federation, now };
        settings.approvals.judge_roles(&settings.run.plan().digest(), grounds)
    }

    /// Takes an order of somebody whose role it is, on the spot: a round whose sum is not open yet ends without one. Another order changes nothing; it
    /// may come again, with every start of a process, and be of another run.
    pub(super) fn on_order(&mut self, now: Millis, order: Attestation, outbox: &mut Outbox<CoordinatorEffect>) {
        let second = Some(now.0 / 1000);
        let person = self.settings.roster.roster.person(&order.staff);
        let genuine = person.is_some_and(|person| {
            S::knows(&person.signing_key).is_ok()
                && S::verify(&person.signing_key, &order.to_sign::<S>(), &order.signature)
        });
        let event = CoordinatorEvent::OrderTaken { order };
        let CoordinatorEvent::OrderTaken { order } = &event else { return };
        let mine = self.record.judge_order(order, second).is_ok() && self.record.finished.is_none();
        if !genuine || !mine || self.record.check(&event).is_err() {
            return;
        }
        self.commit(event, outbox);
        self.sync(outbox);
        let open = matches!(self.phase, Phase::Collecting(_) | Phase::Certifying(_) | Phase::Unmasking(_));
        if self.record.orders.stop() {
            self.drop_keying(now, ClosedReason::Ordered, outbox);
            if open {
                self.abort(ClosedReason::Ordered, outbox);
            }
        }
    }

    /// Why nothing begins now, in words; nothing where it may.
    pub(super) fn held_back(&self, now: Millis) -> Option<String> {
        if let Some(stop) = self.record.orders.standing().next() {
            let Attestation { action, staff, role, .. } = &stop.order;
            let order = order_digest(&stop.order);
            return Some(alloc::format!(
                "{staff} ({role}) has ordered {action}; two people of two roles must let it go on, and name the order {order}"
            ));
        }
        if let Err(fault) = self.approved(now) {
            return Some(alloc::format!("the plan is paused, because {fault}"));
        }
        let (plan, second) = (&self.settings.run, now.0 / 1000);
        if self.record.charged_all() > 0 {
            return None;
        }
        if now < self.settings.not_before {
            return Some("the plan's schedule lets this run begin later".into());
        }
        let over = second > plan.schedule.not_after || second > plan.charter.review_by;
        over.then(|| {
            "the plan's schedule is over, or its review is due, before this run began; propose a new plan".into()
        })
    }

    /// When a run that has not begun may begin, where it is held back.
    pub(super) fn begins(&self) -> Option<Millis> {
        let waits = self.held.is_some() && self.keying.is_none() && self.record.charged_all() == 0;
        waits.then_some(self.settings.not_before).filter(|begins| *begins != Millis(0))
    }
}

//! Whether the run may go on: two people of the roster in force stand by its plan, and its schedule lets it begin.

use alloc::boxed::Box;
use alloc::string::String;

use super::{Coordinator, Phase};
use crate::defence::{Defence, stands};
use crate::limits::ORDERS_UNHEARD_MAX;
use crate::message::ClosedReason;
use crate::plan::{ApprovalFault, Approvals, Attestation, AttestationFault as Fault, Grounds};
use crate::round::effect::{CoordinatorEffect, OrderFault, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::round::orders::order_digest;
use crate::secagg::suite::Suite;
use crate::time::Millis;

impl<S: Suite> Coordinator<S> {
    /// Records who stands by the plan, where others do than the ledger has, as soon as the roster in force has them.
    pub(super) fn note_approvals(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let known = self.record.approvals.as_ref() == Some(&self.settings.approvals);
        if !known && self.signed.is_ok() && self.record.roster.is_some() && self.record.finished.is_none() {
            let approvals = Box::new(self.settings.approvals.clone());
            self.commit(CoordinatorEvent::ApprovalsShown { approvals }, outbox);
        }
    }

    /// Others have signed the plan, where those before them do not stand by it any more.
    pub(super) fn on_approved(&mut self, approvals: Approvals, outbox: &mut Outbox<CoordinatorEffect>) {
        let before = core::mem::replace(&mut self.settings.approvals, approvals);
        let signed = self.settings.judge_signers();
        if signed.is_err() && self.signed.is_ok() {
            // Nobody pauses a plan by showing signatures that count for nothing. By a roster to come they may count.
            self.later = Some(core::mem::replace(&mut self.settings.approvals, before));
            return;
        }
        (self.signed, self.later) = (signed, None);
        self.note_approvals(outbox);
        self.sync(outbox);
    }

    /// A roster comes into force. Where those who have signed the plan do not count any more, others may who signed it before that.
    pub(super) fn judge_signers_anew(&mut self) {
        self.signed = self.settings.judge_signers();
        if self.signed.is_err()
            && let Some(later) = self.later.take()
        {
            self.settings.approvals = later;
            self.signed = self.settings.judge_signers();
        }
    }

    /// Whether the plan is approved now. Where it is not, no session and no round begins: it is paused until a roster or a signature cures that.
    pub(super) fn approved(&self, now: Millis) -> Result<(), ApprovalFault> {
        if !stands(Defence::FourEyes) {
            return Ok(());
        }
        self.signed?;
        let settings = &self.settings;
        let (federation, group, now) = (&settings.federation, settings.run.group.as_str(), Some(now.0 / 1000));
        let grounds = Grounds { roster: &settings.roster.roster, federation, group, now };
        settings.approvals.judge_roles(&settings.run.plan().digest(), grounds)
    }

    /// Takes an order of somebody whose role it is, on the spot: a round whose sum is not open yet ends without one. One that was taken before changes
    /// nothing, and neither does any other; why, the operator hears.
    pub(super) fn on_order(&mut self, now: Millis, order: Attestation, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.record.finished.is_some() || self.record.is_aborted() || self.record.orders.knows(&order) {
            return;
        }
        let event = CoordinatorEvent::OrderTaken { order };
        let CoordinatorEvent::OrderTaken { order } = &event else { return };
        let judged = self.record.judge_order(order, Some(now.0 / 1000)).map_err(OrderFault::Person);
        let judged = judged.and_then(|()| self.record.check(&event).map_err(OrderFault::Rule));
        // What it says may be taken, so that nothing but the signature is left.
        let verified = |()| self.record.verify::<S>(&event).map_err(|_| OrderFault::Person(Fault::Signature));
        let judged = judged.and_then(verified);
        if let Err(fault) = judged {
            if may_count_later(fault) && self.unheard.len() < ORDERS_UNHEARD_MAX && !self.unheard.contains(order) {
                self.unheard.push(order.clone());
            }
            let order = Box::new(order.clone());
            return outbox.push(CoordinatorEffect::OrderRefused { order, fault });
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
        self.waits_for(now).or_else(|| self.withheld.clone())
    }

    /// Why the plan is nothing that a branch would accept now, in words: its signatures or its schedule.
    pub(super) fn waits_for(&self, now: Millis) -> Option<String> {
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

/// Whether the next roster can cure why an order is not taken: it may have this person, in this role from now on, of more branches, and with another key.
const fn may_count_later(fault: OrderFault) -> bool {
    match fault {
        // What it says stays so, whoever signs.
        OrderFault::Person(Fault::Subject | Fault::Federation | Fault::Duty) | OrderFault::Rule(_) => false,
        OrderFault::Person(_) => true,
    }
}

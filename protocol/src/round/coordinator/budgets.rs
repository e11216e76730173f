//! What clients have spent, by heads that they sign: the newest of each is kept for every plan after this one, and never exchanged for an
//! older one.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Coordinator;
use crate::budget::{BudgetHead, FirstUse, Kept};
use crate::defence::{Defence, stands};
use crate::ids::ClientId;
use crate::message::SignedBody;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::Suite;

impl<S: Suite> Coordinator<S> {
    /// Whether a head is this client's own, of now, and not older than the newest one.
    pub(super) fn is_next_head(&self, from: ClientId, head: &BudgetHead) -> bool {
        let roster = &self.settings.roster.roster;
        let own = head.client == from && head.epoch == roster.epoch() && head.is_short();
        let entry = roster.entry(from).filter(|_| own);
        entry.is_some_and(|entry| S::verify(&entry.signing_key, &head.to_sign::<S>(), &head.signature))
            && self
                .settings
                .heads
                .newest(from)
                .is_none_or(|last| head.follows(last) || !stands(Defence::RecordRollback))
    }

    /// Keeps a head, wherever it came from, if it is this client's next one.
    pub(super) fn on_head(&mut self, from: ClientId, head: &BudgetHead, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.is_next_head(from, head) {
            self.keep_head(head, outbox);
        }
    }

    /// Keeps a head that [`Coordinator::is_next_head`], and the roster that its signature is to be verified with.
    pub(super) fn keep_head(&mut self, head: &BudgetHead, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.settings.heads.newest(head.client) == Some(head) {
            return;
        }
        self.news_of_budgets = true;
        let roster = Kept::Roster(Box::new(self.settings.roster.clone()));
        let unknown = !self.settings.heads.has_roster(head.epoch);
        for kept in unknown.then_some(roster).into_iter().chain([Kept::Head(Box::new(head.clone()))]) {
            self.settings.heads.apply(&kept);
            outbox.push(CoordinatorEffect::Keep(kept));
        }
    }

    /// Heads that the ledger knows and the folder of heads does not, because that was lost or is an older copy, as far as their roster is at hand.
    pub(super) fn keep_recorded_heads(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let (kept, epoch) = (&self.settings.heads, self.settings.roster.roster.epoch());
        let newer = |head: &&BudgetHead| {
            let newest = kept.newest(head.client);
            newest.is_none_or(|last| head.counter > last.counter && head.follows(last))
                && (head.epoch == epoch || kept.has_roster(head.epoch))
        };
        let recorded: Vec<BudgetHead> = self.record.heads.values().filter(newer).cloned().collect();
        recorded.iter().for_each(|head| self.keep_head(head, outbox));
    }

    /// Whether a client of whose budget nothing is known says how that began, by its owner's signature.
    pub(super) fn announces(&self, head: &BudgetHead, begun: Option<&FirstUse>) -> bool {
        let known = self.settings.heads.newest(head.client).is_some();
        let signed = |first: &FirstUse| {
            first.owner == head.owner
                && (first.adopts || first.population == head.population)
                && first.may_be_of(head.client, &self.settings.roster.roster)
                && first.is_signed::<S>()
        };
        known || begun.is_some_and(signed)
    }

    /// Records a client's head where this ledger knows another one or none, and its first use where nobody knows one.
    pub(super) fn note_budget(
        &mut self,
        head: &BudgetHead,
        begun: Option<FirstUse>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let client = head.client;
        let unknown = self.settings.heads.newest(client).is_none();
        self.keep_head(head, outbox);
        let known = self.record.heads.get(&client);
        // A ledger that is older than what was kept says what it can.
        if self.record.finished.is_none() && known.is_none_or(|last| last.counter != head.counter && head.follows(last))
        {
            if let Some(first) = begun.filter(|_| unknown && known.is_none() && !self.record.begun.contains(&client)) {
                self.commit(CoordinatorEvent::BudgetBegun { client, first: Box::new(first) }, outbox);
            }
            self.news_of_budgets = true;
            self.commit(CoordinatorEvent::BudgetShown { head: Box::new(head.clone()) }, outbox);
        }
    }
}

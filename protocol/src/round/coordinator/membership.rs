//! Who may take part: a newer roster takes the place of the one in force between two rounds.
//!
//! Keys are agreed on under one roster, whose organisations give the thresholds. So every session ends with it, and everybody joins again
//! and sees the new one.

use alloc::boxed::Box;

use super::{Coordinator, CoordinatorRecord, ResumeFault};
use crate::message::ClosedReason;
use crate::roster::{Roster, SignedRoster};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// Whether a ledger may go on under this roster.
pub(super) fn continues(record: &CoordinatorRecord, roster: &Roster) -> Result<(), ResumeFault> {
    let Some(last) = record.roster.filter(|_| record.finished.is_none()) else { return Ok(()) };
    let forward = roster.epoch() > last.epoch || roster.digest() == last.digest;
    let fault = ResumeFault::RosterRolledBack { configured: roster.epoch(), adopted: last.epoch };
    if forward { Ok(()) } else { Err(fault) }
}

impl<S: Suite> Coordinator<S> {
    /// Keeps a roster for the next moment between rounds, if it is newer than the one in force and than another one that waits.
    pub(super) fn on_roster(&mut self, offered: SignedRoster) {
        let newest = self.next_roster.as_ref().unwrap_or(&self.settings.roster);
        if offered.roster.epoch() > newest.roster.epoch() {
            self.next_roster = Some(offered);
        }
    }

    /// No round is open: a roster that waits comes into force.
    pub(super) fn adopt_roster_if_due(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(next) = self.next_roster.take() else { return };
        let reason = ClosedReason::RosterChanged;
        self.drop_keying(now, reason, outbox);
        while !self.sessions.is_empty() {
            self.close_current(reason, outbox);
        }
        self.settings.roster = next;
        self.note_roster(outbox);
        outbox.push(CoordinatorEffect::Sync);
        outbox.push(CoordinatorEffect::Enrol(Box::new(self.settings.roster.clone())));
        for client in core::mem::take(&mut self.links).into_keys() {
            outbox.push(CoordinatorEffect::Close(client));
        }
        (self.gather_until, self.rekey_after) = (Some(now.plus(self.settings.gather_ms)), None);
    }

    /// Records the roster in force where the ledger has another one, sessions being closed.
    pub(super) fn note_roster(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let head = self.settings.roster.roster.head();
        if self.record.roster != Some(head) && self.record.finished.is_none() {
            self.commit(CoordinatorEvent::RosterAdopted { head }, outbox);
        }
    }
}

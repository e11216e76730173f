//! Who may take part: a newer roster takes the place of the one in force between two rounds.
//!
//! Keys are agreed on under one roster, whose organisations give the thresholds. So every session ends with it, and everybody joins again
//! and sees the new one. A seat ends by the clock as well, with its entry of the roster or with the agreement of its organisation: its client is let go
//! between two rounds, and the sessions that it is in end.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Coordinator, ResumeFault};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::{ClosedReason, RejectCode};
use crate::plan::Charter;
use crate::roster::{Group, Roster, RosterEntry, SignedRoster};
use crate::round::agreement::group_size;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::round::record::RunRecord;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// Whose seats are over, as of the last time that anybody looked.
pub(super) struct Endings {
    /// Ascending.
    pub(super) unseated: Vec<ClientId>,
    /// Of these, whose entry of the roster is over.
    pub(super) ended: Vec<ClientId>,
    /// When the next one will be over, if ever.
    pub(super) next: Option<Millis>,
}

impl Endings {
    pub(super) fn of(roster: &Roster, charter: &Charter, now: Millis) -> Self {
        let ends = roster.entries().iter().map(|entry| (entry.client, charter.seat_ends(entry)));
        let unseated = ends.clone().filter(|(_, end)| *end < now).map(|(client, _)| client);
        let ended = roster.entries().iter().filter(|entry| entry.has_ended(now)).map(|entry| entry.client);
        let next = ends.filter(|(_, end)| *end >= now).map(|(_, end)| end.plus(1));
        Self {
            unseated: unseated.collect(),
            ended: ended.collect(),
            next: next.filter(|end| *end != Millis(u64::MAX)).min(),
        }
    }
}

/// Whether a ledger may go on under this roster.
pub(super) fn continues(record: &RunRecord, roster: &Roster) -> Result<(), ResumeFault> {
    let Some(last) = record.roster_head().filter(|_| record.finished.is_none()) else { return Ok(()) };
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
        self.endings = Endings::of(&self.settings.roster.roster, &self.settings.run.charter, now);
        self.judge_signers_anew();
        self.note_roster(outbox);
        self.note_approvals(outbox);
        self.sync(outbox);
        outbox.push(CoordinatorEffect::Enrol(Box::new(self.settings.roster.clone())));
        for order in core::mem::take(&mut self.unheard) {
            self.on_order(now, order, outbox);
        }
        // Everybody asks again, and is welcomed under the new roster.
        self.links.clear();
        self.uninvited = self.callers.keys().copied().collect();
        (self.gather_until, self.rekey_after) = (Some(now.plus(self.settings.gather_ms)), None);
    }

    /// Records the roster in force where the ledger has another one, sessions being closed. Before the first roster there is none to record.
    pub(super) fn note_roster(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let head = self.settings.roster.roster.head();
        if head.epoch > 0 && self.record.roster_head() != Some(head) && self.record.finished.is_none() {
            let (roster, group_size) = (Box::new(self.settings.roster.clone()), self.members_of_group());
            self.commit(CoordinatorEvent::RosterAdopted { roster, group_size }, outbox);
        }
    }

    /// Members of the plan's group in the roster in force.
    pub(super) fn members_of_group(&self) -> u32 {
        let group = self.settings.roster.roster.group(&self.settings.run.group);
        u32::try_from(group.map_or(0, Group::size)).unwrap_or(u32::MAX)
    }

    /// Of how many members a coalition in a cohort of so many is counted.
    pub(super) fn group_size(&self, cohort: usize) -> usize {
        group_size(&self.settings.run, &self.settings.roster.roster, cohort)
    }

    /// Whether a client may be in a new session: it is in the plan's group, and its entry is valid.
    pub(super) fn is_eligible(&self, client: ClientId, now: Millis) -> bool {
        let roster = &self.settings.roster.roster;
        roster.group(&self.settings.run.group).is_some_and(|group| group.has(client))
            && roster.entry(client).is_some_and(|entry| self.may_sit(entry, now))
    }

    fn may_sit(&self, entry: &RosterEntry, now: Millis) -> bool {
        now <= self.settings.run.charter.seat_ends(entry)
    }

    /// Why a member of the roster has no seat any more; nothing where it has one.
    pub(super) fn unseated(&self, entry: &RosterEntry, now: Millis) -> Option<(RejectCode, String)> {
        let client = entry.client;
        match (entry.has_ended(now), self.may_sit(entry, now)) {
            (true, _) => Some((RejectCode::EntryEnded, ended_text(client))),
            (false, false) => Some((
                RejectCode::NoAgreement,
                alloc::format!(
                    "the plan names no agreement with the organisation of client {client} that holds now, so nothing is asked of this branch; the plan's \
                     owner proposes a plan that names the new agreement"
                ),
            )),
            (false, true) => None,
        }
    }

    /// Everybody who may be in a new session and is not out of the plan, in the roster's order.
    pub(super) fn eligible_clients(&self, now: Millis) -> Vec<ClientId> {
        let roster = &self.settings.roster.roster;
        let mut entries = roster.walk();
        let members = roster.group(&self.settings.run.group).into_iter().flat_map(Group::members);
        let valid = members.filter(|client| entries.find(*client).is_some_and(|entry| self.may_sit(entry, now)));
        valid.filter(|client| !self.record.evicted.contains_key(client)).collect()
    }

    /// No round is open: sessions with a seat that has ended are over, and so is the set-up of one, and the connections of those clients.
    pub(super) fn end_entries(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.endings.next.is_none_or(|end| now < end) {
            return;
        }
        self.endings = Endings::of(&self.settings.roster.roster, &self.settings.run.charter, now);
        let mut place = 0;
        while let Some(session) = self.sessions.get(place) {
            match session.ended(now) {
                Some(client) => self.close_session(place, ClosedReason::EntryEnded(client), outbox),
                None => place += 1,
            }
        }
        let roster = &self.settings.roster.roster;
        let of = |client: &ClientId| Some((*client, self.unseated(roster.entry(*client)?, now)?));
        let over: Vec<_> = self.links.keys().filter_map(of).collect();
        for (client, why) in over {
            let nonce = self.links.remove(&client).map_or(Digest::ZERO, |link| link.nonce);
            self.reject(client, nonce, why, outbox);
            self.on_lost(now, client, ClosedReason::EntryEnded(client), outbox);
        }
    }
}

/// What a client is told whose entry is over.
fn ended_text(client: ClientId) -> String {
    alloc::format!(
        "the roster's entry of client {client} has ended, and its signing key with it, so it may not take part; enrol the branch anew and have \
         the next roster signed"
    )
}

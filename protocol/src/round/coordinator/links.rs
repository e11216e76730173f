//! Clients that are here: invited, joining, admitting the plan, leaving, and what becomes of those that break the protocol.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Coordinator, CoordinatorSettings, Phase};
use crate::budget::{BudgetHead, FirstUse};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::{ClientId, RunId, SessionId};
use crate::limits::{JOINS_MAX, JOINS_WITHIN_MS, PROTOCOL_VERSION, STRIKES_MAX};
use crate::message::{ClosedReason, Downstream, Join, Proof, RefusalCode, RejectCode, Welcome};
use crate::privacy::Accounts;
use crate::roster::{Roster, RosterEntry};
use crate::round::agreement::{self, Ending};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::{CoordinatorEvent, EvictionReason};
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

/// A client whose connection stands, whether or not it takes part in this run.
pub(super) struct Caller {
    /// How often it has asked to be let in, since then.
    joins: (u32, Millis),
}

/// A client that has asked to be let into the run.
pub(super) struct Link {
    /// Of its `Join`: what a word that ends its work is signed with.
    pub(super) nonce: Digest,
    /// The plan is admitted.
    pub(super) accepted: bool,
    /// It refused the run, or everything: nothing more of it counts until it asks again.
    pub(super) refused: bool,
    /// Sessions whose keys it holds.
    pub(super) holding: Vec<SessionId>,
    /// Its upload came too late for the last round, or not at all: the next one does not wait for it.
    pub(super) straggling: bool,
    /// The next set-up goes without it, because the last one failed by it or at it.
    pub(super) left_out: bool,
}

impl<S: Suite> Coordinator<S> {
    /// It is invited when the run goes on, if that is for it.
    pub(super) fn on_connected(&mut self, client: ClientId) {
        self.callers.insert(client, Caller { joins: (0, Millis(0)) });
        self.uninvited.insert(client);
    }

    /// Invites those who are here and have not been asked yet, where nothing holds the run back. When it is over, those who have admitted it once: what
    /// they have reserved is free as soon as they hear of the end.
    pub(super) fn invite(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        // Whoever asks while a roster waits is told to wait for it. An invitation would have it ask again at once, over and over.
        if self.next_roster.is_some() && self.record.finished.is_none() {
            return;
        }
        for client in core::mem::take(&mut self.uninvited) {
            let asked = self.links.contains_key(&client) || self.record.evicted.contains_key(&client);
            let wanted = self.record.finished.is_none() || self.record.heads.contains_key(&client);
            if !asked && wanted && self.is_eligible(client, now) {
                outbox.push(CoordinatorEffect::Send(client, Downstream::Invite));
            }
        }
    }

    pub(super) fn on_join(&mut self, now: Millis, from: ClientId, join: Join, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(caller) = self.callers.get_mut(&from).filter(|_| !matches!(self.phase, Phase::Stopped)) else {
            return;
        };
        let (joins, since) = &mut caller.joins;
        if since.plus(JOINS_WITHIN_MS) <= now {
            (*joins, *since) = (0, now);
        }
        *joins = joins.saturating_add(1);
        if *joins > JOINS_MAX {
            return self.misbehaved(now, from, outbox);
        }
        // Whatever it was at, it begins anew.
        if self.links.remove(&from).is_some() {
            self.on_lost(now, from, ClosedReason::ParticipantLost(from), outbox);
        }
        self.uninvited.remove(&from);
        if self.record.finished.is_some() {
            return self.dismiss(from, (false, join.nonce), outbox);
        }
        // Whoever asks while a roster waits is invited when that is in force: the one before it says nothing any more.
        if let Some(next) = &self.next_roster {
            self.uninvited.insert(from);
            // Where the two give it other keys, or one of them none, whoever asks now is in the one to come.
            let roster = if next.entry(from).is_some() { next } else { &self.settings.roster };
            let why =
                "a newer roster comes into force as soon as the open round has ended; this branch is asked again then";
            let refusal = (RejectCode::NotNow, why.to_string());
            return self.reject_under(&roster.roster, from, join.nonce, refusal, outbox);
        }
        if let Some(refusal) = self.refusal_of(now, from, &join) {
            return self.reject(from, join.nonce, refusal, outbox);
        }
        // A branch would refuse it for good, and would be right.
        if let Some(why) = self.waits_for(now) {
            self.uninvited.insert(from);
            return self.reject(from, join.nonce, (RejectCode::NotNow, why), outbox);
        }
        let open: Vec<SessionId> = self.sessions.iter().map(super::material::Session::id).collect();
        let holding = join.holding.into_iter().filter(|session| open.contains(session)).take(open.len()).collect();
        let (accepted, refused, straggling, left_out) = (false, false, false, false);
        let link = Link { nonce: join.nonce, accepted, refused, holding, straggling, left_out };
        self.links.insert(from, link);
        let begun = self.record.opened_at.unwrap_or(now);
        let CoordinatorSettings { run, roster, signing_key, .. } = &self.settings;
        let message = agreement::welcome_message::<S>(&join.nonce, run.id(), roster, [now, begun]);
        let signature = S::sign(signing_key, &message);
        let budget = self.settings.heads.shown_to(from, &self.settings.roster).map(Box::new);
        let welcome = Welcome {
            version: PROTOCOL_VERSION,
            nonce: join.nonce,
            plan: self.settings.run.plan().plan().clone(),
            approvals: self.settings.approvals.clone(),
            number: self.settings.run.reference().number,
            roster: self.settings.roster.clone(),
            sessions: open,
            budget,
            at: now,
            begun,
            signature,
        };
        outbox.push(CoordinatorEffect::Send(from, Downstream::Welcome(Box::new(welcome))));
    }

    fn refusal_of(&self, now: Millis, from: ClientId, join: &Join) -> Option<(RejectCode, String)> {
        let Some(entry) = self.settings.roster.roster.entry(from) else {
            let explanation =
                "this certificate is not in the roster; ask the coordinator's operator to enrol this branch";
            return Some((RejectCode::NotInRoster, explanation.to_string()));
        };
        if let Some(why) = self.unseated(entry, now) {
            return Some(why);
        }
        if !self.is_eligible(from, now) {
            let explanation = alloc::format!(
                "the plan is for the roster's group \"{}\", and client {from} is not in it, so nothing is asked of this branch; if it should \
                 take part, have the roster authorities put it into the group and sign the next roster",
                self.settings.run.group
            );
            return Some((RejectCode::NotInGroup, explanation));
        }
        if self.record.evicted.contains_key(&from) {
            return Some((RejectCode::Evicted, eviction_text()));
        }
        if join.version != PROTOCOL_VERSION {
            let text = alloc::format!(
                "this coordinator speaks protocol version {PROTOCOL_VERSION}, the client version {}; install matching releases",
                join.version
            );
            return Some((RejectCode::VersionDiffers, text));
        }
        if join.schema != self.settings.run.schema {
            let text = alloc::format!(
                "the plan was made for feature schema {}, the branch's schema file has digest {}; nothing was trained; \
                 give the branch the plan's schema file",
                self.settings.run.schema.short(),
                join.schema.short()
            );
            return Some((RejectCode::SchemaDiffers, text));
        }
        None
    }

    /// Tells a client that the run is over. Whoever admitted the plan is through; to others it is a refusal.
    pub(super) fn dismiss(
        &mut self,
        client: ClientId,
        (accepted, nonce): (bool, Digest),
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let took_part = accepted || self.record.took_part(client);
        let outcome = if took_part { self.record.outcome() } else { Err(self.record.without_a_model()) };
        let Some(entry) = self.settings.roster.roster.entry(client) else { return };
        let key = &self.settings.signing_key;
        let answer = answer_after_the_end::<S>(key, (self.settings.run.id(), &outcome), entry, &nonce);
        outbox.push(CoordinatorEffect::Send(client, answer));
    }

    pub(super) fn on_accept(
        &mut self,
        now: Millis,
        from: ClientId,
        (run, head, begun): (RunId, &BudgetHead, Option<FirstUse>),
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let own = run == self.settings.run.id() && head.run == self.settings.run.reference();
        let begun_or_known = self.announces(head, begun.as_ref()) || !stands(Defence::FirstUse);
        // What arrived of it here was charged there, whatever its file says.
        let whole = !self.record.lacks(head, &Accounts::zero()) || !stands(Defence::RecordRollback);
        let valid = own && self.is_next_head(from, head) && begun_or_known && whole;
        match self.links.get_mut(&from) {
            // Once for each time that it was let in: the ledger grows by it.
            Some(link) if valid && !link.accepted && !link.refused => link.accepted = true,
            _ => return self.misbehaved(now, from, outbox),
        }
        self.late.remove(&from);
        self.note_budget(head, begun, outbox);
        // A client can only have been charged for rounds that this ledger has started.
        if self.record.is_more(&head.charged) && self.record.finished.is_none() {
            let charged = head.charged.clone();
            self.commit(CoordinatorEvent::ClientChargedMore { client: from, charged }, outbox);
        }
    }

    /// A branch refuses the plan, or everything that this coordinator does.
    pub(super) fn on_refused(
        &mut self,
        now: Millis,
        from: ClientId,
        code: RefusalCode,
        signature: Signature,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let signed = self.settings.roster.roster.entry(from).is_some_and(|entry| {
            let runs = [self.settings.run.id(), RunId::NONE];
            let message = |run| agreement::refusal_message::<S>(run, code);
            runs.into_iter().any(|run| S::verify(&entry.signing_key, &message(run), &signature))
        });
        // Once on a connection: a second one would fill the ledger.
        let first = self.links.get(&from).is_some_and(|link| !link.refused);
        if !signed || !first {
            return self.misbehaved(now, from, outbox);
        }
        self.late.remove(&from);
        if let Some(link) = self.links.get_mut(&from) {
            (link.accepted, link.refused) = (false, true);
            link.holding.clear();
        }
        self.note_refusal(from, code, Some(signature), outbox);
        self.on_lost(now, from, ClosedReason::ParticipantGaveUp(from), outbox);
    }

    /// A branch's operator has not said yet that its data are ready. It asks again when that is so; nothing is recorded, and nobody is struck.
    pub(super) fn on_not_ready(&mut self, now: Millis, from: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        self.late.insert(from);
        if self.links.remove(&from).is_some() {
            self.on_lost(now, from, ClosedReason::ParticipantLost(from), outbox);
        }
    }

    /// A branch gives up one set-up, and may say by whose fault. Neither it nor the accused is asked for the next one: who of the two lies
    /// cannot be seen from here, and an accuser that pays with its own place has no cheap way to keep others out.
    pub(super) fn on_abandoned(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        (code, accused): (RefusalCode, Option<ClientId>),
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        if !self.keying.as_ref().is_some_and(|keying| keying.session() == session && keying.has(from)) {
            return self.keys_given_up(from, session, code, outbox);
        }
        self.note_refusal(from, code, None, outbox);
        for client in [Some(from), accused].into_iter().flatten() {
            self.leave_out(client);
        }
        self.drop_keying(now, ClosedReason::ParticipantGaveUp(from), outbox);
    }

    /// Its word was on its way when everybody else was done: the session stands, and the member has no keys for it.
    fn keys_given_up(
        &mut self,
        from: ClientId,
        session: SessionId,
        code: RefusalCode,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Some(link) = self.links.get_mut(&from) else { return };
        let held = link.holding.len();
        link.holding.retain(|holding| *holding != session);
        if link.holding.len() < held {
            self.note_refusal(from, code, None, outbox);
            if self.sessions.front().is_some_and(|current| current.id() == session) {
                self.collecting_lost(from, outbox);
            }
        }
    }

    /// A participant is gone or gave up: a set-up that needs it ends, a round goes on with the rest if it can.
    pub(super) fn on_lost(
        &mut self,
        now: Millis,
        client: ClientId,
        reason: ClosedReason,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        if self.keying.as_ref().is_some_and(|keying| keying.has(client)) {
            self.drop_keying(now, reason, outbox);
        }
        match &self.phase {
            Phase::Collecting(_) => self.collecting_lost(client, outbox),
            Phase::Certifying(_) => self.certifying_checked(outbox),
            Phase::Unmasking(_) => self.unmasking_lost(now, client, outbox),
            // Once the sum can be unmasked nobody is needed any more.
            Phase::Gathering | Phase::Updating(_) | Phase::Concluding(_) | Phase::Stopped | Phase::Finished => {}
        }
    }

    /// A message came that the protocol does not allow: its sender is disconnected, and out of the plan when that happens again and again.
    pub(super) fn misbehaved(&mut self, now: Millis, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.callers.remove(&client).is_none() {
            return;
        }
        self.uninvited.remove(&client);
        self.late.remove(&client);
        let nonce = self.links.remove(&client).map_or(Digest::ZERO, |link| link.nonce);
        let strikes = self.strikes.entry(client).or_default();
        *strikes = strikes.saturating_add(1);
        let struck_out = *strikes >= STRIKES_MAX && self.record.finished.is_none();
        // One that is out already may misbehave again before it has joined: nobody is evicted twice.
        let evicted = self.record.evicted.contains_key(&client);
        if struck_out && !evicted {
            self.commit(CoordinatorEvent::ClientEvicted { client, reason: EvictionReason::Strikes }, outbox);
            self.sync(outbox);
        }
        if struck_out || evicted {
            self.reject(client, nonce, (RejectCode::Evicted, eviction_text()), outbox);
        } else {
            let explanation = "a message came that the protocol does not allow at this point; the client must be restarted, and its \
                               release compared with the coordinator's";
            self.reject(client, nonce, (RejectCode::Misbehaved, explanation.to_string()), outbox);
        }
        outbox.push(CoordinatorEffect::Close(client));
        self.on_lost(now, client, ClosedReason::ParticipantMisbehaved(client), outbox);
    }

    /// Proof by a client's own signatures that it cheated: it is out of the plan.
    pub(super) fn evict(
        &mut self,
        now: Millis,
        client: ClientId,
        reason: EvictionReason,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        if self.record.evicted.contains_key(&client) {
            return;
        }
        self.commit(CoordinatorEvent::ClientEvicted { client, reason }, outbox);
        self.sync(outbox);
        if let Some(Link { nonce, .. }) = self.links.remove(&client) {
            self.reject(client, nonce, (RejectCode::Evicted, eviction_text()), outbox);
            self.on_lost(now, client, ClosedReason::ParticipantMisbehaved(client), outbox);
        }
    }

    /// The next set-up goes without this client.
    pub(super) fn leave_out(&mut self, client: ClientId) {
        if let Some(link) = self.links.get_mut(&client) {
            link.left_out = true;
        }
    }

    /// Goes on without a client that did not answer in time; it may ask to be let in again.
    pub(super) fn cut(&mut self, now: Millis, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.links.remove(&client).is_some() {
            self.uninvited.insert(client);
            self.on_lost(now, client, ClosedReason::ParticipantLost(client), outbox);
        }
    }

    /// Refuses a client, signed with what it asked by.
    pub(super) fn reject(
        &self,
        client: ClientId,
        nonce: Digest,
        refusal: (RejectCode, String),
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        self.reject_under(&self.settings.roster.roster, client, nonce, refusal, outbox);
    }

    fn reject_under(
        &self,
        roster: &Roster,
        client: ClientId,
        nonce: Digest,
        (code, explanation): (RejectCode, String),
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let proof = self.prove(roster, client, &nonce, Ending::Rejected { code, explanation: &explanation });
        let explanation = explanation.into();
        outbox.push(CoordinatorEffect::Send(client, Downstream::Rejected { code, explanation, proof }));
    }

    /// Nobody whom the roster does not have can be told by a signature.
    fn prove(&self, roster: &Roster, client: ClientId, nonce: &Digest, ending: Ending<'_>) -> Option<Proof> {
        let entry = roster.entry(client)?;
        let run = self.settings.run.id();
        let message = agreement::ending_message::<S>(run, &entry.signing_key, nonce, ending);
        Some(Proof { run, signature: S::sign(&self.settings.signing_key, &message) })
    }

    fn note_refusal(
        &mut self,
        client: ClientId,
        code: RefusalCode,
        signature: Option<Signature>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        // A branch that comes back and back with the same refusal fills no ledger.
        let known = signature.is_some() && self.record.refused.get(&client) == Some(&code);
        if self.record.finished.is_none() && !known {
            self.commit(CoordinatorEvent::ClientRefused { client, code, signature }, outbox);
        }
    }
}

/// What a member hears who asks for a run that is over: the model that it released and its rounds, or why it has none; see [`RunRecord::outcome`].
///
/// [`RunRecord::outcome`]: crate::round::RunRecord::outcome
#[must_use]
pub fn answer_after_the_end<S: Suite>(
    signing_key: &S::SigningKey,
    (run, outcome): (RunId, &Result<(Digest, u32), String>),
    entry: &RosterEntry,
    nonce: &Digest,
) -> Downstream {
    let prove = |ending| {
        let message = agreement::ending_message::<S>(run, &entry.signing_key, nonce, ending);
        Some(Proof { run, signature: S::sign(signing_key, &message) })
    };
    match outcome {
        Ok((model, rounds)) => {
            let proof = prove(Ending::Finished { model, rounds: *rounds });
            Downstream::Finished { model: *model, rounds: *rounds, proof }
        }
        Err(explanation) => {
            let code = RejectCode::PlanFinished;
            let proof = prove(Ending::Rejected { code, explanation });
            Downstream::Rejected { code, explanation: explanation.clone().into(), proof }
        }
    }
}

fn eviction_text() -> String {
    "this client is out of the plan, because it broke rounds; the coordinator's ledger says when and how; its operator and the \
     coordinator's must find the cause before a new plan admits it"
        .to_string()
}

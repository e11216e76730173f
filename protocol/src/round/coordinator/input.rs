//! What happens outside, and where the machine takes it.

use alloc::boxed::Box;
use alloc::string::String;

use super::{Coordinator, Phase};
use crate::budget::{BudgetHead, Kept};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{ClosedReason, Downstream, Upstream};
use crate::plan::{Approvals, Attestation};
use crate::roster::SignedRoster;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// Something happened outside.
pub enum Input {
    /// An authenticated connection of a client in the roster.
    Connected(ClientId),
    /// It is gone.
    Disconnected(ClientId),
    /// A client's control message. Who it is comes from its certificate.
    Message(ClientId, Upstream),
    /// An admitted vector is here whole and has the digest that its sender signed. It is not in the sum yet.
    Arrived {
        /// The round.
        round: RoundId,
        /// Whose.
        client: ClientId,
    },
    /// An admitted vector is here whole and has another length or digest than its sender signed. One that was cut off by its connection's
    /// end is not: that is [`Input::Disconnected`].
    UploadFailed {
        /// The round.
        round: RoundId,
        /// Whose.
        client: ClientId,
    },
    /// The sum was unmasked and has advanced the public state.
    Updated {
        /// The round.
        round: RoundId,
        /// Digest of the unmasked sum.
        sum: Digest,
        /// Digest of the public state after it, which is stored durably; the same one where the stage moves none.
        model: Digest,
    },
    /// What a stage hands on is stored durably.
    Concluded {
        /// The stage.
        stage: u16,
        /// Its digest.
        model: Digest,
    },
    /// The sum was unmasked and could not be used.
    UpdateFailed {
        /// The round.
        round: RoundId,
        /// `ChecksFailed` or `UpdateRefused`.
        reason: ClosedReason,
    },
    /// A client's budget head that came with an upload of a run that is over: what was spent counts in every run.
    Head(ClientId, Box<BudgetHead>),
    /// What another run's machine has kept of a client's budget: it counts here as well, and [`CoordinatorEffect::Sync`] makes it durable.
    Kept(Kept),
    /// A roster whose signatures were verified. If it is newer than the one in force, it is adopted as soon as no round is open.
    Roster(Box<SignedRoster>),
    /// Others have signed the plan: from here on they stand by it.
    Approved(Box<Approvals>),
    /// An order that somebody has signed.
    Ordered(Box<Attestation>),
    /// Why the daemon lets no key set-up and no round begin, in words that stay the same while it stays so; nothing where it does. What is under way ends as ever.
    Withheld(Option<String>),
    /// A deadline may have passed.
    Timer,
    /// The operator stops the daemon.
    Stop,
}

impl<S: Suite> Coordinator<S> {
    pub(super) fn take(&mut self, now: Millis, input: Input, outbox: &mut Outbox<CoordinatorEffect>) {
        match input {
            Input::Connected(client) => self.on_connected(client),
            Input::Disconnected(client) => {
                self.callers.remove(&client);
                self.uninvited.remove(&client);
                self.late.remove(&client);
                if self.links.remove(&client).is_some() {
                    self.on_lost(now, client, ClosedReason::ParticipantLost(client), outbox);
                }
            }
            Input::Message(from, message) => self.on_message(now, from, message, outbox),
            Input::Arrived { round, client } => self.on_arrived(round, client, outbox),
            Input::UploadFailed { round, client } => {
                if self.is_open(round) {
                    self.misbehaved(now, client, outbox);
                }
            }
            Input::Updated { round, sum, model } => self.on_updated(round, sum, model, outbox),
            Input::Concluded { stage, model } => self.on_concluded(stage, model, outbox),
            Input::UpdateFailed { round, reason } => {
                if self.is_open(round) {
                    self.abort(reason, outbox);
                }
            }
            Input::Head(client, head) => self.on_head(client, &head, outbox),
            Input::Kept(kept) => {
                self.settings.heads.apply(&kept);
                // Whoever hears of its counter from here on can count on it as well.
                self.news_of_budgets = true;
            }
            Input::Roster(roster) => self.on_roster(*roster),
            Input::Approved(approvals) => self.on_approved(*approvals, outbox),
            Input::Ordered(order) => self.on_order(now, *order, outbox),
            Input::Withheld(why) => self.withheld = why,
            Input::Timer => self.on_timer(now, outbox),
            Input::Stop => self.on_stop(outbox),
        }
    }

    fn on_message(&mut self, now: Millis, from: ClientId, message: Upstream, outbox: &mut Outbox<CoordinatorEffect>) {
        match message {
            Upstream::Join(join) => self.on_join(now, from, join, outbox),
            message if self.links.contains_key(&from) => self.on_joined_message(now, from, message, outbox),
            // It was on its way when the run let go of its sender. What was spent counts.
            Upstream::Masked(header) => {
                self.on_head(from, &header.head, outbox);
                outbox.push(CoordinatorEffect::Discard(from));
            }
            _ => {}
        }
    }

    fn on_joined_message(
        &mut self,
        now: Millis,
        from: ClientId,
        message: Upstream,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        match message {
            Upstream::Join(_) => {}
            Upstream::Accept { run, head, begun } => self.on_accept(now, from, (run, &head, begun), outbox),
            Upstream::NotReady => self.on_not_ready(now, from, outbox),
            Upstream::Refuse { code, signature } => self.on_refused(now, from, code, signature, outbox),
            Upstream::Abandon { session, code, accused } => {
                self.on_abandoned(now, from, session, (code, accused), outbox);
            }
            Upstream::Keys(keys) => self.on_keys(now, from, *keys, outbox),
            Upstream::Contribution { session, contribution } => {
                self.on_contribution(now, from, session, contribution, outbox);
            }
            Upstream::Encapsulations { session, items } => self.on_encapsulations(now, from, session, items, outbox),
            Upstream::Deal(deal) => self.on_deal(now, from, *deal, outbox),
            Upstream::SetupAck { session, signature } => self.on_setup_ack(now, from, session, signature, outbox),
            Upstream::Masked(header) => self.on_masked(now, from, &header, outbox),
            Upstream::SurvivorsAck { round, signature } => self.on_survivors_ack(now, from, round, signature, outbox),
            Upstream::Unmask { round, shares } => self.on_unmask(now, from, round, &shares, outbox),
            Upstream::Proofs { round, proofs } => self.on_proofs(now, from, round, &proofs, outbox),
            Upstream::Leave => {
                self.links.remove(&from);
                self.on_lost(now, from, ClosedReason::ParticipantLost(from), outbox);
            }
        }
    }

    fn on_stop(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        if let Some(round) = self.record.round.as_ref().map(|open| open.round) {
            let reason = ClosedReason::Stopped;
            self.commit(CoordinatorEvent::RoundAborted { round, reason }, outbox);
            outbox.push(CoordinatorEffect::DropSum(round));
        }
        let keying = self.keying.take().map(|keying| keying.session());
        let reason = ClosedReason::Stopped;
        if let Some(session) = keying {
            self.commit(CoordinatorEvent::SessionClosed { session, reason }, outbox);
        }
        self.sync(outbox);
        if let Some(session) = keying {
            let message = Downstream::SessionClosed { session, reason };
            outbox.push(CoordinatorEffect::Broadcast(self.ready_clients(), message));
        }
        if !matches!(self.phase, Phase::Finished) {
            self.phase = Phase::Stopped;
        }
        self.links.clear();
    }
}

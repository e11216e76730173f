//! The participant's round machine, at a branch.

mod certifying;
mod contributing;
mod joining;
mod keying;
mod policy;
mod record;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use policy::Policy;
pub use record::{ParticipantRecord, PlanSpend};

use self::certifying::{Acknowledged, Uploaded};
use self::contributing::Training;
use self::keying::{Keying, Session};
use super::coordinator::Wait;
use super::effect::{Outbox, ParticipantEffect};
use super::event::ParticipantEvent;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{ClosedReason, Downstream, Join, RefusalCode, RejectCode, RoundOutcome, Start, Upstream};
use crate::plan::ValidPlan;
use crate::privacy::RdpVector;
use crate::roster::Roster;
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::time::Millis;

/// Something happened outside.
pub enum ParticipantInput {
    /// The connection stands.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// A control message; a start comes as [`ParticipantInput::Started`].
    Message(Downstream),
    /// A round's start with the model behind it.
    Started {
        /// The message.
        start: Start,
        /// Digest of the model's bytes as received, which the shell keeps.
        model: Digest,
    },
    /// The shell judged the plan against data, schema and model code.
    PlanJudged {
        /// The plan's digest.
        plan: Digest,
        /// Whether it follows from what the branch has.
        verdict: Result<(), RefusalCode>,
    },
    /// The masked vector of a round is ready.
    Masked {
        /// The round.
        round: RoundId,
        /// Digest of the vector's bytes.
        vector: Digest,
    },
    /// Training failed; the shell has told the operator why.
    TrainingFailed {
        /// The round.
        round: RoundId,
    },
    /// A deadline may have passed.
    Timer,
    /// The operator stops the daemon.
    Stop,
}

enum Phase<S: Suite> {
    /// No connection.
    Offline,
    /// `Join` sent, or the plan is being judged.
    Joining,
    /// Plan accepted, no session.
    Idle,
    Keying(Keying<S>),
    Ready(Session<S>),
    Training(Session<S>, Training<S>),
    Uploaded(Session<S>, Uploaded<S>),
    Acknowledged(Session<S>, Acknowledged<S>),
    /// The plan is over, or the branch refused.
    Over,
}

struct Admitted {
    plan: ValidPlan,
    roster: Roster,
}

/// The participant: decides on every input, records before it speaks, and never touches a vector. Its secrets live here and nowhere else.
pub struct Participant<S: Suite> {
    policy: Policy,
    schema: Digest,
    signing_key: S::SigningKey,
    record: ParticipantRecord,
    /// Known from the roster by the signing key.
    client: Option<ClientId>,
    offered: Option<Admitted>,
    phase: Phase<S>,
}

impl<S: Suite> Participant<S> {
    /// Starts from the events of the budget file.
    #[must_use]
    pub fn resume(policy: Policy, schema: Digest, signing_key: S::SigningKey, recorded: &[ParticipantEvent]) -> Self {
        let record = ParticipantRecord::replay(recorded);
        Self { policy, schema, signing_key, record, client: None, offered: None, phase: Phase::Offline }
    }

    /// Judges one input, changes state, and asks for effects.
    pub fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match input {
            ParticipantInput::Connected => {
                self.phase = Phase::Joining;
                let join = Join { version: PROTOCOL_VERSION, schema: self.schema };
                outbox.push(ParticipantEffect::Send(Upstream::Join(join)));
            }
            ParticipantInput::Disconnected => {
                self.forget_round(outbox);
                if !matches!(self.phase, Phase::Over) {
                    self.phase = Phase::Offline;
                }
            }
            ParticipantInput::Message(message) => self.on_message(now, entropy, message, outbox),
            ParticipantInput::Started { start, model } => self.on_start(now, &start, &model, outbox),
            ParticipantInput::PlanJudged { plan, verdict } => self.on_judged(plan, verdict, outbox),
            ParticipantInput::Masked { round, vector } => self.on_masked(round, vector, outbox),
            ParticipantInput::TrainingFailed { round } => {
                if matches!(&self.phase, Phase::Training(_, training) if training.round() == round) {
                    self.give_up(RefusalCode::TrainingFailed, outbox);
                }
            }
            ParticipantInput::Timer => {
                if self.wait().deadline.is_some_and(|deadline| deadline <= now) {
                    self.give_up(RefusalCode::DeadlinePassed, outbox);
                }
            }
            ParticipantInput::Stop => {
                self.forget_round(outbox);
                if !matches!(self.phase, Phase::Offline) {
                    outbox.push(ParticipantEffect::Send(Upstream::Leave));
                }
                self.phase = Phase::Over;
            }
        }
    }

    /// What the machine waits for now.
    #[must_use]
    pub fn wait(&self) -> Wait {
        let plain = |reason: &str| Wait { reason: reason.to_string(), deadline: None, next: "none" };
        let timed = |reason: String, deadline: Millis| Wait {
            reason,
            deadline: Some(deadline),
            next: "give up the session and erase its keys",
        };
        match &self.phase {
            Phase::Offline => plain("a connection to the coordinator"),
            Phase::Joining => plain("the coordinator's welcome"),
            Phase::Idle => plain("the next key set-up"),
            Phase::Ready(_) => plain("the next round"),
            Phase::Over => plain("nothing: the plan is over"),
            Phase::Keying(keying) => timed(keying.describe(), keying.deadline()),
            Phase::Training(_, training) => {
                timed(alloc::format!("round {}: this branch's training", training.round()), training.deadline())
            }
            Phase::Uploaded(_, uploaded) => {
                timed(alloc::format!("round {}: the survivor set", uploaded.round()), uploaded.deadline())
            }
            Phase::Acknowledged(_, acknowledged) => {
                timed(alloc::format!("round {}: the quorum certificate", acknowledged.round()), acknowledged.deadline())
            }
        }
    }

    /// The durable state.
    #[must_use]
    pub fn record(&self) -> &ParticipantRecord {
        &self.record
    }

    /// The admitted plan.
    #[must_use]
    pub fn plan(&self) -> Option<&ValidPlan> {
        self.offered.as_ref().map(|admitted| &admitted.plan)
    }

    fn on_message(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        message: Downstream,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match message {
            Downstream::Welcome(welcome) => self.on_welcome(&welcome, outbox),
            Downstream::Rejected { code, explanation } => {
                self.forget_round(outbox);
                self.phase = Phase::Over;
                let retry = matches!(code, RejectCode::AlreadyConnected);
                outbox.push(ParticipantEffect::Stop { explanation, retry });
            }
            Downstream::Offer(offer) => self.on_offer(now, entropy, offer, outbox),
            Downstream::Freeze(freeze) => self.on_freeze(entropy, freeze, outbox),
            Downstream::Encapsulations { session, items } => self.on_encapsulations(entropy, session, &items, outbox),
            Downstream::Shares { session, bundles } => self.on_shares(session, &bundles, outbox),
            Downstream::SetupAcks { session, signatures } => self.on_setup_acks(session, &signatures, outbox),
            // The shell pairs a start with the model's bytes behind it.
            Downstream::Start(_) => self.give_up(RefusalCode::Unexpected, outbox),
            Downstream::Survivors(survivors) => self.on_survivors(&survivors, outbox),
            Downstream::Quorum(certificate) => self.on_quorum(&certificate, outbox),
            Downstream::Outcome(outcome) => self.on_outcome(&outcome, outbox),
            Downstream::SessionClosed { session, reason } => self.on_session_closed(session, reason, outbox),
            Downstream::Finished { rounds, .. } => {
                self.forget_round(outbox);
                self.phase = Phase::Over;
                outbox.push(ParticipantEffect::Finished { rounds });
            }
        }
    }

    fn on_outcome(&mut self, outcome: &RoundOutcome, outbox: &mut Outbox<ParticipantEffect>) {
        let (round, model) = match outcome {
            RoundOutcome::Committed { round, model, .. } => (*round, Some(*model)),
            RoundOutcome::Aborted { round, .. } => (*round, None),
        };
        if self.open_round() == Some(round) {
            self.forget_round(outbox);
        }
        self.commit(ParticipantEvent::RoundClosed { round, model }, outbox);
        outbox.push(ParticipantEffect::RoundClosed { round, committed: model.is_some() });
    }

    fn on_session_closed(&mut self, session: SessionId, _reason: ClosedReason, outbox: &mut Outbox<ParticipantEffect>) {
        if self.session_id() == Some(session) {
            self.forget_round(outbox);
            self.phase = Phase::Idle;
        }
    }

    /// Leaves the session, tells the coordinator why, and stays willing to join the next one where that can help.
    fn give_up(&mut self, code: RefusalCode, outbox: &mut Outbox<ParticipantEffect>) {
        let session = self.session_id();
        self.forget_round(outbox);
        self.commit(ParticipantEvent::Refused { code }, outbox);
        outbox.push(ParticipantEffect::Sync);
        let Some(session) = session else {
            outbox.push(ParticipantEffect::Send(Upstream::Refuse { code }));
            self.phase = Phase::Over;
            outbox.push(ParticipantEffect::Stop { explanation: code.to_string(), retry: false });
            return;
        };
        outbox.push(ParticipantEffect::Send(Upstream::Abandon { session, code }));
        let willing = matches!(code, RefusalCode::DeadlinePassed | RefusalCode::BadKeyMaterial);
        if let (true, Some(admitted)) = (willing, &self.offered) {
            let plan = admitted.plan.digest();
            self.phase = Phase::Idle;
            outbox.push(ParticipantEffect::Send(Upstream::Accept { plan }));
        } else {
            self.phase = Phase::Over;
            outbox.push(ParticipantEffect::Stop { explanation: code.to_string(), retry: false });
        }
    }

    /// Erases the open round's secrets by dropping them, and the session with them unless it can go on.
    fn forget_round(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        if let Some(round) = self.open_round() {
            outbox.push(ParticipantEffect::ForgetVector(round));
        }
        self.phase = match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Training(session, _) | Phase::Uploaded(session, _) | Phase::Acknowledged(session, _) => {
                Phase::Ready(session)
            }
            other => other,
        };
    }

    fn open_round(&self) -> Option<RoundId> {
        match &self.phase {
            Phase::Training(_, training) => Some(training.round()),
            Phase::Uploaded(_, uploaded) => Some(uploaded.round()),
            Phase::Acknowledged(_, acknowledged) => Some(acknowledged.round()),
            _ => None,
        }
    }

    fn session_id(&self) -> Option<SessionId> {
        match &self.phase {
            Phase::Keying(keying) => Some(keying.session()),
            Phase::Ready(session)
            | Phase::Training(session, _)
            | Phase::Uploaded(session, _)
            | Phase::Acknowledged(session, _) => Some(session.id()),
            Phase::Offline | Phase::Joining | Phase::Idle | Phase::Over => None,
        }
    }

    fn verifying_key(&self, client: ClientId) -> Option<VerifyingKey> {
        self.offered.as_ref()?.roster.entry(client).map(|entry| entry.signing_key)
    }

    /// Whether every listed client is in the roster and signed this message.
    fn all_signed<'a>(&self, message: &[u8], signed: impl Iterator<Item = (ClientId, &'a Signature)>) -> bool {
        let keyed = signed.map(|(client, signature)| Some((self.verifying_key(client)?, signature)));
        keyed.collect::<Option<Vec<_>>>().is_some_and(|signatures| S::verify_all(message, &signatures))
    }

    fn may_spend(&self, charge: &RdpVector, rounds: u64) -> bool {
        self.record.spent.plus(&charge.times(rounds)).within(&self.policy.cap)
    }

    fn commit(&mut self, event: ParticipantEvent, outbox: &mut Outbox<ParticipantEffect>) {
        self.record.apply(&event);
        outbox.push(ParticipantEffect::Append(event));
    }

    fn sign(&self, message: &[u8]) -> Signature {
        S::sign(&self.signing_key, message)
    }

    fn cohort_of(members: &[crate::message::Keys]) -> Vec<ClientId> {
        members.iter().map(|keys| keys.client).collect()
    }
}

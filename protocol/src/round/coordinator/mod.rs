//! The coordinator's round machine.

mod certifying;
mod collecting;
mod gathering;
mod keying;
mod record;
mod unmasking;
mod updating;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use record::{CoordinatorRecord, OutOfOrder};

use self::certifying::Certifying;
use self::collecting::Collecting;
use self::gathering::Gathering;
use self::keying::{Keying, Session};
use self::unmasking::Unmasking;
use self::updating::Updating;
use super::agreement;
use super::effect::{CoordinatorEffect, Outbox};
use super::event::CoordinatorEvent;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{ClosedReason, Downstream, RejectCode, RoundOutcome, Upstream, Welcome};
use crate::plan::ValidPlan;
use crate::roster::SignedRoster;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// What the coordinator is told at its start.
pub struct CoordinatorSettings<S: Suite> {
    /// The job.
    pub plan: ValidPlan,
    /// Delta of the statement, as the bits of an `f64`; recorded with the plan.
    pub delta_bits: u64,
    /// Who may take part.
    pub roster: SignedRoster,
    /// The coordinator's protocol signing key, which clients pin.
    pub signing_key: S::SigningKey,
    /// Time to wait for every enrolled client before a session opens with those who came.
    pub gather_ms: u64,
}

/// Something happened outside.
pub enum Input {
    /// An authenticated connection of a client in the roster.
    Connected(ClientId),
    /// It is gone.
    Disconnected(ClientId),
    /// A client's control message. Who it is comes from its certificate.
    Message(ClientId, Upstream),
    /// An admitted vector is in the sum.
    Folded {
        /// The round.
        round: RoundId,
        /// Whose.
        client: ClientId,
    },
    /// An admitted vector was cut short or has another digest than announced.
    UploadFailed {
        /// The round.
        round: RoundId,
        /// Whose.
        client: ClientId,
    },
    /// The sum was unmasked and is in the model.
    Updated {
        /// The round.
        round: RoundId,
        /// Digest of the unmasked sum.
        sum: Digest,
        /// Digest of the new model, which is stored durably.
        model: Digest,
    },
    /// The sum was unmasked and could not be used.
    UpdateFailed {
        /// The round.
        round: RoundId,
        /// `ChecksFailed` or `UpdateRefused`.
        reason: ClosedReason,
    },
    /// A deadline may have passed.
    Timer,
    /// The operator stops the daemon.
    Stop,
}

/// What the coordinator waits for: reason, deadline, next action. `status` prints all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What has to come.
    pub reason: String,
    /// When it is too late, if ever.
    pub deadline: Option<Millis>,
    /// What happens then.
    pub next: &'static str,
}

/// Why a coordinator cannot continue from a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeFault {
    /// The ledger belongs to another plan.
    #[error(
        "the ledger belongs to plan {recorded} and the configured plan is {configured}; use a fresh state directory for a new plan"
    )]
    OtherPlan {
        /// In the ledger.
        recorded: String,
        /// In the configuration.
        configured: String,
    },
    /// The ledger's events contradict each other.
    #[error("{0}; the ledger was changed by something else than a coordinator and must not be continued")]
    OutOfOrder(#[from] OutOfOrder),
}

enum Phase<S: Suite> {
    Gathering(Gathering),
    Keying(Keying),
    Collecting(Session<S>, Collecting),
    Certifying(Session<S>, Certifying),
    Unmasking(Session<S>, Unmasking<S>),
    Updating(Session<S>, Updating),
    Finished,
}

/// A connected client.
#[derive(Default)]
struct Link {
    joined: bool,
    accepted: bool,
}

/// The coordinator: decides on every input, records before it speaks, and never touches a vector.
pub struct Coordinator<S: Suite> {
    settings: CoordinatorSettings<S>,
    record: CoordinatorRecord,
    links: BTreeMap<ClientId, Link>,
    phase: Phase<S>,
}

impl<S: Suite> Coordinator<S> {
    /// Starts or continues a plan. `recorded` are the ledger's events, empty for a new plan. A round or session that was open when the last
    /// process ended is closed first: it does not survive a restart.
    ///
    /// # Errors
    /// If the ledger belongs to another plan or contradicts itself.
    pub fn resume(
        settings: CoordinatorSettings<S>,
        recorded: &[CoordinatorEvent],
        now: Millis,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) -> Result<Self, ResumeFault> {
        let record = CoordinatorRecord::replay(recorded)?;
        if let Some(plan) = record.plan.filter(|plan| *plan != settings.plan.digest()) {
            return Err(ResumeFault::OtherPlan { recorded: plan.short(), configured: settings.plan.digest().short() });
        }
        let deadline = now.plus(settings.gather_ms);
        let mut machine = Self {
            settings,
            record,
            links: BTreeMap::new(),
            phase: Phase::Gathering(Gathering { deadline: Some(deadline) }),
        };
        if machine.record.plan.is_none() {
            let plan = machine.settings.plan.plan().clone();
            let (roster, delta_bits) = (machine.settings.roster.roster.digest(), machine.settings.delta_bits);
            machine.commit(CoordinatorEvent::PlanOpened { plan, roster, delta_bits }, outbox);
        }
        for event in machine.record.closing(ClosedReason::Restart) {
            machine.commit(event, outbox);
        }
        outbox.push(CoordinatorEffect::Sync);
        if machine.record.finished.is_some() {
            machine.phase = Phase::Finished;
        }
        Ok(machine)
    }

    /// Judges one input, changes state, and asks for effects.
    pub fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: Input,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        match input {
            Input::Connected(client) => self.on_connected(client, outbox),
            Input::Disconnected(client) => {
                if self.links.remove(&client).is_some() {
                    self.on_lost(now, client, ClosedReason::ParticipantLost(client), outbox);
                }
            }
            Input::Message(from, message) => self.on_message(now, from, message, outbox),
            Input::Folded { round, client } => self.on_folded(round, client, outbox),
            Input::UploadFailed { round, client } => {
                if self.is_open(round) {
                    self.misbehaved(now, client, outbox);
                }
            }
            Input::Updated { round, sum, model } => self.on_updated(now, round, sum, model, outbox),
            Input::UpdateFailed { round, reason } => {
                if self.is_open(round) {
                    self.abort(now, reason, outbox);
                }
            }
            Input::Timer => self.on_timer(now, outbox),
            Input::Stop => self.on_stop(outbox),
        }
        self.open_session_if_due(now, entropy, outbox);
    }

    /// What the machine waits for now.
    #[must_use]
    pub fn wait(&self) -> Wait {
        match &self.phase {
            Phase::Gathering(gathering) => self.gathering_wait(gathering),
            Phase::Keying(keying) => keying.wait(),
            Phase::Collecting(session, collecting) => collecting.wait(session),
            Phase::Certifying(_, certifying) => certifying.wait(),
            Phase::Unmasking(_, unmasking) => unmasking.wait(),
            Phase::Updating(_, updating) => updating.wait(),
            Phase::Finished => Wait { reason: "nothing: the plan is over".to_string(), deadline: None, next: "none" },
        }
    }

    /// The durable state.
    #[must_use]
    pub fn record(&self) -> &CoordinatorRecord {
        &self.record
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &ValidPlan {
        &self.settings.plan
    }

    /// Clients that are connected and have admitted the plan, ascending.
    #[must_use]
    pub fn ready_clients(&self) -> Vec<ClientId> {
        self.links.iter().filter(|(_, link)| link.accepted).map(|(client, _)| *client).collect()
    }

    fn on_message(&mut self, now: Millis, from: ClientId, message: Upstream, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(link) = self.links.get(&from) else { return };
        if !link.joined {
            return match message {
                Upstream::Join(join) => self.on_join(from, &join, outbox),
                _ => self.misbehaved(now, from, outbox),
            };
        }
        match message {
            Upstream::Join(_) => self.misbehaved(now, from, outbox),
            Upstream::Accept { plan } => self.on_accept(now, from, plan, outbox),
            Upstream::Refuse { code } => {
                self.set_accepted(from, false);
                // It may have been under way while the plan ended.
                if self.record.finished.is_none() {
                    self.commit(CoordinatorEvent::ClientRefused { client: from, code }, outbox);
                    self.on_lost(now, from, ClosedReason::ParticipantGaveUp(from), outbox);
                }
            }
            Upstream::Abandon { session, code } => {
                if self.record.session == Some(session) {
                    // It says `Accept` again when it is willing again.
                    self.set_accepted(from, false);
                    self.commit(CoordinatorEvent::ClientRefused { client: from, code }, outbox);
                    self.on_lost(now, from, ClosedReason::ParticipantGaveUp(from), outbox);
                }
            }
            Upstream::Keys(keys) => self.on_keys(now, from, keys, outbox),
            Upstream::Encapsulations { session, items } => self.on_encapsulations(now, from, session, items, outbox),
            Upstream::Shares { session, bundles } => self.on_shares(now, from, session, bundles, outbox),
            Upstream::SetupAck { session, signature } => self.on_setup_ack(now, from, session, signature, outbox),
            Upstream::Masked(header) => self.on_masked(now, from, &header, outbox),
            Upstream::SurvivorsAck { round, signature } => self.on_survivors_ack(now, from, round, signature, outbox),
            Upstream::Unmask { round, shares } => self.on_unmask(now, from, round, &shares, outbox),
            Upstream::Leave => {
                self.links.remove(&from);
                outbox.push(CoordinatorEffect::Close(from));
                self.on_lost(now, from, ClosedReason::ParticipantLost(from), outbox);
            }
        }
    }

    fn on_connected(&mut self, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.settings.roster.roster.entry(client).is_none() {
            let explanation =
                "this certificate is not in the roster; ask the coordinator's operator to enrol this branch";
            reject(client, RejectCode::NotInRoster, explanation.to_string(), outbox);
            return;
        }
        self.links.insert(client, Link::default());
    }

    fn on_join(&mut self, from: ClientId, join: &crate::message::Join, outbox: &mut Outbox<CoordinatorEffect>) {
        let refusal = if join.version != PROTOCOL_VERSION {
            let text = alloc::format!(
                "this coordinator speaks protocol version {PROTOCOL_VERSION}, the client version {}; install matching releases",
                join.version
            );
            Some((RejectCode::VersionDiffers, text))
        } else if join.schema != self.settings.plan.schema {
            let text = alloc::format!(
                "the plan was made for feature schema {}, the branch's schema file has digest {}; nothing was trained; \
                 give the branch the plan's schema file",
                self.settings.plan.schema.short(),
                join.schema.short()
            );
            Some((RejectCode::SchemaDiffers, text))
        } else if self.record.finished.is_some() {
            Some((
                RejectCode::PlanFinished,
                "the plan is over; there is nothing to do until a new one is served".to_string(),
            ))
        } else {
            None
        };
        if let Some((code, text)) = refusal {
            self.links.remove(&from);
            reject(from, code, text, outbox);
            return;
        }
        if let Some(link) = self.links.get_mut(&from) {
            link.joined = true;
        }
        let signature = S::sign(
            &self.settings.signing_key,
            &agreement::welcome_message(&self.settings.plan, &self.settings.roster),
        );
        let welcome = Welcome {
            version: PROTOCOL_VERSION,
            plan: self.settings.plan.plan().clone(),
            roster: self.settings.roster.clone(),
            signature,
        };
        outbox.push(CoordinatorEffect::Send(from, Downstream::Welcome(welcome)));
    }

    fn on_stop(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        for event in self.record.closing(ClosedReason::Stopped) {
            self.commit(event, outbox);
        }
        outbox.push(CoordinatorEffect::Sync);
        self.phase = Phase::Gathering(Gathering { deadline: None });
        let clients: Vec<_> = core::mem::take(&mut self.links).into_keys().collect();
        for client in clients {
            outbox.push(CoordinatorEffect::Close(client));
        }
    }

    fn on_timer(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let passed = self.wait().deadline.is_some_and(|deadline| deadline <= now);
        if passed && !matches!(self.phase, Phase::Gathering(_)) {
            self.expire(now, outbox);
        }
    }

    /// The deadline of the running phase has passed: whoever did not answer is dropped from the next session, until it answers again.
    fn expire(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let silent = match &self.phase {
            Phase::Keying(keying) => keying.missing(),
            Phase::Collecting(session, collecting) => collecting.missing(session),
            Phase::Certifying(_, certifying) => certifying.missing(),
            Phase::Unmasking(_, unmasking) => unmasking.missing(),
            Phase::Gathering(_) | Phase::Updating(..) | Phase::Finished => Vec::new(),
        };
        self.abort(now, ClosedReason::Deadline, outbox);
        for client in silent {
            self.links.remove(&client);
            outbox.push(CoordinatorEffect::Close(client));
        }
    }

    /// A participant is gone or gave up. Its session, if it is a member, ends: dropout recovery needs the pairwise shares, which this
    /// version does not deal out.
    fn on_lost(&mut self, now: Millis, client: ClientId, reason: ClosedReason, outbox: &mut Outbox<CoordinatorEffect>) {
        let member = match &self.phase {
            Phase::Keying(keying) => keying.has(client),
            Phase::Collecting(session, _)
            | Phase::Certifying(session, _)
            | Phase::Unmasking(session, _)
            | Phase::Updating(session, _) => session.has(client),
            Phase::Gathering(_) | Phase::Finished => false,
        };
        // Once the sum can be unmasked nobody is needed any more.
        let needed = member && !matches!(self.phase, Phase::Updating(..));
        if needed {
            self.abort(now, reason, outbox);
        }
    }

    fn misbehaved(&mut self, now: Millis, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.links.remove(&client).is_none() {
            return;
        }
        let explanation = "a message came that the protocol does not allow at this point; the client must be restarted, and its \
                           release compared with the coordinator's";
        reject(client, RejectCode::Misbehaved, explanation.to_string(), outbox);
        self.on_lost(now, client, ClosedReason::ParticipantMisbehaved(client), outbox);
    }

    /// Ends the open round and session; everything charged stays charged.
    fn abort(&mut self, now: Millis, reason: ClosedReason, outbox: &mut Outbox<CoordinatorEffect>) {
        let round = self.record.round.as_ref().map(|open| open.round);
        let session = self.record.session;
        for event in self.record.closing(reason) {
            self.commit(event, outbox);
        }
        outbox.push(CoordinatorEffect::Sync);
        if let Some(round) = round {
            outbox.push(CoordinatorEffect::DropSum(round));
        }
        for client in self.ready_clients() {
            if let Some(round) = round {
                outbox.push(CoordinatorEffect::Send(
                    client,
                    Downstream::Outcome(RoundOutcome::Aborted { round, reason }),
                ));
            }
            if let Some(session) = session {
                outbox.push(CoordinatorEffect::Send(client, Downstream::SessionClosed { session, reason }));
            }
        }
        self.phase = Phase::Gathering(Gathering { deadline: Some(now) });
    }

    fn is_open(&self, round: RoundId) -> bool {
        self.record.round.as_ref().is_some_and(|open| open.round == round)
    }

    fn set_accepted(&mut self, client: ClientId, accepted: bool) {
        if let Some(link) = self.links.get_mut(&client) {
            link.accepted = accepted;
        }
    }

    /// Records an event: state first, the ledger's line next, before anything that relies on it.
    fn commit(&mut self, event: CoordinatorEvent, outbox: &mut Outbox<CoordinatorEffect>) {
        self.record.check(&event).expect("the machine only decides what its record allows");
        self.record.apply(&event);
        outbox.push(CoordinatorEffect::Append(event));
    }
}

fn reject(client: ClientId, code: RejectCode, explanation: String, outbox: &mut Outbox<CoordinatorEffect>) {
    outbox.push(CoordinatorEffect::Send(client, Downstream::Rejected { code, explanation }));
    outbox.push(CoordinatorEffect::Close(client));
}

//! The participant's round machine, at a branch.

mod certifying;
mod closing;
mod contributing;
mod dealing;
mod ends;
mod granting;
mod joining;
mod keying;
mod policy;
mod round;
mod session;
mod spending;
mod waiting;

use alloc::string::ToString;
use alloc::vec::Vec;

pub use policy::{Granted, Policy, Timing};

use self::ends::end_by;
use self::keying::Keying;
use self::round::{OpenRound, Stage};
use self::session::Session;
use super::agreement::{Ending, ending_message, refusal_message};
use super::effect::{Outbox, ParticipantEffect};
use super::event::{ParticipantEvent, RunEnd};
use super::record::{BudgetFault, BudgetRecord};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, RunId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{Downstream, Join, Proof, RefusalCode, Start, Upstream};
use crate::plan::{Run, Withdrawal};
use crate::roster::{Roster, federation_digest};
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

/// Something happened outside.
pub enum ParticipantInput {
    /// The connection stands.
    Connected,
    /// Everything goes on over another connection, at whose other end nobody has proved anything yet.
    Resumed,
    /// The connection is gone.
    Disconnected,
    /// A control message; a start comes as [`ParticipantInput::Started`].
    Message(Downstream),
    /// A round's start with the public state after it.
    Started {
        /// The message.
        start: Start,
        /// Digest of the public state as received, which the shell keeps; or why this branch's policy does not admit such a state.
        model: Result<Digest, RefusalCode>,
    },
    /// The shell judged the run's plan against data, schema and model code.
    RunJudged {
        /// The run.
        run: RunId,
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
    /// The round's noise is masked, by itself: what leaves in place of the vector where that is not ready in time.
    NoiseMasked {
        /// The round.
        round: RoundId,
        /// Digest of the vector's bytes.
        vector: Digest,
    },
    /// The owner's grants are these now.
    Granted(Vec<Granted>),
    /// The owner takes a grant back.
    Withdrawn(Withdrawal),
    /// A deadline may have passed.
    Timer,
    /// The operator stops the daemon.
    Stop,
}

enum Phase<S: Suite> {
    /// No connection.
    Offline,
    /// `Join` sent.
    Joining,
    /// Welcome: this branch's budget is settled, and the plan is being judged. A verdict counts in no other phase: one that comes after the
    /// connection has broken belongs to a welcome that did.
    Judging,
    /// Plan accepted; perhaps a round is open.
    Ready(Option<OpenRound<S>>),
    /// The plan is over, or the branch refused.
    Over,
}

struct Admitted {
    run: Run,
    /// The owner's grant under which it runs.
    grant: Digest,
    roster: Roster,
    /// The coordinator showed no head of this branch's budget.
    unknown: bool,
    /// The coordinator's clock, as its welcome signs that.
    shown: Millis,
}

/// The participant: decides on every input, records before it speaks, and never touches a vector. Its secrets live here and nowhere else,
/// in memory only: they outlive a connection, not the process.
pub struct Participant<S: Suite> {
    policy: Policy,
    /// In whose name people sign.
    federation: Digest,
    schema: Digest,
    signing_key: S::SigningKey,
    record: BudgetRecord,
    /// Known from the roster by the signing key.
    client: Option<ClientId>,
    offered: Option<Admitted>,
    phase: Phase<S>,
    /// The set-up under way, beside rounds of the session before it.
    keying: Option<Keying<S>>,
    /// Sessions with keys, in the order of their rounds: the one in use first.
    sessions: Vec<Session<S>>,
    /// The last round whose shares were revealed.
    revealed: Option<RoundId>,
    /// Counter of the newest budget head that left.
    announced: u64,
    /// Set-ups that ended after this member's part of a graph's seed was known, since the last one that stood.
    attempts: u32,
    /// Of this connection's `Join`.
    nonce: Digest,
    /// The pinned coordinator has welcomed this client on this very connection.
    proved: bool,
    /// When the last input came.
    now: Millis,
}

impl<S: Suite> Participant<S> {
    /// Starts from the events of the budget file.
    ///
    /// # Errors
    /// The first entry that breaks a rule: nothing may be spent from such a file.
    pub fn resume(
        policy: Policy,
        schema: Digest,
        signing_key: S::SigningKey,
        recorded: &[ParticipantEvent],
    ) -> Result<Self, BudgetFault> {
        let record = BudgetRecord::replay(recorded)?;
        Ok(Self {
            federation: federation_digest(&policy.authorities, policy.authorities_needed),
            policy,
            schema,
            signing_key,
            record,
            client: None,
            offered: None,
            phase: Phase::Offline,
            keying: None,
            sessions: Vec::new(),
            revealed: None,
            announced: 0,
            attempts: 0,
            nonce: Digest::ZERO,
            proved: false,
            now: Millis(0),
        })
    }

    /// Judges one input, changes state, and asks for effects.
    pub fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        self.now = now;
        match input {
            ParticipantInput::Connected => {
                self.phase = Phase::Joining;
                (self.nonce, self.proved) = (Digest(entropy.bytes32()), false);
                let keyed = self.sessions.iter().filter(|session| session.holds_keys());
                let holding = keyed.map(Session::id).collect();
                let join = Join { version: PROTOCOL_VERSION, schema: self.schema, holding, nonce: self.nonce };
                outbox.push(ParticipantEffect::Send(Upstream::Join(join)));
            }
            ParticipantInput::Resumed => self.proved = false,
            ParticipantInput::Disconnected => {
                self.forget_round(outbox);
                (self.keying, self.proved) = (None, false);
                if !matches!(self.phase, Phase::Over) {
                    self.phase = Phase::Offline;
                }
            }
            ParticipantInput::Message(message) => self.on_message(now, entropy, message, outbox),
            ParticipantInput::Started { start, model } => self.on_start(now, &start, model, outbox),
            ParticipantInput::RunJudged { run, verdict } => self.on_judged(now, run, verdict, outbox),
            ParticipantInput::Masked { round, vector } => self.on_masked(now, round, vector, outbox),
            ParticipantInput::NoiseMasked { round, vector } => self.on_noise_masked(now, round, vector, outbox),
            ParticipantInput::Granted(grants) => self.policy.grants = grants,
            ParticipantInput::Withdrawn(withdrawal) => self.on_withdrawn(withdrawal, outbox),
            ParticipantInput::Timer => self.on_timer(now, outbox),
            ParticipantInput::Stop => {
                if !matches!(self.phase, Phase::Offline) {
                    outbox.push(ParticipantEffect::Send(Upstream::Leave));
                }
                self.end(outbox);
            }
        }
    }

    /// The durable state.
    #[must_use]
    pub fn record(&self) -> &BudgetRecord {
        &self.record
    }

    /// The roster that was accepted with the plan in hand.
    #[must_use]
    pub fn roster(&self) -> Option<&Roster> {
        self.offered.as_ref().map(|admitted| &admitted.roster)
    }

    /// The admitted run.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.offered.as_ref().map(|admitted| &admitted.run)
    }

    fn on_message(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        message: Downstream,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match message {
            Downstream::Welcome(welcome) => self.on_welcome(now, &welcome, outbox),
            Downstream::Rejected { code, explanation, proof } => {
                let run = proof.as_ref().map(|proof| proof.run);
                let proved = self.is_proved(proof, Ending::Rejected { code, explanation: explanation.raw() });
                let explanation = explanation.printable();
                match (code.is_final(), proved) {
                    (false, _) => outbox.push(ParticipantEffect::Stop { explanation, retry: true }),
                    (true, true) => {
                        self.end(outbox);
                        run.into_iter().for_each(|run| self.end_run(run, end_by(code), outbox));
                        outbox.push(ParticipantEffect::Stop { explanation, retry: false });
                    }
                    (true, false) => {
                        self.distrust("it refused this branch without the coordinator's signature", outbox)
                    }
                }
            }
            // For people: nothing is decided by it.
            Downstream::Muster(muster) => outbox.push(ParticipantEffect::Muster(muster)),
            Downstream::Offer(offer) => self.on_offer(now, entropy, offer, outbox),
            Downstream::Finished { model, rounds, proof } => {
                let run = proof.as_ref().map(|proof| proof.run);
                if self.is_proved(proof, Ending::Finished { model: &model, rounds }) {
                    self.end(outbox);
                    run.into_iter().for_each(|run| self.end_run(run, RunEnd::Finished, outbox));
                    outbox.push(ParticipantEffect::Finished { rounds });
                } else {
                    self.distrust("it said that the plan is over without the coordinator's signature", outbox);
                }
            }
            // They prove themselves, to the shell.
            Downstream::Lists(_) => {}
            Downstream::Outcome(outcome) => self.on_outcome(&outcome, outbox),
            Downstream::SessionClosed { session, reason } => self.on_session_closed(session, reason, outbox),
            Downstream::Survivors(survivors) => self.on_survivors(&survivors, outbox),
            Downstream::Quorum(certificate) => self.on_quorum(&certificate, outbox),
            Downstream::Prove { round, dealers } => self.on_prove(round, &dealers, outbox),
            // The shell pairs a start with the model's bytes behind it.
            Downstream::Start(_) => self.refuse(RefusalCode::Unexpected, outbox),
            // What follows belongs to a set-up; it may have been on its way when this member gave that one up.
            Downstream::Freeze(freeze) if self.keys(freeze.session) => {
                self.go_on(freeze.session, outbox, |own, outbox| own.frozen(entropy, freeze, outbox));
            }
            Downstream::Neighbourhood(hood) if self.keys(hood.session) => {
                self.go_on(hood.session, outbox, |own, outbox| own.neighboured(entropy, hood, outbox));
            }
            Downstream::Encapsulations { session, items } if self.keys(session) => {
                self.go_on(session, outbox, |own, outbox| own.encapsulated(entropy, session, &items, outbox));
            }
            Downstream::Shares { session, bundles, deals } if self.keys(session) => {
                self.go_on(session, outbox, |own, outbox| own.shared(session, bundles, &deals, outbox));
            }
            Downstream::SetupAcks { session, signatures } if self.keys(session) => {
                self.go_on(session, outbox, |own, outbox| own.acknowledged(session, &signatures, outbox));
            }
            Downstream::Freeze(_)
            | Downstream::Neighbourhood(_)
            | Downstream::Encapsulations { .. }
            | Downstream::Shares { .. }
            | Downstream::SetupAcks { .. } => {}
        }
    }

    fn on_timer(&mut self, now: Millis, outbox: &mut Outbox<ParticipantEffect>) {
        if self.open().is_some_and(|open| open.deadline <= now) {
            self.forget_round(outbox);
        } else if self.open().is_some_and(|open| open.next(self.policy.timing) <= now) {
            self.upload_in_time(now, outbox);
        }
        if let Some(late) = self.keying.as_ref().filter(|keying| keying.deadline() <= now) {
            self.abandon(late.session(), RefusalCode::DeadlinePassed, None, outbox);
        }
        self.sessions.iter_mut().filter(|session| session.ends < now).for_each(Session::erase);
    }

    /// Refuses the coordinator for good: erases everything, says why, and stops.
    fn refuse(&mut self, code: RefusalCode, outbox: &mut Outbox<ParticipantEffect>) {
        let run = self.run().map_or(RunId::NONE, Run::id);
        self.refuse_run(run, code, outbox);
    }

    /// As [`Participant::refuse`], where the run was not admitted.
    fn refuse_run(&mut self, run: RunId, code: RefusalCode, outbox: &mut Outbox<ParticipantEffect>) {
        if !self.proved && stands(Defence::SignedEnding) {
            // Whoever says this has not proved that it is the coordinator, so that nothing is refused for good, and nothing recorded.
            return self.distrust(&code.to_string(), outbox);
        }
        self.end(outbox);
        // The first entry of a file is its owner's: before that nothing is written.
        if self.record.begun.is_some() || !stands(Defence::FirstUse) {
            // A service that is started again and again says the same each time: the file says it once.
            if self.record.refused != Some(code) {
                self.commit(ParticipantEvent::Refused { code }, outbox);
                outbox.push(ParticipantEffect::Sync);
            }
            self.end_run(run, RunEnd::Refused, outbox);
        }
        let signature = self.sign(&refusal_message::<S>(run, code));
        outbox.push(ParticipantEffect::Send(Upstream::Refuse { code, signature }));
        outbox.push(ParticipantEffect::Stop { explanation: code.to_string().into(), retry: false });
    }

    /// Gives up a set-up, says why and about whom, and stays willing to take part in the next one.
    fn abandon(
        &mut self,
        session: SessionId,
        code: RefusalCode,
        accused: Option<ClientId>,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        self.keying = None;
        self.commit(ParticipantEvent::Refused { code }, outbox);
        outbox.push(ParticipantEffect::Send(Upstream::Abandon { session, code, accused }));
    }

    /// Erases every key; nothing more is done.
    fn end(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        self.forget_round(outbox);
        self.keying = None;
        self.sessions.clear();
        self.phase = Phase::Over;
    }

    /// Whether the pinned coordinator signed this end of this client's work, on this connection.
    fn is_proved(&self, proof: Option<Proof>, ending: Ending<'_>) -> bool {
        let signed = proof.is_some_and(|Proof { run, signature }| {
            let offered = self.offered.as_ref().filter(|_| self.proved);
            let message = ending_message::<S>(run, &S::verifying_key(&self.signing_key), &self.nonce, ending);
            offered.is_none_or(|offered| offered.run.id() == run)
                && S::verify(&self.policy.coordinator, &message, &signature)
        });
        signed || !stands(Defence::SignedEnding)
    }

    /// Gives up this connection and nothing else: whoever is at its other end has not proved to be the coordinator.
    fn distrust(&mut self, what: &str, outbox: &mut Outbox<ParticipantEffect>) {
        self.forget_round(outbox);
        (self.keying, self.proved) = (None, false);
        if !matches!(self.phase, Phase::Over) {
            self.phase = Phase::Offline;
        }
        outbox.push(ParticipantEffect::Distrust { what: what.to_string() });
    }

    /// Erases the open round's secrets by dropping them. The session goes on.
    fn forget_round(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        if let Phase::Ready(open) = &mut self.phase
            && let Some(open) = open.take()
        {
            outbox.push(ParticipantEffect::ForgetVector(open.round));
        }
    }

    fn open(&self) -> Option<&OpenRound<S>> {
        match &self.phase {
            Phase::Ready(open) => open.as_ref(),
            Phase::Offline | Phase::Joining | Phase::Judging | Phase::Over => None,
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Phase::Ready(Some(open)) = &mut self.phase {
            open.stage = stage;
        }
    }

    /// Whether a set-up of this session is under way.
    fn keys(&self, session: SessionId) -> bool {
        self.keying.as_ref().is_some_and(|keying| keying.session() == session)
    }

    /// Who this is and what it admitted, once a plan is accepted.
    fn admitted(&self) -> Option<(ClientId, &Admitted)> {
        matches!(self.phase, Phase::Ready(_)).then_some(())?;
        Some((self.client?, self.offered.as_ref()?))
    }

    /// Whether every listed client is in the roster and signed this message.
    fn all_signed<'a>(&self, message: &[u8], signed: impl Iterator<Item = (ClientId, &'a Signature)>) -> bool {
        let Some(offered) = &self.offered else { return false };
        let mut entries = offered.roster.walk();
        let keyed = signed.map(|(client, signature)| Some((&entries.find(client)?.signing_key, signature)));
        keyed.collect::<Option<Vec<_>>>().is_some_and(|signatures| S::verify_all(message, &signatures))
    }

    /// Records an event: state first, the file's line next, before anything that relies on it.
    fn commit(&mut self, event: ParticipantEvent, outbox: &mut Outbox<ParticipantEffect>) {
        let judged = self.record.check(&event);
        assert_eq!(
            judged.map_err(|fault| fault.to_string()),
            Ok(()),
            "the machine only decides what its record allows"
        );
        self.record.apply(&event);
        outbox.push(ParticipantEffect::Append(event));
    }

    fn sign(&self, message: &[u8]) -> Signature {
        S::sign(&self.signing_key, message)
    }
}

#[cfg(test)]
impl<S: Suite> Participant<S> {
    /// A charge stands in the record that this machine did not make: by itself no order of messages brings it there.
    pub(super) fn overtaken_by(&mut self, charge: &ParticipantEvent) {
        self.record.apply(charge);
    }
}

//! The participant's round machine, at a branch.

mod branch;
mod certifying;
mod closing;
mod contributing;
mod dealing;
mod ends;
mod granting;
mod input;
mod joining;
mod keying;
mod policy;
mod round;
mod session;
mod spending;
mod trouble;
mod waiting;

use alloc::string::ToString;
use alloc::vec::Vec;

pub use branch::Branch;
pub use input::ParticipantInput;
pub use policy::{Granted, Policy, Timing};

use self::ends::end_by;
use self::keying::Keying;
use self::round::{OpenRound, Stage};
use self::session::Session;
use super::agreement::{Ending, ending_message, refusal_message};
use super::effect::{Outbox, ParticipantEffect};
use super::event::{ParticipantEvent, RunEnd};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, RunId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{Downstream, Join, Proof, RefusalCode, Upstream};
use crate::plan::Run;
use crate::roster::Roster;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

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
    /// When its welcome came: by this machine's clock, and by the coordinator's, as the welcome signs that.
    clocks: (Millis, Millis),
}

/// The participant in one run: decides on every input, records before it speaks, and never touches a vector. Its secrets live here and nowhere
/// else, in memory only: they outlive a connection, not the process.
pub struct Participant<S: Suite> {
    /// The run in which it takes part. What a welcome of another one says is not for it.
    run: RunId,
    /// Of the policy.
    timing: Timing,
    offered: Option<Admitted>,
    phase: Phase<S>,
    /// The set-up under way, beside rounds of the session before it.
    keying: Option<Keying<S>>,
    /// Sessions with keys, in the order of their rounds: the one in use first.
    sessions: Vec<Session<S>>,
    /// The last set-up that this member gave up.
    given_up: Option<SessionId>,
    /// The last round whose shares were revealed.
    revealed: Option<RoundId>,
    /// The last round whose end was told, and how many were.
    told: (RoundId, u32),
    /// Set-ups that ended after this member's part of a graph's seed was known, since the last one that stood.
    attempts: u32,
    /// Of the last `Join`.
    nonce: Digest,
    /// The pinned coordinator has welcomed this client on this very connection.
    proved: bool,
}

impl<S: Suite> Participant<S> {
    /// A participant that knows nothing but its run.
    #[must_use]
    pub fn new(branch: &Branch<S>, run: RunId) -> Self {
        Self {
            run,
            timing: branch.policy.timing,
            offered: None,
            phase: Phase::Offline,
            keying: None,
            sessions: Vec::new(),
            given_up: None,
            revealed: None,
            told: (RoundId(0), 0),
            attempts: 0,
            nonce: Digest::ZERO,
            proved: false,
        }
    }

    /// Judges one input, changes state, and asks for effects.
    pub fn handle(
        &mut self,
        branch: &mut Branch<S>,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        Turn { branch, own: self, now }.handle(entropy, input, outbox);
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

    /// Whether the run is over here, or was refused: nothing more is done in it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    fn open(&self) -> Option<&OpenRound<S>> {
        match &self.phase {
            Phase::Ready(open) => open.as_ref(),
            Phase::Offline | Phase::Joining | Phase::Judging | Phase::Over => None,
        }
    }
}

/// A participant and its branch, while an input is handled.
struct Turn<'a, S: Suite> {
    branch: &'a mut Branch<S>,
    own: &'a mut Participant<S>,
    now: Millis,
}

impl<S: Suite> Turn<'_, S> {
    fn handle(&mut self, entropy: &mut dyn Entropy, input: ParticipantInput, outbox: &mut Outbox<ParticipantEffect>) {
        let now = self.now;
        match input {
            ParticipantInput::Connected => self.join(entropy, outbox),
            ParticipantInput::Resumed => self.own.proved = false,
            ParticipantInput::Disconnected => self.part(outbox),
            ParticipantInput::Message(message) => self.on_message(now, entropy, message, outbox),
            ParticipantInput::Started { start, model } => self.on_start(now, entropy, (&start, model), outbox),
            ParticipantInput::RunJudged { run, verdict } => self.on_judged(now, entropy, (run, verdict), outbox),
            ParticipantInput::NotReady => self.on_not_ready(outbox),
            ParticipantInput::Masked { round, vector } => self.on_masked(now, round, vector, outbox),
            ParticipantInput::NoiseMasked { round, vector } => self.on_noise_masked(now, round, vector, outbox),
            ParticipantInput::Withdrawn => self.on_withdrawn(entropy, outbox),
            ParticipantInput::Timer => self.on_timer(now, outbox),
            ParticipantInput::Stop => {
                if !matches!(self.own.phase, Phase::Offline | Phase::Over) {
                    outbox.push(ParticipantEffect::Send(Upstream::Leave));
                }
                self.end(outbox);
            }
        }
    }

    /// Asks the coordinator to be let into the run.
    fn join(&mut self, entropy: &mut dyn Entropy, outbox: &mut Outbox<ParticipantEffect>) {
        if matches!(self.own.phase, Phase::Over) {
            return;
        }
        self.own.phase = Phase::Joining;
        (self.own.nonce, self.own.proved) = (Digest(entropy.bytes32()), false);
        let keyed = self.own.sessions.iter().filter(|session| session.holds_keys());
        let holding = keyed.map(Session::id).collect();
        let join = Join { version: PROTOCOL_VERSION, schema: self.branch.schema, holding, nonce: self.own.nonce };
        outbox.push(ParticipantEffect::Send(Upstream::Join(join)));
    }

    /// Nothing of the coordinator reaches this participant any more until it has joined again.
    fn part(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        self.forget_round(outbox);
        (self.own.keying, self.own.proved) = (None, false);
        if !matches!(self.own.phase, Phase::Over) {
            self.own.phase = Phase::Offline;
        }
    }

    fn on_message(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        message: Downstream,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match message {
            // One that crosses this branch's own question has its answer on the way.
            Downstream::Invite if matches!(self.own.phase, Phase::Joining) => {}
            Downstream::Invite => {
                self.part(outbox);
                self.join(entropy, outbox);
            }
            // Whoever has not asked to be let in is told nothing, and whoever has asked awaits an answer: all else was on its way before that.
            _ if matches!(self.own.phase, Phase::Offline | Phase::Over) => {}
            other if matches!(self.own.phase, Phase::Joining) && !other.answers_join() => {}
            Downstream::Welcome(welcome) => self.on_welcome(now, &welcome, outbox),
            Downstream::Rejected { code, explanation, proof } => {
                if !self.is_proved(proof, Ending::Rejected { code, explanation: explanation.raw() }) {
                    return self.distrust("it refused this branch without the coordinator's signature", outbox);
                }
                if code.is_final() {
                    self.end(outbox);
                    self.end_run(end_by(code), outbox);
                } else {
                    self.part(outbox);
                }
                let explanation = explanation.printable();
                outbox.push(ParticipantEffect::Stop { explanation, retry: !code.is_final() });
            }
            // For people: nothing is decided by it.
            Downstream::Muster(muster) => outbox.push(ParticipantEffect::Muster(muster)),
            Downstream::Offer(offer) => self.on_offer(now, entropy, offer, outbox),
            Downstream::Finished { model, rounds, proof } => {
                if self.is_proved(proof, Ending::Finished { model: &model, rounds }) {
                    self.end(outbox);
                    self.end_run(RunEnd::Finished, outbox);
                    outbox.push(ParticipantEffect::Finished { rounds });
                } else {
                    self.distrust("it said that the plan is over without the coordinator's signature", outbox);
                }
            }
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
        } else if self.open().is_some_and(|open| open.next(self.branch.policy.timing) <= now) {
            self.upload_in_time(now, outbox);
        }
        if let Some(late) = self.own.keying.as_ref().filter(|keying| keying.deadline() <= now) {
            self.abandon(late.session(), RefusalCode::DeadlinePassed, None, outbox);
        }
        self.own.sessions.iter_mut().filter(|session| session.ends < now).for_each(Session::erase);
    }

    /// Refuses the run: erases everything, says why, and stops.
    fn refuse(&mut self, code: RefusalCode, outbox: &mut Outbox<ParticipantEffect>) {
        if !self.own.proved && stands(Defence::SignedEnding) {
            // Whoever says this has not proved that it is the coordinator, so that nothing is refused for good, and nothing recorded.
            return self.distrust(&code.to_string(), outbox);
        }
        self.end(outbox);
        // The first entry of a file is its owner's: before that nothing is written.
        if self.branch.record.begun.is_some() || !stands(Defence::FirstUse) {
            // A run that is tried again and again says the same each time: the file says it once.
            if self.branch.record.refused != Some(code) {
                self.commit(ParticipantEvent::Refused { code }, outbox);
                outbox.push(ParticipantEffect::Sync);
            }
            self.end_run(RunEnd::Refused, outbox);
        }
        let signature = self.sign(&refusal_message::<S>(self.own.run, code));
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
        self.own.keying = None;
        self.own.given_up = Some(session);
        self.commit(ParticipantEvent::Refused { code }, outbox);
        outbox.push(ParticipantEffect::Send(Upstream::Abandon { session, code, accused }));
    }

    /// Erases every key; nothing more is done.
    fn end(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        self.forget_round(outbox);
        self.own.keying = None;
        self.own.sessions.clear();
        self.own.phase = Phase::Over;
    }

    /// Whether the pinned coordinator signed this end of this client's work, on this connection.
    fn is_proved(&self, proof: Option<Proof>, ending: Ending<'_>) -> bool {
        let signed = proof.is_some_and(|Proof { run, signature }| {
            let own = S::verifying_key(&self.branch.signing_key);
            let message = ending_message::<S>(run, &own, &self.own.nonce, ending);
            run == self.own.run && S::verify(&self.branch.policy.coordinator, &message, &signature)
        });
        signed || !stands(Defence::SignedEnding)
    }

    /// Gives up this connection and nothing else: whoever is at its other end has not proved to be the coordinator.
    fn distrust(&mut self, what: &str, outbox: &mut Outbox<ParticipantEffect>) {
        self.part(outbox);
        outbox.push(ParticipantEffect::Distrust { what: what.to_string() });
    }

    /// Erases the open round's secrets by dropping them. The session goes on.
    fn forget_round(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        if let Phase::Ready(open) = &mut self.own.phase
            && let Some(open) = open.take()
        {
            outbox.push(ParticipantEffect::ForgetVector(open.round));
        }
    }

    fn open(&self) -> Option<&OpenRound<S>> {
        self.own.open()
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Phase::Ready(Some(open)) = &mut self.own.phase {
            open.stage = stage;
        }
    }

    /// Whether a set-up of this session is under way.
    fn keys(&self, session: SessionId) -> bool {
        self.own.keying.as_ref().is_some_and(|keying| keying.session() == session)
    }

    /// Who this is and what it admitted, once a plan is accepted.
    fn admitted(&self) -> Option<(ClientId, &Admitted)> {
        matches!(self.own.phase, Phase::Ready(_)).then_some(())?;
        Some((self.branch.client?, self.own.offered.as_ref()?))
    }

    /// Whether every listed client is in the roster and signed this message.
    fn all_signed<'a>(&self, message: &[u8], signed: impl Iterator<Item = (ClientId, &'a Signature)>) -> bool {
        let Some(offered) = &self.own.offered else { return false };
        let mut entries = offered.roster.walk();
        let keyed = signed.map(|(client, signature)| Some((&entries.find(client)?.signing_key, signature)));
        keyed.collect::<Option<Vec<_>>>().is_some_and(|signatures| S::verify_all(message, &signatures))
    }

    fn commit(&mut self, event: ParticipantEvent, outbox: &mut Outbox<ParticipantEffect>) {
        self.branch.commit(event, outbox);
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.branch.sign(message)
    }
}

#[cfg(test)]
impl<S: Suite> Participant<S> {
    /// The question that was asked is about another run.
    pub(super) fn asks_about(&mut self, run: RunId) {
        self.run = run;
    }
}

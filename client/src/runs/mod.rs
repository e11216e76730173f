//! The runs of a branch: one machine for each of them, over one budget and one link.
//!
//! A run's end ends nothing else. Nothing here decides: what a run may do its machine says, and which runs there are the coordinator's invitations
//! and the budget file say.

mod at_branch;
mod effects;
mod muster;
mod offered;
mod outside;
mod places;
mod readiness;
#[cfg(test)]
mod tests;
mod vectors;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::RealSuite;
use tributary_daemon::Metrics;
use tributary_daemon::usage::{process_cpu, rss_bytes_max};
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::RUNS_AT_ONCE_MAX;
use tributary_protocol::message::{Downstream, Start};
use tributary_protocol::plan::Withdrawal;
use tributary_protocol::round::{Branch, Granted, Outbox, ParticipantEffect, ParticipantInput};
use tributary_protocol::time::Millis;

use self::at_branch::{End, RunAtBranch};
use self::effects::Carrier;
use self::muster::Board;
pub(crate) use self::outside::Outside;
use self::places::{Invitation, Places, PutOff};
use crate::control::{PutOffStatus, RunStatus, RunsStatus};
use crate::error::ClientError;
use crate::policy::BranchPolicy;
use crate::ready::Watch;
use crate::telemetry::{Report, RunName};
use crate::worker::{Answer, Job, WorkerCpu};

/// How long the coordinator may take to answer whoever asks to be let into a run, in milliseconds.
const ANSWER_WITHIN_MS: u64 = 60_000;

/// After so long a run that was refused here, or of which nothing was heard, is asked about again, in milliseconds.
const PUT_OFF_MS: u64 = 600_000;

/// Runs of the budget file that are asked about at once, the newest first.
const RECORDED_MAX: usize = 64;

/// All runs of a branch.
pub(crate) struct Runs<O> {
    /// The daemon.
    pub(crate) out: O,
    branch: Branch<RealSuite>,
    policy: Arc<BranchPolicy>,
    open: BTreeMap<RunId, RunAtBranch>,
    places: Places,
    board: Board,
    /// Which runs wait for the operator's word that their data are ready.
    watch: Watch,
    /// The files are to be read again.
    rereads: bool,
    /// A link to the coordinator stands.
    linked: bool,
    /// The operator has this branch take part in nothing.
    paused: bool,
    /// Longest public state of the plans that were admitted since the link began. It does not fall before the next link: what was on its way
    /// when a run ended here is no fault.
    state_bytes_max: usize,
    /// Runs that have finished and whose figures the worker has not given yet.
    finishing: BTreeMap<RunId, Finishing>,
    ended: Option<Ended>,
}

struct Finishing {
    of: RunName,
    rounds: u32,
    cpu_before: Duration,
}

/// How taking part in a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With the run.
    Finished,
    /// For this reason.
    Refused(String),
}

impl<O: Outside> Runs<O> {
    /// Of a branch that is not connected yet.
    pub(crate) fn new(
        branch: Branch<RealSuite>,
        policy: BranchPolicy,
        metrics: Arc<Metrics>,
        watch: Watch,
        (out, paused): (O, bool),
    ) -> Self {
        Self {
            out,
            branch,
            policy: Arc::new(policy),
            open: BTreeMap::new(),
            places: Places::default(),
            board: Board::new(metrics),
            watch,
            rereads: false,
            linked: false,
            paused,
            state_bytes_max: 0,
            finishing: BTreeMap::new(),
            ended: None,
        }
    }

    /// How the first run ended that has ended since this was asked.
    pub(crate) fn take_ended(&mut self) -> Option<Ended> {
        self.ended.take()
    }

    /// A new link to the coordinator stands: every run asks to be let in.
    ///
    /// # Errors
    /// Here and below: a fault of the budget file, which ends the process.
    pub(crate) fn connected(&mut self, now: Millis) -> Result<(), ClientError> {
        self.linked = true;
        self.state_bytes_max = 0;
        self.watch.connected();
        for run in self.ids() {
            self.handle(now, run, ParticipantInput::Connected)?;
        }
        self.ask_recorded(now)?;
        self.tend(now)
    }

    /// The link goes on over another connection.
    pub(crate) fn resumed(&mut self, now: Millis) -> Result<(), ClientError> {
        self.linked = true;
        for run in self.ids() {
            self.handle(now, run, ParticipantInput::Resumed)?;
        }
        self.tend(now)
    }

    /// The link is over.
    pub(crate) fn gone(&mut self, now: Millis) -> Result<(), ClientError> {
        self.linked = false;
        for run in self.ids() {
            self.handle(now, run, ParticipantInput::Disconnected)?;
            if let Some(own) = self.open.get_mut(&run) {
                (own.asked, own.again, own.in_round) = (None, None, false);
            }
        }
        self.tend(now)
    }

    /// A control message of a run.
    pub(crate) fn hear(&mut self, now: Millis, run: RunId, message: Downstream) -> Result<(), ClientError> {
        let Some(own) = self.open.get_mut(&run) else {
            self.hear_of_unknown(run, &message);
            return self.tend(now);
        };
        match &message {
            Downstream::Invite => own.again = None,
            Downstream::Welcome(welcome) => {
                own.asked = None;
                own.welcomed(run, welcome);
                self.out.shown(&welcome.roster);
            }
            _ => own.asked = None,
        }
        self.handle(now, run, ParticipantInput::Message(message))?;
        self.tend(now)
    }

    /// A round's start with the public state after it.
    pub(crate) fn started(&mut self, now: Millis, run: RunId, start: Start, model: Vec<u8>) -> Result<(), ClientError> {
        let Some(own) = self.open.get_mut(&run) else { return Ok(()) };
        let judged = own.offered.judge_state(start.descriptor.stage, &model);
        own.model = Some(model);
        self.handle(now, run, ParticipantInput::Started { start, model: judged })?;
        self.tend(now)
    }

    /// The worker has done something. Of a run that is over here it counts no more.
    pub(crate) fn answered(&mut self, now: Millis, answer: Answer) -> Result<(), ClientError> {
        let (run, input) = match answer {
            Answer::Judged { run, verdict } => {
                let Some(own) = self.open.get_mut(&run) else { return Ok(()) };
                if verdict.is_ok() {
                    own.state_bytes_max = own.state_bytes_judged;
                }
                (run, own.offered.judged(run, verdict))
            }
            Answer::NoiseMasked(run, update) => {
                let Some(own) = self.open.get_mut(&run) else { return Ok(()) };
                let (round, vector) = (update.round(), update.digest());
                own.vectors.keep_noise(update);
                (run, ParticipantInput::NoiseMasked { round, vector })
            }
            Answer::Masked(run, update) => {
                let Some(own) = self.open.get_mut(&run) else { return Ok(()) };
                let (round, vector) = (update.round(), update.digest());
                own.vectors.keep(update);
                (run, ParticipantInput::Masked { round, vector })
            }
            Answer::Explain { run, text } => {
                tracing::error!(%run, "{text}");
                if let Some(own) = self.open.get_mut(&run) {
                    own.explanation = Some(text);
                }
                return Ok(());
            }
            Answer::NoiseAlone { run, round, reason } => {
                let of = self.open.get(&run).map_or_else(|| RunName::unknown(run), |own| own.name.clone());
                let said = tributary_texts::Said::verbatim(&reason);
                self.out.tell(Report::NoiseAlone { of, round: round.0, reason, said });
                return Ok(());
            }
            Answer::Closed { run, cpu } => {
                self.closed(run, cpu);
                return Ok(());
            }
        };
        self.handle(now, run, input)?;
        self.tend(now)
    }

    /// What the owner has granted and taken back has changed: whoever was refused asks again.
    pub(crate) fn granted(
        &mut self,
        now: Millis,
        (granted, withdrawals): (Vec<Granted>, Vec<Withdrawal>),
    ) -> Result<(), ClientError> {
        self.branch.set_grants(granted);
        for withdrawal in withdrawals {
            let mut outbox = Outbox::new();
            let news = self.branch.withdraw(withdrawal, &mut outbox);
            while let Some(effect) = outbox.pop() {
                match effect {
                    ParticipantEffect::Append(event) => self.out.append(now, event)?,
                    ParticipantEffect::Sync => self.out.sync()?,
                    _ => {}
                }
            }
            for run in self.ids().into_iter().filter(|_| news) {
                self.handle(now, run, ParticipantInput::Withdrawn)?;
            }
        }
        self.places.make_due();
        self.tend(now)
    }

    /// When the runs must be asked again, if ever.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let open = self.open.values().flat_map(|own| {
            let answer = own.asked.map(|asked| asked.plus(ANSWER_WITHIN_MS));
            [own.participant.deadline(), answer, own.again]
        });
        let put_off = self.places.next().filter(|_| self.may_join());
        open.flatten().chain(put_off).min()
    }

    /// A deadline may have passed.
    pub(crate) fn timer(&mut self, now: Millis) -> Result<(), ClientError> {
        for run in self.ids() {
            self.handle(now, run, ParticipantInput::Timer)?;
            let Some(own) = self.open.get_mut(&run) else { continue };
            if own.asked.is_some_and(|asked| asked.plus(ANSWER_WITHIN_MS) <= now) {
                self.handle(now, run, ParticipantInput::Stop)?;
                self.unanswered(now, run);
            } else if own.again.is_some_and(|again| again <= now) {
                own.again = None;
                self.handle(now, run, ParticipantInput::Connected)?;
            }
        }
        self.tend(now)
    }

    /// The operator stops the daemon: every run is left.
    pub(crate) fn stop(&mut self, now: Millis) -> Result<(), ClientError> {
        self.ids().into_iter().try_for_each(|run| self.handle(now, run, ParticipantInput::Stop))
    }

    /// The operator has this branch take part in nothing: every run is left and its keys are erased. They are asked about when that is over.
    pub(crate) fn pause(&mut self, now: Millis) -> Result<(), ClientError> {
        if std::mem::replace(&mut self.paused, true) {
            return Ok(());
        }
        self.stop(now)?;
        for run in self.ids() {
            self.drop_run(run);
            self.places.want(run);
        }
        self.out.tell(Report::Paused);
        self.tend(now)
    }

    /// The operator has this branch take part again.
    pub(crate) fn resume(&mut self, now: Millis) -> Result<(), ClientError> {
        if !std::mem::replace(&mut self.paused, false) {
            return Ok(());
        }
        self.out.tell(Report::Resumed);
        self.places.make_due();
        self.ask_recorded(now)?;
        self.tend(now)
    }

    /// What the runs share.
    pub(crate) fn branch(&self) -> &Branch<RealSuite> {
        &self.branch
    }

    /// What each run waits for.
    pub(crate) fn status(&self) -> RunsStatus {
        let open = self.open.values().map(|own| {
            let wait = own.participant.wait();
            let deadline_unix_ms = wait.deadline.or(own.again).map(|deadline| deadline.0);
            RunStatus { of: own.name.clone(), reason: wait.reason, deadline_unix_ms, next: wait.next.to_owned() }
        });
        let put_off = self.places.all_put_off().map(|PutOff { name, reason, again, .. }| PutOffStatus {
            of: name.clone(),
            reason: reason.clone(),
            again_unix_ms: again.0,
        });
        RunsStatus {
            paused: self.paused,
            runs: open.collect(),
            put_off: put_off.collect(),
            invited: self.places.all_invited().map(|run| RunName::unknown(run).to_string()).collect(),
        }
    }

    fn ids(&self) -> Vec<RunId> {
        self.open.keys().copied().collect()
    }

    fn may_join(&self) -> bool {
        self.linked && !self.paused
    }

    fn hear_of_unknown(&mut self, run: RunId, message: &Downstream) {
        // Anything else was on its way when the run ended here.
        if !matches!(message, Downstream::Invite) {
            return;
        }
        match self.places.invite(run) {
            Invitation::Noted if self.paused => {
                tracing::info!(%run, "invited while paused: it is asked about when that is over");
            }
            Invitation::Noted if !self.has_place() => tracing::warn!(
                %run,
                "invited to more runs than a branch takes part in at once: it is asked about when another one is over"
            ),
            Invitation::Noted | Invitation::Known => {}
            Invitation::Full => tracing::warn!(%run, "invited to more runs than are remembered: it is ignored"),
        }
    }

    /// Asks about the runs that the budget file has accepted and that have not ended: what they have reserved is free once that is told.
    fn ask_recorded(&mut self, now: Millis) -> Result<(), ClientError> {
        if !self.may_join() {
            return Ok(());
        }
        let record = self.branch.record();
        let open = record.accepted.iter().filter(|(run, _)| record.is_open(run));
        let mut open: Vec<(Millis, RunId)> = open.map(|(run, terms)| (terms.last, run.id())).collect();
        open.sort_unstable_by_key(|(last, _)| std::cmp::Reverse(*last));
        open.truncate(RECORDED_MAX);
        for (_, run) in open {
            if !self.open.contains_key(&run) && !self.places.knows(run) {
                self.begin(now, run)?;
            }
        }
        Ok(())
    }

    fn has_place(&self) -> bool {
        self.open.values().filter(|own| own.takes_place()).count() < RUNS_AT_ONCE_MAX
    }

    fn begin(&mut self, now: Millis, run: RunId) -> Result<(), ClientError> {
        self.open.insert(run, RunAtBranch::new(&self.branch, &self.policy, run));
        self.handle(now, run, ParticipantInput::Connected)
    }

    /// The coordinator has not answered: it may not know the run any more.
    fn unanswered(&mut self, now: Millis, run: RunId) {
        let Some(own) = self.drop_run(run) else { return };
        let reason = "the coordinator has not answered about it".to_owned();
        self.places.put_off(run, PutOff { name: own.name, reason, refused: false, again: now.plus(PUT_OFF_MS) });
    }

    /// Tells a run's machine, and carries out its effects in order.
    fn handle(&mut self, now: Millis, run: RunId, input: ParticipantInput) -> Result<(), ClientError> {
        let Self { open, branch, board, watch, out, .. } = self;
        let Some(own) = open.get_mut(&run) else { return Ok(()) };
        let mut outbox = Outbox::new();
        own.participant.handle(branch, now, &mut OsEntropy, input, &mut outbox);
        let mut carrier = Carrier { now, run, own, record: branch.record(), board, watch, out };
        while let Some(effect) = outbox.pop() {
            carrier.carry_out(effect)?;
        }
        if let Some(waits) = own.waits.take() {
            return self.wait(now, run, waits);
        }
        if let Some(end) = own.end.take() {
            self.end(now, run, end);
        }
        Ok(())
    }

    fn end(&mut self, now: Millis, run: RunId, end: End) {
        let Some(own) = self.drop_run(run) else { return };
        let of = own.name;
        match end {
            End::Finished { rounds } => {
                self.places.end(run);
                self.watch.forget(run);
                let cpu_before = own.cpu_before.unwrap_or_default();
                self.finishing.insert(run, Finishing { of, rounds, cpu_before });
            }
            End::Refused { reason } => {
                let (name, again) = (of.clone(), now.plus(PUT_OFF_MS));
                self.places.put_off(run, PutOff { name, reason: reason.clone(), refused: true, again });
                self.refused(of, reason);
            }
            End::Dismissed { reason } => {
                self.places.end(run);
                self.watch.forget(run);
                self.refused(of, reason);
            }
        }
    }

    fn refused(&mut self, of: RunName, reason: String) {
        self.out.tell(Report::Refused { of, reason: reason.clone() });
        self.ended.get_or_insert(Ended::Refused(reason));
    }

    /// A run is over here, for now or for good: the worker lets go of what it needed.
    fn drop_run(&mut self, run: RunId) -> Option<RunAtBranch> {
        let mut own = self.open.remove(&run)?;
        own.vectors.forget();
        self.board.filled(run);
        self.out.ask(Job::Close(run));
        Some(own)
    }

    /// The worker has let go of a run.
    fn closed(&mut self, run: RunId, cpu: WorkerCpu) {
        let Some(Finishing { of, rounds, cpu_before }) = self.finishing.remove(&run) else { return };
        let (bytes_up, bytes_down) = self.out.bytes();
        self.out.tell(Report::Finished {
            of,
            rounds,
            cpu_seconds: process_cpu().unwrap_or_default().as_secs_f64(),
            cpu_seconds_before: cpu_before.as_secs_f64(),
            cpu_seconds_training: cpu.training.as_secs_f64(),
            cpu_seconds_noise: cpu.noise.as_secs_f64(),
            rss_bytes_max: rss_bytes_max(),
            bytes_up,
            bytes_down,
        });
        self.ended.get_or_insert(Ended::Finished);
    }

    /// Whoever waits for a place takes it, and the link learns what it must know of all runs together.
    fn tend(&mut self, now: Millis) -> Result<(), ClientError> {
        if self.may_join() {
            self.places.note_due(now);
            while self.has_place()
                && let Some(run) = self.places.take()
            {
                if !self.open.contains_key(&run) {
                    self.begin(now, run)?;
                }
            }
        }
        let longest = self.open.values().map(|own| own.state_bytes_max).max().unwrap_or(0);
        self.state_bytes_max = self.state_bytes_max.max(longest);
        self.out.limit_vectors(self.state_bytes_max);
        self.out.set_calm(self.open.values().all(|own| !own.in_round));
        Ok(())
    }
}

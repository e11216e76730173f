//! The daemon's loop: one task owns the participant machine and carries out what it asks, in order.

use std::path::PathBuf;
use std::sync::{Arc, mpsc as jobs};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tributary_certs::clock::{SteadyClock, unix_seconds};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::RealSuite;
use tributary_protocol::message::{Downstream, MaskedHeader, Upstream};
use tributary_protocol::roster::Roster;
use tributary_protocol::round::{Outbox, Participant, ParticipantEffect, ParticipantInput, Policy};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_transport::{ChannelSettings, Dialer, Metrics, Pulse, Watchdog};

use crate::budget::{BudgetFile, bad_budget, open_budget};
use crate::conversation::{Conversation, Incoming};
use crate::data::read_schema;
use crate::error::ClientError;
use crate::grants::Grants;
use crate::identity::{BranchIdentity, Keys, read_number, write_number};
use crate::lists::Distress;
use crate::muster::Board;
use crate::notice::Notice;
use crate::offered::Offered;
use crate::policy::BranchPolicy;
use crate::reading::read_rows;
use crate::renewal::{LOOK_EVERY, Renewal};
use crate::settings::Settings;
use crate::stop::StopSignal;
use crate::telemetry::{Report, process_cpu, rss_bytes_max};
use crate::vectors::Vectors;
use crate::worker::{Answer, Job, WorkerSource, run as run_worker};

/// Everything that the loop owns.
struct Daemon<'r> {
    machine: Participant<RealSuite>,
    journal: BudgetFile,
    conversation: Conversation,
    jobs: jobs::Sender<Job>,
    answers: mpsc::UnboundedReceiver<Answer>,
    /// Of the certificate's renewal, and of the lists.
    notices: mpsc::UnboundedReceiver<Notice>,
    keys: Keys,
    distress: Distress,
    /// By which a roster names this client.
    signing_key: VerifyingKey,
    folder: PathBuf,
    report: &'r dyn Fn(&Report),
    clock: SteadyClock,
    vectors: Vectors,
    /// The public state that came with the last start.
    model: Option<Vec<u8>>,
    offered: Offered,
    honest_min: u16,
    explanation: Option<String>,
    muster: Board,
    rounds: Option<u32>,
    /// CPU time when the first round began.
    cpu_before: Option<Duration>,
    ended: Option<Ended>,
    pulse: Pulse,
    /// What the owner of the data has granted.
    grants: Grants,
}

/// How taking part ended.
enum Ended {
    /// With the plan.
    Finished,
    /// For this reason.
    Refused(String),
}

/// The client's loops, as the watchdog sees them.
struct Pulses {
    rounds: Pulse,
    renewal: Pulse,
    training: Pulse,
}

impl Pulses {
    fn of(watchdog: &mut Watchdog) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            rounds: watchdog.watch(
                "rounds",
                "rounds_stalled_seconds",
                "Seconds for which the loop of the rounds stands still at one step, beyond what it may; 0 where it goes on.",
                minute,
            ),
            renewal: watchdog.watch(
                "renewal",
                "renewal_stalled_seconds",
                "Seconds for which the loop that follows the certificate and its files stands still; 0 where it goes on.",
                minute,
            ),
            training: watchdog.watch(
                "training",
                "training_stalled_seconds",
                "Seconds that the training's job in hand has taken, beyond what it may; 0 where it goes on.",
                minute * 10,
            ),
        }
    }
}

/// Clocks that differ by more are reported at each connection.
const SKEW_SECONDS_MAX: u64 = 30;

/// How often the folder of the owner's grants is looked at.
const GRANTS_EVERY: Duration = Duration::from_secs(1);

/// Longest sleep until the machine is asked again.
const SLEEP_MAX: Duration = Duration::from_secs(86_400);

/// Runs the daemon until the run is over or the operator stops it, and tells `report` what happens.
///
/// # Errors
/// [`ClientError`], for the operator.
pub fn run(settings: Settings, report: &dyn Fn(&Report)) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
    let mut stop = runtime.block_on(async { StopSignal::listen() });
    let schema = read_schema(&settings.schema_file)?;
    let identity = BranchIdentity::open(settings.identity.clone(), unix_seconds())?;
    let owned = BranchPolicy::owned(&settings)?;
    // Before a row is read: whether a table can be read under another schema is nothing that anybody may learn.
    let named = |fault| ClientError::File(format!("{}: {fault}", settings.policy_file.display()));
    owned.schema.holds(&schema).map_err(named)?;
    let Some(snapshot) = runtime.block_on(read_rows(&settings, &schema, report, &mut stop))? else { return Ok(()) };
    let clock = SteadyClock::start();
    let (journal, events) = open_budget(&settings, &owned.population)?;
    let policy = Policy {
        cohort: owned.cohort,
        cap: owned.life_cap(),
        cap_year: owned.year_cap(),
        caps: owned.epsilon_caps(),
        plan_cap: owned.plan_cap(),
        modes: owned.modes.clone(),
        purposes: owned.purposes.clone(),
        schema: owned.schema.digest,
        groups: owned.groups.clone(),
        overlap_min: owned.overlap_min,
        upload_offset_ms_min: owned.terms.upload_offset_ms_min,
        rounds_max: owned.terms.rounds_max,
        rounds_a_day: owned.rounds_a_day,
        timing: owned.timing,
        coordinator: identity.coordinator.signing_key,
        authorities: identity.authorities.keys().to_vec(),
        authorities_needed: identity.authorities.needed(),
        grants: Vec::new(),
    };
    let signing_key = identity.signing_key.verifying_key();
    let machine = Participant::resume(policy, schema.digest(), identity.signing_key, &events);
    let machine = machine.map_err(|fault| bad_budget(&settings, &fault))?;
    let grants = Grants::of(&settings, schema.clone());
    let source =
        WorkerSource { snapshot, schema, customers_nominal: settings.customers_nominal, policy: owned.clone() };
    let (job_sender, job_receiver) = jobs::channel();
    let (answer_sender, answers) = mpsc::unbounded_channel();
    let mut watchdog = Watchdog::new();
    let Pulses { rounds, renewal, training } = Pulses::of(&mut watchdog);
    let worker = std::thread::spawn(move || {
        let jobs = std::iter::from_fn(|| {
            training.rest();
            let job = job_receiver.recv().ok()?;
            training.beat();
            Some(job)
        });
        run_worker(source, jobs, |answer| {
            // A closed channel means that the daemon is ending.
            let _ = answer_sender.send(answer);
        })
    });
    let keys = identity.keys;
    let (notice_sender, notices) = mpsc::unbounded_channel();
    let distress = Distress::default();
    let metrics = Arc::new(Metrics::in_folder(&settings.state_dir));
    let _watched = watchdog.start(Arc::clone(&metrics), unix_seconds).map_err(ClientError::Runtime)?;
    let renewal = Renewal {
        keys: keys.clone(),
        dialer: Dialer::new(settings.dial()),
        notices: notice_sender,
        distress: distress.clone(),
        unix_seconds,
        metrics: Arc::clone(&metrics),
        pulse: renewal,
        look_every: LOOK_EVERY,
    };
    let of_channel = keys.clone();
    let channel = ChannelSettings { dial: settings.dial(), keys: Box::new(move || of_channel.current()) };
    // Their timers belong to the runtime.
    let conversation = runtime.block_on(async {
        tokio::spawn(renewal.run());
        Conversation::new(channel)
    });
    let mut daemon = Daemon {
        machine,
        journal,
        conversation,
        jobs: job_sender,
        answers,
        notices,
        keys,
        distress,
        signing_key,
        folder: settings.identity.folder,
        report,
        clock,
        vectors: Vectors::default(),
        model: None,
        offered: Offered::new(owned),
        honest_min: 1,
        explanation: None,
        muster: Board::new(metrics),
        rounds: None,
        cpu_before: None,
        ended: None,
        pulse: rounds,
        grants,
    };
    daemon.look_at_grants()?;
    let result = runtime.block_on(daemon.serve(&mut stop));
    let Daemon { conversation, rounds, cpu_before, jobs, .. } = daemon;
    let bytes = conversation.bytes();
    runtime.block_on(conversation.leave());
    // The worker ends with its jobs. Who was asked to stop does not wait for the one that it is at: it changes nothing outside of memory.
    drop(jobs);
    if let Some(rounds) = rounds {
        let cpu = worker.join().unwrap_or_default();
        report(&finished(rounds, bytes, [cpu_before.unwrap_or_default(), cpu.training, cpu.noise]));
    }
    result
}

fn finished(rounds: u32, (bytes_up, bytes_down): (u64, u64), [before, training, noise]: [Duration; 3]) -> Report {
    Report::Finished {
        rounds,
        cpu_seconds: process_cpu().as_secs_f64(),
        cpu_seconds_before: before.as_secs_f64(),
        cpu_seconds_training: training.as_secs_f64(),
        cpu_seconds_noise: noise.as_secs_f64(),
        rss_bytes_max: rss_bytes_max(),
        bytes_up,
        bytes_down,
    }
}

impl Daemon<'_> {
    fn verdict(&mut self) -> Result<(), ClientError> {
        match self.ended.take() {
            Some(Ended::Refused(reason)) => {
                let reason = match self.explanation.take() {
                    Some(explanation) => format!("{reason}: {explanation}"),
                    None => reason,
                };
                (self.report)(&Report::Refused { reason: reason.clone() });
                Err(ClientError::Refused(reason))
            }
            Some(Ended::Finished) | None => Ok(()),
        }
    }

    /// Takes part until the run is over, through as many connections as it takes.
    async fn serve(&mut self, stop: &mut StopSignal) -> Result<(), ClientError> {
        let mut look = tokio::time::interval(GRANTS_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.ended.is_none() {
            let deadline = self.machine.deadline().map(|deadline| self.clock.now().until(deadline));
            let timer = async {
                match deadline {
                    // A deadline beyond the longest sleep is looked at again by then.
                    Some(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds).min(SLEEP_MAX)).await,
                    None => std::future::pending().await,
                }
            };
            self.pulse.rest();
            let input = tokio::select! {
                incoming = self.conversation.next() => self.arrived(incoming),
                Some(answer) = self.answers.recv() => self.answered(answer),
                Some(notice) = self.notices.recv() => { self.noticed(notice); None }
                () = timer => Some(ParticipantInput::Timer),
                _ = look.tick() => {
                    self.look_at_grants()?;
                    None
                }
                () = stop.wished() => {
                    self.handle(ParticipantInput::Stop)?;
                    return Ok(());
                }
            };
            self.pulse.beat();
            if let Some(input) = input {
                self.handle(input)?;
            }
        }
        self.pulse.rest();
        self.verdict()
    }

    /// Tells the machine what the owner has granted and taken back, where that has changed.
    fn look_at_grants(&mut self) -> Result<(), ClientError> {
        let Some((granted, withdrawals)) = self.grants.look() else { return Ok(()) };
        self.handle(ParticipantInput::Granted(granted))?;
        withdrawals.into_iter().try_for_each(|withdrawal| self.handle(ParticipantInput::Withdrawn(withdrawal)))
    }

    fn noticed(&mut self, notice: Notice) {
        match notice {
            Notice::Report(report) => (self.report)(&report),
            Notice::Judge => self.judge_peer(),
        }
    }

    /// Whoever was believed when the connection was made may not be so any more.
    fn judge_peer(&mut self) {
        let out = self.conversation.peer().and_then(|peer| self.keys.judge(peer, unix_seconds()));
        if let Some(reason) = out {
            tracing::warn!(reason, "the connection is cut, because its coordinator is believed no more");
            self.conversation.abandon(&reason);
        }
    }

    fn take_lists(&mut self, text: &[u8]) {
        let now = unix_seconds();
        match self.keys.take_lists(text, now) {
            Ok(false) => {}
            Ok(true) => {
                let next_update = self.keys.lists_end(now).map_or(0, |end| end.next_update);
                (self.report)(&Report::ListsRenewed { next_update });
                self.judge_peer();
            }
            Err(fault) => tracing::error!(%fault, "revocation lists that the coordinator carried are not believed"),
        }
    }

    /// What the machine is to know of it.
    fn arrived(&mut self, incoming: Incoming) -> Option<ParticipantInput> {
        match incoming {
            Incoming::Message(message) => {
                if let Downstream::Welcome(welcome) = &message {
                    self.offered.welcome(&welcome.plan, welcome.number);
                    self.note_number(&welcome.roster.roster);
                }
                Some(ParticipantInput::Message(message))
            }
            Incoming::Lists(text) => {
                self.take_lists(&text);
                None
            }
            Incoming::Started(start, model) => {
                self.conversation.set_calm(false);
                let judged = self.offered.judge_state(start.descriptor.stage, &model);
                self.model = Some(model);
                Some(ParticipantInput::Started { model: judged, start })
            }
            Incoming::Connected { coordinator, transport, resumed, coordinator_seconds } => {
                self.distress.set(false);
                let skew_seconds = coordinator_seconds.abs_diff(unix_seconds());
                if skew_seconds > SKEW_SECONDS_MAX {
                    (self.report)(&Report::ClockDiffers { skew_seconds });
                }
                let coordinator = coordinator.to_string();
                (self.report)(&Report::Connected { coordinator, transport: transport.as_str(), resumed });
                Some(if resumed { ParticipantInput::Resumed } else { ParticipantInput::Connected })
            }
            Incoming::Waiting { reason, retry } => {
                self.distress.set(true);
                let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
                (self.report)(&Report::Disconnected { reason, retry_ms });
                None
            }
            Incoming::Gone => {
                self.conversation.set_calm(true);
                Some(ParticipantInput::Disconnected)
            }
        }
    }

    /// Renewals need this client's number, which a roster says. Whether that roster counts the machine decides; a wrong number is refused by
    /// the office.
    fn note_number(&self, roster: &Roster) {
        let own = roster.entries().iter().find(|entry| entry.signing_key == self.signing_key);
        if let Some(entry) = own
            && read_number(&self.folder) != Some(entry.client.0)
            && let Err(fault) = write_number(&self.folder, entry.client.0)
        {
            tracing::warn!(%fault, "the client's number could not be noted, so that its certificate will not renew itself");
        }
    }

    fn answered(&mut self, answer: Answer) -> Option<ParticipantInput> {
        match answer {
            Answer::Judged { run, verdict } => Some(self.offered.judged(run, verdict)),
            Answer::NoiseMasked(update) => {
                let (round, vector) = (update.round(), update.digest());
                self.vectors.keep_noise(update);
                Some(ParticipantInput::NoiseMasked { round, vector })
            }
            Answer::Masked(update) => {
                let (round, vector) = (update.round(), update.digest());
                self.vectors.keep(update);
                Some(ParticipantInput::Masked { round, vector })
            }
            Answer::Explain(text) => {
                tracing::error!("{text}");
                self.explanation = Some(text);
                None
            }
            Answer::NoiseAlone { round, reason } => {
                (self.report)(&Report::NoiseAlone { round: round.0, reason });
                None
            }
        }
    }

    /// Tells the machine, and carries out its effects in order. An error ends the process.
    fn handle(&mut self, input: ParticipantInput) -> Result<(), ClientError> {
        let mut outbox = Outbox::new();
        self.machine.handle(self.clock.now(), &mut OsEntropy, input, &mut outbox);
        while let Some(effect) = outbox.pop() {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn upload(&mut self, header: MaskedHeader) {
        let update = self.vectors.take(header.round);
        let update = update.expect("the machine uploads what it was told is masked");
        self.conversation.send_masked(header, update.into_bytes());
        self.draw_ahead();
    }

    fn draw_ahead(&self) {
        let charged = self.offered.charged(self.machine.record());
        let _ = self.jobs.send(Job::DrawAhead { honest_min: self.honest_min, charged });
    }

    fn carry_out(&mut self, effect: ParticipantEffect) -> Result<(), ClientError> {
        match effect {
            ParticipantEffect::Append(event) => self.journal.append(self.clock.now(), event)?,
            ParticipantEffect::Sync => self.journal.sync()?,
            ParticipantEffect::JudgeRun(run) => {
                self.offered.judge(&run);
                self.conversation.limit_vectors(run.plan().model_bytes_max());
                let _ = self.jobs.send(Job::Judge(run));
            }
            ParticipantEffect::Contribute(contribution) => {
                self.cpu_before.get_or_insert_with(process_cpu);
                self.muster.filled();
                let model = self.model.take().expect("a start brings its public state");
                let wanted = self.vectors.begin(contribution.descriptor.round);
                let _ = self.jobs.send(Job::Contribute(Box::new(contribution), model, wanted));
            }
            // One round is open at most, and the effect comes before the next one's beginning.
            ParticipantEffect::ForgetVector(_) => self.vectors.forget(),
            ParticipantEffect::Keyed { honest_min } => {
                self.honest_min = honest_min;
                self.muster.filled();
                self.draw_ahead();
            }
            ParticipantEffect::NoiseAlone(round) => {
                self.vectors.noise_alone();
                let reason = "it was not ready at the plan's offset, and the policy's timing is strict".to_owned();
                (self.report)(&Report::NoiseAlone { round: round.0, reason });
            }
            ParticipantEffect::HeadAdopted { own, shown } => (self.report)(&Report::HeadAdopted { file: own, shown }),
            ParticipantEffect::BudgetAnnounced { counter } => (self.report)(&Report::BudgetBegun { counter }),
            ParticipantEffect::RosterAccepted { epoch, missing, changes } => {
                (self.report)(&Report::roster(epoch, missing, changes));
            }
            ParticipantEffect::Muster(muster) => {
                if let Some(report) = self.muster.lacking(&muster, self.machine.roster(), Instant::now()) {
                    (self.report)(&report);
                }
            }
            ParticipantEffect::RoundClosed { round, committed } => {
                self.conversation.set_calm(true);
                (self.report)(&Report::Round { round: round.0, committed });
            }
            ParticipantEffect::Finished { rounds } => {
                self.rounds = Some(rounds);
                self.ended = Some(Ended::Finished);
            }
            ParticipantEffect::Distrust { what } => {
                tracing::error!(
                    what,
                    "whoever answered at the coordinator's address did not prove to be the coordinator"
                );
                self.conversation.abandon(&what);
                (self.report)(&Report::Distrusted { reason: what });
            }
            ParticipantEffect::Stop { explanation, retry: true } => {
                // Whoever says so may hold the line for ever: this side hangs up.
                self.conversation.abandon(&explanation);
                (self.report)(&Report::Refused { reason: explanation.into() });
            }
            ParticipantEffect::Stop { explanation, retry: false } => {
                self.ended = Some(Ended::Refused(explanation.into()))
            }
            // Both are lost where there is no link, of which the machine hears.
            ParticipantEffect::Send(message) => {
                if let (Upstream::Refuse { code, .. }, None) = (&message, &self.explanation) {
                    self.explanation = self.offered.words(*code, (self.machine.record(), self.clock.now()));
                }
                self.conversation.send(&message);
            }
            ParticipantEffect::Upload(header) => self.upload(header),
        }
        Ok(())
    }
}

//! The daemon's loop: one task owns the participant machine and carries out what it asks, in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc as jobs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_certs::policy::verify_policy;
use tributary_certs::provider::KeyExchange;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_certs::tls::{ClientTls, Credentials, TrustRoots, client_config, system_clock};
use tributary_journal::{Journal, JournalError};
use tributary_model::architecture::Architecture;
use tributary_model::parameters::digest_of;
use tributary_model::schema::Schema;
use tributary_protocol::ids::RoundId;
use tributary_protocol::message::MaskedHeader;
use tributary_protocol::round::{Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy};
use tributary_protocol::secagg::masked_sum::MaskedUpdate;
use tributary_protocol::time::Millis;

use crate::policy::BranchPolicy;
use crate::settings::Settings;
use crate::telemetry::{Report, process_cpu, rss_bytes_max};
use crate::training_worker::{Answer, DataSource, Job, run as run_worker};
use crate::transport::{Connection, Connector, Incoming, Receiver, Sender, TransportError};

/// Name of the budget file in the state directory.
pub const BUDGET_FILE: &str = "budget.ledger";

/// First and longest pause between attempts to connect.
const RETRY_MS: (u64, u64) = (200, 10_000);

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings file.
    #[error("{0}")]
    Settings(#[from] tributary_settings::Faults),
    /// A file that the settings name.
    #[error("{0}")]
    File(String),
    /// The budget file.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// This branch refused, or was refused, and trying again cannot help.
    #[error("{0}")]
    Refused(String),
    /// The runtime could not start.
    #[error("the daemon's runtime could not start: {0}")]
    Runtime(#[source] std::io::Error),
}

/// Everything that the loop owns.
struct Daemon<'r> {
    settings: Settings,
    machine: Participant<RealSuite>,
    journal: Journal<ParticipantEvent>,
    connector: Connector,
    jobs: jobs::Sender<Job>,
    answers: mpsc::UnboundedReceiver<Answer>,
    report: &'r dyn Fn(&Report),
    clock: Clock,
    vector: Option<MaskedUpdate>,
    model: Option<Vec<u8>>,
    /// Of the plan that is being judged or was admitted.
    architecture: Option<Architecture>,
    share_variance: u128,
    explanation: Option<String>,
    bytes: (u64, u64),
    rounds: Option<u32>,
    /// CPU time when the first round began.
    cpu_before: Option<Duration>,
    ended: Option<Result<(), String>>,
}

/// What ended a connection.
enum Ended {
    Lost(TransportError),
    Over,
    Stopped,
}

/// Milliseconds of the Unix clock at start, counted on by the monotonic one.
struct Clock {
    unix_ms: u64,
    started: Instant,
}

impl Clock {
    fn new() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX), started: Instant::now() }
    }

    fn now(&self) -> Millis {
        Millis(self.unix_ms).plus(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// Runs the daemon until the plan is over or the operator stops it, and tells `report` what happens.
///
/// # Errors
/// [`ClientError`], for the operator.
pub fn run(settings: Settings, report: &dyn Fn(&Report)) -> Result<(), ClientError> {
    let file = |fault: &dyn std::fmt::Display| ClientError::File(fault.to_string());
    let schema_text = std::fs::read_to_string(&settings.schema_file)
        .map_err(|fault| ClientError::File(format!("{}: {fault}", settings.schema_file.display())))?;
    let schema = Schema::parse(&schema_text)
        .map_err(|faults| ClientError::File(format!("{}: {faults}", settings.schema_file.display())))?;
    let path = |name: &str| -> PathBuf { settings.identity.join(name) };
    let pin = read_coordinator(&path(names::COORDINATOR)).map_err(|fault| file(&fault))?;
    let authorities = RosterAuthorities::read(&path(names::AUTHORITIES)).map_err(|fault| file(&fault))?;
    let signing_key = read_signing_key(&path(names::SIGNING_KEY)).map_err(|fault| file(&fault))?;
    let roots = TrustRoots::read(&path(names::TRUST)).map_err(|fault| file(&fault))?;
    let credentials = Credentials::read(&path(names::CHAIN), &path(names::KEY)).map_err(|fault| file(&fault))?;
    let tls = client_config(ClientTls {
        credentials,
        roots: &roots,
        coordinator: Some(pin.identity),
        revocations: Vec::new(),
        clock: system_clock(),
        key_exchange: KeyExchange::DEFAULT,
    })
    .map_err(|fault| file(&fault))?;
    let owned = owned_policy(&settings)?;
    let clock = Clock::new();
    let (journal, events) = budget(&settings, &owned.population, clock.now())?;
    let policy = Policy {
        cohort: owned.cohort,
        cap: owned.life_cap(),
        plan_cap: owned.plan_cap(),
        modes: owned.modes.clone(),
        purposes: owned.purposes.clone(),
        overlap_min: owned.overlap_min,
        rounds_a_day: owned.rounds_a_day,
        coordinator: pin.signing_key,
        authorities: authorities.keys().to_vec(),
        authorities_needed: authorities.needed(),
    };
    let machine = Participant::resume(policy, schema.digest(), signing_key, &events);
    let source = DataSource {
        file: settings.data_file.clone(),
        held_out: settings.held_out_file.clone(),
        schema,
        customers_max: settings.customers_max,
        customers_nominal: settings.customers_nominal,
        rows_per_customer_max: settings.rows_per_customer_max,
        policy: owned,
    };
    let (job_sender, job_receiver) = jobs::channel();
    let (answer_sender, answers) = mpsc::unbounded_channel();
    let worker = std::thread::spawn(move || {
        run_worker(source, &job_receiver, |answer| {
            // A closed channel means that the daemon is ending.
            let _ = answer_sender.send(answer);
        })
    });
    let mut daemon = Daemon {
        settings,
        machine,
        journal,
        connector: Connector::new(Arc::new(tls)),
        jobs: job_sender,
        answers,
        report,
        clock,
        vector: None,
        model: None,
        architecture: None,
        share_variance: 0,
        explanation: None,
        bytes: (0, 0),
        rounds: None,
        cpu_before: None,
        ended: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
    let result = runtime.block_on(daemon.serve());
    let (rounds, bytes, before) = (daemon.rounds, daemon.bytes, daemon.cpu_before.unwrap_or_default());
    drop(daemon);
    let cpu = worker.join().unwrap_or_default();
    if let Some(rounds) = rounds {
        report(&finished(rounds, bytes, [before, cpu.training, cpu.noise]));
    }
    result
}

/// The policy in force: the file, if its owner signed it as it stands.
///
/// # Errors
/// If it is not signed, or has faults.
pub(crate) fn owned_policy(settings: &Settings) -> Result<BranchPolicy, ClientError> {
    let file = |fault: String| ClientError::File(fault);
    let owner = read_verifying_key(&settings.policy_owner).map_err(|fault| file(fault.to_string()))?;
    verify_policy(&settings.policy_file, &owner).map_err(|fault| file(fault.to_string()))?;
    Ok(BranchPolicy::load(&settings.policy_file)?)
}

/// The budget file and its events. A new one is given to the policy's population, for ever.
fn budget(
    settings: &Settings,
    population: &str,
    now: Millis,
) -> Result<(Journal<ParticipantEvent>, Vec<ParticipantEvent>), ClientError> {
    let path = settings.state_dir.join(BUDGET_FILE);
    let (mut journal, recorded) = Journal::open(&path)?;
    let mut events: Vec<ParticipantEvent> = recorded.into_iter().map(|recorded| recorded.event).collect();
    let known = events.iter().find_map(|event| match event {
        ParticipantEvent::PopulationNamed { population } => Some(population.clone()),
        _ => None,
    });
    match known {
        Some(known) if known != population => {
            return Err(ClientError::File(format!(
                "{}: this budget belongs to the population \"{known}\" and the policy names \"{population}\"; two populations have two budgets: \
                 give the other one a state_dir of its own, or correct the policy and have it signed",
                path.display()
            )));
        }
        Some(_) => {}
        None => {
            let named = ParticipantEvent::PopulationNamed { population: population.to_owned() };
            journal.append(now, named.clone())?;
            journal.sync()?;
            events.push(named);
        }
    }
    Ok((journal, events))
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
    /// Connects, and connects again, until the plan is over.
    async fn serve(&mut self) -> Result<(), ClientError> {
        let mut pause_ms = RETRY_MS.0;
        let mut stop = std::pin::pin!(stop_signal());
        loop {
            let attempt = self.attempt();
            let opened = tokio::select! {
                opened = attempt => opened,
                () = &mut stop => return Ok(()),
            };
            let lost = match opened {
                Ok((connection, sender, receiver)) => {
                    pause_ms = RETRY_MS.0;
                    match self.carry(connection, sender, receiver, stop.as_mut()).await? {
                        Ended::Stopped => return Ok(()),
                        Ended::Over => return self.verdict(),
                        Ended::Lost(fault) => fault,
                    }
                }
                Err(fault) => fault,
            };
            if self.ended.is_some() {
                return self.verdict();
            }
            (self.report)(&Report::Disconnected { reason: lost.to_string(), retry_ms: pause_ms });
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
                () = &mut stop => return Ok(()),
            }
            pause_ms = (pause_ms * 2).min(RETRY_MS.1);
        }
    }

    async fn attempt(&mut self) -> Result<(Connection, Sender, Receiver), TransportError> {
        let address = self.settings.resolve().map_err(TransportError::Address)?;
        self.connector.connect(address, &self.settings.server_name).await
    }

    fn verdict(&mut self) -> Result<(), ClientError> {
        match self.ended.take() {
            Some(Err(reason)) => {
                let reason = match self.explanation.take() {
                    Some(explanation) => format!("{reason}: {explanation}"),
                    None => reason,
                };
                (self.report)(&Report::Refused { reason: reason.clone() });
                Err(ClientError::Refused(reason))
            }
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Carries one connection from its first message to its end.
    async fn carry(
        &mut self,
        connection: Connection,
        mut sender: Sender,
        mut receiver: Receiver,
        mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, ClientError> {
        (self.report)(&Report::Connected { coordinator: connection.coordinator.to_string() });
        let mut input = Some(ParticipantInput::Connected);
        let ended = loop {
            if let Some(input) = input.take()
                && let Err(fault) = self.handle(input, &mut sender).await?
            {
                break Ended::Lost(fault);
            }
            if self.ended.is_some() {
                break Ended::Over;
            }
            let deadline = self.machine.deadline().map(|deadline| self.clock.now().until(deadline));
            let timer = async {
                match deadline {
                    Some(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
                    None => std::future::pending().await,
                }
            };
            input = tokio::select! {
                incoming = receiver.next() => match incoming {
                    Ok(Incoming::Message(message)) => Some(ParticipantInput::Message(message)),
                    Ok(Incoming::Started(start, model)) => {
                        // Without an admitted plan the digest does not matter: the machine refuses the start.
                        let digest = self.architecture.as_ref().map(|network| digest_of(network, &model));
                        self.model = Some(model);
                        Some(ParticipantInput::Started { model: digest.unwrap_or(start.descriptor.plan), start })
                    }
                    Err(fault) => break Ended::Lost(fault),
                },
                Some(answer) = self.answers.recv() => match answer {
                    Answer::Input(input) => Some(*input),
                    Answer::Masked(update) => {
                        let (round, vector) = (update.round(), update.digest());
                        // It may wait for its time to leave; an abandoned round's must not take its place.
                        if self.vector.as_ref().is_none_or(|kept| kept.round() < round) {
                            self.vector = Some(update);
                        }
                        Some(ParticipantInput::Masked { round, vector })
                    }
                    Answer::Explain(text) => { tracing::error!("{text}"); self.explanation = Some(text); None }
                    Answer::Dropped { rows, kept } => { (self.report)(&Report::RowsDropped { rows, kept }); None }
                },
                () = timer => Some(ParticipantInput::Timer),
                () = &mut stop => {
                    let _ = self.handle(ParticipantInput::Stop, &mut sender).await?;
                    break Ended::Stopped;
                }
            };
        };
        self.bytes = {
            let (up, down) = connection.bytes();
            (self.bytes.0 + up, self.bytes.1 + down)
        };
        connection.close(sender).await;
        if let Ended::Lost(_) = &ended {
            self.handle_offline(ParticipantInput::Disconnected)?;
        }
        Ok(ended)
    }

    /// Tells the machine, and carries out its effects in order. The outer error ends the process, the inner one the connection.
    async fn handle(
        &mut self,
        input: ParticipantInput,
        sender: &mut Sender,
    ) -> Result<Result<(), TransportError>, ClientError> {
        let mut outbox = Outbox::new();
        self.machine.handle(self.clock.now(), &mut OsEntropy, input, &mut outbox);
        // What cannot be sent any more ends the connection; what is to be written is written all the same.
        let mut sent = Ok(());
        while let Some(effect) = outbox.pop() {
            match effect {
                ParticipantEffect::Send(message) if sent.is_ok() => sent = sender.send(&message).await,
                ParticipantEffect::Upload(header) if sent.is_ok() => sent = self.upload(header, sender).await,
                other => self.carry_out(other)?,
            }
        }
        Ok(sent)
    }

    /// As [`Daemon::handle`] with nobody to send to.
    fn handle_offline(&mut self, input: ParticipantInput) -> Result<(), ClientError> {
        let mut outbox = Outbox::new();
        self.machine.handle(self.clock.now(), &mut OsEntropy, input, &mut outbox);
        while let Some(effect) = outbox.pop() {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    async fn upload(&mut self, header: MaskedHeader, sender: &mut Sender) -> Result<(), TransportError> {
        let update = self.vector.take().filter(|update| update.round() == header.round);
        let update = update.expect("the machine uploads what it was told is masked");
        sender.send_masked(header, update.into_bytes()).await?;
        let _ = self.jobs.send(Job::DrawAhead { variance: self.share_variance });
        Ok(())
    }

    fn carry_out(&mut self, effect: ParticipantEffect) -> Result<(), ClientError> {
        match effect {
            ParticipantEffect::Append(event) => self.journal.append(self.clock.now(), event)?,
            ParticipantEffect::Sync => self.journal.sync()?,
            ParticipantEffect::JudgePlan(plan) => {
                self.architecture = Architecture::decode(&plan.architecture).ok();
                let _ = self.jobs.send(Job::Judge(plan));
            }
            ParticipantEffect::Contribute(contribution) => {
                self.cpu_before.get_or_insert_with(process_cpu);
                let model = self.model.take().expect("a start brings its model");
                let _ = self.jobs.send(Job::Contribute(contribution, model));
            }
            ParticipantEffect::ForgetVector(round) => self.forget(round),
            ParticipantEffect::Keyed { share_variance } => {
                self.share_variance = share_variance;
                let _ = self.jobs.send(Job::DrawAhead { variance: share_variance });
            }
            ParticipantEffect::ChargesAdopted { own, charged } => {
                let (file, counted) = (own.rounds.iter().sum(), charged.rounds.iter().sum());
                (self.report)(&Report::ChargesAdopted { file, counted });
            }
            ParticipantEffect::RoundClosed { round, committed } => {
                (self.report)(&Report::Round { round: round.0, committed });
            }
            ParticipantEffect::Finished { rounds } => {
                self.rounds = Some(rounds);
                self.ended = Some(Ok(()));
            }
            ParticipantEffect::Stop { explanation, retry: true } => {
                (self.report)(&Report::Refused { reason: explanation });
            }
            ParticipantEffect::Stop { explanation, retry: false } => self.ended = Some(Err(explanation)),
            // Nobody to send to.
            ParticipantEffect::Send(_) | ParticipantEffect::Upload(_) => {}
        }
        Ok(())
    }

    fn forget(&mut self, round: RoundId) {
        self.vector = self.vector.take().filter(|update| update.round() != round);
    }
}

/// SIGTERM or Ctrl-C.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}

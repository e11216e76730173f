//! The run itself: a coordinator and its clients, from their start to their end.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::events::{ClientFinished, ClientLine, CoordinatorFinished, CoordinatorLine, Counted, parse};
use super::options::DemoOptions;
use super::prepare::{Prepared, write_clients};
use super::processes::{Notice, Number, Processes, role};
use super::progress::Progress;
use super::workplace::Workplace;

/// Longest silence of all processes together: more than any of their own deadlines, after which they speak or end.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// What the processes reported at their end.
pub(super) struct Trained {
    /// The coordinator.
    pub(super) coordinator: CoordinatorFinished,
    /// What was counted, in order.
    pub(super) counted: Vec<Counted>,
    /// The clients.
    pub(super) clients: Vec<ClientFinished>,
}

/// The operator's wish to stop: ctrl-c, SIGTERM, or a terminal that is gone.
pub(super) struct Interrupts([Signal; 3]);

impl Interrupts {
    /// From here on these signals no longer end this process.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("signals cannot be waited for");
        Ok(Self([on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?]))
    }

    /// Completes with the first one.
    pub(super) async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Trains, and leaves no process running. Nothing if the operator wished to stop.
///
/// # Errors
/// Why there is no model, with the last words of whoever failed.
pub(super) async fn train(
    options: &DemoOptions,
    workplace: &Workplace,
    prepared: &Prepared,
    interrupts: &mut Interrupts,
) -> anyhow::Result<Option<Trained>> {
    let mut processes = Processes::new()?;
    let mut run =
        Run { options, workplace, prepared, processes: &mut processes, progress: Progress::new(options.rounds) };
    let outcome = tokio::select! {
        outcome = run.train() => outcome.map(Some),
        () = interrupts.wait() => Ok(None),
    };
    run.progress.end();
    processes.stop().await;
    outcome
}

struct Run<'a> {
    options: &'a DemoOptions,
    workplace: &'a Workplace,
    prepared: &'a Prepared,
    processes: &'a mut Processes,
    progress: Progress,
}

/// What has been heard so far.
#[derive(Default)]
struct Heard {
    coordinator: Option<CoordinatorFinished>,
    counted: Vec<Counted>,
    clients: Vec<Option<ClientFinished>>,
    ended: usize,
}

impl Run<'_> {
    async fn train(&mut self) -> anyhow::Result<Trained> {
        let coordinator = self.start_coordinator().await?;
        for branch in &self.prepared.branches {
            let config = branch.settings();
            let log = self.workplace.log(&branch.name);
            // What the demo shows is over with its run.
            let arguments: Vec<_> = role(["client", "run"], &config).into_iter().chain(["--once".as_ref()]).collect();
            self.processes.start(&branch.name, &arguments, log)?;
        }
        let count = self.prepared.branches.len();
        let who = self.prepared.who();
        self.progress.say(&format!("{who} started; logs in {}", self.workplace.logs().display()));
        let mut heard = Heard { clients: vec![None; count], ..Heard::default() };
        while heard.ended < count + 1 {
            match self.next().await? {
                Notice::Line(number, line) if number == coordinator => self.hear_coordinator(&line, &mut heard)?,
                Notice::Line(number, line) => self.hear_client(number, &line, &mut heard)?,
                Notice::Closed(number) => {
                    self.succeeded(number).await?;
                    heard.ended += 1;
                }
            }
        }
        let silent = || anyhow!("a process ended without its last event, which is a fault of this program");
        let finished = heard.coordinator.ok_or_else(silent)?;
        let rounds = finished.rounds;
        ensure!(
            finished.complete,
            "only {rounds} of {} rounds were committed, because too many had to be tried again; the log says why: {}",
            self.options.rounds_of_all_stages(),
            self.workplace.log("coordinator").display()
        );
        let clients: Option<Vec<_>> = heard.clients.into_iter().collect();
        Ok(Trained { coordinator: finished, counted: heard.counted, clients: clients.ok_or_else(silent)? })
    }

    /// The coordinator first: the operating system chooses its port, which the clients' settings need.
    async fn start_coordinator(&mut self) -> anyhow::Result<Number> {
        let (config, log) = (self.workplace.coordinator_settings(), self.workplace.log("coordinator"));
        let arguments: Vec<_> =
            role(["coordinator", "serve"], &config).into_iter().chain(["--once".as_ref()]).collect();
        let coordinator = self.processes.start("coordinator", &arguments, log)?;
        loop {
            match self.next().await? {
                Notice::Line(_, line) => {
                    if let CoordinatorLine::Listening { address } = parse("coordinator", &line)? {
                        write_clients(self.options, self.prepared, self.workplace, address)?;
                        return Ok(coordinator);
                    }
                }
                Notice::Closed(number) => {
                    self.succeeded(number).await?;
                    bail!("the coordinator ended before it listened; {}", self.processes.last_words(number));
                }
            }
        }
    }

    fn hear_coordinator(&mut self, line: &str, heard: &mut Heard) -> anyhow::Result<()> {
        match parse("coordinator", line)? {
            CoordinatorLine::Round(round) => self.progress.round(&round),
            CoordinatorLine::Counted(counted) => {
                self.progress.say(&counted.to_string());
                heard.counted.push(counted);
            }
            CoordinatorLine::Aborted { reason } => self.progress.say(&format!("tried again: {reason}")),
            CoordinatorLine::Finished(finished) => heard.coordinator = Some(*finished),
            CoordinatorLine::Listening { .. } | CoordinatorLine::Joined {} | CoordinatorLine::Other => {}
        }
        Ok(())
    }

    fn hear_client(&mut self, number: Number, line: &str, heard: &mut Heard) -> anyhow::Result<()> {
        let name = self.processes.name(number);
        match parse(name, line)? {
            ClientLine::Refused { reason } => self.progress.say(&format!("{name} refused: {reason}")),
            // The coordinator is number 0.
            ClientLine::Finished(finished) => heard.clients[number - 1] = Some(finished),
            ClientLine::Other => {}
        }
        Ok(())
    }

    async fn next(&mut self) -> anyhow::Result<Notice> {
        let silence = SILENCE_MAX.as_secs();
        let silent = || format!("no process has said anything for {silence} s; look into the logs");
        timeout(SILENCE_MAX, self.processes.next()).await.with_context(silent)
    }

    /// An end that was meant.
    async fn succeeded(&mut self, number: Number) -> anyhow::Result<()> {
        let status = self.processes.ended(number).await?;
        let (name, words) = (self.processes.name(number), self.processes.last_words(number));
        ensure!(status.success(), "{name} failed ({status}), so the demo ends; {words}");
        Ok(())
    }
}

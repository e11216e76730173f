//! The run itself: a coordinator and its clients, from their start to their end.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::events::{ClientFinished, ClientLine, CoordinatorFinished, CoordinatorLine, Counted, parse};
use super::options::DemoOptions;
use super::prepare::{Prepared, write_clients};
use super::processes::{COORDINATOR, Notice, Number, Processes, role};
use super::progress::Progress;
use super::workplace::Workplace;

/// Longest silence of all processes together: more than any of their own deadlines, after which they speak or end.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// What the processes reported at the end of the last run.
pub(super) struct Trained {
    /// Runs that have finished.
    pub(super) runs: u32,
    /// The coordinator.
    pub(super) coordinator: CoordinatorFinished,
    /// What was counted in the last run, in order.
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

/// Trains. Nothing if the operator wished to stop. Whoever called stops the processes.
///
/// # Errors
/// Why there is no model, with the last words of whoever failed.
pub(super) async fn train(
    options: &DemoOptions,
    workplace: &Workplace,
    prepared: &Prepared,
    processes: &mut Processes,
    interrupts: &mut Interrupts,
) -> anyhow::Result<Option<Trained>> {
    let mut run =
        Run { options, workplace, prepared, processes, progress: Progress::new(options.rounds_of_all_stages()) };
    let outcome = tokio::select! {
        outcome = run.train() => outcome.map(Some),
        () = interrupts.wait() => Ok(None),
    };
    run.progress.end();
    outcome
}

/// Lets the daemons run until the operator wishes to stop.
///
/// # Errors
/// If one of them ends before, with its last words.
pub(super) async fn stay(processes: &mut Processes, interrupts: &mut Interrupts) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = interrupts.wait() => return Ok(()),
            notice = processes.next() => {
                if let Notice::Closed(number) = notice {
                    bail!("{} ended, and was not asked to; {}", processes.name(number), processes.last_words(number));
                }
            }
        }
    }
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
    /// Ends of runs that each process has reported, the coordinator first.
    finished: Vec<u32>,
    ended: BTreeSet<Number>,
}

impl Run<'_> {
    async fn train(&mut self) -> anyhow::Result<Trained> {
        let coordinator = self.start_coordinator().await?;
        for branch in &self.prepared.branches {
            let config = branch.settings();
            let log = self.workplace.log(&branch.name);
            let once = (!self.options.branches_stay()).then_some("--once".as_ref());
            let arguments: Vec<_> = role(["client", "run"], &config).into_iter().chain(once).collect();
            self.processes.start(&branch.name, &arguments, log)?;
        }
        let count = self.prepared.branches.len();
        let who = self.prepared.who();
        self.progress.say(&format!("{who} started; logs in {}", self.workplace.logs().display()));
        let mut heard = Heard { clients: vec![None; count], finished: vec![0; count + 1], ..Heard::default() };
        while !(0..=count).all(|number| self.is_through(number, &heard)) {
            match self.next().await? {
                Notice::Line(number, line) if number == coordinator => self.hear_coordinator(&line, &mut heard)?,
                Notice::Line(number, line) => self.hear_client(number, &line, &mut heard)?,
                Notice::Closed(number) => {
                    self.succeeded(number).await?;
                    let words = || {
                        format!("{} ended early; {}", self.processes.name(number), self.processes.last_words(number))
                    };
                    ensure!(!self.stays(number), words());
                    heard.ended.insert(number);
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
        let runs = heard.finished[COORDINATOR];
        Ok(Trained { runs, coordinator: finished, counted: heard.counted, clients: clients.ok_or_else(silent)? })
    }

    /// The coordinator first: the operating system chooses its port, which the clients' settings need.
    async fn start_coordinator(&mut self) -> anyhow::Result<Number> {
        let (config, log) = (self.workplace.coordinator_settings(), self.workplace.log("coordinator"));
        let once = (!self.stays(COORDINATOR)).then_some("--once".as_ref());
        let arguments: Vec<_> = role(["coordinator", "serve"], &config).into_iter().chain(once).collect();
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

    /// Whether a process goes on when its runs are over.
    fn stays(&self, number: Number) -> bool {
        if number == COORDINATOR { self.options.coordinator_stays() } else { self.options.branches_stay() }
    }

    fn is_through(&self, number: Number, heard: &Heard) -> bool {
        if self.stays(number) { heard.finished[number] >= self.options.runs } else { heard.ended.contains(&number) }
    }

    fn hear_coordinator(&mut self, line: &str, heard: &mut Heard) -> anyhow::Result<()> {
        match parse("coordinator", line)? {
            CoordinatorLine::Round(round) => self.progress.round(&round),
            CoordinatorLine::Counted(counted) => {
                self.progress.say(&counted.to_string());
                self.progress.counted();
                heard.counted.push(counted);
            }
            CoordinatorLine::Aborted { reason } => self.progress.say(&format!("tried again: {reason}")),
            CoordinatorLine::RunOpened {} => {
                heard.counted.clear();
                self.progress.begins();
            }
            CoordinatorLine::Finished(finished) => {
                heard.finished[COORDINATOR] += 1;
                if self.options.runs > 1 {
                    self.progress.say(&format!("run {} of {} is over", heard.finished[COORDINATOR], self.options.runs));
                }
                heard.coordinator = Some(*finished);
            }
            CoordinatorLine::Listening { .. }
            | CoordinatorLine::Joined {}
            | CoordinatorLine::ModelCopy { .. }
            | CoordinatorLine::Other => {}
        }
        Ok(())
    }

    fn hear_client(&mut self, number: Number, line: &str, heard: &mut Heard) -> anyhow::Result<()> {
        let name = self.processes.name(number);
        match parse(name, line)? {
            ClientLine::Refused { reason } => self.progress.say(&format!("{name} refused: {reason}")),
            ClientLine::Finished(finished) => {
                heard.finished[number] += 1;
                heard.clients[number - 1 - COORDINATOR] = Some(finished);
            }
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

//! The processes that the demo starts, and stops whatever happens.
//!
//! Each one's standard output is read line by line as it comes; its standard error goes to its own log file. Whoever drops [`Processes`] kills
//! what still runs; [`Processes::stop`] asks first.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Longest time between a request to stop and force.
const GRACE: Duration = Duration::from_secs(5);
/// Lines that may wait to be read.
const WAITING_LINES: usize = 256;
/// Lines of a log that are shown.
const LAST_WORDS: usize = 12;

/// A process' index, in the order in which they were started.
pub(super) type Number = usize;

/// The coordinator's: it is started first.
pub(super) const COORDINATOR: Number = 0;

/// What a process did.
pub(super) enum Notice {
    /// It printed a line.
    Line(Number, String),
    /// It closed its standard output, and is about to end.
    Closed(Number),
}

/// All processes.
pub(super) struct Processes {
    executable: PathBuf,
    list: Vec<Process>,
    sender: mpsc::Sender<Notice>,
    notices: mpsc::Receiver<Notice>,
}

struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Processes {
    /// None yet; they will be this executable, in its roles.
    ///
    /// # Errors
    /// If the system does not say where the executable lies.
    pub(super) fn new() -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("the system does not say where this executable lies")?;
        let (sender, notices) = mpsc::channel(WAITING_LINES);
        Ok(Self { executable, list: Vec::new(), sender, notices })
    }

    /// Starts a process.
    ///
    /// # Errors
    /// If its log cannot be written or the system refuses another process.
    pub(super) fn start(&mut self, name: &str, arguments: &[&OsStr], log: PathBuf) -> anyhow::Result<Number> {
        let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = Command::new(&self.executable);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let refused = || format!("{name} could not be started; check this user's limit for processes");
        let mut child = command.spawn().with_context(refused)?;
        let number = self.list.len();
        let stdout = child.stdout.take().expect("the output was asked for");
        tokio::spawn(read(number, stdout, self.sender.clone()));
        self.list.push(Process { name: name.to_owned(), log, child });
        Ok(number)
    }

    /// The next thing that any process does.
    pub(super) async fn next(&mut self) -> Notice {
        self.notices.recv().await.expect("a sender is kept here")
    }

    /// How a process that closed its output ended.
    ///
    /// # Errors
    /// If it does not end.
    pub(super) async fn ended(&mut self, number: Number) -> anyhow::Result<ExitStatus> {
        let process = &mut self.list[number];
        let name = &process.name;
        let status = timeout_at(Instant::now() + GRACE, process.child.wait()).await;
        status.with_context(|| format!("{name} closed its output and does not end"))?.with_context(|| name.clone())
    }

    /// A process' name.
    pub(super) fn name(&self, number: Number) -> &str {
        &self.list[number].name
    }

    /// A process' last log lines, for people.
    pub(super) fn last_words(&self, number: Number) -> String {
        let Process { name, log, .. } = &self.list[number];
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n  ");
        let last = if last.is_empty() { "(nothing)".to_owned() } else { last };
        format!("the last words of {name}, from {}:\n  {last}", log.display())
    }

    /// Stops every process that still runs: SIGTERM, a wait with a deadline, then force. Nothing of them is left when this returns.
    pub(super) async fn stop(&mut self) {
        for process in &self.list {
            process.ask();
        }
        let deadline = Instant::now() + GRACE;
        for process in &mut self.list {
            // A process that has ended already answers at once.
            if timeout_at(deadline, process.child.wait()).await.is_err() {
                // It may end between the two, which is what is wanted.
                let _ = process.child.kill().await;
            }
        }
    }
}

impl Process {
    /// The process' number is its own until its end was waited for, and then there is none.
    fn ask(&self) {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    }
}

async fn read(number: Number, stdout: ChildStdout, sender: mpsc::Sender<Notice>) {
    let mut lines = BufReader::new(stdout).lines();
    // Output that is no text counts as closed.
    while let Ok(Some(line)) = lines.next_line().await {
        if sender.send(Notice::Line(number, line)).await.is_err() {
            return;
        }
    }
    // Nobody listens any more where this fails.
    let _ = sender.send(Notice::Closed(number)).await;
}

/// A role's arguments.
pub(super) fn role<'a>(words: [&'a str; 2], config: &'a Path) -> [&'a OsStr; 5] {
    [words[0].as_ref(), words[1].as_ref(), "--config".as_ref(), config.as_os_str(), "--events".as_ref()]
}

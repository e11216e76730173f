//! A federation on disk, a coordinator in a thread, and clients over real QUIC whose training is a number.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod branch;
mod client;
mod federation;

pub(crate) use branch::{Ended, Machines};
pub(crate) use client::{Behaviour, Client, Unanswered, dial};
pub(crate) use federation::{Federation, now};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tributary_coordinator::cli::serve_reporting;
use tributary_coordinator::{CoordinatorError, Ends, Event, Finished, Told};
use tributary_evidence::{Item, Retained};
use tributary_storage::files::read_itself;

/// So long that only a hanging test meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What a coordinator keeps beside its journal, in this folder.
pub(crate) struct Kept(pub(crate) PathBuf);

impl Retained for Kept {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        match read_itself(&self.0.join(item.name())) {
            Err(fault) if fault.is_absent() => None,
            read => Some(read.unwrap_or_default()),
        }
    }
}

/// A coordinator in a thread of its own.
pub(crate) struct Daemon {
    events: mpsc::Receiver<Event>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: JoinHandle<Result<(), CoordinatorError>>,
}

impl Daemon {
    /// Starts serving.
    pub(crate) fn start(config: &Path) -> Self {
        let (sender, events) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let config: PathBuf = config.to_path_buf();
        let thread = std::thread::spawn(move || {
            let mut report = |told: &Told| sender.send(told.event.clone()).unwrap_or_default();
            let stop = async {
                // A test that drops its end wants the daemon to go on.
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            serve_reporting(&config, Ends::WithTheLastRun, &mut report, stop)
        });
        Self { events, stop: Some(stop), thread }
    }

    /// The next event that `wanted` recognises; the ones before it are dropped.
    pub(crate) fn wait_for<T>(&self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("the coordinator goes on");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.wait_for(|event| if let Event::Listening { address, .. } = event { Some(*address) } else { None })
    }

    /// The last event of a plan.
    pub(crate) fn finished(&self) -> Finished {
        self.wait_for(|event| if let Event::Finished(finished) = event { Some((**finished).clone()) } else { None })
    }

    /// Asks it to stop.
    pub(crate) fn stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).expect("it runs");
    }

    /// Waits for its end, and gives the events that nobody waited for.
    pub(crate) fn join(self) -> (Result<(), CoordinatorError>, Vec<Event>) {
        let result = self.thread.join().expect("no panic");
        (result, self.events.try_iter().collect())
    }
}

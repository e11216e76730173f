//! The worker's thread.

use std::sync::mpsc as jobs;

use tokio::sync::mpsc;
use tributary_daemon::Pulse;

use super::job::{Answer, Job};
use super::queue::in_order;
use super::{WorkerSource, work};

/// The two ends of a worker: where jobs go, and from where answers come.
pub(crate) struct WorkerEnds {
    pub(crate) jobs: jobs::Sender<Job>,
    pub(crate) answers: mpsc::UnboundedReceiver<Answer>,
}

/// Starts the one thread that does all runs' jobs. It ends with its jobs' sender. Whoever stops does not wait for the one that it is at: it
/// changes nothing outside of memory.
pub(crate) fn start(source: WorkerSource, pulse: Pulse) -> WorkerEnds {
    let (sender, receiver) = jobs::channel();
    let (answer_sender, answers) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        work(source, in_order(receiver, pulse), |answer| {
            // A closed channel means that the daemon is ending.
            let _ = answer_sender.send(answer);
        });
    });
    WorkerEnds { jobs: sender, answers }
}

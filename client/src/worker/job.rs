//! What the thread that touches data is asked, and what it answers. Each belongs to a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tributary_model::planned::Planned;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::Run;
use tributary_protocol::round::Contribution;
use tributary_protocol::secagg::masked_update::MaskedUpdate;

use super::snapshot::Snapshot;

/// What the worker is asked.
pub enum Job {
    /// Judge a run's plan and lay the rows out for it.
    Judge(Box<Run>),
    /// Make a round's masked vector.
    Contribute {
        /// The run.
        run: RunId,
        /// The permission.
        contribution: Box<Contribution>,
        /// The public state.
        model: Vec<u8>,
        /// As long as this stands.
        wanted: Wanted,
    },
    /// Draw this branch's noise for the next rounds while nothing else is to do.
    DrawAhead {
        /// The run.
        run: RunId,
        /// Noise shares that surely are honest, by which the plan divides the noise.
        honest_min: u16,
        /// Rounds of each stage that were charged in the run.
        charged: Vec<u32>,
    },
    /// The run is over here: what it needed is let go of.
    Close(RunId),
    /// Plans are laid out with these rows from here on. What is laid out stays as it is.
    Replace(Box<Snapshot>),
}

impl Job {
    /// Whose it is, where it is one run's.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Judge(run) => Some(run.id()),
            Self::Contribute { run, .. } | Self::DrawAhead { run, .. } | Self::Close(run) => Some(*run),
            Self::Replace(_) => None,
        }
    }
}

/// What the worker answers.
pub enum Answer {
    /// A run's plan was judged.
    Judged {
        /// The run.
        run: RunId,
        /// The plan as this branch reads it, or what the coordinator is told.
        verdict: Result<Arc<Planned>, RefusalCode>,
    },
    /// The round's noise, masked: what leaves if the vector is not ready in time. Where the policy is strict.
    NoiseMasked(RunId, MaskedUpdate),
    /// A masked vector: the machine learns of it, and the shell keeps it until the machine lets it leave.
    Masked(RunId, MaskedUpdate),
    /// Why something failed, for the operator.
    Explain {
        /// The run.
        run: RunId,
        /// What happened, what it means, what to do.
        text: String,
    },
    /// The training of a round failed, and its vector is noise alone. For the operator's screen alone.
    NoiseAlone {
        /// The run.
        run: RunId,
        /// The round.
        round: RoundId,
        /// What happened.
        reason: String,
    },
    /// What a run needed is let go of.
    Closed {
        /// The run.
        run: RunId,
        /// What it took.
        cpu: WorkerCpu,
    },
}

/// CPU time of the worker for a run, by purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerCpu {
    /// Forward and backward passes, clipping, summing. In local mode the noise of each step as well.
    pub training: Duration,
    /// Drawing noise.
    pub noise: Duration,
}

/// Whether anybody still waits for a round's vector. Without that the worker need not train for it: a training that nobody waits for would keep
/// the next round's noise waiting, and the time of its upload would say how long the training took.
#[derive(Clone, Debug)]
pub struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Until it is taken back.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Nobody waits any more.
    pub fn take_back(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether somebody waits.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self::new()
    }
}

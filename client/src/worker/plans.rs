//! The plans of the runs that are open, each laid out once for all of its runs with the same files.

use std::collections::BTreeMap;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;

use super::job::WorkerCpu;
use super::prepared::Prepared;
use crate::noise::NoiseSource;
use crate::ready::FileDigests;

/// A plan, and the files whose rows are laid out for it.
pub(super) type PlanKey = (Digest, FileDigests);

/// A plan at work.
pub(super) struct PlanAtWork {
    pub(super) prepared: Prepared,
    pub(super) files: FileDigests,
    /// This branch's noise for its rounds.
    pub(super) noise: NoiseSource,
    /// Most bytes that it takes, by its public maxima.
    pub(super) bytes_max: u64,
}

/// A run at work.
struct RunAtWork {
    plan: PlanKey,
    cpu: WorkerCpu,
}

/// All of them.
#[derive(Default)]
pub(super) struct Plans {
    plans: BTreeMap<PlanKey, PlanAtWork>,
    runs: BTreeMap<RunId, RunAtWork>,
}

impl Plans {
    /// The plan, if it is laid out with these files.
    pub(super) fn find(&self, plan: &PlanKey) -> Option<&PlanAtWork> {
        self.plans.get(plan)
    }

    /// A run is open whose plan is laid out with these files. What it was laid out with before is forgotten.
    pub(super) fn open(&mut self, run: RunId, plan: PlanKey) {
        let cpu = match self.runs.get(&run) {
            Some(before) if before.plan == plan => return,
            Some(_) => self.close(run),
            None => WorkerCpu::default(),
        };
        self.runs.insert(run, RunAtWork { plan, cpu });
    }

    /// A plan is laid out.
    pub(super) fn keep(&mut self, plan: PlanAtWork) {
        self.plans.insert((plan.prepared.plan, plan.files), plan);
    }

    /// The plan of a run, and the run's time.
    pub(super) fn of(&mut self, run: RunId) -> Option<(&mut PlanAtWork, &mut WorkerCpu)> {
        let RunAtWork { plan, cpu } = self.runs.get_mut(&run)?;
        Some((self.plans.get_mut(plan)?, cpu))
    }

    /// A run is over; a plan without an open run is forgotten. What the run took.
    pub(super) fn close(&mut self, run: RunId) -> WorkerCpu {
        let Some(RunAtWork { plan, cpu }) = self.runs.remove(&run) else { return WorkerCpu::default() };
        if self.runs.values().all(|other| other.plan != plan) {
            self.plans.remove(&plan);
        }
        cpu
    }

    /// Most bytes that all of them take.
    pub(super) fn bytes_max(&self) -> u64 {
        self.plans.values().map(|plan| plan.bytes_max).fold(0, u64::saturating_add)
    }
}

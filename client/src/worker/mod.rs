//! The thread that touches data: it trains, clips, noises and masks when the machine of a run hands it a permit.
//!
//! One thread does the jobs of all runs, one after another. Nothing that it answers depends on a row, but the vector's words.

mod caps;
mod contributing;
mod job;
mod laid_out;
mod plans;
mod prepared;
mod queue;
mod snapshot;
mod thread;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cpu_time::ThreadTime;
use tributary_model::planned::Planned;
use tributary_model::schema::Schema;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::{Run, ValidPlan};

pub use self::caps::WorkerCaps;
use self::contributing::{FAULT, Maker};
pub use self::job::{Answer, Job, Wanted, WorkerCpu};
use self::laid_out::bytes_max;
use self::plans::{PlanAtWork, Plans};
use self::prepared::{Means, Prepared, Unprepared};
pub use self::snapshot::Snapshot;
pub(crate) use self::thread::{WorkerEnds, start};
use crate::judge::judge;
use crate::noise::NoiseSource;
use crate::policy::{BranchPolicy, refusal};

/// The rows, and what the owner of the data allows.
pub struct WorkerSource {
    /// The rows.
    pub snapshot: Snapshot,
    /// Their schema.
    pub schema: Schema,
    /// Public number of customers, for local steps.
    pub customers_nominal: Option<u32>,
    /// What the owner of the data allows.
    pub policy: BranchPolicy,
    /// What this machine gives.
    pub caps: WorkerCaps,
}

struct Worker<A> {
    source: WorkerSource,
    answer: A,
    plans: Plans,
}

/// Does every job.
pub fn work(source: WorkerSource, jobs: impl IntoIterator<Item = Job>, answer: impl Fn(Answer)) {
    let mut worker = Worker { source, answer, plans: Plans::default() };
    for job in jobs {
        let run = job.run();
        // The machine waits for a verdict, whatever happens to it.
        let judges = matches!(job, Job::Judge(_));
        // A panic ends its job alone: the thread and the daemon go on.
        if catch_unwind(AssertUnwindSafe(|| worker.carry_out(job))).is_ok() {
            continue;
        }
        let Some(run) = run else { continue };
        (worker.answer)(Answer::Explain { run, text: FAULT.into() });
        if judges {
            worker.plans.close(run);
            (worker.answer)(Answer::Judged { run, verdict: Err(RefusalCode::BranchUnprepared) });
        }
    }
}

impl<A: Fn(Answer)> Worker<A> {
    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Judge(run) => self.judge(&run),
            // A round that was given up before its turn keeps nobody waiting.
            Job::Contribute { wanted, .. } if !wanted.stands() => {}
            Job::Contribute { run, contribution, model, .. } => {
                let Self { source, answer, plans } = self;
                let (snapshot, timing) = (&source.snapshot, source.policy.timing);
                let maker = Maker { run, snapshot, timing, answer };
                match plans.of(run) {
                    Some(plan) => maker.contribute(plan, *contribution, &model),
                    None => maker.explain("a round was started before a plan was admitted".into()),
                }
            }
            Job::DrawAhead { run, honest_min, charged } => self.draw_ahead(run, honest_min, &charged),
            Job::Replace(snapshot) => self.source.snapshot = *snapshot,
            Job::Close(run) => (self.answer)(Answer::Closed { run, cpu: self.plans.close(run) }),
        }
    }

    fn judge(&mut self, run: &Run) {
        let verdict = self.prepare(run).map_err(|Unprepared { code, explanation }| {
            (self.answer)(Answer::Explain { run: run.id(), text: explanation });
            code
        });
        (self.answer)(Answer::Judged { run: run.id(), verdict });
    }

    fn prepare(&mut self, run: &Run) -> Result<Arc<Planned>, Unprepared> {
        let key = (run.reference().plan, self.source.snapshot.files);
        let planned = match self.plans.find(&key) {
            // The same plan over a new connection, or another run of it: nothing about it has changed.
            Some(known) => Arc::clone(&known.prepared.planned),
            None => {
                let plan = self.lay_out(run.plan())?;
                let planned = Arc::clone(&plan.prepared.planned);
                self.plans.keep(plan);
                planned
            }
        };
        self.plans.open(run.id(), key);
        Ok(planned)
    }

    fn lay_out(&self, plan: &ValidPlan) -> Result<PlanAtWork, Unprepared> {
        let source = &self.source;
        let planned = judge(plan, &source.schema, &source.policy).map_err(|code| {
            let explanation = match code {
                RefusalCode::PolicyFloor(floor) => refusal(floor, plan, &source.policy),
                code => code.to_string(),
            };
            Unprepared { code, explanation }
        })?;
        let bytes_max = bytes_max(&planned, &source.snapshot);
        let all = self.plans.bytes_max().saturating_add(bytes_max);
        if all > source.caps.memory_bytes_max {
            return Err(too_large(all, source.caps.memory_bytes_max));
        }
        let mut noise = NoiseSource::new(source.policy.own_noise);
        let (timing, round_max) = (source.policy.timing, source.caps.round_max);
        let means = Means { customers_nominal: source.customers_nominal, noise: &mut noise, timing, round_max };
        let prepared = Prepared::new(plan, planned, &source.snapshot, means)?;
        Ok(PlanAtWork { prepared, files: source.snapshot.files, noise, bytes_max })
    }

    fn draw_ahead(&mut self, run: RunId, honest_min: u16, charged: &[u32]) {
        let Some((PlanAtWork { prepared, noise, .. }, cpu)) = self.plans.of(run) else { return };
        let started = ThreadTime::now();
        noise.draw_ahead(prepared.planned.plan(), honest_min, charged);
        cpu.noise += started.elapsed();
    }
}

fn too_large(bytes: u64, bytes_max: u64) -> Unprepared {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let explanation = format!(
        "this plan and those of the open runs take up to {} MiB for this branch's public maxima, and worker.memory_mib_max allows {}. The run is \
         refused, and asked about again later. Raise worker.memory_mib_max, lower the maxima in [data], or wait for another run's end",
        mebibytes(bytes),
        mebibytes(bytes_max)
    );
    Unprepared { code: RefusalCode::BranchUnprepared, explanation }
}

#[cfg(test)]
pub(crate) mod tests;

//! The thread that touches data: it trains, clips, noises and masks when the machine hands it a permit.
//!
//! Nothing that it answers depends on a row, but the vector's words. A contribution is made in this order: the noise, which was drawn ahead;
//! the masks on it; then the training, whose sum joins what is masked. Whatever happens to the training, there is a vector, and it looks the
//! same from outside.

mod laid_out;
mod prepared;
mod snapshot;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ThreadTime;
use tributary_certs::suite::RealSuite;
use tributary_model::planned::Planned;
use tributary_model::schema::Schema;
use tributary_model::stage::{PlannedStage, PublicState};
use tributary_model::update::ClippedSum;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::{Run, ValidPlan};
use tributary_protocol::round::{Contribution, RoundDescriptor, Timing};
use tributary_protocol::secagg::masked_update::{MaskedNoise, MaskedUpdate, mask_noise};
use tributary_protocol::secagg::modular::RingWords;

use self::prepared::{Prepared, Unprepared, WorkFault, has_noise_inside};
pub use self::snapshot::Snapshot;
use crate::judge::judge;
use crate::noise::NoiseSource;
use crate::policy::{BranchPolicy, refusal};
use crate::vectors::Wanted;

/// What the worker is asked.
pub enum Job {
    /// Judge a run's plan and lay the rows out for it.
    Judge(Box<Run>),
    /// Make a round's masked vector from this public state, as long as it is wanted.
    Contribute(Box<Contribution>, Vec<u8>, Wanted),
    /// Draw this branch's noise for the next rounds while nothing else is to do.
    DrawAhead {
        /// Noise shares that surely are honest, by which the plan divides the noise.
        honest_min: u16,
        /// Rounds of each stage that were charged in the run.
        charged: Vec<u32>,
    },
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
    NoiseMasked(MaskedUpdate),
    /// A masked vector: the machine learns of it, and the shell keeps it until the machine lets it leave.
    Masked(MaskedUpdate),
    /// Why something failed, for the operator.
    Explain(String),
    /// The training of a round failed, and its vector is noise alone. For the operator's screen alone.
    NoiseAlone {
        /// The round.
        round: RoundId,
        /// What happened.
        reason: String,
    },
}

/// CPU time of the worker by purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerCpu {
    /// Forward and backward passes, clipping, summing. In local mode the noise of each step as well.
    pub training: Duration,
    /// Drawing noise.
    pub noise: Duration,
}

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
}

struct Worker<A> {
    source: WorkerSource,
    answer: A,
    prepared: Option<Prepared>,
    noise: NoiseSource,
    cpu: WorkerCpu,
}

/// Does every job; returns the CPU time by purpose.
pub fn run(source: WorkerSource, jobs: impl IntoIterator<Item = Job>, answer: impl Fn(Answer)) -> WorkerCpu {
    let noise = NoiseSource::new(source.policy.own_noise);
    let mut worker = Worker { source, answer, prepared: None, noise, cpu: WorkerCpu::default() };
    for job in jobs {
        // The machine waits for a verdict, whatever happens to it.
        let judged = match &job {
            Job::Judge(run) => Some(run.id()),
            _ => None,
        };
        // A panic ends its job alone: the thread and the daemon go on.
        if catch_unwind(AssertUnwindSafe(|| worker.carry_out(job))).is_ok() {
            continue;
        }
        (worker.answer)(Answer::Explain(FAULT.into()));
        if let Some(run) = judged {
            worker.prepared = None;
            (worker.answer)(Answer::Judged { run, verdict: Err(RefusalCode::BranchUnprepared) });
        }
    }
    worker.cpu
}

/// A round of a stage, with the public state that came with its start.
#[derive(Clone, Copy)]
struct Round<'a> {
    stage: PlannedStage<'a>,
    descriptor: &'a RoundDescriptor,
    model: &'a [u8],
}

/// What an operator is told when this program has a fault.
const FAULT: &str = "the work stopped half-way, which is a fault of the program: report it with this daemon's log";

impl<A: Fn(Answer)> Worker<A> {
    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Judge(run) => self.judge(&run),
            // A round that was given up before its turn keeps nobody waiting.
            Job::Contribute(_, _, wanted) if !wanted.stands() => {}
            Job::Contribute(contribution, model, _) => self.contribute(*contribution, &model),
            Job::DrawAhead { honest_min, charged } => self.draw_ahead(honest_min, &charged),
        }
    }

    fn judge(&mut self, run: &Run) {
        let verdict = self.prepare(run.plan()).map_err(|Unprepared { code, explanation }| {
            (self.answer)(Answer::Explain(explanation));
            code
        });
        (self.answer)(Answer::Judged { run: run.id(), verdict });
    }

    fn prepare(&mut self, plan: &ValidPlan) -> Result<Arc<Planned>, Unprepared> {
        // The same plan over a new connection, or another run of it: nothing about it has changed.
        if let Some(known) = self.prepared.as_ref().filter(|prepared| prepared.plan == plan.digest()) {
            return Ok(Arc::clone(&known.planned));
        }
        let Self { source, noise, .. } = self;
        let planned = judge(plan, &source.schema, &source.policy).map_err(|code| {
            let explanation = match code {
                RefusalCode::PolicyFloor(floor) => refusal(floor, plan, &source.policy),
                code => code.to_string(),
            };
            Unprepared { code, explanation }
        })?;
        let own = (source.customers_nominal, &mut *noise, source.policy.timing);
        let prepared = Prepared::new(plan, planned, &source.snapshot, own)?;
        Ok(Arc::clone(&self.prepared.insert(prepared).planned))
    }

    /// The data's way: noise, mask; clipped sum; both together.
    fn contribute(&mut self, contribution: Contribution, model: &[u8]) {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let Some(planned) = self.prepared.as_ref().map(|prepared| Arc::clone(&prepared.planned)) else {
            return (self.answer)(Answer::Explain("a round was started before a plan was admitted".into()));
        };
        let Some(stage) = planned.stage(descriptor.stage) else {
            return (self.answer)(Answer::Explain("a round was started of a stage that the plan does not have".into()));
        };
        let started = ThreadTime::now();
        let noise = self.noise.values(stage.terms(), &descriptor);
        self.cpu.noise += started.elapsed();
        let noise = match noise {
            Ok(noise) => noise,
            // The plan alone decides it, and it was looked at before the plan was admitted.
            Err(fault) => return (self.answer)(Answer::Explain(fault.to_string())),
        };
        let masked = mask_noise::<RealSuite>(RingWords::reduce(descriptor.ring, &noise), receipt, seeds);
        drop(noise);
        let strict = self.source.policy.timing == Timing::Strict;
        // Where participants need no public state, none is looked at.
        let model = if stage.terms().model_bytes == 0 { &[] } else { model };
        let round = Round { stage, descriptor: &descriptor, model };
        let started = ThreadTime::now();
        let update = if has_noise_inside(&stage) {
            self.inside(round, masked, strict)
        } else {
            if strict {
                (self.answer)(Answer::NoiseMasked(masked.alone()));
            }
            self.joint(round, masked)
        };
        self.cpu.training += started.elapsed();
        (self.answer)(Answer::Masked(update));
    }

    /// The branch's sum joins the noise.
    fn joint(&self, round: Round<'_>, masked: MaskedNoise) -> MaskedUpdate {
        let stage = &round.stage;
        let sum = self.guarded(round, |prepared, state| prepared.sum(stage, prepared.rows(stage)?, state));
        let sum = sum.unwrap_or_else(|| ClippedSum::nothing(round.descriptor.dimension as usize));
        sum.join::<RealSuite>(masked, round.descriptor.ring)
    }

    /// Steps that each have their own noise. What they come to over a table without rows takes their place if need be.
    fn inside(&mut self, round: Round<'_>, masked: MaskedNoise, strict: bool) -> MaskedUpdate {
        let Round { stage, descriptor, .. } = round;
        let mut noise = std::mem::replace(&mut self.noise, NoiseSource::new(self.source.policy.own_noise));
        let empty = |noise: &mut NoiseSource| {
            self.guarded(round, |prepared, state| {
                let empty = prepared.empty(&stage, &self.source.snapshot)?;
                prepared.noised(&stage, &empty, state, noise)
            })
        };
        if let Some(alone) = strict.then(|| empty(&mut noise)).flatten() {
            (self.answer)(Answer::NoiseMasked(alone.quantize(descriptor.ring).join::<RealSuite>(masked.clone())));
        }
        let own =
            self.guarded(round, |prepared, state| prepared.noised(&stage, prepared.rows(&stage)?, state, &mut noise));
        let update = own.or_else(|| empty(&mut noise));
        self.noise = noise;
        match update {
            Some(update) => update.quantize(descriptor.ring).join::<RealSuite>(masked),
            None => masked.alone(),
        }
    }

    /// Runs what rows pass through. A panic, or whatever else goes wrong, ends it alone: the thread goes on, and the operator hears of it.
    fn guarded<T>(
        &self,
        round: Round<'_>,
        work: impl FnOnce(&Prepared, &PublicState) -> Result<T, WorkFault>,
    ) -> Option<T> {
        let prepared = self.prepared.as_ref()?;
        let made = catch_unwind(AssertUnwindSafe(|| work(prepared, &round.stage.admit_state(round.model)?)));
        let reason = match made {
            Ok(Ok(made)) => return Some(made),
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => FAULT.into(),
        };
        (self.answer)(Answer::NoiseAlone { round: round.descriptor.round, reason });
        None
    }

    fn draw_ahead(&mut self, honest_min: u16, charged: &[u32]) {
        let Some(prepared) = &self.prepared else { return };
        let started = ThreadTime::now();
        self.noise.draw_ahead(prepared.planned.plan(), honest_min, charged);
        self.cpu.noise += started.elapsed();
    }
}

#[cfg(test)]
mod tests;

//! The thread that touches data: it trains, clips, noises and masks when the machine hands it a permit.
//!
//! Nothing that it answers depends on a row, but the vector's words. A contribution is made in this order: the noise, which was drawn ahead;
//! the masks on it; then the training, whose sum joins what is masked. Whatever happens to the training, there is a vector, and it looks the
//! same from outside.

mod prepared;
mod snapshot;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cpu_time::ThreadTime;
use tributary_certs::suite::RealSuite;
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_model::update::ClippedSum;
use tributary_protocol::ids::RoundId;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::ValidPlan;
use tributary_protocol::round::{Contribution, ParticipantInput, RoundDescriptor, Timing};
use tributary_protocol::secagg::masked_update::{MaskedNoise, MaskedUpdate, mask_noise};
use tributary_protocol::secagg::modular::RingWords;

use self::prepared::{Prepared, Unprepared};
pub use self::snapshot::Snapshot;
use crate::judge::judge;
use crate::noise::NoiseSource;
use crate::policy::{BranchPolicy, refusal};
use crate::vectors::Wanted;

/// What the worker is asked.
pub enum Job {
    /// Judge a plan and lay the rows out for it.
    Judge(Box<ValidPlan>),
    /// Make a round's masked vector from this model, as long as it is wanted.
    Contribute(Box<Contribution>, Vec<u8>, Wanted),
    /// Draw this branch's noise for the next rounds while nothing else is to do.
    DrawAhead {
        /// Noise shares that surely are honest, by which the plan divides the noise.
        honest_min: u16,
    },
}

/// What the worker answers.
pub enum Answer {
    /// For the machine.
    Input(Box<ParticipantInput>),
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
            Job::Judge(plan) => Some(plan.digest()),
            _ => None,
        };
        // A panic ends its job alone: the thread and the daemon go on.
        if catch_unwind(AssertUnwindSafe(|| worker.carry_out(job))).is_ok() {
            continue;
        }
        (worker.answer)(Answer::Explain(FAULT.into()));
        if let Some(plan) = judged {
            worker.prepared = None;
            let verdict = Err(RefusalCode::BranchUnprepared);
            (worker.answer)(Answer::Input(Box::new(ParticipantInput::PlanJudged { plan, verdict })));
        }
    }
    worker.cpu
}

/// What an operator is told when this program has a fault.
const FAULT: &str = "the work stopped half-way, which is a fault of the program: report it with this daemon's log";

impl<A: Fn(Answer)> Worker<A> {
    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Judge(plan) => self.judge(*plan),
            // A round that was given up before its turn keeps nobody waiting.
            Job::Contribute(_, _, wanted) if !wanted.stands() => {}
            Job::Contribute(contribution, model, _) => self.contribute(*contribution, &model),
            Job::DrawAhead { honest_min } => self.draw_ahead(honest_min),
        }
    }

    fn judge(&mut self, plan: ValidPlan) {
        let digest = plan.digest();
        // The same plan over a new connection: nothing about it has changed.
        let known = self.prepared.as_ref().is_some_and(|prepared| prepared.plan.digest() == digest);
        let verdict = if known { Ok(()) } else { self.prepare(plan) };
        let verdict = verdict.map_err(|Unprepared { code, explanation }| {
            (self.answer)(Answer::Explain(explanation));
            code
        });
        (self.answer)(Answer::Input(Box::new(ParticipantInput::PlanJudged { plan: digest, verdict })));
    }

    fn prepare(&mut self, plan: ValidPlan) -> Result<(), Unprepared> {
        let Self { source, noise, .. } = self;
        let schema = &source.schema;
        let judged = judge(&plan, schema, &source.policy);
        let judged = judged.map_err(|code| {
            let explanation = match code {
                RefusalCode::PolicyFloor(floor) => refusal(floor, &plan, &source.policy),
                code => code.to_string(),
            };
            Unprepared { code, explanation }
        })?;
        let own = (source.customers_nominal, &mut *noise, source.policy.timing);
        self.prepared = Some(Prepared::new(plan, judged, &source.snapshot, own)?);
        Ok(())
    }

    /// The data's way: noise, mask; clipped sum; both together.
    fn contribute(&mut self, contribution: Contribution, model: &[u8]) {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let Some(prepared) = &self.prepared else {
            return (self.answer)(Answer::Explain("a round was started before a plan was admitted".into()));
        };
        let started = ThreadTime::now();
        let noise = self.noise.values(&prepared.plan, &descriptor);
        self.cpu.noise += started.elapsed();
        let noise = match noise {
            Ok(noise) => noise,
            // The plan alone decides it, and it was looked at before the plan was admitted.
            Err(explanation) => return (self.answer)(Answer::Explain(explanation)),
        };
        let masked = mask_noise::<RealSuite>(RingWords::reduce(descriptor.ring, &noise), receipt, seeds);
        drop(noise);
        let strict = self.source.policy.timing == Timing::Strict;
        let started = ThreadTime::now();
        let update = if prepared.has_own_noise(descriptor.kind) {
            self.local(&descriptor, model, masked, strict)
        } else {
            if strict {
                (self.answer)(Answer::NoiseMasked(masked.alone()));
            }
            self.joint(&descriptor, model, masked)
        };
        self.cpu.training += started.elapsed();
        (self.answer)(Answer::Masked(update));
    }

    /// The branch's sum joins the noise.
    fn joint(&self, descriptor: &RoundDescriptor, model: &[u8], masked: MaskedNoise) -> MaskedUpdate {
        let sum = self.guarded(descriptor, model, |prepared, model| prepared.sum(descriptor, model));
        let sum = sum.unwrap_or_else(|| ClippedSum::nothing(descriptor.dimension as usize));
        sum.join::<RealSuite>(masked, descriptor.ring)
    }

    /// Local steps, each with its own noise. What they come to over a table without rows takes their place if need be.
    fn local(&mut self, descriptor: &RoundDescriptor, model: &[u8], masked: MaskedNoise, strict: bool) -> MaskedUpdate {
        let mut noise = std::mem::replace(&mut self.noise, NoiseSource::new(self.source.policy.own_noise));
        let empty = |noise: &mut NoiseSource| {
            self.guarded(descriptor, model, |prepared, model| {
                let empty =
                    prepared.empty(&self.source.snapshot.training).ok_or("a table without rows fits no plan")?;
                prepared.private_update(&empty, model, noise)
            })
        };
        if let Some(alone) = strict.then(|| empty(&mut noise)).flatten() {
            (self.answer)(Answer::NoiseMasked(alone.quantize(descriptor.ring).join::<RealSuite>(masked.clone())));
        }
        let own = self.guarded(descriptor, model, |prepared, model| {
            prepared.private_update(prepared.trainer(), model, &mut noise)
        });
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
        descriptor: &RoundDescriptor,
        model: &[u8],
        work: impl FnOnce(&Prepared, &Parameters) -> Result<T, String>,
    ) -> Option<T> {
        let prepared = self.prepared.as_ref()?;
        let made = catch_unwind(AssertUnwindSafe(|| {
            let model = prepared.model(model).ok_or("the model has another length than the plan's")?;
            work(prepared, &model)
        }));
        let reason = match made {
            Ok(Ok(made)) => return Some(made),
            Ok(Err(reason)) => reason,
            Err(_) => FAULT.into(),
        };
        (self.answer)(Answer::NoiseAlone { round: descriptor.round, reason });
        None
    }

    fn draw_ahead(&mut self, honest_min: u16) {
        let Some(prepared) = &self.prepared else { return };
        let started = ThreadTime::now();
        self.noise.draw_ahead(&prepared.plan, honest_min);
        self.cpu.noise += started.elapsed();
    }
}

#[cfg(test)]
mod tests;

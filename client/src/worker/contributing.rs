//! A contribution, in this order: the noise, which was drawn ahead; the masks on it; then the training, whose sum joins what is masked.
//! Whatever happens to the training, there is a vector, and it looks the same from outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cpu_time::ThreadTime;
use tributary_certs::suite::RealSuite;
use tributary_model::stage::{PlannedStage, PublicState};
use tributary_model::update::ClippedSum;
use tributary_protocol::ids::RunId;
use tributary_protocol::round::{Contribution, RoundDescriptor, Timing};
use tributary_protocol::secagg::masked_update::{MaskedNoise, MaskedUpdate, mask_noise};
use tributary_protocol::secagg::modular::RingWords;

use super::job::{Answer, WorkerCpu};
use super::plans::PlanAtWork;
use super::prepared::{Prepared, WorkFault, has_noise_inside};
use super::snapshot::Snapshot;
use crate::noise::NoiseSource;

/// What an operator is told when this program has a fault.
pub(super) const FAULT: &str =
    "the work stopped half-way, which is a fault of the program: report it with this daemon's log";

/// A round of a stage, with the public state that came with its start.
#[derive(Clone, Copy)]
struct Round<'a> {
    stage: PlannedStage<'a>,
    descriptor: &'a RoundDescriptor,
    model: &'a [u8],
}

/// Makes the vectors of a run.
pub(super) struct Maker<'a, A> {
    pub(super) run: RunId,
    pub(super) snapshot: &'a Snapshot,
    pub(super) timing: Timing,
    pub(super) answer: &'a A,
}

impl<A: Fn(Answer)> Maker<'_, A> {
    /// The data's way: noise, mask; clipped sum; both together.
    pub(super) fn contribute(
        &self,
        (plan, cpu): (&mut PlanAtWork, &mut WorkerCpu),
        contribution: Contribution,
        model: &[u8],
    ) {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let PlanAtWork { prepared, noise: source, .. } = plan;
        let planned = Arc::clone(&prepared.planned);
        let Some(stage) = planned.stage(descriptor.stage) else {
            return self.explain("a round was started of a stage that the plan does not have".into());
        };
        let started = ThreadTime::now();
        let noise = source.values(stage.terms(), &descriptor);
        cpu.noise += started.elapsed();
        let noise = match noise {
            Ok(noise) => noise,
            // The plan alone decides it, and it was looked at before the plan was admitted.
            Err(fault) => return self.explain(fault.to_string()),
        };
        let masked = mask_noise::<RealSuite>(RingWords::reduce(descriptor.ring, &noise), receipt, seeds);
        drop(noise);
        // Where participants need no public state, none is looked at.
        let model = if stage.terms().model_bytes == 0 { &[] } else { model };
        let round = Round { stage, descriptor: &descriptor, model };
        let started = ThreadTime::now();
        let update = if has_noise_inside(&stage) {
            self.inside(prepared, source, round, masked)
        } else {
            if self.timing == Timing::Strict {
                (self.answer)(Answer::NoiseMasked(self.run, masked.alone()));
            }
            self.joint(prepared, round, masked)
        };
        cpu.training += started.elapsed();
        (self.answer)(Answer::Masked(self.run, update));
    }

    pub(super) fn explain(&self, text: String) {
        (self.answer)(Answer::Explain { run: self.run, text });
    }

    /// The branch's sum joins the noise.
    fn joint(&self, prepared: &Prepared, round: Round<'_>, masked: MaskedNoise) -> MaskedUpdate {
        let stage = &round.stage;
        let sum = self.guarded(round, |state| prepared.sum(stage, prepared.rows(stage)?, state));
        let sum = sum.unwrap_or_else(|| ClippedSum::nothing(round.descriptor.dimension as usize));
        sum.join::<RealSuite>(masked, round.descriptor.ring)
    }

    /// Steps that each have their own noise. What they come to over a table without rows takes their place if need be.
    fn inside(
        &self,
        prepared: &Prepared,
        noise: &mut NoiseSource,
        round: Round<'_>,
        masked: MaskedNoise,
    ) -> MaskedUpdate {
        let Round { stage, descriptor, .. } = round;
        let empty = |noise: &mut NoiseSource| {
            self.guarded(round, |state| {
                let empty = prepared.empty(&stage, self.snapshot)?;
                prepared.noised(&stage, &empty, state, noise)
            })
        };
        if let Some(alone) = (self.timing == Timing::Strict).then(|| empty(noise)).flatten() {
            let alone = alone.quantize(descriptor.ring).join::<RealSuite>(masked.clone());
            (self.answer)(Answer::NoiseMasked(self.run, alone));
        }
        let own = self.guarded(round, |state| prepared.noised(&stage, prepared.rows(&stage)?, state, noise));
        match own.or_else(|| empty(noise)) {
            Some(update) => update.quantize(descriptor.ring).join::<RealSuite>(masked),
            None => masked.alone(),
        }
    }

    /// Runs what rows pass through. A panic, or whatever else goes wrong, ends it alone: the thread goes on, and the operator hears of it.
    fn guarded<T>(&self, round: Round<'_>, work: impl FnOnce(&PublicState) -> Result<T, WorkFault>) -> Option<T> {
        let made = catch_unwind(AssertUnwindSafe(|| work(&round.stage.admit_state(round.model)?)));
        let reason = match made {
            Ok(Ok(made)) => return Some(made),
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => FAULT.into(),
        };
        (self.answer)(Answer::NoiseAlone { run: self.run, round: round.descriptor.round, reason });
        None
    }
}

//! A plan that was admitted, with everything that its rounds need from the branch.

use std::time::{Duration, Instant};

use tributary_certs::entropy::OsEntropy;
use tributary_model::counts::CellLayout;
use tributary_model::parameters::Parameters;
use tributary_model::planned::{cell_layout, release};
use tributary_model::privacy::Selection;
use tributary_model::train::{Placement, Table, Trainer};
use tributary_model::update::{
    ClipForm, ClippedSum, LocalNoise, LocalRule, NoisedUpdate, branch_update, clipped_sum_of, count_features,
    count_scores, private_update,
};
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::{PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::round::{RoundDescriptor, Timing};

use super::snapshot::Snapshot;
use crate::judge::Judged;
use crate::noise::NoiseSource;

/// By so much a plan's deadline must pass this branch's own time.
const DEADLINE_TIMES_OWN: u32 = 4;

/// By so much a plan's offset must pass this branch's own time, where the policy is strict.
const OFFSET_TIMES_OWN: u32 = 2;

/// Everything that a plan needs from the branch.
pub(super) struct Prepared {
    pub(super) plan: ValidPlan,
    judged: Judged,
    trainer: Trainer,
    /// The rows that are counted, where they are others than the trainer's.
    held_out: Option<Trainer>,
    statistics: Option<CellLayout>,
    evaluation: Option<CellLayout>,
    /// A public number of the branch's customers, where the plan trains locally.
    customers_nominal: u32,
}

/// Why a branch cannot take part. No row decides it.
pub(super) struct Unprepared {
    /// For the coordinator.
    pub(super) code: RefusalCode,
    /// For the operator.
    pub(super) explanation: String,
}

impl Prepared {
    /// Lays the snapshot out for a plan that was admitted.
    pub(super) fn new(
        plan: ValidPlan,
        judged: Judged,
        snapshot: &Snapshot,
        (customers_nominal, noise, timing): (Option<u32>, &mut NoiseSource, Timing),
    ) -> Result<Self, Unprepared> {
        let unprepared = |explanation: String| Unprepared { code: RefusalCode::BranchUnprepared, explanation };
        noise.admits(&plan).map_err(unprepared)?;
        let nominal = match (plan.privacy, customers_nominal) {
            (PrivacyMode::Local, None) => {
                return Err(unprepared(
                    "the plan trains locally, and data.customers_nominal is not set: give a public number of this branch's customers, by \
                     which local steps divide instead of the actual one"
                        .into(),
                ));
            }
            (_, nominal) => nominal.unwrap_or(1),
        };
        let layout = |kind| cell_layout(&plan, kind, &judged.architecture, Some(&judged.schema));
        let (statistics, evaluation) = (layout(RoundKind::Statistics), layout(RoundKind::Evaluation));
        let laid = |table: &Table, placement| {
            Trainer::new(&judged.architecture, table, placement).map_err(|fault| unprepared(fault.to_string()))
        };
        let trainer = laid(&snapshot.training, judged.placement())?;
        let held_out = match (&evaluation, &snapshot.held_out) {
            (Some(_), Some(table)) => Some(laid(table, Placement::Dense)?),
            _ => None,
        };
        let prepared = Self { plan, judged, trainer, held_out, statistics, evaluation, customers_nominal: nominal };
        prepared.timed(&snapshot.training, noise, timing)
    }

    /// Refuses a plan that leaves this branch too little time: a round that ends before the vector is ready would silence the branch, and a
    /// strict policy asks to be ready at the offset. What is timed is the work on a table without rows, which takes as long as any other within
    /// the public maxima.
    fn timed(self, table: &Table, noise: &mut NoiseSource, timing: Timing) -> Result<Self, Unprepared> {
        let refused = |code, explanation| Err(Unprepared { code, explanation });
        let empty = self.empty(table);
        let started = Instant::now();
        if let Err(explanation) = empty.map_or(Ok(()), |empty| self.rehearse(&empty, noise)) {
            return refused(RefusalCode::BranchUnprepared, explanation);
        }
        let own = started.elapsed();
        let deadline = Duration::from_millis(self.plan.round_deadline_ms);
        if deadline < own * DEADLINE_TIMES_OWN {
            let explanation = format!(
                "the plan's rounds end {} ms after their start, and this branch needs {} ms for a table of its public maxima; it asks for four \
                 times that, because a round that is over too early would silence it: ask the plan owner for a round_deadline_ms of {} or more, \
                 or lower the maxima in [data]",
                deadline.as_millis(),
                own.as_millis(),
                (own * DEADLINE_TIMES_OWN).as_millis() + 1
            );
            return refused(RefusalCode::BranchUnprepared, explanation);
        }
        let offset = Duration::from_millis(self.plan.upload_offset_ms);
        if timing == Timing::Strict && offset < own * OFFSET_TIMES_OWN {
            let explanation = format!(
                "the policy's timing is strict, and the plan's uploads leave {} ms after a round's start; this branch needs {} ms for a table of \
                 its public maxima, and twice that is asked for: ask the plan owner for an upload_offset_ms of {} or more",
                offset.as_millis(),
                own.as_millis(),
                (own * OFFSET_TIMES_OWN).as_millis() + 1
            );
            return refused(RefusalCode::PolicyFloor(Floor::UploadOffset), explanation);
        }
        Ok(self)
    }

    fn rehearse(&self, empty: &Trainer, noise: &mut NoiseSource) -> Result<(), String> {
        let model = Parameters::initial(&self.judged.architecture, 0);
        if self.has_own_noise(RoundKind::Train) {
            return self.private_update(empty, &model, noise).map(drop);
        }
        self.train(empty, &model, 1.0).map(drop)
    }

    /// The plan's trainer over a table without rows.
    pub(super) fn empty(&self, table: &Table) -> Option<Trainer> {
        Trainer::new(&self.judged.architecture, &table.emptied(), self.judged.placement()).ok()
    }

    /// The trainer of the branch's rows.
    pub(super) fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// A model from the bytes that a coordinator sent, whatever they are.
    pub(super) fn model(&self, bytes: &[u8]) -> Option<Parameters> {
        let (words, rest) = bytes.as_chunks::<4>();
        let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        rest.is_empty().then(|| Parameters::clamped(self.judged.architecture.clone(), values).ok()).flatten()
    }

    /// Whether a round's noise is in its local steps already.
    pub(super) fn has_own_noise(&self, kind: RoundKind) -> bool {
        self.plan.privacy == PrivacyMode::Local && kind == RoundKind::Train
    }

    /// What this branch puts into a round, before its noise.
    pub(super) fn sum(&self, descriptor: &RoundDescriptor, model: &Parameters) -> Result<ClippedSum, String> {
        match descriptor.kind {
            RoundKind::Train => self.train(&self.trainer, model, f64::from_bits(descriptor.update_clip_norm_bits)),
            RoundKind::Evaluation => {
                let layout = self.evaluation.as_ref().ok_or("the plan does not evaluate")?;
                let trainer = self.held_out.as_ref().unwrap_or(&self.trainer);
                count_scores(model, trainer, layout, self.plan.clip_units).map_err(|fault| fault.to_string())
            }
            RoundKind::Statistics => {
                let layout = self.statistics.as_ref().ok_or("the plan asks for no statistics")?;
                Ok(count_features(&self.trainer, layout, self.plan.clip_units))
            }
        }
    }

    fn train(&self, trainer: &Trainer, model: &Parameters, update_clip_norm: f64) -> Result<ClippedSum, String> {
        let rule = &self.judged.rule;
        match self.judged.local {
            Some(local) => branch_update(trainer, model, (rule, &LocalRule { update_clip_norm, ..local }))
                .map_err(|fault| fault.to_string()),
            None => {
                let threshold = self.plan.sampling_threshold;
                let selection = Selection::draw(trainer.customers_padded(), threshold, &mut OsEntropy);
                clipped_sum_of(trainer, model, rule, &selection).map_err(|fault| fault.to_string())
            }
        }
    }

    /// The difference of models after local steps with this branch's own noise.
    pub(super) fn private_update(
        &self,
        trainer: &Trainer,
        model: &Parameters,
        noise: &mut NoiseSource,
    ) -> Result<NoisedUpdate, String> {
        let local = self.judged.local.ok_or("the plan does not train locally")?;
        let noise = LocalNoise {
            sampler: noise.sampler(self.plan.noise_variance)?,
            sampling_threshold: self.plan.sampling_threshold,
            customers_nominal: f64::from(self.customers_nominal) * release(&self.plan).sampling_probability,
        };
        private_update(trainer, model, (&self.judged.rule, &local), noise, &mut OsEntropy)
            .map_err(|fault| fault.to_string())
    }
}

impl Judged {
    /// How the plan's form wants the rows laid out.
    fn placement(&self) -> Placement {
        match self.rule.form() {
            ClipForm::Exact => Placement::Dense,
            ClipForm::Chunked => Placement::Hashed,
        }
    }
}

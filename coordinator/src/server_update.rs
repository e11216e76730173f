//! From the unmasked sum to the next model: computed, made durable, and adopted only when the ledger has committed it.

use std::num::NonZero;

use bytes::Bytes;
use tributary_certs::suite::RealSuite;
use tributary_model::architecture::Architecture;
use tributary_model::counts::{CellLayout, evaluate_heads};
use tributary_model::nominal::NoisedCustomers;
use tributary_model::parameters::digest_of;
use tributary_model::planned::{self, cell_layout, noise_multiplier};
use tributary_model::server_optimizer::{MeanScale, RoundMetrics, StateLayout, adapted_clip_norm};
use tributary_model::update::ClipRule;
use tributary_protocol::digest::Digest;
use tributary_protocol::message::ClosedReason;
use tributary_protocol::plan::{PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::round::{Input, RoundDescriptor};
use tributary_protocol::secagg::mask::MaskBlock;
use tributary_protocol::secagg::masked_sum::{AggregateSum, MaskedSum};
use tributary_protocol::secagg::permit::UnmaskPermit;

use crate::plan::Job;
use crate::store::{Counts, OptimizerDraft, StateName, StepError, Store, StoreError};

/// Fewest blocks of coordinates for which threads are worth their start.
const THREADED_BLOCKS_MIN: usize = 8;

/// The current model and what moves it.
pub(crate) struct ServerUpdate {
    layout: StateLayout,
    plan: ValidPlan,
    rule: ClipRule,
    statistics: Option<CellLayout>,
    current: Version,
    pending: Option<Version>,
    /// Of the round that was opened last, until it is asked for.
    customers: Option<NoisedCustomers>,
}

/// A model and what rode along with the round that made it. The model and the optimizer's state behind it are files.
struct Version {
    digest: Digest,
    /// The model's bytes until they are sent for the first time.
    unsent: Option<Bytes>,
    rounds: u32,
    metrics: Option<RoundMetrics>,
    /// Of the next round, as the ledger has it.
    update_clip_norm_bits: u64,
}

/// What the ledger committed last.
#[derive(Clone, Copy)]
pub(crate) struct Committed {
    pub(crate) model: Digest,
    pub(crate) rounds: u32,
    pub(crate) update_clip_norm_bits: u64,
}

impl Version {
    fn state_name(&self) -> StateName {
        StateName { model: self.digest, rounds: self.rounds }
    }
}

impl ServerUpdate {
    /// Starts from the first model, or continues from the one that the ledger committed last.
    ///
    /// # Errors
    /// If what the ledger names is not in the store as it was.
    pub(crate) fn start(job: &Job, store: &Store, committed: Option<Committed>) -> Result<Self, StoreError> {
        let layout = StateLayout::new(job.optimizer, &job.architecture);
        let current = match committed {
            None => {
                store.add_model(&job.plan.initial_model, &job.initial.to_le_bytes())?;
                store.begin_optimizer(&layout, &job.initial)?;
                let update_clip_norm_bits = job.plan.local.map_or(0, |local| local.update_clip_norm_bits);
                let digest = job.plan.initial_model;
                Version { digest, unsent: None, rounds: 0, metrics: None, update_clip_norm_bits }
            }
            Some(Committed { model: digest, rounds, update_clip_norm_bits }) => {
                let unsent = Some(store.model(&job.architecture, &digest)?.into());
                let version = Version { digest, unsent, rounds, metrics: None, update_clip_norm_bits };
                store.verify_optimizer(&layout, version.state_name())?;
                version
            }
        };
        store.forget_other_optimizers(current.state_name());
        let (plan, rule, statistics) = (job.plan.clone(), job.rule, job.statistics.clone());
        Ok(Self { layout, plan, rule, statistics, current, pending: None, customers: None })
    }

    /// The network.
    pub(crate) fn architecture(&self) -> &Architecture {
        self.layout.architecture()
    }

    /// Digest of the model that the next training round starts from.
    pub(crate) fn digest(&self) -> Digest {
        self.current.digest
    }

    /// The bytes of a round's model, which are needed once a round: they are not kept, and read again where a round is repeated, or evaluates
    /// the released model.
    ///
    /// # Errors
    /// If the store no longer has the model as it was.
    pub(crate) fn take_model(&mut self, model: Digest, store: &Store) -> Result<Bytes, StoreError> {
        match self.current.unsent.take_if(|_| self.current.digest == model) {
            Some(bytes) => Ok(bytes),
            None => Ok(store.model(self.layout.architecture(), &model)?.into()),
        }
    }

    /// Whether a new model waits for the ledger.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The noised metrics of the round whose model is being committed, or else of the current model's round.
    pub(crate) fn metrics(&self) -> Option<RoundMetrics> {
        self.pending.as_ref().unwrap_or(&self.current).metrics
    }

    /// How many customers the round counted that was opened last; once.
    pub(crate) fn take_customers(&mut self) -> Option<NoisedCustomers> {
        self.customers.take()
    }

    /// Unmasks the sum, takes the step and makes its result durable, to be adopted when the ledger has it. The sum of a counting round is
    /// read and its counts are kept beside the models, which it does not move.
    ///
    /// # Errors
    /// If the result cannot be stored, which ends the process. A sum that cannot be used is an answer.
    pub(crate) fn apply(
        &mut self,
        descriptor: &RoundDescriptor,
        sum: Option<MaskedSum>,
        permit: UnmaskPermit,
        store: &Store,
    ) -> Result<Input, StoreError> {
        (self.pending, self.customers) = (None, None);
        let (round, survivors) = (permit.round(), permit.survivors().len());
        let failed = |reason| Ok(Input::UpdateFailed { round, reason });
        let Some(sum) = sum else { return failed(ClosedReason::ChecksFailed) };
        let sum = match sum.unmask_with::<RealSuite>(permit, run_blocks) {
            Ok(sum) => sum,
            Err(fault) => {
                tracing::error!(%round, %fault, "the sum was not used");
                return failed(ClosedReason::ChecksFailed);
            }
        };
        if descriptor.kind != RoundKind::Train {
            self.count(descriptor, survivors, &sum, store)?;
            let (sum, model, update_clip_norm_bits) =
                (sum.digest(), self.current.digest, self.current.update_clip_norm_bits);
            return Ok(Input::Updated { round, sum, model, update_clip_norm_bits });
        }
        let (next, bytes, state) = match self.next(descriptor, survivors, &sum, store) {
            Ok(next) => next,
            Err(StepError::Store(fault)) => return Err(fault),
            Err(StepError::Optimizer(fault)) => {
                tracing::error!(%round, %fault, "the sum was not used");
                return failed(ClosedReason::UpdateRefused);
            }
        };
        // Both files are synced at the same time: a file system writes them out together.
        std::thread::scope(|scope| {
            let state = scope.spawn(|| store.keep_optimizer(next.state_name(), state));
            let model = store.add_model(&next.digest, &bytes);
            state.join().expect("writing a file does not panic").and(model)
        })?;
        let (sum, model, update_clip_norm_bits) = (sum.digest(), next.digest, next.update_clip_norm_bits);
        self.customers = next.metrics.and_then(|metrics| NoisedCustomers::of_training(&self.plan, &metrics, survivors));
        self.pending = Some(next);
        Ok(Input::Updated { round, sum, model, update_clip_norm_bits })
    }

    /// The ledger has committed `model`, durably: it is the current one from here on, and the state behind the one before is removed.
    pub(crate) fn adopt(&mut self, model: Digest, store: &Store) {
        let next = self.pending.take().filter(|next| next.digest == model);
        let next = next.expect("a round commits the model that was computed for it");
        let before = std::mem::replace(&mut self.current, next);
        store.forget_optimizer(before.state_name());
    }

    /// The model to release, made durable; its digest.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub(crate) fn release(&self, store: &Store) -> Result<Digest, StoreError> {
        let parameters = store.released(&self.layout, self.current.state_name())?;
        let digest = parameters.digest();
        store.add_model(&digest, &parameters.to_le_bytes())?;
        Ok(digest)
    }

    /// How a training round's sum is read.
    fn scale(&self, descriptor: &RoundDescriptor, survivors: usize) -> MeanScale {
        let (architecture, rule, plan) = (self.layout.architecture(), &self.rule, &self.plan);
        let probability = planned::release(plan).sampling_probability;
        let customers = precise(plan.customers_nominal) * probability;
        let bound = f64::from_bits(descriptor.update_clip_norm_bits);
        let scale = match plan.privacy {
            PrivacyMode::Customer | PrivacyMode::None => MeanScale::new(architecture, rule, customers),
            PrivacyMode::Local => MeanScale::of_differences(architecture, rule, bound, survivors, customers),
            PrivacyMode::Branch => {
                MeanScale::of_differences(architecture, rule, bound, survivors, precise(survivors as u64))
            }
        };
        scale.expect("a valid plan names a customer, and a sum has survivors")
    }

    /// Keeps what a counting round counted.
    fn count(
        &mut self,
        descriptor: &RoundDescriptor,
        survivors: usize,
        sum: &AggregateSum,
        store: &Store,
    ) -> Result<(), StoreError> {
        let architecture = self.layout.architecture();
        let layout = match descriptor.kind {
            RoundKind::Statistics => self.statistics.clone(),
            kind => cell_layout(&self.plan, kind, architecture, None),
        };
        let layout = layout.expect("a round counts in the cells of its plan");
        let values: Vec<i64> = sum.values_from(0).collect();
        let unit = self.plan.clip_units;
        let variance = self.plan.counting(descriptor.kind).map_or(0, |counting| counting.noise_variance);
        let noise_stddev = noise_multiplier(variance, u128::from(unit).pow(2));
        let histograms = layout.read(&values, unit);
        if descriptor.kind == RoundKind::Statistics {
            self.customers = NoisedCustomers::of_statistics(&self.plan, &layout, &histograms, survivors);
        }
        let heads = match descriptor.kind {
            RoundKind::Evaluation => evaluate_heads(&histograms, architecture.heads(), noise_stddev),
            _ => Vec::new(),
        };
        store.write_counts(&Counts {
            kind: descriptor.kind.name(),
            plan: self.plan.digest().to_string(),
            model: descriptor.model.to_string(),
            round: descriptor.round.0,
            survivors,
            noise_stddev_min: noise_stddev,
            heads,
            histograms,
        })
    }

    fn next(
        &self,
        descriptor: &RoundDescriptor,
        survivors: usize,
        sum: &AggregateSum,
        store: &Store,
    ) -> Result<(Version, Bytes, OptimizerDraft), StepError> {
        let scale = self.scale(descriptor, survivors);
        let parameters = scale.parameters(sum.dimension());
        let parameters = parameters.expect("the sum has the dimension that the plan gave it");
        let gradients = sum.values_from(0).take(parameters).map(|units| scale.gradient(units));
        let stepped = store.step_optimizer(&self.layout, self.current.state_name(), gradients)?;
        let riders: Vec<i64> = sum.values_from(parameters).collect();
        let digest = digest_of(self.layout.architecture(), &stepped.model);
        let metrics = scale.metrics(&riders);
        let bytes = Bytes::from(stepped.model);
        let bound = descriptor.update_clip_norm_bits;
        let update_clip_norm_bits = match (self.plan.local.filter(|local| local.adaptive), metrics) {
            (Some(local), Some(metrics)) => {
                let first = f64::from_bits(local.update_clip_norm_bits);
                adapted_clip_norm(f64::from_bits(bound), metrics.within_clip_norm, first).to_bits()
            }
            _ => bound,
        };
        let unsent = Some(bytes.clone());
        let next = Version { digest, unsent, rounds: stepped.steps, metrics, update_clip_norm_bits };
        Ok((next, bytes, stepped.state))
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^40 is exact in a double")]
fn precise(count: u64) -> f64 {
    count as f64
}

/// Runs the blocks, on all cores where there are many.
fn run_blocks(mut blocks: Vec<MaskBlock<'_>>) {
    let alone = |blocks: Vec<MaskBlock<'_>>| blocks.into_iter().for_each(MaskBlock::run::<RealSuite>);
    if blocks.len() < THREADED_BLOCKS_MIN {
        return alone(blocks);
    }
    // Asked only here: the answer is in files of the system.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 {
        return alone(blocks);
    }
    let share = blocks.len().div_ceil(cores);
    std::thread::scope(|scope| {
        while blocks.len() > share {
            let part = blocks.split_off(blocks.len() - share);
            scope.spawn(move || part.into_iter().for_each(MaskBlock::run::<RealSuite>));
        }
        blocks.into_iter().for_each(MaskBlock::run::<RealSuite>);
    });
}

#[cfg(test)]
mod tests;

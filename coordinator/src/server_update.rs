//! From the unmasked sum to the next model: computed, made durable, and adopted only when the ledger has committed it.

use std::num::NonZero;

use bytes::Bytes;
use tributary_certs::suite::RealSuite;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::digest_of;
use tributary_model::server_optimizer::{MeanScale, RoundMetrics, StateLayout};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::message::ClosedReason;
use tributary_protocol::round::Input;
use tributary_protocol::secagg::mask::MaskBlock;
use tributary_protocol::secagg::masked_sum::{AggregateSum, MaskedSum};
use tributary_protocol::secagg::permit::UnmaskPermit;

use crate::plan::Job;
use crate::store::{OptimizerDraft, StateName, StepError, Store, StoreError};

/// Fewest blocks of coordinates for which threads are worth their start.
const THREADED_BLOCKS_MIN: usize = 8;

/// The current model and what moves it.
pub(crate) struct ServerUpdate {
    layout: StateLayout,
    scale: MeanScale,
    current: Version,
    pending: Option<Version>,
}

/// A model and what rode along with the round that made it. The model and the optimizer's state behind it are files.
struct Version {
    digest: Digest,
    /// The model's bytes until they are sent for the first time.
    unsent: Option<Bytes>,
    rounds: u32,
    metrics: Option<RoundMetrics>,
}

/// What the ledger committed last.
#[derive(Clone, Copy)]
pub(crate) struct Committed {
    pub(crate) model: Digest,
    pub(crate) rounds: u32,
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
        let scale = MeanScale::new(&job.architecture, &job.rule, job.plan.customers_nominal);
        let scale = scale.expect("a valid plan names at least one customer");
        let current = match committed {
            None => {
                store.add_model(&job.plan.initial_model, &job.initial.to_le_bytes())?;
                store.begin_optimizer(&layout, &job.initial)?;
                Version { digest: job.plan.initial_model, unsent: None, rounds: 0, metrics: None }
            }
            Some(Committed { model: digest, rounds }) => {
                let unsent = Some(store.model(&job.architecture, &digest)?.into());
                let version = Version { digest, unsent, rounds, metrics: None };
                store.verify_optimizer(&layout, version.state_name())?;
                version
            }
        };
        store.forget_other_optimizers(current.state_name());
        Ok(Self { layout, scale, current, pending: None })
    }

    /// The network.
    pub(crate) fn architecture(&self) -> &Architecture {
        self.layout.architecture()
    }

    /// Digest of the model that the next round trains on.
    pub(crate) fn digest(&self) -> Digest {
        self.current.digest
    }

    /// The bytes of that model, which are needed once a round: they are not kept, and read again where a round is repeated.
    ///
    /// # Errors
    /// If the store no longer has the model as it was.
    pub(crate) fn take_model(&mut self, store: &Store) -> Result<Bytes, StoreError> {
        match self.current.unsent.take() {
            Some(bytes) => Ok(bytes),
            None => Ok(store.model(self.layout.architecture(), &self.current.digest)?.into()),
        }
    }

    /// The noised metrics of the round whose model is being committed, or else of the current model's round.
    pub(crate) fn metrics(&self) -> Option<RoundMetrics> {
        self.pending.as_ref().unwrap_or(&self.current).metrics
    }

    /// Unmasks the sum, takes the step and makes its result durable, to be adopted when the ledger has it.
    ///
    /// # Errors
    /// If the result cannot be stored, which ends the process. A sum that cannot be used is an answer.
    pub(crate) fn apply(
        &mut self,
        round: RoundId,
        sum: Option<MaskedSum>,
        permit: UnmaskPermit,
        store: &Store,
    ) -> Result<Input, StoreError> {
        self.pending = None;
        let failed = |reason| Ok(Input::UpdateFailed { round, reason });
        let Some(sum) = sum else { return failed(ClosedReason::ChecksFailed) };
        let sum = match sum.unmask_with::<RealSuite>(permit, run_blocks) {
            Ok(sum) => sum,
            Err(fault) => {
                tracing::error!(%round, %fault, "the sum was not used");
                return failed(ClosedReason::ChecksFailed);
            }
        };
        let (next, bytes, state) = match self.next(&sum, store) {
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
        let (sum, model) = (sum.digest(), next.digest);
        self.pending = Some(next);
        Ok(Input::Updated { round, sum, model })
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

    fn next(&self, sum: &AggregateSum, store: &Store) -> Result<(Version, Bytes, OptimizerDraft), StepError> {
        let parameters = self.scale.parameters(sum.dimension());
        let parameters = parameters.expect("the sum has the dimension that the plan gave it");
        let gradients = sum.values_from(0).take(parameters).map(|units| self.scale.gradient(units));
        let stepped = store.step_optimizer(&self.layout, self.current.state_name(), gradients)?;
        let riders: Vec<i64> = sum.values_from(parameters).collect();
        let digest = digest_of(self.layout.architecture(), &stepped.model);
        let metrics = self.scale.metrics(&riders);
        let bytes = Bytes::from(stepped.model);
        let next = Version { digest, unsent: Some(bytes.clone()), rounds: stepped.steps, metrics };
        Ok((next, bytes, stepped.state))
    }
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

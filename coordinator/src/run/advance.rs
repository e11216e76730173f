//! From the unmasked sum to the next public state: computed, made durable, and adopted only when the ledger has committed it.
//!
//! What a sum says and how it moves a model is the stage's ([`tributary_model::stage`]). Here its files are read and written, piece by piece.

use std::num::NonZero;
use std::sync::Arc;

use bytes::Bytes;
use tributary_certs::suite::RealSuite;
use tributary_model::counts::CellLayout;
use tributary_model::metrics::{Figures, Importance};
use tributary_model::planned::Planned;
use tributary_model::server_optimizer::StateLayout;
use tributary_model::stage::{AdvanceFault, Beside, Outcome, PlannedStage, PublicState, StageSettings, importance};
use tributary_protocol::digest::Digest;
use tributary_protocol::message::ClosedReason;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::{CoordinatorEvent, Input, RoundDescriptor, RunRecord};
use tributary_protocol::secagg::kept::opened_secrets;
use tributary_protocol::secagg::mask::MaskBlock;
use tributary_protocol::secagg::masked_sum::AggregateSum;
use tributary_protocol::secagg::permit::UnmaskPermit;

use crate::run::job::Job;
use crate::run::uploads::Collected;
use crate::store::{COUNTS_VERSION, Counts, ModelNoise, StateName, StepError, Store, StoreError};

/// Fewest blocks of coordinates for which threads are worth their start.
const THREADED_BLOCKS_MIN: usize = 8;

/// The current public state and what moves it.
pub(crate) struct Advance {
    planned: Arc<Planned>,
    /// Which run of which plan, for files.
    run: RunRef,
    current: Version,
    pending: Option<Version>,
    /// What the round said that was opened last, until it is asked for.
    outcome: Option<Outcome>,
    /// The variance of each share of noise in the last round, and how many there were.
    shares: Option<(u128, usize)>,
}

/// A public state within a stage. The state and the optimizer's are files.
struct Version {
    /// Number of the stage in progress; that after the last one, when all are over.
    stage: u16,
    /// Of the public state.
    digest: Digest,
    /// What participants are given, until it is sent for the first time.
    unsent: Option<Bytes>,
    /// Rounds of the stage in it.
    steps: u32,
    /// What stands beside the parameters.
    beside: Beside,
}

impl Version {
    fn name(&self) -> StateName {
        StateName { stage: self.stage, model: self.digest, steps: self.steps }
    }
}

/// A sum that led nowhere, or a file that could not be used.
enum Failure {
    /// It ends the process.
    Store(StoreError),
    /// The round is aborted.
    Sum(AdvanceFault),
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(fault) => Self::Store(fault),
            StepError::Optimizer(fault) => Self::Sum(fault.into()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(fault: StoreError) -> Self {
        Self::Store(fault)
    }
}

impl From<AdvanceFault> for Failure {
    fn from(fault: AdvanceFault) -> Self {
        Self::Sum(fault)
    }
}

impl Advance {
    /// Starts from the first model, or continues from the public state that the ledger committed last.
    ///
    /// # Errors
    /// If what the ledger names is not in the store as it was.
    pub(crate) fn start(job: &Job, store: &Store, record: &RunRecord) -> Result<Self, StoreError> {
        let planned = Arc::clone(&job.planned);
        let stage = record.concluded;
        let steps = record.committed(stage);
        let current = match record.model.filter(|_| stage > 0 || steps > 0) {
            None => {
                store.add_model(&job.initial.digest(), &job.initial.to_le_bytes())?;
                begin(&planned, 0, PublicState::of(job.initial.clone()), store)?
            }
            Some(model) => resume(&planned, StateName { stage, model, steps }, store)?,
        };
        store.forget_other_optimizers(current.name());
        store.forget_counts(job.run.reference(), |stage| record.committed(stage) > 0);
        Ok(Self { planned, run: job.run.reference(), current, pending: None, outcome: None, shares: None })
    }

    /// The same after these events, which say what noise the last committed round had.
    #[must_use]
    pub(crate) fn after<'e>(mut self, events: impl IntoIterator<Item = &'e CoordinatorEvent>) -> Self {
        let mut open = None;
        for event in events {
            match event {
                CoordinatorEvent::RoundStarted { descriptor } => open = Some((descriptor.share_variance, 0)),
                CoordinatorEvent::UpdateAdmitted { .. } => {
                    open = open.map(|(variance, survivors): (u128, usize)| (variance, survivors.saturating_add(1)));
                }
                CoordinatorEvent::RoundCommitted { .. } => self.shares = open.take(),
                _ => {}
            }
        }
        self
    }

    /// The plan, read.
    pub(crate) fn planned(&self) -> &Planned {
        &self.planned
    }

    /// Digest of the public state with which the next round starts.
    pub(crate) fn digest(&self) -> Digest {
        self.current.digest
    }

    /// What the participants of a round are given: needed once a round, and so not kept, and read again where a round is repeated. Nothing where
    /// the stage needs none.
    ///
    /// # Errors
    /// If the store no longer has the state as it was.
    pub(crate) fn take_model(&mut self, descriptor: &RoundDescriptor, store: &Store) -> Result<Bytes, StoreError> {
        let needed = |stage: &PlannedStage<'_>| stage.terms().model_bytes > 0;
        let Some(stage) = self.planned.stage(descriptor.stage).filter(needed) else { return Ok(Bytes::new()) };
        match self.current.unsent.take_if(|_| self.current.digest == descriptor.model) {
            Some(bytes) => Ok(bytes),
            None => Ok(store.state(&stage, &descriptor.model)?.into()),
        }
    }

    /// Whether a new state waits for the ledger.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// What the round said that was opened last; once.
    pub(crate) fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// Unmasks the sum, advances the public state by it and makes the result durable, to be adopted when the ledger has it. Where a stage moves
    /// none, what it counted is kept beside the models.
    ///
    /// # Errors
    /// If the result cannot be stored, which ends the process. A sum that cannot be used is an answer.
    pub(crate) fn apply(
        &mut self,
        descriptor: &RoundDescriptor,
        collected: Option<Collected>,
        permit: UnmaskPermit,
        store: &Store,
    ) -> Result<Input, StoreError> {
        (self.pending, self.outcome) = (None, None);
        let (round, survivors) = (permit.round(), permit.survivors().len());
        let failed = |reason| Ok(Input::UpdateFailed { round, reason });
        let Some(Collected { sum, kept }) = collected else { return failed(ClosedReason::ChecksFailed) };
        let kept = kept.map(|kept| (kept, opened_secrets(&permit)));
        let sum = match sum.unmask_with::<RealSuite>(permit, run_blocks) {
            Ok(sum) => sum,
            Err(fault) => {
                tracing::error!(%round, %fault, "the sum was not used");
                return failed(ClosedReason::ChecksFailed);
            }
        };
        let advanced = self.advance(descriptor, survivors, &sum, store).and_then(|(outcome, pending, mut files)| {
            if let Some((kept, secrets)) = kept {
                files.push(Box::new(move || kept.keep(&secrets)));
            }
            if self.planned.plan().retention.sums {
                files.push(Box::new(|| store.keep_sum(&sum)));
            }
            write_together(files)?;
            Ok((outcome, pending))
        });
        match advanced {
            Ok((outcome, pending)) => {
                let model = pending.as_ref().unwrap_or(&self.current).digest;
                (self.outcome, self.pending) = (Some(outcome), pending);
                self.shares = Some((descriptor.share_variance, survivors));
                Ok(Input::Updated { round, sum: sum.digest(), model })
            }
            Err(Failure::Store(fault)) => Err(fault),
            Err(Failure::Sum(fault)) => {
                tracing::error!(%round, %fault, "the sum was not used");
                failed(ClosedReason::UpdateRefused)
            }
        }
    }

    /// The ledger has committed `model`, durably: it is the current state from here on, and the optimizer's state before it is removed.
    pub(crate) fn adopt(&mut self, model: Digest, store: &Store) {
        let next = self.pending.take().filter(|next| next.digest == model);
        let next = next.expect("a ledger commits the state that was computed for it");
        let before = std::mem::replace(&mut self.current, next);
        if before.name() != self.current.name() {
            store.forget_optimizer(before.name());
        }
    }

    /// What a stage hands on, made durable together with the beginning of the stage after it; its digest. To be adopted when the ledger has it.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub(crate) fn conclude(&mut self, stage: u16, store: &Store) -> Result<Digest, StoreError> {
        let planned = Arc::clone(&self.planned);
        let concluded = planned.stage(stage).expect("a stage that is concluded is the plan's");
        let last = match concluded.layout() {
            Some(layout) => {
                PublicState::new(store.released(&layout, self.current.name())?, self.current.beside.clone())
            }
            None => state_of(&concluded, &self.current.digest, store)?,
        };
        // Nothing was committed in a stage that moved nothing. The journal has the shares of every round that was.
        let shares = self.shares.filter(|_| self.current.steps > 0);
        if let Some(variances) = shares.and_then(|shares| concluded.noise_in_model(&self.current.beside, shares)) {
            let (plan, run) = (self.run.plan.to_string(), self.run.number);
            let stage = stage.saturating_add(1);
            store.write_model_noise(&ModelNoise { version: COUNTS_VERSION, stage, plan, run, variances })?;
        }
        let next = begin(&planned, stage.saturating_add(1), concluded.hand_on(last), store)?;
        let digest = next.digest;
        self.pending = Some(next);
        Ok(digest)
    }

    /// What a sum says, the state after it, and the files that must be there before the ledger says so.
    fn advance<'a>(
        &'a self,
        descriptor: &'a RoundDescriptor,
        survivors: usize,
        sum: &AggregateSum,
        store: &'a Store,
    ) -> Result<(Outcome, Option<Version>, Vec<File<'a>>), Failure> {
        let stage = self.planned.stage(descriptor.stage).expect("a round is of a stage of its plan");
        let Some(layout) = stage.layout() else {
            let values: Vec<i64> = sum.values_from(0).collect();
            let outcome = stage.read(&values, survivors)?;
            // Most counts leave the state alone: then it need not be read.
            let next = if stage.first() == Beside::default() {
                None
            } else {
                stage.learnt(&state_of(&stage, &self.current.digest, store)?, &values)
            };
            let next = next.map(|state| self.counted(&stage, state));
            let model = next.as_ref().map_or(self.current.digest, |(next, _)| next.digest);
            let counts = self.counts(descriptor, &stage, (survivors, &outcome), store);
            let mut files: Vec<File<'a>> = vec![Box::new(move || store.write_counts(&counts))];
            let next = next.map(|(next, stored)| {
                files.push(Box::new(move || store.add_model(&model, &stored)));
                next
            });
            return Ok((outcome, next, files));
        };
        let (outcome, next, files) = self.step((&stage, &layout), survivors, sum, store)?;
        Ok((outcome, Some(next), files))
    }

    /// The version after a count that the state holds, and what is kept of it.
    fn counted(&self, stage: &PlannedStage<'_>, state: PublicState) -> (Version, Vec<u8>) {
        let (bytes, stored) = (state.to_bytes(), stage.stored(&state));
        let digest = stage.state_digest(&bytes);
        let Version { stage, steps, .. } = self.current;
        let (unsent, steps) = (Some(Bytes::from(bytes)), steps.saturating_add(1));
        (Version { stage, digest, unsent, steps, beside: state.beside() }, stored)
    }

    fn step<'a>(
        &self,
        (stage, layout): (&PlannedStage<'_>, &StateLayout),
        survivors: usize,
        sum: &AggregateSum,
        store: &'a Store,
    ) -> Result<(Outcome, Version, Vec<File<'a>>), Failure> {
        let stepping = stage.stepping(&self.current.beside, survivors)?;
        let parameters = stepping.parameters(sum.dimension())?;
        let gradients = stepping.gradients(sum.values_from(0).take(parameters));
        let stepped = store.step_optimizer(layout, self.current.name(), gradients)?;
        let riders: Vec<i64> = sum.values_from(parameters).collect();
        let (outcome, update_clip_norm) = stepping.riders(&riders);
        let beside = Beside { update_clip_norm, ..self.current.beside.clone() };
        let mut bytes = stepped.model;
        let parameter_bytes = bytes.len();
        bytes.extend(beside.to_bytes());
        let (digest, bytes) = (stage.state_digest(&bytes), Bytes::from(bytes));
        // A state with what the stage begins with has the digest of its parameters, and so their file: another stage may read it.
        let is_first = beside == stage.first();
        let stored = if is_first { bytes.slice(..parameter_bytes) } else { bytes.clone() };
        let stage = self.current.stage;
        let next = Version { stage, digest, unsent: Some(bytes), steps: stepped.steps, beside };
        let (name, state) = (next.name(), stepped.state);
        let files: Vec<File<'a>> = vec![
            Box::new(move || store.keep_optimizer(name, state)),
            Box::new(move || store.add_model(&digest, &stored)),
        ];
        Ok((outcome, next, files))
    }

    /// What a round counted.
    fn counts(
        &self,
        descriptor: &RoundDescriptor,
        stage: &PlannedStage<'_>,
        (survivors, outcome): (usize, &Outcome),
        store: &Store,
    ) -> Counts {
        let shares = (descriptor.share_variance, survivors);
        let Figures { heads, weights } = stage.figures(&outcome.histograms, shares);
        let evaluated = !heads.is_empty();
        Counts {
            version: COUNTS_VERSION,
            stage: descriptor.stage.saturating_add(1),
            kind: stage.settings().kind(),
            plan: self.run.plan.to_string(),
            run: self.run.number,
            model: descriptor.model.to_string(),
            round: descriptor.round.0,
            survivors,
            noise_stddev_min: outcome.noise_stddev_min,
            noise_stddev: stage.noise_of_count(shares),
            heads,
            weights,
            importance: evaluated.then(|| self.importance(descriptor, stage, store)),
            fields: stage.fields(&outcome.histograms, shares),
            histograms: outcome.histograms.clone(),
        }
    }
}

impl Advance {
    /// How much each field moves the scores of the model that is evaluated, from what the run has counted and released before.
    fn importance(&self, descriptor: &RoundDescriptor, stage: &PlannedStage<'_>, store: &Store) -> Importance {
        let Ok(state) = state_of(stage, &descriptor.model, store) else { return Importance::NoCounts };
        let before = || (0..descriptor.stage).rev();
        let counted = before().find_map(|number| {
            let place = self.planned.stage(number)?;
            let StageSettings::Count(count) = place.settings() else { return None };
            let fields = store.counted_fields(self.run, (number.saturating_add(1), place.settings().kind()))?;
            Some((count.layout(&place.frame()).ok()?, fields))
        });
        let noise = before().find_map(|number| store.model_noise(self.run, number.saturating_add(1)));
        let noise = noise.as_ref().map(|noise| noise.variances.as_slice());
        let Some(schema) = self.planned.schema() else { return Importance::NoCounts };
        let (layout, fields, noise_stddev) = match &counted {
            Some((layout, fields)) => (layout.clone(), fields.histograms.as_slice(), fields.noise_stddev),
            None => (CellLayout::features(schema, 2, false), [].as_slice(), 0.0),
        };
        importance(schema, &state.parameters, (&layout, fields, noise_stddev), noise)
    }
}

/// Writes one file durably.
type File<'a> = Box<dyn FnOnce() -> Result<(), StoreError> + Send + 'a>;

/// Writes several files at the same time: a file system writes out together what is synced together.
fn write_together(mut files: Vec<File<'_>>) -> Result<(), StoreError> {
    let Some(last) = files.pop() else { return Ok(()) };
    std::thread::scope(|scope| {
        let others: Vec<_> = files.into_iter().map(|file| scope.spawn(file)).collect();
        let others = others.into_iter().map(|file| file.join().expect("writing a file does not panic"));
        // All of them have ended before the first fault is told.
        let written: Vec<Result<(), StoreError>> = [last()].into_iter().chain(others).collect();
        written.into_iter().collect()
    })
}

/// The beginning of a stage, durable.
fn begin(planned: &Planned, stage: u16, handed: PublicState, store: &Store) -> Result<Version, StoreError> {
    let Some(place) = planned.stage(stage) else {
        let digest = handed.parameters.digest();
        store.add_model(&digest, &handed.parameters.to_le_bytes())?;
        return Ok(Version { stage, digest, unsent: None, steps: 0, beside: Beside::default() });
    };
    let public = place.begin_after(handed);
    let bytes = public.to_bytes();
    let digest = place.state_digest(&bytes);
    store.add_model(&digest, &place.stored(&public))?;
    let version = Version { stage, digest, unsent: Some(bytes.into()), steps: 0, beside: public.beside() };
    if let Some(layout) = place.layout() {
        store.begin_optimizer(&layout, version.name(), &public.parameters)?;
    }
    Ok(version)
}

/// The state that a ledger names, with the optimizer's.
fn resume(planned: &Planned, name: StateName, store: &Store) -> Result<Version, StoreError> {
    let StateName { stage, model, steps } = name;
    let Some(place) = planned.stage(stage) else {
        store.model(planned.architecture(), &model)?;
        return Ok(Version { stage, digest: model, unsent: None, steps: 0, beside: Beside::default() });
    };
    let public = state_of(&place, &model, store)?;
    if let Some(layout) = place.layout() {
        match steps {
            // The process may have ended between the files of two stages.
            0 => store.begin_optimizer(&layout, name, &public.parameters)?,
            _ => store.verify_optimizer(&layout, name, &public.parameters)?,
        }
    }
    let unsent = Some(public.to_bytes().into());
    Ok(Version { stage, digest: model, unsent, steps, beside: public.beside() })
}

/// A stage's public state of this digest.
fn state_of(stage: &PlannedStage<'_>, digest: &Digest, store: &Store) -> Result<PublicState, StoreError> {
    let bytes = store.state(stage, digest)?;
    stage.read_state(&bytes).map_err(|_| store.other_model(digest))
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
mod runs;
#[cfg(test)]
mod tests;

//! A stage in its plan: what a branch does for it, and what its sums do to the public state.

use tributary_protocol::digest::Digest;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;
use tributary_protocol::plan::Stage;

use super::frame::{Frame, Handed, Place, StageFault};
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::{AdvanceFault, Outcome};
use super::settings::StageSettings;
use super::state::{Beside, PublicState, StateFault, StateForm};
use super::stepping::Stepping;
use crate::architecture::Architecture;
use crate::counts::NoisedHistogram;
use crate::learnt::LearntField;
use crate::metrics::Figures;
use crate::parameters::Parameters;
use crate::server_optimizer::{OptimizerSettings, ServerOptimizer, StateLayout};
use crate::summary::FieldFigures;
#[cfg(feature = "train")]
use crate::{
    privacy::NoiseSampler,
    train::Placement,
    update::{ClippedSum, NoisedUpdate},
};

/// A stage of a plan, with everything that its rounds need.
#[derive(Clone, Copy)]
pub struct PlannedStage<'a> {
    settings: &'a StageSettings,
    place: Place<'a>,
}

/// Everything at the coordinator that a stage's sums move, in memory. A coordinator with a large model holds it in files instead: see
/// [`PlannedStage::layout`].
#[derive(Clone)]
pub struct StageState {
    public: PublicState,
    optimizer: Option<ServerOptimizer>,
}

impl StageState {
    /// What participants of the next round are given.
    #[must_use]
    pub fn public(&self) -> &PublicState {
        &self.public
    }
}

impl<'a> PlannedStage<'a> {
    /// A stage of a plan that was checked.
    #[must_use]
    pub fn new(settings: &'a StageSettings, frame: Frame<'a>, terms: &'a Stage) -> Self {
        Self { settings, place: Place { frame, terms } }
    }

    /// What its code is told.
    #[must_use]
    pub fn settings(&self) -> &'a StageSettings {
        self.settings
    }

    /// The plan's numbers.
    #[must_use]
    pub fn terms(&self) -> &'a Stage {
        self.place.terms
    }

    /// What all stages of the plan share.
    #[must_use]
    pub fn frame(&self) -> Frame<'a> {
        self.place.frame
    }

    // The public state.

    /// The public state with which the stage begins from a model.
    #[must_use]
    pub fn begin(&self, parameters: Parameters) -> PublicState {
        self.begin_after(PublicState::of(parameters))
    }

    /// The public state with which the stage begins, from what the one before handed on.
    #[must_use]
    pub fn begin_after(&self, handed: PublicState) -> PublicState {
        self.kind().begin(&self.place.frame, handed)
    }

    /// Whether it needs the plan's schema, and has none: then nothing that is computed of it is what the federation has.
    #[must_use]
    pub fn lacks_schema(&self) -> bool {
        matches!(self.kind().form(&self.place.frame), Err(StageFault::Schema))
    }

    /// What stands beside the parameters where nothing is handed on to the stage.
    #[must_use]
    pub fn first(&self) -> Beside {
        self.kind().first(&self.place.frame)
    }

    /// What a coordinator keeps of a state of the stage: its parameters alone, where the rest is what the stage begins with.
    #[must_use]
    pub fn stored(&self, state: &PublicState) -> Vec<u8> {
        self.state_form().stored(state)
    }

    /// The bytes that participants are given, from what was kept of a state.
    #[must_use]
    pub fn restored(&self, stored: Vec<u8>) -> Vec<u8> {
        self.state_form().restored(stored)
    }

    /// The digest of the public state in these bytes, whatever they are.
    #[must_use]
    pub fn state_digest(&self, bytes: &[u8]) -> Digest {
        self.state_form().digest(bytes)
    }

    /// The public state from bytes of whom nobody has to trust: parameters beyond their limits stay at them, and the bound is judged. All
    /// parameters are zero where participants need none.
    ///
    /// # Errors
    /// If the length is another, the bound is no clip norm, or block weights would let a customer move the sum by more than the plan says.
    pub fn admit_state(&self, bytes: &[u8]) -> Result<PublicState, StateFault> {
        if self.place.terms.model_bytes == 0 && bytes.is_empty() {
            return Ok(PublicState::zero(self.place.frame.architecture));
        }
        self.judged(self.state_form().admit(bytes)?)
    }

    /// The public state from bytes that are to be verified.
    ///
    /// # Errors
    /// If they are no state of the stage.
    pub fn read_state(&self, bytes: &[u8]) -> Result<PublicState, StateFault> {
        self.judged(self.state_form().read(bytes)?)
    }

    /// The bound of differences of models in a state's bytes, without its parameters: for a policy's floor. Nothing where the stage does not
    /// adapt it. What else stands beside the parameters is judged.
    ///
    /// # Errors
    /// If the length is another, the bound is no clip norm, or block weights would let a customer move the sum by more than the plan says.
    pub fn bound_of(&self, bytes: &[u8]) -> Result<Option<f64>, StateFault> {
        if self.first() == Beside::default() {
            return Ok(None);
        }
        let beside = self.state_form().beside(bytes)?;
        let admitted = self.kind().admits(&self.place.frame, &beside.known);
        if admitted { Ok(beside.update_clip_norm) } else { Err(StateFault::Known) }
    }

    // At a branch.

    /// How the rows must be laid out for it; nothing where any layout does.
    #[cfg(feature = "train")]
    #[must_use]
    pub fn placement(&self) -> Option<Placement> {
        self.kind().placement()
    }

    /// Whether it takes the rows that were held out of training, where there are any.
    #[cfg(feature = "train")]
    #[must_use]
    pub fn takes_held_out(&self) -> bool {
        self.kind().takes_held_out()
    }

    /// What a branch's rows add to the sum, clipped, before its noise.
    ///
    /// # Errors
    /// If plan, state and layout do not fit each other, or the stage's noise is inside of its steps. No row decides that.
    #[cfg(feature = "train")]
    pub fn contribute(
        &self,
        rows: &Rows<'_>,
        state: &PublicState,
        entropy: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        let looked_up = self.placement() == Some(Placement::Cells);
        if looked_up != rows.trainer.cells().is_some() {
            return Err(ContributeFault::Placement);
        }
        self.kind().contribute(self.place, rows, state, entropy)
    }

    /// What a branch's rows add to the sum, where the noise is inside of it: [`tributary_protocol::plan::NoiseShare::Inside`]. The sampler draws
    /// the stage's noise variance.
    ///
    /// # Errors
    /// As [`PlannedStage::contribute`], and where the noise is not inside.
    #[cfg(feature = "train")]
    pub fn contribute_noised(
        &self,
        rows: &Rows<'_>,
        state: &PublicState,
        sampler: &NoiseSampler,
        entropy: &mut dyn Entropy,
    ) -> Result<NoisedUpdate, ContributeFault> {
        self.kind().contribute_noised(self.place, rows, state, sampler, entropy)
    }

    // At the coordinator, and for whoever verifies it.

    /// How the state of the server optimizer is laid out; nothing where the stage moves no model.
    #[must_use]
    pub fn layout(&self) -> Option<StateLayout> {
        self.kind().optimizer().map(|settings| StateLayout::new(*settings, &self.kind().network(&self.place.frame)))
    }

    /// What moves the model; nothing where the stage leaves it as it is.
    pub(super) fn optimizer(&self) -> Option<&'a OptimizerSettings> {
        self.kind().optimizer()
    }

    /// What it hands on.
    pub(super) fn hands_on(&self) -> Handed {
        self.kind().hands_on()
    }

    /// The network that its rounds move.
    pub(super) fn network(&self) -> Architecture {
        self.kind().network(&self.place.frame).into_owned()
    }

    /// How a sum of so many survivors steps the optimizer's state. `beside` is the public state's.
    ///
    /// # Errors
    /// If the stage moves no model, or nobody survived.
    pub fn stepping(&self, beside: &Beside, survivors: usize) -> Result<Stepping, AdvanceFault> {
        self.kind().stepping(self.place, beside, survivors)
    }

    /// Reads a sum that leaves the model as it is.
    ///
    /// # Errors
    /// If the stage moves the model, or the sum has another length.
    pub fn read(&self, sum: &[i64], survivors: usize) -> Result<Outcome, AdvanceFault> {
        self.kind().read(self.place, sum, survivors)
    }

    /// What counts say, with intervals. Each of so many survivors has added noise of this variance, in units squared.
    #[must_use]
    pub fn figures(&self, counts: &[NoisedHistogram], (share_variance, survivors): (u128, usize)) -> Figures {
        self.kind().figures(&self.place.frame, counts, share_variance as f64 * survivors as f64)
    }

    /// Standard deviation of the noise in each count, in customers, where each of so many survivors has added noise of this variance, in units squared.
    #[must_use]
    pub fn noise_of_count(&self, (share_variance, survivors): (u128, usize)) -> f64 {
        (share_variance as f64 * survivors as f64).sqrt() / f64::from(self.place.terms.reach.max(1))
    }

    /// What counts of values say of each field, with intervals. Each of so many survivors has added noise of this variance, in units squared.
    #[must_use]
    pub fn fields(&self, counts: &[NoisedHistogram], (share_variance, survivors): (u128, usize)) -> Vec<FieldFigures> {
        self.kind().fields(&self.place.frame, counts, share_variance as f64 * survivors as f64)
    }

    /// What a state of the stage says of features beside its model.
    #[must_use]
    pub fn learnt_fields(&self, state: &PublicState) -> Vec<LearntField> {
        self.kind().learnt_fields(&self.place.frame, &state.known)
    }

    /// The state after a sum of a stage that trains no model, where the sum says something that the state holds; nothing where it stays.
    #[must_use]
    pub fn learnt(&self, state: &PublicState, sum: &[i64]) -> Option<PublicState> {
        self.kind().learnt(self.place, state, sum)
    }

    /// Everything that the sums move, before the first one.
    #[must_use]
    pub fn start(&self, parameters: Parameters) -> StageState {
        self.start_after(PublicState::of(parameters))
    }

    /// The same, from what the stage before handed on.
    #[must_use]
    pub fn start_after(&self, handed: PublicState) -> StageState {
        self.started(self.begin_after(handed))
    }

    /// The same, from the public state with which the stage has begun.
    #[must_use]
    pub fn started(&self, public: PublicState) -> StageState {
        let optimizer = self.kind().optimizer().map(|settings| ServerOptimizer::new(*settings, &public.parameters));
        StageState { public, optimizer }
    }

    /// Moves the state by one opened sum. Pure: the same state and sum give the same bits on every machine.
    ///
    /// # Errors
    /// If the sum cannot be used. Then the state is as it was.
    pub fn advance(&self, state: &mut StageState, sum: &[i64], survivors: usize) -> Result<Outcome, AdvanceFault> {
        if self.kind().optimizer().is_none() {
            let outcome = self.read(sum, survivors)?;
            if let Some(next) = self.learnt(&state.public, sum) {
                state.public = next;
            }
            return Ok(outcome);
        }
        let stepping = self.stepping(&state.public.beside(), survivors)?;
        let optimizer = state.optimizer.as_mut().ok_or(AdvanceFault::OtherState)?;
        let (gradient, riders) = sum.split_at(stepping.parameters(sum.len())?);
        let gradient: Vec<f64> = stepping.gradients(gradient.iter().copied()).collect();
        let parameters = optimizer.step(&gradient)?;
        let (outcome, update_clip_norm) = stepping.riders(riders);
        state.public.parameters = parameters;
        state.public.update_clip_norm = update_clip_norm;
        Ok(outcome)
    }

    /// What the stage hands on: the average of the tail's models where its settings ask for one and the tail has begun, else the last model.
    ///
    /// # Errors
    /// If the average leaves the limits of a model.
    pub fn conclude(&self, state: &StageState) -> Result<PublicState, AdvanceFault> {
        let parameters = match &state.optimizer {
            Some(optimizer) => optimizer.released()?,
            None => state.public.parameters.clone(),
        };
        Ok(self.hand_on(PublicState { parameters, ..state.public.clone() }))
    }

    /// What the stage hands on, from its last public state: with the parameters that its optimizer releases, where it has one.
    #[must_use]
    pub fn hand_on(&self, last: PublicState) -> PublicState {
        self.kind().hand_on(self.place, last)
    }

    /// What the stage hands on where the parameters are variances.
    pub(super) fn added_up(&self, variances: PublicState) -> PublicState {
        self.kind().added_up(self.place, variances)
    }

    fn judged(&self, state: PublicState) -> Result<PublicState, StateFault> {
        if self.kind().admits(&self.place.frame, &state.known) { Ok(state) } else { Err(StateFault::Known) }
    }

    fn kind(&self) -> &'a dyn Kind {
        self.settings.as_kind()
    }

    fn state_form(&self) -> StateForm<'a> {
        let frame = &self.place.frame;
        StateForm { architecture: self.kind().network(frame), first: self.kind().first(frame) }
    }
}

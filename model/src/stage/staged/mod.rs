//! A sum of every customer's residuals in blocks of cells: an additive model, learnt in stages. After a stage that reweights, the blocks in which
//! more was found than noise explains get more of the norm, which costs no privacy.
//!
//! A customer's vector has trunc(A (p - y)) at its cell of each block and head, with public integers A whose squares sum up to the squared
//! units of a norm of 1 at most. So its norm is at most 1, whatever the model says: nothing has to be clipped.

mod reweight;
mod staged_settings;

use std::borrow::Cow;

use tributary_protocol::plan::NoiseShare;
use tributary_protocol::privacy::Unit;

use super::frame::{Form, Frame, Handed, Place, StageFault};
use super::kind::Kind;
use super::outcome::AdvanceFault;
use super::state::{Beside, Known, PublicState};
use super::stepping::{Scale, Stepping};
use crate::architecture::Architecture;
use crate::blocks::Blocks;
use crate::parameters::Parameters;
use crate::server_optimizer::OptimizerSettings;
#[cfg(feature = "train")]
use {
    super::kind::{ContributeFault, Rows},
    super::state::StateFault,
    crate::train::Placement,
    crate::update::{ClippedSum, ResidualRule, residual_sum},
    tributary_protocol::entropy::Entropy,
};

pub use staged_settings::{HEAD_SHARES, Reweight, StagedSettings, Steps};

impl StagedSettings {
    /// The blocks of the plan's schema.
    fn blocks(&self, frame: &Frame<'_>) -> Result<Blocks, StageFault> {
        Ok(Blocks::of(frame.schema()?, self.coarse())?)
    }

    /// The network over so many cells, with the plan's heads.
    fn over(frame: &Frame<'_>, blocks: &Blocks) -> Option<Architecture> {
        let heads: Vec<&str> = frame.architecture.heads().iter().map(String::as_str).collect();
        Architecture::logistic(u32::try_from(blocks.cells()).ok()?, &heads).ok()
    }

    /// Whether no customer can move the sum by more than the units of a norm of 1.
    fn within_norm(&self, weights: &[u32]) -> bool {
        let square = weights.iter().map(|weight| u128::from(*weight).pow(2)).fold(0, u128::saturating_add);
        square <= u128::from(self.of_blocks.clip_units).pow(2)
    }
}

impl Kind for StagedSettings {
    fn encode(&self) -> Vec<u8> {
        self.canonical()
    }

    fn content(&self) -> &'static str {
        "a sum of residuals: for each group of each field, at each of its resolutions, how far the model's probabilities are above the labels"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        let overlap_squared = frame.overlap_of(Self::KIND)?;
        let schema = frame.schema()?;
        if !frame.architecture.is_logistic() || schema.width() != frame.architecture.inputs() as usize {
            return Err(StageFault::Network(Self::KIND));
        }
        let blocks = self.blocks(frame)?;
        let over = Self::over(frame, &blocks).ok_or(StageFault::TooLarge("the number of groups"))?;
        let heads = over.heads().len();
        let clip_units = self.of_blocks.clip_units;
        let sensitivity_squared = u128::from(clip_units).pow(2) * overlap_squared;
        Ok(Form {
            dimension: over.parameter_count(),
            summed: Unit::Customer,
            reach: clip_units,
            sensitivity_squared,
            customer_sensitivity_squared: sensitivity_squared,
            noise: NoiseShare::Divided,
            releases: 1,
            model_bytes: size_of::<f32>() * over.parameter_count() + 8 * heads + 4 * heads * blocks.all().len(),
            coins: false,
            repeats: true,
        })
    }

    fn network<'a>(&self, frame: &Frame<'a>) -> Cow<'a, Architecture> {
        // Whoever has no schema recomputes no model.
        let blocks = self.blocks(frame).ok();
        let over = blocks.and_then(|blocks| Self::over(frame, &blocks));
        over.map_or(Cow::Borrowed(frame.architecture), Cow::Owned)
    }

    fn first(&self, frame: &Frame<'_>) -> Beside {
        let heads = frame.architecture.heads().len();
        let weights = self.blocks(frame).map(|blocks| reweight::even(self, &blocks, heads)).unwrap_or_default();
        let known = Known { customers: vec![frame.customers_nominal as f64; heads], weights };
        Beside { update_clip_norm: None, known }
    }

    fn admits(&self, _: &Frame<'_>, known: &Known) -> bool {
        self.within_norm(&known.weights)
    }

    fn begin(&self, frame: &Frame<'_>, handed: PublicState) -> PublicState {
        let Beside { known: first, .. } = self.first(frame);
        let PublicState { parameters, known, .. } = handed;
        let customers = if known.customers.len() == first.customers.len() { known.customers } else { first.customers };
        let weights = if known.weights.len() == first.weights.len() { known.weights } else { first.weights };
        let (over, handed) = (self.network(frame).into_owned(), parameters.architecture());
        let parameters = match self.blocks(frame) {
            Ok(blocks) if *handed != over => Parameters::new(over, blocks.unfolded(&parameters)).unwrap_or(parameters),
            _ => parameters,
        };
        PublicState { parameters, update_clip_norm: None, known: Known { customers, weights } }
    }

    fn hand_on(&self, place: Place<'_>, last: PublicState) -> PublicState {
        let Ok(blocks) = self.blocks(&place.frame) else { return last };
        match self.reweight {
            Some(rule) => reweight::reweighted(self, &rule, &blocks, place, last),
            None => {
                let tables = Parameters::new(place.frame.architecture.clone(), blocks.folded(&last.parameters));
                tables.map_or(last, PublicState::of)
            }
        }
    }

    fn hands_on(&self) -> Handed {
        if self.reweight.is_some() { Handed::Blocks(self.of_blocks) } else { Handed::Model }
    }

    /// The model over blocks is no model of the plan's network, with which every run begins.
    fn opens(&self) -> bool {
        false
    }

    fn takes(&self, handed: Handed) -> bool {
        matches!(handed, Handed::Model) || handed == Handed::Blocks(self.of_blocks)
    }

    fn optimizer(&self) -> Option<&OptimizerSettings> {
        Some(self.steps.optimizer())
    }

    fn stepping(&self, place: Place<'_>, beside: &Beside, _: usize) -> Result<Stepping, AdvanceFault> {
        let Place { frame, terms } = place;
        let blocks = self.blocks(&frame)?;
        let (heads, Known { customers, weights }) = (frame.architecture.heads().len(), &beside.known);
        if customers.len() != heads || weights.len() != heads * blocks.all().len() {
            return Err(AdvanceFault::OtherState);
        }
        let units = f64::from(self.of_blocks.clip_units);
        let mut factors = vec![0.0; terms.dimension as usize];
        for (number, block) in blocks.all().iter().enumerate() {
            let cells = factors[block.first * heads..].chunks_exact_mut(heads).take(block.cells());
            for own in cells {
                for (head, factor) in own.iter_mut().enumerate() {
                    let weight = f64::from(weights[head * blocks.all().len() + number]);
                    *factor = weight / units / units / customers[head].max(1.0);
                }
            }
        }
        Ok(Stepping { scale: Scale::Each(factors), dimension: terms.dimension as usize, counted: None, bound: None })
    }

    #[cfg(feature = "train")]
    fn placement(&self) -> Option<Placement> {
        Some(Placement::Cells)
    }

    #[cfg(feature = "train")]
    fn contribute(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        state: &PublicState,
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        let cells = rows.trainer.cells().ok_or(ContributeFault::Placement)?;
        if !self.within_norm(&state.known.weights) {
            return Err(StateFault::Known.into());
        }
        let blocks = self.blocks(&place.frame)?;
        let rule = ResidualRule { blocks: &blocks, model: &state.parameters, weights: &state.known.weights };
        Ok(residual_sum(cells, &rule))
    }
}

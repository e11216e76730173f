//! A sum of every customer's clipped gradient, which the server optimizer steps by.

use tributary_protocol::digest::Canonical;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;
use tributary_protocol::plan::NoiseShare;
use tributary_protocol::privacy::Unit;

use super::charge::release;
use super::clipping::{read_clip, read_optimizer, write_clip, write_optimizer};
use super::frame::{Form, Frame, Place, StageFault};
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::AdvanceFault;
use super::state::Beside;
#[cfg(feature = "train")]
use super::state::PublicState;
use super::stepping::{RiderNoise, Scale, Stepping};
use crate::canonical::{DecodeError, Reader};
use crate::server_optimizer::{MeanScale, OptimizerSettings};
use crate::update::{ClipRule, ClipSettings, ClipUnit};
#[cfg(feature = "train")]
use crate::{
    privacy::Selection,
    train::Placement,
    update::{ClippedSum, clipped_sum_of},
};

/// How gradients are clipped, and what they move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientSettings {
    /// How a customer's gradient is clipped, and what rides along.
    pub clip: ClipSettings,
    /// How the mean gradient moves the model, and which models are averaged for the release.
    pub optimizer: OptimizerSettings,
}

const LABEL: &str = "tributary/stage/gradient/1";

impl GradientSettings {
    pub(super) const KIND: &'static str = "gradient";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let settings = Self { clip: read_clip(&mut reader)?, optimizer: read_optimizer(&mut reader)? };
        reader.finish()?;
        Ok(settings)
    }

    /// The rule that bounds a customer's gradient.
    ///
    /// # Errors
    /// If a value is outside its limits.
    pub fn rule(&self) -> Result<ClipRule, StageFault> {
        Ok(ClipRule::new(self.clip, ClipUnit::Customer)?)
    }
}

impl Kind for GradientSettings {
    fn encode(&self) -> Vec<u8> {
        write_optimizer(write_clip(Canonical::new(LABEL), &self.clip), &self.optimizer).into_bytes()
    }

    fn content(&self) -> &'static str {
        "a sum of clipped gradients, and after it, where the loss rides along, the clamped loss, a count, and a count of those within the clip norm"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        frame.without_pairs(Self::KIND)?;
        let overlap_squared = frame.overlap_of(Self::KIND)?;
        let (rule, parameters) = (self.rule()?, frame.architecture.parameter_count());
        let sensitivity_squared = rule.sensitivity_squared_units(parameters)? * overlap_squared;
        Ok(Form {
            dimension: rule.update_length(parameters),
            summed: Unit::Customer,
            reach: self.clip.clip_units,
            sensitivity_squared,
            customer_sensitivity_squared: sensitivity_squared,
            noise: NoiseShare::Divided,
            releases: 1,
            model_bytes: frame.parameter_bytes(),
            coins: self.clip.form.admits_coins(),
            repeats: true,
        })
    }

    fn clip_norms(&self) -> Vec<(&'static str, f64)> {
        vec![("example_clip_norm", self.clip.example_clip_norm)]
    }

    fn optimizer(&self) -> Option<&OptimizerSettings> {
        Some(&self.optimizer)
    }

    fn stepping(&self, place: Place<'_>, _: &Beside, survivors: usize) -> Result<Stepping, AdvanceFault> {
        let (rule, Place { frame, terms }) = (self.rule()?, place);
        let probability = release(terms).sampling_probability;
        let scale = MeanScale::new(frame.architecture, &rule, frame.customers_nominal as f64 * probability)?;
        // Every branch adds the whole noise at most.
        let variance = terms.noise_variance as f64 * survivors as f64;
        let counted = rule.riders().map(|scale| RiderNoise { variance, units: scale.units, probability });
        let scale = Scale::Mean(scale);
        Ok(Stepping { scale, dimension: terms.dimension as usize, counted, bound: None })
    }

    #[cfg(feature = "train")]
    fn placement(&self) -> Option<Placement> {
        Some(self.clip.form.placement())
    }

    #[cfg(feature = "train")]
    fn contribute(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        state: &PublicState,
        entropy: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        let trainer = rows.trainer;
        let selection = Selection::draw(trainer.customers_padded(), place.terms.sampling_threshold, entropy);
        Ok(clipped_sum_of(trainer, &state.parameters, &self.rule()?, &selection)?)
    }
}

//! A sum of branches' clipped differences of models, each after several local steps, which the server optimizer averages.

use tributary_protocol::digest::Canonical;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;
use tributary_protocol::plan::{NoiseShare, PrivacyMode};
use tributary_protocol::privacy::Unit;

use super::charge::release;
use super::clipping::{read_clip, read_optimizer, write_clip, write_optimizer};
use super::frame::{Form, Frame, Place, StageFault};
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::AdvanceFault;
#[cfg(feature = "train")]
use super::state::PublicState;
use super::state::{BOUND_BYTES, Beside};
use super::stepping::{AdaptiveBound, RiderNoise, Scale, Stepping};
use crate::canonical::{DecodeError, Reader};
use crate::server_optimizer::{MeanScale, OptimizerSettings};
use crate::update::{ClipRule, ClipSettings, ClipUnit, LocalRule};
#[cfg(feature = "train")]
use crate::{
    privacy::NoiseSampler,
    train::Placement,
    update::{ClippedSum, LocalNoise, NoisedUpdate, branch_update, private_update},
};

/// How branches train between two uploads, how their differences are clipped, and what they move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalSettings {
    /// How a customer's gradient is clipped in each step, and what rides along. `clip_units` stand for the bound of a difference as well.
    pub clip: ClipSettings,
    /// Steps, learning rate and the bound of a difference of models; in the first round, where it adapts.
    pub rule: LocalRule,
    /// Whether the bound follows the noised share of branches below it (Andrew et al. 2021). Mode branch only.
    pub adaptive: bool,
    /// How the mean difference moves the model, and which models are averaged for the release.
    pub optimizer: OptimizerSettings,
}

const LABEL: &str = "tributary/stage/local/1";

impl LocalSettings {
    pub(super) const KIND: &'static str = "local";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let clip = read_clip(&mut reader)?;
        let (steps, learning_rate, update_clip_norm) = (reader.u32()?, reader.f64()?, reader.f64()?);
        let rule = LocalRule { steps, learning_rate, update_clip_norm }.checked().ok_or(DecodeError::Range)?;
        let adaptive = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Range),
        };
        let optimizer = read_optimizer(&mut reader)?;
        reader.finish()?;
        Ok(Self { clip, rule, adaptive, optimizer })
    }

    /// The rule that bounds a branch's difference in mode branch, and a customer's gradient in each step in mode local.
    ///
    /// # Errors
    /// If a value is outside its limits, or the mode is another.
    pub fn clip_rule(&self, privacy: PrivacyMode) -> Result<ClipRule, StageFault> {
        let unit = match privacy {
            PrivacyMode::Local => ClipUnit::Customer,
            PrivacyMode::Branch => ClipUnit::Branch,
            PrivacyMode::Customer | PrivacyMode::None => {
                return Err(StageFault::Mode { kind: Self::KIND, privacy, instead: "a stage of kind \"gradient\"" });
            }
        };
        Ok(ClipRule::new(self.clip, unit)?)
    }

    fn check_adaptive(&self, privacy: PrivacyMode) -> Result<(), StageFault> {
        match (self.adaptive, privacy, self.clip.loss_bound) {
            (true, PrivacyMode::Branch, None) => Err(StageFault::AdaptiveWithoutRiders),
            (false, ..) | (true, PrivacyMode::Branch, Some(_)) => Ok(()),
            _ => Err(StageFault::Adaptive),
        }
    }
}

impl Kind for LocalSettings {
    fn encode(&self) -> Vec<u8> {
        let body = write_clip(Canonical::new(LABEL), &self.clip)
            .u32(self.rule.steps)
            .u64(self.rule.learning_rate.to_bits())
            .u64(self.rule.update_clip_norm.to_bits())
            .u8(self.adaptive.into());
        write_optimizer(body, &self.optimizer).into_bytes()
    }

    fn content(&self) -> &'static str {
        "a sum of differences of models, and after it, where the loss rides along, the clamped loss, a count, and a count of those within the clip norm"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        frame.without_pairs(Self::KIND)?;
        let (rule, parameters) = (self.clip_rule(frame.privacy)?, frame.architecture.parameter_count());
        self.check_adaptive(frame.privacy)?;
        let sensitivity_squared = rule.sensitivity_squared_units(parameters)?;
        let bound_bytes = if self.adaptive { BOUND_BYTES } else { 0 };
        let form = Form {
            dimension: rule.update_length(parameters),
            summed: Unit::Branch,
            reach: self.clip.clip_units,
            sensitivity_squared,
            customer_sensitivity_squared: sensitivity_squared,
            noise: NoiseShare::Divided,
            releases: 1,
            model_bytes: frame.parameter_bytes() + bound_bytes,
            coins: false,
            repeats: true,
        };
        if frame.privacy == PrivacyMode::Branch {
            // A customer moves the clipped difference of each of its branches.
            let customer = rule.customer_sensitivity_squared_units(parameters)? * frame.overlap_squared();
            return Ok(Form { customer_sensitivity_squared: customer, ..form });
        }
        // Each step at each of a customer's branches is a release of its own.
        let releases = self.rule.steps.saturating_mul(frame.overlap_max.into());
        Ok(Form { noise: NoiseShare::Inside, releases, coins: self.clip.form.admits_coins(), ..form })
    }

    fn clip_norms(&self) -> Vec<(&'static str, f64)> {
        vec![("example_clip_norm", self.clip.example_clip_norm), ("update_clip_norm", self.rule.update_clip_norm)]
    }

    fn first_bound(&self) -> Option<f64> {
        self.adaptive.then_some(self.rule.update_clip_norm)
    }

    fn optimizer(&self) -> Option<&OptimizerSettings> {
        Some(&self.optimizer)
    }

    fn stepping(&self, place: Place<'_>, beside: &Beside, survivors: usize) -> Result<Stepping, AdvanceFault> {
        let Place { frame, terms } = place;
        let rule = self.clip_rule(frame.privacy)?;
        let bound = beside.update_clip_norm;
        if bound.is_some() != self.adaptive {
            return Err(AdvanceFault::OtherState);
        }
        let first = self.rule.update_clip_norm;
        let current = bound.unwrap_or(first);
        let probability = release(terms).sampling_probability;
        let customers_are_counted = frame.privacy == PrivacyMode::Local;
        let riders_nominal =
            if customers_are_counted { frame.customers_nominal as f64 * probability } else { survivors as f64 };
        let scale = MeanScale::of_differences(frame.architecture, &rule, current, survivors, riders_nominal)?;
        let variance = terms.noise_variance as f64 * survivors as f64;
        let riders = rule.riders().filter(|_| customers_are_counted);
        let counted = riders.map(|scale| RiderNoise { variance, units: scale.units, probability });
        let bound = self.adaptive.then_some(AdaptiveBound { current, first });
        let scale = Scale::Mean(scale);
        Ok(Stepping { scale, dimension: terms.dimension as usize, counted, bound })
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
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        // The steps see the data as it is. In mode local nothing may come of them without noise.
        if place.frame.privacy != PrivacyMode::Branch {
            return Err(ContributeFault::NoiseInside);
        }
        let rule = self.clip_rule(place.frame.privacy)?;
        let update_clip_norm = state.update_clip_norm.unwrap_or(self.rule.update_clip_norm);
        let local = LocalRule { update_clip_norm, ..self.rule };
        Ok(branch_update(rows.trainer, &state.parameters, (&rule, &local))?)
    }

    #[cfg(feature = "train")]
    fn contribute_noised(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        state: &PublicState,
        sampler: &NoiseSampler,
        entropy: &mut dyn Entropy,
    ) -> Result<NoisedUpdate, ContributeFault> {
        let Place { frame, terms } = place;
        if frame.privacy != PrivacyMode::Local {
            return Err(ContributeFault::NoiseOutside);
        }
        let (expected, found) = (terms.noise_variance, sampler.variance());
        if found != expected {
            return Err(ContributeFault::Variance { expected, found });
        }
        let rule = self.clip_rule(frame.privacy)?;
        let customers_nominal = f64::from(rows.customers_nominal.max(1)) * release(terms).sampling_probability;
        let noise = LocalNoise { sampler, sampling_threshold: terms.sampling_threshold, customers_nominal };
        Ok(private_update(rows.trainer, &state.parameters, (&rule, &self.rule), noise, entropy)?)
    }
}

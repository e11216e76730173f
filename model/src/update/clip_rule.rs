//! How a customer's influence is bounded, and by how much: what both ends must agree on.

use serde::{Deserialize, Serialize};
use tributary_protocol::defence::{Defence, stands};
use tributary_protocol::digest::Canonical;
pub use tributary_protocol::plan::CLIP_NORM_MIN;

/// Largest `example_clip_norm`.
pub const CLIP_NORM_MAX: f64 = 1e6;
/// Fewest integer units for one clip norm. Below, truncation would leave little of a gradient.
pub const CLIP_UNITS_MIN: u32 = 256;
/// Most integer units for one clip norm.
pub const CLIP_UNITS_MAX: u32 = 1 << 31;
/// Largest bound of the loss that rides along.
pub const LOSS_BOUND_MAX: f64 = 1000.0;
/// Coordinates that ride behind the parameters where a rule has riders: the clamped loss, one for the customer (or branch), and one where it
/// was within the clip norm.
pub const RIDERS: usize = 3;

/// A rider reaches at most `clip_units / RIDER_SHARE` for one customer (PRIVACY, section 5: 0.05 of the clip norm).
const RIDER_SHARE: u32 = 20;
/// The indicator of a branch within the clip norm reaches `clip_units / INDICATOR_SHARE`: an adaptive bound is steered by it (PRIVACY, section
/// 5: 0.1 of the clip norm).
const INDICATOR_SHARE: u32 = 10;

/// Whose influence a rule bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipUnit {
    /// Every customer's gradient.
    #[default]
    Customer,
    /// A branch's whole difference of models. Customers' gradients are clipped as well, which bounds nothing that is stated.
    Branch,
}

/// How the clipped sum is computed (PRIVACY, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipForm {
    /// One integer vector for each customer, its norm checked in integers. For logistic regression and other small models.
    Exact,
    /// Fixed micro-batches, each summed in 32-bit floats and rounded once. For multi-layer perceptrons.
    Chunked,
}

/// A [`ClipRule`] before its limits were checked, as a plan spells it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipSettings {
    /// L2 bound for each customer's gradient, [`CLIP_NORM_MIN`] to [`CLIP_NORM_MAX`].
    pub example_clip_norm: f64,
    /// Integer units for one clip norm (S_units), [`CLIP_UNITS_MIN`] to [`CLIP_UNITS_MAX`].
    pub clip_units: u32,
    /// How the sum is computed.
    pub form: ClipForm,
    /// Public bound of a customer's loss, in nats, at which the riding loss is clamped; none for a round without riders.
    #[serde(default)]
    pub loss_bound: Option<f64>,
    /// Whose influence is bounded.
    #[serde(default)]
    pub unit: ClipUnit,
}

/// A rule for clipping, with everything within its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ClipSettings", into = "ClipSettings")]
pub struct ClipRule(ClipSettings);

/// A rule outside its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClipRuleError {
    /// The clip norm.
    #[error("example_clip_norm must be between {CLIP_NORM_MIN} and {CLIP_NORM_MAX}; correct the plan")]
    ClipNorm,
    /// The units.
    #[error("clip_units must be between {CLIP_UNITS_MIN} and {CLIP_UNITS_MAX}; correct the plan")]
    ClipUnits,
    /// The loss bound.
    #[error("loss_bound must be above 0 and at most {LOSS_BOUND_MAX}; correct the plan")]
    LossBound,
    /// The rounding of micro-batches would cost more than a tenth of the clip norm.
    #[error(
        "{parameters} parameters with {clip_units} clip_units: the chunked form's sensitivity would pass 1.1 clip_units, \
         so the noise would be wasted on rounding; raise clip_units or use the exact form"
    )]
    Rounding {
        /// Length of the parameter vector.
        parameters: usize,
        /// Units for one clip norm.
        clip_units: u32,
    },
}

/// How the riding coordinates are scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiderScale {
    /// Units of one customer (or branch), and of a loss at the bound: floor(clip_units / 20).
    pub units: u32,
    /// Units of one customer (or branch) within the clip norm: as many for a customer, floor(clip_units / 10) for a branch.
    pub indicator_units: u32,
    /// The public loss bound, in nats.
    pub loss_bound: f64,
}

impl ClipRule {
    /// Parses a rule.
    ///
    /// # Errors
    /// If a value is outside its limits.
    pub fn new(settings: ClipSettings) -> Result<Self, ClipRuleError> {
        if !(CLIP_NORM_MIN..=CLIP_NORM_MAX).contains(&settings.example_clip_norm) {
            return Err(ClipRuleError::ClipNorm);
        }
        if !(CLIP_UNITS_MIN..=CLIP_UNITS_MAX).contains(&settings.clip_units) {
            return Err(ClipRuleError::ClipUnits);
        }
        match settings.loss_bound {
            Some(bound) if !(bound > 0.0 && bound <= LOSS_BOUND_MAX) => Err(ClipRuleError::LossBound),
            _ => Ok(Self(settings)),
        }
    }

    /// L2 bound for each customer's gradient (C).
    #[must_use]
    pub fn example_clip_norm(&self) -> f64 {
        self.0.example_clip_norm
    }

    /// Integer units for one clip norm (S_units).
    #[must_use]
    pub fn clip_units(&self) -> u32 {
        self.0.clip_units
    }

    /// Whose influence is bounded.
    #[must_use]
    pub fn unit(&self) -> ClipUnit {
        self.0.unit
    }

    /// How the sum is computed.
    #[must_use]
    pub fn form(&self) -> ClipForm {
        self.0.form
    }

    /// The riders' scale, where there are riders.
    #[must_use]
    pub fn riders(&self) -> Option<RiderScale> {
        let indicator = match self.0.unit {
            ClipUnit::Customer => RIDER_SHARE,
            ClipUnit::Branch => INDICATOR_SHARE,
        };
        let (units, indicator_units) = (self.0.clip_units / RIDER_SHARE, self.0.clip_units / indicator);
        self.0.loss_bound.map(|loss_bound| RiderScale { units, indicator_units, loss_bound })
    }

    /// Coordinates behind the parameters: [`RIDERS`] or none.
    #[must_use]
    pub fn rider_count(&self) -> usize {
        if self.0.loss_bound.is_some() { RIDERS } else { 0 }
    }

    /// Length of an update: parameters and riders.
    #[must_use]
    pub fn update_length(&self, parameters: usize) -> usize {
        parameters + self.rider_count()
    }

    /// The square of S_eff in units: how far one customer moves the whole sum at most, riders included (PRIVACY, sections 2 and 5).
    ///
    /// Exact: `clip_units^2`. Chunked: `ceil(1.01 clip_units + 2 sqrt(parameters))^2`, which covers 32-bit sums of up to 256 rows, the
    /// rounding of the one micro-batch that the customer is in, and that of another customer who takes its place there. A branch's difference of models: `clip_units^2`, checked in integers. Riders
    /// add `3 floor(clip_units / 20)^2`, for a branch `2 floor(clip_units / 20)^2 + floor(clip_units / 10)^2`. Integer arithmetic
    /// throughout: the same on every machine.
    ///
    /// # Errors
    /// [`ClipRuleError::Rounding`] if the chunked form's part would pass 1.1 `clip_units`.
    pub fn sensitivity_squared_units(&self, parameters: usize) -> Result<u128, ClipRuleError> {
        let clip_units = u128::from(self.0.clip_units);
        let gradient = match (self.0.form, self.0.unit) {
            (ClipForm::Exact, _) | (_, ClipUnit::Branch) => clip_units,
            (ClipForm::Chunked, ClipUnit::Customer) => {
                let hundredths = 101 * clip_units + ceil_sqrt(40_000 * parameters as u128);
                if hundredths > 110 * clip_units {
                    return Err(ClipRuleError::Rounding { parameters, clip_units: self.0.clip_units });
                }
                hundredths.div_ceil(100)
            }
        };
        let riders = self
            .riders()
            .map_or(0, |scale| 2 * u128::from(scale.units).pow(2) + u128::from(scale.indicator_units).pow(2));
        Ok(gradient * gradient + riders)
    }

    /// The same for one customer, whatever the unit. A customer of a branch whose difference of models is clipped as a whole takes it from one
    /// vector of `clip_units` to another, so up to `2 clip_units`; it moves the mean loss by the whole of its rider at most, the indicator by
    /// the whole of its own, and the count of branches not at all: `4 clip_units^2 + floor(clip_units / 20)^2 + floor(clip_units / 10)^2`.
    ///
    /// # Errors
    /// As [`ClipRule::sensitivity_squared_units`].
    pub fn customer_sensitivity_squared_units(&self, parameters: usize) -> Result<u128, ClipRuleError> {
        let own = self.sensitivity_squared_units(parameters)?;
        if self.0.unit == ClipUnit::Customer || !stands(Defence::CustomerAccount) {
            return Ok(own);
        }
        let riders =
            self.riders().map_or(0, |scale| u128::from(scale.units).pow(2) + u128::from(scale.indicator_units).pow(2));
        Ok(4 * u128::from(self.0.clip_units).pow(2) + riders)
    }

    /// The canonical encoding, for a plan's digest. Floats enter as their bits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let form = match self.0.form {
            ClipForm::Exact => 0,
            ClipForm::Chunked => 1,
        };
        // A parsed loss bound is above 0, so its bits are: 0 stands for no riders.
        Canonical::new("tributary/clip-rule/1")
            .u64(self.0.example_clip_norm.to_bits())
            .u32(self.0.clip_units)
            .u8(form)
            .u64(self.0.loss_bound.map_or(0, f64::to_bits))
            .u8(match self.0.unit {
                ClipUnit::Customer => 0,
                ClipUnit::Branch => 1,
            })
            .into_bytes()
    }
}

impl TryFrom<ClipSettings> for ClipRule {
    type Error = ClipRuleError;

    fn try_from(settings: ClipSettings) -> Result<Self, Self::Error> {
        Self::new(settings)
    }
}

impl From<ClipRule> for ClipSettings {
    fn from(rule: ClipRule) -> Self {
        rule.0
    }
}

fn ceil_sqrt(value: u128) -> u128 {
    let root = value.isqrt();
    if root * root == value { root } else { root + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(form: ClipForm) -> ClipSettings {
        ClipSettings { example_clip_norm: 1.0, clip_units: 1 << 20, form, loss_bound: None, unit: ClipUnit::Customer }
    }

    #[test]
    fn the_exact_form_costs_the_clip_norm() {
        let rule = ClipRule::new(settings(ClipForm::Exact)).unwrap();
        assert_eq!(rule.sensitivity_squared_units(51), Ok(1 << 40));
        assert_eq!(rule.update_length(51), 51);
    }

    #[test]
    fn riders_cost_their_own_norm() {
        let rule = ClipRule::new(ClipSettings { loss_bound: Some(4.0), ..settings(ClipForm::Exact) }).unwrap();
        let rider = u128::from((1_u32 << 20) / 20);
        assert_eq!(rule.sensitivity_squared_units(51), Ok((1 << 40) + 3 * rider * rider));
        assert_eq!(rule.riders(), Some(RiderScale { units: 52_428, indicator_units: 52_428, loss_bound: 4.0 }));
        assert_eq!(rule.update_length(51), 54);
        let branch = ClipSettings { loss_bound: Some(4.0), unit: ClipUnit::Branch, ..settings(ClipForm::Chunked) };
        let rule = ClipRule::new(branch).unwrap();
        let indicator = u128::from((1_u32 << 20) / 10);
        assert_eq!(rule.sensitivity_squared_units(51), Ok((1 << 40) + 2 * rider * rider + indicator * indicator));
    }

    #[test]
    fn the_chunked_form_covers_its_rounding() {
        let rule = ClipRule::new(settings(ClipForm::Chunked)).unwrap();
        // 1.01 * 1,048,576 = 1,059,061.76; 2 sqrt(14,849) = 243.713...; together 1,059,305.4.
        assert_eq!(rule.sensitivity_squared_units(14_849), Ok(1_059_306 * 1_059_306));
        // 1.01 * 1,048,576 + 240 = 1,059,301.76.
        assert_eq!(rule.sensitivity_squared_units(14_400), Ok(1_059_302 * 1_059_302));
        let coarse = ClipRule::new(ClipSettings { clip_units: 1000, ..settings(ClipForm::Chunked) }).unwrap();
        assert_eq!(coarse.sensitivity_squared_units(2025), Ok(1100 * 1100));
        assert_eq!(
            coarse.sensitivity_squared_units(2026),
            Err(ClipRuleError::Rounding { parameters: 2026, clip_units: 1000 })
        );
    }

    #[test]
    fn limits_are_enforced() {
        let base = settings(ClipForm::Exact);
        for example_clip_norm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e7] {
            assert_eq!(ClipRule::new(ClipSettings { example_clip_norm, ..base }), Err(ClipRuleError::ClipNorm));
        }
        for clip_units in [0, 255, u32::MAX] {
            assert_eq!(ClipRule::new(ClipSettings { clip_units, ..base }), Err(ClipRuleError::ClipUnits));
        }
        for bound in [0.0, -1.0, f64::NAN, 1e9] {
            let loss_bound = Some(bound);
            assert_eq!(ClipRule::new(ClipSettings { loss_bound, ..base }), Err(ClipRuleError::LossBound));
        }
    }

    #[test]
    fn every_field_enters_the_encoding() {
        let base = settings(ClipForm::Exact);
        let variants = [
            base,
            ClipSettings { example_clip_norm: 2.0, ..base },
            ClipSettings { clip_units: 1 << 16, ..base },
            settings(ClipForm::Chunked),
            ClipSettings { loss_bound: Some(4.0), ..base },
            ClipSettings { unit: ClipUnit::Branch, ..base },
        ];
        let encodings = variants.map(|variant| ClipRule::new(variant).unwrap().encode());
        for (index, encoding) in encodings.iter().enumerate() {
            assert!(encodings[..index].iter().all(|earlier| earlier != encoding));
        }
    }
}

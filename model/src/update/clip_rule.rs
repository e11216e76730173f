//! How a customer's influence is bounded, and by how much: what both ends must agree on.

use tributary_protocol::defence::{Defence, stands};

use crate::architecture::Architecture;
#[cfg(feature = "train")]
use crate::train::Placement;

/// Smallest clip norm, of a customer's gradient and of a difference of models: no useful one is smaller, and the number of units that stand for
/// it, divided by it, stays far from what overflows.
pub const CLIP_NORM_MIN: f64 = 1e-3;
/// Largest clip norm.
pub const CLIP_NORM_MAX: f64 = 1e6;
/// Fewest integer units for one clip norm. Below, truncation would leave little of a gradient.
pub const CLIP_UNITS_MIN: u32 = 256;
/// Most integer units for one clip norm, and for one count.
pub const CLIP_UNITS_MAX: u32 = 1 << 20;
/// Largest bound of the loss that rides along.
pub const LOSS_BOUND_MAX: f64 = 1000.0;
/// Coordinates that ride after the parameters where a rule has riders: the clamped loss, one for the customer (or branch), and one where it
/// was within the clip norm.
pub const RIDERS: usize = 3;

/// A rider reaches at most `clip_units / RIDER_SHARE` for one customer (docs/PRIVACY.md, "The mechanism": 0.05 of the clip norm).
const RIDER_SHARE: u32 = 20;
/// The indicator of a branch within the clip norm reaches `clip_units / INDICATOR_SHARE`: an adaptive bound is steered by it
/// (docs/PRIVACY.md, "The mechanism": 0.1 of the clip norm).
const INDICATOR_SHARE: u32 = 10;

/// Whose influence a rule bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipUnit {
    /// Every customer's gradient.
    Customer,
    /// A branch's whole difference of models. Customers' gradients are clipped as well, which bounds nothing that is stated.
    Branch,
}

/// How the clipped sum is computed (docs/PRIVACY.md, "The mechanism").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipForm {
    /// One integer vector for each customer, its norm checked in integers. For logistic regression and other small models.
    Exact,
    /// Fixed micro-batches, each summed in 32-bit floats and rounded once. For multi-layer perceptrons.
    Chunked,
}

/// A [`ClipRule`] before its limits were checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipSettings {
    /// L2 bound for each customer's gradient, [`CLIP_NORM_MIN`] to [`CLIP_NORM_MAX`].
    pub example_clip_norm: f64,
    /// Integer units for one clip norm (S_units), [`CLIP_UNITS_MIN`] to [`CLIP_UNITS_MAX`].
    pub clip_units: u32,
    /// How the sum is computed.
    pub form: ClipForm,
    /// Public bound of a customer's loss, in nats, at which the riding loss is clamped; none for a round without riders.
    pub loss_bound: Option<f64>,
}

/// A rule for clipping, with everything within its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipRule {
    settings: ClipSettings,
    unit: ClipUnit,
}

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

/// Whether a clip norm can be divided by and multiplied with: [`CLIP_NORM_MIN`] to [`CLIP_NORM_MAX`].
#[must_use]
pub fn is_clip_norm(norm: f64) -> bool {
    (CLIP_NORM_MIN..=CLIP_NORM_MAX).contains(&norm)
}

impl ClipForm {
    /// How sums over customers are made for a network. With coins always in the exact form: whoever a coin leaves out then moves no digit of the
    /// sum, which the accountant of sampled rounds takes for granted. In chunks, somebody else could move into the seat, or sums be rounded
    /// otherwise.
    #[must_use]
    pub fn of(architecture: &Architecture, coins: bool) -> Self {
        if architecture.is_logistic() || coins { Self::Exact } else { Self::Chunked }
    }

    /// Whether coins may decide who is in the sum.
    #[must_use]
    pub fn admits_coins(self) -> bool {
        self == Self::Exact
    }

    /// How it wants rows laid out.
    #[cfg(feature = "train")]
    #[must_use]
    pub fn placement(self) -> Placement {
        match self {
            Self::Exact => Placement::Dense,
            Self::Chunked => Placement::Hashed,
        }
    }
}

impl ClipRule {
    /// Parses a rule.
    ///
    /// # Errors
    /// If a value is outside its limits.
    pub fn new(settings: ClipSettings, unit: ClipUnit) -> Result<Self, ClipRuleError> {
        if !is_clip_norm(settings.example_clip_norm) {
            return Err(ClipRuleError::ClipNorm);
        }
        if !(CLIP_UNITS_MIN..=CLIP_UNITS_MAX).contains(&settings.clip_units) {
            return Err(ClipRuleError::ClipUnits);
        }
        match settings.loss_bound {
            Some(bound) if !(bound > 0.0 && bound <= LOSS_BOUND_MAX) => Err(ClipRuleError::LossBound),
            _ => Ok(Self { settings, unit }),
        }
    }

    /// L2 bound for each customer's gradient (C).
    #[must_use]
    pub fn example_clip_norm(&self) -> f64 {
        self.settings.example_clip_norm
    }

    /// Integer units for one clip norm (S_units).
    #[must_use]
    pub fn clip_units(&self) -> u32 {
        self.settings.clip_units
    }

    /// Whose influence is bounded.
    #[must_use]
    pub fn unit(&self) -> ClipUnit {
        self.unit
    }

    /// How the sum is computed.
    #[must_use]
    pub fn form(&self) -> ClipForm {
        self.settings.form
    }

    /// The riders' scale, where there are riders.
    #[must_use]
    pub fn riders(&self) -> Option<RiderScale> {
        let indicator = match self.unit {
            ClipUnit::Customer => RIDER_SHARE,
            ClipUnit::Branch => INDICATOR_SHARE,
        };
        let (units, indicator_units) = (self.settings.clip_units / RIDER_SHARE, self.settings.clip_units / indicator);
        self.settings.loss_bound.map(|loss_bound| RiderScale { units, indicator_units, loss_bound })
    }

    /// Coordinates after the parameters: [`RIDERS`] or none.
    #[must_use]
    pub fn rider_count(&self) -> usize {
        if self.settings.loss_bound.is_some() { RIDERS } else { 0 }
    }

    /// Length of an update: parameters and riders.
    #[must_use]
    pub fn update_length(&self, parameters: usize) -> usize {
        parameters + self.rider_count()
    }

    /// The square of S_eff in units: how far one customer moves the whole sum at most, riders included (docs/PRIVACY.md, "The mechanism").
    ///
    /// Exact: `clip_units^2`. Chunked: `ceil(1.01 clip_units + 2 sqrt(parameters))^2`, which covers 32-bit sums of up to 256 rows, the
    /// rounding of the one micro-batch that the customer is in, and that of another customer who takes its place there. A branch's difference of models: `clip_units^2`, checked in integers. Riders
    /// add `3 floor(clip_units / 20)^2`, for a branch `2 floor(clip_units / 20)^2 + floor(clip_units / 10)^2`. Integer arithmetic
    /// throughout: the same on every machine.
    ///
    /// # Errors
    /// [`ClipRuleError::Rounding`] if the chunked form's part would pass 1.1 `clip_units`.
    pub fn sensitivity_squared_units(&self, parameters: usize) -> Result<u128, ClipRuleError> {
        let clip_units = u128::from(self.settings.clip_units);
        let gradient = match (self.settings.form, self.unit) {
            (ClipForm::Exact, _) | (_, ClipUnit::Branch) => clip_units,
            (ClipForm::Chunked, ClipUnit::Customer) => {
                let hundredths = 101 * clip_units + ceil_sqrt(40_000 * parameters as u128);
                if hundredths > 110 * clip_units {
                    return Err(ClipRuleError::Rounding { parameters, clip_units: self.settings.clip_units });
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
        if self.unit == ClipUnit::Customer || !stands(Defence::CustomerAccount) {
            return Ok(own);
        }
        let riders =
            self.riders().map_or(0, |scale| u128::from(scale.units).pow(2) + u128::from(scale.indicator_units).pow(2));
        Ok(4 * u128::from(self.settings.clip_units).pow(2) + riders)
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
        ClipSettings { example_clip_norm: 1.0, clip_units: 1 << 20, form, loss_bound: None }
    }

    fn customer(settings: ClipSettings) -> Result<ClipRule, ClipRuleError> {
        ClipRule::new(settings, ClipUnit::Customer)
    }

    #[test]
    fn the_exact_form_costs_the_clip_norm() {
        let rule = customer(settings(ClipForm::Exact)).unwrap();
        assert_eq!(rule.sensitivity_squared_units(51), Ok(1 << 40));
        assert_eq!(rule.update_length(51), 51);
    }

    #[test]
    fn riders_cost_their_own_norm() {
        let rule = customer(ClipSettings { loss_bound: Some(4.0), ..settings(ClipForm::Exact) }).unwrap();
        let rider = u128::from((1_u32 << 20) / 20);
        assert_eq!(rule.sensitivity_squared_units(51), Ok((1 << 40) + 3 * rider * rider));
        assert_eq!(rule.riders(), Some(RiderScale { units: 52_428, indicator_units: 52_428, loss_bound: 4.0 }));
        assert_eq!(rule.update_length(51), 54);
        let branch = ClipSettings { loss_bound: Some(4.0), ..settings(ClipForm::Chunked) };
        let rule = ClipRule::new(branch, ClipUnit::Branch).unwrap();
        let indicator = u128::from((1_u32 << 20) / 10);
        assert_eq!(rule.sensitivity_squared_units(51), Ok((1 << 40) + 2 * rider * rider + indicator * indicator));
    }

    #[test]
    fn the_chunked_form_covers_its_rounding() {
        let rule = customer(settings(ClipForm::Chunked)).unwrap();
        // 1.01 * 1,048,576 = 1,059,061.76; 2 sqrt(14,849) = 243.713...; together 1,059,305.4.
        assert_eq!(rule.sensitivity_squared_units(14_849), Ok(1_059_306 * 1_059_306));
        // 1.01 * 1,048,576 + 240 = 1,059,301.76.
        assert_eq!(rule.sensitivity_squared_units(14_400), Ok(1_059_302 * 1_059_302));
        let coarse = customer(ClipSettings { clip_units: 1000, ..settings(ClipForm::Chunked) }).unwrap();
        assert_eq!(coarse.sensitivity_squared_units(2025), Ok(1100 * 1100));
        assert_eq!(
            coarse.sensitivity_squared_units(2026),
            Err(ClipRuleError::Rounding { parameters: 2026, clip_units: 1000 })
        );
    }

    /// A small model is summed customer by customer, and so is every one where coins decide.
    #[test]
    fn coins_and_small_models_take_the_exact_form() {
        let logistic = Architecture::logistic(3, &["churn"]).unwrap();
        let layers = Architecture::mlp(3, &[2], &["churn"]).unwrap();
        use ClipForm::{Chunked, Exact};
        for (architecture, coins, form) in
            [(&logistic, false, Exact), (&logistic, true, Exact), (&layers, false, Chunked), (&layers, true, Exact)]
        {
            assert_eq!(ClipForm::of(architecture, coins), form);
        }
        assert_eq!([Exact, Chunked].map(ClipForm::admits_coins), [true, false]);
        #[cfg(feature = "train")]
        assert_eq!([Exact, Chunked].map(ClipForm::placement), [Placement::Dense, Placement::Hashed]);
    }

    #[test]
    fn limits_are_enforced() {
        let base = settings(ClipForm::Exact);
        for example_clip_norm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e7] {
            assert_eq!(customer(ClipSettings { example_clip_norm, ..base }), Err(ClipRuleError::ClipNorm));
        }
        for clip_units in [0, 255, (1 << 20) + 1, u32::MAX] {
            assert_eq!(customer(ClipSettings { clip_units, ..base }), Err(ClipRuleError::ClipUnits));
        }
        for bound in [0.0, -1.0, f64::NAN, 1e9] {
            let loss_bound = Some(bound);
            assert_eq!(customer(ClipSettings { loss_bound, ..base }), Err(ClipRuleError::LossBound));
        }
    }
}

//! How an opened sum moves the model, coordinate by coordinate: for whoever holds the whole state, and for a coordinator that streams it.

use super::outcome::{AdvanceFault, Outcome};
use crate::nominal::NoisedCustomers;
use crate::server_optimizer::{MeanScale, adapted_clip_norm};

/// Reads one round's sum: the gradients for [`crate::server_optimizer::StateStep`] first, then what rode along.
#[derive(Clone)]
pub struct Stepping {
    pub(super) scale: Scale,
    /// Coordinates of the sum.
    pub(super) dimension: usize,
    /// How the riding count of customers is read, where customers are counted.
    pub(super) counted: Option<RiderNoise>,
    /// This round's bound and the stage's first one, where it adapts.
    pub(super) bound: Option<AdaptiveBound>,
}

/// How a coordinate of a sum becomes a gradient.
#[derive(Clone)]
pub(super) enum Scale {
    /// All alike.
    Mean(MeanScale),
    /// Each by its own factor; nothing rides along.
    Each(Vec<f64>),
}

/// The noise of a riding count of customers.
#[derive(Clone, Copy)]
pub(super) struct RiderNoise {
    /// Variance of the sum's noise, at most, in units squared.
    pub(super) variance: f64,
    /// Units of one customer.
    pub(super) units: u32,
    /// Probability of a customer's coin.
    pub(super) probability: f64,
}

/// A bound that follows its median.
#[derive(Clone, Copy)]
pub(super) struct AdaptiveBound {
    pub(super) current: f64,
    pub(super) first: f64,
}

impl Stepping {
    /// The number of leading coordinates that are gradients, of a sum of `found` coordinates.
    ///
    /// # Errors
    /// [`AdvanceFault::Dimension`] if the plan's stage has another number.
    pub fn parameters(&self, found: usize) -> Result<usize, AdvanceFault> {
        let expected = self.dimension;
        if found != expected {
            return Err(AdvanceFault::Dimension { expected, found });
        }
        match &self.scale {
            Scale::Mean(scale) => Ok(scale.parameters(found)?),
            Scale::Each(factors) => Ok(factors.len()),
        }
    }

    /// The noised mean gradients of parameters, from the leading coordinates of a sum.
    pub fn gradients(&self, leading: impl Iterator<Item = i64>) -> impl Iterator<Item = f64> {
        leading.enumerate().map(|(index, units)| match &self.scale {
            Scale::Mean(scale) => scale.gradient(units),
            Scale::Each(factors) => factors.get(index).map_or(0.0, |factor| units as f64 * factor),
        })
    }

    /// What rode along, and the bound of the next round, where the stage adapts it.
    #[must_use]
    pub fn riders(&self, riders: &[i64]) -> (Outcome, Option<f64>) {
        let metrics = match &self.scale {
            Scale::Mean(scale) => scale.metrics(riders),
            Scale::Each(_) => None,
        };
        let bound = self.bound.map(|bound| {
            metrics.map_or(bound.current, |metrics| {
                adapted_clip_norm(bound.current, metrics.within_clip_norm, bound.first)
            })
        });
        let counted = self.counted.zip(metrics);
        let customers = counted.map(|(RiderNoise { variance, units, probability }, metrics)| {
            let units = f64::from(units);
            NoisedCustomers::of_rider(&metrics, variance / (units * units), probability)
        });
        (Outcome { metrics, customers, ..Outcome::default() }, bound)
    }
}

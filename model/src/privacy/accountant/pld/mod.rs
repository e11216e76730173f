//! Privacy loss distributions: the tight figure beside the enforced one.
//!
//! One round's privacy loss is put on a grid from above ([`discretise`]), in both directions; grids are composed by Fourier transform with a
//! proved allowance for round-off ([`compose`]); epsilon is the larger of the directions. Every approximation errs upwards, so the figure is
//! a bound for the continuous Gaussian, tight to about 1e-4. It is reported and never enforced: for sums of discrete shares the Rényi
//! bound is what is proved.
//!
//! Koskela, Jälkö, Honkela 2020 (composition by Fourier transform); Gopi, Lee, Wutschitz 2021, section 5 (truncation); Doroshenko et al. 2022
//! (the grid).

mod compose;
mod discretise;
mod fft;
mod layout;

use super::rdp::{RdpCurve, SampledRound};
use compose::{Composed, Composition};
use discretise::DiscreteLoss;
use fft::{Complex, Fourier};
use layout::{EPSILON_SHARE, Layout};

/// Noise multipliers that are composed. With less noise an epsilon is in the hundreds, with more the grid has no digits left.
const NOISE_MULTIPLIER: core::ops::RangeInclusive<f64> = 0.05..=1e9;
/// The smallest sampling probability above 0.
const SAMPLING_PROBABILITY_MIN: f64 = 1e-12;
/// The deltas at which a composition is made.
const DELTA: core::ops::RangeInclusive<f64> = 1e-20..=0.5;
/// Rounds of one composition at most.
const ROUNDS_MAX: u64 = 10_000_000;
/// Points of a transform, and grid points of one round, at most: half a dozen arrays of 16 bytes each, so about 100 MiB.
const POINTS_MAX: usize = 1 << 20;
/// Those of a grid that looks about where epsilon is.
const SCOUT_POINTS_MAX: usize = 1 << 15;

/// How often a delta is looked for.
const LAYOUTS_MAX: u32 = 5;

/// Why a composition was not made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PldError {
    /// Outside 1e-20 to 1/2, or not a number.
    #[error("delta {0} is out of the range of loss distributions, 1e-20 to 0.5")]
    Delta(f64),
    /// Not above 0, or not a number.
    #[error("epsilon {0} is out of range: it is 0 or more")]
    Epsilon(f64),
    /// Outside 0.05 to 1e9, or not a number.
    #[error("noise multiplier {0} is out of the range of loss distributions, 0.05 to 1e9")]
    NoiseMultiplier(f64),
    /// Above 1, below 0, between 0 and 1e-12, or not a number.
    #[error("sampling probability {0} is out of the range of loss distributions: 0, or 1e-12 to 1")]
    SamplingProbability(f64),
    /// Too many to be sure of the figure.
    #[error("{0} rounds are too many for loss distributions, which take 10 million")]
    Rounds(u64),
    /// A check of the arithmetic failed.
    #[error("loss distributions failed their own check ({0})")]
    Check(&'static str),
}

/// An epsilon, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TightEpsilon {
    /// Nats, 0 or more; infinite if nothing is proved.
    pub epsilon: f64,
    /// Why this is the Rényi bound and not one from loss distributions; nothing where it is the latter.
    pub instead: Option<PldError>,
}

/// The privacy loss of rounds on the same customers, of one plan or of all plans for life.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrivacyLoss {
    parts: Vec<(SampledRound, u32)>,
}

impl PrivacyLoss {
    /// Of `count` equal rounds.
    #[must_use]
    pub fn rounds(round: SampledRound, count: u32) -> Self {
        Self::default().plus(round, count)
    }

    /// The composition with `count` more rounds, equal to each other and not necessarily to those before.
    #[must_use]
    pub fn plus(mut self, round: SampledRound, count: u32) -> Self {
        match self.parts.iter_mut().find(|(known, _)| *known == round) {
            Some((_, known)) if known.checked_add(count).is_some() => *known += count,
            _ => self.parts.push((round, count)),
        }
        self
    }

    /// The smallest epsilon that is known to hold at this delta (between 0 and 1): by loss distributions, or by RDP where that is smaller or
    /// the only one.
    #[must_use]
    pub fn epsilon(&self, delta: f64) -> TightEpsilon {
        let renyi = self.renyi_epsilon(delta);
        match self.composed(delta) {
            Ok(composed) => TightEpsilon { epsilon: composed.epsilon(delta).min(renyi), instead: None },
            Err(error) => TightEpsilon { epsilon: renyi, instead: Some(error) },
        }
    }

    /// The smallest delta that is known to hold at this epsilon, 0 or more, by loss distributions.
    ///
    /// # Errors
    /// If epsilon is negative, or as [`Self::composed`].
    pub fn delta(&self, epsilon: f64) -> Result<f64, PldError> {
        if epsilon.is_nan() || epsilon < 0.0 {
            return Err(PldError::Epsilon(epsilon));
        }
        // Around which delta to look: RDP's epsilon falls with delta.
        let (mut low, mut high) = (DELTA.start().ln(), DELTA.end().ln());
        for _ in 0..30 {
            let middle = low + (high - low) / 2.0;
            *(if self.renyi_epsilon(middle.exp()) > epsilon { &mut low } else { &mut high }) = middle;
        }
        let mut about = high.exp();
        for _ in 0..LAYOUTS_MAX {
            let delta = self.composed(about.clamp(*DELTA.start(), *DELTA.end()))?.delta(epsilon);
            // Laid out for a delta within a few orders of magnitude, the curve is tight.
            let settled = delta > about * 1e-3 || delta < *DELTA.start();
            about = delta;
            if settled {
                break;
            }
        }
        Ok(about)
    }

    /// The whole curve, tight around this delta and an upper bound everywhere.
    ///
    /// # Errors
    /// If a number is out of range, or a check of the arithmetic fails.
    pub fn composed(&self, delta: f64) -> Result<ComposedLoss, PldError> {
        let parts = self.checked(delta)?;
        if parts.is_empty() {
            return Ok(ComposedLoss { directions: Vec::new() });
        }
        // Chernoff's bound, which chooses the first tilt, is far off where a few unlikely rounds decide: look on a coarse grid first.
        let mut composed = compose(&Layout::new(&parts, delta, SCOUT_POINTS_MAX, None))?;
        for points_max in [SCOUT_POINTS_MAX, SCOUT_POINTS_MAX, POINTS_MAX, POINTS_MAX] {
            let epsilons = composed.epsilons(delta);
            composed = compose(&Layout::new(&parts, delta, points_max, Some(epsilons)))?;
            if points_max == POINTS_MAX && composed.epsilon(delta) >= EPSILON_SHARE * epsilons[0].max(epsilons[1]) {
                break;
            }
        }
        Ok(composed)
    }

    fn renyi_epsilon(&self, delta: f64) -> f64 {
        let curves = self.parts.iter().map(|(round, count)| RdpCurve::round(*round).times(*count));
        curves.reduce(|sum, curve| sum.plus(&curve)).map_or(0.0, |curve| curve.epsilon(delta).epsilon)
    }

    /// The parts that reveal something, if all numbers are in range.
    fn checked(&self, delta: f64) -> Result<Vec<(SampledRound, u32)>, PldError> {
        if !DELTA.contains(&delta) {
            return Err(PldError::Delta(delta));
        }
        for (SampledRound { sampling_probability: q, noise_multiplier }, _) in &self.parts {
            if !NOISE_MULTIPLIER.contains(noise_multiplier) {
                return Err(PldError::NoiseMultiplier(*noise_multiplier));
            }
            if *q != 0.0 && !(SAMPLING_PROBABILITY_MIN..=1.0).contains(q) {
                return Err(PldError::SamplingProbability(*q));
            }
        }
        let rounds = self.parts.iter().map(|(_, count)| u64::from(*count)).sum();
        if rounds > ROUNDS_MAX {
            return Err(PldError::Rounds(rounds));
        }
        let reveals = |(round, count): &&(SampledRound, u32)| round.sampling_probability > 0.0 && *count > 0;
        Ok(self.parts.iter().filter(reveals).copied().collect())
    }
}

/// The composition of rounds that reveal something, one at least.
fn compose(layout: &Layout) -> Result<ComposedLoss, PldError> {
    let fourier = Fourier::new(layout.points);
    let mut buffer = vec![Complex::ZERO; layout.points];
    let mut directions = [true, false].map(|removing| Composition::new(&fourier, layout, removing));
    for (range, count) in &layout.parts {
        let loss = DiscreteLoss::new(*range, layout.interval);
        let loss = loss.ok_or(PldError::Check("the probabilities of one round do not add up to 1"))?;
        for direction in &mut directions {
            direction.multiply(&loss, *count, &mut buffer);
        }
    }
    let directions: Option<Vec<Composed>> = directions.into_iter().map(Composition::finish).collect();
    let directions = directions.ok_or(PldError::Check("the composed probabilities do not add up to 1"))?;
    Ok(ComposedLoss { directions })
}

/// A composed privacy loss: an upper bound of the trade-off between epsilon and delta.
pub struct ComposedLoss {
    /// Removing a customer and adding one; nothing where nothing was revealed.
    directions: Vec<Composed>,
}

impl ComposedLoss {
    /// The smallest epsilon at this delta; infinite where delta is below what the grid can tell.
    #[must_use]
    pub fn epsilon(&self, delta: f64) -> f64 {
        self.directions.iter().map(|direction| direction.epsilon(delta)).fold(0.0, f64::max)
    }

    fn epsilons(&self, delta: f64) -> [f64; 2] {
        [0, 1].map(|direction| self.directions.get(direction).map_or(0.0, |composed| composed.epsilon(delta)))
    }

    /// The smallest delta at this epsilon, 0 or more.
    #[must_use]
    pub fn delta(&self, epsilon: f64) -> f64 {
        self.directions.iter().map(|direction| direction.delta(epsilon)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests;

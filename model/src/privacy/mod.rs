//! Differential privacy of the customer: noise, accounting, calibration.
//!
//! The way of a plan: [`calibrate()`] turns a target epsilon into one integer variance; [`share_variance`] splits it over the branches that
//! are assumed honest; each branch draws its [`NoiseShare`]; the ledger adds one charge for each round and compares the sum with the
//! [`cap`], in integers. Everything that decides is an integer; floats make a cap, once, and display an epsilon.

pub mod accountant;
mod bounds;
mod calibrate;
mod noise;
mod selection;

pub use accountant::{cap, charge, epsilon_of};
pub use bounds::{DELTA_ALLOWED, DELTA_MAX, EPSILON_ALLOWED, EPSILON_MAX, cap_allowed, is_delta, is_epsilon};
pub use calibrate::{
    CalibrateError, Calibrated, SampledTarget, StageDemand, Target, calibrate, calibrate_sampled,
    calibrate_sampled_beside, calibrate_stages, calibrate_tight, noise_multiplier, retries_for, share_variance,
};
pub use noise::{NoiseError, NoiseSampler, NoiseShare, SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN};
pub use selection::{Selection, sampling_probability, sampling_threshold};

#[cfg(all(test, feature = "train"))]
pub(crate) use noise::test_entropy as noise_for_tests;

#[cfg(test)]
mod frozen;
#[cfg(test)]
mod vectors;

//! Differential privacy of the customer: noise.

mod noise;

pub use noise::{NoiseError, NoiseShare, SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN};

#[cfg(test)]
mod vectors;

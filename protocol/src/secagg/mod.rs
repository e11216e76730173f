//! Secure aggregation SA-1: the arithmetic. The order of messages lives in [`crate::round`].

pub mod commitments;
pub mod envelope;
pub mod graph;
pub mod kept;
pub mod labels;
pub mod mask;
pub mod masked_sum;
pub mod masked_update;
pub mod modular;
pub mod parameters;
pub mod permit;
pub mod shares;
pub mod suite;
#[cfg(any(test, feature = "toy"))]
pub mod toy;

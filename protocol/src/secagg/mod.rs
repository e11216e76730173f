//! Secure aggregation SA-1: the arithmetic. The order of messages lives in [`crate::round`].

pub mod suite;

//! The quiet core of Tributary: what both ends must agree on, or what must be proved.
//!
//! No clock, socket, file, thread, logger or source of randomness lives here. Time arrives as [`time::Millis`], randomness as an
//! [`entropy::Entropy`], cryptography as a [`secagg::suite::Suite`].
#![no_std]

extern crate alloc;

pub mod algorithm;
pub mod budget;
pub mod codec;
pub mod cover;
pub mod defence;
pub mod digest;
pub mod entropy;
pub mod frame;
pub mod ids;
pub mod limits;
pub mod list;
pub mod log;
pub mod merkle;
pub mod message;
pub mod plan;
pub mod printable;
pub mod privacy;
pub mod proofs;
pub mod registry;
pub mod role;
pub mod roster;
pub mod round;
pub mod secagg;
pub mod signature;
pub mod signed;
pub mod time;
pub mod versioned;

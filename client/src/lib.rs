//! The client daemon of a branch: a shell around the participant machine.
//!
//! One thread carries messages and owns the machine; another one touches data. Nothing but [`conversation`] speaks to the network, nothing but
//! [`worker`] sees a row.

pub mod begin;
pub mod budget;
pub mod cli;
pub mod conversation;
pub mod data;
pub mod dataset;
pub mod enrol;
pub mod error;
pub mod grants;
pub mod identity;
pub mod init;
pub mod judge;
mod lists;
#[cfg(test)]
#[path = "../../tests/log.rs"]
mod log;
mod muster;
#[cfg(test)]
#[path = "../../tests/needed.rs"]
mod needed;
mod noise;
mod notice;
mod offered;
pub mod policy;
pub mod preflight;
pub mod raise;
mod reading;
pub mod release;
mod renewal;
pub mod runtime;
pub mod settings;
mod standing;
mod stop;
pub mod telemetry;
pub mod vectors;
pub mod worker;

//! The client daemon of a branch: a shell around the machines of its runs.
//!
//! One thread carries messages and owns the machines; another one touches data. Nothing but [`conversation`] speaks to the coordinator, nothing but
//! [`worker`] sees a row.

pub mod begin;
pub mod budget;
pub mod cli;
pub mod contact;
pub mod control;
pub mod conversation;
pub mod data;
pub mod dataset;
mod english;
pub mod enrol;
pub mod error;
#[cfg(test)]
mod faults_tests;
#[cfg(test)]
mod file_ranges;
pub mod grants;
mod hands;
pub mod home;
pub mod identity;
pub mod init;
pub mod judge;
mod last_word;
mod lists;
#[cfg(test)]
#[path = "../../tests/log.rs"]
mod log;
pub mod models;
#[cfg(test)]
#[path = "../../tests/needed.rs"]
mod needed;
mod newest;
mod noise;
mod notice;
mod noticing;
#[cfg(test)]
mod owner_tests;
mod pace;
pub mod policy;
pub mod preflight;
pub mod proof;
mod pulses;
pub mod raise;
mod reading;
pub mod ready;
pub mod release;
mod renewal;
mod runs;
pub mod runtime;
pub mod score;
pub mod sent;
pub mod settings;
mod standing;
pub mod telemetry;
#[cfg(test)]
mod test_home;
mod witness;
pub mod worker;
#[cfg(test)]
#[path = "../../tests/written.rs"]
mod written;

#[cfg(test)]
mod whole;
#[cfg(test)]
mod whole_branch_tests;
#[cfg(test)]
mod whole_run_tests;

//! The federation, for as long as the process lives: its door, its roster, its plans, and the runs of them that are open.

mod agenda;
mod ended;
mod found;
pub mod grant_files;
mod grants;
pub(crate) mod hands;
mod heard;
pub(crate) mod keyring;
pub(crate) mod models;
pub(crate) mod muster;
pub(crate) mod office;
mod open_runs;
pub mod orders;
mod past;
pub mod plans;
pub(crate) mod renewal;
pub(crate) mod rereading;
pub(crate) mod roster_file;
mod serve;
pub(crate) mod served;
mod sinking;
pub(crate) mod standing;
#[cfg(test)]
mod tests;
mod witnessing;

pub use self::serve::{Ends, run};

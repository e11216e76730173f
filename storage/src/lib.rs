//! What must survive a crash and stay this user's own: files that are replaced at once, journals, and locks between processes.
//!
//! Knows bytes, and no meaning of them: certificates, rosters and models are those of other crates.

#[cfg(all(unix, any(test, feature = "faults")))]
pub mod faults;
pub mod files;
pub mod journal;
pub mod lock;
mod medium;
pub mod unfinished;

#[cfg(test)]
#[path = "../../tests/needed.rs"]
mod needed;

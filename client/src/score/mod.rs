//! A model at work at the branch: a file of scores for a table, and a service that scores customers one by one. Nothing of it leaves the branch, and no label is
//! read.
//!
//! ```text
//! STATE/models ──► chosen model, challenger ──► Rater ◄── actions.toml, signed
//! table ─► mapping, consents ─► encoded row ─► Rater ─► spool ─► customers once, tenths ─► FILE, FILE.json
//! POST /v1/score ────────────► encoded row ─► Rater ─► answer
//! ```

mod actions;
#[cfg(test)]
mod faults_tests;
mod output;
mod rater;
mod reasons;
mod run;
mod service;
mod spool;
#[cfg(test)]
mod spool_tests;
mod target;
#[cfg(test)]
mod target_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;
mod turns;
#[cfg(test)]
mod turns_tests;
#[cfg(test)]
mod world;

pub use actions::{Actions, SAMPLE as ACTIONS_SAMPLE, init_actions, show_actions, sign_actions};
#[cfg(test)]
pub(crate) use output::write_scores;
pub use output::{NotedModel, ScoresNote};
pub(crate) use output::{columns, note_path, without};
pub(crate) use reasons::reasons_of;
pub use run::{ScoreOptions, ScoresMade, score};
pub use service::{ServeOptions, serve_scores};

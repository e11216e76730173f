//! What a plan promises and what was counted under it: files for people and programs, made again from the ledger at any time.

use serde::Serialize;
use tributary_certs::files::{self, Existing};
use tributary_model::counts::{HeadEvaluation, NoisedHistogram};
use tributary_model::privacy::statement::{Facts, Statement};
use tributary_protocol::round::CoordinatorEvent;

use super::{Store, StoreError};

/// What a counting round counted, noise included: `counts/<kind>.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// `statistics` or `evaluation`.
    pub kind: &'static str,
    /// Digest of the plan.
    pub plan: String,
    /// Digest of the model that was evaluated, or of the current one.
    pub model: String,
    /// The round.
    pub round: u64,
    /// Branches in the sum.
    pub survivors: usize,
    /// Standard deviation of the noise in each count that is guaranteed, in customers; with more honest branches it is larger.
    pub noise_stddev_min: f64,
    /// Estimates for each label, of an evaluation.
    pub heads: Vec<HeadEvaluation>,
    /// The counts, in customers; they can be fractional or negative.
    pub histograms: Vec<NoisedHistogram>,
}

impl Store {
    /// Keeps what a round counted; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn write_counts(&self, counts: &Counts) -> Result<(), StoreError> {
        let folder = self.folder.join("counts");
        files::create_private_folder(&folder)?;
        let mut text = serde_json::to_vec_pretty(counts).expect("counts are plain data");
        text.push(b'\n');
        Ok(files::write_public(&folder.join(format!("{}.json", counts.kind)), &text, Existing::Replace)?)
    }

    /// Writes the statement of these events as `statement.json` and `statement.txt`. Before the plan is in the ledger there is none.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn write_statement(&self, events: &[CoordinatorEvent]) -> Result<(), StoreError> {
        let Ok(facts) = Facts::read(events) else { return Ok(()) };
        let statement = Statement::of(&facts);
        let mut text = serde_json::to_vec_pretty(&statement).expect("a statement is plain data");
        text.push(b'\n');
        files::write_public(&self.folder.join("statement.json"), &text, Existing::Replace)?;
        let words = statement.to_string();
        Ok(files::write_public(&self.folder.join("statement.txt"), words.as_bytes(), Existing::Replace)?)
    }
}

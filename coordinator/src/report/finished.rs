//! The last event of a run.

use std::fmt;

use serde::Serialize;
use tributary_protocol::printable::counted;

/// The last event of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finished {
    /// The run's folder: statement and counts.
    pub folder: String,
    /// Whether every round was committed.
    pub complete: bool,
    /// The released model's parameters.
    pub model_file: String,
    /// Digest of the released model's parameters, as the ledger names them.
    pub model: String,
    /// The model in the registry, of which it is a candidate.
    pub registered: String,
    /// The ledger.
    pub ledger: String,
    /// Rounds committed.
    pub rounds: u32,
    /// Rounds started, each of which every participant may have charged.
    pub charged: u32,
    /// Epsilon spent by all of them, as it is enforced, for the unit of the mode; nothing without noise.
    pub epsilon: Option<f64>,
    /// In mode branch: the same for one customer of a branch.
    pub epsilon_customer: Option<f64>,
    /// Delta of that statement; nothing without noise.
    pub delta: Option<f64>,
    /// Noise standard deviation over sensitivity; nothing without noise.
    pub noise_multiplier: Option<f64>,
    /// Coordinates of the model.
    pub parameters: usize,
    /// From the first round's start to the last commit, within this process.
    pub seconds_rounds: f64,
    /// Of each committed round of this process, from start to commit.
    pub round_milliseconds: Vec<f64>,
    /// UDP bytes received from clients.
    pub bytes_up: u64,
    /// UDP bytes sent to clients.
    pub bytes_down: u64,
    /// CPU seconds of this process.
    pub cpu_seconds: Option<f64>,
    /// Of which before the first round: start, handshakes, key set-up.
    pub cpu_seconds_before: Option<f64>,
    /// Largest resident memory of this process.
    pub rss_bytes_max: Option<u64>,
}

impl fmt::Display for Finished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.complete { "complete" } else { "incomplete: the rounds that may be charged are used up" };
        write!(formatter, "finished, {how}: {}, {} charged", counted(self.rounds, "round"), self.charged)?;
        if let (Some(epsilon), Some(delta)) = (self.epsilon, self.delta) {
            write!(formatter, ", epsilon {epsilon:.4} at delta {delta:e}")?;
        }
        if let Some(customer) = self.epsilon_customer {
            write!(formatter, " for a branch, {customer:.4} for each of its customers")?;
        }
        write!(
            formatter,
            "\n  model   {}: a candidate; two people let branches use it (`tributary model promote`)\n  ledger  {}",
            self.registered, self.ledger
        )
    }
}

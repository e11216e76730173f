//! What the daemons print with `--events`, as far as the demo listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The coordinator's lines.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum CoordinatorLine {
    /// Clients can connect.
    Listening {
        /// Where.
        address: SocketAddr,
    },
    /// A client is connected.
    Joined {},
    /// A run of the plan begins.
    RunOpened {},
    /// A round is in the model.
    Round(Round),
    /// A round was counted, and its counts are kept.
    Counted(Counted),
    /// A branch says what it has of a model.
    ModelCopy {
        /// The model.
        model: String,
        /// `kept`, `deleted` or `refused`.
        state: String,
    },
    /// A round or a key set-up ended without a sum.
    Aborted {
        /// Why.
        reason: String,
    },
    /// The plan is over.
    Finished(Box<CoordinatorFinished>),
    /// Anything else.
    #[serde(other)]
    Other,
}

/// A committed round.
#[derive(Debug, Deserialize)]
pub(super) struct Round {
    /// Updates in the sum.
    pub(super) survivors: usize,
    /// Mean loss, noise included.
    pub(super) loss: Option<f64>,
    /// Epsilon spent so far.
    pub(super) epsilon: Option<f64>,
    /// From start to commit.
    pub(super) milliseconds: f64,
}

/// A committed round of a stage that counts.
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    /// Number of the stage, from 1.
    pub(super) stage: u16,
    /// Its kind.
    pub(super) kind: String,
    /// Updates in the sum.
    pub(super) survivors: usize,
    /// Epsilon spent so far.
    pub(super) epsilon: Option<f64>,
}

impl Counted {
    /// The file of the counts, in the folder `counts` of the coordinator's state.
    pub(super) fn file(&self) -> String {
        format!("{}-{}.json", self.stage, self.kind)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, kind, survivors, epsilon } = self;
        write!(formatter, "stage {stage} ({kind}): counts of {survivors} branches")?;
        epsilon.map_or(Ok(()), |epsilon| write!(formatter, ", epsilon {epsilon:.4}"))
    }
}

/// The coordinator's last line.
#[derive(Debug, Deserialize)]
pub(super) struct CoordinatorFinished {
    /// The run's folder.
    pub(super) folder: PathBuf,
    /// Whether every round was committed.
    pub(super) complete: bool,
    /// The released model's parameters.
    pub(super) model_file: String,
    /// The ledger.
    pub(super) ledger: String,
    /// Rounds committed, of all stages.
    pub(super) rounds: u32,
    /// Epsilon spent by all rounds that were started, as it is enforced, for the unit of the mode.
    pub(super) epsilon: Option<f64>,
    /// In mode branch: the same for one customer of a branch.
    pub(super) epsilon_customer: Option<f64>,
    /// Delta of that statement.
    pub(super) delta: Option<f64>,
    /// Guaranteed noise over sensitivity.
    pub(super) noise_multiplier: Option<f64>,
    /// Coordinates of the model.
    pub(super) parameters: usize,
    /// From the first round's start to the last commit.
    pub(super) seconds_rounds: f64,
    /// Of each committed round.
    pub(super) round_milliseconds: Vec<f64>,
    /// UDP bytes from clients.
    pub(super) bytes_up: u64,
    /// UDP bytes to clients.
    pub(super) bytes_down: u64,
    /// CPU seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// Largest resident memory.
    pub(super) rss_bytes_max: Option<u64>,
}

/// A client's lines.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum ClientLine {
    /// It refused or was refused.
    Refused {
        /// Why.
        reason: String,
    },
    /// The plan is over.
    Finished(ClientFinished),
    /// Anything else.
    #[serde(other)]
    Other,
}

/// A client's last line.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct ClientFinished {
    /// CPU seconds.
    pub(super) cpu_seconds: f64,
    /// Of these in training.
    pub(super) cpu_seconds_training: f64,
    /// Of these in drawing noise.
    pub(super) cpu_seconds_noise: f64,
}

/// Reads a line of a process.
///
/// # Errors
/// If it is not one of the daemons' lines.
pub(super) fn parse<T: DeserializeOwned>(name: &str, line: &str) -> anyhow::Result<T> {
    serde_json::from_str(line).with_context(|| format!("{name} printed a line that is no event: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_names_its_stage() {
        let line = r#"{"event":"counted","round":9,"stage":3,"kind":"evaluate","survivors":8,"epsilon":0.75}"#;
        let CoordinatorLine::Counted(counted) = parse("c", line).unwrap() else { panic!() };
        assert_eq!((counted.file(), counted.epsilon), ("3-evaluate.json".into(), Some(0.75)));
        assert_eq!(counted.to_string(), "stage 3 (evaluate): counts of 8 branches, epsilon 0.7500");
    }

    #[test]
    fn unknown_events_and_keys_are_passed_over() {
        let line = r#"{"event":"session","session":"ab","cohort":9}"#;
        assert!(matches!(parse("c", line).unwrap(), CoordinatorLine::Other));
        let line = r#"{"event":"listening","address":"127.0.0.1:4","plan":"x","enrolled":9}"#;
        assert!(matches!(parse("c", line).unwrap(), CoordinatorLine::Listening { address } if address.port() == 4));
        let line = r#"{"event":"aborted","round":null,"reason":"x"}"#;
        assert!(matches!(parse("c", line).unwrap(), CoordinatorLine::Aborted { reason } if reason == "x"));
        assert!(matches!(parse("c", r#"{"event":"joined","client":3}"#).unwrap(), CoordinatorLine::Joined {}));
        assert!(parse::<CoordinatorLine>("c", "hello").unwrap_err().to_string().contains("no event"));
    }
}

//! What an evaluation holds. Sentences are codes, so that a page says them in the language of its reader.

use serde::{Deserialize, Serialize};

use crate::attacks::Attacks;
use crate::card::{Input, WeakField};
use crate::paper::Body;
use crate::report::{FigureLine, GateLine};

/// An evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The layout.
    pub format: u32,
    /// The program and its version.
    pub generator: String,
    /// When it was made, in seconds of the Unix clock.
    pub made_at: u64,
    /// Why there is a model.
    pub background: Background,
    /// What is evaluated.
    pub target: Target,
    /// How.
    pub method: Method,
    /// What was found.
    pub result: Found,
    /// What follows.
    pub conclusion: Conclusion,
}

/// Why there is a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// Its purpose.
    pub purpose: String,
    /// The law or the consent on which the learning rests.
    pub legal_basis: String,
    /// The assessment of its impact, by its reference.
    pub assessment: String,
    /// The ticket of the institution's own change process.
    pub ticket: String,
    /// Who put the plan forward.
    pub owner: String,
    /// Who approved it.
    pub approver: String,
    /// In the plan's words.
    pub intended: String,
    /// In the plan's words.
    pub prohibited: String,
    /// How much depends on it.
    pub materiality: String,
}

/// What is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Digest of the model.
    pub model: String,
    /// What it may be used for when the evaluation is made.
    pub state: String,
    /// The plan's name.
    pub plan_name: String,
    /// Its digest.
    pub plan: String,
    /// The run.
    pub run: u32,
    /// Digest of the model card.
    pub card: String,
    /// Numbers of the model.
    pub parameters: u64,
    /// The day of which the data were, where the plan declares one.
    pub as_of: Option<String>,
    /// First and last day of the run.
    pub run_days: [String; 2],
    /// The roster's group of branches.
    pub group: String,
    /// The customers that the plan assumes.
    pub customers_nominal: u64,
    /// The fields from which it learnt.
    pub inputs: Vec<Input>,
    /// What it predicts.
    pub labels: Vec<String>,
}

/// How it was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The plan's privacy mode.
    pub mode: String,
    /// The stages of the plan.
    pub stages: Vec<StageOf>,
    /// What was done: `secure-aggregation`, `differential-privacy`, `evaluated-under-privacy`, `gates`, `attacks`, `validated`.
    pub means: Vec<String>,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageOf {
    /// Its kind.
    pub kind: String,
    /// Its rounds.
    pub rounds: u32,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// What the run has spent for the unit of its mode; nothing without noise.
    pub epsilon: Option<String>,
    /// At which delta.
    pub delta: Option<String>,
    /// Figures with the intervals of their noise.
    pub figures: Vec<FigureLine>,
    /// Gates of the plan, with the newest report.
    pub gates: Vec<GateLine>,
    /// Fields whose importance is below the noise.
    pub below_noise: Vec<WeakField>,
    /// The newest report of attacks; nothing where the model was not tested.
    pub attacks: Option<Attacks>,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conclusion {
    /// `usable`, `usable-with-conditions`, `not-validated`, or `not-usable`.
    pub verdict: String,
    /// Why: `alarm`, `ended`, `gate-fails`, `no-report`, `no-attacks`, `incomplete`, `over`.
    pub why: Vec<String>,
    /// The validator.
    pub validator: Option<String>,
    /// What that person found.
    pub findings: Option<String>,
    /// Under which conditions it is used.
    pub conditions: Vec<String>,
    /// The last day of the validation.
    pub valid_until: Option<String>,
    /// Limits of use, as the card has them.
    pub limits: Vec<String>,
    /// The day of the next review at the latest.
    pub review_by: String,
}

impl Body for Evaluation {
    const KIND: &'static str = "EVALUATION";
    const WHAT: &'static str = "evaluation";
    const FORMAT: u32 = 1;

    fn format(&self) -> u32 {
        self.format
    }
}

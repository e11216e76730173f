//! What suits so many customers, and what it is worth.

use serde::Serialize;

use crate::prediction::Prediction;

/// How a model is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Additive tables, in stages.
    Staged,
    /// Logistic regression by clipped gradients.
    Logistic,
    /// A perceptron by clipped gradients.
    Perceptron,
    /// Logistic regression by local steps, each with the branch's own noise.
    Local,
}

impl Method {
    /// Those of mode customer.
    pub const ALL: [Self; 3] = [Self::Staged, Self::Logistic, Self::Perceptron];
}

/// What a plan is worth, by what it is predicted to lose against a model without noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing worth its epsilon.
    Nothing,
    /// Rough lists.
    Rough,
    /// Good lists.
    Good,
    /// Hardly anything is lost.
    Full,
}

/// Smallest predicted area of each verdict above the last one, where a model without noise has 0.76, and the least part that it explains.
const LEAST: [(Verdict, f64, f64); 3] =
    [(Verdict::Full, 0.75, 0.75), (Verdict::Good, 0.735, 0.5), (Verdict::Rough, 0.65, 0.15)];

impl Verdict {
    /// Of a prediction.
    #[must_use]
    pub fn of(predicted: &Prediction) -> Self {
        let reached =
            |(_, auc, explained): &&(Self, f64, f64)| predicted.auc >= *auc && predicted.explained >= *explained;
        LEAST.iter().find(reached).map_or(Self::Nothing, |(verdict, ..)| *verdict)
    }

    pub(super) fn next(self) -> Option<Self> {
        LEAST.iter().map(|(verdict, ..)| *verdict).rev().find(|verdict| *verdict > self)
    }
}

/// One way to learn, with its price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// How it learns.
    pub method: Method,
    /// Rounds of training.
    pub rounds: u32,
    /// Of the optimizer; absent for additive learning, whose steps follow from the noise.
    pub learning_rate: Option<f64>,
    /// What is to be expected of it.
    pub predicted: Prediction,
    /// Coordinates of a round's vector.
    pub dimension: u32,
    /// Bytes that a branch sends in a run.
    pub bytes_up: u64,
    /// Bytes that a branch is sent in a run.
    pub bytes_down: u64,
    /// Seconds that a run takes, where a branch's line carries [`BITS_A_SECOND`] with [`WAY_SECONDS`] from end to end.
    pub seconds: f64,
}

/// Of a branch's line, as the estimate of time takes it: 10 Mbit/s.
pub const BITS_A_SECOND: f64 = 1e7;
/// From one end of the line to the other, in seconds.
pub const WAY_SECONDS: f64 = 0.025;

/// What would change the answer, with the area that is then predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Help {
    /// What is changed.
    pub change: Change,
    /// The area of the best choice after it.
    pub auc: f64,
}

/// What can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Twice as many branches, with as many customers each.
    MoreBranches,
    /// Half as many fields.
    FewerFields,
    /// Twice the epsilon of a run.
    LargerEpsilon,
    /// Mode local instead, in which no branch relies on the others' noise.
    ModeLocal,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Customers of all branches.
    pub customers: u64,
    /// Branches.
    pub branches: u32,
    /// Fields.
    pub fields: usize,
    /// Epsilon of one run.
    pub epsilon: f64,
    /// Delta of it.
    pub delta: f64,
    /// Runs in a year, where a year's budget is given.
    pub runs_a_year: Option<u32>,
    /// The year's budget.
    pub epsilon_year: Option<f64>,
    /// What it is worth.
    pub verdict: Verdict,
    /// The best choice.
    pub proposed: Choice,
    /// The best choice of each other method.
    pub others: Vec<Choice>,
    /// The next verdict, and the customers at which the best choice reaches it, where so many can be named.
    pub next: Option<(Verdict, u64)>,
    /// What would help.
    pub helps: Vec<Help>,
}

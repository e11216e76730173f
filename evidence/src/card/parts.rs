//! What a card holds. Sentences are codes, so that a page says them in the language of its reader.

use serde::{Deserialize, Serialize};

use crate::paper::Body;
use crate::report::FigureLine;

/// A model card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The layout.
    pub format: u32,
    /// Digest of the model.
    pub model: String,
    /// What it is for: the plan's purpose.
    pub purpose: String,
    /// Digest of the plan.
    pub plan: String,
    /// Its name.
    pub plan_name: String,
    /// Number of the run, from 1.
    pub run: u32,
    /// Who put the plan forward.
    pub owner: String,
    /// The model from which the run began, where that was a registered one.
    pub parent: Option<String>,
    /// When the card was made, in seconds of the Unix clock.
    pub made_at: u64,
    /// What it may be used for, and what not.
    pub use_of_it: Use,
    /// From what it learnt.
    pub learnt_from: LearntFrom,
    /// What protected the customers.
    pub privacy: Privacy,
    /// Figures of the run's evaluation, with the intervals of their noise.
    pub figures: Vec<FigureLine>,
    /// Which fields matter to it.
    pub fields: Fields,
    /// When somebody looks at it again.
    pub review: Review,
}

/// What a model may be used for, and what not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// In the plan's words.
    pub intended: String,
    /// In the plan's words.
    pub prohibited: String,
    /// How much depends on it: `low`, `medium` or `high`.
    pub materiality: String,
    /// What is known of where it is not to be relied on: `group`, `incomplete`, `not-evaluated`, `noise-alone`, `groups-not-compared`,
    /// `fields-not-compared`, `no-noise`.
    pub limits: Vec<String>,
}

/// From what a model learnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearntFrom {
    /// The law or the consent on which the learning rests.
    pub legal_basis: String,
    /// Data assets, by the institution's register.
    pub assets: Vec<String>,
    /// The day of which the data were, where the plan declares one.
    pub as_of: Option<String>,
    /// The first day of the run, of UTC.
    pub run_begun: String,
    /// The last one.
    pub run_ended: String,
    /// The number of customers that the plan assumes.
    pub customers_nominal: u64,
    /// The roster's group of branches.
    pub group: String,
    /// Digest of the schema.
    pub schema: String,
    /// The fields from which it learnt.
    pub inputs: Vec<Input>,
    /// Fields by which groups of customers were compared, and from which it did not learn.
    pub audited: Vec<Input>,
    /// What it predicts.
    pub labels: Vec<String>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its class (JR/T 0171-2020).
    pub class: String,
    /// Its level (JR/T 0197-2020).
    pub level: String,
}

/// What protected the customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The plan's mode.
    pub mode: String,
    /// What the run has spent for the unit of that mode; nothing without noise.
    pub epsilon: Option<String>,
    /// At which delta.
    pub delta: Option<String>,
    /// Digest of the privacy statement.
    pub statement: String,
    /// Rounds committed.
    pub rounds: u32,
    /// Whether every round of the plan was.
    pub complete: bool,
}

/// Which fields matter to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// `measured`, or why not: `no-counts`, `not-additive`.
    pub importance: String,
    /// Fields whose importance is below the noise of the training: they may well say nothing.
    pub below_noise: Vec<WeakField>,
}

/// A field that may well say nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeakField {
    /// The label.
    pub label: String,
    /// The field.
    pub field: String,
}

/// When somebody looks at a model again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// On this day at the latest, as the plan says.
    pub by: String,
    /// What demands it before: `schema`, `gates-end`, `stability`, `attacks`, `no-limits`.
    pub when: Vec<String>,
}

impl Body for Card {
    const KIND: &'static str = "CARD";
    const WHAT: &'static str = "model card";
    const FORMAT: u32 = 2;

    fn format(&self) -> u32 {
        self.format
    }
}

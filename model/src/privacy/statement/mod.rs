//! The privacy statement of a plan, and of the model that it gave: in figures, in words, and as answers to the questions of NIST SP 800-226.
//!
//! Everything in it follows from the coordinator's ledger: the plan whole, and what was charged. Whoever has the ledger makes the same
//! statement again, byte for byte.

mod changes;
mod facts;
mod protection;
mod questions;
mod words;

use serde::Serialize;

pub use facts::{Facts, NothingStated};
pub use protection::Protection;
pub use questions::Answer;

/// What a plan promises, what has happened, and what neither covers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// The plan's name.
    pub plan_name: String,
    /// Digest of the plan.
    pub plan: String,
    /// What the model is for.
    pub purpose: String,
    /// The group of the signed roster from which cohorts are chosen.
    pub group: String,
    /// Its members, of which a coalition in the form `fraction` is counted.
    pub group_size: u32,
    /// `customer`, `local`, `branch` or `none`.
    pub mode: &'static str,
    /// Whose presence is hidden.
    pub unit: String,
    /// Which two data sets cannot be told apart.
    pub neighbours: String,
    /// The promise in one sentence.
    pub claim: String,
    /// Digest of the released model, once there is one.
    pub model: Option<String>,
    /// The figures.
    pub figures: Figures,
    /// Each kind of round: what it is for, and what it costs.
    pub releases: Vec<Release>,
    /// Who is protected from whom, and by what.
    pub protections: Vec<Protection>,
    /// Who sees what.
    pub visibility: Vec<String>,
    /// What has to be true for the claim.
    pub assumptions: Vec<String>,
    /// What is not promised.
    pub not_promised: Vec<String>,
    /// What earlier versions of this software guaranteed less well.
    pub changes: Vec<&'static str>,
    /// The 24 questions, answered from this run.
    pub questions: Vec<Answer>,
}

/// Epsilon in its forms. Nothing in a mode without noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Probability with which the claim may fail.
    pub delta: Option<f64>,
    /// Of everything that may be charged, by the Rényi bound that is enforced, for the unit of the mode.
    pub epsilon_plan: Option<f64>,
    /// Of everything that was charged so far, by the same bound.
    pub epsilon_spent: Option<f64>,
    /// In mode branch: of everything that may be charged, for one customer of a branch. Elsewhere the customer is the unit.
    pub epsilon_customer_plan: Option<f64>,
    /// In mode branch: of everything that was charged so far, for one customer of a branch.
    pub epsilon_customer_spent: Option<f64>,
    /// Of everything that was charged so far, exact without coins, by privacy loss distributions with them: tighter, and for
    /// continuous noise.
    pub epsilon_spent_tight: Option<f64>,
    /// Left for the unit of the mode where everybody else works together against it, over everything that may be charged.
    pub epsilon_collusion: Option<f64>,
    /// Standard deviation of the noise that is guaranteed in a training release, over the sensitivity.
    pub noise_multiplier: Option<f64>,
    /// Probability of a customer's secret coin; 1: everybody in every release.
    pub sampling_rate: f64,
    /// Rounds to commit.
    pub rounds: u32,
    /// Training rounds that were charged.
    pub rounds_charged: u32,
    /// Training rounds that may be charged.
    pub rounds_charged_max: u32,
    /// Fewest survivors of a sum that was opened; nothing before the first.
    pub survivors_fewest: Option<u32>,
    /// Fewest honest noise shares that such a sum was sure to hold.
    pub honest_fewest: Option<u32>,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
}

/// Everything of one kind that leaves the branches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Release {
    /// `training`, `statistics` or `evaluation`.
    pub kind: &'static str,
    /// What its numbers are.
    pub content: String,
    /// Numbers of one round.
    pub coordinates: usize,
    /// Rounds charged.
    pub charged: u32,
    /// Rounds that may be charged.
    pub charged_max: u32,
    /// Epsilon of those that may be charged, alone.
    pub epsilon_max: Option<f64>,
}

impl Statement {
    /// Makes the statement of a ledger.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let plan = facts.plan();
        let figures = facts.figures();
        Self {
            plan_name: plan.name.to_string(),
            plan: plan.digest().to_string(),
            purpose: plan.purpose.to_string(),
            group: plan.group.clone(),
            group_size: facts.group_size(),
            mode: plan.privacy.name(),
            unit: words::unit(plan),
            neighbours: words::neighbours(plan),
            claim: words::claim(plan, &figures),
            model: facts.released().map(|model| model.to_string()),
            figures,
            releases: facts.releases(),
            protections: protection::protections(facts, &figures),
            visibility: protection::visibility(plan),
            assumptions: words::assumptions(plan),
            not_promised: words::not_promised(plan),
            changes: changes::CHANGES.to_vec(),
            questions: questions::answers(facts, &figures),
        }
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        words::print(self, formatter)
    }
}

#[cfg(test)]
mod tests;

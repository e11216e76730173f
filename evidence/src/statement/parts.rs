//! What a statement holds.

use serde::Serialize;

/// The version of a statement's JSON form.
pub const STATEMENT_VERSION: u32 = 1;

/// The version of a statement's sentences. A sentence that changes raises it, so that a statement of another release is told from one that somebody
/// edited.
pub const STATEMENT_WORDING: u32 = 1;

/// What a plan promises, what has happened, and what neither covers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// The version of the JSON form.
    pub version: u32,
    /// The version of its sentences.
    pub wording: u32,
    /// The plan's name.
    pub plan_name: String,
    /// Digest of the plan.
    pub plan: String,
    /// Which of its runs, from 1.
    pub run: u32,
    /// How often it may run.
    pub runs: u32,
    /// What the model is for.
    pub purpose: String,
    /// Staff number of whoever put the plan forward.
    pub proposed_by: String,
    /// Staff number of whoever approved it.
    pub approved_by: String,
    /// The law or the consent on which it rests.
    pub legal_basis: String,
    /// The assessment of its impact, by the institution's register.
    pub assessment: String,
    /// What the model must not be used for.
    pub prohibited_use: String,
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
    /// Each stage: what it is for, and what it costs.
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
    /// Of everything that all runs may charge, by the Rényi bound that is enforced, for the unit of the mode.
    pub epsilon_plan: Option<f64>,
    /// Of everything that one run may charge, by the same bound.
    pub epsilon_run: Option<f64>,
    /// Of everything that this run has charged so far, by the same bound.
    pub epsilon_spent: Option<f64>,
    /// In mode branch: of everything that may be charged, for one customer of a branch. Elsewhere the customer is the unit.
    pub epsilon_customer_plan: Option<f64>,
    /// In mode branch: of everything that this run has charged so far, for one customer of a branch.
    pub epsilon_customer_spent: Option<f64>,
    /// Of everything that this run has charged so far, exact without coins, by privacy loss distributions with them: tighter, and for
    /// continuous noise.
    pub epsilon_spent_tight: Option<f64>,
    /// Left for the unit of the mode where everybody else works together against it, over everything that one run may charge.
    pub epsilon_collusion: Option<f64>,
    /// Rounds to commit, of all stages of one run.
    pub rounds: u32,
    /// Rounds that were charged.
    pub rounds_charged: u32,
    /// Rounds that one run may charge, retries included.
    pub rounds_charged_max: u32,
    /// Fewest survivors of a sum that was opened; nothing before the first.
    pub survivors_fewest: Option<u32>,
    /// Fewest honest noise shares that such a sum was sure to hold.
    pub honest_fewest: Option<u32>,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
}

/// Everything that leaves the branches in one stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Release {
    /// Its number in the plan, from 1.
    pub stage: u16,
    /// Its kind, as the plan has it.
    pub kind: String,
    /// What its numbers are.
    pub content: String,
    /// Numbers of one round.
    pub coordinates: usize,
    /// Rounds committed.
    pub committed: u32,
    /// Rounds charged.
    pub charged: u32,
    /// Rounds that may be charged, with every retry of the plan where it may retry.
    pub charged_max: u32,
    /// Standard deviation of the noise that is guaranteed in one release, over the sensitivity. Nothing without noise.
    pub noise_multiplier: Option<f64>,
    /// Probability of a customer's secret coin; 1: everybody in every release.
    pub sampling_rate: f64,
    /// Epsilon of those that may be charged, alone.
    pub epsilon_max: Option<f64>,
}

/// What one kind of participant is protected from, whatever happens outside that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protection {
    /// Which participants.
    pub who: String,
    /// Who may work together against them.
    pub against: String,
    /// What protects them.
    pub by: String,
    /// Epsilon of one round, the dearest. Nothing without noise.
    pub epsilon_round: Option<f64>,
    /// Epsilon of everything that one run may charge. Nothing without noise.
    pub epsilon_run: Option<f64>,
}

/// A question and what this run says to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// From 1 to 24.
    pub number: u32,
    /// What is asked.
    pub question: &'static str,
    /// What this run says.
    pub answer: String,
}

//! `tributary client budget`: what was spent, what is left, and how far it reaches.

mod plans;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::privacy::Unit;
use tributary_protocol::round::{BudgetFault, BudgetRecord, ParticipantEvent};
use tributary_protocol::time::Millis;

pub use self::plans::{PlanBudget, RunBudget, StageBudget};
use crate::policy::BranchPolicy;

/// A branch's budget, for life and for each run of each plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// Whose budget it is.
    pub population: String,
    /// Delta of every epsilon here.
    pub delta: f64,
    /// Epsilon charged for a customer's life, by the bound that is enforced. Nothing where a charge has no finite epsilon.
    pub epsilon_spent: Option<f64>,
    /// Epsilon allowed for life.
    pub epsilon_cap: f64,
    /// The difference; 0 where nothing is left.
    pub epsilon_left: f64,
    /// Epsilon allowed for one plan, all its runs together.
    pub epsilon_plan_cap: f64,
    /// The branch's own account, where its policy admits mode branch or something was charged to it.
    pub branch: Option<BranchBudget>,
    /// How much noise the branch adds: `share` or `full`.
    pub own_noise: &'static str,
    /// Rounds charged within the last 24 hours.
    pub rounds_today: usize,
    /// Rounds allowed within 24 hours.
    pub rounds_a_day: u32,
    /// Charges and adoptions of the file, and one for its first use; what the coordinator and the other members see.
    pub counter: u64,
    /// Digest of the newest head that was signed for a run.
    pub head: Option<String>,
    /// The file takes the place of a lost one, and has adopted nothing yet.
    pub awaits_head: bool,
    /// How often the file was an older copy and adopted a head that the coordinator showed.
    pub heads_adopted: u32,
    /// Every plan of which a run was admitted, in the order of the file.
    pub plans: Vec<PlanBudget>,
    /// Runs of plans that this file never admitted: an adopted head says that they were charged. What they cost is in what was spent.
    pub runs_of_unknown_plans: usize,
}

/// What was charged to the branch as one unit. No part of it is a customer's, and the reverse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BranchBudget {
    /// Epsilon charged for life.
    pub epsilon_spent: Option<f64>,
    /// Epsilon allowed for life; nothing where the policy admits none.
    pub epsilon_cap: Option<f64>,
    /// The difference; 0 where nothing is left.
    pub epsilon_left: f64,
    /// Epsilon allowed for one plan, all its runs together.
    pub epsilon_plan_cap: Option<f64>,
}

impl Budget {
    /// Reads the events of a budget file under the policy in force, at a time of this machine's clock.
    ///
    /// # Errors
    /// The first entry that breaks a rule: what such a file says is not to be believed.
    pub fn read(policy: &BranchPolicy, events: &[ParticipantEvent], now: Millis) -> Result<Self, BudgetFault> {
        let record = BudgetRecord::replay(events)?;
        let spent = plans::epsilon(policy, Unit::Customer, &record.spent);
        let adopted = events.iter().filter(|event| matches!(event, ParticipantEvent::HeadAdopted { .. })).count();
        let head = events.iter().rev().find_map(|event| match event {
            ParticipantEvent::HeadSigned { head } => Some(head.canonical().finish().to_string()),
            _ => None,
        });
        let plans = plans::of(policy, &record, events);
        let known: usize = plans.iter().map(|plan| plan.runs.len()).sum();
        let runs: BTreeSet<_> = record.runs.keys().chain(record.accepted.keys()).collect();
        Ok(Self {
            population: record.population.clone().unwrap_or_else(|| policy.population.clone()),
            delta: policy.delta,
            epsilon_spent: spent,
            epsilon_cap: policy.epsilon_life,
            epsilon_left: left(policy.epsilon_life, spent),
            epsilon_plan_cap: policy.epsilon_plan,
            branch: BranchBudget::of(policy, &record),
            own_noise: policy.own_noise.name(),
            rounds_today: record.charged_within_a_day(now),
            rounds_a_day: policy.rounds_a_day,
            counter: record.counter,
            head,
            awaits_head: record.awaits_head,
            heads_adopted: u32::try_from(adopted).unwrap_or(u32::MAX),
            plans,
            runs_of_unknown_plans: runs.len().saturating_sub(known),
        })
    }
}

impl BranchBudget {
    fn of(policy: &BranchPolicy, record: &BudgetRecord) -> Option<Self> {
        let spent = plans::epsilon(policy, Unit::Branch, &record.spent);
        let cap = policy.epsilon_branch;
        (cap.is_some() || spent != Some(0.0)).then(|| Self {
            epsilon_spent: spent,
            epsilon_cap: cap.map(|cap| cap.life),
            epsilon_left: left(cap.map_or(0.0, |cap| cap.life), spent),
            epsilon_plan_cap: cap.map(|cap| cap.plan),
        })
    }
}

/// What is left of an epsilon; nothing where the spend has none.
fn left(cap: f64, spent: Option<f64>) -> f64 {
    spent.map_or(0.0, |spent| (cap - spent).max(0.0))
}

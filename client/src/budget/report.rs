//! `tributary client budget`: what was spent and what is reserved, what is left, and how far it reaches.

mod part;
mod plans;
#[cfg(test)]
mod tests;
mod words;
mod year;

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::privacy::Unit;
use tributary_protocol::round::{BudgetFault, BudgetRecord, ParticipantEvent};
use tributary_protocol::time::Millis;

use self::part::Part;
pub use self::plans::{PlanBudget, RunBudget, StageBudget};
pub use self::year::{Fall, YearBudget};
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
    /// What open runs add to that with all that they may still charge. They have reserved it, and no other run is paid from it.
    pub epsilon_reserved: Option<f64>,
    /// Epsilon allowed for life.
    pub epsilon_cap: f64,
    /// What is neither spent nor reserved; 0 where nothing is left.
    pub epsilon_left: f64,
    /// The same of a year: the present day and the 364 or 365 before it.
    pub year: YearBudget,
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
    /// Deviations: how often and how the caps were raised above those that the file had seen.
    pub cap_raises: Vec<CapRaiseNote>,
    /// Every plan of which a run was admitted, in the order of the file.
    pub plans: Vec<PlanBudget>,
    /// Runs of plans that this file never admitted: an adopted head says that they were charged. What they cost is in what was spent.
    pub runs_of_unknown_plans: usize,
}

/// A raise of the caps, as the file has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapRaiseNote {
    /// Epsilon for life before.
    pub epsilon_life_before: f64,
    /// Epsilon for life after.
    pub epsilon_life: f64,
    /// Epsilon of a year before.
    pub epsilon_year_before: f64,
    /// Epsilon of a year after.
    pub epsilon_year: f64,
    /// The privacy officer who signed beside the owner.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// Where that was decided.
    pub ticket: String,
}

impl CapRaiseNote {
    fn of(event: &ParticipantEvent) -> Option<Self> {
        let ParticipantEvent::CapRaised { raise, officer, .. } = event else { return None };
        let [epsilon_life_before, epsilon_life, epsilon_year_before, epsilon_year] =
            [raise.from.life_bits, raise.to.life_bits, raise.from.year_bits, raise.to.year_bits].map(f64::from_bits);
        Some(Self {
            epsilon_life_before,
            epsilon_life,
            epsilon_year_before,
            epsilon_year,
            officer: officer.staff.to_string(),
            reason: raise.reason.to_string(),
            ticket: raise.ticket.to_string(),
        })
    }
}

/// What was charged to the branch as one unit. No part of it is a customer's, and the reverse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BranchBudget {
    /// Epsilon charged for life.
    pub epsilon_spent: Option<f64>,
    /// What open runs add to that with all that they may still charge.
    pub epsilon_reserved: Option<f64>,
    /// Epsilon allowed for life; nothing where the policy admits none.
    pub epsilon_cap: Option<f64>,
    /// What is neither spent nor reserved; 0 where nothing is left.
    pub epsilon_left: f64,
    /// The same of a year.
    pub year: YearBudget,
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
        let life = Part::of(policy, Unit::Customer, (&record.spent, &record.reserved()), policy.epsilon_life);
        let adopted = events.iter().filter(|event| matches!(event, ParticipantEvent::HeadAdopted { .. })).count();
        let head = events.iter().rev().find_map(|event| match event {
            ParticipantEvent::HeadSigned { head } => Some(head.canonical().finish().to_string()),
            _ => None,
        });
        let plans = plans::of(policy, &record, events, now);
        let known: usize = plans.iter().map(|plan| plan.runs.len()).sum();
        let runs: BTreeSet<_> = record.runs.keys().chain(record.accepted.keys()).collect();
        Ok(Self {
            population: record.population.clone().unwrap_or_else(|| policy.population.clone()),
            delta: policy.delta,
            epsilon_spent: life.spent,
            epsilon_reserved: life.reserved,
            epsilon_cap: policy.epsilon_life,
            epsilon_left: life.left,
            year: YearBudget::of(policy, Unit::Customer, (&record, now), policy.epsilon_year),
            epsilon_plan_cap: policy.epsilon_plan,
            branch: BranchBudget::of(policy, &record, now),
            own_noise: policy.own_noise.name(),
            rounds_today: record.charged_within_a_day(now),
            rounds_a_day: policy.rounds_a_day,
            counter: record.counter,
            head,
            awaits_head: record.awaits_head,
            heads_adopted: u32::try_from(adopted).unwrap_or(u32::MAX),
            cap_raises: events.iter().filter_map(CapRaiseNote::of).collect(),
            plans,
            runs_of_unknown_plans: runs.len().saturating_sub(known),
        })
    }
}

impl BranchBudget {
    fn of(policy: &BranchPolicy, record: &BudgetRecord, now: Millis) -> Option<Self> {
        let cap = policy.epsilon_branch;
        let [most, year] = cap.map_or([0.0; 2], |cap| [cap.life, cap.year]);
        let life = Part::of(policy, Unit::Branch, (&record.spent, &record.reserved()), most);
        (cap.is_some() || life.spent != Some(0.0)).then(|| Self {
            epsilon_spent: life.spent,
            epsilon_reserved: life.reserved,
            epsilon_cap: cap.map(|cap| cap.life),
            epsilon_left: life.left,
            year: YearBudget::of(policy, Unit::Branch, (record, now), year),
            epsilon_plan_cap: cap.map(|cap| cap.plan),
        })
    }
}

//! `tributary client budget`: what was spent, what is left, and how far it reaches.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::digest::Digest;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::plan::{PrivacyMode, RoundKind};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{ParticipantEvent, ParticipantRecord};

use crate::policy::BranchPolicy;

/// A branch's budget, for life and for each plan.
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
    /// Epsilon allowed for one plan.
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
    /// Digest of the newest head that was signed for a plan.
    pub head: Option<String>,
    /// The file takes the place of a lost one, and has adopted nothing yet.
    pub awaits_head: bool,
    /// How often the file was an older copy and adopted a head that the coordinator showed.
    pub heads_adopted: u32,
    /// Every plan that was admitted or charged, in the order of the file.
    pub plans: Vec<PlanBudget>,
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
    /// Epsilon allowed for one plan.
    pub epsilon_plan_cap: Option<f64>,
}

/// What one plan was charged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanBudget {
    /// Digest of the plan.
    pub plan: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Its privacy mode.
    pub mode: &'static str,
    /// Rounds charged, by kind.
    pub rounds: RoundCounts,
    /// Epsilon of them alone, for a customer.
    pub epsilon_spent: Option<f64>,
    /// Epsilon of everything that the plan may charge, for a customer.
    pub epsilon_max: Option<f64>,
    /// Epsilon of them alone for the branch as one unit; nothing in a mode that does not protect it.
    pub epsilon_branch_spent: Option<f64>,
    /// Epsilon of everything that the plan may charge the branch as one unit.
    pub epsilon_branch_max: Option<f64>,
    /// Training rounds that the plan may still charge.
    pub rounds_left_in_plan: u32,
    /// Training rounds of this plan's noise that the budget for life still pays for, were the plan to go on for ever; nothing where a round is
    /// free.
    pub rounds_left_for_life: Option<u64>,
}

/// Rounds by kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RoundCounts {
    /// Training.
    pub training: u32,
    /// Statistics.
    pub statistics: u32,
    /// Evaluation.
    pub evaluation: u32,
}

/// A plan as it was admitted.
struct Terms {
    plan: Digest,
    name: String,
    purpose: String,
    mode: &'static str,
    charge: Accounts,
    charge_max: Accounts,
    rounds_charged_max: u32,
}

impl Budget {
    /// Reads the events of a budget file under the policy in force, at a time of this machine's clock.
    #[must_use]
    pub fn read(policy: &BranchPolicy, events: &[ParticipantEvent], now: tributary_protocol::time::Millis) -> Self {
        let record = ParticipantRecord::replay(events);
        let delta = policy.delta;
        let spent = epsilon_of(&record.spent.customer, delta).0;
        let mut terms: Vec<Terms> = Vec::new();
        let (mut heads_adopted, mut head) = (0_u32, None);
        for event in events {
            match event {
                ParticipantEvent::PlanAccepted {
                    plan,
                    name,
                    purpose,
                    privacy,
                    charge,
                    charge_max,
                    rounds_charged_max,
                } if terms.iter().all(|known| known.plan != *plan) => terms.push(Terms {
                    plan: *plan,
                    name: name.to_string(),
                    purpose: purpose.to_string(),
                    mode: privacy.name(),
                    charge: charge.clone(),
                    charge_max: charge_max.clone(),
                    rounds_charged_max: *rounds_charged_max,
                }),
                ParticipantEvent::HeadAdopted { .. } => heads_adopted = heads_adopted.saturating_add(1),
                ParticipantEvent::HeadSigned { head: signed } => head = Some(signed.canonical().finish().to_string()),
                _ => {}
            }
        }
        Self {
            population: record.population.clone().unwrap_or_else(|| policy.population.clone()),
            delta,
            epsilon_spent: finite(spent),
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
            heads_adopted,
            plans: terms.into_iter().map(|terms| PlanBudget::of(policy, &record, terms)).collect(),
        }
    }
}

impl BranchBudget {
    fn of(policy: &BranchPolicy, record: &ParticipantRecord) -> Option<Self> {
        let spent = epsilon_of(&record.spent.branch, policy.delta).0;
        let cap = policy.epsilon_branch;
        (cap.is_some() || spent > 0.0).then(|| Self {
            epsilon_spent: finite(spent),
            epsilon_cap: cap.map(|cap| cap.life),
            epsilon_left: left(cap.map_or(0.0, |cap| cap.life), spent),
            epsilon_plan_cap: cap.map(|cap| cap.plan),
        })
    }
}

impl PlanBudget {
    fn of(policy: &BranchPolicy, record: &ParticipantRecord, terms: Terms) -> Self {
        let count = |kind| record.rounds_charged(&terms.plan, kind);
        let training = count(RoundKind::Train);
        let spent = record.plans.get(&terms.plan).map_or_else(Accounts::zero, |spend| spend.spent.clone());
        let epsilon = |unit, spent: &Accounts| finite(epsilon_of(spent.of(unit), policy.delta).0);
        let by_branch = terms.mode == PrivacyMode::Branch.name();
        Self {
            plan: terms.plan.to_string(),
            name: terms.name,
            purpose: terms.purpose,
            mode: terms.mode,
            rounds: RoundCounts {
                training,
                statistics: count(RoundKind::Statistics),
                evaluation: count(RoundKind::Evaluation),
            },
            epsilon_spent: epsilon(Unit::Customer, &spent),
            epsilon_max: epsilon(Unit::Customer, &terms.charge_max),
            epsilon_branch_spent: epsilon(Unit::Branch, &spent).filter(|_| by_branch),
            epsilon_branch_max: epsilon(Unit::Branch, &terms.charge_max).filter(|_| by_branch),
            rounds_left_in_plan: terms.rounds_charged_max.saturating_sub(training),
            rounds_left_for_life: affordable(&record.spent, &terms.charge, &policy.life_cap()),
        }
    }
}

/// How many more charges fit under a cap; nothing where they are free. Found by halving: more charges never fit where fewer do not.
fn affordable(spent: &Accounts, charge: &Accounts, cap: &Accounts) -> Option<u64> {
    if *charge == Accounts::zero() {
        return None;
    }
    let fits = |rounds: u64| spent.plus(&charge.times(rounds)).within(cap);
    if !fits(1) {
        return Some(0);
    }
    let (mut low, mut high) = (1, 2);
    while high < u64::MAX && fits(high) {
        (low, high) = (high, high.saturating_mul(2));
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// What is left of an epsilon; nothing where the spend has none.
fn left(cap: f64, spent: f64) -> f64 {
    if spent.is_finite() { (cap - spent).max(0.0) } else { 0.0 }
}

fn finite(epsilon: f64) -> Option<f64> {
    Some(epsilon).filter(|epsilon| epsilon.is_finite())
}

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |epsilon: Option<f64>| epsilon.map_or("unbounded".to_owned(), |epsilon| format!("{epsilon:.6}"));
        writeln!(out, "Budget of {} (delta {:e})", self.population, self.delta)?;
        writeln!(
            out,
            "  customers  epsilon {} spent of {:.6}, {:.6} left; {:.6} at most for one plan",
            shown(self.epsilon_spent),
            self.epsilon_cap,
            self.epsilon_left,
            self.epsilon_plan_cap
        )?;
        if let Some(BranchBudget { epsilon_spent, epsilon_cap, epsilon_left, epsilon_plan_cap }) = &self.branch {
            let [life, plan] = [epsilon_cap, epsilon_plan_cap].map(|cap| cap.unwrap_or_default());
            writeln!(
                out,
                "  branch     epsilon {} spent of {life:.6}, {epsilon_left:.6} left; {plan:.6} at most for one plan",
                shown(*epsilon_spent)
            )?;
        }
        writeln!(out, "  own noise  {}", self.own_noise)?;
        writeln!(out, "  today      {} of {} rounds within 24 hours", self.rounds_today, self.rounds_a_day)?;
        let head = self.head.as_deref().unwrap_or("none signed yet");
        writeln!(out, "  head       counter {}, digest {head}", self.counter)?;
        if self.awaits_head {
            writeln!(out, "  awaits     the newest head, which the coordinator has to show; nothing is spent before")?;
        }
        if self.heads_adopted > 0 {
            writeln!(
                out,
                "  restored   {} times the file was an older copy; what it had forgotten is counted",
                self.heads_adopted
            )?;
        }
        if self.plans.is_empty() {
            writeln!(out, "  no plan was admitted yet")?;
        }
        for plan in &self.plans {
            let PlanBudget { name, purpose, mode, rounds, epsilon_spent, epsilon_max, .. } = plan;
            writeln!(out, "  plan       \"{name}\" for {purpose}, mode {mode} ({})", plan.plan)?;
            writeln!(
                out,
                "             {} training, {} statistics, {} evaluation rounds: epsilon {} of at most {}",
                rounds.training,
                rounds.statistics,
                rounds.evaluation,
                shown(*epsilon_spent),
                shown(*epsilon_max)
            )?;
            if let Some(most) = plan.epsilon_branch_max {
                let spent = shown(plan.epsilon_branch_spent);
                writeln!(out, "             for the branch as one unit: epsilon {spent} of at most {most:.6}")?;
            }
            let life = plan.rounds_left_for_life.map_or("any number of".to_owned(), |rounds| rounds.to_string());
            writeln!(
                out,
                "             {} more training rounds in the plan; {life} such rounds under the budget for life",
                plan.rounds_left_in_plan
            )?;
        }
        Ok(())
    }
}

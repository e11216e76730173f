//! What each run of each plan was charged, and what the budget still pays for.

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Allowance, PrivacyMode, RunRef};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{BudgetRecord, ParticipantEvent, StageTerms};
use tributary_protocol::time::Millis;

use crate::policy::BranchPolicy;

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
    /// Epsilon of what all its runs were charged together, for a customer.
    pub epsilon_spent: Option<f64>,
    /// The same for the branch as one unit; nothing in a mode that does not protect it.
    pub epsilon_branch_spent: Option<f64>,
    /// Its runs that were admitted or charged, by number.
    pub runs: Vec<RunBudget>,
    /// Whole runs more that the budget for life pays for beside what is reserved, were the plan to allow any number; nothing where a run is free.
    pub runs_left_for_life: Option<u64>,
    /// The same of the year's budget, as it is today.
    pub runs_left_for_year: Option<u64>,
}

/// What one run was charged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunBudget {
    /// Its number, from 1.
    pub number: u32,
    /// Its stages, in order.
    pub stages: Vec<StageBudget>,
    /// Rounds beyond those of the stages that may be charged.
    pub retries: u32,
    /// Rounds beyond those of the stages that were charged.
    pub retries_used: u32,
    /// Rounds that the run may still charge, of all stages and retries included; none where it is over here.
    pub rounds_left: u32,
    /// Whether it is over here: nothing of it is reserved then.
    pub ended: bool,
    /// Epsilon of what it was charged, for a customer.
    pub epsilon_spent: Option<f64>,
    /// Epsilon of everything that it may charge, for a customer.
    pub epsilon_max: Option<f64>,
    /// Epsilon of what it was charged for the branch as one unit; nothing in a mode that does not protect it.
    pub epsilon_branch_spent: Option<f64>,
    /// Epsilon of everything that it may charge the branch as one unit.
    pub epsilon_branch_max: Option<f64>,
}

/// What one stage of a run was charged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageBudget {
    /// Its kind.
    pub kind: String,
    /// Rounds that it means to commit.
    pub rounds: u32,
    /// Rounds charged.
    pub charged: u32,
    /// Rounds of this stage's noise that the budget for life still pays for beside what is reserved, were it to go on for ever; nothing where a
    /// round is free.
    pub rounds_left_for_life: Option<u64>,
    /// The same of the year's budget, as it is today.
    pub rounds_left_for_year: Option<u64>,
}

/// A plan as a run of it was admitted. All its runs have the same terms.
struct Admitted<'a> {
    plan: Digest,
    name: String,
    purpose: String,
    mode: PrivacyMode,
    stages: &'a [StageTerms],
    retries: u32,
    charge_of_run: &'a Accounts,
}

/// What is left for charges to come: what was spent and is reserved, for life and in the year, with the caps of both.
struct Left {
    life: (Accounts, Accounts),
    year: (Accounts, Accounts),
}

impl Left {
    fn of(policy: &BranchPolicy, record: &BudgetRecord, now: Millis) -> Self {
        let reserved = record.reserved();
        Self {
            life: (record.spent.plus(&reserved), policy.life_cap()),
            year: (record.year.spent_at(now).plus(&reserved), policy.year_cap()),
        }
    }

    /// How many such charges fit, for life and in the year.
    fn affordable(&self, charge: &Accounts) -> [Option<u64>; 2] {
        [&self.life, &self.year].map(|(used, cap)| affordable(used, charge, cap))
    }
}

/// Every plan of which a run was admitted, in the order of the file.
pub(super) fn of(
    policy: &BranchPolicy,
    record: &BudgetRecord,
    events: &[ParticipantEvent],
    now: Millis,
) -> Vec<PlanBudget> {
    let left = Left::of(policy, record, now);
    let mut plans: Vec<Admitted<'_>> = Vec::new();
    for event in events {
        if let ParticipantEvent::RunAccepted { run, name, purpose, privacy, stages, retries, charge_max, .. } = event
            && plans.iter().all(|known| known.plan != run.plan)
        {
            plans.push(Admitted {
                plan: run.plan,
                name: name.to_string(),
                purpose: purpose.to_string(),
                mode: *privacy,
                stages,
                retries: *retries,
                charge_of_run: charge_max,
            });
        }
    }
    plans.iter().map(|admitted| admitted.budget(policy, record, &left)).collect()
}

impl Admitted<'_> {
    fn budget(&self, policy: &BranchPolicy, record: &BudgetRecord, left: &Left) -> PlanBudget {
        let [runs_left_for_life, runs_left_for_year] = left.affordable(self.charge_of_run);
        let known = record.accepted.keys().chain(record.runs.keys());
        let runs: BTreeSet<&RunRef> = known.filter(|run| run.plan == self.plan).collect();
        let spends = runs.iter().filter_map(|run| record.runs.get(run));
        let spent = spends.fold(Accounts::zero(), |sum, spend| sum.plus(&spend.spent));
        PlanBudget {
            plan: self.plan.to_string(),
            name: self.name.clone(),
            purpose: self.purpose.clone(),
            mode: self.mode.name(),
            epsilon_spent: epsilon(policy, Unit::Customer, &spent),
            epsilon_branch_spent: self.of_branch(policy, &spent),
            runs: runs.into_iter().map(|run| self.run(policy, (record, run), left)).collect(),
            runs_left_for_life,
            runs_left_for_year,
        }
    }

    fn run(&self, policy: &BranchPolicy, (record, run): (&BudgetRecord, &RunRef), left: &Left) -> RunBudget {
        let charged = record.charged(run);
        let spent = record.runs.get(run).map_or_else(Accounts::zero, |spend| spend.spent.clone());
        let allowance = Allowance::new(self.stages.iter().map(|stage| (stage.rounds, &stage.charge)), self.retries);
        let retries_used = allowance.retries_used(&charged.rounds);
        let stages = self.stages.iter().enumerate().map(|(number, terms)| {
            let [rounds_left_for_life, rounds_left_for_year] = left.affordable(&terms.charge);
            StageBudget {
                kind: terms.kind.clone(),
                rounds: terms.rounds,
                charged: charged.of(number),
                rounds_left_for_life,
                rounds_left_for_year,
            }
        });
        let stages: Vec<StageBudget> = stages.collect();
        let ended = record.accepted.contains_key(run) && !record.is_open(run);
        let own = stages.iter().map(|stage| stage.rounds.saturating_sub(stage.charged));
        let rounds_left = own.fold(self.retries.saturating_sub(retries_used), u32::saturating_add);
        let rounds_left = if ended { 0 } else { rounds_left };
        RunBudget {
            number: run.number,
            stages,
            retries: self.retries,
            retries_used,
            rounds_left,
            ended,
            epsilon_spent: epsilon(policy, Unit::Customer, &spent),
            epsilon_max: epsilon(policy, Unit::Customer, self.charge_of_run),
            epsilon_branch_spent: self.of_branch(policy, &spent),
            epsilon_branch_max: self.of_branch(policy, self.charge_of_run),
        }
    }

    fn of_branch(&self, policy: &BranchPolicy, spent: &Accounts) -> Option<f64> {
        epsilon(policy, Unit::Branch, spent).filter(|_| self.mode == PrivacyMode::Branch)
    }
}

/// The epsilon of a spend at the policy's delta; nothing where it has no finite one.
pub(super) fn epsilon(policy: &BranchPolicy, unit: Unit, spent: &Accounts) -> Option<f64> {
    Some(epsilon_of(spent.of(unit), policy.delta).0).filter(|epsilon| epsilon.is_finite())
}

/// How many more charges fit under a cap; nothing where they are free. Found by halving: more charges never fit where fewer do not.
pub(super) fn affordable(spent: &Accounts, charge: &Accounts, cap: &Accounts) -> Option<u64> {
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

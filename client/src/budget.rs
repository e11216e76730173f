//! The budget file, and `tributary client budget`: what was spent, what is left, and how far it reaches.

use std::fmt;

use serde::Serialize;
use tributary_certs::budget::BudgetMark;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::suite::RealSuite;
use tributary_journal::Journal;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::budget::population_digest;
use tributary_protocol::digest::Digest;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::plan::{PrivacyMode, RoundKind};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{ParticipantEvent, ParticipantRecord};

use crate::error::ClientError;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// Name of the budget file in the state directory.
pub const BUDGET_FILE: &str = "budget.ledger";

/// Opens the budget file and reads its events. It never begins by itself.
///
/// # Errors
/// If the file is not there or was not begun by its owner, cannot be used, or belongs to another population.
pub(crate) fn open_budget(
    settings: &Settings,
    population: &str,
) -> Result<(Journal<ParticipantEvent>, Vec<ParticipantEvent>), ClientError> {
    let path = settings.state_dir.join(BUDGET_FILE);
    let absent = |what: &str| {
        ClientError::File(format!(
            "{}: {what}. Nothing is spent without it. Has this branch taken part before, put the newest copy back, or let the coordinator show what \
             was spent: `tributary client budget begin --adopt`. Is this its first use, have the owner of the data begin it: \
             `tributary client budget begin --config CLIENT.TOML --key OWNER.KEY`",
            path.display()
        ))
    };
    if !path.exists() {
        return Err(absent("there is no budget file"));
    }
    let (journal, recorded) = Journal::open(&path)?;
    let events: Vec<ParticipantEvent> = recorded.into_iter().map(|recorded| recorded.event).collect();
    let Some(ParticipantEvent::BudgetBegun { population: known, salt, first }) = events.first() else {
        return Err(absent("this budget was never begun"));
    };
    if known != population {
        return Err(ClientError::File(format!(
            "{}: this budget belongs to the population \"{known}\" and the policy names \"{population}\"; two populations have two budgets: \
             give the other one a state_dir and an identity of its own, or correct the policy and have it signed",
            path.display()
        )));
    }
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    if !first.is_signed::<RealSuite>() || first.population != population_digest(salt, known) || first.owner != owner {
        return Err(ClientError::File(format!(
            "{}: the first use of this budget is not signed by the policy's owner ({}), so nothing is spent from it; put the owner's public key \
             back, or move the file away and let its new owner begin one that adopts what was spent: `tributary client budget begin --adopt`",
            path.display(),
            settings.policy_owner.display()
        )));
    }
    // Without the mark a deleted file could be begun anew.
    let folder = &settings.identity.folder;
    if BudgetMark::read(folder).map_err(ClientError::file)?.is_none() {
        let mark = BudgetMark { population: first.population, salt: *salt, owner };
        mark.write(folder).map_err(ClientError::file)?;
    }
    Ok((journal, events))
}

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
                    name: name.clone(),
                    purpose: purpose.clone(),
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
    while fits(high) {
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

#[cfg(test)]
mod tests {
    use tributary_certs::budget::sign_first_use;
    use tributary_certs::entropy::OsEntropy;
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::budget::BudgetHead;
    use tributary_protocol::ids::{ClientId, RoundId};
    use tributary_protocol::message::Charged;
    use tributary_protocol::privacy::RdpVector;
    use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
    use tributary_protocol::time::Millis;

    use super::*;
    use crate::policy::OwnNoise;

    const PLAN: Digest = Digest([1; 32]);

    fn policy() -> BranchPolicy {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, crate::policy::SAMPLE).unwrap();
        BranchPolicy::load(&path).unwrap()
    }

    fn begun(population: &str) -> ParticipantEvent {
        let owner = SigningKey::generate(&mut OsEntropy);
        let first = sign_first_use(&owner, (population, &[7; 32]), owner.verifying_key(), false);
        ParticipantEvent::BudgetBegun { population: population.into(), salt: [7; 32], first }
    }

    fn history(rounds: u64) -> Vec<ParticipantEvent> {
        let charge = Accounts::customers(RdpVector::gaussian(1, 2000));
        let mut events = vec![
            begun("retail"),
            ParticipantEvent::PlanAccepted {
                plan: PLAN,
                name: "churn".into(),
                purpose: "retention".into(),
                privacy: PrivacyMode::Customer,
                charge: charge.clone(),
                charge_max: charge.times(105),
                rounds_charged_max: 105,
            },
        ];
        events.extend((1..=rounds).map(|round| ParticipantEvent::BudgetCharged {
            plan: PLAN,
            round: RoundId(round),
            kind: RoundKind::Train,
            at: Millis(round),
            descriptor: PLAN,
            charge: charge.clone(),
        }));
        events
    }

    #[test]
    fn a_forecast_is_exact() {
        let policy = policy();
        let budget = Budget::read(&policy, &history(40), Millis(100));
        let plan = &budget.plans[0];
        assert_eq!((budget.population.as_str(), plan.rounds.training, plan.rounds_left_in_plan), ("retail", 40, 65));
        assert_eq!(budget.rounds_today, 40);
        let more = plan.rounds_left_for_life.unwrap();
        let spent = |rounds: u64| Accounts::customers(RdpVector::gaussian(1, 2000).times(40 + rounds));
        assert!(spent(more).within(&policy.life_cap()) && !spent(more + 1).within(&policy.life_cap()));
        assert!((budget.epsilon_spent.unwrap() + budget.epsilon_left - policy.epsilon_life).abs() < 1e-9);
        let text = budget.to_string();
        assert!(text.contains("40 training") && text.contains(&format!("{more} such rounds")), "{text}");
        let full = BranchPolicy { own_noise: OwnNoise::Full, ..policy };
        let same = Budget::read(&full, &history(40), Millis(100));
        assert!(text.contains("own noise  share") && same.to_string().contains("own noise  full"));
        assert_eq!(same.epsilon_spent, budget.epsilon_spent, "more noise than the plan's is no other charge");
    }

    #[test]
    fn a_branch_has_an_account_of_its_own() {
        let mut policy = policy();
        assert_eq!(Budget::read(&policy, &history(4), Millis(0)).branch, None, "nothing is promised to it");
        policy.epsilon_branch = Some(crate::policy::BranchEpsilon { life: 2.0, plan: 1.0 });
        let charge = Accounts { customer: RdpVector::gaussian(4, 2000), branch: RdpVector::gaussian(1, 2000) };
        let mut events = history(4);
        for event in &mut events {
            match event {
                ParticipantEvent::PlanAccepted { privacy, charge: one, charge_max, .. } => {
                    (*privacy, *one, *charge_max) = (PrivacyMode::Branch, charge.clone(), charge.times(105));
                }
                ParticipantEvent::BudgetCharged { charge: one, .. } => *one = charge.clone(),
                _ => {}
            }
        }
        let budget = Budget::read(&policy, &events, Millis(0));
        let branch = budget.branch.clone().unwrap();
        assert_eq!(branch.epsilon_spent, Some(epsilon_of(&charge.branch.times(4), policy.delta).0));
        assert_eq!(budget.epsilon_spent, Some(epsilon_of(&charge.customer.times(4), policy.delta).0));
        assert!(branch.epsilon_spent < budget.epsilon_spent && branch.epsilon_left > 0.0);
        assert_eq!(budget.plans[0].epsilon_branch_spent, branch.epsilon_spent);
        let more = budget.plans[0].rounds_left_for_life.unwrap();
        let fits = |rounds| charge.times(4 + rounds).within(&policy.life_cap());
        assert!(fits(more) && !fits(more + 1), "the account that is used up first decides");
        assert!(budget.to_string().contains("for the branch as one unit"), "{budget}");
    }

    #[test]
    fn what_was_adopted_is_said() {
        let policy = policy();
        let mut events = history(3);
        let spent = Accounts::customers(RdpVector::gaussian(1, 2000).times(10));
        let head = BudgetHead {
            client: ClientId(1),
            population: PLAN,
            counter: 11,
            spent: spent.clone(),
            plan: PLAN,
            charged: Charged { rounds: [10, 0, 0], last_round: 12 },
            epoch: 1,
            owner: VerifyingKey([1; 32]),
            signature: Signature(Vec::new()),
        };
        let charge = Accounts::customers(RdpVector::gaussian(1, 2000).times(7));
        let digest = head.canonical().finish().to_string();
        events.push(ParticipantEvent::HeadSigned { head: Box::new(head.clone()) });
        events.push(ParticipantEvent::HeadAdopted { head: Box::new(head), charge });
        let budget = Budget::read(&policy, &events, Millis(0));
        assert_eq!((budget.heads_adopted, budget.counter, budget.plans[0].rounds.training), (1, 12, 10));
        assert_eq!(budget.epsilon_spent, Some(epsilon_of(&spent.customer, policy.delta).0));
        assert_eq!(budget.plans[0].epsilon_spent, budget.epsilon_spent);
        let text = budget.to_string();
        assert!(text.contains("1 times the file was an older copy") && text.contains(&digest), "{text}");
    }

    #[test]
    fn nothing_left_is_nothing_left() {
        let policy = policy();
        let mut events = history(1);
        events.push(ParticipantEvent::BudgetCharged {
            plan: PLAN,
            round: RoundId(2),
            kind: RoundKind::Train,
            at: Millis(2),
            descriptor: PLAN,
            charge: Accounts::customers(RdpVector::gaussian(1, 0)),
        });
        let budget = Budget::read(&policy, &events, Millis(3));
        assert_eq!((budget.epsilon_spent, budget.epsilon_left), (None, 0.0));
        assert_eq!(budget.plans[0].rounds_left_for_life, Some(0));
        assert!(budget.to_string().contains("unbounded"));
    }
}

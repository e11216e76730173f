//! A report is exact: what it forecasts is what the machine admits.

use tributary_certs::budget::sign_first_use;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::SigningKey;
use tributary_protocol::budget::{BudgetHead, LastDay};
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::message::Charged;
use tributary_protocol::printable::is_hidden;
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

/// The plan's owner named it.
#[test]
fn a_plan_s_words_are_escaped_in_text_and_json() {
    let mut events = history(1);
    for event in &mut events {
        if let ParticipantEvent::PlanAccepted { name, purpose, .. } = event {
            (*name, *purpose) = ("churn\n  epsilon    0".into(), "\u{1b}[2Jretention\u{202e}".into());
        }
    }
    let budget = Budget::read(&policy(), &events, Millis(0));
    let (text, json) = (budget.to_string(), serde_json::to_string(&budget).unwrap());
    assert!(text.contains("\"churn\\u{a}  epsilon    0\" for \\u{1b}[2Jretention\\u{202e}, mode"), "{text:?}");
    assert!(json.contains("retention\\\\u{202e}") && !json.contains(is_hidden), "{json:?}");
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
        others: Vec::new(),
        day: LastDay::NONE,
        epoch: 1,
        owner: VerifyingKey([1; 32]),
        signature: Signature(Vec::new()),
    };
    let charge = Accounts::customers(RdpVector::gaussian(1, 2000).times(7));
    let digest = head.canonical().finish().to_string();
    events.push(ParticipantEvent::HeadSigned { head: Box::new(head.clone()) });
    events.push(ParticipantEvent::HeadAdopted { head: Box::new(head), charge });
    let budget = Budget::read(&policy, &events, Millis(0));
    assert_eq!((budget.heads_adopted, budget.counter, budget.plans[0].rounds.training), (1, 11, 10));
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

/// A vector that is nothing at one order fits under every cap: the forecast has an end all the same.
#[test]
fn what_always_fits_has_a_forecast() {
    let mut nanos = vec![1; RdpVector::zero().nanos().len()];
    nanos[36] = 0;
    let charge = Accounts::customers(RdpVector::from_nanos(nanos).unwrap());
    let most = affordable(&Accounts::zero(), &charge, &policy().life_cap());
    assert!(most.is_some_and(|rounds| rounds >= u64::MAX - 1), "{most:?}");
}

//! A report is exact: what it forecasts is what the machine admits.

use tributary_certs::budget::sign_first_use;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::SigningKey;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::budget::BudgetHead;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::plan::{Allowance, Attestation, CapRaise, Caps, PrivacyMode, RunRef};
use tributary_protocol::printable::is_hidden;
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::RosterHead;
use tributary_protocol::round::cast;
use tributary_protocol::round::{RunEnd, StageTerms};
use tributary_protocol::secagg::suite::Signature;

use super::plans::affordable;
use super::*;
use crate::policy::OwnNoise;

const PLAN: Digest = Digest([1; 32]);
const RUN: RunRef = RunRef { plan: PLAN, number: 1 };
const RETRIES: u32 = 5;

fn policy() -> BranchPolicy {
    BranchPolicy::parse(std::path::Path::new("policy.toml"), crate::policy::SAMPLE).unwrap()
}

fn begun(population: &str) -> ParticipantEvent {
    let owner = SigningKey::generate(&mut OsEntropy);
    let first = sign_first_use(&owner, (population, &[7; 32]), owner.verifying_key(), false);
    ParticipantEvent::BudgetBegun { population: population.into(), salt: [7; 32], first }
}

fn gaussian(times: u64) -> Accounts {
    Accounts::customers(RdpVector::gaussian(1, 2000).times(times))
}

/// A count, a hundred rounds of gradients and an evaluation, each with its charge.
fn stages(count: &Accounts, gradient: &Accounts) -> Vec<StageTerms> {
    let terms =
        |kind: &str, rounds, charge: &Accounts| StageTerms { kind: kind.into(), rounds, charge: charge.clone() };
    vec![terms("count", 1, count), terms("gradient", 100, gradient), terms("evaluate", 1, count)]
}

fn accepted(run: RunRef, privacy: PrivacyMode, stages: Vec<StageTerms>) -> ParticipantEvent {
    let allowance = Allowance::new(stages.iter().map(|stage| (stage.rounds, &stage.charge)), RETRIES);
    let charge_max = allowance.charge_left(&[]);
    let (name, purpose) = ("churn".into(), "retention".into());
    let (grant, at, shown, until) = (Digest::ZERO, Millis(0), Millis(0), Millis(9));
    let retries = RETRIES;
    ParticipantEvent::RunAccepted { run, name, purpose, privacy, stages, retries, charge_max, grant, at, shown, until }
}

/// So many rounds of a stage, after those before them.
fn charged(events: &mut Vec<ParticipantEvent>, run: RunRef, stage: u16, rounds: u64) {
    let record = BudgetRecord::replay(events.iter()).unwrap();
    let charge = &record.accepted[&run].stages[usize::from(stage)].charge;
    let last = record.last_round(&run);
    events.extend((last + 1..=last + rounds).map(|round| ParticipantEvent::BudgetCharged {
        run,
        round: RoundId(round),
        stage,
        at: Millis(round),
        descriptor: PLAN,
        charge: charge.clone(),
    }));
}

/// A run that has counted and was charged so many rounds of gradients.
fn history(rounds: u64) -> Vec<ParticipantEvent> {
    let stages = stages(&gaussian(3), &gaussian(1));
    let mut events = vec![begun("retail"), accepted(RUN, PrivacyMode::Customer, stages)];
    charged(&mut events, RUN, 0, 1);
    charged(&mut events, RUN, 1, rounds);
    events
}

fn read(policy: &BranchPolicy, events: &[ParticipantEvent]) -> Budget {
    Budget::read(policy, events, Millis(500)).unwrap_or_else(|fault| panic!("{fault}"))
}

fn english(budget: &Budget) -> String {
    budget.said().text(tributary_texts::Language::English).to_owned()
}

#[test]
fn a_forecast_is_exact() {
    let policy = policy();
    let budget = read(&policy, &history(40));
    let run = &budget.plans[0].runs[0];
    let rounds: Vec<_> = run.stages.iter().map(|stage| (stage.kind.as_str(), stage.charged, stage.rounds)).collect();
    assert_eq!(rounds, [("count", 1, 1), ("gradient", 40, 100), ("evaluate", 0, 1)]);
    assert_eq!((budget.population.as_str(), run.number, run.rounds_left), ("retail", 1, 66));
    assert_eq!(budget.rounds_today, 41);
    // The run is open: what it may still charge is reserved, and is nobody else's. A whole run: two counts, a hundred rounds, and retries as dear
    // as the dearest stage that has any.
    let whole = |runs: u64| gaussian((2 * 3 + 100 + u64::from(RETRIES)) * runs);
    let fits = |cap: &Accounts, more: &Accounts| whole(1).plus(more).within(cap);
    let of_stage = |stage: usize| run.stages[stage].rounds_left_for_life.unwrap();
    let in_year = |stage: usize| run.stages[stage].rounds_left_for_year.unwrap();
    for (cap, of_stage, runs) in [
        (policy.life_cap(), [of_stage(0), of_stage(1)], budget.plans[0].runs_left_for_life.unwrap()),
        (policy.year_cap(), [in_year(0), in_year(1)], budget.plans[0].runs_left_for_year.unwrap()),
    ] {
        assert!(fits(&cap, &gaussian(of_stage[1])) && !fits(&cap, &gaussian(of_stage[1] + 1)));
        assert!(fits(&cap, &gaussian(3 * of_stage[0])) && !fits(&cap, &gaussian(3 * (of_stage[0] + 1))));
        assert!(fits(&cap, &whole(runs)) && !fits(&cap, &whole(runs + 1)));
    }
    let runs = budget.plans[0].runs_left_for_life.unwrap();
    let all = |spent: Option<f64>, reserved: Option<f64>, left| spent.unwrap() + reserved.unwrap() + left;
    let life = all(budget.epsilon_spent, budget.epsilon_reserved, budget.epsilon_left);
    let year = all(budget.year.epsilon_spent, budget.year.epsilon_reserved, budget.year.epsilon_left);
    assert!((life - policy.epsilon_life).abs() < 1e-9 && (year - policy.epsilon_year).abs() < 1e-9);
    assert_eq!(run.epsilon_spent, budget.epsilon_spent);
    assert_eq!(run.epsilon_max, Some(epsilon_of(&whole(1).customer, policy.delta).0));
    let text = english(&budget);
    assert!(text.contains("run 1    count 1 of 1, gradient 40 of 100, evaluate 0 of 1; 0 of 5 retries used"), "{text}");
    assert!(text.contains("66 more rounds in the run"), "{text}");
    assert!(text.contains(&format!("{runs} more whole runs")), "{text}");
    assert!(text.contains(&format!("{} rounds of gradient", of_stage(1))), "{text}");
    let full = BranchPolicy { own_noise: OwnNoise::Full, ..policy };
    let same = read(&full, &history(40));
    assert!(text.contains("own noise  share") && english(&same).contains("own noise  full"));
    assert_eq!(same.epsilon_spent, budget.epsilon_spent, "more noise than the plan's is no other charge");
}

#[test]
fn retries_are_counted_apart() {
    let mut events = history(103);
    let budget = read(&policy(), &events);
    let run = &budget.plans[0].runs[0];
    assert_eq!((run.retries_used, run.rounds_left), (3, 3), "two retries, and the evaluation");
    assert!(english(&budget).contains("gradient 103 of 100, evaluate 0 of 1; 3 of 5 retries used"));
    charged(&mut events, RUN, 1, 2);
    charged(&mut events, RUN, 2, 1);
    assert_eq!(read(&policy(), &events).plans[0].runs[0].rounds_left, 0);
}

/// Each run by itself, and all of a plan together.
#[test]
fn the_runs_of_a_plan_are_told_one_by_one_and_together() {
    let mut events = history(40);
    let second = RunRef { number: 2, ..RUN };
    events.push(accepted(second, PrivacyMode::Customer, stages(&gaussian(3), &gaussian(1))));
    charged(&mut events, second, 0, 1);
    let other = RunRef { plan: Digest([9; 32]), number: 1 };
    events.push(accepted(other, PrivacyMode::Customer, stages(&gaussian(7), &gaussian(2))));
    let policy = policy();
    let budget = read(&policy, &events);
    let epsilon = |times| Some(epsilon_of(&gaussian(times).customer, policy.delta).0);
    let [plan, next] = budget.plans.as_slice() else { panic!("{:?}", budget.plans) };
    let runs: Vec<_> = plan.runs.iter().map(|run| (run.number, run.epsilon_spent)).collect();
    assert_eq!(runs, [(1, epsilon(43)), (2, epsilon(3))]);
    assert_eq!((plan.epsilon_spent, budget.epsilon_spent), (epsilon(46), epsilon(46)));
    assert_eq!((next.runs.len(), next.epsilon_spent), (1, epsilon(0)));
    assert_eq!(budget.runs_of_unknown_plans, 0);
    let text = english(&budget);
    assert!(
        text.contains("run 2    count 1 of 1, gradient 0 of 100") && text.contains("2 runs together: epsilon"),
        "{text}"
    );
}

/// The plan's owner named it.
#[test]
fn a_plan_s_words_are_escaped_in_text_and_json() {
    let mut events = history(1);
    for event in &mut events {
        if let ParticipantEvent::RunAccepted { name, purpose, .. } = event {
            (*name, *purpose) = ("churn\n  epsilon    0".into(), "\u{1b}[2Jretention\u{202e}".into());
        }
    }
    let budget = read(&policy(), &events);
    let (text, json) = (english(&budget), serde_json::to_string(&budget).unwrap());
    assert!(text.contains("\"churn\\u{a}  epsilon    0\" for \\u{1b}[2Jretention\\u{202e}, mode"), "{text:?}");
    assert!(json.contains("retention\\\\u{202e}") && !json.contains(is_hidden), "{json:?}");
}

#[test]
fn a_branch_has_an_account_of_its_own() {
    let mut policy = policy();
    assert_eq!(read(&policy, &history(4)).branch, None, "nothing is promised to it");
    policy.epsilon_branch = Some(crate::policy::BranchEpsilon { life: 2.0, year: 2.0, plan: 1.0 });
    let charge = Accounts { customer: RdpVector::gaussian(4, 2000), branch: RdpVector::gaussian(1, 2000) };
    let mut events = vec![begun("retail"), accepted(RUN, PrivacyMode::Branch, stages(&charge, &charge))];
    charged(&mut events, RUN, 1, 4);
    let budget = read(&policy, &events);
    let branch = budget.branch.clone().unwrap();
    assert_eq!(branch.epsilon_spent, Some(epsilon_of(&charge.branch.times(4), policy.delta).0));
    assert_eq!(budget.epsilon_spent, Some(epsilon_of(&charge.customer.times(4), policy.delta).0));
    assert!(branch.epsilon_spent < budget.epsilon_spent && branch.epsilon_left > 0.0);
    let plan = &budget.plans[0];
    assert_eq!(plan.epsilon_branch_spent, branch.epsilon_spent);
    assert_eq!(plan.runs[0].epsilon_branch_spent, branch.epsilon_spent);
    assert!(plan.runs[0].epsilon_branch_max > branch.epsilon_spent);
    let more = plan.runs[0].stages[1].rounds_left_for_life.unwrap();
    let whole = 100 + 2 + u64::from(RETRIES);
    let fits = |rounds| charge.times(whole + rounds).within(&policy.life_cap());
    assert!(fits(more) && !fits(more + 1), "the account that is used up first decides");
    assert!(english(&budget).contains("for the branch as one unit"), "{}", english(&budget));
}

/// A head of this budget, as the file of these events signs it.
fn head(events: &[ParticipantEvent]) -> BudgetHead {
    let record = BudgetRecord::replay(events).unwrap();
    BudgetHead {
        client: ClientId(1),
        population: record.population_digest.unwrap(),
        counter: record.counter,
        spent: record.spent.clone(),
        year: record.year.clone(),
        caps: record.caps,
        run: RUN,
        charged: record.charged(&RUN),
        others: record.others(&RUN),
        day: record.last_day(),
        withdrawn: Vec::new(),
        epoch: 1,
        owner: record.owner().unwrap().clone(),
        signature: Signature::none(),
    }
}

#[test]
fn what_was_adopted_is_said() {
    let policy = policy();
    let mut events = history(2);
    let roster = RosterHead { epoch: 1, digest: PLAN };
    events.insert(1, ParticipantEvent::RosterAccepted { head: roster, missing: 0 });
    // The last head is shown, and not one before it.
    let first = head(&events);
    let replaced = first.canonical().finish().to_string();
    events.push(ParticipantEvent::HeadSigned { head: Box::new(first) });
    assert!(english(&read(&policy, &events)).contains(&replaced));
    charged(&mut events, RUN, 1, 1);
    let signed = head(&events);
    let digest = signed.canonical().finish().to_string();
    let mut later = signed.clone();
    let spent = gaussian(26);
    (later.counter, later.spent) = (17, spent.clone());
    later.charged.rounds = vec![1, 10];
    later.charged.last_round = 12;
    let mut strange = later.charged.clone();
    strange.rounds = vec![4];
    later.others =
        vec![(RunRef { number: 2, ..RUN }, strange.clone()), (RunRef { plan: Digest([9; 32]), number: 1 }, strange)];
    later.year.charge(Millis(0), &gaussian(20));
    events.push(ParticipantEvent::HeadSigned { head: Box::new(signed) });
    events.push(ParticipantEvent::HeadAdopted { head: Box::new(later), charge: gaussian(7) });
    let budget = read(&policy, &events);
    let plan = &budget.plans[0];
    assert_eq!((budget.heads_adopted, budget.counter, plan.runs[0].stages[1].charged), (1, 17, 10));
    assert_eq!(budget.epsilon_spent, Some(epsilon_of(&spent.customer, policy.delta).0));
    assert_eq!(plan.runs[0].epsilon_spent, Some(epsilon_of(&gaussian(13).customer, policy.delta).0));
    // A run that the head alone knows has its plan's terms, and one of another plan none.
    assert_eq!((plan.runs[1].number, plan.runs[1].stages[0].charged), (2, 4));
    assert_eq!(budget.runs_of_unknown_plans, 1);
    let text = english(&budget);
    assert!(
        text.contains("1 time the file was an older copy") && text.contains(&digest) && !text.contains(&replaced),
        "{text}"
    );
    assert!(text.contains("1 run of plans whose terms this file does not have"), "{text}");
}

#[test]
fn nothing_left_is_nothing_left() {
    let policy = policy();
    let endless = Accounts::customers(RdpVector::gaussian(1, 0));
    let mut events = vec![begun("retail"), accepted(RUN, PrivacyMode::Customer, stages(&gaussian(1), &endless))];
    charged(&mut events, RUN, 1, 1);
    let budget = read(&policy, &events);
    assert_eq!((budget.epsilon_spent, budget.epsilon_left), (None, 0.0));
    assert_eq!(budget.plans[0].runs[0].stages[0].rounds_left_for_life, Some(0));
    assert_eq!(budget.plans[0].runs_left_for_life, Some(0));
    assert!(english(&budget).contains("unbounded"));
}

#[test]
fn a_file_that_breaks_a_rule_is_not_reported() {
    let mut events = history(2);
    events.push(events[2].clone());
    let refused = Budget::read(&policy(), &events, Millis(500)).unwrap_err();
    assert_eq!(refused.entry, 5, "a round that is charged twice");
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

/// Noon of a day of the Unix clock's second year and later.
fn noon(days: u64) -> Millis {
    Millis(days * 86_400_000 + 43_200_000)
}

/// The words of a year that was spent in two months, and of a run that is over.
#[test]
fn a_year_is_told_with_what_is_reserved_and_when_it_falls() {
    let stages = stages(&gaussian(3), &gaussian(1));
    let mut events = vec![begun("retail"), accepted(RUN, PrivacyMode::Customer, stages.clone())];
    charged(&mut events, RUN, 1, 60);
    for event in &mut events {
        if let ParticipantEvent::BudgetCharged { at, .. } = event {
            *at = noon(20);
        }
    }
    events.push(ParticipantEvent::RunEnded { run: RUN, at: noon(20), how: RunEnd::Finished });
    let second = RunRef { number: 2, ..RUN };
    let mut next = accepted(second, PrivacyMode::Customer, stages);
    if let ParticipantEvent::RunAccepted { at, shown, .. } = &mut next {
        (*at, *shown) = (noon(40), noon(40));
    }
    events.push(next);
    charged(&mut events, second, 1, 10);
    let policy = policy();
    let epsilon = |times| epsilon_of(&gaussian(times).customer, policy.delta).0;
    let read = |now| Budget::read(&policy, &events, now).unwrap();
    let budget = read(noon(50));
    let [first, other] = budget.plans[0].runs.as_slice() else { panic!("two runs") };
    assert_eq!((first.ended, first.rounds_left, other.ended, other.rounds_left), (true, 0, false, 97));
    let (life, with_reserved) = (epsilon(70), epsilon(70 + 101));
    let text = english(&budget);
    let expected = format!(
        "  customers  for life: epsilon {life:.6} spent and {:.6} reserved of 8.000000, {:.6} left; 4.000000 at most for one plan\n             \
         in a year: epsilon {life:.6} spent and {:.6} reserved of 4.500000, {:.6} left\n             \
         the year's spend falls next on 1971-01-21: epsilon {:.6} of it counts then\n",
        with_reserved - life,
        8.0 - with_reserved,
        with_reserved - life,
        4.5 - with_reserved,
        epsilon(10)
    );
    assert!(text.contains(&expected), "{text}\n{expected}");
    assert!(text.contains("0 of 5 retries used, it is over here: epsilon"), "{text}");
    // A year later the first run's charge counts no more; the branch's clock alone frees nothing that is enforced.
    let later = read(noon(365 + 20));
    assert_eq!((later.epsilon_spent, later.year.epsilon_spent), (Some(life), Some(epsilon(10))));
    let json = serde_json::to_value(&budget).unwrap();
    assert_eq!(json["year"]["falls"]["day"], "1971-01-21");
    assert_eq!(json["plans"][0]["runs_left_for_year"], budget.plans[0].runs_left_for_year.unwrap());
}

/// Who let more be spent than before, why, and where that was decided.
#[test]
fn a_raise_of_the_caps_is_shown_as_a_deviation() {
    let owner = SigningKey::generate(&mut OsEntropy);
    let first = sign_first_use(&owner, ("retail", &[7; 32]), owner.verifying_key(), false);
    let population = first.population;
    let begun = ParticipantEvent::BudgetBegun { population: "retail".into(), salt: [7; 32], first };
    let policy = policy();
    let to = policy.epsilon_caps();
    let from = Caps { life_bits: 5.0_f64.to_bits(), ..to };
    let raise = CapRaise {
        federation: PLAN,
        population,
        from,
        to,
        reason: "a second\nmodel".into(),
        ticket: "CHG 17".into(),
        owner: owner.verifying_key(),
        signature: Signature::none(),
    };
    let officer = Attestation {
        action: Action::RaiseCap,
        subject: raise.digest(),
        federation: PLAN,
        staff: cast::staff(cast::APPROVER),
        role: Role::PrivacyOfficer,
        at: 0,
        signature: Signature::none(),
    };
    let roster = cast::roster(1);
    let events = [
        begun,
        ParticipantEvent::RosterAccepted { head: roster.roster.head(), missing: 0 },
        ParticipantEvent::CapsNoted { caps: from },
        ParticipantEvent::CapRaised {
            raise: Box::new(raise),
            officer: Box::new(officer),
            roster: Box::new(roster),
            client: ClientId(1),
        },
    ];
    let budget = read(&policy, &events);
    let line = "  DEVIATION  the caps were raised: 5 to 8 for life, 4.5 to 4.5 in a year, by the owner and bank-1/officer; ticket CHG 17: a \
                second\\u{a}model\n";
    assert!(english(&budget).contains(line), "{}", english(&budget));
    let json = serde_json::to_value(&budget).unwrap();
    assert_eq!(
        (&json["cap_raises"][0]["ticket"], &json["cap_raises"][0]["epsilon_life"]),
        (&"CHG 17".into(), &8.0.into())
    );
    assert!(read(&policy, &events[..3]).cap_raises.is_empty());
}

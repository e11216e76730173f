use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::plan::{LocalTraining, Plan, PrivacyMode, RoundKind};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::RosterHead;
use tributary_protocol::round::cast;
use tributary_protocol::round::{CoordinatorEvent, RoundDescriptor, RoundHead, SessionView};
use tributary_protocol::secagg::parameters::{CoalitionRule, Thresholds};

use super::*;
use crate::planned;

const VIEW: Digest = Digest([3; 32]);
const SESSION: SessionId = SessionId([4; 32]);

/// A ledger of `rounds` training rounds of nine branches, and everything else that the plan has.
fn ledger(plan: &Plan, rounds: u32) -> Vec<CoordinatorEvent> {
    let valid = plan.clone().validate().unwrap_or_else(|fault| panic!("{fault}"));
    let thresholds =
        Thresholds { coalition_max: 2, holder_cap: 9, quorum: 6, threshold: 6, survivors_min: 8, honest_min: 6 };
    let view = SessionView { session: SESSION, view: VIEW, thresholds };
    let mut events = vec![CoordinatorEvent::PlanOpened {
        plan: Box::new(plan.clone()),
        roster: RosterHead { epoch: 1, digest: VIEW },
        group_size: 9,
        delta_bits: 1e-6_f64.to_bits(),
    }];
    let kinds = RoundKind::ALL.into_iter().flat_map(|kind| {
        let count = if kind == RoundKind::Train { rounds } else { plan.rounds_of(kind) };
        std::iter::repeat_n(kind, count as usize)
    });
    for (number, kind) in (1..).zip(kinds) {
        let (round, model, update_clip_norm_bits) = (RoundId(number), VIEW, 0);
        let head = RoundHead { round, kind, model, update_clip_norm_bits };
        events.push(CoordinatorEvent::RoundStarted { descriptor: RoundDescriptor::derive(&valid, &view, head) });
        let survivors = (1..=9 - u32::from(number == 1)).map(ClientId).collect();
        events.push(CoordinatorEvent::SurvivorsFrozen { round, survivors, digest: VIEW });
        events.push(CoordinatorEvent::RoundCommitted { round, sum: VIEW, model, update_clip_norm_bits });
    }
    events.push(CoordinatorEvent::ModelReleased { model: VIEW });
    events
}

fn statement(plan: &Plan, rounds: u32) -> Statement {
    Statement::of(&Facts::read(&ledger(plan, rounds)).unwrap())
}

#[test]
fn figures_follow_from_the_ledger() {
    // z = 44.7 over 5 rounds of at most 8.
    let made = statement(&cast::plan(), 5);
    let figures = made.figures;
    assert_eq!((figures.rounds, figures.rounds_charged, figures.rounds_charged_max), (5, 5, 8));
    assert_eq!((figures.survivors_fewest, figures.honest_fewest), (Some(8), Some(6)));
    let release = RdpVector::gaussian(1, 2000);
    let enforced = |rounds| Some(crate::privacy::epsilon_of(&release.times(rounds), 1e-6).0);
    assert_eq!((figures.epsilon_plan, figures.epsilon_spent), (enforced(8), enforced(5)));
    let tight = figures.epsilon_spent_tight.unwrap();
    assert!(tight < figures.epsilon_spent.unwrap() && tight > 0.8 * figures.epsilon_spent.unwrap());
    // Everybody else works together: a sixth of the noise is left, over all eight rounds.
    let alone = crate::privacy::accountant::GaussianDp::round((2000.0_f64 / 6.0).sqrt()).times(8.0).epsilon(1e-6);
    assert!((figures.epsilon_collusion.unwrap() / alone - 1.0).abs() < 1e-3, "{figures:?} {alone}");
    assert_eq!(made.questions.len(), 24);
    assert!(made.questions.iter().enumerate().all(|(index, answer)| answer.number as usize == index + 1));
    assert_eq!(made.model, Some(VIEW.to_string()));
}

#[test]
fn the_same_ledger_makes_the_same_statement() {
    let plan = cast::counting_plan();
    let (first, second) = (statement(&plan, 5), statement(&plan, 5));
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(
        first.releases.iter().map(|release| release.kind).collect::<Vec<_>>(),
        ["training", "statistics", "evaluation"]
    );
    assert!(first.figures.epsilon_plan > statement(&cast::plan(), 5).figures.epsilon_plan, "counting rounds cost");
}

#[test]
fn every_mode_says_what_it_protects() {
    let local = LocalTraining {
        steps: 3,
        learning_rate_bits: 0.5_f64.to_bits(),
        update_clip_norm_bits: 1.0_f64.to_bits(),
        adaptive: false,
    };
    let mut modes = vec![cast::plan()];
    modes.push(Plan { local: Some(LocalTraining { adaptive: true, ..local }), ..cast::branch_plan() });
    let mut own = Plan { privacy: PrivacyMode::Local, local: Some(local), overlap_max: 2, ..cast::plan() };
    own.round_charge = planned::stated_charge(&own);
    modes.push(own);
    let mut sampled = Plan { sampling_threshold: 1 << 62, ..cast::plan() };
    sampled.round_charge = planned::stated_charge(&sampled);
    assert!(planned::round_charge(&sampled).at_most(&sampled.round_charge));
    modes.push(sampled);
    let zero = Accounts::zero();
    modes.push(Plan { privacy: PrivacyMode::None, noise_variance: 0, round_charge: zero, ..cast::plan() });
    let texts: Vec<String> = modes.iter().map(|plan| statement(plan, 4).to_string()).collect();
    for (index, (text, plan)) in texts.iter().zip(&modes).enumerate() {
        assert!(text.contains(plan.privacy.name()), "{text}");
        assert!(texts[..index].iter().all(|other| other != text));
        assert!(!text.contains("NOT below"), "{text}");
    }
    assert!(texts[1].contains("data of a given branch was used") && texts[1].contains("follows the noised share"));
    assert!(texts[2].contains("masks or no masks") && texts[2].contains("at 2 branches at most"));
    assert!(texts[3].contains("secret coin of its branch with probability 0.250000"));
    assert!(texts[4].contains("Nothing is promised about a customer"));
    let spent = |index: usize| Facts::read(&ledger(&modes[index], 4)).unwrap().spent();
    let steps = RdpVector::gaussian(1, 2000).times(4 * 3 * 2);
    assert_eq!(spent(2), Accounts::customers(steps), "each local step at each of two branches");
    assert!(spent(3).at_most(&spent(0)), "a coin makes it cheaper");
}

#[test]
fn in_mode_branch_a_customer_has_an_epsilon_of_its_own() {
    let made = statement(&cast::branch_plan(), 5);
    let enforced = |square, rounds| {
        let spent = RdpVector::gaussian(square, 2000).times(rounds);
        Some(crate::privacy::epsilon_of(&spent, 1e-6).0)
    };
    let figures = made.figures;
    assert_eq!((figures.epsilon_plan, figures.epsilon_spent), (enforced(1, 8), enforced(1, 5)));
    assert_eq!((figures.epsilon_customer_plan, figures.epsilon_customer_spent), (enforced(4, 8), enforced(4, 5)));
    let words = format!("For one customer of a branch it is epsilon = {:.4}", enforced(4, 8).unwrap());
    assert!(made.claim.contains(&words) && made.to_string().contains("for a customer of a branch"), "{}", made.claim);
    let other = statement(&cast::plan(), 5).figures;
    assert_eq!((other.epsilon_customer_plan, other.epsilon_customer_spent), (None, None), "the customer is the unit");
}

#[test]
fn shares_need_honest_others_and_the_whole_noise_needs_nobody() {
    let made = statement(&cast::plan(), 5);
    let [shared, alone, full] = made.protections.as_slice() else { panic!("{:?}", made.protections) };
    let release = RdpVector::gaussian(1, 2000);
    let enforced = |rounds| Some(crate::privacy::epsilon_of(&release.times(rounds), 1e-6).0);
    // z = 44.72 over S = 2^20 units, once and over the eight rounds that may be charged: the same for both, against others.
    for protection in [shared, full] {
        assert_eq!((protection.epsilon_round, protection.epsilon_plan), (enforced(1), enforced(8)));
    }
    let group = "up to 200 per thousand of the 9 members of the roster's group \"all\", rounded up to 2,";
    assert!(shared.against.contains(group) && shared.by.contains("one in 6"), "{shared:?}");
    assert!(full.who.contains("own_noise = \"full\"") && full.against.contains("everybody else together"), "{full:?}");
    assert!(full.by.contains("z = 44.7214 times the sensitivity S = 1048576.0 units"), "{full:?}");
    assert_eq!(alone.epsilon_plan, made.figures.epsilon_collusion);
    assert!(alone.epsilon_round > full.epsilon_round && alone.epsilon_plan > full.epsilon_plan, "{alone:?}");

    let operator = OrganisationId(7);
    let mut banks = cast::plan();
    banks.cohort.coalition = CoalitionRule::Organisations { operator, others: 1, outside_min: 2 };
    let made = statement(&banks, 5);
    let against = &made.protections[0].against;
    assert!(
        against.contains("all participants of organisation 7") && against.contains("of any other one"),
        "{against}"
    );
    let text = made.to_string();
    for part in ["Who is protected from whom", "Who sees what", "speaks for that organisation alone", "sees the models"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    // The answers say the same as the lists.
    assert!(made.questions[16].answer.contains("own_noise = \"full\""), "{}", made.questions[16].answer);
    assert!(made.visibility.iter().all(|line| made.questions[18].answer.contains(line)));
}

#[test]
fn the_group_and_its_size_are_those_of_the_newest_roster() {
    let plan = Plan { group: "pilot".into(), ..cast::plan() };
    let mut events = ledger(&plan, 5);
    let stated = |events: &[CoordinatorEvent]| Statement::of(&Facts::read(events).unwrap());
    assert!(stated(&events).to_string().contains("  group       \"pilot\" of the signed roster, 9 members\n"));
    events.push(CoordinatorEvent::RosterAdopted { head: RosterHead { epoch: 2, digest: VIEW }, group_size: 31 });
    let made = stated(&events);
    assert_eq!((made.group.as_str(), made.group_size), ("pilot", 31));
    assert!(made.protections[0].against.contains("rounded up to 7,"), "{:?}", made.protections[0]);
}

#[test]
fn where_no_noise_is_shared_there_is_one_protection() {
    let zero = Accounts::zero();
    let bare = Plan { privacy: PrivacyMode::None, noise_variance: 0, round_charge: zero, ..cast::plan() };
    let made = statement(&bare, 5);
    assert_eq!((made.protections.len(), made.protections[0].epsilon_plan), (1, None));
    assert!(made.protections[0].by.contains("no noise") && !made.questions[16].answer.contains("full"));
}

#[test]
fn without_a_plan_nothing_is_stated() {
    assert_eq!(Facts::read(&[]).err(), Some(NothingStated));
}

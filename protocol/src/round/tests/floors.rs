//! What a branch's policy refuses, what its budget file remembers, and rounds that count instead of training.

use alloc::vec::Vec;

use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::{Floor, RefusalCode};
use crate::plan::{NoiseShare, Plan, PlanFault, PrivacyMode};
use crate::privacy::{Accounts, RdpVector, Unit};
use crate::round::cast::{self, branch_plan, cap, counting_plan, policy, priced, signing_key};
use crate::round::{BudgetRecord, CoordinatorEvent, ParticipantEvent, Policy, refusal_message};
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// A line of a policy, and how to make it stricter than the plan.
type Stricter = (Floor, fn(&mut Policy));

#[test]
fn every_line_of_a_policy_refuses_in_its_own_words_and_signed() {
    let served = plan(|_| {});
    let lines: [Stricter; 7] = [
        (Floor::Mode, |policy| policy.modes = alloc::vec![PrivacyMode::Local]),
        (Floor::Purpose, |policy| policy.purposes = alloc::vec!["fraud".into()]),
        (Floor::Cohort, |policy| policy.cohort.organisations_min = 2),
        (Floor::Overlap, |policy| policy.overlap_min = 2),
        (Floor::EpsilonPlan, |policy| policy.plan_cap = cap(&plan(|_| {}), 7)),
        (Floor::RoundsADay, |policy| policy.rounds_a_day = 0),
        (Floor::Group, |policy| policy.groups = alloc::vec!["pilot".into()]),
    ];
    let strict = |client: ClientId| {
        let mut policy = policy(&served);
        if let Some((_, change)) = (client.0 as usize).checked_sub(1).and_then(|index| lines.get(index)) {
            change(&mut policy);
        }
        policy
    };
    let mut world = World::with_policy(20, served.clone(), strict);
    world.connect_all();
    world.run();
    world.pass_deadlines();
    for (number, (floor, _)) in (1..).zip(&lines) {
        let client = ClientId(number);
        let code = RefusalCode::PolicyFloor(*floor);
        let told = world.events.iter().find_map(|event| match event {
            CoordinatorEvent::ClientRefused { client: who, code, signature } if *who == client => {
                Some((*code, signature.clone()))
            }
            _ => None,
        });
        let (recorded, signature) = told.unwrap_or_else(|| panic!("client {number} is in the ledger"));
        assert_eq!(recorded, code);
        let message = refusal_message::<Toy>(cast::run(served.clone()).id(), code);
        let key = Toy::verifying_key(&signing_key(client));
        assert!(Toy::verify(&key, &message, &signature.expect("a refused plan is refused by signature")));
        let charged =
            world.branches[&client].events.iter().any(|event| matches!(event, ParticipantEvent::BudgetCharged { .. }));
        assert!(!charged, "client {number} refused and was charged");
    }
    assert_eq!(world.finished, Some(true), "the others go on");
}

/// A branch that admits the mode has a budget of its own as a unit, and its customers have theirs.
#[test]
fn in_mode_branch_each_unit_has_its_own_budget() {
    let served = branch_plan();
    let one = served.stages[0].charge.clone();
    let strict = |client: ClientId| {
        let mut policy = policy(&served);
        match client.0 {
            1 => policy.plan_cap.customer = served.charge_max().branch,
            2 => policy.plan_cap.branch = one.branch.times(7),
            3 => policy.cap.customer = served.charge_max().branch,
            4 => policy.cap.branch = one.branch.times(7),
            _ => {}
        }
        policy
    };
    let mut world = World::with_policy(14, served.clone(), strict);
    world.connect_all();
    world.run();
    world.pass_deadlines();
    let refused = |client| world.refusals().into_iter().find(|(who, _)| *who == ClientId(client)).map(|(_, code)| code);
    assert_eq!(refused(1), Some(RefusalCode::PolicyFloor(Floor::EpsilonPlan)));
    assert_eq!(refused(2), Some(RefusalCode::PolicyFloor(Floor::EpsilonBranchPlan)));
    assert_eq!((refused(3), refused(4)), (Some(RefusalCode::BudgetExceeded), Some(RefusalCode::BudgetExceeded)));
    assert_eq!(world.finished, Some(true), "the others go on");
    let spent = &world.branches[&ClientId(9)].machine.record().spent;
    assert_eq!((&spent.customer, &spent.branch), (&one.customer.times(5), &one.branch.times(5)));
}

#[test]
fn a_ledger_that_knows_less_than_a_branch_says_so() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().committed(0) < 2 {
        assert!(world.step());
    }
    // The coordinator's disk is replaced by an empty one; the branches are what they were.
    world.lose_ledger();
    world.restart_coordinator(9, plan(|_| {}));
    world.run();
    let more = world.events.iter().filter(|event| match event {
        CoordinatorEvent::ClientChargedMore { charged, .. } => charged.of(0) >= 2,
        _ => false,
    });
    assert_eq!(more.count(), 9);
}

#[test]
fn statistics_come_first_and_the_evaluation_last_and_each_is_charged_its_own() {
    let served = counting_plan();
    let mut world = World::new(9, served.clone());
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true));
    world.assert_sums_exact();
    let started: Vec<(u16, Digest)> = world
        .events
        .iter()
        .filter_map(|event| match event {
            CoordinatorEvent::RoundStarted { descriptor } => Some((descriptor.stage, descriptor.model)),
            _ => None,
        })
        .collect();
    let numbers: Vec<u16> = started.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(numbers, [0, 1, 1, 1, 1, 1, 2]);
    assert_eq!(started[0].1, started[1].1, "statistics move no model");
    assert_eq!(started[6].1, Digest::of(b"released"), "what is evaluated is what is released");
    assert_eq!(world.sums.iter().map(|(_, sum, _)| sum.len()).collect::<Vec<_>>(), [12, 7, 7, 7, 7, 7, 6]);
    let concluded: Vec<u16> = world
        .events
        .iter()
        .filter_map(|event| match event {
            CoordinatorEvent::StageConcluded { stage, .. } => Some(*stage),
            _ => None,
        })
        .collect();
    assert_eq!(concluded, [0, 1, 2]);
    let expected =
        served.stages.iter().fold(Accounts::zero(), |sum, stage| sum.plus(&stage.charge.times(stage.rounds.into())));
    for branch in world.branches.values() {
        assert_eq!(branch.machine.record().spent, expected);
    }
}

#[test]
fn an_evaluation_that_fails_is_left_out() {
    let mut world = World::new(9, counting_plan());
    world.connect_all();
    while world.coordinator.record().charged(2) == 0 {
        assert!(world.step());
    }
    (1..=9).for_each(|number| world.cut(ClientId(number)));
    world.run();
    assert_eq!(world.finished, Some(false), "it says that something is missing");
    assert_eq!([0, 1, 2].map(|stage| world.coordinator.record().committed(stage)), [1, 5, 0]);
    let (_, last) = world.events.split_last().map(|(last, before)| (before, last)).unwrap();
    assert!(matches!(last, CoordinatorEvent::RunFinished { model, .. } if *model == Digest::of(b"released")));
}

#[test]
fn rounds_a_day_survive_a_clock_that_is_set_back() {
    const DAY: u64 = 86_400_000;
    let run = cast::run(plan(|_| {}));
    let charged = |round: u64, at: u64| ParticipantEvent::BudgetCharged {
        run: run.reference(),
        round: crate::ids::RoundId(round),
        stage: 0,
        at: Millis(at),
        descriptor: Digest::ZERO,
        charge: run.stages[0].charge.clone(),
    };
    let record = |events: &[ParticipantEvent]| {
        let before = [cast::begun(ClientId(1), false), cast::accepted(&run)];
        BudgetRecord::replay(before.iter().chain(events)).expect("a file in order")
    };
    let day = record(&[charged(1, DAY), charged(2, DAY + 10), charged(3, DAY + 20)]);
    assert_eq!(day.charged_within_a_day(Millis(DAY + 20)), 3);
    assert_eq!(day.charged_within_a_day(Millis(10)), 3, "times that the clock has not reached yet count");
    assert_eq!(day.charged_within_a_day(Millis(2 * DAY + 10)), 1);
    assert_eq!(day.charged_within_a_day(Millis(3 * DAY)), 0);
    let later = record(&[charged(1, DAY), charged(2, 3 * DAY)]);
    assert_eq!(later.charged_within_a_day(Millis(3 * DAY)), 1);
}

#[test]
fn modes_have_their_own_rules() {
    let half = 1 << 63;
    let in_mode = |privacy: PrivacyMode, times: u64| {
        move |plan: &mut Plan| {
            plan.privacy = privacy;
            let stage = &mut plan.stages[0];
            stage.summed = Unit::Branch;
            stage.noise = if privacy == PrivacyMode::Local { NoiseShare::Inside } else { NoiseShare::Divided };
            (stage.releases, stage.charge) =
                (if privacy == PrivacyMode::Local { 4 } else { 1 }, stage.charge.times(times));
        }
    };
    let half_price = |plan: &mut Plan| {
        let nanos = plan.stages[0].charge.customer.nanos().iter().map(|nanos| nanos / 2).collect();
        plan.stages[0].charge = Accounts::customers(RdpVector::from_nanos(nanos).unwrap());
    };
    let field = |plan: Plan| match plan.validate() {
        Ok(_) => "",
        Err(PlanFault::OutOfRange { field, .. }) => field,
        Err(PlanFault::Wraps { .. }) => "wraps",
    };
    let twice = "stage.customer_sensitivity_squared";
    assert_eq!(field(branch_plan()), "");
    assert_eq!(field(plan(in_mode(PrivacyMode::Branch, 1))), twice, "two clipped vectors");
    let cheap = |of: fn(&mut Accounts)| {
        let mut plan = branch_plan();
        of(&mut plan.stages[0].charge);
        field(plan)
    };
    assert_eq!(cheap(|charge| charge.customer = charge.branch.clone()), "stage.charge", "customers cost more");
    assert_eq!(cheap(|charge| charge.branch = RdpVector::zero()), "stage.charge", "branches cost as well");
    let free = |plan: &mut Plan| plan.stages[0].charge.branch = plan.stages[0].charge.customer.clone();
    assert_eq!(field(plan(free)), "stage.charge", "in mode customer nothing is promised to a branch");
    let elsewhere = priced(Plan { overlap_max: 3, ..branch_plan() });
    assert_eq!(elsewhere.stages[0].charge.customer, RdpVector::gaussian(4 * 9, 2000), "at three branches");
    assert_eq!(elsewhere.stages[0].charge.branch, RdpVector::gaussian(1, 2000));
    assert_eq!(field(elsewhere), "");
    assert_eq!(field(plan(in_mode(PrivacyMode::Local, 4))), "");
    assert_eq!(field(plan(in_mode(PrivacyMode::Local, 1))), "stage.charge", "every local step is charged");
    assert_eq!(field(plan(half_price)), "stage.charge", "a discount needs a coin");
    let sampled = |plan: &mut Plan| {
        plan.stages[0].sampling_threshold = half;
        half_price(plan);
    };
    assert_eq!(field(plan(sampled)), "");
    let dear = plan(|plan| plan.stages[0].sampling_threshold = half);
    assert_eq!(field(dear), "", "a coin may cost as much as no coin");
    let twice = |plan: &mut Plan| {
        sampled(plan);
        plan.overlap_max = 2;
    };
    assert_eq!(field(plan(twice)), "stage.sampling_rate");
    let overlapping = |plan: &mut Plan| {
        plan.overlap_max = 2;
        plan.stages[0].sensitivity_squared *= 4;
        *plan = priced(plan.clone());
    };
    assert_eq!(field(plan(overlapping)), "");
    assert_eq!(field(plan(|plan| plan.overlap_max = 2)), "stage.sensitivity_squared");
    let counts_branches = |plan: &mut Plan| {
        let mut counting = counting_plan().stages[0].clone();
        counting.summed = Unit::Customer;
        *plan = branch_plan();
        plan.stages.push(counting);
    };
    assert_eq!(field(plan(counts_branches)), "stage.summed");
}

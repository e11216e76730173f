//! What a branch's policy refuses, what its budget file remembers, and rounds that count instead of training.

use alloc::vec::Vec;

use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::{Charged, Floor, RefusalCode};
use crate::plan::{Counting, LocalTraining, Plan, PlanFault, PrivacyMode, RoundKind};
use crate::privacy::{Accounts, RdpVector};
use crate::round::cast::{branch_plan, cap, counting_plan, policy, priced, signing_key};
use crate::round::{CoordinatorEvent, ParticipantEvent, ParticipantRecord, Policy, refusal_message};
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
        let message = refusal_message::<Toy>(&served.digest(), code);
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
    let one = served.charge(RoundKind::Train);
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
    while world.coordinator.record().committed(RoundKind::Train) < 2 {
        assert!(world.step());
    }
    // The coordinator's disk is replaced by an empty one; the branches are what they were.
    world.lose_ledger();
    world.restart_coordinator(9, plan(|_| {}));
    world.run();
    let more = world.events.iter().filter(|event| match event {
        CoordinatorEvent::ClientChargedMore { charged: Charged { rounds, .. }, .. } => rounds[0] >= 2,
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
    let kinds: Vec<(RoundKind, Digest)> = world
        .events
        .iter()
        .filter_map(|event| match event {
            CoordinatorEvent::RoundStarted { descriptor } => Some((descriptor.kind, descriptor.model)),
            _ => None,
        })
        .collect();
    let names: Vec<RoundKind> = kinds.iter().map(|(kind, _)| *kind).collect();
    let train = RoundKind::Train;
    assert_eq!(names, [RoundKind::Statistics, train, train, train, train, train, RoundKind::Evaluation]);
    assert_eq!(kinds[0].1, kinds[1].1, "statistics move no model");
    assert_eq!(kinds[6].1, Digest::of(b"released"), "what is evaluated is what is released");
    assert_eq!(world.sums.iter().map(|(_, sum, _)| sum.len()).collect::<Vec<_>>(), [12, 7, 7, 7, 7, 7, 6]);
    let expected = RoundKind::ALL
        .into_iter()
        .fold(Accounts::zero(), |sum, kind| sum.plus(&served.charge(kind).times(served.rounds_of(kind).into())));
    for branch in world.branches.values() {
        assert_eq!(branch.machine.record().spent, expected);
    }
}

#[test]
fn an_evaluation_that_fails_is_left_out() {
    let mut world = World::new(9, counting_plan());
    world.connect_all();
    while world.coordinator.record().charged(RoundKind::Evaluation) == 0 {
        assert!(world.step());
    }
    (1..=9).for_each(|number| world.cut(ClientId(number)));
    world.run();
    assert_eq!(world.finished, Some(true));
    assert_eq!(world.coordinator.record().committed, [5, 1, 0]);
    let (_, last) = world.events.split_last().map(|(last, before)| (before, last)).unwrap();
    assert!(matches!(last, CoordinatorEvent::PlanFinished { model, .. } if *model == Digest::of(b"released")));
}

#[test]
fn rounds_a_day_survive_a_clock_that_is_set_back() {
    const DAY: u64 = 86_400_000;
    let charged = |round: u64, at: u64| ParticipantEvent::BudgetCharged {
        plan: Digest::ZERO,
        round: crate::ids::RoundId(round),
        kind: RoundKind::Train,
        at: Millis(at),
        descriptor: Digest::ZERO,
        charge: Accounts::zero(),
    };
    let record = |events: &[ParticipantEvent]| ParticipantRecord::replay(events);
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
    let local = LocalTraining {
        steps: 4,
        learning_rate_bits: 0.1_f64.to_bits(),
        update_clip_norm_bits: 1.0_f64.to_bits(),
        adaptive: false,
    };
    let in_mode = |privacy: PrivacyMode, times: u64| {
        move |plan: &mut Plan| {
            plan.privacy = privacy;
            plan.local = Some(local);
            plan.round_charge = plan.round_charge.times(times);
        }
    };
    let half_price = |plan: &mut Plan| {
        let nanos = plan.round_charge.customer.nanos().iter().map(|nanos| nanos / 2).collect();
        plan.round_charge = Accounts::customers(RdpVector::from_nanos(nanos).unwrap());
    };
    let field = |plan: Plan| match plan.validate() {
        Ok(_) => "",
        Err(PlanFault::OutOfRange { field, .. }) => field,
        Err(PlanFault::Wraps { .. }) => "wraps",
    };
    assert_eq!(field(branch_plan()), "");
    assert_eq!(field(plan(in_mode(PrivacyMode::Branch, 1))), "customer_sensitivity_squared", "two clipped vectors");
    let cheap = |of: fn(&mut Accounts)| {
        let mut plan = branch_plan();
        of(&mut plan.round_charge);
        field(plan)
    };
    assert_eq!(cheap(|charge| charge.customer = charge.branch.clone()), "round_charge", "customers cost more");
    assert_eq!(cheap(|charge| charge.branch = RdpVector::zero()), "round_charge", "branches cost as well");
    let free = |plan: &mut Plan| plan.round_charge.branch = plan.round_charge.customer.clone();
    assert_eq!(field(plan(free)), "round_charge", "in mode customer nothing is promised to a branch");
    let elsewhere = priced(Plan { overlap_max: 3, ..branch_plan() });
    assert_eq!(elsewhere.charge(RoundKind::Train).customer, RdpVector::gaussian(4 * 9, 2000), "at three branches");
    assert_eq!(elsewhere.charge(RoundKind::Train).branch, RdpVector::gaussian(1, 2000));
    assert_eq!(field(elsewhere), "");
    assert_eq!(field(plan(in_mode(PrivacyMode::Local, 4))), "");
    assert_eq!(field(plan(in_mode(PrivacyMode::Local, 1))), "round_charge", "every local step is charged");
    assert_eq!(field(plan(in_mode(PrivacyMode::Customer, 1))), "local");
    assert_eq!(field(plan(|plan| plan.privacy = PrivacyMode::Branch)), "local");
    assert_eq!(field(plan(half_price)), "round_charge", "a discount needs a coin");
    let sampled = |plan: &mut Plan| {
        plan.sampling_threshold = half;
        half_price(plan);
    };
    assert_eq!(field(plan(sampled)), "");
    assert_eq!(field(plan(|plan| plan.sampling_threshold = half)), "", "a coin may cost as much as no coin");
    let twice = |plan: &mut Plan| {
        sampled(plan);
        plan.overlap_max = 2;
    };
    assert_eq!(field(plan(twice)), "sampling_rate");
    let overlapping = |plan: &mut Plan| {
        plan.overlap_max = 2;
        plan.sensitivity_squared *= 4;
        *plan = priced(plan.clone());
    };
    assert_eq!(field(plan(overlapping)), "");
    assert_eq!(field(plan(|plan| plan.overlap_max = 2)), "sensitivity_squared");
    let counting = Counting { cells: 6, bins: 3, sensitivity_squared: 2 << 40, noise_variance: 9000 << 40 };
    let counts_branches = |plan: &mut Plan| {
        *plan = branch_plan();
        plan.evaluation = Some(counting);
    };
    assert_eq!(field(plan(counts_branches)), "evaluation");
    assert_eq!(field(plan(|plan| plan.statistics = Some(Counting { noise_variance: 0, ..counting }))), "statistics");
    assert_eq!(
        field(plan(|plan| plan.statistics = Some(Counting { sensitivity_squared: 1, ..counting }))),
        "statistics"
    );
}

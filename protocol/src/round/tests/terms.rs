//! The terms that a branch sets a plan: the pinned schema, and numbers that a plan must not pass. What a plan's figures come to.

use alloc::vec::Vec;

use super::world::{World, plan};
#[cfg(feature = "sabotage")]
use crate::defence::Defence;
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::{Floor, RefusalCode};
use crate::plan::{Plan, PrivacyMode};
use crate::privacy::Accounts;
use crate::round::cast::{branch_plan, cap, counting_plan, policy, priced};
use crate::round::{ParticipantEvent, Policy};

#[test]
fn every_term_admits_what_is_at_it_and_refuses_what_is_past_it() {
    type Change = fn(&mut Policy);
    type Case = (Floor, fn(&mut Plan), Change, Change);
    let offered = |change: fn(&mut Plan)| {
        let offered = plan(|plan| {
            plan.upload_offset_ms = 5;
            change(plan);
        });
        offered.validate().unwrap()
    };
    let cases: [Case; 11] = [
        (
            Floor::UploadOffset,
            |_| {},
            |policy| policy.upload_offset_ms_min = 5,
            |policy| policy.upload_offset_ms_min = 6,
        ),
        (Floor::Rounds, |_| {}, |policy| policy.rounds_max = 8, |policy| policy.rounds_max = 7),
        // All runs of a plan count, and every stage of each.
        (Floor::Rounds, |plan| plan.runs = 3, |policy| policy.rounds_max = 24, |policy| policy.rounds_max = 23),
        (
            Floor::Rounds,
            |plan| plan.stages = counting_plan().stages,
            |policy| policy.rounds_max = 10,
            |policy| policy.rounds_max = 9,
        ),
        (
            Floor::EpsilonPlan,
            |plan| plan.runs = 3,
            |policy| policy.plan_cap = cap(&plan(|_| {}), 24),
            |policy| policy.plan_cap = cap(&plan(|_| {}), 23),
        ),
        // Or the plan says itself where its runs end.
        (
            Floor::EpsilonPlan,
            |plan| (plan.runs, plan.cap) = (3, cap(plan, 10)),
            |policy| policy.plan_cap = cap(&plan(|_| {}), 10),
            |policy| policy.plan_cap = cap(&plan(|_| {}), 9),
        ),
        (
            Floor::EpsilonBranchPlan,
            |plan| {
                let cap = Accounts { branch: branch_plan().stages[0].charge.branch.times(10), ..branch_plan().cap };
                *plan = Plan { upload_offset_ms: plan.upload_offset_ms, runs: 2, cap, ..branch_plan() };
            },
            |policy| policy.plan_cap.branch = branch_plan().stages[0].charge.branch.times(10),
            |policy| policy.plan_cap.branch = branch_plan().stages[0].charge.branch.times(9),
        ),
        // Without noise nobody is protected, at however many branches a customer is.
        (
            Floor::Mode,
            |plan| {
                plan.privacy = PrivacyMode::None;
                plan.stages[0].noise_variance = 0;
                *plan = priced(plan.clone());
            },
            |policy| (policy.modes, policy.overlap_min) = ([PrivacyMode::None].to_vec(), 2),
            |policy| policy.overlap_min = 2,
        ),
        (
            Floor::Schema,
            |_| {},
            |policy| policy.schema = Digest::of(b"schema"),
            |policy| policy.schema = Digest::of(b"another schema"),
        ),
        (Floor::Overlap, |_| {}, |policy| policy.overlap_min = 1, |policy| policy.overlap_min = 2),
        (
            Floor::EpsilonBranchPlan,
            |plan| *plan = Plan { upload_offset_ms: plan.upload_offset_ms, runs: 2, ..branch_plan() },
            |policy| policy.plan_cap.branch = branch_plan().stages[0].charge.branch.times(16),
            |policy| policy.plan_cap.branch = branch_plan().stages[0].charge.branch.times(15),
        ),
    ];
    for (floor, change, at, past) in cases {
        let plan = offered(change);
        let judged = |change: Change| {
            let mut policy = policy(&plan);
            change(&mut policy);
            policy.admits(&plan)
        };
        assert_eq!(judged(at), Ok(()), "{floor:?}");
        assert_eq!(judged(past), Err(floor));
    }
}

/// Everybody's file is the plan's schema, as whoever runs the branches was told; the owner of client 1's data has read another one.
fn another_schema() -> World {
    let served = plan(|plan| plan.schema = Digest::of(b"age is read from the column religion"));
    World::with_policy(9, served.clone(), |client| {
        let mut policy = policy(&served);
        if client == ClientId(1) {
            policy.schema = Digest::of(b"age is read from the column age");
        }
        policy
    })
}

fn charged(world: &World) -> bool {
    let charged = |event: &ParticipantEvent| matches!(event, ParticipantEvent::BudgetCharged { .. });
    world.branches[&ClientId(1)].events.iter().any(charged)
}

#[test]
fn a_schema_that_the_owner_has_not_pinned_is_refused_before_data_is_read() {
    let mut world = another_schema();
    world.connect_all();
    world.run();
    assert_eq!(world.refusals(), [(ClientId(1), RefusalCode::PolicyFloor(Floor::Schema))]);
    assert!(!charged(&world));
}

/// The same plan: the branch learns from a column that its owner never saw.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_a_schema_that_nobody_read_is_learned_from() {
    let mut world = another_schema();
    super::without(Defence::PinnedSchema, || {
        world.connect_all();
        world.run();
    });
    assert_eq!(world.refusals(), []);
    assert!(charged(&world));
}

/// What a plan comes to, where every number of it is another one.
#[test]
fn the_figures_of_a_plan_follow_from_its_numbers() {
    let mut of = plan(|plan| {
        plan.stages = counting_plan().stages;
        (plan.runs, plan.round_deadline_ms, plan.keying_deadline_ms) = (3, 1_000, 70);
        plan.schedule.not_after = 2_000_000;
    });
    for (stage, rounds) in of.stages.iter_mut().zip([1, 40, 7]) {
        stage.rounds = rounds;
    }
    let rounds: u32 = of.stages.iter().map(|stage| stage.rounds).sum();
    for retries in [0, 2] {
        of.retries = retries;
        assert_eq!((of.rounds(), of.rounds_charged_max()), (rounds, rounds + retries));
        assert_eq!(of.rounds_charged_max_of_all_runs(), 3 * (rounds + retries));
        assert_eq!(of.longest_ms(), 1_070 * u64::from(rounds + retries));
        assert_eq!(of.last_end().0, 2_000_000_000 + of.longest_ms());
    }
    of.retries = 0;
    let charged: Vec<u32> = of.stages.iter().map(|stage| stage.rounds).collect();
    assert_eq!(of.charge_of(&charged), of.charge_of_run());
    assert_eq!(of.charge_max(), of.charge_of_run().times(3));
    assert_eq!((of.charge_left(&charged), of.charge_left(&[])), (Accounts::zero(), of.charge_of_run()));
    for (number, stage) in (0..).zip(&of.stages) {
        let mut fewer = charged.clone();
        fewer[usize::from(number)] -= 1;
        assert!(of.may_charge(&fewer, number) && !of.may_charge(&charged, number), "stage {number}");
        assert_eq!(of.charge_left(&fewer), stage.charge, "stage {number}");
    }
}

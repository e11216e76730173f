//! The terms that a branch sets a plan: the pinned schema, and numbers that a plan must not pass.

use alloc::vec::Vec;

use super::world::{Packet, World, plan};
#[cfg(feature = "sabotage")]
use crate::defence::Defence;
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::{Floor, RefusalCode, SignedBody};
use crate::plan::{LocalTraining, Plan, PlanFault, PrivacyMode};
use crate::round::cast::{coordinator_signs, policy, priced};
use crate::round::{ParticipantEvent, Policy};
use crate::secagg::toy::Toy;

/// Mode branch, where what a branch uploads has a bound that follows from round to round.
fn adaptive(plan: &mut Plan) {
    plan.privacy = PrivacyMode::Branch;
    plan.local = Some(LocalTraining {
        steps: 1,
        learning_rate_bits: 0.1_f64.to_bits(),
        update_clip_norm_bits: 0.5_f64.to_bits(),
        adaptive: true,
    });
    *plan = priced(plan.clone());
}

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
    let cases: [Case; 5] = [
        (
            Floor::UploadOffset,
            |_| {},
            |policy| policy.upload_offset_ms_min = 5,
            |policy| policy.upload_offset_ms_min = 6,
        ),
        (
            Floor::ClipNorm,
            |_| {},
            |policy| policy.clip_norm_min_bits = 1.0_f64.to_bits(),
            |policy| policy.clip_norm_min_bits = 1.0_f64.to_bits() + 1,
        ),
        (
            Floor::ClipNorm,
            adaptive,
            |policy| policy.clip_norm_min_bits = 0.5_f64.to_bits(),
            |policy| policy.clip_norm_min_bits = 0.5_f64.to_bits() + 1,
        ),
        (Floor::Rounds, |_| {}, |policy| policy.rounds_max = 8, |policy| policy.rounds_max = 7),
        (
            Floor::Schema,
            |_| {},
            |policy| policy.schema = Digest::of(b"schema"),
            |policy| policy.schema = Digest::of(b"another schema"),
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

#[test]
fn a_clip_norm_that_nothing_can_be_divided_by_makes_no_plan() {
    for norm in [5e-324, 0.000_999, 0.0, -1.0, f64::NAN, f64::INFINITY, 1.000_001e6] {
        let gradient = plan(|plan| plan.example_clip_norm_bits = norm.to_bits());
        let update = plan(|plan| {
            adaptive(plan);
            plan.local.as_mut().unwrap().update_clip_norm_bits = norm.to_bits();
        });
        for plan in [gradient, update] {
            assert!(matches!(plan.validate(), Err(PlanFault::OutOfRange { .. })), "{norm}");
        }
    }
}

/// A coordinator may state any bound for a round where bounds adapt, but none below the branch's floor.
#[test]
fn a_bound_that_adapts_stays_above_the_floor() {
    let victim = ClientId(1);
    let below = RefusalCode::PolicyFloor(Floor::ClipNorm);
    let cases = [
        (0.01_f64, None),
        (0.009_999, Some(below)),
        (0.000_999, Some(RefusalCode::DescriptorInvalid)),
        (5e-324, Some(RefusalCode::DescriptorInvalid)),
        (f64::NAN, Some(RefusalCode::DescriptorInvalid)),
    ];
    for (bound, refused) in cases {
        let served = plan(adaptive);
        let clip_norm_min_bits = 0.01_f64.to_bits();
        let mut world = World::with_policy(9, served.clone(), |_| Policy { clip_norm_min_bits, ..policy(&served) });
        world.connect_all();
        while !matches!(world.packets.front(), Some(Packet::Start(client, _)) if *client == victim) {
            assert!(world.step(), "a round starts");
        }
        let Some(Packet::Start(_, start)) = world.packets.front_mut() else { unreachable!() };
        start.descriptor.update_clip_norm_bits = bound.to_bits();
        start.signature = coordinator_signs(&start.descriptor.to_sign::<Toy>());
        assert!(world.step());
        let charged = |event: &ParticipantEvent| matches!(event, ParticipantEvent::BudgetCharged { .. });
        assert_eq!(world.branches[&victim].events.iter().any(charged), refused.is_none(), "{bound}");
        assert_eq!(world.refusals(), refused.map(|code| (victim, code)).into_iter().collect::<Vec<_>>(), "{bound}");
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

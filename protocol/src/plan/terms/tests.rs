//! Every limit of a plan by itself: one step beyond it is refused in the field's own name, and at it the plan is valid.

mod digests;
mod retries;

use super::*;
use crate::ids::OrganisationId;
use crate::plan::{AsOf, Date, NoiseShare, YearShare};
use crate::privacy::{Accounts, RdpVector, Unit};
use crate::round::cast;
use crate::secagg::modular::Ring;

/// The field that is named, and what goes beyond its limit.
type Row = (&'static str, fn(&mut Plan));

fn refused(mut plan: Plan, change: fn(&mut Plan)) -> Option<&'static str> {
    change(&mut plan);
    match plan.validate() {
        Ok(_) => None,
        Err(PlanFault::OutOfRange { field, .. }) => Some(field),
        Err(PlanFault::Wraps { .. }) => Some("wraps"),
    }
}

fn check(plan: fn() -> Plan, rows: &[Row]) {
    assert_eq!(refused(plan(), |_| {}), None);
    for (row, (field, change)) in rows.iter().enumerate() {
        assert_eq!(refused(plan(), *change), Some(*field), "row {row}");
    }
}

fn organisations(others: u16, outside_min: u16) -> CoalitionRule {
    CoalitionRule::Organisations { operator: OrganisationId(1), others, outside_min }
}

fn share(kind: Untrusted) -> YearShare {
    YearShare { year: Digest::of(b"year"), kind }
}

fn text(bytes: usize) -> Untrusted {
    "x".repeat(bytes).into()
}

#[test]
fn a_field_beyond_its_limit_is_named() {
    check(
        cast::plan,
        &[
            ("name (bytes)", |plan| plan.name = text(0)),
            ("name (bytes)", |plan| plan.name = text(65)),
            ("charter.year_kind (bytes)", |plan| plan.charter.year = Some(share(text(0)))),
            ("charter.year_kind (bytes)", |plan| plan.charter.year = Some(share(text(129)))),
            ("purpose (bytes)", |plan| plan.purpose = text(0)),
            ("purpose (bytes)", |plan| plan.purpose = text(65)),
            ("architecture (bytes)", |plan| plan.architecture.clear()),
            ("architecture (bytes)", |plan| plan.architecture = alloc::vec![1; 65_537]),
            ("stages", |plan| plan.stages.clear()),
            ("stages", |plan| plan.stages = alloc::vec![cast::stage(); 13]),
            ("stage.rounds", |plan| plan.stages[0].rounds = 0),
            ("stage.rounds", |plan| plan.stages[0].rounds = 1_000_001),
            ("stage.rounds", |plan| {
                plan.stages.push(cast::stage());
                plan.stages.iter_mut().for_each(|stage| stage.rounds = 500_001);
            }),
            ("retries", |plan| plan.retries = 4),
            ("retries", |plan| (plan.stages[0].rounds, plan.retries) = (61, 5)),
            ("retries", |plan| (plan.stages[0].rounds, plan.retries) = (1, 1)),
            ("runs", |plan| plan.runs = 0),
            ("runs", |plan| plan.runs = 1001),
            ("delta", |plan| plan.delta_bits = 0),
            ("delta", |plan| plan.delta_bits = 1.0_f64.to_bits()),
            ("delta", |plan| plan.delta_bits = (-0.5_f64).to_bits()),
            ("delta", |plan| plan.delta_bits = f64::NAN.to_bits()),
            ("customers_nominal", |plan| plan.customers_nominal = 0),
            ("customers_nominal", |plan| {
                plan.customers_nominal = (1 << 40) + 1;
                plan.customers_max = plan.customers_nominal;
            }),
            ("customers_max", |plan| plan.customers_max = 999),
            ("customers_max", |plan| plan.customers_max = (1 << 40) + 1),
            ("session_rounds", |plan| plan.session_rounds = 0),
            ("session_rounds", |plan| plan.session_rounds = 65),
            ("cohort_min", |plan| plan.cohort.cohort_min = 1),
            ("cohort_min", |plan| plan.cohort.cohort_min = 257),
            ("coalition_permille", |plan| plan.cohort.coalition = CoalitionRule::Fraction { permille: 334 }),
            ("coalition_others", |plan| plan.cohort.coalition = organisations(257, 2)),
            ("outside_min", |plan| plan.cohort.coalition = organisations(1, 1)),
            ("outside_min", |plan| plan.cohort.coalition = organisations(1, 257)),
            ("survivors_permille", |plan| plan.cohort.survivors_permille = 499),
            ("survivors_permille", |plan| plan.cohort.survivors_permille = 1001),
            ("as_of (day)", |plan| plan.readiness.as_of = AsOf::Day(Date(Date::LAST.0 + 1))),
            ("as_of (days)", |plan| plan.readiness.as_of = AsOf::DaysBefore { days: 367 }),
            ("ready_min", |plan| plan.readiness.ready_min = u32::from(plan.cohort.cohort_min) - 1),
            ("ready_min", |plan| plan.readiness.ready_min = 10_001),
            ("honest_min", |plan| plan.cohort.honest_min = 0),
            ("honest_min", |plan| plan.cohort.honest_min = 257),
            ("round_deadline_ms", |plan| plan.round_deadline_ms = 9),
            ("round_deadline_ms", |plan| plan.round_deadline_ms = 86_400_001),
            ("keying_deadline_ms", |plan| plan.keying_deadline_ms = 9),
            ("keying_deadline_ms", |plan| plan.keying_deadline_ms = 86_400_001),
            ("upload_offset_ms", |plan| plan.upload_offset_ms = 501),
            ("overlap_max", |plan| plan.overlap_max = 0),
            ("overlap_max", |plan| plan.overlap_max = 17),
            ("group", |plan| plan.group = "Not a name".into()),
            ("retention.uploads_dimension_max", |plan| plan.retention.uploads_dimension_max = 4097),
            ("retention.days", |plan| plan.retention.days = 0),
            ("retention.days", |plan| plan.retention.days = 36_501),
            ("wraps", |plan| plan.stages[0].ring = Ring::Bits32),
            // The rounds of stages that have one each count for no retry.
            ("retries", |plan| {
                plan.stages = cast::counting_plan().stages;
                (plan.stages[1].rounds, plan.retries) = (60, 4);
            }),
            // A customer at two branches moves a sum by twice as much.
            ("stage.sensitivity_squared", |plan| plan.overlap_max = 2),
            ("stage.sensitivity_squared", |plan| {
                *plan = at_branches(2);
                plan.stages[0].sensitivity_squared -= 1;
            }),
        ],
    );
}

/// The cast's plan, where a customer is at so many branches.
fn at_branches(overlap_max: u16) -> Plan {
    let mut plan = Plan { overlap_max, ..cast::plan() };
    plan.stages[0].sensitivity_squared *= u128::from(overlap_max).pow(2);
    cast::priced(plan)
}

/// The field of a stage that is named, and what goes beyond its limit.
type StageRow = (&'static str, fn(&mut Stage));

fn stages(plan: fn() -> Plan, rows: &[StageRow]) {
    assert_eq!(refused(plan(), |_| {}), None);
    for (row, (field, change)) in rows.iter().enumerate() {
        let mut changed = plan();
        change(&mut changed.stages[0]);
        assert_eq!(refused(changed, |_| {}), Some(*field), "row {row}");
    }
}

#[test]
fn a_stage_beyond_its_limits_is_named() {
    stages(
        cast::plan,
        &[
            ("stage.kind", |stage| stage.kind.clear()),
            ("stage.kind", |stage| stage.kind = "x".repeat(33)),
            ("stage.kind", |stage| stage.kind = "Gradient".into()),
            ("stage.kind", |stage| stage.kind = "a_b".into()),
            ("stage.settings (bytes)", |stage| stage.settings = alloc::vec![1; 65_537]),
            ("stage.dimension", |stage| stage.dimension = 0),
            ("stage.dimension", |stage| stage.dimension = 33_554_369),
            ("stage.reach", |stage| stage.reach = 0),
            ("stage.reach", |stage| stage.reach = (1 << 20) + 1),
            ("stage.model_bytes", |stage| stage.model_bytes = 268_435_457),
            ("stage.sensitivity_squared", |stage| stage.sensitivity_squared -= 1),
            ("stage.sensitivity_squared", |stage| stage.sensitivity_squared = (1 << 90) + 1),
            ("stage.customer_sensitivity_squared", |stage| stage.customer_sensitivity_squared -= 1),
            ("stage.customer_sensitivity_squared", |stage| stage.customer_sensitivity_squared += 1),
            ("stage.noise_variance", |stage| stage.noise_variance = 35),
            ("stage.noise_variance", |stage| stage.noise_variance = (1 << 90) + 1),
            ("stage.noise", |stage| stage.noise = NoiseShare::Whole),
            ("stage.noise", |stage| stage.noise = NoiseShare::Inside),
            ("stage.releases", |stage| stage.releases = 0),
            ("stage.releases", |stage| stage.releases = 2),
            ("stage.charge", |stage| stage.charge = stage.charge.times(2)),
            ("stage.charge", |stage| stage.charge = Accounts::zero()),
            ("stage.charge", |stage| stage.charge.branch = stage.charge.customer.clone()),
            // With a customer and without it the vectors of its branch may lie two bounds apart.
            ("stage.sensitivity_squared", |stage| stage.summed = Unit::Branch),
            ("wraps", |stage| stage.ring = Ring::Bits32),
        ],
    );
    let mut second = cast::counting_plan();
    second.stages[2].reach = 0;
    assert_eq!(refused(second, |_| {}), Some("stage.reach"), "every stage is judged");
    let apart = |plan: &mut Plan| {
        plan.stages[0].summed = Unit::Branch;
        plan.stages[0].sensitivity_squared *= 4;
        *plan = cast::priced(plan.clone());
    };
    assert_eq!(refused(cast::plan(), apart), None);
}

#[test]
fn in_mode_branch_the_sum_is_of_branches_and_customers_cost_more() {
    stages(
        cast::branch_plan,
        &[
            ("stage.summed", |stage| stage.summed = Unit::Customer),
            ("stage.noise", |stage| stage.noise = NoiseShare::Whole),
            ("stage.noise", |stage| stage.noise = NoiseShare::Inside),
            ("stage.releases", |stage| stage.releases = 2),
            ("stage.sampling_rate", |stage| stage.sampling_threshold = 1),
            ("stage.sensitivity_squared", |stage| stage.sensitivity_squared -= 1),
            ("stage.customer_sensitivity_squared", |stage| stage.customer_sensitivity_squared -= 1),
            ("stage.customer_sensitivity_squared", |stage| stage.customer_sensitivity_squared = (1 << 90) + 1),
            ("stage.charge", |stage| stage.charge.branch = RdpVector::zero()),
        ],
    );
    // At each of two branches of a customer two vectors lie apart: sixteen times the square of one.
    let at_two = |plan: &mut Plan| plan.overlap_max = 2;
    assert_eq!(refused(cast::branch_plan(), at_two), Some("stage.customer_sensitivity_squared"));
    assert_eq!(refused(cast::priced(Plan { overlap_max: 2, ..cast::branch_plan() }), |_| {}), None);
}

/// Six local steps at each of two branches.
fn local() -> Plan {
    let mut plan = Plan { privacy: PrivacyMode::Local, overlap_max: 2, ..cast::plan() };
    plan.stages[0].releases = 12;
    cast::priced(plan)
}

/// Counts in mode local: each branch adds the whole noise to its own, and a customer is in those of two.
fn counted_locally() -> Plan {
    let mut plan = local();
    let stage = &mut plan.stages[0];
    (stage.releases, stage.noise, stage.summed) = (2, NoiseShare::Whole, Unit::Customer);
    stage.charge = stage.charge_without_coins(PrivacyMode::Local);
    plan
}

fn repriced(stage: &mut Stage) {
    stage.charge = stage.charge_without_coins(PrivacyMode::Local);
}

#[test]
fn in_mode_local_each_branch_makes_noise_of_its_own_and_each_release_is_charged() {
    stages(
        local,
        &[
            ("stage.noise", |stage| stage.noise = NoiseShare::Divided),
            ("stage.noise", |stage| stage.summed = Unit::Customer),
            ("stage.releases", |stage| stage.releases = 16_001),
            ("stage.charge", |stage| stage.releases += 1),
            ("stage.releases", |stage| {
                stage.releases = 1;
                repriced(stage);
            }),
            ("stage.sensitivity_squared", |stage| stage.sensitivity_squared -= 1),
            ("stage.customer_sensitivity_squared", |stage| stage.customer_sensitivity_squared += 1),
        ],
    );
    stages(
        counted_locally,
        &[
            ("stage.noise", |stage| stage.noise = NoiseShare::Divided),
            ("stage.noise", |stage| stage.noise = NoiseShare::Inside),
            ("stage.releases", |stage| {
                stage.releases = 1;
                repriced(stage);
            }),
        ],
    );
    // A branch that adds the noise to a clipped vector is moved by two bounds, and not by one.
    let clipped = |plan: &mut Plan| (plan.stages[0].noise, plan.stages[0].summed) = (NoiseShare::Whole, Unit::Branch);
    assert_eq!(refused(local(), clipped), Some("stage.sensitivity_squared"));
    let apart = |plan: &mut Plan| {
        let stage = &mut plan.stages[0];
        (stage.noise, stage.summed) = (NoiseShare::Whole, Unit::Branch);
        (stage.sensitivity_squared, stage.customer_sensitivity_squared) = (4 << 40, 4 << 40);
        repriced(stage);
    };
    assert_eq!(refused(local(), apart), None);
    let most = |plan: &mut Plan| {
        plan.stages[0].releases = 16_000;
        repriced(&mut plan.stages[0]);
    };
    assert_eq!(refused(local(), most), None);
    // Each branch throws its own coins, and each release is charged by itself.
    assert_eq!(refused(local(), |plan| plan.stages[0].sampling_threshold = 1 << 63), None);
    // One release that covers both branches of a customer is as good as two.
    let both = |plan: &mut Plan| {
        let stage = &mut plan.stages[0];
        stage.releases = 1;
        stage.sensitivity_squared *= 2;
        stage.customer_sensitivity_squared *= 2;
        repriced(stage);
    };
    assert_eq!(refused(counted_locally(), both), None);
}

fn coin() -> Plan {
    let mut plan = cast::plan();
    plan.stages[0].sampling_threshold = 1 << 63;
    plan
}

#[test]
fn a_charge_with_a_coin_is_something_and_no_more_than_without() {
    fn set(plan: &mut Plan, change: fn(u64) -> u64) {
        let charge = &mut plan.stages[0].charge.customer;
        let mut nanos = charge.nanos().to_vec();
        let last = nanos.last_mut().expect("orders");
        *last = change(*last);
        *charge = RdpVector::from_nanos(nanos).expect("as many orders");
    }
    check(
        coin,
        &[
            ("stage.charge", |plan| set(plan, |nanos| nanos + 1)),
            ("stage.charge", |plan| set(plan, |_| 0)),
            ("stage.sampling_rate", |plan| {
                plan.overlap_max = 2;
                plan.stages[0].sensitivity_squared *= 4;
                plan.stages[0].customer_sensitivity_squared *= 4;
            }),
        ],
    );
    assert_eq!(refused(coin(), |plan| set(plan, |nanos| nanos - 1)), None);
    assert_eq!(refused(coin(), |plan| set(plan, |_| 1)), None);
}

fn quiet() -> Plan {
    let mut plan = Plan { privacy: PrivacyMode::None, delta_bits: 0, ..cast::plan() };
    (plan.stages[0].noise_variance, plan.stages[0].charge) = (0, Accounts::zero());
    plan
}

#[test]
fn a_plan_without_privacy_has_no_noise_no_charge_and_no_coin() {
    stages(
        quiet,
        &[
            ("stage.noise_variance", |stage| stage.noise_variance = 1),
            ("stage.charge", |stage| stage.charge = Accounts::customers(RdpVector::gaussian(1, 2000))),
            ("stage.charge", |stage| stage.charge.branch = RdpVector::gaussian(1, 2000)),
            ("stage.sampling_rate", |stage| stage.sampling_threshold = 1),
            ("stage.noise", |stage| stage.noise = NoiseShare::Whole),
        ],
    );
    assert_eq!(refused(quiet(), |plan| plan.delta_bits = 1e-6_f64.to_bits()), Some("delta"));
    assert_eq!(refused(quiet(), |plan| plan.delta_bits = (-0.0_f64).to_bits()), Some("delta"));
    let noised = |plan: &mut Plan| plan.stages.push(cast::stage());
    assert_eq!(refused(quiet(), noised), Some("stage.noise_variance"));
}

/// The sum cannot leave the ring, at either side of the limit, in every mode and by who adds the noise.
#[test]
fn the_ring_holds_the_worst_case_of_every_stage_and_mode() {
    fn narrow(mut plan: Plan, reach: u32, variance: u128) -> Plan {
        plan.customers_max = 20_000;
        let stage = &mut plan.stages[0];
        (stage.ring, stage.reach, stage.noise_variance) = (Ring::Bits32, reach, variance);
        stage.sensitivity_squared = 4 * u128::from(reach).pow(2);
        cast::priced(plan)
    }
    // Customers: 20,000 of so many units each; 10,000 branches at most. The noise of 36 is 13 * (6 * 100 + 1) at most where it is added.
    let noise = 13 * 601;
    let of_customers = (((1_u32 << 31) - noise) - 1) / 20_000;
    let of_branches = (((1_u32 << 31) - noise) - 1) / 10_000;
    // Noise that is inside already takes no room.
    let inside = ((1_u32 << 31) - 13 - 1) / 10_000;
    let rows: [(fn() -> Plan, u32); 3] =
        [(cast::plan, of_customers), (cast::branch_plan, of_branches), (local, inside)];
    for (row, (plan, most)) in rows.into_iter().enumerate() {
        assert_eq!(refused(narrow(plan(), most, 36), |_| {}), None, "row {row}");
        assert_eq!(refused(narrow(plan(), most + 1, 36), |_| {}), Some("wraps"), "row {row}");
    }
    // To the last unit: the sum stays below half of the ring.
    let customers = |customers_max| {
        let plan = Plan { customers_max, ..narrow(cast::plan(), 1, 36) };
        refused(plan, |_| {})
    };
    let most = (1 << 31) - u64::from(noise) - 1;
    assert_eq!([customers(most), customers(most + 1)], [None, Some("wraps")]);
    // Each branch adds all of it, and so each is counted.
    let whole = |variance| {
        let mut plan = counted_locally();
        let stage = &mut plan.stages[0];
        (stage.ring, stage.reach, stage.noise_variance) = (Ring::Bits32, 1, variance);
        repriced(stage);
        refused(plan, |_| {})
    };
    let deviation = ((1_u128 << 31) - 2000) / 13 / 100 - 1;
    assert_eq!(whole(deviation.pow(2)), None);
    assert_eq!(whole((deviation + 2).pow(2)), Some("wraps"));
}

/// At the limit itself a plan is valid, where nothing else speaks against it.
#[test]
fn a_field_at_its_limit_is_allowed() {
    let rows: [fn(&mut Plan); 54] = [
        |plan| plan.name = text(1),
        |plan| plan.purpose = text(1),
        |plan| plan.delta_bits = 1,
        |plan| plan.delta_bits = 1.0_f64.to_bits() - 1,
        |plan| plan.customers_nominal = 1,
        |plan| plan.customers_max = 1 << 40,
        |plan| (plan.customers_nominal, plan.customers_max) = (1 << 40, 1 << 40),
        |plan| plan.session_rounds = 1,
        |plan| plan.cohort.coalition = organisations(0, 2),
        |plan| plan.cohort.honest_min = 1,
        |plan| plan.keying_deadline_ms = 10,
        |plan| plan.keying_deadline_ms = 86_400_000,
        |plan| (plan.round_deadline_ms, plan.upload_offset_ms) = (11, 5),
        |plan| {
            plan.stages = cast::counting_plan().stages;
            (plan.stages[1].rounds, plan.retries) = (1_000_000, 50_000);
        },
        |plan| *plan = at_branches(2),
        |plan| *plan = at_branches(16),
        |plan| {
            let stage = &mut plan.stages[0];
            (stage.sensitivity_squared, stage.noise_variance) = (1 << 90, 1 << 90);
            *plan = cast::priced(plan.clone());
        },
        |plan| {
            *plan = cast::branch_plan();
            plan.stages[0].customer_sensitivity_squared = 1 << 90;
            plan.stages[0].charge = plan.stages[0].charge_without_coins(PrivacyMode::Branch);
        },
        |plan| plan.readiness.as_of = AsOf::Day(Date::LAST),
        |plan| plan.readiness.as_of = AsOf::DaysBefore { days: 366 },
        |plan| plan.readiness.ready_min = plan.cohort.cohort_min.into(),
        |plan| plan.readiness.ready_min = 10_000,
        |plan| plan.name = text(64),
        |plan| plan.purpose = text(64),
        |plan| plan.architecture = alloc::vec![1; 65_536],
        |plan| plan.stages = alloc::vec![cast::stage(); 12],
        |plan| plan.stages[0].kind = "x".repeat(32),
        |plan| plan.stages[0].kind = "a-0".into(),
        |plan| plan.stages[0].settings = alloc::vec![1; 65_536],
        |plan| plan.stages[0].settings.clear(),
        |plan| plan.stages[0].dimension = 1,
        |plan| plan.stages[0].dimension = 33_554_368,
        |plan| plan.stages[0].model_bytes = 268_435_456,
        |plan| (plan.stages[0].rounds, plan.retries) = (1_000_000, 50_000),
        |plan| (plan.stages[0].rounds, plan.retries) = (61, 4),
        |plan| plan.retries = 0,
        |plan| plan.runs = 1000,
        |plan| plan.customers_max = 1000,
        |plan| plan.session_rounds = 64,
        |plan| plan.cohort.cohort_min = 2,
        |plan| plan.cohort.cohort_min = 256,
        |plan| plan.cohort.coalition = CoalitionRule::Fraction { permille: 333 },
        |plan| plan.cohort.coalition = CoalitionRule::Fraction { permille: 0 },
        |plan| plan.cohort.coalition = organisations(256, 256),
        |plan| plan.cohort.survivors_permille = 500,
        |plan| plan.cohort.survivors_permille = 1000,
        |plan| plan.cohort.honest_min = 256,
        |plan| plan.round_deadline_ms = 10,
        |plan| plan.round_deadline_ms = 86_400_000,
        |plan| plan.upload_offset_ms = 500,
        |plan| plan.retention.uploads_dimension_max = 0,
        |plan| plan.retention.days = 1,
        |plan| plan.retention.days = 36_500,
        |plan| {
            plan.stages[0].sensitivity_squared *= 3;
            *plan = cast::priced(plan.clone());
        },
    ];
    for (row, change) in rows.into_iter().enumerate() {
        assert_eq!(refused(cast::plan(), change), None, "row {row}");
    }
}

/// Buffers are sized by the longest round and the longest public state, wherever in the plan they are.
#[test]
fn the_longest_round_and_state_of_a_plan_are_known() {
    let mut plan = cast::counting_plan();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        plan.stages = order.map(|stage| cast::counting_plan().stages[stage].clone()).to_vec();
        let valid = plan.clone().validate().expect("in any order");
        assert_eq!((valid.dimension_max(), valid.model_bytes_max()), (12, 4 * cast::PARAMETERS as usize));
    }
}

#[test]
fn a_share_of_the_noise_is_what_its_stage_says() {
    let of = |noise| Stage { noise, noise_variance: 1_000, ..cast::stage() }.share_variance(3);
    assert_eq!([NoiseShare::Divided, NoiseShare::Whole, NoiseShare::Inside].map(of), [334, 1_000, 0]);
}

//! Every limit of a plan by itself: one step beyond it is refused in the field's own name, and at it the plan is valid.

use super::*;
use crate::ids::OrganisationId;
use crate::privacy::{Accounts, RdpVector};
use crate::round::cast;

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
            ("purpose (bytes)", |plan| plan.purpose = text(0)),
            ("purpose (bytes)", |plan| plan.purpose = text(65)),
            ("architecture (bytes)", |plan| plan.architecture.clear()),
            ("architecture (bytes)", |plan| plan.architecture = alloc::vec![1; 65_537]),
            ("parameters", |plan| plan.parameters = 0),
            ("parameters", |plan| plan.parameters = 33_554_369),
            ("riders", |plan| plan.riders = 33),
            ("clip_units", |plan| plan.clip_units = 0),
            ("clip_units", |plan| plan.clip_units = (1 << 20) + 1),
            ("rounds", |plan| plan.rounds = 0),
            ("rounds", |plan| (plan.rounds, plan.rounds_charged_max) = (1_000_001, 1_000_001)),
            ("rounds_charged_max", |plan| plan.rounds_charged_max = 4),
            ("rounds_charged_max", |plan| plan.rounds_charged_max = 1_000_001),
            ("customers_nominal", |plan| plan.customers_nominal = 0),
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
            ("honest_min", |plan| plan.cohort.honest_min = 0),
            ("honest_min", |plan| plan.cohort.honest_min = 257),
            ("round_deadline_ms", |plan| plan.round_deadline_ms = 9),
            ("round_deadline_ms", |plan| plan.round_deadline_ms = 86_400_001),
            ("keying_deadline_ms", |plan| plan.keying_deadline_ms = 9),
            ("keying_deadline_ms", |plan| plan.keying_deadline_ms = 86_400_001),
            ("upload_offset_ms", |plan| plan.upload_offset_ms = 501),
            ("example_clip_norm", |plan| plan.example_clip_norm_bits = 0),
            ("example_clip_norm", |plan| plan.example_clip_norm_bits = (-1.0_f64).to_bits()),
            ("example_clip_norm", |plan| plan.example_clip_norm_bits = f64::NAN.to_bits()),
            ("example_clip_norm", |plan| plan.example_clip_norm_bits = f64::INFINITY.to_bits()),
            ("example_clip_norm", |plan| plan.example_clip_norm_bits = 1_000_001.0_f64.to_bits()),
            ("loss_bound", |plan| plan.loss_bound_bits = 0),
            ("loss_bound", |plan| plan.loss_bound_bits = 1_000_001.0_f64.to_bits()),
            ("overlap_max", |plan| plan.overlap_max = 0),
            ("overlap_max", |plan| plan.overlap_max = 17),
            ("sensitivity_squared", |plan| plan.sensitivity_squared -= 1),
            ("sensitivity_squared", |plan| plan.sensitivity_squared = (4 << 40) + 1),
            ("noise_variance", |plan| plan.noise_variance = 35),
            ("noise_variance", |plan| plan.noise_variance = (1 << 90) + 1),
            ("local", |plan| plan.privacy = PrivacyMode::Branch),
            ("round_charge", |plan| plan.round_charge = plan.round_charge.times(2)),
            ("wraps", |plan| plan.ring = Ring::Bits32),
        ],
    );
}

fn local() -> Plan {
    let mut plan = cast::branch_plan();
    plan.local.as_mut().expect("it trains locally").adaptive = true;
    plan
}

fn with(plan: &mut Plan, change: fn(&mut LocalTraining)) {
    change(plan.local.as_mut().expect("it trains locally"));
}

#[test]
fn local_training_beyond_its_limits_is_named() {
    check(
        local,
        &[
            ("local.steps", |plan| with(plan, |local| local.steps = 0)),
            ("local.steps", |plan| with(plan, |local| local.steps = 1001)),
            ("local.learning_rate", |plan| with(plan, |local| local.learning_rate_bits = 0)),
            ("local.learning_rate", |plan| with(plan, |local| local.learning_rate_bits = f64::NAN.to_bits())),
            ("local.update_clip_norm", |plan| with(plan, |local| local.update_clip_norm_bits = 0)),
            ("local.update_clip_norm", |plan| {
                with(plan, |local| local.update_clip_norm_bits = f64::INFINITY.to_bits());
            }),
            ("local.adaptive", |plan| {
                plan.privacy = PrivacyMode::Local;
                plan.round_charge = plan.round_charge.times(4);
            }),
            ("local", |plan| plan.local = None),
            ("local", |plan| plan.privacy = PrivacyMode::Customer),
            ("sampling_rate", |plan| plan.sampling_threshold = 1),
        ],
    );
}

fn coin() -> Plan {
    Plan { sampling_threshold: 1 << 63, ..cast::plan() }
}

#[test]
fn a_charge_with_a_coin_is_something_and_no_more_than_without() {
    fn set(plan: &mut Plan, change: fn(u64) -> u64) {
        let mut nanos = plan.round_charge.customer.nanos().to_vec();
        let last = nanos.last_mut().expect("orders");
        *last = change(*last);
        plan.round_charge.customer = RdpVector::from_nanos(nanos).expect("as many orders");
    }
    check(
        coin,
        &[
            ("round_charge", |plan| set(plan, |nanos| nanos + 1)),
            ("round_charge", |plan| set(plan, |_| 0)),
            ("sampling_rate", |plan| {
                plan.overlap_max = 2;
                plan.sensitivity_squared *= 4;
                plan.customer_sensitivity_squared *= 4;
            }),
        ],
    );
    assert_eq!(refused(coin(), |plan| set(plan, |nanos| nanos - 1)), None);
    assert_eq!(refused(coin(), |plan| set(plan, |_| 1)), None);
}

fn quiet() -> Plan {
    Plan { privacy: PrivacyMode::None, noise_variance: 0, round_charge: Accounts::zero(), ..cast::plan() }
}

#[test]
fn a_plan_without_privacy_has_no_noise_no_charge_and_no_coin() {
    check(
        quiet,
        &[
            ("noise_variance", |plan| plan.noise_variance = 1),
            ("round_charge", |plan| plan.round_charge = Accounts::customers(RdpVector::gaussian(1, 2000))),
            ("round_charge", |plan| plan.round_charge.branch = RdpVector::gaussian(1, 2000)),
            ("sampling_rate", |plan| plan.sampling_threshold = 1),
            ("statistics", |plan| plan.statistics = cast::counting_plan().statistics),
        ],
    );
}

fn counting(plan: &mut Plan, change: fn(&mut Counting)) {
    change(plan.statistics.as_mut().expect("it counts"));
}

#[test]
fn a_counting_round_beyond_its_limits_is_named() {
    check(
        cast::counting_plan,
        &[
            ("statistics", |plan| counting(plan, |counting| counting.cells = 0)),
            ("statistics", |plan| counting(plan, |counting| counting.cells = 33_554_369)),
            ("statistics", |plan| counting(plan, |counting| counting.bins = 1)),
            ("statistics", |plan| counting(plan, |counting| counting.bins = 1001)),
            ("statistics", |plan| counting(plan, |counting| counting.sensitivity_squared = (1 << 40) - 1)),
            ("statistics", |plan| counting(plan, |counting| counting.sensitivity_squared = (12 << 40) + 1)),
            ("statistics", |plan| counting(plan, |counting| counting.noise_variance = 35)),
            ("statistics", |plan| counting(plan, |counting| counting.noise_variance = (1 << 90) + 1)),
            ("evaluation", |plan| plan.evaluation.as_mut().expect("it evaluates").bins = 1),
        ],
    );
    let branch = |plan: &mut Plan| {
        plan.statistics = cast::counting_plan().statistics;
    };
    assert_eq!(refused(local(), branch), Some("statistics"), "counts have no bound for a whole branch");
}

/// At the limit itself a plan is valid, where nothing else speaks against it.
#[test]
fn a_field_at_its_limit_is_allowed() {
    let rows: [fn(&mut Plan); 24] = [
        |plan| plan.name = text(64),
        |plan| plan.purpose = text(64),
        |plan| plan.architecture = alloc::vec![1; 65_536],
        |plan| plan.parameters = 1,
        |plan| plan.parameters = 33_554_368,
        |plan| plan.riders = 0,
        |plan| plan.riders = 32,
        |plan| (plan.rounds, plan.rounds_charged_max) = (1_000_000, 1_000_000),
        |plan| plan.rounds_charged_max = 5,
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
        |plan| plan.example_clip_norm_bits = 1e6_f64.to_bits(),
        |plan| plan.sensitivity_squared = plan.sensitivity_squared.min(4 << 40),
    ];
    for (row, change) in rows.into_iter().enumerate() {
        assert_eq!(refused(cast::plan(), change), None, "row {row}");
    }
}

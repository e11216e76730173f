//! Retries: whose they are, and what they may cost.

use super::*;

/// Retries are shared, and what they may cost is that of the dearest stage which has any.
#[test]
fn retries_come_from_one_pool_and_are_priced_at_the_dearest() {
    let mut plan = cast::counting_plan();
    let mut dear = cast::stage();
    (dear.noise_variance, dear.rounds) = (dear.noise_variance / 2, 2);
    plan.stages.push(dear);
    let plan = cast::priced(plan);
    let charge = |stage: usize, rounds: u64| plan.stages[stage].charge.times(rounds);
    let own = charge(0, 1).plus(&charge(1, 5)).plus(&charge(2, 1)).plus(&charge(3, 2));
    assert_eq!(plan.charge_of_run(), own.plus(&charge(3, 3)));
    assert_eq!(plan.charge_max(), plan.charge_of_run());
    assert_eq!(Plan { runs: 12, ..plan.clone() }.charge_max(), plan.charge_of_run().times(12));
    assert_eq!((plan.rounds(), plan.rounds_charged_max()), (9, 12));
    assert_eq!(Plan { runs: 3, ..plan.clone() }.rounds_charged_max_of_all_runs(), 36);
    // Stage by stage, what was charged, and whether another round may be.
    let rows: [(&[u32], [bool; 5]); 7] = [
        (&[], [true, true, true, true, false]),
        (&[1, 5, 1, 2], [false, true, false, true, false]),
        (&[1, 7, 1, 2], [false, true, false, true, false]),
        (&[1, 7, 1, 3], [false, false, false, false, false]),
        (&[0, 8], [true, false, true, true, false]),
        // More than the plan ever allowed, as a head from elsewhere may say: what is beyond comes from the pool, whichever stage it is of.
        (&[3, 5, 1, 3], [false, false, false, false, false]),
        (&[1, 5, 1, 2, 9], [false, true, false, true, false]),
    ];
    for (charged, expected) in rows {
        let may = [0, 1, 2, 3, 4].map(|stage| plan.may_charge(charged, stage));
        assert_eq!(may, expected, "{charged:?}");
    }
    assert_eq!(plan.charge_left(&[1, 7, 1, 2]), charge(3, 1));
    assert_eq!(plan.charge_left(&[1, 7, 1, 3]), Accounts::zero());
    assert_eq!(plan.charge_left(&[9, 9, 9, 9, 9]), Accounts::zero());
}

/// Wherever among the stages the dearest is; and one that is not tried again is no measure.
#[test]
fn a_retry_costs_as_much_as_the_dearest_stage_that_has_any() {
    let stage = |noise: u128, rounds| Stage { noise_variance: noise << 40, rounds, ..cast::stage() };
    for (cheap, dear) in [([9_000, 2_000], 1), ([2_000, 9_000], 0)] {
        let [first, second] = cheap.map(|noise| stage(noise, 5));
        let plan = cast::priced(Plan { stages: [first, second, stage(500, 1)].to_vec(), ..cast::plan() });
        let charge = |stage: usize, rounds: u64| plan.stages[stage].charge.times(rounds);
        assert_eq!(plan.charge_left(&[5, 5, 1]), charge(dear, 3));
        assert_eq!(plan.charge_left(&[5, 6, 1]), charge(dear, 2));
    }
    assert_eq!([0, 1, 60, 61, 80, 81].map(retries_max), [0, 3, 3, 4, 4, 5]);
}

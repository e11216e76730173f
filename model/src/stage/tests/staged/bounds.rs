//! What the numbers of counted labels and of sums over blocks come to, and which states are no state of theirs.

use super::*;

/// A customer may be at so many branches, and each of them adds its vector.
#[test]
fn sums_over_blocks_are_bounded_at_all_branches_of_a_customer() {
    let (schema, architecture) = (schema(), network());
    let [labels, staged, _] = stages();
    for (overlap_max, factor) in [(1, 1), (3, 9)] {
        let frame = Frame {
            privacy: PrivacyMode::Customer,
            overlap_max,
            customers_nominal: 400,
            architecture: &architecture,
            schema: Some(&schema),
        };
        let of = |settings: &StageSettings| {
            let form = settings.form(&frame).unwrap();
            [form.sensitivity_squared, form.customer_sensitivity_squared]
        };
        let claim = u128::from(UNITS).pow(2) * factor;
        assert_eq!((of(&staged.0), of(&labels.0)), ([claim; 2], [4 * claim; 2]), "{overlap_max} branches");
    }
}

/// The plan's variance is that of one share: here four squared units.
#[test]
fn each_survivor_adds_its_share_of_the_noise_to_counted_labels() {
    let planned = planned_of(&stages());
    let labels = planned.stage(0).unwrap();
    let variance = |survivors| labels.read(&[0; 4], survivors).unwrap().customers.unwrap().variance;
    assert_eq!([1, 2, 7].map(variance), [4.0, 8.0, 28.0]);
}

#[test]
fn a_state_of_another_length_or_without_finite_counts_is_refused() {
    let planned = planned_of(&stages());
    for number in 1..3 {
        let stage = planned.stage(number).unwrap();
        let state = stage.begin(Parameters::zero(&network()));
        let bytes = state.to_bytes();
        assert!(stage.admit_state(&bytes).is_ok());
        for more in [1, 4, 8, 12] {
            let longer = [bytes.clone(), vec![0; more]].concat();
            let fault = StateFault::Length { expected: bytes.len(), found: longer.len() };
            assert_eq!(stage.admit_state(&longer).err(), Some(fault.clone()));
            assert_eq!(stage.read_state(&longer).err(), Some(fault.clone()));
            assert_eq!(stage.bound_of(&longer), Err(fault));
        }
        for customers in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut other = state.clone();
            other.known.customers[1] = customers;
            let bytes = other.to_bytes();
            assert_eq!(stage.admit_state(&bytes).err(), Some(StateFault::Known), "{customers}");
            assert_eq!(stage.read_state(&bytes).err(), Some(StateFault::Known), "{customers}");
            assert_eq!(stage.bound_of(&bytes), Err(StateFault::Known), "{customers}");
        }
    }
}

#[test]
fn block_weights_that_are_not_the_plans_sum_to_nothing() {
    let planned = planned_of(&stages());
    let stage = planned.stage(1).unwrap();
    let trainer = trainer(&lines(3, 20));
    let mut state = stage.begin(Parameters::zero(&network()));
    let adds = |state: &PublicState| sum_of(&stage, &trainer, state).unwrap().iter().any(|units| *units != 0);
    assert!(adds(&state));
    let last = state.known.weights.pop();
    assert!(!adds(&state), "one is missing");
    state.known.weights.extend([last.unwrap(), 0]);
    assert!(!adds(&state), "one too many");
}

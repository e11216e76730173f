use super::super::clip_rule::{ClipSettings, ClipUnit, RIDERS};
use super::*;
use crate::architecture::{Activation, Architecture};
use crate::features::FeatureMatrix;
use crate::privacy::noise_for_tests::CountingEntropy;
use crate::train::tests::{Dice, Row, matrix, parameters, rows, shape};
use crate::train::{Placement, PlacementKey, Table, TableMaxima};

const UNITS: u32 = 1 << 20;
const LOSS_BOUND: f64 = 1.5;

fn settings(form: ClipForm, norm: f64) -> ClipSettings {
    ClipSettings { example_clip_norm: norm, clip_units: UNITS, form, loss_bound: Some(LOSS_BOUND) }
}

fn rule(form: ClipForm, norm: f64) -> ClipRule {
    ClipRule::new(settings(form, norm), ClipUnit::Customer).unwrap()
}

fn placement(form: ClipForm) -> Placement {
    match form {
        ClipForm::Exact => Placement::Dense,
        ClipForm::Chunked => Placement::Hashed,
    }
}

/// Rows as a branch lays them out that says so many customers at most.
fn trainer_of(shape: &Architecture, data: FeatureMatrix, form: ClipForm, customers: u32) -> Trainer {
    let maxima = TableMaxima { customers, rows: customers, rows_per_customer: 3 };
    let table = Table::new(data, maxima, &PlacementKey::new([3; 32])).unwrap();
    Trainer::new(shape, &table, placement(form)).unwrap_or_else(|error| panic!("{error}"))
}

fn sum_of(data: FeatureMatrix, parameters: &Parameters, rule: &ClipRule) -> Vec<i64> {
    sum_within(data, parameters, rule, 600)
}

fn sum_within(data: FeatureMatrix, parameters: &Parameters, rule: &ClipRule, customers: u32) -> Vec<i64> {
    let trainer = trainer_of(parameters.architecture(), data, rule.form(), customers);
    clipped_sum(&trainer, parameters, rule).unwrap_or_else(|error| panic!("{error}")).values().to_vec()
}

/// Loss of one row, by the book, in 64-bit floats.
fn loss(shape: &Architecture, values: &[f64], row: &Row) -> f64 {
    let mut activations: Vec<f64> = row.features.iter().map(|value| f64::from(*value)).collect();
    let layout = shape.layout();
    for (index, layer) in layout.iter().enumerate() {
        let outputs = (0..layer.outputs).map(|output| {
            let products = activations.iter().enumerate();
            let weighted: f64 =
                products.map(|(input, value)| value * values[layer.weights + input * layer.outputs + output]).sum();
            weighted + values[layer.biases + output]
        });
        let last = index + 1 == layout.len();
        activations = outputs
            .map(|output| match shape.activation() {
                _ if last => output,
                Activation::Relu => output.max(0.0),
                Activation::Tanh => output.tanh(),
            })
            .collect();
    }
    let heads = activations.iter().zip(&row.targets).zip(&row.present);
    heads
        .map(|((logit, target), present)| {
            let probability = 1.0 / (1.0 + (-logit).exp());
            let likelihood = if *target == 1.0 { probability } else { 1.0 - probability };
            -f64::from(*present) * likelihood.ln()
        })
        .sum()
}

/// Gradient of one row by central differences.
fn gradient(shape: &Architecture, values: &[f64], row: &Row) -> Vec<f64> {
    let step = 1e-5;
    let mut moved = values.to_vec();
    (0..values.len())
        .map(|index| {
            moved[index] = values[index] + step;
            let above = loss(shape, &moved, row);
            moved[index] = values[index] - step;
            let below = loss(shape, &moved, row);
            moved[index] = values[index];
            (above - below) / (2.0 * step)
        })
        .collect()
}

/// The clipped sum by the book: floats, one row at a time, in units.
fn reference(shape: &Architecture, parameters: &Parameters, rows: &[Row], norm: f64) -> Vec<f64> {
    let values: Vec<f64> = parameters.values().iter().map(|value| f64::from(*value)).collect();
    let mut total = vec![0.0; values.len() + 2];
    let rider = f64::from(UNITS / 20);
    for own in rows.chunk_by(|left, right| left.customer == right.customer) {
        let gradients: Vec<Vec<f64>> = own.iter().map(|row| gradient(shape, &values, row)).collect();
        let norms: f64 = gradients.iter().map(|row| row.iter().map(|value| value * value).sum::<f64>().sqrt()).sum();
        let scale = f64::from(UNITS) / norm * (norm / norms).min(1.0);
        for gradient in gradients {
            total.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value * scale);
        }
        let losses: f64 = own.iter().map(|row| loss(shape, &values, row)).sum();
        total[values.len()] += (losses / own.len() as f64).min(LOSS_BOUND) / LOSS_BOUND * rider;
        total[values.len() + 1] += rider;
    }
    total
}

fn distance_squared(left: &[i64], right: &[i64]) -> u128 {
    left.iter().zip(right).map(|(left, right)| u128::from(left.abs_diff(*right)).pow(2)).sum()
}

#[test]
fn both_forms_agree_with_the_book() {
    let mut dice = Dice::new(11);
    for (hidden, activation) in [(&[][..], Activation::Relu), (&[6, 4], Activation::Tanh), (&[6, 4], Activation::Relu)]
    {
        let shape = shape(5, hidden, activation, 2);
        let parameters = parameters(&mut dice, &shape);
        let rows = rows(&mut dice, 5, 2, 300, 3);
        // The middle norm clips about half of the customers, the large one nobody.
        for norm in [0.01, 1.5, 100.0] {
            let expected = reference(&shape, &parameters, &rows, norm);
            for form in [ClipForm::Exact, ClipForm::Chunked] {
                let found = sum_of(matrix(&rows, 5, 2), &parameters, &rule(form, norm));
                let scale: f64 = expected.iter().map(|value| value * value).sum::<f64>().sqrt();
                for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let error = (*found as f64 - expected).abs();
                    // Truncation costs each customer up to one unit; floats and differences a few millionths of the whole.
                    assert!(
                        error < 300.0 + 3e-6 * scale,
                        "{form:?} {hidden:?} {norm} at {index}: {found} for {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_missing_customer_moves_the_sum_by_at_most_the_sensitivity() {
    let mut dice = Dice::new(12);
    for (form, hidden) in [(ClipForm::Exact, &[][..]), (ClipForm::Exact, &[6]), (ClipForm::Chunked, &[16, 8])] {
        let shape = shape(7, hidden, Activation::Relu, 2);
        let parameters = parameters(&mut dice, &shape);
        let rule = rule(form, 0.2);
        let rows = rows(&mut dice, 7, 2, 400, 3);
        let whole = sum_of(matrix(&rows, 7, 2), &parameters, &rule);
        let bound = rule.sensitivity_squared_units(parameters.values().len()).unwrap();
        let mut furthest = 0;
        for missing in (0..400).step_by(21) {
            let rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
            let alone: Vec<Row> = rows.iter().filter(|row| row.customer == missing).cloned().collect();
            let rest = sum_of(matrix(&rest, 7, 2), &parameters, &rule);
            let moved = distance_squared(&whole, &rest);
            assert!(moved <= bound, "{form:?}: {moved} beyond {bound}");
            furthest = furthest.max(moved);
            if form == ClipForm::Exact {
                // Every other customer's integers are the same, so the difference is what the customer gives alone.
                let alone = sum_of(matrix(&alone, 7, 2), &parameters, &rule);
                let difference: Vec<i64> = whole.iter().zip(&rest).map(|(whole, rest)| whole - rest).collect();
                assert_eq!(difference, alone);
            }
        }
        // Somebody of one row and a high loss nearly meets the bound: the test would notice a looser one.
        assert!(furthest * 100 > bound * 95, "{form:?}: {furthest} far from {bound}");
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut dice = Dice::new(13);
    for (form, hidden) in [(ClipForm::Exact, &[][..]), (ClipForm::Chunked, &[16, 8])] {
        let shape = shape(7, hidden, Activation::Tanh, 2);
        let parameters = parameters(&mut dice, &shape);
        let mut rows = rows(&mut dice, 7, 2, 300, 3);
        rows.push(Row { customer: 1000, ..rows[5].clone() });
        let before = sum_of(matrix(&rows, 7, 2), &parameters, &rule(form, 0.5));
        for last in (1..rows.len()).rev() {
            rows.swap(last, dice.below(u32::try_from(last).unwrap() + 1) as usize);
        }
        assert_eq!(sum_of(matrix(&rows, 7, 2), &parameters, &rule(form, 0.5)), before, "{form:?}");
    }
}

/// Rows without a customer, in another order.
fn shuffled_without(rows: &[Row], missing: u32, dice: &mut Dice) -> Vec<Row> {
    let mut rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
    for last in (1..rest.len()).rev() {
        rest.swap(last, dice.below(u32::try_from(last).unwrap() + 1) as usize);
    }
    rest
}

#[test]
fn every_customer_in_turn_takes_their_own_integers_and_no_others() {
    let mut dice = Dice::new(19);
    let rule = rule(ClipForm::Exact, 0.5);
    for (hidden, heads) in [(&[][..], 1), (&[][..], 3), (&[6], 2)] {
        let shape = shape(7, hidden, Activation::Relu, heads);
        let parameters = parameters(&mut dice, &shape);
        let rows = rows(&mut dice, 7, heads, 120, 3);
        let whole = sum_of(matrix(&rows, 7, heads), &parameters, &rule);
        for missing in 0..120 {
            let rest = shuffled_without(&rows, missing, &mut dice);
            let alone: Vec<Row> = rows.iter().filter(|row| row.customer == missing).cloned().collect();
            let [rest, alone] = [rest, alone].map(|rows| sum_of(matrix(&rows, 7, heads), &parameters, &rule));
            let together: Vec<i64> = rest.iter().zip(&alone).map(|(rest, alone)| rest + alone).collect();
            assert_eq!(together, whole, "{hidden:?}, without {missing}");
        }
    }
}

#[test]
fn only_the_missing_customers_micro_batch_changes() {
    let mut dice = Dice::new(14);
    let rule = rule(ClipForm::Chunked, 0.5);
    for (hidden, heads) in [(&[16, 8][..], 1), (&[33], 3)] {
        let shape = shape(7, hidden, Activation::Relu, heads);
        let parameters = parameters(&mut dice, &shape);
        let rows = rows(&mut dice, 7, heads, 120, 3);
        let batch_sums = |rows: &[Row]| {
            let trainer = trainer_of(&shape, matrix(rows, 7, heads), ClipForm::Chunked, 600);
            let network = trainer.network(&parameters);
            let mut sums = Vec::new();
            for (batch, pass) in trainer.passes(&network) {
                let mut riders = [0; 3];
                let everybody = Selection::everybody();
                let weights = super::super::chunked::weigh(batch, &pass, (&rule, &everybody), &mut riders);
                let sum = pass.weighted_sum(&weights.coefficients);
                sums.push((riders, sum.iter().map(|value| value.to_bits()).collect::<Vec<u32>>()));
            }
            sums
        };
        let whole = batch_sums(&rows);
        assert!(whole.len() > 4);
        for missing in 0..120 {
            let rest = batch_sums(&shuffled_without(&rows, missing, &mut dice));
            assert_eq!(rest.len(), whole.len());
            let changed = rest.iter().zip(&whole).filter(|(rest, whole)| rest != whole).count();
            assert_eq!(changed, 1, "{hidden:?}, without {missing}");
        }
    }
}

#[test]
fn no_customers_give_zeros() {
    let mut dice = Dice::new(15);
    for form in [ClipForm::Exact, ClipForm::Chunked] {
        let shape = shape(4, &[3], Activation::Relu, 2);
        let parameters = parameters(&mut dice, &shape);
        let sum = sum_of(matrix(&[], 4, 2), &parameters, &rule(form, 1.0));
        assert_eq!(sum, vec![0; shape.parameter_count() + RIDERS]);
    }
}

#[test]
fn a_rule_without_riders_has_none() {
    let mut dice = Dice::new(16);
    let shape = shape(4, &[], Activation::Relu, 1);
    let parameters = parameters(&mut dice, &shape);
    let rows = rows(&mut dice, 4, 1, 20, 2);
    let riding = rule(ClipForm::Exact, 1.0);
    let settings = ClipSettings { loss_bound: None, ..settings(ClipForm::Exact, 1.0) };
    let plain = ClipRule::new(settings, ClipUnit::Customer).unwrap();
    let with = sum_of(matrix(&rows, 4, 1), &parameters, &riding);
    let without = sum_of(matrix(&rows, 4, 1), &parameters, &plain);
    assert_eq!(with[..5], without[..]);
    assert_eq!(with[6], 20 * i64::from(UNITS / 20));
}

#[test]
fn a_fault_of_a_row_removes_its_customer_alone() {
    let mut dice = Dice::new(17);
    for form in [ClipForm::Exact, ClipForm::Chunked] {
        let shape = shape(4, &[3, 3], Activation::Relu, 1);
        let parameters = Parameters::new(shape.clone(), vec![1e6; shape.parameter_count()]).ok().unwrap();
        let mut rows = rows(&mut dice, 4, 1, 20, 1);
        rows.retain(|row| row.customer != 7);
        let without = sum_of(matrix(&rows, 4, 1), &parameters, &rule(form, 1.0));
        for huge in [1e13, f32::MAX] {
            let row = Row { features: vec![huge; 4], targets: vec![0.0], present: vec![1.0], customer: 7 };
            let mut with = rows.clone();
            with.insert(7, row);
            assert_eq!(sum_of(matrix(&with, 4, 1), &parameters, &rule(form, 1.0)), without, "{form:?}");
            // The fault of one row is that of all rows of the customer.
            with.push(Row { features: vec![0.5; 4], targets: vec![1.0], present: vec![1.0], customer: 7 });
            assert_eq!(sum_of(matrix(&with, 4, 1), &parameters, &rule(form, 1.0)), without, "{form:?}");
        }
    }
}

/// So many values beyond every number are clipped like any others: the square of what they are truncated to fits 128 bits.
#[test]
fn values_beyond_every_number_are_within_the_norm() {
    for value in [1e300, -1e300, f64::INFINITY, f64::NAN] {
        for scale in [1.0, 1e300, f64::INFINITY] {
            let mut units = [7; 64];
            clip_to_units(|| core::iter::repeat_n(value, 64), scale, UNITS, &mut units);
            let square: i128 = units.iter().map(|unit| i128::from(*unit).pow(2)).sum();
            assert!(square <= i128::from(UNITS).pow(2), "{value} {scale}");
        }
    }
}

#[test]
fn who_moves_up_when_a_full_micro_batch_loses_a_customer_is_paid_for() {
    let mut dice = Dice::new(20);
    let rule = rule(ClipForm::Chunked, 0.2);
    for (hidden, heads) in [(&[16, 8][..], 1), (&[], 2)] {
        let shape = shape(7, hidden, Activation::Relu, heads);
        let parameters = parameters(&mut dice, &shape);
        let bound = rule.sensitivity_squared_units(parameters.values().len()).unwrap();
        let rows = rows(&mut dice, 7, heads, 400, 3);
        // Nobody is left out: but for rounding and truncation the sum is that of a branch with room for all.
        let whole = sum_within(matrix(&rows, 7, heads), &parameters, &rule, 20);
        let roomy = sum_of(matrix(&rows, 7, heads), &parameters, &rule);
        let riders = whole.len() - RIDERS;
        assert_eq!(whole[riders + 1..], roomy[riders + 1..]);
        assert!(whole.iter().zip(&roomy).all(|(whole, roomy)| whole.abs_diff(*roomy) < 1000));
        for missing in (0..400).step_by(7) {
            let rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
            let moved = distance_squared(&whole, &sum_within(matrix(&rest, 7, heads), &parameters, &rule, 20));
            assert!(moved <= bound, "without {missing}: {moved} beyond {bound}");
        }
    }
}

#[test]
fn a_rule_that_does_not_fit_is_refused() {
    let mut dice = Dice::new(18);
    let shape = shape(4, &[], Activation::Relu, 1);
    let parameters = parameters(&mut dice, &shape);
    let data = matrix(&rows(&mut dice, 4, 1, 20, 1), 4, 1);
    let dense = trainer_of(&shape, data, ClipForm::Exact, 20);
    let refusal = clipped_sum(&dense, &parameters, &rule(ClipForm::Chunked, 1.0)).err();
    assert_eq!(refusal, Some(UpdateError::Placement));
    let other = Parameters::initial(&Architecture::logistic(4, &["other"]).unwrap(), 0);
    let refusal = clipped_sum(&dense, &other, &rule(ClipForm::Exact, 1.0)).err();
    assert_eq!(refusal, Some(UpdateError::Architecture));
    let settings = ClipSettings { clip_units: 256, ..settings(ClipForm::Chunked, 1.0) };
    let wide = crate::train::tests::shape(2000, &[], Activation::Relu, 1);
    let data = matrix(&rows(&mut dice, 2000, 1, 2, 1), 2000, 1);
    let hashed = trainer_of(&wide, data, ClipForm::Chunked, 600);
    let coarse = ClipRule::new(settings, ClipUnit::Customer).unwrap();
    let refusal = clipped_sum(&hashed, &Parameters::initial(&wide, 0), &coarse).err();
    assert!(matches!(refusal, Some(UpdateError::Rule(ClipRuleError::Rounding { .. }))));
}

#[test]
fn a_selection_is_the_sum_of_those_whom_it_holds() {
    let mut dice = Dice::new(41);
    for form in [ClipForm::Exact, ClipForm::Chunked] {
        let shape = shape(5, if form == ClipForm::Exact { &[] } else { &[6] }, Activation::Tanh, 2);
        let (rows, parameters) = (rows(&mut dice, 5, 2, 90, 3), parameters(&mut dice, &shape));
        let rule = rule(form, 0.4);
        let trainer = trainer_of(&shape, matrix(&rows, 5, 2), form, 600);
        let selection = Selection::draw(trainer.customers(), 1 << 62, &mut CountingEntropy(9));
        // Test rows are numbered in the order of their customers' first rows, as the matrix numbers them.
        let chosen: Vec<Row> = rows.iter().filter(|row| selection.includes(row.customer)).cloned().collect();
        assert!(!chosen.is_empty() && chosen.len() < rows.len());
        let sum = clipped_sum_of(&trainer, &parameters, &rule, &selection).unwrap_or_else(|error| panic!("{error}"));
        match form {
            ClipForm::Exact => assert_eq!(sum.values(), sum_of(matrix(&chosen, 5, 2), &parameters, &rule)),
            // The others keep their slots, with a weight of zero: the same sums but for nothing at all.
            ClipForm::Chunked => {
                let alone = sum_of(matrix(&chosen, 5, 2), &parameters, &rule);
                let riders = alone.len() - rule.rider_count();
                assert_eq!(sum.values()[riders..], alone[riders..]);
                let far = sum.values().iter().zip(&alone).map(|(one, other)| (one - other).abs()).max();
                assert!(far < Some(64), "{far:?} units of 2^20: micro-batches differ, their customers do not");
            }
        }
    }
    let shape = shape(5, &[], Activation::Relu, 1);
    let data = matrix(&rows(&mut dice, 5, 1, 30, 1), 5, 1);
    let trainer = trainer_of(&shape, data, ClipForm::Exact, 30);
    let nobody = Selection::draw(trainer.customers(), 1, &mut CountingEntropy(1));
    let empty = clipped_sum_of(&trainer, &parameters(&mut dice, &shape), &rule(ClipForm::Exact, 0.4), &nobody);
    assert!(
        empty.ok().unwrap().values().iter().all(|value| *value == 0),
        "an empty batch is zeros, which noise is added to"
    );
}

/// How far a customer moves the sum whom a coin leaves out: of all customers the one who moves it furthest.
fn furthest_without_coin(form: ClipForm, most: u32) -> u128 {
    let shape = shape(3, &[4], Activation::Tanh, 1);
    let mut dice = Dice::new(41);
    let (rows, parameters) = (rows(&mut dice, 3, 1, 100, 1), parameters(&mut dice, &shape));
    let rule = rule(form, 0.5);
    let sum = |rows: &[Row], coins: Vec<bool>| {
        let trainer = trainer_of(&shape, matrix(rows, 3, 1), form, most);
        let sum = clipped_sum_of(&trainer, &parameters, &rule, &Selection::of(coins));
        sum.unwrap_or_else(|error| panic!("{error}")).values().to_vec()
    };
    let moved = (0..100).map(|missing| {
        let rest: Vec<Row> = (rows.iter().filter(|row| row.customer as usize != missing))
            .map(|row| Row { customer: row.customer - u32::from(row.customer as usize > missing), ..row.clone() })
            .collect();
        let whole = sum(&rows, (0..100).map(|index| index != missing).collect());
        distance_squared(&whole, &sum(&rest, vec![true; 99]))
    });
    moved.max().unwrap()
}

/// What the accountant of sampled rounds takes for granted; and why a plan with coins must have the exact form.
#[test]
fn whom_the_coin_leaves_out_moves_nothing_in_the_exact_form_alone() {
    assert_eq!(furthest_without_coin(ClipForm::Exact, 600), 0);
    assert_eq!(furthest_without_coin(ClipForm::Exact, 10), 0);
    // A seat becomes free though nobody sat in it who counts, and somebody else moves in from the exact form.
    assert!(furthest_without_coin(ClipForm::Chunked, 10) > 0);
}

/// Sums in 32 bits err most where 256 customers pull one way; and each who leaves makes room for one of the exact form.
#[test]
fn one_of_a_full_micro_batch_that_pulls_one_way_moves_the_sum_by_at_most_the_sensitivity() {
    let mut dice = Dice::new(43);
    let shape = shape(3, &[5, 4], Activation::Tanh, 1);
    let parameters = parameters(&mut dice, &shape);
    let first = rows(&mut dice, 3, 1, 1, 1).remove(0);
    let alike: Vec<Row> = (0..300_u32)
        .map(|customer| {
            let features = first.features.iter().map(|value| value + customer as f32 * 1e-6).collect();
            Row { features, present: vec![1.0], customer, ..first.clone() }
        })
        .collect();
    let rule = rule(ClipForm::Chunked, 1e-3);
    let bound = rule.sensitivity_squared_units(parameters.values().len()).unwrap();
    let sum = |rows: &[Row]| {
        let maxima = TableMaxima { customers: 1, rows: 1, rows_per_customer: 1 };
        let table = Table::new(matrix(rows, 3, 1), maxima, &PlacementKey::new([3; 32])).unwrap();
        let trainer = Trainer::new(&shape, &table, Placement::Hashed).unwrap_or_else(|error| panic!("{error}"));
        clipped_sum(&trainer, &parameters, &rule).unwrap_or_else(|error| panic!("{error}")).values().to_vec()
    };
    let whole = sum(&alike);
    let furthest = (0..300_u32).map(|missing| {
        let rest: Vec<Row> = alike.iter().filter(|row| row.customer != missing).cloned().collect();
        distance_squared(&whole, &sum(&rest))
    });
    let furthest = furthest.max().unwrap();
    assert!(furthest <= bound && furthest * 100 > bound * 95, "{furthest} of {bound}");
}

/// A gradient as long as the clip norm is within it, in both forms; a longer one is not.
#[test]
fn a_gradient_at_the_clip_norm_is_within_it() {
    let shape = Architecture::logistic(1, &["label"]).unwrap();
    // Nothing is known yet: the bias moves by a half, and nothing else does.
    let parameters = Parameters::new(shape, vec![0.0; 2]).unwrap();
    let row = Row { features: vec![0.0], targets: vec![1.0], present: vec![1.0], customer: 0 };
    for form in [ClipForm::Exact, ClipForm::Chunked] {
        for (norm, within) in [(0.5, true), (0.499_999, false)] {
            let rule = rule(form, norm);
            let sum = sum_of(matrix(std::slice::from_ref(&row), 1, 1), &parameters, &rule);
            let units = rule.riders().unwrap().indicator_units;
            assert_eq!(sum.last(), Some(&(i64::from(within) * i64::from(units))), "{form:?} {norm}");
        }
    }
}

use std::collections::BTreeMap;

use ndarray::Array2;

use super::*;
use crate::architecture::{Activation, ArchitectureFields};
use crate::features::FeatureMatrix;
use crate::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};

/// A small generator for test rows; nothing secret.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % bound
    }

    pub(crate) fn unit(&mut self) -> f32 {
        self.below(1 << 20) as f32 / 524_288.0 - 1.0
    }
}

/// A row of a test: features, targets, presence, customer.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) features: Vec<f32>,
    pub(crate) targets: Vec<f32>,
    pub(crate) present: Vec<f32>,
    pub(crate) customer: u32,
}

/// `customers` customers of 1 to `rows_max` rows each, with a label that follows the first features, some labels missing.
pub(crate) fn rows(dice: &mut Dice, inputs: usize, heads: usize, customers: u32, rows_max: u32) -> Vec<Row> {
    let mut all = Vec::new();
    for customer in 0..customers {
        for _ in 0..=dice.below(rows_max) {
            let features: Vec<f32> = (0..inputs).map(|_| 2.0 * dice.unit()).collect();
            let present: Vec<f32> = (0..heads).map(|_| f32::from(u8::from(dice.below(5) > 0))).collect();
            let targets = (0..heads)
                .map(|head| {
                    let positive = features[head % inputs] + 0.5 * dice.unit() > 0.0;
                    present[head] * f32::from(u8::from(positive))
                })
                .collect();
            all.push(Row { features, targets, present, customer });
        }
    }
    all
}

/// Renumbers customers densely, in the order of their first row, and puts the matrix together.
pub(crate) fn matrix(rows: &[Row], inputs: usize, heads: usize) -> FeatureMatrix {
    let mut numbers: Vec<u32> = Vec::new();
    let customers = rows
        .iter()
        .map(|row| {
            let known = numbers.iter().position(|customer| *customer == row.customer);
            let index = known.unwrap_or_else(|| {
                numbers.push(row.customer);
                numbers.len() - 1
            });
            u32::try_from(index).unwrap()
        })
        .collect();
    let gather = |width: usize, part: fn(&Row) -> &Vec<f32>| {
        let values: Vec<f32> = rows.iter().flat_map(|row| part(row).clone()).collect();
        Array2::from_shape_vec((rows.len(), width), values).unwrap()
    };
    let (features, targets) = (gather(inputs, |row| &row.features), gather(heads, |row| &row.targets));
    let present = gather(heads, |row| &row.present);
    FeatureMatrix::new(features, targets, present, customers).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn shape(inputs: usize, hidden: &[u32], activation: Activation, heads: usize) -> Architecture {
    Architecture::new(ArchitectureFields {
        inputs: u32::try_from(inputs).unwrap(),
        hidden: hidden.to_vec(),
        activation,
        heads: (0..heads).map(|head| format!("label {head}")).collect(),
        pairs: None,
    })
    .unwrap()
}

/// Parameters without zeros, so that every path carries something.
pub(crate) fn parameters(dice: &mut Dice, shape: &Architecture) -> Parameters {
    let values = (0..shape.parameter_count()).map(|_| 0.4 * dice.unit()).collect();
    Parameters::new(shape.clone(), values).unwrap_or_else(|error| panic!("{error}"))
}

/// Every bit that a slot gives rise to: loss, norm, and the outer products of activations and gradients, features first.
fn bits(batch: &MicroBatch, pass: Pass<'_>, shape: &Architecture) -> Vec<Vec<u64>> {
    let features = pass::host(batch.features().clone());
    let width = features.len() / SLOTS;
    let pass = pass.into_host();
    (0..SLOTS)
        .map(|slot| {
            let (norm, loss, faulty) = pass.measure(slot);
            let mut gradient = vec![0.0; shape.parameter_count()];
            pass.add_slot(slot, &shape.layout(), (0.0, 1.0), &mut gradient);
            let features = features[slot * width..(slot + 1) * width].iter().map(|value| u64::from(value.to_bits()));
            let rest = [norm.to_bits(), loss.to_bits(), u64::from(faulty)];
            features.chain(rest).chain(gradient.iter().map(|value| value.to_bits())).collect()
        })
        .collect()
}

fn only_pass(rows: &[Row], shape: &Architecture, parameters: &Parameters) -> Vec<Vec<u64>> {
    let table = Table::of_public(matrix(rows, shape.inputs() as usize, shape.heads().len()));
    let trainer = Trainer::new(shape, &table, Placement::Dense).unwrap_or_else(|error| panic!("{error}"));
    let network = trainer.network(parameters);
    trainer.passes(&network).map(|(batch, pass)| bits(batch, pass, shape)).next().unwrap()
}

#[test]
fn a_row_gives_the_same_bits_in_every_slot_and_company() {
    let mut dice = Dice::new(1);
    let hidden: [&[u32]; 5] = [&[], &[1], &[16, 8], &[128, 64], &[33, 17, 5]];
    for (index, hidden) in hidden.iter().enumerate() {
        for (inputs, heads) in [(1, 1), (7, 1), (50, 1), (50, 2), (64, 3), (300, 16)] {
            let activation = if index % 2 == 0 { Activation::Relu } else { Activation::Tanh };
            let shape = shape(inputs, hidden, activation, heads);
            let parameters = parameters(&mut dice, &shape);
            let rows = rows(&mut dice, inputs, heads, 256, 1);
            let whole = only_pass(&rows, &shape, &parameters);
            // Half of the rows, in reverse order: another slot, other neighbours, padding in the rest.
            let half: Vec<Row> = rows.iter().rev().step_by(2).cloned().collect();
            let moved = only_pass(&half, &shape, &parameters);
            for (slot, bits) in moved.iter().take(half.len()).enumerate() {
                assert!(*bits == whole[255 - 2 * slot], "slot {slot} of {inputs}-{hidden:?}-{heads}");
            }
            // One row alone, in the first slot.
            for slot in [1, 100, 255] {
                let alone = only_pass(&rows[slot..=slot], &shape, &parameters);
                assert!(alone[0] == whole[slot], "slot {slot} alone of {inputs}-{hidden:?}-{heads}");
            }
        }
    }
}

/// The bits of every row that is there, by its features, which no two rows of a test share.
fn bits_by_row(
    rows: &[Row],
    shape: &Architecture,
    parameters: &Parameters,
    placement: Placement,
) -> BTreeMap<Vec<u64>, Vec<u64>> {
    let inputs = shape.inputs() as usize;
    let maxima = TableMaxima { customers: 60, rows: 180, rows_per_customer: 3 };
    let table = Table::new(matrix(rows, inputs, shape.heads().len()), maxima, &PlacementKey::new([5; 32])).unwrap();
    let trainer = Trainer::new(shape, &table, placement).unwrap_or_else(|error| panic!("{error}"));
    let network = trainer.network(parameters);
    let passes = trainer.passes(&network).flat_map(|(batch, pass)| {
        let used = batch.customers().iter().filter(|customer| **customer != NOBODY).count();
        let keyed = bits(batch, pass, shape).into_iter().take(used).map(|bits| (bits[..inputs].to_vec(), bits));
        keyed.collect::<Vec<_>>()
    });
    passes.collect()
}

#[test]
fn no_other_row_moves_a_bit_when_any_customer_leaves() {
    let mut dice = Dice::new(6);
    let shapes: [(usize, &[u32], Activation, usize); 4] = [
        (7, &[], Activation::Relu, 1),
        (13, &[16, 8], Activation::Tanh, 2),
        (50, &[64], Activation::Relu, 1),
        (9, &[33, 17, 5], Activation::Relu, 3),
    ];
    for (inputs, hidden, activation, heads) in shapes {
        let shape = shape(inputs, hidden, activation, heads);
        let parameters = parameters(&mut dice, &shape);
        let rows = rows(&mut dice, inputs, heads, 60, 3);
        for placement in [Placement::Dense, Placement::Hashed] {
            let whole = bits_by_row(&rows, &shape, &parameters, placement);
            assert_eq!(whole.len(), rows.len());
            for missing in 0..60 {
                let mut rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
                for last in (1..rest.len()).rev() {
                    rest.swap(last, dice.below(u32::try_from(last).unwrap() + 1) as usize);
                }
                let left = bits_by_row(&rest, &shape, &parameters, placement);
                assert_eq!(left.len(), rest.len());
                let unmoved = left.iter().all(|(row, bits)| whole.get(row) == Some(bits));
                assert!(unmoved, "{inputs}-{hidden:?}-{heads}, {placement:?}, without {missing}");
            }
        }
    }
}

#[test]
fn a_trainer_can_move_to_a_thread() {
    fn sendable<T: Send>() {}
    sendable::<Trainer>();
}

#[test]
fn padding_has_no_gradient() {
    let mut dice = Dice::new(2);
    let shape = shape(5, &[4], Activation::Tanh, 2);
    let parameters = parameters(&mut dice, &shape);
    let table = Table::of_public(matrix(&rows(&mut dice, 5, 2, 3, 1), 5, 2));
    let trainer = Trainer::new(&shape, &table, Placement::Dense).ok().unwrap();
    let network = trainer.network(&parameters);
    let (batch, pass) = trainer.passes(&network).next().unwrap();
    assert_eq!(batch.customers()[..4], [0, 1, 2, NOBODY]);
    assert!(pass.norms()[..3].iter().all(|norm| *norm > 0.0));
    assert!(pass.norms()[3..].iter().all(|norm| *norm == 0.0));
    assert!(pass.losses()[3..].iter().all(|loss| *loss == 0.0));
}

#[test]
fn no_number_on_the_way_overflows_or_is_denormal() {
    let mut dice = Dice::new(4);
    let sizes = [0.0, f32::MIN_POSITIVE, 1e-44, 1e-20, 1e-6, 1.0, 1e6, f32::MAX];
    for hidden in [&[][..], &[9], &[16, 16, 16, 16]] {
        for size in sizes {
            let shape = shape(6, hidden, Activation::Relu, 2);
            let values = (0..shape.parameter_count()).map(|_| dice.unit() * size);
            let parameters = Parameters::clamped(shape.clone(), values.collect()).ok().unwrap();
            let mut rows = rows(&mut dice, 6, 2, 60, 1);
            for (row, scale) in rows.iter_mut().zip(sizes.iter().cycle()) {
                row.features.iter_mut().for_each(|value| *value *= scale.min(1e38));
            }
            let table = Table::of_public(matrix(&rows, 6, 2));
            let trainer = Trainer::new(&shape, &table, Placement::Dense).ok().unwrap();
            let network = trainer.network(&parameters);
            for (_, pass) in trainer.passes(&network) {
                let norms = pass.norms();
                assert!(norms.iter().chain(pass.losses()).all(|value| value.is_finite()), "{hidden:?} {size}");
                let coefficients: Vec<f64> = norms.iter().map(|norm| 1000.0 / norm.max(1e-3)).collect();
                let sum = pass.weighted_sum(&coefficients.try_into().unwrap());
                let settled = |value: &f32| *value == 0.0 || value.is_normal();
                assert!(sum.iter().all(settled), "{hidden:?} {size}");
            }
        }
    }
}

#[test]
fn other_shapes_and_maxima_are_refused() {
    let mut dice = Dice::new(3);
    let mut data = || matrix(&rows(&mut dice, 5, 2, 40, 5), 5, 2);
    let maxima = |customers, rows, rows_per_customer| TableMaxima { customers, rows, rows_per_customer };
    let key = PlacementKey::new([7; 32]);
    for (out_of_range, right) in [
        (maxima(0, 1, 1), maxima(1, 1, 1)),
        (maxima(1, 0, 1), maxima(40, 40, 5)),
        (maxima(1, 1, 0), maxima(39, 40, 5)),
        (maxima(1, 1, ROWS_PER_CUSTOMER_MAX + 1), maxima(40, 40, ROWS_PER_CUSTOMER_MAX)),
    ] {
        assert_eq!(Table::new(data(), out_of_range, &key).err(), Some(MaximaFault));
        assert!(Table::new(data(), right, &key).is_ok(), "too small a maximum leaves nobody out");
    }
    let table = Table::of_public(data());
    let refusal = |shape: &Architecture| Trainer::new(shape, &table, Placement::Dense).err();
    assert_eq!(refusal(&shape(5, &[], Activation::Relu, 2)), None);
    let expected = TrainError::Inputs { expected: 6, found: 5 };
    assert_eq!(refusal(&shape(6, &[], Activation::Relu, 2)), Some(expected));
    assert_eq!(refusal(&shape(5, &[], Activation::Relu, 1)), Some(TrainError::Heads { expected: 1, found: 2 }));
}

#[test]
fn rows_beyond_a_customers_maximum_are_left_out_by_their_contents() {
    let mut dice = Dice::new(8);
    let rows = rows(&mut dice, 5, 2, 40, 5);
    let maxima = TableMaxima { customers: 40, rows: 80, rows_per_customer: 2 };
    let kept = |rows: &[Row]| {
        let table = Table::new(matrix(rows, 5, 2), maxima, &PlacementKey::new([7; 32])).unwrap();
        let used = table.customers().all().iter().copied();
        let mut contents: Vec<Vec<u32>> = used
            .map(|row| table.data().features().row(row as usize).iter().map(|value| value.to_bits()).collect())
            .collect();
        contents.sort();
        (contents, table.rows_left_out(), table.passes_maxima())
    };
    let (contents, left_out, passes) = kept(&rows);
    assert!(left_out > 0 && contents.len() + left_out == rows.len() && !passes);
    let mut reversed = rows.clone();
    reversed.reverse();
    assert_eq!(kept(&reversed).0, contents);
}

#[test]
fn scores_are_probabilities_of_the_rows() {
    let shape = shape(2, &[], Activation::Relu, 1);
    let parameters = Parameters::new(shape.clone(), vec![1.0, -2.0, 0.5]).ok().unwrap();
    let rows: Vec<Row> = (0..300_u16)
        .map(|row| Row {
            features: vec![f32::from(row) / 100.0, 1.0],
            targets: vec![0.0],
            present: vec![1.0],
            customer: u32::from(row),
        })
        .collect();
    let scores = predict(&parameters, &matrix(&rows, 2, 1)).ok().unwrap();
    assert_eq!(scores.dim(), (300, 1));
    for (row, score) in scores.iter().enumerate() {
        let logit = row as f32 / 100.0 - 1.5;
        assert!((score - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6);
    }
}

#[test]
fn central_training_learns() {
    let mut dice = Dice::new(5);
    let train = Table::of_public(matrix(&rows(&mut dice, 6, 2, 600, 1), 6, 2));
    let test = matrix(&rows(&mut dice, 6, 2, 300, 1), 6, 2);
    for hidden in [&[][..], &[8, 4]] {
        let shape = shape(6, hidden, Activation::Relu, 2);
        let update_rule = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        let optimizer = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(30) }).unwrap();
        let settings = CentralSettings { rounds: 40, optimizer, seed: 9 };
        let model = train_centrally(&shape, &train, &settings).ok().unwrap();
        let scores = predict(&model, &test).ok().unwrap();
        for head in 0..2 {
            let found = crate::evaluate::evaluate(&scores, &test, head).unwrap();
            assert!(found.auc.unwrap() > 0.9, "hidden {hidden:?}, head {head}: {:?}", found.auc);
        }
    }
}

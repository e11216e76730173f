use std::collections::BTreeMap;

use ndarray::Array2;

use super::*;
use crate::architecture::{Activation, ArchitectureFields};
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
    })
    .unwrap()
}

/// Parameters without zeros, so that every path carries something.
pub(crate) fn parameters(dice: &mut Dice, shape: &Architecture) -> Parameters {
    let values = (0..shape.parameter_count()).map(|_| 0.4 * dice.unit()).collect();
    Parameters::new(shape.clone(), values).unwrap_or_else(|error| panic!("{error}"))
}

/// Every bit that a slot gives rise to: loss, norm, activations and gradients.
fn bits(pass: BatchGradients) -> Vec<Vec<u32>> {
    let losses = pass.losses().to_vec();
    let norms = pass.norms();
    let layers = pass.into_host();
    (0..SLOTS)
        .map(|slot| {
            let norm = norms[slot].to_bits();
            let mut bits = vec![losses[slot].to_bits(), (norm >> 32) as u32, (norm & 0xFFFF_FFFF) as u32];
            for layer in &layers {
                let (activations, gradients) = layer.slot(slot);
                bits.extend(activations.iter().chain(gradients).map(|value| value.to_bits()));
            }
            bits
        })
        .collect()
}

fn only_pass(rows: &[Row], shape: &Architecture, parameters: &Parameters) -> Vec<Vec<u32>> {
    let data = matrix(rows, shape.inputs() as usize, shape.heads().len());
    let trainer = Trainer::new(shape, &data, &Placement::Dense).unwrap_or_else(|error| panic!("{error}"));
    trainer.passes(parameters).map(|(_, pass)| bits(pass)).next().unwrap()
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
    hashed: bool,
) -> BTreeMap<Vec<u32>, Vec<u32>> {
    let key = PlacementKey::new([5; 32]);
    let placement =
        if hashed { Placement::Hashed { key, customers_max: 60, rows_per_customer_max: 3 } } else { Placement::Dense };
    let data = matrix(rows, shape.inputs() as usize, shape.heads().len());
    let trainer = Trainer::new(shape, &data, &placement).unwrap_or_else(|error| panic!("{error}"));
    let passes = trainer.passes(parameters).flat_map(|(customers, pass)| {
        let inputs = shape.inputs() as usize;
        // Behind loss and norm come the first layer's activations: the row itself.
        let keyed = bits(pass).into_iter().take(customers.len()).map(move |bits| (bits[3..3 + inputs].to_vec(), bits));
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
        for hashed in [false, true] {
            let whole = bits_by_row(&rows, &shape, &parameters, hashed);
            assert_eq!(whole.len(), rows.len());
            for missing in 0..60 {
                let mut rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
                for last in (1..rest.len()).rev() {
                    rest.swap(last, dice.below(u32::try_from(last).unwrap() + 1) as usize);
                }
                let left = bits_by_row(&rest, &shape, &parameters, hashed);
                assert_eq!(left.len(), rest.len());
                let unmoved = left.iter().all(|(row, bits)| whole.get(row) == Some(bits));
                assert!(unmoved, "{inputs}-{hidden:?}-{heads}, hashed {hashed}, without {missing}");
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
    let data = matrix(&rows(&mut dice, 5, 2, 3, 1), 5, 2);
    let trainer = Trainer::new(&shape, &data, &Placement::Dense).ok().unwrap();
    let (customers, pass) = trainer.passes(&parameters).next().unwrap();
    assert_eq!(customers, [0, 1, 2]);
    assert!(pass.norms()[3..].iter().all(|norm| *norm == 0.0));
    assert!(pass.losses()[3..].iter().all(|loss| *loss == 0.0));
}

#[test]
fn other_shapes_and_maxima_are_refused() {
    let mut dice = Dice::new(3);
    let data = matrix(&rows(&mut dice, 5, 2, 40, 1), 5, 2);
    let refusal = |shape: &Architecture, placement: &Placement| Trainer::new(shape, &data, placement).err();
    let hashed = |customers_max, rows_per_customer_max| {
        let key = PlacementKey::new([7; 32]);
        Placement::Hashed { key, customers_max, rows_per_customer_max }
    };
    let fitting = shape(5, &[], Activation::Relu, 2);
    let wide = shape(6, &[], Activation::Relu, 2);
    assert_eq!(refusal(&wide, &Placement::Dense), Some(TrainError::Inputs { expected: 6, found: 5 }));
    let headed = shape(5, &[], Activation::Relu, 1);
    assert_eq!(refusal(&headed, &Placement::Dense), Some(TrainError::Heads { expected: 1, found: 2 }));
    assert_eq!(refusal(&fitting, &hashed(39, 1)), Some(TrainError::Customers(39)));
    assert_eq!(refusal(&fitting, &hashed(0, 1)), Some(TrainError::Maximum));
    assert_eq!(refusal(&fitting, &hashed(40, 1)), None);
    let data = matrix(&rows(&mut dice, 5, 2, 40, 5), 5, 2);
    let refusal = |placement: &Placement| Trainer::new(&fitting, &data, placement).err();
    assert_eq!(refusal(&hashed(40, 2)), Some(TrainError::Rows(2)));
    assert_eq!(refusal(&hashed(40, 5)), None);
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
    let train = matrix(&rows(&mut dice, 6, 2, 600, 1), 6, 2);
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

//! Hostile cases: made from a number, tried on two neighbouring tables, climbed from.

use ndarray::Array2;
use tributary_model::architecture::{Activation, Architecture, ArchitectureFields};
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::{PARAMETER_ABS_MAX, Parameters};
use tributary_model::train::{PlacementKey, ROWS_PER_CUSTOMER_MAX, Table, TableMaxima, Trainer};
use tributary_model::update::{
    CLIP_NORM_MAX, CLIP_NORM_MIN, CLIP_UNITS_MAX, CLIP_UNITS_MIN, ClipForm, ClipRule, ClipSettings, ClipUnit,
    LOSS_BOUND_MAX, LocalRule, branch_update, clipped_sum,
};
use tributary_protocol::secagg::modular::Ring;

/// How far one customer moved a sum.
#[derive(Clone, Copy, Default)]
pub(crate) struct Moved {
    /// Squared distance of the two sums, in units squared.
    pub(crate) square: u128,
    /// What the rule states.
    pub(crate) allowed: u128,
}

impl Moved {
    /// As a share of what is allowed.
    pub(crate) fn share(&self) -> f64 {
        if self.allowed == 0 { 0.0 } else { (self.square as f64 / self.allowed as f64).sqrt() }
    }

    /// The further one of two.
    pub(crate) fn further(self, other: Self) -> Self {
        if other.share() > self.share() { other } else { self }
    }
}

/// How many cases a run tries.
pub(crate) fn cases(usual: u64) -> u64 {
    let given = std::env::var("TRIBUTARY_HOSTILE_CASES").ok();
    given.map_or(usual, |text| text.parse().expect("TRIBUTARY_HOSTILE_CASES is a number"))
}

/// A small generator; nothing secret.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() >> 33).unwrap() % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(u32::try_from(choices.len()).unwrap()) as usize]
    }

    /// Uniform in 0 to 1.
    fn unit(&mut self) -> f64 {
        f64::from(self.below(1 << 24)) / f64::from(1 << 24)
    }

    /// A number between two bounds, uniform in its logarithm, or one of the two.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        match self.below(6) {
            0 => low,
            1 => high,
            _ => (low.ln() + self.unit() * (high.ln() - low.ln())).exp().clamp(low, high),
        }
    }

    /// Any size of number, either sign, denormal ones and the largest among them.
    fn any_size(&mut self, most: f32) -> f32 {
        let size = match self.below(8) {
            0 => 0.0,
            1 => most,
            2 => f32::from_bits(self.below(1 << 23)),
            3 => 1.0,
            _ => narrow((f64::from(self.below(267)) - 147.0).exp2()).min(most),
        };
        if self.below(2) == 0 { size } else { -size }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "test numbers, rounded")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// A row of a table.
#[derive(Clone)]
struct Row {
    features: Vec<f32>,
    targets: Vec<f32>,
    present: Vec<f32>,
    customer: u32,
}

/// Everything that an enemy chooses, and the rows that it is tried on.
#[derive(Clone)]
pub(crate) struct Case {
    dice: Dice,
    architecture: Architecture,
    values: Vec<f32>,
    settings: ClipSettings,
    local: Option<LocalRule>,
    rows: Vec<Row>,
    /// The customer whom one of the two tables lacks.
    missing: u32,
    maxima: TableMaxima,
}

impl Case {
    /// The case of a number.
    pub(crate) fn new(number: u64) -> Self {
        let mut dice = Dice(number.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ 0xA076_1D64_78BD_642F);
        let inputs = dice.one_of(&[1, 2, 5, 12]);
        let layers = dice.below(5);
        let hidden = (0..layers).map(|_| dice.one_of(&[1, 3, 8, 24])).collect();
        let heads = 1 + dice.below(3);
        let architecture = Architecture::new(ArchitectureFields {
            inputs,
            hidden,
            activation: dice.one_of(&[Activation::Relu, Activation::Relu, Activation::Tanh]),
            heads: (0..heads).map(|head| format!("label {head}")).collect(),
            pairs: None,
        })
        .unwrap();
        let form = dice.one_of(&[ClipForm::Exact, ClipForm::Chunked]);
        let settings = ClipSettings {
            example_clip_norm: dice.between(CLIP_NORM_MIN, CLIP_NORM_MAX),
            clip_units: narrow_units(dice.between(f64::from(CLIP_UNITS_MIN), f64::from(CLIP_UNITS_MAX))),
            form,
            loss_bound: dice.one_of(&[None, Some(1e-300), Some(4.0), Some(LOSS_BOUND_MAX)]),
        };
        let unit = dice.one_of(&[ClipUnit::Customer, ClipUnit::Customer, ClipUnit::Branch]);
        let local = (unit == ClipUnit::Branch).then(|| LocalRule {
            steps: 1 + dice.below(2),
            learning_rate: dice.between(1e-6, 1e6),
            update_clip_norm: dice.between(5e-324, 1e6),
        });
        let count = architecture.parameter_count();
        let scale = dice.any_size(PARAMETER_ABS_MAX).abs();
        let style = dice.below(4);
        let values = (0..count)
            .map(|_| match style {
                0 => dice.any_size(f32::MAX),
                1 => dice.one_of(&[scale, -scale, 0.0]),
                2 => narrow((dice.unit() - 0.5) * f64::from(scale)),
                _ => narrow(dice.unit() - 0.5),
            })
            .collect();
        let customers = 1 + dice.below(12);
        let rows_per_customer = 1 + dice.below(3);
        let poisoned = dice.below(4) == 0;
        let rows = rows(&mut dice, (inputs, heads), customers, rows_per_customer);
        let missing = dice.below(customers);
        // Now and then more customers than the branch says: nobody is left out. With so many rows each, eight customers fill a micro-batch, and
        // when one of them leaves another one moves in from the exact form.
        let crowded = dice.below(4) == 0;
        let (most, rows_most) = if crowded { (1, ROWS_PER_CUSTOMER_MAX) } else { (customers, rows_per_customer) };
        let maxima = TableMaxima { customers: most, rows: most * rows_most, rows_per_customer: rows_most };
        let mut case = Self { dice, architecture, values, settings, local, rows, missing, maxima };
        if poisoned {
            case.poison();
        }
        case
    }

    /// One row of the customer gets numbers of any size.
    fn poison(&mut self) {
        let Self { dice, rows, missing, .. } = self;
        let Some(row) = rows.iter_mut().find(|row| row.customer == *missing) else { return };
        row.features.iter_mut().for_each(|value| *value = dice.any_size(f32::MAX));
    }

    /// Tries the case.
    pub(crate) fn moved(&self) -> Moved {
        let unit = if self.local.is_some() { ClipUnit::Branch } else { ClipUnit::Customer };
        let rule = ClipRule::new(self.settings, unit).unwrap_or_else(|fault| panic!("{fault}"));
        let parameters = self.values.len();
        // A rule that wastes its noise on rounding is refused by its numbers alone.
        let Ok(allowed) = rule.sensitivity_squared_units(parameters) else { return Moved::default() };
        let with = self.sum(&rule, |_| true);
        let without = self.sum(&rule, |customer| customer != self.missing);
        assert_eq!(with.len(), without.len(), "what leaves has the same length");
        let pairs = with.iter().zip(&without);
        let squares = pairs.map(|(with, without)| u128::from(with.abs_diff(*without)).saturating_pow(2));
        let square = squares.fold(0, u128::saturating_add);
        // A branch is the unit where its whole difference is bounded: a customer may turn it around.
        let allowed = match unit {
            ClipUnit::Customer => allowed,
            ClipUnit::Branch => 4 * allowed,
        };
        Moved { square, allowed }
    }

    /// The integers that a branch would noise.
    fn sum(&self, rule: &ClipRule, keeps: impl Fn(u32) -> bool) -> Vec<i64> {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| keeps(row.customer)).collect();
        let (inputs, heads) = (self.architecture.inputs() as usize, self.architecture.heads().len());
        let table = Table::new(matrix(&rows, inputs, heads), self.maxima, &PlacementKey::new([4; 32])).unwrap();
        let trainer = Trainer::new(&self.architecture, &table, rule.form().placement()).unwrap();
        let model = Parameters::clamped(self.architecture.clone(), self.values.clone()).ok().unwrap();
        let sum = match &self.local {
            Some(local) => branch_update(&trainer, &model, (rule, local)).map_err(|fault| fault.to_string()),
            None => clipped_sum(&trainer, &model, rule).map_err(|fault| fault.to_string()),
        };
        let sum = sum.unwrap_or_else(|fault| panic!("rows decide that there is no sum: {fault}"));
        let silence = vec![0; sum.coordinates()];
        sum.add_noise(silence).unwrap().quantize(Ring::Bits64).into_words().centred()
    }

    /// The same case with something about it changed.
    fn changed(&self) -> Self {
        let mut other = self.clone();
        other.dice.next();
        let index = other.dice.below(u32::try_from(other.values.len()).unwrap()) as usize;
        match other.dice.below(6) {
            0 => other.values[index] = other.dice.any_size(PARAMETER_ABS_MAX),
            1 => other.values[index] *= 2.0,
            2 => other.values.iter_mut().for_each(|value| *value *= 4.0),
            3 => other.values.iter_mut().for_each(|value| *value /= 4.0),
            4 => other.settings.example_clip_norm = other.dice.between(CLIP_NORM_MIN, CLIP_NORM_MAX),
            _ => other.poison(),
        }
        other
    }
}

/// The attacks that an adversarial reading found, by name.
pub(crate) fn known() -> Vec<(&'static str, Case)> {
    vec![("overflow", overflow()), ("underflow", underflow()), ("aligned", aligned())]
}

/// A rule of the chunked form, without riders.
fn chunked(example_clip_norm: f64) -> ClipSettings {
    ClipSettings { example_clip_norm, clip_units: 1 << 20, form: ClipForm::Chunked, loss_bound: None }
}

/// A case of one-row customers, of whom the first one may be missing.
fn built(hidden: &[u32], features: &[&[f32]], settings: ClipSettings, value: impl Fn(usize, bool) -> f32) -> Case {
    let inputs = u32::try_from(features[0].len()).unwrap();
    let architecture = Architecture::mlp(inputs, hidden, &["churn"]).unwrap();
    let layers = architecture.layout();
    let values = layers.iter().enumerate().flat_map(|(layer, shape)| {
        let weights = std::iter::repeat_n(value(layer, true), shape.inputs * shape.outputs);
        weights.chain(std::iter::repeat_n(value(layer, false), shape.outputs)).collect::<Vec<f32>>()
    });
    let values = values.collect();
    let rows: Vec<Row> = (0..)
        .zip(features)
        .map(|(customer, features)| Row {
            features: features.to_vec(),
            targets: vec![0.0],
            present: vec![1.0],
            customer,
        })
        .collect();
    let customers = u32::try_from(rows.len()).unwrap();
    let maxima = TableMaxima { customers, rows: customers, rows_per_customer: 1 };
    Case { dice: Dice(1), architecture, values, settings, local: None, rows, missing: 0, maxima }
}

/// A deep network that overflows 32-bit floats on the one record that its first layer matches, and is silent on all others.
fn overflow() -> Case {
    let others: &[f32] = &[0.5];
    let features: Vec<&[f32]> = std::iter::once::<&[f32]>(&[1e18]).chain(std::iter::repeat_n(others, 100)).collect();
    let huge = PARAMETER_ABS_MAX;
    built(&[64, 64, 64, 64], &features, chunked(1.0), |layer, weight| match (layer, weight) {
        (0, true) => huge,
        (0, false) => -0.75 * huge,
        (4, false) => 1.0,
        (_, true) => huge,
        (_, false) => 0.0,
    })
}

/// Activations near 2^61 before a layer whose pre-activation gradients are near 2^-75: their product is many clip norms, their squares in 32
/// bits are infinite or nothing.
fn underflow() -> Case {
    let power = |exponent: i32| f64::from(exponent).exp2();
    built(&[8, 8, 64, 1024], &[&[1.0], &[0.0]], chunked(1e-3), |layer, weight| {
        narrow(match (layer, weight) {
            (0, true) => power(18),
            // Eight inputs each.
            (1, true) => power(19),
            (2, true) => power(17) * 1.8,
            (3, true) => 0.0,
            (3, false) => 1.0,
            // The label is 0 and the logit about -25, so that little of it is left to learn.
            (4, true) => power(-39),
            (4, false) => -25.0,
            (_, false) => 0.0,
            (_, true) => 1.0,
        })
    })
}

/// Four hundred alike customers, whom one row of a faulty one must not silence.
fn aligned() -> Case {
    let alike: &[f32] = &[1.0, 1.0];
    let features: Vec<&[f32]> =
        std::iter::once::<&[f32]>(&[f32::MAX, 0.0]).chain(std::iter::repeat_n(alike, 400)).collect();
    built(&[], &features, chunked(1.0), |_, weight| if weight { PARAMETER_ABS_MAX } else { -PARAMETER_ABS_MAX })
}

/// The furthest of a case and of those that so many steps uphill lead to.
pub(crate) fn climb(start: Case, steps: u32) -> Moved {
    let (mut best, mut furthest) = (start.moved(), start);
    for _ in 0..steps {
        let next = furthest.changed();
        // The next change differs from this one, whether it is taken or not.
        furthest.dice = next.dice.clone();
        let moved = next.moved();
        if moved.square > moved.allowed {
            return moved;
        }
        if moved.share() >= best.share() {
            (best, furthest) = (moved, next);
        }
    }
    best
}

fn narrow_units(units: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the limits of clip units")]
    let units = units as u32;
    units.clamp(CLIP_UNITS_MIN, CLIP_UNITS_MAX)
}

fn rows(dice: &mut Dice, (inputs, heads): (u32, u32), customers: u32, rows_max: u32) -> Vec<Row> {
    let large = dice.below(3) == 0;
    let mut rows = Vec::new();
    for customer in 0..customers {
        for _ in 0..=dice.below(rows_max) {
            let feature = |dice: &mut Dice| if large { dice.any_size(1e6) } else { narrow(2.0 * dice.unit() - 1.0) };
            let bit = |dice: &mut Dice| f32::from(u8::from(dice.below(2) == 0));
            let features = (0..inputs).map(|_| feature(dice)).collect();
            let targets = (0..heads).map(|_| bit(dice)).collect();
            let present = (0..heads).map(|_| f32::from(u8::from(dice.below(8) > 0))).collect();
            rows.push(Row { features, targets, present, customer });
        }
    }
    rows
}

/// Customers are numbered in the order of their first row.
fn matrix(rows: &[&Row], inputs: usize, heads: usize) -> FeatureMatrix {
    let mut numbers: Vec<u32> = rows.iter().map(|row| row.customer).collect();
    numbers.dedup();
    let index = |customer: u32| numbers.iter().position(|number| *number == customer).unwrap();
    let customers = rows.iter().map(|row| u32::try_from(index(row.customer)).unwrap()).collect();
    let gather = |width: usize, part: fn(&Row) -> &Vec<f32>| {
        let values: Vec<f32> = rows.iter().flat_map(|row| part(row).clone()).collect();
        Array2::from_shape_vec((rows.len(), width), values).unwrap()
    };
    let present = gather(heads, |row| &row.present);
    // A missing label's target is 0.
    let targets = gather(heads, |row| &row.targets) * &present;
    FeatureMatrix::new(gather(inputs, |row| &row.features), targets, present, customers).unwrap()
}

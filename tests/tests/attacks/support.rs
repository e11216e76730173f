//! Branches, chance and statistics of the attacks.

use ndarray::Array2;
use tributary_model::architecture::Architecture;
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::privacy::{Calibrated, NoiseSampler, Target, calibrate};
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_model::update::{ClipForm, ClipRule, ClipSettings, ClipUnit, ClippedSum, clipped_sum};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::secagg::modular::{Ring, RingWords};

/// Chance of a statement about a rate to be wrong.
pub(crate) const DOUBT: f64 = 0.005;

/// Keys that count up below a label.
pub(crate) struct Counted {
    label: &'static str,
    drawn: u64,
}

impl Counted {
    pub(crate) fn new(label: &'static str) -> Self {
        Self { label, drawn: 0 }
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.bytes32()[0] & 1 == 1
    }

    /// Uniform in -1 to 1.
    pub(crate) fn unit(&mut self) -> f32 {
        let mut bytes = [0; 2];
        self.fill(&mut bytes);
        f32::from(i16::from_le_bytes(bytes)) / 32_768.0
    }
}

impl Entropy for Counted {
    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let key = Digest::of_parts(&[self.label.as_bytes(), &self.drawn.to_le_bytes()]);
            part.copy_from_slice(&key.as_bytes()[..part.len()]);
            self.drawn += 1;
        }
    }
}

/// One customer with one row.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) features: Vec<f32>,
    pub(crate) label: bool,
}

/// Everybody's rows.
pub(crate) fn matrix(customers: &[Customer], inputs: usize) -> FeatureMatrix {
    let count = customers.len();
    let features = customers.iter().flat_map(|customer| customer.features.iter().copied()).collect();
    let targets = customers.iter().map(|customer| f32::from(u8::from(customer.label))).collect();
    let table = |columns, values| Array2::from_shape_vec((count, columns), values).unwrap();
    let indices = (0..u32::try_from(count).unwrap()).collect();
    FeatureMatrix::new(table(inputs, features), table(1, targets), table(1, vec![1.0; count]), indices).unwrap()
}

/// A branch as it trains.
pub(crate) fn trainer(architecture: &Architecture, customers: &[Customer], rule: &ClipRule) -> Trainer {
    let placement = match rule.form() {
        ClipForm::Exact => Placement::Dense,
        ClipForm::Chunked => Placement::Hashed,
    };
    let maxima = TableMaxima { customers: 128, rows: 128, rows_per_customer: 1 };
    let data = matrix(customers, architecture.inputs() as usize);
    Trainer::new(architecture, &Table::new(data, maxima, &PlacementKey::new([1; 32])).unwrap(), placement).unwrap()
}

/// A clip rule with riders.
pub(crate) fn rule(form: ClipForm, example_clip_norm: f64, clip_units: u32) -> ClipRule {
    let settings = ClipSettings { example_clip_norm, clip_units, form, loss_bound: Some(4.0) };
    ClipRule::new(settings, ClipUnit::Customer).unwrap()
}

/// The noise that a plan of these rounds would get.
pub(crate) fn calibrated(
    epsilon: f64,
    delta: f64,
    rounds_charged: u32,
    rule: &ClipRule,
    parameters: usize,
) -> Calibrated {
    let sensitivity_squared_units = rule.sensitivity_squared_units(parameters).unwrap();
    calibrate(&Target { epsilon, delta, rounds_charged, sensitivity_squared_units }).unwrap()
}

/// What a branch masks: clipped sum and noise share; without a sampler the noise is taken off.
pub(crate) fn update(
    trainer: &Trainer,
    model: &Parameters,
    rule: &ClipRule,
    noise: Option<&NoiseSampler>,
    entropy: &mut Counted,
) -> RingWords {
    noised(clipped_sum(trainer, model, rule).unwrap(), noise, entropy)
}

/// A clipped sum with a noise share on it, as words of the ring.
pub(crate) fn noised(clipped: ClippedSum, noise: Option<&NoiseSampler>, entropy: &mut Counted) -> RingWords {
    let count = clipped.coordinates();
    let share = noise.map_or_else(|| vec![0; count], |sampler| sampler.share(count, entropy).unwrap().into_values());
    clipped.add_noise(share).unwrap().quantize(Ring::Bits64).into_words()
}

/// Where a condition that holds at `low` ends.
pub(crate) fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    high
}

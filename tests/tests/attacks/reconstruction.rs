//! Reconstruction of a customer's row from one branch's update: the gradient of a linear layer is the outer product of its inputs and the
//! gradients of its outputs, so the weights' gradients over the bias' gradient are the row itself (Phong et al. 2018; Geiping et al. 2020,
//! proposition 3.1). A branch with one customer is the attacker's best case.

use tributary_certs::suite::RealSuite;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::privacy::{NoiseSampler, share_variance};
use tributary_model::update::{ClipForm, ClipRule};
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::secagg::mask::{Sign, apply_all};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::suite::SecretKey;

use super::support::{Counted, Customer, calibrated, rule, trainer, update};

const INPUTS: u32 = 20;
const CUSTOMERS: usize = 200;

/// How well rows came back.
struct Recovered {
    /// Largest, middle and smallest of |recovered - row| / |row|.
    error_max: f64,
    error_median: f64,
    error_min: f64,
    /// Mean over customers of the correlation of recovered and true row.
    correlation: f64,
}

fn shapes() -> [(ClipForm, Architecture); 2] {
    let heads = &["churn"];
    [
        (ClipForm::Exact, Architecture::logistic(INPUTS, heads).unwrap()),
        (ClipForm::Chunked, Architecture::mlp(INPUTS, &[16, 8], heads).unwrap()),
    ]
}

/// The row that a gradient shows: by the unit of the first layer whose bias moved most.
fn reconstruct(architecture: &Architecture, sum: &[i64]) -> Vec<f64> {
    let layout = architecture.layout();
    let first = layout.first().unwrap();
    let bias = |unit: &usize| sum[first.biases + unit];
    let unit = (0..first.outputs).max_by_key(|unit| bias(unit).unsigned_abs()).unwrap();
    let weights = (0..first.inputs).map(|input| sum[first.weights + input * first.outputs + unit] as f64);
    weights.map(|weight| weight / bias(&unit) as f64).collect()
}

/// Attacks the updates of many branches of one customer each, as `send` lets them leave.
fn attack(
    architecture: &Architecture,
    rule: &ClipRule,
    noise: Option<&NoiseSampler>,
    mut send: impl FnMut(RingWords) -> RingWords,
) -> Recovered {
    let mut chance = Counted::new("reconstruction");
    let values = (0..architecture.parameter_count()).map(|_| 0.5 * chance.unit()).collect();
    let model = Parameters::new(architecture.clone(), values).unwrap();
    let (mut errors, mut correlations) = (Vec::new(), 0.0);
    for _ in 0..CUSTOMERS {
        let features: Vec<f32> = (0..INPUTS).map(|_| 2.0 * chance.unit()).collect();
        let row: Vec<f64> = features.iter().map(|value| f64::from(*value)).collect();
        let branch = trainer(architecture, &[Customer { features, label: chance.coin() }], rule);
        let seen = send(update(&branch, &model, rule, noise, &mut chance)).centred();
        let found = reconstruct(architecture, &seen);
        let distance = found.iter().zip(&row).map(|(found, row)| (found - row).powi(2)).sum::<f64>();
        let length = row.iter().map(|value| value.powi(2)).sum::<f64>();
        errors.push((distance / length).sqrt());
        correlations += correlation(&found, &row);
    }
    errors.sort_by(f64::total_cmp);
    Recovered {
        error_max: errors[CUSTOMERS - 1],
        error_median: errors[CUSTOMERS / 2],
        error_min: errors[0],
        correlation: correlations / CUSTOMERS as f64,
    }
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect()
    };
    let product = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let (left, right) = (centred(left), centred(right));
    product(&left, &right) / (product(&left, &left) * product(&right, &right)).sqrt()
}

/// Nothing came back: a guess of zeros would be as near as the middle one, and none is near.
fn assert_nothing(form: ClipForm, what: &str, found: &Recovered) {
    let Recovered { error_median, error_min, correlation, .. } = found;
    eprintln!("{form:?}, {what}: error {error_median:.2} (smallest {error_min:.2}), correlation {correlation:.3}");
    assert!(*error_median >= 1.0, "{form:?}, {what}: rows come back with an error of {error_median}");
    assert!(*error_min > 0.5, "{form:?}, {what}: a row comes back with an error of {error_min}");
    // Of independent rows, a mean has a standard deviation of 1 / sqrt(20 * 200).
    assert!(correlation.abs() < 0.08, "{form:?}, {what}: correlation {correlation}");
}

#[test]
fn without_defences_an_update_gives_the_row_away() {
    for (form, shape) in shapes() {
        // A norm that clips little, and one that clips much: clipping alone is no defence, because it scales all coordinates alike.
        for norm in [100.0, 1.0] {
            let found = attack(&shape, &rule(form, norm, 1 << 20), None, |words| words);
            let Recovered { error_max, error_median, correlation, .. } = found;
            eprintln!("{form:?}, norm {norm}, no defence: error {error_median:.1e} (largest {error_max:.1e})");
            // What rounding to units leaves, divided by the row's residual, which is small for some.
            let unit = norm / f64::from(1_u32 << 20);
            let exact = error_median < 10.0 * unit && error_max < 100.0 * unit;
            assert!(exact, "{form:?}, norm {norm}: {error_median}, {error_max}");
            assert!(correlation > 0.999_99);
        }
    }
}

#[test]
fn a_noise_share_alone_hides_the_row() {
    for (form, shape) in shapes() {
        // A share of fifty branches' noise at epsilon 1, of whom thirty are counted on.
        let rule = rule(form, 1.0, 1 << 20);
        let whole = calibrated(1.0, 1e-6, 105, &rule, shape.parameter_count()).total_variance_units;
        let sampler = NoiseSampler::new(share_variance(whole, 30).unwrap()).unwrap();
        assert_nothing(form, "noise alone", &attack(&shape, &rule, Some(&sampler), |words| words));
    }
}

#[test]
fn masks_alone_hide_the_row_and_everything_else() {
    for (form, shape) in shapes() {
        let rule = rule(form, 1.0, 1 << 20);
        let mut keys = Counted::new("reconstruction/masks");
        let mut key = || SecretKey::new(keys.bytes32());
        let mut masked_bytes = [0_u64; 256];
        let found = attack(&shape, &rule, None, |mut words| {
            apply_all::<RealSuite>(&mut words, &[(Sign::Add, key()), (Sign::Subtract, key()), (Sign::Add, key())]);
            count(&mut masked_bytes, &words);
            words
        });
        assert_nothing(form, "masks alone", &found);

        let mut bare_bytes = [0_u64; 256];
        attack(&shape, &rule, None, |words| {
            count(&mut bare_bytes, &words);
            words
        });
        let (masked, bare) = (chi_square(&masked_bytes), chi_square(&bare_bytes));
        // 255 degrees of freedom, five standard deviations.
        assert!(masked < 255.0 + 5.0 * 510_f64.sqrt(), "{form:?}: masked words are not uniform: {masked}");
        assert!(bare > 10_000.0, "{form:?}: the test takes bare words for uniform: {bare}");
    }
}

/// Adds the bytes of a vector to a histogram.
fn count(histogram: &mut [u64; 256], words: &RingWords) {
    words.to_le_bytes().into_iter().for_each(|byte| histogram[usize::from(byte)] += 1);
}

/// Against equal counts.
fn chi_square(histogram: &[u64; 256]) -> f64 {
    let expected = histogram.iter().sum::<u64>() as f64 / 256.0;
    histogram.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

//! Whether the time of a clipped sum says anything about rows: harmless and hostile models on neighbouring tables, in turns.
//! `cargo bench -p tributary-model --features train --bench timing`.
//!
//! Each line is the median over many turns of one case's time over that of the first case in the same turn, and its quartiles. What rows decide must lie
//! within the spread of the first case against itself.

use std::time::Instant;

use ndarray::Array2;
use tributary_model::architecture::{Activation, Architecture, ArchitectureFields};
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_model::update::{ClipForm, ClipRule, ClipSettings, ClipUnit, clipped_sum};

/// As in the shipped executable: large tensors otherwise go through mmap at every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const INPUTS: usize = 50;
const CUSTOMERS: usize = 5000;
const CUSTOMERS_MAX: u32 = 6000;
const TURNS: usize = 41;

/// What one row is, or how many there are.
#[derive(Clone, Copy)]
enum Rows {
    Usual,
    OneFewer,
    None,
    /// The first row of 16 has values of this size.
    Sized(f32),
}

fn main() {
    let shapes = [
        ("logistic 50-1, exact", &[][..], Activation::Relu, ClipForm::Exact),
        ("perceptron 50-256-256-1, chunked", &[256, 256], Activation::Relu, ClipForm::Chunked),
        ("perceptron 50-256-1 of tanh, chunked", &[256], Activation::Tanh, ClipForm::Chunked),
    ];
    for (name, hidden, activation, form) in shapes {
        let fields = ArchitectureFields {
            inputs: 50,
            hidden: hidden.to_vec(),
            activation,
            heads: vec!["churn".into()],
            pairs: None,
        };
        let shape = Architecture::new(fields).expect("a small shape");
        let models = [("harmless", 0.1), ("of 2^20", 1_048_576.0), ("of 1e-12", 1e-12), ("of 1e-38", 1e-38)];
        let tables = [
            ("as it is", Rows::Usual),
            ("as it is, again", Rows::Usual),
            ("one customer fewer", Rows::OneFewer),
            ("nobody", Rows::None),
            ("some rows of 1e30", Rows::Sized(1e30)),
            ("some rows of 1e-30", Rows::Sized(1e-30)),
            ("some rows of 1e-42", Rows::Sized(1e-42)),
        ];
        println!("{name}");
        let trainers = tables.map(|(_, rows)| trainer(&shape, rows, form));
        for (model, size) in models {
            let parameters = parameters(&shape, size);
            let ratios = in_turns(&trainers, &parameters, form);
            for ((table, _), (low, median, high)) in tables.iter().zip(ratios) {
                println!("  weights {model:10} rows: {table:22} {median:.3}  ({low:.3} to {high:.3})");
            }
        }
        let harmless = parameters(&shape, 0.1);
        for (model, size) in models {
            let (_, median, _) = against(&trainers[0], [&harmless, &parameters(&shape, size)], form);
            println!("  weights {model:10} against harmless ones    {median:.3}");
        }
    }
}

fn trainer(shape: &Architecture, rows: Rows, form: ClipForm) -> Trainer {
    let count = match rows {
        Rows::None => 0,
        Rows::OneFewer => CUSTOMERS - 1,
        _ => CUSTOMERS,
    };
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let mut features = Array2::from_shape_simple_fn((count, INPUTS), &mut next);
    if let Rows::Sized(size) = rows {
        features.rows_mut().into_iter().step_by(16).for_each(|mut row| row.mapv_inplace(|value| value * size));
    }
    let targets = Array2::from_shape_fn((count, 1), |(row, _)| f32::from(u8::from(row % 3 == 0)));
    let present = Array2::ones((count, 1));
    let customers = (0_u32..).take(count).collect();
    let data = FeatureMatrix::new(features, targets, present, customers).expect("well-formed rows");
    let maxima = TableMaxima { customers: CUSTOMERS_MAX, rows: CUSTOMERS_MAX, rows_per_customer: 1 };
    let table = Table::new(data, maxima, &PlacementKey::new([1; 32])).expect("maxima within their limits");
    let placement = match form {
        ClipForm::Exact => Placement::Dense,
        ClipForm::Chunked => Placement::Hashed,
    };
    Trainer::new(shape, &table, placement).expect("rows that fit")
}

/// A model whose weights have this size.
fn parameters(shape: &Architecture, size: f32) -> Parameters {
    let signs = (0..shape.parameter_count()).map(|index| if index % 3 == 0 { -size } else { size });
    Parameters::new(shape.clone(), signs.collect()).expect("values within the limits")
}

/// Ratios of each trainer's time to the first one's: lower quartile, median, upper quartile.
fn in_turns(trainers: &[Trainer; 7], parameters: &Parameters, form: ClipForm) -> Vec<(f64, f64, f64)> {
    let turns: Vec<Vec<f64>> =
        (0..TURNS).map(|_| trainers.iter().map(|trainer| once(trainer, parameters, form)).collect()).collect();
    (0..trainers.len()).map(|case| quartiles(turns.iter().map(|turn| turn[case] / turn[0]).collect())).collect()
}

/// The second model's time over the first one's.
fn against(trainer: &Trainer, [first, second]: [&Parameters; 2], form: ClipForm) -> (f64, f64, f64) {
    let ratio = |_| {
        let first = once(trainer, first, form);
        once(trainer, second, form) / first
    };
    quartiles((0..TURNS).map(ratio).collect())
}

fn quartiles(mut ratios: Vec<f64>) -> (f64, f64, f64) {
    ratios.sort_by(f64::total_cmp);
    (ratios[ratios.len() / 4], ratios[ratios.len() / 2], ratios[3 * ratios.len() / 4])
}

/// Seconds of a few sums, by the clock on the wall: processor time is counted in steps that are too long for this on some systems.
fn once(trainer: &Trainer, parameters: &Parameters, form: ClipForm) -> f64 {
    let settings = ClipSettings { example_clip_norm: 1.0, clip_units: 1 << 20, form, loss_bound: Some(4.0) };
    let rule = ClipRule::new(settings, ClipUnit::Customer).expect("a rule within its limits");
    let sums = if form == ClipForm::Exact { 8 } else { 1 };
    let started = Instant::now();
    for _ in 0..sums {
        let sum = clipped_sum(trainer, parameters, &rule).expect("model and rule fit");
        assert!(sum.coordinates() > 0);
    }
    started.elapsed().as_secs_f64()
}

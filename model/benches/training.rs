//! Rows for each CPU-second: clipped sums against plain forward and backward passes. `cargo bench -p tributary-model --features train`.
//!
//! The chunked form works on slots, and half of a micro-batch's slots are left free so that it never overflows. So it has two figures: rows
//! in half-full micro-batches, as a branch meets them, and slots, which is what rows in full micro-batches would be.

use std::time::{Duration, Instant};

use ndarray::Array2;
use tributary_model::architecture::Architecture;
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::train::{
    CentralSettings, Placement, PlacementKey, SLOTS, Table, TableMaxima, Trainer, train_centrally,
};
use tributary_model::update::{ClipForm, ClipRule, ClipSettings, ClipUnit, RIDERS, clipped_sum};

/// As in the shipped executable: large tensors otherwise go through mmap at every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const INPUTS: u32 = 50;
const ROWS: u32 = 45_000;
const ROUNDS: u32 = 5;
/// The placement's mean load is 128 rows where each customer has one.
const MICRO_BATCHES: u32 = ROWS.div_ceil(128);
const SLOTS_EACH: u32 = 256;
const _: () = assert!(SLOTS_EACH as usize == SLOTS);

fn main() {
    let maxima = TableMaxima { customers: ROWS, rows: ROWS, rows_per_customer: 1 };
    let data = Table::new(rows(), maxima, &PlacementKey::new([1; 32])).expect("maxima within their limits");
    let logistic = Architecture::logistic(INPUTS, &["churn"]).expect("a small shape");
    let perceptron = Architecture::mlp(INPUTS, &[128, 64], &["churn"]).expect("a small shape");
    println!("{ROWS} rows, {INPUTS} features, one thread, rows for each CPU-second");
    for (name, shape) in [("logistic 50-1", &logistic), ("perceptron 50-128-64-1", &perceptron)] {
        let plain = rate(ROWS, plain(shape, &data));
        let report = |way: &str, rate: f64| println!("{name:24} {way:44} {rate:>12.0}  {:.2} of plain", rate / plain);
        report("plain gradient descent", plain);
        report("exact", rate(ROWS, clipped(shape, &data, ClipForm::Exact, Placement::Dense)));
        let chunked = clipped(shape, &data, ClipForm::Chunked, Placement::Hashed);
        report("chunked, rows in half-full micro-batches", rate(ROWS, chunked));
        report("chunked, slots (rows in full micro-batches)", rate(MICRO_BATCHES * SLOTS_EACH, chunked));
    }
}

fn rows() -> FeatureMatrix {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let features = Array2::from_shape_simple_fn((ROWS as usize, INPUTS as usize), &mut next);
    let targets = features.column(0).mapv(|value| f32::from(u8::from(value > 0.3))).insert_axis(ndarray::Axis(1));
    let present = Array2::ones(targets.dim());
    FeatureMatrix::new(features, targets, present, (0..ROWS).collect()).expect("well-formed rows")
}

/// Rounds of one clipped sum each.
fn clipped(shape: &Architecture, data: &Table, form: ClipForm, placement: Placement) -> Duration {
    let settings = ClipSettings { example_clip_norm: 0.5, clip_units: 1 << 20, form, loss_bound: Some(4.0) };
    let rule = ClipRule::new(settings, ClipUnit::Customer).expect("a rule within its limits");
    let trainer = Trainer::new(shape, data, placement).expect("rows that fit");
    let parameters = Parameters::initial(shape, 1);
    timed(|| {
        for _ in 0..ROUNDS {
            let sum = clipped_sum(&trainer, &parameters, &rule).expect("finite gradients");
            assert_eq!(sum.coordinates(), shape.parameter_count() + RIDERS);
        }
    })
}

/// Rounds of full-batch gradient descent, without the set-up.
fn plain(shape: &Architecture, data: &Table) -> Duration {
    let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.0 };
    let optimizer = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).expect("valid settings");
    let run = |rounds| {
        timed(|| {
            let settings = CentralSettings { rounds, optimizer, seed: 1 };
            train_centrally(shape, data, &settings).expect("finite gradients");
        })
    };
    let set_up = run(0);
    run(ROUNDS).saturating_sub(set_up)
}

/// A round's rows for each second.
fn rate(rows: u32, time: Duration) -> f64 {
    f64::from(rows * ROUNDS) / time.as_secs_f64()
}

/// CPU time of this process where the system tells it, else wall time.
fn timed(work: impl FnOnce()) -> Duration {
    let (start, wall) = (cpu_time(), Instant::now());
    work();
    match (start, cpu_time()) {
        (Some(start), Some(end)) => end.saturating_sub(start),
        _ => wall.elapsed(),
    }
}

/// Nanoseconds on a CPU, from the first field of Linux' schedstat.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

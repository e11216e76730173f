//! However many threads compute, the integers are the same; and the kernels start no threads of their own, whose number a data set or a
//! machine could choose. A test of its own, because it counts this process' threads.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use ndarray::Array2;
use tributary_model::architecture::Architecture;
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_model::update::{ClipForm, ClipRule, ClipSettings, ClipUnit, clipped_sum};
use tributary_protocol::secagg::modular::Ring;

const ROWS: usize = 900;
const INPUTS: usize = 300;

fn rows() -> FeatureMatrix {
    let mut state = 7_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let features = Array2::from_shape_simple_fn((ROWS, INPUTS), &mut next);
    let targets = features.column(0).mapv(|value| f32::from(u8::from(value > 0.3))).insert_axis(ndarray::Axis(1));
    let present = Array2::ones(targets.dim());
    // Two rows for each customer.
    let customers = (0..ROWS).map(|row| u32::try_from(row / 2).unwrap()).collect();
    FeatureMatrix::new(features, targets, present, customers).unwrap()
}

/// The words that a branch would mask, without noise.
fn words(hidden: &[u32], form: ClipForm) -> Vec<u8> {
    let shape = Architecture::mlp(u32::try_from(INPUTS).unwrap(), hidden, &["churn"]).unwrap();
    let placement = match form {
        ClipForm::Exact => Placement::Dense,
        ClipForm::Chunked => Placement::Hashed,
    };
    let maxima = TableMaxima { customers: 450, rows: 900, rows_per_customer: 2 };
    let table = Table::new(rows(), maxima, &PlacementKey::new([2; 32])).unwrap();
    let settings = ClipSettings { example_clip_norm: 0.5, clip_units: 1 << 20, form, loss_bound: Some(4.0) };
    let rule = ClipRule::new(settings, ClipUnit::Customer).unwrap();
    let values = (0..shape.parameter_count()).map(|index| (index % 17) as f32 / 40.0 - 0.2).collect();
    let model = Parameters::new(shape.clone(), values).unwrap();
    let sum = clipped_sum(&Trainer::new(&shape, &table, placement).unwrap(), &model, &rule).unwrap();
    let silence = vec![0; sum.coordinates()];
    sum.add_noise(silence).unwrap().quantize(Ring::Bits64).into_words().to_le_bytes()
}

/// Threads of this process, where the system tells.
fn threads() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    text.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let before = threads();
    // Wide enough for every threshold behind which a kernel would divide its work.
    let cases = [
        (&[][..], ClipForm::Exact),
        (&[16], ClipForm::Exact),
        (&[], ClipForm::Chunked),
        (&[512, 64], ClipForm::Chunked),
    ];
    for (hidden, form) in cases {
        let alone = words(hidden, form);
        for count in [1, 2, 4] {
            let together: Vec<Vec<u8>> = std::thread::scope(|scope| {
                let running: Vec<_> = (0..count).map(|_| scope.spawn(|| words(hidden, form))).collect();
                running.into_iter().map(|thread| thread.join().expect("a sum is made")).collect()
            });
            assert!(together.iter().all(|words| *words == alone), "{form:?} {hidden:?} in {count} threads");
        }
    }
    match before {
        Some(_) => assert_eq!(threads(), before, "a kernel keeps threads of its own"),
        None => eprintln!("SKIPPED: this system does not count a process' threads"),
    }
}

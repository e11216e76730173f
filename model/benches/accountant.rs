//! CPU time for an epsilon by privacy loss distributions.

use std::hint::black_box;
use std::time::Instant;

use tributary_model::privacy::accountant::{PrivacyLoss, SampledRound};

/// CPU time of this thread in seconds, where the system tells; else the clock on the wall.
fn time_s(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told: Option<f64> = told.and_then(|line| line.split_whitespace().next()?.parse().ok());
    told.map_or_else(|| start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

fn main() {
    let start = Instant::now();
    for (sampling_probability, noise_multiplier, rounds, delta) in [
        (1.0, 422.0, 10_000, 1e-6),
        (0.01, 1.0, 10_000, 1e-6),
        (0.01, 4.0, 10_000, 1e-8),
        (0.001, 1.0, 10_000, 1e-6),
        (1e-4, 0.3, 10_000, 1e-6),
        (1e-4, 1.0, 1_000_000, 1e-8),
    ] {
        let loss = PrivacyLoss::rounds(SampledRound { sampling_probability, noise_multiplier }, rounds);
        let begin = time_s(start);
        let epsilon = black_box(loss.epsilon(black_box(delta))).epsilon;
        let spent = time_s(start) - begin;
        println!(
            "{rounds} rounds, q {sampling_probability}, z {noise_multiplier}, delta {delta}: epsilon {epsilon:.4} in {spent:.2} CPU-s"
        );
    }
}

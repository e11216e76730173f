//! CPU time for one noise value, drawn as a branch draws its share.

use std::hint::black_box;
use std::time::Instant;

use tributary_model::privacy::NoiseShare;
use tributary_protocol::entropy::Entropy;

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system delivers random bytes");
    }
}

/// CPU time of this thread in nanoseconds, where the system tells; else the clock on the wall.
fn time_ns(start: Instant) -> u128 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|line| line.split_whitespace().next()?.parse().ok());
    told.unwrap_or_else(|| start.elapsed().as_nanos())
}

fn main() {
    const COORDINATES: usize = 1 << 20;
    const SHARES: usize = 5;
    let start = Instant::now();
    for bits in [10, 24, 40] {
        let variance = 1_u128 << (2 * bits);
        let mut set_up = u128::MAX;
        let mut best = u128::MAX;
        for _ in 0..SHARES {
            let begin = time_ns(start);
            drop(black_box(NoiseShare::sample(variance, 1, &mut SystemEntropy)));
            let middle = time_ns(start);
            drop(black_box(NoiseShare::sample(variance, COORDINATES, &mut SystemEntropy)));
            let end = time_ns(start);
            set_up = set_up.min(middle - begin);
            best = best.min((end - middle).saturating_sub(middle - begin));
        }
        let each = best as f64 / COORDINATES as f64;
        println!("sigma 2^{bits}: {each:.1} ns a value, {} us once for a share", set_up / 1000);
    }
}

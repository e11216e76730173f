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

/// The shortest of a few shares, in nanoseconds of CPU time.
fn share_ns(variance: u128, dimension: usize, repeats: u32) -> f64 {
    let start = Instant::now();
    let shortest = (0..5).map(|_| {
        let begin = time_ns(start);
        for _ in 0..repeats {
            drop(black_box(NoiseShare::sample(black_box(variance), dimension, &mut SystemEntropy)));
        }
        (time_ns(start) - begin) / u128::from(repeats)
    });
    shortest.min().expect("five shares were drawn") as f64
}

fn main() {
    const COORDINATES: usize = 1 << 21;
    for bits in [10, 20, 30, 40] {
        let variance = 1_u128 << (2 * bits);
        // The system may tell CPU time in steps of a few milliseconds: many small shares.
        let set_up = share_ns(variance, 1, 200);
        let each = (share_ns(variance, COORDINATES, 1) - set_up) / COORDINATES as f64;
        println!("sigma 2^{bits}: {each:.1} ns a value, {:.0} us once for a share", set_up / 1000.0);
    }
}

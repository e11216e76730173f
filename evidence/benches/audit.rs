//! How long an audit takes: 10,000 rounds of 10 branches, of 100 coordinates, with their uploads and without. What it must stay within is a year's
//! evidence in the time that somebody waits for an answer: 10 seconds with uploads, 5 without. The bench fails beyond that: an idle machine needs a third.
//!
//! ```sh
//! cargo bench -p tributary-evidence --bench audit
//! ```

#![expect(clippy::unwrap_used, reason = "a measurement fails as tests do")]

#[path = "../tests/bundle/plans.rs"]
mod plans;
#[path = "../tests/bundle/world.rs"]
mod world;

use std::io::Cursor;
use std::time::Instant;

use tributary_evidence::bundle::{Authority, Bundle, Options, Standing, audit};

use world::{SMALL, Shape, World, authorities};

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10_000);
    for (uploads, seconds) in [(true, 10.0), (false, 5.0)] {
        let world = World::new(Shape { rounds, inputs: 95, uploads, ..SMALL });
        let bytes = world.bundle();
        let size = bytes.len() >> 20;
        let authority = Some(Authority::List(authorities(SMALL.authorities)));
        let began = Instant::now();
        let bundle = Bundle::open(Cursor::new(bytes)).expect("a bundle");
        let audited =
            audit(&bundle, &Options { authority, strict: false, days: None, now: world::AT, checkpoint: None })
                .expect("memory can be read");
        let took = began.elapsed().as_secs_f64();
        let kept = if uploads { "with uploads" } else { "without" };
        println!(
            "{rounds} rounds {kept}, {size} MiB: {took:.2} s (goal {seconds} s for 10000), {} signatures, {} sums, {} models",
            audited.signatures, audited.sums_verified, audited.models_verified
        );
        assert_eq!(audited.standing, Standing::Intact, "{audited}");
        // Of more rounds than the goals speak of, more time is taken.
        let more = f64::from(rounds).max(10_000.0) / 10_000.0;
        assert!(took <= seconds * more, "an audit {kept} takes {took:.2} s");
    }
}

//! How long an export takes, and what is then verified: 10,000 rounds of 10 branches, of 100 coordinates, with their uploads and without. An export takes
//! 10 seconds at most; so does its verification, and 5 without uploads. The bench fails beyond that: an idle machine needs a tenth to a third.
//!
//! ```sh
//! cargo bench -p tributary-coordinator --bench export
//! ```

#![expect(clippy::unwrap_used, reason = "a measurement fails as tests do")]

#[allow(dead_code, reason = "each test uses a part")]
#[path = "../../evidence/tests/bundle/plans.rs"]
mod plans;
#[allow(dead_code, reason = "each test uses a part")]
#[path = "../../evidence/tests/bundle/world.rs"]
mod world;

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use tributary_coordinator::audit::{Export, Scope, export};
use tributary_evidence::bundle::{Authority, Bundle, Options, Standing, audit};
use tributary_protocol::time::Millis;
use tributary_storage::files::create_private_folder;

use world::{DAY, SMALL, Shape, World, authorities};

/// The state folder of a coordinator with this evidence, and settings that name it.
fn state(folder: &Path, world: &World) {
    for (name, bytes) in world.all() {
        let path = folder.join("state").join(name);
        create_private_folder(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    for name in ["file", "authorities"] {
        let text = if name == "file" { String::new() } else { authorities(SMALL.authorities).print() };
        std::fs::write(folder.join(name), text).unwrap();
    }
    let settings = "[coordinator]\nlisten = '127.0.0.1:0'\nstate_dir = 'state'\nheads_dir = 'state/heads'\n[identity]\ncertificate = 'file'\n\
                    private_key = 'file'\nsigning_key = 'file'\nca_certificate = 'file'\nroster = 'file'\nauthorities = 'authorities'\n";
    std::fs::write(folder.join("coordinator.toml"), settings).unwrap();
}

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10_000);
    for (uploads, goal) in [(true, 10.0), (false, 5.0)] {
        let folder = tempfile::tempdir().unwrap();
        state(folder.path(), &World::new(Shape { rounds, inputs: 95, uploads, ..SMALL }));
        let output = folder.path().join("bundle.trib");
        let began = Instant::now();
        let what = Export { days: (DAY, DAY), scope: Scope::Journal, output: &output };
        let exported = export(&folder.path().join("coordinator.toml"), &what).unwrap();
        let took = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let authority = Some(Authority::List(authorities(SMALL.authorities)));
        let bundle = Bundle::open(File::open(&output).unwrap()).unwrap();
        let audited =
            audit(&bundle, &Options { authority, strict: false, days: None, now: Millis(u64::MAX), checkpoint: None })
                .unwrap();
        let verified = began.elapsed().as_secs_f64();
        let (kept, size) = (if uploads { "with uploads" } else { "without" }, output.metadata().unwrap().len() >> 20);
        println!(
            "{rounds} rounds {kept}, {size} MiB in {} parts: exported in {took:.2} s (goal 10 s for 10000), verified in {verified:.2} s (goal {goal} s)",
            exported.parts
        );
        assert_eq!((audited.standing, exported.runs), (Standing::Intact, 1), "{audited}");
        // Of more rounds than the goals speak of, more time is taken.
        let more = f64::from(rounds).max(10_000.0) / 10_000.0;
        assert!(took <= 10.0 * more, "an export takes {took:.2} s");
        assert!(verified <= goal * more, "a verification {kept} takes {verified:.2} s");
    }
}

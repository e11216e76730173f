//! One run, or many on all cores.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cpu_time::ProcessTime;
use tributary_certs::suite::RealSuite;
use tributary_protocol::secagg::toy::Toy;

use crate::meaning::Meaning;
use crate::options::{Options, SuiteKind};
use crate::outcome::{Outcome, Violation};
use crate::trace::Lines;
use crate::world::World;

/// Runs one seed. The same seed and options give the same outcome, whatever else the machine does.
#[must_use]
pub fn run(seed: u64, options: &Options) -> Outcome {
    run_with(seed, options, None)
}

/// Runs one seed and hands every step to `line`: virtual time, who, what.
#[must_use]
pub fn trace(seed: u64, options: &Options, line: &mut dyn FnMut(&str)) -> Outcome {
    run_with(seed, options, Some(line))
}

/// Runs one seed of a plan whose stages mean something else than the oracle's, under the toy suite.
#[must_use]
pub fn run_meaning(seed: u64, options: &Options, meaning: Box<dyn Meaning>) -> Outcome {
    guarded(seed, || World::<Toy>::meaning(seed, *options, None, Some(meaning)).run())
}

/// What a campaign came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// Runs that were made.
    pub runs: u64,
    /// Rounds committed in all of them.
    pub committed: u64,
    /// Rounds aborted in all of them.
    pub aborted: u64,
    /// Faults that struck.
    pub faults: u64,
    /// Lies told.
    pub lies: u64,
    /// Lies in one field of a message that were refused, with the reason that each has.
    pub refused: u64,
    /// Runs that could not end because too many byzantine clients were evicted for the plan's smallest cohort.
    pub stranded: u64,
    /// Runs in which an invariant did not hold, by seed.
    pub violations: Vec<Outcome>,
    /// Processor time of this process meanwhile.
    pub cpu: Duration,
}

/// Runs every seed of a range on `threads` threads; ends early after `violations_max` violations.
#[must_use]
pub fn campaign(seeds: Range<u64>, options: &Options, threads: usize, violations_max: usize) -> Campaign {
    let started = ProcessTime::now();
    let (next, enough) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let total = Mutex::new(Campaign::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(seed, options);
                    let mut total = total.lock().expect("no thread panics with the lock");
                    total.add(outcome);
                    enough.fetch_or(total.violations.len() >= violations_max, Ordering::Relaxed);
                }
            });
        }
    });
    let mut total = total.into_inner().expect("no thread panics with the lock");
    total.violations.sort_by_key(|outcome| outcome.seed);
    total.cpu = started.elapsed();
    total
}

impl Campaign {
    fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.committed += u64::from(outcome.committed);
        self.aborted += u64::from(outcome.aborted);
        self.faults += u64::from(outcome.faults);
        self.lies += u64::from(outcome.lies);
        self.refused += u64::from(outcome.refused);
        self.stranded += u64::from(outcome.stranded);
        if outcome.violation.is_some() {
            self.violations.push(outcome);
        }
    }
}

fn run_with(seed: u64, options: &Options, lines: Lines<'_>) -> Outcome {
    guarded(seed, || match options.suite {
        SuiteKind::Toy => World::<Toy>::new(seed, *options, lines).run(),
        SuiteKind::Real => World::<RealSuite>::new(seed, *options, lines).run(),
    })
}

/// A panic of a machine is a violation like any other.
fn guarded(seed: u64, world: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(world)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        let violation = Violation { at_ms: 0, rule: "nothing panics", what: text };
        Outcome {
            seed,
            committed: 0,
            aborted: 0,
            lies: 0,
            refused: 0,
            faults: 0,
            virtual_ms: 0,
            trace: 0,
            stranded: false,
            violation: Some(violation),
        }
    })
}

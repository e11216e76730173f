//! `tributary simulate`: many seeds and what they came to, or one seed step by step.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::ops::Range;

use clap::Args;
use tributary_protocol::printable::counted;
use tributary_tests::{CLIENTS_MAX, Campaign, Options, Outcome, Profile, ROUNDS_MAX, SuiteKind, campaign};

use crate::exit::{Exit, Failure};

/// Violations after which a campaign ends: one tells as much as a thousand.
const VIOLATIONS_MAX: usize = 5;

/// What to simulate.
#[derive(Args)]
pub(crate) struct SimulateOptions {
    /// Clients in the roster
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(8..=i64::from(CLIENTS_MAX)))]
    clients: u32,
    /// Seeds, the last one not included
    #[arg(long, value_name = "A..B", default_value = "0..100", value_parser = seeds, conflicts_with = "seed")]
    seeds: Range<u64>,
    /// One seed
    #[arg(long)]
    seed: Option<u64>,
    /// What goes wrong: none, network, crash, disk, clock, byzantine-clients, byzantine-coordinator or all
    #[arg(long, value_name = "PROFILE", default_value = "all")]
    faults: Profile,
    /// Rounds of the plan
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=i64::from(ROUNDS_MAX)))]
    rounds: u32,
    /// Cryptography: toy, for any number of clients, or real, for few
    #[arg(long, default_value = "toy")]
    suite: SuiteKind,
    /// Print every step of the one seed
    #[arg(long, requires = "seed", conflicts_with = "json")]
    trace: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Take one defence down first, by its name
    #[cfg(feature = "sabotage")]
    #[arg(long, hide = true, value_name = "DEFENCE", value_parser = tributary_tests::defence_named)]
    without: Option<tributary_tests::Defence>,
}

/// Runs the seeds.
///
/// # Errors
/// None; a violation is a result, with its own exit code.
pub(crate) fn run(asked: &SimulateOptions) -> Result<Exit, Failure> {
    let options = Options { clients: asked.clients, rounds: asked.rounds, faults: asked.faults, suite: asked.suite };
    #[cfg(feature = "sabotage")]
    {
        eprintln!("{}", tributary_tests::MARKER);
        if let Some(defence) = asked.without {
            tributary_tests::take_down(defence);
        }
    }
    let seeds = asked.seed.map_or(asked.seeds.clone(), |seed| seed..seed.saturating_add(1));
    if let (true, Some(seed)) = (asked.trace, asked.seed) {
        // Nothing can be done where nobody reads on.
        let mut out = BufWriter::new(std::io::stdout().lock());
        let outcome = tributary_tests::trace(seed, &options, &mut |line| drop(writeln!(out, "{line}")));
        let _ = writeln!(out, "{}", told(&outcome, asked, &options)).and_then(|()| out.flush());
        return Ok(exit(outcome.violation.is_none()));
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let total = campaign(seeds, &options, threads, VIOLATIONS_MAX);
    let text = if asked.json { json(&total, asked, &options).to_string() } else { table(&total, asked, &options) };
    // A reader that has gone is no failure of the campaign.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
    Ok(exit(total.violations.is_empty()))
}

fn exit(clean: bool) -> Exit {
    if clean { Exit::Done } else { Exit::Failed }
}

fn table(total: &Campaign, asked: &SimulateOptions, options: &Options) -> String {
    let mut text = format!(
        "{} of {} clients ({}, {} suite): {} committed, {} aborted; {} faults, {} lies; {:.1} CPU-s",
        counted(total.runs, "run"),
        options.clients,
        options.faults,
        options.suite,
        counted(total.committed, "round"),
        total.aborted,
        total.faults,
        total.lies,
        total.cpu.as_secs_f64()
    );
    if total.stranded > 0 {
        let _ = write!(text, "\nin {} runs so many clients were put out that the rest is no cohort", total.stranded);
    }
    if total.violations.is_empty() {
        text.push_str("\nno invariant was violated");
    }
    for outcome in &total.violations {
        let _ = write!(text, "\n{}", told(outcome, asked, options));
    }
    text
}

/// One run in words, with the command that shows it again if something was wrong.
fn told(outcome: &Outcome, asked: &SimulateOptions, options: &Options) -> String {
    let Outcome { seed, committed, aborted, virtual_ms, trace, .. } = outcome;
    match &outcome.violation {
        None => format!(
            "seed {seed}: {committed} rounds committed, {aborted} aborted, in {virtual_ms} ms of virtual time; trace {trace:016x}"
        ),
        Some(violation) => format!(
            "seed {seed}: VIOLATED after {} ms: {}: {}\n  {}",
            violation.at_ms,
            violation.rule,
            violation.what,
            replay(*seed, asked, options)
        ),
    }
}

/// The command that shows a run again.
fn replay(seed: u64, asked: &SimulateOptions, options: &Options) -> String {
    format!("tributary simulate --seed {seed} {}{} --trace", options.words(), without(asked))
}

#[cfg(feature = "sabotage")]
fn without(asked: &SimulateOptions) -> String {
    asked.without.map_or_else(String::new, |defence| format!(" --without {}", tributary_tests::name_of(defence)))
}

#[cfg(not(feature = "sabotage"))]
fn without(_: &SimulateOptions) -> &'static str {
    ""
}

fn json(total: &Campaign, asked: &SimulateOptions, options: &Options) -> serde_json::Value {
    let violation = |outcome: &Outcome| {
        let violation = outcome.violation.clone();
        let (at, rule, what) = violation.map(|found| (found.at_ms, found.rule, found.what)).unwrap_or_default();
        serde_json::json!({
            "seed": outcome.seed, "virtual_ms": at, "rule": rule, "what": what, "replay": replay(outcome.seed, asked, options),
        })
    };
    serde_json::json!({
        "clients": options.clients,
        "rounds": options.rounds,
        "faults": options.faults.to_string(),
        "suite": options.suite.to_string(),
        "runs": total.runs,
        "committed": total.committed,
        "aborted": total.aborted,
        "faults_struck": total.faults,
        "lies_told": total.lies,
        "stranded": total.stranded,
        "cpu_seconds": total.cpu.as_secs_f64(),
        "violations": total.violations.iter().map(violation).collect::<Vec<_>>(),
    })
}

/// Seeds that are no range.
#[derive(Debug, thiserror::Error)]
#[error("write two numbers, the smaller one first: 0..1000")]
struct NoRange;

/// `A..B`.
fn seeds(text: &str) -> Result<Range<u64>, NoRange> {
    let ends = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    ends.filter(|seeds| seeds.start < seeds.end).ok_or(NoRange)
}

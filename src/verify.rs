//! `tributary verify`: what an auditor runs on a file that nobody has to be believed for. What is judged, and how, is `tributary-evidence`'s.

mod beside;
mod deletions;
mod incident;
mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::inspect::date;
use tributary_certs::roster::RosterAuthorities;
use tributary_evidence::checkpoint::NotesBeside;
#[cfg(feature = "demo")]
use tributary_evidence::judge;
use tributary_evidence::{Bad, Step, Verdict, judge_by, stated, steps};
use tributary_protocol::log::Entries;

pub(crate) use self::beside::Beside;
pub(crate) use self::deletions::{DeletionOptions, deletions};
pub(crate) use self::incident::{IncidentOptions, incident};
pub(crate) use self::report::{ReportOptions, report};
use crate::exit::{Exit, Failure};
use crate::{given, json};

/// The name of a branch's budget file.
const BUDGET_FILE: &str = "budget.ledger";

/// What to verify.
#[derive(Args)]
pub(crate) struct LedgerOptions {
    /// A coordinator's ledger or a branch's budget file
    file: PathBuf,
    /// The delta at which a branch's spend is stated; a coordinator's ledger names its own
    #[arg(long, default_value_t = 1e-6)]
    delta: f64,
    /// Show event by event what happened, in words, with the state after each
    #[arg(long)]
    step: bool,
    /// The list of roster authorities (the file `authorities` of any branch's identity): every roster in the file must be signed by them. Without it
    /// the file says itself whose it is
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// Refuse what is in order so far as it was verified, where anything could not be: sums, models or figures that are not kept, or rosters without
    /// `--authority`
    #[arg(long)]
    strict: bool,
    /// Print one JSON object; with --step one for each event before it
    #[arg(long)]
    json: bool,
}

/// What to state.
#[derive(Args)]
pub(crate) struct StatementOptions {
    /// A coordinator's ledger
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Verifies a file and prints the verdict.
///
/// # Errors
/// If `--delta` is no probability, or `--authority` is no list.
pub(crate) fn run(options: &LedgerOptions) -> Result<Exit, Failure> {
    if !(options.delta > 0.0 && options.delta < 1.0) {
        return Err(Failure::usage("--delta must be above 0 and below 1"));
    }
    let authorities = options.authority.as_deref().map(roster_authorities).transpose()?;
    // Before the journal, which grows beside a running daemon.
    let notes = beside::notes(&options.file);
    let bytes = read(&options.file);
    if let (true, Ok(bytes)) = (options.step, &bytes) {
        print_steps(bytes, options.json);
    }
    let is_read = bytes.is_ok();
    let verdict = bytes.map_or_else(Verdict::Bad, |bytes| {
        let verdict = judge_by(&bytes, options.delta, &Beside::of(&options.file), authorities.as_ref());
        noted(verdict, (&options.file, &bytes), notes)
    });
    let rosters = Rosters::of(&verdict, authorities.is_some());
    let whole = match &verdict {
        Verdict::Coordinator(report) => report.not_verified().is_empty(),
        _ => true,
    } && rosters != Rosters::NotJudged;
    let verified = !matches!(verdict, Verdict::Bad(_)) && (whole || !options.strict);
    if options.json {
        let mut object = serde_json::to_value(&verdict).expect("a verdict is plain data");
        object["file"] = serde_json::json!(options.file);
        object["verified"] = verified.into();
        if rosters != Rosters::None {
            object["rosters_judged"] = (rosters != Rosters::NotJudged).into();
        }
        json::print(&object);
    } else {
        let word = if verified { "verified" } else { "NOT verified" };
        println!("{word}  {}\n{verdict}", options.file.display());
        match rosters {
            Rosters::None => {}
            Rosters::Judged => println!("  rosters  signed by the authorities that you named"),
            Rosters::NotJudged => {
                println!(
                    "  rosters  not judged: the file says itself whose they are. Name the roster authorities with --authority"
                )
            }
        }
        if !whole && options.strict {
            println!("  with --strict, what was not verified counts as a fault");
        }
    }
    Ok(match (verified, is_read) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Unreadable,
    })
}

/// Whether rosters were judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rosters {
    /// The file has none, or is not in order.
    None,
    Judged,
    NotJudged,
}

impl Rosters {
    fn of(verdict: &Verdict, named: bool) -> Self {
        match verdict {
            Verdict::Coordinator(_) | Verdict::Heads(_) if named => Self::Judged,
            Verdict::Coordinator(_) | Verdict::Heads(_) => Self::NotJudged,
            Verdict::Budget(_) | Verdict::Empty | Verdict::Bad(_) => Self::None,
        }
    }
}

fn roster_authorities(file: &Path) -> Result<RosterAuthorities, Failure> {
    RosterAuthorities::read(file)
        .map_err(|fault| Failure::usage(format!("--authority takes the list of roster authorities: {fault}")))
}

/// A journal that is in order, against the checkpoints beside it. One without an entry was cut off where a checkpoint has entries; a branch's budget file
/// lies beside checkpoints of the coordinator's journal, of which it has none.
fn noted(verdict: Verdict, (file, journal): (&Path, &[u8]), mut notes: NotesBeside) -> Verdict {
    let is_journal = match verdict {
        Verdict::Coordinator(_) => true,
        Verdict::Empty => file.file_name().is_none_or(|name| name != BUDGET_FILE),
        _ => false,
    };
    if !is_journal {
        return verdict;
    }
    Entries::new(journal).for_each(|entry| notes.follow(entry.leaf));
    match notes.judge() {
        Ok(()) => verdict,
        Err(reason) => Verdict::Bad(Bad { entry: None, offset: None, reason }),
    }
}

/// Verifies a coordinator's ledger, and prints the privacy statement that follows from it.
///
/// # Errors
/// If the file is not in order, or is no coordinator's ledger: then there is no statement.
pub(crate) fn statement(options: &StatementOptions) -> Result<Exit, Failure> {
    let name = options.file.display();
    let bytes = given::evidence(&options.file).map_err(|fault| Failure {
        exit: Exit::Unreadable,
        message: format!("{name} cannot be read, so nothing is stated: {fault}"),
    })?;
    let statement = stated(&bytes).map_err(|verdict| {
        let why = if matches!(verdict, Verdict::Bad(_)) { "is not in order" } else { "is no coordinator's ledger" };
        Failure::failed(format!("{name} {why}, so nothing is stated:\n{verdict}"))
    })?;
    if options.json {
        println!("{}", serde_json::to_string(&statement).expect("a statement is plain data"));
    } else {
        print!("{statement}");
    }
    Ok(Exit::Done)
}

/// Verifies a file; `delta` is that of a branch's statement.
#[cfg(feature = "demo")]
pub(crate) fn judge_file(file: &Path, delta: f64) -> Verdict {
    read(file).map_or_else(Verdict::Bad, |bytes| judge(&bytes, delta, &Beside::of(file)))
}

fn read(file: &Path) -> Result<Vec<u8>, Bad> {
    given::evidence(file).map_err(|fault| {
        let reason = format!("the file cannot be read, so nothing was verified: {fault}");
        Bad { entry: None, offset: None, reason }
    })
}

fn print_steps(bytes: &[u8], json: bool) {
    let (steps, _) = steps(bytes);
    for step in &steps {
        if json {
            json::print(step);
        } else {
            let Step { entry, at, happened, state } = step;
            println!("{entry:>6}  {}  {happened}\n        {state}", date(at / 1000));
        }
    }
}

//! `tributary verify ledger`: what an auditor runs on a file that nobody has to be believed for.
//!
//! A file is judged in three steps, each over the one before: the hash chain; every entry as an event of this release; the events against the
//! rules of the machine that wrote them and against the numbers that follow from the plan. The first entry that fails is named.
//!
//! Not shown by the file alone: that nothing was cut off its end (compare `head` with a copy kept elsewhere), and that signatures in it are
//! those of roster members (the roster is not in the ledger).

mod budget;
mod coordinator;

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_model::privacy::statement::{Facts, Statement};
use tributary_protocol::codec;
use tributary_protocol::ledger::{LedgerFaultKind, Scan, scan};
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent, Recorded};

use crate::exit::{Exit, Failure};

pub(crate) use budget::BudgetReport;
pub(crate) use coordinator::CoordinatorReport;

/// What to verify.
#[derive(Args)]
pub(crate) struct LedgerOptions {
    /// A coordinator's ledger or a branch's budget file
    file: PathBuf,
    /// The delta at which a branch's spend is stated; a coordinator's ledger names its own
    #[arg(long, default_value_t = 1e-6)]
    delta: f64,
    /// Print one JSON object
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

/// What was found.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// A coordinator's ledger in order.
    Coordinator(Box<CoordinatorReport>),
    /// A branch's budget file in order.
    Budget(BudgetReport),
    /// A file with a header and no entry.
    Empty,
    /// A file that is not in order.
    Bad(Bad),
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bad {
    /// Number of the entry, from 0; nothing where the file cannot be read at all.
    pub(crate) entry: Option<u64>,
    /// Where its record starts, in bytes.
    pub(crate) offset: Option<usize>,
    /// What is wrong, what it means and what to do.
    pub(crate) reason: String,
}

/// One decoded entry.
pub(crate) struct Entry<E> {
    sequence: u64,
    offset: usize,
    event: E,
}

/// Verifies a file and prints the verdict.
///
/// # Errors
/// If `--delta` is no probability.
pub(crate) fn run(options: &LedgerOptions) -> Result<Exit, Failure> {
    if !(options.delta > 0.0 && options.delta < 1.0) {
        return Err(Failure::usage("--delta must be above 0 and below 1"));
    }
    let verdict = judge_file(&options.file, options.delta);
    let verified = !matches!(verdict, Verdict::Bad(_));
    if options.json {
        let mut object = serde_json::to_value(&verdict).expect("a verdict is plain data");
        object["file"] = serde_json::json!(options.file);
        object["verified"] = verified.into();
        println!("{object}");
    } else {
        let word = if verified { "verified" } else { "NOT verified" };
        println!("{word}  {}\n{verdict}", options.file.display());
    }
    Ok(if verified { Exit::Done } else { Exit::Failed })
}

/// Verifies a coordinator's ledger, and prints the privacy statement that follows from it.
///
/// # Errors
/// If the file is not in order, or is no coordinator's ledger: then there is no statement.
pub(crate) fn statement(options: &StatementOptions) -> Result<Exit, Failure> {
    let verdict = judge_file(&options.file, 1e-6);
    let name = options.file.display();
    if !matches!(verdict, Verdict::Coordinator(_)) {
        let why = if matches!(verdict, Verdict::Bad(_)) { "is not in order" } else { "is no coordinator's ledger" };
        return Err(Failure::failed(format!("{name} {why}, so nothing is stated:\n{verdict}")));
    }
    let bytes = std::fs::read(&options.file).map_err(|fault| Failure::failed(format!("{name}: {fault}")))?;
    let entries: Vec<Entry<CoordinatorEvent>> =
        decode(&scan(&bytes)).map_err(|bad| Failure::failed(format!("{name} changed meanwhile:\n{bad}")))?;
    let facts = Facts::read(entries.iter().map(|entry| &entry.event)).map_err(Failure::failed)?;
    let statement = Statement::of(&facts);
    if options.json {
        println!("{}", serde_json::to_string(&statement).expect("a statement is plain data"));
    } else {
        print!("{statement}");
    }
    Ok(Exit::Done)
}

/// Verifies a file; `delta` is that of a branch's statement.
pub(crate) fn judge_file(file: &Path, delta: f64) -> Verdict {
    match std::fs::read(file) {
        Ok(bytes) => judge(&bytes, delta).unwrap_or_else(Verdict::Bad),
        Err(fault) => {
            let reason =
                format!("the file cannot be read ({fault}), so nothing was verified; check path and permissions");
            Verdict::Bad(Bad { entry: None, offset: None, reason })
        }
    }
}

fn judge(bytes: &[u8], delta: f64) -> Result<Verdict, Bad> {
    let scan = scan(bytes);
    if let Some(fault) = scan.fault {
        let reason = match fault.kind {
            LedgerFaultKind::TornTail => format!(
                "an incomplete last record of {} bytes. A crash, a power cut or a full disk leaves that, and so does a daemon that writes at this moment; \
                 the record was never relied on, and every one before it is whole. The daemon cuts it off at its next start and says so; verify \
                 again after that. Was there no crash, compare the file with its newest copy",
                bytes.len().saturating_sub(scan.good_length)
            ),
            kind => kind.to_string(),
        };
        return Err(Bad { entry: Some(fault.sequence), offset: Some(fault.offset), reason });
    }
    if bytes.is_empty() {
        let reason =
            "the file is empty: no process of this program wrote it, or everything was cut off; restore it from a copy";
        return Err(Bad { entry: Some(0), offset: Some(0), reason: reason.into() });
    }
    let Some(first) = scan.entries.first() else { return Ok(Verdict::Empty) };
    let head = scan.chain.head().to_string();
    // The two kinds of file tell themselves apart by their first event; no event of one decodes as one of the other by accident, because
    // decoding is total and leaves no byte over.
    if codec::decode::<Recorded<CoordinatorEvent>>(first.payload, LEDGER_ENTRY_BYTES_MAX).is_ok() {
        return coordinator::audit(&decode(&scan)?, head).map(|report| Verdict::Coordinator(Box::new(report)));
    }
    budget::audit(&decode::<ParticipantEvent>(&scan)?, head, delta).map(Verdict::Budget)
}

fn decode<E: DeserializeOwned>(scan: &Scan<'_>) -> Result<Vec<Entry<E>>, Bad> {
    let entries = scan.entries.iter().map(|entry| {
        let recorded: Result<Recorded<E>, _> = codec::decode(entry.payload, LEDGER_ENTRY_BYTES_MAX);
        let (sequence, offset) = (entry.sequence, entry.offset);
        recorded.map(|recorded| Entry { sequence, offset, event: recorded.event }).map_err(|fault| Bad {
            entry: Some(sequence),
            offset: Some(offset),
            reason: format!("it is no event of this release ({fault}); verify with the release that wrote it"),
        })
    });
    entries.collect()
}

impl<E> Entry<E> {
    fn bad(&self, reason: impl fmt::Display) -> Bad {
        let reason =
            format!("{reason}; keep the file as evidence, no coordinator or client of this release writes that");
        Bad { entry: Some(self.sequence), offset: Some(self.offset), reason }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator(report) => report.fmt(formatter),
            Self::Budget(report) => report.fmt(formatter),
            Self::Empty => write!(formatter, "  no entry yet"),
            Self::Bad(bad) => bad.fmt(formatter),
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(entry), Some(offset)) = (self.entry, self.offset) {
            write!(formatter, "  first bad entry: {entry}, at byte {offset}: ")?;
        }
        write!(formatter, "{}", self.reason)
    }
}

//! `tributary verify`: what an auditor runs on a file that nobody has to be believed for. What is judged, and how, is `tributary-evidence`'s.

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::inspect::date;
use tributary_evidence::report::{ReportFault, ReportFile};
use tributary_evidence::{Bad, Item, Retained, Step, Verdict, judge, stated, steps};
use tributary_protocol::signature::VerifyingKey;

use crate::exit::{Exit, Failure};
use crate::json;

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
    /// Refuse what is in order so far as it was verified, where anything could not be: sums, models or figures that are not kept
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

/// Which report to check.
#[derive(Args)]
pub(crate) struct ReportOptions {
    /// The report's JSON file
    file: PathBuf,
    /// The coordinator's signing key, as `tributary certs show` prints it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The coordinator's journal: the report is made again from it, and compared as far as it follows from the journal
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks a compliance report: nothing but its file is read, and the journal where one is named.
///
/// # Errors
/// If `--key` is no key.
pub(crate) fn report(options: &ReportOptions) -> Result<Exit, Failure> {
    let ReportOptions { file, key, journal, json } = options;
    let expected = key.as_deref().map(|text| {
        VerifyingKey::of_text(text).ok_or_else(|| Failure::usage("--key is ed25519: and 64 hexadecimal digits"))
    });
    let expected = expected.transpose()?;
    let (exit, words) = judge_report(file, expected.as_ref(), journal.as_deref());
    if *json {
        json::print(&serde_json::json!({ "file": file, "verified": exit == Exit::Done, "words": words }));
    } else {
        println!("{}  {}\n  {words}", if exit == Exit::Done { "verified" } else { "NOT verified" }, file.display());
    }
    Ok(exit)
}

fn judge_report(file: &Path, expected: Option<&VerifyingKey>, journal: Option<&Path>) -> (Exit, String) {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(fault) => return (Exit::Unreadable, format!("it cannot be read ({fault}); check path and permissions")),
    };
    let report = match ReportFile::read(&bytes) {
        Ok(report) => report,
        Err(fault @ ReportFault::Unreadable(_)) => return (Exit::Unreadable, fault.to_string()),
        Err(fault) => return (Exit::Failed, fault.to_string()),
    };
    if let Some(fault) = expected.and_then(|key| report.check_key(key).err()) {
        return (Exit::WrongKey, fault.to_string());
    }
    if let Some(journal) = journal {
        match std::fs::read(journal) {
            Err(fault) => return (Exit::Unreadable, format!("{} cannot be read ({fault})", journal.display())),
            Ok(bytes) => {
                if let Err(fault) = report.follows_from(&bytes, &Beside(journal)) {
                    return (Exit::Failed, fault.to_string());
                }
            }
        }
    }
    match expected {
        Some(_) => (
            Exit::Done,
            format!("report of {} to {}, signed by {}", report.report.from, report.report.to, report.key()),
        ),
        None => {
            let words = format!(
                "its signature holds by the key {}, and nobody has said whose key that is. Compare it with the coordinator's, and name it with --key",
                report.key()
            );
            (Exit::Incomplete, words)
        }
    }
}

/// Verifies a file and prints the verdict.
///
/// # Errors
/// If `--delta` is no probability.
pub(crate) fn run(options: &LedgerOptions) -> Result<Exit, Failure> {
    if !(options.delta > 0.0 && options.delta < 1.0) {
        return Err(Failure::usage("--delta must be above 0 and below 1"));
    }
    let bytes = read(&options.file);
    if let (true, Ok(bytes)) = (options.step, &bytes) {
        print_steps(bytes, options.json);
    }
    let verdict = bytes.map_or_else(Verdict::Bad, |bytes| judge(&bytes, options.delta, &Beside(&options.file)));
    let whole = match &verdict {
        Verdict::Coordinator(report) => report.not_verified().is_empty(),
        _ => true,
    };
    let verified = !matches!(verdict, Verdict::Bad(_)) && (whole || !options.strict);
    if options.json {
        let mut object = serde_json::to_value(&verdict).expect("a verdict is plain data");
        object["file"] = serde_json::json!(options.file);
        object["verified"] = verified.into();
        json::print(&object);
    } else {
        let word = if verified { "verified" } else { "NOT verified" };
        println!("{word}  {}\n{verdict}", options.file.display());
        if !whole && options.strict {
            println!("  with --strict, what was not verified counts as a fault");
        }
    }
    Ok(if verified { Exit::Done } else { Exit::Failed })
}

/// Verifies a coordinator's ledger, and prints the privacy statement that follows from it.
///
/// # Errors
/// If the file is not in order, or is no coordinator's ledger: then there is no statement.
pub(crate) fn statement(options: &StatementOptions) -> Result<Exit, Failure> {
    let name = options.file.display();
    let statement = read(&options.file).map_err(Verdict::Bad).and_then(|bytes| stated(&bytes));
    let statement = statement.map_err(|verdict| {
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
    read(file).map_or_else(Verdict::Bad, |bytes| judge(&bytes, delta, &Beside(file)))
}

/// What is kept in the folder of a coordinator's journal.
struct Beside<'a>(&'a Path);

impl Retained for Beside<'_> {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        match std::fs::read(self.0.with_file_name(item.name())) {
            Ok(bytes) => Some(bytes),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => None,
            // What is there and cannot be read proves nothing, and is not passed over.
            Err(_) => Some(Vec::new()),
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Bad> {
    std::fs::read(file).map_err(|fault| {
        let reason = format!("the file cannot be read ({fault}), so nothing was verified; check path and permissions");
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

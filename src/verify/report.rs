//! `tributary verify report`: whether a compliance report is as it was signed, whose it is, and whether it follows from a journal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use tributary_evidence::assessor::{ImpactReport, ProcessingRecord, SecurityReport};
use tributary_evidence::paper::{Body, Paper, PaperFault, kind_of};
use tributary_evidence::report::{Compared, Material, ReportFile};
use tributary_protocol::signature::VerifyingKey;

use super::beside::{self, Beside};
use crate::coordinator_key::coordinator_key;
use crate::exit::Exit;
use crate::{given, json};

/// Which report to check.
#[derive(Args)]
pub(crate) struct ReportOptions {
    /// The report's JSON file
    file: PathBuf,
    /// The coordinator's key: `coordinator.key` of a branch's folder of checkpoints, or a public signing key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The coordinator's journal: the report is made again from it, and compared as far as it follows from the journal
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// With --journal: end with 2 where anything that the report says could not be compared
    #[arg(long, requires = "journal")]
    strict: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was found.
struct Found {
    exit: Exit,
    words: String,
    /// How far it was compared with a journal.
    compared: Option<Compared>,
}

impl From<(Exit, String)> for Found {
    fn from((exit, words): (Exit, String)) -> Self {
        Self { exit, words, compared: None }
    }
}

/// Checks a compliance report: nothing but its file is read, and the journal where one is named.
///
/// The exit code says what was found.
pub(crate) fn report(options: &ReportOptions) -> Exit {
    let ReportOptions { file, key, journal, strict, json } = options;
    let key = key.as_deref().map(coordinator_key).transpose();
    let Found { exit, words, compared } = key.map_or_else(
        |fault| (Exit::Unreadable, fault).into(),
        |expected| judged(file, expected.as_ref(), journal.as_deref()),
    );
    let in_part = compared.as_ref().is_some_and(|compared| !compared.not.is_empty());
    let exit = if exit == Exit::Done && in_part && *strict { Exit::Incomplete } else { exit };
    if *json {
        let mut object = serde_json::json!({ "file": file, "verified": exit == Exit::Done, "words": words });
        if let Some(compared) = &compared {
            object["compared"] = serde_json::to_value(compared).expect("it is plain data");
        }
        json::print(&object);
        return exit;
    }
    let word = match exit {
        Exit::Done if in_part => "verified in part",
        Exit::Done => "verified",
        _ => "NOT verified",
    };
    println!("{word}  {}\n  {words}", file.display());
    if let Some(compared) = &compared {
        println!("{compared}");
    }
    if in_part && *strict {
        println!("  with --strict, what was not compared counts as missing");
    }
    exit
}

fn judged(file: &Path, expected: Option<&VerifyingKey>, journal: Option<&Path>) -> Found {
    let bytes = match given::paper(file) {
        Ok(bytes) => bytes,
        Err(fault) => return (Exit::Unreadable, fault.to_string()).into(),
    };
    if let Some(found) = judged_paper(&bytes, expected) {
        return match journal {
            Some(_) => (Exit::Usage, "--journal compares compliance reports alone; leave it out".into()),
            None => found,
        }
        .into();
    }
    let report = match ReportFile::read(&bytes) {
        Ok(report) => report,
        Err(fault @ PaperFault::Unreadable { .. }) => return (Exit::Unreadable, fault.to_string()).into(),
        Err(fault) => return (Exit::Failed, fault.to_string()).into(),
    };
    if let Some(fault) = expected.and_then(|key| report.check_key(key).err()) {
        return (Exit::WrongKey, fault.to_string()).into();
    }
    let compared = match journal.map(|journal| compared(&report, journal, expected)).transpose() {
        Ok(compared) => compared,
        Err(fault) => return fault.into(),
    };
    let (exit, words) = match expected {
        Some(_) => (
            Exit::Done,
            format!("report of {} to {}, signed by {}", report.report.from, report.report.to, report.key()),
        ),
        None => (Exit::Incomplete, nobody_said(report.key())),
    };
    Found { exit, words, compared }
}

/// How far a report follows from a journal and what lies beside it.
fn compared(report: &ReportFile, journal: &Path, expected: Option<&VerifyingKey>) -> Result<Compared, (Exit, String)> {
    // Before the journal, which grows beside a running daemon.
    let checkpoints = beside::checkpoints(journal).into_iter().map(|(_, note)| note).collect();
    let bytes = given::evidence(journal).map_err(|fault| (Exit::Unreadable, fault.to_string()))?;
    let material = Material {
        journal: &bytes,
        kept: &Beside::of(journal),
        schemas: Vec::new(),
        figures: BTreeMap::new(),
        checkpoints,
        coordinator: expected.cloned(),
    };
    report.follows_from(&material).map_err(|fault| (Exit::Failed, fault.to_string()))
}

/// Judges a paper for assessors; nothing where the file is of another kind.
fn judged_paper(bytes: &[u8], expected: Option<&VerifyingKey>) -> Option<(Exit, String)> {
    match kind_of(bytes)?.as_str() {
        "security" => Some(judged_as::<SecurityReport>(bytes, expected)),
        "dpia" => Some(judged_as::<ImpactReport>(bytes, expected)),
        "ropa" => Some(judged_as::<ProcessingRecord>(bytes, expected)),
        _ => None,
    }
}

fn judged_as<T: Body>(bytes: &[u8], expected: Option<&VerifyingKey>) -> (Exit, String) {
    let paper = match Paper::<T>::read(bytes) {
        Ok(paper) => paper,
        Err(fault @ PaperFault::Unreadable { .. }) => return (Exit::Unreadable, fault.to_string()),
        Err(fault) => return (Exit::Failed, fault.to_string()),
    };
    match expected.map(|key| paper.check_key(key)) {
        Some(Ok(())) => (Exit::Done, format!("{}, signed by {}", T::WHAT, paper.key())),
        Some(Err(fault)) => (Exit::WrongKey, fault.to_string()),
        None => (Exit::Incomplete, nobody_said(paper.key())),
    }
}

fn nobody_said(key: &str) -> String {
    format!(
        "its signature holds by the key {key}, and nobody has said whose key that is. Compare it with the coordinator's, and name it with --key"
    )
}

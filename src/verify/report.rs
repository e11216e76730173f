//! `tributary verify report`: whether a compliance report is as it was signed, whose it is, and whether it follows from a journal.

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_evidence::assessor::{ImpactReport, ProcessingRecord, SecurityReport};
use tributary_evidence::paper::{Body, Paper, PaperFault, kind_of};
use tributary_evidence::report::ReportFile;
use tributary_protocol::signature::VerifyingKey;

use super::beside::Beside;
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
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks a compliance report: nothing but its file is read, and the journal where one is named.
///
/// The exit code says what was found.
pub(crate) fn report(options: &ReportOptions) -> Exit {
    let ReportOptions { file, key, journal, json } = options;
    let key = key.as_deref().map(coordinator_key).transpose();
    let (exit, words) = key
        .map_or_else(|fault| (Exit::Unreadable, fault), |expected| judged(file, expected.as_ref(), journal.as_deref()));
    if *json {
        json::print(&serde_json::json!({ "file": file, "verified": exit == Exit::Done, "words": words }));
    } else {
        println!("{}  {}\n  {words}", if exit == Exit::Done { "verified" } else { "NOT verified" }, file.display());
    }
    exit
}

fn judged(file: &Path, expected: Option<&VerifyingKey>, journal: Option<&Path>) -> (Exit, String) {
    let bytes = match given::paper(file) {
        Ok(bytes) => bytes,
        Err(fault) => return (Exit::Unreadable, fault.to_string()),
    };
    if let Some(found) = judged_paper(&bytes, expected) {
        return match journal {
            Some(_) => (Exit::Usage, "--journal compares compliance reports alone; leave it out".into()),
            None => found,
        };
    }
    let report = match ReportFile::read(&bytes) {
        Ok(report) => report,
        Err(fault @ PaperFault::Unreadable { .. }) => return (Exit::Unreadable, fault.to_string()),
        Err(fault) => return (Exit::Failed, fault.to_string()),
    };
    if let Some(fault) = expected.and_then(|key| report.check_key(key).err()) {
        return (Exit::WrongKey, fault.to_string());
    }
    if let Some(journal) = journal {
        match given::evidence(journal) {
            Err(fault) => return (Exit::Unreadable, fault.to_string()),
            Ok(bytes) => {
                if let Err(fault) = report.follows_from(&bytes, &Beside::of(journal)) {
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
        None => (Exit::Incomplete, nobody_said(report.key())),
    }
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

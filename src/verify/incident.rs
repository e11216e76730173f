//! `tributary verify incident`: an incident's file, without the journal and without the coordinator.

use std::path::PathBuf;

use clap::Args;
use tributary_evidence::bundle::Standing;
use tributary_evidence::incident::{IncidentExport, judge};
use tributary_evidence::paper::{Paper, PaperFault};
use tributary_protocol::printable::counted;

use crate::bundle::authority;
use crate::coordinator_key::coordinator_key;
use crate::exit::{Exit, Failure};
use crate::{given, json};

/// Which file, and whose it must be.
#[derive(Args)]
pub(crate) struct IncidentOptions {
    /// The incident's file
    file: PathBuf,
    /// The roster authorities whose federation it must be: their list, or its fingerprint of 64 hexadecimal digits
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    authority: Option<String>,
    /// The coordinator's key: `coordinator.key` of a branch's folder of checkpoints, or a public signing key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Judges an incident's file; the exit code says what was found.
///
/// # Errors
/// If `--authority` names nothing.
pub(crate) fn incident(options: &IncidentOptions) -> Result<Exit, Failure> {
    let IncidentOptions { file, authority: named, key, json } = options;
    let named = named.as_deref().map(authority).transpose()?;
    let unreadable = |exit: Exit, word: &str, reason: String| {
        if *json {
            json::print(&serde_json::json!({ "file": file, "standing": word, "faults": [reason] }));
        } else {
            println!("{}  {}\n  {reason}", word.to_uppercase(), file.display());
        }
        Ok(exit)
    };
    let key = match key.as_deref().map(coordinator_key).transpose() {
        Ok(key) => key,
        Err(fault) => return unreadable(Exit::Unreadable, "unreadable", fault),
    };
    let bytes = match given::paper(file) {
        Ok(bytes) => bytes,
        Err(fault) => return unreadable(Exit::Unreadable, "unreadable", fault.to_string()),
    };
    let paper = match Paper::<IncidentExport>::read(&bytes) {
        Ok(paper) => paper,
        Err(fault @ PaperFault::Unreadable { .. }) => {
            return unreadable(Exit::Unreadable, "unreadable", fault.to_string());
        }
        Err(fault) => return unreadable(Exit::Failed, "tampered", fault.to_string()),
    };
    let judged = judge(&paper, named.as_ref(), key.as_ref());
    if *json {
        let mut object = serde_json::to_value(&judged).expect("what was found is plain data");
        object["file"] = serde_json::json!(file);
        object["incident"] = serde_json::json!(paper.paper.incident);
        json::print(&object);
    } else {
        println!("{}  {}", judged.standing.words(), file.display());
        for (word, lines) in [
            ("WRONG    ", &judged.faults),
            ("OTHER    ", &judged.others),
            ("MISSING  ", &judged.missing),
            ("NOT VERIFIED  ", &judged.not_verified),
        ] {
            lines.iter().for_each(|line| println!("  {word}{line}"));
        }
        let (found, members) = judged.witnesses;
        println!(
            "  under a checkpoint that {found} of {} cosigned, the log has {} of it. That nothing was left out, an audit bundle shows",
            counted(members, "branch"),
            counted(judged.entries, "entry")
        );
    }
    Ok(match judged.standing {
        Standing::Intact => Exit::Done,
        Standing::Tampered => Exit::Failed,
        Standing::Incomplete => Exit::Incomplete,
        Standing::WrongKey => Exit::WrongKey,
    })
}

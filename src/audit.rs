//! `tributary audit`: what a coordinator hands to an auditor.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_coordinator::audit::{Export, Exported, export};
use tributary_protocol::plan::Date;

use crate::exit::{Exit, Failure};
use crate::{json, typed};

/// `tributary audit`.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Write one file with everything that an auditor needs for a period: journal, grants, uploads and sums as they are kept, models
    Export(ExportOptions),
}

/// What goes into a bundle.
#[derive(Args)]
pub(crate) struct ExportOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// First day, YYYY-MM-DD, in UTC
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    from: Date,
    /// Last day, YYYY-MM-DD, in UTC
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    to: Date,
    /// The bundle; it must not be there. A file beside it, FILE.digest, names its digest
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// A model card that a report on gates names; once for each
    #[arg(long, value_name = "FILE")]
    card: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: AuditCommand) -> Result<Exit, Failure> {
    let AuditCommand::Export(ExportOptions { config, from, to, output, card, json }) = command;
    if from > to {
        return Err(Failure::usage("--from is after --to; name the first day first"));
    }
    let exported = export(&config, &Export { days: (from, to), output: &output, cards: &card });
    let exported = exported.map_err(Failure::failed)?;
    if json {
        json::print(&exported);
    } else {
        println!("{}", words(&exported));
    }
    Ok(Exit::Done)
}

fn words(exported: &Exported) -> String {
    let Exported { bundle, file, digest_file, parts, runs, runs_outside, goes_on } = exported;
    let later = if *goes_on { "; the journal goes on after the last day" } else { "" };
    format!(
        "{} has {parts} parts: the journal, and what is kept of {runs} runs ({runs_outside} runs of other days have their events alone){later}\n\
         digest {bundle}, also in {}\n\
         tell the auditor the digest on another way than the file",
        file.display(),
        digest_file.display()
    )
}

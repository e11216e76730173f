//! `tributary audit`: what a coordinator hands to an auditor.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_coordinator::audit::{Export, ExportError, Exported, Scope, export};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Date, RunRef};
use tributary_protocol::printable::counted;
use tributary_protocol::registry::Sight;

use crate::exit::{Exit, Failure};
use crate::inspect::{Asked, InspectionOptions};
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
    /// Only the entries of one run, with proofs that they stand in the journal: the plan's digest and the run's number
    #[arg(long, value_name = "DIGEST/NUMBER", value_parser = run_of, group = "part")]
    run: Option<RunRef>,
    /// Only those of one plan's runs in these days
    #[arg(long, value_name = "DIGEST", value_parser = typed::digest, group = "part")]
    plan: Option<Digest>,
    /// Only those of the runs of these days
    #[arg(long, group = "part")]
    days_only: bool,
    /// The bundle; it must not be there. A file beside it, FILE.digest, names its digest
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    inspection: InspectionOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: AuditCommand) -> Result<Exit, Failure> {
    let AuditCommand::Export(ExportOptions { config, from, to, run, plan, days_only, output, inspection, json }) =
        command;
    if from > to {
        return Err(Failure::usage("--from is after --to; name the first day first"));
    }
    if output.exists() {
        return Err(Failure::failed(ExportError::Exists(output)));
    }
    let (scope, seen) = match (run, plan, days_only) {
        (Some(run), ..) => (Scope::Run(run), format!("run:{}/{}", run.plan, run.number)),
        (_, Some(plan), _) => (Scope::Plan(plan), format!("plan:{plan}")),
        (_, _, true) => (Scope::Days, "days-only".to_owned()),
        _ => (Scope::Journal, "all".to_owned()),
    };
    inspection.record(&config, &Asked::of_days(Sight::AuditExport, (from, to), &seen))?;
    let exported = export(&config, &Export { days: (from, to), scope, output: &output });
    let exported = exported.map_err(Failure::failed)?;
    if json {
        json::print(&exported);
    } else {
        println!("{}", words(&exported));
    }
    Ok(Exit::Done)
}

/// A run by its plan's digest and its number.
fn run_of(text: &str) -> Result<RunRef, &'static str> {
    let (plan, number) = text.split_once('/').unwrap_or_default();
    let run = Digest::from_hex(plan).zip(number.parse().ok().filter(|number| *number > 0));
    run.map(|(plan, number)| RunRef { plan, number }).ok_or("a run is DIGEST/NUMBER: the plan's 64 digits, and from 1")
}

fn words(exported: &Exported) -> String {
    let Exported { bundle, file, digest_file, parts, runs, runs_outside, goes_on, entries, left_out } = exported;
    let later = if *goes_on { "; the journal goes on after the last day" } else { "" };
    let journal = match left_out {
        0 => format!(
            "the journal, and what is kept of {}; of other days, events alone: {}",
            counted(runs, "run"),
            counted(runs_outside, "run")
        ),
        left_out => format!(
            "{} of {} of the journal, with proofs in the place of the others, and what is kept of {}",
            entries.saturating_sub(*left_out),
            counted(entries, "entry"),
            counted(runs, "run")
        ),
    };
    format!(
        "{} has {parts} parts: {journal}{later}\n\
         digest {bundle}, also in {}\n\
         tell the auditor the digest by another channel than the file",
        file.display(),
        digest_file.display()
    )
}

//! `tributary report`: what happened in a federation over some time, as a signed JSON file and a page for people.

mod page;

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use tributary_certs::clock::unix_seconds;
use tributary_coordinator::registry::compliance_report;
use tributary_evidence::report::{Asked, Period, Preset, ReportFile, Scope};
use tributary_protocol::plan::Date;
use tributary_storage::files::{Existing, write_private};
use tributary_texts::{Language, report as words};

use crate::exit::{Exit, Failure};
use crate::json;
use crate::typed;
use crate::verify::Beside;

/// `tributary report`.
#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// What a compliance officer, an auditor or a supervisor asks of some months: parties, purposes, runs, epsilon, deviations, decisions, the log
    Compliance(ComplianceOptions),
    /// The page of a report that was made before, from its JSON file alone
    Page(PageOptions),
}

/// Of what a report is made.
#[derive(Args)]
pub(crate) struct ComplianceOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The first day, YYYY-MM-DD of UTC [default: as many days before the last one as the preset has]
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    from: Option<Date>,
    /// The last day, YYYY-MM-DD of UTC [default: today]
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    to: Option<Date>,
    /// The occasion: yearly (12 months), personal-information (24 months), leak (6 months)
    #[arg(long, value_name = "NAME", value_parser = preset())]
    preset: Option<Preset>,
    /// Which plans: all, purpose:NAME, or plan:DIGITS of its digest
    #[arg(long, default_value = "all")]
    scope: Scope,
    /// The language of the page
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = typed::language())]
    lang: Language,
    /// The JSON file to write; the page is written beside it, with the ending .html
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Which page to make.
#[derive(Args)]
pub(crate) struct PageOptions {
    /// The report's JSON file
    file: PathBuf,
    /// The language of the page
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = typed::language())]
    lang: Language,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Makes a report.
///
/// # Errors
/// If settings or journal cannot be read, the journal is not in order, or a file exists or cannot be written.
pub(crate) fn run(command: &ReportCommand) -> Result<Exit, Failure> {
    match command {
        ReportCommand::Compliance(options) => compliance(options),
        ReportCommand::Page(options) => {
            let file = read(&options.file)?;
            write(&options.output, page::page(&file, options.lang).as_bytes())?;
            println!("{}", words::written(options.output.display()).text(options.lang));
            Ok(Exit::Done)
        }
    }
}

fn compliance(options: &ComplianceOptions) -> Result<Exit, Failure> {
    let ComplianceOptions { config, from, to, preset, scope, lang, output, json } = options;
    let page = output.with_extension("html");
    if page == *output {
        return Err(Failure::usage("--output names the JSON file; the page gets the ending .html beside it"));
    }
    for path in [output, &page] {
        if path.exists() {
            return Err(Failure::failed(format!(
                "{} exists; nothing is replaced. Name another file, or move this one away",
                path.display()
            )));
        }
    }
    let to = to.unwrap_or_else(|| Date::of_second(unix_seconds()));
    let period = match (from, preset) {
        (Some(from), _) => Period::new(*from, to).map_err(Failure::usage)?,
        (None, Some(preset)) => Period::ending(*preset, to),
        (None, None) => return Err(Failure::usage("name the first day with --from, or an occasion with --preset")),
    };
    let asked = Asked { preset: *preset, period, scope: scope.clone() };
    let file = compliance_report(config, &asked, Beside::of).map_err(Failure::failed)?;
    write(output, file.to_json().as_bytes())?;
    write(&page, page::page(&file, *lang).as_bytes())?;
    if *json {
        json::print(&serde_json::json!({
            "report": output, "page": page, "digest": file.digest(), "key": file.key(), "summary": file.report.summary,
        }));
    } else {
        println!("{}\n{}", words::written(output.display()).text(*lang), words::written(page.display()).text(*lang));
        println!("  digest  {}\n  key     {}", file.digest(), file.key());
    }
    Ok(Exit::Done)
}

/// Reads a report's file.
///
/// # Errors
/// If it cannot be read, or its signature does not hold.
pub(crate) fn read(path: &Path) -> Result<ReportFile, Failure> {
    let bytes = std::fs::read(path).map_err(|fault| {
        Failure::failed(format!("{} cannot be read ({fault}); check path and permissions", path.display()))
    })?;
    ReportFile::read(&bytes).map_err(|fault| Failure::failed(format!("{}: {fault}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_private(path, bytes, Existing::Keep).map_err(Failure::failed)
}

fn preset() -> impl TypedValueParser<Value = Preset> {
    let named = |name: String| Preset::ALL.into_iter().find(|preset| preset.name() == name);
    PossibleValuesParser::new(Preset::ALL.map(Preset::name)).map(move |name| named(name).expect("a name of the list"))
}

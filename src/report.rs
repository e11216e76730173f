//! `tributary report`: what happened in a federation over some time, as a signed JSON file and a page for people.

mod assessed;
mod options;
mod page;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_coordinator::registry::compliance_report;
use tributary_evidence::report::ReportFile;
use tributary_protocol::registry::Sight;
use tributary_texts::{Language, report as words};

use self::options::{ComplianceOptions, free, write};
use crate::exit::{Exit, Failure};
use crate::verify::Beside;
use crate::{json, typed};

/// `tributary report`.
#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// What a compliance officer, an auditor or a supervisor asks of some months: parties, purposes, runs, epsilon, deviations, decisions, the log
    Compliance(ComplianceOptions),
    /// What a partner's assessor asks of the coordinator as it is configured: flows, ports, cryptography, certificates, roles, hardening, components
    Security(assessed::SecurityOptions),
    /// The input to an impact assessment: flows, parameters, assumptions, necessity, residual risks, measures
    Dpia(ComplianceOptions),
    /// The record of processing activities: controller, purposes, categories, recipients, retention, measures
    Ropa(ComplianceOptions),
    /// The page of a report that was made before, from its JSON file alone
    Page(PageOptions),
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
        ReportCommand::Security(options) => assessed::of_security(options),
        ReportCommand::Dpia(options) => assessed::of_dpia(options),
        ReportCommand::Ropa(options) => assessed::of_ropa(options),
        ReportCommand::Page(options) => {
            let page = page_of(&options.file, options.lang)?;
            write(&options.output, page.as_bytes())?;
            println!("{}", words::written(options.output.display()).text(options.lang));
            Ok(Exit::Done)
        }
    }
}

fn compliance(options: &ComplianceOptions) -> Result<Exit, Failure> {
    let ComplianceOptions { config, lang, output, json, .. } = options;
    let page = free(output)?;
    let asked = options.asked(Sight::ReportCompliance)?;
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

/// The page of a report's file.
///
/// # Errors
/// If it cannot be read, or its signature does not hold.
fn page_of(path: &Path, language: Language) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|fault| {
        Failure::failed(format!("{} cannot be read ({fault}); check path and permissions", path.display()))
    })?;
    if let Some(page) = assessed::page_of(path, &bytes, language) {
        return page;
    }
    let file = ReportFile::read(&bytes).map_err(|fault| Failure::failed(format!("{}: {fault}", path.display())))?;
    Ok(page::page(&file, language))
}

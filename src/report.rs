//! `tributary report`: what happened in a federation over some time, as a signed JSON file and a page for people.

mod assessed;
mod options;
mod page;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_coordinator::registry::{compliance_report, five_parts};
use tributary_evidence::attacks::AttacksFile;
use tributary_evidence::card::CardFile;
use tributary_evidence::evaluation::EvaluationFile;
use tributary_evidence::paper::PaperFault;
use tributary_evidence::report::ReportFile;
use tributary_protocol::registry::Sight;
use tributary_texts::{Language, report as words};

use self::options::{ComplianceOptions, free, write};
use crate::exit::{Exit, Failure};
use crate::model::explained;
use crate::verify::Beside;
use crate::{given, json, typed};

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
    /// The evaluation of a model in five parts: background, target, method, result, conclusion
    Evaluation(EvaluationOptions),
    /// The page of a report or a model card that was made before, from its JSON file alone
    Page(PageOptions),
}

/// Of which model.
#[derive(Args)]
pub(crate) struct EvaluationOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The model: its digest, or the first 8 or more digits of it
    #[arg(long, value_name = "DIGEST")]
    model: String,
    /// A report on its gates that a model validator has signed [default: the one of its last statement]
    #[arg(long, value_name = "FILE")]
    gates: Option<PathBuf>,
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
    /// The JSON file of the report or the card
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
        ReportCommand::Evaluation(options) => evaluation(options),
        ReportCommand::Page(options) => {
            write(&options.output, page_of(&options.file, options.lang)?.as_bytes())?;
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

fn evaluation(options: &EvaluationOptions) -> Result<Exit, Failure> {
    let EvaluationOptions { config, model, gates, lang, output, json } = options;
    let page = free(output)?;
    let file = five_parts(config, model, gates.as_deref()).map_err(explained)?;
    write(output, file.to_json().as_bytes())?;
    write(&page, crate::five_parts::page(&file, *lang).as_bytes())?;
    if *json {
        json::print(&serde_json::json!({
            "evaluation": output, "page": page, "digest": file.digest(), "key": file.key(),
            "verdict": file.paper.conclusion.verdict, "why": file.paper.conclusion.why,
        }));
    } else {
        println!("{}\n{}", words::written(output.display()).text(*lang), words::written(page.display()).text(*lang));
    }
    Ok(Exit::Done)
}

/// The page of a signed file, whichever it is.
///
/// # Errors
/// If it cannot be read, or its signature does not hold.
fn page_of(path: &Path, language: Language) -> Result<String, Failure> {
    let bytes = given::paper(path).map_err(Failure::failed)?;
    if let Some(page) = assessed::page_of(path, &bytes, language) {
        return page;
    }
    let failed = |fault: &dyn std::fmt::Display| Failure::failed(format!("{}: {fault}", path.display()));
    if let Ok(attacks) = AttacksFile::read(&bytes) {
        return Ok(crate::redteam::page(&attacks, language));
    }
    if let Ok(evaluation) = EvaluationFile::read(&bytes) {
        return Ok(crate::five_parts::page(&evaluation, language));
    }
    match CardFile::read(&bytes) {
        Ok(card) => Ok(crate::card::page(&card, language)),
        Err(PaperFault::Unreadable { .. }) => {
            ReportFile::read(&bytes).map(|file| page::page(&file, language)).map_err(|fault| failed(&fault))
        }
        Err(fault) => Err(failed(&fault)),
    }
}

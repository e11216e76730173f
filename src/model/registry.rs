//! What is asked of the registry at the coordinator: models, copies, and statements that nobody has signed yet.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_coordinator::registry::{self, Draft};
use tributary_protocol::registry::{CHALLENGER_PARTS_MAX, ModelStep};
use tributary_protocol::roster::MemberName;
use tributary_storage::files::{Existing, write_public};
use tributary_texts::{Language, evaluation as words};

use super::evaluate::{CompareOptions, EvaluateOptions, compare, evaluate};
use super::explained::explained;
use super::export::{ExportOptions, ExportsOptions, export, exports};
use super::scorecard::{ScorecardOptions, scorecard};
use super::summary::{SummaryOptions, summary};
use super::{report, shown, statement};
use crate::exit::Failure;
use crate::{json, typed};

/// What is asked of the registry.
#[derive(Subcommand)]
pub(crate) enum RegistryCommand {
    /// Show every model of the registry, and what it may be used for
    List(ListOptions),
    /// Show where a model comes from, and what was stated about it
    Show(OfOptions),
    /// Show what the evaluation of its run says of a model, with intervals; as a page with charts too
    Evaluate(EvaluateOptions),
    /// Show the evaluations of two models side by side, with their differences
    Compare(CompareOptions),
    /// Show what a run counted of each field, with intervals: customers, missing values, quantiles, frequent categories
    Summary(SummaryOptions),
    /// Show the points of an additive model by the values of each field, with weights of evidence; as a page and as a table file too
    Scorecard(ScorecardOptions),
    /// Write a model as a file for other systems: safetensors, ONNX, PMML or SQL, with a number, a recipient and a last day
    Export(ExportOptions),
    /// Show every export, for whom it is, until when, and which are void because their model was withdrawn
    Exports(ExportsOptions),
    /// Show which branches keep a model, and which have acknowledged its withdrawal
    Copies(OfOptions),
    /// Show the card of a model, as it was written at the release: what it is for, what it learnt from, how good it is; as a page too
    Card(CardOptions),
    /// Make the report on a model's gates from its run's own evaluation, for a model validator to sign
    Gates(GatesOptions),
    /// Make a statement that a model is the champion at the branches of a pilot, and at no other
    Pilot(PilotOptions),
    /// Make a statement that a model is the champion of its purpose: the one that branches use
    Promote(PromoteOptions),
    /// Make a statement that an earlier champion is the champion again
    Rollback(DraftOptions),
    /// Make a statement that a model is used no more
    Retire(DraftOptions),
    /// Make a statement that every branch deletes a model and refuses it from now on
    Withdraw(DraftOptions),
    /// Put a statement that two people signed into the coordinator's state
    Install(InstallOptions),
}

/// Of which registry.
#[derive(Args)]
pub(crate) struct ListOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Of which model.
#[derive(Args)]
pub(crate) struct OfOptions {
    /// The model: its digest, or the first eight digits of it or more
    #[arg(value_name = "DIGEST")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What to state about which model.
#[derive(Args)]
pub(crate) struct DraftOptions {
    /// The model: its digest, or the first eight digits of it or more
    #[arg(value_name = "DIGEST")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The report on the model's gates that a validator signed; for a step that needs none, any document
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// Why, in a sentence
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Where the statement is written; never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `tributary model promote`.
#[derive(Args)]
pub(crate) struct PromoteOptions {
    /// Compare it with the champion, and let branches use the champion as before
    #[arg(long)]
    challenger: bool,
    /// The share of each branch's customers that the challenger scores, from 0 to 0.5 with four digits after the point at most
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share, requires = "challenger")]
    share: u16,
    #[command(flatten)]
    draft: DraftOptions,
}

/// `tributary model pilot`.
#[derive(Args)]
pub(crate) struct PilotOptions {
    /// A branch of the pilot, as the roster names it; once for each, where the plan leaves them open
    #[arg(long = "branch", value_name = "ORGANISATION/ID", value_parser = branch)]
    branches: Vec<MemberName>,
    #[command(flatten)]
    draft: DraftOptions,
}

/// `tributary model card`.
#[derive(Args)]
pub(crate) struct CardOptions {
    /// The model: its digest, or the first eight digits of it or more
    #[arg(value_name = "DIGEST")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Write the card's file here: the very bytes that the audit log names; never replaced
    #[arg(long, value_name = "FILE", required_unless_present = "html")]
    out: Option<PathBuf>,
    /// Write a page here; never replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The language of the page
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = typed::language())]
    lang: Language,
}

/// `tributary model gates`.
#[derive(Args)]
pub(crate) struct GatesOptions {
    /// The model: its digest, or the first eight digits of it or more
    #[arg(value_name = "DIGEST")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where the report is written; never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<u16, String> {
    let wrong = || "a share from 0 to 0.5, with four digits after the point at most".to_owned();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole != "0" || rest.len() > 4 || !digits(rest) {
        return Err(wrong());
    }
    let parts: u16 = format!("{whole}{rest:0<4}").parse().map_err(|_| wrong())?;
    if parts <= CHALLENGER_PARTS_MAX { Ok(parts) } else { Err(wrong()) }
}

fn branch(text: &str) -> Result<MemberName, String> {
    MemberName::parse(text).map_err(|fault| fault.to_string())
}

/// What to install.
#[derive(Args)]
pub(crate) struct InstallOptions {
    /// The statement
    #[arg(value_name = "STATEMENT")]
    file: PathBuf,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(super) fn run(command: &RegistryCommand) -> Result<(), Failure> {
    match command {
        RegistryCommand::List(options) => {
            let models = registry::list(&options.config).map_err(explained)?;
            if options.json {
                json::print(&serde_json::json!({ "models": models }));
            } else {
                shown::list(&models);
            }
        }
        RegistryCommand::Show(options) => show(options)?,
        RegistryCommand::Evaluate(options) => evaluate(options)?,
        RegistryCommand::Compare(options) => compare(options)?,
        RegistryCommand::Summary(options) => summary(options)?,
        RegistryCommand::Scorecard(options) => scorecard(options)?,
        RegistryCommand::Export(options) => export(options)?,
        RegistryCommand::Exports(options) => exports(options)?,
        RegistryCommand::Copies(options) => copies(options)?,
        RegistryCommand::Card(options) => card(options)?,
        RegistryCommand::Gates(options) => gates(options)?,
        RegistryCommand::Pilot(PilotOptions { branches, draft }) => made(draft, ModelStep::Pilot, (branches, 0))?,
        RegistryCommand::Promote(PromoteOptions { challenger, share, draft }) => {
            made(draft, if *challenger { ModelStep::Challenge } else { ModelStep::Promote }, (&[], *share))?;
        }
        RegistryCommand::Rollback(options) => made(options, ModelStep::RollBack, (&[], 0))?,
        RegistryCommand::Retire(options) => made(options, ModelStep::Retire, (&[], 0))?,
        RegistryCommand::Withdraw(options) => made(options, ModelStep::Withdraw, (&[], 0))?,
        RegistryCommand::Install(options) => install(options)?,
    }
    Ok(())
}

fn show(options: &OfOptions) -> Result<(), Failure> {
    let model = registry::show(&options.config, &options.model).map_err(explained)?;
    if options.json {
        json::print(&model);
    } else {
        shown::one(&model);
    }
    Ok(())
}

fn copies(options: &OfOptions) -> Result<(), Failure> {
    let (model, copies) = registry::copies(&options.config, &options.model).map_err(explained)?;
    if options.json {
        json::print(&serde_json::json!({ "model": model.model, "state": model.state, "copies": copies }));
    } else {
        shown::copies(&model, &copies);
    }
    Ok(())
}

/// A statement that nobody has signed yet.
fn made(options: &DraftOptions, step: ModelStep, (branches, share): (&[MemberName], u16)) -> Result<(), Failure> {
    // A rollback has the report of the promotion.
    if step.needs_report() && step != ModelStep::RollBack && options.evidence.is_none() {
        return Err(Failure::usage(
            "name the report on the gates that the model passed (`--evidence FILE`), as `tributary model gates` made it and a model validator signed \
             it: it becomes part of the statement",
        ));
    }
    let (evidence, reason) = (options.evidence.as_deref(), options.reason.as_str());
    let draft = Draft { step, model: &options.model, evidence, branches, share, reason };
    let file = registry::draft(&options.config, &draft).map_err(explained)?;
    file.write(&options.out).map_err(Failure::failed)?;
    if options.json {
        json::print(&statement::as_json(&file, &options.out));
    } else {
        print!("{}", statement::in_words(&file));
        println!(
            "{}: nobody has signed it yet. Two people in two roles do, each on a machine of their own (`tributary model sign`); then it is carried \
             here and installed (`tributary model install`)",
            options.out.display()
        );
    }
    Ok(())
}

fn card(options: &CardOptions) -> Result<(), Failure> {
    let card = registry::card(&options.config, &options.model).map_err(explained)?;
    let page = || crate::card::page(&card, options.lang);
    for (path, text) in [(&options.out, card.to_json()), (&options.html, page())] {
        if let Some(path) = path {
            write_public(path, text.as_bytes(), Existing::Keep).map_err(Failure::failed)?;
            println!("{}", words::written(path.display()).text(options.lang));
        }
    }
    Ok(())
}

fn gates(options: &GatesOptions) -> Result<(), Failure> {
    let file = registry::report(&options.config, &options.model).map_err(explained)?;
    file.write(&options.out).map_err(Failure::failed)?;
    if options.json {
        json::print(&report::as_json(&file, &options.out));
    } else {
        print!("{}", report::in_words(&file));
        println!(
            "{}: no model validator has signed it yet. One does, on a machine of their own (`tributary model validate`); then it is carried here, and \
             statements rest on it (`--evidence`)",
            options.out.display()
        );
    }
    Ok(())
}

fn install(options: &InstallOptions) -> Result<(), Failure> {
    let path = registry::install(&options.config, &options.file).map_err(explained)?;
    if options.json {
        json::print(&serde_json::json!({ "file": path }));
    } else {
        println!(
            "{}: the statement is here; a running coordinator takes it up within a second, and says so",
            path.display()
        );
    }
    Ok(())
}

//! What is asked of the registry at the coordinator: models, copies, and statements that nobody has signed yet.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_coordinator::registry::{self, Draft};
use tributary_protocol::registry::ModelStep;

use super::evaluate::{CompareOptions, EvaluateOptions, compare, evaluate};
use super::explained::explained;
use super::summary::{SummaryOptions, summary};
use super::{shown, statement};
use crate::exit::Failure;
use crate::json;

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
    /// Show which branches keep a model, and which have acknowledged its withdrawal
    Copies(OfOptions),
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
    /// The report on which the statement rests; its digest becomes part of it
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
    #[command(flatten)]
    draft: DraftOptions,
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
        RegistryCommand::Copies(options) => copies(options)?,
        RegistryCommand::Promote(PromoteOptions { challenger, draft }) => {
            made(draft, if *challenger { ModelStep::Challenge } else { ModelStep::Promote })?;
        }
        RegistryCommand::Rollback(options) => made(options, ModelStep::RollBack)?,
        RegistryCommand::Retire(options) => made(options, ModelStep::Retire)?,
        RegistryCommand::Withdraw(options) => made(options, ModelStep::Withdraw)?,
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
fn made(options: &DraftOptions, step: ModelStep) -> Result<(), Failure> {
    if step.needs_evidence() && options.evidence.is_none() {
        return Err(Failure::usage(
            "name the report on the gates that the model passed (`--evidence FILE`): its digest becomes part of the statement",
        ));
    }
    let draft = Draft { step, model: &options.model, evidence: options.evidence.as_deref(), reason: &options.reason };
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

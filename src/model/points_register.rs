//! What is asked of the register of changed points, at the coordinator.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_coordinator::registry::{self, NewPoints};

use super::explained::explained;
use super::points_words::{as_json, in_words};
use super::scorecard::ScaleOptions;
use crate::exit::Failure;
use crate::json;

/// What is asked of the register.
#[derive(Subcommand)]
pub(crate) enum RegisterCommand {
    /// Make a change of one bin's points, which nobody has signed yet
    Change(ChangeOptions),
    /// Put a change that two people signed into the register
    Install(InstallOptions),
    /// Show every change of a model's points
    List(ListOptions),
}

/// What is changed.
#[derive(Args)]
pub(crate) struct ChangeOptions {
    /// The model: its digest, or the first eight digits of it or more; or `champion`
    #[arg(value_name = "MODEL")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The label
    #[arg(long, value_name = "LABEL")]
    head: String,
    /// The field
    #[arg(long, value_name = "FIELD")]
    field: String,
    /// The bin, by its number in `tributary model scorecard`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    bin: u32,
    /// The points that it gets
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    points: i64,
    /// Why, in a sentence
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    scale: ScaleOptions,
    /// The schema file of the model's plan [default: the plan's, as it was activated here]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Where the change is written; never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is installed.
#[derive(Args)]
pub(crate) struct InstallOptions {
    /// The change
    #[arg(value_name = "CHANGE")]
    file: PathBuf,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The schema file of the model's plan [default: the plan's, as it was activated here]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Of which model.
#[derive(Args)]
pub(crate) struct ListOptions {
    /// The model: its digest, or the first eight digits of it or more; or `champion`
    #[arg(value_name = "MODEL")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The schema file of the model's plan [default: the plan's, as it was activated here]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
pub(super) fn run(command: &RegisterCommand) -> Result<(), Failure> {
    match command {
        RegisterCommand::Change(options) => change(options),
        RegisterCommand::Install(InstallOptions { file, config, schema, json }) => {
            let path = registry::install_points(config, file, schema.as_deref()).map_err(explained)?;
            if *json {
                json::print(&serde_json::json!({ "file": path }));
            } else {
                println!("{}: the change is in the register; scorecards have it from now on", path.display());
            }
            Ok(())
        }
        RegisterCommand::List(ListOptions { model, config, schema, json }) => {
            let model = registry::load(config, model, schema.as_deref()).map_err(explained)?;
            let all = registry::points(config, &model).map_err(explained)?;
            if *json {
                let all: Vec<_> = all.iter().map(|file| as_json(file, std::path::Path::new(""))).collect();
                json::print(&serde_json::json!({ "model": model.line.model, "changes": all }));
            } else if all.is_empty() {
                println!("nobody has changed points of this model");
            } else {
                all.iter().for_each(|file| print!("{}", in_words(file)));
            }
            Ok(())
        }
    }
}

fn change(options: &ChangeOptions) -> Result<(), Failure> {
    let ChangeOptions { model, config, head, field, bin, points, reason, scale, schema, out, json } = options;
    let model = registry::load(config, model, schema.as_deref()).map_err(explained)?;
    let new = NewPoints { head, scale: scale.scale()?, field, bin: *bin, after: *points, reason };
    let file = registry::draft_points(config, &model, &new).map_err(explained)?;
    file.write(out).map_err(Failure::failed)?;
    if *json {
        json::print(&as_json(&file, out));
    } else {
        print!("{}", in_words(&file));
        println!(
            "{}: nobody has signed it yet. Two people in two roles do, each on a machine of their own (`tributary model points sign`); then it is \
             carried here and installed (`tributary model points install`)",
            out.display()
        );
    }
    Ok(())
}

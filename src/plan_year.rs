//! `tributary plan year`: what the spending of a year.toml comes to.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::exit::{Exit, Failure};
use crate::json;

/// `tributary plan year`.
#[derive(Subcommand)]
pub(crate) enum YearCommand {
    /// Say what a year.toml comes to in each month, and when a cap ends it
    Lint(YearLintOptions),
}

/// `tributary plan year lint`.
#[derive(Args)]
pub(crate) struct YearLintOptions {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tributary plan year`.
///
/// # Errors
/// Every fault of the file at once.
pub(crate) fn year(command: &YearCommand) -> Result<Exit, Failure> {
    let YearCommand::Lint(YearLintOptions { file, json }) = command;
    let outlook = tributary_planning::year::load(file).map_err(Failure::settings)?.outlook();
    if *json {
        json::print(&outlook);
    } else {
        print!("{outlook}");
    }
    Ok(Exit::Done)
}

//! `tributary coordinator`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::exit::{Exit, Failure};
use crate::options::{AskOptions, DaemonOptions};
use crate::{roles, running};

/// `tributary coordinator`.
#[derive(Subcommand)]
pub(crate) enum CoordinatorCommand {
    /// Write a commented coordinator.toml into a folder
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Serve the federation, and every plan that is activated, until the process is asked to stop
    Serve(DaemonOptions),
    /// What the running daemon is at: every run with what it waits for, until when, and what is done then
    Status(AskOptions),
    /// Runs
    #[command(subcommand)]
    Run(CoordinatorRunCommand),
    /// The members of the federation
    #[command(subcommand)]
    Site(CoordinatorSiteCommand),
    /// Try everything that serving will need: files, disk, limits, the port; say what to ask of whom
    Preflight(AskOptions),
}

/// `tributary coordinator run`.
#[derive(Subcommand)]
pub(crate) enum CoordinatorRunCommand {
    /// One open run of the running daemon
    Show {
        /// The run's plan: its name, or the first digits of its digest
        plan: String,
        #[command(flatten)]
        ask: AskOptions,
    },
}

/// `tributary coordinator site`.
#[derive(Subcommand)]
pub(crate) enum CoordinatorSiteCommand {
    /// Who is here, who is not and since when, and which release each runs
    List(AskOptions),
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: CoordinatorCommand) -> Result<Exit, Failure> {
    match command {
        CoordinatorCommand::Init { folder } => roles::coordinator_init(&folder),
        CoordinatorCommand::Serve(options) => roles::coordinator_serve(options),
        CoordinatorCommand::Status(options) => running::status(&options),
        CoordinatorCommand::Run(CoordinatorRunCommand::Show { plan, ask }) => running::run_show(&plan, &ask),
        CoordinatorCommand::Site(CoordinatorSiteCommand::List(options)) => running::site_list(&options),
        CoordinatorCommand::Preflight(options) => roles::coordinator_preflight(&options),
    }
}

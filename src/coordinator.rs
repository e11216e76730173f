//! `tributary coordinator`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use tributary_coordinator::federation::grant_files::{CarryError, carry};
use tributary_protocol::registry::Sight;
use tributary_storage::files::shown;

use crate::exit::{Exit, Failure};
use crate::inspect::{Asked, InspectionOptions};
use crate::options::{AskOptions, DaemonOptions};
use crate::{json, roles, running};

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
    Status {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        inspection: InspectionOptions,
    },
    /// Runs
    #[command(subcommand)]
    Run(CoordinatorRunCommand),
    /// The members of the federation
    #[command(subcommand)]
    Site(CoordinatorSiteCommand),
    /// What owners of data have signed
    #[command(subcommand)]
    Grant(CoordinatorGrantCommand),
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
    /// Every member of an open run's group: ready, late, silent or without, and what to do
    Readiness {
        /// The run's plan: its name, or the first digits of its digest
        plan: String,
        #[command(flatten)]
        ask: AskOptions,
    },
}

/// `tributary coordinator grant`.
#[derive(Subcommand)]
pub(crate) enum CoordinatorGrantCommand {
    /// Have the coordinator carry an owner's grant, or its withdrawal, to the branches that it names
    Send {
        /// The file, as `tributary client authorise grant` or `revoke` wrote it
        file: PathBuf,
        /// The coordinator's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
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
        CoordinatorCommand::Status { ask, inspection } => {
            inspection.record(&ask.config, &Asked::of(Sight::Status, "all"))?;
            running::status(&ask)
        }
        CoordinatorCommand::Run(CoordinatorRunCommand::Show { plan, ask }) => running::run_show(&plan, &ask),
        CoordinatorCommand::Run(CoordinatorRunCommand::Readiness { plan, ask }) => running::run_readiness(&plan, &ask),
        CoordinatorCommand::Site(CoordinatorSiteCommand::List(options)) => running::site_list(&options),
        CoordinatorCommand::Grant(CoordinatorGrantCommand::Send { file, config, json }) => send(&file, &config, json),
        CoordinatorCommand::Preflight(options) => roles::coordinator_preflight(&options),
    }
}

fn send(file: &Path, config: &Path, json: bool) -> Result<Exit, Failure> {
    let (kept, branches) = carry(config, file).map_err(|fault| match fault {
        CarryError::Settings(faults) => Failure::settings(faults),
        other => Failure::failed(other),
    })?;
    let branches: Vec<String> = branches.iter().map(ToString::to_string).collect();
    if json {
        json::print(&serde_json::json!({ "file": kept, "branches": branches }));
    } else {
        let named = branches.join(", ");
        println!("{}: a running coordinator carries it to {named}, each as soon as it is connected", shown(&kept));
    }
    Ok(Exit::Done)
}

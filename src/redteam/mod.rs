//! `tributary redteam`: attacks on a released model and its plan, on rows that are public or invented, and the signed report of them.

mod page;
#[cfg(feature = "rehearsal")]
mod rows;
#[cfg(feature = "rehearsal")]
mod run;
mod sign;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_coordinator::registry::install_attacks;

pub(crate) use self::page::{attacks, page, verdict};
use crate::exit::{Exit, Failure};
use crate::model::explained;

/// `tributary redteam`.
#[derive(Subcommand)]
pub(crate) enum RedteamCommand {
    /// Attack a model of an audit bundle: membership, reconstruction, a lower bound of epsilon, flipped labels, spread of runs
    #[cfg(feature = "rehearsal")]
    Run(run::RunOptions),
    /// Sign what the attacks came to; a model validator does
    Sign(sign::SignOptions),
    /// Put a signed report of attacks into the coordinator's state
    Install(InstallOptions),
}

/// What to install.
#[derive(Args)]
pub(crate) struct InstallOptions {
    /// The signed report
    #[arg(value_name = "REPORT")]
    file: PathBuf,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: &RedteamCommand) -> Result<Exit, Failure> {
    match command {
        #[cfg(feature = "rehearsal")]
        RedteamCommand::Run(options) => run::run(options)?,
        RedteamCommand::Sign(options) => sign::sign(options)?,
        RedteamCommand::Install(InstallOptions { file, config }) => {
            let path = install_attacks(config, file).map_err(explained)?;
            println!(
                "{}: the report is here; a running coordinator takes it up within a second, and says so",
                path.display()
            );
        }
    }
    Ok(Exit::Done)
}

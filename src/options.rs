//! What both daemons' commands are told.

use std::path::PathBuf;

use clap::Args;

/// How a daemon runs.
#[derive(Args)]
pub(crate) struct DaemonOptions {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// One JSON object for each event on standard output
    #[arg(long)]
    pub(crate) events: bool,
    /// End by itself: a coordinator when every run of its plans is over, a client with the first run that ends
    #[arg(long)]
    pub(crate) once: bool,
}

/// Which running daemon is asked, or whose settings are tried.
#[derive(Args)]
pub(crate) struct AskOptions {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

//! `tributary client score`, `serve-scores` and `actions`: a model at work at a branch.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tributary_client::score::{
    ScoreOptions, ServeOptions, init_actions, score, serve_scores, show_actions, sign_actions,
};
use tributary_texts::Language;

use crate::branch::explained;
use crate::certs::unix_seconds;
use crate::exit::{Exit, Failure};
use crate::roles::log_to_stderr;

/// `tributary client score`.
#[derive(Args)]
pub(crate) struct ScoreArguments {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The model: champion, challenger, or the first digits of its digest
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// A table in the place of the one that the settings name, written in the same way
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The file of scores: Parquet where its name ends with .parquet, else CSV
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The encoding of a CSV file
    #[arg(long, value_name = "ENCODING", default_value = "utf-8")]
    encoding: OutputEncoding,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How a CSV file is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputEncoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "gb18030")]
    Gb18030,
}

/// `tributary client serve-scores`.
#[derive(Args)]
pub(crate) struct ServeArguments {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The model: champion, challenger, or the first digits of its digest
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// The Unix socket [default: scores.sock in the state folder]
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    socket: Option<PathBuf>,
    /// A loopback address instead of a socket, such as 127.0.0.1:8471
    #[arg(long, value_name = "ADDRESS", requires = "token")]
    listen: Option<SocketAddr>,
    /// The file of mode 0600 with the token that each request shows; made if it is absent
    #[arg(long, value_name = "FILE", requires = "listen")]
    token: Option<PathBuf>,
}

/// `tributary client actions`.
#[derive(Subcommand)]
pub(crate) enum ActionsCommand {
    /// Write a commented actions.toml into a folder, for a schema
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The schema whose fields the rules look at
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Show actions in words, and sign them as they stand, with the key that signed the policy
    Sign {
        /// The file of actions
        #[arg(long, value_name = "FILE")]
        actions: PathBuf,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The schema whose fields the rules look at
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Show the actions in force: those that a settings file names, if their owner signed them
    Show {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// Scores a table.
///
/// # Errors
/// Why no file was made.
pub(crate) fn run_score(arguments: ScoreArguments, language: Language) -> Result<Exit, Failure> {
    let ScoreArguments { config, model, input, output, encoding, json } = arguments;
    let gb18030 = encoding == OutputEncoding::Gb18030;
    let options = ScoreOptions { config, model, input, output, language, gb18030 };
    let made = score(&options, unix_seconds()).map_err(|error| explained(&error, language))?;
    if json {
        crate::json::print(&made.note);
    } else {
        made.said.iter().for_each(|line| println!("{}", line.text(language)));
    }
    Ok(Exit::Done)
}

/// Serves scores until the process is asked to stop.
///
/// # Errors
/// Why nothing is served.
pub(crate) fn run_serve(arguments: ServeArguments, language: Language) -> Result<Exit, Failure> {
    log_to_stderr();
    let ServeArguments { config, model, socket, listen, token } = arguments;
    let options = ServeOptions { config, model, socket, listen: listen.zip(token), language };
    let tell = |said: &tributary_texts::Said| println!("{}", said.text(language));
    serve_scores(&options, unix_seconds, &tell).map_err(|error| explained(&error, language))?;
    Ok(Exit::Done)
}

/// Writes, signs or shows actions.
///
/// # Errors
/// Why that was not done.
pub(crate) fn run_actions(command: &ActionsCommand, language: Language) -> Result<Exit, Failure> {
    let lines = match command {
        ActionsCommand::Init { folder, schema } => init_actions(folder, schema),
        ActionsCommand::Sign { actions, key, schema } => sign_actions(actions, key, schema),
        ActionsCommand::Show { config } => show_actions(config),
    };
    let lines = lines.map_err(|error| explained(&error, language))?;
    lines.iter().for_each(|line| println!("{}", line.text(language)));
    Ok(Exit::Done)
}

//! `tributary client customer` and `tributary client purge`: what a customer may ask of the branch, and what is past its time.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_client::contact::{self, Answer};
use tributary_client::error::ClientError;
use tributary_storage::files::shown;
use tributary_texts::{Language, Said, customer as words};

use crate::branch::explained;
use crate::certs::unix_seconds;
use crate::exit::{Exit, Failure};

/// Whom it is about.
#[derive(Args)]
pub(crate) struct Asked {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The customer's id, as the table has it
    #[arg(long, value_name = "ID")]
    id: String,
    /// Write the answer to the customer into this file, as one page to be printed
    #[arg(long, value_name = "FILE")]
    reply: Option<PathBuf>,
}

/// `tributary client customer`.
#[derive(Subcommand)]
pub(crate) enum CustomerCommand {
    /// Show which runs used this branch's data, and which lists named a customer
    Show(Asked),
    /// Explain a customer's scores in words for the customer
    Explain {
        #[command(flatten)]
        asked: Asked,
        /// The scores to be explained; without it those of the newest list that named the customer
        #[arg(long, value_name = "FILE")]
        scores: Option<PathBuf>,
    },
    /// Put a customer into no list from now on: open lines are void, and delivered ones are recalled
    Exclude(Asked),
    /// Erase a customer from lists and scores that this product keeps; a keyed pseudonym stays, by which no list names the customer again
    Erase(Asked),
}

/// `tributary client purge`.
#[derive(Args)]
pub(crate) struct PurgeOptions {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name what is past its time, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// List the certificates of what was deleted, compared with the register; delete nothing
    #[arg(long, conflicts_with = "dry_run")]
    certificates: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Answers a customer.
///
/// # Errors
/// Why there is no answer.
pub(crate) fn run(command: CustomerCommand, language: Language) -> Result<Exit, Failure> {
    let now = unix_seconds();
    let (asked, answer) = match command {
        CustomerCommand::Show(asked) => {
            let answer = contact::show_customer(&asked.config, &asked.id, now);
            (asked, answer)
        }
        CustomerCommand::Explain { asked, scores } => {
            let answer = contact::explain(&asked.config, &asked.id, scores.as_deref(), now);
            (asked, answer)
        }
        CustomerCommand::Exclude(asked) => {
            let answer = contact::exclude(&asked.config, &asked.id, now);
            (asked, answer)
        }
        CustomerCommand::Erase(asked) => {
            let answer = contact::erase(&asked.config, &asked.id, now);
            (asked, answer)
        }
    };
    answered(&asked, answer, language).map_err(|error| explained(&error, language))
}

fn answered(asked: &Asked, answer: Result<Answer, ClientError>, language: Language) -> Result<Exit, ClientError> {
    let answer = answer?;
    print(&answer.lines(), language);
    if let Some(path) = &asked.reply {
        contact::write_reply(&answer, path)?;
        print(&[words::reply_written(shown(path))], language);
    }
    Ok(Exit::Done)
}

/// Deletes what is past its time, or names it.
///
/// # Errors
/// Why that was not done.
pub(crate) fn purge(options: &PurgeOptions, language: Language) -> Result<Exit, Failure> {
    if options.certificates {
        return certificates(options, language).map_err(|error| explained(&error, language));
    }
    let purged = contact::purge(&options.config, options.dry_run, unix_seconds());
    let purged = purged.map_err(|error| explained(&error, language))?;
    if options.json {
        crate::json::print(&purged);
        return Ok(if purged.is_whole() { Exit::Done } else { Exit::Failed });
    }
    print(&purged.said().map_err(|error| explained(&error, language))?, language);
    Ok(Exit::Done)
}

fn certificates(options: &PurgeOptions, language: Language) -> Result<Exit, ClientError> {
    let all = contact::certificates(&options.config, unix_seconds())?;
    if options.json {
        crate::json::print(&serde_json::json!({ "certificates": all }));
        return Ok(Exit::Done);
    }
    all.iter().for_each(|line| print(&line.said(), language));
    let end = if all.is_empty() { words::no_certificates() } else { words::certificates_whole(all.len()) };
    print(&[end], language);
    Ok(Exit::Done)
}

fn print(lines: &[Said], language: Language) {
    lines.iter().for_each(|line| println!("{}", line.text(language)));
}

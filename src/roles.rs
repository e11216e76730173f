//! The two daemons, as commands.

#[cfg(any(feature = "coordinator", feature = "client"))]
use std::path::Path;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
#[cfg(feature = "client")]
use tributary_client::error::ClientError;
use tributary_texts::Language;
use tributary_transport::preflight::Findings;

#[cfg(feature = "client")]
use crate::branch::explained;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::options::{AskOptions, DaemonOptions};

/// The variable that chooses what is logged, in the form of `tracing`'s filters.
const LOG_VARIABLE: &str = "TRIBUTARY_LOG";

/// `tributary coordinator init`.
///
/// # Errors
/// If the file is there already or cannot be written.
#[cfg(feature = "coordinator")]
pub(crate) fn coordinator_init(folder: &Path) -> Result<Exit, Failure> {
    let path = tributary_coordinator::cli::init(folder).map_err(Failure::failed)?;
    println!("{} is written; every key is explained in it. Edit it, then `tributary config check` it.", path.display());
    Ok(Exit::Done)
}

/// `tributary coordinator serve`.
///
/// # Errors
/// Why the coordinator could not start or had to end.
#[cfg(feature = "coordinator")]
pub(crate) fn coordinator_serve(options: DaemonOptions) -> Result<Exit, Failure> {
    use tributary_coordinator::cli::{ServeOptions, serve};
    use tributary_coordinator::{CoordinatorError, Ends};

    log_to_stderr();
    let DaemonOptions { config, events, once } = options;
    let ends = if once { Ends::WithTheLastRun } else { Ends::Never };
    serve(&ServeOptions { config, events, ends }).map(|()| Exit::Done).map_err(|error| match error {
        CoordinatorError::Settings(faults) => Failure::settings(faults),
        other => Failure::failed(other),
    })
}

/// `tributary client run`.
///
/// # Errors
/// Why the client could not start or had to end.
#[cfg(feature = "client")]
pub(crate) fn client_run(options: DaemonOptions, language: Language) -> Result<Exit, Failure> {
    use tributary_client::cli::{RunOptions, run};

    log_to_stderr();
    let DaemonOptions { config, events, once } = options;
    let options = RunOptions { config, events, once, language };
    let logged = !events && !std::io::IsTerminal::is_terminal(&std::io::stderr());
    let ended = run(&options).map(|()| Exit::Done);
    ended.map_err(
        |error| if logged { logged_fault(&error, &options.config, language) } else { explained(&error, language) },
    )
}

/// A service's output goes into the system's journal, and from there to a collector of logs: nothing that depends on a row goes there.
#[cfg(feature = "client")]
fn logged_fault(error: &ClientError, config: &Path, language: Language) -> Failure {
    match error {
        ClientError::Rows(_) => {
            Failure::failed(tributary_texts::commands::rows_not_logged(config.display()).text(language))
        }
        error => explained(error, language),
    }
}

/// `tributary coordinator preflight`.
///
/// # Errors
/// If the settings have faults.
#[cfg(feature = "coordinator")]
pub(crate) fn coordinator_preflight(options: &AskOptions) -> Result<Exit, Failure> {
    let found = tributary_coordinator::cli::preflight(&options.config).map_err(Failure::settings)?;
    Ok(show(&found, options.json, Language::English))
}

/// `tributary client preflight`.
///
/// # Errors
/// If the settings have faults.
#[cfg(feature = "client")]
pub(crate) fn client_preflight(options: &AskOptions, language: Language) -> Result<Exit, Failure> {
    let found = tributary_client::preflight::preflight(&options.config, crate::certs::unix_seconds());
    let found = found.map_err(|error| explained(&error, language))?;
    Ok(show(&found, options.json, language))
}

fn show(found: &Findings, json: bool, language: Language) -> Exit {
    if json {
        json::print(&serde_json::json!({ "findings": found }));
    } else {
        print!("{}", found.text(language));
    }
    match found.exit_code() {
        0 => Exit::Done,
        code => Exit::Cause(code),
    }
}

pub(crate) fn log_to_stderr() {
    let usual = || Targets::new().with_default(LevelFilter::INFO);
    let wanted = std::env::var(LOG_VARIABLE).ok().map(|text| text.parse::<Targets>());
    let refused = wanted.as_ref().and_then(|wanted| wanted.as_ref().err()).map(ToString::to_string);
    let filter = wanted.and_then(Result::ok).unwrap_or_else(usual);
    tracing_subscriber::registry().with(fmt::layer().with_writer(std::io::stderr)).with(filter).init();
    if let Some(fault) = refused {
        eprintln!(
            "{LOG_VARIABLE} cannot be read ({fault}), so that everything from `info` on is logged; write `debug` or `NAME=debug`"
        );
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use tributary_texts::Said;

    use super::*;

    #[test]
    fn what_rows_are_like_goes_into_no_log() {
        let config = Path::new("client.toml");
        let logged = |error| logged_fault(&error, config, Language::English).message;
        let figures = logged(ClientError::Rows(Said::verbatim("6 of 10 values")));
        assert!(!figures.contains("6 of 10") && figures.contains("dataset check"), "{figures}");
        assert_eq!(logged(ClientError::File("rows.csv: cannot be opened".into())), "rows.csv: cannot be opened");
    }
}

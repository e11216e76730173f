//! What a running coordinator is asked.

use tributary_coordinator::CoordinatorError;
use tributary_coordinator::control::{RunStatus, readiness, sites, status as ask_status};

use crate::exit::{Exit, Failure};
use crate::json;
use crate::options::AskOptions;

/// `tributary coordinator status`.
///
/// # Errors
/// If no daemon answers.
pub(crate) fn status(options: &AskOptions) -> Result<Exit, Failure> {
    let status = ask_status(&options.config).map_err(failure)?;
    json::print_or_tell(&status, options.json);
    Ok(Exit::Done)
}

/// `tributary coordinator run show`.
///
/// # Errors
/// If no daemon answers, or no such run is open.
pub(crate) fn run_show(plan: &str, options: &AskOptions) -> Result<Exit, Failure> {
    let status = ask_status(&options.config).map_err(failure)?;
    let run = only(status.runs.into_iter().filter(|run: &RunStatus| run.of.is_meant_by(plan)).collect(), plan)?;
    json::print_or_tell(&run, options.json);
    Ok(Exit::Done)
}

/// `tributary coordinator run readiness`.
///
/// # Errors
/// If no daemon answers, or not one run is meant.
pub(crate) fn run_readiness(plan: &str, options: &AskOptions) -> Result<Exit, Failure> {
    let run = only(readiness(&options.config, plan).map_err(failure)?, plan)?;
    json::print_or_tell(&run, options.json);
    Ok(Exit::Done)
}

/// The one run that is meant.
fn only<T>(mut runs: Vec<T>, plan: &str) -> Result<T, Failure> {
    let run = runs.pop().ok_or_else(|| {
        Failure::failed(format!(
            "no run of a plan {plan:?} is open; `tributary coordinator status` lists those that are, and what waits for its turn"
        ))
    })?;
    match runs.is_empty() {
        true => Ok(run),
        false => {
            Err(Failure::failed(format!("runs of several plans are meant by {plan:?}: give more digits of the digest")))
        }
    }
}

/// `tributary coordinator site list`.
///
/// # Errors
/// If no daemon answers.
pub(crate) fn site_list(options: &AskOptions) -> Result<Exit, Failure> {
    let sites = sites(&options.config).map_err(failure)?;
    if options.json {
        json::print(&serde_json::json!({ "sites": sites }));
    } else {
        sites.iter().for_each(|site| println!("{site}"));
    }
    Ok(Exit::Done)
}

fn failure(error: CoordinatorError) -> Failure {
    match error {
        CoordinatorError::Settings(faults) => Failure::settings(faults),
        other => Failure::failed(other),
    }
}

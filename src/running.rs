//! What a running coordinator is asked.

use tributary_coordinator::CoordinatorError;
use tributary_coordinator::control::{RunStatus, sites, status as ask_status};

use crate::exit::{Exit, Failure};
use crate::json;
use crate::options::AskOptions;

/// `tributary coordinator status`.
///
/// # Errors
/// If no daemon answers.
pub(crate) fn status(options: &AskOptions) -> Result<Exit, Failure> {
    let status = ask_status(&options.config).map_err(failure)?;
    if options.json {
        json::print(&status);
    } else {
        print!("{status}");
    }
    Ok(Exit::Done)
}

/// `tributary coordinator run show`.
///
/// # Errors
/// If no daemon answers, or no such run is open.
pub(crate) fn run_show(plan: &str, options: &AskOptions) -> Result<Exit, Failure> {
    let status = ask_status(&options.config).map_err(failure)?;
    let meant = |run: &&RunStatus| run.of.plan_name == plan || run.of.plan.starts_with(plan);
    let mut runs = status.runs.iter().filter(meant);
    let Some(run) = runs.next() else {
        return Err(Failure::failed(format!(
            "no run of a plan {plan:?} is open; `tributary coordinator status` lists those that are, and what waits for its turn"
        )));
    };
    if runs.next().is_some() {
        return Err(Failure::failed(format!(
            "runs of several plans are meant by {plan:?}: give more digits of the digest"
        )));
    }
    if options.json {
        json::print(run);
    } else {
        print!("{run}");
    }
    Ok(Exit::Done)
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

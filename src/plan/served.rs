//! Plans at a coordinator: put there, and listed.

use tributary_coordinator::federation::plans::activate_plan;
use tributary_coordinator::settings::{PlanFiles, Settings};
use tributary_settings::Fault;

use super::options::{ActivateOptions, ListOptions};
use crate::exit::{Exit, Failure};
use crate::json;

/// `tributary plan activate`.
///
/// # Errors
/// If the plan cannot be served; then nothing has changed.
pub(super) fn activate(options: &ActivateOptions) -> Result<Exit, Failure> {
    let settings = Settings::load(&options.config).map_err(Failure::settings)?;
    let files = PlanFiles { file: options.file.clone(), schema: options.schema.clone() };
    let plan = activate_plan(&settings.state_dir, &files).map_err(|Fault { found, allowed, .. }| {
        Failure::failed(format!(
            "the plan is not activated, and nothing has changed: found {found}; it must be {allowed}"
        ))
    })?;
    if options.json {
        json::print(&serde_json::json!({ "plan": plan.to_string(), "state": settings.state_dir }));
    } else {
        println!(
            "the plan {plan} is activated in {}. A running coordinator takes it up within a second, and says so; whether its signatures count, the \
             signed roster decides",
            settings.state_dir.display()
        );
    }
    Ok(Exit::Done)
}

/// `tributary plan list`.
///
/// # Errors
/// Every fault of the settings file.
pub(super) fn list(options: &ListOptions) -> Result<Exit, Failure> {
    let report = tributary_coordinator::cli::check(&options.config).map_err(Failure::settings)?;
    if options.json {
        json::print(&serde_json::json!({ "plans": report.plans }));
        return Ok(Exit::Done);
    }
    if report.plans.is_empty() {
        println!("no plan is activated; `tributary plan activate` puts a signed plan there");
    }
    for plan in &report.plans {
        print!("{plan}");
    }
    Ok(Exit::Done)
}

//! What a run's counts of customers by their values say of each field, and which groups its model was learnt over.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_evidence::FeaturesFile;
use tributary_model::learnt::LearntField;
use tributary_model::summary::FieldFigures;
use tributary_protocol::printable::Printable;
use tributary_storage::files::read_itself;

use super::RegistryError;
use super::evaluated::{counted_in, read};
use super::folder::FEATURES;
use super::view::show_with_state;
use crate::settings::Settings;
use crate::store::run_folder;

/// Endings of the files of stages that count customers by their values.
const ENDINGS: [&str; 2] = ["-count.json", "-quantile.json"];

/// What was counted by value in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Digest of the plan.
    pub plan: String,
    /// The run.
    pub run: u32,
    /// The model of the run, where it was asked for by its model.
    pub model: Option<String>,
    /// Branches in the sum.
    pub survivors: usize,
    /// What the counts say of each field, in the schema's order.
    pub fields: Vec<FieldFigures>,
    /// Groups over which the model was learnt, where they were learnt too.
    pub learnt: Vec<LearntField>,
}

#[derive(Deserialize)]
struct Counted {
    survivors: usize,
    noise_stddev_min: f64,
    fields: Vec<FieldFigures>,
}

/// What a run counted by value: the run of a registered model, or this run of a plan. Of several counts the one with the least noise.
///
/// # Errors
/// If there is no such model or plan, or several, or nothing was counted.
pub fn summary(config: &Path, digest: &str, run: Option<u32>) -> Result<Summary, RegistryError> {
    let (plan, run, model, state_dir) = match run {
        None => {
            let (line, state_dir) = show_with_state(config, digest)?;
            (line.plan, line.run, Some((line.model, line.folder)), state_dir)
        }
        Some(run) => {
            let state_dir = Settings::load(config)?.state_dir;
            (plan_of(&state_dir, digest)?, run, None, state_dir)
        }
    };
    let folder = run_folder(&state_dir, &plan, run).join("counts");
    let files: Vec<_> = ENDINGS.iter().map(|ending| counted_in(&folder, ending)).collect::<Result<_, _>>()?;
    let counted: Vec<Counted> = files.iter().flatten().map(|path| read(path)).collect::<Result<_, _>>()?;
    let best = counted.into_iter().min_by(|one, other| one.noise_stddev_min.total_cmp(&other.noise_stddev_min));
    let Some(Counted { survivors, fields, .. }) = best.filter(|counted| !counted.fields.is_empty()) else {
        return Err(RegistryError::NotCounted { plan, run });
    };
    let learnt = model.as_ref().map(|(_, folder)| learnt_of(Path::new(folder))).transpose()?.unwrap_or_default();
    Ok(Summary { plan, run, model: model.map(|(model, _)| model), survivors, fields, learnt })
}

fn learnt_of(model: &Path) -> Result<Vec<LearntField>, RegistryError> {
    let path = model.join(FEATURES);
    let file: Result<FeaturesFile, _> = serde_json::from_slice(&read_itself(&path)?);
    Ok(file.map_err(|error| RegistryError::Counts { path, fault: error.to_string() })?.learnt)
}

/// The plan of a digest, or of its first digits, among those that were activated here.
fn plan_of(state_dir: &Path, text: &str) -> Result<String, RegistryError> {
    let entries = fs::read_dir(state_dir.join("plans")).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> = names.filter(|name| text.len() >= 8 && name.starts_with(text)).collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (other, left) => {
            Err(RegistryError::PlanDigest { text: Printable::new(text), count: left + usize::from(other.is_some()) })
        }
    }
}

//! What the evaluation of a model's own run says of it: read from the counts that the run kept.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_model::metrics::HeadFigures;
use tributary_storage::files::read_public;

use super::RegistryError;
use super::view::{ModelLine, show_with_state};
use crate::store::{COUNTS_VERSION, run_folder};

/// A model, and what was counted of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model.
    pub model: String,
    /// What it is for.
    pub purpose: String,
    /// The plan's name.
    pub plan_name: String,
    /// The run.
    pub run: u32,
    /// Branches in the sum.
    pub survivors: usize,
    /// What the counts say of each label.
    pub heads: Vec<HeadFigures>,
}

impl Evaluation {
    /// About how many customers were counted: those with a known label, of the label that most have.
    #[must_use]
    pub fn customers(&self) -> f64 {
        self.heads.iter().map(|head| head.customers.value).fold(0.0, f64::max)
    }
}

#[derive(Deserialize)]
struct Counted {
    model: String,
    survivors: usize,
    heads: Vec<HeadFigures>,
}

/// The evaluation of a registered model, by its digest or the first digits of it.
///
/// # Errors
/// If there is no such model, or several, or nothing was counted of it.
pub fn evaluation(config: &Path, model: &str) -> Result<Evaluation, RegistryError> {
    let (line, state_dir) = show_with_state(config, model)?;
    let folder = run_folder(&state_dir, &line.plan, line.run).join("counts");
    let missing = || RegistryError::NotEvaluated { model: line.model.clone() };
    let counted = evaluated_in(&folder).into_iter().map(|path| read(&path)).find(|counted| match counted {
        Ok(counted) => counted.model == line.parameters,
        Err(_) => true,
    });
    let Counted { survivors, heads, .. } = counted.ok_or_else(missing)??;
    let ModelLine { model, purpose, plan_name, run, .. } = line;
    Ok(Evaluation { model, purpose, plan_name, run, survivors, heads })
}

fn evaluated_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.to_str().is_some_and(|name| name.ends_with("-evaluate.json"))).collect();
    files.sort();
    files
}

fn read(path: &Path) -> Result<Counted, RegistryError> {
    let fault = |fault: String| RegistryError::Counts { path: path.to_path_buf(), fault };
    let bytes = read_public(path)?;
    // The version comes first: a file of another layout is not called damaged.
    let any: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| fault(error.to_string()))?;
    if any["version"] != COUNTS_VERSION {
        let found = &any["version"];
        return Err(fault(format!("its layout is version {found}, and this release reads version {COUNTS_VERSION}")));
    }
    serde_json::from_value(any).map_err(|error| fault(error.to_string()))
}

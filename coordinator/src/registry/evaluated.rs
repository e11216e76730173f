//! What the evaluation of a model's own run says of it: read from the counts that the run kept.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tributary_model::counts::NoisedHistogram;
use tributary_model::metrics::{FieldWeights, HeadFigures, Importance};
use tributary_storage::files::read_itself;

use super::RegistryError;
use super::stability::{Counts, Stability};
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
    /// How much each field moves the scores.
    pub importance: Option<Importance>,
    /// Weights of evidence, where labels were counted by field.
    pub weights: Vec<FieldWeights>,
    /// How far scores and fields have moved since the last model of the same plan, or the model from which this one was learnt.
    pub stability: Option<Stability>,
}

impl Evaluation {
    /// About how many customers were counted: those with a known label, of the label that most have.
    #[must_use]
    pub fn customers(&self) -> f64 {
        self.heads.iter().map(|head| head.customers.value).fold(0.0, f64::max)
    }
}

/// A file of counts.
#[derive(Deserialize)]
struct Counted {
    model: String,
    survivors: usize,
    noise_stddev: f64,
    heads: Vec<HeadFigures>,
    importance: Option<Importance>,
    weights: Vec<FieldWeights>,
    histograms: Vec<NoisedHistogram>,
}

/// What a run has counted.
struct OfRun {
    scores: Counted,
    fields: Option<Counted>,
}

/// The evaluation of a registered model, by its digest or the first digits of it.
///
/// # Errors
/// If there is no such model, or several, or nothing was counted of it.
pub fn evaluation(config: &Path, model: &str) -> Result<Evaluation, RegistryError> {
    let (line, state_dir) = show_with_state(config, model)?;
    let found = of_run(&state_dir, &line)?;
    let OfRun { scores, fields } = found.ok_or_else(|| RegistryError::NotEvaluated { model: line.model.clone() })?;
    let stability = before(config, &state_dir, &line).map(|(run, model, was)| {
        let now = counts(&scores, fields.as_ref());
        Stability::of((run, model), &counts(&was.scores, was.fields.as_ref()), &now)
    });
    let ModelLine { model, purpose, plan_name, run, .. } = line;
    let Counted { survivors, heads, importance, .. } = scores;
    let weights = fields.map(|fields| fields.weights).unwrap_or_default();
    Ok(Evaluation { model, purpose, plan_name, run, survivors, heads, importance, weights, stability })
}

fn counts<'a>(scores: &'a Counted, fields: Option<&'a Counted>) -> Counts<'a> {
    let of = |counted: &'a Counted| (counted.histograms.as_slice(), counted.noise_stddev);
    Counts { scores: of(scores), fields: fields.map(of) }
}

/// How much each field moves the scores of a model, as its run counted it. Nothing without an evaluation of these parameters.
pub(super) fn importance_of(
    state_dir: &Path,
    plan: &str,
    run: u32,
    parameters: &str,
) -> Result<Option<Importance>, RegistryError> {
    let scores = scores_of(&run_folder(state_dir, plan, run).join("counts"), parameters)?;
    Ok(scores.and_then(|scores| scores.importance))
}

/// The counts of the last evaluation of these parameters: on that one card and gates rest.
fn scores_of(folder: &Path, parameters: &str) -> Result<Option<Counted>, RegistryError> {
    let scores = counted_in(folder, "-evaluate.json")?.into_iter().rev().map(|path| read::<Counted>(&path));
    let own = scores.into_iter().find(|counted| match counted {
        Ok(counted) => counted.model == parameters,
        Err(_) => true,
    });
    own.transpose()
}

/// The last model before this one of which something was counted: of the plan's run before, or the one from which this one was learnt. What cannot be
/// read any more is as if it were not there.
fn before(config: &Path, state_dir: &Path, line: &ModelLine) -> Option<(u32, String, OfRun)> {
    let all = super::list(config).ok()?;
    let of_plan = all.iter().filter(|other| other.plan == line.plan && other.run < line.run).max_by_key(|one| one.run);
    let parent = all.iter().find(|other| line.parent.as_ref() == Some(&other.model));
    of_plan.into_iter().chain(parent).find_map(|other| {
        let found = of_run(state_dir, other).ok()??;
        Some((other.run, other.model.clone(), found))
    })
}

/// What the run of a model counted; nothing without an evaluation of the model.
fn of_run(state_dir: &Path, line: &ModelLine) -> Result<Option<OfRun>, RegistryError> {
    let folder = run_folder(state_dir, &line.plan, line.run).join("counts");
    let Some(scores) = scores_of(&folder, &line.parameters)? else { return Ok(None) };
    let fields = counted_in(&folder, "-count.json")?.first().map(|path| read(path)).transpose()?;
    Ok(Some(OfRun { scores, fields }))
}

/// The files in which stages have left what they counted, by the ending of their names, in the order of their stages. Without a folder nothing was
/// counted.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn counted_in(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, RegistryError> {
    let system = |fault| RegistryError::System { action: "reading", path: folder.to_path_buf(), fault };
    let entries = match fs::read_dir(folder) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(system)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(system)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(ending));
        if let Some(stage) = name.and_then(|stage| stage.parse::<u32>().ok()) {
            files.push((stage, path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// What a stage counted.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, RegistryError> {
    let fault = |fault: String| RegistryError::Counts { path: path.to_path_buf(), fault };
    let bytes = read_itself(path)?;
    // The version comes first: a file of another layout is not called damaged.
    let any: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| fault(error.to_string()))?;
    if any["version"] != COUNTS_VERSION {
        let found = &any["version"];
        return Err(fault(format!("its layout is version {found}, and this release reads version {COUNTS_VERSION}")));
    }
    serde_json::from_value(any).map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run may evaluate the model from which it begins, and the one that it comes to. Each has counts of its own.
    #[test]
    fn what_was_counted_of_another_model_is_not_this_one_s() {
        let folder = tempfile::tempdir().unwrap();
        let line = |parameters: &str| ModelLine {
            model: "00".into(),
            state: "candidate",
            purpose: "churn".into(),
            parameters: parameters.into(),
            parent: None,
            plan: "11".into(),
            plan_name: "monthly".into(),
            run: 1,
            owner: "north-bank/e1".into(),
            rounds: 3,
            complete: true,
            folder: "models/00".into(),
            statements: Vec::new(),
        };
        let counts = run_folder(folder.path(), &line("first").plan, 1).join("counts");
        fs::create_dir_all(&counts).unwrap();
        for (stage, model, survivors) in [(1, "first", 8), (2, "last", 6), (10, "last", 7)] {
            let text = format!(
                r#"{{"version":{COUNTS_VERSION},"model":"{model}","survivors":{survivors},"noise_stddev":1.0,"heads":[],"importance":null,"weights":[],"histograms":[]}}"#
            );
            fs::write(counts.join(format!("{stage}-evaluate.json")), text).unwrap();
        }
        let survivors = |parameters: &str| {
            let found = of_run(folder.path(), &line(parameters)).unwrap();
            found.map(|found| found.scores.survivors)
        };
        assert_eq!(["first", "last", "another"].map(survivors), [Some(8), Some(7), None]);
        // A folder that cannot be read is no run without counts.
        assert!(counted_in(&counts.join("1-evaluate.json"), "-evaluate.json").is_err());
        assert!(counted_in(&counts.join("none"), "-evaluate.json").unwrap().is_empty());
    }
}

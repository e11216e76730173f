//! What was measured of the model under privacy, as pages for people: `report.html` and `report.zh.html`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use tributary_coordinator::registry::{Evaluation, evaluation, list};
use tributary_texts::Language;

use super::rounds::Trained;
use super::workplace::Workplace;
use crate::model::page;

/// The pages, and what they show.
pub(super) struct Report {
    /// What the noised counts say of the model.
    pub(super) evaluation: Evaluation,
    /// The page in English.
    pub(super) page: PathBuf,
}

/// The pages' names, in the demo's directory.
const PAGES: [(&str, Language); 2] = [("report.html", Language::English), ("report.zh.html", Language::Chinese)];

/// Writes the pages of the last run's model.
///
/// # Errors
/// If the registry has no such model, nothing was counted of it, or a page cannot be written.
pub(super) fn report(workplace: &Workplace, trained: &Trained) -> anyhow::Result<Report> {
    let config = workplace.coordinator_settings();
    let models = list(&config)?;
    // The directory was empty before, so that every run is one of this plan.
    let model = models.iter().find(|model| model.run == trained.runs);
    let model = model.context("the coordinator's registry does not have the model that it has released")?;
    let evaluation = evaluation(&config, &model.model)?;
    for (name, language) in PAGES {
        let path = workplace.root().join(name);
        fs::write(&path, page(std::slice::from_ref(&evaluation), language))
            .with_context(|| format!("{} cannot be written; check the free space", path.display()))?;
    }
    Ok(Report { evaluation, page: workplace.root().join(PAGES[0].0) })
}

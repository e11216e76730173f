//! What was measured of the model under privacy, as pages for people: `report.html` and `report.zh.html`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use tributary_coordinator::registry::{Evaluation, evaluation, list};
use tributary_texts::Language;

use super::month::{Month, chapters};
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
pub(super) fn report(workplace: &Workplace, trained: &Trained, month: Option<&Month>) -> anyhow::Result<Report> {
    let evaluation = evaluation(&workplace.coordinator_settings(), &released(workplace, trained)?)?;
    for (name, language) in PAGES {
        let path = workplace.root().join(name);
        let chapters = month.map(|month| chapters(month, workplace.root(), language)).unwrap_or_default();
        fs::write(&path, page(&evaluation, &chapters, language))
            .with_context(|| format!("{} cannot be written; check the free space", path.display()))?;
    }
    Ok(Report { evaluation, page: workplace.root().join(PAGES[0].0) })
}

/// Digest of the model that the last run has released.
///
/// # Errors
/// If the registry does not have it.
pub(super) fn released(workplace: &Workplace, trained: &Trained) -> anyhow::Result<String> {
    let models = list(&workplace.coordinator_settings())?;
    // The directory was empty before, so that every run is one of this plan.
    let model = models.into_iter().find(|model| model.run == trained.runs);
    Ok(model.context("the coordinator's registry does not have the model that it has released")?.model)
}

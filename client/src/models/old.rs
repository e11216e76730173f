//! Models that a branch has kept long enough: used no more, and stored before a day.

use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{BranchModels, BranchModelsEvent};
use tributary_protocol::round::Recorded;
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

use super::folder::{FOLDER, LEDGER, ModelsFolder};
use super::used::UsedModels;
use crate::error::ClientError;
use crate::settings::Settings;

/// Where a branch's ledger of models lies.
pub(crate) fn ledger(state_dir: &Path) -> PathBuf {
    state_dir.join(FOLDER).join(LEDGER)
}

/// Where a model's files lie.
pub(crate) fn folder(state_dir: &Path, model: &Digest) -> PathBuf {
    state_dir.join(FOLDER).join(model.to_string())
}

/// Which models are past their time.
///
/// # Errors
/// If the ledger cannot be read, or says less than the branch has heard.
pub(crate) fn past(settings: &Settings, before: Millis) -> Result<Vec<Digest>, ClientError> {
    let models = UsedModels::read(settings)?;
    Ok(among(models.state(), models.events(), before))
}

/// Deletes them: files first, as the daemon does, so that what is recorded as deleted is gone. Which they were.
///
/// # Errors
/// If a daemon has the ledger, or a file cannot be deleted: then the rest stay.
pub(crate) fn delete(settings: &Settings, before: Millis, now: Millis) -> Result<Vec<Digest>, ClientError> {
    if past(settings, before)?.is_empty() {
        return Ok(Vec::new());
    }
    let folder = ModelsFolder::open(&settings.state_dir)?;
    let (mut journal, events) = Journal::open(&ledger(&settings.state_dir), LedgerId::MODELS)?;
    let models = BranchModels::replay(events.iter().map(|recorded| &recorded.event)).map_err(ClientError::file)?;
    let old = among(&models, &events, before);
    for model in &old {
        let event = BranchModelsEvent::ModelDeleted { model: *model };
        models.check(&event).map_err(ClientError::file)?;
        folder.delete(model).map_err(ClientError::file)?;
        journal.append(now, event)?;
        journal.sync()?;
    }
    Ok(old)
}

fn among(models: &BranchModels, events: &[Recorded<BranchModelsEvent>], before: Millis) -> Vec<Digest> {
    let stored = |model: &Digest| {
        let stored = |recorded: &&Recorded<BranchModelsEvent>| matches!(&recorded.event, BranchModelsEvent::ModelStored { model: own } if own == model);
        events.iter().rfind(stored).map(|recorded| recorded.at)
    };
    let used = |model: &Digest| models.in_use().any(|used| used.digest() == *model);
    let kept = models.kept().iter().filter(|model| !used(model));
    kept.filter(|model| stored(model).is_some_and(|at| at < before)).copied().collect()
}

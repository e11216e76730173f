//! What follows from the withdrawal of a model: its scores make no list, and its lists are void.

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_texts::contact as words;

use super::recall::{begin, finish};
use super::register::ListState;
use super::store::Store;
use crate::error::ClientError;
use crate::models::used::UsedModels;
use crate::settings::Settings;

/// What the bank's system is told.
const REASON: &str = "model withdrawn";

/// A model that was withdrawn is used no more. One of two is enough: the tenths and the choice are of both.
///
/// # Errors
/// If one was, or the branch's ledger of models cannot be read.
pub(super) fn not_withdrawn(settings: &Settings, models: &[Digest], scores: &Path) -> Result<(), ClientError> {
    let known = UsedModels::read(&settings.state_dir)?;
    match models.iter().find(|model| known.is_withdrawn(model)) {
        Some(model) => Err(ClientError::Said(words::model_withdrawn(scores.display(), model.short()))),
        None => Ok(()),
    }
}

/// Recalls every open list of a model that was withdrawn. Recalls that are not written yet are written, where that can be done: what cannot be written
/// stays to be done, and keeps nobody from other lists.
///
/// # Errors
/// If the branch's ledger of models cannot be read, or the register cannot be written.
pub(super) fn void_withdrawn(settings: &Settings, store: &mut Store, now: u64) -> Result<(), ClientError> {
    let models = UsedModels::read(&settings.state_dir)?;
    let lists = store.register().lists.iter();
    let withdrawn = |list: &ListState| list.built.models.iter().any(|model| models.is_withdrawn(model));
    let void = lists.filter(|(_, list)| list.is_open(now) && withdrawn(list));
    for list in void.map(|(number, _)| *number).collect::<Vec<u32>>() {
        begin(store, (list, Vec::new()), REASON, now)?;
    }
    drop(finish(store, now));
    Ok(())
}

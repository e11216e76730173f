//! What follows from the withdrawal of a model: its scores make no list, and its lists are void.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_texts::contact as words;

use super::event::ContactEvent;
use super::recall::{begin, finish};
use super::register::ListState;
use super::store::Store;
use crate::error::ClientError;
use crate::models::used::UsedModels;
use crate::settings::Settings;

/// What the bank's system is told.
const REASON: &str = "model withdrawn";

/// A model that was withdrawn is used no more. One of two is enough: the tenths and the choice are of both. The register keeps which model it was.
///
/// # Errors
/// If one was, or the branch's ledger of models cannot be read, or says less than the branch has heard.
pub(super) fn not_withdrawn(
    settings: &Settings,
    store: &mut Store,
    (models, scores): (&[Digest], &Path),
    now: u64,
) -> Result<(), ClientError> {
    keep_withdrawn(settings, store, models, now)?;
    match models.iter().find(|model| store.register().withdrawn.contains(model)) {
        Some(model) => Err(ClientError::Said(words::model_withdrawn(scores.display(), model.short()))),
        None => Ok(()),
    }
}

/// Recalls every open list of a model that was withdrawn. Recalls that are not written yet are written, where that can be done: what cannot be written
/// stays to be done, and keeps nobody from other lists.
///
/// # Errors
/// If the branch's ledger of models cannot be read, or says less than the branch has heard; or the register cannot be written.
pub(super) fn void_withdrawn(settings: &Settings, store: &mut Store, now: u64) -> Result<(), ClientError> {
    let models = store.register().lists.values().flat_map(|list| list.built.models.iter().copied());
    let models: Vec<Digest> = models.collect();
    keep_withdrawn(settings, store, &models, now)?;
    let register = store.register();
    let withdrawn = |list: &ListState| list.built.models.iter().any(|model| register.withdrawn.contains(model));
    let void = register.lists.iter().filter(|(_, list)| list.is_open(now) && withdrawn(list));
    for list in void.map(|(number, _)| *number).collect::<Vec<u32>>() {
        begin(store, (list, Vec::new()), REASON, now)?;
    }
    drop(finish(store, now));
    Ok(())
}

/// Records which of these models were withdrawn, before anything follows from it.
fn keep_withdrawn(settings: &Settings, store: &mut Store, models: &[Digest], now: u64) -> Result<(), ClientError> {
    let known = UsedModels::read(settings)?;
    let kept = &store.register().withdrawn;
    // Several lists are of one model, and whoever wrote a note may name one twice.
    let news: BTreeSet<Digest> =
        models.iter().filter(|model| known.is_withdrawn(model) && !kept.contains(model)).copied().collect();
    news.into_iter().try_for_each(|model| store.record(now, ContactEvent::ModelWithdrawn { model }))
}

//! The card of a model: written and signed when a run releases the model, and named by the registry's ledger.

use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use tributary_certs::clock::unix_seconds;
use tributary_certs::suite::SigningKey;
use tributary_evidence::Item;
use tributary_evidence::card::{Card, CardFile, Material};
use tributary_evidence::gates::Measured;
use tributary_evidence::statement::Facts;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::ModelManifest;
use tributary_storage::files::{Existing, create_private_folder, read_itself, write_public};

use super::evaluated::importance_of;
use super::view::{found, record_of};
use super::{RegistryError, Release};
use crate::settings::Settings;
use crate::store::{kept, run_folder};

/// Folder of cards in a state directory.
const CARDS: &str = "cards";

/// Writes the card of a released model into the state folder: durable when this returns. The digest of the file.
pub(super) fn written(
    state: &Path,
    manifest: &ModelManifest,
    release: &Release<'_>,
    key: &SigningKey,
) -> Result<Digest, RegistryError> {
    let facts = Facts::read(release.events).map_err(|_| RegistryError::Unfinished)?;
    let run = manifest.lineage.run;
    let measured = measured(state, manifest, release)?;
    // A card that says nothing of weak fields would contradict the sums for ever. So counts that cannot be read are an error, and the next start tries again.
    let importance = importance_of(state, &run.plan.to_string(), run.number, &manifest.parameters.to_string())?;
    if measured.is_some() && importance.is_none() {
        let path = run_folder(state, &run.plan.to_string(), run.number).join("counts");
        return Err(RegistryError::System {
            action: "finding the counts of the evaluation in",
            path,
            fault: ErrorKind::NotFound.into(),
        });
    }
    let material = Material {
        manifest,
        facts: &facts,
        schema: release.planned.schema(),
        heads: measured.as_ref().map(Measured::heads),
        importance: importance.as_ref(),
        ended: release.ended,
    };
    let bytes = CardFile::sign(Card::of(&material, unix_seconds()), key).to_json().into_bytes();
    let digest = Digest::of(&bytes);
    create_private_folder(&state.join(CARDS))?;
    write_public(&state.join(Item::Card(digest).name()), &bytes, Existing::Replace)?;
    Ok(digest)
}

/// What the evaluation of the model counted, from the opened sum that the run's ledger names, as an auditor finds it. Nothing without an evaluation, or
/// where the sum is not kept any more.
///
/// # Errors
/// If the sum is there and cannot be read: a card without figures would contradict the journal for ever, and the next start tries again.
pub(super) fn measured(
    state: &Path,
    manifest: &ModelManifest,
    release: &Release<'_>,
) -> Result<Option<Measured>, RegistryError> {
    let fault = Cell::new(None);
    let sum = |digest: &Digest| {
        kept(state, &Item::Sum(*digest)).unwrap_or_else(|error| {
            fault.set(Some(RegistryError::from(error)));
            None
        })
    };
    let schema = release.planned.schema();
    let measured = schema.and_then(|schema| Measured::of(release.events, schema, &manifest.parameters, sum));
    fault.into_inner().map_or(Ok(measured), Err)
}

/// The card of a registered model, by the model's digest or the first digits of it, as it was written at the release.
///
/// # Errors
/// If there is no such model, it has no card, or the file is not the one that the ledger names.
pub fn card(config: &Path, model: &str) -> Result<CardFile, RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let model = found(&record, model)?;
    let digest = model.card.ok_or_else(|| RegistryError::NoCard { model: model.manifest.digest() })?;
    let path = settings.state_dir.join(Item::Card(digest).name());
    if fs::metadata(&path).is_err() {
        return Err(RegistryError::Card(path));
    }
    let bytes = read_itself(&path)?;
    let file = CardFile::read(&bytes).ok().filter(|_| Digest::of(&bytes) == digest);
    file.ok_or(RegistryError::Card(path))
}

//! The model that a command names, read beside a running daemon: whether it may be used is judged anew each time, and its files are believed for their
//! digest alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tributary_model::architecture::Architecture;
use tributary_model::parameters::{Parameters, digest_of};
use tributary_model::schema::Schema;
use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{BranchModels, BranchModelsEvent, ModelManifest, ModelStep};
use tributary_protocol::round::Recorded;
use tributary_storage::files;
use tributary_texts::{Said, score as words};

use super::folder::{FOLDER, LEDGER};
use super::used::UsedModels;
use crate::error::ClientError;
use crate::grants;
use crate::settings::Settings;

/// Fewest digits of a digest that name a model.
const DIGITS_MIN: usize = 8;

/// A model of this branch, ready to be used.
pub(crate) struct ChosenModel {
    /// Its name.
    pub(crate) digest: Digest,
    /// What it is.
    pub(crate) manifest: ModelManifest,
    /// What it is for its purpose, as this branch knows it.
    pub(crate) state: &'static str,
    /// Last second of the Unix clock for which a validator answers for it, where a report says so.
    pub(crate) answered_until: Option<u64>,
    /// Its parameters.
    pub(crate) parameters: Parameters,
}

/// What has to change before another model may be meant, or one may not be used any more: but for the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelStamps(Vec<Option<(u64, SystemTime)>>);

impl ModelStamps {
    /// As it is now.
    pub(crate) fn of(settings: &Settings) -> Self {
        let ledger = settings.state_dir.join(FOLDER).join(LEDGER);
        let paths = [ledger, grants::folder_of(settings), settings.state_dir.join(crate::budget::BUDGET_FILE)];
        Self(paths.iter().map(|path| stamp(path)).collect())
    }
}

/// Length and time of the last change of a file.
pub(crate) fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// The model that is meant by `champion`, `challenger`, or the first digits of its digest, in a ledger that was read.
///
/// # Errors
/// If there is no such model here, or it may not be used: each with what to do.
pub(crate) fn choose(
    models: &UsedModels,
    (settings, schema): (&Settings, &Schema),
    name: &str,
    now: u64,
) -> Result<ChosenModel, ClientError> {
    let (known, all) = (models.state(), told_of(models.events()));
    let digest = named(known, &all, (schema, name))?;
    let manifest = may_be_used(known, &digest, (settings, schema, now))?;
    let parameters = read_parameters(&models.folder(&digest), &digest, &manifest)?;
    let answered_until = known.report(&digest).map(|signed| signed.report.valid_until);
    Ok(ChosenModel { state: state_of(known, &digest), digest, manifest, answered_until, parameters })
}

/// Every model that a statement was about.
fn told_of(events: &[Recorded<BranchModelsEvent>]) -> BTreeSet<Digest> {
    let models = events.iter().filter_map(|recorded| match &recorded.event {
        BranchModelsEvent::StatementAccepted { told, .. } => Some(told.statement.statement.model),
        _ => None,
    });
    models.collect()
}

fn named(known: &BranchModels, all: &BTreeSet<Digest>, (schema, name): (&Schema, &str)) -> Result<Digest, ClientError> {
    let said = |said: Said| Err(ClientError::Said(said));
    if name == "champion" || name == "challenger" {
        // At the branches of a pilot its model is used in the champion's place.
        let in_state = |digest: &&Digest| match state_of(known, digest) {
            "pilot" => name == "champion",
            state => state == name,
        };
        let found: Vec<Digest> = all.iter().filter(in_state).copied().collect();
        let fits = |digest: &&Digest| known.manifest(digest).is_some_and(|own| own.schema == schema.digest());
        let own: Vec<Digest> = found.iter().filter(fits).copied().collect();
        return match (own.as_slice(), found.as_slice()) {
            ([one], _) => Ok(*one),
            ([], []) if name == "champion" => said(words::no_champion()),
            ([], []) => said(words::no_challenger()),
            // What is wrong with it is told as of any other.
            ([], [one, ..]) => Ok(*one),
            (several, _) => said(words::several(name, listed(several))),
        };
    }
    let is_digits = name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_digits || !(DIGITS_MIN..=64).contains(&name.len()) {
        return said(words::no_name_of_a_model());
    }
    let found: Vec<Digest> = all.iter().filter(|digest| digest.to_string().starts_with(name)).copied().collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => said(words::unknown_model(name)),
        several => said(words::several(name, listed(several))),
    }
}

fn listed(models: &[Digest]) -> String {
    models.iter().map(|model| format!("\n  {model}")).collect()
}

/// What a model is for its purpose at this branch.
fn state_of(known: &BranchModels, digest: &Digest) -> &'static str {
    let (Some(manifest), Some(last)) = (known.manifest(digest), known.statement(digest)) else { return "unknown" };
    let purpose = &manifest.lineage.purpose;
    let is = |other: Option<&ModelManifest>| other.is_some_and(|other| other.digest() == *digest);
    match last.statement.step {
        ModelStep::Withdraw => "withdrawn",
        ModelStep::Retire => "retired",
        _ if known.is_pilot(digest) => "pilot",
        _ if is(known.champion(purpose)) => "champion",
        _ if is(known.challenger(purpose).map(|(challenger, _)| challenger)) => "challenger",
        _ => "candidate",
    }
}

fn may_be_used(
    known: &BranchModels,
    digest: &Digest,
    (settings, schema, now): (&Settings, &Schema, u64),
) -> Result<ModelManifest, ClientError> {
    let said = |said: Said| Err(ClientError::Said(said));
    let Some(manifest) = known.manifest(digest) else { return said(words::unknown_model(digest)) };
    match state_of(known, digest) {
        "withdrawn" => return said(words::withdrawn(digest)),
        "retired" => return said(words::retired(digest)),
        _ => {}
    }
    let own = schema.digest();
    if manifest.schema != own {
        return said(words::other_schema(digest, manifest.schema, settings.schema_file.display(), own));
    }
    if !grants::keeps(settings, &manifest.lineage, now)? {
        return said(words::not_granted(digest, manifest.lineage.purpose.printable()));
    }
    if !known.kept().contains(digest) {
        return said(words::not_kept(digest));
    }
    Ok(manifest.clone())
}

/// Parameters are believed for their digest, whoever may have written the files.
fn read_parameters(folder: &Path, digest: &Digest, manifest: &ModelManifest) -> Result<Parameters, ClientError> {
    let path: PathBuf = folder.join("parameters");
    if !path.is_file() {
        // The daemon deletes a model's files between two looks.
        return Err(ClientError::Said(words::not_kept(digest)));
    }
    let bytes = files::read_stored(&path, &STATE_FORMAT).map_err(ClientError::file)?;
    let damaged = || ClientError::Said(words::damaged(path.display(), digest));
    let architecture = Architecture::decode(&manifest.architecture).map_err(|_| damaged())?;
    if digest_of(&architecture, &bytes) != manifest.parameters {
        return Err(damaged());
    }
    Parameters::from_le_bytes(&architecture, &bytes).map_err(|_| damaged())
}

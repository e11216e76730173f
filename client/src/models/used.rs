//! Which models a branch uses, for whoever scores, makes lists and exports: read from the branch's own ledger of models, beside a daemon that may be
//! writing to it.
//!
//! A model that is not the champion, the pilot's or the challenger of its purpose is used for nothing. One that was withdrawn makes void whatever came
//! of it: each such thing names its model, and is looked up here whenever it is used.

use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::printable::Untrusted;
use tributary_protocol::registry::{BranchModels, BranchModelsEvent, ModelManifest, ModelStep};
use tributary_protocol::round::Recorded;
use tributary_storage::journal::read_whole;

use super::folder::{FOLDER, LEDGER};
use super::noted::{Known, Notes};
use crate::error::ClientError;
use crate::settings::Settings;

/// What a branch's ledger of models says.
pub struct UsedModels {
    folder: PathBuf,
    state: BranchModels,
    events: Vec<Recorded<BranchModelsEvent>>,
}

/// How a model is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It scores the customers of its purpose.
    Champion,
    /// It does so at the branches of a pilot, of which this is one.
    Pilot,
    /// It scores this share of the customers, in parts in 10,000.
    Challenger(u16),
}

impl Use {
    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Champion => "champion",
            Self::Pilot => "pilot",
            Self::Challenger(_) => "challenger",
        }
    }
}

/// A model that a branch uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedModel {
    /// Its digest.
    pub model: Digest,
    /// What it is.
    pub manifest: ModelManifest,
    /// How it is used.
    pub used: Use,
    /// Whether its files are here; else they are fetched when the branch is connected, if its owner's grants allow that.
    pub kept: bool,
    /// Seconds of the branch's Unix clock when it heard that the model is used.
    pub since: u64,
    /// Last second of the Unix clock for which a validator answers for it. Afterwards it is reviewed; it stays champion until people say otherwise.
    pub valid_until: u64,
    /// Under which conditions the validator lets it be used.
    pub conditions: Vec<Untrusted>,
}

/// Why a model is used no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was withdrawn, and whatever came of it is void; the branch heard so at this second of its Unix clock.
    Withdrawn(u64),
    /// It was retired: nothing new is made of it; the branch heard so at this second of its Unix clock.
    Retired(u64),
}

impl UsedModels {
    /// Reads the ledger of a branch. A branch that was told of no model has none.
    ///
    /// # Errors
    /// If the ledger cannot be read, was changed, or says less than the branch has heard.
    pub fn read(settings: &Settings) -> Result<Self, ClientError> {
        Self::read_from(&settings.identity.folder, &settings.state_dir)
    }

    /// The same of these folders.
    pub(super) fn read_from(identity: &Path, state_dir: &Path) -> Result<Self, ClientError> {
        let notes = Notes::of(identity, state_dir);
        let noted = notes.read()?;
        let folder = state_dir.join(FOLDER);
        let path = folder.join(LEDGER);
        // A daemon may be writing its last record.
        let events: Vec<Recorded<BranchModelsEvent>> =
            if path.exists() { read_whole(&path, LedgerId::MODELS)?.0 } else { Vec::new() };
        let state = BranchModels::replay(events.iter().map(|recorded| &recorded.event)).map_err(|fault| {
            ClientError::file(format!(
                "{}: {fault}; the file was changed, or another release wrote it. Restore it from a copy",
                path.display()
            ))
        })?;
        notes.check(&path, (&noted, &Known::of(events.iter().map(|recorded| &recorded.event))))?;
        Ok(Self { folder, state, events })
    }

    /// What follows from the ledger's events.
    pub(super) fn state(&self) -> &BranchModels {
        &self.state
    }

    /// The ledger's events.
    pub(super) fn events(&self) -> &[Recorded<BranchModelsEvent>] {
        &self.events
    }

    /// The model that scores a purpose's customers at this branch.
    #[must_use]
    pub fn champion(&self, purpose: &str) -> Option<UsedModel> {
        let manifest = self.state.champion(&purpose.into())?;
        let used = if self.state.is_pilot(&manifest.digest()) { Use::Pilot } else { Use::Champion };
        self.used(manifest, used)
    }

    /// The model that scores a share of a purpose's customers beside the champion.
    #[must_use]
    pub fn challenger(&self, purpose: &str) -> Option<UsedModel> {
        let (manifest, share) = self.state.challenger(&purpose.into())?;
        self.used(manifest, Use::Challenger(share))
    }

    /// The purposes for which this branch has a champion, ascending.
    #[must_use]
    pub fn purposes(&self) -> Vec<String> {
        let all = self.state.in_use().map(|manifest| manifest.lineage.purpose.clone());
        let mut purposes: Vec<Untrusted> = all.filter(|purpose| self.state.champion(purpose).is_some()).collect();
        purposes.sort();
        purposes.dedup();
        purposes.iter().map(|purpose| purpose.raw().to_owned()).collect()
    }

    /// Which model scores a customer; `key` is a secret of the branch that stays the same. See
    /// [`tributary_protocol::registry::is_challengers`].
    #[must_use]
    pub fn model_of_customer(&self, purpose: &str, key: &[u8; 32], customer: &[u8]) -> Option<Digest> {
        self.state.model_of_customer(&purpose.into(), key, customer)
    }

    /// Whether a model's use is over, and since when.
    #[must_use]
    pub fn ended(&self, model: &Digest) -> Option<Ended> {
        let step = self.state.statement(model)?.statement.step;
        match step {
            ModelStep::Withdraw => Some(Ended::Withdrawn(self.heard(model)?)),
            ModelStep::Retire => Some(Ended::Retired(self.heard(model)?)),
            _ => None,
        }
    }

    /// Whether a model was withdrawn: whatever came of it is void.
    #[must_use]
    pub fn is_withdrawn(&self, model: &Digest) -> bool {
        self.state.is_withdrawn(model)
    }

    /// The folder of a model's files: `manifest`, `parameters` and `statement`.
    #[must_use]
    pub fn folder(&self, model: &Digest) -> PathBuf {
        self.folder.join(model.to_string())
    }

    fn used(&self, manifest: &ModelManifest, used: Use) -> Option<UsedModel> {
        let model = manifest.digest();
        let report = &self.state.report(&model)?.report;
        Some(UsedModel {
            model,
            manifest: manifest.clone(),
            used,
            kept: self.state.kept().contains(&model),
            since: self.heard(&model)?,
            valid_until: report.valid_until,
            conditions: report.conditions.clone(),
        })
    }

    /// When the last statement about a model was accepted.
    fn heard(&self, model: &Digest) -> Option<u64> {
        let about = |event: &BranchModelsEvent| match event {
            BranchModelsEvent::StatementAccepted { told, .. } => told.statement.statement.model == *model,
            _ => false,
        };
        self.events.iter().rfind(|recorded| about(&recorded.event)).map(|recorded| recorded.at.0 / 1000)
    }
}

//! The model that is served: judged anew before each request, and read anew where something about it has changed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tributary_certs::policy::signature_path;
use tributary_model::schema::Schema;

use super::super::rater::Rater;
use crate::error::ClientError;
use crate::models::{ModelStamps, stamp};
use crate::settings::Settings;

/// A grant may end without any file changing: so often it is looked at all the same, in seconds.
const LOOK_EVERY_S: u64 = 30;

/// Which model is served, by its name.
pub(super) struct Current {
    settings: Settings,
    schema: Schema,
    name: String,
    pub(super) held: Mutex<Option<Held>>,
}

/// A model as it was when it was last judged.
pub(super) struct Held {
    stamps: Stamps,
    judged: u64,
    rater: Arc<Rater>,
}

/// What the models' ledger, grants, the budget and the signed actions were like.
#[derive(PartialEq, Eq)]
struct Stamps(ModelStamps, Vec<Option<(u64, SystemTime)>>);

impl Current {
    pub(super) fn new(settings: Settings, schema: Schema, name: String) -> Self {
        Self { settings, schema, name, held: Mutex::new(None) }
    }

    /// The model, ready for rows, at a second of the Unix clock.
    ///
    /// # Errors
    /// If it may not be used now: whatever was served before is not served any more.
    pub(super) fn rater(&self, now: u64) -> Result<Arc<Rater>, ClientError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before anything is read: what changes meanwhile is seen the next time.
        let stamps = self.stamps();
        if let Some(known) = held.as_ref().filter(|known| {
            known.stamps == stamps && (known.judged..known.judged.saturating_add(LOOK_EVERY_S)).contains(&now)
        }) {
            return Ok(Arc::clone(&known.rater));
        }
        *held = None;
        let rater = Arc::new(Rater::of(&self.settings, self.schema.clone(), &self.name, now)?);
        *held = Some(Held { stamps, judged: now, rater: Arc::clone(&rater) });
        Ok(rater)
    }

    fn stamps(&self) -> Stamps {
        let actions = self.settings.actions_file.iter();
        let files = actions.flat_map(|file: &PathBuf| [stamp(file), stamp(&signature_path(file))]);
        Stamps(ModelStamps::of(&self.settings), files.collect())
    }
}

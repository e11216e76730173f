//! Whether every upload that the budget file charges stands in `sent.log`: a file that was cut at a line's end, or deleted, has a whole chain.

use std::collections::BTreeMap;
use std::path::Path;

use tributary_protocol::log::LedgerId;
use tributary_protocol::round::ParticipantEvent;
use tributary_storage::journal::read_view;
use tributary_texts::sent as words;

use super::line::Kind;
use super::read::read;
use crate::budget::BUDGET_FILE;
use crate::error::ClientError;
use crate::settings::Settings;

/// Sees that each upload that the budget file charges has a line in `sent.log`. A daemon may be running. A branch without a budget file has sent no vector.
///
/// # Errors
/// If a file cannot be read, or lines are missing: how many, and the first of them.
pub fn has_uploads(settings: &Settings) -> Result<(), ClientError> {
    let recorded = read_view::<ParticipantEvent>(&settings.state_dir.join(BUDGET_FILE), LedgerId::BUDGET)?;
    let uploads = recorded.iter().filter_map(|entry| match &entry.event {
        ParticipantEvent::Uploaded { run, round, vector, .. } => {
            Some(((run.id().to_string(), round.0, vector.to_string()), (*run, *round)))
        }
        _ => None,
    });
    let mut missing: BTreeMap<(String, u64, String), _> = uploads.collect();
    let all = missing.len();
    // A daemon charges first and notes next: what was missing at the first look may be there at the second.
    for _ in 0..2 {
        if missing.is_empty() {
            return Ok(());
        }
        masked(&settings.state_dir, |run, round, digest| {
            missing.remove(&(run.to_owned(), round, digest.to_owned()));
        })?;
    }
    let Some((run, round)) = missing.values().min_by_key(|(_, round)| *round) else { return Ok(()) };
    let folder = settings.state_dir.display();
    Err(ClientError::Said(words::uploads_missing(folder, missing.len(), all, round.0, run.plan.short(), run.number)))
}

/// Hands over each masked vector that left: its run, its round and its digest, as its line has them.
///
/// # Errors
/// If a file cannot be read, or was changed.
pub(crate) fn masked(state_dir: &Path, mut each: impl FnMut(&str, u64, &str)) -> Result<(), ClientError> {
    let sent = read(state_dir, |_, entry| {
        if let (Kind::Masked, Some(run), Some(round)) = (entry.kind, &entry.run, entry.round) {
            each(run, round, &entry.digest);
        }
    });
    sent.map(drop).map_err(|fault| ClientError::Said(words::changed_file(fault.path.display(), fault.fault)))
}

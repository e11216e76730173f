//! Scores files of which a list was made, as long as they lie where they were, as they were.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_storage::files::FileError;

use super::pseudonym::Pseudonym;
use super::scores::{read_note, read_scores};
use super::store::Store;
use crate::data::file_digest;
use crate::error::ClientError;
use crate::score::note_path;

/// One of them.
pub(super) struct KeptScores {
    /// Where it is.
    pub(super) path: PathBuf,
    /// When it was made, in Unix seconds.
    pub(super) made_at: u64,
}

/// All of them. Another file in the place of one is none.
pub(super) fn kept_scores(store: &Store) -> Vec<KeptScores> {
    let mut found: BTreeMap<PathBuf, (Digest, u64)> = BTreeMap::new();
    for list in store.register().lists.values() {
        let built = &list.built;
        found.insert(PathBuf::from(&built.scores_path), (built.scores, built.scores_made_at));
    }
    let there = |(path, (digest, _)): &(PathBuf, (Digest, u64))| file_digest(path).is_ok_and(|found| found == *digest);
    found.into_iter().filter(there).map(|(path, (_, made_at))| KeptScores { path, made_at }).collect()
}

impl KeptScores {
    /// The kind of file, as the register calls it.
    pub(super) const KIND: &str = "scores";

    /// Whether a customer is in it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn has(&self, store: &Store, customer: Pseudonym) -> Result<bool, ClientError> {
        let note = read_note(&self.path)?;
        let label = note.labels.first().cloned().unwrap_or_default();
        let mut found = false;
        read_scores(&self.path, &note, &label, &mut |_, row| {
            found |= Pseudonym::of(store.key(), &row.customer) == customer;
            Ok(())
        })?;
        Ok(found)
    }

    /// Deletes it, and its note: the note first, because a file without one is used by nobody.
    ///
    /// # Errors
    /// If one cannot be deleted.
    pub(super) fn delete(&self) -> Result<(), ClientError> {
        remove(&note_path(&self.path))?;
        remove(&self.path)
    }
}

/// Deletes a file that may be gone already.
///
/// # Errors
/// If it cannot be deleted.
pub(super) fn remove(path: &Path) -> Result<(), ClientError> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != ErrorKind::NotFound => {
            Err(ClientError::file(FileError::system("deleting", path)(fault)))
        }
        _ => Ok(()),
    }
}

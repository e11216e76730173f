//! Scores files of which a list was made, as long as they lie where they were, as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::FileError;
use tributary_texts::contact as words;

use super::event::ContactEvent;
use super::pseudonym::Pseudonym;
use super::scores::{read_note_alone, read_rows};
use super::store::Store;
use crate::data::file_digest;
use crate::error::ClientError;
use crate::score::{ScoresNote, note_path, without};

/// One of them.
pub(super) struct KeptScores {
    /// Where it is.
    pub(super) path: PathBuf,
    /// When it was made, in Unix seconds.
    pub(super) made_at: u64,
}

/// What is left of a file after an erasure.
pub(super) enum Left {
    /// The customer was not in it.
    AsItWas,
    /// So many rows, without so many that were erased.
    Without { erased: u64, rows: u64 },
    /// It was deleted.
    Nothing,
}

/// A file's note, its digest, the lines of one customer, and how many others each model scored.
struct Found {
    note: ScoresNote,
    digest: Digest,
    lines: BTreeSet<u64>,
    stay: BTreeMap<String, u64>,
}

/// All of them, also without lines that were erased. Another file in the place of one is none.
pub(super) fn kept_scores(store: &Store) -> Vec<KeptScores> {
    let mut found: BTreeMap<PathBuf, (Digest, u64)> = BTreeMap::new();
    for list in store.register().lists.values() {
        let built = &list.built;
        found.insert(PathBuf::from(&built.scores_path), (built.scores, built.scores_made_at));
    }
    let root = |digest| store.register().root(digest);
    let there = |(path, (digest, _)): &(PathBuf, (Digest, u64))| {
        file_digest(path).is_ok_and(|found| root(found) == root(*digest))
    };
    found.into_iter().filter(there).map(|(path, (_, made_at))| KeptScores { path, made_at }).collect()
}

impl KeptScores {
    /// The kind of file, as the register calls it.
    pub(super) const KIND: &str = "scores";

    /// Erases the lines of a customer: recorded first, then done. A file that cannot be read, or whose note is not signed by the branch's key, may hold the
    /// customer, and is deleted; so is one of which nothing would stay. The key signs the note of what stays.
    ///
    /// # Errors
    /// If the file cannot be written anew or deleted, or the register cannot be written. The same again goes on where it was.
    pub(super) fn erase(
        &self,
        (store, key): (&mut Store, &SigningKey),
        customer: Pseudonym,
        now: u64,
    ) -> Result<Left, ClientError> {
        let Ok(Found { note, digest, lines, stay }) = self.look(store, &key.verifying_key(), customer) else {
            return self.purge(store, now);
        };
        let (rows, known) = (stay.values().sum(), Digest::from_hex(&note.digest) == Some(digest));
        let erased = note.rows.saturating_sub(rows);
        if lines.is_empty() && known {
            return Ok(Left::AsItWas);
        }
        if rows == 0 {
            return self.purge(store, now);
        }
        if lines.is_empty() {
            // A process ended between file and note.
            note.of_fewer(digest, &stay).signed(key).write(&self.path).map_err(ClientError::file)?;
            return Ok(Left::Without { erased, rows });
        }
        let next = without(&self.path, &lines).map_err(ClientError::file)?;
        if next.rows != rows || next.before != digest {
            return self.purge(store, now);
        }
        let after = next.digest;
        if !store.register().rewritten.contains_key(&after) {
            store.record(now, ContactEvent::ScoresErased { before: digest, after })?;
        }
        next.place().map_err(ClientError::file)?;
        note.of_fewer(after, &stay).signed(key).write(&self.path).map_err(ClientError::file)?;
        Ok(Left::Without { erased, rows })
    }

    /// Where a customer is in it.
    fn look(&self, store: &Store, key: &VerifyingKey, customer: Pseudonym) -> Result<Found, ClientError> {
        let note = read_note_alone(&self.path, key)?;
        let digest = file_digest(&self.path).map_err(|fault| ClientError::rows(&fault))?;
        // The note may be of the file as it was before an erasure that was interrupted.
        let noted = Digest::from_hex(&note.digest).map(|noted| store.register().root(noted));
        if noted != Some(store.register().root(digest)) {
            return Err(ClientError::Said(words::scores_changed(self.path.display())));
        }
        let label = note.labels.first().cloned().unwrap_or_default();
        let (mut lines, mut stay) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
        let read = read_rows(&self.path, &note, &label, &mut |number, row| {
            if Pseudonym::of(store.key(), &row.customer) == customer {
                lines.insert(number);
            } else {
                *stay.entry(row.model).or_default() += 1;
            }
            Ok(())
        })?;
        if read.file != Some(digest) {
            return Err(ClientError::Said(words::scores_changed(self.path.display())));
        }
        Ok(Found { note, digest, lines, stay })
    }

    fn purge(&self, store: &mut Store, now: u64) -> Result<Left, ClientError> {
        store.record(now, ContactEvent::FilesPurged { kind: Self::KIND.to_owned(), files: 1 })?;
        self.delete()?;
        Ok(Left::Nothing)
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

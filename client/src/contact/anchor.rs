//! Where the register ends, noted outside of its folder: a register that was cut at its end, or put back from an older copy, is noticed.
//!
//! ```text
//! STATE/contact.head      how many records the register has at least, and the digest over them
//! ```
//!
//! The note is written after each record. A process that ends between the two leaves a register that goes on after its note: that is whole.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::log::{Entries, LedgerId};
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{Existing, FileError, read_stored, write_stored};
use tributary_storage::journal::Journal;
use tributary_texts::contact as words;

use super::event::ContactEvent;
use crate::error::ClientError;

const NAME: &str = "contact.head";

/// The layout of the note.
const FORMAT: Versioned = Versioned {
    what: "a note of where the register of lists ends",
    magic: *b"TRIBHEAD",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Restore the state folder from its newest copy",
};

/// The note.
pub(super) struct Anchor {
    path: PathBuf,
}

impl Anchor {
    pub(super) fn of(state_dir: &Path) -> Self {
        Self { path: state_dir.join(NAME) }
    }

    /// Sees that a register has all that was noted. Nothing is changed.
    ///
    /// # Errors
    /// If it ends before, says something else, or has records of which nothing was noted.
    pub(super) fn check(&self, register: &Path) -> Result<(), ClientError> {
        let noted =
            self.path.exists().then(|| read_stored(&self.path, &FORMAT)).transpose().map_err(ClientError::file)?;
        let bytes = match register.exists() {
            true => {
                fs::read(register).map_err(|fault| ClientError::file(FileError::system("reading", register)(fault)))?
            }
            false => Vec::new(),
        };
        let mut entries = Entries::of_ledger(&bytes, LedgerId::CONTACT);
        let cut = |found: u64, known: u64| {
            Err(ClientError::Said(words::register_cut(register.display(), found, known, self.path.display())))
        };
        let Some(noted) = noted else {
            // The first record may stand alone: a process ended before its note.
            let found = entries.count() as u64;
            return if found <= 1 { Ok(()) } else { cut(found, found) };
        };
        let parsed = noted
            .split_first_chunk::<8>()
            .and_then(|(records, head)| Some((u64::from_le_bytes(*records), Digest(<[u8; 32]>::try_from(head).ok()?))));
        let Some((known, head)) = parsed else { return cut(0, 0) };
        let wanted = usize::try_from(known).unwrap_or(usize::MAX);
        let found = entries.by_ref().take(wanted).count() as u64;
        if found == known && entries.reader().log().head() == head { Ok(()) } else { cut(found, known) }
    }

    /// Notes where the register ends now: durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn note(&self, journal: &Journal<ContactEvent>) -> Result<(), ClientError> {
        let mut bytes = journal.entries_of(&LedgerId::CONTACT).to_le_bytes().to_vec();
        bytes.extend(journal.head().0);
        write_stored(&self.path, &FORMAT, &bytes, Existing::Replace).map_err(ClientError::file)
    }
}

//! Where the register ends, noted outside of its folder: a register that was cut at its end, or put back from an older copy, is noticed.
//!
//! ```text
//! IDENTITY/contact.head   how many records the register has at least, and the digest over them
//! STATE/contact.head      the same. Whoever puts back an older copy of the state folder puts back the register and this note, and not the other one
//! ```
//!
//! Both are written after each record. A process that ends between leaves a register that goes on after its notes: that is whole.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::log::{Entries, LedgerId};
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{Existing, FileError, read_stored, write_stored};
use tributary_texts::contact as words;

use super::restart::Place;
use crate::error::ClientError;
use crate::settings::Settings;

const NAME: &str = "contact.head";

/// The layout of a note.
const FORMAT: Versioned = Versioned {
    what: "a note of where the register of lists ends",
    magic: *b"TRIBHEAD",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Restore the state folder from its newest copy",
};

/// Both notes: the identity's first, the state's last.
pub(super) struct Anchor {
    paths: [PathBuf; 2],
}

impl Anchor {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { paths: [settings.identity.folder.join(NAME), settings.state_dir.join(NAME)] }
    }

    /// Sees that a register has all that both notes say. Nothing is changed.
    ///
    /// # Errors
    /// If it ends before, says something else, or has records of which nothing was noted.
    pub(super) fn check(&self, register: &Path) -> Result<(), ClientError> {
        let bytes = bytes_of(register)?;
        self.paths.iter().try_for_each(|path| check(path, register, &bytes))
    }

    /// What was noted last: the note of more records, because an older copy of the state folder brings its older note with it.
    pub(super) fn noted(&self) -> Option<Place> {
        self.paths.iter().filter_map(|path| read(path).ok().flatten()).max_by_key(|place| place.records)
    }

    /// Notes where the register ends now: durable when this returns.
    ///
    /// # Errors
    /// If a note cannot be written.
    pub(super) fn note(&self, Place { records, head }: Place) -> Result<(), ClientError> {
        let mut bytes = records.to_le_bytes().to_vec();
        bytes.extend(head.0);
        let mut paths = self.paths.iter();
        paths.try_for_each(|path| write_stored(path, &FORMAT, &bytes, Existing::Replace)).map_err(ClientError::file)
    }
}

/// A whole register; nothing where there is none.
///
/// # Errors
/// If it is there and cannot be read.
pub(super) fn bytes_of(register: &Path) -> Result<Vec<u8>, ClientError> {
    match register.exists() {
        true => fs::read(register).map_err(FileError::system("reading", register)).map_err(ClientError::file),
        false => Ok(Vec::new()),
    }
}

fn read(path: &Path) -> Result<Option<Place>, FileError> {
    let Some(bytes) = path.exists().then(|| read_stored(path, &FORMAT)).transpose()? else { return Ok(None) };
    let parsed = bytes.split_first_chunk::<8>().and_then(|(records, head)| {
        let (records, head) = (u64::from_le_bytes(*records), Digest(<[u8; 32]>::try_from(head).ok()?));
        Some(Place { records, head })
    });
    parsed.map(Some).ok_or_else(|| FileError::content(path, FORMAT.what))
}

fn check(path: &Path, register: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let mut entries = Entries::of_ledger(bytes, LedgerId::CONTACT);
    let cut = |found: u64, known: u64| {
        Err(ClientError::Said(words::register_cut(register.display(), found, known, path.display())))
    };
    let Some(Place { records, head }) = read(path).map_err(ClientError::file)? else {
        // The first record may stand alone: a process ended before its note.
        let found = entries.count() as u64;
        return if found <= 1 { Ok(()) } else { cut(found, found) };
    };
    let wanted = usize::try_from(records).unwrap_or(usize::MAX);
    let found = entries.by_ref().take(wanted).count() as u64;
    if found == records && entries.reader().log().head() == head { Ok(()) } else { cut(found, records) }
}

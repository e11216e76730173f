//! Where the register ends, noted outside of its folder: a register that was cut at its end, written by somebody else, or put back from an older copy, is
//! noticed.
//!
//! ```text
//! IDENTITY/contact.head   how many records the register has, the digest over them, and a tag of both under the key of pseudonyms
//! STATE/contact.head      the same. Whoever puts back an older copy of the state folder puts back the register and this note, and not the other one
//! ```
//!
//! Both are written after each record, and before anybody relies on it. A process that ends between leaves a register with one record after its notes: it
//! is undone, because anybody may have written it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use tributary_certs::pseudonym::PseudonymKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{Entries, LedgerId};
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{Existing, FileError, read_at_most, read_stored, sync_file, write_stored};
use tributary_texts::contact as words;

use super::places::key_path;
use super::restart::Place;
use crate::error::ClientError;
use crate::settings::Settings;

const NAME: &str = "contact.head";

/// Longest register, in bytes.
const REGISTER_BYTES_MAX: u64 = 4 << 30;

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
    paths: Vec<PathBuf>,
    /// Where the key of pseudonyms is.
    key: PathBuf,
}

impl Anchor {
    pub(super) fn of(settings: &Settings) -> Self {
        let paths = vec![settings.identity.folder.join(NAME), settings.state_dir.join(NAME)];
        Self { paths, key: key_path(&settings.state_dir) }
    }

    /// The note of the state folder alone, for whoever has no identity.
    pub(super) fn of_state(state_dir: &Path) -> Self {
        Self { paths: vec![state_dir.join(NAME)], key: key_path(state_dir) }
    }

    /// Sees that a register has all that the notes say, and one record more at most. Nothing is changed.
    ///
    /// # Errors
    /// If it ends before, goes on after, says something else, or has records of which nothing was noted.
    pub(super) fn check(&self, register: &Path) -> Result<(), ClientError> {
        // Another process may be writing records: each is there before its note.
        let notes: Vec<Option<Place>> = self.paths.iter().map(|path| self.read(path)).collect::<Result<_, _>>()?;
        let (bytes, mut noted) = (bytes_of(register)?, 0);
        for (path, note) in self.paths.iter().zip(notes) {
            noted = noted.max(check((path, note), (register, &bytes))?);
        }
        let found = Entries::of_ledger(&bytes, LedgerId::CONTACT).count() as u64;
        match found.saturating_sub(noted) {
            0 | 1 => Ok(()),
            // That process has gone on between the two looks: what it noted since is looked at.
            _ if self.noted().is_some_and(|newer| newer.records > noted) => self.check(register),
            _ => Err(ClientError::Said(words::register_goes_on(register.display(), found, noted))),
        }
    }

    /// Takes the record off a register that was [checked](Anchor::check) which its writer did not live to note: nobody relied on it. It is gone for good
    /// when this returns.
    ///
    /// # Errors
    /// If a file cannot be used.
    pub(super) fn undo(&self, register: &Path) -> Result<(), ClientError> {
        let Some(Place { records, .. }) = self.noted() else { return Ok(()) };
        let bytes = bytes_of(register)?;
        let mut entries = Entries::of_ledger(&bytes, LedgerId::CONTACT);
        let wanted = usize::try_from(records).unwrap_or(usize::MAX);
        if entries.by_ref().take(wanted).count() < wanted {
            return Ok(());
        }
        let length = entries.reader().offset();
        if entries.next().is_none() {
            return Ok(());
        }
        let cut = || {
            OpenOptions::new()
                .write(true)
                .open(register)
                .and_then(|file| file.set_len(length).and_then(|()| sync_file(&file)))
        };
        cut().map_err(FileError::system("writing", register)).map_err(ClientError::file)
    }

    /// What was noted last: the note of more records, because an older copy of the state folder brings its older note with it.
    pub(super) fn noted(&self) -> Option<Place> {
        self.paths.iter().filter_map(|path| self.read(path).ok().flatten()).max_by_key(|place| place.records)
    }

    /// Notes where the register ends now: durable when this returns.
    ///
    /// # Errors
    /// If a note cannot be written, or there is no key.
    pub(super) fn note(&self, place: Place) -> Result<(), ClientError> {
        let mut bytes = bytes_of_place(&place);
        bytes.extend(self.tag(&place)?);
        let mut paths = self.paths.iter();
        paths.try_for_each(|path| write_stored(path, &FORMAT, &bytes, Existing::Replace)).map_err(ClientError::file)
    }

    /// Nobody without the branch's key notes the end of a register of his own.
    fn tag(&self, place: &Place) -> Result<[u8; 32], ClientError> {
        if !self.key.exists() {
            return Err(ClientError::Said(words::key_lost(self.key.display())));
        }
        let key = PseudonymKey::read(&self.key).map_err(ClientError::file)?;
        Ok(key.of("tributary/contact/end", &bytes_of_place(place)))
    }

    fn read(&self, path: &Path) -> Result<Option<Place>, ClientError> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_stored(path, &FORMAT).map_err(ClientError::file)?;
        let parsed = bytes.split_first_chunk::<8>().and_then(|(records, rest)| {
            let (head, tag) = rest.split_first_chunk::<32>()?;
            let place = Place { records: u64::from_le_bytes(*records), head: Digest(*head) };
            Some((place, <[u8; 32]>::try_from(tag).ok()?))
        });
        let none = || ClientError::file(FileError::content(path, FORMAT.what));
        let (place, tag) = parsed.ok_or_else(none)?;
        match self.tag(&place)? == tag {
            true => Ok(Some(place)),
            false => Err(ClientError::Said(words::note_changed(path.display(), self.key.display()))),
        }
    }
}

/// How many records a note says, if a register has them as it was noted.
fn check((path, note): (&Path, Option<Place>), (register, bytes): (&Path, &[u8])) -> Result<u64, ClientError> {
    let mut entries = Entries::of_ledger(bytes, LedgerId::CONTACT);
    let cut = |found: u64, known: u64| {
        Err(ClientError::Said(words::register_cut(register.display(), found, known, path.display())))
    };
    let Some(Place { records, head }) = note else {
        // The first record may stand alone: a process ended before its note.
        let found = entries.count() as u64;
        return if found <= 1 { Ok(found) } else { cut(found, found) };
    };
    let wanted = usize::try_from(records).unwrap_or(usize::MAX);
    let found = entries.by_ref().take(wanted).count() as u64;
    if found == records && entries.reader().log().head() == head { Ok(records) } else { cut(found, records) }
}

fn bytes_of_place(place: &Place) -> Vec<u8> {
    let mut bytes = place.records.to_le_bytes().to_vec();
    bytes.extend(place.head.0);
    bytes
}

/// A whole register; nothing where there is none.
///
/// # Errors
/// If it is there and cannot be read.
pub(super) fn bytes_of(register: &Path) -> Result<Vec<u8>, ClientError> {
    match register.exists() {
        true => read_at_most(register, REGISTER_BYTES_MAX).map_err(ClientError::file),
        false => Ok(Vec::new()),
    }
}

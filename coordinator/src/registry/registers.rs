//! Registers of files that are numbered from 1, and that the journal names by number and digest: exports, and changes of a model's points.
//!
//! A file is durable before its entry. So one file more than the journal names is what a command has left that ended between the two: it is put on
//! record before anything goes on. Every other difference is a fault, a last file that was deleted among them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tributary_evidence::Item;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{RefusedNote, RegistryRecord};
use tributary_storage::files::{FileError, create_private_folder, read_itself, sync_file, sync_folder};
use tributary_storage::lock::FolderLock;

use super::RegistryError;
use super::heard::{Recordable, recorded};
use super::notes::{ExportNote, PointsNote};
use super::view::record_of;

/// One register.
#[derive(Clone, Copy, Debug)]
pub(super) enum Register {
    /// Models that left as files.
    Exports,
    /// Points of a model that people set.
    Points(Digest),
}

impl Register {
    /// What the journal says, and the bytes of every file, in order. A file that the journal lacks is put on record first.
    ///
    /// # Errors
    /// If a file is not the one that the journal names, or the journal names another number of them.
    pub(super) fn read(self, config: &Path, state: &Path) -> Result<(RegistryRecord, Vec<Vec<u8>>), RegistryError> {
        let mut record = record_of(state)?;
        if self.settle(config, state, &record)? {
            record = record_of(state)?;
        }
        let files = self.files(state, &record)?;
        Ok((record, files))
    }

    /// Where the file of a number is written, in a folder that is there.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub(super) fn place(self, state: &Path, number: u64) -> Result<PathBuf, RegistryError> {
        create_private_folder(&self.folder(state))?;
        Ok(self.path(state, number))
    }

    /// What is said where the file of a number could not be written. Somebody else may have taken the number since: then nothing was replaced.
    pub(super) fn unwritten(self, state: &Path, number: u64) -> impl FnOnce(FileError) -> RegistryError {
        let path = self.path(state, number);
        move |fault| match fault {
            FileError::Exists { .. } => RegistryError::NumberTaken { number, path },
            other => other.into(),
        }
    }

    /// Where the file of a number is.
    pub(super) fn path(self, state: &Path, number: u64) -> PathBuf {
        state.join(self.item(number).name())
    }

    /// Puts a file of this register on record that was written just now. Where the journal refuses, it is removed: its number is free again, because the
    /// journal never named it.
    ///
    /// # Errors
    /// Why the journal refuses, or why nobody knows whether it has the entry; then the file stays.
    pub(super) fn put_on_record(self, config: &Path, state: &Path, number: u64) -> Result<(), RegistryError> {
        match recorded(config, &self.note(state, number)?)? {
            Ok(_) => Ok(()),
            Err(refused) => {
                remove(&self.path(state, number))?;
                Err(refused)
            }
        }
    }

    /// Held from before a file is written until the journal names it, or it is gone again: no other command puts it on record, or removes it, meanwhile.
    ///
    /// # Errors
    /// If the folder, which is there, cannot be locked.
    pub(super) fn turn(self, state: &Path) -> Result<FolderLock, RegistryError> {
        Ok(FolderLock::take(&self.folder(state))?)
    }

    /// Puts the one file on record that the journal lacks; whether there was one. A model that was withdrawn meanwhile, or on which an attack raised the
    /// alarm, has left nowhere: then the file goes. The record is to be read again where there was one.
    fn settle(self, config: &Path, state: &Path, record: &RegistryRecord) -> Result<bool, RegistryError> {
        let next = |record: &RegistryRecord| (self.named(record).len() as u64).saturating_add(1);
        if !self.path(state, next(record)).exists() {
            return Ok(false);
        }
        // The command that wrote it may be about to put it on record.
        let _turn = self.turn(state)?;
        let number = next(&record_of(state)?);
        let path = self.path(state, number);
        if !path.exists() || self.count(state)? as u64 > number {
            return Ok(true);
        }
        // What the journal names is on the disk, also where its writer did not come so far.
        let synced = fs::File::open(&path).and_then(|file| sync_file(&file));
        synced.map_err(FileError::system("syncing", &path))?;
        sync_folder(&self.folder(state))?;
        let waits = |refused: RegistryError| RegistryError::Waits {
            path: path.clone(),
            why: match refused {
                RegistryError::Register { fault, .. } => fault,
                RegistryError::Record(fault) => format!("it {fault}"),
                other => other.to_string(),
            },
        };
        match recorded(config, &self.note(state, number).map_err(waits)?)? {
            Ok(words) => tracing::warn!(%words, "a command ended before the journal had this; the journal has it now"),
            Err(RegistryError::Note(refused @ (RefusedNote::Withdrawn(_) | RefusedNote::Alarm(_)))) => {
                remove(&path)?;
                tracing::warn!(path = %path.display(), %refused, "a command ended before the journal had this; it was removed");
            }
            Err(refused) => return Err(waits(refused)),
        }
        Ok(true)
    }

    /// The bytes of every file that the journal names.
    fn files(self, state: &Path, record: &RegistryRecord) -> Result<Vec<Vec<u8>>, RegistryError> {
        let named = self.named(record);
        let one = |(number, digest): (u64, &Digest)| {
            let path = self.path(state, number);
            if !path.exists() {
                return Err(RegistryError::Register { path, fault: self.gone(number) });
            }
            let bytes = read_itself(&path)?;
            let own = Digest::of(&bytes) == *digest;
            if own { Ok(bytes) } else { Err(RegistryError::Register { path, fault: self.other(number) }) }
        };
        let files = (1..).zip(&named).map(one).collect::<Result<_, _>>()?;
        // Another command may have written the next one just now.
        let next = self.path(state, (named.len() as u64).saturating_add(1)).exists();
        let found = self.count(state)?;
        if found > named.len().saturating_add(next.into()) {
            return Err(RegistryError::TooMany { path: self.folder(state), found, named: named.len() });
        }
        Ok(files)
    }

    fn item(self, number: u64) -> Item {
        match self {
            Self::Exports => Item::Export(number),
            Self::Points(model) => Item::Points(model, number),
        }
    }

    fn note(self, state: &Path, number: u64) -> Result<Recordable, RegistryError> {
        Ok(match self {
            Self::Exports => Recordable::Export(Box::new(ExportNote::read(state, number)?)),
            Self::Points(model) => Recordable::Points(Box::new(PointsNote::read(state, model, number)?)),
        })
    }

    /// The digests that the journal names, in order.
    fn named(self, record: &RegistryRecord) -> Vec<Digest> {
        match self {
            Self::Exports => record.exports.iter().map(|export| export.record).collect(),
            Self::Points(model) => record.models.get(&model).map(|model| model.points.clone()).unwrap_or_default(),
        }
    }

    fn folder(self, state: &Path) -> PathBuf {
        self.path(state, 1).parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// Files in the folder that have the ending of the register's.
    fn count(self, state: &Path) -> Result<usize, RegistryError> {
        let (folder, first) = (self.folder(state), self.path(state, 1));
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(0),
            Err(fault) => return Err(RegistryError::System { action: "reading", path: folder, fault }),
        };
        let own = |file: &fs::DirEntry| file.path().extension() == first.extension();
        Ok(files.filter_map(Result::ok).filter(own).count())
    }

    fn gone(self, number: u64) -> String {
        let (what, lost) = match self {
            Self::Exports => ("export", "for whom that model left as a file"),
            Self::Points(_) => ("change of points", "which points two people have set, and why"),
        };
        format!(
            "it is gone, and the journal names it as {what} {number}: somebody removed it, or the folder is an older copy. Without it nobody sees {lost}"
        )
    }

    fn other(self, number: u64) -> String {
        let what = match self {
            Self::Exports => "export",
            Self::Points(_) => "change of points",
        };
        format!(
            "it is not the file that the journal names as {what} {number}: it was changed or exchanged, and counts for nothing"
        )
    }
}

fn remove(path: &Path) -> Result<(), RegistryError> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != ErrorKind::NotFound => {
            Err(RegistryError::System { action: "removing", path: path.to_path_buf(), fault })
        }
        _ => Ok(()),
    }
}

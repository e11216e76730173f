//! Where a file of scores is to be. Its folder is looked up once, so that everything that is made of the file lies where the register looks for it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tributary_storage::files::{FileError, folder_of, keeps_secrets};
use tributary_storage::unfinished::is_name_of_draft;
use tributary_texts::{Said, score as words};

use super::output::{ScoresNote, note_path};
use crate::error::ClientError;

/// The place of a file of scores.
pub(super) struct Target {
    /// As it was named.
    named: PathBuf,
    /// The same, through no link to its folder.
    path: PathBuf,
    /// Which folder it is, whatever its name is.
    folder: FolderId,
}

type FolderId = (u64, u64);

impl Target {
    /// A file of scores takes the place of nothing but another one, and of nothing that is `read`. Of a file without a note `is_made` says whether it is one.
    ///
    /// # Errors
    /// If there can be no file of scores. Nothing was changed.
    pub(super) fn of(
        output: &Path,
        mut read: impl Iterator<Item = PathBuf>,
        is_made: impl FnOnce(&Path) -> Result<bool, ClientError>,
    ) -> Result<Self, ClientError> {
        let said = |said: Said| Err(ClientError::Said(said));
        let Some(name) = output.file_name().filter(|_| !output.is_dir()) else {
            return said(words::output_is_a_folder(output.display()));
        };
        let folder = folder_of(output);
        if !folder.is_dir() {
            return said(words::no_folder(output.display(), folder.display()));
        }
        if is_name_of_draft(output) {
            return said(words::output_is_a_draft(output.display()));
        }
        let path = real(folder)?.join(name);
        let whole = path.canonicalize();
        if let Ok(whole) = whole
            && read.any(|read| read.canonicalize().is_ok_and(|read| read == whole))
        {
            return said(words::output_is_read(output.display()));
        }
        // A link is something else than what it leads to.
        let there = path.symlink_metadata().is_ok();
        let note = note_path(&path);
        let noted = match note.symlink_metadata() {
            Ok(_) => true,
            Err(fault) if fault.kind() == ErrorKind::NotFound => false,
            Err(fault) if fault.kind() == ErrorKind::InvalidFilename => {
                return said(words::output_has_no_note(output.display()));
            }
            Err(fault) => return Err(ClientError::file(FileError::system("reading", &note)(fault))),
        };
        let replaced = match (there, noted) {
            (false, false) => true,
            (_, true) => ScoresNote::is_at(&note),
            // A process may have ended between file and note.
            (true, false) => is_made(&path)?,
        };
        if !replaced {
            return said(words::output_is_another_file(output.display()));
        }
        let folder = id_of(folder_of(&path))?;
        keeps_secrets(folder_of(&path)).map_err(ClientError::file)?;
        Ok(Self { named: output.to_owned(), path, folder })
    }

    /// As it was named.
    pub(super) fn named(&self) -> &Path {
        &self.named
    }

    /// Where the file is to be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Asked before customers are written to the folder, and before the file gets its name.
    ///
    /// # Errors
    /// If another folder is there now, or where the file was named.
    pub(super) fn stays(&self) -> Result<(), ClientError> {
        let folder = self.folder();
        let same = real(folder_of(&self.named)).is_ok_and(|found| found == folder)
            && real(folder).is_ok_and(|found| found == folder)
            && id_of(folder).is_ok_and(|found| found == self.folder);
        let changed = || ClientError::Said(words::output_folder_changed(self.named.display(), folder.display()));
        if same { Ok(()) } else { Err(changed()) }
    }
}

fn real(folder: &Path) -> Result<PathBuf, ClientError> {
    folder.canonicalize().map_err(FileError::system("reading", folder)).map_err(ClientError::file)
}

#[cfg(unix)]
fn id_of(folder: &Path) -> Result<FolderId, ClientError> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(folder).map_err(FileError::system("reading", folder)).map_err(ClientError::file)?;
    Ok((found.dev(), found.ino()))
}

/// Outside Unix a folder is its path.
#[cfg(not(unix))]
fn id_of(_: &Path) -> Result<FolderId, ClientError> {
    Ok((0, 0))
}

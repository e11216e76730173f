//! Files that another system takes: each appears whole, and the word `.ok` beside it comes last.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_storage::files::shown;
use tributary_texts::contact as words;

use super::sheet::write_private_file;
use crate::error::ClientError;

/// A file, and the word beside it.
pub(super) struct Handed<'a> {
    /// The file's name.
    pub(super) name: &'a str,
    /// What is in it.
    pub(super) bytes: &'a [u8],
    /// What the word says.
    pub(super) word: &'a [u8],
}

impl Handed<'_> {
    fn word_name(&self) -> String {
        word_name(self.name)
    }
}

fn word_name(name: &str) -> String {
    format!("{name}.ok")
}

/// Whether neither a file of this name nor a word beside it is there, so that nothing of somebody else is replaced.
///
/// # Errors
/// If one is.
pub(super) fn is_free(folder: &Path, name: &str) -> Result<(), ClientError> {
    [name.to_owned(), word_name(name)].iter().try_for_each(|name| is_unused(&folder.join(name)))
}

/// Whether nothing has this name.
///
/// # Errors
/// If something has.
pub(super) fn is_unused(path: &Path) -> Result<(), ClientError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(ClientError::Said(words::something_else(shown(path)))),
        Err(_) => Ok(()),
    }
}

/// Writes both: durable when this returns. A second time the same bytes take the place of the first ones, and nothing else is replaced.
///
/// # Errors
/// If one of them cannot be written, or something else has its name.
pub(super) fn hand_over(folder: &Path, handed: &Handed<'_>) -> Result<PathBuf, ClientError> {
    let path = folder.join(handed.name);
    put(&path, handed.bytes)?;
    let mut word = handed.word.to_vec();
    word.push(b'\n');
    put(&folder.join(handed.word_name()), &word)?;
    Ok(path)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let same = || {
        fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
            && fs::read(path).is_ok_and(|found| found == bytes)
    };
    if !same() {
        is_unused(path)?;
    }
    write_private_file(path, bytes).map_err(ClientError::file)
}

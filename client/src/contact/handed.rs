//! Files that another system takes: each appears whole, and the word `.ok` beside it comes last.

use std::path::{Path, PathBuf};

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

/// Writes both: durable when this returns. A second time the same bytes take the place of the first ones.
///
/// # Errors
/// If one of them cannot be written.
pub(super) fn hand_over(folder: &Path, handed: &Handed<'_>) -> Result<PathBuf, ClientError> {
    let path = folder.join(handed.name);
    write_private_file(&path, handed.bytes).map_err(ClientError::file)?;
    let mut word = handed.word.to_vec();
    word.push(b'\n');
    write_private_file(&folder.join(format!("{}.ok", handed.name)), &word).map_err(ClientError::file)?;
    Ok(path)
}

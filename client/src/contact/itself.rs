//! Files that the register names: each is looked at itself, through no link, in bounded pieces.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_storage::files::{FileError, open_itself};

use crate::data::digest_of_file;
use crate::error::ClientError;

/// Whether nothing has this name any more, not even a link.
pub(super) fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|fault| fault.kind() == ErrorKind::NotFound)
}

/// The SHA-256 of a file, which is never whole in memory.
///
/// # Errors
/// If it is a link, no ordinary file, or cannot be read.
pub(super) fn digest_of(path: &Path) -> Result<Digest, ClientError> {
    let file = open_itself(path).map_err(ClientError::file)?;
    digest_of_file(file).map_err(FileError::system("reading", path)).map_err(ClientError::file)
}

/// The same of a file that was noted as it lay there, without a link on its whole way; nothing where there is none any more, or no file.
///
/// # Errors
/// If a link has taken its place, or that of a folder above it; or it cannot be read.
pub(super) fn digest_of_noted(path: &Path) -> Result<Option<Digest>, ClientError> {
    match path.canonicalize() {
        Ok(whole) if whole != path => Err(ClientError::file(FileError::Link { path: path.to_owned() })),
        Ok(whole) if !whole.is_file() => Ok(None),
        Ok(_) => digest_of(path).map(Some),
        Err(_) if is_gone(path) => Ok(None),
        // A link that leads nowhere is one as well.
        Err(_) => digest_of(path).map(Some),
    }
}

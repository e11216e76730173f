//! The newest signatures of the owner that this branch has used. An older file of the owner's is signed as well: whoever puts it back with its
//! signature would undo what the owner has changed since.
//!
//! ```text
//! STATE/mapping.newest
//! STATE/policy.newest
//! ```

use std::path::{Path, PathBuf};

use tributary_certs::policy::Owned;
use tributary_storage::files::{Existing, FileError, read_private, write_private};
use tributary_texts::mapping as words;

use crate::error::ClientError;

const TITLE: &str = "tributary newest signature 1";
const WHAT: &str = "note of the newest signature, as a client writes it";

/// Whether no newer file of this kind was in force here.
///
/// # Errors
/// If one was, or the note of it cannot be read.
pub(crate) fn is_newest(kind: Owned, state: &Path, (file, sequence): (&Path, u64)) -> Result<(), ClientError> {
    if sequence < read(&place(kind, state))? {
        return Err(ClientError::Said(words::older(file.display())));
    }
    Ok(())
}

/// Notes that a file of this kind is in force. Durable when this returns. Without a state folder there is no budget, so that nothing is in force, and
/// nothing is made.
///
/// # Errors
/// If the note cannot be read or written.
pub(crate) fn note(kind: Owned, state: &Path, sequence: u64) -> Result<(), ClientError> {
    let path = place(kind, state);
    if !state.is_dir() || sequence <= read(&path)? {
        return Ok(());
    }
    let text = format!("{TITLE}\n{sequence}\n");
    write_private(&path, text.as_bytes(), Existing::Replace).map_err(ClientError::file)
}

fn place(kind: Owned, state: &Path) -> PathBuf {
    state.join(format!("{}.newest", kind.word()))
}

fn read(path: &Path) -> Result<u64, ClientError> {
    if !path.exists() {
        return Ok(0);
    }
    let bytes = read_private(path).map_err(ClientError::file)?;
    let text = std::str::from_utf8(&bytes).ok();
    let number = text.and_then(|text| text.strip_prefix(TITLE)?.strip_prefix('\n')?.strip_suffix('\n')?.parse().ok());
    number.ok_or_else(|| ClientError::file(FileError::content(path, WHAT)))
}

#[cfg(test)]
mod tests {
    use tributary_storage::files::create_private_folder;

    use super::*;

    #[test]
    fn an_older_signature_is_refused_and_a_damaged_note_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let is = |sequence| is_newest(Owned::Mapping, &state, (Path::new("mapping.toml"), sequence));
        note(Owned::Mapping, &state, 7).unwrap();
        assert!(is(0).is_ok() && !state.exists(), "neither makes a folder");
        create_private_folder(&state).unwrap();
        note(Owned::Mapping, &state, 7).unwrap();
        note(Owned::Mapping, &state, 5).unwrap();
        assert!(is(7).is_ok() && is(8).is_ok());
        assert!(is(6).unwrap_err().to_string().contains("sign it anew"));
        assert!(is_newest(Owned::Policy, &state, (Path::new("policy.toml"), 1)).is_ok(), "each kind by itself");
        for text in ["", "7\n", "tributary newest signature 1\n", "tributary newest signature 1\n-7\n"] {
            std::fs::write(state.join("mapping.newest"), text).unwrap();
            assert!(is(9).is_err() && note(Owned::Mapping, &state, 9).is_err(), "{text:?}");
        }
    }
}

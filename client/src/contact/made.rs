//! Which files of scores this branch has made and where, so that an erasure and a purge find also those of which no list was made.
//!
//! ```text
//! STATE/scores/made.json   each file's place, its SHA-256 and when it was made, the newest last
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_storage::files::{Existing, FileError, create_private_folder, folder_of, read_text, write_private};
use tributary_storage::lock::FolderLock;
use tributary_texts::contact as words;

use super::itself::is_gone;
use crate::error::ClientError;

const FOLDER: &str = "scores";
const NAME: &str = "made.json";
const FORMAT: u32 = 1;
/// Most files that are noted, and most that were in one place after each other: the oldest ones are forgotten first.
const FILES_MAX: usize = 4096;
const OF_ONE_PLACE_MAX: usize = 100;

/// All of them.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    format: u32,
    files: Vec<MadeScores>,
}

/// A file of scores as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MadeScores {
    /// Where it was put, through no link.
    pub(super) path: String,
    /// SHA-256 of it, in hexadecimal digits.
    digest: String,
    /// When it was made, in Unix seconds.
    pub(super) made_at: u64,
}

impl MadeScores {
    /// SHA-256 of it; nothing where the text is none.
    pub(super) fn digest(&self) -> Option<Digest> {
        Digest::from_hex(&self.digest)
    }
}

/// Notes a file before it gets its name: durable when this returns.
///
/// # Errors
/// If the notes cannot be read or written, or the path is no text.
pub(crate) fn note_made(state_dir: &Path, output: &Path, digest: Digest, now: u64) -> Result<(), ClientError> {
    let folder = state_dir.join(FOLDER);
    create_private_folder(&folder).map_err(ClientError::file)?;
    let _lock = FolderLock::take(&folder).map_err(ClientError::file)?;
    let path = place_of(output)?;
    let mut files = made_scores(state_dir)?;
    files.retain(|known| known.path != path || known.digest() != Some(digest));
    let here = files.iter().filter(|known| known.path == path).count();
    if let Some(oldest) = files.iter().position(|known| known.path == path).filter(|_| here >= OF_ONE_PLACE_MAX) {
        files.remove(oldest);
    }
    files.push(MadeScores { path, digest: digest.to_string(), made_at: now });
    let over = files.len().saturating_sub(FILES_MAX);
    files.drain(..over);
    let mut text = serde_json::to_vec(&Notes { format: FORMAT, files }).map_err(ClientError::file)?;
    text.push(b'\n');
    write_private(&folder.join(NAME), &text, Existing::Replace).map_err(ClientError::file)
}

/// What was noted.
///
/// # Errors
/// If it cannot be read.
pub(super) fn made_scores(state_dir: &Path) -> Result<Vec<MadeScores>, ClientError> {
    let path: PathBuf = state_dir.join(FOLDER).join(NAME);
    if is_gone(&path) {
        return Ok(Vec::new());
    }
    let text = read_text(&path, "notes of scores files").map_err(ClientError::file)?;
    let notes = serde_json::from_str::<Notes>(&text).ok().filter(|notes| notes.format == FORMAT);
    let none = || ClientError::file(FileError::content(&path, "notes of scores files"));
    notes.map(|notes| notes.files).ok_or_else(none)
}

/// Where a file will be. Links to its folder are followed now; the name itself is no link when the file has it.
fn place_of(output: &Path) -> Result<String, ClientError> {
    let folder = folder_of(output);
    let whole = folder.canonicalize().map_err(FileError::system("reading", folder)).map_err(ClientError::file)?;
    let path = output.file_name().map_or_else(|| whole.clone(), |name| whole.join(name));
    path.to_str().map(str::to_owned).ok_or_else(|| ClientError::Said(words::path_no_text(output.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_files_of_a_place_are_known_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let note = |name: &str, number: u64| {
            let digest = Digest::of(&number.to_le_bytes());
            note_made(folder.path(), &folder.path().join(name), digest, number)
                .unwrap_or_else(|fault| panic!("{fault}"));
        };
        note("other.csv", 0);
        let last = OF_ONE_PLACE_MAX as u64 + 2;
        (1..=last).for_each(|number| note("scores.csv", number));
        // The same file once more is the newest one.
        note("scores.csv", 50);
        let found = made_scores(folder.path()).unwrap();
        let (other, here) = found.split_first().unwrap();
        assert!(other.path.ends_with("other.csv") && here.iter().all(|known| known.path.ends_with("scores.csv")));
        let expected: Vec<u64> = (3..=last).filter(|number| *number != 50).chain([50]).collect();
        assert_eq!(here.iter().map(|known| known.made_at).collect::<Vec<_>>(), expected);
    }
}

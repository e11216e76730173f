//! Checkpoints and the standing of their witnesses, on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tributary_evidence::checkpoint::{NotesBeside, is_kept_name, kept_name};
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::{Checkpoint, NoteKey, SignatureKind, SignedCheckpoint};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::{self, Existing, FileError};

pub(crate) const CHECKPOINTS: &str = "checkpoints";
const NEWEST: &str = "newest";
const PREVIOUS: &str = "previous";
const WITNESSES: &str = "witnesses";
const KEY: &str = "coordinator.key";
const TITLE: &str = "tributary witnesses 1";

/// What a member did last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Entries of what it cosigned last.
    pub(super) size: u64,
    /// When, in Unix seconds of its own clock.
    pub(super) at: u64,
    /// Unix seconds of the first checkpoint that it has not cosigned.
    pub(super) behind: Option<u64>,
    /// Entries of a checkpoint that it has and this journal does not go on from.
    pub(super) dispute: Option<u64>,
}

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(state_dir: &Path) -> Result<Self, FileError> {
        let folder = state_dir.join(CHECKPOINTS);
        files::create_private_folder(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn newest_file(&self) -> String {
        self.0.join(NEWEST).display().to_string()
    }

    /// What was signed last, as far as it was written down.
    pub(super) fn newest(&self) -> Option<Checkpoint> {
        let bytes = files::read_private(&self.0.join(NEWEST)).ok()?;
        let read = SignedCheckpoint::parse(&bytes);
        if let Err(fault) = &read {
            tracing::warn!(file = %self.newest_file(), %fault, "the newest checkpoint cannot be read, so that the journal is not compared with it");
        }
        read.ok().map(|signed| signed.checkpoint().clone())
    }

    pub(super) fn write_key(&self, origin: &str, key: &VerifyingKey) -> Result<(), FileError> {
        let path = self.0.join(KEY);
        let text = NoteKey::new(origin, SignatureKind::Journal, key).map_err(|_| FileError::content(&path, "key"))?;
        let text = format!("{text}\n");
        if files::read_itself(&path).is_ok_and(|found| found == text.as_bytes()) {
            return Ok(());
        }
        files::write_private(&path, text.as_bytes(), Existing::Replace)
    }

    /// The newest has age 0.
    pub(super) fn write_note(&self, age: usize, kept: bool, note: &SignedCheckpoint) -> Result<(), FileError> {
        let text = note.to_string();
        let name = [NEWEST, PREVIOUS].get(age).map(|name| (*name).to_owned());
        let for_good = kept.then(|| kept_name(note.checkpoint().size));
        let mut names = name.into_iter().chain(for_good);
        names.try_for_each(|name| files::write_private(&self.0.join(name), text.as_bytes(), Existing::Replace))
    }

    pub(super) fn write_standing(&self, standing: &BTreeMap<ClientId, Standing>) -> Result<(), FileError> {
        let word = |value: Option<u64>| value.map_or("-".into(), |value| value.to_string());
        let line = |(client, of): (&ClientId, &Standing)| {
            let (behind, dispute) = (word(of.behind), word(of.dispute));
            format!("client {} entries {} at {} behind {behind} dispute {dispute}\n", client.0, of.size, of.at)
        };
        let text: String = [format!("{TITLE}\n")].into_iter().chain(standing.iter().map(line)).collect();
        files::write_private(&self.0.join(WITNESSES), text.as_bytes(), Existing::Replace)
    }

    /// What was written down; nothing of a file that cannot be read.
    pub(super) fn standing(&self) -> BTreeMap<ClientId, Standing> {
        let path = self.0.join(WITNESSES);
        let Ok(bytes) = files::read_private(&path) else { return BTreeMap::new() };
        let lines = str::from_utf8(&bytes).ok().and_then(|text| text.strip_prefix(TITLE));
        let read = lines.and_then(|lines| lines.lines().skip(1).map(parse).collect());
        read.unwrap_or_else(|| {
            tracing::warn!(file = %path.display(), "what the witnesses did last cannot be read, and is begun anew");
            BTreeMap::new()
        })
    }
}

fn parse(line: &str) -> Option<(ClientId, Standing)> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["client", client, "entries", size, "at", at, "behind", behind, "dispute", dispute] = words.as_slice() else {
        return None;
    };
    let optional = |word: &str| if word == "-" { Some(None) } else { word.parse().ok().map(Some) };
    let (size, at) = (size.parse().ok()?, at.parse().ok()?);
    let standing = Standing { size, at, behind: optional(behind)?, dispute: optional(dispute)? };
    Some((ClientId(client.parse().ok()?), standing))
}

/// The checkpoints beside the journal of a state folder, to be compared with it: read before the journal, which grows while the daemon runs. One that
/// cannot be read is not passed over.
pub(crate) fn notes_beside(state_dir: &Path) -> NotesBeside {
    let folder = state_dir.join(CHECKPOINTS);
    let key = files::read_itself(&folder.join(KEY)).ok();
    let key = key.and_then(|bytes| NoteKey::parse(str::from_utf8(&bytes).ok()?).ok());
    let files = fs::read_dir(&folder).into_iter().flatten().flatten();
    let notes = files.filter_map(|file| {
        let name = file.file_name().to_str().filter(|name| is_kept_name(name))?.to_owned();
        Some((name, files::read_itself(&file.path()).unwrap_or_default()))
    });
    NotesBeside::of(notes, key.as_ref().map(NoteKey::key))
}

//! This branch as a witness of the coordinator's journal: what it has seen of it, what it cosigns, and what it refuses.
//!
//! ```text
//! STATE/checkpoints/newest                    the last checkpoint that was accepted, with this branch's cosignature; it never goes back
//! STATE/checkpoints/refused-<entries>-<root>  what was shown and does not go on from it
//! STATE/checkpoints/coordinator.key           the key by which the coordinator signs
//! ```
//!
//! A checkpoint is accepted when the pinned key of the coordinator signed it and when a proof shows that the journal goes on from the last one. It is on
//! the disk before a cosignature leaves. The first one is believed as it comes: what was before it, others have witnessed.
//!
//! No round waits for any of it, and a fault here ends nothing. Rounds go on after a refusal as well: what a round costs is in this branch's own budget
//! file, whatever the coordinator writes.

mod shown;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{
    Checkpoint, NoteFault, NoteKey, NoteSignature, SignatureKind, SignedCheckpoint, origin_of,
};
use tributary_protocol::message::{ShownCheckpoint, WitnessWord};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::{self, Existing, FileError};

use self::shown::Judged;
use crate::error::ClientError;
use crate::telemetry::Report;

const FOLDER: &str = "checkpoints";
const NEWEST: &str = "newest";
const KEY: &str = "coordinator.key";
const REFUSED: &str = "refused-";

/// Refused checkpoints that are kept as evidence. Two prove a fork.
const REFUSED_MAX: usize = 16;

/// Checkpoints that are cosigned at once, at most: one more for each second that has passed.
const BURST_MAX: u64 = 32;

/// How this branch stands as a witness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessStatus {
    /// Entries of the last checkpoint; nothing before the first one.
    pub entries: Option<u64>,
    /// When it was cosigned last, in Unix seconds; nothing where this process has not.
    pub cosigned: Option<u64>,
    /// Files of refused checkpoints.
    pub refused: Vec<String>,
}

/// Signs with this branch's key: under its name, a checkpoint, at a Unix second.
pub(crate) type Cosign<'a> = dyn Fn(&MemberName, &Checkpoint, u64) -> Result<NoteSignature, NoteFault> + 'a;

/// The witness.
pub(crate) struct Witness {
    folder: PathBuf,
    origin: String,
    coordinator: VerifyingKey,
    name: MemberName,
    last: Option<SignedCheckpoint>,
    cosigned: Option<u64>,
    refused: Vec<String>,
    /// The coordinator was told on this link what this branch has, since the last one that was accepted.
    said: bool,
    /// How many may be cosigned now, and as of which Unix second.
    room: (u64, u64),
}

impl Witness {
    /// Opens the folder. `name` is this branch's in its certificate and in the roster.
    ///
    /// # Errors
    /// If the folder cannot be used, or holds no checkpoint where one should be: what was seen is not forgotten without a word.
    pub(crate) fn open(
        state_dir: &Path,
        federation: &Digest,
        coordinator: VerifyingKey,
        name: MemberName,
    ) -> Result<Self, ClientError> {
        let (folder, origin) = (state_dir.join(FOLDER), origin_of(federation));
        files::create_private_folder(&folder).map_err(ClientError::file)?;
        let key = NoteKey::new(&origin, SignatureKind::Journal, &coordinator).map_err(ClientError::file)?;
        let text = format!("{key}\n");
        let path = folder.join(KEY);
        if !fs::read(&path).is_ok_and(|found| found == text.as_bytes()) {
            files::write_private(&path, text.as_bytes(), Existing::Replace).map_err(ClientError::file)?;
        }
        let last = read(&folder.join(NEWEST))?.filter(|last| {
            let same = last.checkpoint().origin == origin;
            if !same {
                tracing::warn!(origin, "the last checkpoint is of another federation, and does not count in this one");
            }
            same
        });
        let refused = refused(&folder);
        let (cosigned, said, room) = (None, false, (BURST_MAX, 0));
        Ok(Self { folder, origin, coordinator, name, last, cosigned, refused, said, room })
    }

    /// A link stands that is not the one before: what the coordinator is told on it.
    pub(crate) fn connected(&mut self) -> WitnessWord {
        self.said = true;
        WitnessWord::Seen { size: self.size() }
    }

    fn size(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.checkpoint().size)
    }

    /// A checkpoint was shown, at this Unix second: what to say to the coordinator, and what to tell the operator.
    pub(crate) fn hear(
        &mut self,
        shown: &ShownCheckpoint,
        cosign: &Cosign<'_>,
        now: u64,
    ) -> (Option<WitnessWord>, Option<Report>) {
        let judged = shown::judge(shown, (&self.origin, &self.coordinator), self.last.as_ref());
        match judged {
            Judged::GoesOn(_) if !self.has_room(now) => (None, None),
            Judged::GoesOn(signed) => (self.accept(signed, cosign, now), None),
            Judged::OtherProof if self.said => (None, None),
            Judged::OtherProof => (Some(self.connected()), None),
            Judged::Refused(signed) => self.refuse(&signed),
            Judged::Unsigned(fault) => {
                tracing::error!(%fault, "a checkpoint of the coordinator's journal is not believed");
                (None, None)
            }
        }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> WitnessStatus {
        let entries = self.last.as_ref().map(|last| last.checkpoint().size);
        WitnessStatus { entries, cosigned: self.cosigned, refused: self.refused.clone() }
    }

    /// Whoever shows checkpoint after checkpoint keeps this branch from nothing else.
    fn has_room(&mut self, now: u64) -> bool {
        let (left, at) = self.room;
        let left = left.saturating_add(now.saturating_sub(at)).min(BURST_MAX);
        self.room = (left.saturating_sub(1), now);
        left > 0
    }

    fn accept(&mut self, signed: SignedCheckpoint, cosign: &Cosign<'_>, now: u64) -> Option<WitnessWord> {
        let mut kept = signed.bare();
        let size = kept.checkpoint().size;
        let signature = match self.cosign(&mut kept, cosign, now) {
            Ok(signature) => signature,
            Err(fault) => {
                tracing::error!(fault, "a checkpoint of the coordinator's journal could not be cosigned; rounds go on");
                return None;
            }
        };
        (self.last, self.cosigned, self.said) = (Some(kept), Some(now), false);
        Some(WitnessWord::Cosigned { size, signature })
    }

    /// On the disk first: after a crash this branch knows at least what it has signed.
    fn cosign(&self, kept: &mut SignedCheckpoint, cosign: &Cosign<'_>, now: u64) -> Result<NoteSignature, String> {
        let signature = cosign(&self.name, kept.checkpoint(), now).map_err(|fault| fault.to_string())?;
        kept.add(signature.clone());
        self.write(NEWEST, kept, Existing::Replace).map_err(|fault| fault.to_string())?;
        Ok(signature)
    }

    fn refuse(&mut self, signed: &SignedCheckpoint) -> (Option<WitnessWord>, Option<Report>) {
        let Some(last) = &self.last else { return (None, None) };
        let (seen, shown) = (last.checkpoint().size, signed.checkpoint());
        let name = format!("{REFUSED}{:020}-{}", shown.size, shown.root.short());
        let disputed = WitnessWord::Disputed { note: last.bare().to_string().into_bytes() };
        let is_known = self.refused.contains(&name);
        if !is_known && self.refused.len() >= REFUSED_MAX {
            return (Some(disputed), None);
        }
        // The disk may have been full when it was shown first.
        if !self.folder.join(&name).exists()
            && let Err(fault) = self.write(&name, &signed.bare(), Existing::Keep)
        {
            tracing::error!(%fault, "a refused checkpoint could not be kept as evidence");
        }
        if is_known {
            return (Some(disputed), None);
        }
        self.refused.push(name.clone());
        let file = self.folder.join(name).display().to_string();
        let report = Report::LogRefused { seen, shown: shown.size, shorter: shown.size < seen, file };
        (Some(disputed), Some(report))
    }

    fn write(&self, name: &str, note: &SignedCheckpoint, existing: Existing) -> Result<(), FileError> {
        files::write_private(&self.folder.join(name), note.to_string().as_bytes(), existing)
    }
}

fn read(path: &Path) -> Result<Option<SignedCheckpoint>, ClientError> {
    match fs::metadata(path) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let bytes = files::read_private(path).map_err(ClientError::file)?;
    SignedCheckpoint::parse(&bytes).map(Some).map_err(|fault| {
        ClientError::File(format!(
            "{}: {fault}. It says what this branch has seen of the coordinator's journal. Restore it from its backup; if there is none, keep the file \
             elsewhere and take it away from here, and this branch begins anew as a witness",
            path.display()
        ))
    })
}

/// Names of refused checkpoints in the folder, ascending.
fn refused(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(REFUSED)).take(REFUSED_MAX).collect();
    names.sort();
    names
}

//! What somebody else keeps of a journal: how long it was, and the root of its tree.

use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::limits::ORIGIN_BYTES_MAX;
use crate::merkle::{is_consistent, root_of_path};

/// How the origin of every federation's journal begins. It names the hash of the tree: a tree of another hash is another journal.
const ORIGIN: &str = "tributary/audit/sha256/";

/// The name of a federation's journal: what all of its checkpoints have in their first line. `federation` is
/// [`federation_digest`](crate::roster::federation_digest).
#[must_use]
pub fn origin_of(federation: &Digest) -> String {
    format!("{ORIGIN}{federation}")
}

/// The state of a journal at one time. Who signs it says: I have seen this journal, and shall never sign another one of this origin that does
/// not go on from it. [`SignedCheckpoint`](super::SignedCheckpoint) is the text that is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which journal: the federation's name for it, of visible ASCII characters without `+`, at most [`ORIGIN_BYTES_MAX`].
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Digest,
}

/// Why a checkpoint or a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// The origin is empty, too long, or has other characters than visible ASCII without `+`.
    #[error("the checkpoint's origin is no name of a journal; its sender is faulty or hostile")]
    Origin,
    /// Another journal's.
    #[error("the checkpoint is of another journal; compare the origins")]
    OtherJournal,
    /// Fewer entries than before: the journal was cut.
    #[error("the journal had {seen} entries and has {found}; entries were cut off. Keep both checkpoints as evidence")]
    Shorter {
        /// Entries of the checkpoint before.
        seen: u64,
        /// Entries of this one.
        found: u64,
    },
    /// The proof does not show that this journal goes on from the one before.
    #[error(
        "nothing shows that the journal of {found} entries goes on from the one of {seen}; it was written anew, or the proof is not for these \
         two. Keep both checkpoints as evidence"
    )]
    Fork {
        /// Entries of the checkpoint before.
        seen: u64,
        /// Entries of this one.
        found: u64,
    },
    /// The proof does not show the entry in the journal.
    #[error(
        "nothing shows entry {position} in the journal of this checkpoint; the entry or the proof is another one's"
    )]
    NotIncluded {
        /// Where the entry was said to be.
        position: u64,
    },
}

/// Whether a text may be an origin, or the name of a key: visible ASCII without `+`, which stands between the parts of a key's text.
pub(super) fn is_key_name(name: &str) -> bool {
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
    (1..=ORIGIN_BYTES_MAX).contains(&name.len()) && name.bytes().all(visible)
}

impl Checkpoint {
    /// Whether its origin is one that a note can have. Signatures apart.
    ///
    /// # Errors
    /// [`CheckpointFault::Origin`].
    pub fn check(&self) -> Result<(), CheckpointFault> {
        if is_key_name(&self.origin) { Ok(()) } else { Err(CheckpointFault::Origin) }
    }

    /// Whether this journal goes on from an earlier checkpoint of it, by a proof of consistency.
    ///
    /// # Errors
    /// [`CheckpointFault`] naming what does not fit.
    pub fn follows(&self, last: &Self, proof: &[Digest]) -> Result<(), CheckpointFault> {
        self.check()?;
        last.check()?;
        let (seen, found) = (last.size, self.size);
        if self.origin != last.origin {
            return Err(CheckpointFault::OtherJournal);
        }
        if found < seen {
            return Err(CheckpointFault::Shorter { seen, found });
        }
        let proven = is_consistent(Digest::of_parts, (seen, &last.root), (found, &self.root), proof);
        if proven { Ok(()) } else { Err(CheckpointFault::Fork { seen, found }) }
    }

    /// Whether the leaf of an entry stands at this position of the journal, by a proof of inclusion.
    ///
    /// # Errors
    /// [`CheckpointFault`] naming what does not fit.
    pub fn includes(&self, position: u64, leaf: &Digest, path: &[Digest]) -> Result<(), CheckpointFault> {
        self.check()?;
        let found = root_of_path(Digest::of_parts, (position, self.size), leaf, path);
        if found == Some(self.root) { Ok(()) } else { Err(CheckpointFault::NotIncluded { position }) }
    }
}

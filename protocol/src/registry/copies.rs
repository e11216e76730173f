//! What a branch says of a model, signed: which statement about it it follows, and whether it keeps a copy.

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::ids::ClientId;
use crate::secagg::suite::Signature;
use crate::signed::SignedBody;

/// What a branch has of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CopyState {
    /// It keeps a copy.
    Kept,
    /// It deleted its copy, because nothing grants it any more. It may fetch it again.
    Deleted,
    /// The model was withdrawn: the branch has no copy, and refuses it from now on.
    Refused,
    /// It follows the statement, and has never kept a copy.
    Absent,
}

impl CopyState {
    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Deleted => "deleted",
            Self::Refused => "refused",
            Self::Absent => "absent",
        }
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Kept => 1,
            Self::Deleted => 2,
            Self::Refused => 3,
            Self::Absent => 4,
        }
    }
}

/// A branch's signed word about a model: the statement that it follows, and its copy. With [`CopyState::Refused`] it acknowledges a withdrawal.
/// Other branches believe a statement by it whose signers have left ([`super::Heard`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyNote {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// The branch, as the roster numbers it.
    pub client: ClientId,
    /// The model: [`super::ModelManifest::digest`].
    pub model: Digest,
    /// What it has of it.
    pub state: CopyState,
    /// Digest of the statement that it follows: [`super::ModelStatement::digest`].
    pub statement: Digest,
    /// When, in seconds of the branch's Unix clock.
    pub at: u64,
    /// Signature by the branch's signing key.
    pub signature: Signature,
}

impl SignedBody for CopyNote {
    const KIND: &'static str = "COPY";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("tributary/model copy/1").digest(&self.federation).u32(self.client.0);
        body.digest(&self.model).u8(self.state.number()).digest(&self.statement).u64(self.at)
    }
}

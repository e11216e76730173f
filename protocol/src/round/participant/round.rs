//! The round that a participant has open: one at most, its shares to reveal once.

use alloc::string::String;
use alloc::vec::Vec;

use super::policy::Timing;
use super::session::Held;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// A round between its start and the moment when its shares are revealed or forgotten.
pub(super) struct OpenRound<S: Suite> {
    pub(super) round: RoundId,
    pub(super) session: SessionId,
    /// Digest of the descriptor.
    pub(super) descriptor: Digest,
    pub(super) deadline: Millis,
    /// When the upload may leave.
    pub(super) leaves: Millis,
    /// Shares to reveal for this round, once and only for a certified survivor set.
    pub(super) held: Held<S>,
    pub(super) stage: Stage,
}

/// How far the round is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Noising, masking, training and clipping are under way.
    Training {
        /// Digest of the noise masked by itself, once it is.
        noise: Option<Digest>,
    },
    /// The masked vector is ready; it leaves at its time.
    Masked {
        /// Its digest.
        vector: Digest,
    },
    /// The masked vector is out; the survivor set is awaited.
    Uploaded {
        /// Its digest.
        vector: Digest,
    },
    /// One survivor set is acknowledged; its certificate is awaited.
    Acknowledged {
        /// The uploaded vector's digest.
        vector: Digest,
        /// Ascending.
        survivors: Vec<ClientId>,
        /// Digest of survivors and uploads.
        digest: Digest,
    },
}

impl<S: Suite> OpenRound<S> {
    /// When the machine must be asked again: when the upload may leave, or when the round is over.
    pub(super) fn next(&self, timing: Timing) -> Millis {
        match (&self.stage, timing) {
            (Stage::Masked { .. }, _) | (Stage::Training { noise: Some(_) }, Timing::Strict) => {
                self.leaves.min(self.deadline)
            }
            _ => self.deadline,
        }
    }

    /// Whether the vector is still being made.
    pub(super) fn is_training(&self) -> bool {
        matches!(self.stage, Stage::Training { .. })
    }

    pub(super) fn describe(&self) -> String {
        let what = match self.stage {
            Stage::Training { .. } => "this branch's training",
            Stage::Masked { .. } => "the time at which uploads leave",
            Stage::Uploaded { .. } => "the survivor set",
            Stage::Acknowledged { .. } => "the quorum certificate",
        };
        alloc::format!("round {}: {what}", self.round)
    }
}

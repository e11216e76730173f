//! What a link carries: the messages of each run, and beside them those of the federation.
//!
//! A vector that follows a message belongs to that message, and so to its run.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Downstream, RejectCode, Upstream};
use crate::digest::Digest;
use crate::ids::RunId;
use crate::plan::OwnersWord;
use crate::printable::Untrusted;
use crate::registry::{CopyNote, Told};
use crate::roster::SignedRoster;

/// From the coordinator to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToClient {
    /// A message of one run.
    Run(RunId, Downstream),
    /// The connection is refused and closes. Nobody has signed this, and nobody stops for good for it.
    Refused {
        /// Stable code.
        code: RejectCode,
        /// What happened, what it means, what to do.
        explanation: Untrusted,
    },
    /// Lists of revoked certificates. They prove themselves, and the coordinator merely carries them.
    Lists(Vec<u8>),
    /// The newest roster, by which the statements are judged that follow. It proves itself.
    Roster(Box<SignedRoster>),
    /// What was stated about models. Each statement proves itself.
    Models(Vec<Told>),
    /// What the owner of this branch's data has signed: it was given to the coordinator to be carried. It proves itself.
    Owner(Box<OwnersWord>),
    /// A piece of a model's parameters, as it was asked for; without a byte where there is none.
    ModelPiece {
        /// The model.
        model: Digest,
        /// Its first byte's place.
        from: u64,
        /// At most [`MODEL_PIECE_BYTES_MAX`](crate::limits::MODEL_PIECE_BYTES_MAX).
        bytes: Vec<u8>,
    },
}

/// From a client to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToCoordinator {
    /// A message of one run.
    Run(RunId, Upstream),
    /// Which release the client runs; for the operator's screen.
    About {
        /// Such as `0.2.0`.
        release: Untrusted,
    },
    /// Asks for a piece of a champion's parameters.
    ModelPiece {
        /// The model.
        model: Digest,
        /// The first byte's place.
        from: u64,
    },
    /// What this client has of a model.
    Copy(CopyNote),
}

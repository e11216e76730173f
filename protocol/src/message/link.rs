//! What a link carries: the messages of each run, and beside them those of the federation.
//!
//! A vector that follows a message belongs to that message, and so to its run.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Downstream, RejectCode, Upstream};
use crate::digest::Digest;
use crate::ids::RunId;
use crate::log::NoteSignature;
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
    /// The newest checkpoint of the coordinator's journal.
    Checkpoint(ShownCheckpoint),
    /// A piece of a model's parameters, as it was asked for; without a byte where there is none.
    ModelPiece {
        /// The model.
        model: Digest,
        /// Its first byte's place.
        from: u64,
        /// At most [`MODEL_PIECE_BYTES_MAX`](crate::limits::MODEL_PIECE_BYTES_MAX).
        bytes: Vec<u8>,
    },
    /// The roster by which a statement was taken that is told of next: where its signers have left since. It proves itself.
    RosterBefore(Box<SignedRoster>),
    /// Words of other branches that follow one statement, which is told of next: where its signers have left since. Each proves itself.
    Followers(Vec<CopyNote>),
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
    /// A word of this client as a witness of the coordinator's journal.
    Witness(WitnessWord),
}

/// The newest checkpoint of a journal, with the proof that it goes on from one that the client has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCheckpoint {
    /// The note, with the coordinator's signature alone; at most [`CHECKPOINT_BYTES_MAX`](crate::limits::CHECKPOINT_BYTES_MAX).
    pub note: Vec<u8>,
    /// Entries of the client's last checkpoint, as it said.
    pub from: u64,
    /// Consistency of the two; nothing where this journal has fewer entries.
    pub proof: Vec<Digest>,
}

/// What a witness says. None of it belongs to a round, and no round waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WitnessWord {
    /// Its last checkpoint has so many entries; 0 where it has none. Said on each new link, and where a proof was from another checkpoint.
    Seen {
        /// Entries.
        size: u64,
    },
    /// It has written the checkpoint of so many entries down, and cosigns it.
    Cosigned {
        /// Entries.
        size: u64,
        /// Its line in the note.
        signature: NoteSignature,
    },
    /// It does not cosign what it was shown, because that does not go on from what it has.
    Disputed {
        /// The checkpoint that it has, with the coordinator's signature.
        note: Vec<u8>,
    },
}

//! What travels between a client and the coordinator.
//!
//! Control messages are small and bounded; vectors (the model, a masked update) travel behind them as raw little-endian bytes. Upstream
//! messages hold no float and no plain count: whatever a branch has to say about its data rides in the masked vector.

mod downstream;
mod keying;
mod link;
mod upstream;

pub use crate::signed::{SignedBody, body_of, signed_message};
pub use downstream::{
    ClosedReason, Downstream, MUSTER_NAMED_MAX, Muster, Proof, QuorumCertificate, RejectCode, RoundOutcome, Start,
    Survivors, Welcome,
};
pub use keying::{
    Deal, DealStatement, Encapsulation, Freeze, Keys, KeysStatement, NeighbourKeys, Neighbourhood, Offer, SealedShares,
    envelopes_digest, keys_digest, rounds_digest,
};
pub use link::{ShownCheckpoint, ToClient, ToCoordinator, WitnessWord};
pub use upstream::{Charged, Floor, Join, MaskedHeader, RefusalCode, ShareProof, Upstream};

/// Frame kind of a control message.
pub const FRAME_CONTROL: u8 = 1;

/// Frame kind of a vector: the model behind a start, a masked update behind its header.
pub const FRAME_VECTOR: u8 = 2;

/// Longest payload of a frame kind, given the longest vector that may come now; `None` for an unknown kind.
#[must_use]
pub fn frame_bytes_max(kind: u8, vector_bytes_max: usize) -> Option<usize> {
    match kind {
        FRAME_CONTROL => Some(crate::limits::CONTROL_MESSAGE_BYTES_MAX),
        FRAME_VECTOR => Some(vector_bytes_max),
        _ => None,
    }
}

//! What a link carries: the messages of each run, and beside them those of the federation.
//!
//! A vector that follows a message belongs to that message, and so to its run.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Downstream, RejectCode, Upstream};
use crate::ids::RunId;
use crate::printable::Untrusted;

/// From the coordinator to a client.
#[expect(clippy::large_enum_variant, reason = "nearly every message is of a run")]
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
}

//! What a link carries: the messages of each run, and beside them those of the federation.
//!
//! A vector that follows a message belongs to that message, and so to its run.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Downstream, Upstream};
use crate::ids::RunId;

/// From the coordinator to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToClient {
    /// A message of one run.
    Run(RunId, Downstream),
    /// Lists of revoked certificates. They prove themselves, and the coordinator merely carries them.
    Lists(Vec<u8>),
}

/// From a client to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToCoordinator {
    /// A message of one run.
    Run(RunId, Upstream),
}

//! What the coordinator notes of its own journal: its word against itself, so that the journal shows it to whoever looks for an incident.

use alloc::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::ClientId;
use crate::limits::DISPUTES_MAX;
use crate::round::OutOfOrder;
use crate::round::record::rule;

/// Something that happened to the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A branch has a checkpoint, signed by this coordinator, that this journal does not go on from.
    LogDisputed {
        /// The branch, as the roster numbers it.
        client: ClientId,
        /// Entries of its checkpoint.
        entries: u64,
        /// The root of its checkpoint.
        root: Digest,
    },
    /// The second place of the journal takes no entry, so that no round begins.
    SinkFailed,
    /// The second place has every entry again.
    SinkBack,
}

impl Notice {
    /// The word in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogDisputed { .. } => "log-disputed",
            Self::SinkFailed => "sink-failed",
            Self::SinkBack => "sink-back",
        }
    }
}

/// What was noted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    disputes: BTreeSet<(ClientId, u64, Digest)>,
    sink_failed: bool,
}

impl Notices {
    /// Whether the second place of the journal fails, by the last word about it.
    #[must_use]
    pub fn sink_failed(&self) -> bool {
        self.sink_failed
    }

    pub(super) fn check(&self, notice: Notice) -> Result<(), OutOfOrder> {
        match notice {
            Notice::LogDisputed { client, entries, root } => {
                rule(!self.disputes.contains(&(client, entries, root)), "a dispute of the journal is noted once")?;
                rule(self.disputes.len() < DISPUTES_MAX, "a journal notes 10000 disputes at most")
            }
            Notice::SinkFailed => rule(!self.sink_failed, "a second place that fails is noted once"),
            Notice::SinkBack => rule(self.sink_failed, "a second place comes back after it failed"),
        }
    }

    pub(super) fn apply(&mut self, notice: Notice) {
        match notice {
            Notice::LogDisputed { client, entries, root } => drop(self.disputes.insert((client, entries, root))),
            Notice::SinkFailed => self.sink_failed = true,
            Notice::SinkBack => self.sink_failed = false,
        }
    }
}

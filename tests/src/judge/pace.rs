//! When runs came forward.

use std::collections::BTreeMap;

use tributary_protocol::ids::RunId;

/// By run: when it last came forward.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) since: BTreeMap<RunId, u64>,
    /// When somebody must look next.
    pub(super) due: u64,
}

impl Progress {
    /// It comes forward.
    pub(super) fn comes_forward(&mut self, run: RunId, now: u64) {
        self.since.insert(run, now);
    }

    /// It is over.
    pub(super) fn ends(&mut self, run: RunId) {
        self.since.remove(&run);
    }
}

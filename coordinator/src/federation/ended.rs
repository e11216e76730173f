//! What a run that is over came to.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::{CoordinatorEvent, Recorded, RunRecord};

use crate::store::KeptRun;

/// What is known of a run that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    /// Of its plan's runs, from 1.
    pub(crate) number: u32,
    /// Second of the Unix clock.
    pub(crate) began: u64,
    pub(crate) released: Option<Digest>,
    /// Somebody's order has ended the plan with it: no run follows.
    pub(crate) aborted: bool,
}

/// What a run that is over came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) reference: RunRef,
    /// Entries of its ledger.
    pub(crate) entries: u64,
    /// Second of the Unix clock.
    pub(crate) began: u64,
    /// What its members hear of its end.
    pub(crate) outcome: Result<(Digest, u32), String>,
    pub(crate) aborted: bool,
    pub(crate) kept: Option<KeptRun>,
}

impl Ended {
    /// After the last of these events, which come to this record.
    pub(crate) fn of(
        reference: RunRef,
        (record, events): (&RunRecord, &[Recorded<CoordinatorEvent>]),
        began: u64,
    ) -> Self {
        let entries = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let (outcome, aborted, kept) = (record.outcome(), record.is_aborted(), KeptRun::of(events));
        Self { reference, entries, began, outcome, aborted, kept }
    }

    pub(crate) fn over(&self) -> Over {
        let released = self.outcome.as_ref().ok().map(|(model, _)| *model);
        Over { number: self.reference.number, began: self.began, released, aborted: self.aborted }
    }
}

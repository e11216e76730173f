//! What a coordinator's machine is told at its start, and why it cannot go on from a ledger.

use alloc::string::String;
use alloc::sync::Arc;

use crate::budget::Heads;
use crate::digest::Digest;
use crate::plan::{ApprovalFault, Approvals, Grounds, Run, RunRef};
use crate::roster::SignedRoster;
use crate::round::orders::Orders;
use crate::round::record::OutOfOrder;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// What the coordinator is told at its start.
pub struct CoordinatorSettings<S: Suite> {
    /// The job.
    pub run: Run,
    /// Digest of the public state from which it begins: what the plan's reference has come to.
    pub model: Digest,
    /// Who put the plan forward, and who approved it.
    pub approvals: Approvals,
    /// The federation, in whose name they signed: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// What people had ordered when the run before this one ended.
    pub orders: Orders,
    /// Before then, by the Unix clock, no first session of the run opens: what the plan's schedule has come to.
    pub not_before: Millis,
    /// Who may take part.
    pub roster: SignedRoster,
    /// The coordinator's protocol signing key, which clients pin.
    pub signing_key: Arc<S::SigningKey>,
    /// The newest budget head of each client, over all plans, as [`CoordinatorEffect::Keep`](crate::round::CoordinatorEffect::Keep) gave them.
    pub heads: Heads,
    /// Time to wait for every enrolled client before a session opens, or goes on after a restart, with those who came.
    pub gather_ms: u64,
}

/// Why a coordinator cannot continue from a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeFault {
    /// The ledger belongs to another run.
    #[error(
        "the state directory is in the middle of plan {recorded}, and the configured one is plan {configured}: put the settings of the first back and \
         let it end, or use a fresh state directory for the other"
    )]
    OtherRun {
        /// In the ledger.
        recorded: String,
        /// In the configuration.
        configured: String,
    },
    /// The configured roster is older than one that the ledger has adopted.
    #[error(
        "the roster has epoch {configured}, and this ledger has adopted another one of epoch {adopted}: an old membership was put back. \
         Install the newest roster"
    )]
    RosterRolledBack {
        /// Epoch in the configuration.
        configured: u64,
        /// Epoch in the ledger.
        adopted: u64,
    },
    /// The ledger's events contradict each other.
    #[error("{0}; the ledger was changed by something else than a coordinator and must not be continued")]
    OutOfOrder(#[from] OutOfOrder),
}

impl ResumeFault {
    /// Another run is recorded than is configured.
    #[must_use]
    pub fn other_run(recorded: RunRef, configured: RunRef) -> Self {
        let words = |run: RunRef| alloc::format!("{} run {}", run.plan.short(), run.number);
        Self::OtherRun { recorded: words(recorded), configured: words(configured) }
    }
}

impl<S: Suite> CoordinatorSettings<S> {
    /// Judges the plan's signatures by the roster in force, whatever a clock says: once for each roster.
    pub(super) fn judge_signers(&self) -> Result<(), ApprovalFault> {
        let (roster, group) = (&self.roster.roster, self.run.group.as_str());
        let grounds = Grounds { roster, federation: &self.federation, group, now: None };
        self.approvals.judge::<S>(&self.run.plan().digest(), grounds)
    }
}

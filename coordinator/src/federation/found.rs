//! What a process finds in its folders, opened in the order in which each rests on what comes before it.

use std::path::Path;
use std::sync::Arc;

use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::Mark;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

use super::past::{Begun, Past};
use crate::error::CoordinatorError;
use crate::registry::Registry;
use crate::store::{HeadsFile, forget_evidence, ledger_of, open_state};
use crate::witness::Witnesses;

/// The journal, and everything that is judged by it.
pub(super) struct Found {
    /// Its lock keeps a second coordinator out.
    pub(super) journal: Journal<CoordinatorEvent>,
    pub(super) past: Past,
    /// The runs that go on.
    pub(super) begun: Begun,
    /// The front of the journal that was not read.
    pub(super) unread: Option<Mark>,
    pub(super) witnesses: Witnesses,
    pub(super) registry: Registry,
    pub(super) heads: HeadsFile,
}

impl Found {
    /// Opens what is there, and makes what is not; what was kept for long enough is removed.
    ///
    /// # Errors
    /// What cannot be used, or contradicts the rest.
    pub(super) fn open(
        (state_dir, heads_dir): (&Path, &Path),
        (federation, key): (Digest, &Arc<SigningKey>),
        now: Millis,
    ) -> Result<Self, CoordinatorError> {
        open_state(state_dir)?;
        let (mut journal, mut past, begun, open) = Past::open(state_dir, key)?;
        if let Some(torn) = journal.torn() {
            tracing::warn!("{torn}");
        }
        let (unread, leaves) = (past.take_unchecked(), journal.take_leaves());
        let own = (state_dir, &*ledger_of(state_dir));
        let mut witnesses = Witnesses::open(own, &federation, Arc::clone(key), (leaves, unread.is_none()))?;
        witnesses.check()?;
        let registry = Registry::open(state_dir, (federation, Arc::clone(key)), &journal.administration()?)?;
        let kept = past.runs().values().filter_map(|ended| ended.kept.as_ref());
        forget_evidence(state_dir, kept.chain(&open), now);
        past.forget_outlived(now);
        let heads = HeadsFile::open(heads_dir)?;
        Ok(Self { journal, past, begun, unread, witnesses, registry, heads })
    }
}

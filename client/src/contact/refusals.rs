//! Customers who have used their right to be in no list, for whoever reads the branch's rows: they are left out there as well.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_certs::pseudonym::PseudonymKey;
use tributary_protocol::log::LedgerId;
use tributary_storage::journal::read_view;

use super::anchor::Anchor;
use super::event::ContactEvent;
use super::places::{key_path, ledger_path};
use super::pseudonym::Pseudonym;
use crate::data::CustomerKey;
use crate::error::ClientError;

/// All of them, at one moment. Two are equal where the same customers refuse.
#[derive(Default)]
pub(crate) struct Refusals {
    /// Without anybody no key is needed.
    known: Option<(PseudonymKey, BTreeSet<Pseudonym>)>,
}

impl Refusals {
    /// Reads the register beside a command that may be writing it. A branch without one, and without a note of one, has no refusal.
    ///
    /// # Errors
    /// If register or key cannot be read, or the register was cut: nobody knows then who is left out.
    pub(crate) fn read(state_dir: &Path) -> Result<Self, ClientError> {
        Anchor::of_state(state_dir).check(&ledger_path(state_dir))?;
        let events = read_view::<ContactEvent>(&ledger_path(state_dir), LedgerId::CONTACT)?;
        let excluded: BTreeSet<Pseudonym> = events
            .iter()
            .filter_map(|recorded| match recorded.event {
                ContactEvent::Excluded { customer } => Some(customer),
                _ => None,
            })
            .collect();
        if excluded.is_empty() {
            return Ok(Self::default());
        }
        let key = PseudonymKey::read(&key_path(state_dir)).map_err(ClientError::file)?;
        Ok(Self { known: Some((key, excluded)) })
    }

    fn customers(&self) -> Option<&BTreeSet<Pseudonym>> {
        self.known.as_ref().map(|(_, excluded)| excluded)
    }

    /// Whether nobody refuses.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_none()
    }

    /// Whether a customer refuses, by the plainest spelling of the id.
    pub(crate) fn has(&self, customer: &CustomerKey) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|(key, excluded)| excluded.contains(&Pseudonym::of_plainest(key, customer)))
    }
}

impl PartialEq for Refusals {
    fn eq(&self, other: &Self) -> bool {
        self.customers() == other.customers()
    }
}

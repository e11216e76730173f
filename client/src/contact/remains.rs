//! What is left of a register that is refused: its records up to the first that is missing, was changed, or cannot follow.

use std::path::Path;

use tributary_protocol::codec;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{Entries, LedgerId};
use tributary_protocol::round::Recorded;

use super::anchor::bytes_of;
use super::event::ContactEvent;
use super::register::Register;
use super::restart::Place;
use crate::error::ClientError;

/// The records that are left of a register.
pub(super) struct Remains {
    /// The records, in their order.
    pub(super) records: Vec<Recorded<ContactEvent>>,
    /// What they come to.
    pub(super) register: Register,
    /// Where they end.
    pub(super) end: Place,
    /// The whole file, as it is.
    pub(super) file: Vec<u8>,
}

impl Remains {
    /// Reads what can be read of a file, so many records at most; nothing where there is none.
    ///
    /// # Errors
    /// If the file is there and cannot be opened.
    pub(super) fn of(path: &Path, most: Option<u64>) -> Result<Self, ClientError> {
        let file = bytes_of(path)?;
        let mut entries = Entries::of_ledger(&file, LedgerId::CONTACT);
        let (mut records, mut register) = (Vec::new(), Register::default());
        let mut end = Place { records: 0, head: entries.reader().log().head() };
        while most.is_none_or(|most| end.records < most)
            && let Some(entry) = entries.next()
        {
            let decoded = codec::decode::<Recorded<ContactEvent>>(entry.event, LEDGER_ENTRY_BYTES_MAX);
            let Some(recorded) = decoded.ok().filter(|recorded| register.check(&recorded.event).is_ok()) else { break };
            register.apply(&recorded.event);
            records.push(recorded);
            end = Place { records: end.records.saturating_add(1), head: entries.reader().log().head() };
        }
        Ok(Self { records, register, end, file })
    }
}

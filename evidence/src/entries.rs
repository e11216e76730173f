//! The entries of a ledger's file: in one chain, each an event of this release.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{Entries, LedgerId, LogEntry, LogFault, LogFaultKind, Scan, scan};
use tributary_protocol::round::Recorded;
use tributary_protocol::time::Millis;

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Number of the entry in the file, from 0; nothing where the file cannot be read at all.
    pub entry: Option<u64>,
    /// Where its record starts, in bytes.
    pub offset: Option<u64>,
    /// What is wrong, what it means and what to do.
    pub reason: String,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number in the file, from 0.
    pub(crate) position: u64,
    /// Where its record starts, in bytes.
    pub(crate) offset: u64,
}

impl Place {
    /// What is wrong with this entry.
    pub(crate) fn bad(&self, reason: impl fmt::Display) -> Bad {
        let reason =
            format!("{reason}; keep the file as evidence, no coordinator or client of this release writes that");
        Bad { entry: Some(self.position), offset: Some(self.offset), reason }
    }
}

/// One decoded entry.
#[derive(Clone, Debug)]
pub struct Entry<E> {
    /// Its number in the file, from 0.
    pub position: u64,
    /// Where its record starts, in bytes.
    pub offset: u64,
    /// The daemon's clock when it was written. Informative.
    pub at: Millis,
    /// What happened.
    pub event: E,
}

impl<E> Entry<E> {
    /// What is wrong with this entry.
    pub(crate) fn bad(&self, reason: impl fmt::Display) -> Bad {
        self.place().bad(reason)
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        Place { position: self.position, offset: self.offset }
    }
}

/// The records of a file whose chain is whole.
pub(crate) fn whole(bytes: &[u8]) -> Result<Scan<'_>, Bad> {
    let scan = scan(Entries::new(bytes));
    if let Some(fault) = scan.fault {
        return Err(broken(fault, scan.good_length, bytes.len() as u64));
    }
    if bytes.is_empty() {
        let reason =
            "the file is empty: no process of this program wrote it, or everything was cut off; restore it from a copy";
        return Err(Bad { entry: Some(0), offset: Some(0), reason: reason.into() });
    }
    Ok(scan)
}

/// The ledgers of a file, in the order of their first entries.
pub(crate) fn ledgers(scan: &Scan<'_>) -> Vec<LedgerId> {
    let mut ledgers = Vec::new();
    for entry in &scan.entries {
        if !ledgers.contains(&entry.ledger) {
            ledgers.push(entry.ledger);
        }
    }
    ledgers
}

/// Every record of a ledger as an event.
pub(crate) fn decode<E: DeserializeOwned>(scan: &Scan<'_>, ledger: LedgerId) -> Result<Vec<Entry<E>>, Bad> {
    scan.entries.iter().filter(|entry| entry.ledger == ledger).map(read).collect()
}

/// A record as an event.
pub(crate) fn read<E: DeserializeOwned>(entry: &LogEntry<'_>) -> Result<Entry<E>, Bad> {
    let recorded: Result<Recorded<E>, _> = codec::decode(entry.event, LEDGER_ENTRY_BYTES_MAX);
    let (position, offset) = (entry.position, entry.offset);
    recorded.map(|Recorded { at, event }| Entry { position, offset, at, event }).map_err(|fault| Bad {
        entry: Some(position),
        offset: Some(offset),
        reason: format!("it is no event of this release ({fault}); verify with the release that wrote it"),
    })
}

/// What a fault of the chain means.
pub(crate) fn broken(fault: LogFault, good_length: u64, bytes: u64) -> Bad {
    let reason = match fault.kind {
        LogFaultKind::TornTail => format!(
            "an incomplete last record of {} bytes. A crash, a power cut or a full disk leaves that, and so does a daemon that writes at this moment; \
             the record was never relied on, and every one before it is whole. The daemon cuts it off at its next start and says so; verify \
             again after that. Was there no crash, compare the file with its newest copy",
            bytes.saturating_sub(good_length)
        ),
        kind => kind.to_string(),
    };
    Bad { entry: Some(fault.position), offset: Some(fault.offset), reason }
}

impl fmt::Display for Bad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(entry), Some(offset)) = (self.entry, self.offset) {
            write!(formatter, "  first bad entry: {entry}, at byte {offset}: ")?;
        }
        write!(formatter, "{}", self.reason)
    }
}

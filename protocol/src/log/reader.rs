//! Reading a journal: verified entry by entry, from a whole file or from a window that moves over it, without copying.

use alloc::vec::Vec;

use super::entry::{LedgerId, LogEntry};
use super::fault::{LogFault, LogFaultKind};
use super::layout::{
    DIGEST_BYTES, FORMAT, FRAME_BYTES, LOG_HEADER_BYTES, PREFIX_BYTES, Prefix, RECORD_BYTES_MAX, Sealed,
    ZEROS_BYTES_MAX, entry,
};
use super::mark::Mark;
use super::state::Log;
use crate::algorithm::Hashes;
use crate::digest::Digest;
use crate::versioned::VersionFault;

/// What a step over a journal found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The next entry.
    Entry(LogEntry<'a>),
    /// The window must have this many bytes, or reach the end of the file.
    More(usize),
    /// The file ends here, whole.
    End,
    /// The first fault; nothing from here on may be used.
    Fault(LogFault),
}

/// Reads a journal through a window. It keeps where it is, and what the entries so far add up to.
#[derive(Clone)]
pub struct LogReader {
    log: Log,
    offset: u64,
    fault: Option<LogFault>,
}

impl LogReader {
    /// A reader at the start of a journal.
    #[must_use]
    pub fn new() -> Self {
        Self { log: Log::new(), offset: 0, fault: None }
    }

    /// A reader at the start of a journal that has one ledger; an entry of another one is a fault.
    #[must_use]
    pub fn of_ledger(ledger: LedgerId) -> Self {
        Self { log: Log::of_ledger(ledger), ..Self::new() }
    }

    /// A reader that goes on from a place.
    #[must_use]
    pub fn at(mark: &Mark) -> Self {
        Self { log: mark.log.clone(), offset: mark.offset, fault: None }
    }

    /// Where the reading is.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { offset: self.offset, log: self.log.clone() }
    }

    /// Where the next record starts, in bytes from the start of the file: 0 where even the header is still to be read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The fault that ended the reading, if any.
    #[must_use]
    pub fn fault(&self) -> Option<LogFault> {
        self.fault
    }

    /// The journal up to the last entry read.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The journal up to the last entry read, to be continued.
    #[must_use]
    pub fn into_log(self) -> Log {
        self.log
    }

    /// Reads the next entry. The window starts at [`LogReader::offset`]; `last` says that it reaches the end of the file.
    ///
    /// No window needs to be longer than [`RECORD_BYTES_MAX`], but over zeros, where it is [`ZEROS_BYTES_MAX`] and one byte.
    pub fn step<'a>(&mut self, window: &'a [u8], last: bool) -> Step<'a> {
        if let Some(fault) = self.fault {
            return Step::Fault(fault);
        }
        match self.read(window, last) {
            Ok(step) => step,
            Err(kind) => {
                let fault = LogFault { position: self.log.size(), offset: self.offset, kind };
                self.fault = Some(fault);
                Step::Fault(fault)
            }
        }
    }

    fn read<'a>(&mut self, window: &'a [u8], last: bool) -> Result<Step<'a>, LogFaultKind> {
        let mut rest = window;
        if self.offset == 0 {
            if window.len() < LOG_HEADER_BYTES && !last {
                return Ok(Step::More(LOG_HEADER_BYTES));
            }
            if window.is_empty() {
                return Ok(Step::End);
            }
            if is_zeros(window) {
                return if last { Err(LogFaultKind::TornTail) } else { Ok(more(window)) };
            }
            rest = after_header(window)?;
            self.offset = LOG_HEADER_BYTES as u64;
        }
        if rest.is_empty() && last {
            return Ok(Step::End);
        }
        if is_zeros(rest) {
            return if last { Err(LogFaultKind::TornTail) } else { Ok(more(rest)) };
        }
        let Some(prefix) = Prefix::read(rest) else {
            return if last { Err(LogFaultKind::TornTail) } else { Ok(Step::More(PREFIX_BYTES)) };
        };
        let position = self.log.size();
        if prefix.position != position {
            return Err(LogFaultKind::BadPosition);
        }
        let record = prefix.record_bytes().ok_or(LogFaultKind::BadLength { bytes: prefix.length })?;
        let Some((bytes, head)) = prefix.body(rest) else {
            return match last {
                false => Ok(Step::More(record)),
                true if self.hides_records(rest) => Err(LogFaultKind::BadDigest),
                true => Err(LogFaultKind::TornTail),
            };
        };
        let sealed = Sealed::of(&self.log.head(), position, prefix.length, bytes);
        if sealed.head != head {
            return Err(LogFaultKind::BadDigest);
        }
        let (ledger, sequence, event) = entry(bytes).ok_or(LogFaultKind::BadLength { bytes: prefix.length })?;
        self.log.admits(ledger, sequence)?;
        let found = LogEntry { position, offset: self.offset, ledger, sequence, event, leaf: sealed.leaf };
        self.log.advance(ledger, sequence, &sealed);
        self.offset = self.offset.saturating_add(record as u64);
        Ok(Step::Entry(found))
    }

    /// Whether a record that seems torn is really a whole one with a raised length: either it ends exactly with the file, or the record
    /// after it is still there.
    fn hides_records(&self, rest: &[u8]) -> bool {
        let (head, position) = (self.log.head(), self.log.size());
        let exact = rest.len().checked_sub(FRAME_BYTES).and_then(|bytes| u32::try_from(bytes).ok());
        let exact =
            exact.and_then(|length| Some((length, rest.get(PREFIX_BYTES..)?.split_last_chunk::<DIGEST_BYTES>()?)));
        if exact
            .is_some_and(|(length, (entry, found))| Sealed::of(&head, position, length, entry).head == Digest(*found))
        {
            return true;
        }
        let next = position.saturating_add(1);
        (FRAME_BYTES..rest.len()).any(|start| {
            let Some((before, after)) = rest.split_at_checked(start) else { return false };
            let prefix =
                Prefix::read(after).filter(|prefix| prefix.position == next && prefix.record_bytes().is_some());
            let body = prefix.and_then(|prefix| Some((prefix.length, prefix.body(after)?)));
            let previous = before.last_chunk::<DIGEST_BYTES>();
            body.zip(previous).is_some_and(|((length, (entry, found)), previous)| {
                Sealed::of(&Digest(*previous), next, length, entry).head == found
            })
        })
    }
}

impl Default for LogReader {
    fn default() -> Self {
        Self::new()
    }
}

/// Some file systems leave zeros where an append was cut short. Whoever can write zeros there could have cut the file there.
fn is_zeros(bytes: &[u8]) -> bool {
    bytes.len() <= ZEROS_BYTES_MAX && bytes.iter().all(|byte| *byte == 0)
}

/// A longer window over zeros: four times as long, and at the end one byte more than may be zeros.
fn more<'a>(zeros: &[u8]) -> Step<'a> {
    let longer = zeros.len().max(PREFIX_BYTES).saturating_mul(4);
    let limit = ZEROS_BYTES_MAX.saturating_add(1);
    Step::More(if zeros.len() < RECORD_BYTES_MAX { longer.min(RECORD_BYTES_MAX) } else { longer.min(limit) })
}

fn after_header(file: &[u8]) -> Result<&[u8], LogFaultKind> {
    let rest = match FORMAT.read(file) {
        Ok(rest) => rest,
        Err(VersionFault::Cut) => return Err(LogFaultKind::TornTail),
        Err(fault) => return Err(LogFaultKind::Header(fault)),
    };
    let (hashes, rest) = rest.split_first().ok_or(LogFaultKind::TornTail)?;
    Hashes::of_number(*hashes).one_of(&[Hashes::CURRENT]).map_err(LogFaultKind::Hashes)?;
    Ok(rest)
}

/// The entries of a whole file; ends at the end of the file or at the first fault.
pub struct Entries<'a> {
    file: &'a [u8],
    /// Where these bytes start in the file.
    start: u64,
    reader: LogReader,
}

impl<'a> Entries<'a> {
    /// The entries of a journal.
    #[must_use]
    pub fn new(file: &'a [u8]) -> Self {
        Self { file, start: 0, reader: LogReader::new() }
    }

    /// The entries of a journal that has one ledger.
    #[must_use]
    pub fn of_ledger(file: &'a [u8], ledger: LedgerId) -> Self {
        Self { file, start: 0, reader: LogReader::of_ledger(ledger) }
    }

    /// The entries of a journal after a place, of the bytes that follow it.
    #[must_use]
    pub fn after(mark: &Mark, rest: &'a [u8]) -> Self {
        Self { file: rest, start: mark.offset, reader: LogReader::at(mark) }
    }

    /// How far the reading has come, and how it ended.
    #[must_use]
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Bytes up to the end of the file.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.start.saturating_add(self.file.len() as u64)
    }

    /// The entries of one ledger alone. The whole journal is verified on the way, and a fault anywhere ends the view.
    #[must_use]
    pub fn view(self, ledger: LedgerId) -> View<'a> {
        View { entries: self, ledger }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = LogEntry<'a>;

    fn next(&mut self) -> Option<LogEntry<'a>> {
        let read = self.reader.offset.saturating_sub(self.start);
        let window = usize::try_from(read).ok().and_then(|read| self.file.get(read..))?;
        match self.reader.step(window, true) {
            Step::Entry(entry) => Some(entry),
            Step::More(_) | Step::End | Step::Fault(_) => None,
        }
    }
}

/// One ledger of a journal: its entries in their order.
pub struct View<'a> {
    entries: Entries<'a>,
    ledger: LedgerId,
}

impl View<'_> {
    /// How far the reading of the journal has come, and how it ended.
    #[must_use]
    pub fn reader(&self) -> &LogReader {
        &self.entries.reader
    }
}

impl<'a> Iterator for View<'a> {
    type Item = LogEntry<'a>;

    fn next(&mut self) -> Option<LogEntry<'a>> {
        self.entries.by_ref().find(|entry| entry.ledger == self.ledger)
    }
}

/// The verified front of a journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan<'a> {
    /// The entries before the first fault.
    pub entries: Vec<LogEntry<'a>>,
    /// Bytes up to the end of the last good entry; 0 where even the header is incomplete and must be written.
    pub good_length: u64,
    /// Where appending continues.
    pub log: Log,
    /// The first fault, if any.
    pub fault: Option<LogFault>,
}

/// Verifies a whole file and lists its entries up to the first fault. An empty file is a journal whose header is still to be written.
#[must_use]
pub fn scan(entries: Entries<'_>) -> Scan<'_> {
    let mut reading = entries;
    let entries = reading.by_ref().collect();
    let LogReader { log, offset, fault } = reading.reader;
    Scan { entries, good_length: offset, log, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over zeros, whose number alone says whether they are a tail. The last byte that is asked for is the one that would be too many.
    #[test]
    fn the_window_over_zeros_grows_up_to_one_byte_more_than_may_be_zeros() {
        let zeros = alloc::vec![0; ZEROS_BYTES_MAX];
        let (record, limit) = (RECORD_BYTES_MAX, ZEROS_BYTES_MAX + 1);
        let cases = [
            (0, 4 * PREFIX_BYTES),
            (1, 4 * PREFIX_BYTES),
            (PREFIX_BYTES, 4 * PREFIX_BYTES),
            (PREFIX_BYTES + 1, 4 * (PREFIX_BYTES + 1)),
            (record / 4, 4 * (record / 4)),
            (record / 4 + 1, record),
            (record - 1, record),
            (record, 4 * record),
            (4 * record, limit - 1),
            (4 * record + 1, limit),
            (ZEROS_BYTES_MAX, limit),
        ];
        for (bytes, asked) in cases {
            assert!(more(zeros.get(..bytes).unwrap()) == Step::More(asked), "{bytes}");
        }
    }
}

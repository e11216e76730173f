//! Reading a journal from a place, in a window that moves over the file, and further whenever it has grown.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tributary_protocol::log::{LogEntry, LogFaultKind, LogReader, Mark, Step};

use super::error::JournalError;

/// So much of a file is read at once.
pub(super) const WINDOW_BYTES: usize = 1 << 18;

/// What a visitor says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// The next one, please.
    Goes,
    /// No more for now. The next reading goes on after this entry.
    Stops,
}

/// A reader of a journal that somebody else may be writing to. It holds the file open, and a window of it.
pub struct Follower {
    path: PathBuf,
    file: File,
    reader: LogReader,
    window: Vec<u8>,
    /// Where the window starts in the file.
    start: u64,
}

impl Follower {
    /// A reader that goes on from a place of this file.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn open(path: &Path, from: &Mark) -> Result<Self, JournalError> {
        let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
        is_ordinary(path).map_err(io)?;
        let mut file = File::open(path).map_err(io)?;
        file.seek(SeekFrom::Start(from.offset())).map_err(io)?;
        let (reader, start) = (LogReader::at(from), from.offset());
        Ok(Self { path: path.to_path_buf(), file, reader, window: Vec::new(), start })
    }

    /// How far it has come.
    #[must_use]
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Visits the entries up to a byte of the file, or to its end; an incomplete last record ends it.
    ///
    /// # Errors
    /// [`JournalError`] naming the first bad entry, or the visitor's.
    pub fn visit(
        &mut self,
        until: u64,
        mut each: impl FnMut(LogEntry<'_>) -> Result<Visit, JournalError>,
    ) -> Result<(), JournalError> {
        let io = |fault| JournalError::Io { path: self.path.clone(), fault };
        let mut last = false;
        while self.reader.offset() < until {
            let used = usize::try_from(self.reader.offset().saturating_sub(self.start)).unwrap_or(usize::MAX);
            match self.reader.step(self.window.get(used..).unwrap_or_default(), last) {
                Step::Entry(entry) => {
                    if each(entry)? == Visit::Stops {
                        break;
                    }
                }
                Step::More(bytes) => {
                    // What was read is let go of: a journal of years is read in the memory of an entry. The header was perhaps read in this very step.
                    let used = usize::try_from(self.reader.offset().saturating_sub(self.start)).unwrap_or(usize::MAX);
                    self.window.drain(..used.min(self.window.len()));
                    self.start = self.reader.offset();
                    let wanted = bytes.max(WINDOW_BYTES).saturating_sub(self.window.len());
                    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
                    last = (&mut self.file).take(wanted).read_to_end(&mut self.window).map_err(io)? == 0;
                }
                Step::Fault(fault) if fault.kind != LogFaultKind::TornTail => {
                    return Err(JournalError::Damaged { path: self.path.clone(), fault: fault.to_string() });
                }
                Step::End | Step::Fault(_) => break,
            }
        }
        Ok(())
    }
}

/// A pipe would keep its reader waiting for ever.
pub(super) fn is_ordinary(path: &Path) -> std::io::Result<()> {
    let what = "it is no ordinary file, and a pipe might never end";
    if std::fs::metadata(path)?.is_file() { Ok(()) } else { Err(std::io::Error::new(ErrorKind::InvalidInput, what)) }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::log::LedgerId;
    use tributary_protocol::time::Millis;

    use super::super::Journal;
    use super::*;

    #[test]
    fn what_is_no_file_is_not_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let told = Follower::open(dir.path(), &Mark::start()).map(|_| ()).expect_err("a folder");
        assert!(told.to_string().contains("it is no ordinary file"), "{told}");
    }

    /// Entries that are in the file and not durable yet are not shown, whole or not.
    #[test]
    fn a_growing_journal_is_read_once_each_and_no_further_than_allowed() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let (mut journal, _) = Journal::<u32>::open_view(&path, LedgerId([7; 32])).expect("opens");
        let mut follower = Follower::open(&path, &Mark::start()).expect("opens");
        let mut seen = Vec::new();
        let mut read = |until: u64, most: usize| {
            let mut left = most;
            let visited = follower.visit(until, |entry| {
                seen.push(entry.position);
                left -= 1;
                Ok(if left == 0 { Visit::Stops } else { Visit::Goes })
            });
            visited.expect("no damage");
            seen.len()
        };
        let end = |journal: &mut Journal<u32>| {
            journal.sync().expect("syncs");
            journal.durable()
        };
        assert_eq!(read(end(&mut journal).bytes, 9), 0);
        let mut ends = vec![end(&mut journal).bytes];
        for number in 0..10 {
            let before = journal.durable();
            journal.append(Millis(1), number).expect("appends");
            assert_eq!(journal.durable(), before, "it is not synced");
            ends.push(end(&mut journal).bytes);
        }
        assert_eq!(read(ends[0], 9), 0, "nothing was allowed");
        assert_eq!((read(ends[4], 3), read(ends[4], 9), read(ends[4], 9)), (3, 4, 4));
        journal.append(Millis(1), 10).expect("appends");
        assert_eq!((read(ends[10], 99), read(end(&mut journal).bytes, 99)), (10, 11));
        assert_eq!(seen, (0..11).collect::<Vec<_>>());
        let durable = journal.durable();
        assert_eq!((follower.reader().offset(), follower.reader().log().head()), (durable.bytes, journal.head()));
        assert_eq!(follower.reader().log().size(), durable.entries);
    }

    #[test]
    fn a_changed_record_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let (mut journal, _) = Journal::<u32>::open_view(&path, LedgerId([7; 32])).expect("opens");
        (0..3).try_for_each(|number| journal.append(Millis(1), number)).expect("appends");
        let mut bytes = std::fs::read(&path).expect("reads");
        let last = bytes.len() - 40;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
        let mut follower = Follower::open(&path, &Mark::start()).expect("opens");
        let fault = follower.visit(u64::MAX, |_| Ok(Visit::Goes)).expect_err("a changed record");
        assert!(matches!(fault, JournalError::Damaged { .. }), "{fault}");
    }
}

//! One durable, hash-chained file of events: the coordinator's ledger and the branch's budget file.
//!
//! Appended before an event is relied on, synced before it is answered for. An incomplete last record is cut off at opening, because it was
//! never relied on; a record that was changed is tampering, and the file is left as it is.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ledger::{Chain, LEDGER_HEADER, LedgerFaultKind, scan};
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::round::Recorded;
use tributary_protocol::time::Millis;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no.
    #[error("{path}: {fault}; nothing is done without this file", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        fault: std::io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another tributary process; stop that one first", path = .0.display())]
    Locked(PathBuf),
    /// The file was changed or damaged.
    #[error("{path}: {fault}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and with which entry.
        fault: String,
    },
}

/// An open journal of events `E`. One process has it at a time.
pub struct Journal<E> {
    path: PathBuf,
    file: File,
    chain: Chain,
    dirty: bool,
    events: PhantomData<fn(E)>,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or creates a journal and reads every event.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open(path: &Path) -> Result<(Self, Vec<Recorded<E>>), JournalError> {
        let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(io)?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        if file.try_lock().is_err() {
            return Err(JournalError::Locked(path.to_path_buf()));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let Parsed { events, good_length, chain } = parse(path, &bytes, true)?;
        if good_length == 0 {
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io)?;
            file.write_all(&LEDGER_HEADER).and_then(|()| file.sync_all()).map_err(io)?;
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
        } else {
            file.set_len(good_length as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
        }
        Ok((Self { path: path.to_path_buf(), file, chain, dirty: false, events: PhantomData }, events))
    }

    /// Appends an event.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the caller must end the process.
    pub fn append(&mut self, at: Millis, event: E) -> Result<(), JournalError> {
        let record = self.chain.append(&codec::encode(&Recorded { at, event }));
        self.dirty = true;
        self.file.write_all(&record).map_err(|fault| JournalError::Io { path: self.path.clone(), fault })
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the caller must end the process.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data().map_err(|fault| JournalError::Io { path: self.path.clone(), fault })?;
        }
        Ok(())
    }

    /// Digest over everything appended.
    #[must_use]
    pub fn head(&self) -> Digest {
        self.chain.head()
    }
}

/// Reads a journal without opening it for writing: for verification. An incomplete last record is a fault here as well.
///
/// # Errors
/// [`JournalError`] naming the first bad entry.
pub fn read<E: DeserializeOwned>(path: &Path) -> Result<Vec<Recorded<E>>, JournalError> {
    let bytes = std::fs::read(path).map_err(|fault| JournalError::Io { path: path.to_path_buf(), fault })?;
    parse(path, &bytes, false).map(|parsed| parsed.events)
}

struct Parsed<E> {
    events: Vec<Recorded<E>>,
    good_length: usize,
    chain: Chain,
}

fn parse<E: DeserializeOwned>(path: &Path, bytes: &[u8], allow_torn: bool) -> Result<Parsed<E>, JournalError> {
    let damaged = |fault: String| JournalError::Damaged { path: path.to_path_buf(), fault };
    let scanned = scan(bytes);
    if let Some(fault) = scanned.fault.filter(|fault| !allow_torn || fault.kind != LedgerFaultKind::TornTail) {
        return Err(damaged(fault.to_string()));
    }
    let mut events = Vec::with_capacity(scanned.entries.len());
    for entry in &scanned.entries {
        let recorded = codec::decode(entry.payload, LEDGER_ENTRY_BYTES_MAX)
            .map_err(|fault| damaged(format!("ledger entry {} at byte {}: {fault}", entry.sequence, entry.offset)))?;
        events.push(recorded);
    }
    Ok(Parsed { events, good_length: scanned.good_length, chain: scanned.chain })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(path: &Path, events: &[u32]) {
        let (mut journal, _) = Journal::<u32>::open(path).expect("opens");
        for event in events {
            journal.append(Millis(7), *event).expect("appends");
        }
        journal.sync().expect("syncs");
    }

    fn events(path: &Path) -> Vec<u32> {
        Journal::<u32>::open(path).expect("opens").1.into_iter().map(|recorded| recorded.event).collect()
    }

    #[test]
    fn what_was_appended_is_read_back_and_continued() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state/a.ledger");
        filled(&path, &[1, 2, 3]);
        filled(&path, &[4]);
        assert_eq!(events(&path), [1, 2, 3, 4]);
    }

    #[test]
    fn a_second_opener_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        let (_held, _) = Journal::<u32>::open(&path).expect("opens");
        assert!(matches!(Journal::<u32>::open(&path), Err(JournalError::Locked(_))));
    }

    /// What is left of a record that was being written is gone before the next one is written: after it, that one would be damage.
    #[test]
    fn what_is_appended_behind_a_torn_tail_stands_behind_the_last_whole_record() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        filled(&path, &[1, 2, 3]);
        let whole = std::fs::read(&path).expect("reads");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("writes");
            let mut kept = events(&path);
            filled(&path, &[9]);
            kept.push(9);
            assert_eq!(events(&path), kept, "cut at {length}");
            let read: Vec<u32> = read(&path).expect("no tail is left").iter().map(|recorded| recorded.event).collect();
            assert_eq!(read, kept, "cut at {length}");
        }
    }

    /// Bytes after a record that no record begins with are a torn one's; a whole record that contradicts the one before it is not.
    #[test]
    fn a_tail_is_torn_only_if_it_is_short() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        filled(&path, &[1]);
        let one = std::fs::read(&path).expect("reads");
        filled(&path, &[2]);
        let two = std::fs::read(&path).expect("reads");
        // The second record twice, and the first one again after it.
        for tail in [&two[one.len()..], &one[LEDGER_HEADER.len()..]] {
            let doubled = [two.as_slice(), tail].concat();
            std::fs::write(&path, &doubled).expect("writes");
            assert!(matches!(Journal::<u32>::open(&path), Err(JournalError::Damaged { .. })));
            assert_eq!(std::fs::read(&path).expect("reads"), doubled, "a damaged file is left as it is");
        }
        // What decodes as another event is damage as well.
        filled_with(&path.with_extension("other"), "words");
        assert!(matches!(Journal::<u32>::open(&path.with_extension("other")), Err(JournalError::Damaged { .. })));
    }

    fn filled_with(path: &Path, event: &str) {
        let (mut journal, _) = Journal::<String>::open(path).expect("opens");
        journal.append(Millis(7), event.to_owned()).expect("appends");
        journal.sync().expect("syncs");
    }

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_records_and_a_changed_byte_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        filled(&path, &[1, 2, 3]);
        let whole = std::fs::read(&path).expect("reads");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("writes");
            let kept = events(&path);
            assert!([1, 2, 3].starts_with(&kept) && kept.len() < 3, "cut at {length} left {kept:?}");
        }
        for index in 0..whole.len() {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            std::fs::write(&path, &changed).expect("writes");
            assert!(read::<u32>(&path).is_err(), "byte {index} changed unseen");
            assert_eq!(std::fs::read(&path).expect("reads"), changed, "a damaged file is left as it is");
        }
    }
}

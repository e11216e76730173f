//! One durable file of the events of one ledger, in the journal's layout ([`tributary_protocol::log`]): a run's, or a branch's budget.
//!
//! Appended before an event is relied on, synced before it is answered for. An incomplete last record is cut off at opening, because it was
//! never relied on, and whoever opened the file is told what was cut; a record that was changed is tampering, and the file is left as it is.
//!
//! On Unix the file has mode 0600 from its first byte, and a folder that is made for it 0700. Does **not** judge the mode, the owner or the kind
//! of a file that is there: whoever opens it has done that.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{AppendFault, Entries, LOG_HEADER, LedgerId, Log, LogFaultKind, scan};
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
    /// The end of the file is not a whole record. A process that writes to it now may have half of an entry there for a moment.
    #[error(
        "{path}: the last {bytes} bytes are an incomplete entry ({entry}), which was never relied on. A daemon that writes at this moment leaves \
         that for a moment, and a crash until the daemon's next start, which cuts it off and says so; try again after that",
        path = .0.path.display(), bytes = .0.bytes, entry = .0.entry
    )]
    Torn(TornTail),
    /// The file was changed or damaged.
    #[error("{path}: {fault}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and with which entry.
        fault: String,
    },
    /// The event is none that a journal takes.
    #[error("{path}: {fault}", path = path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: AppendFault,
    },
}

/// The end of a file that was not a whole record: an append that did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub path: PathBuf,
    /// How much there was of it.
    pub bytes: usize,
    /// The number that the entry would have had.
    pub entry: u64,
}

impl fmt::Display for TornTail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, bytes, entry } = self;
        write!(
            formatter,
            "{}: the last {bytes} bytes were an incomplete entry ({entry}) and were cut off. A crash, a power cut or a full disk leaves that; the entry \
             was never relied on, and every one before it is whole. Was there none of these, somebody cut the file: compare it with its newest \
             copy (`tributary verify ledger`)",
            path.display()
        )
    }
}

/// An open journal of events `E`. One process has it at a time.
pub struct Journal<E> {
    path: PathBuf,
    file: File,
    ledger: LedgerId,
    log: Log,
    torn: Option<TornTail>,
    dirty: bool,
    events: PhantomData<fn(E)>,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or creates the journal of a ledger and reads every event.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open(path: &Path, ledger: LedgerId) -> Result<(Self, Vec<Recorded<E>>), JournalError> {
        let (file, directory, bytes) = locked(path)?;
        let parsed = parse(path, Entries::of_ledger(&bytes, ledger))?;
        let (journal, mut events) = Self::continued((path, &directory), file, ledger, parsed)?;
        Ok((journal, events.remove(&ledger).unwrap_or_default()))
    }

    /// Opens or creates a journal of many ledgers, to append to one of them, and reads every event of each.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open_view(path: &Path, ledger: LedgerId) -> Result<(Self, Ledgers<E>), JournalError> {
        let (file, directory, bytes) = locked(path)?;
        let parsed = parse(path, Entries::new(&bytes))?;
        Self::continued((path, &directory), file, ledger, parsed)
    }

    fn continued(
        (path, directory): (&Path, &Path),
        mut file: File,
        ledger: LedgerId,
        parsed: Parsed<E>,
    ) -> Result<(Self, Ledgers<E>), JournalError> {
        let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
        let Parsed { events, good_length, log, torn } = parsed;
        if good_length == 0 {
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io)?;
            file.write_all(&LOG_HEADER).and_then(|()| file.sync_all()).map_err(io)?;
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
        } else {
            file.set_len(good_length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
            // The last process may have ended before it synced what is read here. Whoever reads it relies on it.
            file.sync_all().map_err(io)?;
        }
        Ok((Self { path: path.to_path_buf(), file, ledger, log, torn, dirty: false, events: PhantomData }, events))
    }

    /// What was cut off at opening, for the operator.
    #[must_use]
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// Appends an event to its own ledger.
    ///
    /// # Errors
    /// As [`Journal::append_to`].
    pub fn append(&mut self, at: Millis, event: E) -> Result<(), JournalError> {
        self.append_to(self.ledger, at, event)
    }

    /// Appends an event to one of its ledgers.
    ///
    /// # Errors
    /// [`JournalError::Io`], or [`JournalError::Refused`] for an event that is too long; the caller must end the process.
    pub fn append_to(&mut self, ledger: LedgerId, at: Millis, event: E) -> Result<(), JournalError> {
        let event = codec::encode(&Recorded { at, event });
        let record = self.log.append(ledger, self.log.next_sequence(&ledger), &event);
        let record = record.map_err(|fault| JournalError::Refused { path: self.path.clone(), fault })?;
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
        self.log.head()
    }
}

/// Reads a journal without opening it for writing: for verification. An incomplete last record is a fault here as well.
///
/// # Errors
/// [`JournalError`] naming the first bad entry.
pub fn read<E: DeserializeOwned>(path: &Path, ledger: LedgerId) -> Result<Vec<Recorded<E>>, JournalError> {
    match read_whole(path, ledger)? {
        (events, None) => Ok(events),
        (_, Some(torn)) => Err(JournalError::Torn(torn)),
    }
}

/// Reads every ledger of a journal of many.
///
/// # Errors
/// As [`read`].
pub fn read_ledgers<E: DeserializeOwned>(path: &Path) -> Result<Ledgers<E>, JournalError> {
    let bytes = read_bytes(path).map_err(|fault| JournalError::Io { path: path.to_path_buf(), fault })?;
    let Parsed { events, torn, .. } = parse(path, Entries::new(&bytes))?;
    match torn {
        None => Ok(events),
        Some(torn) => Err(JournalError::Torn(torn)),
    }
}

/// As [`read`], with the incomplete last record apart: what [`Journal::open`] would find, and cut off. The file is left as it is.
///
/// # Errors
/// [`JournalError`] naming the first bad entry.
pub fn read_whole<E: DeserializeOwned>(
    path: &Path,
    ledger: LedgerId,
) -> Result<(Vec<Recorded<E>>, Option<TornTail>), JournalError> {
    let bytes = read_bytes(path).map_err(|fault| JournalError::Io { path: path.to_path_buf(), fault })?;
    let mut parsed = parse(path, Entries::of_ledger(&bytes, ledger))?;
    Ok((parsed.events.remove(&ledger).unwrap_or_default(), parsed.torn))
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// A pipe would keep its reader waiting for ever.
fn is_ordinary(path: &Path) -> std::io::Result<()> {
    let what = "it is no ordinary file, and a pipe might never end";
    if std::fs::metadata(path)?.is_file() { Ok(()) } else { Err(std::io::Error::new(ErrorKind::InvalidInput, what)) }
}

fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    is_ordinary(path)?;
    std::fs::read(path)
}

/// The events of each ledger of a journal, in their order.
pub type Ledgers<E> = BTreeMap<LedgerId, Vec<Recorded<E>>>;

struct Parsed<E> {
    events: Ledgers<E>,
    good_length: u64,
    log: Log,
    torn: Option<TornTail>,
}

/// The file, which no other process has, its folder, and what stands in it.
fn locked(path: &Path) -> Result<(File, PathBuf, Vec<u8>), JournalError> {
    let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_folder(directory).map_err(io)?;
    if path.exists() {
        is_ordinary(path).map_err(io)?;
    }
    let mut file = private_file().open(path).map_err(io)?;
    if file.try_lock().is_err() {
        return Err(JournalError::Locked(path.to_path_buf()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(io)?;
    Ok((file, directory.to_path_buf(), bytes))
}

fn parse<E: DeserializeOwned>(path: &Path, file: Entries<'_>) -> Result<Parsed<E>, JournalError> {
    let damaged = |fault: String| JournalError::Damaged { path: path.to_path_buf(), fault };
    let length = file.length();
    let scanned = scan(file);
    let torn = match scanned.fault {
        Some(fault) if fault.kind == LogFaultKind::TornTail => Some(TornTail {
            path: path.to_path_buf(),
            bytes: length.saturating_sub(usize::try_from(scanned.good_length).unwrap_or(usize::MAX)),
            entry: fault.position,
        }),
        Some(fault) => return Err(damaged(fault.to_string())),
        None => None,
    };
    let mut events = Ledgers::<E>::new();
    for entry in &scanned.entries {
        let recorded = codec::decode(entry.event, LEDGER_ENTRY_BYTES_MAX)
            .map_err(|fault| damaged(format!("journal entry {} at byte {}: {fault}", entry.position, entry.offset)))?;
        events.entry(entry.ledger).or_default().push(recorded);
    }
    Ok(Parsed { events, good_length: scanned.good_length, log: scanned.log, torn })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: LedgerId = LedgerId([7; 32]);

    fn filled(path: &Path, events: &[u32]) {
        let (mut journal, _) = Journal::<u32>::open(path, LEDGER).expect("opens");
        for event in events {
            journal.append(Millis(7), *event).expect("appends");
        }
        journal.sync().expect("syncs");
    }

    fn events(path: &Path) -> Vec<u32> {
        Journal::<u32>::open(path, LEDGER).expect("opens").1.into_iter().map(|recorded| recorded.event).collect()
    }

    #[test]
    fn what_was_appended_is_read_back_and_continued() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state/a.ledger");
        filled(&path, &[1, 2, 3]);
        filled(&path, &[4]);
        assert_eq!(events(&path), [1, 2, 3, 4]);
    }

    /// The bytes that are cut are counted, by whoever opens the file and whoever only reads it, and told once.
    #[test]
    fn a_torn_tail_is_told_when_it_is_cut() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        filled(&path, &[1, 2]);
        let two = std::fs::read(&path).expect("reads").len();
        filled(&path, &[3]);
        let whole = std::fs::read(&path).expect("reads");
        for length in two + 1..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("writes");
            let torn = TornTail { path: path.clone(), bytes: length - two, entry: 2 };
            assert_eq!(read_whole::<u32>(&path, LEDGER).expect("reads").1.as_ref(), Some(&torn), "cut at {length}");
            assert!(matches!(read::<u32>(&path, LEDGER), Err(JournalError::Torn(told)) if told == torn));
            assert_eq!(std::fs::read(&path).expect("reads").len(), length, "reading changes nothing");
            let (journal, events) = Journal::<u32>::open(&path, LEDGER).expect("opens");
            assert_eq!((journal.torn(), events.len()), (Some(&torn), 2), "cut at {length}");
            assert!(torn.to_string().contains(&format!("the last {} bytes", length - two)), "{torn}");
            drop(journal);
            assert_eq!(Journal::<u32>::open(&path, LEDGER).expect("opens").0.torn(), None, "it is gone");
        }
        // A file without a byte has not begun, and no byte is cut off it.
        std::fs::write(&path, []).expect("writes");
        assert_eq!(Journal::<u32>::open(&path, LEDGER).expect("opens").0.torn(), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_its_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("above/state/a.ledger");
        filled(&path, &[1]);
        let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o7777;
        assert_eq!(mode(&path), 0o600);
        for folder in path.ancestors().skip(1).take(2) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }

    #[test]
    fn a_second_opener_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        let (_held, _) = Journal::<u32>::open(&path, LEDGER).expect("opens");
        assert!(matches!(Journal::<u32>::open(&path, LEDGER), Err(JournalError::Locked(_))));
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
            let read: Vec<u32> =
                read(&path, LEDGER).expect("no tail is left").iter().map(|recorded| recorded.event).collect();
            assert_eq!(read, kept, "cut at {length}");
        }
    }

    /// Somebody put another ledger's file in this one's place.
    #[test]
    fn another_ledger_s_file_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        filled(&path, &[1]);
        let Err(fault) = Journal::<u32>::open(&path, LedgerId([8; 32])) else { panic!("opened") };
        assert!(fault.to_string().contains("does not belong into this file"), "{fault}");
        assert!(read_whole::<u32>(&path, LedgerId::BUDGET).is_err());
    }

    /// Nothing of it is written, and the journal goes on.
    #[test]
    fn an_event_that_is_too_long_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        let (mut journal, _) = Journal::<String>::open(&path, LEDGER).expect("opens");
        let long = "x".repeat(LEDGER_ENTRY_BYTES_MAX);
        assert!(matches!(journal.append(Millis(7), long), Err(JournalError::Refused { .. })));
        journal.append(Millis(7), "short".to_owned()).expect("appends");
        drop(journal);
        let read = read::<String>(&path, LEDGER).expect("is whole");
        assert_eq!(read.iter().map(|recorded| recorded.event.as_str()).collect::<Vec<_>>(), ["short"]);
    }

    /// An older file is left as it is, and its version is named.
    #[test]
    fn a_file_of_an_older_release_is_refused_by_its_version() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.ledger");
        let older = b"TRIBLDGR\x01\0\0\0";
        std::fs::write(&path, older).expect("writes");
        let Err(fault) = Journal::<u32>::open(&path, LEDGER) else { panic!("opened") };
        assert!(fault.to_string().contains("version 1, which an older release wrote"), "{fault}");
        assert_eq!(std::fs::read(&path).expect("reads"), older);
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
        for tail in [&two[one.len()..], &one[LOG_HEADER.len()..]] {
            let doubled = [two.as_slice(), tail].concat();
            std::fs::write(&path, &doubled).expect("writes");
            assert!(matches!(Journal::<u32>::open(&path, LEDGER), Err(JournalError::Damaged { .. })));
            assert_eq!(std::fs::read(&path).expect("reads"), doubled, "a damaged file is left as it is");
        }
        // What decodes as another event is damage as well.
        filled_with(&path.with_extension("other"), "words");
        assert!(matches!(
            Journal::<u32>::open(&path.with_extension("other"), LEDGER),
            Err(JournalError::Damaged { .. })
        ));
    }

    fn filled_with(path: &Path, event: &str) {
        let (mut journal, _) = Journal::<String>::open(path, LEDGER).expect("opens");
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
            assert!(read::<u32>(&path, LEDGER).is_err(), "byte {index} changed unseen");
            assert_eq!(std::fs::read(&path).expect("reads"), changed, "a damaged file is left as it is");
        }
    }
}

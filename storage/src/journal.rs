//! One durable file of events, of one ledger or of several, in the journal's layout ([`tributary_protocol::log`]): a coordinator's, or a branch's budget.
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
use tributary_protocol::log::{AppendFault, Entries, LOG_HEADER, LedgerId, Log, LogFaultKind, LogReader, Step, scan};
use tributary_protocol::round::Recorded;
use tributary_protocol::time::Millis;

use crate::files::is_full;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no.
    #[error("{path}: {fault}; nothing is done without this file. {cure}", path = path.display(), cure = cure(fault))]
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

impl JournalError {
    /// Whether the file could not grow, because its disk or its owner's share of it is full.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { fault, .. } if is_full(fault))
    }
}

fn cure(fault: &std::io::Error) -> &'static str {
    if is_full(fault) {
        "Make room on its disk, and start the daemon again: what was recorded stays"
    } else {
        "See that the disk and the folder are there and may be used, and start the daemon again: what was recorded stays"
    }
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

/// So much of a file is read at once.
const WINDOW_BYTES: usize = 1 << 18;

/// An open journal of events `E`. One process has it at a time.
pub struct Journal<E> {
    path: PathBuf,
    file: File,
    ledger: LedgerId,
    log: Log,
    torn: Option<TornTail>,
    dirty: bool,
    /// Encoded events of the federation's own ledger, in a journal of many, until they are asked for.
    administration: Vec<Vec<u8>>,
    events: PhantomData<fn(E)>,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or creates the journal of a ledger and reads every event.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open(path: &Path, ledger: LedgerId) -> Result<(Self, Vec<Recorded<E>>), JournalError> {
        let (file, directory, bytes) = locked(path)?;
        let parsed = parse(path, Entries::of_ledger(&bytes, ledger), Whole::One)?;
        let (journal, mut events) = Self::continued((path, &directory), file, ledger, parsed)?;
        Ok((journal, events.remove(&ledger).unwrap_or_default()))
    }

    /// Opens or creates a journal of many ledgers, to append to one of them, and reads every event of each. Those of the federation's own ledger are
    /// of another kind: [`Journal::administration`] hands them over.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open_view(path: &Path, ledger: LedgerId) -> Result<(Self, Ledgers<E>), JournalError> {
        let (file, directory, bytes) = locked(path)?;
        let parsed = parse(path, Entries::new(&bytes), Whole::Many)?;
        Self::continued((path, &directory), file, ledger, parsed)
    }

    fn continued(
        (path, directory): (&Path, &Path),
        mut file: File,
        ledger: LedgerId,
        parsed: Parsed<E>,
    ) -> Result<(Self, Ledgers<E>), JournalError> {
        let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
        let Parsed { events, administration, good_length, log, torn } = parsed;
        if good_length == 0 {
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io)?;
            file.write_all(&LOG_HEADER).and_then(|()| file.sync_all()).map_err(io)?;
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
        } else {
            file.set_len(good_length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
            // The last process may have ended before it synced what is read here. Whoever reads it relies on it.
            file.sync_all().map_err(io)?;
        }
        let path = path.to_path_buf();
        Ok((Self { path, file, ledger, log, torn, dirty: false, administration, events: PhantomData }, events))
    }

    /// What was cut off at opening, for the operator.
    #[must_use]
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// The events of the federation's own ledger, as they stood when the journal of many was opened; once.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] if one is no event of this kind.
    pub fn administration<A: DeserializeOwned>(&mut self) -> Result<Vec<Recorded<A>>, JournalError> {
        let events = std::mem::take(&mut self.administration);
        (0..).zip(&events).map(|(entry, event)| decoded(&self.path, (entry, event.as_slice()))).collect()
    }

    /// Appends an event to its own ledger.
    ///
    /// # Errors
    /// As [`Journal::append_to`].
    pub fn append(&mut self, at: Millis, event: E) -> Result<(), JournalError> {
        self.append_to(self.ledger, at, event)
    }

    /// Appends an event to one of its ledgers, of that ledger's kind.
    ///
    /// # Errors
    /// [`JournalError::Io`], or [`JournalError::Refused`] for an event that is too long; the caller must end the process.
    pub fn append_to<A: Serialize>(&mut self, ledger: LedgerId, at: Millis, event: A) -> Result<(), JournalError> {
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

/// Reads every ledger of a journal of many, but the federation's own: [`read_view`].
///
/// # Errors
/// As [`read`].
pub fn read_ledgers<E: DeserializeOwned>(path: &Path) -> Result<Ledgers<E>, JournalError> {
    let bytes = read_bytes(path).map_err(|fault| JournalError::Io { path: path.to_path_buf(), fault })?;
    let Parsed { events, torn, .. } = parse(path, Entries::new(&bytes), Whole::Many)?;
    match torn {
        None => Ok(events),
        Some(torn) => Err(JournalError::Torn(torn)),
    }
}

/// Reads one ledger of a journal of many, beside a daemon that may be writing to it: an incomplete last record is left out, and a file that is not there
/// has no entry.
///
/// # Errors
/// [`JournalError`] naming the first bad entry.
pub fn read_view<E: DeserializeOwned>(path: &Path, ledger: LedgerId) -> Result<Vec<Recorded<E>>, JournalError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
    is_ordinary(path).map_err(io)?;
    let mut file = File::open(path).map_err(io)?;
    let (mut reader, mut window, mut start) = (LogReader::new(), Vec::new(), 0);
    let (mut own, mut last) = (Vec::new(), false);
    loop {
        let used = usize::try_from(reader.offset().saturating_sub(start)).unwrap_or(usize::MAX);
        match reader.step(window.get(used..).unwrap_or_default(), last) {
            Step::Entry(entry) if entry.ledger == ledger => own.push(decoded(path, (entry.sequence, entry.event))?),
            Step::Entry(_) => {}
            Step::More(bytes) => {
                // What was read is let go of: a journal of years is read in the memory of an entry.
                window.drain(..used.min(window.len()));
                start = reader.offset();
                let wanted = bytes.max(WINDOW_BYTES).saturating_sub(window.len());
                let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
                last = (&mut file).take(wanted).read_to_end(&mut window).map_err(io)? == 0;
            }
            Step::Fault(fault) if fault.kind != LogFaultKind::TornTail => {
                return Err(JournalError::Damaged { path: path.to_path_buf(), fault: fault.to_string() });
            }
            Step::End | Step::Fault(_) => return Ok(own),
        }
    }
}

fn decoded<E: DeserializeOwned>(path: &Path, (entry, event): (u64, &[u8])) -> Result<Recorded<E>, JournalError> {
    codec::decode(event, LEDGER_ENTRY_BYTES_MAX).map_err(|fault| JournalError::Damaged {
        path: path.to_path_buf(),
        fault: format!("entry {entry} of its ledger: {fault}"),
    })
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
    let mut parsed = parse(path, Entries::of_ledger(&bytes, ledger), Whole::One)?;
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
    administration: Vec<Vec<u8>>,
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

/// Whether a file has one ledger, or many. In one of many the federation's own has events of another kind.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    One,
    Many,
}

fn parse<E: DeserializeOwned>(path: &Path, file: Entries<'_>, whole: Whole) -> Result<Parsed<E>, JournalError> {
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
    let (mut events, mut administration) = (Ledgers::<E>::new(), Vec::new());
    for entry in &scanned.entries {
        if whole == Whole::Many && entry.ledger == LedgerId::ADMINISTRATION {
            administration.push(entry.event.to_vec());
            continue;
        }
        let recorded = codec::decode(entry.event, LEDGER_ENTRY_BYTES_MAX)
            .map_err(|fault| damaged(format!("journal entry {} at byte {}: {fault}", entry.position, entry.offset)))?;
        events.entry(entry.ledger).or_default().push(recorded);
    }
    Ok(Parsed { events, administration, good_length: scanned.good_length, log: scanned.log, torn })
}

#[cfg(test)]
mod tests;

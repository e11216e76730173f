//! One durable file of events, of one ledger or of several, in the journal's layout ([`tributary_protocol::log`]): a coordinator's, or a branch's budget.
//!
//! Appended before an event is relied on, synced before it is answered for. An incomplete last record is cut off at opening, because it was
//! never relied on, and whoever opened the file is told what was cut; a record that was changed is tampering, and the file is left as it is.
//!
//! On Unix the file has mode 0600 from its first byte, and a folder that is made for it 0700. Does **not** judge the mode, the owner or the kind
//! of a file that is there: whoever opens it has done that.

mod error;
mod follow;
mod front;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{
    Entries, LOG_HEADER, LOG_HEADER_BYTES, LedgerId, Log, LogEntry, LogFaultKind, Mark, Place, scan,
};
use tributary_protocol::round::Recorded;
use tributary_protocol::time::Millis;

pub use self::error::{JournalError, TornTail};
use self::follow::is_ordinary;
pub use self::follow::{Follower, Visit};
pub use self::front::{Front, Seen, check_front};
use self::front::{own_entries, walk};
use crate::files::folder_of;
use crate::medium::{make_private_folder, sync, sync_data};

/// An open journal of events `E`. One process has it at a time.
pub struct Journal<E> {
    path: PathBuf,
    file: File,
    ledger: LedgerId,
    log: Log,
    /// Bytes of the file.
    length: u64,
    durable: Durable,
    torn: Option<TornTail>,
    dirty: bool,
    /// A write or a sync went wrong.
    failed: bool,
    /// Encoded events of the federation's own ledger, in a journal of many, until they are asked for.
    administration: Vec<Vec<u8>>,
    /// Where the entries of that ledger stand.
    places: Vec<Place>,
    /// In a journal of many: leaves of the entries that were read or appended, until they are asked for.
    leaves: Option<Vec<Digest>>,
    events: PhantomData<fn(E)>,
}

/// How much of a journal is on the disk for sure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    /// From the start of the file.
    pub bytes: u64,
    /// From the first one.
    pub entries: u64,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or creates the journal of a ledger and reads every event.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open(path: &Path, ledger: LedgerId) -> Result<(Self, Vec<Recorded<E>>), JournalError> {
        let (mut file, directory) = locked(path)?;
        let bytes = rest_of(path, &mut file, 0)?;
        let parsed = parse(path, Entries::of_ledger(&bytes, ledger), Whole::One, &none)?;
        let (journal, mut events) = Self::continued((path, &directory), file, ledger, parsed)?;
        Ok((journal, events.remove(&ledger).unwrap_or_default()))
    }

    /// Opens or creates a journal of many ledgers, to append to one of them, and reads every event of each. Those of the federation's own ledger are
    /// of another kind: [`Journal::administration`] hands them over.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open_view(path: &Path, ledger: LedgerId) -> Result<(Self, Ledgers<E>), JournalError> {
        let (mut file, directory) = locked(path)?;
        let bytes = rest_of(path, &mut file, 0)?;
        let parsed = parse(path, Entries::new(&bytes), Whole::Many, &none)?;
        Self::continued((path, &directory), file, ledger, parsed)
    }

    /// As [`Journal::open_view`], but of the front nothing is read again besides the federation's own entries: the ledgers are those of the entries after
    /// it, without those that are `known`. Nothing if the file is not the one that the front is of. [`check_front`] reads all of it.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged file is left as it is.
    pub fn open_after(
        path: &Path,
        ledger: LedgerId,
        (front, known): (&Front, &dyn Fn(&LedgerId) -> bool),
    ) -> Result<Option<(Self, Ledgers<E>)>, JournalError> {
        let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
        let (mut file, directory) = locked(path)?;
        let Some(earlier) = own_entries(&mut file, front).map_err(io)? else { return Ok(None) };
        let bytes = rest_of(path, &mut file, front.mark.offset())?;
        let mut parsed = parse(path, Entries::after(&front.mark, &bytes), Whole::Many, known)?;
        parsed.administration.splice(..0, earlier);
        parsed.places.splice(..0, front.administration.iter().copied());
        Self::continued((path, &directory), file, ledger, parsed).map(Some)
    }

    fn continued(
        (path, directory): (&Path, &Path),
        mut file: File,
        ledger: LedgerId,
        parsed: Parsed<E>,
    ) -> Result<(Self, Ledgers<E>), JournalError> {
        let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
        let Parsed { events, administration, places, leaves, good_length, log, torn } = parsed;
        if good_length == 0 {
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io)?;
            file.write_all(&LOG_HEADER).map_err(io)?;
        } else {
            file.set_len(good_length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
        }
        // The last process may have ended before it synced what is read here. Whoever reads it relies on it.
        sync(&file).map_err(io)?;
        // The same for the file's name, which somebody may have given it just before.
        File::open(directory).and_then(|directory| sync(&directory)).map_err(io)?;
        let (path, length) = (path.to_path_buf(), good_length.max(LOG_HEADER_BYTES as u64));
        let events_are = PhantomData;
        let (dirty, failed, durable) = (false, false, Durable { bytes: length, entries: log.size() });
        let own = Self {
            path,
            file,
            ledger,
            log,
            length,
            durable,
            torn,
            dirty,
            failed,
            administration,
            places,
            leaves,
            events: events_are,
        };
        Ok((own, events))
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

    /// The leaves of the entries that were read at opening, or appended since, in their order; each once. A journal of one ledger has none.
    pub fn take_leaves(&mut self) -> Vec<Digest> {
        self.leaves.as_mut().map(std::mem::take).unwrap_or_default()
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
    /// [`JournalError::Io`], or [`JournalError::Refused`] for an event that is too long; the caller must end the process. After a fault of the file,
    /// [`JournalError::Failed`]: a record after half of another one would be lost, and what is before it with it.
    pub fn append_to<A: Serialize>(&mut self, ledger: LedgerId, at: Millis, event: A) -> Result<(), JournalError> {
        self.is_whole()?;
        let event = codec::encode(&Recorded { at, event });
        let record = self.log.append_leaf(ledger, self.log.next_sequence(&ledger), &event);
        let (record, leaf) = record.map_err(|fault| JournalError::Refused { path: self.path.clone(), fault })?;
        self.leaves.iter_mut().for_each(|leaves| leaves.push(leaf));
        if ledger == LedgerId::ADMINISTRATION {
            self.places.extend(Place::of_record(self.length, &record));
        }
        self.length = self.length.saturating_add(record.len() as u64);
        self.dirty = true;
        let written = self.file.write_all(&record);
        self.went(written)
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the caller must end the process. After it [`JournalError::Failed`]: a system may answer a second sync with success though
    /// what the first one could not write is lost.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.is_whole()?;
        if std::mem::take(&mut self.dirty) {
            let synced = sync_data(&self.file);
            self.went(synced)?;
            self.durable = Durable { bytes: self.length, entries: self.log.size() };
        }
        Ok(())
    }

    fn is_whole(&self) -> Result<(), JournalError> {
        if self.failed { Err(JournalError::Failed(self.path.clone())) } else { Ok(()) }
    }

    /// Remembers a fault of the file. What is not durable goes, since nobody relied on it: the next process would read it from the system's memory, and a
    /// second sync may go well though the disk does not have it.
    fn went(&mut self, done: std::io::Result<()>) -> Result<(), JournalError> {
        if done.is_err() {
            self.failed = true;
            // A disk that does not even do this has the entries, or it has them not.
            let _ = self.file.set_len(self.durable.bytes);
        }
        done.map_err(|fault| JournalError::Io { path: self.path.clone(), fault })
    }

    /// How much of it is durable.
    #[must_use]
    pub fn durable(&self) -> Durable {
        self.durable
    }

    /// Where it ends now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark::at_end(&self.log, self.length)
    }

    /// The front that ends at a place of this journal, as the journal stands.
    #[must_use]
    pub fn front(&self, mark: &Mark) -> Front {
        let before = self.places.iter().take_while(|place| place.position < mark.log().size());
        let seen = Seen { offset: self.length, head: self.log.head() };
        Front { mark: mark.clone(), seen, administration: before.copied().collect() }
    }

    /// How many entries a ledger has.
    #[must_use]
    pub fn entries_of(&self, ledger: &LedgerId) -> u64 {
        self.log.next_sequence(ledger)
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
    let Parsed { events, torn, .. } = parse(path, Entries::new(&bytes), Whole::Many, &none)?;
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
    read_view_after(path, ledger, &Mark::start())
}

/// As [`read_view`], of the entries after a place: what stands before it is not read.
///
/// # Errors
/// As [`read_view`].
pub fn read_view_after<E: DeserializeOwned>(
    path: &Path,
    ledger: LedgerId,
    mark: &Mark,
) -> Result<Vec<Recorded<E>>, JournalError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut own = Vec::new();
    walk(path, mark, u64::MAX, |entry| {
        if entry.ledger == ledger {
            own.push(decoded(path, (entry.sequence, entry.event))?);
        }
        Ok(())
    })?;
    Ok(own)
}

/// Visits each entry of a journal of many, beside a daemon that may be writing to it, in a window that moves over the file; gives where it came to. An
/// incomplete last record ends the file.
///
/// # Errors
/// [`JournalError`] naming the first bad entry, or the visitor's.
pub fn visit(path: &Path, each: impl FnMut(LogEntry<'_>) -> Result<(), JournalError>) -> Result<Mark, JournalError> {
    Ok(walk(path, &Mark::start(), u64::MAX, each)?.mark())
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
    let mut parsed = parse(path, Entries::of_ledger(&bytes, ledger), Whole::One, &none)?;
    Ok((parsed.events.remove(&ledger).unwrap_or_default(), parsed.torn))
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

fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    is_ordinary(path)?;
    std::fs::read(path)
}

/// The events of each ledger of a journal, in their order.
pub type Ledgers<E> = BTreeMap<LedgerId, Vec<Recorded<E>>>;

struct Parsed<E> {
    events: Ledgers<E>,
    administration: Vec<Vec<u8>>,
    places: Vec<Place>,
    leaves: Option<Vec<Digest>>,
    good_length: u64,
    log: Log,
    torn: Option<TornTail>,
}

/// The file, which no other process has, and its folder.
fn locked(path: &Path) -> Result<(File, PathBuf), JournalError> {
    let io = |fault| JournalError::Io { path: path.to_path_buf(), fault };
    let directory = folder_of(path);
    make_private_folder(directory).map_err(io)?;
    if path.exists() {
        is_ordinary(path).map_err(io)?;
    }
    let file = private_file().open(path).map_err(io)?;
    if file.try_lock().is_err() {
        return Err(JournalError::Locked(path.to_path_buf()));
    }
    Ok((file, directory.to_path_buf()))
}

/// What stands in the file from this byte on.
fn rest_of(path: &Path, file: &mut File, offset: u64) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|fault| JournalError::Io { path: path.to_path_buf(), fault })
}

/// Whether a file has one ledger, or many. In one of many the federation's own has events of another kind.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    One,
    Many,
}

/// No ledger is known.
fn none(_: &LedgerId) -> bool {
    false
}

fn parse<E: DeserializeOwned>(
    path: &Path,
    file: Entries<'_>,
    whole: Whole,
    known: &dyn Fn(&LedgerId) -> bool,
) -> Result<Parsed<E>, JournalError> {
    let damaged = |fault: String| JournalError::Damaged { path: path.to_path_buf(), fault };
    let length = file.length();
    let scanned = scan(file);
    let torn = match scanned.fault {
        Some(fault) if fault.kind == LogFaultKind::TornTail => Some(TornTail {
            path: path.to_path_buf(),
            bytes: usize::try_from(length.saturating_sub(scanned.good_length)).unwrap_or(usize::MAX),
            entry: fault.position,
        }),
        Some(fault) => return Err(damaged(fault.to_string())),
        None => None,
    };
    let leaves = (whole == Whole::Many).then(|| scanned.entries.iter().map(|entry| entry.leaf).collect());
    let (mut events, mut administration, mut places) = (Ledgers::<E>::new(), Vec::new(), Vec::new());
    for entry in &scanned.entries {
        if whole == Whole::Many && entry.ledger == LedgerId::ADMINISTRATION {
            administration.push(entry.event.to_vec());
            places.push(entry.place());
            continue;
        }
        if known(&entry.ledger) {
            continue;
        }
        let recorded = codec::decode(entry.event, LEDGER_ENTRY_BYTES_MAX)
            .map_err(|fault| damaged(format!("journal entry {} at byte {}: {fault}", entry.position, entry.offset)))?;
        events.entry(entry.ledger).or_default().push(recorded);
    }
    Ok(Parsed { events, administration, places, leaves, good_length: scanned.good_length, log: scanned.log, torn })
}

#[cfg(test)]
mod tests;

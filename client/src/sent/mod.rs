//! What left this branch: one line for each message to the coordinator, each over the line before it.
//!
//! ```text
//! STATE/sent-000001.log, sent-000002.log, ..   files that are full
//! STATE/sent.log = {"title":"tributary sent 2","begun":..,"file":3,"to":"..","messages":..,"before":..,"chain":..}
//!                  {"number":1,"at":..,"run":..,"round":..,"kind":"masked","bytes":..,"masked":true,"noised":true,"digest":..,"chain":..}
//! chain          = SHA-256("tributary/sent/2" | the chain of the line before | the line up to its chain), the first after 32 zeros
//! ```
//!
//! The chain goes on over the files: the first line of each has the end of the one before. A start reads the last file alone.
//!
//! A line is written before its message is queued, so that a process that is killed has sent nothing beside it. Where a line cannot be written its message
//! is not queued, and the process ends. The file is not synced: after a power cut the last lines may be missing. Bytes that the link sends
//! again after a cut are one message. Not in it: the link's own greetings and signs of life, renewals of the certificate, and notices.

mod line;
mod names;
mod read;
#[cfg(test)]
mod tests;
mod uploads;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_storage::files::sync_file;
use tributary_storage::journal::JournalError;

pub use self::line::{Entry, Kind, Title};
pub(crate) use self::line::{Leaving, round_of};
use self::line::{Start, print, title};
pub use self::names::FILE;
use self::names::name_of;
pub use self::read::{Fault, Sent, Unreadable, read};
use self::read::{last_older, read_file};
pub use self::uploads::has_uploads;
pub(crate) use self::uploads::masked;
use crate::error::ClientError;

/// Bytes after which a file is full: some forty thousand messages.
const FILE_BYTES: u64 = 16 << 20;

/// What left, open at its end.
pub(crate) struct SentLog {
    folder: PathBuf,
    to: String,
    /// Nothing after a fault: half a line may stand at its end, which the next start cuts off.
    file: Option<File>,
    /// The number of the file.
    number: u32,
    messages: u64,
    chain: Digest,
    length: u64,
    /// Bytes after which the next file begins.
    full: u64,
}

impl SentLog {
    /// Opens the last file, or begins one at this Unix second, of messages to a coordinator of this name. An incomplete last line is cut off.
    ///
    /// # Errors
    /// If it cannot be used, or if a line in it was changed: then the file is left as it is.
    pub(crate) fn open(state_dir: &Path, to: &str, now: u64) -> Result<Self, ClientError> {
        Self::open_of(state_dir, to, now, FILE_BYTES)
    }

    /// One whose disk is full from here on: the device whose every write says so.
    #[cfg(test)]
    pub(crate) fn full(state_dir: &Path, to: &str) -> Self {
        let log = Self::open(state_dir, to, 1_700_000_000).expect("a file");
        Self { file: OpenOptions::new().write(true).open("/dev/full").ok(), ..log }
    }

    /// The same with files of so many bytes.
    fn open_of(state_dir: &Path, to: &str, now: u64, full: u64) -> Result<Self, ClientError> {
        let path = state_dir.join(FILE);
        let io = |fault: std::io::Error| ClientError::File(format!("{}: {fault}", path.display()));
        let last = |path: &Path| read_file(path, None, |_, _| {}).map_err(|fault| unusable(path, &fault));
        let found = path.exists().then(|| last(&path)).transpose()?;
        let own = |(file, number, (end, length)): (File, u32, (Start, u64))| Self {
            folder: state_dir.to_path_buf(),
            to: to.to_owned(),
            file: Some(file),
            number,
            messages: end.messages,
            chain: end.before,
            length,
            full,
        };
        if let Some((title, part)) = found.and_then(|mut part| Some((part.title.take()?, part))) {
            if let Some(torn) = part.torn {
                tracing::warn!(file = %path.display(), bytes = torn, "an incomplete last line was cut off");
            }
            let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(io)?;
            file.set_len(part.length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
            let mut log = own((file, title.file, (part.end, part.length)));
            if title.to != to || part.length >= full {
                log.next_file(now).map_err(io)?;
            }
            return Ok(log);
        }
        // There is none, or a process ended while it began it.
        let start = match last_older(state_dir) {
            0 => Start::FIRST,
            older => last(&state_dir.join(name_of(older)))?.end,
        };
        let (file, chain, length) = begun(&path, now, to, start).map_err(io)?;
        let end = Start { before: chain, ..start };
        Ok(own((file, start.file, (end, length))))
    }

    /// Notes a message that is about to leave, at this Unix millisecond.
    ///
    /// # Errors
    /// If the line cannot be written, or one before it could not: the message must not leave, and the process must end.
    pub(crate) fn note(&mut self, now: u64, leaving: &Leaving<'_>) -> Result<(), JournalError> {
        if self.length >= self.full
            && let Err(fault) = self.next_file(now / 1_000)
        {
            // The file goes on, and the next one is tried once as much again is in it.
            self.full = self.length.saturating_add(FILE_BYTES);
            tracing::error!(folder = %self.folder.display(), %fault, "what leaves this branch could not be noted in a new file; the old one goes on");
        }
        let number = self.messages.saturating_add(1);
        let (line, chain) = print(number, now, leaving, &self.chain);
        let written = match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => Err(std::io::Error::other("a line before this one could not be written")),
        };
        match written {
            Ok(()) => {
                (self.messages, self.chain) = (number, chain);
                self.length = self.length.saturating_add(line.len() as u64);
                Ok(())
            }
            Err(fault) => {
                self.file = None;
                Err(JournalError::Io { path: self.folder.join(FILE), fault })
            }
        }
    }

    /// The file gets a name of its own, and the next one begins with the end of its chain.
    fn next_file(&mut self, now: u64) -> std::io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let (path, older) = (self.folder.join(FILE), self.folder.join(name_of(self.number)));
        if older.exists() {
            return Err(std::io::Error::other(format!("{} is there already", older.display())));
        }
        sync_file(file)?;
        fs::rename(&path, &older)?;
        let start = Start { file: self.number.saturating_add(1), messages: self.messages, before: self.chain };
        match begun(&path, now, &self.to, start) {
            Ok((file, chain, length)) => {
                (self.file, self.number, self.chain, self.length) = (Some(file), start.file, chain, length);
                Ok(())
            }
            Err(fault) => {
                // Nothing is lost: the file that is open has its old name again.
                fs::rename(&older, &path)?;
                Err(fault)
            }
        }
    }
}

/// Begins a file; the chain after its first line, and the bytes of it.
fn begun(path: &Path, now: u64, to: &str, start: Start) -> std::io::Result<(File, Digest, u64)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    let (line, chain) = title(now, to, start);
    file.write_all(line.as_bytes())?;
    Ok((file, chain, line.len() as u64))
}

fn unusable(path: &Path, fault: &Fault) -> ClientError {
    ClientError::File(format!(
        "{}: {fault}. Keep the files `sent*.log` as evidence elsewhere and take them away from here; this branch then begins a new one",
        path.display()
    ))
}

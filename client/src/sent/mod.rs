//! What left this branch: one line for each message to the coordinator, each over the line before it.
//!
//! ```text
//! STATE/sent.log = {"title":"tributary sent 1","begun":..,"chain":..}
//!                  {"number":1,"at":..,"run":..,"round":..,"kind":"masked","bytes":..,"masked":true,"noised":true,"digest":..,"chain":..}
//! chain          = SHA-256("tributary/sent/1" | the chain of the line before | the line up to its chain), the first after 32 zeros
//! ```
//!
//! A line is written before its message is queued, so that a process that is killed has sent nothing beside it. It is not synced: after a power cut the last
//! lines may be missing. Bytes that the link sends again after a cut are one message. Not in it: the link's own greetings and signs of life, renewals of the
//! certificate, and notices.

mod line;
mod read;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;

pub use self::line::{Entry, Kind};
pub(crate) use self::line::{Leaving, round_of};
use self::line::{print, title};
pub use self::read::{Fault, Sent, read};
use crate::error::ClientError;

/// The file in the state folder.
pub const FILE: &str = "sent.log";

/// The file of what left, open at its end.
pub(crate) struct SentLog {
    path: PathBuf,
    /// Nothing after a fault, which was told.
    file: Option<File>,
    number: u64,
    chain: Digest,
}

impl SentLog {
    /// Opens the file, or begins it at this Unix second. An incomplete last line is cut off.
    ///
    /// # Errors
    /// If it cannot be used, or if a line in it was changed: then the file is left as it is.
    pub(crate) fn open(state_dir: &Path, now: u64) -> Result<Self, ClientError> {
        let path = state_dir.join(FILE);
        let io = |fault: std::io::Error| ClientError::File(format!("{}: {fault}", path.display()));
        let found =
            if path.exists() { Some(read(&path, |_| {}).map_err(|fault| unusable(&path, &fault))?) } else { None };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&path).map_err(io)?;
        let (number, chain) = match found.filter(|found| found.length > 0) {
            Some(found) => {
                if let Some(torn) = found.torn {
                    tracing::warn!(file = %path.display(), bytes = torn, "an incomplete last line was cut off");
                }
                file.set_len(found.length).map_err(io)?;
                (found.lines, found.chain)
            }
            None => {
                let (line, chain) = title(now);
                file.set_len(0).and_then(|()| file.write_all(line.as_bytes())).map_err(io)?;
                (0, chain)
            }
        };
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(Self { path, file: Some(file), number, chain })
    }

    /// Notes a message, at this Unix millisecond.
    pub(crate) fn note(&mut self, now: u64, leaving: &Leaving<'_>) {
        let Some(file) = &mut self.file else { return };
        let number = self.number.saturating_add(1);
        let (line, chain) = print(number, now, leaving, &self.chain);
        match file.write_all(line.as_bytes()) {
            Ok(()) => (self.number, self.chain) = (number, chain),
            Err(fault) => {
                tracing::error!(
                    file = %self.path.display(), %fault,
                    "what leaves this branch cannot be noted any more; rounds go on. Make room, and start the daemon anew"
                );
                self.file = None;
            }
        }
    }
}

fn unusable(path: &Path, fault: &Fault) -> ClientError {
    ClientError::File(format!(
        "{}: {fault}. Keep the file as evidence elsewhere and take it away from here; this branch then begins a new one",
        path.display()
    ))
}

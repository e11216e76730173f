//! Reads the file and checks its chain.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use tributary_protocol::digest::Digest;

use super::line::{Entry, TITLE, Title, chained, split};

/// The longest line, in bytes: all that it holds is bounded.
const LINE_BYTES_MAX: u64 = 1_024;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Messages.
    pub lines: u64,
    /// Bytes of the whole lines.
    pub length: u64,
    /// The chain after the last one.
    pub chain: Digest,
    /// Bytes of an incomplete last line, which a crash leaves.
    pub torn: Option<u64>,
}

/// Why a file is not what a daemon wrote.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Its first line is another one.
    #[error("it does not begin as a file of what was sent; it is another file, or it was changed")]
    Title,
    /// A line does not follow from the one before.
    #[error("line {line} does not follow from the one before it: it was changed, left out, put in or moved")]
    Chain {
        /// From 1, the title counted.
        line: u64,
    },
}

/// Reads a file line by line, in the memory of one, and hands each message over.
///
/// # Errors
/// [`Fault`], after the messages before it.
pub fn read(path: &Path, mut each: impl FnMut(&Entry)) -> Result<Sent, Fault> {
    tributary_storage::files::open_file(path).map_err(|fault| std::io::Error::other(fault.to_string()))?;
    let mut file = BufReader::new(File::open(path)?);
    let mut sent = Sent { lines: 0, length: 0, chain: Digest::ZERO, torn: None };
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let bytes = (&mut file).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? as u64;
        if bytes == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && bytes < LINE_BYTES_MAX {
            sent.torn = Some(bytes);
            break;
        }
        let fault = || if number == 1 { Fault::Title } else { Fault::Chain { line: number } };
        let text = std::str::from_utf8(&line).map_err(|_| fault())?;
        let (front, chain) = split(text).ok_or_else(fault)?;
        if chained(front, &sent.chain) != chain {
            return Err(fault());
        }
        if number == 1 {
            let title: Title = serde_json::from_str(text).map_err(|_| fault())?;
            if title.title != TITLE {
                return Err(fault());
            }
        } else {
            let entry: Entry = serde_json::from_str(text).map_err(|_| fault())?;
            if Some(entry.number) != sent.lines.checked_add(1) {
                return Err(fault());
            }
            sent.lines = entry.number;
            each(&entry);
        }
        (sent.chain, sent.length) = (chain, sent.length.saturating_add(bytes));
    }
    Ok(sent)
}

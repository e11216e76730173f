//! Reads the files and checks their chain.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;

use super::line::{Entry, Start, TITLE, Title, chained, split};
use super::names::{FILE, name_of, number_of};

/// The longest line, in bytes: all that it holds is bounded.
const LINE_BYTES_MAX: u64 = 2_048;

/// What all files hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Messages.
    pub lines: u64,
    /// Files.
    pub files: u32,
    /// The chain after the last message.
    pub chain: Digest,
    /// Bytes of an incomplete last line, which a crash leaves.
    pub torn: Option<u64>,
}

/// What one file holds.
pub(super) struct Part {
    /// Its first line; nothing where that is not whole.
    pub(super) title: Option<Title>,
    /// Where a file after it would begin.
    pub(super) end: Start,
    /// Bytes of the whole lines.
    pub(super) length: u64,
    /// Bytes of an incomplete last line.
    pub(super) torn: Option<u64>,
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
    /// It is another file than the one that follows.
    #[error("it does not go on from the file before it: a file was changed, left out, put in or moved")]
    Follows,
    /// It is not there, and a later one is.
    #[error("it is not there, and a later file is")]
    Missing,
    /// A line does not follow from the one before.
    #[error("line {line} does not follow from the one before it: it was changed, left out, put in or moved")]
    Chain {
        /// From 1, the title counted.
        line: u64,
    },
}

/// A file, and why it is not what a daemon wrote.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", .path.display())]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub fault: Fault,
}

/// Reads all files of a state folder line by line, in the memory of one line, and hands each message over with the first line of its file. Nothing where
/// there is no file.
///
/// # Errors
/// [`Unreadable`], after the messages before it.
pub fn read(state_dir: &Path, mut each: impl FnMut(&Title, &Entry)) -> Result<Option<Sent>, Unreadable> {
    let (older, newest) = (last_older(state_dir), state_dir.join(FILE));
    let paths = (1..=older).map(|number| state_dir.join(name_of(number)));
    let (mut next, mut torn, mut files) = (Start::FIRST, None, 0_u32);
    for path in paths.chain(newest.exists().then_some(newest)) {
        let part = match path.exists() {
            true => read_file(&path, Some(next), &mut each),
            false => Err(Fault::Missing),
        };
        let part = part.map_err(|fault| Unreadable { path, fault })?;
        // Where its first line is not whole the daemon begins it anew.
        (next, torn, files) = (part.end, part.torn, files.saturating_add(1));
    }
    Ok((files > 0).then_some(Sent { lines: next.messages, files, chain: next.before, torn }))
}

/// The number of the last file that has its own name; 0 for none.
pub(super) fn last_older(state_dir: &Path) -> u32 {
    let names = fs::read_dir(state_dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| number_of(name.to_str()?)).max().unwrap_or(0)
}

/// Reads one file, which begins so; or as its own first line says.
///
/// # Errors
/// [`Fault`], after the messages before it.
pub(super) fn read_file(
    path: &Path,
    start: Option<Start>,
    mut each: impl FnMut(&Title, &Entry),
) -> Result<Part, Fault> {
    let opened = tributary_storage::files::open_file(path).map_err(|fault| std::io::Error::other(fault.to_string()))?;
    let mut file = BufReader::new(opened);
    let mut part = Part { title: None, end: start.unwrap_or(Start::FIRST), length: 0, torn: None };
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let bytes = (&mut file).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? as u64;
        if bytes == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && bytes < LINE_BYTES_MAX {
            part.torn = Some(bytes);
            break;
        }
        let fault = || if number == 1 { Fault::Title } else { Fault::Chain { line: number } };
        let text = std::str::from_utf8(&line).map_err(|_| fault())?;
        let (front, chain) = split(text).ok_or_else(fault)?;
        match &part.title {
            None => {
                let title: Title = serde_json::from_str(text).map_err(|_| fault())?;
                let stated = Start::stated(&title).filter(|_| title.title == TITLE).ok_or_else(fault)?;
                if chained(front, &stated.before) != chain {
                    return Err(fault());
                }
                if start.is_some_and(|start| start != stated) {
                    return Err(Fault::Follows);
                }
                let file = stated.file.saturating_add(1);
                (part.title, part.end) = (Some(title), Start { file, messages: stated.messages, before: chain });
            }
            Some(title) => {
                if chained(front, &part.end.before) != chain {
                    return Err(fault());
                }
                let entry: Entry = serde_json::from_str(text).map_err(|_| fault())?;
                if Some(entry.number) != part.end.messages.checked_add(1) {
                    return Err(fault());
                }
                (part.end.messages, part.end.before) = (entry.number, chain);
                each(title, &entry);
            }
        }
        part.length = part.length.saturating_add(bytes);
    }
    Ok(part)
}

//! A PostgreSQL database, by a query, in one read-only transaction. The server writes rows as text, which are read as a file's rows are.
//!
//! A thread of its own speaks to the server; the rows that it has not handed on yet are bounded.

mod fault;
mod session;
mod settings;
mod tls;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::sync::oneshot;
use tributary_model::features::Cell;
use tributary_model::schema::Decimal;

pub use settings::{PostgresSettings, PostgresTls};

use super::delimited::{Broken, Delimited};
use super::error::{FileError, RECORD_BYTES_MAX};
use super::lines::Lines;
use super::mapping::ColumnKind;
use super::record::Record;
use super::sink::{Sink, Values};
use fault::AskFault;
use session::{Asked, Said};

/// Pieces of rows that may wait, each of some kilobytes.
const PIECES_MAX: usize = 64;

/// Reads what a query gives; first of which day the data are, where a second query says it.
pub(super) fn read(
    at: &PostgresSettings,
    (query, day): (&str, Option<&str>),
    sink: &mut dyn Sink,
) -> Result<(), FileError> {
    let name = PathBuf::from(at.name());
    let (sender, receiver) = sync_channel(PIECES_MAX);
    let (listener, listens) = oneshot::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || session::run(&Asked { at, query, day }, &sender, listens));
        let taken = taken(&name, receiver, sink);
        // From here on nobody listens, and a thread that waits for the server ends the connection.
        drop(listener);
        taken
    })
}

/// Takes in what the thread says.
fn taken(name: &Path, receiver: Receiver<Said>, sink: &mut dyn Sink) -> Result<(), FileError> {
    let columns = loop {
        match receiver.recv() {
            Ok(Said::Day(Some(day))) => sink.dated(day),
            Ok(Said::Day(None)) => return Err(FileError::no_date(name)),
            Ok(Said::Columns(columns)) => break columns,
            Ok(Said::Fault(fault)) => return Err(fault.before_rows(name)),
            Ok(Said::Rows(_) | Said::End) | Err(_) => return Err(AskFault::gone().before_rows(name)),
        }
    };
    let flags: Vec<bool> = columns.iter().map(|column| column.kind == Some(ColumnKind::Flag)).collect();
    sink.begin(name, columns, Decimal::Point)?;
    let mut rows = Delimited::new(Lines::new(Pieces::new(receiver)), ",", Some(b'"'), None);
    let mut typed = Typed { record: Record::default(), flags };
    let mut row = 0;
    loop {
        match rows.next(&mut typed.record) {
            Ok(true) => {
                row += 1;
                sink.row(row, &typed, Vec::new())?;
            }
            Ok(false) => return Ok(()),
            Err(broken) => return Err(torn(name, row, broken)),
        }
    }
}

/// Reading ended before the last row.
fn torn(name: &Path, row: u64, broken: Broken) -> FileError {
    let source = match broken {
        Broken::Read(source) => source,
        Broken::TooLong => {
            io::Error::other(format!("a row is longer than {RECORD_BYTES_MAX} bytes; ask for fewer columns"))
        }
        Broken::OpenQuote(_) | Broken::Encoding(_) => {
            io::Error::other("the server's rows are not in the form that was asked for")
        }
    };
    FileError::Read { path: name.to_owned(), row, source }
}

/// A row of text. Flags are `true` and `false`, as other sources have them.
struct Typed {
    record: Record,
    flags: Vec<bool>,
}

impl Values for Typed {
    fn count(&self) -> usize {
        self.record.len()
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        let text = self.record.value(column);
        match (self.flags.get(column), text) {
            (Some(true), "t") => Cell::Text("true"),
            (Some(true), "f") => Cell::Text("false"),
            _ => Cell::Text(text),
        }
    }
}

/// The rows' bytes, as they arrive.
struct Pieces {
    receiver: Receiver<Said>,
    piece: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Pieces {
    fn new(receiver: Receiver<Said>) -> Self {
        Self { receiver, piece: Vec::new(), given: 0, ended: false }
    }
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.piece.len() && !self.ended {
            match self.receiver.recv() {
                Ok(Said::Rows(piece)) => (self.piece, self.given) = (piece, 0),
                // The end is the server's word, and not that nothing more arrives.
                Ok(Said::End) => self.ended = true,
                Ok(Said::Fault(fault)) => return Err(io::Error::other(fault)),
                Ok(Said::Day(_) | Said::Columns(_)) | Err(_) => return Err(io::Error::other(AskFault::gone())),
            }
        }
        let rest = &self.piece[self.given..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
pub(in crate::data) mod tests;

//! A text file's rows.

use std::path::Path;

use tributary_model::features::Cell;
use tributary_model::schema::Dialect;
use tributary_protocol::digest::Digest;

use super::error::FileError;
use super::faults::Fault;
use super::record::{OddityKind, Record};
use super::records::{Ended, Records};
use super::sink::{Column, Sink, Values};

impl Values for Record {
    fn count(&self) -> usize {
        self.len()
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        Cell::Text(self.value(column))
    }
}

/// Reads a file to its end; the digest of all of its bytes.
pub(super) fn read(path: &Path, dialect: &Dialect, sink: &mut dyn Sink) -> Result<Digest, FileError> {
    let mut records = Records::open(path, dialect)?;
    let columns = records.header().iter().map(|name| Column { name: name.clone(), kind: None }).collect();
    sink.begin(path, columns, dialect.decimal)?;
    take(&mut records, sink)?;
    records.digest()
}

/// Takes in what comes after the header.
fn take(records: &mut Records, sink: &mut dyn Sink) -> Result<(), FileError> {
    loop {
        let more = match records.next() {
            Ok(more) => more.map(|(row, record)| (row, record.oddities.clone())),
            Err(Ended::File(fault)) if !sink.is_faulty() => return Err(fault),
            Err(Ended::File(fault)) => {
                sink.broken(Fault { row: None, column: None, text: fault.to_string() });
                return Ok(());
            }
            Err(Ended::Broken(fault)) => {
                sink.broken(fault);
                return Ok(());
            }
        };
        let Some((row, oddities)) = more else { return Ok(()) };
        let mut faults = Vec::new();
        for oddity in oddities {
            let fault = records.fault(&oddity);
            if oddity.kind == OddityKind::HoldsARow {
                sink.doubt(fault);
            } else {
                faults.push(fault);
            }
        }
        sink.row(row, records.record(), faults)?;
    }
}

//! A part of the journal: the entries of some runs and the federation's own, and proofs in the place of all others.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, IntoInnerError};
use std::path::Path;

use tributary_evidence::bundle::PartWriter;
use tributary_protocol::log::LedgerId;
use tributary_storage::journal::{JournalError, visit};

use super::error::ExportError;

/// Writes the part of so many entries of a journal into a file without a name in a folder, and how many entries are in it. The federation's own are always
/// there: models and statements are judged by all of them.
pub(super) fn write(
    (journal, folder): (&Path, &Path),
    entries: u64,
    (chosen, borders): (&BTreeSet<LedgerId>, &BTreeSet<u64>),
) -> Result<(File, u64), ExportError> {
    let system = |fault| ExportError::System { path: folder.to_path_buf(), fault };
    let file = tempfile::tempfile_in(folder).map_err(system)?;
    let mut part = PartWriter::new(BufWriter::with_capacity(1 << 18, file)).map_err(system)?;
    visit(journal, |entry| {
        if entry.position >= entries {
            return Ok(());
        }
        let io = |fault| JournalError::Io { path: folder.to_path_buf(), fault };
        if entry.ledger == LedgerId::ADMINISTRATION || chosen.contains(&entry.ledger) {
            part.entry(&entry).map_err(io)?;
        } else {
            part.leave_out(entry.leaf);
        }
        if borders.contains(&entry.position.saturating_add(1)) {
            part.border().map_err(io)?;
        }
        Ok(())
    })?;
    let (file, here) = part.finish().map_err(system)?;
    Ok((file.into_inner().map_err(IntoInnerError::into_error).map_err(system)?, here))
}

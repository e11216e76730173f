//! Files that somebody else wrote and gave: ordinary ones, of a bounded length. A pipe would keep a command waiting for ever.

use std::path::Path;

use tributary_evidence::bundle::PART_BYTES_MAX;
use tributary_evidence::incident::IncidentExport;
use tributary_evidence::paper::Body as _;
use tributary_storage::files::{FileError, read_at_most, read_itself_at_most};

/// A journal, a ledger, or a model's parameters: as long as a part of a bundle may be.
///
/// # Errors
/// [`FileError`] if it cannot be read, is no ordinary file, or is longer.
pub(crate) fn evidence(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, PART_BYTES_MAX)
}

/// A report, a card, or another signed paper: as long as the export of an incident may be, which is the longest.
///
/// # Errors
/// [`FileError`] if it cannot be read, is no ordinary file, or is longer.
pub(crate) fn paper(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, IncidentExport::BYTES_MAX as u64)
}

/// Evidence that stands beside a file; nothing where nothing does. Nobody named it, so that a link to it is not followed.
///
/// # Errors
/// As [`evidence`], if something is there.
pub(crate) fn beside(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read_itself_at_most(path, PART_BYTES_MAX) {
        Err(fault) if fault.is_absent() => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model's parameters are longer than any other file of this program.
    #[test]
    fn what_stands_beside_a_file_is_read_whole_or_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parameters");
        assert_eq!(beside(&path).unwrap(), None);
        std::fs::File::create(&path).unwrap().set_len(21 << 20).unwrap();
        assert_eq!(beside(&path).unwrap().map(|bytes| bytes.len()), Some(21 << 20));
        assert!(beside(folder.path()).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("gone"), folder.path().join("link")).unwrap();
            assert!(beside(&folder.path().join("link")).is_err(), "a link to nothing is something");
            std::os::unix::fs::symlink(&path, folder.path().join("other")).unwrap();
            assert!(beside(&folder.path().join("other")).is_err(), "a link to a file is not that file");
        }
    }
}

//! A file of scores in the making: a draft, and the digest of what is in it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tributary_protocol::digest::{Digest, Hasher};
use tributary_storage::files::{Draft, Existing, FileError};

/// A draft, and the digest of what is in it.
pub(super) struct Hashed {
    draft: Draft,
    hasher: Hasher,
}

impl Hashed {
    /// An empty one in a folder, of mode 0600.
    pub(super) fn private(folder: &Path) -> io::Result<Self> {
        Ok(Self { draft: Draft::private(folder)?, hasher: Hasher::new() })
    }

    /// Opens what is in it so far, from the beginning.
    pub(super) fn reopen(&self) -> io::Result<File> {
        self.draft.reopen()
    }

    /// The digest of what is in it so far.
    pub(super) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// Gives it its name, in the place of what is there: durable when this returns.
    pub(super) fn place(self, path: &Path) -> Result<(), FileError> {
        self.draft.place(path, Existing::Replace)
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

/// Whether a file of this name is Parquet.
pub(crate) fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

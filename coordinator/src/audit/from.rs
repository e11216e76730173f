//! From where the parts of a bundle come. A file is opened itself: neither a link, which would carry something else out of this machine, nor a pipe,
//! which would keep the export waiting. Where the journal names a digest of it, the file is compared with that.

use std::fs::File;
use std::io::{Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use tributary_evidence::attacks::AttacksFile;
use tributary_evidence::bundle::PART_BYTES_MAX;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::digest_of;
use tributary_model::schema::Schema;
use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::kept::read_sum;
use tributary_protocol::secagg::modular::Ring;
use tributary_storage::files::{FileError, open_itself, read_itself_at_most};

use super::error::ExportError;

/// From where a part comes.
pub(super) enum From {
    /// Made here.
    Bytes(Vec<u8>),
    /// So many first bytes of a file.
    Front(PathBuf, u64),
    /// A file that is never changed, as the journal names it.
    Whole(PathBuf, Named),
    /// A file without a name.
    Nameless(File),
}

/// What the journal names of a file.
pub(super) enum Named {
    /// Nothing: what is in it is judged by signatures.
    Nothing,
    /// The SHA-256 of its bytes.
    Bytes(Digest),
    /// A schema.
    Schema(Digest),
    /// Parameters of a network of this encoding.
    Parameters(Vec<u8>, Digest),
    /// What was found in attacks.
    Findings(Digest),
    /// An opened sum of a round of this ring and dimension.
    Sum((Ring, u32), Digest),
}

impl Named {
    /// Whether it names these bytes.
    fn is_of(&self, bytes: &[u8]) -> bool {
        let schema = || Schema::parse(str::from_utf8(bytes).ok()?).ok();
        let findings = || Some(AttacksFile::read(bytes).ok()?.findings.digest());
        let parameters =
            |network: &[u8]| Some(digest_of(&Architecture::decode(network).ok()?, STATE_FORMAT.read(bytes).ok()?));
        match self {
            Self::Nothing => true,
            Self::Bytes(digest) => Digest::of(bytes) == *digest,
            Self::Schema(digest) => schema().is_some_and(|schema| schema.digest() == *digest),
            Self::Parameters(network, digest) => parameters(network) == Some(*digest),
            Self::Findings(digest) => findings() == Some(*digest),
            Self::Sum((ring, dimension), digest) => read_sum(*ring, *dimension as usize, bytes, *digest).is_ok(),
        }
    }
}

impl From {
    /// Its bytes; nothing where the file is gone.
    pub(super) fn open(&self) -> Result<Option<Box<dyn Read + '_>>, ExportError> {
        Ok(match self {
            Self::Bytes(bytes) => Some(Box::new(Cursor::new(bytes))),
            Self::Front(path, bytes) => {
                there(open_itself(path))?.map(|file| Box::new(file.take(*bytes)) as Box<dyn Read>)
            }
            Self::Whole(path, Named::Nothing) => there(open_itself(path))?.map(|file| Box::new(file) as Box<dyn Read>),
            Self::Whole(path, named) => {
                compared(path, named)?.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read>)
            }
            Self::Nameless(file) => {
                let mut file = file;
                let begun = file.seek(SeekFrom::Start(0));
                begun.map_err(|fault| ExportError::System { path: "the part of the journal".into(), fault })?;
                Some(Box::new(file))
            }
        })
    }
}

/// Nothing, where a file is gone.
fn there<T>(found: Result<T, FileError>) -> Result<Option<T>, FileError> {
    match found {
        Err(fault) if fault.is_absent() => Ok(None),
        found => found.map(Some),
    }
}

/// The bytes of a file that the journal names.
fn compared(path: &Path, named: &Named) -> Result<Option<Vec<u8>>, ExportError> {
    match there(read_itself_at_most(path, PART_BYTES_MAX))? {
        Some(bytes) if !named.is_of(&bytes) => Err(ExportError::Changed(path.to_path_buf())),
        found => Ok(found),
    }
}

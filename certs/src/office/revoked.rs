//! What was revoked in an authority's folder.
//!
//! ```text
//! revoked   serial 4b1c.. not-after 1902592000 at 1900000000 reason key-compromise identity spiffe://..
//! ```

use std::path::Path;

use crate::identity::Identity;
use crate::issue::RevocationReason;
use crate::lines::{Fields, hex, read_list, write_list};
use tributary_storage::files::FileError;

const REVOKED: &str = "revoked";
const REVOKED_TITLE: &str = "tributary revoked 1";

/// A revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Whom it named.
    pub identity: Identity,
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// Its last second, Unix.
    pub not_after: u64,
    /// When it was revoked, in Unix seconds.
    pub at: u64,
    /// Why.
    pub reason: RevocationReason,
}

impl Revoked {
    fn line(&self) -> String {
        let Self { identity, serial, not_after, at, reason } = self;
        let (serial, reason) = (hex(serial), reason.as_str());
        format!("serial {serial} not-after {not_after} at {at} reason {reason} identity {identity}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let (serial, not_after, at) = (fields.bytes("serial")?, fields.number("not-after")?, fields.number("at")?);
        let reason = RevocationReason::parse(fields.text("reason")?)?;
        let identity = fields.identity("identity")?;
        fields.end().map(|()| Self { identity, serial, not_after, at, reason })
    }
}

/// What was revoked, in the order of revoking.
///
/// # Errors
/// [`FileError`].
pub fn read_revoked(folder: &Path) -> Result<Vec<Revoked>, FileError> {
    read_list(&folder.join(REVOKED), REVOKED_TITLE, "list of revoked certificates", Revoked::parse)
}

/// Writes the list in place of the older one. The folder's lock is held.
pub(super) fn write_revoked(folder: &Path, list: &[Revoked]) -> Result<(), FileError> {
    write_list(&folder.join(REVOKED), REVOKED_TITLE, list.iter().map(Revoked::line))
}

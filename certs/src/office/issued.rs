//! The log of what was issued: one line for every certificate, written before anybody is handed it.
//!
//! ```text
//! tributary issued 1
//! serial 4b1c.. not-before 1899999700 not-after 1902592000 spki 9f86.. identity spiffe://..
//! ```
//!
//! When the log has grown to [`ISSUED_LINES_MAX`] lines, those of certificates past the renewal's grace move to `issued-SECONDS`, which is
//! never replaced.

use std::path::Path;

use tributary_protocol::digest::Digest;

use crate::files::FileError;
use crate::identity::{Identity, IdentityError, identity_in, parse_certificate};
use crate::inspect::validity_in;
use crate::issue::Validity;
use crate::lines::{Fields, hex, read_list, write_list};
use crate::renewal::GRACE_SECONDS;

/// Lines of the log above which old ones move to another file.
pub const ISSUED_LINES_MAX: usize = 10_000;

const TITLE: &str = "tributary issued 1";
const WHAT: &str = "log of issued certificates";
pub(crate) const ISSUED: &str = "issued";

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Whom it names.
    pub identity: Identity,
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// When it is valid.
    pub validity: Validity,
    /// SHA-256 of its public key information.
    pub spki_sha256: Digest,
}

impl Issued {
    /// What a certificate says.
    pub(crate) fn of(certificate: &[u8]) -> Result<Self, IdentityError> {
        let parsed = parse_certificate(certificate)?;
        Ok(Self {
            identity: identity_in(&parsed)?,
            serial: parsed.raw_serial().to_vec(),
            validity: validity_in(&parsed),
            spki_sha256: Digest::of(parsed.public_key().raw),
        })
    }

    fn line(&self) -> String {
        let Validity { not_before, not_after } = self.validity;
        let serial = hex(&self.serial);
        format!(
            "serial {serial} not-before {not_before} not-after {not_after} spki {} identity {}\n",
            self.spki_sha256, self.identity
        )
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let serial = fields.bytes("serial")?;
        let validity = Validity { not_before: fields.number("not-before")?, not_after: fields.number("not-after")? };
        let issued =
            Self { serial, validity, spki_sha256: fields.digest("spki")?, identity: fields.identity("identity")? };
        fields.end().map(|()| issued)
    }
}

/// Everything in the log of an authority's folder, in the order of issuing; an absent log is empty.
///
/// # Errors
/// [`FileError`].
pub fn read_issued(folder: &Path) -> Result<Vec<Issued>, FileError> {
    read_list(&folder.join(ISSUED), TITLE, WHAT, Issued::parse)
}

/// Adds a certificate, unless it is there. The folder's lock is held.
pub(crate) fn record(folder: &Path, issued: Issued, now: u64) -> Result<(), FileError> {
    let mut log = read_issued(folder)?;
    if log.contains(&issued) {
        return Ok(());
    }
    log.push(issued);
    if log.len() > ISSUED_LINES_MAX {
        let past = |line: &Issued| line.validity.not_after.saturating_add(GRACE_SECONDS) < now;
        let (old, kept): (Vec<_>, Vec<_>) = log.into_iter().partition(past);
        if !old.is_empty() {
            // A crash between the two writes leaves lines in both files, and none in neither.
            write_list(&folder.join(format!("{ISSUED}-{now}")), TITLE, old.iter().map(Issued::line))?;
        }
        log = kept;
    }
    write_list(&folder.join(ISSUED), TITLE, log.iter().map(Issued::line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_moves_its_past_away() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::parse("spiffe://federation.example/north-bank/client/x").unwrap();
        let issued = |serial: u32, not_after| Issued {
            identity: identity.clone(),
            serial: serial.to_be_bytes().to_vec(),
            validity: Validity { not_before: 0, not_after },
            spki_sha256: Digest::of(&serial.to_be_bytes()),
        };
        let full: Vec<_> = (0..u32::try_from(ISSUED_LINES_MAX).unwrap()).map(|serial| issued(serial, 10)).collect();
        write_list(&folder.path().join(ISSUED), TITLE, full.iter().map(Issued::line)).unwrap();
        let now = GRACE_SECONDS + 11;
        let newest = issued(u32::MAX, now);
        record(folder.path(), newest.clone(), now).unwrap();
        record(folder.path(), newest.clone(), now).unwrap();
        assert_eq!(read_issued(folder.path()).unwrap(), [newest]);
        let archive = read_list(&folder.path().join(format!("issued-{now}")), TITLE, WHAT, Issued::parse).unwrap();
        assert_eq!(archive, full);
    }
}

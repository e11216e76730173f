//! The log of what was issued: one line for every certificate, written before anybody is handed it.
//!
//! ```text
//! tributary issued 1
//! serial 4b1c.. not-before 1899999700 not-after 1902592000 spki 9f86.. identity spiffe://..
//! ```
//!
//! The log has [`ISSUED_LINES_MAX`] lines at most. Then those of certificates that have ended move to `issued-SECONDS`, which only grows; the
//! newest of each bearer stays through the renewal's grace. Where that frees no line, nothing more is issued.

use std::collections::BTreeMap;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::limits::ROSTER_ENTRIES_MAX;

use crate::identity::{Identity, IdentityError, identity_in, parse_certificate};
use crate::inspect::validity_in;
use crate::issue::Validity;
use crate::lines::{Fields, hex, read_list, write_list};
use crate::renewal::GRACE_SECONDS;
use tributary_storage::files::{FileError, sync_folder};

/// Lines of the log above which old ones move to another file: three certificates for each client of the largest roster.
pub const ISSUED_LINES_MAX: usize = 3 * ROSTER_ENTRIES_MAX;

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

/// Adds a certificate, unless it is there. Whether older lines were moved away for it. The folder's lock is held.
pub(crate) fn record(folder: &Path, issued: Issued, now: u64) -> Result<bool, FileError> {
    let mut log = read_issued(folder)?;
    if log.contains(&issued) {
        // An earlier try may have written it, and not for good.
        sync_folder(folder)?;
        return Ok(false);
    }
    log.push(issued);
    let full = log.len() > ISSUED_LINES_MAX;
    if full {
        log = move_away(folder, log, now)?;
    }
    if log.len() > ISSUED_LINES_MAX {
        return Err(FileError::Full { path: folder.join(ISSUED), limit: ISSUED_LINES_MAX });
    }
    write_list(&folder.join(ISSUED), TITLE, log.iter().map(Issued::line))?;
    Ok(full)
}

/// What stays of the log; the rest is added to another file first. A crash after that leaves lines in both files, and none in neither.
fn move_away(folder: &Path, log: Vec<Issued>, now: u64) -> Result<Vec<Issued>, FileError> {
    let mut newest: BTreeMap<Identity, u64> = BTreeMap::new();
    for line in &log {
        let end = newest.entry(line.identity.clone()).or_default();
        *end = line.validity.not_after.max(*end);
    }
    let past = |line: &Issued| {
        let end = line.validity.not_after;
        let grace = if newest.get(&line.identity) == Some(&end) { GRACE_SECONDS } else { 0 };
        end.saturating_add(grace) < now
    };
    let (old, kept): (Vec<_>, Vec<_>) = log.into_iter().partition(past);
    if !old.is_empty() {
        let path = folder.join(format!("{ISSUED}-{now}"));
        let mut lines = read_list(&path, TITLE, WHAT, Issued::parse)?;
        lines.extend(old);
        write_list(&path, TITLE, lines.iter().map(Issued::line))?;
    }
    Ok(kept)
}

#[cfg(test)]
#[path = "issued_tests.rs"]
mod tests;

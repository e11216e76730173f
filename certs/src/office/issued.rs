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
use tributary_storage::files::FileError;

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
mod tests {
    use super::*;

    fn issued(client: u32, serial: u32, not_after: u64) -> Issued {
        Issued {
            identity: Identity::parse(&format!("spiffe://federation.example/north-bank/client/c{client}")).unwrap(),
            serial: serial.to_be_bytes().to_vec(),
            validity: Validity { not_before: 0, not_after },
            spki_sha256: Digest::of(&serial.to_be_bytes()),
        }
    }

    fn write(folder: &Path, lines: &[Issued]) {
        write_list(&folder.join(ISSUED), TITLE, lines.iter().map(Issued::line)).unwrap();
    }

    #[test]
    fn a_long_log_moves_its_past_away() {
        let folder = tempfile::tempdir().unwrap();
        let full: Vec<_> =
            (0..u32::try_from(ISSUED_LINES_MAX).unwrap()).map(|serial| issued(serial / 3, serial, 10)).collect();
        write(folder.path(), &full);
        let now = GRACE_SECONDS + 11;
        let newest = issued(0, u32::MAX, now);
        assert!(record(folder.path(), newest.clone(), now).unwrap());
        assert!(!record(folder.path(), newest.clone(), now).unwrap());
        assert_eq!(read_issued(folder.path()).unwrap(), [newest]);
        let archive = read_list(&folder.path().join(format!("issued-{now}")), TITLE, WHAT, Issued::parse).unwrap();
        assert_eq!(archive, full);
    }

    /// Certificates that are valid still are needed to be revoked: none is lost, and the log does not outgrow what can be read again.
    #[test]
    fn a_log_of_valid_certificates_is_full_and_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut full: Vec<_> =
            (0..u32::try_from(ISSUED_LINES_MAX).unwrap()).map(|serial| issued(serial / 3, serial, 1_000)).collect();
        write(folder.path(), &full);
        let refused = record(folder.path(), issued(1, u32::MAX, 2_000), 500);
        assert!(matches!(refused, Err(FileError::Full { .. })), "{refused:?}");
        assert_eq!(read_issued(folder.path()).unwrap(), full);
        // The newest of each bearer is there for the renewal's grace; older ones that have ended are not needed, and make room.
        full[3].validity.not_after = 400;
        full[3 * 5 + 1].validity.not_after = 450;
        for line in [6, 7, 8] {
            full[line].validity.not_after = 450;
        }
        write(folder.path(), &full);
        assert!(record(folder.path(), issued(1, u32::MAX, 2_000), 500).unwrap());
        let kept = read_issued(folder.path()).unwrap();
        assert_eq!(kept.len(), ISSUED_LINES_MAX - 1);
        assert!(kept.contains(&full[6]) && !kept.contains(&full[3]) && !kept.contains(&full[16]));
        // Room once more in the same second: the other file grows, and loses nothing.
        full = kept;
        full.push(issued(2, 1 << 30, 499));
        write(folder.path(), &full);
        full[20].validity.not_after = 400;
        write(folder.path(), &full);
        assert!(record(folder.path(), issued(1, (1 << 30) + 1, 2_000), 500).unwrap());
        let archive = read_list(&folder.path().join("issued-500"), TITLE, WHAT, Issued::parse).unwrap();
        assert!(archive.contains(&issued(1, 3, 400)) && archive.contains(&issued(5, 16, 450)), "{}", archive.len());
        assert!(archive.len() > 2);
    }
}

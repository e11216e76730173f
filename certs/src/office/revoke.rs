//! Revocation: what was revoked, who is a member no more, and the list that says so to everybody else.
//!
//! ```text
//! revoked           serial 4b1c.. not-after 1902592000 at 1900000000 reason key-compromise identity spiffe://..
//! revoked-members   identity spiffe://.. at 1900000000 reason key-compromise
//! revocations.pem   the authorities and their lists (PEM), as `crate::revocation` reads them
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::FolderLock;
use super::read_issued;
use crate::enrolment::{EnrolmentError, Member, certificates_text, names, open_authority};
use crate::fault::FaultKind;
use crate::files::{self, Existing, FileError};
use crate::identity::{Identity, Role};
pub use crate::issue::RevocationReason;
use crate::issue::{CertificateAuthority, ListEntry, Validity};
use crate::keys::TlsKey;
use crate::lines::{Fields, hex, read_list, write_list};
use crate::revocation::{issued_by, last_number};
use crate::tls::read_certificates;

/// For how many days a list counts, unless another number is given.
pub const REVOCATION_DAYS: u64 = 7;

/// How many days a list may count at most: whoever misses a new one believes a revoked certificate for so long.
const REVOCATION_DAYS_MAX: u64 = 90;

const REVOKED: &str = "revoked";
const REVOKED_TITLE: &str = "tributary revoked 1";
const MARKS: &str = "revoked-members";
const MARKS_TITLE: &str = "tributary revoked members 1";

/// Whom or what to revoke.
#[derive(Clone, Debug)]
pub enum WhomToRevoke {
    /// Every certificate of an identity that has not expired, and the membership.
    Identity(Identity),
    /// One certificate, by its serial number (big-endian); the membership stands.
    Serial(Vec<u8>),
}

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

/// A member that is one no more.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) identity: Identity,
    pub(crate) at: u64,
    pub(crate) reason: RevocationReason,
}

pub(crate) fn read_marks(folder: &Path) -> Result<Vec<Mark>, FileError> {
    read_list(&folder.join(MARKS), MARKS_TITLE, "list of revoked members", |line| {
        let mut fields = Fields::of(line);
        let (identity, at) = (fields.identity("identity")?, fields.number("at")?);
        let reason = RevocationReason::parse(fields.text("reason")?)?;
        fields.end().map(|()| Mark { identity, at, reason })
    })
}

pub(super) fn write_marks(folder: &Path, marks: &[Mark]) -> Result<(), FileError> {
    let line = |mark: &Mark| format!("identity {} at {} reason {}\n", mark.identity, mark.at, mark.reason.as_str());
    write_list(&folder.join(MARKS), MARKS_TITLE, marks.iter().map(line))
}

/// What was revoked, in the order of revoking.
///
/// # Errors
/// [`FileError`].
pub fn read_revoked(folder: &Path) -> Result<Vec<Revoked>, FileError> {
    read_list(&folder.join(REVOKED), REVOKED_TITLE, "list of revoked certificates", Revoked::parse)
}

/// Revokes, and makes a list that counts for `days`. What is revoked already stays as it is. The newly revoked certificates.
///
/// # Errors
/// [`FaultKind::MemberUnknown`] if nothing was issued to it, [`EnrolmentError`].
pub fn revoke(
    folder: &Path,
    whom: &WhomToRevoke,
    reason: RevocationReason,
    days: u64,
    now: u64,
) -> Result<Vec<Revoked>, EnrolmentError> {
    let days = days_checked(days)?;
    let _lock = FolderLock::take(folder)?;
    let issued = read_issued(folder)?;
    let named = |line: &&super::Issued| match whom {
        WhomToRevoke::Identity(identity) => line.identity == *identity,
        WhomToRevoke::Serial(serial) => line.serial == *serial,
    };
    let named: Vec<_> = issued.iter().filter(named).collect();
    if named.is_empty() {
        let text = match whom {
            WhomToRevoke::Identity(identity) => identity.to_string(),
            WhomToRevoke::Serial(serial) => format!("serial number {}", hex(serial)),
        };
        return Err(FaultKind::MemberUnknown.because(format!("nothing was issued to {text}")).into());
    }
    if let WhomToRevoke::Identity(identity) = whom
        && identity.role() == Role::Client
    {
        // The membership first: from here on it renews nothing, wherever the rest stops.
        let mut marks = read_marks(folder)?;
        if marks.iter().all(|mark| mark.identity != *identity) {
            marks.push(Mark { identity: identity.clone(), at: now, reason });
            write_marks(folder, &marks)?;
        }
    }
    let mut list = read_revoked(folder)?;
    let fresh = add(&mut list, &named, reason, now);
    write_list(&folder.join(REVOKED), REVOKED_TITLE, list.iter().map(Revoked::line))?;
    make_list(folder, &list, days, now)?;
    Ok(fresh)
}

/// Revokes what was issued to a member for other keys than it has now, because it has started anew. The membership stands. The folder's lock is
/// held.
pub(super) fn supersede(folder: &Path, member: &Member, now: u64) -> Result<(), EnrolmentError> {
    let issued = read_issued(folder)?;
    let older =
        |line: &&super::Issued| line.identity == member.identity && line.spki_sha256 != member.entry.tls_spki_sha256;
    let older: Vec<_> = issued.iter().filter(older).collect();
    let mut list = read_revoked(folder)?;
    if !add(&mut list, &older, RevocationReason::Superseded, now).is_empty() {
        write_list(&folder.join(REVOKED), REVOKED_TITLE, list.iter().map(Revoked::line))?;
        make_list(folder, &list, REVOCATION_DAYS, now)?;
    }
    Ok(())
}

/// Adds those that are valid still and not in the list; returns them.
fn add(list: &mut Vec<Revoked>, lines: &[&super::Issued], reason: RevocationReason, now: u64) -> Vec<Revoked> {
    let fresh = |line: &&&super::Issued| {
        line.validity.not_after >= now && list.iter().all(|revoked| revoked.serial != line.serial)
    };
    let revoked = |line: &&super::Issued| Revoked {
        identity: line.identity.clone(),
        serial: line.serial.clone(),
        not_after: line.validity.not_after,
        at: now,
        reason,
    };
    let fresh: Vec<Revoked> = lines.iter().filter(fresh).map(revoked).collect();
    list.extend(fresh.iter().cloned());
    fresh
}

/// Makes a fresh list of what was revoked, that counts for `days`: before the last one runs out, and nothing need be revoked for it. Its number.
///
/// # Errors
/// [`EnrolmentError`].
pub fn fresh_list(folder: &Path, days: u64, now: u64) -> Result<u64, EnrolmentError> {
    let days = days_checked(days)?;
    let _lock = FolderLock::take(folder)?;
    make_list(folder, &read_revoked(folder)?, days, now)
}

fn days_checked(days: u64) -> Result<u64, EnrolmentError> {
    let good = (1..=REVOCATION_DAYS_MAX).contains(&days);
    if good { Ok(days) } else { Err(EnrolmentError::ListDays { limit: REVOCATION_DAYS_MAX }) }
}

/// Every issuing authority of the folder signs one, those that were replaced too: their leaves live on for a month. The serial numbers are
/// random, so that all stand in every list.
fn make_list(folder: &Path, revoked: &[Revoked], days: u64, now: u64) -> Result<u64, EnrolmentError> {
    let path = folder.join(names::REVOCATIONS);
    // Not verified: a root that was taken out must not keep anybody from revoking.
    let number = if path.exists() { last_number(&path)? + 1 } else { 1 };
    let validity = Validity::starting(now, days * 86_400);
    let current = revoked.iter().filter(|revoked| revoked.not_after >= now);
    let entries: Vec<_> = current
        .map(|revoked| ListEntry { serial: revoked.serial.clone(), at: revoked.at, reason: revoked.reason })
        .collect();
    let mut text = String::new();
    for authority in authorities(folder, now)? {
        let list = authority.revocation_list_of(number, validity, &entries)?;
        text += &certificates_text(std::slice::from_ref(authority.certificate()));
        text += &pem::encode(&pem::Pem::new("X509 CRL", list.to_vec()));
    }
    files::write_public(&path, text.as_bytes(), Existing::Replace)?;
    Ok(number)
}

/// The issuing authority and those it replaced, unless they have expired or stand under no root any more.
fn authorities(folder: &Path, now: u64) -> Result<Vec<CertificateAuthority>, EnrolmentError> {
    let own = open_authority(folder)?;
    let domain = own.trust_domain().clone();
    let mut all = vec![own];
    let roots = read_certificates(&folder.join(names::TRUST))?;
    let mut old: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(FileError::system("listing", folder))?;
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("issuing-old-") && name.ends_with(".pem"))
    };
    old.retain(named);
    old.sort();
    for path in old {
        let certificate = read_certificates(&path)?.swap_remove(0);
        let key = TlsKey::read(&path.with_extension("key"))?;
        let authority = CertificateAuthority::from_parts(domain.clone(), certificate, key)?;
        let current = authority.validity().not_after >= now;
        let trusted = roots.iter().any(|root| issued_by(authority.certificate(), root));
        if current && trusted && all.iter().all(|other| other.certificate() != authority.certificate()) {
            all.push(authority);
        }
    }
    Ok(all)
}

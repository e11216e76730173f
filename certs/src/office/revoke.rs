//! Revocation: what was revoked, who is a member no more, and the list that says so to everybody else.
//!
//! ```text
//! revoked-members   identity spiffe://.. at 1900000000 reason key-compromise
//! ```

use std::path::Path;

use super::deny::deny_locked;
use super::lists::{REVOCATION_DAYS, days_checked, make_list, unsigned_leaves};
use super::read_issued;
use super::revoked::{Revoked, read_revoked, write_revoked};
use crate::denied::{Denied, DenyEntry};
use crate::enrolment::{EnrolmentError, Member, read_members};
use crate::fault::FaultKind;
use crate::identity::{Identity, Role};
pub use crate::issue::RevocationReason;
use crate::lines::{Fields, hex, read_list, write_list};
use tributary_storage::files::FileError;
use tributary_storage::lock::FolderLock;

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

/// What a revocation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    /// The certificates that no signed list revoked before. One that an organisation's own authority issued is on our list too, and means nothing there: what cuts its
    /// bearer off is the deny-list.
    pub certificates: Vec<Revoked>,
    /// Whether a membership ended.
    pub member: bool,
    /// Whether the deny-list grew.
    pub denied: bool,
}

impl Revocations {
    /// Whether anything is other than before.
    #[must_use]
    pub fn had_effect(&self) -> bool {
        self.member || self.denied || !self.certificates.is_empty()
    }
}

/// Revokes, denies, and makes a list that counts for `days`. What is revoked already stays as it is.
///
/// # Errors
/// [`FaultKind::MemberUnknown`] if nothing was issued to it and it is no member, [`EnrolmentError`].
pub fn revoke(
    folder: &Path,
    whom: &WhomToRevoke,
    reason: RevocationReason,
    days: u64,
    now: u64,
) -> Result<Revocations, EnrolmentError> {
    let days = days_checked(days)?;
    let _lock = FolderLock::take(folder)?;
    let issued = read_issued(folder)?;
    let named = |line: &&super::Issued| match whom {
        WhomToRevoke::Identity(identity) => line.identity == *identity,
        WhomToRevoke::Serial(serial) => line.serial == *serial,
    };
    let named: Vec<_> = issued.iter().filter(named).collect();
    let members = read_members(folder)?;
    let member =
        members.iter().find(|member| matches!(whom, WhomToRevoke::Identity(identity) if member.identity == *identity));
    if named.is_empty() && member.is_none() {
        let text = match whom {
            WhomToRevoke::Identity(identity) => format!(
                "nothing was issued to {identity}, and it is no member; `tributary certs deny` keeps an identity out that is not known here"
            ),
            WhomToRevoke::Serial(serial) => format!("nothing was issued with the serial number {}", hex(serial)),
        };
        return Err(FaultKind::MemberUnknown.because(text).into());
    }
    let mut done = Revocations { certificates: Vec::new(), member: false, denied: false };
    if let WhomToRevoke::Identity(identity) = whom
        && identity.role() == Role::Client
    {
        // The membership first: from here on it renews nothing, wherever the rest stops.
        let mut marks = read_marks(folder)?;
        if marks.iter().all(|mark| mark.identity != *identity) {
            marks.push(Mark { identity: identity.clone(), at: now, reason });
            write_marks(folder, &marks)?;
            done.member = true;
        }
        // At the door at once, whoever issued its certificate. Its signing key stays out when it comes back with a fresh one.
        let key = member.map(|member| Denied::Signing(member.entry.signing_key.clone()));
        for who in [Some(Denied::Identity(identity.clone())), key].into_iter().flatten() {
            done.denied |= deny_locked(folder, DenyEntry { who, at: now, reason })?;
        }
    }
    done.certificates = mark(folder, &named, reason, now)?;
    make_list(folder, days, now)?;
    Ok(done)
}

/// Revokes what was issued to a member for other keys than it has now, because it has started anew. The membership stands. The folder's lock is
/// held.
pub(super) fn supersede(folder: &Path, member: &Member, now: u64) -> Result<(), EnrolmentError> {
    let issued = read_issued(folder)?;
    let older =
        |line: &&super::Issued| line.identity == member.identity && line.spki_sha256 != member.entry.tls_spki_sha256;
    let older: Vec<_> = issued.iter().filter(older).collect();
    if !mark(folder, &older, RevocationReason::Superseded, now)?.is_empty() {
        make_list(folder, REVOCATION_DAYS, now)?;
    }
    Ok(())
}

/// Marks those as revoked that are valid still. Returns what the signed list lacks, so that it must be signed: also what an earlier try has marked,
/// whose list failed.
fn mark(
    folder: &Path,
    lines: &[&super::Issued],
    reason: RevocationReason,
    now: u64,
) -> Result<Vec<Revoked>, EnrolmentError> {
    let valid: Vec<&super::Issued> = lines.iter().copied().filter(|line| line.validity.not_after >= now).collect();
    let mut list = read_revoked(folder)?;
    let fresh = |line: &&&super::Issued| list.iter().all(|revoked| revoked.serial != line.serial);
    let revoked = |line: &&super::Issued| Revoked {
        identity: line.identity.clone(),
        serial: line.serial.clone(),
        not_after: line.validity.not_after,
        at: now,
        reason,
    };
    let fresh: Vec<Revoked> = valid.iter().filter(fresh).map(revoked).collect();
    if !fresh.is_empty() {
        list.extend(fresh);
        write_revoked(folder, &list)?;
    }
    let serials: Vec<Vec<u8>> = valid.iter().map(|line| line.serial.clone()).collect();
    let unsigned = unsigned_leaves(folder, &serials, now)?;
    Ok(list.into_iter().filter(|revoked| unsigned.contains(&revoked.serial.as_slice())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_that_is_other_than_before_is_an_effect() {
        let identity = Identity::parse("spiffe://federation.example/bank/client/x").unwrap();
        let revoked = Revoked { identity, serial: vec![1], not_after: 9, at: 5, reason: RevocationReason::Superseded };
        for (certificates, member, denied) in [(0, false, false), (1, false, false), (0, true, false), (0, false, true)]
        {
            let certificates = vec![revoked.clone(); certificates];
            let had = !certificates.is_empty() || member || denied;
            assert_eq!(Revocations { certificates, member, denied }.had_effect(), had);
        }
    }
}

//! Requests that wait for a person, who compares a fingerprint read over the telephone.
//!
//! ```text
//! tributary approvals 1
//! keys 1f3c.. kind enrol state pending since 1900000000 identity spiffe://..
//! keys 88a0.. kind enrol state approved by anna at 1900000100 since 1900000000 identity spiffe://..
//! ```

use core::fmt;
use std::path::Path;

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::roster::{MemberName, RosterEntry};
use tributary_protocol::secagg::suite::VerifyingKey;

use crate::enrolment::EnrolmentError;
use crate::fault::FaultKind;
use crate::identity::Identity;
use crate::lines::{Fields, read_list, write_list};
use tributary_storage::files::FileError;
use tributary_storage::lock::FolderLock;

/// How long a request waits, in seconds: 30 days.
const WAITING_SECONDS: u64 = 30 * 86_400;

const TITLE: &str = "tributary approvals 1";
const APPROVALS: &str = "approvals";

/// What two people compare: the first 128 bits of a digest of both public keys and the name, in eight groups of four digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

/// What names a member's keys: SHA-256 of the public key information of its TLS key, its public signing key, and the name they are for. All
/// three stand in the roster, so that whoever signs one sees the fingerprint that the branch reads aloud.
pub(crate) fn keys_digest(tls_spki_sha256: &Digest, signing_key: &VerifyingKey, name: &MemberName) -> Digest {
    let body = signing_key.canonical(Canonical::new("tributary/keys/3").digest(tls_spki_sha256));
    body.bytes(name.as_str().as_bytes()).finish()
}

/// As [`keys_digest`], of an entry of the roster.
pub(crate) fn keys_of(entry: &RosterEntry) -> Digest {
    keys_digest(&entry.tls_spki_sha256, &entry.signing_key, &entry.name)
}

impl Fingerprint {
    /// The fingerprint of a request's keys.
    #[must_use]
    pub fn of(tls_spki_sha256: &Digest, signing_key: &VerifyingKey, name: &MemberName) -> Self {
        Self::of_keys(&keys_digest(tls_spki_sha256, signing_key, name))
    }

    /// The fingerprint of a member's keys in the roster: what the branch read aloud when it enrolled.
    #[must_use]
    pub fn of_entry(entry: &RosterEntry) -> Self {
        Self::of_keys(&keys_of(entry))
    }

    /// Parses 32 hexadecimal digits, with dashes or blanks between them or without.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|letter| !matches!(letter, '-' | ' ')).collect();
        let bytes = crate::lines::unhex(&digits.to_ascii_lowercase())?;
        Some(Self(bytes.try_into().ok()?))
    }

    pub(crate) fn of_keys(keys: &Digest) -> Self {
        Self(keys.as_bytes().first_chunk().copied().expect("a digest has 32 bytes"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (groups, _) = self.0.as_chunks::<2>();
        let text: Vec<String> = groups.iter().map(|[high, low]| format!("{high:02x}{low:02x}")).collect();
        formatter.write_str(&text.join("-"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Who approved a fingerprint, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The person or account, 1 to 64 of `A-Z a-z 0-9 @ . _ -`.
    pub by: String,
    /// When, in Unix seconds.
    pub at: u64,
}

impl Approval {
    /// Whether a text may stand for who approved.
    #[must_use]
    pub fn may_name(by: &str) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"@._-".contains(&byte);
        (1..=64).contains(&by.len()) && by.bytes().all(letter)
    }

    /// Reads `WHO at WHEN`.
    pub(crate) fn named(fields: &mut Fields<'_>) -> Option<Self> {
        let by = fields.value().filter(|by| Self::may_name(by))?.to_owned();
        Some(Self { by, at: fields.number("at")? })
    }
}

/// A request that waits, or was approved and not sent again yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whose request it is.
    pub identity: Identity,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether it is a renewal, rather than an enrolment.
    pub renewal: bool,
    /// Who approved it, once somebody has.
    pub approval: Option<Approval>,
    /// When it came, in Unix seconds.
    pub since: u64,
    pub(crate) keys: Digest,
}

impl Waiting {
    fn line(&self) -> String {
        let kind = if self.renewal { "renew" } else { "enrol" };
        let state = match &self.approval {
            Some(Approval { by, at }) => format!("approved by {by} at {at}"),
            None => "pending".to_owned(),
        };
        format!("keys {} kind {kind} state {state} since {} identity {}\n", self.keys, self.since, self.identity)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let keys = fields.digest("keys")?;
        let renewal = match fields.text("kind")? {
            "enrol" => false,
            "renew" => true,
            _ => return None,
        };
        let approval = match fields.text("state")? {
            "pending" => None,
            "approved" => {
                (fields.value()? == "by").then_some(())?;
                Some(Approval::named(&mut fields)?)
            }
            _ => return None,
        };
        let (since, identity) = (fields.number("since")?, fields.identity("identity")?);
        fields.end()?;
        Some(Self { identity, fingerprint: Fingerprint::of_keys(&keys), renewal, approval, since, keys })
    }
}

/// What waits in an authority's folder.
///
/// # Errors
/// [`FileError`].
pub fn read_waiting(folder: &Path) -> Result<Vec<Waiting>, FileError> {
    read_list(&folder.join(APPROVALS), TITLE, "list of approvals", Waiting::parse)
}

/// Approves the requests with these fingerprints, all of them or none; each branch then sends its own again. `by` is kept, and shown to whoever signs the
/// next roster.
///
/// # Errors
/// [`FaultKind::ApprovalUnknown`] if one of them does not wait, [`EnrolmentError::Approver`] for a name that none can have, [`EnrolmentError::File`].
pub fn approve(
    folder: &Path,
    fingerprints: &[Fingerprint],
    by: &str,
    now: u64,
) -> Result<Vec<Waiting>, EnrolmentError> {
    if !Approval::may_name(by) {
        return Err(EnrolmentError::Approver);
    }
    let _lock = FolderLock::take(folder)?;
    let mut waiting = read_waiting(folder)?;
    let mut approved = Vec::new();
    for fingerprint in fingerprints {
        let found = waiting.iter_mut().find(|request| request.fingerprint == *fingerprint && !past(request, now));
        let Some(request) = found else { return Err(FaultKind::ApprovalUnknown.because(fingerprint).into()) };
        request.approval = Some(Approval { by: by.to_owned(), at: now });
        approved.push(request.clone());
    }
    write_waiting(folder, &waiting, now)?;
    Ok(approved)
}

/// Who approved the keys; if nobody has, they wait from now on. The folder's lock is held.
pub(crate) fn approved(
    folder: &Path,
    keys: Digest,
    identity: &Identity,
    renewal: bool,
    now: u64,
) -> Result<Option<Approval>, FileError> {
    let mut waiting = read_waiting(folder)?;
    if let Some(request) = waiting.iter().find(|request| request.keys == keys && !past(request, now)) {
        return Ok(request.approval.clone());
    }
    let fingerprint = Fingerprint::of_keys(&keys);
    // One request of a member at a time: the newest.
    waiting.retain(|request| request.identity != *identity);
    waiting.push(Waiting { identity: identity.clone(), fingerprint, renewal, approval: None, since: now, keys });
    write_waiting(folder, &waiting, now)?;
    Ok(None)
}

/// Forgets a request that was granted. The folder's lock is held.
pub(crate) fn forget(folder: &Path, keys: Digest, now: u64) -> Result<(), FileError> {
    let mut waiting = read_waiting(folder)?;
    if waiting.iter().any(|request| request.keys == keys) {
        waiting.retain(|request| request.keys != keys);
        write_waiting(folder, &waiting, now)?;
    }
    Ok(())
}

fn past(request: &Waiting, now: u64) -> bool {
    request.since.saturating_add(WAITING_SECONDS) < now
}

fn write_waiting(folder: &Path, waiting: &[Waiting], now: u64) -> Result<(), FileError> {
    let kept = waiting.iter().filter(|request| !past(request, now));
    write_list(&folder.join(APPROVALS), TITLE, kept.map(Waiting::line))
}

#[cfg(test)]
#[path = "approvals_tests.rs"]
mod tests;

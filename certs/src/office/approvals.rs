//! Requests that wait for a person, who compares a fingerprint read over the telephone.
//!
//! ```text
//! tributary approvals 1
//! keys 1f3c.. kind enrol state pending since 1900000000 identity spiffe://..
//! ```

use core::fmt;
use std::path::Path;

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::secagg::suite::VerifyingKey;

use super::lock::FolderLock;
use crate::enrolment::EnrolmentError;
use crate::fault::FaultKind;
use crate::files::FileError;
use crate::identity::Identity;
use crate::lines::{Fields, read_list, write_list};

/// How long a request waits, in seconds: 30 days.
const WAITING_SECONDS: u64 = 30 * 86_400;

const TITLE: &str = "tributary approvals 1";
const APPROVALS: &str = "approvals";

/// What two people compare: the first 128 bits of a digest of both public keys and the identity, in eight groups of four digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

/// What names a request's keys: the public key information of its TLS key, its public signing key, and the identity they are for.
pub(crate) fn keys_digest(spki: &[u8], signing_key: &VerifyingKey, identity: &Identity) -> Digest {
    let body = Canonical::new("tributary/keys/1").bytes(spki).bytes(&signing_key.0);
    body.bytes(identity.to_string().as_bytes()).finish()
}

impl Fingerprint {
    /// The fingerprint of a request's keys.
    #[must_use]
    pub fn of(spki: &[u8], signing_key: &VerifyingKey, identity: &Identity) -> Self {
        Self::of_keys(&keys_digest(spki, signing_key, identity))
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

/// A request that waits, or was approved and not sent again yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whose request it is.
    pub identity: Identity,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether it is a renewal, rather than an enrolment.
    pub renewal: bool,
    /// Whether it was approved.
    pub approved: bool,
    /// When it came, in Unix seconds.
    pub since: u64,
    pub(crate) keys: Digest,
}

impl Waiting {
    fn line(&self) -> String {
        let kind = if self.renewal { "renew" } else { "enrol" };
        let state = if self.approved { "approved" } else { "pending" };
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
        let approved = match fields.text("state")? {
            "pending" => false,
            "approved" => true,
            _ => return None,
        };
        let (since, identity) = (fields.number("since")?, fields.identity("identity")?);
        fields.end()?;
        Some(Self { identity, fingerprint: Fingerprint::of_keys(&keys), renewal, approved, since, keys })
    }
}

/// What waits in an authority's folder.
///
/// # Errors
/// [`FileError`].
pub fn read_waiting(folder: &Path) -> Result<Vec<Waiting>, FileError> {
    read_list(&folder.join(APPROVALS), TITLE, "list of approvals", Waiting::parse)
}

/// Approves the request with a fingerprint; the branch then sends it again.
///
/// # Errors
/// [`FaultKind::ApprovalUnknown`] if none waits, [`EnrolmentError::File`].
pub fn approve(folder: &Path, fingerprint: &Fingerprint, now: u64) -> Result<Waiting, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    let mut waiting = read_waiting(folder)?;
    let found = waiting.iter_mut().find(|request| request.fingerprint == *fingerprint && !past(request, now));
    let Some(request) = found else { return Err(FaultKind::ApprovalUnknown.because(fingerprint).into()) };
    request.approved = true;
    let approved = request.clone();
    write_waiting(folder, &waiting, now)?;
    Ok(approved)
}

/// Whether the keys are approved; if not, they wait from now on. The folder's lock is held.
pub(crate) fn approved(
    folder: &Path,
    keys: Digest,
    identity: &Identity,
    renewal: bool,
    now: u64,
) -> Result<bool, FileError> {
    let mut waiting = read_waiting(folder)?;
    if let Some(request) = waiting.iter().find(|request| request.keys == keys && !past(request, now)) {
        return Ok(request.approved);
    }
    let fingerprint = Fingerprint::of_keys(&keys);
    // One request of a member at a time: the newest.
    waiting.retain(|request| request.identity != *identity);
    waiting.push(Waiting { identity: identity.clone(), fingerprint, renewal, approved: false, since: now, keys });
    write_waiting(folder, &waiting, now)?;
    Ok(false)
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
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_dashes_and_without() {
        let fingerprint = Fingerprint::of_keys(&Digest::of(b"keys"));
        let text = fingerprint.to_string();
        assert_eq!(text.split('-').count(), 8);
        for text in [text.clone(), text.replace('-', ""), text.replace('-', " "), text.to_uppercase()] {
            assert_eq!(Fingerprint::parse(&text), Some(fingerprint), "{text}");
        }
        for bad in ["", &text[1..], &text[..34], "zzzz"] {
            assert_eq!(Fingerprint::parse(bad), None, "{bad}");
        }
    }
}

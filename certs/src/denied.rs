//! The deny-list: whom the coordinator's door refuses, whoever issued the certificate, and from the moment that it is read.
//!
//! ```text
//! tributary denied 2
//! issuer 9f86..
//! number 7
//! identity spiffe://federation.example/north-bank/client/branch-1 at 1900000000 reason key-compromise
//! key 4b1c.. at 1900000000 reason unspecified
//! signing ed25519:77aa.. at 1900000000 reason unspecified
//! client 3 at 1900000000 reason affiliation-changed
//! signature 3081..
//! ```
//!
//! The issuing authority signs it (ECDSA on P-384 with SHA-384) over everything above the last line. An entry names an identity, a TLS key (the
//! SHA-256 of its public key information), a public signing key, or a client's number. Of two lists the one of the authority that
//! began later counts, and of one authority's the one with the larger number: a thief of a replaced authority's key cannot go beyond that.
//!
//! Does **not** make anybody a member no more: that is for the roster, whose keys are offline.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::secagg::suite::VerifyingKey;

use crate::fault::{CertificateFault, FaultKind};
use crate::identity::{Identity, parse_certificate};
use crate::issue::{CertificateAuthority, IssueError, RevocationReason};
use crate::lines::{Fields, body, hex};
pub use crate::revocation::DenyOrder;
use crate::revocation::{RevocationFileError, RevocationLists, Seen};
use tributary_storage::files::{self, Existing, FILE_BYTES_MAX, FileError, read_titled};

/// The file's name, beside `revocations.pem`.
pub const DENIED: &str = "denied";

/// Entries of a list, at most.
pub const DENIED_MAX: usize = 10_000;

const TITLE: &str = "tributary denied 2";
const WHAT: &str = "deny-list";

/// Whom or what an entry names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// Whoever proves this identity.
    Identity(Identity),
    /// Whoever proves this TLS key: the SHA-256 of its public key information.
    Key(Digest),
    /// Whoever has this public signing key.
    Signing(VerifyingKey),
    /// Whoever the roster gives this number.
    Client(ClientId),
}

impl core::fmt::Display for Denied {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Identity(identity) => write!(formatter, "identity {identity}"),
            Self::Key(key) => write!(formatter, "key {key}"),
            Self::Signing(key) => write!(formatter, "signing {key}"),
            Self::Client(client) => write!(formatter, "client {client}"),
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyEntry {
    /// Whom.
    pub who: Denied,
    /// Since when, in Unix seconds.
    pub at: u64,
    /// Why.
    pub reason: RevocationReason,
}

/// Who stands at the door.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// By the certificate.
    pub identity: &'a Identity,
    /// SHA-256 of the certificate's public key information.
    pub tls_spki_sha256: &'a Digest,
    /// The public signing key that the roster gives it.
    pub signing_key: &'a VerifyingKey,
    /// Its number in the roster.
    pub client: ClientId,
}

/// A list; whoever holds one has verified it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenyList {
    order: Option<DenyOrder>,
    entries: Vec<DenyEntry>,
}

impl DenyList {
    /// Everybody on it.
    #[must_use]
    pub fn entries(&self) -> &[DenyEntry] {
        &self.entries
    }

    /// Which it is; nothing where there is no list.
    #[must_use]
    pub fn order(&self) -> Option<DenyOrder> {
        self.order
    }

    /// The entry that names whoever stands at the door, if one does.
    #[must_use]
    pub fn denies(&self, bearer: &Bearer<'_>) -> Option<&DenyEntry> {
        self.entries.iter().find(|entry| match &entry.who {
            Denied::Identity(identity) => identity == bearer.identity,
            Denied::Key(key) => key == bearer.tls_spki_sha256,
            Denied::Signing(key) => key == bearer.signing_key,
            Denied::Client(client) => *client == bearer.client,
        })
    }

    /// The entry of exactly this.
    #[must_use]
    pub fn entry(&self, who: &Denied) -> Option<&DenyEntry> {
        self.entries.iter().find(|entry| entry.who == *who)
    }

    /// Adds an entry; whether it was not there.
    pub(crate) fn add(&mut self, entry: DenyEntry) -> bool {
        let new = self.entry(&entry.who).is_none();
        if new {
            self.entries.push(entry);
        }
        new
    }

    /// Removes an entry; whether it was there.
    pub(crate) fn remove(&mut self, who: &Denied) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.who != *who);
        self.entries.len() < before
    }

    /// Signs the list with the next number, and writes it.
    pub(crate) fn sign(&mut self, path: &Path, authority: &CertificateAuthority) -> Result<(), IssueOrFile> {
        if self.entries.len() > DENIED_MAX {
            return Err(FileError::TooLong { path: path.to_owned(), most: FILE_BYTES_MAX }.into());
        }
        let since = authority.validity().not_before;
        let number = self.order.filter(|order| order.since == since).map_or(1, |order| order.number.saturating_add(1));
        let issuer = authority.key().spki_sha256();
        let text = print(&issuer, number, &self.entries);
        let signature = rcgen::SigningKey::sign(authority.key().pair(), text.as_bytes()).map_err(IssueError::from)?;
        files::write_public(path, format!("{text}signature {}\n", hex(&signature)).as_bytes(), Existing::Replace)?;
        self.order = Some(DenyOrder { since, number });
        Ok(())
    }

    /// Reads and verifies the list; the authority that signed it is known from the revocation lists and stands. A missing file is an empty
    /// list, unless there was one before.
    ///
    /// # Errors
    /// [`FaultKind::DenyListForged`], [`FaultKind::RevocationListOlder`], and as the file is read.
    pub fn read(path: &Path, lists: &RevocationLists, seen: &Seen, now: u64) -> Result<Self, RevocationFileError> {
        let list = if path.exists() {
            Self::verified(&read_titled(path, TITLE, WHAT)?, path, lists, now)?
        } else {
            Self::default()
        };
        if list.order < seen.denied() {
            let found = list.order.map_or("there is none".to_owned(), |order| format!("number {}", order.number));
            let before = seen.denied().map_or(0, |order| order.number);
            return Err(FaultKind::RevocationListOlder
                .because(format!("the deny-list {}: {found}, and number {before} was in force", path.display()))
                .into());
        }
        Ok(list)
    }

    fn verified(text: &str, path: &Path, lists: &RevocationLists, now: u64) -> Result<Self, RevocationFileError> {
        let forged = |what: String| -> CertificateFault { FaultKind::DenyListForged.because(what) };
        let Parsed { issuer, number, entries, covered, signature } =
            parse(text).ok_or_else(|| FileError::content(path, WHAT))?;
        let authority = lists.general().authority(|authority| authority.spki_sha256 == issuer, now);
        let authority =
            authority.map_err(|fault| forged(format!("of the authority that signed it: {}", fault.mark())))?;
        let parsed = parse_certificate(&authority.der).map_err(|fault| forged(fault.to_string()))?;
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &parsed.public_key().subject_public_key.data);
        key.verify(covered.as_bytes(), &signature).map_err(|_| forged("its signature is wrong".to_owned()))?;
        Ok(Self { order: Some(DenyOrder { since: authority.validity.not_before, number }), entries })
    }

    /// Reads the list of an authority's own folder, which nobody else may change: the signature is not asked for, because the authority that
    /// made it may have been replaced.
    pub(crate) fn read_own(path: &Path, authority: &CertificateAuthority) -> Result<Self, FileError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = read_titled(path, TITLE, WHAT)?;
        let Parsed { issuer, number, entries, .. } = parse(&text).ok_or_else(|| FileError::content(path, WHAT))?;
        let own = issuer == authority.key().spki_sha256();
        let order = own.then_some(DenyOrder { since: authority.validity().not_before, number });
        Ok(Self { order, entries })
    }
}

/// Why a list was not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueOrFile {
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    File(#[from] FileError),
}

struct Parsed<'a> {
    issuer: Digest,
    number: u64,
    entries: Vec<DenyEntry>,
    covered: &'a str,
    signature: Vec<u8>,
}

fn print(issuer: &Digest, number: u64, entries: &[DenyEntry]) -> String {
    let lines =
        entries.iter().map(|DenyEntry { who, at, reason }| format!("{who} at {at} reason {}\n", reason.as_str()));
    [format!("{TITLE}\nissuer {issuer}\nnumber {number}\n")].into_iter().chain(lines).collect()
}

fn parse(text: &str) -> Option<Parsed<'_>> {
    let last = text.strip_suffix('\n')?.rfind('\n')?;
    let (covered, signature) = text.split_at(last + 1);
    let mut lines = body(covered, TITLE)?;
    let mut fields = Fields::of(lines.next()?);
    let issuer = fields.digest("issuer")?;
    fields.end()?;
    let mut fields = Fields::of(lines.next()?);
    let number = fields.number("number")?;
    fields.end()?;
    let entries: Vec<DenyEntry> = lines.take(DENIED_MAX + 1).map(entry).collect::<Option<_>>()?;
    let mut fields = Fields::of(signature.strip_suffix('\n')?);
    let signature = fields.bytes("signature")?;
    fields.end()?;
    (entries.len() <= DENIED_MAX).then_some(Parsed { issuer, number, entries, covered, signature })
}

fn entry(line: &str) -> Option<DenyEntry> {
    let mut fields = Fields::of(line);
    let who = match line.split(' ').next()? {
        "identity" => Denied::Identity(fields.identity("identity")?),
        "key" => Denied::Key(fields.digest("key")?),
        "signing" => Denied::Signing(fields.key("signing")?),
        "client" => Denied::Client(ClientId(fields.number("client")?)),
        _ => return None,
    };
    let (at, reason) = (fields.number("at")?, RevocationReason::parse(fields.text("reason")?)?);
    fields.end().map(|()| DenyEntry { who, at, reason })
}

#[cfg(test)]
#[path = "denied_tests.rs"]
mod tests;

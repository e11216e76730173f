//! The enrolment bundle: what a branch must know before it asks, on paper's length. Whoever holds it can enrol as that branch, once.
//!
//! ```text
//! tributary enrolment 2
//! branch spiffe://federation.example/north-bank/client/branch-1
//! coordinator fl.bank.example:7443
//! root 3b7e..
//! expect identity spiffe://federation.example/bank/coordinator/centre signing 91ab..
//! needed 2
//! authority 5f0d..
//! list 9f86.. number 0c
//! token 0f1e2d3c4b5a69788796a5b4c3d2e1f0
//! ```

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::VerifyingKey;
use zeroize::Zeroizing;

use super::tokens::Token;
use crate::enrolment::CoordinatorPin;
use crate::identity::Identity;
use crate::lines::{Fields, body};
use crate::revocation::{KnownNumbers, parse_known_line};
use crate::roster::RosterAuthorities;
use tributary_storage::files::{self, Existing, FileError, judge_title};

const TITLE: &str = "tributary enrolment 2";
const WHAT: &str = "enrolment bundle";

/// Issuers whose numbers a bundle holds at most.
const ISSUERS_MAX: usize = 64;

/// What a branch is told before it asks. Neither `Debug` nor `Clone`: it holds the token.
pub struct Bundle {
    /// Who the branch becomes.
    pub identity: Identity,
    /// Where the coordinator answers, as `HOST:PORT`.
    pub coordinator_address: String,
    /// SHA-256 of the root certificate (DER) under which the office's authority stands.
    pub root_sha256: Digest,
    /// The coordinator to expect.
    pub coordinator: CoordinatorPin,
    /// The roster authorities, and how many must sign.
    pub authorities: RosterAuthorities,
    /// The largest number of each issuer's revocation lists when the bundle was made: who joins takes no older one.
    pub lists: KnownNumbers,
    /// The token.
    pub token: Token,
}

impl Bundle {
    /// Writes the bundle to a new file of mode 0600.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path, existing: Existing) -> Result<(), FileError> {
        files::write_private(path, self.print().as_bytes(), existing)
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = files::read_private(path)?;
        let text = core::str::from_utf8(&bytes).ok();
        text.map_or(Ok(()), |text| judge_title(path, text, TITLE))?;
        text.and_then(Self::parse).ok_or_else(|| FileError::content(path, WHAT))
    }

    /// Whether another bundle has the same branch believe the same: of one office two may differ in the token, the lists and the address.
    pub(super) fn same_federation(&self, other: &Self) -> bool {
        let believed = |bundle: &Self| (bundle.identity.clone(), bundle.root_sha256, bundle.coordinator.clone());
        believed(self) == believed(other) && self.authorities == other.authorities
    }

    fn print(&self) -> Zeroizing<String> {
        let CoordinatorPin { identity, signing_key } = &self.coordinator;
        let authority = |key: &VerifyingKey| format!("authority {key}\n");
        let authorities: String = self.authorities.keys().iter().map(authority).collect();
        Zeroizing::new(format!(
            "{TITLE}\nbranch {}\ncoordinator {}\nroot {}\nexpect identity {identity} signing {signing_key}\nneeded {}\n{authorities}{}token {}\n",
            self.identity,
            self.coordinator_address,
            self.root_sha256,
            self.authorities.needed(),
            self.lists.lines(),
            self.token.expose().as_str(),
        ))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = body(text, TITLE)?.peekable();
        let mut fields = Fields::of(lines.next()?);
        let identity = fields.identity("branch")?;
        fields.end()?;
        let mut fields = Fields::of(lines.next()?);
        let coordinator_address = address(fields.text("coordinator")?)?;
        fields.end()?;
        let mut fields = Fields::of(lines.next()?);
        let root_sha256 = fields.digest("root")?;
        fields.end()?;
        let mut fields = Fields::of(lines.next()?.strip_prefix("expect ")?);
        let coordinator =
            CoordinatorPin { identity: fields.identity("identity")?, signing_key: fields.key("signing")? };
        fields.end()?;
        let mut fields = Fields::of(lines.next()?);
        let needed = fields.number("needed")?;
        fields.end()?;
        let mut keys = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("authority ")) {
            let mut fields = Fields::of(line);
            keys.push(fields.key("authority")?);
            fields.end()?;
        }
        let authorities = RosterAuthorities::new(needed, keys).ok()?;
        let mut known = KnownNumbers::default();
        while let Some(line) = lines.next_if(|line| line.starts_with("list ")) {
            let (issuer, number) = parse_known_line(line)?;
            let ascending = known.last().is_none_or(|last| *last < issuer);
            (ascending && known.len() < ISSUERS_MAX).then_some(())?;
            known.note(issuer, number);
        }
        (known.len() > 0).then_some(())?;
        let mut fields = Fields::of(lines.next()?);
        let token = Token::parse(fields.text("token")?)?;
        fields.end()?;
        let bundle = Self { identity, coordinator_address, root_sha256, coordinator, authorities, lists: known, token };
        lines.next().is_none().then_some(bundle)
    }
}

/// `HOST:PORT`, the host without anything that could break a line or a command; nothing for any other text.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    let good = !host.is_empty() && host.len() <= 255 && host.bytes().all(letter);
    (good && port.parse::<u16>().is_ok_and(|port| port != 0)).then(|| text.to_owned())
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;

//! The roster's files: making, signing and reading what `protocol::roster` defines.
//!
//! The text form is for people and for transport between the authorities; signatures cover the canonical encoding, never the text.
//!
//! ```text
//! tributary roster 3
//! epoch 2
//! previous 6b1e..
//! client 1 name north-bank/branch-01 organisation 1 signing 3d40.. tls 9f86.. not-after 1931536000
//! group pilot 1 3 5-9
//! person north-bank/e20417 signing 77aa..
//! role privacy-officer scope federation from 1900000000 until 1931536000
//! signature 0 e556..
//! ```

use std::iter::Peekable;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::limits::{ROSTER_AUTHORITIES_MAX, ROSTER_GROUP_MEMBERS_MAX};
use tributary_protocol::roster::{
    AuthoritySignature, Person, Roster, RosterEntry, RosterError, RosterGroup, SignedRoster, federation_digest,
};
use tributary_protocol::secagg::suite::{Signature, Suite, VerifyingKey};

use crate::lines::{Fields, body, print_entry, print_group};
use crate::people::lines::{Bounds, print_name, print_roles};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError, judge_title, read_titled};

pub use crate::lines::{parse_clients, print_clients};
pub use crate::people::lines::print_scope;

const ROSTER_TITLE: &str = "tributary roster 3";
const AUTHORITIES_TITLE: &str = "tributary roster authorities 2";

/// The authorities that may sign rosters and how many must: part of every enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterAuthorities {
    needed: usize,
    keys: Vec<VerifyingKey>,
}

/// Why a roster's file was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RosterFileError {
    /// The file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The roster in it is refused.
    #[error(transparent)]
    Roster(#[from] RosterError),
}

impl RosterAuthorities {
    /// `needed` of these keys must sign.
    ///
    /// # Errors
    /// [`RosterError::Authorities`] if a key occurs twice, there are too many, or `needed` is zero or more than there are.
    pub fn new(needed: usize, keys: Vec<VerifyingKey>) -> Result<Self, RosterError> {
        let distinct = keys.iter().collect::<std::collections::BTreeSet<_>>().len();
        let usable = distinct == keys.len() && distinct <= ROSTER_AUTHORITIES_MAX && (1..=distinct).contains(&needed);
        if usable { Ok(Self { needed, keys }) } else { Err(RosterError::Authorities { needed, authorities: distinct }) }
    }

    /// How many must sign.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// Their keys; a signature names its signer by the index here.
    #[must_use]
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// What names the list: how many must sign, and every key in its place.
    #[must_use]
    pub fn digest(&self) -> Digest {
        federation_digest(&self.keys, self.needed)
    }

    /// Whether a roster is signed by enough of them.
    ///
    /// # Errors
    /// [`RosterError`].
    pub fn verify(&self, roster: &SignedRoster) -> Result<(), RosterError> {
        roster.verify::<RealSuite>(&self.keys, self.needed)
    }

    /// Writes the list, replacing an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_public(path, self.print().as_bytes(), Existing::Replace)
    }

    /// The text form.
    #[must_use]
    pub fn print(&self) -> String {
        let keys = self.keys.iter().map(|key| format!("authority {key}\n"));
        [format!("{AUTHORITIES_TITLE}\nneeded {}\n", self.needed)].into_iter().chain(keys).collect()
    }

    /// The list of a file's text; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (needed, keys) = parse_authorities(text)?;
        Self::new(needed, keys).ok()
    }

    /// Reads the list.
    ///
    /// # Errors
    /// [`RosterFileError`].
    pub fn read(path: &Path) -> Result<Self, RosterFileError> {
        const WHAT: &str = "list of roster authorities";
        let text = read_titled(path, AUTHORITIES_TITLE, WHAT)?;
        let (needed, keys) = parse_authorities(&text).ok_or_else(|| FileError::content(path, WHAT))?;
        Ok(Self::new(needed, keys)?)
    }
}

/// Adds an authority's signature, in its place; an earlier one of the same authority is replaced.
///
/// # Errors
/// [`RosterError::UnknownAuthority`] if the key is not the one that the list has at that index.
pub fn countersign(
    signed: &mut SignedRoster,
    authorities: &RosterAuthorities,
    authority: u8,
    key: &SigningKey,
) -> Result<(), RosterError> {
    if authorities.keys.get(usize::from(authority)) != Some(&key.verifying_key()) {
        return Err(RosterError::UnknownAuthority { authority });
    }
    let signature = RealSuite::sign(key, &signed.roster.signing_input());
    signed.signatures.retain(|other| other.authority != authority);
    signed.signatures.push(AuthoritySignature { authority, signature });
    signed.signatures.sort_by_key(|signature| signature.authority);
    Ok(())
}

/// The text form.
#[must_use]
pub fn print_roster(signed: &SignedRoster) -> String {
    format!("{ROSTER_TITLE}\n{}", print_lines(signed))
}

/// The text form without its title.
pub(crate) fn print_lines(signed: &SignedRoster) -> String {
    let SignedRoster { roster, signatures } = signed;
    let mut text = format!("epoch {}\nprevious {}\n", roster.epoch(), roster.previous());
    for entry in roster.entries() {
        text += &print_entry(entry);
        text.push('\n');
    }
    for group in roster.groups() {
        text += &print_group(group);
        text.push('\n');
    }
    roster.people().iter().for_each(|person| text += &(print_name(person) + &print_roles(person)));
    signatures.iter().for_each(|signature| text += &print_signature("signature", signature));
    text
}

/// A signature's line, as [`signature_named`] reads it.
pub(crate) fn print_signature(name: &str, AuthoritySignature { authority, signature }: &AuthoritySignature) -> String {
    format!("{name} {authority} {signature}\n")
}

/// Parses the text form. Says nothing about the signatures: verify.
///
/// # Errors
/// `None` inside if the text has another form; [`RosterError`] if the roster in it is refused.
pub fn parse_roster(text: &str) -> Result<SignedRoster, Option<RosterError>> {
    parse_lines(&mut body(text, ROSTER_TITLE).ok_or(None)?.peekable())
}

/// Refuses a roster's text of another version, which the error names.
pub(crate) fn judge_roster_title(path: &Path, text: &str) -> Result<(), FileError> {
    judge_title(path, text, ROSTER_TITLE)
}

/// The same of the list of the roster's authorities.
pub(crate) fn judge_authorities_title(path: &Path, text: &str) -> Result<(), FileError> {
    judge_title(path, text, AUTHORITIES_TITLE)
}

/// Parses the text form without its title, to its end.
pub(crate) fn parse_lines<'a>(
    lines: &mut Peekable<impl Iterator<Item = &'a str>>,
) -> Result<SignedRoster, Option<RosterError>> {
    let (parts, signatures) = roster_parts(lines).ok_or(None)?;
    let (epoch, previous, entries, groups, people) = parts;
    Ok(SignedRoster { roster: Roster::new(epoch, previous, entries, groups, people)?, signatures })
}

/// Writes a roster's text form.
///
/// # Errors
/// [`FileError`].
pub fn write_roster(signed: &SignedRoster, path: &Path, existing: Existing) -> Result<(), FileError> {
    files::write_public(path, print_roster(signed).as_bytes(), existing)
}

/// Reads a roster and verifies its signatures.
///
/// # Errors
/// [`RosterFileError`].
pub fn read_roster(path: &Path, authorities: &RosterAuthorities) -> Result<SignedRoster, RosterFileError> {
    let signed = read_unverified_roster(path)?;
    authorities.verify(&signed)?;
    Ok(signed)
}

/// Reads a roster that may still lack signatures, for the authority that adds one.
///
/// # Errors
/// [`RosterFileError`].
pub fn read_unverified_roster(path: &Path) -> Result<SignedRoster, RosterFileError> {
    const WHAT: &str = "roster";
    let text = read_titled(path, ROSTER_TITLE, WHAT)?;
    parse_roster(&text).map_err(|error| match error {
        Some(error) => error.into(),
        None => FileError::content(path, WHAT).into(),
    })
}

type Parts = (u64, Digest, Vec<RosterEntry>, Vec<RosterGroup>, Vec<Person>);

fn roster_parts<'a>(lines: &mut Peekable<impl Iterator<Item = &'a str>>) -> Option<(Parts, Vec<AuthoritySignature>)> {
    let mut fields = Fields::of(lines.next()?);
    let epoch = fields.number("epoch")?;
    fields.end()?;
    let mut fields = Fields::of(lines.next()?);
    let previous = fields.digest("previous")?;
    fields.end()?;
    let mut entries = Vec::new();
    while let Some(line) = lines.next_if(|line| line.starts_with("client ")) {
        let mut fields = Fields::of(line);
        entries.push(fields.entry()?);
        fields.end()?;
    }
    let (mut groups, mut members) = (Vec::new(), 0_usize);
    while let Some(line) = lines.next_if(|line| line.starts_with("group ")) {
        let group = Fields::of(line).group()?;
        // A range stands for ten thousand members in few bytes: they are counted while they are read.
        members = members.checked_add(group.members.len()).filter(|all| *all <= ROSTER_GROUP_MEMBERS_MAX)?;
        groups.push(group);
    }
    let people = Bounds::default().people(lines)?;
    let signatures = lines.map(|line| signature_named("signature", line)).collect::<Option<Vec<_>>>()?;
    Some(((epoch, previous, entries, groups, people), signatures))
}

/// A name, an index, and the signature after the name of its algorithm.
pub(crate) fn signature_named(name: &str, line: &str) -> Option<AuthoritySignature> {
    let mut fields = Fields::of(line);
    let authority = fields.number(name)?;
    let signature = Signature::of_text(fields.value()?)?;
    fields.end()?;
    Some(AuthoritySignature { authority, signature })
}

fn parse_authorities(text: &str) -> Option<(usize, Vec<VerifyingKey>)> {
    let mut lines = body(text, AUTHORITIES_TITLE)?;
    let mut fields = Fields::of(lines.next()?);
    let needed = fields.number("needed")?;
    fields.end()?;
    let key = |line| {
        let mut fields = Fields::of(line);
        let key = fields.key("authority")?;
        fields.end().map(|()| key)
    };
    Some((needed, lines.map(key).collect::<Option<_>>()?))
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;

//! A roster on its way to its signatures: the text that is carried from the office to the holders and back.
//!
//! ```text
//! tributary roster proposal 3
//! made 1900000000
//! authorities 9f86..
//! last-signature 0 ab12..
//! rests client 9 way network at 1900000000 approved anna at 1900000100
//! rests client 2 revoked key-compromise at 1900000000
//! rests person north-bank/e20417 made 1900000000 proof ab12.. given anna at 1900000100
//! roster
//! epoch 2
//! ..
//! ```
//!
//! Only what follows `roster` is signed. The lines before it are what the office says; a text that prints otherwise than it was read is refused,
//! so that one file holds one proposal, whoever reads it.

use std::collections::BTreeMap;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{AuthoritySignature, RosterError, SignedRoster, StaffNumber};

use super::CeremonyError;
use crate::issue::RevocationReason;
use crate::lines::{Fields, body};
use crate::office::Ground;
use crate::people::PersonRest;
use crate::people::lines::staff;
use crate::roster::{judge_roster_title, parse_lines, parse_roster, print_lines, print_signature, signature_named};
use tributary_storage::files::{self, Existing, FileError, read_titled};

const TITLE: &str = "tributary roster proposal 3";
const WHAT: &str = "roster proposal";

/// What the office says that a change rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// How the member's keys came, and who approved them.
    Ground(Ground),
    /// The member was revoked.
    Revoked {
        /// Why.
        reason: RevocationReason,
        /// When, in Unix seconds.
        at: u64,
    },
}

/// What the office says that the changes of a roster rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rests {
    /// Of members, by their numbers.
    pub members: BTreeMap<ClientId, Rest>,
    /// Of people.
    pub people: BTreeMap<StaffNumber, PersonRest>,
}

/// A roster that is proposed, with the signatures that it has so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The roster and its signatures.
    pub signed: SignedRoster,
    /// When it was made, in Unix seconds.
    pub made: u64,
    /// The office's list of roster authorities, by its digest.
    pub authorities: Digest,
    /// The signatures of the roster before it.
    pub last: Vec<AuthoritySignature>,
    /// What its changes rest on.
    pub rests: Rests,
}

impl Rest {
    fn print(&self) -> String {
        match self {
            Self::Ground(ground) => ground.print(),
            Self::Revoked { reason, at } => format!("revoked {} at {at}", reason.as_str()),
        }
    }

    fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        let mut revoked = fields.clone();
        match revoked.text("revoked") {
            Some(reason) => {
                *fields = revoked;
                Some(Self::Revoked { reason: RevocationReason::parse(reason)?, at: fields.number("at")? })
            }
            None => Some(Self::Ground(Ground::parse(fields)?)),
        }
    }
}

impl Rests {
    /// A line for each.
    pub(super) fn print(&self) -> String {
        let members = self.members.iter().map(|(client, rest)| format!("rests client {client} {}\n", rest.print()));
        let people = self.people.iter().map(|(staff, rest)| format!("rests person {staff} {}\n", rest.print()));
        members.chain(people).collect()
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let mut fields = Fields::of(line.strip_prefix("rests ")?);
        let mut of_person = fields.clone();
        match staff(&mut of_person, "person") {
            Some(staff) => {
                fields = of_person;
                self.people.insert(staff, PersonRest::parse(&mut fields)?);
            }
            None => {
                let client = ClientId(fields.number("client")?);
                self.members.insert(client, Rest::parse(&mut fields)?);
            }
        }
        fields.end()
    }
}

impl Proposal {
    /// The text form.
    #[must_use]
    pub fn print(&self) -> String {
        let Self { signed, made, authorities, last, rests } = self;
        let last: String = last.iter().map(|signature| print_signature("last-signature", signature)).collect();
        let rests = rests.print();
        format!("{TITLE}\nmade {made}\nauthorities {authorities}\n{last}{rests}roster\n{}", print_lines(signed))
    }

    /// Parses the text form. Says nothing about the signatures.
    ///
    /// # Errors
    /// `None` inside if the text has another form; [`RosterError`] if the roster in it is refused.
    pub fn parse(text: &str) -> Result<Self, Option<RosterError>> {
        let mut lines = body(text, TITLE).ok_or(None)?.peekable();
        let mut head = || {
            let mut fields = Fields::of(lines.next()?);
            let made = fields.number("made")?;
            fields.end()?;
            let mut fields = Fields::of(lines.next()?);
            let authorities = fields.digest("authorities")?;
            fields.end()?;
            let mut last = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with("last-signature ")) {
                last.push(signature_named("last-signature", line)?);
            }
            let mut rests = Rests::default();
            while let Some(line) = lines.next_if(|line| line.starts_with("rests ")) {
                rests.add(line)?;
            }
            (lines.next()? == "roster").then_some((made, authorities, last, rests))
        };
        let (made, authorities, last, rests) = head().ok_or(None)?;
        let proposal = Self { signed: parse_lines(&mut lines)?, made, authorities, last, rests };
        if proposal.print() == text { Ok(proposal) } else { Err(None) }
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path, existing: Existing) -> Result<(), FileError> {
        files::write_public(path, self.print().as_bytes(), existing)
    }
}

/// Reads a proposal. Says nothing about the signatures.
///
/// # Errors
/// [`CeremonyError::File`] or [`CeremonyError::Roster`].
pub fn read_proposal(path: &Path) -> Result<Proposal, CeremonyError> {
    let text = read_titled(path, TITLE, WHAT)?;
    Proposal::parse(&text).map_err(|error| refused(error, path))
}

/// Reads a roster with or without signatures, or a proposal: what is compared with something else.
///
/// # Errors
/// As [`read_proposal`].
pub fn read_roster_or_proposal(path: &Path) -> Result<(SignedRoster, Rests), CeremonyError> {
    let text = read_titled(path, TITLE, "roster or roster proposal")?;
    judge_roster_title(path, &text)?;
    if text.starts_with(TITLE) {
        let proposal = Proposal::parse(&text).map_err(|error| refused(error, path))?;
        return Ok((proposal.signed, proposal.rests));
    }
    Ok((parse_roster(&text).map_err(|error| refused(error, path))?, Rests::default()))
}

fn refused(error: Option<RosterError>, path: &Path) -> CeremonyError {
    error.map_or_else(|| FileError::content(path, "roster or roster proposal").into(), CeremonyError::from)
}

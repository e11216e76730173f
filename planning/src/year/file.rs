//! The text file in which a year of spending travels, and to which its signatures are added.
//!
//! ```text
//! tributary year 1
//! digest 5d11..
//! AAAA..                      the canonical encoding, 64 symbols of base64 a line
//! attestation propose-year subject 5d11.. federation 3d40.. staff north-bank/e20417 role plan-owner at 1900000000 signature ed25519:e556..
//! attestation approve-year subject 5d11.. federation 3d40.. staff north-bank/e20533 role privacy-officer at 1900003600 signature ed25519:77aa..
//! ```

use std::path::Path;

use tributary_certs::attestation::{parse_attestation, print_attestation};
use tributary_certs::people::SigningPerson;
use tributary_model::year::YearPlan;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Attestation};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_storage::files::{self, Existing, FileError, read_titled};

use crate::frame;
use crate::signing::{SigningError, may_judge, may_propose};

const TITLE: &str = "tributary year 1";
const NAME: &str = "tributary year ";
const WHAT: &str = "year of spending, as `tributary plan year build` writes it";

/// A year of spending and what was signed on it.
#[derive(Clone, Debug, PartialEq)]
pub struct YearFile {
    /// The year.
    pub year: YearPlan,
    /// Of whoever put it forward.
    pub proposal: Option<Attestation>,
    /// Of whoever approved it.
    pub approval: Option<Attestation>,
}

impl YearFile {
    /// A year that nobody has signed.
    #[must_use]
    pub fn new(year: YearPlan) -> Self {
        Self { year, proposal: None, approval: None }
    }

    /// Both signatures, where they are there. Whether they count, the roster says.
    #[must_use]
    pub fn approvals(&self) -> Option<Approvals> {
        Some(Approvals { proposal: self.proposal.clone()?, approval: self.approval.clone()? })
    }

    /// Every signature, in the order of the file.
    pub fn attestations(&self) -> impl Iterator<Item = &Attestation> {
        self.proposal.iter().chain(&self.approval)
    }

    /// Adds a person's signature, in the one role that may give it.
    ///
    /// # Errors
    /// [`SigningError`]; nothing is added.
    pub fn sign(
        &mut self,
        action: Action,
        person: &SigningPerson,
        federation: Digest,
        at: u64,
    ) -> Result<(), SigningError> {
        let role = self.may_sign(action, person.staff(), federation)?;
        let signed = person.attest(action, self.year.digest(), federation, role, at)?;
        match action {
            Action::ProposeYear => self.proposal = Some(signed),
            _ => self.approval = Some(signed),
        }
        Ok(())
    }

    /// In which role such a signature could count: asked before a person is.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn may_sign(&self, action: Action, staff: &StaffNumber, federation: Digest) -> Result<Role, SigningError> {
        match action {
            Action::ProposeYear => may_propose(action, self.proposal.as_ref()),
            Action::ApproveYear => {
                may_judge(action, self.approval.as_ref(), self.proposal.as_ref(), (staff, federation))
            }
            _ => Err(SigningError::Action(action)),
        }
    }

    /// The text form.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = frame::print(TITLE, &self.year.digest(), &self.year);
        for attestation in self.attestations() {
            text.push_str(&print_attestation(attestation));
            text.push('\n');
        }
        text
    }

    /// Parses the text form; a year beyond the limits of a year.toml is none. Says nothing about the signatures.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (digest, year, lines) = frame::parse::<YearPlan>(TITLE, text)?;
        if !year.is_valid() || year.digest() != digest {
            return None;
        }
        let mut file = Self::new(year);
        for line in lines {
            let attestation = parse_attestation(line).filter(|attestation| attestation.subject == digest)?;
            match attestation.action {
                Action::ProposeYear if file.proposal.is_none() => file.proposal = Some(attestation),
                Action::ApproveYear if file.approval.is_none() => file.approval = Some(attestation),
                _ => return None,
            }
        }
        (file.print() == text).then_some(file)
    }

    /// Whether a file begins as the text form of some version does.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.starts_with(NAME)
    }

    /// Reads a file. Says nothing about the signatures.
    ///
    /// # Errors
    /// [`FileError`]; one of another version is refused by its name.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = read_titled(path, TITLE, WHAT)?;
        Self::parse(&text).ok_or_else(|| FileError::content(path, WHAT))
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path, existing: Existing) -> Result<(), FileError> {
        files::write_public(path, self.print().as_bytes(), existing)
    }
}

#[cfg(test)]
pub(crate) mod tests;

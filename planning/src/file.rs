//! The text file in which a plan travels, and to which its signatures are added.
//!
//! ```text
//! tributary plan 1
//! digest 9f86..
//! AAAA..                      the canonical encoding, 64 symbols of base64 a line
//! attestation propose-plan subject 9f86.. federation 3d40.. staff north-bank/e20417 role plan-owner at 1900000000 signature ed25519:e556..
//! attestation approve-plan subject 9f86.. federation 3d40.. staff north-bank/e20533 role privacy-officer at 1900003600 signature ed25519:77aa..
//! ```
//!
//! A text that prints otherwise than it was read is refused, so that one file holds one plan, whoever reads it. No signature is believed for being in
//! it: by which key it must verify, the signed roster says.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tributary_certs::attestation::{is_attestation, parse_attestation, print_attestation};
use tributary_certs::people::SigningPerson;
use tributary_model::weak_modes::{Build, ModeNotBuilt};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Attestation, Plan};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_storage::files::{self, Existing, FileError, read_titled};

const TITLE: &str = "tributary plan 1";
const NAME: &str = "tributary plan ";
const WHAT: &str = "plan, as `tributary plan build` writes it";
/// Longest encoding of a plan.
const PLAN_BYTES_MAX: usize = 1 << 20;
/// Longest file: the encoding in base64 with its line ends, and signatures.
const FILE_BYTES_MAX: usize = 2 << 20;
/// Symbols on a line.
const LINE: usize = 64;

/// A plan and what was signed on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFile {
    /// The plan.
    pub plan: Plan,
    /// Of whoever put it forward.
    pub proposal: Option<Attestation>,
    /// Of whoever approved it.
    pub approval: Option<Attestation>,
}

/// Why a plan's file is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// The action is about something else.
    #[error("{0} is nothing that is signed on a plan; nothing was signed")]
    Action(Action),
    /// It is there already.
    #[error(
        "the file has the signature {0} already; it is never replaced. Build the file anew (`tributary plan build`) if another person is to sign"
    )]
    Twice(Action),
    /// An approval of what nobody put forward.
    #[error(
        "nobody has put this plan forward yet; its author signs first (`tributary plan propose`), and nothing was signed"
    )]
    NotProposed,
    /// Four eyes.
    #[error("{0} put this plan forward, and another person must approve it; nothing was signed")]
    OnePerson(StaffNumber),
    /// A mode in which this program has no part.
    #[error("nothing was signed: {0}")]
    Mode(#[from] ModeNotBuilt),
    /// A signature for another federation beside it.
    #[error(
        "the proposal in this file is for another federation (another list of roster authorities); nothing was signed"
    )]
    Federation,
}

impl PlanFile {
    /// A plan that nobody has signed.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { plan, proposal: None, approval: None }
    }

    /// The two signatures that let it run, where both are there. Whether they count, the roster says.
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
    /// [`PlanFileError`]; nothing is added.
    pub fn sign(
        &mut self,
        action: Action,
        person: &SigningPerson,
        federation: Digest,
        at: u64,
    ) -> Result<(), PlanFileError> {
        let role = self.may_sign(action, person.staff(), federation)?;
        let signed = person.attest(action, self.plan.digest(), federation, role, at);
        match action {
            Action::ProposePlan => self.proposal = Some(signed),
            _ => self.approval = Some(signed),
        }
        Ok(())
    }

    /// In which role such a signature could count: asked before a person is. The table of duties gives each of the two actions to one role.
    ///
    /// # Errors
    /// [`PlanFileError`].
    pub fn may_sign(&self, action: Action, staff: &StaffNumber, federation: Digest) -> Result<Role, PlanFileError> {
        self.may_sign_by(Build::THIS, action, staff, federation)
    }

    fn may_sign_by(
        &self,
        build: Build,
        action: Action,
        staff: &StaffNumber,
        federation: Digest,
    ) -> Result<Role, PlanFileError> {
        let (place, role) = match action {
            Action::ProposePlan => (&self.proposal, Role::PlanOwner),
            Action::ApprovePlan => (&self.approval, Role::PrivacyOfficer),
            _ => return Err(PlanFileError::Action(action)),
        };
        build.admits(self.plan.privacy)?;
        if place.is_some() {
            return Err(PlanFileError::Twice(action));
        }
        if action == Action::ApprovePlan {
            let author = self.proposal.as_ref().ok_or(PlanFileError::NotProposed)?;
            if author.federation != federation {
                return Err(PlanFileError::Federation);
            }
            if author.staff == *staff {
                return Err(PlanFileError::OnePerson(staff.clone()));
            }
        }
        Ok(role)
    }

    /// The text form.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = format!("{TITLE}\ndigest {}\n", self.plan.digest());
        let encoded = STANDARD.encode(codec::encode(&self.plan));
        for line in encoded.as_bytes().chunks(LINE) {
            text.extend(line.iter().map(|symbol| char::from(*symbol)));
            text.push('\n');
        }
        for attestation in self.attestations() {
            text.push_str(&print_attestation(attestation));
            text.push('\n');
        }
        text
    }

    /// Parses the text form. Says nothing about the signatures, nor whether the plan keeps its limits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Not `lines`, which would drop an empty last line.
        let mut lines = text.strip_suffix('\n').filter(|_| text.len() <= FILE_BYTES_MAX)?.split('\n').peekable();
        let title = lines.next()? == TITLE;
        let digest = lines.next()?.strip_prefix("digest ").and_then(Digest::from_hex).filter(|_| title)?;
        let mut encoded = String::new();
        while let Some(line) = lines.next_if(|line| !is_attestation(line)) {
            encoded.push_str(line);
        }
        let plan: Plan = codec::decode(&STANDARD.decode(encoded).ok()?, PLAN_BYTES_MAX).ok()?;
        if plan.digest() != digest {
            return None;
        }
        let mut file = Self::new(plan);
        for line in lines {
            let attestation = parse_attestation(line).filter(|attestation| attestation.subject == digest)?;
            match attestation.action {
                Action::ProposePlan if file.proposal.is_none() => file.proposal = Some(attestation),
                Action::ApprovePlan if file.approval.is_none() => file.approval = Some(attestation),
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

    /// Reads a file. Says nothing about the signatures, nor whether the plan keeps its limits.
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

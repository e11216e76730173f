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
//! One that was rejected ends with the reason, and a signature over plan and reason:
//!
//! ```text
//! reason the assessment does not name the account movements
//! attestation reject-plan subject 41c2.. federation 3d40.. staff north-bank/e20533 role privacy-officer at 1900003600 signature ed25519:91be..
//! ```
//!
//! A text that prints otherwise than it was read is refused, so that one file holds one plan, whoever reads it. No signature is believed for being in
//! it: by which key it must verify, the signed roster says.

use std::path::Path;

use tributary_certs::attestation::{parse_attestation, print_attestation};
use tributary_certs::people::SigningPerson;
use tributary_model::weak_modes::Build;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Attestation, Plan, Rejection, is_reason, rejected};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_storage::files::{self, Existing, FileError, read_titled};

use crate::frame;
use crate::signing::{SigningError, may_judge, may_propose};

const TITLE: &str = "tributary plan 1";
const NAME: &str = "tributary plan ";
const WHAT: &str = "plan, as `tributary plan build` writes it";
const REASON: &str = "reason ";

/// A plan and what was signed on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFile {
    /// The plan.
    pub plan: Plan,
    /// Of whoever put it forward.
    pub proposal: Option<Attestation>,
    /// Of whoever approved it.
    pub approval: Option<Attestation>,
    /// Of whoever rejected it.
    pub rejection: Option<Rejection>,
}

impl PlanFile {
    /// A plan that nobody has signed.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { plan, proposal: None, approval: None, rejection: None }
    }

    /// The two signatures that let it run, where both are there and nobody has rejected it. Whether they count, the roster says.
    #[must_use]
    pub fn approvals(&self) -> Option<Approvals> {
        let both = Approvals { proposal: self.proposal.clone()?, approval: self.approval.clone()? };
        self.rejection.is_none().then_some(both)
    }

    /// Every signature, in the order of the file.
    pub fn attestations(&self) -> impl Iterator<Item = &Attestation> {
        self.proposal.iter().chain(&self.approval).chain(self.rejection.iter().map(|rejection| &rejection.signed))
    }

    /// Adds the signature of whoever puts the plan forward or approves it, in the one role that may give it.
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
        let (role, plan) = (self.may_sign(action, person.staff(), federation)?, self.plan.digest());
        let place = match action {
            Action::ProposePlan => &mut self.proposal,
            Action::ApprovePlan => &mut self.approval,
            // A rejection has a reason.
            _ => return Err(SigningError::Action(action)),
        };
        *place = Some(person.attest(action, plan, federation, role, at)?);
        Ok(())
    }

    /// Adds a rejection, also of a plan that was approved and has not run: nothing more is signed on this file, and no coordinator serves it.
    ///
    /// # Errors
    /// [`SigningError`]; nothing is added.
    pub fn reject(
        &mut self,
        reason: &str,
        person: &SigningPerson,
        federation: Digest,
        at: u64,
    ) -> Result<(), SigningError> {
        let role = self.may_sign(Action::RejectPlan, person.staff(), federation)?;
        if !is_reason(reason) {
            return Err(SigningError::Reason);
        }
        let subject = rejected(&self.plan.digest(), reason);
        let signed = person.attest(Action::RejectPlan, subject, federation, role, at)?;
        self.rejection = Some(Rejection { reason: reason.into(), signed });
        Ok(())
    }

    /// In which role such a signature could count: asked before a person is. The table of duties gives each of the actions to one role.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn may_sign(&self, action: Action, staff: &StaffNumber, federation: Digest) -> Result<Role, SigningError> {
        self.may_sign_by(Build::THIS, action, staff, federation)
    }

    /// A rejection lets nothing run, so that any program may give it.
    fn may_sign_by(
        &self,
        build: Build,
        action: Action,
        staff: &StaffNumber,
        federation: Digest,
    ) -> Result<Role, SigningError> {
        let judge = |there| may_judge(action, there, self.proposal.as_ref(), (staff, federation));
        match (action, &self.rejection) {
            (Action::ProposePlan | Action::ApprovePlan | Action::RejectPlan, Some(rejection)) => {
                Err(SigningError::Rejected(rejection.signed.staff.clone()))
            }
            (Action::ProposePlan, None) => {
                build.admits(self.plan.privacy)?;
                may_propose(action, self.proposal.as_ref())
            }
            (Action::ApprovePlan, None) => {
                build.admits(self.plan.privacy)?;
                judge(self.approval.as_ref())
            }
            (Action::RejectPlan, None) => judge(None),
            _ => Err(SigningError::Action(action)),
        }
    }

    /// The text form.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = frame::print(TITLE, &self.plan.digest(), &self.plan);
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        for attestation in self.proposal.iter().chain(&self.approval) {
            line(&print_attestation(attestation));
        }
        if let Some(Rejection { reason, signed }) = &self.rejection {
            line(&format!("{REASON}{}", reason.raw()));
            line(&print_attestation(signed));
        }
        text
    }

    /// Parses the text form. Says nothing about the signatures, nor whether the plan keeps its limits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (digest, plan, lines) = frame::parse::<Plan>(TITLE, text)?;
        if plan.digest() != digest {
            return None;
        }
        let mut file = Self::new(plan);
        let mut reason = None;
        for line in lines {
            if let Some(text) = line.strip_prefix(REASON) {
                reason = Some(text).filter(|text| is_reason(text));
                continue;
            }
            let attestation = parse_attestation(line)?;
            let own = attestation.subject == digest;
            match (attestation.action, reason.take()) {
                (Action::ProposePlan, None) if own && file.proposal.is_none() => file.proposal = Some(attestation),
                (Action::ApprovePlan, None) if own && file.approval.is_none() => file.approval = Some(attestation),
                (Action::RejectPlan, Some(text)) if attestation.subject == rejected(&digest, text) => {
                    file.rejection = Some(Rejection { reason: text.into(), signed: attestation });
                }
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

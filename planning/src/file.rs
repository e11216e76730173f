//! The text file in which a plan travels, and to which its signatures are added.
//!
//! ```text
//! tributary plan 1
//! digest 9f86..
//! AAAA..                      the canonical encoding, 64 symbols of base64 a line
//! attestation propose-plan federation 3d40.. staff north-bank/e20417 role plan-owner at 1900000000 signature ed25519:e556..
//! attestation approve-plan federation 3d40.. staff north-bank/e20533 role privacy-officer at 1900003600 signature ed25519:77aa..
//! ```
//!
//! A text that prints otherwise than it was read is refused, so that one file holds one plan, whoever reads it. No signature is believed for being in
//! it: by which key it must verify, the signed roster says.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Attestation, Plan};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::secagg::suite::Signature;
use tributary_storage::files::{self, Existing, FileError};

const TITLE: &str = "tributary plan 1";
const NAME: &str = "tributary plan ";
const VERSION: u32 = 1;
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

/// Who signs. It has no `Debug`: it holds a key.
pub struct Signer<'a> {
    /// The person's key.
    pub key: &'a SigningKey,
    /// The person's number.
    pub staff: &'a StaffNumber,
    /// In which role.
    pub role: Role,
}

/// Why a plan's file is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// The action is about something else.
    #[error("{0} is nothing that is signed on a plan; nothing was signed")]
    Action(Action),
    /// The table gives the action to other roles.
    #[error(
        "a {role} may not sign {action} on this plan, so that no branch would count the signature; nothing was signed"
    )]
    Duty {
        /// The role.
        role: Role,
        /// The action.
        action: Action,
    },
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

    /// Adds a person's signature.
    ///
    /// # Errors
    /// [`PlanFileError`]; nothing is added.
    pub fn sign(&mut self, action: Action, by: &Signer<'_>, federation: Digest, at: u64) -> Result<(), PlanFileError> {
        self.may_sign(action, by.staff, by.role, federation)?;
        let signed = attest(by.key, action, self.plan.digest(), federation, by.staff, by.role, at);
        match action {
            Action::ProposePlan => self.proposal = Some(signed),
            _ => self.approval = Some(signed),
        }
        Ok(())
    }

    /// Whether such a signature could count: asked before a person is.
    ///
    /// # Errors
    /// [`PlanFileError`].
    pub fn may_sign(
        &self,
        action: Action,
        staff: &StaffNumber,
        role: Role,
        federation: Digest,
    ) -> Result<(), PlanFileError> {
        let place = match action {
            Action::ProposePlan => &self.proposal,
            Action::ApprovePlan => &self.approval,
            _ => return Err(PlanFileError::Action(action)),
        };
        if place.is_some() {
            return Err(PlanFileError::Twice(action));
        }
        let author = self.proposal.as_ref();
        if action != Action::ProposePlan {
            let author = author.ok_or(PlanFileError::NotProposed)?;
            if author.federation != federation {
                return Err(PlanFileError::Federation);
            }
            if action == Action::ApprovePlan && author.staff == *staff {
                return Err(PlanFileError::OnePerson(staff.clone()));
            }
        }
        let own = action == Action::ProposePlan || author.is_some_and(|author| author.staff == *staff);
        if !role.may(action, own) {
            return Err(PlanFileError::Duty { role, action });
        }
        Ok(())
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
        text.extend(self.attestations().map(print_attestation));
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
        while let Some(line) = lines.next_if(|line| !line.starts_with("attestation ")) {
            encoded.push_str(line);
        }
        let plan: Plan = codec::decode(&STANDARD.decode(encoded).ok()?, PLAN_BYTES_MAX).ok()?;
        if plan.digest() != digest {
            return None;
        }
        let mut file = Self::new(plan);
        for line in lines {
            let attestation = parse_attestation(line, digest)?;
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
        let text = files::read_text(path, WHAT)?;
        let number = text.split('\n').next().and_then(|title| title.strip_prefix(NAME)).unwrap_or_default();
        match number.parse::<u32>() {
            Ok(found) if found != VERSION && found.to_string() == number => {
                Err(FileError::Version { path: path.to_owned(), found, reads: VERSION })
            }
            _ => Self::parse(&text).ok_or_else(|| FileError::content(path, WHAT)),
        }
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path, existing: Existing) -> Result<(), FileError> {
        files::write_public(path, self.print().as_bytes(), existing)
    }
}

fn print_attestation(attestation: &Attestation) -> String {
    let Attestation { action, federation, staff, role, at, signature, .. } = attestation;
    format!("attestation {action} federation {federation} staff {staff} role {role} at {at} signature {signature}\n")
}

fn parse_attestation(line: &str, subject: Digest) -> Option<Attestation> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [
        "attestation",
        action,
        "federation",
        federation,
        "staff",
        staff,
        "role",
        role,
        "at",
        at,
        "signature",
        signature,
    ] = fields.as_slice()
    else {
        return None;
    };
    Some(Attestation {
        action: Action::of_name(action)?,
        subject,
        federation: Digest::from_hex(federation)?,
        staff: StaffNumber::parse(staff).ok()?,
        role: Role::of_name(role)?,
        at: at.parse().ok()?,
        signature: Signature::of_text(signature)?,
    })
}

#[cfg(test)]
pub(crate) mod tests;

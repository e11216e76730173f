//! Words about incidents, and what inspectors ask to see: signing them, and the files in which they travel to the coordinator.
//!
//! Nothing is believed for being in a file: by which key the signature must verify, the signed roster says.

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{IncidentWord, Look, SignedIncident, SignedLook, TextFault, judge_text};
use tributary_protocol::role::{Action, Role};
use tributary_storage::files::FileError;

use crate::object::ObjectFile;
use crate::people::{SigningPerson, Unsigned};

const INCIDENT: ObjectFile = ObjectFile {
    title: "tributary incident 1",
    what: "word about an incident, as `tributary incident` writes it",
    bytes_max: 16 << 10,
};

const LOOK: ObjectFile = ObjectFile {
    title: "tributary look 1",
    what: "request of an inspector, as `tributary inspect` writes it",
    bytes_max: 16 << 10,
};

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToldFault {
    /// The text.
    #[error("{0}. Nothing was signed")]
    Text(#[from] TextFault),
    /// The role.
    #[error("a {role} may not sign {action}, so nothing is signed: the table of roles gives it to others")]
    Duty {
        /// The role.
        role: Role,
        /// What it would do.
        action: Action,
    },
    /// The person's key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

fn attested(
    person: &SigningPerson,
    (action, role): (Action, Role),
    subject: Digest,
    federation: Digest,
    at: u64,
) -> Result<Attestation, ToldFault> {
    if !role.may(action, true) && !role.may(action, false) {
        return Err(ToldFault::Duty { role, action });
    }
    Ok(person.attest(action, subject, federation, role, at)?)
}

/// Signs a word about an incident, at a second of the Unix clock.
///
/// # Errors
/// [`ToldFault`].
pub fn sign_incident(
    person: &SigningPerson,
    role: Role,
    word: IncidentWord,
    at: u64,
) -> Result<SignedIncident, ToldFault> {
    judge_text(word.text.raw())?;
    let signed = attested(person, (word.step.action(), role), word.digest(), word.federation, at)?;
    Ok(SignedIncident { word, signed })
}

/// Signs what an inspector asks to see, at a second of the Unix clock.
///
/// # Errors
/// [`ToldFault`].
pub fn sign_look(person: &SigningPerson, look: Look, at: u64) -> Result<SignedLook, ToldFault> {
    let signed = attested(person, (Action::Inspect, Role::Inspector), look.digest(), look.federation, at)?;
    Ok(SignedLook { look, signed })
}

/// Writes a word about an incident; never replaces a file.
///
/// # Errors
/// [`FileError`].
pub fn write_incident(told: &SignedIncident, path: &Path) -> Result<(), FileError> {
    INCIDENT.write(told, path)
}

/// Reads a word about an incident. Says nothing about the signature.
///
/// # Errors
/// [`FileError`].
pub fn read_incident(path: &Path) -> Result<SignedIncident, FileError> {
    INCIDENT.read(path)
}

/// Writes an inspector's request; never replaces a file.
///
/// # Errors
/// [`FileError`].
pub fn write_look(look: &SignedLook, path: &Path) -> Result<(), FileError> {
    LOOK.write(look, path)
}

/// Reads an inspector's request. Says nothing about the signature.
///
/// # Errors
/// [`FileError`].
pub fn read_look(path: &Path) -> Result<SignedLook, FileError> {
    LOOK.read(path)
}

#[cfg(test)]
mod tests {
    use tributary_protocol::registry::{IncidentStep, Severity, Sight};
    use tributary_protocol::roster::StaffNumber;

    use super::*;
    use crate::people::make_person;

    #[test]
    fn what_is_signed_comes_back_from_its_file_and_what_may_not_be_said_is_not_signed() {
        let folder = tempfile::tempdir().unwrap();
        let staff = StaffNumber::parse("north-bank/e20533").unwrap();
        let person = make_person(&folder.path().join("p"), &staff, 5).unwrap();
        let word = |text: &str| IncidentWord {
            federation: Digest([1; 32]),
            step: IncidentStep::Open,
            incident: Digest::ZERO,
            severity: Severity::High,
            happened: 7,
            text: text.into(),
        };
        let told = sign_incident(&person, Role::PlatformOperator, word("the disk was full"), 9).unwrap();
        let look = Look { federation: Digest([1; 32]), what: Sight::Status, from: 0, to: 0, scope: "all".into() };
        let look = sign_look(&person, look, 9).unwrap();
        let (incident_file, look_file) = (folder.path().join("a"), folder.path().join("b"));
        write_incident(&told, &incident_file).unwrap();
        write_look(&look, &look_file).unwrap();
        assert_eq!((read_incident(&incident_file).unwrap(), read_look(&look_file).unwrap()), (told, look));
        assert!(read_incident(&look_file).is_err() && read_look(&incident_file).is_err());
        let refused = |role, text| sign_incident(&person, role, word(text), 9).unwrap_err();
        assert_eq!(refused(Role::PlatformOperator, "of 13800138000"), ToldFault::Text(TextFault::Digits));
        let duty = ToldFault::Duty { role: Role::Inspector, action: Action::ReportIncident };
        assert_eq!(refused(Role::Inspector, "seen"), duty);
    }
}

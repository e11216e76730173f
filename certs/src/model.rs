//! Statements about models: the file in which one travels from person to person.
//!
//! Nothing is believed for being in a file: by which keys the signatures must verify, the signed roster says.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::MODEL_REASON_BYTES_MAX;
use tributary_protocol::plan::Attestation;
use tributary_protocol::printable::{PRINTABLE_CHARACTERS_MAX, is_one_line};
use tributary_protocol::registry::{ModelManifest, ModelStatement, SignedReport, SignedStatement, StatementFault};
use tributary_protocol::role::Role;
use tributary_protocol::roster::StaffNumber;
use tributary_storage::files::FileError;

use crate::object::ObjectFile;
use crate::people::{SigningPerson, Unsigned};
use crate::signers::{SignersFault, has_duty, is_next};

const STATEMENT: ObjectFile = ObjectFile {
    title: "tributary model statement 2",
    what: "statement about a model, as `tributary model promote` and its like write it",
    bytes_max: 1 << 20,
};

/// A statement about a model, the model that it is about, and who has signed so far: two people at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementFile {
    /// The model, whole: whoever signs sees where it comes from.
    pub manifest: ModelManifest,
    /// What is stated.
    pub statement: ModelStatement,
    /// The report on the model's gates, where the step needs one.
    pub report: Option<Box<SignedReport>>,
    /// The signatures, in their order.
    pub signatures: Vec<Attestation>,
}

/// Why somebody cannot sign a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementSignFault {
    /// The file is about another model than its statement.
    #[error(
        "the statement is not about the model in the file: one of them was changed. Nothing was signed; ask for the file again"
    )]
    OtherModel,
    /// A reason that its readers would not see whole.
    #[error(
        "its reason is empty, longer than {PRINTABLE_CHARACTERS_MAX} characters or {MODEL_REASON_BYTES_MAX} bytes, or has a character that is not \
         shown as it is. Nobody signs what is not read, so nothing was signed; have the statement made again with a plain reason (`--reason`)"
    )]
    Reason,
    /// It is for nobody that its step can be for.
    #[error(
        "a pilot names 1 to 256 branches, and a challenge a share of the customers, from 0 to 0.5; nothing was signed. Have the statement made again"
    )]
    Scope,
    /// Its report does not let the model be used.
    #[error("{0}. So the statement would not count, and nothing was signed")]
    Report(StatementFault),
    /// The validator of its report.
    #[error("{0} validated the model's report, and does not sign for its plan's owner as well; nothing was signed")]
    Validator(StaffNumber),
    /// Another federation.
    #[error("the statement was made for another federation than this list of authorities names; nothing was signed")]
    Federation,
    /// Somebody else signs.
    #[error(transparent)]
    Signers(#[from] SignersFault),
    /// The person's key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

impl StatementFile {
    /// A statement that nobody has signed.
    #[must_use]
    pub fn new(manifest: ModelManifest, statement: ModelStatement, report: Option<SignedReport>) -> Self {
        Self { manifest, statement, report: report.map(Box::new), signatures: Vec::new() }
    }

    /// Whether it says what anybody can sign: a reason that is shown whole, for whom it is, and a report whose gates hold where its step needs one.
    ///
    /// # Errors
    /// [`StatementSignFault::Reason`], [`StatementSignFault::Scope`], [`StatementSignFault::Report`].
    pub fn check(&self) -> Result<(), StatementSignFault> {
        let ModelStatement { reason, step, scope, .. } = &self.statement;
        if !is_one_line(reason.raw()) || reason.raw().len() > MODEL_REASON_BYTES_MAX {
            return Err(StatementSignFault::Reason);
        }
        if !scope.fits(*step) {
            return Err(StatementSignFault::Scope);
        }
        let report = self.report.as_deref();
        StatementFault::of_report(&self.statement, report, &self.manifest).map_err(StatementSignFault::Report)
    }

    /// Whether somebody can sign it in a role, in the federation of this digest.
    ///
    /// # Errors
    /// [`StatementSignFault`].
    pub fn may_sign(&self, staff: &StaffNumber, role: Role, federation: &Digest) -> Result<(), StatementSignFault> {
        let owner = &self.manifest.lineage.owner;
        let about =
            self.statement.model == self.manifest.digest() && self.statement.purpose == self.manifest.lineage.purpose;
        if !about {
            return Err(StatementSignFault::OtherModel);
        }
        self.check()?;
        if self.statement.federation != *federation {
            return Err(StatementSignFault::Federation);
        }
        is_next(&self.signatures, (staff, role), "tributary model install")?;
        let validator = self.report.as_ref().filter(|report| report.signed.staff == *staff);
        if role == Role::PlanOwner && validator.is_some() {
            return Err(StatementSignFault::Validator(staff.clone()));
        }
        Ok(has_duty((staff, role), owner, self.statement.step.action())?)
    }

    /// Adds a person's signature, at a second of the Unix clock.
    ///
    /// # Errors
    /// As [`StatementFile::may_sign`]; [`StatementSignFault::Unsigned`]. Nothing is added.
    pub fn sign(
        &mut self,
        person: &SigningPerson,
        role: Role,
        federation: Digest,
        at: u64,
    ) -> Result<(), StatementSignFault> {
        self.may_sign(person.staff(), role, &federation)?;
        let (action, subject) = (self.statement.step.action(), self.statement.digest());
        self.signatures.push(person.attest(action, subject, federation, role, at)?);
        Ok(())
    }

    /// The statement, once two have signed it.
    #[must_use]
    pub fn signed(&self) -> Option<SignedStatement> {
        let [first, second] = self.signatures.as_slice() else { return None };
        let (first, second) = (first.clone(), second.clone());
        Some(SignedStatement { statement: self.statement.clone(), first, second, report: self.report.clone() })
    }

    /// Writes the file; never replaces one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        STATEMENT.write(self, path)
    }

    /// Writes the file in place of an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn replace(&self, path: &Path) -> Result<(), FileError> {
        STATEMENT.replace(self, path)
    }

    /// Reads a file. Says nothing about the signatures.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        STATEMENT.read(path)
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::registry::{GatesReport, ModelStep, ReportFault, StatementScope};
    use tributary_protocol::role::Action;
    use tributary_protocol::secagg::suite::Signature;

    use super::*;
    use crate::gates::tests::{FEDERATION, manifest, report};
    use crate::people::make_person;

    fn file() -> StatementFile {
        let (manifest, report) = (manifest(), GatesReport { findings: "sound".into(), valid_until: 9, ..report() });
        let statement = ModelStatement {
            federation: FEDERATION,
            step: ModelStep::Promote,
            model: manifest.digest(),
            purpose: "churn".into(),
            sequence: 1,
            scope: StatementScope::All,
            evidence: report.digest(),
            reason: "better".into(),
        };
        let signed = Attestation {
            action: Action::ValidateModel,
            subject: report.digest(),
            federation: FEDERATION,
            staff: StaffNumber::parse("north-bank/e2").unwrap(),
            role: Role::ModelValidator,
            at: 7,
            signature: Signature::none(),
        };
        StatementFile::new(manifest, statement, Some(SignedReport { report, signed }))
    }

    #[test]
    fn two_people_in_two_roles_sign_a_statement_through_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let person = |number: &str| {
            let staff = StaffNumber::parse(&format!("north-bank/{number}")).unwrap();
            make_person(&folder.path().join(number), &staff, 7).unwrap()
        };
        let (owner, validator, other) = (person("e1"), person("e2"), person("e3"));
        let federation = FEDERATION;
        let path = folder.path().join("a.statement");
        let mut file = file();
        file.write(&path).unwrap();
        assert!(matches!(file.write(&path), Err(FileError::Exists { .. })));
        let fault = |file: &StatementFile, person: &SigningPerson, role| {
            file.may_sign(person.staff(), role, &federation).unwrap_err()
        };
        assert_eq!(file.may_sign(other.staff(), Role::PlanOwner, &federation), Ok(()), "as the owner's deputy");
        assert!(matches!(
            fault(&file, &other, Role::PrivacyOfficer),
            StatementSignFault::Signers(SignersFault::Duty { .. })
        ));
        // Whoever validated its report stands in for no owner.
        assert!(matches!(fault(&file, &validator, Role::PlanOwner), StatementSignFault::Validator(_)));
        // Whoever owns the model's plan validates it in no other role.
        assert!(matches!(
            fault(&file, &owner, Role::ModelValidator),
            StatementSignFault::Signers(SignersFault::Duty { .. })
        ));
        assert_eq!(file.may_sign(other.staff(), Role::ModelValidator, &federation), Ok(()));
        assert_eq!(file.may_sign(owner.staff(), Role::PlanOwner, &Digest::ZERO), Err(StatementSignFault::Federation));
        file.sign(&owner, Role::PlanOwner, federation, 8).unwrap();
        assert_eq!(file.signed(), None);
        file.replace(&path).unwrap();
        let mut file = StatementFile::read(&path).unwrap();
        assert!(matches!(
            fault(&file, &owner, Role::ModelValidator),
            StatementSignFault::Signers(SignersFault::Signed { .. })
        ));
        assert!(matches!(
            fault(&file, &other, Role::PlanOwner),
            StatementSignFault::Signers(SignersFault::Signed { .. })
        ));
        file.sign(&validator, Role::ModelValidator, federation, 9).unwrap();
        assert_eq!(
            fault(&file, &other, Role::PrivacyOfficer),
            StatementSignFault::Signers(SignersFault::Complete { install: "tributary model install" })
        );
        assert!(file.sign(&other, Role::PlanOwner, federation, 10).is_err());
        let signed = file.signed().unwrap();
        assert_eq!(signed.report, file.report);
        assert_eq!(signed.signatures().map(|one| one.at).collect::<Vec<_>>(), [8, 9]);
        file.manifest.lineage.rounds += 1;
        assert_eq!(fault(&file, &other, Role::PrivacyOfficer), StatementSignFault::OtherModel);
    }
    /// Whoever reads it before signing sees all of it, and no statement is signed that nobody would take.
    #[test]
    fn a_statement_is_signed_when_it_is_shown_whole_and_names_its_report() {
        let owner = StaffNumber::parse("north-bank/e1").unwrap();
        let judged = |change: &dyn Fn(&mut ModelStatement)| {
            let mut file = file();
            change(&mut file.statement);
            file.may_sign(&owner, Role::PlanOwner, &FEDERATION)
        };
        let reason = |text: String| judged(&|statement| statement.reason = text.as_str().into());
        let longest = PRINTABLE_CHARACTERS_MAX;
        for good in ["better".into(), "ä".repeat(MODEL_REASON_BYTES_MAX / 2), "x".repeat(longest)] {
            assert_eq!(reason(good), Ok(()));
        }
        let (long, wide) = ("x".repeat(longest + 1), "证".repeat(MODEL_REASON_BYTES_MAX / 3 + 1));
        for bad in [long, wide, String::new(), " ".into(), "a\nb".into(), "a\u{202e}b".into(), "a\u{1b}[2J".into()] {
            assert_eq!(reason(bad.clone()), Err(StatementSignFault::Reason), "{bad:?}");
        }
        // Without its report, with another one, or with one whose gates do not hold nobody signs.
        let of = |change: &dyn Fn(&mut StatementFile)| {
            let mut file = file();
            change(&mut file);
            file.may_sign(&owner, Role::PlanOwner, &FEDERATION)
        };
        let refused = |fault| Err(StatementSignFault::Report(fault));
        assert_eq!(of(&|file| file.report = None), refused(StatementFault::NoReport));
        assert_eq!(of(&|file| file.statement.evidence = Digest::ZERO), refused(StatementFault::NoReport));
        let cardless = |file: &mut StatementFile| {
            let report = file.report.as_mut().unwrap();
            report.report.card = Digest::ZERO;
            file.statement.evidence = report.report.digest();
        };
        assert_eq!(of(&cardless), refused(StatementFault::Report(ReportFault::NoCard)));
        assert_eq!(of(&|file| file.statement.step = ModelStep::Retire), refused(StatementFault::SpareReport));
        assert_eq!(of(&|file| file.statement.step = ModelStep::Pilot), Err(StatementSignFault::Scope));
    }
}

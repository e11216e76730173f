//! Reports on a model's gates: the file in which one travels to the validator and back.
//!
//! The coordinator makes the figures; the validator adds findings, conditions and an end, and signs all of it. Nothing is believed for being in a file:
//! by which key the signature must verify, the signed roster says.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::CONDITIONS_MAX;
use tributary_protocol::plan::Attestation;
use tributary_protocol::printable::Untrusted;
use tributary_protocol::registry::{GatesReport, ModelManifest, ReportFault, SignedReport};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_storage::files::FileError;

use crate::object::ObjectFile;
use crate::people::{SigningPerson, Unsigned};

const REPORT: ObjectFile = ObjectFile {
    title: "tributary gates report 1",
    what: "report on a model's gates, as `tributary model gates` writes it",
    bytes_max: 512 << 10,
};

/// A report, the model that it is about, and the validator's signature once there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// The model, whole: whoever signs sees where it comes from.
    pub manifest: ModelManifest,
    /// What is reported.
    pub report: GatesReport,
    /// The validator's signature.
    pub signed: Option<Attestation>,
}

/// What a validator adds to the figures.
#[derive(Clone, Debug)]
pub struct Validation<'a> {
    /// What was found, in a line.
    pub findings: &'a str,
    /// Under which conditions the model is used, a line each.
    pub conditions: &'a [String],
    /// Last second of the Unix clock at which the report lets a model become champion.
    pub valid_until: u64,
}

/// Why somebody cannot sign a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportSignFault {
    /// The file is about another model than its report.
    #[error(
        "the report is not about the model in the file, or has other gates than its plan: one of them was changed. Nothing was signed; ask for the file again"
    )]
    OtherModel,
    /// Another federation.
    #[error("the report was made for another federation than this list of authorities names; nothing was signed")]
    Federation,
    /// A text that its readers would not see whole.
    #[error(
        "findings and conditions are each one line of 600 characters and 1000 bytes at most, without a character that is not shown as it is, and \
         there are {CONDITIONS_MAX} conditions at most; nothing was signed"
    )]
    Words,
    /// No end, or one that is too far away.
    #[error("the report must end after today and within two years (`--valid-until`); nothing was signed")]
    Validity,
    /// The owner of the plan.
    #[error(
        "{0} is the owner of the model's plan, and nobody validates what is their own; have a model validator sign it. Nothing was signed"
    )]
    Owner(StaffNumber),
    /// Somebody signed it.
    #[error(
        "{0} has signed it; have the report made again (`tributary model gates`) for another signature. Nothing was signed"
    )]
    Signed(StaffNumber),
    /// The person's key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

impl ReportFile {
    /// A report that nobody has signed.
    #[must_use]
    pub fn new(manifest: ModelManifest, report: GatesReport) -> Self {
        Self { manifest, report, signed: None }
    }

    /// The report as a validator would sign it.
    ///
    /// # Errors
    /// [`ReportSignFault`].
    pub fn validated(
        &self,
        validation: &Validation<'_>,
        (staff, federation): (&StaffNumber, &Digest),
        at: u64,
    ) -> Result<GatesReport, ReportSignFault> {
        if let Some(signed) = &self.signed {
            return Err(ReportSignFault::Signed(signed.staff.clone()));
        }
        if self.report.federation != *federation {
            return Err(ReportSignFault::Federation);
        }
        self.report.check_model(&self.manifest, federation).map_err(|_| ReportSignFault::OtherModel)?;
        if *staff == self.manifest.lineage.owner {
            return Err(ReportSignFault::Owner(staff.clone()));
        }
        let mut report = self.report.clone();
        report.findings = validation.findings.into();
        report.conditions = validation.conditions.iter().map(|text| Untrusted::from(text.as_str())).collect();
        report.valid_until = validation.valid_until;
        report.check_words().map_err(|_| ReportSignFault::Words)?;
        report.check_end(at).map_err(|_| ReportSignFault::Validity)?;
        Ok(report)
    }

    /// Puts what a validator adds into the report, and the signature under it, at a second of the Unix clock.
    ///
    /// # Errors
    /// As [`ReportFile::validated`]; [`ReportSignFault::Unsigned`]. Nothing is changed.
    pub fn sign(
        &mut self,
        validation: &Validation<'_>,
        person: &SigningPerson,
        federation: Digest,
        at: u64,
    ) -> Result<(), ReportSignFault> {
        let report = self.validated(validation, (person.staff(), &federation), at)?;
        let (action, role) = (Action::ValidateModel, Role::ModelValidator);
        self.signed = Some(person.attest(action, report.digest(), federation, role, at)?);
        self.report = report;
        Ok(())
    }

    /// The report, once a validator has signed it.
    #[must_use]
    pub fn signed(&self) -> Option<SignedReport> {
        let signed = self.signed.clone()?;
        Some(SignedReport { report: self.report.clone(), signed })
    }

    /// Whether all gates hold; the fault is what would be said of a promotion that rests on it.
    ///
    /// # Errors
    /// [`ReportFault`].
    pub fn check_gates(&self) -> Result<(), ReportFault> {
        self.report.check_gates()
    }

    /// Writes the file; never replaces one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        REPORT.write(self, path)
    }

    /// Writes the file in place of an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn replace(&self, path: &Path) -> Result<(), FileError> {
        REPORT.replace(self, path)
    }

    /// Reads a file. Says nothing about the signature.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        REPORT.read(path)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tributary_protocol::plan::{Gates, PrivacyMode, RunRef};
    use tributary_protocol::registry::Lineage;
    use tributary_protocol::round::cast;

    use super::*;
    use crate::people::make_person;

    pub(crate) const FEDERATION: Digest = Digest([5; 32]);
    const TERMS: Digest = Digest([8; 32]);

    pub(crate) fn manifest() -> ModelManifest {
        let lineage = Lineage {
            parent: None,
            initial: Digest::ZERO,
            run: RunRef { plan: Gates::USUAL.of_plan(&TERMS), number: 1 },
            name: "churn".into(),
            purpose: "churn".into(),
            privacy: PrivacyMode::Customer,
            group: "all".into(),
            owner: StaffNumber::parse("north-bank/e1").unwrap(),
            statement: Digest::ZERO,
            rounds: 4,
            complete: true,
        };
        ModelManifest {
            parameters: Digest([2; 32]),
            parameter_bytes: 8,
            architecture: vec![1],
            schema: Digest([3; 32]),
            features: Digest([4; 32]),
            lineage,
        }
    }

    pub(crate) fn report() -> GatesReport {
        GatesReport { federation: FEDERATION, terms: TERMS, findings: "".into(), ..cast::gates_report(&manifest()) }
    }

    #[test]
    fn a_validator_signs_a_report_through_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let person = |number: &str| {
            let staff = StaffNumber::parse(&format!("north-bank/{number}")).unwrap();
            make_person(&folder.path().join(number), &staff, 7).unwrap()
        };
        let (owner, validator) = (person("e1"), person("e2"));
        let path = folder.path().join("gates.report");
        ReportFile::new(manifest(), report()).write(&path).unwrap();
        let mut file = ReportFile::read(&path).unwrap();
        let conditions = ["branches above 500 customers".to_owned()];
        let good = Validation { findings: "replicated", conditions: &conditions, valid_until: 1_000 };
        let fault = |file: &ReportFile, validation: &Validation<'_>| {
            file.validated(validation, (validator.staff(), &FEDERATION), 9).unwrap_err()
        };
        let by_owner = file.validated(&good, (owner.staff(), &FEDERATION), 9);
        assert!(matches!(by_owner, Err(ReportSignFault::Owner(_))));
        let elsewhere = file.validated(&good, (validator.staff(), &Digest::ZERO), 9);
        assert_eq!(elsewhere, Err(ReportSignFault::Federation));
        let two_lines = ["a\nb".to_owned()];
        let many = vec!["a".to_owned(); CONDITIONS_MAX + 1];
        for bad in [
            Validation { findings: "", ..good.clone() },
            Validation { findings: "passed \u{202e}setag lla", ..good.clone() },
            Validation { conditions: &two_lines, ..good.clone() },
            Validation { conditions: &many, ..good.clone() },
        ] {
            assert_eq!(fault(&file, &bad), ReportSignFault::Words, "{bad:?}");
        }
        for valid_until in [0, 8, 9 + 732 * 86_400 + 1] {
            assert_eq!(fault(&file, &Validation { valid_until, ..good.clone() }), ReportSignFault::Validity);
        }
        // Changed on its way: another model, another gate.
        let mut other = file.clone();
        other.manifest.lineage.rounds += 1;
        assert_eq!(fault(&other, &good), ReportSignFault::OtherModel);
        let mut other = file.clone();
        other.report.gates.card = false;
        assert_eq!(fault(&other, &good), ReportSignFault::OtherModel);
        let mut other = file.clone();
        other.report.card = Digest::ZERO;
        assert_eq!(other.check_gates(), Err(ReportFault::NoCard));
        assert_eq!(file.signed(), None);
        file.sign(&good, &validator, FEDERATION, 9).unwrap();
        file.replace(&path).unwrap();
        let file = ReportFile::read(&path).unwrap();
        assert!(matches!(fault(&file, &good), ReportSignFault::Signed(_)));
        let SignedReport { report, signed } = file.signed().unwrap();
        assert_eq!((signed.subject, signed.at, report.valid_until), (report.digest(), 9, 1_000));
        assert_eq!(report.findings.raw(), "replicated");
    }
}

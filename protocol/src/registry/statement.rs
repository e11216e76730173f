//! What two people state about a model: that it is used, that an earlier one is used again, that its use ends, or that every branch deletes it.
//!
//! A statement after which branches use a model carries the report on its gates. So whoever is shown the statement can judge both, and needs no file,
//! no coordinator and no plan for it.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use super::manifest::ModelManifest;
use super::report::{ReportFault, SignedReport};
use super::scope::StatementScope;
use super::step::ModelStep;
use crate::digest::{Canonical, Digest};
use crate::limits::MODEL_REASON_BYTES_MAX;
use crate::plan::{Attestation, AttestationFault, Over, Wanted};
use crate::printable::{Untrusted, is_one_line};
use crate::role::{Action, Role};
use crate::roster::Roster;
use crate::secagg::suite::Suite;
use crate::versioned::{Release, Versioned};

/// The layout of a stored statement.
pub const STATEMENT_FORMAT: Versioned = Versioned {
    what: "a statement about a model",
    magic: *b"TRIBSTMT",
    version: 2,
    since: Release { major: 0, minor: 3 },
    older: "The coordinator tells of it again",
};

/// A statement about a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStatement {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// What is done.
    pub step: ModelStep,
    /// To which model: [`ModelManifest::digest`].
    pub model: Digest,
    /// The model's purpose.
    pub purpose: Untrusted,
    /// Which statement of this purpose it is, from 1: none counts twice.
    pub sequence: u64,
    /// For whom it is.
    pub scope: StatementScope,
    /// Digest of what it rests on: of the report on the model's gates, where the step needs one. Else of any document, or [`Digest::ZERO`].
    pub evidence: Digest,
    /// Why, in the words of whoever made it.
    pub reason: Untrusted,
}

impl ModelStatement {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/model statement/2").digest(&self.federation).u8(self.step.number());
        let body = body.digest(&self.model).bytes(self.purpose.raw().as_bytes()).u64(self.sequence);
        let body = self.scope.canonical(body);
        body.digest(&self.evidence).bytes(self.reason.raw().as_bytes()).finish()
    }
}

/// A statement with the signatures of two people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedStatement {
    /// What is stated.
    pub statement: ModelStatement,
    /// Of whoever signed first.
    pub first: Attestation,
    /// Of somebody else, in another role.
    pub second: Attestation,
    /// The report on the model's gates, where the step needs one: its digest is the statement's `evidence`.
    pub report: Option<Box<SignedReport>>,
}

/// Why a statement does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// It is about another model.
    #[error("it is about another model, or states another purpose than the model has")]
    OtherModel,
    /// It was signed for another federation.
    #[error("it was made for another federation")]
    Federation,
    /// Its readers would not see its reason whole.
    #[error(
        "its reason is empty, too long, or has characters that do not show; make it again with a reason of one plain line"
    )]
    Reason,
    /// It is for others than its step can be for.
    #[error(
        "it does not say for whom it is as its step does: a pilot is for 1 to 256 branches, each named once, and a challenge for half of the customers at most"
    )]
    Scope,
    /// It has no report.
    #[error(
        "it has no report on the gates that the model passed, or another one than it names; make it again with the report (`--evidence`)"
    )]
    NoReport,
    /// It has a report, and needs none.
    #[error("it carries a report on gates, which its step does not need")]
    SpareReport,
    /// Its report does not let the model be used.
    #[error("the report on the model's gates does not count: {0}")]
    Report(#[from] ReportFault),
    /// The first signature does not count.
    #[error("its first signature does not count: {0}")]
    First(AttestationFault),
    /// The second signature does not count.
    #[error("its second signature does not count: {0}")]
    Second(AttestationFault),
    /// One person signed both.
    #[error("one person signed both times; have another person in another role sign it")]
    OnePerson,
    /// Both signed in one role.
    #[error("both signed in one role; have somebody in another role sign it")]
    OneRole,
}

/// Under what a statement is judged.
#[derive(Clone, Copy)]
pub struct StatementGrounds<'a> {
    /// The model that it should be about.
    pub manifest: &'a ModelManifest,
    /// A roster whose own signatures were verified.
    pub roster: &'a Roster,
    /// The federation.
    pub federation: &'a Digest,
    /// Seconds of the Unix clock now; without them nothing is judged by a clock.
    pub now: Option<u64>,
}

impl SignedStatement {
    /// Whether it counts.
    ///
    /// # Errors
    /// The first [`StatementFault`].
    pub fn judge<S: Suite>(&self, grounds: StatementGrounds<'_>) -> Result<(), StatementFault> {
        self.judge_by(grounds, |signed, wanted| signed.judge::<S>(grounds.roster, wanted))
    }

    /// The same without the signatures, for whoever has verified them before.
    ///
    /// # Errors
    /// The first [`StatementFault`].
    pub fn judge_roles(&self, grounds: StatementGrounds<'_>) -> Result<(), StatementFault> {
        self.judge_by(grounds, |signed, wanted| signed.judge_role(grounds.roster, wanted))
    }

    /// Whether the validator's signature on the report counts, whatever the step. [`SignedStatement::judge`] asks it for every step but a rollback, whose
    /// report was judged when the model first became champion: the validator may have left since.
    ///
    /// # Errors
    /// [`StatementFault::Report`].
    pub fn judge_report<S: Suite>(&self, grounds: StatementGrounds<'_>) -> Result<(), StatementFault> {
        self.judge_report_by(grounds, |signed, wanted| signed.judge::<S>(grounds.roster, wanted))
    }

    /// All of it but what a roster says of those who signed: report and its words included, whatever the step. For a statement whose signers have left.
    ///
    /// # Errors
    /// The first [`StatementFault`].
    pub fn judge_words(&self, grounds: StatementGrounds<'_>) -> Result<(), StatementFault> {
        self.judge_by(grounds, Attestation::judge_words)?;
        self.judge_report_by(grounds, Attestation::judge_words)
    }

    fn judge_by(
        &self,
        grounds: StatementGrounds<'_>,
        judge: impl Fn(&Attestation, Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), StatementFault> {
        let Self { statement, first, second, .. } = self;
        let StatementGrounds { manifest, federation, now, .. } = grounds;
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        let about = statement.model == manifest.digest() && statement.purpose == manifest.lineage.purpose;
        holds(about, StatementFault::OtherModel)?;
        holds(statement.federation == *federation, StatementFault::Federation)?;
        let reason = statement.reason.raw();
        holds(reason.len() <= MODEL_REASON_BYTES_MAX && is_one_line(reason), StatementFault::Reason)?;
        holds(statement.scope.fits(statement.step), StatementFault::Scope)?;
        let (subject, action) = (statement.digest(), statement.step.action());
        let over = Over::Group(&manifest.lineage.group);
        let owner = Some(&manifest.lineage.owner);
        let counts =
            |signed: &Attestation| judge(signed, Wanted { action, subject: &subject, federation, owner, over, now });
        counts(first).map_err(StatementFault::First)?;
        holds(first.staff != second.staff, StatementFault::OnePerson)?;
        holds(first.role != second.role, StatementFault::OneRole)?;
        counts(second).map_err(StatementFault::Second)?;
        self.report(manifest)?;
        if statement.step == ModelStep::RollBack { Ok(()) } else { self.judge_report_by(grounds, judge) }
    }

    fn judge_report_by(
        &self,
        StatementGrounds { manifest, federation, now, .. }: StatementGrounds<'_>,
        judge: impl Fn(&Attestation, Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), StatementFault> {
        let Some(SignedReport { report, signed }) = self.report(manifest)? else { return Ok(()) };
        let (subject, action) = (report.digest(), Action::ValidateModel);
        let over = Over::Group(&manifest.lineage.group);
        let wanted = Wanted { action, subject: &subject, federation, owner: Some(&manifest.lineage.owner), over, now };
        judge(signed, wanted).map_err(ReportFault::Signature)?;
        let ended = self.statement.step != ModelStep::RollBack && now.is_some_and(|now| report.valid_until < now);
        if ended { Err(ReportFault::Ended.into()) } else { Ok(()) }
    }

    /// The report that goes with the statement, judged but for what a roster says of its signature; nothing where the step needs none.
    ///
    /// # Errors
    /// [`StatementFault::NoReport`], [`StatementFault::SpareReport`], [`StatementFault::Report`].
    pub fn report(&self, manifest: &ModelManifest) -> Result<Option<&SignedReport>, StatementFault> {
        let Some(found) = self.report.as_deref() else {
            return StatementFault::of_report(&self.statement, None, manifest).map(|()| None);
        };
        StatementFault::of_report(&self.statement, Some(found), manifest)?;
        let as_owner = self.signatures().any(|one| one.staff == found.signed.staff && one.role == Role::PlanOwner);
        if as_owner {
            return Err(ReportFault::Owner.into());
        }
        let last = self.first.at.max(self.second.at);
        match last <= found.report.valid_until || self.statement.step == ModelStep::RollBack {
            true => Ok(Some(found)),
            false => Err(ReportFault::Ended.into()),
        }
    }

    /// Both signatures.
    pub fn signatures(&self) -> impl Iterator<Item = &Attestation> {
        [&self.first, &self.second].into_iter()
    }
}

impl StatementFault {
    /// What is wrong with the report of a statement before anybody signs that: whatever follows from the two and the model alone.
    ///
    /// # Errors
    /// [`StatementFault::NoReport`], [`StatementFault::SpareReport`], [`StatementFault::Report`].
    pub fn of_report(
        statement: &ModelStatement,
        report: Option<&SignedReport>,
        manifest: &ModelManifest,
    ) -> Result<(), Self> {
        let SignedReport { report, signed } = match (report, statement.step.needs_report()) {
            (None, false) => return Ok(()),
            (None, true) => return Err(Self::NoReport),
            (Some(_), false) => return Err(Self::SpareReport),
            (Some(found), true) => found,
        };
        if report.digest() != statement.evidence {
            return Err(Self::NoReport);
        }
        report.check_model(manifest, &statement.federation)?;
        report.check_words()?;
        report.check_end(signed.at)?;
        // A challenger is used for few customers. The plan says whether it needs the gates all the same.
        if statement.step != ModelStep::Challenge || report.gates.challenger {
            report.check_gates()?;
        }
        let validates = signed.role == Role::ModelValidator && signed.staff != manifest.lineage.owner;
        if validates { Ok(()) } else { Err(ReportFault::Owner.into()) }
    }
}

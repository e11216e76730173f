//! What two people state about a model: that it is used, that an earlier one is used again, that its use ends, or that every branch deletes it.

use serde::{Deserialize, Serialize};

use super::manifest::ModelManifest;
use crate::digest::{Canonical, Digest};
use crate::limits::MODEL_REASON_BYTES_MAX;
use crate::plan::{Attestation, AttestationFault, Over, Wanted};
use crate::printable::{Untrusted, is_one_line};
use crate::role::Action;
use crate::roster::Roster;
use crate::secagg::suite::Suite;
use crate::versioned::{Release, Versioned};

/// The layout of a stored statement.
pub const STATEMENT_FORMAT: Versioned = Versioned {
    what: "a statement about a model",
    magic: *b"TRIBSTMT",
    version: 1,
    since: Release { major: 0, minor: 3 },
    older: "The coordinator tells of it again",
};

/// What is done to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ModelStep {
    /// It is compared with the champion.
    Challenge,
    /// It is the champion: the one that branches use for its purpose.
    Promote,
    /// An earlier champion is the champion again.
    RollBack,
    /// It is used no more. What is known of it stays.
    Retire,
    /// Every branch deletes it and refuses it from then on.
    Withdraw,
}

impl ModelStep {
    /// Every step, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Challenge, Self::Promote, Self::RollBack, Self::Retire, Self::Withdraw];

    /// What whoever signs does.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Challenge | Self::Promote => Action::PromoteModel,
            Self::RollBack => Action::RollBackModel,
            Self::Retire => Action::RetireModel,
            Self::Withdraw => Action::WithdrawModel,
        }
    }

    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Promote => "promote",
            Self::RollBack => "rollback",
            Self::Retire => "retire",
            Self::Withdraw => "withdraw",
        }
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Challenge => 1,
            Self::Promote => 2,
            Self::RollBack => 3,
            Self::Retire => 4,
            Self::Withdraw => 5,
        }
    }

    /// Whether it lets a model be used that was not before, so that a report on its gates is named.
    #[must_use]
    pub const fn needs_evidence(self) -> bool {
        matches!(self, Self::Challenge | Self::Promote)
    }
}

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
    /// Digest of the report on which it rests; [`Digest::ZERO`] where a step needs none and none is named.
    pub evidence: Digest,
    /// Why, in the words of whoever made it.
    pub reason: Untrusted,
}

impl ModelStatement {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/model statement/1").digest(&self.federation).u8(self.step.number());
        let body = body.digest(&self.model).bytes(self.purpose.raw().as_bytes()).u64(self.sequence);
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
    /// It names no report.
    #[error("it names no report on the gates that the model passed; make it again with the report (`--evidence`)")]
    NoEvidence,
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

    fn judge_by(
        &self,
        StatementGrounds { manifest, federation, now, .. }: StatementGrounds<'_>,
        judge: impl Fn(&Attestation, Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), StatementFault> {
        let Self { statement, first, second } = self;
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        let about = statement.model == manifest.digest() && statement.purpose == manifest.lineage.purpose;
        holds(about, StatementFault::OtherModel)?;
        holds(statement.federation == *federation, StatementFault::Federation)?;
        let reason = statement.reason.raw();
        holds(reason.len() <= MODEL_REASON_BYTES_MAX && is_one_line(reason), StatementFault::Reason)?;
        let named = statement.evidence != Digest::ZERO || !statement.step.needs_evidence();
        holds(named, StatementFault::NoEvidence)?;
        let (subject, action) = (statement.digest(), statement.step.action());
        let over = Over::Group(&manifest.lineage.group);
        let owner = Some(&manifest.lineage.owner);
        let counts =
            |signed: &Attestation| judge(signed, Wanted { action, subject: &subject, federation, owner, over, now });
        counts(first).map_err(StatementFault::First)?;
        holds(first.staff != second.staff, StatementFault::OnePerson)?;
        holds(first.role != second.role, StatementFault::OneRole)?;
        counts(second).map_err(StatementFault::Second)
    }

    /// Both signatures.
    pub fn signatures(&self) -> impl Iterator<Item = &Attestation> {
        [&self.first, &self.second].into_iter()
    }
}

//! Papers about a model that the registry names by their digests: the card that the coordinator writes at the release, and reports of attacks.
//!
//! The papers themselves lie beside the journal. What has consequences stands in the journal: that an attack showed a larger loss of privacy than was
//! claimed. No statement lets a model be used after that.

use serde::{Deserialize, Serialize};

use super::manifest::ModelManifest;
use crate::digest::{Canonical, Digest};
use crate::plan::{Attestation, AttestationFault, Over, Wanted};
use crate::role::Action;
use crate::roster::Roster;
use crate::secagg::suite::Suite;

/// A report of attacks on a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackReport {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// The model: [`ModelManifest::digest`].
    pub model: Digest,
    /// Digest of what was found, as the report's file has it.
    pub findings: Digest,
    /// Whether an attack showed a larger epsilon than the run's privacy statement claims.
    pub alarm: bool,
}

/// A report of attacks with the signature of whoever answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAttackReport {
    /// What is reported.
    pub report: AttackReport,
    /// By a model validator.
    pub signed: Attestation,
}

/// Why a report of attacks is not taken, for whoever brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAttackReport {
    /// No such model.
    #[error("the registry has no model {0}, so nothing is reported of it; `tributary model list` shows which it has")]
    Unknown(Digest),
    /// It is of another federation.
    #[error("it was made for another federation")]
    Federation,
    /// The signature.
    #[error("the signature does not count: {0}")]
    Signature(#[from] AttestationFault),
    /// It was taken before.
    #[error("the registry has it already")]
    Taken,
    /// There are too many.
    #[error(
        "the model has {most} reports of attacks, and the registry takes no more but the first that raises the alarm",
        most = crate::limits::ATTACK_REPORTS_MAX
    )]
    Full,
}

impl AttackReport {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/attack report/1").digest(&self.federation).digest(&self.model);
        body.digest(&self.findings).u8(u8::from(self.alarm)).finish()
    }
}

impl SignedAttackReport {
    /// Whether its signature counts at this second: a model validator's over the model's branches, and nobody's whose own the model is.
    pub(super) fn judge<S: Suite>(
        &self,
        manifest: &ModelManifest,
        roster: &Roster,
        now: u64,
    ) -> Result<(), AttestationFault> {
        self.judge_by(manifest, Some(now), |wanted| self.signed.judge::<S>(roster, wanted))
    }

    /// The same without the signature and without a clock, for whoever verifies it elsewhere.
    pub(super) fn judge_role(&self, manifest: &ModelManifest, roster: &Roster) -> Result<(), AttestationFault> {
        self.judge_by(manifest, None, |wanted| self.signed.judge_role(roster, wanted))
    }

    fn judge_by(
        &self,
        manifest: &ModelManifest,
        now: Option<u64>,
        judge: impl Fn(Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), AttestationFault> {
        let (subject, federation) = (self.report.digest(), &self.report.federation);
        let (owner, over) = (Some(&manifest.lineage.owner), Over::Group(&manifest.lineage.group));
        judge(Wanted { action: Action::ReportAttacks, subject: &subject, federation, owner, over, now })
    }
}

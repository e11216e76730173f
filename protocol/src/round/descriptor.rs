//! The descriptor of one round: whoever sees another one gets masks that do not cancel.

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::ids::{RoundId, SessionId};
use crate::message::SignedBody;
use crate::plan::{PrivacyMode, ValidPlan};
use crate::privacy::RdpVector;
use crate::secagg::modular::Ring;
use crate::secagg::parameters::Thresholds;

/// What one round is (SA-1, section 5: `D_r`). Its digest is mixed into every mask key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundDescriptor {
    /// Digest of the plan.
    pub plan: Digest,
    /// The session whose keys are used.
    pub session: SessionId,
    /// The round.
    pub round: RoundId,
    /// Digest of the model that every participant trains from.
    pub model: Digest,
    /// Digest of the frozen cohort and its keys (`H_view0`).
    pub view: Digest,
    /// Ring of the sum.
    pub ring: Ring,
    /// Coordinates of an update, check coordinates not counted.
    pub dimension: u32,
    /// Squared L2 sensitivity of the sum, in units squared.
    pub sensitivity_squared: u128,
    /// Noise variance of each participant's share, in units squared.
    pub share_variance: u128,
    /// Noise shares of honest participants that the sum holds at least.
    pub honest_min: u32,
    /// Survivors that the sum needs.
    pub survivors_min: u32,
    /// Time the round may take from its start.
    pub deadline_ms: u64,
}

impl RoundDescriptor {
    /// The descriptor that follows from a plan, a keyed session and the current model.
    #[must_use]
    pub fn derive(plan: &ValidPlan, session: &SessionView, round: RoundId, model: Digest) -> Self {
        Self {
            plan: plan.digest(),
            session: session.session,
            round,
            model,
            view: session.view,
            ring: plan.ring,
            dimension: u32::try_from(plan.dimension()).expect("a valid plan's dimension is below 2^25"),
            sensitivity_squared: plan.sensitivity_squared,
            share_variance: plan.noise_variance.div_ceil(u128::from(session.thresholds.honest_min)),
            honest_min: session.thresholds.honest_min.into(),
            survivors_min: session.thresholds.survivors_min.into(),
            deadline_ms: plan.round_deadline_ms,
        }
    }

    /// What taking part in this round costs a customer: the sum carries at least `honest_min` shares of noise.
    #[must_use]
    pub fn charge(&self, privacy: PrivacyMode) -> RdpVector {
        match privacy {
            PrivacyMode::None => RdpVector::zero(),
            PrivacyMode::Customer => {
                let variance = self.share_variance.saturating_mul(u128::from(self.honest_min));
                RdpVector::gaussian(self.sensitivity_squared, variance)
            }
        }
    }

    /// Digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.canonical().finish()
    }
}

impl SignedBody for RoundDescriptor {
    const KIND: &'static str = "START";

    fn canonical(&self) -> Canonical {
        Canonical::new("D")
            .digest(&self.plan)
            .digest(&Digest(self.session.0))
            .u64(self.round.0)
            .digest(&self.model)
            .digest(&self.view)
            .u32(self.ring.bits())
            .u32(self.dimension)
            .u128(self.sensitivity_squared)
            .u128(self.share_variance)
            .u32(self.honest_min)
            .u32(self.survivors_min)
            .u64(self.deadline_ms)
    }
}

/// What both ends know of a keyed session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// The session.
    pub session: SessionId,
    /// Digest of the frozen cohort and its keys.
    pub view: Digest,
    /// What the session tolerates.
    pub thresholds: Thresholds,
}

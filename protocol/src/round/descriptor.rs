//! The descriptor of one round: whoever sees another one gets masks that do not cancel.

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::ids::{RoundId, SessionId};
use crate::message::SignedBody;
use crate::plan::{RoundKind, ValidPlan, is_clip_norm};
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
    /// What it is for.
    pub kind: RoundKind,
    /// Digest of the model that every participant trains from.
    pub model: Digest,
    /// Digest of the frozen cohort and its keys (`H_view0`).
    pub view: Digest,
    /// Ring of the sum.
    pub ring: Ring,
    /// Coordinates of an update, check coordinates not counted.
    pub dimension: u32,
    /// L2 bound of a branch's difference of models, as the bits of an `f64`: the plan's, or what an adaptive bound has become. 0 where nothing
    /// is uploaded that it would bound.
    pub update_clip_norm_bits: u64,
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
    pub fn derive(plan: &ValidPlan, session: &SessionView, head: RoundHead) -> Self {
        let RoundHead { round, kind, model, update_clip_norm_bits } = head;
        let counting = plan.counting(kind);
        Self {
            plan: plan.digest(),
            session: session.session,
            round,
            kind,
            model,
            view: session.view,
            ring: plan.ring,
            dimension: u32::try_from(plan.dimension(kind)).expect("a valid plan's dimension is below 2^25"),
            update_clip_norm_bits,
            sensitivity_squared: counting.map_or(plan.sensitivity_squared, |counting| counting.sensitivity_squared),
            share_variance: plan.share_variance(kind, session.thresholds.honest_min),
            honest_min: session.thresholds.honest_min.into(),
            survivors_min: session.thresholds.survivors_min.into(),
            deadline_ms: plan.round_deadline_ms,
        }
    }

    /// Whether the bound of the difference of models can belong to this plan: an adaptive one is any number within the limits of clip norms, for what protects the
    /// branch is the number of units that stands for it; every other one is the plan's.
    #[must_use]
    pub fn has_valid_bound(&self, plan: &ValidPlan) -> bool {
        match plan.local.filter(|_| self.kind == RoundKind::Train) {
            Some(local) if local.adaptive => is_clip_norm(self.update_clip_norm_bits),
            Some(local) => self.update_clip_norm_bits == local.update_clip_norm_bits,
            None => self.update_clip_norm_bits == 0,
        }
    }

    /// What in this descriptor does not follow from plan and session.
    #[must_use]
    pub fn head(&self) -> RoundHead {
        RoundHead {
            round: self.round,
            kind: self.kind,
            model: self.model,
            update_clip_norm_bits: self.update_clip_norm_bits,
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
            .u8(self.kind.number())
            .digest(&self.model)
            .digest(&self.view)
            .u32(self.ring.bits())
            .u32(self.dimension)
            .u64(self.update_clip_norm_bits)
            .u128(self.sensitivity_squared)
            .u128(self.share_variance)
            .u32(self.honest_min)
            .u32(self.survivors_min)
            .u64(self.deadline_ms)
    }
}

/// What of a round does not follow from plan and session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundHead {
    /// The round.
    pub round: RoundId,
    /// What it is for.
    pub kind: RoundKind,
    /// Digest of the model that every participant uses.
    pub model: Digest,
    /// See [`RoundDescriptor::update_clip_norm_bits`].
    pub update_clip_norm_bits: u64,
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

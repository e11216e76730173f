//! The descriptor of one round: whoever sees another one gets masks that do not cancel.

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::ids::{RoundId, RunId, SessionId};
use crate::message::SignedBody;
use crate::plan::Run;
use crate::secagg::modular::Ring;
use crate::secagg::parameters::Thresholds;

/// What one round is (docs/PROTOCOL.md: `D_r`). Its digest is mixed into every mask key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundDescriptor {
    /// The run.
    pub run: RunId,
    /// The session whose keys are used.
    pub session: SessionId,
    /// The round.
    pub round: RoundId,
    /// Number of the plan's stage, from 0.
    pub stage: u16,
    /// Digest of the public state before the round. Where the stage consumes one, every participant uses it.
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
    /// The descriptor that follows from a run, a keyed session and the current public state; nothing for a stage that the plan does not have.
    #[must_use]
    pub fn derive(run: &Run, session: &SessionView, head: RoundHead) -> Option<Self> {
        let RoundHead { round, stage, model } = head;
        let terms = run.stage(stage)?;
        Some(Self {
            run: run.id(),
            session: session.session,
            round,
            stage,
            model,
            view: session.view,
            ring: terms.ring,
            dimension: terms.dimension,
            sensitivity_squared: terms.sensitivity_squared,
            share_variance: terms.share_variance(session.thresholds.honest_min),
            honest_min: session.thresholds.honest_min.into(),
            survivors_min: session.thresholds.survivors_min.into(),
            deadline_ms: run.round_deadline_ms,
        })
    }

    /// What in this descriptor does not follow from run and session.
    #[must_use]
    pub fn head(&self) -> RoundHead {
        RoundHead { round: self.round, stage: self.stage, model: self.model }
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
            .digest(&self.run.digest())
            .digest(&Digest(self.session.0))
            .u64(self.round.0)
            .u32(self.stage.into())
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

/// What of a round does not follow from run and session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundHead {
    /// The round.
    pub round: RoundId,
    /// Number of the plan's stage, from 0.
    pub stage: u16,
    /// Digest of the public state before the round.
    pub model: Digest,
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

//! A run: one execution of a plan. A plan may allow several, for example one a month.

use serde::{Deserialize, Serialize};

use super::terms::{Plan, ValidPlan};
use crate::digest::{Canonical, Digest};
use crate::ids::RunId;

/// Which run of which plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunRef {
    /// Digest of the plan.
    pub plan: Digest,
    /// Number of the run, from 1.
    pub number: u32,
}

impl RunRef {
    /// Before any plan is known.
    pub const NONE: Self = Self { plan: Digest::ZERO, number: 0 };

    /// The run's identity, which everything that happens in it binds.
    #[must_use]
    pub fn id(&self) -> RunId {
        RunId(Canonical::new("tributary/run/1").digest(&self.plan).u32(self.number).finish().0)
    }

    /// Both numbers into a canonical encoding.
    #[must_use]
    pub fn canonical(&self, body: Canonical) -> Canonical {
        body.digest(&self.plan).u32(self.number)
    }
}

/// A valid plan with the number of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    plan: ValidPlan,
    number: u32,
    id: RunId,
}

impl Run {
    /// The run of a number, from 1; nothing where the plan does not allow so many.
    #[must_use]
    pub fn new(plan: ValidPlan, number: u32) -> Option<Self> {
        let id = RunRef { plan: plan.digest(), number }.id();
        (1..=plan.runs).contains(&number).then_some(Self { plan, number, id })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &ValidPlan {
        &self.plan
    }

    /// Which run of which plan.
    #[must_use]
    pub fn reference(&self) -> RunRef {
        RunRef { plan: self.plan.digest(), number: self.number }
    }

    /// What everything in the run binds.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.id
    }
}

impl core::ops::Deref for Run {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        self.plan.plan()
    }
}

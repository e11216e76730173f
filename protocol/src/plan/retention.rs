//! What the coordinator keeps of each round, so that somebody else can recompute its sum.

use serde::{Deserialize, Serialize};

use super::fault::{PlanFault, bounded};
use crate::digest::Canonical;
use crate::limits::{KEPT_DIMENSION_MAX, RETENTION_DAYS_MAX};

/// Which evidence of a run's sums is kept, and for how long. Signed with the plan: nobody keeps more, or less, than was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Longest sum, in coordinates, of whose rounds the survivors' masked uploads and the opened secrets are kept; 0: of none. Of longer sums
    /// the ledger's digests stay alone.
    pub uploads_dimension_max: u32,
    /// Whether opened sums are kept.
    pub sums: bool,
    /// Days after the run's end when all of it is removed.
    pub days: u32,
}

impl Retention {
    /// What a plan says whose author says nothing: everything that fits, for ten years.
    pub const USUAL: Self = Self { uploads_dimension_max: KEPT_DIMENSION_MAX, sums: true, days: 3650 };

    /// Whether the uploads of a stage with so many coordinates are kept.
    #[must_use]
    pub fn keeps_uploads(&self, dimension: u32) -> bool {
        dimension <= self.uploads_dimension_max
    }

    pub(super) fn check(&self) -> Result<(), PlanFault> {
        let most = KEPT_DIMENSION_MAX.into();
        bounded("retention.uploads_dimension_max", self.uploads_dimension_max.into(), 0, most, "0 to 4096")?;
        bounded("retention.days", self.days.into(), 1, RETENTION_DAYS_MAX.into(), "1 to 36500")
    }

    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        body.u32(self.uploads_dimension_max).u8(self.sums.into()).u32(self.days)
    }
}

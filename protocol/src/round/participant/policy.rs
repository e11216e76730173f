//! The branch's own policy: what it demands whatever the coordinator offers.

use crate::message::RefusalCode;
use crate::plan::{PrivacyMode, ValidPlan};
use crate::privacy::RdpVector;
use crate::secagg::parameters::CohortRule;
use crate::secagg::suite::VerifyingKey;

/// Local policy (SA-1, section 2). Never sent by the coordinator; a plan can only be stricter.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The coalition that this branch assumes, and the cohorts that it joins.
    pub cohort: CohortRule,
    /// Largest spend for life, as a threshold for each order.
    pub cap: RdpVector,
    /// Whether a plan without noise is admitted.
    pub allow_no_privacy: bool,
    /// The coordinator's protocol signing key.
    pub coordinator: VerifyingKey,
    /// The roster authorities' keys.
    pub authorities: alloc::vec::Vec<VerifyingKey>,
    /// How many of them must have signed a roster.
    pub authorities_needed: usize,
}

impl Policy {
    /// Whether a plan is at least as strict as this policy, before any data is read.
    ///
    /// # Errors
    /// [`RefusalCode::PolicyFloor`] where it is weaker.
    pub fn admits(&self, plan: &ValidPlan) -> Result<(), RefusalCode> {
        let protected = plan.privacy == PrivacyMode::Customer || self.allow_no_privacy;
        if protected && plan.cohort.at_least_as_strict(&self.cohort) { Ok(()) } else { Err(RefusalCode::PolicyFloor) }
    }
}

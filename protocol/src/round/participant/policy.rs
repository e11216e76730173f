//! The branch's own policy: what it demands whatever the coordinator offers.

use alloc::string::String;
use alloc::vec::Vec;

use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::message::Floor;
use crate::plan::{Caps, Grant, PrivacyMode, ValidPlan};
use crate::privacy::{Accounts, RdpVector};
use crate::secagg::parameters::CohortRule;
use crate::secagg::suite::VerifyingKey;

/// Whether an upload waits for its vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// The vector leaves at the plan's offset, or when it is ready where that is later.
    #[default]
    Plain,
    /// What leaves at the offset is the vector, or noise alone where that is not ready: the time says nothing about the branch.
    Strict,
}

/// Local policy (docs/PROTOCOL.md, "Who says what"). Never sent by the coordinator; a plan can only be stricter.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The coalition that this branch assumes, and the cohorts that it joins.
    pub cohort: CohortRule,
    /// Largest spend for life of each unit, as a threshold for each order.
    pub cap: Accounts,
    /// Largest spend of a year of each unit, as a threshold for each order.
    pub cap_year: Accounts,
    /// The epsilons of both, which a budget file follows: they do not rise without the word of two people.
    pub caps: Caps,
    /// Largest spend of one plan of each unit, as a threshold for each order.
    pub plan_cap: Accounts,
    /// Privacy modes that are admitted. A plan without noise is admitted only where this names it.
    pub modes: Vec<PrivacyMode>,
    /// Purposes that are admitted.
    pub purposes: Vec<String>,
    /// The schema that the owner of the data has read; a plan learns from no other one.
    pub schema: Digest,
    /// Groups of the roster that are admitted: a plan's cohorts and its coalition come from one of them.
    pub groups: Vec<String>,
    /// Branches at which a customer of this one may be at least; a plan must assume as many.
    pub overlap_min: u16,
    /// Shortest time between a round's start and its uploads.
    pub upload_offset_ms_min: u64,
    /// Most rounds that a plan may charge, of all its runs and stages, retries included.
    pub rounds_max: u32,
    /// Rounds that may be charged within 24 hours of this machine's clock, over all plans.
    pub rounds_a_day: u32,
    /// Whether an upload waits for its vector.
    pub timing: Timing,
    /// The coordinator's protocol signing key.
    pub coordinator: VerifyingKey,
    /// The roster authorities' keys.
    pub authorities: Vec<VerifyingKey>,
    /// How many of them must have signed a roster.
    pub authorities_needed: usize,
    /// What the owner of the data has granted.
    pub grants: Vec<Granted>,
}

/// A grant, and what its epsilons come to as thresholds for each order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// As the owner signed it.
    pub grant: Grant,
    /// Most that one run may cost a customer.
    pub run: RdpVector,
    /// Most that the runs of a year may.
    pub year: RdpVector,
    /// Whether it names every field of the branch's schema, or none.
    pub names_fields: bool,
}

impl Policy {
    /// Whether a plan is at least as strict as this policy, before any data is read.
    ///
    /// # Errors
    /// The first line of the policy that the plan is weaker than.
    pub fn admits(&self, plan: &ValidPlan) -> Result<(), Floor> {
        let floor = |holds: bool, floor| if holds { Ok(()) } else { Err(floor) };
        floor(self.modes.contains(&plan.privacy), Floor::Mode)?;
        floor(self.purposes.iter().any(|purpose| purpose == plan.purpose.raw()), Floor::Purpose)?;
        floor(!stands(Defence::PinnedSchema) || plan.schema == self.schema, Floor::Schema)?;
        floor(plan.cohort.at_least_as_strict(&self.cohort), Floor::Cohort)?;
        floor(self.groups.contains(&plan.group), Floor::Group)?;
        floor(plan.privacy == PrivacyMode::None || plan.overlap_max >= self.overlap_min, Floor::Overlap)?;
        floor(plan.upload_offset_ms >= self.upload_offset_ms_min, Floor::UploadOffset)?;
        floor(plan.rounds_charged_max_of_all_runs() <= self.rounds_max, Floor::Rounds)?;
        // A plan may say itself where its runs end, before all of them have cost what they may.
        let (most, cap) = (plan.charge_max(), &self.plan_cap);
        let customer = most.customer.within(&cap.customer) || plan.cap.customer.at_most(&cap.customer);
        floor(customer, Floor::EpsilonPlan)?;
        let branch = most.branch.within(&cap.branch) || plan.cap.branch.at_most(&cap.branch);
        floor(branch, Floor::EpsilonBranchPlan)
    }
}

//! Four eyes: a plan runs when one person put it forward and another one approved it.

use serde::{Deserialize, Serialize};

use super::attestation::{Attestation, AttestationFault, Over, Wanted};
use crate::digest::Digest;
use crate::role::Action;
use crate::roster::Roster;
use crate::secagg::suite::Suite;

/// The two signatures on a plan. They travel with it and count by the roster in force; the plan's digest does not name them, so that another person
/// can take one's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Of whoever put it forward: a plan owner.
    pub proposal: Attestation,
    /// Of whoever approved it: a privacy officer.
    pub approval: Attestation,
}

/// Why a plan is not approved. Numbers are stable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub enum ApprovalFault {
    /// The proposal does not count.
    #[error("its proposal does not count: {0}")]
    Proposal(AttestationFault),
    /// The approval does not count.
    #[error("its approval does not count: {0}")]
    Approval(AttestationFault),
    /// One person signed both.
    #[error("one person signed both the proposal and the approval; have another person approve it")]
    OnePerson,
}

/// Under what a plan's signatures are judged.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// A roster whose own signatures were verified.
    pub roster: &'a Roster,
    /// The federation: [`crate::roster::federation_digest`].
    pub federation: &'a Digest,
    /// The plan's group: the scope of both roles has every branch of it.
    pub group: &'a str,
    /// Seconds of the Unix clock now; without them nothing is judged by a clock.
    pub now: Option<u64>,
}

/// What two people sign, and over whose data their roles must reach.
#[derive(Clone, Copy)]
struct Of<'a> {
    propose: Action,
    approve: Action,
    over: Over<'a>,
}

impl Approvals {
    /// Whether the plan of this digest is approved.
    ///
    /// # Errors
    /// [`ApprovalFault`].
    pub fn judge<S: Suite>(&self, plan: &Digest, grounds: Grounds<'_>) -> Result<(), ApprovalFault> {
        let of = Of { propose: Action::ProposePlan, approve: Action::ApprovePlan, over: Over::Group(grounds.group) };
        self.judge_by(plan, grounds, of, |signed, wanted| signed.judge::<S>(grounds.roster, wanted))
    }

    /// Whether the year of spending of this digest is approved. Its people hold their roles in the whole federation, whatever the group.
    ///
    /// # Errors
    /// [`ApprovalFault`].
    pub fn judge_year<S: Suite>(&self, year: &Digest, grounds: Grounds<'_>) -> Result<(), ApprovalFault> {
        let of = Of { propose: Action::ProposeYear, approve: Action::ApproveYear, over: Over::Federation };
        self.judge_by(year, grounds, of, |signed, wanted| signed.judge::<S>(grounds.roster, wanted))
    }

    /// The same without the signatures, for whoever has verified them before.
    ///
    /// # Errors
    /// [`ApprovalFault`].
    pub fn judge_roles(&self, plan: &Digest, grounds: Grounds<'_>) -> Result<(), ApprovalFault> {
        let of = Of { propose: Action::ProposePlan, approve: Action::ApprovePlan, over: Over::Group(grounds.group) };
        self.judge_by(plan, grounds, of, |signed, wanted| signed.judge_role(grounds.roster, wanted))
    }

    fn judge_by(
        &self,
        subject: &Digest,
        Grounds { federation, now, .. }: Grounds<'_>,
        Of { propose, approve, over }: Of<'_>,
        judge: impl Fn(&Attestation, Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), ApprovalFault> {
        let Self { proposal, approval } = self;
        let wanted = |action| Wanted { action, subject, federation, owner: Some(&proposal.staff), over, now };
        judge(proposal, wanted(propose)).map_err(ApprovalFault::Proposal)?;
        if proposal.staff == approval.staff {
            return Err(ApprovalFault::OnePerson);
        }
        judge(approval, wanted(approve)).map_err(ApprovalFault::Approval)
    }
}

impl ApprovalFault {
    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Proposal(fault) => 0x10 + fault.number(),
            Self::Approval(fault) => 0x20 + fault.number(),
            Self::OnePerson => 1,
        }
    }
}

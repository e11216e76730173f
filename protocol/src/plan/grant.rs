//! What the owner of a branch's data allows: one plan, or the plans of a kind, within caps. Nothing runs without it.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::mode::PrivacyMode;
use super::terms::Plan;
use crate::digest::{Canonical, Digest};
use crate::limits::{GRANT_BRANCHES_MAX, RUNS_MAX};
use crate::printable::Untrusted;
use crate::roster::{MemberName, StaffNumber};
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::signed::SignedBody;

/// What is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantSubject {
    /// The plan of this digest.
    Plan(Digest),
    /// Every plan that this person puts forward for this purpose, but those without noise: each of them has a grant of its own.
    Plans {
        /// The plan owner.
        proposer: StaffNumber,
        /// The purpose.
        purpose: Untrusted,
    },
}

/// What may be done under a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantUses {
    /// Plans learn from the branch's data.
    pub train: bool,
    /// The branch keeps the models that came of such plans, where they are champions.
    pub keep_models: bool,
}

impl GrantUses {
    /// Learning alone.
    pub const TRAIN: Self = Self { train: true, keep_models: false };

    /// Everything that a grant can allow.
    pub const ALL: Self = Self { train: true, keep_models: true };

    /// Stable number in what is signed.
    const fn number(self) -> u8 {
        match (self.train, self.keep_models) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => 3,
        }
    }
}

/// A grant, signed by the owner of the data. Epsilons are bits of an `f64`: a customer's, at the grant's delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// Whose data: the owner's branches by name, strictly ascending.
    pub branches: Vec<MemberName>,
    /// What for.
    pub subject: GrantSubject,
    /// What may be done under it.
    pub uses: GrantUses,
    /// Largest epsilon of one run.
    pub epsilon_run_bits: u64,
    /// Largest epsilon of all runs under the grant within a year.
    pub epsilon_year_bits: u64,
    /// The delta of both.
    pub delta_bits: u64,
    /// Most runs: its uses.
    pub runs: u32,
    /// The fields that may be used, by the names of the schema, strictly ascending; none: those of the schema that the policy pins.
    pub fields: Vec<Untrusted>,
    /// First second of the Unix clock at which a run may be accepted under it.
    pub not_before: u64,
    /// Last second at which a round may begin under it.
    pub not_after: u64,
    /// Drawn at random, so that an owner can grant the same again after a withdrawal.
    pub nonce: [u8; 16],
    /// The owner's public key, which the budget's first entry anchors.
    pub owner: VerifyingKey,
    /// Signature by the owner.
    pub signature: Signature,
}

impl SignedBody for Grant {
    const KIND: &'static str = "GRANT";

    fn canonical(&self) -> Canonical {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let body = Canonical::new("tributary/grant/2").digest(&self.federation).u32(count(self.branches.len()));
        let body = self.branches.iter().fold(body, |body, branch| body.bytes(branch.as_str().as_bytes()));
        let body = match &self.subject {
            GrantSubject::Plan(plan) => body.u8(0).digest(plan),
            GrantSubject::Plans { proposer, purpose } => {
                body.u8(1).bytes(proposer.as_str().as_bytes()).bytes(purpose.raw().as_bytes())
            }
        };
        let body = body
            .u8(self.uses.number())
            .u64(self.epsilon_run_bits)
            .u64(self.epsilon_year_bits)
            .u64(self.delta_bits)
            .u32(self.runs);
        let body = body.u32(count(self.fields.len()));
        let body = self.fields.iter().fold(body, |body, field| body.bytes(field.raw().as_bytes()));
        self.owner.canonical(body.u64(self.not_before).u64(self.not_after).bytes(&self.nonce))
    }
}

/// The owner takes a grant back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The grant: [`Grant::digest`].
    pub grant: Digest,
    /// The owner's public key.
    pub owner: VerifyingKey,
    /// When, in seconds of the Unix clock of whoever signed.
    pub at: u64,
    /// Signature by the owner.
    pub signature: Signature,
}

impl SignedBody for Withdrawal {
    const KIND: &'static str = "WITHDRAW";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("tributary/withdrawal/1").digest(&self.grant);
        self.owner.canonical(body).u64(self.at)
    }
}

/// What an owner of data signs beside policy and budget, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnersWord {
    /// Something is granted.
    Granted(Grant),
    /// A grant is taken back.
    TakenBack(Withdrawal),
}

impl OwnersWord {
    /// Digest of the grant that it is about.
    #[must_use]
    pub fn grant(&self) -> Digest {
        match self {
            Self::Granted(grant) => grant.digest(),
            Self::TakenBack(withdrawal) => withdrawal.grant,
        }
    }

    /// The key in whose name it speaks.
    #[must_use]
    pub fn owner(&self) -> &VerifyingKey {
        match self {
            Self::Granted(grant) => &grant.owner,
            Self::TakenBack(withdrawal) => &withdrawal.owner,
        }
    }

    /// Whether that key has signed it, and it is within its limits.
    #[must_use]
    pub fn is_genuine<S: Suite>(&self) -> bool {
        match self {
            Self::Granted(grant) => grant.is_genuine::<S>(),
            Self::TakenBack(withdrawal) => withdrawal.is_genuine::<S>(),
        }
    }
}

/// Why a plan is not granted at a branch. Numbers are stable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub enum GrantFault {
    /// The owner has granted neither the plan nor plans of its proposer for its purpose; or the grant under which the run was accepted is not there.
    #[error(
        "the owner of the branch's data has not granted it (`tributary client authorise`); a plan without noise needs a grant of its own, and a run \
         goes on under the grant under which it began"
    )]
    None,
    /// The grant does not begin yet, or is over.
    #[error("the owner's grant for it has not begun or is over; ask the owner for a new one")]
    Window,
    /// The grant is used up.
    #[error("the owner's grant for it has no runs left; ask the owner for a new one")]
    Uses,
    /// A run may cost more than the grant allows.
    #[error("a run of it may cost more than the owner's grant allows for one run")]
    EpsilonRun,
    /// The runs of a year would cost more than the grant allows.
    #[error("with this run the runs of a year would cost more than the owner's grant allows")]
    EpsilonYear,
    /// The schema has a field that the grant does not name.
    #[error("its schema has a field that the owner's grant does not name")]
    Fields,
    /// It was granted, and the owner has taken that back.
    #[error("the owner has withdrawn the grant for it")]
    Withdrawn,
}

impl GrantFault {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Window, Self::Uses, Self::EpsilonRun, Self::EpsilonYear, Self::Fields, Self::Withdrawn];

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Window => 2,
            Self::Uses => 3,
            Self::EpsilonRun => 4,
            Self::EpsilonYear => 5,
            Self::Fields => 6,
            Self::Withdrawn => 7,
        }
    }
}

impl Grant {
    /// What names it: the digest of its canonical encoding. Another signature on the same body makes no other grant.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.canonical().finish()
    }

    /// Whether it is a grant of its owner that says something: signed, of some branches in order, of one run or more.
    #[must_use]
    pub fn is_genuine<S: Suite>(&self) -> bool {
        let ascending = self.branches.iter().zip(self.branches.iter().skip(1)).all(|(one, next)| one < next);
        let fields = self.fields.iter().map(Untrusted::raw);
        let ordered = fields.clone().zip(fields.skip(1)).all(|(one, next)| one < next);
        let sizes = (1..=GRANT_BRANCHES_MAX).contains(&self.branches.len()) && (1..=RUNS_MAX).contains(&self.runs);
        ascending
            && ordered
            && sizes
            && self.uses.number() > 0
            && S::verify(&self.owner, &self.to_sign::<S>(), &self.signature)
    }

    /// Whether it is about this plan, put forward by this person, at this branch.
    #[must_use]
    pub fn is_about(&self, plan: &Plan, digest: &Digest, proposer: &StaffNumber, branch: &MemberName) -> bool {
        let subject = match &self.subject {
            GrantSubject::Plan(granted) => granted == digest,
            // What an epsilon bounds in a standing grant is nothing in a plan without noise.
            GrantSubject::Plans { .. } if plan.privacy == PrivacyMode::None => false,
            GrantSubject::Plans { proposer: granted, purpose } => granted == proposer && *purpose == plan.purpose,
        };
        self.uses.train && subject && self.branches.binary_search(branch).is_ok()
    }

    /// Whether it counts at a second of the Unix clock.
    #[must_use]
    pub fn counts_at(&self, second: u64) -> bool {
        (self.not_before..=self.not_after).contains(&second)
    }
}

impl Withdrawal {
    /// Whether the owner of a grant signed it.
    #[must_use]
    pub fn is_genuine<S: Suite>(&self) -> bool {
        S::verify(&self.owner, &self.to_sign::<S>(), &self.signature)
    }
}

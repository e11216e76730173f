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

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::digest::frozen_fields;
    use crate::ids::ClientId;
    use crate::round::cast::{self, APPROVER, PROPOSER, owner_signs, staff};
    use crate::secagg::toy::Toy;

    type Change = fn(&mut Grant);

    fn grant() -> Grant {
        cast::grant(&cast::plan())
    }

    #[test]
    fn every_part_of_a_grant_is_in_its_digest() {
        let changes: [Change; 21] = [
            |grant| grant.federation.0[0] ^= 1,
            |grant| grant.branches.truncate(1),
            |grant| grant.branches[0] = cast::name(ClientId(1), 2),
            |grant| grant.subject = GrantSubject::Plan(Digest::ZERO),
            |grant| grant.subject = GrantSubject::Plan(Digest([1; 32])),
            |grant| grant.subject = GrantSubject::Plans { proposer: staff(APPROVER), purpose: "test".into() },
            |grant| grant.subject = GrantSubject::Plans { proposer: staff(PROPOSER), purpose: "other".into() },
            |grant| grant.uses = GrantUses::ALL,
            |grant| grant.uses = GrantUses { train: false, keep_models: true },
            |grant| grant.uses = GrantUses { train: false, keep_models: false },
            |grant| grant.epsilon_run_bits += 1,
            |grant| grant.epsilon_year_bits += 1,
            |grant| grant.delta_bits += 1,
            |grant| grant.runs += 1,
            |grant| grant.fields.push("age".into()),
            |grant| grant.fields.push("income".into()),
            |grant| grant.not_before += 1,
            |grant| grant.not_after -= 1,
            |grant| grant.nonce[0] ^= 1,
            |grant| grant.owner = VerifyingKey::ed25519([3; 32]),
            |grant| (grant.not_before, grant.not_after) = (grant.not_after, grant.not_before),
        ];
        assert_eq!(frozen_fields(&grant(), &changes, Grant::digest), "86554381");
        let changes: [fn(&mut Withdrawal); 3] = [
            |withdrawal| withdrawal.grant.0[0] ^= 1,
            |withdrawal| withdrawal.owner = VerifyingKey::ed25519([3; 32]),
            |withdrawal| withdrawal.at += 1,
        ];
        let digest = |withdrawal: &Withdrawal| withdrawal.canonical().finish();
        assert_eq!(frozen_fields(&cast::withdrawal(&grant()), &changes, digest), "e822b6b3");
    }

    /// Signed as they stand: each limit is allowed, and one step beyond it nothing is granted.
    #[test]
    fn a_grant_is_genuine_within_its_limits_and_in_order_alone() {
        let branches = |count: usize| {
            let number = |number: usize| MemberName::parse(&format!("bank-1/branch-{number:04}"));
            (0..count).map(|count| number(count).expect("a name")).collect::<Vec<_>>()
        };
        let fields = |names: &[&str]| names.iter().map(|name| Untrusted::from(*name)).collect::<Vec<_>>();
        let genuine = |change: &dyn Fn(&mut Grant)| {
            let mut grant = grant();
            change(&mut grant);
            owner_signs(grant).is_genuine::<Toy>()
        };
        let most = GRANT_BRANCHES_MAX;
        for (count, holds) in [(0, false), (1, true), (most, true), (most + 1, false)] {
            assert_eq!(genuine(&|grant| grant.branches = branches(count)), holds, "{count} branches");
        }
        for (runs, holds) in [(0, false), (1, true), (RUNS_MAX, true), (RUNS_MAX + 1, false)] {
            assert_eq!(genuine(&|grant| grant.runs = runs), holds, "{runs} runs");
        }
        assert!(!genuine(&|grant| grant.branches.swap(0, 1)) && !genuine(&|grant| grant.branches.reverse()));
        assert!(!genuine(&|grant| grant.branches[1] = grant.branches[0].clone()));
        for (names, holds) in
            [(&["age"][..], true), (&["age", "income"], true), (&["income", "age"], false), (&["age", "age"], false)]
        {
            assert_eq!(genuine(&|grant| grant.fields = fields(names)), holds, "{names:?}");
        }
        for (train, keep_models) in [(true, true), (true, false), (false, true), (false, false)] {
            let holds = train || keep_models;
            assert_eq!(genuine(&|grant| grant.uses = GrantUses { train, keep_models }), holds);
        }
        // In another one's name.
        assert!(!genuine(&|grant| grant.owner = Toy::verifying_key(&[9; 32])));
    }

    #[test]
    fn a_grant_is_about_its_plans_at_its_branches() {
        let (plan, own) = (cast::plan(), cast::name(ClientId(4), 1));
        let quiet = Plan { privacy: PrivacyMode::None, ..cast::plan() };
        let about = |plan: &Plan, change: Change| {
            let mut grant = grant();
            change(&mut grant);
            grant.is_about(plan, &Digest([1; 32]), &staff(PROPOSER), &own)
        };
        assert!(about(&plan, |_| {}));
        // Without noise it takes a grant of its own.
        let this: Change = |grant| grant.subject = GrantSubject::Plan(Digest([1; 32]));
        assert!(about(&plan, this) && about(&quiet, this) && !about(&quiet, |_| {}));
        let changes: [Change; 5] = [
            |grant| grant.subject = GrantSubject::Plan(Digest([2; 32])),
            |grant| grant.subject = GrantSubject::Plans { proposer: staff(APPROVER), purpose: "test".into() },
            |grant| grant.subject = GrantSubject::Plans { proposer: staff(PROPOSER), purpose: "other".into() },
            |grant| grant.uses = GrantUses { train: false, keep_models: true },
            |grant| grant.branches.retain(|name| *name != cast::name(ClientId(4), 1)),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert!(!about(&plan, change), "change {number}");
        }
    }

    #[test]
    fn a_grant_counts_from_its_first_second_to_its_last() {
        let grant = Grant { not_before: 100, not_after: 200, ..grant() };
        assert_eq!([99, 100, 200, 201].map(|second| grant.counts_at(second)), [false, true, true, false]);
    }

    #[test]
    fn an_owner_s_word_says_about_which_grant_it_is_and_whose_it_is() {
        let (owner, other) = (grant().owner, VerifyingKey::ed25519([3; 32]));
        let taken_back = Withdrawal { owner: other.clone(), ..cast::withdrawal(&grant()) };
        let words = [OwnersWord::Granted(grant()), OwnersWord::TakenBack(taken_back)];
        assert_eq!(words.each_ref().map(OwnersWord::grant), [grant().digest(); 2]);
        assert_eq!(words.each_ref().map(OwnersWord::owner), [&owner, &other]);
    }
}

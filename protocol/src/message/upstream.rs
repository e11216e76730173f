//! Client to coordinator.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::keying::{Deal, Encapsulation, Keys};
use crate::budget::{BudgetHead, FirstUse};
use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, RoundId, RunId, SessionId};
use crate::limits::STAGES_MAX;
use crate::plan::{ApprovalFault, GrantFault};
use crate::secagg::suite::Signature;
use crate::signed::SignedBody;

/// A client's control message in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upstream {
    /// This client asks to be let into the run, or to be let in again.
    Join(Join),
    /// The run is admitted by this branch's policy.
    Accept {
        /// The run.
        run: RunId,
        /// What this branch spent, of this run and in all.
        head: Box<BudgetHead>,
        /// The first use of its budget, where the coordinator showed no head of it.
        begun: Option<FirstUse>,
    },
    /// This branch does not take part yet: its operator has not said that the data of the run's day are ready. It asks again when that is so. No
    /// day, no digest and no reason: whether a word was given is all that it tells.
    NotReady,
    /// This branch will not take part.
    Refuse {
        /// Why, for the analyst's screen and the ledger.
        code: RefusalCode,
        /// Signature over the run (zeros before one is known) and the code.
        signature: Signature,
    },
    /// B1: session keys and commitments.
    Keys(Box<Keys>),
    /// B3: this member's contribution to the seed of a sparse neighbour graph.
    Contribution {
        /// The session.
        session: SessionId,
        /// 32 random bytes, committed in KEYS.
        contribution: [u8; 32],
    },
    /// B4a: encapsulations to every later neighbour.
    Encapsulations {
        /// The session.
        session: SessionId,
        /// One for each neighbour with a larger id.
        items: Vec<Encapsulation>,
    },
    /// B4b: shares for every holder, envelopes, commitments.
    Deal(Box<Deal>),
    /// B5: every bundle opened and checked.
    SetupAck {
        /// The session.
        session: SessionId,
        /// Signature over the view.
        signature: Signature,
    },
    /// R2: announces the masked vector that follows as raw bytes.
    Masked(MaskedHeader),
    /// R4: this survivor set, and no other, for this round.
    SurvivorsAck {
        /// The round.
        round: RoundId,
        /// Signature over descriptor and survivor set.
        signature: Signature,
    },
    /// R6: one share of one secret of every dealer that this client holds shares of, ascending by dealer: of the self-mask seed if the
    /// dealer survived, of the envelope key if not.
    Unmask {
        /// The round.
        round: RoundId,
        /// One for each dealer.
        shares: Vec<[u8; 32]>,
    },
    /// Proof that shares sent before are those that their dealers dealt, in the order in which the coordinator asked.
    Proofs {
        /// The round.
        round: RoundId,
        /// One for each dealer in question.
        proofs: Vec<ShareProof>,
    },
    /// This client gives up the session; its keys are erased.
    Abandon {
        /// The session.
        session: SessionId,
        /// Why.
        code: RefusalCode,
        /// Whose keys or shares are bad, if it is about one member.
        accused: Option<ClientId>,
    },
    /// Orderly departure.
    Leave,
}

/// A client asks to be let into a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Version of the protocol.
    pub version: u32,
    /// Digest of the branch's feature schema.
    pub schema: Digest,
    /// Sessions whose keys this client still holds, in the order of their rounds.
    pub holding: Vec<SessionId>,
    /// Drawn anew each time. Whatever welcomes this client, or ends its work for good, is signed with it, so that no old word counts.
    pub nonce: Digest,
}

/// The place of a holder's shares in their dealer's tree. Reveals no share: commitments only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareProof {
    /// Commitments to all shares that the dealer dealt to this holder, by round, self mask before envelope.
    pub shares: Vec<Digest>,
    /// Siblings of the holder's leaf, lowest first.
    pub path: Vec<Digest>,
}

/// Why a branch refuses a plan, a session or a round. Numbers are stable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub enum RefusalCode {
    /// The plan is malformed.
    #[error("the plan is malformed or asks for numbers that do not follow from it")]
    PlanMalformed,
    /// The plan names another feature schema.
    #[error("the plan names another feature schema than the branch's own file")]
    SchemaDiffers,
    /// The plan is weaker than the branch's policy.
    #[error("the plan is weaker than the branch's signed policy: {0}")]
    PolicyFloor(Floor),
    /// The round would exceed the branch's budget.
    #[error("the branch's privacy budget would be exceeded")]
    BudgetExceeded,
    /// The roster is not signed by enough authorities, or lacks this client.
    #[error("the roster is not signed by enough of the pinned authorities, or does not name this client as it is")]
    RosterInvalid,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    SignatureInvalid,
    /// A message does not fit the state of the protocol.
    #[error("a message came that the protocol does not allow at this point")]
    Unexpected,
    /// A sealed bundle, share or ciphertext is bad.
    #[error("a sealed bundle, a share or a ciphertext is bad")]
    BadKeyMaterial,
    /// The survivor set is too small, lacks this client or names strangers.
    #[error("the survivor set is too small, lacks this client's own upload or names strangers")]
    SurvivorsInvalid,
    /// The descriptor's round was used before.
    #[error("the round was used before")]
    RoundReused,
    /// The descriptor asks for less noise or other parameters than the plan.
    #[error("the round's descriptor does not follow from the plan")]
    DescriptorInvalid,
    /// The model's bytes do not have the descriptor's digest.
    #[error("the model's bytes do not have the digest that the round's descriptor names")]
    ModelDiffers,
    /// The branch's own settings do not go with the plan. Decided before any row is looked at.
    #[error("the branch's own settings do not go with this plan; its own log says which one")]
    BranchUnprepared,
    /// The round's deadline has passed.
    #[error("the deadline has passed")]
    DeadlinePassed,
    /// The branch operator stopped the daemon.
    #[error("the branch operator stopped the daemon")]
    Stopped,
    /// The budget was never begun, or awaits a head that the coordinator did not show.
    #[error(
        "the branch's budget was not begun, or its file is another branch's, or was lost and the coordinator shows no head of it that could be adopted: \
         begin it with the owner's key (`tributary client budget begin`), or put the branch's newest file back"
    )]
    BudgetNotBegun,
    /// The head that the coordinator shows is not one of this branch's budget.
    #[error(
        "the budget head that the coordinator shows is not this branch's own, is of another population, or is signed by a key that no shown roster \
         names"
    )]
    HeadInvalid,
    /// The head that the coordinator shows has another owner.
    #[error(
        "the budget belongs to another owner of the data than the one who began this file: put the newest file back, or have the owner before sign \
         the change (`tributary client budget owner`)"
    )]
    OwnerDiffers,
    /// The budget counter of a member is lower than this branch has seen it.
    #[error(
        "a member's budget counter is lower than this branch has seen it: that member's budget file is an older copy, and the coordinator did not \
         show it the newest head"
    )]
    CounterFell,
    /// The roster is older than one that the branch accepted before.
    #[error("the roster is older than, or contradicts, one that the branch accepted before")]
    RosterRolledBack,
    /// Key set-ups end again and again after this member has revealed its part of the graph's seed.
    #[error("key set-ups were broken off too often after the seed of the neighbour graph was known")]
    AttemptsExhausted,
    /// The roster does not have the plan's group, or this branch is not in it.
    #[error("the plan's group is not in the signed roster, or this branch is not in it")]
    NotInGroup,
    /// By this machine's clock an entry of the roster is over that is to be used.
    #[error(
        "an entry of the roster that is to be used has ended by this machine's clock, this branch's own or another one's; set the clock \
         right, or have that branch enrolled anew and the next roster signed"
    )]
    EntryEnded,
    /// The plan is not signed by two people who may.
    #[error("the plan is not approved: {0}")]
    NotApproved(ApprovalFault),
    /// The owner of the branch's data has not granted the plan.
    #[error("the plan is not granted at this branch: {0}")]
    NotGranted(GrantFault),
    /// A run may not begin now.
    #[error(
        "the plan's schedule does not let this run begin now, by this machine's clock: it is too early, too late, or too soon after the run before"
    )]
    NotDue,
    /// The plan's own cap over all runs would be passed.
    #[error("with this run all runs of the plan together could cost more than the plan itself allows")]
    PlanSpent,
    /// The branch's organisation has no agreement that holds.
    #[error("the plan names no agreement with this branch's organisation that holds now, by this machine's clock")]
    NoAgreement,
    /// This machine's clock and the coordinator's differ by more than a budget that is kept by months can bear.
    #[error(
        "this branch's clock and the coordinator's differ by more than a day, so no month of the budget can be told: set the clock that is wrong, and \
         start the daemon again"
    )]
    ClockDiffers,
    /// The policy's caps are higher than those that the budget file has seen.
    #[error(
        "the branch's policy lets more be spent than its budget file has seen: have the owner of the data and a privacy officer sign that \
         (`tributary client budget raise`), or put the lower caps back"
    )]
    CapsHigher,
    /// The branch's program has no part in plans of this mode.
    #[error(
        "the branch's program was built without the plan's privacy mode, and takes no part whatever its policy says: write the plan in mode customer \
         or local, or have the branch use a program that was built with the feature weak-modes"
    )]
    ModeNotBuilt,
    /// The plan does not handle data as their level asks.
    #[error(
        "the plan learns from data of level 4, and does not say materiality high, or has no noise for each customer; its own log says which fields"
    )]
    LevelNotKept,
}

/// Which line of a branch's policy refuses a plan. Numbers are stable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub enum Floor {
    /// The privacy mode.
    #[error("its privacy mode is not among those that the branch admits (policy.modes)")]
    Mode,
    /// The cohort rule.
    #[error(
        "its cohort rule assumes less, or asks for fewer clients, organisations or survivors, than the branch's (policy.cohort_min, policy.coalition_permille or a line beside them)"
    )]
    Cohort,
    /// Epsilon of one plan.
    #[error("its rounds together may cost a customer more than the branch allows for one plan (policy.epsilon_plan)")]
    EpsilonPlan,
    /// The purpose.
    #[error("its purpose is not among those that the branch admits (policy.purposes)")]
    Purpose,
    /// The schema: columns, labels, customers, categories, bounds.
    #[error("its schema is not the one that the owner of the branch's data has read and pinned (policy.schema)")]
    Schema,
    /// Customers at several branches.
    #[error("it assumes that a customer is at fewer branches than the branch does (policy.overlap_min)")]
    Overlap,
    /// Rounds a day.
    #[error("more rounds are asked for within a day than the branch allows (policy.rounds_a_day)")]
    RoundsADay,
    /// The time of uploads.
    #[error("its uploads leave sooner after a round's start than the branch allows (policy.upload_offset_ms_min)")]
    UploadOffset,
    /// The bound of a customer's gradient, or of a difference of models.
    #[error("its clip norm is smaller than the branch allows (policy.clip_norm_min)")]
    ClipNorm,
    /// The number of hidden layers.
    #[error("its network has more hidden layers than the branch allows (policy.layers_max)")]
    Layers,
    /// The units of a hidden layer.
    #[error("its network has a wider hidden layer than the branch allows (policy.width_max)")]
    Width,
    /// The rounds of a plan.
    #[error("it may charge more rounds than the branch allows a plan (policy.rounds_max)")]
    Rounds,
    /// The group.
    #[error("its group of the roster is not among those that the branch admits (policy.groups)")]
    Group,
    /// Epsilon of one plan for the branch as a unit.
    #[error(
        "its rounds together may cost the branch, as one unit, more than the branch allows for one plan (policy.epsilon_branch_plan)"
    )]
    EpsilonBranchPlan,
}

/// What a branch was charged in one run: rounds by stage, and the last round used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    /// Rounds of each stage, in the plan's order, up to the last one that has any: at most [`crate::limits::STAGES_MAX`].
    pub rounds: Vec<u32>,
    /// The last round; 0 if none.
    pub last_round: u64,
}

impl Charged {
    /// The larger of two figures, each by itself.
    #[must_use]
    pub fn raised_to(&self, other: &Self) -> Self {
        let stages = self.rounds.len().max(other.rounds.len());
        let rounds = (0..stages).map(|stage| self.of(stage).max(other.of(stage))).collect();
        Self { rounds, last_round: self.last_round.max(other.last_round) }
    }

    /// Rounds of a stage.
    #[must_use]
    pub fn of(&self, stage: usize) -> u32 {
        self.rounds.get(stage).copied().unwrap_or_default()
    }

    /// One more round of a stage.
    pub fn add(&mut self, stage: u16, round: RoundId) {
        let stage = usize::from(stage);
        if self.rounds.len() <= stage {
            self.rounds.resize(stage.saturating_add(1), 0);
        }
        if let Some(rounds) = self.rounds.get_mut(stage) {
            *rounds = rounds.saturating_add(1);
        }
        self.last_round = self.last_round.max(round.0);
    }

    /// Whether it has the form that [`Charged::add`] makes.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.rounds.len() <= STAGES_MAX && self.rounds.last() != Some(&0)
    }

    /// Both into a canonical encoding.
    pub(crate) fn canonical(&self, body: Canonical) -> Canonical {
        let body = body.u32(u32::try_from(self.rounds.len()).unwrap_or(u32::MAX));
        self.rounds.iter().fold(body, |body, rounds| body.u32(*rounds)).u64(self.last_round)
    }

    /// Whether each figure is at most that of `other`.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> bool {
        let rounds = self.rounds.iter().enumerate().all(|(stage, own)| *own <= other.of(stage));
        rounds && self.last_round <= other.last_round
    }
}

impl RefusalCode {
    /// Stable number in what is signed.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::PlanMalformed => 1,
            Self::SchemaDiffers => 2,
            Self::PolicyFloor(floor) => 0x100 + floor as u32,
            Self::BudgetExceeded => 3,
            Self::RosterInvalid => 4,
            Self::SignatureInvalid => 5,
            Self::Unexpected => 6,
            Self::BadKeyMaterial => 7,
            Self::SurvivorsInvalid => 8,
            Self::RoundReused => 9,
            Self::DescriptorInvalid => 10,
            Self::ModelDiffers => 11,
            Self::BranchUnprepared => 12,
            Self::DeadlinePassed => 13,
            Self::Stopped => 14,
            Self::BudgetNotBegun => 15,
            Self::RosterRolledBack => 16,
            Self::AttemptsExhausted => 17,
            Self::NotInGroup => 18,
            Self::EntryEnded => 19,
            Self::HeadInvalid => 20,
            Self::CounterFell => 21,
            Self::OwnerDiffers => 22,
            Self::NotDue => 23,
            Self::PlanSpent => 24,
            Self::NoAgreement => 25,
            Self::ClockDiffers => 26,
            Self::CapsHigher => 27,
            Self::ModeNotBuilt => 28,
            Self::LevelNotKept => 29,
            Self::NotApproved(fault) => 0x200 + fault.number(),
            Self::NotGranted(fault) => 0x300 + fault.number(),
        }
    }
}

/// R2: what the masked vector behind it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedHeader {
    /// The round.
    pub round: RoundId,
    /// Digest of the round's descriptor.
    pub descriptor: Digest,
    /// Digest of the vector's bytes.
    pub vector: Digest,
    /// What the sender spent, this round included.
    pub head: Box<BudgetHead>,
    /// Signature by the sender over all of them.
    pub signature: Signature,
}

impl SignedBody for MaskedHeader {
    const KIND: &'static str = "MASKED";

    fn canonical(&self) -> Canonical {
        Self::body(self.round, [&self.descriptor, &self.vector, &self.head.canonical().finish()])
    }
}

impl MaskedHeader {
    /// The canonical encoding, of the round and the digests of its descriptor, the vector and the head: what a ledger keeps of it.
    #[must_use]
    pub fn body(round: RoundId, digests: [&Digest; 3]) -> Canonical {
        digests.into_iter().fold(Canonical::new("MASKED").u64(round.0), Canonical::digest)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// Stages come in any order, and none forgets another one.
    #[test]
    fn each_round_is_added_to_its_own_stage() {
        let mut charged = Charged::default();
        for (stage, round, rounds) in [
            (2, 7, vec![0, 0, 1]),
            (0, 5, vec![1, 0, 1]),
            (2, 9, vec![1, 0, 2]),
            (1, 8, vec![1, 1, 2]),
            (3, 1, vec![1, 1, 2, 1]),
        ] {
            charged.add(stage, RoundId(round));
            assert_eq!(charged.rounds, rounds);
        }
        assert_eq!((charged.last_round, charged.of(2), charged.of(4)), (9, 2, 0));
        let other = Charged { rounds: vec![0, 4, 1, 2, 3], last_round: 8 };
        let raised = Charged { rounds: vec![1, 4, 2, 2, 3], last_round: 9 };
        assert_eq!((charged.raised_to(&other), other.raised_to(&charged)), (raised.clone(), raised));
    }

    #[test]
    fn a_form_that_no_round_makes_is_known() {
        let short = |rounds: &[u32]| Charged { rounds: rounds.to_vec(), last_round: 0 }.is_short();
        assert!(short(&[]) && short(&[0, 1]) && short(&[1; STAGES_MAX]));
        assert!(!short(&[0]) && !short(&[1, 0]) && !short(&[1; STAGES_MAX + 1]));
    }
}

//! What happened: the coordinator's and the participant's ledgers are lists of these.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::descriptor::RoundDescriptor;
use super::orders::Orders;
use crate::budget::{BudgetHead, FirstUse, OwnerChange, Release};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::message::{Charged, ClosedReason, RefusalCode};
use crate::plan::{Approvals, Attestation, CapRaise, Caps, Plan, PrivacyMode, RunRef, Stage, Withdrawal};
use crate::printable::Untrusted;
use crate::privacy::Accounts;
use crate::roster::{RosterHead, SignedRoster};
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::Signature;
use crate::time::Millis;

/// A ledger entry's payload: when, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded<E> {
    /// Milliseconds of the Unix clock as the daemon's shell had it. Informative: nothing is decided by it.
    pub at: Millis,
    /// What happened.
    pub event: E,
}

/// What the coordinator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoordinatorEvent {
    /// A run of a plan began. First entry of a ledger.
    RunOpened {
        /// The plan, whole, so that the ledger can be verified alone.
        plan: Box<Plan>,
        /// Who put it forward, and who approved it.
        approvals: Box<Approvals>,
        /// Which of its runs this is, from 1.
        number: u32,
        /// Digest of the public state from which it begins: what the plan's reference has come to.
        model: Digest,
        /// When it began: of which day its data must be follows from it.
        begun: Millis,
    },
    /// What people had ordered before this run began, as the run before it ended: a freeze does not end with a run. Second entry, where there is anything.
    OrdersCarried {
        /// What stands, and what was lifted.
        orders: Orders,
    },
    /// Other people stand by the plan from here on, by the roster in force.
    ApprovalsShown {
        /// Who put it forward, and who approved it.
        approvals: Box<Approvals>,
    },
    /// Who may take part, from here on: after the opening, and between sessions where that has changed.
    RosterAdopted {
        /// The roster, whole, so that the ledger's signatures can be verified.
        roster: Box<SignedRoster>,
        /// Members of the plan's group in it, of which a coalition in the form `fraction` is counted; none where it has no such group.
        group_size: u32,
    },
    /// A key set-up began.
    SessionOpened {
        /// The session.
        session: SessionId,
        /// Who was asked, ascending.
        candidates: Vec<ClientId>,
    },
    /// A key set-up ended well.
    SessionKeyed {
        /// The session.
        session: SessionId,
        /// Digest of cohort and keys.
        view: Digest,
        /// The cohort, ascending.
        cohort: Vec<ClientId>,
        /// The organisation of each of them, from which the thresholds follow.
        organisations: Vec<OrganisationId>,
        /// What it tolerates.
        thresholds: Thresholds,
    },
    /// A session ended.
    SessionClosed {
        /// The session.
        session: SessionId,
        /// Why.
        reason: ClosedReason,
    },
    /// A round began; from here on it is charged.
    RoundStarted {
        /// What the round is.
        descriptor: RoundDescriptor,
    },
    /// One upload entered the sum.
    UpdateAdmitted {
        /// The round.
        round: RoundId,
        /// Whose.
        client: ClientId,
        /// Digest of the masked vector.
        vector: Digest,
        /// Digest of the canonical budget head that came with it.
        head: Digest,
        /// The client's signature over the round's descriptor, the vector and the head: proof that it took part.
        signature: Signature,
    },
    /// The survivor set is fixed.
    SurvivorsFrozen {
        /// The round.
        round: RoundId,
        /// Ascending.
        survivors: Vec<ClientId>,
        /// Digest of survivors and uploads, as acknowledged.
        digest: Digest,
    },
    /// A quorum acknowledged the survivor set.
    QuorumReached {
        /// The round.
        round: RoundId,
        /// Signer and signature, ascending.
        signatures: Vec<(ClientId, Signature)>,
    },
    /// The sum became the next public state, or counts that are kept beside it.
    RoundCommitted {
        /// The round.
        round: RoundId,
        /// Digest of the unmasked sum.
        sum: Digest,
        /// Digest of the public state after it; the same one where the stage moves none.
        model: Digest,
    },
    /// The round ended without a sum.
    RoundAborted {
        /// The round.
        round: RoundId,
        /// Why.
        reason: ClosedReason,
    },
    /// A participant refused the plan or gave up a session.
    ClientRefused {
        /// Who.
        client: ClientId,
        /// Why.
        code: RefusalCode,
        /// The participant's signature over plan and code, where it refused the plan.
        signature: Option<Signature>,
    },
    /// A client whose budget this coordinator does not know says that it was begun, or that its file was lost.
    BudgetBegun {
        /// Who.
        client: ClientId,
        /// What its owner signed.
        first: Box<FirstUse>,
    },
    /// A client that accepts the plan shows what it has spent, where this ledger knows another head of it or none.
    BudgetShown {
        /// What it signed.
        head: Box<BudgetHead>,
    },
    /// A client's budget file holds more of this plan than this ledger ever started: the ledger is an older copy, or the client errs. For
    /// this client the larger figure counts.
    ClientChargedMore {
        /// Who.
        client: ClientId,
        /// What its budget file holds.
        charged: Charged,
    },
    /// A stage's rounds are over, and what it hands on was chosen and stored.
    StageConcluded {
        /// Number of the stage, from 0.
        stage: u16,
        /// Digest of the public state with which the next one begins, or which is released.
        model: Digest,
    },
    /// A client is out of the plan.
    ClientEvicted {
        /// Who.
        client: ClientId,
        /// Why.
        reason: EvictionReason,
    },
    /// Somebody whose role it is stops the plan or the federation, ends the plan, or agrees that it goes on.
    OrderTaken {
        /// As it was signed.
        order: Attestation,
    },
    /// The run is over.
    RunFinished {
        /// The released model; where an order has ended the plan, the one it had come to, which is not released.
        model: Digest,
        /// Rounds committed, of all stages.
        rounds: u32,
        /// Whether all its rounds were committed, and no order has ended the plan.
        complete: bool,
    },
}

/// Why a client is out of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EvictionReason {
    /// Its shares or its envelope do not hold what it committed to: proven by its own signatures.
    #[error("it dealt shares or an envelope that do not hold what it committed to")]
    DealtFalsely,
    /// It sent shares that their dealers did not deal, or broke the protocol otherwise, too often.
    #[error("it broke the protocol too often")]
    Strikes,
}

/// What a branch notes of a stage that it has admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTerms {
    /// Its kind.
    pub kind: String,
    /// Rounds to commit.
    pub rounds: u32,
    /// What one round costs.
    pub charge: Accounts,
}

impl StageTerms {
    /// The terms of a plan's stage.
    #[must_use]
    pub fn of(stage: &Stage) -> Self {
        Self { kind: stage.kind.clone(), rounds: stage.rounds, charge: stage.charge.clone() }
    }
}

/// How a run came to its end at a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunEnd {
    /// The coordinator signed that it is over.
    Finished,
    /// The coordinator signed that this branch is out of it.
    Dismissed,
    /// The branch refused to go on. It may accept the run again, and then reserves again what is left of it.
    Refused,
    /// The owner let go of it, because nobody signed its end here.
    Released(Release),
}

impl RunEnd {
    /// Whether the branch never takes part in the run again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Refused)
    }
}

/// What a client did: its budget file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParticipantEvent {
    /// A roster was accepted; from here on no older one is.
    RosterAccepted {
        /// Its epoch and digest.
        head: RosterHead,
        /// Rosters between the last one accepted and this one, which were not shown here: who came and went in them is not known.
        missing: u64,
    },
    /// The budget begins, by its owner's signature: first entry of a budget file, and never another.
    BudgetBegun {
        /// The customers' population, in the branch's words.
        population: String,
        /// Hides those words in heads; never sent.
        salt: [u8; 32],
        /// What the owner signed.
        first: FirstUse,
    },
    /// The budget passes to another owner, by the signature of the one before. In a file that takes the place of a lost one, it says as well who
    /// owned the budget before whoever began that file.
    OwnerChanged {
        /// What the owner before signed.
        change: OwnerChange,
    },
    /// A head was signed and is about to leave, where the last one that did had another counter.
    HeadSigned {
        /// The head.
        head: Box<BudgetHead>,
    },
    /// The coordinator showed a head of this branch's budget that the file does not know: the file is an older copy, or takes the place of a lost
    /// one. Each account is raised to the head's, at every order, and the rounds of every plan and of the last day to its figures.
    HeadAdopted {
        /// The head, signed by this branch.
        head: Box<BudgetHead>,
        /// The part of what is added that belongs to the head's plan, where its terms are known.
        charge: Accounts,
    },
    /// Budget counters of other members, where they are higher than this file knew.
    CountersSeen {
        /// Member and counter, ascending.
        counters: Vec<(ClientId, u64)>,
    },
    /// The branch admitted a run of a plan.
    RunAccepted {
        /// Which run of which plan.
        run: RunRef,
        /// The plan's name.
        name: Untrusted,
        /// What it is for.
        purpose: Untrusted,
        /// What protects whom.
        privacy: PrivacyMode,
        /// What it sums, in order.
        stages: Vec<StageTerms>,
        /// Rounds beyond those of the stages that may be charged.
        retries: u32,
        /// What the whole run may cost, retries included.
        charge_max: Accounts,
        /// The owner's grant under which it runs, by its digest.
        grant: Digest,
        /// The daemon's clock, by which a plan's schedule and a grant's window are judged.
        at: Millis,
        /// The coordinator's clock, as it signed that in its welcome. Months pass by the earlier of the two.
        shown: Millis,
        /// The last moment at which the run can be under way.
        until: Millis,
    },
    /// The policy has other caps than the file has seen: lower ones, or the first.
    CapsNoted {
        /// The caps.
        caps: Caps,
    },
    /// The policy may have higher caps from here on, by the word of two people.
    CapRaised {
        /// What the owner signed.
        raise: Box<CapRaise>,
        /// The privacy officer's signature on it, which counted by the roster that was accepted last.
        officer: Box<Attestation>,
        /// That roster, whole: the file has the digests of all others, and this signature is to be verified by whoever reads it.
        roster: Box<SignedRoster>,
        /// This branch's number in it.
        client: ClientId,
    },
    /// A run is over for this branch. What it has not charged of what it may cost is free again.
    RunEnded {
        /// Which run of which plan.
        run: RunRef,
        /// The daemon's clock.
        at: Millis,
        /// How it came to its end.
        how: RunEnd,
    },
    /// The owner of the data has taken a grant back. No round begins under it any more.
    GrantWithdrawn {
        /// What the owner signed.
        withdrawal: Withdrawal,
    },
    /// Budget was spent, before anything was uploaded. Never refunded.
    BudgetCharged {
        /// Which run of which plan.
        run: RunRef,
        /// The round, from here on used.
        round: RoundId,
        /// Number of the plan's stage, from 0.
        stage: u16,
        /// The daemon's clock, by which rounds a day are counted.
        at: Millis,
        /// Digest of the descriptor.
        descriptor: Digest,
        /// RDP of each unit at every order, in nano-units.
        charge: Accounts,
    },
    /// A masked vector left the branch.
    Uploaded {
        /// Which run of which plan.
        run: RunRef,
        /// The round.
        round: RoundId,
        /// Digest of its bytes.
        vector: Digest,
        /// Counter of the budget head that left with it.
        counter: u64,
    },
    /// A survivor set was acknowledged; no other one will be in this round.
    SurvivorsAcknowledged {
        /// Which run of which plan.
        run: RunRef,
        /// The round.
        round: RoundId,
        /// Digest of survivors and uploads.
        survivors: Digest,
    },
    /// Shares are being revealed for this survivor set: of each dealer's secrets one, by whether it survived. None other will be in this
    /// round.
    SharesRevealed {
        /// Which run of which plan.
        run: RunRef,
        /// The round.
        round: RoundId,
        /// Digest of survivors and uploads.
        survivors: Digest,
    },
    /// The round ended.
    RoundClosed {
        /// Which run of which plan.
        run: RunRef,
        /// The round.
        round: RoundId,
        /// The new model, if there is one.
        model: Option<Digest>,
    },
    /// The branch refused or gave up.
    Refused {
        /// Why.
        code: RefusalCode,
    },
}

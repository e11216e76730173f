//! What happened: the coordinator's and the participant's ledgers are lists of these.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::descriptor::RoundDescriptor;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{ClosedReason, RefusalCode};
use crate::plan::Plan;
use crate::privacy::RdpVector;
use crate::roster::RosterHead;
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
    /// A plan began. First entry of a ledger.
    PlanOpened {
        /// The job, whole, so that the ledger can be verified alone.
        plan: Plan,
        /// Digest of the roster.
        roster: Digest,
        /// Probability of failure for which epsilon is stated, as the bits of an `f64`.
        delta_bits: u64,
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
        /// The client's signature over the round's descriptor and the vector: proof that it took part.
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
    /// The sum became a new model.
    RoundCommitted {
        /// The round.
        round: RoundId,
        /// Digest of the unmasked sum.
        sum: Digest,
        /// Digest of the new model.
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
    },
    /// A client is out of the plan.
    ClientEvicted {
        /// Who.
        client: ClientId,
        /// Why.
        reason: EvictionReason,
    },
    /// The plan is over.
    PlanFinished {
        /// The last round's model; what is released may be an average of the last rounds' models, named beside the registry.
        model: Digest,
        /// Rounds committed.
        rounds: u32,
        /// Whether all its rounds were committed.
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

/// What a client did: its budget file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParticipantEvent {
    /// A roster was accepted; from here on no older one is.
    RosterAccepted {
        /// Its epoch and digest.
        head: RosterHead,
    },
    /// The branch admitted a plan.
    PlanAccepted {
        /// Digest of the plan.
        plan: Digest,
        /// What a round of it costs.
        charge: RdpVector,
    },
    /// Budget was spent, before anything was uploaded. Never refunded.
    BudgetCharged {
        /// Digest of the plan.
        plan: Digest,
        /// The round, from here on used.
        round: RoundId,
        /// Digest of the descriptor.
        descriptor: Digest,
        /// RDP at every order, in nano-units.
        charge: RdpVector,
    },
    /// A masked vector left the branch.
    Uploaded {
        /// The round.
        round: RoundId,
        /// Digest of its bytes.
        vector: Digest,
    },
    /// A survivor set was acknowledged; no other one will be in this round.
    SurvivorsAcknowledged {
        /// Digest of the plan.
        plan: Digest,
        /// The round.
        round: RoundId,
        /// Digest of survivors and uploads.
        survivors: Digest,
    },
    /// Shares are being revealed for this survivor set: of each dealer's secrets one, by whether it survived. None other will be in this
    /// round.
    SharesRevealed {
        /// The round.
        round: RoundId,
        /// Digest of survivors and uploads.
        survivors: Digest,
    },
    /// The round ended.
    RoundClosed {
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

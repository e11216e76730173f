//! Coordinator to client.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::keying::{DealStatement, Encapsulation, Freeze, Neighbourhood, Offer, SealedShares};
use crate::budget::ShownHead;
use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, RoundId, RunId, SessionId};
use crate::list::List;
use crate::plan::{Approvals, Plan};
use crate::printable::Untrusted;
use crate::roster::SignedRoster;
use crate::round::RoundDescriptor;
use crate::secagg::suite::Signature;
use crate::time::Millis;

/// The coordinator's control message in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Downstream {
    /// The run is there, and the client may ask to be let in; where it was in, it asks again.
    Invite,
    /// Answer to `Join`: the certificate was accepted, here is the job.
    Welcome(Box<Welcome>),
    /// The connection is refused and closes.
    Rejected {
        /// Stable code.
        code: RejectCode,
        /// What happened, what it means, what to do.
        explanation: Untrusted,
        /// The coordinator's signature. Nobody stops for good without it.
        proof: Option<Proof>,
    },
    /// B0: a key set-up begins.
    Offer(Offer),
    /// B2: the frozen cohort.
    Freeze(Freeze),
    /// B3, relayed: everybody's contribution to the seed of a sparse graph.
    Neighbourhood(Neighbourhood),
    /// B4a, relayed: everything that earlier neighbours encapsulated to the receiver.
    Encapsulations {
        /// The session.
        session: SessionId,
        /// One for each neighbour with a smaller id.
        items: Vec<Encapsulation>,
    },
    /// B4b, relayed: the receiver's bundle from every dealer whose shares it holds.
    Shares {
        /// The session.
        session: SessionId,
        /// One for each dealer, ascending.
        bundles: Vec<SealedShares>,
        /// What every member of the cohort signed of what it dealt, in the cohort's order.
        deals: List<DealStatement>,
    },
    /// B5, relayed: the acknowledgements of the whole cohort, in its order.
    SetupAcks {
        /// The session.
        session: SessionId,
        /// One for each member.
        signatures: List<Signature>,
    },
    /// R1: a round begins; the bytes of the public state follow, or none where the stage needs none.
    Start(Start),
    /// R3: the proposed survivor set.
    Survivors(Survivors),
    /// R5: proof that a quorum acknowledged this set.
    Quorum(QuorumCertificate),
    /// Shares do not give what their dealers committed to: the receiver is to prove the shares of these dealers that it sent.
    Prove {
        /// The round.
        round: RoundId,
        /// The dealers, ascending.
        dealers: Vec<ClientId>,
    },
    /// R7: the round's end.
    Outcome(RoundOutcome),
    /// The session is over; its keys are to be erased.
    SessionClosed {
        /// The session.
        session: SessionId,
        /// Why.
        reason: ClosedReason,
    },
    /// The run is over.
    Finished {
        /// Digest of the released model.
        model: Digest,
        /// Rounds committed.
        rounds: u32,
        /// The coordinator's signature. Nobody stops for good without it.
        proof: Option<Proof>,
    },
    /// Too few members are here; for the operator's screen.
    Muster(Muster),
}

impl Downstream {
    /// Whether it may be the answer to a `Join`.
    #[must_use]
    pub const fn answers_join(&self) -> bool {
        matches!(self, Self::Welcome(_) | Self::Rejected { .. } | Self::Finished { .. })
    }
}

/// Members that a [`Muster`] names, at most.
pub const MUSTER_NAMED_MAX: usize = 20;

/// Who is missing where too few members are here. Public: the roster names everybody, and who is connected says nothing of anybody's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muster {
    /// Members that are here.
    pub here: u32,
    /// Members that a round or a key set-up needs.
    pub needed: u32,
    /// The first of those that are missing, ascending; at most [`MUSTER_NAMED_MAX`].
    pub missing: Vec<ClientId>,
    /// Others that are missing.
    pub more: u32,
}

/// The coordinator's word that a client's work is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The run that is meant.
    pub run: RunId,
    /// Signature over the label, the run, the client, the nonce of its `Join`, and what the message says.
    pub signature: Signature,
}

/// Answer to `Join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Version of the protocol.
    pub version: u32,
    /// The nonce of the receiver's `Join`.
    pub nonce: Digest,
    /// The job, checked by the receiver.
    pub plan: Plan,
    /// Who put it forward, and who approved it; checked by the receiver.
    pub approvals: Approvals,
    /// Which of its runs this is, from 1.
    pub number: u32,
    /// Who may take part, signed by the roster authorities.
    pub roster: SignedRoster,
    /// Sessions that go on; keys of any other one are to be erased.
    pub sessions: Vec<SessionId>,
    /// The newest head of the receiver's budget that the coordinator keeps, of whatever run: signed by the receiver itself.
    pub budget: Option<Box<ShownHead>>,
    /// The coordinator's clock. A branch lets no month of its budget pass that both clocks have not seen pass.
    pub at: Millis,
    /// When the run began, by the coordinator's clock: of which day its data must be follows from it.
    pub begun: Millis,
    /// Signature of the coordinator over the nonce, the run, the roster's digest, its clock and the run's beginning.
    pub signature: Signature,
}

/// Why a connection is refused. Numbers are stable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectCode {
    /// The certificate names nobody in the roster.
    NotInRoster,
    /// The same identity is connected already.
    AlreadyConnected,
    /// Another protocol version.
    VersionDiffers,
    /// The branch's schema is not the plan's.
    SchemaDiffers,
    /// A message that the protocol does not allow here.
    Misbehaved,
    /// The plan is over.
    PlanFinished,
    /// The client was found guilty of breaking rounds and is out of this plan.
    Evicted,
    /// The client is not in the plan's group of the roster.
    NotInGroup,
    /// The client's entry in the roster has ended.
    EntryEnded,
    /// The federation has cut the client off, or believes its certificate no more.
    Denied,
    /// The plan names no agreement with the client's organisation that holds.
    NoAgreement,
    /// The plan waits for its schedule, or for people who stand by it.
    NotNow,
}

impl RejectCode {
    /// Whether a client that is told so stops for good. Everything else may have changed by its next attempt: the roster may name it any moment,
    /// and the other process may end.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::AlreadyConnected
            | Self::NotInRoster
            | Self::NotInGroup
            | Self::EntryEnded
            | Self::Denied
            | Self::NoAgreement
            | Self::NotNow => false,
            Self::VersionDiffers | Self::SchemaDiffers | Self::Misbehaved | Self::PlanFinished | Self::Evicted => true,
        }
    }

    /// The stable number, as it is signed.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::NotInRoster => 0,
            Self::AlreadyConnected => 1,
            Self::VersionDiffers => 2,
            Self::SchemaDiffers => 3,
            Self::Misbehaved => 4,
            Self::PlanFinished => 5,
            Self::Evicted => 6,
            Self::NotInGroup => 7,
            Self::EntryEnded => 8,
            Self::Denied => 9,
            Self::NoAgreement => 10,
            Self::NotNow => 11,
        }
    }
}

/// R1: a round begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// What the round is; its digest keys every mask.
    pub descriptor: RoundDescriptor,
    /// Signature of the coordinator.
    pub signature: Signature,
}

/// R3: the proposed survivor set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivors {
    /// The round.
    pub round: RoundId,
    /// Each survivor and the digest of the vector that it uploaded, ascending.
    pub uploads: List<(ClientId, Digest)>,
}

impl Survivors {
    /// Members and uploads: the survivor set as acknowledged, by its digest in the suite (step R4).
    #[must_use]
    pub fn canonical(&self) -> Canonical {
        let count = u32::try_from(self.uploads.len()).unwrap_or(u32::MAX);
        let body = Canonical::new("U3").u64(self.round.0).u32(count);
        self.uploads.iter().fold(body, |body, (client, upload)| body.u32(client.0).digest(upload))
    }

    /// SHA-256 of [`Survivors::canonical`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.canonical().finish()
    }
}

/// R5: a quorum's signatures over one survivor set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumCertificate {
    /// The round.
    pub round: RoundId,
    /// Signer and signature, ascending.
    pub signatures: List<(ClientId, Signature)>,
}

/// R7: the round's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundOutcome {
    /// The sum was used.
    Committed {
        /// The round.
        round: RoundId,
        /// Survivors in the sum.
        survivors: u32,
        /// Digest of the next public state.
        model: Digest,
    },
    /// Nothing was revealed.
    Aborted {
        /// The round.
        round: RoundId,
        /// Why.
        reason: ClosedReason,
    },
}

/// Why a session or a round ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ClosedReason {
    /// All its rounds are used.
    #[error("all rounds of the session are used")]
    Exhausted,
    /// The next session can be used by more of its members.
    #[error("the next session can be used by more of its members")]
    Superseded,
    /// A participant was lost.
    #[error("client {0} was lost")]
    ParticipantLost(ClientId),
    /// A participant gave up, for the reason that it named.
    #[error("client {0} gave up")]
    ParticipantGaveUp(ClientId),
    /// A participant sent something that the protocol does not allow.
    #[error("client {0} broke the protocol")]
    ParticipantMisbehaved(ClientId),
    /// The deadline passed.
    #[error("the deadline passed")]
    Deadline,
    /// Too few participants for the plan's thresholds.
    #[error("too few participants for the plan's thresholds")]
    TooFew,
    /// A dealer's shares, all proven, do not give the secret that it committed to, or its envelope holds other seeds than it committed to.
    #[error("client {0} dealt shares or an envelope that do not hold what it committed to")]
    DealerGuilty(ClientId),
    /// Two members committed to different seeds for the mask that they share.
    #[error("clients {0} and {1} committed to different seeds for the mask that they share")]
    PairDiffers(ClientId, ClientId),
    /// The check coordinates of the sum are wrong.
    #[error("the check coordinates of the unmasked sum are wrong")]
    ChecksFailed,
    /// The new model would not be finite.
    #[error("the server optimizer refused the sum")]
    UpdateRefused,
    /// The coordinator was restarted.
    #[error("the coordinator was restarted")]
    Restart,
    /// The operator stopped the coordinator.
    #[error("the coordinator was stopped")]
    Stopped,
    /// The rounds that may be charged are used up.
    #[error("the rounds that may be charged are used up")]
    ChargesExhausted,
    /// Another roster is in force: keys were agreed on under the old one.
    #[error("the roster has changed")]
    RosterChanged,
    /// A member's entry in the roster is over, and with it the validity of its signing key.
    #[error("client {0}'s entry in the roster has ended; enrol it anew and have the next roster signed")]
    EntryEnded(ClientId),
    /// Somebody whose role it is has stopped the plan, or the federation.
    #[error("an order of somebody whose role that is has stopped the plan or the federation")]
    Ordered,
}

//! Client to coordinator.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::signed::SignedBody;
use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, RoundId, SessionId};
use crate::secagg::suite::{ExchangePublic, Signature};

/// A client's control message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upstream {
    /// First message on a connection.
    Join(Join),
    /// The plan is admitted by this branch's policy.
    Accept {
        /// Digest of the plan.
        plan: Digest,
    },
    /// This branch will not take part; the connection may stay open for another plan.
    Refuse {
        /// Why, for the analyst's screen.
        code: RefusalCode,
    },
    /// B1: session keys and commitments.
    Keys(Keys),
    /// B4a: encapsulations to every later neighbour.
    Encapsulations {
        /// The session.
        session: SessionId,
        /// One for each neighbour with a larger id.
        items: Vec<Encapsulation>,
    },
    /// B4b: a sealed bundle of shares for every neighbour.
    Shares {
        /// The session.
        session: SessionId,
        /// One for each neighbour.
        bundles: Vec<SealedShares>,
    },
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
    /// R6: shares of the survivors' self-mask seeds, in the order of the survivor set.
    Unmask {
        /// The round.
        round: RoundId,
        /// One share for each survivor.
        shares: Vec<[u8; 32]>,
    },
    /// This client gives up the session; its keys are erased.
    Abandon {
        /// The session.
        session: SessionId,
        /// Why.
        code: RefusalCode,
    },
    /// Orderly departure.
    Leave,
}

/// First message on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Version of the protocol.
    pub version: u32,
    /// Digest of the branch's feature schema.
    pub schema: Digest,
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
    #[error("the plan is weaker than the branch's privacy policy")]
    PolicyFloor,
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
    /// Training failed on this branch.
    #[error("training failed at the branch; its own log says why")]
    TrainingFailed,
    /// The round's deadline has passed.
    #[error("the deadline has passed")]
    DeadlinePassed,
    /// The branch operator stopped the daemon.
    #[error("the branch operator stopped the daemon")]
    Stopped,
}

/// B1: the session keys of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The session.
    pub session: SessionId,
    /// The signer; must equal the connection's identity.
    pub client: ClientId,
    /// Public halves.
    pub exchange: ExchangePublic,
    /// Commitment to the self-mask seed of every round of the session.
    pub commitments: Vec<Digest>,
    /// Signature by the protocol signing key.
    pub signature: Signature,
}

impl SignedBody for Keys {
    const KIND: &'static str = "KEYS";

    fn canonical(&self) -> Canonical {
        let mut body = Canonical::new("KEYS")
            .digest(&Digest(self.session.0))
            .u32(self.client.0)
            .digest(&Digest(self.exchange.diffie_hellman))
            .bytes(&self.exchange.encapsulation)
            .u32(u32::try_from(self.commitments.len()).unwrap_or(u32::MAX));
        for commitment in &self.commitments {
            body = body.digest(commitment);
        }
        body
    }
}

/// B4a: an ML-KEM ciphertext for one neighbour, signed so that nobody on the way can exchange it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encapsulation {
    /// The session.
    pub session: SessionId,
    /// The sender; must equal the connection's identity upstream.
    pub from: ClientId,
    /// The receiver.
    pub to: ClientId,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// Signature by the sender.
    pub signature: Signature,
}

impl SignedBody for Encapsulation {
    const KIND: &'static str = "KEM";

    fn canonical(&self) -> Canonical {
        Canonical::new("KEM").digest(&Digest(self.session.0)).u32(self.from.0).u32(self.to.0).bytes(&self.ciphertext)
    }
}

/// B4b: shares of one client's self-mask seeds for one holder, all rounds, sealed under their pair key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedShares {
    /// The dealer; must equal the connection's identity upstream.
    pub from: ClientId,
    /// The holder.
    pub to: ClientId,
    /// 32 bytes a round and the tag.
    pub sealed: Vec<u8>,
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
    /// Signature by the sender over both digests.
    pub signature: Signature,
}

impl SignedBody for MaskedHeader {
    const KIND: &'static str = "MASKED";

    fn canonical(&self) -> Canonical {
        Canonical::new("MASKED").u64(self.round.0).digest(&self.descriptor).digest(&self.vector)
    }
}

//! The bodies of the key set-up (docs/PROTOCOL.md, "Who says what"), as they are signed and relayed.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, RunId, SessionId};
use crate::list::List;
use crate::secagg::commitments::SeedCommitments;
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::{ExchangePublic, Signature, Suite};
use crate::signed::SignedBody;

/// B0: a key set-up begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The run.
    pub run: RunId,
    /// Digest of the roster.
    pub roster: Digest,
    /// The session.
    pub session: SessionId,
    /// First round of the session.
    pub first_round: crate::ids::RoundId,
    /// Rounds of the session.
    pub rounds: u32,
    /// Who is asked, ascending.
    pub candidates: List<ClientId>,
    /// Time until the key set-up must stand.
    pub deadline_ms: u64,
    /// Signature of the coordinator.
    pub signature: Signature,
}

impl SignedBody for Offer {
    const KIND: &'static str = "OFFER";

    fn canonical(&self) -> Canonical {
        let mut body = Canonical::new("OFFER")
            .digest(&self.run.digest())
            .digest(&self.roster)
            .digest(&Digest(self.session.0))
            .u64(self.first_round.0)
            .u32(self.rounds)
            .u64(self.deadline_ms)
            .u32(count(self.candidates.len()));
        for candidate in &self.candidates {
            body = body.u32(candidate.0);
        }
        body
    }
}

/// B1: the session keys of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// What is signed.
    pub statement: KeysStatement,
    /// Public halves.
    pub exchange: ExchangePublic,
    /// Commitments to the secrets of every round of the session.
    pub commitments: Vec<SeedCommitments>,
}

impl Keys {
    /// Whether the statement is about these keys and commitments.
    #[must_use]
    pub fn stands<S: Suite>(&self) -> bool {
        self.statement.keys == keys_digest::<S>(&self.exchange, &self.commitments)
    }
}

/// What a client signs of its session keys: enough for everybody who is not its neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysStatement {
    /// The session.
    pub session: SessionId,
    /// The signer; must equal the connection's identity.
    pub client: ClientId,
    /// Commitment to its contribution to the seed of the neighbour graph.
    pub contribution: Digest,
    /// Digest of keys and commitments, see [`keys_digest`].
    pub keys: Digest,
    /// Counter of the newest budget head that the signer has sent. Whoever saw a higher one does not go on.
    pub counter: u64,
    /// Kept free for commitments to the seeds of noise, one a round: none in this version.
    pub noise: Vec<Digest>,
    /// Kept free for a nonce: none in this version.
    pub nonce: Option<[u8; 32]>,
    /// Signature by the protocol signing key.
    pub signature: Signature,
}

impl SignedBody for KeysStatement {
    const KIND: &'static str = "KEYS";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("KEYS")
            .digest(&Digest(self.session.0))
            .u32(self.client.0)
            .digest(&self.contribution)
            .digest(&self.keys)
            .u64(self.counter);
        let body = self.noise.iter().fold(body.u32(count(self.noise.len())), Canonical::digest);
        match &self.nonce {
            None => body.u8(0),
            Some(nonce) => body.u8(1).digest(&Digest(*nonce)),
        }
    }
}

impl KeysStatement {
    /// Whether the fields that are kept free are empty.
    #[must_use]
    pub fn is_of_this_version(&self) -> bool {
        self.noise.is_empty() && self.nonce.is_none()
    }
}

/// Digest of a client's session keys and commitments.
#[must_use]
pub fn keys_digest<S: Suite>(exchange: &ExchangePublic, commitments: &[SeedCommitments]) -> Digest {
    let mut body = exchange.canonical(Canonical::new("KEYS body")).u32(count(commitments.len()));
    for commitment in commitments {
        body = body.digest(&commitment.self_mask).digest(&commitment.envelope);
    }
    S::digest(body)
}

/// B2: the frozen cohort, with everything that its members must agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// The session.
    pub session: SessionId,
    /// Every member's statement, ascending by client.
    pub members: List<KeysStatement>,
    /// Ascending by client: everybody's keys in a complete graph, nobody's yet in a sparse one.
    pub keys: List<NeighbourKeys>,
    /// What the coordinator offers; a client recomputes it and refuses weaker values than its policy's.
    pub thresholds: Thresholds,
}

/// The part of a neighbour's keys that its statement does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighbourKeys {
    /// Whose.
    pub client: ClientId,
    /// Public halves.
    pub exchange: ExchangePublic,
    /// Commitments to the secrets of every round of the session.
    pub commitments: Vec<SeedCommitments>,
}

/// B3, relayed: the contributions to the graph's seed, and the keys of the neighbours that follow from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbourhood {
    /// The session.
    pub session: SessionId,
    /// Every member's contribution, in the cohort's order.
    pub contributions: List<[u8; 32]>,
    /// The keys of the receiver's neighbours, ascending by client.
    pub keys: Vec<NeighbourKeys>,
}

/// B4a: an ML-KEM ciphertext for one neighbour, signed: nobody on the way can exchange it.
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

/// B4b: shares of a dealer's secrets of all rounds, with their place in its tree, sealed under the key of a pair for one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedShares {
    /// The dealer; must equal the connection's identity upstream.
    pub from: ClientId,
    /// The holder.
    pub to: ClientId,
    /// 64 bytes a round, the siblings in the dealer's tree, and the tag.
    pub sealed: Vec<u8>,
}

/// B4b: everything that one dealer deals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// What is signed.
    pub statement: DealStatement,
    /// One for each holder but the dealer itself, ascending.
    pub bundles: Vec<SealedShares>,
    /// One envelope a round.
    pub envelopes: Vec<Vec<u8>>,
    /// By round: commitments to the pairwise seeds, ascending by neighbour.
    pub pairs: Vec<Vec<Digest>>,
}

/// What a dealer signs of what it deals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealStatement {
    /// The session.
    pub session: SessionId,
    /// The dealer; must equal the connection's identity upstream.
    pub client: ClientId,
    /// Root of its tree over what each holder got.
    pub root: Digest,
    /// Digest of its envelopes, see [`envelopes_digest`].
    pub envelopes: Digest,
    /// Digest of its commitments to pairwise seeds, see [`rounds_digest`].
    pub pairs: Digest,
    /// Signature by the protocol signing key.
    pub signature: Signature,
}

impl SignedBody for DealStatement {
    const KIND: &'static str = "DEAL";

    fn canonical(&self) -> Canonical {
        Canonical::new("DEAL")
            .digest(&Digest(self.session.0))
            .u32(self.client.0)
            .digest(&self.root)
            .digest(&self.envelopes)
            .digest(&self.pairs)
    }
}

/// Digest over one digest a round ([`crate::secagg::commitments::pairs_digest`]).
#[must_use]
pub fn rounds_digest<S: Suite>(rounds: &[Digest]) -> Digest {
    let body = Canonical::new("pairs").u32(count(rounds.len()));
    S::digest(rounds.iter().fold(body, |body, round| body.digest(round)))
}

/// Digest of a dealer's envelopes.
#[must_use]
pub fn envelopes_digest<S: Suite>(envelopes: &[Vec<u8>]) -> Digest {
    let body = Canonical::new("envelopes").u32(count(envelopes.len()));
    S::digest(envelopes.iter().fold(body, |body, envelope| body.bytes(envelope)))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

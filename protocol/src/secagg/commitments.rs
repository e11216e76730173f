//! What a member commits to before anything is revealed: its secrets, the shares of them that it deals, and its pairwise seeds.
//!
//! Every committed value is uniform over at least 2^251 values, so that its hash hides it without further randomness (the toy suite of the
//! tests aside). All hashes are the suite's, over a label and fields of fixed length; integers little-endian.

use serde::{Deserialize, Serialize};

use super::suite::{FieldElement, SecretKey, Suite};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::merkle::leaf_digest;

/// Which of a member's two secrets of a round: the seed of its own mask, or the key of its envelope. A holder reveals a share of one of
/// them at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SecretKind {
    /// The seed b of the self mask: opened for survivors.
    SelfMask,
    /// The key kappa of the envelope: opened for those who are not.
    Envelope,
}

impl SecretKind {
    /// Both, in the order in which their shares stand.
    pub const ALL: [Self; 2] = [Self::SelfMask, Self::Envelope];

    /// The one that is opened for a member.
    #[must_use]
    pub const fn to_open(survived: bool) -> Self {
        if survived { Self::SelfMask } else { Self::Envelope }
    }
}

/// A member's commitments to its two secrets of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedCommitments {
    /// To the seed b.
    pub self_mask: Digest,
    /// To the key kappa.
    pub envelope: Digest,
}

impl SeedCommitments {
    /// The commitment to one kind.
    #[must_use]
    pub fn of(&self, kind: SecretKind) -> &Digest {
        match kind {
            SecretKind::SelfMask => &self.self_mask,
            SecretKind::Envelope => &self.envelope,
        }
    }
}

/// Whose secret of which round.
#[derive(Clone, Copy)]
pub struct SecretId<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// Whose.
    pub dealer: ClientId,
    /// The round.
    pub round: RoundId,
    /// Which of the two.
    pub kind: SecretKind,
}

impl SecretId<'_> {
    fn bytes(&self) -> [u8; 13] {
        let mut bytes = [0; 13];
        bytes[..4].copy_from_slice(&self.dealer.0.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.round.0.to_le_bytes());
        bytes[12] = self.kind as u8;
        bytes
    }

    /// Commitment to the secret itself, published in KEYS.
    #[must_use]
    pub fn commitment<S: Suite>(&self, secret: &SecretKey) -> Digest {
        S::hash(&[b"SA1/com", &self.session.0, &self.bytes(), secret.expose()])
    }

    /// Commitment to one holder's share of it: a leaf of the dealer's tree.
    #[must_use]
    pub fn share_commitment<S: Suite>(&self, holder: ClientId, share: &S::Scalar) -> Digest {
        let share = SecretKey::new(share.to_bytes());
        S::hash(&[b"SA1/share", &self.session.0, &self.bytes(), &holder.0.to_le_bytes(), share.expose()])
    }
}

/// One leaf of a dealer's tree: everything that one holder got from it, over the commitments to the shares in their order (round, then
/// [`SecretKind`]).
#[must_use]
pub fn holding_leaf<S: Suite>(shares: &[Digest]) -> Digest {
    leaf_digest(S::hash, S::hash_list(b"SA1/holding", shares).as_bytes())
}

/// Commitment to the seed of a pair in one round, the same from both ends: `low` and `high` are their numbers in order.
#[must_use]
pub fn pair_commitment<S: Suite>(
    session: &SessionId,
    (one, other): (ClientId, ClientId),
    round: RoundId,
    seed: &SecretKey,
) -> Digest {
    let (low, high) = (one.min(other), one.max(other));
    let (low, high) = (low.0.to_le_bytes(), high.0.to_le_bytes());
    S::hash(&[b"SA1/pair-com", &session.0, &low, &high, &round.0.to_le_bytes(), seed.expose()])
}

/// One digest over a member's pair commitments of one round, ascending by neighbour: what the coordinator keeps to judge an envelope.
#[must_use]
pub fn pairs_digest<S: Suite>(commitments: &[Digest]) -> Digest {
    S::hash_list(b"SA1/pairs", commitments)
}

//! A keyed session at a member: what its rounds use, once each, in memory only.
//!
//! A crash forgets the keys, and with them every round that they could have opened: nothing single-use is ever on the disk.

use alloc::vec::Vec;

use zeroize::Zeroize;

use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::ShareProof;
use crate::round::descriptor::SessionView;
use crate::round::topology::Topology;
use crate::secagg::commitments::SecretKind;
use crate::secagg::masked_sum::MaskSeeds;
use crate::secagg::suite::{FieldElement, Suite};
use crate::time::Millis;

/// Keys of a session.
pub(super) struct Session<S: Suite> {
    pub(super) view: SessionView,
    pub(super) topology: Topology,
    pub(super) first_round: RoundId,
    /// When the first of the cohort's entries in the roster is over, and the keys with it.
    pub(super) ends: Millis,
    /// By round; taken when used.
    pub(super) rounds: Vec<Option<RoundKeys<S>>>,
    /// By dealer, in the order of [`Topology::dealers`]: where its shares stand in its tree.
    pub(super) proofs: Proofs,
}

/// A list of [`ShareProof`]s in one piece of memory: of n members each holds n, and few are ever asked for.
pub(super) struct Proofs {
    digests: Vec<Digest>,
    /// Where in [`Proofs::digests`] each one's shares and its path end.
    ends: Vec<(usize, usize)>,
}

impl Proofs {
    /// An empty list, to which so many will be put.
    pub(super) fn for_dealers(dealers: usize) -> Self {
        Self { digests: Vec::new(), ends: Vec::with_capacity(dealers) }
    }

    pub(super) fn push(&mut self, proof: &ShareProof) {
        if self.ends.is_empty() {
            // Those of the others are about as long.
            self.digests.reserve((proof.shares.len() + proof.path.len() + 1) * self.ends.capacity());
        }
        self.digests.extend_from_slice(&proof.shares);
        let shares_end = self.digests.len();
        self.digests.extend_from_slice(&proof.path);
        self.ends.push((shares_end, self.digests.len()));
    }

    fn get(&self, index: usize) -> Option<ShareProof> {
        let (shares_end, path_end) = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)?.1,
            None => 0,
        };
        let piece = |range| self.digests.get(range).map(<[Digest]>::to_vec);
        Some(ShareProof { shares: piece(start..shares_end)?, path: piece(shares_end..path_end)? })
    }
}

/// What a round uses once.
pub(super) struct RoundKeys<S: Suite> {
    pub(super) seeds: MaskSeeds,
    pub(super) held: Held<S>,
}

/// The shares of one round that this member holds, in the order of [`Topology::dealers`]. Of each pair one may be revealed.
pub(super) struct Held<S: Suite>(pub(super) Vec<HeldShares<S>>);

/// Shares of one dealer's two secrets of one round. Erased when dropped.
pub(super) struct HeldShares<S: Suite> {
    pub(super) self_mask: S::Scalar,
    pub(super) envelope: S::Scalar,
}

impl<S: Suite> Drop for HeldShares<S> {
    fn drop(&mut self) {
        self.self_mask.zeroize();
        self.envelope.zeroize();
    }
}

impl<S: Suite> Session<S> {
    pub(super) fn id(&self) -> SessionId {
        self.view.session
    }

    /// Whether a round's keys may be left.
    pub(super) fn holds_keys(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Erases the keys of every round that was not begun. A round that is open has its shares, and needs the cohort alone to end.
    pub(super) fn erase(&mut self) {
        self.rounds = Vec::new();
    }

    /// Takes a round's keys, and erases those of every round before it; the second time there are none.
    pub(super) fn take(&mut self, round: RoundId) -> Option<RoundKeys<S>> {
        let index = usize::try_from(round.0.checked_sub(self.first_round.0)?).ok()?;
        let keys = self.rounds.get_mut(index)?.take();
        self.rounds.iter_mut().take(index).for_each(|passed| *passed = None);
        keys
    }

    /// Whether enough holders of each secret that this member helps to open are among the survivors (step R3), who are members of the
    /// cohort, each named once.
    pub(super) fn can_be_opened(&self, own: ClientId, survivors: &[ClientId]) -> bool {
        let threshold = usize::from(self.view.thresholds.threshold);
        // Of so many lost members no secret has more among its holders.
        let lost = self.topology.cohort().len().saturating_sub(survivors.len());
        let enough = |holders: &[ClientId]| {
            holders.len() >= threshold.saturating_add(lost)
                || holders.iter().filter(|holder| survivors.binary_search(holder).is_ok()).count() >= threshold
        };
        match self.topology.common_holders() {
            Some(holders) => enough(holders),
            None => self.topology.dealers(own).iter().all(|dealer| enough(self.topology.holders(*dealer))),
        }
    }

    /// The proofs for shares of these dealers; `None` if this member holds none of one of them.
    pub(super) fn proofs_of(&self, own: ClientId, dealers: &[ClientId]) -> Option<Vec<ShareProof>> {
        let mine = self.topology.dealers(own);
        let proof = |dealer| self.proofs.get(mine.binary_search(dealer).ok()?);
        dealers.iter().map(proof).collect()
    }
}

impl<S: Suite> Held<S> {
    /// One share of each dealer: of the self-mask seed if it survived, of the envelope key if not. Consumes both.
    pub(super) fn reveal(self, dealers: &[ClientId], survived: impl Fn(ClientId) -> bool) -> Vec<[u8; 32]> {
        let kinds = dealers.iter().map(|dealer| SecretKind::to_open(survived(*dealer)));
        let shares = self.0.iter().zip(kinds).map(|(shares, kind)| match kind {
            SecretKind::SelfMask => shares.self_mask.to_bytes(),
            SecretKind::Envelope => shares.envelope.to_bytes(),
        });
        shares.collect()
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

//! Dealing: shares of this member's secrets for every holder, and the shares that it holds of others (step B4b).

use alloc::vec::Vec;

use zeroize::Zeroize;

use super::session::{Held, HeldShares, Proofs, RoundKeys};
use super::trouble::Trouble;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::merkle::{MerkleTree, root_of_path};
use crate::message::{Deal, DealStatement, RefusalCode, SealedShares, ShareProof, envelopes_digest, rounds_digest};
use crate::round::agreement::bundle_label;
use crate::round::topology::Topology;
use crate::secagg::commitments::{SecretId, SecretKind, holding_leaf, pair_commitment, pairs_digest};
use crate::secagg::envelope::seal_envelope;
use crate::secagg::labels::{bundle_key, pair_seed};
use crate::secagg::mask::Sign;
use crate::secagg::masked_sum::MaskSeeds;
use crate::secagg::shares::{Share, share};
use crate::secagg::suite::{FieldElement, SecretKey, Signature, Suite, erase};

/// Of a share or a digest, in a bundle.
const FIELD_BYTES: usize = 32;

/// A member's two secrets of every round of a session. Erased when dropped.
pub(super) struct Secrets<S: Suite>(Vec<(S::Scalar, S::Scalar)>);

impl<S: Suite> Secrets<S> {
    pub(super) fn draw(rounds: u32, entropy: &mut dyn Entropy) -> Self {
        Self((0..rounds).map(|_| (S::Scalar::random(entropy), S::Scalar::random(entropy))).collect())
    }

    /// By round: the self-mask seed b and the envelope key kappa.
    pub(super) fn each(&self) -> impl Iterator<Item = (S::Scalar, S::Scalar)> + '_ {
        self.0.iter().copied()
    }
}

impl<S: Suite> Drop for Secrets<S> {
    fn drop(&mut self) {
        for (self_mask, envelope) in &mut self.0 {
            self_mask.zeroize();
            envelope.zeroize();
        }
    }
}

/// What a set-up has fixed before anything is dealt.
pub(super) struct SetUp<'a> {
    pub(super) session: &'a SessionId,
    pub(super) own: ClientId,
    pub(super) first_round: RoundId,
    pub(super) threshold: usize,
    pub(super) topology: &'a Topology,
    /// By neighbour, ascending.
    pub(super) pairs: &'a [(ClientId, SecretKey)],
}

/// What this member keeps of its own deal.
pub(super) struct Dealt<S: Suite> {
    pub(super) statement: DealStatement,
    /// By round: the seed of each neighbour's mask, ascending.
    seeds: Vec<Vec<SecretKey>>,
    /// Its own shares, if it is a holder, and their proof.
    own: Option<(Vec<HeldShares<S>>, ShareProof)>,
}

/// What this member holds when every bundle is opened.
pub(super) struct Collected<S: Suite> {
    /// By round.
    pub(super) rounds: Vec<Option<RoundKeys<S>>>,
    /// By dealer.
    pub(super) proofs: Proofs,
}

/// The shares of every holder, and the commitments to them.
struct Holdings<S: Suite> {
    /// By round: of the self-mask seed and of the envelope key, each by holder.
    rounds: Vec<[Vec<Share<S::Scalar>>; 2]>,
    /// By holder, by round, by [`SecretKind`].
    commitments: Vec<Digest>,
}

impl<S: Suite> Holdings<S> {
    /// By round: the two shares of the holder at this place.
    fn of(&self, place: usize) -> impl Iterator<Item = HeldShares<S>> + '_ {
        self.rounds.iter().filter_map(move |[self_mask, envelope]| {
            let (self_mask, envelope) = self_mask.get(place).zip(envelope.get(place))?;
            Some(HeldShares { self_mask: self_mask.value, envelope: envelope.value })
        })
    }
}

impl SetUp<'_> {
    fn round(&self, index: usize) -> RoundId {
        RoundId(self.first_round.0.saturating_add(index as u64))
    }

    /// Deals everything; the caller signs the statement. `None` if the thresholds cannot be dealt for.
    pub(super) fn deal<S: Suite>(&self, secrets: &Secrets<S>, entropy: &mut dyn Entropy) -> Option<(Deal, Dealt<S>)> {
        let holdings = self.holdings(secrets, entropy)?;
        let each = SecretKind::ALL.len() * secrets.0.len();
        let leaves: Vec<Digest> = holdings.commitments.chunks(each).map(holding_leaf::<S>).collect();
        let mut bundles = Vec::with_capacity(leaves.len());
        let tree = MerkleTree::new(S::hash, leaves);
        let mut own = None;
        let mut pairs = self.pairs.iter();
        for ((place, holder), commitments) in
            self.topology.holders(self.own).iter().enumerate().zip(holdings.commitments.chunks(each))
        {
            if *holder == self.own {
                let mut shares = Vec::with_capacity(holdings.rounds.len());
                shares.extend(holdings.of(place));
                own = Some((shares, ShareProof { shares: commitments.to_vec(), path: tree.path(place).collect() }));
                continue;
            }
            let (_, pair) = pairs.find(|(peer, _)| peer == holder)?;
            bundles.push(self.seal(*holder, pair, (&holdings, &tree), place));
        }
        let seeds: Vec<Vec<SecretKey>> = (0..secrets.0.len()).map(|index| self.pair_seeds::<S>(index)).collect();
        let envelopes: Vec<Vec<u8>> = (secrets.each().zip(&seeds).enumerate())
            .map(|(index, ((_, kappa), seeds))| {
                let kappa = SecretKey::new(kappa.to_bytes());
                seal_envelope::<S>(&kappa, (self.session, self.own, self.round(index)), seeds)
            })
            .collect();
        let pairs: Vec<Vec<Digest>> =
            seeds.iter().enumerate().map(|(index, seeds)| self.pair_commitments::<S>(index, seeds)).collect();
        let statement = DealStatement {
            session: *self.session,
            client: self.own,
            root: tree.root(),
            envelopes: envelopes_digest::<S>(&envelopes),
            pairs: rounds_digest::<S>(&pairs.iter().map(|pairs| pairs_digest::<S>(pairs)).collect::<Vec<_>>()),
            signature: Signature::none(),
        };
        let deal = Deal { statement: statement.clone(), bundles, envelopes, pairs };
        Some((deal, Dealt { statement, seeds, own }))
    }

    /// Opens every dealer's bundle and checks it against what the dealer committed to; `deals` are the cohort's, in its order. By round, and
    /// by dealer.
    pub(super) fn collect<S: Suite>(
        &self,
        secrets: &Secrets<S>,
        dealt: Dealt<S>,
        bundles: Vec<SealedShares>,
        deals: &[DealStatement],
    ) -> Result<Collected<S>, Trouble> {
        let rounds = secrets.0.len();
        let dealers = self.topology.dealers(self.own);
        let Dealt { seeds, mut own, .. } = dealt;
        let mut bundles = bundles.into_iter();
        let (mut pairs, mut deals) = (self.pairs.iter(), deals.iter());
        let mut held: Vec<Vec<HeldShares<S>>> = (0..rounds).map(|_| Vec::with_capacity(dealers.len())).collect();
        let mut proofs = Proofs::for_dealers(dealers.len());
        let mut proof = ShareProof { shares: Vec::new(), path: Vec::new() };
        for dealer in dealers {
            if *dealer == self.own {
                let (shares, proof) = own.take().ok_or(RefusalCode::Unexpected)?;
                held.iter_mut().zip(shares).for_each(|(held, share)| held.push(share));
                proofs.push(&proof);
                continue;
            }
            let bundle = bundles.next().filter(|bundle| bundle.from == *dealer && bundle.to == self.own);
            let pair = pairs.find(|(peer, _)| peer == dealer);
            let deal = deals.find(|deal| deal.client == *dealer);
            let ((bundle, deal), (_, pair)) = bundle.zip(deal).zip(pair).ok_or(RefusalCode::Unexpected)?;
            self.open(bundle, pair, &deal.root, &mut held, &mut proof).ok_or(Trouble::Accuse(*dealer))?;
            proofs.push(&proof);
        }
        if bundles.next().is_some() {
            return Err(RefusalCode::Unexpected.into());
        }
        let signs: Vec<Sign> = self.pairs.iter().map(|(peer, _)| Sign::of_pair(self.own, *peer)).collect();
        let keyed = secrets.each().zip(seeds).zip(held).map(|(((self_mask, _), seeds), held)| {
            let pairs = signs.iter().copied().zip(seeds).collect();
            let seeds = MaskSeeds { self_seed: SecretKey::new(self_mask.to_bytes()), pairs };
            Some(RoundKeys { seeds, held: Held(held) })
        });
        Ok(Collected { rounds: keyed.collect(), proofs })
    }

    /// Shares of every round's secrets for all holders.
    fn holdings<S: Suite>(&self, secrets: &Secrets<S>, entropy: &mut dyn Entropy) -> Option<Holdings<S>> {
        let holders = self.topology.holders(self.own);
        let mut deal = |secret| share(secret, self.threshold, holders.len(), entropy).ok();
        let rounds = secrets.each().map(|(self_mask, envelope)| Some([deal(self_mask)?, deal(envelope)?]));
        let mut holdings = Holdings { rounds: rounds.collect::<Option<Vec<_>>>()?, commitments: Vec::new() };
        let mut commitments = Vec::with_capacity(holders.len() * SecretKind::ALL.len() * holdings.rounds.len());
        for (place, holder) in holders.iter().enumerate() {
            for (index, shares) in holdings.of(place).enumerate() {
                commitments.extend(self.commitments(self.own, *holder, index, &shares));
            }
        }
        holdings.commitments = commitments;
        Some(holdings)
    }

    fn commitments<S: Suite>(
        &self,
        dealer: ClientId,
        holder: ClientId,
        index: usize,
        shares: &HeldShares<S>,
    ) -> [Digest; 2] {
        SecretKind::ALL.map(|kind| {
            let share = match kind {
                SecretKind::SelfMask => &shares.self_mask,
                SecretKind::Envelope => &shares.envelope,
            };
            let id = SecretId { session: self.session, dealer, round: self.round(index), kind };
            id.share_commitment::<S>(holder, share)
        })
    }

    /// One bundle: the shares of all rounds, self mask before envelope, and then the siblings in the tree.
    fn seal<S: Suite>(
        &self,
        to: ClientId,
        pair: &SecretKey,
        (holdings, tree): (&Holdings<S>, &MerkleTree),
        place: usize,
    ) -> SealedShares {
        // Allocated once at its full size, so that filling it leaves no copy.
        let fields = SecretKind::ALL.len() * holdings.rounds.len() + tree.height();
        let mut text = Vec::with_capacity(FIELD_BYTES * fields + S::TAG_BYTES);
        for shares in holdings.of(place) {
            text.extend_from_slice(&shares.self_mask.to_bytes());
            text.extend_from_slice(&shares.envelope.to_bytes());
        }
        tree.path(place).for_each(|sibling| text.extend_from_slice(sibling.as_bytes()));
        let key = bundle_key::<S>(pair, self.own, to);
        S::seal(&key, &bundle_label(self.session, self.own, to), &mut text);
        SealedShares { from: self.own, to, sealed: text }
    }

    /// Opens a bundle: each round's shares are put to the others that are held of it, and where they all stand in the tree into `proof`.
    /// `None` if it is not what its dealer committed to.
    fn open<S: Suite>(
        &self,
        bundle: SealedShares,
        pair: &SecretKey,
        root: &Digest,
        held: &mut [Vec<HeldShares<S>>],
        proof: &mut ShareProof,
    ) -> Option<()> {
        let SealedShares { from: dealer, sealed: mut text, .. } = bundle;
        let key = bundle_key::<S>(pair, dealer, self.own);
        S::open(&key, &bundle_label(self.session, dealer, self.own), &mut text).ok()?;
        let parsed = self.parse(dealer, &text, held, proof);
        erase(&mut text);
        parsed?;
        let holders = self.topology.holders(dealer);
        let rank = holders.binary_search(&self.own).ok()?;
        let place = (rank as u64, holders.len() as u64);
        let found = root_of_path(S::hash, place, &holding_leaf::<S>(&proof.shares), &proof.path)?;
        (found == *root).then_some(())
    }

    /// A bundle's shares and path.
    fn parse<S: Suite>(
        &self,
        dealer: ClientId,
        text: &[u8],
        held: &mut [Vec<HeldShares<S>>],
        proof: &mut ShareProof,
    ) -> Option<()> {
        let (fields, rest) = text.as_chunks::<FIELD_BYTES>();
        let (pairs, path) = fields.split_at_checked(SecretKind::ALL.len() * held.len())?;
        proof.shares.clear();
        for ((index, held), [self_mask, envelope]) in held.iter_mut().enumerate().zip(pairs.as_chunks().0) {
            let self_mask = S::Scalar::from_bytes(*self_mask)?;
            let shares = HeldShares { self_mask, envelope: S::Scalar::from_bytes(*envelope)? };
            proof.shares.extend(self.commitments(dealer, self.own, index, &shares));
            held.push(shares);
        }
        proof.path.clear();
        proof.path.extend(path.iter().map(|sibling| Digest(*sibling)));
        rest.is_empty().then_some(())
    }

    /// The seeds of all neighbours' masks in one round, ascending by neighbour.
    fn pair_seeds<S: Suite>(&self, index: usize) -> Vec<SecretKey> {
        self.pairs.iter().map(|(_, pair)| pair_seed::<S>(pair, self.session, self.round(index))).collect()
    }

    fn pair_commitments<S: Suite>(&self, index: usize, seeds: &[SecretKey]) -> Vec<Digest> {
        let round = self.round(index);
        let commit = |(peer, seed)| pair_commitment::<S>(self.session, (self.own, peer), round, seed);
        self.pairs.iter().map(|(peer, _)| *peer).zip(seeds).map(commit).collect()
    }
}

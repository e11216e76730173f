//! Dealing: shares of this member's secrets for every holder, and the shares that it holds of others (SA-1, B4b).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use zeroize::Zeroize;

use super::keying::Trouble;
use super::session::{Held, HeldShares, RoundKeys};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{Deal, DealStatement, RefusalCode, SealedShares, ShareProof, envelopes_digest, rounds_digest};
use crate::round::agreement::bundle_label;
use crate::round::topology::Topology;
use crate::secagg::commitments::{SecretId, SecretKind, holding_digest, pair_commitment, pairs_digest};
use crate::secagg::envelope::seal_envelope;
use crate::secagg::labels::{bundle_key, pair_seed};
use crate::secagg::mask::Sign;
use crate::secagg::masked_sum::MaskSeeds;
use crate::secagg::merkle::{MerkleTree, root_of_path};
use crate::secagg::shares::share;
use crate::secagg::suite::{FieldElement, SecretKey, Signature, Suite, erase};

const SHARE_BYTES: usize = 32;

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
    pub(super) pairs: &'a BTreeMap<ClientId, SecretKey>,
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
    pub(super) proofs: Vec<ShareProof>,
}

/// One holder's shares of all rounds, and the commitments to them.
struct Holding<S: Suite> {
    shares: Vec<HeldShares<S>>,
    commitments: Vec<Digest>,
}

impl SetUp<'_> {
    fn round(&self, index: usize) -> RoundId {
        RoundId(self.first_round.0.saturating_add(index as u64))
    }

    /// Deals everything; the caller signs the statement. `None` if the thresholds cannot be dealt for.
    pub(super) fn deal<S: Suite>(&self, secrets: &Secrets<S>, entropy: &mut dyn Entropy) -> Option<(Deal, Dealt<S>)> {
        let holdings = self.holdings(secrets, entropy)?;
        let leaves: Vec<Digest> = holdings.iter().map(|holding| holding_digest::<S>(&holding.commitments)).collect();
        let tree = MerkleTree::new::<S>(&leaves);
        let mut bundles = Vec::with_capacity(holdings.len());
        let mut own = None;
        for (index, (holder, holding)) in self.topology.holders(self.own).iter().zip(holdings).enumerate() {
            let path = tree.path(index);
            let Some(pair) = self.pairs.get(holder) else {
                own = Some((holding.shares, ShareProof { shares: holding.commitments, path }));
                continue;
            };
            bundles.push(self.seal::<S>(*holder, pair, &holding.shares, &path));
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
            signature: Signature(Vec::new()),
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
        bundles: &[SealedShares],
        deals: &[DealStatement],
    ) -> Result<Collected<S>, Trouble> {
        let rounds = secrets.0.len();
        let dealers = self.topology.dealers(self.own);
        let Dealt { seeds, mut own, .. } = dealt;
        let mut bundles = bundles.iter();
        let mut held: Vec<Vec<HeldShares<S>>> = (0..rounds).map(|_| Vec::with_capacity(dealers.len())).collect();
        let mut proofs = Vec::with_capacity(dealers.len());
        for dealer in dealers {
            let (shares, proof) = if *dealer == self.own {
                own.take().ok_or(RefusalCode::Unexpected)?
            } else {
                let bundle = bundles.next().filter(|bundle| bundle.from == *dealer && bundle.to == self.own);
                let deal =
                    deals.binary_search_by_key(dealer, |deal| deal.client).ok().and_then(|index| deals.get(index));
                let (bundle, deal) = bundle.zip(deal).ok_or(RefusalCode::Unexpected)?;
                self.open(bundle, rounds, &deal.root).ok_or(Trouble::Accuse(*dealer))?
            };
            held.iter_mut().zip(shares).for_each(|(held, share)| held.push(share));
            proofs.push(proof);
        }
        if bundles.next().is_some() {
            return Err(RefusalCode::Unexpected.into());
        }
        let signs: Vec<Sign> = self.pairs.keys().map(|peer| Sign::of_pair(self.own, *peer)).collect();
        let keyed = secrets.each().zip(seeds).zip(held).map(|(((self_mask, _), seeds), held)| {
            let pairs = signs.iter().copied().zip(seeds).collect();
            let seeds = MaskSeeds { self_seed: SecretKey::new(self_mask.to_bytes()), pairs };
            Some(RoundKeys { seeds, held: Held(held) })
        });
        Ok(Collected { rounds: keyed.collect(), proofs })
    }

    /// By holder: shares of all rounds.
    fn holdings<S: Suite>(&self, secrets: &Secrets<S>, entropy: &mut dyn Entropy) -> Option<Vec<Holding<S>>> {
        let holders = self.topology.holders(self.own);
        let rounds = secrets.0.len();
        let mut holdings: Vec<Holding<S>> = (holders.iter())
            .map(|_| Holding { shares: Vec::with_capacity(rounds), commitments: Vec::with_capacity(2 * rounds) })
            .collect();
        for (index, (self_mask, envelope)) in secrets.each().enumerate() {
            let self_mask = share(self_mask, self.threshold, holders.len(), entropy).ok()?;
            let envelope = share(envelope, self.threshold, holders.len(), entropy).ok()?;
            for ((holding, holder), (self_mask, envelope)) in
                holdings.iter_mut().zip(holders).zip(self_mask.iter().zip(&envelope))
            {
                let shares = HeldShares { self_mask: self_mask.value, envelope: envelope.value };
                holding.commitments.extend(self.commitments(self.own, *holder, index, &shares));
                holding.shares.push(shares);
            }
        }
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
        shares: &[HeldShares<S>],
        path: &[Digest],
    ) -> SealedShares {
        let mut plain = Vec::with_capacity(SHARE_BYTES * (2 * shares.len() + path.len()));
        for share in shares {
            plain.extend_from_slice(&share.self_mask.to_bytes());
            plain.extend_from_slice(&share.envelope.to_bytes());
        }
        path.iter().for_each(|sibling| plain.extend_from_slice(sibling.as_bytes()));
        let key = bundle_key::<S>(pair, self.own, to);
        let sealed = S::seal(&key, &bundle_label(self.session, self.own, to), &plain);
        erase(&mut plain);
        SealedShares { from: self.own, to, sealed }
    }

    /// Opens a bundle; `None` if it is not what its dealer committed to.
    fn open<S: Suite>(
        &self,
        bundle: &SealedShares,
        rounds: usize,
        root: &Digest,
    ) -> Option<(Vec<HeldShares<S>>, ShareProof)> {
        let dealer = bundle.from;
        let pair = self.pairs.get(&dealer)?;
        let label = bundle_label(self.session, dealer, self.own);
        let mut plain = S::open(&bundle_key::<S>(pair, dealer, self.own), &label, &bundle.sealed).ok()?;
        let parsed = parse::<S>(&plain, rounds);
        erase(&mut plain);
        let (shares, path) = parsed?;
        let mut commitments = Vec::with_capacity(SecretKind::ALL.len() * shares.len());
        for (index, shares) in shares.iter().enumerate() {
            commitments.extend(self.commitments(dealer, self.own, index, shares));
        }
        let holders = self.topology.holders(dealer);
        let rank = holders.binary_search(&self.own).ok()?;
        let found = root_of_path::<S>(rank, holders.len(), &holding_digest::<S>(&commitments), &path)?;
        (found == *root).then_some((shares, ShareProof { shares: commitments, path }))
    }

    /// The seeds of all neighbours' masks in one round, ascending by neighbour.
    fn pair_seeds<S: Suite>(&self, index: usize) -> Vec<SecretKey> {
        self.pairs.values().map(|pair| pair_seed::<S>(pair, self.session, self.round(index))).collect()
    }

    fn pair_commitments<S: Suite>(&self, index: usize, seeds: &[SecretKey]) -> Vec<Digest> {
        let round = self.round(index);
        let commit = |(peer, seed)| pair_commitment::<S>(self.session, (self.own, peer), round, seed);
        self.pairs.keys().copied().zip(seeds).map(commit).collect()
    }
}

/// A bundle's shares and path.
fn parse<S: Suite>(plain: &[u8], rounds: usize) -> Option<(Vec<HeldShares<S>>, Vec<Digest>)> {
    let (fields, rest) = plain.as_chunks::<SHARE_BYTES>();
    let (shares, path) = fields.split_at_checked(2 * rounds)?;
    let shares: Option<Vec<HeldShares<S>>> = shares
        .chunks(2)
        .map(|pair| match pair {
            [self_mask, envelope] => Some(HeldShares {
                self_mask: S::Scalar::from_bytes(*self_mask)?,
                envelope: S::Scalar::from_bytes(*envelope)?,
            }),
            _ => None,
        })
        .collect();
    let path = path.iter().map(|sibling| Digest(*sibling)).collect();
    rest.is_empty().then_some(())?;
    Some((shares?, path))
}

//! Unmasking: shares arrive; with the threshold's last one for every member the sum may be opened.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::material::Session;
use super::proving::Proving;
use super::updating::Updating;
use super::{Coordinator, Phase, Wait};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::ClosedReason;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::EvictionReason;
use crate::secagg::commitments::{SecretId, SecretKind, pair_commitment, pairs_digest};
use crate::secagg::envelope::open_envelope;
use crate::secagg::mask::Sign;
use crate::secagg::permit::{Opened, UnmaskPermit};
use crate::secagg::shares::LagrangeAtZero;
use crate::secagg::suite::{FieldElement, SecretKey, Suite};
use crate::time::Millis;

pub(super) struct Unmasking<S: Suite> {
    pub(super) round: RoundId,
    descriptor: Digest,
    /// Ascending.
    pub(super) survivors: Vec<ClientId>,
    pub(super) deadline: Millis,
    /// By holder: one value for each of its dealers, in their order.
    pub(super) shares: BTreeMap<ClientId, Vec<S::Scalar>>,
    /// Shares still needed, by dealer; nobody in it has enough.
    needed: BTreeMap<ClientId, usize>,
    /// Shares that their dealers did not deal: holder and dealer.
    pub(super) rejected: BTreeSet<(ClientId, ClientId)>,
    /// Proofs that were asked for.
    pub(super) proving: Option<Proving>,
}

/// What the shares give.
enum Opening {
    /// Every secret that is needed.
    Whole(Opened),
    /// Secrets of these dealers that are not the committed ones, from shares of these holders.
    Doubtful(Vec<(ClientId, Vec<ClientId>)>),
    /// Proof that a dealer cheated.
    Guilty(ClientId),
}

impl<S: Suite> Unmasking<S> {
    pub(super) fn new(
        session: &Session,
        round: RoundId,
        descriptor: Digest,
        survivors: Vec<ClientId>,
        deadline: Millis,
    ) -> Self {
        let threshold = usize::from(session.view.thresholds.threshold);
        let needed = session.cohort().iter().map(|dealer| (*dealer, threshold)).collect();
        let (shares, rejected) = (BTreeMap::new(), BTreeSet::new());
        Self { round, descriptor, survivors, deadline, shares, needed, rejected, proving: None }
    }

    /// Which of a member's secrets is opened.
    pub(super) fn kind(&self, member: ClientId) -> SecretKind {
        SecretKind::to_open(self.survivors.binary_search(&member).is_ok())
    }

    pub(super) fn missing(&self) -> Vec<ClientId> {
        self.survivors.iter().copied().filter(|client| !self.shares.contains_key(client)).collect()
    }

    pub(super) fn wait(&self) -> Wait {
        let what = if self.proving.is_some() { "proofs of shares that do not fit together" } else { "shares" };
        Wait {
            reason: alloc::format!(
                "round {}: {what} to unmask the sum, {} of {} survivors so far",
                self.round,
                self.shares.len(),
                self.survivors.len()
            ),
            deadline: Some(self.deadline),
            next: "abort the round, and begin the next one without those that did not answer",
        }
    }

    /// Counts the shares again: how many each dealer's secret still needs.
    pub(super) fn recount(&mut self, session: &Session) {
        let threshold = usize::from(session.view.thresholds.threshold);
        self.needed = BTreeMap::new();
        for dealer in session.cohort() {
            let valid = self.valid_holders(session, *dealer).count();
            if valid < threshold {
                self.needed.insert(*dealer, threshold - valid);
            }
        }
    }

    /// Holders whose share of a dealer's secret is here and not rejected, ascending.
    fn valid_holders<'a>(&'a self, session: &'a Session, dealer: ClientId) -> impl Iterator<Item = ClientId> + 'a {
        let holders = session.topology.holders(dealer).iter().copied();
        holders.filter(move |holder| self.shares.contains_key(holder) && !self.rejected.contains(&(*holder, dealer)))
    }

    /// The share of a dealer's secret that a holder sent.
    pub(super) fn share(&self, session: &Session, holder: ClientId, dealer: ClientId) -> Option<S::Scalar> {
        let rank = session.topology.dealers(holder).binary_search(&dealer).ok()?;
        self.shares.get(&holder)?.get(rank).copied()
    }

    /// Puts every secret together and compares it with its commitment, then opens the envelopes of those who are lost.
    fn open(&self, session: &Session) -> Option<Opening> {
        let threshold = usize::from(session.view.thresholds.threshold);
        let mut last: Option<(Vec<u16>, LagrangeAtZero<S::Scalar>)> = None;
        let (mut survivors, mut lost, mut doubtful) = (Vec::new(), Vec::new(), Vec::new());
        for dealer in session.cohort() {
            let holders: Vec<ClientId> = self.valid_holders(session, *dealer).take(threshold).collect();
            let points: Vec<u16> =
                holders.iter().map(|holder| session.topology.point(*dealer, *holder)).collect::<Option<_>>()?;
            let lagrange = match last.take() {
                Some((same, lagrange)) if same == points => lagrange,
                _ => LagrangeAtZero::new(&points).ok()?,
            };
            let values: Vec<S::Scalar> =
                holders.iter().map(|holder| self.share(session, *holder, *dealer)).collect::<Option<_>>()?;
            let secret = SecretKey::new(lagrange.reconstruct(&values).ok()?.to_bytes());
            last = Some((points, lagrange));
            let kind = self.kind(*dealer);
            let id = SecretId { session: &session.view.session, dealer: *dealer, round: self.round, kind };
            let committed = session.commitment(*dealer, self.round, kind)?;
            if stands(Defence::SeedCommitment) && id.commitment::<S>(&secret) != *committed {
                doubtful.push((*dealer, holders));
                continue;
            }
            match kind {
                SecretKind::SelfMask => survivors.push((*dealer, secret)),
                SecretKind::Envelope => lost.push((*dealer, secret)),
            }
        }
        if !doubtful.is_empty() {
            return Some(Opening::Doubtful(doubtful));
        }
        let mut lost_pairs = Vec::new();
        for (dealer, kappa) in lost {
            let Some(seeds) = self.open_envelope(session, dealer, &kappa) else { return Some(Opening::Guilty(dealer)) };
            let pairs = session.topology.neighbours(dealer).zip(seeds);
            let masked = pairs.filter(|(peer, _)| self.survivors.binary_search(peer).is_ok());
            lost_pairs.extend(masked.map(|(survivor, seed)| (Sign::of_pair(survivor, dealer), seed)));
        }
        let (round, descriptor) = (self.round, self.descriptor);
        Some(Opening::Whole(Opened { round, descriptor, survivors, lost_pairs }))
    }

    /// The pairwise seeds of a lost member, if its envelope holds what both ends of every pair committed to.
    fn open_envelope(&self, session: &Session, dealer: ClientId, kappa: &SecretKey) -> Option<Vec<SecretKey>> {
        let (member, index) = (session.member(dealer)?, session.index(self.round)?);
        let neighbours: Vec<ClientId> = session.topology.neighbours(dealer).collect();
        let id = session.view.session;
        let sealed = member.envelopes.get(index)?;
        let seeds = open_envelope::<S>(kappa, (&id, dealer, self.round), sealed, neighbours.len()).ok()?;
        let commit = |(peer, seed)| pair_commitment::<S>(&id, (dealer, peer), self.round, seed);
        let commitments: Vec<Digest> = neighbours.iter().copied().zip(&seeds).map(commit).collect();
        let committed = pairs_digest::<S>(&commitments) == *member.pairs.get(index)?;
        (committed || !stands(Defence::EnvelopeCommitment)).then_some(seeds)
    }
}

impl<S: Suite> Coordinator<S> {
    /// R6.
    pub(super) fn on_unmask(
        &mut self,
        now: Millis,
        from: ClientId,
        round: RoundId,
        shares: &[[u8; 32]],
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let (Phase::Unmasking(unmasking), Some(session)) = (&mut self.phase, self.sessions.front()) else { return };
        if round != unmasking.round {
            return;
        }
        let values: Option<Vec<S::Scalar>> = shares.iter().map(|share| S::Scalar::from_bytes(*share)).collect();
        let dealers = session.topology.dealers(from);
        let fits = unmasking.survivors.binary_search(&from).is_ok()
            && shares.len() == dealers.len()
            && !unmasking.shares.contains_key(&from);
        let (true, Some(values)) = (fits, values) else { return self.misbehaved(now, from, outbox) };
        unmasking.shares.insert(from, values);
        for dealer in dealers {
            if let Some(left) = unmasking.needed.get_mut(dealer) {
                *left -= 1;
                if *left == 0 {
                    unmasking.needed.remove(dealer);
                }
            }
        }
        // A share that arrives is one less needed and one less to come: it cannot be what makes a secret impossible to open.
        self.open_if_due(now, outbox);
    }

    /// Opens the sum when every secret has its shares and no proof is awaited.
    pub(super) fn open_if_due(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let (Phase::Unmasking(unmasking), Some(session)) = (&self.phase, self.sessions.front()) else { return };
        if unmasking.proving.is_some() || !unmasking.needed.is_empty() {
            return;
        }
        match unmasking.open(session) {
            Some(Opening::Whole(opened)) => {
                let round = opened.round;
                outbox.push(CoordinatorEffect::Unmask(UnmaskPermit::new(opened)));
                self.phase = Phase::Updating(Updating { round });
            }
            Some(Opening::Doubtful(doubtful)) => self.demand_proofs(now, doubtful, outbox),
            Some(Opening::Guilty(dealer)) => self.convict(now, dealer, outbox),
            None => self.abort(ClosedReason::TooFew, outbox),
        }
    }

    /// A dealer cheated, and its own signatures prove it: the round ends, the session with it, and the dealer is out of the plan.
    pub(super) fn convict(&mut self, now: Millis, dealer: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        self.abort(ClosedReason::DealerGuilty(dealer), outbox);
        self.evict(now, dealer, EvictionReason::DealtFalsely, outbox);
    }

    pub(super) fn unmasking_lost(&mut self, now: Millis, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        if let Phase::Unmasking(unmasking) = &mut self.phase
            && let Some(proving) = &mut unmasking.proving
        {
            proving.lost(client);
            return self.conclude_proofs(now, outbox);
        }
        self.unmasking_checked(outbox);
    }

    /// Aborts when some secret cannot get its shares any more.
    pub(super) fn unmasking_checked(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let (Phase::Unmasking(unmasking), Some(session)) = (&self.phase, self.sessions.front()) else { return };
        let may_come = |client: &ClientId| {
            unmasking.survivors.binary_search(client).is_ok()
                && !unmasking.shares.contains_key(client)
                && self.links.contains_key(client)
        };
        let short = match session.topology.common_holders() {
            Some(holders) => {
                let coming = holders.iter().filter(|holder| may_come(holder)).count();
                unmasking.needed.values().any(|left| coming < *left)
            }
            None => unmasking.needed.iter().any(|(dealer, left)| {
                session.topology.holders(*dealer).iter().filter(|holder| may_come(holder)).count() < *left
            }),
        };
        if short {
            self.abort(ClosedReason::TooFew, outbox);
        }
    }
}

//! Proving: shares do not give what their dealer committed to; each sender shows where its share stands in the dealer's tree, and whoever
//! cannot is to blame. If all can, the dealer is.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::material::Session;
use super::unmasking::Unmasking;
use super::{Coordinator, Phase};
use crate::defence::{Defence, stands};
use crate::ids::{ClientId, RoundId};
use crate::merkle::root_of_path;
use crate::message::{Downstream, ShareProof};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::secagg::commitments::{SecretId, SecretKind, holding_leaf};
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// Proofs that were asked for.
pub(super) struct Proving {
    /// By holder: the dealers whose shares it is to prove, ascending.
    asked: BTreeMap<ClientId, Vec<ClientId>>,
    /// Dealers in question, with the holders of the shares that were used.
    doubtful: Vec<(ClientId, Vec<ClientId>)>,
    /// Holders that did not prove a share: what they sent does not count.
    failed: BTreeSet<(ClientId, ClientId)>,
}

impl Proving {
    /// A holder that is gone proves nothing; what it sent does not count.
    pub(super) fn lost(&mut self, client: ClientId) {
        if let Some(dealers) = self.asked.remove(&client) {
            self.failed.extend(dealers.into_iter().map(|dealer| (client, dealer)));
        }
    }
}

impl<S: Suite> Coordinator<S> {
    pub(super) fn demand_proofs(
        &mut self,
        now: Millis,
        doubtful: Vec<(ClientId, Vec<ClientId>)>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Phase::Unmasking(unmasking) = &mut self.phase else { return };
        let mut asked: BTreeMap<ClientId, Vec<ClientId>> = BTreeMap::new();
        for (dealer, holders) in &doubtful {
            for holder in holders {
                asked.entry(*holder).or_default().push(*dealer);
            }
        }
        let round = unmasking.round;
        let mut proving = Proving { asked, doubtful, failed: BTreeSet::new() };
        let gone: Vec<ClientId> =
            proving.asked.keys().copied().filter(|holder| !self.links.contains_key(holder)).collect();
        gone.into_iter().for_each(|holder| proving.lost(holder));
        for (holder, dealers) in &proving.asked {
            outbox.push(CoordinatorEffect::Send(*holder, Downstream::Prove { round, dealers: dealers.clone() }));
        }
        unmasking.proving = Some(proving);
        self.conclude_proofs(now, outbox);
    }

    pub(super) fn on_proofs(
        &mut self,
        now: Millis,
        from: ClientId,
        round: RoundId,
        proofs: &[ShareProof],
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let (Phase::Unmasking(unmasking), Some(session)) = (&mut self.phase, self.sessions.front()) else { return };
        if round != unmasking.round {
            return;
        }
        let Some(mut proving) = unmasking.proving.take() else { return };
        let Some(dealers) = proving.asked.remove(&from) else {
            unmasking.proving = Some(proving);
            return self.misbehaved(now, from, outbox);
        };
        let mut honest = proofs.len() == dealers.len();
        for (index, dealer) in dealers.iter().enumerate() {
            let proven = proofs.get(index).is_some_and(|proof| unmasking.proves(session, from, *dealer, proof));
            if stands(Defence::ShareCommitment) && !proven {
                honest = false;
                proving.failed.insert((from, *dealer));
            }
        }
        unmasking.proving = Some(proving);
        if !honest {
            self.misbehaved(now, from, outbox);
        }
        self.conclude_proofs(now, outbox);
    }

    /// When all have answered: dealers with proven shares that still do not fit are guilty; otherwise other shares take the place of the bad
    /// ones.
    pub(super) fn conclude_proofs(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let (Phase::Unmasking(unmasking), Some(session)) = (&mut self.phase, self.sessions.front()) else { return };
        let Some(proving) = unmasking.proving.take_if(|proving| proving.asked.is_empty()) else { return };
        let guilty = proving
            .doubtful
            .iter()
            .find(|(dealer, holders)| holders.iter().all(|holder| !proving.failed.contains(&(*holder, *dealer))));
        if let Some((dealer, _)) = guilty {
            let dealer = *dealer;
            return self.convict(now, dealer, outbox);
        }
        unmasking.rejected.extend(proving.failed);
        unmasking.recount(session);
        self.unmasking_checked(outbox);
        self.open_if_due(now, outbox);
    }
}

impl<S: Suite> Unmasking<S> {
    /// Whether the share that a holder sent is the one that its dealer committed to.
    fn proves(&self, session: &Session, holder: ClientId, dealer: ClientId, proof: &ShareProof) -> bool {
        let proven = || {
            let index = session.index(self.round)?;
            let kind = self.kind(dealer);
            let id = SecretId { session: &session.view.session, dealer, round: self.round, kind };
            let position = SecretKind::ALL.len() * index + usize::from(kind == SecretKind::Envelope);
            let sent = id.share_commitment::<S>(holder, &self.share(session, holder, dealer)?);
            let holders = session.topology.holders(dealer);
            let rank = holders.binary_search(&holder).ok()?;
            let leaf = holding_leaf::<S>(&proof.shares);
            let root = root_of_path(S::hash, (rank as u64, holders.len() as u64), &leaf, &proof.path)?;
            let rounds = session.member(dealer)?.commitments.len();
            let fits = proof.shares.len() == SecretKind::ALL.len() * rounds;
            Some(fits && proof.shares.get(position) == Some(&sent) && root == session.member(dealer)?.deal.root)
        };
        proven().unwrap_or(false)
    }
}

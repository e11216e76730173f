//! Unmasking: shares of the survivors' self-mask seeds arrive; with the threshold's last one the sum may be opened.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::keying::{Session, commitment_of};
use super::updating::Updating;
use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::ClosedReason;
use crate::round::agreement::{holder_point, seed_commitment};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::secagg::permit::{Opened, UnmaskPermit};
use crate::secagg::shares::LagrangeAtZero;
use crate::secagg::suite::{FieldElement, SecretKey, Suite};
use crate::time::Millis;

pub(super) struct Unmasking<S: Suite> {
    round: RoundId,
    descriptor: Digest,
    survivors: Vec<ClientId>,
    deadline: Millis,
    /// By holder: one value for each survivor, in the survivors' order.
    shares: BTreeMap<ClientId, Vec<S::Scalar>>,
}

impl<S: Suite> Unmasking<S> {
    pub(super) fn new(round: RoundId, descriptor: Digest, survivors: Vec<ClientId>, deadline: Millis) -> Self {
        Self { round, descriptor, survivors, deadline, shares: BTreeMap::new() }
    }

    pub(super) fn missing(&self) -> Vec<ClientId> {
        self.survivors.iter().copied().filter(|client| !self.shares.contains_key(client)).collect()
    }

    pub(super) fn wait(&self) -> Wait {
        Wait {
            reason: alloc::format!(
                "round {}: shares to unmask the sum, {} of {} so far",
                self.round,
                self.shares.len(),
                self.survivors.len()
            ),
            deadline: Some(self.deadline),
            next: "abort the round and key a session without those that did not answer",
        }
    }

    /// The self-mask seed of every survivor, or nothing if a reconstructed seed is not the one that was committed.
    fn open(&self, session: &Session<S>) -> Option<Vec<(ClientId, SecretKey)>> {
        let cohort = session.cohort();
        let holders: Vec<_> = self.shares.keys().map(|holder| holder_point(&cohort, *holder)).collect::<Option<_>>()?;
        let lagrange = LagrangeAtZero::<S::Scalar>::new(&holders).ok()?;
        let mut seeds = Vec::with_capacity(self.survivors.len());
        for (index, survivor) in self.survivors.iter().enumerate() {
            let values: Vec<S::Scalar> =
                self.shares.values().map(|values| values.get(index).copied()).collect::<Option<_>>()?;
            let seed = SecretKey::new(lagrange.reconstruct(&values).ok()?.to_bytes());
            let committed = commitment_of(session, *survivor, self.round)?;
            if seed_commitment(session.view.session, *survivor, self.round, &seed) != *committed {
                return None;
            }
            seeds.push((*survivor, seed));
        }
        Some(seeds)
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
        let Phase::Unmasking(session, unmasking) = &mut self.phase else { return };
        if round != unmasking.round {
            return;
        }
        let values: Option<Vec<S::Scalar>> = shares.iter().map(|share| S::Scalar::from_bytes(*share)).collect();
        let fits = unmasking.survivors.contains(&from) && shares.len() == unmasking.survivors.len();
        let (true, Some(values)) = (fits, values) else { return self.misbehaved(now, from, outbox) };
        if unmasking.shares.insert(from, values).is_some() {
            return self.misbehaved(now, from, outbox);
        }
        if unmasking.shares.len() < session.view.thresholds.threshold as usize {
            return;
        }
        let Some(survivors) = unmasking.open(session) else {
            return self.abort(now, ClosedReason::SharesInvalid, outbox);
        };
        let opened = Opened { round, descriptor: unmasking.descriptor, survivors, lost_pairs: Vec::new() };
        let Phase::Unmasking(session, _) = core::mem::replace(&mut self.phase, Phase::Finished) else { return };
        outbox.push(CoordinatorEffect::Unmask(UnmaskPermit::new(opened)));
        self.phase = Phase::Updating(session, Updating { round });
    }
}

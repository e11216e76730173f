//! Collecting: a round is open, uploads are admitted, verified, and folded as they arrive.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::certifying::Certifying;
use super::{Coordinator, Phase, Wait};
use crate::budget::BudgetHead;
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::list::List;
use crate::message::{ClosedReason, Downstream, MaskedHeader, SignedBody, Survivors};
use crate::round::descriptor::RoundDescriptor;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::modular::Ring;
use crate::secagg::permit::Ticket;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// Parts of a round's deadline by which its phases must have ended, in tenths. One deadline in the plan gives all of them.
pub(super) const COLLECTED_BY: u64 = 6;
pub(super) const CERTIFIED_BY: u64 = 8;

pub(super) struct Collecting {
    pub(super) round: RoundId,
    pub(super) descriptor: Digest,
    shape: (Ring, usize),
    started: Millis,
    deadline_ms: u64,
    /// Whose uploads the round still waits for: everybody who got its start, was in time before and is here.
    awaited: BTreeSet<ClientId>,
    /// Announced and admitted, arrived or not.
    ticketed: BTreeMap<ClientId, MaskedHeader>,
}

impl Collecting {
    pub(super) fn new(now: Millis, descriptor: &RoundDescriptor, awaited: BTreeSet<ClientId>) -> Self {
        Self {
            round: descriptor.round,
            descriptor: descriptor.digest(),
            shape: (descriptor.ring, descriptor.dimension as usize),
            started: now,
            deadline_ms: descriptor.deadline_ms,
            awaited,
            ticketed: BTreeMap::new(),
        }
    }

    pub(super) fn deadline(&self) -> Millis {
        self.by(COLLECTED_BY)
    }

    fn by(&self, tenths: u64) -> Millis {
        self.started.plus(self.deadline_ms.saturating_mul(tenths) / 10)
    }

    pub(super) fn wait(&self, arrived: &BTreeMap<ClientId, Digest>) -> Wait {
        Wait {
            reason: alloc::format!(
                "round {}: masked updates; {} here, {} awaited, first {}",
                self.round,
                arrived.len(),
                self.awaited.len(),
                self.awaited.first().map_or(0, |client| client.0)
            ),
            deadline: Some(self.deadline()),
            next: "go on with those that are here if they are enough, or abort the round",
        }
    }
}

impl<S: Suite> Coordinator<S> {
    /// R2, announced: the vector may be read if its sender may still contribute to this round.
    pub(super) fn on_masked(
        &mut self,
        now: Millis,
        from: ClientId,
        header: &MaskedHeader,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let member = self.current().is_some_and(|session| session.has(from));
        // What was spent counts, however late the vector is.
        let spent = self.is_next_head(from, &header.head);
        if spent {
            self.keep_head(&header.head, outbox);
        }
        let paid = self.pays_open_round(&header.head) || !stands(Defence::RecordRollback);
        let entry = self.settings.roster.roster.entry(from);
        let open = match &mut self.phase {
            Phase::Collecting(collecting) if header.round == collecting.round && member => collecting,
            // Too late, or not asked: whoever is late has no part in this round, and its vector stays masked.
            _ => return outbox.push(CoordinatorEffect::Discard(from)),
        };
        let valid = spent
            && paid
            && header.descriptor == open.descriptor
            && entry.is_some_and(|entry| S::verify(&entry.signing_key, &header.to_sign::<S>(), &header.signature))
            && (open.ticketed.insert(from, header.clone()).is_none() || !stands(Defence::OneUpload));
        if valid {
            outbox.push(CoordinatorEffect::Admit(Ticket::new(open.round, from, open.shape, header.vector)));
        } else {
            outbox.push(CoordinatorEffect::Discard(from));
            self.misbehaved(now, from, outbox);
        }
    }

    /// Whether a head says that its client was charged for the open round, beside everything that arrived of it before.
    fn pays_open_round(&self, head: &BudgetHead) -> bool {
        let run = &self.settings.run;
        let terms = self.record.round.as_ref().and_then(|open| Some((open.round, run.stage(open.stage)?)));
        let charged = |round: RoundId| head.run == run.reference() && head.charged.last_round == round.0;
        terms.is_some_and(|(round, terms)| charged(round) && !self.record.lacks(head, &terms.charge))
    }

    /// R2, arrived: it is folded, and when the last one that is waited for is here, the survivor set is fixed.
    pub(super) fn on_arrived(&mut self, round: RoundId, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Collecting(collecting) = &mut self.phase else { return };
        let Some(MaskedHeader { vector, head, signature, .. }) = collecting.ticketed.get(&client).cloned() else {
            return;
        };
        let head = head.canonical().finish();
        // Whoever was put out of the run after its header has no part in the sum.
        let out = self.record.evicted.contains_key(&client);
        if round != collecting.round || self.record.admitted.contains_key(&client) || out {
            return;
        }
        collecting.awaited.remove(&client);
        let (first, last) = (self.record.admitted.is_empty(), collecting.awaited.is_empty());
        self.commit(CoordinatorEvent::UpdateAdmitted { round, client, vector, head, signature }, outbox);
        outbox.push(CoordinatorEffect::Fold { round, client });
        if let Some(link) = self.links.get_mut(&client) {
            link.straggling = false;
        }
        // The first one shows whether those who are here can be enough at all; as long as others are awaited, later ones change nothing.
        if first || last {
            self.freeze_if_due(false, outbox);
        }
    }

    pub(super) fn collecting_lost(&mut self, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Collecting(collecting) = &mut self.phase else { return };
        collecting.awaited.remove(&client);
        self.freeze_if_due(false, outbox);
    }

    /// The deadline for uploads has passed.
    pub(super) fn collecting_expired(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Collecting(collecting) = &self.phase else { return };
        if collecting.by(CERTIFIED_BY) <= now {
            // The clock has jumped, or this machine slept: nobody could certify in time any more.
            return self.abort(ClosedReason::Deadline, outbox);
        }
        self.freeze_if_due(true, outbox);
    }

    fn freeze_if_due(&mut self, expired: bool, outbox: &mut Outbox<CoordinatorEffect>) {
        let (Phase::Collecting(collecting), Some(current)) = (&self.phase, self.sessions.front()) else { return };
        let arrived = &self.record.admitted;
        let rule = &self.settings.run.cohort;
        let may_survive = |clients: &mut dyn Iterator<Item = ClientId>| {
            let members = current.topology.organisations();
            rule.admits_survivors(members, &current.view.thresholds, &current.topology.indices(clients)).is_ok()
        };
        let due = expired || collecting.awaited.is_empty();
        let enough = due && may_survive(&mut arrived.keys().copied());
        let hope = || {
            let all: BTreeSet<ClientId> = self.present(current).into_iter().chain(arrived.keys().copied()).collect();
            may_survive(&mut all.into_iter())
        };
        if enough {
            self.freeze_survivors(outbox);
        } else if expired || !hope() {
            self.abort(ClosedReason::TooFew, outbox);
        }
    }

    /// R3: proposes the survivor set, once and for all.
    fn freeze_survivors(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Collecting(collecting) = core::mem::replace(&mut self.phase, Phase::Gathering) else { return };
        let round = collecting.round;
        let uploads: List<(ClientId, Digest)> =
            self.record.admitted.iter().map(|(client, digest)| (*client, *digest)).collect();
        let names: Vec<ClientId> = uploads.iter().map(|(client, _)| *client).collect();
        for (client, link) in &mut self.links {
            link.straggling |= link.accepted && names.binary_search(client).is_err();
        }
        let survivors = Survivors { round, uploads };
        let digest = S::digest(survivors.canonical());
        self.commit(CoordinatorEvent::SurvivorsFrozen { round, survivors: names.clone(), digest }, outbox);
        self.sync(outbox);
        let here: Vec<ClientId> = names.iter().copied().filter(|client| self.links.contains_key(client)).collect();
        outbox.push(CoordinatorEffect::Broadcast(here, Downstream::Survivors(survivors)));
        let (certified_by, deadline) = (collecting.by(CERTIFIED_BY), collecting.by(10));
        let certifying = Certifying {
            round,
            descriptor: collecting.descriptor,
            digest,
            survivors: names,
            certified_by,
            deadline,
            signatures: BTreeMap::new(),
        };
        self.phase = Phase::Certifying(certifying);
        // Survivors may have gone already.
        self.certifying_checked(outbox);
    }
}

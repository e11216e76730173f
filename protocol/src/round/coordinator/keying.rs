//! Keying: the set-up of a session (docs/PROTOCOL.md, "Who says what"), from the offer to the acknowledgements, beside the rounds of the
//! session before.
//! The coordinator relays and cannot read.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::material::{MemberMaterial, Session, SessionMaterial};
use super::{Coordinator, Wait};
use crate::digest::Digest;
use crate::ids::{ClientId, SessionId};
use crate::limits::{COMPLETE_GRAPH_MAX, REKEY_PAUSE_MS};
use crate::list::List;
use crate::message::{
    ClosedReason, Deal, DealStatement, Downstream, Encapsulation, Freeze, Keys, KeysStatement, NeighbourKeys,
    Neighbourhood, Offer, SealedShares, SignedBody, body_of, envelopes_digest, rounds_digest,
};
use crate::round::agreement::{contribution_commitment, frozen_view, graph_seed, keyed_view, setup_ack_message};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::round::topology::Topology;
use crate::secagg::commitments::pairs_digest;
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

/// A key set-up in progress.
pub(super) struct Keying {
    pub(super) offer: Offer,
    deadline: Millis,
    step: Step,
}

enum Step {
    Keys(BTreeMap<ClientId, Keys>),
    Contributions(Frozen, BTreeMap<ClientId, [u8; 32]>),
    Encapsulations(Linked, BTreeMap<ClientId, Vec<Encapsulation>>),
    Deals(Linked, BTreeMap<ClientId, Received>),
    Acks { linked: Linked, deals: BTreeMap<ClientId, Dealt>, view: Digest, acks: BTreeMap<ClientId, Signature> },
    Broken,
}

/// The cohort and its thresholds are fixed.
struct Frozen {
    members: BTreeMap<ClientId, Keys>,
    thresholds: Thresholds,
    /// `H_view0`.
    view: Digest,
}

/// The graph is fixed.
struct Linked {
    frozen: Frozen,
    contributions: List<[u8; 32]>,
    seed: Digest,
    topology: Topology,
}

/// A deal, and by round the digest of its commitments to pairwise seeds.
struct Received {
    deal: Deal,
    pairs: Vec<Digest>,
}

/// What stays of a deal when its bundles have been relayed.
struct Dealt {
    statement: DealStatement,
    envelopes: Vec<Vec<u8>>,
    /// By round.
    pairs: Vec<Digest>,
}

impl Keying {
    pub(super) fn new(offer: Offer, now: Millis) -> Self {
        let deadline = now.plus(offer.deadline_ms);
        Self { offer, deadline, step: Step::Keys(BTreeMap::new()) }
    }

    pub(super) fn session(&self) -> SessionId {
        self.offer.session
    }

    pub(super) fn has(&self, client: ClientId) -> bool {
        self.offer.candidates.binary_search(&client).is_ok()
    }

    pub(super) fn deadline(&self) -> Millis {
        self.deadline
    }

    pub(super) fn missing(&self) -> Vec<ClientId> {
        self.offer.candidates.iter().copied().filter(|client| !self.answered(*client)).collect()
    }

    fn answered(&self, client: ClientId) -> bool {
        match &self.step {
            Step::Keys(got) => got.contains_key(&client),
            Step::Contributions(_, got) => got.contains_key(&client),
            Step::Encapsulations(_, got) => got.contains_key(&client),
            Step::Deals(_, got) => got.contains_key(&client),
            Step::Acks { acks, .. } => acks.contains_key(&client),
            Step::Broken => false,
        }
    }

    fn complete(&self) -> bool {
        self.offer.candidates.iter().all(|client| self.answered(*client))
    }

    pub(super) fn wait(&self) -> Wait {
        let what = match self.step {
            Step::Keys(_) => "keys",
            Step::Contributions(..) => "contributions to the neighbour graph",
            Step::Encapsulations(..) => "encapsulations",
            Step::Deals(..) => "shares",
            Step::Acks { .. } => "acknowledgements",
            Step::Broken => "nothing",
        };
        let missing = self.missing();
        Wait {
            reason: alloc::format!(
                "key set-up: {what} of {} of {} clients, first {}",
                missing.len(),
                self.offer.candidates.len(),
                missing.first().map_or(0, |client| client.0)
            ),
            deadline: Some(self.deadline),
            next: "give this set-up up and begin another one without those that did not answer",
        }
    }
}

/// What a message does to a set-up.
enum Verdict {
    /// It is in; the step may be complete.
    Taken,
    /// It belongs to another set-up, or to none.
    Stray,
    /// Its sender broke the protocol.
    Wrong,
}

impl<S: Suite> Coordinator<S> {
    /// B1.
    pub(super) fn on_keys(&mut self, now: Millis, from: ClientId, keys: Keys, outbox: &mut Outbox<CoordinatorEffect>) {
        let session = keys.statement.session;
        let key = self.settings.roster.roster.entry(from).map(|entry| entry.signing_key.clone());
        // Peers remember the counter: it is that of a head which is kept here, so that whoever has a lower one can be shown that head.
        let counter = self.settings.heads.newest(from).map(|head| head.counter);
        let verdict = self.judge(from, session, |keying| {
            let Step::Keys(got) = &mut keying.step else { return Verdict::Wrong };
            let statement = &keys.statement;
            let valid = statement.client == from
                && statement.is_of_this_version()
                && Some(statement.counter) == counter
                && keys.stands::<S>()
                && keys.commitments.len() == keying.offer.rounds as usize
                && key.is_some_and(|key| S::verify(&key, &statement.to_sign::<S>(), &statement.signature));
            if valid && got.insert(from, keys).is_none() { Verdict::Taken } else { Verdict::Wrong }
        });
        self.settle(now, from, verdict, outbox, Self::freeze);
    }

    /// B2: the cohort is everybody who was asked, and all of them know all statements.
    fn freeze(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let rule = self.settings.run.cohort;
        let Some(Step::Keys(members)) = self.take_step() else { return };
        let cohort: Vec<ClientId> = members.keys().copied().collect();
        let organisations = self.settings.roster.roster.organisations(&cohort).unwrap_or_default();
        let group = self.group_size(cohort.len());
        let Ok(thresholds) = rule.thresholds(&organisations, group) else {
            return self.drop_keying(now, ClosedReason::TooFew, outbox);
        };
        // Heads are kept before anybody hears of their counters.
        if self.news_of_budgets {
            self.sync(outbox);
        }
        let Some(keying) = &mut self.keying else { return };
        let statements: List<KeysStatement> = members.values().map(|keys| keys.statement.clone()).collect();
        let bodies: Vec<Digest> = statements.iter().map(body_of::<S>).collect();
        let view = frozen_view::<S>(&keying.offer, &bodies, &thresholds);
        let sparse = members.len() > COMPLETE_GRAPH_MAX;
        let keys = if sparse { List::default() } else { members.values().map(neighbour_keys).collect() };
        let freeze = Freeze { session: keying.offer.session, members: statements, keys, thresholds };
        outbox.push(CoordinatorEffect::Broadcast(keying.offer.candidates.to_vec(), Downstream::Freeze(freeze)));
        let frozen = Frozen { members, thresholds, view };
        if sparse {
            keying.step = Step::Contributions(frozen, BTreeMap::new());
            return;
        }
        let topology = Topology::new::<S>(cohort, organisations, &thresholds, &Digest::ZERO, None);
        let linked = Linked { frozen, contributions: List::default(), seed: Digest::ZERO, topology };
        keying.step = Step::Encapsulations(linked, BTreeMap::new());
    }

    /// B3.
    pub(super) fn on_contribution(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        contribution: [u8; 32],
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let verdict = self.judge(from, session, |keying| {
            let Step::Contributions(frozen, got) = &mut keying.step else { return Verdict::Wrong };
            let committed = frozen.members.get(&from).map(|keys| keys.statement.contribution);
            let valid = committed == Some(contribution_commitment::<S>(&session, from, &contribution));
            if valid && got.insert(from, contribution).is_none() { Verdict::Taken } else { Verdict::Wrong }
        });
        self.settle(now, from, verdict, outbox, Self::link);
    }

    /// B3, relayed: the graph is known, and with it who needs whose keys.
    fn link(&mut self, _: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(Step::Contributions(frozen, got)) = self.take_step() else { return };
        let Some(keying) = &mut self.keying else { return };
        let contributions: List<[u8; 32]> = got.into_values().collect();
        let seed = graph_seed::<S>(&frozen.view, &contributions);
        let cohort = keying.offer.candidates.to_vec();
        let organisations = self.settings.roster.roster.organisations(&cohort).unwrap_or_default();
        let topology = Topology::new::<S>(cohort, organisations, &frozen.thresholds, &seed, None);
        for client in &keying.offer.candidates {
            let keys = topology.neighbours(*client).filter_map(|peer| frozen.members.get(&peer)).map(neighbour_keys);
            let hood = Neighbourhood {
                session: keying.offer.session,
                contributions: contributions.clone(),
                keys: keys.collect(),
            };
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Neighbourhood(hood)));
        }
        keying.step = Step::Encapsulations(Linked { frozen, contributions, seed, topology }, BTreeMap::new());
    }

    /// B4a.
    pub(super) fn on_encapsulations(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        items: Vec<Encapsulation>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let verdict = self.judge(from, session, |keying| {
            let Step::Encapsulations(linked, got) = &mut keying.step else { return Verdict::Wrong };
            let later = linked.topology.neighbours(from).filter(|to| *to > from);
            let valid = items.iter().all(|item| item.session == session && item.from == from)
                && items.iter().map(|item| item.to).eq(later);
            if valid && got.insert(from, items).is_none() { Verdict::Taken } else { Verdict::Wrong }
        });
        self.settle(now, from, verdict, outbox, Self::relay_encapsulations);
    }

    fn relay_encapsulations(&mut self, _: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(Step::Encapsulations(linked, got)) = self.take_step() else { return };
        let Some(keying) = &mut self.keying else { return };
        let session = keying.offer.session;
        let mut inboxes: BTreeMap<ClientId, Vec<Encapsulation>> = BTreeMap::new();
        for item in got.into_values().flatten() {
            inboxes.entry(item.to).or_default().push(item);
        }
        for client in &keying.offer.candidates {
            let items = inboxes.remove(client).unwrap_or_default();
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Encapsulations { session, items }));
        }
        keying.step = Step::Deals(linked, BTreeMap::new());
    }

    /// B4b.
    pub(super) fn on_deal(&mut self, now: Millis, from: ClientId, deal: Deal, outbox: &mut Outbox<CoordinatorEffect>) {
        let key = self.settings.roster.roster.entry(from).map(|entry| entry.signing_key.clone());
        let verdict = self.judge(from, deal.statement.session, |keying| {
            let rounds = keying.offer.rounds as usize;
            let Step::Deals(linked, got) = &mut keying.step else { return Verdict::Wrong };
            let statement = &deal.statement;
            let holders = linked.topology.holders(from).iter().filter(|to| **to != from);
            let neighbours = linked.topology.neighbours(from).count();
            let fits = statement.client == from
                && deal.bundles.iter().all(|bundle| bundle.from == from)
                && deal.bundles.iter().map(|bundle| &bundle.to).eq(holders)
                && deal.envelopes.len() == rounds
                && deal.pairs.len() == rounds
                && deal.pairs.iter().all(|pairs| pairs.len() == neighbours);
            if !fits {
                return Verdict::Wrong;
            }
            let pairs: Vec<Digest> = deal.pairs.iter().map(|pairs| pairs_digest::<S>(pairs)).collect();
            let valid = statement.envelopes == envelopes_digest::<S>(&deal.envelopes)
                && statement.pairs == rounds_digest::<S>(&pairs)
                && key.is_some_and(|key| S::verify(&key, &statement.to_sign::<S>(), &statement.signature));
            if valid && got.insert(from, Received { deal, pairs }).is_none() { Verdict::Taken } else { Verdict::Wrong }
        });
        self.settle(now, from, verdict, outbox, Self::relay_shares);
    }

    /// Both ends of every pair must have committed to the same seeds; then each holder gets its bundles.
    fn relay_shares(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(Step::Deals(linked, got)) = self.take_step() else { return };
        if let Some((one, other)) = differing_pair(&linked.topology, &got) {
            self.leave_out(one);
            self.leave_out(other);
            return self.drop_keying(now, ClosedReason::PairDiffers(one, other), outbox);
        }
        let Some(keying) = &mut self.keying else { return };
        let session = keying.offer.session;
        let mut inboxes: BTreeMap<ClientId, Vec<SealedShares>> = BTreeMap::new();
        let mut deals = BTreeMap::new();
        for (client, Received { deal, pairs }) in got {
            for bundle in deal.bundles {
                inboxes.entry(bundle.to).or_default().push(bundle);
            }
            deals.insert(client, Dealt { statement: deal.statement, envelopes: deal.envelopes, pairs });
        }
        let statements: List<DealStatement> = deals.values().map(|deal| deal.statement.clone()).collect();
        for client in &keying.offer.candidates {
            let bundles = inboxes.remove(client).unwrap_or_default();
            let message = Downstream::Shares { session, bundles, deals: statements.clone() };
            outbox.push(CoordinatorEffect::Send(*client, message));
        }
        let view = keyed_view::<S>(&linked.frozen.view, &linked.seed, &statements);
        keying.step = Step::Acks { linked, deals, view, acks: BTreeMap::new() };
    }

    /// B5.
    pub(super) fn on_setup_ack(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        signature: Signature,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let key = self.settings.roster.roster.entry(from).map(|entry| entry.signing_key.clone());
        let verdict = self.judge(from, session, |keying| {
            let Step::Acks { view, acks, .. } = &mut keying.step else { return Verdict::Wrong };
            let message = setup_ack_message::<S>(session, view);
            let valid = key.is_some_and(|key| S::verify(&key, &message, &signature));
            if valid && acks.insert(from, signature).is_none() { Verdict::Taken } else { Verdict::Wrong }
        });
        self.settle(now, from, verdict, outbox, Self::keyed);
    }

    /// Everybody holds what it must: the material is stored, the acknowledgements go out, and the session waits for its first round.
    fn keyed(&mut self, _: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(Step::Acks { linked, deals, view, acks }) = self.take_step() else { return };
        let Some(Keying { offer, .. }) = self.keying.take() else { return };
        let session = offer.session;
        let signatures: List<Signature> = acks.into_values().collect();
        let Linked { frozen, contributions, .. } = linked;
        let members = frozen.members.into_iter().zip(deals).map(|((_, keys), (_, dealt))| MemberMaterial {
            keys: keys.statement,
            commitments: keys.commitments,
            deal: dealt.statement,
            envelopes: dealt.envelopes,
            pairs: dealt.pairs,
        });
        let thresholds = frozen.thresholds;
        let material = Arc::new(SessionMaterial { offer, thresholds, contributions, members: members.collect() });
        let keyed = Session::new::<S>(Arc::clone(&material), &self.settings.roster.roster, &self.settings.run.charter);
        let keyed = keyed.filter(|keyed| keyed.view.view == view).expect("a session of this roster has one view");
        outbox.push(CoordinatorEffect::StoreSession(material));
        let cohort = keyed.cohort().to_vec();
        let organisations = keyed.topology.organisations().to_vec();
        self.commit(
            CoordinatorEvent::SessionKeyed { session, view, cohort: cohort.clone(), organisations, thresholds },
            outbox,
        );
        self.sync(outbox);
        for client in &cohort {
            if let Some(link) = self.links.get_mut(client) {
                link.holding.push(session);
            }
        }
        outbox.push(CoordinatorEffect::Broadcast(cohort, Downstream::SetupAcks { session, signatures }));
        self.sessions.push_back(keyed);
    }

    /// Ends the set-up under way.
    pub(super) fn drop_keying(&mut self, now: Millis, reason: ClosedReason, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(keying) = self.keying.take() else { return };
        let session = keying.session();
        self.commit(CoordinatorEvent::SessionClosed { session, reason }, outbox);
        let clients = keying.offer.candidates.iter().copied().filter(|client| self.links.contains_key(client));
        let message = Downstream::SessionClosed { session, reason };
        outbox.push(CoordinatorEffect::Broadcast(clients.collect(), message));
        // Whoever was lost may be back at once, and others may be about to be lost with it: one set-up for all of them.
        self.gather_until = None;
        self.rekey_after = Some(now.plus(REKEY_PAUSE_MS));
    }

    fn judge(&mut self, from: ClientId, session: SessionId, take: impl FnOnce(&mut Keying) -> Verdict) -> Verdict {
        match &mut self.keying {
            Some(keying) if keying.session() == session && keying.has(from) => take(keying),
            _ => Verdict::Stray,
        }
    }

    fn settle(
        &mut self,
        now: Millis,
        from: ClientId,
        verdict: Verdict,
        outbox: &mut Outbox<CoordinatorEffect>,
        next: impl FnOnce(&mut Self, Millis, &mut Outbox<CoordinatorEffect>),
    ) {
        match verdict {
            Verdict::Taken if self.keying.as_ref().is_some_and(Keying::complete) => next(self, now, outbox),
            Verdict::Taken | Verdict::Stray => {}
            Verdict::Wrong => self.misbehaved(now, from, outbox),
        }
    }

    fn take_step(&mut self) -> Option<Step> {
        Some(core::mem::replace(&mut self.keying.as_mut()?.step, Step::Broken))
    }
}

fn neighbour_keys(keys: &Keys) -> NeighbourKeys {
    let Keys { statement, exchange, commitments } = keys;
    NeighbourKeys { client: statement.client, exchange: exchange.clone(), commitments: commitments.clone() }
}

/// The first pair whose ends committed to different seeds in some round.
fn differing_pair(topology: &Topology, deals: &BTreeMap<ClientId, Received>) -> Option<(ClientId, ClientId)> {
    let lists: BTreeMap<ClientId, (Vec<ClientId>, &Deal)> =
        deals.iter().map(|(client, got)| (*client, (topology.neighbours(*client).collect(), &got.deal))).collect();
    lists.iter().find_map(|(own, (peers, deal))| {
        let differs = |(rank, peer): &(usize, &ClientId)| {
            let Some((others, other)) = lists.get(peer) else { return true };
            let back = others.binary_search(own).ok();
            let mut rounds = deal.pairs.iter().zip(&other.pairs);
            rounds.any(|(mine, theirs)| mine.get(*rank) != back.and_then(|back| theirs.get(back)))
        };
        let found = peers.iter().enumerate().filter(|(_, peer)| *peer > own).find(differs);
        found.map(|(_, peer)| (*own, *peer))
    })
}

//! Keying: this member's side of the set-up of a session (docs/PROTOCOL.md, "Who says what"), from the offer to the acknowledgements.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::dealing::{self, Collected, Dealt};
use super::joining::ends_here;
use super::session::Session;
use super::trouble::Trouble;
use super::{Admitted, Turn};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::limits::{COMPLETE_GRAPH_MAX, GRAPH_ATTEMPTS_MAX, SESSIONS_HELD_MAX};
use crate::list::List;
use crate::message::{
    Encapsulation, Floor, Freeze, Keys, KeysStatement, NeighbourKeys, Neighbourhood, Offer, RefusalCode, SealedShares,
    SignedBody, Upstream, body_of, keys_digest, signed_message,
};
use crate::round::agreement::{
    contribution_commitment, frozen_view, graph_seed, group_size, keyed_view, setup_ack_message,
};
use crate::round::descriptor::SessionView;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::round::topology::Topology;
use crate::secagg::commitments::{SecretId, SecretKind, SeedCommitments};
use crate::secagg::labels::pair_key;
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::{ExchangePublic, FieldElement, SecretKey, Signature, Suite};
use crate::time::Millis;

/// A key set-up in progress. Dropped whole when it ends early.
pub(super) struct Keying<S: Suite> {
    offer: Offer,
    deadline: Millis,
    /// When the first of the candidates' entries of the roster is over here.
    ends: Millis,
    secret: S::ExchangeSecret,
    contribution: [u8; 32],
    own: Keys,
    secrets: dealing::Secrets<S>,
    /// The candidates' budget counters, as far as this branch had seen them when the offer came. Those that it sees later, in another run, may be of
    /// a later moment than the statements of this set-up.
    counters: Vec<(ClientId, u64)>,
    step: Step<S>,
}

enum Step<S: Suite> {
    AwaitFreeze,
    AwaitNeighbourhood(Frozen),
    AwaitEncapsulations { linked: Box<Linked>, agreed: Agreed },
    AwaitShares { linked: Box<Linked>, pairs: Vec<(ClientId, SecretKey)>, dealt: Dealt<S> },
    AwaitAcks(Session<S>, List<KeysStatement>),
    Broken,
}

/// The cohort and its thresholds are fixed.
struct Frozen {
    members: List<KeysStatement>,
    cohort: Vec<ClientId>,
    organisations: Vec<OrganisationId>,
    thresholds: Thresholds,
    /// `H_view0`.
    view: Digest,
}

/// The graph is fixed, and the neighbours' public keys are known and used.
struct Linked {
    frozen: Frozen,
    graph_seed: Digest,
    topology: Topology,
}

/// What is agreed with the neighbours, as far as this member has a hand in it.
struct Agreed {
    /// What Diffie-Hellman gives, by neighbour, ascending.
    diffie_hellman: Vec<(ClientId, SecretKey)>,
    /// What this member encapsulated to those who come after it, in their order.
    encapsulated: Vec<SecretKey>,
}

impl<S: Suite> Keying<S> {
    pub(super) fn session(&self) -> SessionId {
        self.offer.session
    }

    pub(super) fn deadline(&self) -> Millis {
        self.deadline
    }

    pub(super) fn describe(&self) -> String {
        let what = match self.step {
            Step::AwaitFreeze => "the frozen cohort",
            Step::AwaitNeighbourhood(_) => "the neighbour graph",
            Step::AwaitEncapsulations { .. } => "the neighbours' encapsulations",
            Step::AwaitShares { .. } => "the dealers' shares",
            Step::AwaitAcks(..) => "the cohort's acknowledgements",
            Step::Broken => "nothing",
        };
        alloc::format!("key set-up: {what}")
    }
}

impl<S: Suite> Turn<'_, S> {
    /// B0 to B1. A new offer replaces a set-up that was under way.
    pub(super) fn on_offer(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        offer: Offer,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match self.offered(now, entropy, offer) {
            Ok(keying) => {
                outbox.push(ParticipantEffect::Send(Upstream::Keys(Box::new(keying.own.clone()))));
                self.own.keying = Some(keying);
            }
            Err(code) => self.refuse(code, outbox),
        }
    }

    fn offered(&self, now: Millis, entropy: &mut dyn Entropy, offer: Offer) -> Result<Keying<S>, RefusalCode> {
        let (client, admitted) = self.admitted().ok_or(RefusalCode::Unexpected)?;
        let run = &admitted.run;
        if !S::verify(&self.branch.policy.coordinator, &offer.to_sign::<S>(), &offer.signature) {
            return Err(RefusalCode::SignatureInvalid);
        }
        let group = admitted.roster.group(&run.group).ok_or(RefusalCode::NotInGroup)?;
        let mut entries = admitted.roster.walk();
        let listed: Option<Vec<_>> = offer.candidates.iter().map(|candidate| entries.find(*candidate)).collect();
        let fits = offer.run == run.id()
            && offer.roster == admitted.roster.digest()
            && offer.candidates.contains(&client)
            && offer.candidates.is_sorted_by(|a, b| a < b)
            && offer.candidates.iter().all(|candidate| group.has(*candidate))
            && (1..=run.session_rounds).contains(&offer.rounds)
            && self.own.sessions.iter().all(|session| session.id() != offer.session)
            && self.own.sessions.iter().filter(|session| session.holds_keys()).count() < SESSIONS_HELD_MAX;
        let candidates = listed.filter(|_| fits).ok_or(RefusalCode::Unexpected)?;
        // The keys of a session end with the first of its seats.
        let ends = candidates.into_iter().map(|entry| ends_here(run.charter.seat_ends(entry))).min().unwrap_or(now);
        if ends < now {
            return Err(RefusalCode::EntryEnded);
        }
        let last_round = self.branch.record.last_round(&run.reference());
        if stands(Defence::FreshRound) && offer.first_round.0 <= last_round {
            return Err(RefusalCode::RoundReused);
        }
        if self.own.attempts >= GRAPH_ATTEMPTS_MAX {
            return Err(RefusalCode::AttemptsExhausted);
        }
        let (secret, exchange) = S::exchange_keys(entropy);
        let secrets = dealing::Secrets::<S>::draw(offer.rounds, entropy);
        let commitments: Vec<SeedCommitments> = secrets
            .each()
            .zip(offer.first_round.0..)
            .map(|((self_mask, envelope), round)| {
                let commit = |kind, secret: S::Scalar| {
                    SecretId { session: &offer.session, dealer: client, round: RoundId(round), kind }
                        .commitment::<S>(&SecretKey::new(secret.to_bytes()))
                };
                SeedCommitments {
                    self_mask: commit(SecretKind::SelfMask, self_mask),
                    envelope: commit(SecretKind::Envelope, envelope),
                }
            })
            .collect();
        let contribution = entropy.bytes32();
        let mut statement = KeysStatement {
            session: offer.session,
            client,
            contribution: contribution_commitment::<S>(&offer.session, client, &contribution),
            keys: keys_digest::<S>(&exchange, &commitments),
            counter: self.branch.announced,
            noise: Vec::new(),
            nonce: None,
            signature: Signature::none(),
        };
        statement.signature = self.sign(&statement.to_sign::<S>());
        let own = Keys { statement, exchange, commitments };
        let deadline = now.plus(offer.deadline_ms);
        let known = &self.branch.record.counters;
        let counters = offer.candidates.iter().filter_map(|one| Some((*one, *known.get(one)?))).collect();
        Ok(Keying { offer, deadline, ends, secret, contribution, own, secrets, counters, step: Step::AwaitFreeze })
    }

    /// B2: checks every member's statement and recomputes the thresholds. In a complete graph the keys of all are here.
    pub(super) fn frozen(
        &mut self,
        entropy: &mut dyn Entropy,
        freeze: Freeze,
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), Trouble> {
        let Freeze { session, members, keys, thresholds } = freeze;
        let keying =
            self.own.keying.as_ref().filter(|keying| keying.session() == session).ok_or(RefusalCode::Unexpected)?;
        if !matches!(keying.step, Step::AwaitFreeze) {
            return Err(RefusalCode::Unexpected.into());
        }
        // Everybody who was asked is a member, or the session does not stand.
        if !members.iter().map(|member| &member.client).eq(&keying.offer.candidates)
            || !members.contains(&keying.own.statement)
        {
            return Err(RefusalCode::Unexpected.into());
        }
        let bodies: Vec<Digest> = members.iter().map(body_of::<S>).collect();
        let others = members.iter().zip(&bodies);
        let (_, Admitted { run, roster, .. }) = self.admitted().ok_or(RefusalCode::Unexpected)?;
        let mut keys_of = roster.walk();
        for (statement, body) in others.filter(|(statement, _)| statement.client != keying.own.statement.client) {
            let key = &keys_of.find(statement.client).ok_or(RefusalCode::RosterInvalid)?.signing_key;
            let signed = S::verify(key, &signed_message(KeysStatement::KIND, body), &statement.signature);
            if statement.session != session || (stands(Defence::SignedKeys) && !signed) {
                return Err(RefusalCode::SignatureInvalid.into());
            }
            if !statement.is_of_this_version() {
                return Err(RefusalCode::Unexpected.into());
            }
        }
        if let Some(member) = self.fallen(&members).filter(|_| stands(Defence::CounterFall)) {
            return Err(Trouble::Fell(member));
        }
        let cohort: Vec<ClientId> = members.iter().map(|member| member.client).collect();
        let organisations = roster.organisations(&cohort).ok_or(RefusalCode::RosterInvalid)?;
        let accepted =
            self.branch.policy.cohort.accept(&organisations, group_size(run, roster, cohort.len()), &thresholds);
        if stands(Defence::CohortFloor) && accepted.is_err() {
            return Err(RefusalCode::PolicyFloor(Floor::Cohort).into());
        }
        let view = frozen_view::<S>(&keying.offer, &bodies, &thresholds);
        let frozen = Frozen { members, cohort, organisations, thresholds, view };
        if frozen.members.len() > COMPLETE_GRAPH_MAX {
            let contribution = keying.contribution;
            // From here on the coordinator could choose among graphs by breaking off.
            self.own.attempts += 1;
            outbox.push(ParticipantEffect::Send(Upstream::Contribution { session, contribution }));
            self.set_step(Step::AwaitNeighbourhood(frozen));
            return Ok(());
        }
        self.link(entropy, (frozen, Digest::ZERO), &keys, outbox)
    }

    /// A member whose budget counter is lower than this branch had seen it before the set-up: it goes on with an older copy of its budget.
    fn fallen(&self, members: &[KeysStatement]) -> Option<ClientId> {
        let known = self.own.keying.as_ref().map(|keying| keying.counters.as_slice()).unwrap_or_default();
        let seen = |client| known.binary_search_by_key(&client, |(known, _)| *known).ok().map(|place| known[place].1);
        members.iter().find(|one| seen(one.client).is_some_and(|seen| one.counter < seen)).map(|member| member.client)
    }

    /// Keeps what the members of a session that stands have spent, by their counters, where that is news.
    fn note_counters(&mut self, members: &[KeysStatement], outbox: &mut Outbox<ParticipantEffect>) {
        let (known, own) = (&self.branch.record.counters, self.branch.client);
        let news = members.iter().filter(|one| Some(one.client) != own);
        let news = news.filter(|one| known.get(&one.client).is_none_or(|known| one.counter > *known));
        let counters: Vec<(ClientId, u64)> = news.map(|one| (one.client, one.counter)).collect();
        if !counters.is_empty() {
            self.commit(ParticipantEvent::CountersSeen { counters }, outbox);
        }
    }

    /// B3: everybody's contribution gives the graph, and the graph the neighbours, whose keys are here.
    pub(super) fn neighboured(
        &mut self,
        entropy: &mut dyn Entropy,
        neighbourhood: Neighbourhood,
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), Trouble> {
        let Neighbourhood { session, contributions, keys } = neighbourhood;
        let Step::AwaitNeighbourhood(frozen) = self.take_step(session)? else {
            return Err(RefusalCode::Unexpected.into());
        };
        let committed = frozen.members.len() == contributions.len()
            && frozen.members.iter().zip(&contributions).all(|(member, contribution)| {
                member.contribution == contribution_commitment::<S>(&session, member.client, contribution)
            });
        if stands(Defence::GraphSeedReveal) && !committed {
            return Err(RefusalCode::SignatureInvalid.into());
        }
        let seed = graph_seed::<S>(&frozen.view, &contributions);
        self.link(entropy, (frozen, seed), &keys, outbox)
    }

    /// B4a: checks the neighbours' keys, agrees with each, and encapsulates to every later one.
    fn link(
        &mut self,
        entropy: &mut dyn Entropy,
        (mut frozen, graph_seed): (Frozen, Digest),
        keys: &[NeighbourKeys],
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), Trouble> {
        let keying = self.own.keying.as_ref().ok_or(RefusalCode::Unexpected)?;
        let (session, client) = (keying.session(), keying.own.statement.client);
        let (cohort, organisations) = (core::mem::take(&mut frozen.cohort), core::mem::take(&mut frozen.organisations));
        let topology = Topology::new::<S>(cohort, organisations, &frozen.thresholds, &graph_seed, Some(client));
        // Everybody gets the same list in a complete graph, its own keys among the others'.
        let others = keys.iter().filter(|keys| keys.client != client);
        if !others.clone().map(|keys| keys.client).eq(topology.neighbours(client)) {
            return Err(RefusalCode::Unexpected.into());
        }
        let mut statements = frozen.members.iter();
        let mut items = Vec::new();
        // At their full size, so that filling them leaves no copy.
        let mut agreed =
            Agreed { diffie_hellman: Vec::with_capacity(keys.len()), encapsulated: Vec::with_capacity(keys.len()) };
        for keys in others {
            let stated = statements.find(|statement| statement.client == keys.client).is_some_and(|statement| {
                statement.keys == keys_digest::<S>(&keys.exchange, &keys.commitments)
                    && keys.commitments.len() == keying.offer.rounds as usize
            });
            if stands(Defence::SignedKeys) && !stated {
                return Err(RefusalCode::SignatureInvalid.into());
            }
            let shared = S::agree(&keying.secret, &keys.exchange).map_err(|_| Trouble::Accuse(keys.client))?;
            agreed.diffie_hellman.push((keys.client, shared));
            if keys.client < client {
                continue;
            }
            let (item, secret) = self.encapsulate(entropy, session, client, keys.client, &keys.exchange)?;
            items.push(item);
            agreed.encapsulated.push(secret);
        }
        outbox.push(ParticipantEffect::Send(Upstream::Encapsulations { session, items }));
        let linked = Box::new(Linked { frozen, graph_seed, topology });
        self.set_step(Step::AwaitEncapsulations { linked, agreed });
        Ok(())
    }

    fn encapsulate(
        &self,
        entropy: &mut dyn Entropy,
        session: SessionId,
        from: ClientId,
        to: ClientId,
        exchange: &ExchangePublic,
    ) -> Result<(Encapsulation, SecretKey), Trouble> {
        let (ciphertext, secret) = S::encapsulate(entropy, exchange).map_err(|_| Trouble::Accuse(to))?;
        let mut item = Encapsulation { session, from, to, ciphertext, signature: Signature::none() };
        item.signature = self.sign(&item.to_sign::<S>());
        Ok((item, secret))
    }

    /// B4a to B4b: opens the earlier neighbours' encapsulations, derives pair keys, deals out shares.
    pub(super) fn encapsulated(
        &mut self,
        entropy: &mut dyn Entropy,
        session: SessionId,
        items: &[Encapsulation],
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), Trouble> {
        let Step::AwaitEncapsulations { linked, agreed } = self.take_step(session)? else {
            return Err(RefusalCode::Unexpected.into());
        };
        let keying = self.own.keying.as_ref().ok_or(RefusalCode::Unexpected)?;
        let client = keying.own.statement.client;
        let earlier = linked.topology.neighbours(client).filter(|from| *from < client);
        if !items.iter().map(|item| item.from).eq(earlier) {
            return Err(RefusalCode::Unexpected.into());
        }
        let Agreed { diffie_hellman, encapsulated } = agreed;
        let mut secrets = Vec::with_capacity(diffie_hellman.len());
        let mut senders = self.admitted().map(|(_, admitted)| admitted.roster.walk()).ok_or(RefusalCode::Unexpected)?;
        for item in items {
            let key = &senders.find(item.from).ok_or(RefusalCode::RosterInvalid)?.signing_key;
            let fits = item.session == session && item.to == client;
            if !fits || !S::verify(key, &item.to_sign::<S>(), &item.signature) {
                return Err(RefusalCode::SignatureInvalid.into());
            }
            let secret = S::decapsulate(&keying.secret, &item.ciphertext).map_err(|_| Trouble::Accuse(item.from))?;
            secrets.push(secret);
        }
        // The neighbours before this member encapsulated to it, and it to those after it: together all, in their order.
        let pairs = diffie_hellman.iter().zip(secrets.iter().chain(&encapsulated));
        let pairs: Vec<(ClientId, SecretKey)> =
            pairs.map(|((peer, shared), secret)| (*peer, pair_key::<S>(&linked.frozen.view, shared, secret))).collect();
        let set_up = dealing::SetUp {
            session: &session,
            own: client,
            first_round: keying.offer.first_round,
            threshold: usize::from(linked.frozen.thresholds.threshold),
            topology: &linked.topology,
            pairs: &pairs,
        };
        let (mut deal, mut dealt) = set_up.deal(&keying.secrets, entropy).ok_or(RefusalCode::BadKeyMaterial)?;
        deal.statement.signature = self.sign(&deal.statement.to_sign::<S>());
        dealt.statement.signature.clone_from(&deal.statement.signature);
        outbox.push(ParticipantEffect::Send(Upstream::Deal(Box::new(deal))));
        self.set_step(Step::AwaitShares { linked, pairs, dealt });
        Ok(())
    }

    /// B4b to B5: opens every dealer's bundle; now this member holds all that the session needs.
    pub(super) fn shared(
        &mut self,
        session: SessionId,
        bundles: Vec<SealedShares>,
        deals: &[crate::message::DealStatement],
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), Trouble> {
        let Step::AwaitShares { linked, pairs, dealt } = self.take_step(session)? else {
            return Err(RefusalCode::Unexpected.into());
        };
        let keying = self.own.keying.as_ref().ok_or(RefusalCode::Unexpected)?;
        let own = keying.own.statement.client;
        let Linked { frozen, graph_seed, topology, .. } = *linked;
        let complete = deals.iter().map(|deal| &deal.client).eq(topology.cohort())
            && deals.iter().all(|deal| deal.session == session)
            && deals.contains(&dealt.statement);
        if !complete {
            return Err(RefusalCode::Unexpected.into());
        }
        let set_up = dealing::SetUp {
            session: &session,
            own,
            first_round: keying.offer.first_round,
            threshold: usize::from(frozen.thresholds.threshold),
            topology: &topology,
            pairs: &pairs,
        };
        let Collected { rounds, proofs } = set_up.collect(&keying.secrets, dealt, bundles, deals)?;
        let view = keyed_view::<S>(&frozen.view, &graph_seed, deals);
        let signature = self.sign(&setup_ack_message::<S>(session, &view));
        outbox.push(ParticipantEffect::Send(Upstream::SetupAck { session, signature }));
        let (first_round, ends) = (keying.offer.first_round, keying.ends);
        let view = SessionView { session, view, thresholds: frozen.thresholds };
        let session = Session { view, topology, first_round, ends, rounds, proofs };
        self.set_step(Step::AwaitAcks(session, frozen.members));
        Ok(())
    }

    /// B5, relayed: masking needs the acknowledgement of the whole cohort.
    pub(super) fn acknowledged(
        &mut self,
        id: SessionId,
        signatures: &[Signature],
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), Trouble> {
        let Step::AwaitAcks(session, members) = self.take_step(id)? else {
            return Err(RefusalCode::Unexpected.into());
        };
        let cohort = session.topology.cohort();
        let message = setup_ack_message::<S>(id, &session.view.view);
        let signed = cohort.iter().copied().zip(signatures);
        if signatures.len() != cohort.len() || !self.all_signed(&message, signed) {
            return Err(RefusalCode::SignatureInvalid.into());
        }
        outbox.push(ParticipantEffect::Keyed { honest_min: session.view.thresholds.honest_min });
        self.note_counters(&members, outbox);
        self.own.keying = None;
        self.own.attempts = 0;
        self.own.sessions.push(session);
        Ok(())
    }

    /// Takes the step of the set-up that a message belongs to.
    fn take_step(&mut self, session: SessionId) -> Result<Step<S>, RefusalCode> {
        let keying = self.own.keying.as_mut().filter(|keying| keying.session() == session);
        let keying = keying.ok_or(RefusalCode::Unexpected)?;
        Ok(core::mem::replace(&mut keying.step, Step::Broken))
    }

    fn set_step(&mut self, step: Step<S>) {
        if let Some(keying) = &mut self.own.keying {
            keying.step = step;
        }
    }

    /// Lets a message of the set-up be judged, and gives the set-up, or the coordinator, up where it is not in order.
    pub(super) fn go_on(
        &mut self,
        session: SessionId,
        outbox: &mut Outbox<ParticipantEffect>,
        step: impl FnOnce(&mut Self, &mut Outbox<ParticipantEffect>) -> Result<(), Trouble>,
    ) {
        match step(self, outbox) {
            Ok(()) => {}
            Err(Trouble::Refuse(code)) => self.refuse(code, outbox),
            Err(Trouble::Accuse(member)) => {
                self.abandon(session, RefusalCode::BadKeyMaterial, Some(member), outbox);
            }
            Err(Trouble::Fell(member)) => self.abandon(session, RefusalCode::CounterFell, Some(member), outbox),
        }
    }
}

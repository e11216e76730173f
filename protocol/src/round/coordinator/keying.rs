//! Keying: the batch set-up of SA-1, section 4, from OFFER to SETUP_ACK. The coordinator relays and cannot read.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{Downstream, Encapsulation, Freeze, Keys, Offer, SealedShares, SignedBody};
use crate::round::agreement::{setup_ack_message, view_digest};
use crate::round::descriptor::SessionView;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

/// A key set-up in progress.
pub(super) struct Keying {
    offer: Offer,
    deadline: Millis,
    step: Step,
}

enum Step {
    Keys(BTreeMap<ClientId, Keys>),
    Encapsulations(Frozen, BTreeMap<ClientId, Vec<Encapsulation>>),
    Shares(Frozen, BTreeMap<ClientId, Vec<SealedShares>>),
    Acks(Frozen, BTreeMap<ClientId, Signature>),
}

struct Frozen {
    members: Vec<Keys>,
    view: SessionView,
}

/// A session whose keys stand at every member.
pub(super) struct Session<S: Suite> {
    pub(super) view: SessionView,
    pub(super) members: BTreeMap<ClientId, Keys>,
    pub(super) first_round: RoundId,
    pub(super) rounds: u32,
    pub(super) suite: core::marker::PhantomData<S>,
}

impl<S: Suite> Session<S> {
    pub(super) fn has(&self, client: ClientId) -> bool {
        self.members.contains_key(&client)
    }

    /// The cohort, ascending.
    pub(super) fn cohort(&self) -> Vec<ClientId> {
        self.members.keys().copied().collect()
    }

    /// Whether the session has keys for this round.
    pub(super) fn covers(&self, round: RoundId) -> bool {
        self.index(round).is_some()
    }

    /// Position of a round within the session.
    pub(super) fn index(&self, round: RoundId) -> Option<usize> {
        let index = round.0.checked_sub(self.first_round.0)?;
        (index < u64::from(self.rounds)).then(|| usize::try_from(index).ok()).flatten()
    }
}

impl Keying {
    pub(super) fn new(offer: Offer, now: Millis) -> Self {
        let deadline = now.plus(offer.deadline_ms);
        Self { offer, deadline, step: Step::Keys(BTreeMap::new()) }
    }

    pub(super) fn has(&self, client: ClientId) -> bool {
        self.offer.candidates.contains(&client)
    }

    pub(super) fn missing(&self) -> Vec<ClientId> {
        self.offer.candidates.iter().copied().filter(|client| !self.answered(*client)).collect()
    }

    fn answered(&self, client: ClientId) -> bool {
        match &self.step {
            Step::Keys(got) => got.contains_key(&client),
            Step::Encapsulations(_, got) => got.contains_key(&client),
            Step::Shares(_, got) => got.contains_key(&client),
            Step::Acks(_, got) => got.contains_key(&client),
        }
    }

    pub(super) fn wait(&self) -> Wait {
        let what = match self.step {
            Step::Keys(_) => "keys",
            Step::Encapsulations(..) => "encapsulations",
            Step::Shares(..) => "shares",
            Step::Acks(..) => "acknowledgements",
        };
        let missing = self.missing();
        Wait {
            reason: alloc::format!(
                "{what} of {} of {} clients, first {}",
                missing.len(),
                self.offer.candidates.len(),
                missing.first().map_or(0, |client| client.0)
            ),
            deadline: Some(self.deadline),
            next: "close the session and key another one without those that did not answer",
        }
    }

    fn complete(&self) -> bool {
        self.offer.candidates.iter().all(|client| self.answered(*client))
    }
}

impl<S: Suite> Coordinator<S> {
    pub(super) fn on_keys(&mut self, now: Millis, from: ClientId, keys: Keys, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Keying(keying) = &mut self.phase else { return };
        let Step::Keys(got) = &mut keying.step else { return self.stray(now, from, keys.session, outbox) };
        if keys.session != keying.offer.session {
            return;
        }
        let entry = self.settings.roster.roster.entry(from);
        let valid = keys.client == from
            && keying.offer.candidates.contains(&from)
            && keys.commitments.len() == keying.offer.rounds as usize
            && entry.is_some_and(|entry| S::verify(&entry.signing_key, &keys.to_sign(), &keys.signature));
        if !valid || got.insert(from, keys).is_some() {
            return self.misbehaved(now, from, outbox);
        }
        if keying.complete() {
            self.freeze(now, outbox);
        }
    }

    /// B2: the cohort is everybody who was asked, and all of them know all keys.
    fn freeze(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let rule = self.settings.plan.cohort;
        let Phase::Keying(keying) = &mut self.phase else { return };
        let Step::Keys(got) = &mut keying.step else { return };
        let members: Vec<Keys> = core::mem::take(got).into_values().collect();
        let clients: Vec<ClientId> = members.iter().map(|keys| keys.client).collect();
        let organisations = self.settings.roster.roster.organisations(&clients).unwrap_or_default();
        let Ok(thresholds) = rule.thresholds(&organisations) else {
            return self.abort(now, crate::message::ClosedReason::TooFew, outbox);
        };
        let view = view_digest(&keying.offer, &members, &thresholds);
        for client in &keying.offer.candidates {
            let freeze = Freeze { session: keying.offer.session, members: members.clone(), thresholds };
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Freeze(freeze)));
        }
        let view = SessionView { session: keying.offer.session, view, thresholds };
        keying.step = Step::Encapsulations(Frozen { members, view }, BTreeMap::new());
    }

    pub(super) fn on_encapsulations(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        items: Vec<Encapsulation>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Phase::Keying(keying) = &mut self.phase else { return };
        if session != keying.offer.session {
            return;
        }
        let Step::Encapsulations(_, got) = &mut keying.step else { return self.stray(now, from, session, outbox) };
        let expected = keying.offer.candidates.iter().filter(|to| **to > from);
        let fits = items.iter().all(|item| item.session == session && item.from == from)
            && items.iter().map(|item| &item.to).eq(expected)
            && keying.offer.candidates.contains(&from);
        if !fits || got.insert(from, items).is_some() {
            return self.misbehaved(now, from, outbox);
        }
        if got.len() < keying.offer.candidates.len() {
            return;
        }
        let mut inboxes: BTreeMap<ClientId, Vec<Encapsulation>> = BTreeMap::new();
        for item in core::mem::take(got).into_values().flatten() {
            inboxes.entry(item.to).or_default().push(item);
        }
        for client in &keying.offer.candidates {
            let items = inboxes.remove(client).unwrap_or_default();
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Encapsulations { session, items }));
        }
        keying.advance(|frozen| Step::Shares(frozen, BTreeMap::new()));
    }

    pub(super) fn on_shares(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        bundles: Vec<SealedShares>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Phase::Keying(keying) = &mut self.phase else { return };
        if session != keying.offer.session {
            return;
        }
        let Step::Shares(_, got) = &mut keying.step else { return self.stray(now, from, session, outbox) };
        let expected = keying.offer.candidates.iter().filter(|to| **to != from);
        let fits = bundles.iter().all(|bundle| bundle.from == from)
            && bundles.iter().map(|bundle| &bundle.to).eq(expected)
            && keying.offer.candidates.contains(&from);
        if !fits || got.insert(from, bundles).is_some() {
            return self.misbehaved(now, from, outbox);
        }
        if got.len() < keying.offer.candidates.len() {
            return;
        }
        let mut inboxes: BTreeMap<ClientId, Vec<SealedShares>> = BTreeMap::new();
        for bundle in core::mem::take(got).into_values().flatten() {
            inboxes.entry(bundle.to).or_default().push(bundle);
        }
        for client in &keying.offer.candidates {
            let bundles = inboxes.remove(client).unwrap_or_default();
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Shares { session, bundles }));
        }
        keying.advance(|frozen| Step::Acks(frozen, BTreeMap::new()));
    }

    pub(super) fn on_setup_ack(
        &mut self,
        now: Millis,
        from: ClientId,
        session: SessionId,
        signature: Signature,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Phase::Keying(keying) = &mut self.phase else { return };
        if session != keying.offer.session {
            return;
        }
        let Step::Acks(frozen, got) = &mut keying.step else { return self.stray(now, from, session, outbox) };
        let entry = self.settings.roster.roster.entry(from);
        let message = setup_ack_message(session, &frozen.view.view);
        let valid = keying.offer.candidates.contains(&from)
            && entry.is_some_and(|entry| S::verify(&entry.signing_key, &message, &signature));
        if !valid || got.insert(from, signature).is_some() {
            return self.misbehaved(now, from, outbox);
        }
        if keying.complete() {
            self.keyed(now, outbox);
        }
    }

    /// Everybody holds everybody's shares: the acknowledgements go out, and the first round starts behind them.
    fn keyed(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Keying(keying) = core::mem::replace(&mut self.phase, Phase::Finished) else { return };
        let Step::Acks(frozen, acks) = keying.step else { return };
        let signatures: Vec<Signature> = acks.into_values().collect();
        let session = keying.offer.session;
        for client in &keying.offer.candidates {
            let message = Downstream::SetupAcks { session, signatures: signatures.clone() };
            outbox.push(CoordinatorEffect::Send(*client, message));
        }
        self.commit(
            CoordinatorEvent::SessionKeyed {
                session,
                view: frozen.view.view,
                cohort: keying.offer.candidates,
                thresholds: frozen.view.thresholds,
            },
            outbox,
        );
        let session = Session {
            view: frozen.view,
            members: frozen.members.into_iter().map(|keys| (keys.client, keys)).collect(),
            first_round: keying.offer.first_round,
            rounds: keying.offer.rounds,
            suite: core::marker::PhantomData,
        };
        self.start_round(now, session, outbox);
    }

    /// A message of this session that its step does not allow.
    fn stray(&mut self, now: Millis, from: ClientId, session: SessionId, outbox: &mut Outbox<CoordinatorEffect>) {
        let current = matches!(&self.phase, Phase::Keying(keying) if keying.offer.session == session);
        if current {
            self.misbehaved(now, from, outbox);
        }
    }
}

impl Keying {
    fn advance(&mut self, next: impl FnOnce(Frozen) -> Step) {
        let step = core::mem::replace(&mut self.step, Step::Keys(BTreeMap::new()));
        self.step = match step {
            Step::Encapsulations(frozen, _) | Step::Shares(frozen, _) | Step::Acks(frozen, _) => next(frozen),
            Step::Keys(got) => Step::Keys(got),
        };
    }
}

/// Commitment of a member to its self-mask seed of one round.
pub(super) fn commitment_of<S: Suite>(session: &Session<S>, client: ClientId, round: RoundId) -> Option<&Digest> {
    session.members.get(&client)?.commitments.get(session.index(round)?)
}

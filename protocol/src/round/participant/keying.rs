//! Keying: this member's side of the batch set-up (SA-1, section 4).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroize;

use super::{Participant, Phase};
use crate::digest::{Canonical, Digest};
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::COMPLETE_GRAPH_MAX;
use crate::message::{
    Encapsulation, Freeze, Keys, Offer, RefusalCode, SealedShares, SignedBody, Upstream, signed_message,
};
use crate::round::agreement::{seed_commitment, setup_ack_message, view_digest};
use crate::round::descriptor::SessionView;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::secagg::labels::{bundle_key, pair_key, pair_seed};
use crate::secagg::mask::Sign;
use crate::secagg::masked_sum::MaskSeeds;
use crate::secagg::shares::share;
use crate::secagg::suite::{FieldElement, SecretKey, Signature, Suite};
use crate::time::Millis;

/// Bytes of one share in a bundle.
const SHARE_BYTES: usize = 32;

/// A key set-up in progress.
pub(super) struct Keying<S: Suite> {
    offer: Offer,
    deadline: Millis,
    secret: S::ExchangeSecret,
    /// Self-mask seed of every round of the session.
    seeds: Vec<S::Scalar>,
    step: Step<S>,
}

enum Step<S: Suite> {
    AwaitFreeze { keys: Keys },
    AwaitEncapsulations { frozen: Frozen, secrets: BTreeMap<ClientId, SecretKey> },
    AwaitShares { frozen: Frozen, pairs: BTreeMap<ClientId, SecretKey>, own: Vec<S::Scalar> },
    AwaitAcks { session: Session<S> },
    Broken,
}

struct Frozen {
    members: Vec<Keys>,
    view: SessionView,
}

/// Keys of a session, in memory only. A crash forgets them, and with them every round that they could have opened.
pub(super) struct Session<S: Suite> {
    view: SessionView,
    cohort: Vec<ClientId>,
    first_round: RoundId,
    rounds: Vec<Option<RoundKeys<S>>>,
}

/// What a round uses once.
pub(super) struct RoundKeys<S: Suite> {
    seeds: MaskSeeds,
    /// By dealer: the share of its self-mask seed that this member holds.
    pub(super) held: BTreeMap<ClientId, S::Scalar>,
}

impl<S: Suite> Session<S> {
    pub(super) fn id(&self) -> SessionId {
        self.view.session
    }

    pub(super) fn view(&self) -> &SessionView {
        &self.view
    }

    pub(super) fn cohort(&self) -> &[ClientId] {
        &self.cohort
    }

    /// Takes a round's keys; the second time there are none.
    pub(super) fn take(&mut self, round: RoundId) -> Option<(MaskSeeds, BTreeMap<ClientId, S::Scalar>)> {
        let index = usize::try_from(round.0.checked_sub(self.first_round.0)?).ok()?;
        let keys = self.rounds.get_mut(index)?.take()?;
        Some((keys.seeds, keys.held))
    }
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
            Step::AwaitFreeze { .. } => "the frozen cohort",
            Step::AwaitEncapsulations { .. } => "the neighbours' encapsulations",
            Step::AwaitShares { .. } => "the neighbours' shares",
            Step::AwaitAcks { .. } => "the cohort's acknowledgements",
            Step::Broken => "nothing",
        };
        alloc::format!("key set-up: {what}")
    }
}

impl<S: Suite> Participant<S> {
    /// B0 to B1.
    pub(super) fn on_offer(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        offer: Offer,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        if !matches!(self.phase, Phase::Idle | Phase::Ready(_)) {
            return self.give_up(RefusalCode::Unexpected, outbox);
        }
        let (Some(client), Some(admitted)) = (self.client, &self.offered) else {
            return self.give_up(RefusalCode::Unexpected, outbox);
        };
        let plan = &admitted.plan;
        if !S::verify(&self.policy.coordinator, &offer.to_sign(), &offer.signature) {
            return self.give_up(RefusalCode::SignatureInvalid, outbox);
        }
        let fits = offer.plan == plan.digest()
            && offer.roster == admitted.roster.digest()
            && offer.candidates.contains(&client)
            && offer.candidates.is_sorted_by(|a, b| a < b)
            && offer.candidates.iter().all(|candidate| admitted.roster.entry(*candidate).is_some())
            && (1..=plan.session_rounds).contains(&offer.rounds);
        if !fits {
            return self.give_up(RefusalCode::Unexpected, outbox);
        }
        if offer.first_round.0 <= self.record.last_round(&plan.digest()) {
            return self.give_up(RefusalCode::RoundReused, outbox);
        }
        let (secret, exchange) = S::exchange_keys(entropy);
        let seeds: Vec<S::Scalar> = (0..offer.rounds).map(|_| S::Scalar::random(entropy)).collect();
        let rounds = offer.first_round.0..;
        let commitments = seeds
            .iter()
            .zip(rounds)
            .map(|(seed, round)| {
                seed_commitment(offer.session, client, RoundId(round), &SecretKey::new(seed.to_bytes()))
            })
            .collect();
        let mut keys = Keys { session: offer.session, client, exchange, commitments, signature: Signature(Vec::new()) };
        keys.signature = self.sign(&keys.to_sign());
        outbox.push(ParticipantEffect::Send(Upstream::Keys(keys.clone())));
        let deadline = now.plus(offer.deadline_ms);
        self.phase = Phase::Keying(Keying { offer, deadline, secret, seeds, step: Step::AwaitFreeze { keys } });
    }

    /// B2 to B4a: checks every member's keys, recomputes the thresholds, encapsulates to every later neighbour.
    pub(super) fn on_freeze(
        &mut self,
        entropy: &mut dyn Entropy,
        freeze: Freeze,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match self.frozen(entropy, freeze) {
            Err(code) => self.give_up(code, outbox),
            Ok((session, items)) => {
                outbox.push(ParticipantEffect::Send(Upstream::Encapsulations { session, items }));
            }
        }
    }

    fn frozen(
        &mut self,
        entropy: &mut dyn Entropy,
        freeze: Freeze,
    ) -> Result<(SessionId, Vec<Encapsulation>), RefusalCode> {
        let client = self.client.ok_or(RefusalCode::Unexpected)?;
        let Phase::Keying(keying) = &self.phase else { return Err(RefusalCode::Unexpected) };
        let Step::AwaitFreeze { keys: own } = &keying.step else { return Err(RefusalCode::Unexpected) };
        if freeze.session != keying.offer.session {
            return Err(RefusalCode::Unexpected);
        }
        let cohort = Self::cohort_of(&freeze.members);
        // In this version everybody who was asked is a member, or the session does not stand.
        if cohort != keying.offer.candidates || !freeze.members.contains(own) {
            return Err(RefusalCode::Unexpected);
        }
        for keys in &freeze.members {
            let key = self.verifying_key(keys.client).ok_or(RefusalCode::RosterInvalid)?;
            let fits = keys.session == freeze.session && keys.commitments.len() == keying.offer.rounds as usize;
            if !fits || !S::verify(&key, &keys.to_sign(), &keys.signature) {
                return Err(RefusalCode::SignatureInvalid);
            }
        }
        let roster = self.offered.as_ref().map(|admitted| &admitted.roster).ok_or(RefusalCode::Unexpected)?;
        let members = roster.organisations(&cohort).ok_or(RefusalCode::RosterInvalid)?;
        self.policy.cohort.accept(&members, &freeze.thresholds).map_err(|_| RefusalCode::PolicyFloor)?;
        // Everybody is dealt shares: a smaller committee and a sparse graph have no place yet, and their thresholds would be too low for all.
        let everybody = freeze.thresholds.committee(&members).holders().len() == cohort.len();
        if !everybody || cohort.len() > COMPLETE_GRAPH_MAX {
            return Err(RefusalCode::PolicyFloor);
        }
        let view = view_digest(&keying.offer, &freeze.members, &freeze.thresholds);
        let mut items = Vec::new();
        let mut secrets = BTreeMap::new();
        for keys in freeze.members.iter().filter(|keys| keys.client > client) {
            let (ciphertext, secret) =
                S::encapsulate(entropy, &keys.exchange).map_err(|_| RefusalCode::BadKeyMaterial)?;
            let mut item = Encapsulation {
                session: freeze.session,
                from: client,
                to: keys.client,
                ciphertext,
                signature: Signature(Vec::new()),
            };
            item.signature = self.sign(&item.to_sign());
            items.push(item);
            secrets.insert(keys.client, secret);
        }
        let session = freeze.session;
        let view = SessionView { session, view, thresholds: freeze.thresholds };
        let Phase::Keying(keying) = &mut self.phase else { return Err(RefusalCode::Unexpected) };
        let frozen = Frozen { members: freeze.members, view };
        keying.step = Step::AwaitEncapsulations { frozen, secrets };
        Ok((session, items))
    }

    /// B4a to B4b: opens the earlier neighbours' encapsulations, derives pair keys, deals out shares.
    pub(super) fn on_encapsulations(
        &mut self,
        entropy: &mut dyn Entropy,
        session: SessionId,
        items: &[Encapsulation],
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        let dealt = self.encapsulated(session, items).and_then(|keys| self.deal(entropy, session, keys, outbox));
        if let Err(code) = dealt {
            self.give_up(code, outbox);
        }
    }

    fn encapsulated(
        &mut self,
        session: SessionId,
        items: &[Encapsulation],
    ) -> Result<(Frozen, BTreeMap<ClientId, SecretKey>), RefusalCode> {
        let client = self.client.ok_or(RefusalCode::Unexpected)?;
        let Phase::Keying(keying) = &mut self.phase else { return Err(RefusalCode::Unexpected) };
        if keying.offer.session != session {
            return Err(RefusalCode::Unexpected);
        }
        let step = core::mem::replace(&mut keying.step, Step::Broken);
        let Step::AwaitEncapsulations { frozen, mut secrets } = step else { return Err(RefusalCode::Unexpected) };
        let expected = keying.offer.candidates.iter().filter(|from| **from < client);
        if !items.iter().map(|item| &item.from).eq(expected) {
            return Err(RefusalCode::Unexpected);
        }
        let Phase::Keying(keying) = &self.phase else { return Err(RefusalCode::Unexpected) };
        for item in items {
            let key = self.verifying_key(item.from).ok_or(RefusalCode::RosterInvalid)?;
            let fits = item.session == session && item.to == client;
            if !fits || !S::verify(&key, &item.to_sign(), &item.signature) {
                return Err(RefusalCode::SignatureInvalid);
            }
            let secret = S::decapsulate(&keying.secret, &item.ciphertext).map_err(|_| RefusalCode::BadKeyMaterial)?;
            secrets.insert(item.from, secret);
        }
        let mut pairs = BTreeMap::new();
        for keys in frozen.members.iter().filter(|keys| keys.client != client) {
            let shared = S::agree(&keying.secret, &keys.exchange).map_err(|_| RefusalCode::BadKeyMaterial)?;
            let encapsulated = secrets.get(&keys.client).ok_or(RefusalCode::Unexpected)?;
            pairs.insert(keys.client, pair_key::<S>(&frozen.view.view, &shared, encapsulated));
        }
        Ok((frozen, pairs))
    }

    /// B4b: a share of every round's seed for every holder, sealed for that holder alone.
    fn deal(
        &mut self,
        entropy: &mut dyn Entropy,
        session: SessionId,
        (frozen, pairs): (Frozen, BTreeMap<ClientId, SecretKey>),
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), RefusalCode> {
        let client = self.client.ok_or(RefusalCode::Unexpected)?;
        let Phase::Keying(keying) = &mut self.phase else { return Err(RefusalCode::Unexpected) };
        let threshold = frozen.view.thresholds.threshold as usize;
        let holders = &keying.offer.candidates;
        // By holder: the values of all rounds, in their order.
        let mut dealt: Vec<Vec<S::Scalar>> = alloc::vec![Vec::with_capacity(keying.seeds.len()); holders.len()];
        for seed in &keying.seeds {
            let shares = share(*seed, threshold, holders.len(), entropy).map_err(|_| RefusalCode::BadKeyMaterial)?;
            for (values, share) in dealt.iter_mut().zip(shares) {
                values.push(share.value);
            }
        }
        let mut bundles = Vec::with_capacity(pairs.len());
        let mut own = Vec::new();
        for (to, mut values) in holders.iter().zip(dealt) {
            let Some(pair) = pairs.get(to) else {
                own = values;
                continue;
            };
            let mut plain: Vec<u8> = values.iter().flat_map(|value| value.to_bytes()).collect();
            let sealed = S::seal(&bundle_key::<S>(pair, client, *to), &bundle_label(session, client, *to), &plain);
            plain.zeroize();
            values.iter_mut().for_each(Zeroize::zeroize);
            bundles.push(SealedShares { from: client, to: *to, sealed });
        }
        outbox.push(ParticipantEffect::Send(Upstream::Shares { session, bundles }));
        keying.step = Step::AwaitShares { frozen, pairs, own };
        Ok(())
    }

    /// B4b to B5: opens every dealer's bundle; now this member holds all that the session needs.
    pub(super) fn on_shares(
        &mut self,
        session: SessionId,
        bundles: &[SealedShares],
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match self.shared(session, bundles) {
            Err(code) => self.give_up(code, outbox),
            Ok(view) => {
                let signature = self.sign(&setup_ack_message(session, &view));
                outbox.push(ParticipantEffect::Send(Upstream::SetupAck { session, signature }));
            }
        }
    }

    fn shared(&mut self, session: SessionId, bundles: &[SealedShares]) -> Result<Digest, RefusalCode> {
        let client = self.client.ok_or(RefusalCode::Unexpected)?;
        let Phase::Keying(keying) = &mut self.phase else { return Err(RefusalCode::Unexpected) };
        if keying.offer.session != session {
            return Err(RefusalCode::Unexpected);
        }
        let step = core::mem::replace(&mut keying.step, Step::Broken);
        let Step::AwaitShares { frozen, pairs, own } = step else { return Err(RefusalCode::Unexpected) };
        if !bundles.iter().map(|bundle| &bundle.from).eq(pairs.keys()) {
            return Err(RefusalCode::Unexpected);
        }
        let rounds = keying.seeds.len();
        let mut held: BTreeMap<ClientId, Vec<S::Scalar>> = BTreeMap::from([(client, own)]);
        for (bundle, pair) in bundles.iter().zip(pairs.values()) {
            let label = bundle_label(session, bundle.from, client);
            let mut plain = S::open(&bundle_key::<S>(pair, bundle.from, client), &label, &bundle.sealed)
                .map_err(|_| RefusalCode::BadKeyMaterial)?;
            let values: Option<Vec<S::Scalar>> =
                plain.chunks(SHARE_BYTES).map(|chunk| chunk.try_into().ok().and_then(S::Scalar::from_bytes)).collect();
            plain.zeroize();
            let values = values.filter(|values| values.len() == rounds).ok_or(RefusalCode::BadKeyMaterial)?;
            held.insert(bundle.from, values);
        }
        let mut keyed = Vec::with_capacity(rounds);
        for (index, round) in (keying.offer.first_round.0..).take(rounds).enumerate() {
            let self_seed = SecretKey::new(keying.seeds[index].to_bytes());
            let pairs = pairs
                .iter()
                .map(|(peer, pair)| (Sign::of_pair(client, *peer), pair_seed::<S>(pair, &session, RoundId(round))))
                .collect();
            let held = held.iter().map(|(dealer, values)| (*dealer, values[index])).collect();
            keyed.push(Some(RoundKeys { seeds: MaskSeeds { self_seed, pairs }, held }));
        }
        held.values_mut().flatten().for_each(Zeroize::zeroize);
        keying.seeds.iter_mut().for_each(Zeroize::zeroize);
        let view = frozen.view.view;
        let session = Session {
            cohort: Self::cohort_of(&frozen.members),
            view: frozen.view,
            first_round: keying.offer.first_round,
            rounds: keyed,
        };
        keying.step = Step::AwaitAcks { session };
        Ok(view)
    }

    /// B5, relayed: masking needs the acknowledgement of the whole cohort.
    pub(super) fn on_setup_acks(
        &mut self,
        id: SessionId,
        signatures: &[Signature],
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        let Phase::Keying(keying) = &self.phase else { return self.give_up(RefusalCode::Unexpected, outbox) };
        let Step::AwaitAcks { session } = &keying.step else { return self.give_up(RefusalCode::Unexpected, outbox) };
        if session.id() != id || signatures.len() != session.cohort.len() {
            return self.give_up(RefusalCode::Unexpected, outbox);
        }
        let message = setup_ack_message(id, &session.view.view);
        let valid = self.all_signed(&message, session.cohort.iter().copied().zip(signatures));
        if !valid {
            return self.give_up(RefusalCode::SignatureInvalid, outbox);
        }
        let Phase::Keying(keying) = core::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let Step::AwaitAcks { session } = keying.step else { return };
        if let Some(admitted) = &self.offered {
            let honest = u128::from(session.view.thresholds.honest_min);
            let share_variance = admitted.plan.noise_variance.div_ceil(honest);
            outbox.push(ParticipantEffect::Keyed { share_variance });
        }
        self.phase = Phase::Ready(session);
    }
}

/// Associated data of a bundle: type, session, dealer, holder.
fn bundle_label(session: SessionId, from: ClientId, to: ClientId) -> Vec<u8> {
    let body = Canonical::new("SHARES").digest(&Digest(session.0)).u32(from.0).u32(to.0);
    signed_message("SHARES", &body.finish())
}

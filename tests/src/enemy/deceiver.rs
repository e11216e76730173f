//! A byzantine coordinator: its honest machine's messages are rewritten on their way, and signed again with its own key.
//!
//! It tells one kind of lie in a run, to one client, to some or to all. It can sign whatever a coordinator signs; it has no key of a client
//! and none of the authorities.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::list::List;
use tributary_protocol::message::{
    Downstream, Freeze, Offer, QuorumCertificate, SignedBody, Start, Survivors, Upstream, Welcome, keys_digest,
};
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::ParticipantInput;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};
use tributary_protocol::secagg::suite::Signature;

use super::heist::{Heist, Letters, Target};
use super::lies::{Earned, LIES_PERMILLE, Liar, Lie as FieldLie, sign_welcome};
use crate::cast::{Keyed, LARGE, coordinator_key, organisations, sybil};
use crate::dice::Dice;

/// What a byzantine coordinator tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Two survivor sets to one client, one after the other: both kinds of share for whoever is in one of them only.
    BothShareKinds,
    /// Nearly everybody dropped out, it says.
    TinySurvivors,
    /// One survivor set for some, another for the rest.
    TwoSurvivorSets,
    /// A certificate with too few signatures, with one of them many times, or with bad ones.
    ForgedQuorum,
    /// Its own keys under the names of others.
    SwappedKeys,
    /// Members of its own invention in the roster.
    Sybils,
    /// A roster that was replaced: the authorities did sign it once.
    OldRoster,
    /// A round that was used already.
    ReplayedRound,
    /// Its ledger is an old one, so that it starts used rounds afresh, and it does not listen to those who know better.
    Amnesia,
    /// Another model for one client, named as what it is, and a round past the machine to open the sum.
    OtherModel,
    /// Another model than the one it names.
    OtherBytes,
    /// A cohort of a few.
    TruncatedCohort,
    /// Thresholds below the policy's.
    WeakerThresholds,
    /// Less noise than the plan says.
    LessNoise,
    /// Now and then one field of a message, whichever it is.
    OneField,
}

/// Every lie.
pub(crate) const LIES: [Lie; 15] = [
    Lie::BothShareKinds,
    Lie::TinySurvivors,
    Lie::TwoSurvivorSets,
    Lie::ForgedQuorum,
    Lie::SwappedKeys,
    Lie::Sybils,
    Lie::OldRoster,
    Lie::ReplayedRound,
    Lie::Amnesia,
    Lie::OtherModel,
    Lie::OtherBytes,
    Lie::TruncatedCohort,
    Lie::WeakerThresholds,
    Lie::LessNoise,
    Lie::OneField,
];

/// What is told to a client: a message, or a start with its model.
pub(crate) enum Rumour {
    Message(Downstream),
    Start(Start, Vec<u8>),
}

/// A byzantine coordinator's other half.
pub(crate) struct Deceiver<S: Keyed> {
    pub(crate) lie: Lie,
    key: S::SigningKey,
    old_roster: SignedRoster,
    /// Who has been shown the true roster.
    welcomed: BTreeSet<ClientId>,
    /// Who is lied to, in thousandths of the clients.
    share: u64,
    /// Lies that are still told: a large cohort pays for each with a key set-up.
    left: u32,
    salt: u64,
    /// By run.
    first_starts: BTreeMap<RunId, (Start, Vec<u8>)>,
    heist: Option<Heist>,
    /// Lies in one field.
    liar: Liar<Earned>,
    /// Who is told of a cohort of its own.
    truncated: Vec<ClientId>,
    /// For a test: a stolen round with one model for all, which must open.
    one_model: bool,
    /// Lies told.
    pub(crate) lies: u32,
}

impl<S: Keyed> Deceiver<S> {
    /// For a roster of so many clients.
    pub(crate) fn new(clients: usize, old_roster: SignedRoster, dice: &mut Dice) -> Self {
        let large = clients > LARGE as usize;
        let few = 1000_u64.div_ceil(clients as u64);
        Self {
            lie: *dice.pick(&LIES),
            key: coordinator_key::<S>(),
            old_roster,
            welcomed: BTreeSet::new(),
            share: if large { few } else { *dice.pick(&[100, 500, 1000]) },
            left: if large { 3 } else { u32::MAX },
            salt: dice.word(),
            first_starts: BTreeMap::new(),
            heist: None,
            liar: Liar::new(LIES_PERMILLE),
            truncated: Vec::new(),
            one_model: false,
            lies: 0,
        }
    }

    /// A thief who shows everybody the same model: it opens what an honest coordinator would.
    #[cfg(test)]
    pub(crate) fn with_one_model(old_roster: SignedRoster, dice: &mut Dice) -> Self {
        Self { lie: Lie::OtherModel, one_model: true, ..Self::new(8, old_roster, dice) }
    }

    /// Somebody who lies to everybody in one field, and often.
    #[cfg(test)]
    pub(crate) fn in_one_field(old_roster: SignedRoster, dice: &mut Dice) -> Self {
        Self { lie: Lie::OneField, share: 1000, liar: Liar::new(60), ..Self::new(8, old_roster, dice) }
    }

    /// What a client is told instead of a message.
    pub(crate) fn rewrite(
        &mut self,
        to: ClientId,
        message: Downstream,
        entropy: &mut dyn Entropy,
        dice: &mut Dice,
    ) -> Vec<Rumour> {
        if !self.is_victim(to) {
            return vec![Rumour::Message(message)];
        }
        let told = match (self.lie, message) {
            (Lie::BothShareKinds, Downstream::Survivors(set)) => self.both(to, set),
            (Lie::TinySurvivors, Downstream::Survivors(set)) => vec![Downstream::Survivors(tiny(to, set, dice))],
            (Lie::TwoSurvivorSets, Downstream::Survivors(set)) => vec![Downstream::Survivors(without_last(to, set))],
            (Lie::ForgedQuorum, Downstream::Survivors(set)) if dice.chance(500) => {
                let certificate = QuorumCertificate { round: set.round, signatures: List::default() };
                vec![Downstream::Survivors(set), Downstream::Quorum(certificate)]
            }
            (Lie::ForgedQuorum, Downstream::Quorum(certificate)) => vec![Downstream::Quorum(forged(certificate, dice))],
            (Lie::SwappedKeys, Downstream::Freeze(freeze)) => {
                vec![Downstream::Freeze(swapped::<S>(to, freeze, entropy, dice))]
            }
            (Lie::Sybils, Downstream::Welcome(welcome)) => vec![Downstream::Welcome(Box::new(self.padded(*welcome)))],
            // Whoever has not seen the new one yet cannot know it.
            (Lie::OldRoster, Downstream::Welcome(welcome)) if !self.welcomed.insert(to) => {
                vec![Downstream::Welcome(Box::new(self.dated(*welcome)))]
            }
            (Lie::TruncatedCohort, Downstream::Offer(offer)) => {
                vec![Downstream::Offer(self.truncated_offer(to, offer))]
            }
            (Lie::TruncatedCohort, Downstream::Freeze(freeze)) => {
                vec![Downstream::Freeze(self.truncated_freeze(freeze))]
            }
            (Lie::OneField, message) => match self.liar.tell::<S>(to, &message, dice) {
                Some(lied) => vec![lied],
                None => return vec![Rumour::Message(message)],
            },
            (Lie::WeakerThresholds, Downstream::Freeze(freeze)) => vec![Downstream::Freeze(weaker(freeze, dice))],
            (_, message) => return vec![Rumour::Message(message)],
        };
        self.count();
        told.into_iter().map(Rumour::Message).collect()
    }

    /// A round begins. One that is stolen is run past the machine.
    pub(crate) fn round_starts(&mut self, target: Target) {
        self.heist = None;
        if self.lie == Lie::OtherModel && self.left > 0 {
            self.left -= 1;
            self.heist = Some(Heist::new(target));
        }
    }

    /// A client's message on its way to the machine. `Some` keeps it from the machine, and says what is told in answer.
    pub(crate) fn overhear(&mut self, run: RunId, from: ClientId, message: &Upstream) -> Option<Letters> {
        self.heist.as_mut().filter(|heist| heist.run() == run)?.overhear(from, message)
    }

    /// The run in which a round is stolen, if one is.
    pub(crate) fn robs(&self) -> Option<RunId> {
        self.heist.as_ref().map(Heist::run)
    }

    /// A vector that the machine does not want.
    pub(crate) fn overhear_vector(&mut self, from: ClientId, bytes: &[u8]) -> Letters {
        self.heist.as_mut().map_or_else(Vec::new, |heist| heist.overhear_vector(from, bytes))
    }

    /// The round whose sum the coordinator opened past its machine, if it could.
    pub(crate) fn opened(&self) -> Option<RoundId> {
        self.heist.as_ref().filter(|heist| heist.opens::<S>()).map(Heist::round)
    }

    /// What a client is told instead of a round's start.
    pub(crate) fn restart(
        &mut self,
        run: RunId,
        to: ClientId,
        (start, model): (Start, Vec<u8>),
        dice: &mut Dice,
    ) -> Vec<Rumour> {
        let (mut start, mut model) = (start, model);
        if let Some(heist) = self.heist.as_mut().filter(|heist| heist.run() == run) {
            if heist.victim() == to && !self.one_model {
                model = b"a model for one client, no other".to_vec();
                start.descriptor.model = Digest::of(&model);
                start.signature = S::sign(&self.key, &start.descriptor.to_sign::<S>());
            }
            heist.shown(to, start.descriptor.digest());
            self.lies += 1;
            return vec![Rumour::Start(start, model)];
        }
        if !self.is_victim(to) {
            return vec![Rumour::Start(start, model)];
        }
        match self.lie {
            Lie::ReplayedRound => {
                let first = self.first_starts.entry(run);
                let first = first.or_insert_with(|| (start.clone(), model.clone())).clone();
                if first.0.descriptor.round == start.descriptor.round {
                    return vec![Rumour::Start(start, model)];
                }
                let mut again = start.clone();
                again.descriptor.round = first.0.descriptor.round;
                let again = self.signed(again);
                self.count();
                // The old start as it was, or its round's number in this session.
                return match self.lies % 2 {
                    0 => vec![Rumour::Start(first.0, first.1), Rumour::Start(start, model)],
                    _ => vec![Rumour::Start(again, model)],
                };
            }
            Lie::OneField => match self.liar.start::<S>(to, &start, dice) {
                Some(lied) => start = lied,
                None => return vec![Rumour::Start(start, model)],
            },
            Lie::OtherBytes => model = b"bytes that the start does not name".to_vec(),
            Lie::LessNoise => {
                start.descriptor.share_variance /= 2;
                start = self.signed(start);
            }
            _ => return vec![Rumour::Start(start, model)],
        }
        self.count();
        vec![Rumour::Start(start, model)]
    }

    /// The lie in one field that a client hears now.
    pub(crate) fn lie_heard(&mut self, client: ClientId, input: &ParticipantInput) -> Option<FieldLie<Earned>> {
        match input {
            ParticipantInput::Message(message) => self.liar.heard_message(client, message),
            ParticipantInput::Started { start, .. } => self.liar.heard_start(client, start),
            _ => None,
        }
    }

    fn count(&mut self) {
        self.lies += 1;
        self.left -= 1;
    }

    fn is_victim(&self, client: ClientId) -> bool {
        self.left > 0 && Dice::new(self.salt, client.0.into()).chance(self.share)
    }

    fn both(&self, to: ClientId, set: Survivors) -> Vec<Downstream> {
        let other = without_last(to, set.clone());
        vec![Downstream::Survivors(set), Downstream::Survivors(other)]
    }

    fn signed(&self, mut start: Start) -> Start {
        start.signature = S::sign(&self.key, &start.descriptor.to_sign::<S>());
        start
    }

    /// The roster with sybils in it. The authorities' signatures are those of the true one.
    fn padded(&self, mut welcome: Welcome) -> Welcome {
        let mut entries = welcome.roster.roster.entries().to_vec();
        let last = entries.last().map_or(0, |entry| entry.client.0);
        entries.extend((1..=5).map(|more| sybil::<S>(ClientId(last + more))));
        let roster = &welcome.roster.roster;
        welcome.roster.roster =
            Roster::new(roster.epoch(), roster.previous(), entries, roster.groups().to_vec(), roster.people().to_vec())
                .expect("sybils are in order");
        sign_welcome::<S>(&mut welcome);
        welcome
    }

    fn dated(&self, mut welcome: Welcome) -> Welcome {
        welcome.roster.clone_from(&self.old_roster);
        sign_welcome::<S>(&mut welcome);
        welcome
    }

    fn truncated_offer(&mut self, to: ClientId, mut offer: Offer) -> Offer {
        let others = offer.candidates.iter().copied().filter(|client| *client != to).take(4);
        let mut few: Vec<ClientId> = others.chain([to]).collect();
        few.sort_unstable();
        self.truncated.clone_from(&few);
        offer.candidates = few.into();
        offer.signature = Signature::none();
        offer.signature = S::sign(&self.key, &offer.to_sign::<S>());
        offer
    }

    fn truncated_freeze(&self, mut freeze: Freeze) -> Freeze {
        freeze.members.to_mut().retain(|statement| self.truncated.contains(&statement.client));
        freeze.keys.to_mut().retain(|keys| self.truncated.contains(&keys.client));
        let coalition = CoalitionRule::Fraction { permille: 0 };
        let lax = CohortRule { coalition, cohort_min: 2, organisations_min: 1, survivors_permille: 800, honest_min: 1 };
        if let Ok(thresholds) = lax.thresholds(&organisations(&self.truncated), self.truncated.len()) {
            freeze.thresholds = thresholds;
        }
        freeze
    }
}

/// A set of the client and one more.
fn tiny(to: ClientId, mut set: Survivors, dice: &mut Dice) -> Survivors {
    let companion = set.uploads[dice.index(set.uploads.len())].0;
    set.uploads.to_mut().retain(|(client, _)| *client == to || *client == companion);
    set
}

/// The set without one other member: still as large as most policies ask.
fn without_last(to: ClientId, mut set: Survivors) -> Survivors {
    if let Some(at) = set.uploads.iter().rposition(|(client, _)| *client != to) {
        set.uploads.to_mut().remove(at);
    }
    set
}

fn forged(mut certificate: QuorumCertificate, dice: &mut Dice) -> QuorumCertificate {
    let signatures = certificate.signatures.to_mut();
    match dice.below(3) {
        0 => signatures.truncate(1),
        1 => {
            let first = signatures[0].clone();
            signatures.iter_mut().for_each(|entry| entry.1 = first.1.clone());
        }
        _ => signatures.iter_mut().for_each(|(_, signature)| signature.bytes[0] ^= 1),
    }
    certificate
}

/// The coordinator's own keys under another's name, with that client's statement as it was or made to fit.
fn swapped<S: Keyed>(to: ClientId, mut freeze: Freeze, entropy: &mut dyn Entropy, dice: &mut Dice) -> Freeze {
    if freeze.keys.is_empty() {
        return freeze;
    }
    let at = dice.index(freeze.keys.len());
    let keys = &mut freeze.keys.to_mut()[at];
    if keys.client == to {
        return freeze;
    }
    keys.exchange = S::exchange_keys(entropy).1;
    let digest = keys_digest::<S>(&keys.exchange, &keys.commitments);
    let client = keys.client;
    if let Some(statement) =
        freeze.members.to_mut().iter_mut().find(|statement| statement.client == client && dice.chance(500))
    {
        statement.keys = digest;
    }
    freeze
}

fn weaker(mut freeze: Freeze, dice: &mut Dice) -> Freeze {
    let thresholds = &mut freeze.thresholds;
    match dice.below(3) {
        0 => {
            thresholds.survivors_min -= 1;
            thresholds.honest_min -= 1;
        }
        1 => {
            thresholds.quorum -= 1;
            thresholds.threshold -= 1;
        }
        _ => {
            thresholds.coalition_max -= 1;
            thresholds.honest_min += 1;
        }
    }
    freeze
}

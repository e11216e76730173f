//! A byzantine coordinator that runs a round by itself, past its honest machine: one client trains on another model than the rest, and the
//! coordinator uses every share it gets to open the sum. If masks did not depend on the model, it would learn what that client's data
//! make of a model of its choice.

use std::collections::BTreeMap;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::message::{Downstream, QuorumCertificate, Survivors, Upstream};
use tributary_protocol::secagg::labels::self_mask_key;
use tributary_protocol::secagg::mask::{CHECK_COORDINATES, Sign, apply_all};
use tributary_protocol::secagg::modular::{Ring, RingWords};
use tributary_protocol::secagg::shares::LagrangeAtZero;
use tributary_protocol::secagg::suite::{FieldElement, SecretKey, Signature, Suite};

/// What is told to whom.
pub(crate) type Letters = Vec<(ClientId, Downstream)>;

/// One round run past the machine.
pub(crate) struct Heist {
    run: RunId,
    round: RoundId,
    cohort: Vec<ClientId>,
    threshold: usize,
    victim: ClientId,
    ring: Ring,
    dimension: usize,
    descriptors: BTreeMap<ClientId, Digest>,
    announced: BTreeMap<ClientId, Digest>,
    vectors: BTreeMap<ClientId, Vec<u8>>,
    acknowledged: BTreeMap<ClientId, Signature>,
    shares: BTreeMap<ClientId, Vec<[u8; 32]>>,
}

/// A round as it is stolen.
pub(crate) struct Target {
    pub(crate) run: RunId,
    pub(crate) round: RoundId,
    /// Ascending.
    pub(crate) cohort: Vec<ClientId>,
    pub(crate) threshold: usize,
    pub(crate) victim: ClientId,
    pub(crate) ring: Ring,
    pub(crate) dimension: usize,
}

impl Heist {
    pub(crate) fn new(target: Target) -> Self {
        let Target { run, round, cohort, threshold, victim, ring, dimension } = target;
        Self {
            run,
            round,
            cohort,
            threshold,
            victim,
            ring,
            dimension,
            descriptors: BTreeMap::new(),
            announced: BTreeMap::new(),
            vectors: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            shares: BTreeMap::new(),
        }
    }

    pub(crate) fn run(&self) -> RunId {
        self.run
    }

    pub(crate) fn round(&self) -> RoundId {
        self.round
    }

    pub(crate) fn victim(&self) -> ClientId {
        self.victim
    }

    /// A client was shown this descriptor.
    pub(crate) fn shown(&mut self, to: ClientId, descriptor: Digest) {
        self.descriptors.insert(to, descriptor);
    }

    /// A message of this round, kept from the machine. What is told in answer; `None` if the message is not of this round.
    pub(crate) fn overhear(&mut self, from: ClientId, message: &Upstream) -> Option<Letters> {
        match message {
            Upstream::Masked(header) if header.round == self.round => {
                self.announced.insert(from, header.vector);
                Some(Vec::new())
            }
            Upstream::SurvivorsAck { round, signature } if *round == self.round => {
                self.acknowledged.insert(from, signature.clone());
                Some(self.certificate())
            }
            Upstream::Unmask { round, shares } if *round == self.round => {
                self.shares.insert(from, shares.clone());
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// The vector behind a header that was kept from the machine.
    pub(crate) fn overhear_vector(&mut self, from: ClientId, bytes: &[u8]) -> Letters {
        self.vectors.insert(from, bytes.to_vec());
        if self.vectors.len() < self.cohort.len() {
            return Vec::new();
        }
        let uploads = self.announced.iter().map(|(client, vector)| (*client, *vector)).collect();
        let survivors = Survivors { round: self.round, uploads };
        self.cohort.iter().map(|client| (*client, Downstream::Survivors(survivors.clone()))).collect()
    }

    /// With everybody's acknowledgement: a certificate that holds for all who saw the same descriptor.
    fn certificate(&self) -> Letters {
        if self.acknowledged.len() < self.cohort.len() {
            return Vec::new();
        }
        let others = self.acknowledged.iter().filter(|(client, _)| **client != self.victim);
        let signatures = others.map(|(client, signature)| (*client, signature.clone())).collect();
        let certificate = QuorumCertificate { round: self.round, signatures };
        self.cohort.iter().map(|client| (*client, Downstream::Quorum(certificate.clone()))).collect()
    }

    /// Whether the shares open a sum that says, coordinate by coordinate, who is in it.
    pub(crate) fn opens<S: Suite>(&self) -> bool {
        [false, true].into_iter().filter_map(|blind| self.open::<S>(blind)).any(|values| {
            let one = |client: &ClientId| values.get(client.0 as usize - 1) == Some(&1);
            self.cohort.iter().all(one) && values.iter().filter(|value| **value != 0).count() == self.cohort.len()
        })
    }

    /// With the keys of masks that depend on the descriptor, or of `blind` ones that do not.
    fn open<S: Suite>(&self, blind: bool) -> Option<Vec<i64>> {
        // More shares than the threshold say no more.
        if self.shares.len() != self.threshold {
            return None;
        }
        let rank = |holder: &ClientId| u16::try_from(self.cohort.binary_search(holder).ok()? + 1).ok();
        let points: Option<Vec<u16>> = self.shares.keys().map(rank).collect();
        let lagrange = LagrangeAtZero::<S::Scalar>::new(&points?).ok()?;
        let mut masks = Vec::with_capacity(self.cohort.len());
        for (index, client) in self.cohort.iter().enumerate() {
            let values = self.shares.values().map(|shares| S::Scalar::from_bytes(*shares.get(index)?));
            let seed = SecretKey::new(lagrange.reconstruct(&values.collect::<Option<Vec<_>>>()?).ok()?.to_bytes());
            let descriptor = if blind { &Digest::ZERO } else { self.descriptors.get(client)? };
            masks.push((Sign::Subtract, self_mask_key::<S>(&seed, descriptor)));
        }
        let words = self.dimension + CHECK_COORDINATES;
        let mut sum = RingWords::zero(self.ring, words);
        for bytes in self.vectors.values() {
            sum.add(&RingWords::from_le_bytes(self.ring, words, bytes).ok()?).ok()?;
        }
        apply_all::<S>(&mut sum, &masks);
        let mut values = sum.centred();
        values.truncate(self.dimension);
        Some(values)
    }
}

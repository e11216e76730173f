//! The public state: what a round starts from, as every participant is given it.
//!
//! Its bytes are the parameters as little-endian 32-bit floats. Where the stage adapts its bound, the bound follows them as a 64-bit float. What
//! earlier rounds of the run have released beside the model comes last: customers of each head as 64-bit floats, then block weights, groups of
//! slots in pairs and pairs of fields as 32-bit integers, and learnt groups as 16-bit integers. A stage begins with a bound and releases that its settings
//! name, unless it is handed others. Those are in the plan already, so
//! they do not enter the digest: a state with them has the digest of its parameters. So a model that a stage hands on is, by digest, the state
//! with which the next one begins.

use std::borrow::Cow;

use tributary_protocol::digest::{Canonical, Digest};

use tributary_protocol::versioned::{Release, Versioned};

use crate::architecture::Architecture;
use crate::pairs::Pairing;
use crate::parameters::{Parameters, ParametersError, digest_of};
use crate::update::is_clip_norm;

/// The layout of a stored public state. The header is the file's alone: a state's digest is over the bytes after it.
pub const STATE_FORMAT: Versioned = Versioned {
    what: "a public state",
    magic: *b"TRIBSTAT",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Run the plan anew",
};

/// Bytes of the bound.
pub(super) const BOUND_BYTES: usize = size_of::<f64>();

/// What every participant of a round is given.
#[derive(Clone, PartialEq)]
pub struct PublicState {
    /// The model.
    pub parameters: Parameters,
    /// L2 bound of a difference of models, where the stage adapts it.
    pub update_clip_norm: Option<f64>,
    /// What earlier rounds of the run have released beside the model, where the stage uses it.
    pub known: Known,
}

/// What rounds of a run have released beside the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// For each head the noised number of customers whose label is known; finite.
    pub customers: Vec<f64>,
    /// Block weights, head by head.
    pub weights: Vec<u32>,
    /// Which fields are learnt in pairs; empty where none are.
    pub pairing: Pairing,
    /// Groups of the schema's slots that were learnt, as [`crate::blocks::Blocks::learnt`] writes them.
    pub groups: Vec<u16>,
}

/// Everything in a public state but its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// L2 bound of a difference of models, where the stage adapts it.
    pub update_clip_norm: Option<f64>,
    /// What earlier rounds have released.
    pub known: Known,
}

/// Bytes that are no public state of this stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateFault {
    /// Another length.
    #[error("the public state has {found} bytes, and the stage's has {expected}: it belongs to another stage or plan")]
    Length {
        /// The stage's.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The parameters cannot be used.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The bound cannot be used.
    #[error("the public state's update_clip_norm is no clip norm (0.001 to 1e6): do not use it")]
    Bound,
    /// The releases cannot be used.
    #[error(
        "the public state's counts of customers, block weights, groups or pairs of fields are outside of what its stage admits: a customer \
         could move the sum by more than the plan says. Do not use it"
    )]
    Known,
}

/// How the public state of one stage is written.
#[derive(Clone)]
pub(super) struct StateForm<'a> {
    /// The stage's own network.
    pub(super) architecture: Cow<'a, Architecture>,
    /// What the stage begins with where nothing else is handed on to it.
    pub(super) first: Beside,
}

impl Beside {
    /// A bound alone.
    #[must_use]
    pub fn bound(update_clip_norm: Option<f64>) -> Self {
        Self { update_clip_norm, known: Known::default() }
    }

    /// As it is written after the parameters.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { update_clip_norm, known } = self;
        let numbers = update_clip_norm.iter().chain(&known.customers).flat_map(|number| number.to_le_bytes());
        let Pairing { groups, fields } = &known.pairing;
        let integers = known.weights.iter().chain(groups).chain(fields.iter().flatten());
        let groups = known.groups.iter().flat_map(|group| group.to_le_bytes());
        numbers.chain(integers.flat_map(|integer| integer.to_le_bytes())).chain(groups).collect()
    }

    fn bytes(&self) -> usize {
        let numbers = usize::from(self.update_clip_norm.is_some()) + self.known.customers.len();
        BOUND_BYTES * numbers + size_of::<u32>() * self.integers() + size_of::<u16>() * self.known.groups.len()
    }

    /// Numbers of 32 bits.
    fn integers(&self) -> usize {
        let Known { weights, pairing: Pairing { groups, fields }, .. } = &self.known;
        weights.len() + groups.len() + 2 * fields.len()
    }

    /// What another state of the same stage says, from bytes of the right number.
    fn like(&self, bytes: &[u8]) -> Self {
        let numbers = usize::from(self.update_clip_norm.is_some()) + self.known.customers.len();
        let (numbers, rest) = bytes.split_at_checked(BOUND_BYTES * numbers).unwrap_or_default();
        let (integers, learnt) = rest.split_at_checked(size_of::<u32>() * self.integers()).unwrap_or_default();
        let mut numbers = numbers.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        let update_clip_norm = self.update_clip_norm.and_then(|_| numbers.next());
        let mut integers = integers.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let weights = integers.by_ref().take(self.known.weights.len()).collect();
        let of_pairs = integers.by_ref().take(self.known.pairing.groups.len()).collect();
        let fields: Vec<u32> = integers.collect();
        let pairing = Pairing { groups: of_pairs, fields: fields.as_chunks().0.to_vec() };
        let groups = learnt.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
        Self { update_clip_norm, known: Known { customers: numbers.collect(), weights, pairing, groups } }
    }

    /// A bound that is one, and numbers that are numbers.
    fn checked(self) -> Result<Self, StateFault> {
        if !self.update_clip_norm.is_none_or(is_clip_norm) {
            return Err(StateFault::Bound);
        }
        if self.known.customers.iter().all(|customers| customers.is_finite()) {
            Ok(self)
        } else {
            Err(StateFault::Known)
        }
    }
}

impl PublicState {
    /// A model alone.
    #[must_use]
    pub fn of(parameters: Parameters) -> Self {
        Self { parameters, update_clip_norm: None, known: Known::default() }
    }

    /// A model, and what stands beside it.
    #[must_use]
    pub fn new(parameters: Parameters, beside: Beside) -> Self {
        Self { parameters, update_clip_norm: beside.update_clip_norm, known: beside.known }
    }

    /// Everything but the parameters.
    #[must_use]
    pub fn beside(&self) -> Beside {
        Beside { update_clip_norm: self.update_clip_norm, known: self.known.clone() }
    }

    /// All parameters zero.
    #[must_use]
    pub fn zero(architecture: &Architecture) -> Self {
        Self::of(Parameters::zero(architecture))
    }

    /// The bytes that participants are given.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.parameters.to_le_bytes();
        bytes.extend(self.beside().to_bytes());
        bytes
    }
}

impl StateForm<'_> {
    fn parameter_bytes(&self) -> usize {
        size_of::<f32>() * self.architecture.parameter_count()
    }

    /// Bytes of a state.
    pub(super) fn bytes(&self) -> usize {
        self.parameter_bytes() + self.first.bytes()
    }

    /// The parameters' bytes, and what stands after them.
    fn parts<'b>(&self, bytes: &'b [u8]) -> Result<(&'b [u8], Beside), StateFault> {
        let length = StateFault::Length { expected: self.bytes(), found: bytes.len() };
        let parts = bytes.split_at_checked(self.parameter_bytes()).filter(|_| bytes.len() == self.bytes());
        let (parameters, beside) = parts.ok_or(length)?;
        Ok((parameters, self.first.like(beside)))
    }

    /// What stands beside the parameters in a state's bytes, judged.
    pub(super) fn beside(&self, bytes: &[u8]) -> Result<Beside, StateFault> {
        self.parts(bytes)?.1.checked()
    }

    /// A state from bytes that are trusted, or to be verified: every parameter within its limits.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<PublicState, StateFault> {
        let (parameters, beside) = self.parts(bytes)?;
        let parameters = Parameters::from_le_bytes(&self.architecture, parameters)?;
        Ok(PublicState::new(parameters, beside.checked()?))
    }

    /// A state from somebody who is not trusted: parameters beyond their limits stay at them.
    pub(super) fn admit(&self, bytes: &[u8]) -> Result<PublicState, StateFault> {
        let (parameters, beside) = self.parts(bytes)?;
        let values = parameters.as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let parameters = Parameters::clamped(self.architecture.clone().into_owned(), values)?;
        Ok(PublicState::new(parameters, beside.checked()?))
    }

    /// What is kept of a state: its parameters alone, where the rest is what the stage begins with.
    pub(super) fn stored(&self, state: &PublicState) -> Vec<u8> {
        let is_first = state.beside().to_bytes() == self.first.to_bytes();
        if is_first { state.parameters.to_le_bytes() } else { state.to_bytes() }
    }

    /// A state's bytes from what was kept of it.
    pub(super) fn restored(&self, mut stored: Vec<u8>) -> Vec<u8> {
        if stored.len() == self.parameter_bytes() {
            stored.extend(self.first.to_bytes());
        }
        stored
    }

    /// The digest of a state's bytes, whatever they are.
    pub(super) fn digest(&self, bytes: &[u8]) -> Digest {
        // What has another length is no state, and its digest is that of no model.
        let Ok((values, beside)) = self.parts(bytes) else { return digest_of(&self.architecture, &[]) };
        let parameters = digest_of(&self.architecture, values);
        let rest = beside.to_bytes();
        if rest == self.first.to_bytes() {
            return parameters;
        }
        match beside {
            Beside { update_clip_norm: Some(bound), known } if known == Known::default() => {
                Canonical::new("tributary/public-state/1").digest(&parameters).u64(bound.to_bits()).finish()
            }
            _ => Canonical::new("tributary/public-state/2").digest(&parameters).bytes(&rest).finish(),
        }
    }
}

/// A number of a model.
#[expect(clippy::cast_possible_truncation, reason = "a model is made of 32-bit floats")]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}

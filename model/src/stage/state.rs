//! The public state: what a round starts from, as every participant is given it.
//!
//! Its bytes are the parameters as little-endian 32-bit floats. Where the stage adapts its bound, the bound follows them as a 64-bit float. A
//! stage begins with the bound that its settings name. That one is in the plan already, so it does not enter the digest: a state with it has
//! the digest of its parameters. So the state that a stage hands on is, by digest, the state with which the next one begins.

use tributary_protocol::digest::{Canonical, Digest};

use tributary_protocol::versioned::{Release, Versioned};

use crate::architecture::Architecture;
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
}

/// How the public state of one stage is written.
#[derive(Clone, Copy)]
pub(super) struct StateForm<'a> {
    pub(super) architecture: &'a Architecture,
    /// The bound with which the stage begins, where it adapts it.
    pub(super) first_bound: Option<f64>,
}

impl PublicState {
    /// A state without a bound.
    #[must_use]
    pub fn of(parameters: Parameters) -> Self {
        Self { parameters, update_clip_norm: None }
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
        bytes.extend(self.update_clip_norm.into_iter().flat_map(f64::to_le_bytes));
        bytes
    }
}

impl StateForm<'_> {
    /// Bytes of a state.
    pub(super) fn bytes(&self) -> usize {
        let bound = if self.first_bound.is_some() { BOUND_BYTES } else { 0 };
        size_of::<f32>() * self.architecture.parameter_count() + bound
    }

    /// The parameters' bytes, and the bound.
    fn parts<'b>(&self, bytes: &'b [u8]) -> Result<(&'b [u8], Option<f64>), StateFault> {
        if bytes.len() != self.bytes() {
            return Err(StateFault::Length { expected: self.bytes(), found: bytes.len() });
        }
        match bytes.split_last_chunk::<BOUND_BYTES>() {
            Some((parameters, bound)) if self.first_bound.is_some() => {
                Ok((parameters, Some(f64::from_le_bytes(*bound))))
            }
            _ => Ok((bytes, None)),
        }
    }

    /// The bound in a state's bytes, judged.
    pub(super) fn bound(&self, bytes: &[u8]) -> Result<Option<f64>, StateFault> {
        let (_, bound) = self.parts(bytes)?;
        if bound.is_none_or(is_clip_norm) { Ok(bound) } else { Err(StateFault::Bound) }
    }

    /// A state from bytes that are trusted, or to be verified: every parameter within its limits.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<PublicState, StateFault> {
        let (parameters, _) = self.parts(bytes)?;
        let parameters = Parameters::from_le_bytes(self.architecture, parameters)?;
        Ok(PublicState { parameters, update_clip_norm: self.bound(bytes)? })
    }

    /// A state from somebody who is not trusted: parameters beyond their limits stay at them.
    pub(super) fn admit(&self, bytes: &[u8]) -> Result<PublicState, StateFault> {
        let (parameters, _) = self.parts(bytes)?;
        let values = parameters.as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let parameters = Parameters::clamped(self.architecture.clone(), values)?;
        Ok(PublicState { parameters, update_clip_norm: self.bound(bytes)? })
    }

    /// The digest of a state's bytes, whatever they are.
    pub(super) fn digest(&self, bytes: &[u8]) -> Digest {
        // What has another length is no state, and its digest is that of no model.
        let Ok((parameters, bound)) = self.parts(bytes) else { return digest_of(self.architecture, &[]) };
        let parameters = digest_of(self.architecture, parameters);
        let moved = bound.map(f64::to_bits).filter(|bound| self.first_bound.map(f64::to_bits) != Some(*bound));
        match moved {
            None => parameters,
            Some(bound) => Canonical::new("tributary/public-state/1").digest(&parameters).u64(bound).finish(),
        }
    }
}

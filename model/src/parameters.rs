//! The values of a model: one flat vector, bound to the shape it belongs to.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use tributary_protocol::digest::{Canonical, Digest};

use crate::architecture::{Activation, Architecture, LayerShape};

/// Largest absolute value of a parameter. Far beyond any useful one: it keeps a hostile model from overflowing a branch's arithmetic early.
pub const PARAMETER_ABS_MAX: f32 = 1_048_576.0;

/// Weights below this are zeros where rows are scored. A product of such a weight with a row's activation could be a denormal number, which a
/// processor computes slowly: the time would then say something about a row. The same for every row, and far below what changes a score.
pub(crate) const WEIGHT_ABS_MIN: f32 = 1.0 / (1_u64 << 40) as f32;

/// A weight of a layer as it is used, where models are trained, evaluated and scored.
pub(crate) fn settled(value: f32) -> f32 {
    if value.abs() < WEIGHT_ABS_MIN { 0.0 } else { value }
}

/// A model's parameters, laid out as [`Architecture::layout`] says. Parsed: as many as the architecture has, each finite and bounded.
#[derive(Clone, PartialEq)]
pub struct Parameters {
    architecture: Architecture,
    values: Vec<f32>,
}

/// Values that are no parameters of this architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// Another number of values.
    #[error("{found} parameters, but the architecture has {expected}: the model belongs to another plan")]
    Length {
        /// The architecture's count.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// Not a whole number of values.
    #[error("{0} bytes are not a whole number of 32-bit floats: the model is cut off or damaged; fetch it again")]
    Ragged(usize),
    /// A value that no model may have.
    #[error(
        "parameter {0} is not finite or beyond {PARAMETER_ABS_MAX}: training diverged or the model is damaged; lower the learning rate or fetch it again"
    )]
    Value(usize),
}

impl Parameters {
    /// Parses values.
    ///
    /// # Errors
    /// If their number is not the architecture's, or one is not finite or beyond [`PARAMETER_ABS_MAX`].
    pub fn new(architecture: Architecture, values: Vec<f32>) -> Result<Self, ParametersError> {
        let expected = architecture.parameter_count();
        if values.len() != expected {
            return Err(ParametersError::Length { expected, found: values.len() });
        }
        // All at once, without a branch; which one it is asks nobody as long as none is. What is no number is no less than the bound either.
        let fits = |value: &f32| value.abs() <= PARAMETER_ABS_MAX;
        if values.iter().fold(true, |all, value| all & fits(value)) {
            return Ok(Self { architecture, values });
        }
        Err(ParametersError::Value(values.iter().position(|value| !fits(value)).unwrap_or_default()))
    }

    /// Values as a branch takes them from somebody whom it does not trust: what is not finite is 0, what is too large stays at
    /// [`PARAMETER_ABS_MAX`]. The digest of what arrived is judged before, over the bytes as they are.
    ///
    /// # Errors
    /// If their number is not the architecture's.
    pub fn clamped(architecture: Architecture, mut values: Vec<f32>) -> Result<Self, ParametersError> {
        for value in &mut values {
            *value = if value.is_nan() { 0.0 } else { value.clamp(-PARAMETER_ABS_MAX, PARAMETER_ABS_MAX) };
        }
        Self::new(architecture, values)
    }

    /// All zero.
    #[must_use]
    pub fn zero(architecture: &Architecture) -> Self {
        Self { architecture: architecture.clone(), values: vec![0.0; architecture.parameter_count()] }
    }

    /// The public first model: zeros for logistic regression and for every bias and head; hidden weights uniform in +-bound, with bound
    /// sqrt(6 / inputs) for rectified linear units (He et al. 2015) and sqrt(6 / (inputs + outputs)) for tanh (Glorot and Bengio 2010).
    ///
    /// The stream is ChaCha20 (RFC 8439) keyed by the seed's digest, so that the same seed gives the same model on every machine. It is no
    /// secret and makes none.
    #[must_use]
    pub fn initial(architecture: &Architecture, seed: u64) -> Self {
        let mut values = vec![0.0; architecture.parameter_count()];
        let key = Canonical::new("tributary/initial-parameters/1").u64(seed).finish();
        let mut stream = ChaCha20::new(&key.as_bytes()[..].try_into().expect("a digest has 32 bytes"), &[0; 12].into());
        let layout = architecture.layout();
        for layer in layout.iter().take(architecture.hidden().len()) {
            let bound = uniform_bound(layer, architecture.activation());
            for value in &mut values[layer.weights..layer.biases] {
                let mut word = [0; 4];
                stream.apply_keystream(&mut word);
                *value = uniform(u32::from_le_bytes(word)) * bound;
            }
        }
        Self { architecture: architecture.clone(), values }
    }

    /// The shape these values belong to.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The values, in the order of [`Architecture::layout`].
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values as little-endian 32-bit floats, one after the other.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Parses what [`Parameters::to_le_bytes`] wrote; total, whatever the bytes are.
    ///
    /// # Errors
    /// If the length is not the architecture's, or a value is not finite or beyond [`PARAMETER_ABS_MAX`].
    pub fn from_le_bytes(architecture: &Architecture, bytes: &[u8]) -> Result<Self, ParametersError> {
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(ParametersError::Ragged(bytes.len()));
        }
        let expected = architecture.parameter_count();
        if words.len() != expected {
            return Err(ParametersError::Length { expected, found: words.len() });
        }
        Self::new(architecture.clone(), words.iter().map(|word| f32::from_le_bytes(*word)).collect())
    }

    /// Digest over the architecture's digest and the vector digest of the values' bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(&self.architecture, &self.to_le_bytes())
    }
}

/// Digest of a model, from its network and its values' bytes ([`Parameters::to_le_bytes`]): for whoever has the bytes already. Bytes of
/// another length are no model, and have a digest that none has.
#[must_use]
pub fn digest_of(architecture: &Architecture, bytes: &[u8]) -> Digest {
    if bytes.len() != 4 * architecture.parameter_count() {
        return Canonical::new("tributary/no-model/1").finish();
    }
    let values = Digest::of_vector(bytes);
    Canonical::new("tributary/parameters/2").digest(&architecture.digest()).digest(&values).finish()
}

fn uniform_bound(layer: &LayerShape, activation: Activation) -> f32 {
    let fan = match activation {
        Activation::Relu => layer.inputs,
        Activation::Tanh => layer.inputs + layer.outputs,
    };
    (6.0 / fan as f32).sqrt()
}

/// Uniform in [-1, 1) on a grid of 2^-23, exactly representable.
fn uniform(word: u32) -> f32 {
    (word >> 8) as f32 / 8_388_608.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Architecture {
        Architecture::mlp(10, &[8], &["churn"]).unwrap()
    }

    #[test]
    fn a_first_model_is_a_function_of_its_seed() {
        let first = Parameters::initial(&shape(), 7);
        assert!(first == Parameters::initial(&shape(), 7));
        assert!(first.digest() != Parameters::initial(&shape(), 8).digest());
        let bound = 0.6_f32.sqrt();
        let (weights, rest) = first.values().split_at(80);
        assert!(weights.iter().all(|value| value.abs() <= bound));
        assert!(weights.iter().any(|value| *value > bound / 2.0) && weights.iter().any(|value| *value < -bound / 2.0));
        assert!(rest.iter().all(|value| *value == 0.0));
    }

    #[test]
    fn a_first_model_is_frozen() {
        let digest = Parameters::initial(&shape(), 1).digest();
        assert_eq!(digest.short(), "f26c036e");
    }

    #[test]
    fn logistic_regression_starts_at_zero() {
        let logistic = Architecture::logistic(10, &["churn"]).unwrap();
        assert!(Parameters::initial(&logistic, 7).values().iter().all(|value| *value == 0.0));
    }

    #[test]
    fn bytes_come_back() {
        let first = Parameters::initial(&shape(), 7);
        let back = Parameters::from_le_bytes(&shape(), &first.to_le_bytes()).ok().unwrap();
        assert!(first == back);
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let refusal = |bytes: &[u8]| Parameters::from_le_bytes(&shape(), bytes).err();
        let mut bytes = Parameters::initial(&shape(), 7).to_le_bytes();
        let expected = shape().parameter_count();
        assert_eq!(refusal(&bytes[4..]), Some(ParametersError::Length { expected, found: expected - 1 }));
        assert_eq!(refusal(&bytes[1..]), Some(ParametersError::Ragged(4 * expected - 1)));
        for bad in [f32::NAN, f32::INFINITY, -2.0 * PARAMETER_ABS_MAX] {
            bytes[8..12].copy_from_slice(&bad.to_le_bytes());
            assert_eq!(refusal(&bytes), Some(ParametersError::Value(2)));
        }
    }

    #[test]
    fn whatever_arrives_is_a_model_within_the_limits() {
        let arrived = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 0.5];
        let shape = Architecture::logistic(4, &["churn"]).unwrap();
        let taken = Parameters::clamped(shape.clone(), arrived).ok().unwrap();
        assert_eq!(taken.values(), [0.0, PARAMETER_ABS_MAX, -PARAMETER_ABS_MAX, -PARAMETER_ABS_MAX, 0.5]);
        assert!(Parameters::clamped(shape.clone(), vec![0.0; 4]).is_err());
        let bytes = taken.to_le_bytes();
        assert_eq!(digest_of(&shape, &bytes), taken.digest());
        assert_eq!(digest_of(&shape, &bytes[1..]), digest_of(&shape, &[]), "what is too short is no model at all");
        assert_ne!(digest_of(&shape, &bytes[1..]), taken.digest());
    }

    #[test]
    fn a_digest_binds_the_shape() {
        let relu = Parameters::new(Architecture::logistic(3, &["a"]).unwrap(), vec![0.0; 4]).ok().unwrap();
        let renamed = Parameters::new(Architecture::logistic(3, &["b"]).unwrap(), vec![0.0; 4]).ok().unwrap();
        assert_ne!(relu.digest(), renamed.digest());
    }
}

//! The optimizer's state and steps, in 64-bit floats and a fixed order: the same sums give the same model on every machine.

use tributary_protocol::digest::{Canonical, Digest};

use super::mean::MeanUpdate;
use super::settings::{OptimizerSettings, UpdateRule};
use crate::architecture::Architecture;
use crate::canonical::{DecodeError, Reader};
use crate::parameters::{PARAMETER_ABS_MAX, Parameters, ParametersError};

const LABEL: &str = "tributary/server-optimizer-state/2";

/// A server optimizer: model, moments and average, each one 64-bit float for each parameter.
#[derive(Clone, PartialEq)]
pub struct ServerOptimizer {
    settings: OptimizerSettings,
    architecture: Architecture,
    steps: u32,
    model: Vec<f64>,
    /// SGD: the velocity. Adam: the first moment.
    first: Vec<f64>,
    /// Adam: the second moment. SGD: empty.
    second: Vec<f64>,
    /// Sum of the tail's models; empty without tail averaging.
    tail: Vec<f64>,
}

/// A step that cannot be taken, or a state that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptimizerError {
    /// The update has another length.
    #[error("the update has {found} values for {expected} parameters: it belongs to another plan")]
    Length {
        /// Parameters.
        expected: usize,
        /// Values.
        found: usize,
    },
    /// The step leads nowhere. The optimizer is as before the step.
    #[error(
        "parameter {0} is not finite or far too large after the step: training diverged; lower the learning rate or the noise"
    )]
    Diverged(usize),
    /// More steps than a plan can have.
    #[error("the optimizer has taken as many steps as it can count; end the plan")]
    Steps,
    /// The bytes of a state are damaged.
    #[error("the optimizer's saved state cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The bytes are another optimizer's or architecture's state.
    #[error("the optimizer's saved state belongs to other settings or another architecture; restore the right file")]
    OtherPlan,
}

impl ServerOptimizer {
    /// Starts from a model, with all moments zero.
    #[must_use]
    pub fn new(settings: OptimizerSettings, initial: &Parameters) -> Self {
        let model: Vec<f64> = initial.values().iter().map(|value| f64::from(*value)).collect();
        let zeros = vec![0.0; model.len()];
        Self {
            settings,
            architecture: initial.architecture().clone(),
            steps: 0,
            second: match settings.update_rule() {
                UpdateRule::Sgd { .. } => Vec::new(),
                UpdateRule::Adam { .. } => zeros.clone(),
            },
            tail: if settings.tail_start().is_some() { zeros.clone() } else { Vec::new() },
            first: zeros,
            model,
        }
    }

    /// Moves the model by one round's mean gradient and gives the next round's model.
    ///
    /// # Errors
    /// If the update has another length, or the model would leave its limits. Then nothing has changed.
    pub fn step(&mut self, update: &MeanUpdate) -> Result<Parameters, OptimizerError> {
        let gradient = update.gradient();
        if gradient.len() != self.model.len() {
            return Err(OptimizerError::Length { expected: self.model.len(), found: gradient.len() });
        }
        let mut next = self.clone();
        next.steps = self.steps.checked_add(1).ok_or(OptimizerError::Steps)?;
        match self.settings.update_rule() {
            UpdateRule::Sgd { learning_rate, momentum } => {
                for ((value, velocity), gradient) in next.model.iter_mut().zip(&mut next.first).zip(gradient) {
                    *velocity = momentum * *velocity + gradient;
                    *value -= learning_rate * *velocity;
                }
            }
            UpdateRule::Adam { learning_rate, beta1, beta2, epsilon } => {
                let (first_share, second_share) = (1.0 - power(beta1, next.steps), 1.0 - power(beta2, next.steps));
                let moments = next.first.iter_mut().zip(&mut next.second);
                for ((value, (first, second)), gradient) in next.model.iter_mut().zip(moments).zip(gradient) {
                    *first = beta1 * *first + (1.0 - beta1) * gradient;
                    *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
                    *value -= learning_rate * (*first / first_share) / ((*second / second_share).sqrt() + epsilon);
                }
            }
        }
        if next.settings.tail_start().is_some_and(|start| next.steps > start) {
            next.tail.iter_mut().zip(&next.model).for_each(|(sum, value)| *sum += value);
        }
        next.check()?;
        let parameters = next.parameters(&next.model)?;
        *self = next;
        Ok(parameters)
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The model that the next round trains on.
    ///
    /// # Errors
    /// [`OptimizerError::Diverged`] if it left its limits; a state that came from [`ServerOptimizer::step`] never did.
    pub fn current(&self) -> Result<Parameters, OptimizerError> {
        self.parameters(&self.model)
    }

    /// The model to release: the tail's average where the settings ask for one and the tail has begun, else the current model.
    ///
    /// # Errors
    /// As [`ServerOptimizer::current`].
    pub fn released(&self) -> Result<Parameters, OptimizerError> {
        match self.settings.tail_start() {
            Some(start) if self.steps > start => {
                let count = f64::from(self.steps - start);
                let average: Vec<f64> = self.tail.iter().map(|sum| sum / count).collect();
                self.parameters(&average)
            }
            _ => self.current(),
        }
    }

    /// The whole state in its canonical encoding, its digest at the end: a coordinator that starts again continues from it.
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        let vectors = [&self.model, &self.first, &self.second, &self.tail];
        let header =
            Canonical::new(LABEL).digest(&self.settings.digest()).digest(&self.architecture.digest()).u32(self.steps);
        let mut bytes = vectors
            .iter()
            .flat_map(|vector| vector.iter())
            .fold(header, |canonical, value| canonical.u64(value.to_bits()))
            .into_bytes();
        let digest = Digest::of_vector(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// Digest of the state, as it stands at the end of [`ServerOptimizer::export`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        let bytes = self.export();
        let (_, digest) = bytes.split_last_chunk::<32>().expect("an export ends in its digest");
        Digest(*digest)
    }

    /// Reads what [`ServerOptimizer::export`] wrote, for the same settings and architecture; total, whatever the bytes are.
    ///
    /// # Errors
    /// If the bytes are damaged, or belong to other settings or another architecture.
    pub fn import(
        settings: OptimizerSettings,
        architecture: &Architecture,
        bytes: &[u8],
    ) -> Result<Self, OptimizerError> {
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or(DecodeError::Short)?;
        let mut reader = Reader::new(LABEL, body)?;
        if Digest::of_vector(body) != Digest(*digest) {
            return Err(DecodeError::Range.into());
        }
        if reader.digest()? != settings.digest() || reader.digest()? != architecture.digest() {
            return Err(OptimizerError::OtherPlan);
        }
        let parameters = architecture.parameter_count();
        let second = if matches!(settings.update_rule(), UpdateRule::Adam { .. }) { parameters } else { 0 };
        let tail = if settings.tail_start().is_some() { parameters } else { 0 };
        let steps = reader.u32()?;
        if reader.remaining() != 8 * (2 * parameters + second + tail) {
            return Err(DecodeError::Short.into());
        }
        let mut vector = |length| (0..length).map(|_| reader.f64()).collect::<Result<Vec<_>, _>>();
        let (model, first, second, tail) = (vector(parameters)?, vector(parameters)?, vector(second)?, vector(tail)?);
        reader.finish()?;
        let state = Self { settings, architecture: architecture.clone(), steps, model, first, second, tail };
        state.check()?;
        Ok(state)
    }

    /// Every value finite, the model within its limits.
    fn check(&self) -> Result<(), OptimizerError> {
        let limit = f64::from(PARAMETER_ABS_MAX);
        if let Some(index) = self.model.iter().position(|value| value.is_nan() || value.abs() > limit) {
            return Err(OptimizerError::Diverged(index));
        }
        for vector in [&self.first, &self.second, &self.tail] {
            if let Some(index) = vector.iter().position(|value| !value.is_finite()) {
                return Err(OptimizerError::Diverged(index));
            }
        }
        Ok(())
    }

    fn parameters(&self, values: &[f64]) -> Result<Parameters, OptimizerError> {
        let rounded = values.iter().map(|value| nearest(*value)).collect();
        Parameters::new(self.architecture.clone(), rounded).map_err(|error| match error {
            ParametersError::Value(index) => OptimizerError::Diverged(index),
            _ => OptimizerError::Length { expected: self.model.len(), found: values.len() },
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a model is released in 32-bit floats")]
fn nearest(value: f64) -> f32 {
    value as f32
}

/// base^exponent by squaring: multiplications alone, so that every machine rounds alike.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::super::settings::OptimizerFields;
    use super::*;

    const ADAM: UpdateRule = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    fn shape() -> Architecture {
        Architecture::logistic(1, &["churn"]).unwrap()
    }

    fn settings(update_rule: UpdateRule, tail_start: Option<u32>) -> OptimizerSettings {
        OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).unwrap()
    }

    fn optimizer(update_rule: UpdateRule, tail_start: Option<u32>) -> ServerOptimizer {
        ServerOptimizer::new(settings(update_rule, tail_start), &Parameters::initial(&shape(), 0))
    }

    fn step(optimizer: &mut ServerOptimizer, gradient: [f64; 2]) -> Vec<f32> {
        let update = MeanUpdate::from_gradient(gradient.to_vec()).ok().unwrap();
        optimizer.step(&update).ok().unwrap().values().to_vec()
    }

    #[test]
    fn momentum_has_the_known_steps() {
        let mut sgd = optimizer(UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.5 }, None);
        assert_eq!(step(&mut sgd, [1.0, -2.0]), [-0.5, 1.0]);
        assert_eq!(step(&mut sgd, [1.0, 0.0]), [-1.25, 1.5]);
        assert_eq!(step(&mut sgd, [0.0, 0.0]), [-1.625, 1.75]);
        assert_eq!(sgd.steps(), 3);
    }

    #[test]
    fn adam_has_the_known_steps() {
        // The first step is the learning rate against the sign. For gradients 1, 2 the second is
        // 0.1 * (0.29 / 0.19) / sqrt(0.004999 / 0.001999) = 0.09652...
        let mut adam = optimizer(ADAM, None);
        let first = step(&mut adam, [1.0, -3.0]);
        assert!((first[0] + 0.1).abs() < 1e-7 && (first[1] - 0.1).abs() < 1e-7);
        let second = step(&mut adam, [2.0, 0.0]);
        let expected = 0.1 * (0.29 / 0.19) / (0.004_999_f64 / 0.001_999).sqrt();
        assert!((f64::from(first[0] - second[0]) - expected).abs() < 1e-7);
    }

    #[test]
    fn the_tail_is_averaged() {
        let mut sgd = optimizer(UpdateRule::Sgd { learning_rate: 1.0, momentum: 0.0 }, Some(1));
        step(&mut sgd, [-8.0, 0.0]);
        assert_eq!(sgd.released().ok().unwrap().values(), [8.0, 0.0]);
        step(&mut sgd, [6.0, 0.0]);
        step(&mut sgd, [-2.0, 0.0]);
        assert_eq!(sgd.current().ok().unwrap().values(), [4.0, 0.0]);
        assert_eq!(sgd.released().ok().unwrap().values(), [3.0, 0.0]);
    }

    #[test]
    fn a_restart_continues() {
        for (rule, tail) in [(ADAM, Some(1)), (UpdateRule::Sgd { learning_rate: 0.3, momentum: 0.9 }, None)] {
            let mut kept = optimizer(rule, tail);
            step(&mut kept, [1.0, 0.3]);
            step(&mut kept, [-0.7, 0.1]);
            let mut back = ServerOptimizer::import(settings(rule, tail), &shape(), &kept.export()).ok().unwrap();
            assert!(back == kept && back.digest() == kept.digest());
            assert_eq!(step(&mut back, [0.2, 0.2]), step(&mut kept, [0.2, 0.2]));
            assert_eq!(back.released().ok().unwrap().digest(), kept.released().ok().unwrap().digest());
        }
    }

    #[test]
    fn a_damaged_or_foreign_state_is_refused() {
        let state = optimizer(ADAM, None).export();
        let import = |bytes: &[u8]| ServerOptimizer::import(settings(ADAM, None), &shape(), bytes).err();
        for length in 0..state.len() {
            assert!(import(&state[..length]).is_some());
        }
        for index in 0..state.len() {
            let mut bytes = state.clone();
            bytes[index] ^= 1;
            assert!(import(&bytes).is_some());
        }
        let other = ServerOptimizer::import(settings(ADAM, Some(1)), &shape(), &state).err();
        assert_eq!(other, Some(OptimizerError::OtherPlan));
        let renamed = Architecture::logistic(1, &["deposit"]).unwrap();
        let other = ServerOptimizer::import(settings(ADAM, None), &renamed, &state).err();
        assert_eq!(other, Some(OptimizerError::OtherPlan));
    }

    #[test]
    fn a_resealed_state_must_still_be_finite() {
        let mut bytes = optimizer(ADAM, None).export();
        let body = bytes.len() - 32;
        bytes[body - 8..body].copy_from_slice(&f64::NAN.to_bits().to_le_bytes());
        let digest = Digest::of_vector(&bytes[..body]);
        bytes[body..].copy_from_slice(digest.as_bytes());
        let refusal = ServerOptimizer::import(settings(ADAM, None), &shape(), &bytes).err();
        assert_eq!(refusal, Some(OptimizerError::Decode(DecodeError::Range)));
    }

    #[test]
    fn divergence_changes_nothing() {
        let mut sgd = optimizer(UpdateRule::Sgd { learning_rate: 1000.0, momentum: 0.0 }, None);
        step(&mut sgd, [0.001, 0.0]);
        let before = sgd.digest();
        let wild = MeanUpdate::from_gradient(vec![0.0, 1e300]).ok().unwrap();
        assert_eq!(sgd.step(&wild).err(), Some(OptimizerError::Diverged(1)));
        let long = MeanUpdate::from_gradient(vec![0.0; 3]).ok().unwrap();
        assert_eq!(sgd.step(&long).err(), Some(OptimizerError::Length { expected: 2, found: 3 }));
        assert_eq!(sgd.digest(), before);
    }
}

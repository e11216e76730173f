//! The optimizer in memory: for models that are trained in one process. A coordinator steps over its state's file instead
//! ([`StateLayout`]), with the same arithmetic.

use super::settings::OptimizerSettings;
use super::state::{OptimizerError, StateLayout};
use crate::parameters::Parameters;

/// A server optimizer: model, moments and average, each one 64-bit float for each parameter.
#[derive(Clone)]
pub struct ServerOptimizer {
    layout: StateLayout,
    steps: u32,
    /// As [`StateLayout`] encodes them.
    coordinates: Vec<u8>,
}

impl ServerOptimizer {
    /// Starts from a model, with all moments zero.
    #[must_use]
    pub fn new(settings: OptimizerSettings, initial: &Parameters) -> Self {
        let layout = StateLayout::new(settings, initial.architecture());
        let coordinates = layout.initial(initial.values()).collect();
        Self { layout, steps: 0, coordinates }
    }

    /// Moves the model by one round's mean gradient and gives the next round's model.
    ///
    /// # Errors
    /// If the gradient has another length, or the model would leave its limits. Then nothing has changed.
    pub fn step(&mut self, gradient: &[f64]) -> Result<Parameters, OptimizerError> {
        let expected = self.layout.architecture().parameter_count();
        if gradient.len() != expected {
            return Err(OptimizerError::Length { expected, found: gradient.len() });
        }
        let mut step = self.layout.step(self.steps)?;
        let (mut next, mut model) = (self.coordinates.clone(), Vec::with_capacity(expected));
        step.advance(&mut next, gradient.iter().copied(), |value| model.push(value))?;
        let parameters = self.parameters(model)?;
        (self.steps, self.coordinates) = (step.steps(), next);
        Ok(parameters)
    }

    /// The model that the next round trains on.
    ///
    /// # Errors
    /// [`OptimizerError::Diverged`] if it left its limits; a state that came from [`ServerOptimizer::step`] never did.
    pub fn current(&self) -> Result<Parameters, OptimizerError> {
        self.parameters(self.layout.model(0, &self.coordinates, None)?)
    }

    /// The model to release: the tail's average where the settings ask for one and the tail has begun, else the current model.
    ///
    /// # Errors
    /// As [`ServerOptimizer::current`].
    pub fn released(&self) -> Result<Parameters, OptimizerError> {
        self.parameters(self.layout.model(0, &self.coordinates, Some(self.steps))?)
    }

    fn parameters(&self, values: Vec<f32>) -> Result<Parameters, OptimizerError> {
        Ok(Parameters::new(self.layout.architecture().clone(), values)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{OptimizerFields, UpdateRule};
    use super::*;
    use crate::architecture::Architecture;

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
        optimizer.step(&gradient).ok().unwrap().values().to_vec()
    }

    #[test]
    fn momentum_has_the_known_steps() {
        let mut sgd = optimizer(UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.5 }, None);
        assert_eq!(step(&mut sgd, [1.0, -2.0]), [-0.5, 1.0]);
        assert_eq!(step(&mut sgd, [1.0, 0.0]), [-1.25, 1.5]);
        assert_eq!(step(&mut sgd, [0.0, 0.0]), [-1.625, 1.75]);
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

    /// However a state is cut into pieces, and whatever a step is read from: one arithmetic.
    #[test]
    fn a_state_stepped_in_pieces_is_the_state_stepped_at_once() {
        let shape = Architecture::logistic(12, &["churn"]).unwrap();
        let gradient: Vec<f64> = (0..13).map(|index| f64::from(index) * 0.3 - 1.0).collect();
        for (rule, tail) in
            [(ADAM, Some(0)), (ADAM, None), (UpdateRule::Sgd { learning_rate: 0.3, momentum: 0.9 }, Some(1))]
        {
            let mut whole = ServerOptimizer::new(settings(rule, tail), &Parameters::initial(&shape, 1));
            let layout = StateLayout::new(settings(rule, tail), &shape);
            for steps in 0..3 {
                let mut coordinates = whole.coordinates.clone();
                let (mut step, mut model) = (layout.step(steps).unwrap(), Vec::new());
                for (piece, gradient) in coordinates.chunks_mut(5 * layout.coordinate_bytes()).zip(gradient.chunks(5)) {
                    step.advance(piece, gradient.iter().copied(), |value| model.push(value)).unwrap();
                }
                assert_eq!(whole.step(&gradient).ok().unwrap().values(), model);
                assert!(whole.coordinates == coordinates && whole.steps == step.steps());
            }
            let cut = layout.step(0).unwrap().advance(&mut [0; 15], [0.0].into_iter(), |_| ());
            assert_eq!(cut, Err(OptimizerError::Piece));
        }
    }

    #[test]
    fn divergence_changes_nothing() {
        let mut sgd = optimizer(UpdateRule::Sgd { learning_rate: 1000.0, momentum: 0.0 }, None);
        step(&mut sgd, [0.001, 0.0]);
        let before = (sgd.steps, sgd.coordinates.clone());
        for wild in [1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(sgd.step(&[0.0, wild]).err(), Some(OptimizerError::Diverged(1)));
        }
        assert_eq!(sgd.step(&[0.0; 3]).err(), Some(OptimizerError::Length { expected: 2, found: 3 }));
        assert!((sgd.steps, sgd.coordinates) == before);
    }
}

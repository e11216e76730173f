//! How much of the noise in mean gradients is in the model that an optimizer releases.

use super::settings::{OptimizerSettings, UpdateRule};

impl OptimizerSettings {
    /// The variance of a released parameter over that of the noise in each of so many mean gradients, where what later gradients take back of it is left out:
    /// so it is an upper bound for losses that are convex. Nothing for Adam, whose steps are not linear, and for no rounds.
    #[must_use]
    pub fn noise_gain(&self, rounds: u32) -> Option<f64> {
        let UpdateRule::Sgd { learning_rate, momentum } = self.update_rule() else { return None };
        // The models after these steps are averaged, or the last one is released.
        let first = self.tail_start().filter(|start| *start < rounds).map_or(rounds, |start| start + 1);
        let averaged = f64::from(rounds.checked_sub(first)? + 1);
        let mut gain = 0.0;
        for step in 1..=rounds {
            let from = first.max(step);
            // Steps from the one that brings the noise in; each later model has one more power of the momentum.
            let models = f64::from(rounds - from + 1);
            let powers =
                power(momentum, from - step + 1) * (1.0 - power(momentum, rounds - from + 1)) / (1.0 - momentum);
            let reach = learning_rate / (1.0 - momentum) * (models - powers) / averaged;
            gain += reach * reach;
        }
        (rounds > 0).then_some(gain)
    }
}

fn power(base: f64, exponent: u32) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use crate::parameters::Parameters;
    use crate::server_optimizer::{OptimizerFields, ServerOptimizer};

    /// One gradient after the other is 1 and all others 0: what each leaves in the released model.
    fn measured(settings: OptimizerSettings, rounds: u32) -> f64 {
        let shape = Architecture::logistic(1, &["churn"]).unwrap();
        let of = |step: u32| {
            let mut optimizer = ServerOptimizer::new(settings, &Parameters::zero(&shape));
            for round in 1..=rounds {
                optimizer.step(&[f64::from(u8::from(round == step)), 0.0]).unwrap();
            }
            f64::from(optimizer.released().unwrap().values()[0])
        };
        (1..=rounds).map(|step| of(step).powi(2)).sum()
    }

    #[test]
    fn the_gain_is_what_the_optimizer_leaves_of_each_gradient() {
        for (momentum, tail_start, rounds) in [
            (0.0, None, 7),
            (0.9, None, 12),
            (0.9, Some(5), 12),
            (0.5, Some(11), 12),
            (0.9, Some(40), 12),
            (0.3, None, 1),
        ] {
            let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum };
            let settings = OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).unwrap();
            let (gain, measured) = (settings.noise_gain(rounds).unwrap(), measured(settings, rounds));
            assert!((gain / measured - 1.0).abs() < 1e-5, "{gain} {measured}: {momentum} {tail_start:?} {rounds}");
            assert_eq!(settings.noise_gain(0), None);
        }
        let update_rule = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        let adam = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).unwrap();
        assert_eq!(adam.noise_gain(10), None);
    }
}

//! How much of a model that a stage hands on its noise explains.

use tributary_protocol::plan::NoiseShare;

use super::frame::Handed;
use super::planned_stage::PlannedStage;
use super::state::{Beside, PublicState, narrow};
use crate::parameters::Parameters;

impl PlannedStage<'_> {
    /// For each parameter of the model that the stage hands on, the variance that its noise gives, if so many survivors have each added noise of this
    /// variance, in units squared, in every round. What later rounds take back of it is left out. Nothing where it is not known: where the noise is inside of
    /// steps, where the optimizer is not linear, and where no model is handed on.
    #[must_use]
    pub fn noise_in_model(&self, beside: &Beside, (share_variance, survivors): (u128, usize)) -> Option<Vec<f32>> {
        let optimizer = self.optimizer()?;
        if self.terms().noise != NoiseShare::Divided || self.hands_on() != Handed::Model {
            return None;
        }
        let stepping = self.stepping(beside, survivors).ok()?;
        let parameters = stepping.parameters(self.terms().dimension as usize).ok()?;
        let of_sum = share_variance as f64 * survivors as f64 * optimizer.noise_gain(self.terms().rounds)?;
        // One unit in every coordinate shows by how much each is divided.
        let of_unit = stepping.gradients(std::iter::repeat_n(1, parameters));
        let variances = of_unit.map(|factor| narrow(factor * factor * of_sum)).collect();
        let variances = Parameters::new(self.network(), variances).ok()?;
        // What is handed on is a sum over what was learnt, and variances add up alike.
        let handed = self.added_up(PublicState::new(variances, beside.clone()));
        Some(handed.parameters.values().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::plan::PrivacyMode;
    use tributary_protocol::secagg::modular::Ring;

    use super::*;
    use crate::architecture::Architecture;
    use crate::schema::Schema;
    use crate::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
    use crate::stage::{
        BlockSettings, Chosen, EvaluateSettings, Frame, GradientSettings, HEAD_SHARES, StageSettings, StagedSettings,
        Steps,
    };
    use crate::update::{ClipForm, ClipSettings};

    const SCHEMA: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [20, 40, 60, 80], class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;
    const ROUNDS: u32 = 5;
    /// Of a share, as integers that are added to a sum: its variance is their square.
    const UNITS: i64 = 100_000;

    /// Noise of this size in one coordinate of one round after the other: what each leaves in the model that is handed on, squared and added up.
    fn measured(stage: &PlannedStage<'_>, parameters: &Parameters) -> Vec<f64> {
        let mut squares = Vec::new();
        let coordinates = stage.terms().dimension as usize;
        for round in 0..ROUNDS {
            for coordinate in 0..coordinates {
                let mut state = stage.start(parameters.clone());
                for now in 0..ROUNDS {
                    let mut sum = vec![0; coordinates];
                    sum[coordinate] = if now == round { UNITS } else { 0 };
                    stage.advance(&mut state, &sum, 4).unwrap();
                }
                let left = stage.conclude(&state).unwrap().parameters;
                squares.resize(left.values().len(), 0.0);
                squares.iter_mut().zip(left.values()).for_each(|(sum, value)| *sum += f64::from(*value).powi(2));
            }
        }
        squares
    }

    #[test]
    fn the_noise_in_a_model_is_what_each_round_leaves_of_it() {
        let schema = Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"));
        let architecture = Architecture::logistic(7, &["churn"]).unwrap();
        let frame = Frame {
            privacy: PrivacyMode::Customer,
            overlap_max: 1,
            customers_nominal: 500,
            architecture: &architecture,
            schema: Some(&schema),
        };
        let rule = |update_rule| OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(2) }).unwrap();
        let sgd = UpdateRule::Sgd { learning_rate: 0.4, momentum: 0.8 };
        let adam = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        let clip =
            ClipSettings { example_clip_norm: 2.0, clip_units: 1000, form: ClipForm::Exact, loss_bound: Some(4.0) };
        let gradient = |update_rule| StageSettings::Gradient(GradientSettings { clip, optimizer: rule(update_rule) });
        let mut head_shares = [0; 16];
        head_shares[0] = HEAD_SHARES;
        let staged = StageSettings::Staged(StagedSettings {
            of_blocks: BlockSettings::plain(4096, [2, 0, 0]),
            head_shares,
            steps: Steps::of(4.0, 0.8, Some(2)).unwrap(),
            paired: false,
            reweight: None,
        });
        let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 4, groups: None });
        let chosen = |rounds| Chosen { ring: Ring::Bits64, noise_variance: 1 << 20, sampling_threshold: 0, rounds };
        for (settings, known) in [(gradient(sgd), true), (staged, true), (gradient(adam), false)] {
            let terms = settings.terms(&frame, chosen(ROUNDS)).unwrap();
            let stage = PlannedStage::new(&settings, frame, &terms);
            let parameters = Parameters::zero(&architecture);
            let beside = stage.begin(parameters.clone()).beside();
            // Four survivors, whose shares have a quarter of the variance each.
            let shares = (u128::from(UNITS.unsigned_abs()).pow(2) / 4, 4);
            let found = stage.noise_in_model(&beside, shares);
            assert_eq!(found.is_some(), known, "{settings:?}");
            let Some(found) = found else { continue };
            let measured = measured(&stage, &parameters);
            assert_eq!(found.len(), measured.len());
            // Staged learning leaves the intercept as it is.
            assert!(measured.iter().filter(|square| **square > 0.0).count() >= 7, "{measured:?}");
            for (found, measured) in found.iter().zip(&measured) {
                assert!((f64::from(*found) - measured).abs() <= 1e-4 * measured, "{found} {measured}");
            }
        }
        let terms = evaluate.terms(&frame, chosen(1)).unwrap();
        assert_eq!(PlannedStage::new(&evaluate, frame, &terms).noise_in_model(&Beside::default(), (1, 1)), None);
    }
}

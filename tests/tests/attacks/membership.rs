//! Membership inference on released models: a likelihood-ratio attack with shadow models (Carlini et al. 2022, section IV), on rows that
//! can be learnt by heart alone: random ones, fewer than parameters.

use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::privacy::NoiseSampler;
use tributary_model::server_optimizer::{MeanScale, OptimizerFields, OptimizerSettings, ServerOptimizer, UpdateRule};
use tributary_model::train::predict;
use tributary_model::update::{ClipForm, ClipRule};
use tributary_rehearsal::attacks::{rate_max, rate_min};

use super::support::{Counted, Customer, DOUBT, calibrated, matrix, rule, trainer, update};

const INPUTS: u32 = 40;
const CUSTOMERS: usize = 32;
const MODELS: usize = 64;
const ROUNDS: u32 = 50;
const EPSILON: f64 = 1.0;
const DELTA: f64 = 1e-6;

/// What the attacker works with: for each model and customer, membership and the logit of the true label.
struct Released {
    member: Vec<Vec<bool>>,
    logit: Vec<Vec<f64>>,
}

/// The attack's scores of members and of others.
struct Scores {
    members: Vec<f64>,
    others: Vec<f64>,
}

/// Trains on a random half of the customers each time.
fn release(rule: &ClipRule, noise: Option<&NoiseSampler>) -> Released {
    let architecture = Architecture::logistic(INPUTS, &["churn"]).unwrap();
    let mut chance = Counted::new("membership");
    let customers: Vec<Customer> = (0..CUSTOMERS)
        .map(|_| Customer { features: (0..INPUTS).map(|_| chance.unit()).collect(), label: chance.coin() })
        .collect();
    let everybody = matrix(&customers, INPUTS as usize);
    let mut released = Released { member: Vec::new(), logit: Vec::new() };
    for _ in 0..MODELS {
        let member: Vec<bool> = (0..CUSTOMERS).map(|_| chance.coin()).collect();
        let chosen = customers.iter().zip(&member).filter(|(_, member)| **member);
        let chosen: Vec<Customer> = chosen.map(|(customer, _)| customer.clone()).collect();
        let model = train(&architecture, &chosen, rule, noise, &mut chance);
        let scores = predict(&model, &everybody).unwrap();
        let logit = scores.iter().zip(&customers).map(|(score, customer)| {
            let score = f64::from(*score).clamp(1e-12, 1.0 - 1e-7);
            let logit = (score / (1.0 - score)).ln();
            if customer.label { logit } else { -logit }
        });
        released.logit.push(logit.collect());
        released.member.push(member);
    }
    released
}

/// A plan's rounds, with the defaults of a plan.
fn train(
    architecture: &Architecture,
    customers: &[Customer],
    rule: &ClipRule,
    noise: Option<&NoiseSampler>,
    chance: &mut Counted,
) -> Parameters {
    let trainer = trainer(architecture, customers, rule);
    let update_rule = UpdateRule::Sgd { learning_rate: 0.75, momentum: 0.9 };
    let settings = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(ROUNDS / 2) }).unwrap();
    let mut model = Parameters::initial(architecture, 0);
    let mut optimizer = ServerOptimizer::new(settings, &model);
    let scale = MeanScale::new(architecture, rule, (CUSTOMERS / 2) as f64).unwrap();
    for _ in 0..ROUNDS {
        let sum = update(&trainer, &model, rule, noise, chance).centred();
        let parameters = &sum[..scale.parameters(sum.len()).unwrap()];
        let gradient: Vec<f64> = parameters.iter().map(|units| scale.gradient(*units)).collect();
        model = optimizer.step(&gradient).unwrap();
    }
    optimizer.released().unwrap()
}

impl Released {
    /// Every model in turn is the target and all others are shadows: the log-likelihood ratio of the customer's logit under the two normal
    /// distributions that the shadows show, with one spread for both.
    fn attack(&self) -> Scores {
        let mut scores = Scores { members: Vec::new(), others: Vec::new() };
        for target in 0..MODELS {
            for customer in 0..CUSTOMERS {
                let shadows = |member: bool| -> Vec<f64> {
                    let shadows = (0..MODELS).filter(|model| *model != target);
                    let same = shadows.filter(|model| self.member[*model][customer] == member);
                    same.map(|model| self.logit[model][customer]).collect()
                };
                let (with, without) = (shadows(true), shadows(false));
                let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
                let (high, low) = (mean(&with), mean(&without));
                let squares =
                    |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
                let variance = (squares(&with, high) + squares(&without, low)) / (MODELS - 3) as f64;
                let score = (self.logit[target][customer] - f64::midpoint(high, low)) * (high - low) / variance;
                let of = if self.member[target][customer] { &mut scores.members } else { &mut scores.others };
                of.push(score);
            }
        }
        scores
    }
}

impl Scores {
    /// The chance that a member scores above another customer.
    fn auc(&self) -> f64 {
        let wins = self.members.iter().flat_map(|member| {
            self.others
                .iter()
                .map(move |other| if member > other { 1.0 } else { f64::from(u8::from(member == other)) / 2.0 })
        });
        wins.sum::<f64>() / (self.members.len() * self.others.len()) as f64
    }

    /// How far the rates pass `hits <= e^epsilon false alarms + delta` beyond doubt, at the worst of many thresholds. Where scores say
    /// nothing, the coins that made the members are independent of them, so that both counts are binomial.
    fn excess(&self) -> f64 {
        let above = |scores: &[f64], threshold: f64| scores.iter().filter(|score| **score > threshold).count();
        let mut thresholds = self.others.clone();
        thresholds.sort_by(f64::total_cmp);
        let excess = |threshold: &f64| {
            let hits = rate_min((above(&self.members, *threshold), self.members.len()), DOUBT);
            let false_alarms = rate_max((above(&self.others, *threshold), self.others.len()), DOUBT);
            hits - (EPSILON.exp() * false_alarms + DELTA)
        };
        thresholds.iter().rev().step_by(self.others.len() / 20).map(excess).fold(f64::MIN, f64::max)
    }
}

#[test]
fn noise_hides_who_was_in_the_data() {
    let open = release(&rule(ClipForm::Exact, 1000.0, 1 << 20), None).attack();
    let rule = rule(ClipForm::Exact, 1.0, 1 << 20);
    let noise = calibrated(EPSILON, DELTA, ROUNDS, &rule, INPUTS as usize + 1);
    let hidden = release(&rule, Some(&NoiseSampler::new(noise.total_variance_units).unwrap())).attack();
    eprintln!(
        "membership: AUC {:.3} without defence (excess {:.2}), {:.3} at epsilon {EPSILON} (excess {:.2})",
        open.auc(),
        open.excess(),
        hidden.auc(),
        hidden.excess()
    );
    assert!(open.auc() > 0.9, "the attack does not work without defence: {}", open.auc());
    assert!(open.excess() > 0.1, "the attack stays within epsilon without defence: {}", open.excess());
    // At most 0.55 by theory (Phi(mu / sqrt 2), Dong, Roth, Su 2022), and a standard error of 0.013.
    assert!(hidden.auc() < 0.59, "the released model tells members: {}", hidden.auc());
    assert!(hidden.excess() <= 0.0, "the released model tells more than epsilon allows: {}", hidden.excess());
}

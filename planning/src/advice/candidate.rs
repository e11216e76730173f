//! Ways to learn, each made a plan of and judged.

use tributary_model::planned;
use tributary_model::privacy::retries_for;
use tributary_model::server_optimizer::UpdateRule;
use tributary_model::update::LocalRule;
use tributary_protocol::plan::{Materiality, ModelRef, Plan};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;

use super::answer::{BITS_A_SECOND, Choice, Method, WAY_SECONDS};
use super::question::{AdviceFault, Question};
use crate::build::build_on;
use crate::prediction::Prediction;
use crate::read::of_sample;
use crate::settings::{LocalSteps, MechanismSettings, ModelKind, PlanSettings, PrivacyTarget, StagedLearning};

/// Units of a proposed perceptron's hidden layer.
pub(super) const HIDDEN: u32 = 32;
/// Longest gradient of a customer.
const CLIP_NORM: f64 = 1.0;
/// Share of the last step that the next one keeps, and of the rounds whose models are averaged.
pub(super) const MOMENTUM: f64 = 0.9;
pub(super) const TAIL: f64 = 0.5;
/// Choices whose explained parts lie nearer than this are alike: then fewer rounds are better.
const ALIKE: f64 = 0.01;
/// How much larger an area than that of additive learning must be predicted for another method. On four public sets, with the same bins, additive
/// learning was better than gradients at each epsilon of 1, 2 and 4 (docs/BEFORE_SPENDING.md), also where the prediction saw it below them by so much.
const METHODS_ALIKE: f64 = 0.02;

/// A way to learn.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    method: Method,
    rounds: u32,
    learning_rate: f64,
}

impl Candidate {
    /// Mode local, for comparison.
    pub(super) const LOCAL: Self = Self { method: Method::Local, rounds: 20, learning_rate: 0.5 };

    /// Every candidate of mode customer at an epsilon of a run.
    ///
    /// # Errors
    /// If none makes a plan.
    pub(super) fn all(question: &Question<'_>, epsilon: f64) -> Result<Vec<Choice>, AdviceFault> {
        let staged = [50, 100, 200, 400].map(|rounds| Self { method: Method::Staged, rounds, learning_rate: 0.0 });
        let staged = staged.into_iter().filter(|_| question.scene.has_bins());
        let of = |method, rates: [f64; 4]| {
            let rounds = [25, 50, 100];
            rounds.into_iter().flat_map(move |rounds| rates.map(|learning_rate| Self { method, rounds, learning_rate }))
        };
        let gradients = of(Method::Logistic, [0.75, 0.25, 0.08, 0.025]);
        let perceptrons = of(Method::Perceptron, [0.375, 0.12, 0.04, 0.012]);
        let mut fault = None;
        let choices: Vec<Choice> = staged
            .chain(gradients)
            .chain(perceptrons)
            .filter_map(|candidate| candidate.choice(question, epsilon).map_err(|found| fault = Some(found)).ok())
            .collect();
        match fault {
            Some(fault) if choices.is_empty() => Err(fault),
            _ => Ok(choices),
        }
    }

    /// The plan, judged.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn choice(self, question: &Question<'_>, epsilon: f64) -> Result<Choice, AdviceFault> {
        let unfit = |found: String| AdviceFault::Plan(found);
        let settings = self.settings(question, epsilon).ok_or_else(|| unfit("the sample lacks a table".into()))?;
        let schema = question.scene.schema();
        let plan = build_on(&settings, schema).map_err(|fault| unfit(fault.found))?;
        let planned = planned::check(&plan, Some(schema)).map_err(|fault| unfit(fault.to_string()))?;
        let predicted = Prediction::of(&planned, Some(question.branches as usize));
        let predicted = predicted.ok_or_else(|| unfit("no stage of it learns".into()))?;
        let (bytes_up, bytes_down) = traffic(&plan);
        let rounds: u32 = plan.stages.iter().map(|stage| stage.rounds).sum();
        // Public state, upload, certificates and shares: four ways in a round. Each session agrees on keys once, in as many.
        let ways = f64::from(4 * rounds + 4 * rounds.div_ceil(plan.session_rounds));
        let carried = 8.0 * (bytes_up + bytes_down) as f64 / BITS_A_SECOND;
        let dimension = plan.stages.iter().map(|stage| stage.dimension).max().unwrap_or_default();
        Ok(Choice {
            method: self.method,
            rounds: self.rounds,
            learning_rate: (self.method != Method::Staged).then_some(self.learning_rate),
            predicted,
            dimension,
            bytes_up,
            bytes_down,
            seconds: ways * WAY_SECONDS + carried,
        })
    }

    fn settings(self, question: &Question<'_>, epsilon: f64) -> Option<PlanSettings> {
        let Self { method, rounds, learning_rate } = self;
        let (schedule, mut charter) = of_sample()?;
        charter.materiality = Materiality::High;
        let delta = question.delta;
        let local = method == Method::Local;
        let rule = LocalRule { steps: 5, learning_rate, update_clip_norm: CLIP_NORM };
        let (learning_rate, momentum) = if local { (1.0, 0.0) } else { (learning_rate.max(0.01), MOMENTUM) };
        Some(PlanSettings {
            name: "advice".into(),
            schema: "schema.toml".into(),
            model: match method {
                Method::Perceptron => ModelKind::Mlp { hidden: vec![HIDDEN] },
                _ => ModelKind::Logistic,
            },
            rounds,
            retries: retries_for(rounds),
            privacy: match local {
                true => PrivacyTarget::Local { epsilon, delta },
                false => PrivacyTarget::Customer { epsilon, delta },
            },
            example_clip_norm: CLIP_NORM,
            loss_bound: 4.0,
            ring: Ring::Bits64,
            clip_units: None,
            customers_nominal: question.customers,
            customers_max: question.customers.saturating_mul(2),
            initial_model: ModelRef::Seed(1),
            session_rounds: 16,
            round_deadline_ms: 60_000,
            keying_deadline_ms: 30_000,
            cohort: CohortRule::USUAL,
            group: "all".into(),
            optimizer: UpdateRule::Sgd { learning_rate, momentum },
            tail_fraction: TAIL,
            mechanism: MechanismSettings {
                staged: (method == Method::Staged).then(|| StagedLearning::usual(rounds)),
                local: local.then_some(LocalSteps { rule, adaptive: false }),
                ..MechanismSettings::default()
            },
            schedule,
            charter,
        })
    }
}

/// Of one branch in a run: masked words upwards, public states downwards.
fn traffic(plan: &Plan) -> (u64, u64) {
    let word = |ring: Ring| u64::from(ring.bits() / 8);
    plan.stages.iter().fold((0, 0), |(up, down), stage| {
        let rounds = u64::from(stage.rounds);
        let own = rounds * u64::from(stage.dimension) * word(stage.ring);
        (up + own, down + rounds * u64::from(stage.model_bytes))
    })
}

/// Whatever explains most; of those alike the one with the fewest rounds. Where nothing is explained the order decides.
pub(super) fn best<'a>(choices: impl IntoIterator<Item = &'a Choice>) -> Option<&'a Choice> {
    let choices: Vec<&Choice> = choices.into_iter().collect();
    let worth = |choice: &Choice| choice.predicted.explained;
    let most = choices.iter().map(|choice| worth(choice)).reduce(f64::max)?;
    let alike = choices.into_iter().filter(|choice| worth(choice) >= most - ALIKE);
    let by_order = |one: &&Choice, other: &&Choice| other.predicted.auc.total_cmp(&one.predicted.auc);
    if most <= ALIKE {
        return alike.min_by(by_order);
    }
    alike.min_by(|one, other| one.rounds.cmp(&other.rounds).then(by_order(one, other)))
}

/// Whatever is [`best`]; additive learning, where its order is predicted to be hardly worse.
pub(super) fn preferred(choices: &[Choice]) -> Option<&Choice> {
    let most = best(choices)?;
    let additive = best(choices.iter().filter(|own| own.method == Method::Staged));
    Some(additive.filter(|own| own.predicted.auc >= most.predicted.auc - METHODS_ALIKE).unwrap_or(most))
}

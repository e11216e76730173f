//! From settings to a plan that both ends can check: shape, first model, clipping, noise, ring.

mod noise;

use noise::{NoiseRequest, Variances, calibrated};
use tributary_model::architecture::Architecture;
use tributary_model::counts::CellLayout;
use tributary_model::parameters::Parameters;
use tributary_model::planned;
use tributary_model::privacy::{epsilon_of, sampling_threshold};
use tributary_model::schema::{SCHEMA_BYTES_MAX, Schema};
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::update::{self, CLIP_UNITS_MIN, ClipRule, ClipSettings};
use tributary_protocol::limits::CLIP_UNITS_DEFAULT;
use tributary_protocol::plan::{ClipForm, Counting, LocalTraining, Plan, PlanFault, RoundKind, ValidPlan};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::secagg::modular::Ring;
use tributary_settings::Fault;

use crate::settings::{MechanismSettings, ModelKind, OptimizerKind, PlanSettings};

/// A plan with everything at the centre that belongs to it.
pub struct Job {
    /// What the branches are told.
    pub plan: ValidPlan,
    /// The network.
    pub architecture: Architecture,
    /// The first model.
    pub initial: Parameters,
    /// How a mean gradient moves the model.
    pub optimizer: OptimizerSettings,
    /// How a customer's influence is bounded.
    pub rule: ClipRule,
    /// The guarantee; none without noise.
    pub guarantee: Option<Guarantee>,
    /// The cells of the round that counts customers by their features; it takes the schema to know them.
    pub statistics: Option<CellLayout>,
}

/// What the noise of a plan achieves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guarantee {
    /// Epsilon after every round that may be charged, by the accounting that is enforced, for the unit of the mode.
    pub epsilon: f64,
    /// In mode branch: the same for one customer of a branch, whose account is charged as well.
    pub epsilon_customer: Option<f64>,
    /// Probability with which it may fail.
    pub delta: f64,
    /// Noise standard deviation over sensitivity.
    pub noise_multiplier: f64,
}

impl Job {
    /// Builds the plan.
    ///
    /// # Errors
    /// The first fault, under the key that cures it.
    pub fn build(settings: &PlanSettings) -> Result<Self, Fault> {
        let schema = schema(settings)?;
        let architecture = architecture(settings, &schema)?;
        let initial = Parameters::initial(&architecture, settings.seed);
        let optimizer = optimizer(settings)?;
        let form = PlanForm { settings, schema: &schema, architecture: &architecture, initial: &initial };
        let Noised { plan, rule } = form.with_fitting_units()?;
        let guarantee = settings.privacy.target().map(|(_, delta)| {
            let epsilon = |unit| epsilon_of(plan.charge_max().of(unit), delta).0;
            let unit = plan.privacy.unit().unwrap_or(Unit::Customer);
            Guarantee {
                epsilon: epsilon(unit),
                epsilon_customer: (unit == Unit::Branch).then(|| epsilon(Unit::Customer)),
                delta,
                noise_multiplier: planned::release(&plan).noise_multiplier,
            }
        });
        let statistics = planned::cell_layout(&plan, RoundKind::Statistics, &architecture, Some(&schema));
        Ok(Self { plan, architecture, initial, optimizer, rule, guarantee, statistics })
    }

    /// Delta of the statement; 0 without noise.
    #[must_use]
    pub fn delta(&self) -> f64 {
        self.guarantee.map_or(0.0, |guarantee| guarantee.delta)
    }
}

/// What a plan is made of before its integers are chosen.
struct PlanForm<'a> {
    settings: &'a PlanSettings,
    schema: &'a Schema,
    architecture: &'a Architecture,
    initial: &'a Parameters,
}

struct Noised {
    plan: ValidPlan,
    rule: ClipRule,
}

impl PlanForm<'_> {
    /// With the configured clip units, or the default; in the small ring the default is halved until the sum cannot wrap.
    fn with_fitting_units(&self) -> Result<Noised, Fault> {
        let mut clip_units = self.settings.clip_units.unwrap_or(CLIP_UNITS_DEFAULT);
        let may_halve = self.settings.clip_units.is_none() && self.settings.ring == Ring::Bits32;
        loop {
            let (plan, rule) = self.plan(clip_units)?;
            match plan.validate() {
                Ok(plan) => return Ok(Noised { plan, rule }),
                Err(PlanFault::Wraps { .. }) if may_halve && clip_units / 2 >= CLIP_UNITS_MIN => clip_units /= 2,
                Err(PlanFault::Wraps { .. }) if may_halve => return Err(self.too_small_ring()),
                Err(fault) => {
                    let allowed = "values that give a plan within the protocol's limits";
                    return Err(Fault { key: plan_key(&fault), found: fault.to_string(), allowed: allowed.into() });
                }
            }
        }
    }

    fn plan(&self, clip_units: u32) -> Result<(Plan, ClipRule), Fault> {
        let settings = self.settings;
        let MechanismSettings { purpose, overlap_max, sampling_rate, local, upload_offset_ms, .. } =
            &settings.mechanism;
        let parameters = self.architecture.parameter_count();
        let clip_form = planned::clip_form(self.architecture, *sampling_rate < 1.0);
        let form = match clip_form {
            ClipForm::Exact => update::ClipForm::Exact,
            ClipForm::Chunked => update::ClipForm::Chunked,
        };
        let (example_clip_norm, privacy) = (settings.example_clip_norm, settings.privacy.mode());
        let (loss_bound, unit) = (Some(settings.loss_bound), planned::clip_unit(privacy));
        let rule = ClipRule::new(ClipSettings { example_clip_norm, clip_units, form, loss_bound, unit });
        let rule = rule.map_err(|error| fault("plan.example_clip_norm", &error, "a clip rule within its limits"))?;
        let too_few = |error| {
            let allowed = "more units, customers_max below which they fit, or ring = 64";
            fault("plan.clip_units", &error, allowed)
        };
        let sensitivity_squared = planned::sensitivity_squared(&rule, privacy, *overlap_max, parameters);
        let sensitivity_squared = sensitivity_squared.map_err(too_few)?;
        let customer = planned::customer_sensitivity_squared(&rule, privacy, *overlap_max, parameters);
        let customer_sensitivity_squared = customer.map_err(too_few)?;
        let sampling_threshold = sampling_threshold(*sampling_rate).ok_or_else(|| Fault {
            key: "plan.sampling_rate".into(),
            found: sampling_rate.to_string(),
            allowed: "above 1e-9, at most 1".into(),
        })?;
        let mut plan = Plan {
            name: settings.name.as_str().into(),
            purpose: purpose.as_str().into(),
            schema: self.schema.digest(),
            architecture: self.architecture.encode(),
            parameters: small(parameters),
            riders: small(rule.rider_count()),
            initial_model: self.initial.digest(),
            privacy,
            overlap_max: *overlap_max,
            sampling_threshold,
            local: local.filter(|_| privacy.trains_locally()).map(|local| LocalTraining {
                steps: local.steps,
                learning_rate_bits: local.learning_rate.to_bits(),
                update_clip_norm_bits: local.update_clip_norm.to_bits(),
                adaptive: local.adaptive,
            }),
            ring: settings.ring,
            clip_form,
            example_clip_norm_bits: example_clip_norm.to_bits(),
            loss_bound_bits: settings.loss_bound.to_bits(),
            clip_units,
            sensitivity_squared,
            customer_sensitivity_squared,
            noise_variance: 0,
            round_charge: Accounts::zero(),
            statistics: None,
            evaluation: None,
            rounds: settings.rounds,
            rounds_charged_max: settings.rounds.saturating_add(settings.retries),
            customers_nominal: settings.customers_nominal,
            customers_max: settings.customers_max,
            session_rounds: settings.session_rounds,
            cohort: settings.cohort,
            group: settings.group.clone(),
            round_deadline_ms: settings.round_deadline_ms,
            upload_offset_ms: *upload_offset_ms,
            keying_deadline_ms: settings.keying_deadline_ms,
        };
        self.add_noise(&mut plan)?;
        Ok((plan, rule))
    }

    /// The counting rounds, and noise for everything.
    fn add_noise(&self, plan: &mut Plan) -> Result<(), Fault> {
        let mechanism = &self.settings.mechanism;
        let wanted = [(RoundKind::Statistics, mechanism.statistics), (RoundKind::Evaluation, mechanism.evaluation)];
        let mut counting: Vec<(u128, f64)> = Vec::new();
        for (kind, settings) in wanted {
            let Some(settings) = settings else { continue };
            let layout = planned::layout_of(kind, settings.bins, self.architecture, Some(self.schema));
            let layout = layout.expect("both kinds count, and the schema is there");
            let own = planned::counting_sensitivity_squared(&layout, plan.clip_units, plan.overlap_max);
            counting.push((own, settings.budget_share));
            let rule = Counting {
                cells: small(layout.cells()),
                bins: settings.bins,
                sensitivity_squared: own,
                noise_variance: 0,
            };
            *place(plan, kind) = Some(rule);
        }
        let Some((epsilon, delta)) = self.settings.privacy.target() else { return Ok(()) };
        let request = NoiseRequest {
            epsilon,
            delta,
            releases: plan.rounds_charged_max.saturating_mul(planned::releases_per_round(plan)),
            sampling_threshold: plan.sampling_threshold,
            sensitivity_squared: plan.sensitivity_squared,
            counting,
        };
        let allowed = "a target that noise of a drawable size meets over rounds and retries";
        let Variances { training, counting } =
            calibrated(&request).map_err(|error| fault("plan.epsilon", &error, allowed))?;
        plan.noise_variance = training;
        let mut counting = counting.into_iter();
        for kind in [RoundKind::Statistics, RoundKind::Evaluation] {
            if let Some(rule) = place(plan, kind) {
                rule.noise_variance = counting.next().unwrap_or_default();
            }
        }
        plan.round_charge = planned::stated_charge(plan);
        Ok(())
    }

    fn too_small_ring(&self) -> Fault {
        Fault {
            key: "plan.ring".into(),
            found: format!(
                "32 bits, in which the noised sum of {} customers can wrap even at {CLIP_UNITS_MIN} steps for one clip norm",
                self.settings.customers_max
            ),
            allowed: "64, or a smaller customers_max, or less noise (larger epsilon, fewer rounds)".into(),
        }
    }
}

fn schema(settings: &PlanSettings) -> Result<Schema, Fault> {
    let path = settings.schema.display();
    let unreadable = |found: String| Fault {
        key: "plan.schema".into(),
        found: format!("{path}: {found}"),
        allowed: format!("a schema file in UTF-8, at most {SCHEMA_BYTES_MAX} bytes, as docs/SCHEMA.md describes it"),
    };
    let text = std::fs::read_to_string(&settings.schema).map_err(|error| unreadable(error.to_string()))?;
    Schema::parse(&text).map_err(|errors| unreadable(errors.to_string()))
}

fn architecture(settings: &PlanSettings, schema: &Schema) -> Result<Architecture, Fault> {
    let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
    let hidden = match &settings.model {
        ModelKind::Logistic => &[][..],
        ModelKind::Mlp { hidden } => hidden.as_slice(),
    };
    Architecture::mlp(small(schema.width()), hidden, &heads)
        .map_err(|error| fault("plan.model", &error, "a network that the schema's inputs and labels fit"))
}

fn optimizer(settings: &PlanSettings) -> Result<OptimizerSettings, Fault> {
    let update_rule = match settings.optimizer {
        OptimizerKind::Sgd { learning_rate, momentum } => UpdateRule::Sgd { learning_rate, momentum },
        OptimizerKind::Adam { learning_rate, beta1, beta2, epsilon } => {
            UpdateRule::Adam { learning_rate, beta1, beta2, epsilon }
        }
    };
    let fields = OptimizerFields { update_rule, tail_start: tail_start(settings.rounds, settings.tail_fraction) };
    OptimizerSettings::new(fields).map_err(|error| fault("plan.optimizer", &error, "values within their limits"))
}

/// The step behind which models are averaged: one model at least where a fraction is asked for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction of a 32-bit count, and the cast saturates"
)]
fn tail_start(rounds: u32, tail_fraction: f64) -> Option<u32> {
    let averaged = (f64::from(rounds) * tail_fraction).round() as u32;
    (tail_fraction > 0.0).then(|| rounds.saturating_sub(averaged.max(1)))
}

/// Where a plan has its counting round of a kind.
fn place(plan: &mut Plan, kind: RoundKind) -> &mut Option<Counting> {
    if kind == RoundKind::Statistics { &mut plan.statistics } else { &mut plan.evaluation }
}

/// The settings' key that a plan's fault is cured with.
fn plan_key(fault: &PlanFault) -> String {
    match fault {
        PlanFault::Wraps { .. } => "plan.clip_units".into(),
        PlanFault::OutOfRange { field, .. } => {
            let field = field.split(' ').next().unwrap_or(field);
            format!("plan.{field}")
        }
    }
}

fn fault(key: &str, found: &dyn std::error::Error, allowed: &str) -> Fault {
    Fault { key: key.into(), found: found.to_string(), allowed: allowed.into() }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).expect("limits keep dimensions below 2^32")
}

#[cfg(test)]
pub(crate) mod tests;

//! The canonical plan: every number of it follows from what its author wrote.

mod staged;

use std::path::Path;

use tributary_model::architecture::Architecture;
use tributary_model::groups::{GROUPS_MAX, GroupField};
use tributary_model::planned;
use tributary_model::privacy::{cap, sampling_threshold};
use tributary_model::schema::{SCHEMA_BYTES_MAX, Schema};
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings};
use tributary_model::stage::{
    CountSettings, EvaluateSettings, Frame, GradientSettings, LocalSettings, PricingFault, StageSettings, Wanted,
    priced,
};
use tributary_model::update::{CLIP_UNITS_MIN, ClipForm, ClipSettings};
use tributary_model::weak_modes::{Build, ModeNotBuilt};
use tributary_protocol::limits::CLIP_UNITS_DEFAULT;
use tributary_protocol::plan::{Plan, PlanFault, ValidPlan};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::secagg::modular::Ring;
use tributary_settings::Fault;

use self::staged::Unfit;
use crate::gates::unmeasured;
use crate::settings::{CountingSettings, ModelKind, PlanSettings};

/// A plan, and the schema that it names.
#[derive(Clone)]
pub struct Built {
    /// The canonical plan.
    pub plan: ValidPlan,
    /// Its schema.
    pub schema: Schema,
}

/// Builds the canonical plan.
///
/// # Errors
/// The first fault, under the key that cures it: first of all a mode in which this program has no part.
pub fn build(settings: &PlanSettings) -> Result<Built, Fault> {
    built_by(Build::THIS, settings)
}

fn built_by(build: Build, settings: &PlanSettings) -> Result<Built, Fault> {
    build.admits(settings.privacy.mode()).map_err(|refused| Fault {
        key: "plan.privacy".into(),
        found: refused.found(),
        allowed: ModeNotBuilt::ALLOWED.into(),
    })?;
    let schema = read_schema(&settings.schema)?;
    let plan = build_on(settings, &schema)?;
    Ok(Built { plan, schema })
}

/// The same on a schema that is at hand, whatever file the settings name, and whether or not this program has part in such a plan.
///
/// # Errors
/// The first fault, under the key that cures it.
pub(crate) fn build_on(settings: &PlanSettings, schema: &Schema) -> Result<ValidPlan, Fault> {
    let architecture = architecture(settings, schema)?;
    let plan = PlanForm { settings, schema, architecture: &architecture }.with_fitting_units()?;
    schema.handled_by(&plan).map_err(|error| {
        let allowed = "a plan that handles its data as their level asks (docs/SCHEMA.md)";
        Fault { key: error.key().into(), found: error.to_string(), allowed: allowed.into() }
    })?;
    let allowed = "values from which every number of a plan follows";
    planned::check(&plan, Some(schema)).map_err(|error| fault("plan", &error, allowed))?;
    match unmeasured(&plan, architecture.heads()) {
        None => Ok(plan),
        Some((key, found)) => {
            let allowed = "gates of figures that the plan's own evaluation gives";
            Err(Fault { key: key.into(), found, allowed: allowed.into() })
        }
    }
}

/// What a plan is made of before its integers are chosen.
struct PlanForm<'a> {
    settings: &'a PlanSettings,
    schema: &'a Schema,
    architecture: &'a Architecture,
}

impl PlanForm<'_> {
    /// With the configured clip units, or the default; in the small ring the default is halved until no sum can wrap.
    fn with_fitting_units(&self) -> Result<ValidPlan, Fault> {
        let mut clip_units = self.settings.clip_units.unwrap_or(CLIP_UNITS_DEFAULT);
        let may_halve = self.settings.clip_units.is_none() && self.settings.ring == Ring::Bits32;
        loop {
            match self.plan(clip_units)?.validate() {
                Ok(plan) => return Ok(plan),
                Err(PlanFault::Wraps { .. }) if may_halve && clip_units / 2 >= CLIP_UNITS_MIN => clip_units /= 2,
                Err(PlanFault::Wraps { .. }) if may_halve => return Err(self.too_small_ring()),
                Err(fault) => {
                    let allowed = "values that give a plan within the protocol's limits";
                    return Err(Fault { key: plan_key(&fault), found: fault.to_string(), allowed: allowed.into() });
                }
            }
        }
    }

    fn plan(&self, clip_units: u32) -> Result<Plan, Fault> {
        let settings = self.settings;
        let (privacy, mechanism) = (settings.privacy.mode(), &settings.mechanism);
        let frame = Frame {
            privacy,
            overlap_max: mechanism.overlap_max,
            customers_nominal: settings.customers_nominal,
            architecture: self.architecture,
            schema: Some(self.schema),
        };
        let wanted = self.wanted(clip_units)?;
        let stages = priced(&frame, &wanted, settings.retries, settings.privacy.target());
        let mut plan = Plan {
            name: settings.name.as_str().into(),
            purpose: mechanism.purpose.as_str().into(),
            schema: self.schema.digest(),
            architecture: self.architecture.encode(),
            initial_model: settings.initial_model,
            privacy,
            delta_bits: settings.privacy.target().map_or(0, |(_, delta)| delta.to_bits()),
            overlap_max: mechanism.overlap_max,
            customers_nominal: settings.customers_nominal,
            customers_max: settings.customers_max,
            stages: stages.map_err(|error| pricing_fault(&error))?,
            retries: settings.retries,
            runs: settings.schedule.runs_max,
            schedule: settings.schedule.schedule,
            readiness: settings.schedule.readiness,
            cap: Accounts::zero(),
            charter: settings.charter.clone(),
            session_rounds: settings.session_rounds,
            cohort: settings.cohort,
            group: settings.group.clone(),
            round_deadline_ms: settings.round_deadline_ms,
            upload_offset_ms: mechanism.upload_offset_ms,
            keying_deadline_ms: settings.keying_deadline_ms,
            retention: mechanism.retention,
            gates: mechanism.gates.clone(),
        };
        plan.cap = self.cap(&plan);
        Ok(plan)
    }

    /// What all runs come to, or what the author allows the unit of the mode. The other unit is never charged more than all runs come to.
    fn cap(&self, plan: &Plan) -> Accounts {
        let all = plan.charge_max();
        match (self.settings.schedule.epsilon_all_runs, plan.privacy.unit()) {
            (Some(epsilon), Some(Unit::Customer)) => Accounts { customer: cap(epsilon, plan.delta()), ..all },
            (Some(epsilon), Some(Unit::Branch)) => Accounts { branch: cap(epsilon, plan.delta()), ..all },
            _ => all,
        }
    }

    /// The stages in their order: counts of fields, training, counts of scores.
    fn wanted(&self, clip_units: u32) -> Result<Vec<Wanted>, Fault> {
        let (settings, mechanism) = (self.settings, &self.settings.mechanism);
        let ring = settings.ring;
        let counted = |share: &CountingSettings, of: StageSettings| Wanted {
            settings: of,
            ring,
            rounds: 1,
            sampling_threshold: 0,
            budget_share: share.budget_share,
        };
        let statistics = mechanism.statistics.as_ref();
        let statistics = statistics.map(|rule| {
            counted(
                rule,
                StageSettings::Count(CountSettings {
                    clip_units,
                    bins: rule.bins,
                    labels: mechanism.statistics_labels,
                }),
            )
        });
        let groups = mechanism.evaluation_groups.as_deref().map(|name| GroupField::named(self.schema, name));
        let groups = groups.transpose().map_err(|error| Fault {
            key: "plan.evaluation.groups".into(),
            found: error.to_string(),
            allowed: format!("a categorical or binned field of the schema with 2 to {GROUPS_MAX} groups"),
        })?;
        let evaluation = mechanism.evaluation.as_ref();
        let evaluation = evaluation.map(|rule| {
            counted(rule, StageSettings::Evaluate(EvaluateSettings { clip_units, bins: rule.bins, groups }))
        });
        let counts = [&statistics, &evaluation].into_iter().flatten().map(|wanted| wanted.budget_share);
        let shares: f64 = counts.chain(mechanism.features.map(|features| features.budget_share)).sum();
        let sampling_threshold = sampling_threshold(mechanism.sampling_rate).ok_or_else(|| Fault {
            key: "plan.sampling_rate".into(),
            found: mechanism.sampling_rate.to_string(),
            allowed: "above 1e-9, at most 1".into(),
        })?;
        let budget_share = (1.0 - shares).max(0.1);
        let training = match &mechanism.staged {
            Some(learning) => {
                let tail = |rounds| tail_start(rounds, settings.tail_fraction);
                let chosen = (clip_units, budget_share);
                staged::stages(settings, (learning, self.schema), chosen, tail).map_err(|unfit| match unfit {
                    Unfit::Key(fault) => fault,
                    Unfit::Noise(error) => pricing_fault(&PricingFault::Calibrate(error)),
                    Unfit::Numbers => Fault {
                        key: "plan.staged".into(),
                        found: format!("{learning:?}"),
                        allowed:
                            "groups ascending from 2 to 256, a momentum below 1, and steps of at most 1000 a round"
                                .into(),
                    },
                })?
            }
            None => vec![Wanted {
                settings: self.training(clip_units)?,
                ring,
                rounds: settings.rounds,
                sampling_threshold,
                budget_share,
            }],
        };
        Ok(statistics.into_iter().chain(training).chain(evaluation).collect())
    }

    fn training(&self, clip_units: u32) -> Result<StageSettings, Fault> {
        let settings = self.settings;
        let coins = settings.mechanism.sampling_rate < 1.0;
        let clip = ClipSettings {
            example_clip_norm: settings.example_clip_norm,
            clip_units,
            form: ClipForm::of(self.architecture, coins),
            loss_bound: Some(settings.loss_bound),
        };
        let tail_start = tail_start(settings.rounds, settings.tail_fraction);
        let optimizer = OptimizerSettings::new(OptimizerFields { update_rule: settings.optimizer, tail_start })
            .map_err(|error| fault("plan.optimizer", &error, "values within their limits"))?;
        let local = settings.mechanism.local.filter(|_| settings.privacy.mode().trains_locally());
        Ok(match local {
            None => StageSettings::Gradient(GradientSettings { clip, optimizer }),
            Some(local) => {
                StageSettings::Local(LocalSettings { clip, rule: local.rule, adaptive: local.adaptive, optimizer })
            }
        })
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

fn pricing_fault(error: &PricingFault) -> Fault {
    match error {
        PricingFault::Calibrate(error) => {
            let allowed = "a target that noise of a drawable size meets over rounds and retries";
            fault("plan.epsilon", error, allowed)
        }
        PricingFault::Stage(error) => {
            let allowed = "settings that make a stage of this plan: with more clip_units, a customers_max below which they fit, or ring = 64";
            fault("plan.clip_units", error, allowed)
        }
    }
}

/// The schema of a plan, from its file.
///
/// # Errors
/// If it cannot be read, under the key `plan.schema`.
pub fn read_schema(path: &Path) -> Result<Schema, Fault> {
    let unreadable = |found: String| Fault {
        key: "plan.schema".into(),
        found: format!("{}: {found}", path.display()),
        allowed: format!("a schema file in UTF-8, at most {SCHEMA_BYTES_MAX} bytes, as docs/SCHEMA.md describes it"),
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    Schema::parse(&text).map_err(|errors| unreadable(errors.to_string()))
}

fn architecture(settings: &PlanSettings, schema: &Schema) -> Result<Architecture, Fault> {
    let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
    let hidden = match &settings.model {
        ModelKind::Logistic => &[][..],
        ModelKind::Mlp { hidden } => hidden.as_slice(),
    };
    let pairs = settings.mechanism.staged.as_ref().and_then(|learning| learning.pairs);
    Architecture::mlp(small(schema.width()), hidden, &heads)
        .and_then(|network| network.with_pairs(pairs.map(|pairs| pairs.shape)))
        .map_err(|error| fault("plan.model", &error, "a network that the schema's inputs and labels fit"))
}

/// The step after which models are averaged: one model at least where a fraction is asked for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction of a 32-bit count, and the cast saturates"
)]
#[must_use]
pub fn tail_start(rounds: u32, tail_fraction: f64) -> Option<u32> {
    let averaged = (f64::from(rounds) * tail_fraction).round() as u32;
    (tail_fraction > 0.0).then(|| rounds.saturating_sub(averaged.max(1)))
}

/// The settings' key that a plan's fault is cured with.
fn plan_key(fault: &PlanFault) -> String {
    match fault {
        PlanFault::Wraps { .. } => "plan.clip_units".into(),
        PlanFault::OutOfRange { field, .. } => {
            let field = field.split(' ').next().unwrap_or(field);
            let field = field.strip_prefix("stage.").unwrap_or(field);
            match field {
                "schedule" => "schedule.not_after".into(),
                "runs" => "schedule.runs_max".into(),
                _ if ["schedule.", "charter.", "gates."].iter().any(|table| field.starts_with(table)) => field.into(),
                _ => format!("plan.{field}"),
            }
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
mod tests;

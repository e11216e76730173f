//! `plan.toml`, key by key: every key is asked for before the first fault counts, so that all faults are told at once.
//!
//! What each key means stands in `docs/samples/plan.toml`, which is also what `plan new` writes.

mod charter;
mod features;
mod gates;
mod keys;
mod schedule;
mod staged;

use std::path::Path;

use tributary_model::privacy::retries_for;
use tributary_model::schema::TEXT_BYTES_MAX;
use tributary_model::server_optimizer::UpdateRule;
use tributary_model::update::{LOCAL_STEPS_MAX, LocalRule};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::limits::{
    COMPLETE_GRAPH_MAX, CUSTOMERS_MAX, KEPT_DIMENSION_MAX, PLAN_ROUNDS_MAX, RETENTION_DAYS_MAX, SESSION_ROUNDS_MAX,
};
use tributary_protocol::plan::{Charter, ModelRef, OVERLAP_MAX, PrivacyMode, Retention, retries_max};
use tributary_protocol::roster::{ALL, is_group_name};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN};
use tributary_settings::{Document, Faults};

use self::keys::{NAME_ALLOWED, line, only_with, optional_integer};
use crate::settings::{
    CountingSettings, LocalSteps, MechanismSettings, ModelKind, PlanSettings, PrivacyTarget, ScheduleSettings,
};

/// Share of the second stage's rounds whose models are averaged, in staged learning.
const STAGED_TAIL: f64 = 0.5;

/// Longest deadline, in milliseconds: a day.
const DAY_MS: i64 = 86_400_000;

impl PlanSettings {
    /// Reads a plan.toml.
    ///
    /// # Errors
    /// Every fault of the file at once, each with its key, what was found and what is allowed.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let mut document = Document::open(path)?;
        let plan = plan(&mut document);
        document.finish()?;
        Ok(plan.expect("a document without a fault gave every value"))
    }
}

/// Schedule and charter of the sample, for plans that are only weighed.
pub(crate) fn of_sample() -> Option<(ScheduleSettings, Charter)> {
    let mut document = Document::parse(Path::new("plan.toml"), crate::SAMPLE).ok()?;
    let schedule = schedule::schedule(&mut document, (None, None))?;
    let charter = charter::charter(&mut document, Some(schedule.schedule.not_before))?;
    Some((ScheduleSettings { runs_max: 1, epsilon_all_runs: None, ..schedule }, charter))
}

fn name_of_plan(text: &str) -> Option<String> {
    line(text, 64)
}

fn plan(document: &mut Document) -> Option<PlanSettings> {
    let positive = |value: f64| value > 0.0 && value <= 1e6;
    let name = document.text("plan.name", NAME_ALLOWED, None, name_of_plan);
    let schema = document.existing_file("plan.schema");
    let model = model(document);
    let rounds: Option<u32> = document.integer("plan.rounds", 1..=PLAN_ROUNDS_MAX.into(), None);
    let retries_default = rounds.map_or(1, |rounds| if rounds > 1 { retries_for(rounds) } else { 0 });
    // The other stages have one round, and so no retry.
    let retries_most = retries_max(rounds.filter(|rounds| *rounds > 1).map_or(0, u128::from));
    let retries_most = i64::try_from(retries_most).expect("a twentieth of a 32-bit number");
    let retries_most = if rounds.is_some() { retries_most } else { PLAN_ROUNDS_MAX.into() };
    let retries = document.integer("plan.retries", 0..=retries_most, Some(retries_default));
    let is_staged = staged::is_staged(document);
    // What has no meaning needs no value.
    let meant = |default: f64| (is_staged == Some(true)).then_some(default);
    let example_clip_norm = document.number("plan.example_clip_norm", "above 0, at most 1e6", meant(1.0), positive);
    let loss_bound =
        document.number("plan.loss_bound", "above 0, at most 1000", Some(4.0), |value| value > 0.0 && value <= 1000.0);
    let ring = ring(document);
    let clip_units = optional_integer(document, "plan.clip_units", 256, 1 << 20);
    let customers = 1..=i64::try_from(CUSTOMERS_MAX).expect("2^40 fits");
    let customers_nominal: Option<u64> = document.integer("plan.customers_nominal", customers.clone(), None);
    let customers_max: Option<u64> = document.integer("plan.customers_max", customers, None);
    if let (Some(nominal), Some(most)) = (customers_nominal, customers_max)
        && most < nominal
    {
        document.fault("plan.customers_max", most.to_string(), format!("customers_nominal ({nominal}) or more"));
    }
    let privacy = privacy(document, customers_nominal);
    let initial_model = initial_model(document);
    let session_rounds = document.integer("plan.session_rounds", 1..=SESSION_ROUNDS_MAX as i64, Some(16));
    let round_deadline_ms = document.integer("plan.round_deadline_ms", 10..=DAY_MS, Some(60_000));
    let keying_deadline_ms = document.integer("plan.keying_deadline_ms", 10..=DAY_MS, Some(30_000));
    let mode = privacy.map(|privacy| privacy.mode());
    let features = features::features(document, is_staged);
    let is_learnt = features.is_some_and(|features| features.is_some());
    let staged = staged::staged(document, (is_staged, is_learnt), (rounds, model.as_ref(), mode));
    let mechanism = mechanism(document, privacy);
    let cohort = cohort(document);
    let allowed = "a group of the roster, of a-z, 0-9, -, _ and ., or \"all\"";
    let group = document
        .text("plan.cohort.group", allowed, Some(ALL.to_owned()), |name| is_group_name(name).then(|| name.to_owned()));
    let optimizer = optimizer(document, is_staged == Some(true));
    let tail = |value: f64| (0.0..=1.0).contains(&value);
    let usual = meant(STAGED_TAIL).unwrap_or(0.0);
    let tail_fraction = document.number("plan.optimizer.tail_fraction", "from 0 to 1", Some(usual), tail);
    let schedule = schedule::schedule(document, (privacy, cohort));
    let not_before = schedule.as_ref().map(|schedule| schedule.schedule.not_before);
    let charter = charter::charter(document, not_before);
    let gates = gates::gates(document);
    Some(PlanSettings {
        name: name?,
        schema: schema?,
        model: model?,
        rounds: rounds?,
        retries: retries?,
        privacy: privacy?,
        example_clip_norm: example_clip_norm?,
        loss_bound: loss_bound?,
        ring: ring?,
        clip_units: clip_units?,
        customers_nominal: customers_nominal?,
        customers_max: customers_max?,
        initial_model: initial_model?,
        session_rounds: session_rounds?,
        round_deadline_ms: round_deadline_ms?,
        keying_deadline_ms: keying_deadline_ms?,
        cohort: cohort?,
        group: group?,
        optimizer: optimizer?,
        tail_fraction: tail_fraction?,
        mechanism: MechanismSettings { staged: staged?, features: features?, gates: gates?, ..mechanism? },
        schedule: schedule?,
        charter: charter?,
    })
}

fn initial_model(document: &mut Document) -> Option<ModelRef> {
    let seed = document.integer("plan.seed", 0..=i64::MAX, Some(1_u64));
    let allowed = "seed, zero, previous-run, champion, or a model's digest in 64 hexadecimal digits";
    let (by_seed, written) = (ModelRef::Seed(seed.unwrap_or(1)), |text: &str| match text {
        "zero" => Some(ModelRef::Zero),
        "previous-run" => Some(ModelRef::PreviousRun),
        "champion" => Some(ModelRef::Champion),
        digest => Digest::from_hex(digest).filter(|read| read.to_string() == digest).map(ModelRef::Digest),
    });
    let model = document.text("plan.initial_model", allowed, Some(by_seed), |text| {
        if text == "seed" { Some(by_seed) } else { written(text) }
    })?;
    if !matches!(model, ModelRef::Seed(_)) {
        only_with(document, &["plan.seed"], "initial_model = \"seed\"");
    }
    seed.map(|_| model)
}

fn model(document: &mut Document) -> Option<ModelKind> {
    let is_mlp = document.choice("plan.model", &[("logistic", false), ("mlp", true)], None);
    let hidden = document.integers("plan.hidden", 1..=4096, vec![64, 32]);
    if is_mlp? {
        if hidden.as_ref().is_some_and(Vec::is_empty) {
            document.fault(
                "plan.hidden",
                "no layer",
                "one hidden layer at least; without any the model is \"logistic\"",
            );
        }
        return hidden.map(|hidden| ModelKind::Mlp { hidden });
    }
    only_with(document, &["plan.hidden"], "model = \"mlp\"");
    Some(ModelKind::Logistic)
}

fn ring(document: &mut Document) -> Option<Ring> {
    match document.integer::<u32>("plan.ring", 32..=64, Some(64))? {
        32 => Some(Ring::Bits32),
        64 => Some(Ring::Bits64),
        other => {
            document.fault("plan.ring", other.to_string(), "32 or 64");
            None
        }
    }
}

fn privacy(document: &mut Document, customers_nominal: Option<u64>) -> Option<PrivacyTarget> {
    let modes = PrivacyMode::ALL.map(|mode| (mode.name(), mode));
    let mode = document.choice("plan.privacy", &modes, None);
    if mode == Some(PrivacyMode::None) {
        let ignored = |_: f64| true;
        for key in ["plan.epsilon", "plan.delta"] {
            document.number(key, "a number", Some(0.0), ignored);
        }
        only_with(document, &["plan.epsilon", "plan.delta"], "a privacy mode with noise");
        return Some(PrivacyTarget::None);
    }
    let epsilon = document.number("plan.epsilon", "above 0, at most 100", None, |value| value > 0.0 && value <= 100.0);
    let delta = document.number("plan.delta", "above 0, below 1", None, |value| value > 0.0 && value < 1.0);
    #[expect(clippy::cast_precision_loss, reason = "2^40 is exact in a double")]
    if let (Some(delta), Some(customers)) = (delta, customers_nominal)
        && delta * customers as f64 >= 1.0
    {
        let allowed = format!(
            "below 1 / customers_nominal ({customers}): with a larger delta the statement would allow that one customer's data \
             is revealed in full"
        );
        document.fault("plan.delta", delta.to_string(), allowed);
    }
    let (mode, epsilon, delta) = (mode?, epsilon?, delta?);
    Some(match mode {
        PrivacyMode::Customer => PrivacyTarget::Customer { epsilon, delta },
        PrivacyMode::Local => PrivacyTarget::Local { epsilon, delta },
        PrivacyMode::Branch => PrivacyTarget::Branch { epsilon, delta },
        PrivacyMode::None => PrivacyTarget::None,
    })
}

/// Purpose, sampling, local steps and counting rounds. A key that the mode gives no meaning is a fault.
fn mechanism(document: &mut Document, privacy: Option<PrivacyTarget>) -> Option<MechanismSettings> {
    let default = MechanismSettings::default();
    let mode = privacy.map(|privacy| privacy.mode());
    let purpose = document.text("plan.purpose", NAME_ALLOWED, Some(default.purpose), name_of_plan);
    let overlap_max = document.integer("plan.overlap_max", 1..=OVERLAP_MAX.into(), Some(default.overlap_max));
    let rate = |value: f64| value > 1e-9 && value <= 1.0;
    let sampling_rate = document.number("plan.sampling_rate", "above 1e-9, at most 1", Some(1.0), rate);
    if !matches!(mode, None | Some(PrivacyMode::Customer | PrivacyMode::Local)) {
        only_with(document, &["plan.sampling_rate"], "the modes \"customer\" and \"local\"");
    }
    if sampling_rate.is_some_and(|rate| rate < 1.0) && mode == Some(PrivacyMode::Customer) && overlap_max > Some(1) {
        document.fault(
            "plan.sampling_rate",
            "given with overlap_max above 1",
            "1: a customer's coins at several branches are not one coin",
        );
    }
    let offset = document.integer("plan.upload_offset_ms", 0..=DAY_MS, Some(default.upload_offset_ms));
    let local = local(document, mode);
    let retention = retention(document);
    let labels = document.boolean("plan.statistics.labels", false);
    let name = |text: &str| (!text.is_empty() && text.len() <= TEXT_BYTES_MAX).then(|| Some(text.to_owned()));
    let groups = document.text("plan.evaluation.groups", "the name of a categorical or binned field", Some(None), name);
    let stages = [("statistics", "labels", 20), ("evaluation", "groups", 28)];
    let [statistics, evaluation] = stages.map(|of| counting(document, of, mode));
    Some(MechanismSettings {
        purpose: purpose?,
        overlap_max: overlap_max?,
        sampling_rate: sampling_rate?,
        local: local?,
        staged: None,
        features: None,
        statistics: statistics?,
        statistics_labels: labels?,
        evaluation: evaluation?,
        evaluation_groups: groups?,
        upload_offset_ms: offset?,
        retention: retention?,
        gates: default.gates,
    })
}

fn local(document: &mut Document, mode: Option<PrivacyMode>) -> Option<Option<LocalSteps>> {
    let positive = |value: f64| value > 0.0 && value <= 1e6;
    let keys = ["steps", "learning_rate", "update_clip_norm", "adaptive"].map(|key| format!("plan.local.{key}"));
    let [steps, learning_rate, update_clip_norm, adaptive] = &keys;
    let trains = mode.is_none_or(PrivacyMode::trains_locally);
    let steps = document.integer(steps, 1..=LOCAL_STEPS_MAX.into(), Some(5_u32));
    let learning_rate = document.number(learning_rate, "above 0, at most 1e6", Some(0.5), positive);
    let update_clip_norm = document.number(update_clip_norm, "above 0, at most 1e6", Some(1.0), positive);
    let adaptive = document.boolean(adaptive, mode == Some(PrivacyMode::Branch));
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    if !trains {
        only_with(document, &names, "the modes \"local\" and \"branch\"");
        return Some(None);
    }
    if adaptive == Some(true) && mode == Some(PrivacyMode::Local) {
        document.fault(&keys[3], "true", "false: only the mode \"branch\" has a noised share to follow");
    }
    let rule = LocalRule { steps: steps?, learning_rate: learning_rate?, update_clip_norm: update_clip_norm? };
    Some(Some(LocalSteps { rule, adaptive: adaptive? }))
}

fn counting(
    document: &mut Document,
    (name, own_key, bins_usual): (&str, &str, u32),
    mode: Option<PrivacyMode>,
) -> Option<Option<CountingSettings>> {
    let keys = ["bins", "budget_share", own_key].map(|key| format!("plan.{name}.{key}"));
    let share = |value: f64| value > 0.0 && value <= 0.5;
    let wanted = keys.iter().any(|key| document.has(key));
    let bins = document.integer(&keys[0], 2..=1000, Some(bins_usual));
    let budget_share = document.number(&keys[1], "above 0, at most 0.5", Some(0.1), share);
    if mode == Some(PrivacyMode::Branch) {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        only_with(document, &names, "the modes \"customer\", \"local\" and \"none\"");
        return Some(None);
    }
    let (bins, budget_share) = (bins?, budget_share?);
    Some(wanted.then_some(CountingSettings { bins, budget_share }))
}

fn retention(document: &mut Document) -> Option<Retention> {
    let usual = Retention::USUAL;
    let uploads = 0..=i64::from(KEPT_DIMENSION_MAX);
    let uploads = document.integer("plan.retention.uploads_dimension_max", uploads, Some(usual.uploads_dimension_max));
    let sums = document.boolean("plan.retention.sums", usual.sums);
    let days = document.integer("plan.retention.days", 1..=RETENTION_DAYS_MAX.into(), Some(usual.days));
    Some(Retention { uploads_dimension_max: uploads?, sums: sums?, days: days? })
}

fn cohort(document: &mut Document) -> Option<CohortRule> {
    let usual = CohortRule::USUAL;
    let most = COMPLETE_GRAPH_MAX as i64;
    let cohort_min = document.integer("plan.cohort.cohort_min", 2..=most, Some(usual.cohort_min));
    let organisations_min = document.integer("plan.cohort.organisations_min", 1..=most, Some(usual.organisations_min));
    let coalition = coalition(document);
    let survivors_permille =
        document.integer("plan.cohort.survivors_permille", 500..=1000, Some(usual.survivors_permille));
    let honest_min = document.integer("plan.cohort.honest_min", 1..=most, Some(usual.honest_min));
    Some(CohortRule {
        coalition: coalition?,
        cohort_min: cohort_min?,
        organisations_min: organisations_min?,
        survivors_permille: survivors_permille?,
        honest_min: honest_min?,
    })
}

/// Keys that belong to the form that was not chosen are faults, and asked for nevertheless, so that they count as known.
fn coalition(document: &mut Document) -> Option<CoalitionRule> {
    let keys = ["coalition_permille", "coalition_operator", "coalition_others", "outside_min"];
    let [permille, operator, others, outside_min] = keys.map(|key| format!("plan.cohort.{key}"));
    let forms = [("fraction", false), ("organisations", true)];
    let by_organisation = document.choice("plan.cohort.coalition", &forms, Some(false));
    let most = COMPLETE_GRAPH_MAX as i64;
    let permille_found = document.integer(&permille, 0..=333, Some(200));
    let outside_found = document.integer(&outside_min, OUTSIDE_MIN.into()..=most, Some(OUTSIDE_MIN));
    let others_found = document.integer(&others, 0..=most, Some(1));
    if by_organisation? {
        // Without a default: only the operator knows whose daemon this is.
        let operator_found = document.integer(&operator, 0..=u32::MAX.into(), None);
        only_with(document, &[&permille], "coalition = \"fraction\"");
        return Some(CoalitionRule::Organisations {
            operator: OrganisationId(operator_found?),
            others: others_found?,
            outside_min: outside_found?,
        });
    }
    document.integer(&operator, 0..=u32::MAX.into(), Some(0_u32));
    only_with(document, &[&operator, &others, &outside_min], "coalition = \"organisations\"");
    Some(CoalitionRule::Fraction { permille: permille_found? })
}

fn optimizer(document: &mut Document, is_staged: bool) -> Option<UpdateRule> {
    let adam = document.choice("plan.optimizer.kind", &[("sgd", false), ("adam", true)], is_staged.then_some(false));
    let rate = |value: f64| value > 0.0 && value <= 1000.0;
    let decay = |value: f64| (0.0..1.0).contains(&value);
    let learning_rate =
        document.number("plan.optimizer.learning_rate", "above 0, at most 1000", is_staged.then_some(1.0), rate);
    let mut decays = |key: &str, default| document.number(key, "at least 0, below 1", Some(default), decay);
    let momentum = decays("plan.optimizer.momentum", 0.9);
    let beta1 = decays("plan.optimizer.beta1", 0.9);
    let beta2 = decays("plan.optimizer.beta2", 0.999);
    let small = |value: f64| value > 0.0 && value <= 1.0;
    let epsilon = document.number("plan.optimizer.epsilon", "above 0, at most 1", Some(1e-8), small);
    if adam? {
        only_with(document, &["plan.optimizer.momentum"], "kind = \"sgd\"");
        return Some(UpdateRule::Adam {
            learning_rate: learning_rate?,
            beta1: beta1?,
            beta2: beta2?,
            epsilon: epsilon?,
        });
    }
    let moments = ["plan.optimizer.beta1", "plan.optimizer.beta2", "plan.optimizer.epsilon"];
    only_with(document, &moments, "kind = \"adam\"");
    Some(UpdateRule::Sgd { learning_rate: learning_rate?, momentum: momentum? })
}

#[cfg(test)]
mod tests;

//! What follows from a plan: numbers that its author computes once, and every reader again.

use tributary_protocol::plan::{ClipForm, Counting, Plan, PrivacyMode, RoundKind};
use tributary_protocol::privacy::{Accounts, RdpVector};

use crate::architecture::Architecture;
use crate::counts::CellLayout;
use crate::privacy::accountant::SampledRound;
use crate::privacy::{charge, sampling_probability};
use crate::schema::Schema;
use crate::update::{self, ClipRule, ClipRuleError, ClipSettings, ClipUnit};

/// A number in a plan that does not follow from the rest of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan's {0}: its author computed it wrongly, or changed it afterwards; do not join")]
pub struct PlannedFault(pub String);

/// How a plan bounds influence.
///
/// # Errors
/// If a value is outside the limits of clip rules.
pub fn clip_rule(plan: &Plan) -> Result<ClipRule, ClipRuleError> {
    ClipRule::new(ClipSettings {
        example_clip_norm: f64::from_bits(plan.example_clip_norm_bits),
        clip_units: plan.clip_units,
        form: match plan.clip_form {
            ClipForm::Exact => update::ClipForm::Exact,
            ClipForm::Chunked => update::ClipForm::Chunked,
        },
        loss_bound: (plan.riders > 0).then(|| f64::from_bits(plan.loss_bound_bits)),
        unit: clip_unit(plan.privacy),
    })
}

/// How sums over customers are made for a network. With coins always in the exact form: whoever a coin leaves out then moves no digit of the sum,
/// which the accountant of sampled rounds takes for granted. In chunks, somebody else could move into the seat, or sums be rounded otherwise.
#[must_use]
pub fn clip_form(architecture: &Architecture, coins: bool) -> ClipForm {
    if architecture.is_logistic() || coins { ClipForm::Exact } else { ClipForm::Chunked }
}

/// Whose influence a mode bounds.
#[must_use]
pub fn clip_unit(privacy: PrivacyMode) -> ClipUnit {
    if privacy == PrivacyMode::Branch { ClipUnit::Branch } else { ClipUnit::Customer }
}

/// The squared sensitivity of a training round's sum: a customer at `overlap_max` branches moves it that many times in customer mode; in
/// local mode each of its branches is charged by itself.
///
/// # Errors
/// As [`ClipRule::sensitivity_squared_units`].
pub fn sensitivity_squared(
    rule: &ClipRule,
    privacy: PrivacyMode,
    overlap_max: u16,
    parameters: usize,
) -> Result<u128, ClipRuleError> {
    let own = rule.sensitivity_squared_units(parameters)?;
    let overlap = if privacy == PrivacyMode::Customer { u128::from(overlap_max).pow(2) } else { 1 };
    Ok(own * overlap)
}

/// The squared sensitivity of a training round's sum to one customer, in every mode: in mode branch it moves the clipped difference of each of
/// its branches.
///
/// # Errors
/// As [`ClipRule::sensitivity_squared_units`].
pub fn customer_sensitivity_squared(
    rule: &ClipRule,
    privacy: PrivacyMode,
    overlap_max: u16,
    parameters: usize,
) -> Result<u128, ClipRuleError> {
    if privacy != PrivacyMode::Branch {
        return sensitivity_squared(rule, privacy, overlap_max, parameters);
    }
    Ok(rule.customer_sensitivity_squared_units(parameters)? * u128::from(overlap_max).pow(2))
}

/// The squared sensitivity of a counting round, in units squared, at any number of branches.
#[must_use]
pub fn counting_sensitivity_squared(layout: &CellLayout, clip_units: u32, overlap_max: u16) -> u128 {
    layout.counts_per_customer() as u128 * u128::from(clip_units).pow(2) * u128::from(overlap_max).pow(2)
}

/// One release of a training round, as accountants see it: a round's sum, or a local step's.
#[must_use]
pub fn release(plan: &Plan) -> SampledRound {
    SampledRound {
        sampling_probability: sampling_probability(plan.sampling_threshold),
        noise_multiplier: noise_multiplier(plan.noise_variance, plan.sensitivity_squared),
    }
}

/// Releases of one training round that a customer is in: each local step at each of its branches, or one.
#[must_use]
pub fn releases_per_round(plan: &Plan) -> u32 {
    match (plan.privacy, &plan.local) {
        (PrivacyMode::Local, Some(local)) => local.steps.saturating_mul(plan.overlap_max.into()),
        _ => 1,
    }
}

/// Standard deviation of the noise over the sensitivity, rounded down.
#[must_use]
pub fn noise_multiplier(variance: u128, sensitivity_squared: u128) -> f64 {
    (variance as f64 / sensitivity_squared as f64).sqrt() * (1.0 - 4.0 * f64::EPSILON)
}

/// What a training round costs each unit by this machine's own arithmetic.
#[must_use]
pub fn round_charge(plan: &Plan) -> Accounts {
    match (plan.privacy, plan.sampling_threshold) {
        (PrivacyMode::None, _) | (_, 0) => plan.charge_without_coins(),
        // A coin is a customer's.
        _ => Accounts::customers(charge(release(plan)).times(releases_per_round(plan).into())),
    }
}

/// What a plan states as the cost of a training round: a little above [`round_charge`] where floats are in it, so that another machine's
/// arithmetic does not come out above it.
#[must_use]
pub fn stated_charge(plan: &Plan) -> Accounts {
    let own = round_charge(plan);
    if plan.sampling_threshold == 0 {
        return own;
    }
    let full = plan.charge_without_coins();
    let raised = own
        .customer
        .nanos()
        .iter()
        .zip(full.customer.nanos())
        .map(|(nanos, most)| nanos.saturating_add(nanos / 1_000_000_000).saturating_add(1).min(*most));
    Accounts::customers(RdpVector::from_nanos(raised.collect()).expect("one value for each order"))
}

/// The cells of a plan's counting round; nothing where it has none. Statistics need the schema.
#[must_use]
pub fn cell_layout(
    plan: &Plan,
    kind: RoundKind,
    architecture: &Architecture,
    schema: Option<&Schema>,
) -> Option<CellLayout> {
    layout_of(kind, plan.counting(kind)?.bins, architecture, schema)
}

/// The cells of a counting round with so many bins a histogram; nothing for training, or for statistics without the schema.
#[must_use]
pub fn layout_of(
    kind: RoundKind,
    bins: u32,
    architecture: &Architecture,
    schema: Option<&Schema>,
) -> Option<CellLayout> {
    let bins = bins as usize;
    match kind {
        RoundKind::Train => None,
        RoundKind::Statistics => schema.map(|schema| CellLayout::features(schema, bins)),
        RoundKind::Evaluation => Some(CellLayout::scores(architecture.heads(), bins)),
    }
}

/// Recomputes every number of a valid plan that can be recomputed, with the schema's where there is one; the network it is for.
///
/// # Errors
/// The first number that does not follow.
pub fn check(plan: &Plan, schema: Option<&Schema>) -> Result<(Architecture, ClipRule), PlannedFault> {
    let fault = |text: &dyn std::fmt::Display| PlannedFault(text.to_string());
    let architecture = Architecture::decode(&plan.architecture).map_err(|error| fault(&error))?;
    let rule = clip_rule(plan).map_err(|error| fault(&error))?;
    if plan.sampling_threshold != 0 && plan.clip_form != clip_form(&architecture, true) {
        return Err(PlannedFault(
            "clipped sums are made in chunks, where whom a coin leaves out may still move others".into(),
        ));
    }
    let parameters = architecture.parameter_count();
    let differs = |name: &str, stated: u128, follows: u128| {
        if stated == follows {
            return Ok(());
        }
        Err(PlannedFault(format!("{name} is stated as {stated} where {follows} follows")))
    };
    differs("number of parameters", plan.parameters.into(), parameters as u128)?;
    differs("number of riders", plan.riders.into(), rule.rider_count() as u128)?;
    let own = sensitivity_squared(&rule, plan.privacy, plan.overlap_max, parameters).map_err(|error| fault(&error))?;
    differs("squared sensitivity", plan.sensitivity_squared, own)?;
    let customer = customer_sensitivity_squared(&rule, plan.privacy, plan.overlap_max, parameters);
    let customer = customer.map_err(|error| fault(&error))?;
    differs("squared sensitivity to a customer", plan.customer_sensitivity_squared, customer)?;
    if !round_charge(plan).at_most(&plan.round_charge) {
        return Err(PlannedFault("charge of a round is stated below what its noise and sampling give".into()));
    }
    for kind in [RoundKind::Statistics, RoundKind::Evaluation] {
        let (Some(counting), Some(layout)) = (plan.counting(kind), cell_layout(plan, kind, &architecture, schema))
        else {
            continue;
        };
        let Counting { cells, sensitivity_squared, .. } = *counting;
        differs(&format!("number of cells of {}", kind.name()), cells.into(), layout.cells() as u128)?;
        let follows = counting_sensitivity_squared(&layout, plan.clip_units, plan.overlap_max);
        differs(&format!("squared sensitivity of {}", kind.name()), sensitivity_squared, follows)?;
    }
    Ok((architecture, rule))
}

#[cfg(test)]
#[path = "planned_tests.rs"]
mod tests;

//! Why a plan is refused, for the branch's own screen: the policy's key, its figure and the plan's.

use tributary_model::architecture::Architecture;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::message::Floor;
use tributary_protocol::plan::Plan;
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};

use super::BranchPolicy;

/// The line of the policy that refuses a plan, with both figures. The coordinator is told the line alone.
#[must_use]
pub fn refusal(floor: Floor, plan: &Plan, policy: &BranchPolicy) -> String {
    let terms = &policy.terms;
    let norm = |bits: u64| f64::from_bits(bits);
    match floor {
        Floor::Mode => {
            let modes: Vec<&str> = policy.modes.iter().map(|mode| mode.name()).collect();
            format!("policy.modes = {modes:?}; the plan's mode is {:?}", plan.privacy.name())
        }
        Floor::Purpose => format!("policy.purposes = {:?}; the plan's purpose is {:?}", policy.purposes, plan.purpose),
        Floor::Schema => format!(
            "policy.schema = {}; the plan was made for schema {}: the owner reads that schema, and pins and signs it, or the plan owner uses the \
             pinned one",
            policy.schema.digest.short(),
            plan.schema.short()
        ),
        Floor::Cohort => cohort(&plan.cohort, &policy.cohort),
        Floor::Group => format!("policy.groups = {:?}; the plan's group is {:?}", policy.groups, plan.group),
        Floor::Overlap => {
            format!("policy.overlap_min = {}; the plan's overlap_max is {}", policy.overlap_min, plan.overlap_max)
        }
        Floor::UploadOffset => format!(
            "policy.upload_offset_ms_min = {}; the plan's upload_offset_ms is {}",
            terms.upload_offset_ms_min, plan.upload_offset_ms
        ),
        Floor::ClipNorm => {
            let update =
                plan.local.map(|local| format!(", its update_clip_norm is {}", norm(local.update_clip_norm_bits)));
            format!(
                "policy.clip_norm_min = {}; the plan's example_clip_norm is {}{}",
                terms.clip_norm_min,
                norm(plan.example_clip_norm_bits),
                update.unwrap_or_default()
            )
        }
        Floor::Layers | Floor::Width => {
            let hidden = Architecture::decode(&plan.architecture).map(|network| network.hidden().to_vec());
            let (layers, width) = (terms.layers_max, terms.width_max);
            let hidden = hidden.unwrap_or_default();
            format!(
                "policy.layers_max = {layers} and policy.width_max = {width}; the plan's hidden layers are {hidden:?}"
            )
        }
        Floor::Rounds => format!(
            "policy.rounds_max = {}; the plan may charge {} training rounds, retries included",
            terms.rounds_max, plan.rounds_charged_max
        ),
        Floor::RoundsADay => {
            format!("policy.rounds_a_day = {}; so many were charged within 24 hours", policy.rounds_a_day)
        }
        Floor::EpsilonPlan => format!(
            "policy.epsilon_plan = {}; the plan may cost a customer {} at delta {:e}",
            policy.epsilon_plan,
            epsilon(&plan.charge_max().customer, policy.delta),
            policy.delta
        ),
        Floor::EpsilonBranchPlan => format!(
            "policy.epsilon_branch_plan {}; the plan may cost the branch as one unit {} at delta {:e}",
            policy.epsilon_branch.map_or_else(|| "is not set".to_owned(), |branch| format!("= {}", branch.plan)),
            epsilon(&plan.charge_max().branch, policy.delta),
            policy.delta
        ),
    }
}

/// What is left of the budget for life, and what the plan may cost in the worst case, in words.
#[must_use]
pub fn budget(plan: &Plan, policy: &BranchPolicy, spent: &Accounts) -> String {
    let (cost, delta) = (plan.charge_max(), policy.delta);
    let unit = |name: &str, life: f64, spent: &RdpVector, cost: &RdpVector| {
        format!(
            "policy.{name} = {life} at delta {delta:e}; {} is spent, and {} would be with all that this plan may still charge",
            epsilon(spent, delta),
            epsilon(&spent.plus(cost), delta)
        )
    };
    let customer = unit("epsilon_life", policy.epsilon_life, &spent.customer, &cost.customer);
    match policy.epsilon_branch {
        Some(branch) => {
            format!("{customer}; {}", unit("epsilon_branch_life", branch.life, &spent.branch, &cost.branch))
        }
        None => customer,
    }
}

fn epsilon(spent: &RdpVector, delta: f64) -> String {
    let epsilon = epsilon_of(spent, delta).0;
    if epsilon.is_finite() { format!("epsilon {epsilon:.4}") } else { "without a bound".to_owned() }
}

/// Every line of the cohort rule in which the plan asks for less.
fn cohort(plan: &CohortRule, own: &CohortRule) -> String {
    let numbers = [
        ("cohort_min", plan.cohort_min, own.cohort_min),
        ("organisations_min", plan.organisations_min, own.organisations_min),
        ("survivors_permille", plan.survivors_permille, own.survivors_permille),
        ("honest_min", plan.honest_min, own.honest_min),
    ];
    let weaker = numbers.into_iter().filter(|(_, plan, own)| plan < own);
    let lines = weaker.map(|(key, plan, own)| format!("policy.{key} = {own}; the plan's is {plan}"));
    let coalition = (!plan.coalition.at_least_as_strict(&own.coalition))
        .then(|| format!("{}; the plan assumes {}", coalition(&own.coalition), assumed(&plan.coalition)));
    lines.chain(coalition).collect::<Vec<_>>().join("; ")
}

fn coalition(own: &CoalitionRule) -> String {
    match own {
        CoalitionRule::Fraction { permille } => format!("policy.coalition_permille = {permille}"),
        CoalitionRule::Organisations { operator, others, outside_min } => format!(
            "policy.coalition = \"organisations\", coalition_operator = {operator}, coalition_others = {others}, outside_min = {outside_min}"
        ),
    }
}

fn assumed(plan: &CoalitionRule) -> String {
    match plan {
        CoalitionRule::Fraction { permille } => format!("{permille} thousandths of the group"),
        CoalitionRule::Organisations { operator, others, outside_min } => {
            format!("operator {operator} with {others} other organisations, and {outside_min} outside")
        }
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::schema::Schema;
    use tributary_protocol::ids::OrganisationId;
    use tributary_protocol::plan::PrivacyMode;

    use super::*;
    use crate::judge::tests::{SCHEMA, plan, policy};
    use crate::policy::BranchEpsilon;

    fn both() -> (Plan, BranchPolicy) {
        let schema = Schema::parse(SCHEMA).unwrap();
        (plan(&schema, &[300]).plan().clone(), policy(&schema))
    }

    /// Each floor names a key that the sample policy explains, and both figures.
    #[test]
    fn every_refusal_names_its_key_and_both_figures() {
        let (mut plan, mut policy) = both();
        plan.privacy = PrivacyMode::None;
        plan.purpose = "credit".into();
        plan.group = "pilot".into();
        plan.upload_offset_ms = 3;
        plan.example_clip_norm_bits = 0.0005_f64.to_bits();
        plan.rounds_charged_max = 4321;
        plan.overlap_max = 1;
        policy.overlap_min = 7;
        policy.rounds_a_day = 123;
        policy.epsilon_branch = Some(BranchEpsilon { life: 9.0, plan: 8.5 });
        plan.cohort.cohort_min = 3;
        plan.cohort.coalition = CoalitionRule::Fraction { permille: 11 };
        let cases: [(Floor, &[&str]); 14] = [
            (Floor::Mode, &["policy.modes", "customer", "none"]),
            (Floor::Purpose, &["policy.purposes", "deposit propensity", "credit"]),
            (Floor::Schema, &["policy.schema", "pins"]),
            (Floor::Cohort, &["policy.cohort_min = 8", "is 3", "policy.coalition_permille = 200", "11 thousandths"]),
            (Floor::Group, &["policy.groups", "all", "pilot"]),
            (Floor::Overlap, &["policy.overlap_min = 7", "is 1"]),
            (Floor::UploadOffset, &["policy.upload_offset_ms_min = 5", "is 3"]),
            (Floor::ClipNorm, &["policy.clip_norm_min = 0.001", "0.0005"]),
            (Floor::Layers, &["policy.layers_max = 2", "[300]"]),
            (Floor::Width, &["policy.width_max = 256", "[300]"]),
            (Floor::Rounds, &["policy.rounds_max = 1000", "4321"]),
            (Floor::RoundsADay, &["policy.rounds_a_day = 123"]),
            (Floor::EpsilonPlan, &["policy.epsilon_plan = 2", "epsilon "]),
            (Floor::EpsilonBranchPlan, &["policy.epsilon_branch_plan = 8.5", "as one unit"]),
        ];
        for (floor, parts) in cases {
            let text = refusal(floor, &plan, &policy);
            assert!(parts.iter().all(|part| text.contains(part)), "{floor:?}: {text}");
            // The coordinator's screen names the same key.
            let key = parts[0].split(' ').next().unwrap();
            assert!(floor.to_string().contains(key), "{floor}");
        }
    }

    #[test]
    fn a_coalition_of_another_form_is_told_with_both_forms() {
        let (mut plan, policy) = both();
        plan.cohort.coalition = CoalitionRule::Organisations { operator: OrganisationId(4), others: 1, outside_min: 2 };
        let text = refusal(Floor::Cohort, &plan, &policy);
        assert!(text.contains("policy.coalition_permille = 200") && text.contains("operator 4"), "{text}");
    }

    #[test]
    fn an_exhausted_budget_is_told_with_what_is_spent() {
        let (plan, policy) = both();
        let spent = Accounts::customers(RdpVector::gaussian(1, 1));
        let text = budget(&plan, &policy, &spent);
        assert!(text.starts_with("policy.epsilon_life = 4 at delta 1e-6; epsilon "), "{text}");
    }
}

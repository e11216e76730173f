//! Why a plan is refused, for the branch's own screen: the policy's key, its figure and the plan's.

use tributary_model::architecture::Architecture;
use tributary_model::privacy::epsilon_of;
use tributary_model::stage::StageSettings;
use tributary_model::weak_modes::Build;
use tributary_protocol::limits::{CHARGED_RUNS_MAX, WITHDRAWALS_MAX};
use tributary_protocol::message::Floor;
use tributary_protocol::plan::{Plan, RunRef};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::round::BudgetRecord;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};
use tributary_protocol::time::Millis;

use super::BranchPolicy;

/// The line of the policy that refuses a plan, with both figures. The coordinator is told the line alone.
#[must_use]
pub fn refusal(floor: Floor, plan: &Plan, policy: &BranchPolicy) -> String {
    let terms = &policy.terms;
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
            format!("policy.clip_norm_min = {}; the plan's clip norms are {}", terms.clip_norm_min, clip_norms(plan))
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
            "policy.rounds_max = {}; the plan may charge {} rounds in {}, of all its stages, retries included",
            terms.rounds_max,
            plan.rounds_charged_max_of_all_runs(),
            runs(plan)
        ),
        Floor::RoundsADay => {
            format!("policy.rounds_a_day = {}; so many were charged within 24 hours", policy.rounds_a_day)
        }
        Floor::EpsilonPlan => format!(
            "policy.epsilon_plan = {}; the plan may cost a customer {} at delta {:e} in {}",
            policy.epsilon_plan,
            epsilon(&plan.charge_max().customer, policy.delta),
            policy.delta,
            runs(plan)
        ),
        Floor::EpsilonBranchPlan => format!(
            "policy.epsilon_branch_plan {}; the plan may cost the branch as one unit {} at delta {:e} in {}",
            policy.epsilon_branch.map_or_else(|| "is not set".to_owned(), |branch| format!("= {}", branch.plan)),
            epsilon(&plan.charge_max().branch, policy.delta),
            policy.delta,
            runs(plan)
        ),
    }
}

/// Which admitted modes this program has no part in: an owner who admits one should not wait for such a plan.
#[must_use]
pub fn not_built(policy: &BranchPolicy) -> Option<String> {
    not_built_by(Build::THIS, policy)
}

fn not_built_by(build: Build, policy: &BranchPolicy) -> Option<String> {
    let refused = policy.modes.iter().filter(|mode| build.admits(**mode).is_err());
    let modes: Vec<String> = refused.map(|mode| format!("{:?}", mode.name())).collect();
    (!modes.is_empty()).then(|| {
        format!(
            "the policy admits the mode {}, and this program was built without it: such plans are refused all the same. To take part in them, use a \
             program that was built with the feature weak-modes",
            modes.join(" and ")
        )
    })
}

/// The line of the policy that refuses the public state with which a round starts, with both figures; without a bound where that is no clip
/// norm.
#[must_use]
pub fn bound_refusal(bound: Option<f64>, policy: &BranchPolicy) -> String {
    let found = bound.map_or_else(|| "is no clip norm".to_owned(), |bound| format!("is {bound}"));
    format!(
        "policy.clip_norm_min = {}; the round's public state has an update_clip_norm that {found}. The plan lets it follow the branches' \
         differences: ask the plan owner for one that does not adapt, or that begins higher",
        policy.terms.clip_norm_min
    )
}

/// Every clip norm of a plan, by stage, with what it can fall to; people count from 1.
fn clip_norms(plan: &Plan) -> String {
    let stages = (1..).zip(&plan.stages).filter_map(|(number, stage): (u16, _)| {
        let settings = StageSettings::decode(&stage.kind, &stage.settings).ok()?;
        let named = settings.clip_norms().into_iter().map(|(name, norm)| format!("{name} = {norm}"));
        let lowest = settings.lowest_bound().map(|bound| format!("an adapted bound down to {bound}"));
        let norms: Vec<String> = named.chain(lowest).collect();
        (!norms.is_empty()).then(|| format!("{} in stage {number} ({})", norms.join(" and "), stage.kind))
    });
    stages.collect::<Vec<_>>().join(", ")
}

fn runs(plan: &Plan) -> String {
    if plan.runs == 1 { "one run".to_owned() } else { format!("{} runs", plan.runs) }
}

/// Why the budget does not pay for a run: what is spent of it for life and in the year, what other runs have reserved, and what the run may still
/// cost in the worst case.
#[must_use]
pub fn budget(plan: &Plan, run: &RunRef, policy: &BranchPolicy, (record, now): (&BudgetRecord, Millis)) -> String {
    if record.runs_beside(run) >= CHARGED_RUNS_MAX {
        return format!(
            "{CHARGED_RUNS_MAX} other runs were charged to this budget, and its heads cannot name one more: the branch is done with these customers"
        );
    }
    if record.withdrawn.len() > WITHDRAWALS_MAX {
        return format!(
            "the owner has withdrawn more than {WITHDRAWALS_MAX} grants, and this budget's heads cannot name one more: the branch is done with these \
             customers"
        );
    }
    let (cost, reserved) = (plan.charge_left(&record.charged(run).rounds), record.reserved_beside(run));
    let of = |key: &str, cap: f64, account: fn(&Accounts) -> &RdpVector, spent: &Accounts| {
        let all = spent.plus(&reserved).plus(&cost);
        let [spent, reserved, all] = [spent, &reserved, &all].map(|used| epsilon(account(used), policy.delta));
        format!(
            "policy.{key} = {cap} at delta {:e}; {spent} is spent, {reserved} is reserved by other runs, and {all} would be with all that this run \
             may still charge",
            policy.delta
        )
    };
    let year = record.year.spent_at(now);
    let caps = policy.epsilon_branch.map(|branch| [branch.life, branch.year]);
    let customer = [("epsilon_life", policy.epsilon_life, &record.spent), ("epsilon_year", policy.epsilon_year, &year)];
    let customer = customer.map(|(key, cap, spent)| of(key, cap, |used| &used.customer, spent));
    let branch = caps.map(|[life, in_year]| {
        let lines = [("epsilon_branch_life", life, &record.spent), ("epsilon_branch_year", in_year, &year)];
        lines.map(|(key, cap, spent)| of(key, cap, |used| &used.branch, spent))
    });
    customer.into_iter().chain(branch.into_iter().flatten()).collect::<Vec<_>>().join("; ")
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
    use tributary_protocol::plan::{PrivacyMode, Stage};

    use super::*;
    use crate::judge::tests::{SCHEMA, local, plan, policy};
    use crate::policy::BranchEpsilon;

    #[test]
    fn an_owner_hears_of_admitted_modes_that_are_not_built() {
        let (_, mut policy) = both();
        assert_eq!(not_built_by(Build::SHIPPED, &policy), None);
        policy.modes = PrivacyMode::ALL.to_vec();
        let told = not_built_by(Build::SHIPPED, &policy).unwrap();
        assert!(told.contains("the mode \"branch\" and \"none\"") && told.contains("weak-modes"), "{told}");
        assert_eq!(not_built(&policy), None, "these tests are built with the modes");
    }

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
        plan.stages[0].rounds = 4316;
        let local = Stage {
            kind: "local".into(),
            settings: local(0.0625, false).encode(),
            rounds: 1,
            ..plan.stages[0].clone()
        };
        plan.stages.push(local);
        plan.runs = 2;
        plan.overlap_max = 1;
        policy.overlap_min = 7;
        policy.rounds_a_day = 123;
        policy.epsilon_branch = Some(BranchEpsilon { life: 9.0, year: 8.75, plan: 8.5 });
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
            (
                Floor::ClipNorm,
                &[
                    "policy.clip_norm_min = 0.001",
                    "example_clip_norm = 1 in stage 1 (gradient)",
                    "update_clip_norm = 0.0625 in stage 2 (local)",
                ],
            ),
            (Floor::Layers, &["policy.layers_max = 2", "[300]"]),
            (Floor::Width, &["policy.width_max = 256", "[300]"]),
            (Floor::Rounds, &["policy.rounds_max = 1000", "8640", "2 runs"]),
            (Floor::RoundsADay, &["policy.rounds_a_day = 123"]),
            (Floor::EpsilonPlan, &["policy.epsilon_plan = 4", "epsilon "]),
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
        let run = RunRef { plan: plan.digest(), number: 1 };
        let mut record = BudgetRecord::default();
        record.spent = Accounts::customers(RdpVector::gaussian(1, 1));
        record.year.charge(Millis(0), &record.spent);
        let words = |record: &BudgetRecord| budget(&plan, &run, &policy, (record, Millis(0)));
        let text = words(&record);
        assert!(text.starts_with("policy.epsilon_life = 8 at delta 1e-6; epsilon "), "{text}");
        assert!(text.contains("; policy.epsilon_year = 4.5 at delta 1e-6; epsilon "), "{text}");
        // What was charged in the run is spent, and not to be spent again.
        record.runs.entry(run).or_default().charged.rounds = vec![plan.stages[0].rounds + plan.retries];
        let text = words(&record);
        let spent = epsilon(&record.spent.customer, policy.delta);
        let parts = format!("{spent} is spent, epsilon 0.0000 is reserved by other runs, and {spent} would be");
        assert!(text.contains(&parts), "{text}");
        for number in 2..514 {
            record.runs.entry(RunRef { number, ..run }).or_default().charged.rounds = vec![1];
        }
        assert!(words(&record).contains("512 other runs"));
    }
}

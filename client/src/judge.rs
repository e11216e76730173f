//! Judges a plan against what the branch has: a plan's numbers must follow from its schema, its network and its clip rule.

use tributary_model::architecture::Architecture;
use tributary_model::planned;
use tributary_model::schema::Schema;
use tributary_model::update::{ClipRule, LocalRule};
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::ValidPlan;

use crate::policy::BranchPolicy;

/// What a branch needs to train for a plan.
pub struct Judged {
    /// The network.
    pub architecture: Architecture,
    /// The branch's schema, which is the plan's.
    pub schema: Schema,
    /// How gradients become integers.
    pub rule: ClipRule,
    /// How the branch trains between two uploads, where it takes several steps.
    pub local: Option<LocalRule>,
}

/// Recomputes everything in a plan that can be recomputed at a branch, and compares what only a branch understands with its owner's policy: the
/// schema and the network.
///
/// # Errors
/// The code that the coordinator is told; data is not looked at.
pub fn judge(plan: &ValidPlan, schema: &Schema, policy: &BranchPolicy) -> Result<Judged, RefusalCode> {
    policy.schema.holds(schema).map_err(|fault| {
        tracing::error!("{fault}");
        RefusalCode::PolicyFloor(Floor::Schema)
    })?;
    if plan.schema != schema.digest() {
        return Err(RefusalCode::SchemaDiffers);
    }
    let (architecture, rule) = planned::check(plan, Some(schema)).map_err(|fault| {
        tracing::error!("{fault}");
        RefusalCode::PlanMalformed
    })?;
    let heads = architecture.heads().iter().eq(schema.labels().iter().map(|label| &label.name));
    if architecture.inputs() as usize != schema.width() || !heads {
        return Err(RefusalCode::SchemaDiffers);
    }
    policy.terms.admits(&architecture).map_err(RefusalCode::PolicyFloor)?;
    let local = plan.local.map(|local| LocalRule {
        steps: local.steps,
        learning_rate: f64::from_bits(local.learning_rate_bits),
        update_clip_norm: f64::from_bits(local.update_clip_norm_bits),
    });
    Ok(Judged { architecture, schema: schema.clone(), rule, local })
}

#[cfg(test)]
pub(crate) mod tests {
    use tributary_protocol::plan::{ClipForm, Plan};
    use tributary_protocol::round::cast;

    use super::*;
    use crate::policy::sample_for;

    pub(crate) const SCHEMA: &str = include_str!("../../docs/samples/schemas/deposit_churn.toml");

    pub(crate) fn policy(schema: &Schema) -> BranchPolicy {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, sample_for(schema)).unwrap();
        BranchPolicy::load(&path).unwrap()
    }

    /// A plan in which every number follows.
    pub(crate) fn plan(schema: &Schema, hidden: &[u32]) -> ValidPlan {
        let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
        let network = Architecture::mlp(u32::try_from(schema.width()).unwrap(), hidden, &heads).unwrap();
        let mut plan = Plan {
            schema: schema.digest(),
            architecture: network.encode(),
            parameters: u32::try_from(network.parameter_count()).unwrap(),
            clip_form: if hidden.is_empty() { ClipForm::Exact } else { ClipForm::Chunked },
            ..cast::plan()
        };
        let rule = planned::clip_rule(&plan).unwrap();
        plan.riders = u32::try_from(rule.rider_count()).unwrap();
        plan.sensitivity_squared =
            planned::sensitivity_squared(&rule, plan.privacy, plan.overlap_max, network.parameter_count()).unwrap();
        plan.customer_sensitivity_squared =
            planned::customer_sensitivity_squared(&rule, plan.privacy, plan.overlap_max, network.parameter_count())
                .unwrap();
        plan.noise_variance = plan.sensitivity_squared * 2000;
        plan.round_charge = planned::stated_charge(&plan);
        plan.validate().unwrap()
    }

    #[test]
    fn a_network_beyond_the_policy_is_refused_by_its_own_line() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let policy = policy(&schema);
        let judged = |hidden: &[u32]| judge(&plan(&schema, hidden), &schema, &policy).map(|_| ());
        for admitted in [&[][..], &[256], &[256, 256]] {
            assert_eq!(judged(admitted), Ok(()), "{admitted:?}");
        }
        assert_eq!(judged(&[257]), Err(RefusalCode::PolicyFloor(Floor::Width)));
        assert_eq!(judged(&[1, 1, 1]), Err(RefusalCode::PolicyFloor(Floor::Layers)));
    }

    #[test]
    fn a_schema_that_is_not_pinned_is_refused_though_plan_and_file_agree() {
        let policy = policy(&Schema::parse(SCHEMA).unwrap());
        let hostile = SCHEMA.replacen("name = \"age\"\n", "name = \"age\"\ncolumn = \"religion\"\n", 1);
        let hostile = Schema::parse(&hostile).unwrap();
        let refused = judge(&plan(&hostile, &[]), &hostile, &policy).map(|_| ());
        assert_eq!(refused, Err(RefusalCode::PolicyFloor(Floor::Schema)));
    }
}

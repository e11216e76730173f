//! Judges a plan against what the branch has: a plan's numbers must follow from its schema, its network and its stages' settings.

use tributary_model::planned::{self, Planned};
use tributary_model::schema::Schema;
use tributary_model::weak_modes::Build;
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::ValidPlan;

use crate::policy::BranchPolicy;

/// Recomputes everything in a plan that can be recomputed at a branch, and compares what only a branch understands with its owner's policy: the
/// schema, the network, and the clip norms of every stage.
///
/// # Errors
/// The code that the coordinator is told; data is not looked at.
pub fn judge(plan: &ValidPlan, schema: &Schema, policy: &BranchPolicy) -> Result<Planned, RefusalCode> {
    judged_by(Build::THIS, plan, schema, policy)
}

fn judged_by(build: Build, plan: &ValidPlan, schema: &Schema, policy: &BranchPolicy) -> Result<Planned, RefusalCode> {
    build.admits(plan.privacy).map_err(|refused| {
        tracing::error!("{refused}; the branch's policy admits the mode, and is not asked");
        RefusalCode::ModeNotBuilt
    })?;
    policy.schema.holds(schema).map_err(|fault| {
        tracing::error!("{fault}");
        RefusalCode::PolicyFloor(Floor::Schema)
    })?;
    if plan.schema != schema.digest() {
        return Err(RefusalCode::SchemaDiffers);
    }
    schema.handled_by(plan).map_err(|fault| {
        tracing::error!("{fault}");
        RefusalCode::LevelNotKept
    })?;
    let planned = planned::check(plan, Some(schema)).map_err(|fault| {
        tracing::error!("{fault}");
        RefusalCode::PlanMalformed
    })?;
    let architecture = planned.architecture();
    let heads = architecture.heads().iter().eq(schema.labels().iter().map(|label| &label.name));
    if architecture.inputs() as usize != schema.width() || !heads {
        return Err(RefusalCode::SchemaDiffers);
    }
    policy.terms.admits(architecture).map_err(RefusalCode::PolicyFloor)?;
    policy.terms.admits_clip_norms(planned.stages()).map_err(RefusalCode::PolicyFloor)?;
    Ok(planned)
}

#[cfg(test)]
pub(crate) mod tests {
    use tributary_model::architecture::Architecture;
    use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
    use tributary_model::stage::{
        Chosen, CountSettings, EvaluateSettings, Frame, GradientSettings, LocalSettings, StageSettings,
    };
    use tributary_model::update::{ClipForm, ClipSettings, LocalRule};
    use tributary_protocol::plan::{Materiality, Plan, PrivacyMode};
    use tributary_protocol::round::cast;
    use tributary_protocol::secagg::modular::Ring;

    use super::*;
    use crate::policy::sample_for;

    pub(crate) const SCHEMA: &str = include_str!("../../docs/samples/schemas/deposit_churn.toml");

    pub(crate) fn policy(schema: &Schema) -> BranchPolicy {
        BranchPolicy::parse(std::path::Path::new("policy.toml"), &sample_for(schema)).unwrap()
    }

    fn clip(form: ClipForm) -> ClipSettings {
        ClipSettings { example_clip_norm: 1.0, clip_units: 1 << 20, form, loss_bound: Some(4.0) }
    }

    fn optimizer() -> OptimizerSettings {
        let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.0 };
        OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).unwrap()
    }

    pub(crate) fn gradient(form: ClipForm) -> StageSettings {
        StageSettings::Gradient(GradientSettings { clip: clip(form), optimizer: optimizer() })
    }

    /// Two steps, with this bound of their difference.
    pub(crate) fn local(update_clip_norm: f64, adaptive: bool) -> StageSettings {
        let rule = LocalRule { steps: 2, learning_rate: 0.5, update_clip_norm };
        StageSettings::Local(LocalSettings { clip: clip(ClipForm::Exact), rule, adaptive, optimizer: optimizer() })
    }

    pub(crate) fn count() -> StageSettings {
        StageSettings::Count(CountSettings { clip_units: 1 << 10, bins: 3, labels: false })
    }

    pub(crate) fn evaluate() -> StageSettings {
        StageSettings::Evaluate(EvaluateSettings { clip_units: 1 << 10, bins: 5, groups: None })
    }

    /// A plan of these stages, each with its rounds, in which every number follows.
    pub(crate) fn plan_of(
        schema: &Schema,
        hidden: &[u32],
        privacy: PrivacyMode,
        stages: &[(StageSettings, u32)],
    ) -> ValidPlan {
        let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
        let network = Architecture::mlp(u32::try_from(schema.width()).unwrap(), hidden, &heads).unwrap();
        let base = Plan { schema: schema.digest(), architecture: network.encode(), privacy, ..cast::plan() };
        let frame = Frame::of(&base, &network, Some(schema));
        let terms = |(settings, rounds): &(StageSettings, u32)| {
            let noise_variance = settings.form(&frame).unwrap().sensitivity_squared * 2000;
            let chosen = Chosen { ring: Ring::Bits64, noise_variance, sampling_threshold: 0, rounds: *rounds };
            settings.terms(&frame, chosen).unwrap()
        };
        let retries = if stages.iter().any(|(_, rounds)| *rounds > 1) { base.retries } else { 0 };
        let plan = Plan { stages: stages.iter().map(terms).collect(), retries, ..base };
        plan.validate().unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// A plan of five rounds of gradients in the form that suits the network.
    pub(crate) fn plan(schema: &Schema, hidden: &[u32]) -> ValidPlan {
        let form = if hidden.is_empty() { ClipForm::Exact } else { ClipForm::Chunked };
        plan_of(schema, hidden, PrivacyMode::Customer, &[(gradient(form), 5)])
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

    /// Of every stage, and of gradients as well as of differences.
    #[test]
    fn a_clip_norm_below_the_policy_s_is_refused_in_whichever_stage_it_is() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let mut policy = policy(&schema);
        policy.terms.clip_norm_min = 0.5;
        let branch = |stages: &[(StageSettings, u32)]| {
            let plan = plan_of(&schema, &[], PrivacyMode::Branch, stages);
            judge(&plan, &schema, &policy).map(|_| ())
        };
        let refused = Err(RefusalCode::PolicyFloor(Floor::ClipNorm));
        assert_eq!(branch(&[(local(0.5, false), 5), (local(500.0, true), 5)]), Ok(()));
        assert_eq!(branch(&[(local(0.49, false), 5)]), refused);
        assert_eq!(
            branch(&[(local(1.0, false), 5), (local(0.49, false), 5)]),
            refused,
            "a later stage's counts as well"
        );
        assert_eq!(branch(&[(local(499.0, true), 5)]), refused, "an adapted one could fall below");
        let customer = |stages: &[(StageSettings, u32)], clip_norm_min| {
            let mut policy = policy.clone();
            policy.terms.clip_norm_min = clip_norm_min;
            let plan = plan_of(&schema, &[], PrivacyMode::Customer, stages);
            judge(&plan, &schema, &policy).map(|_| ())
        };
        let gradient = (gradient(ClipForm::Exact), 5);
        assert_eq!(customer(&[(count(), 1), gradient, (evaluate(), 1)], 1.0), Ok(()));
        assert_eq!(customer(&[(count(), 1), gradient], 1.01), refused);
        assert_eq!(customer(&[(count(), 1), (evaluate(), 1)], 1.01), Ok(()), "a count is not clipped to a norm");
    }

    #[test]
    fn a_number_that_does_not_follow_is_refused() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let mut wrong = plan(&schema, &[]).plan().clone();
        wrong.stages[0].model_bytes += 4;
        let refused = judge(&wrong.validate().unwrap(), &schema, &policy(&schema)).map(|_| ());
        assert_eq!(refused, Err(RefusalCode::PlanMalformed));
    }

    #[test]
    fn a_schema_that_is_not_pinned_is_refused_though_plan_and_file_agree() {
        let policy = policy(&Schema::parse(SCHEMA).unwrap());
        let hostile = SCHEMA.replacen("name = \"age\"\n", "name = \"age\"\ncolumn = \"religion\"\n", 1);
        let hostile = Schema::parse(&hostile).unwrap();
        let refused = judge(&plan(&hostile, &[]), &hostile, &policy).map(|_| ());
        assert_eq!(refused, Err(RefusalCode::PolicyFloor(Floor::Schema)));
    }

    #[test]
    fn what_is_shipped_joins_no_plan_in_a_weak_mode_though_the_policy_admits_it() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let mut policy = policy(&schema);
        policy.modes = PrivacyMode::ALL.to_vec();
        let judged = |build, privacy, stage| {
            judged_by(build, &plan_of(&schema, &[], privacy, &[(stage, 5)]), &schema, &policy).map(|_| ())
        };
        let differences = || local(1.0, false);
        assert_eq!(judged(Build::THIS, PrivacyMode::Branch, differences()), Ok(()));
        assert_eq!(judged(Build::SHIPPED, PrivacyMode::Branch, differences()), Err(RefusalCode::ModeNotBuilt));
        assert_eq!(judged(Build::SHIPPED, PrivacyMode::Local, differences()), Ok(()));
        assert_eq!(judged(Build::SHIPPED, PrivacyMode::Customer, gradient(ClipForm::Exact)), Ok(()));
        let told = RefusalCode::ModeNotBuilt.to_string();
        assert!(told.contains("whatever its policy says") && told.contains("weak-modes"), "{told}");
    }

    #[test]
    fn severe_data_are_learned_from_by_a_plan_of_high_materiality_alone() {
        let severe =
            SCHEMA.replacen("level = \"L3\"", "level = \"L4\"\nnecessity = \"income comes before deposits\"", 1);
        let schema = Schema::parse(&severe).unwrap();
        let policy = policy(&schema);
        let judged = |materiality| {
            let mut plan = plan(&schema, &[]).plan().clone();
            plan.charter.materiality = materiality;
            judge(&plan.validate().unwrap(), &schema, &policy).map(|_| ())
        };
        assert_eq!(judged(Materiality::High), Ok(()));
        assert_eq!(judged(Materiality::Medium), Err(RefusalCode::LevelNotKept));
    }
}

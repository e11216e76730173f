//! Judges a plan against what the branch has: a plan's numbers must follow from its schema, its network and its clip rule.

use tributary_model::architecture::Architecture;
use tributary_model::schema::Schema;
use tributary_model::update::{ClipForm, ClipRule, ClipSettings};
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::{ClipForm as PlannedForm, ValidPlan};

/// What a branch needs to train for a plan.
pub struct Judged {
    /// The network.
    pub architecture: Architecture,
    /// How gradients become integers.
    pub rule: ClipRule,
}

/// Recomputes everything in a plan that can be recomputed at a branch.
///
/// # Errors
/// The code that the coordinator is told; data is not looked at.
pub fn judge(plan: &ValidPlan, schema: &Schema) -> Result<Judged, RefusalCode> {
    let architecture = Architecture::decode(&plan.architecture).map_err(|_| RefusalCode::PlanMalformed)?;
    if plan.schema != schema.digest() || architecture.inputs() as usize != schema.width() {
        return Err(RefusalCode::SchemaDiffers);
    }
    if !architecture.heads().iter().eq(schema.labels().iter().map(|label| &label.name)) {
        return Err(RefusalCode::SchemaDiffers);
    }
    let rule = ClipRule::new(ClipSettings {
        example_clip_norm: f64::from_bits(plan.example_clip_norm_bits),
        clip_units: plan.clip_units,
        form: match plan.clip_form {
            PlannedForm::Exact => ClipForm::Exact,
            PlannedForm::Chunked => ClipForm::Chunked,
        },
        loss_bound: Some(f64::from_bits(plan.loss_bound_bits)),
    })
    .map_err(|_| RefusalCode::PlanMalformed)?;
    let parameters = architecture.parameter_count();
    let sensitivity = rule.sensitivity_squared_units(parameters).map_err(|_| RefusalCode::PlanMalformed)?;
    let follows = plan.parameters as usize == parameters
        && plan.riders as usize == rule.rider_count()
        && plan.sensitivity_squared == sensitivity;
    if follows { Ok(Judged { architecture, rule }) } else { Err(RefusalCode::PlanMalformed) }
}

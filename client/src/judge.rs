//! Judges a plan against what the branch has: a plan's numbers must follow from its schema, its network and its clip rule.

use tributary_model::architecture::Architecture;
use tributary_model::planned;
use tributary_model::schema::Schema;
use tributary_model::update::{ClipRule, LocalRule};
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::ValidPlan;

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

/// Recomputes everything in a plan that can be recomputed at a branch.
///
/// # Errors
/// The code that the coordinator is told; data is not looked at.
pub fn judge(plan: &ValidPlan, schema: &Schema) -> Result<Judged, RefusalCode> {
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
    let local = plan.local.map(|local| LocalRule {
        steps: local.steps,
        learning_rate: f64::from_bits(local.learning_rate_bits),
        update_clip_norm: f64::from_bits(local.update_clip_norm_bits),
    });
    Ok(Judged { architecture, schema: schema.clone(), rule, local })
}

//! What an author must know of counts before they are paid for.

use tributary_model::stage::{StageSettings, noise_multiplier};
use tributary_protocol::plan::Plan;

/// For counts that others make as well, or that say little, the keys and the sentences.
pub(super) fn asked(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut asked = Vec::new();
    let learnt = plan.stages.iter().find_map(|stage| match StageSettings::decode(&stage.kind, &stage.settings) {
        Ok(StageSettings::Quantile(settings)) => Some((stage, settings)),
        _ => None,
    });
    let Some((stage, settings)) = learnt else { return asked };
    if plan.stages.iter().any(|stage| stage.kind == "count") {
        let text = "customers are counted by their values twice, for learnt groups as well, and both are paid for: `tributary model summary` shows \
                    what either counted. Leave out [plan.statistics]";
        asked.push(("plan.statistics", text.to_owned()));
    }
    let groups = settings.coarse.iter().copied().max().unwrap_or_default().max(1);
    let noise = noise_multiplier(stage.noise_variance, u128::from(settings.clip_units).pow(2));
    #[expect(clippy::cast_precision_loss, reason = "2^40 is exact in a double")]
    let customers = plan.customers_nominal as f64 / f64::from(groups);
    if noise > customers {
        let text = format!(
            "a group of {groups} has about {customers:.0} customers, and the count of each bin has noise of {noise:.0} or more: learnt groups \
             will be of very different sizes. A larger share, fewer groups, or public edges help"
        );
        asked.push(("plan.features.budget_share", text));
    }
    asked
}

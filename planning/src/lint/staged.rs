//! What a privacy officer and an author must know of staged learning before it is paid for.

use tributary_model::stage::StageSettings;
use tributary_protocol::plan::Plan;

/// Steps of the last stage, in all, below which single fields are learnt but roughly. On public data of 5,000 customers at epsilon 1 they were 340,
/// and of 24,000 to 39,000 customers 1,600 to 2,700.
const LENGTH_ASKED: f64 = 700.0;

/// The key and the sentence for a plan whose noise leaves little to learn.
pub(super) fn asked(plan: &Plan) -> Option<(&'static str, String)> {
    let mut lengths =
        plan.stages.iter().filter_map(|stage| match StageSettings::decode(&stage.kind, &stage.settings) {
            Ok(StageSettings::Staged(settings)) if settings.reweight.is_none() => {
                Some(settings.steps.length(stage.rounds))
            }
            _ => None,
        });
    let length = lengths.next().filter(|length| *length < LENGTH_ASKED)?;
    let text = format!(
        "with {} customers and this epsilon the last stage may step {length:.0} in all, and {LENGTH_ASKED:.0} or more suit it: the model will order \
         customers worse than it could. More customers, a larger epsilon, or fewer fields help",
        plan.customers_nominal
    );
    Some(("plan.epsilon", text))
}

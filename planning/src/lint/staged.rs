//! What a privacy officer and an author must know of staged learning before it is paid for.

use tributary_model::stage::{StageSettings, StagedSettings};
use tributary_protocol::plan::Plan;

/// Steps of the last stage, in all, below which pairs of fields were not seen to help. On public data of 5,000 customers at epsilon 1 the steps were
/// 340, and of 24,000 to 39,000 customers 1,600 to 2,700.
const LENGTH_ASKED_OF_PAIRS: f64 = 1600.0;

/// The keys and the sentences for a plan whose noise leaves little of pairs, or that weighs classes.
pub(super) fn asked(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut stages = plan.stages.iter().filter_map(|stage| match StageSettings::decode(&stage.kind, &stage.settings) {
        Ok(StageSettings::Staged(settings)) if settings.reweight.is_none() => Some((settings, stage.rounds)),
        _ => None,
    });
    let Some((settings, rounds)) = stages.next() else { return Vec::new() };
    [length(plan, &settings, rounds), weights(&settings)].into_iter().flatten().collect()
}

fn length(plan: &Plan, settings: &StagedSettings, rounds: u32) -> Option<(&'static str, String)> {
    let (length, customers) = (settings.steps.length(rounds), plan.customers_nominal);
    (settings.paired && length < LENGTH_ASKED_OF_PAIRS).then(|| {
        let text = format!(
            "with {customers} customers and this epsilon the last stage may step {length:.0} in all, and pairs of fields were seen to help from \
             {LENGTH_ASKED_OF_PAIRS:.0} on: their noise may cost more than they find. More customers or a larger epsilon help, or leave the pairs out"
        );
        ("plan.staged.pairs", text)
    })
}

fn weights(settings: &StagedSettings) -> Option<(&'static str, String)> {
    let light =
        settings.of_blocks.classes.iter().any(|own| *own != [0; 2] && own.iter().all(|weight| *weight < 1_000_000));
    light.then(|| {
        let text = "a label's negatives and positives both weigh less than 1: customers move the sum less, and the noise is the same. Divide both \
                    weights by the larger one";
        ("plan.staged.positive_weights", text.into())
    })
}

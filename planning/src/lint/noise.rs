//! What noise leaves of a model, predicted before it is paid for.

use tributary_model::planned;
use tributary_model::schema::Schema;
use tributary_protocol::plan::Plan;

use crate::prediction::Prediction;

/// Loss of area under the curve above which a reason is asked for, of the 0.26 that the predicted model has over a coin.
pub(super) const LOSS_ASKED: f64 = 0.025;

/// What is predicted of a plan whose numbers follow; nothing without noise or without its schema.
pub(super) fn predicted(plan: &Plan, schema: Option<&Schema>) -> Option<Prediction> {
    plan.privacy.unit()?;
    let planned = planned::check(plan, schema).ok()?;
    Prediction::of(&planned, None)
}

/// The key and the sentence for a plan whose noise leaves little to learn.
pub(super) fn asked(plan: &Plan, predicted: &Prediction) -> Option<(&'static str, String)> {
    (predicted.auc_without - predicted.auc > LOSS_ASKED).then(|| {
        let text = format!(
            "with {} customers and this epsilon the model will order customers worse than it could: {}. More customers, a larger epsilon, fewer \
             fields or another method help; ask `tributary plan advise`",
            plan.customers_nominal,
            in_words(predicted)
        );
        ("plan.epsilon", text)
    })
}

/// The figures in words.
pub(super) fn in_words(predicted: &Prediction) -> String {
    let hundredth = |share: f64| (100.0 * share).round();
    format!(
        "the noise in a customer's score has a standard deviation of about {:.2} logits, and the steps learn {} % of what tells customers apart; \
         where a model without noise has an AUC of {:.2}, this one comes to about {:.2}",
        predicted.score_noise,
        hundredth(predicted.learnt),
        predicted.auc_without,
        predicted.auc
    )
}

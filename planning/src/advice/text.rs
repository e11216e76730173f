//! The proposal as a plan.toml.

use std::fmt::Write as _;

use tributary_settings::quoted;

use super::answer::{Advice, Choice, Method};
use super::candidate::{HIDDEN, MOMENTUM, TAIL};
use super::scene::Scene;
use crate::SAMPLE;

/// A whole plan.toml with the proposal. Schedule and charter are those of the sample, for its author to write anew. `schema` is the path that it names.
#[must_use]
pub fn plan_toml(advice: &Advice, scene: &Scene, schema: &str) -> String {
    let Choice { method, rounds, learning_rate, .. } = &advice.proposed;
    let Advice { customers, epsilon, delta, .. } = advice;
    let mut text = format!(
        "# Proposed from public numbers alone by `tributary plan advise`. Try it on public or invented data (`tributary plan try`), and write name,\n\
         # purpose, schedule and charter anew: those below are the sample's.\n\n\
         [plan]\nname = \"proposed\"\nschema = {}\nprivacy = \"customer\"\nepsilon = {epsilon:?}\ndelta = {delta:e}\nrounds = {rounds}\n\
         customers_nominal = {customers}\ncustomers_max = {}\n",
        quoted(schema),
        customers.saturating_mul(2)
    );
    let model = match method {
        Method::Perceptron => format!("model = \"mlp\"\nhidden = [{HIDDEN}]\nexample_clip_norm = 1.0\n"),
        Method::Staged => "model = \"logistic\"\nmethod = \"staged\"\n".to_owned(),
        Method::Logistic | Method::Local => "model = \"logistic\"\nexample_clip_norm = 1.0\n".to_owned(),
    };
    text.push_str(&model);
    if let Some(learning_rate) = learning_rate {
        let _ = write!(
            text,
            "\n[plan.optimizer]\nkind = \"sgd\"\nlearning_rate = {learning_rate:?}\nmomentum = {MOMENTUM:?}\ntail_fraction = {TAIL:?}\n"
        );
    }
    let rest = SAMPLE.split_once("[schedule]").map_or(String::new(), |(_, rest)| format!("\n[schedule]{rest}"));
    let runs = advice.runs_a_year.unwrap_or(1);
    let rest = rest.replace("runs_max = 12", &format!("runs_max = {runs}"));
    let all = match advice.epsilon_year.filter(|_| runs > 1) {
        Some(epsilon) => format!("epsilon_all_runs = {epsilon:?}"),
        None => String::new(),
    };
    let rest = rest.replace("epsilon_all_runs = 4.0", &all);
    let rest =
        if scene.is_severe() { rest.replace("materiality = \"medium\"", "materiality = \"high\"") } else { rest };
    text + &rest
}

//! Utility on real data: fifty branches of published sets, one set of noise each. The whole table, with the perceptron, means of three sets
//! of noise and noise that one draws for all, is `benches/utility.rs`: it takes minutes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod federation;
#[path = "../../needed.rs"]
mod needed;

use federation::{ADULT, BANK_ADDITIONAL, BANK_FULL, Federation, LOGISTIC, Noise, Published};

/// Logistic regression at epsilon 1, against the least that it must reach.
fn assert_reached(published: Published, least: f64) {
    let Some(federation) = Federation::open(published) else { return };
    let plan = federation.plan(&LOGISTIC, Some(1.0));
    assert!(plan.guarantee.unwrap().epsilon <= 1.0);
    let auc = federation.auc(&plan, Noise::shares(&plan), 0);
    eprintln!("{}, logistic, epsilon 1: {auc:.4}, at least {least}", published.name);
    assert!(auc >= least, "{}: {auc:.4}", published.name);
}

#[test]
fn logistic_regression_at_epsilon_1_reaches_its_goal_on_bank_additional() {
    assert_reached(BANK_ADDITIONAL, 0.784);
}

#[test]
fn logistic_regression_at_epsilon_1_reaches_its_goal_on_bank_full() {
    assert_reached(BANK_FULL, 0.763);
}

#[test]
fn logistic_regression_at_epsilon_1_reaches_its_goal_on_adult() {
    assert_reached(ADULT, 0.897);
}

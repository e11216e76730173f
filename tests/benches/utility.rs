//! Test AUC of fifty branches on published data: every model family, noise in shares and noise drawn at one place. Ends with an error where a
//! goal is missed. `cargo bench -p tributary-tests --bench utility [-- --runs 12]`; some minutes.

#![expect(clippy::unwrap_used, reason = "a measurement fails as tests do")]

#[path = "../tests/real_data/federation.rs"]
mod federation;
#[path = "../needed.rs"]
mod needed;

use std::process::ExitCode;

use federation::{
    ADULT, BANK_ADDITIONAL, BANK_FULL, DEFAULT_CREDIT, Federation, LOGISTIC, Published, Setting, shares, staged,
};
use tributary_coordinator::Job;
use tributary_planning::settings::ModelKind;
use tributary_rehearsal::Noise;

/// What shares, sized for an assumed coalition, may cost against one draw of the guaranteed noise.
const SHARES_COST_MAX: f64 = 0.002;

/// Runs of which a figure is the mean, unless `--runs` says otherwise. They differ in the noise alone, by about 0.001: what shares cost is known
/// to 0.001 with three of them, to half of that with twelve.
const RUNS: u64 = 12;

struct Goal {
    published: Published,
    family: &'static str,
    setting: Setting,
    epsilon: f64,
    least: f64,
}

/// A perceptron, in the chunked form. Longest step of one customer and noise of a step, learning rate times clip norm, are those of logistic
/// regression; the clip norm is twice as large because a gradient with a hidden layer is longer.
fn perceptron() -> Setting {
    Setting { model: ModelKind::Mlp { hidden: vec![32] }, clip_norm: 2.0, learning_rate: 0.375, ..LOGISTIC }
}

/// The table; the perceptron has no goal on the third set.
fn goals() -> Vec<Goal> {
    let logistic = |published, least| Goal { published, family: "logistic", setting: LOGISTIC, epsilon: 1.0, least };
    let perceptron =
        |published, least| Goal { published, family: "perceptron", setting: perceptron(), epsilon: 2.0, least };
    let staged = |published, least| Goal { published, family: "staged", setting: staged(), epsilon: 1.0, least };
    vec![
        staged(BANK_ADDITIONAL, 0.788),
        staged(BANK_FULL, 0.7725),
        staged(DEFAULT_CREDIT, 0.766),
        staged(ADULT, 0.909),
        logistic(BANK_ADDITIONAL, 0.784),
        logistic(BANK_FULL, 0.763),
        logistic(ADULT, 0.897),
        perceptron(BANK_ADDITIONAL, 0.780),
        perceptron(ADULT, 0.903),
    ]
}

fn main() -> ExitCode {
    println!("set, family, epsilon: AUC without noise; shares (each run); central; goal");
    // All lines are printed, whatever the first ones say.
    let mut arguments = std::env::args().skip_while(|argument| argument != "--runs").skip(1);
    let runs = arguments.next().map_or(RUNS, |runs| runs.parse().unwrap());
    let missed = goals().iter().filter_map(|goal| measure(goal, runs)).filter(|reached| !reached).count();
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a line; whether its goals are reached. Nothing where the data is not at hand.
fn measure(goal: &Goal, runs: u64) -> Option<bool> {
    let Goal { published, family, setting, epsilon, least } = goal;
    let federation = Federation::open(*published)?;
    let plan = federation.plan(setting, Some(*epsilon));
    let without = federation.plan(setting, None);
    let quiet = federation.auc(&without, shares(&without, federation.size()), 0);
    let each = aucs(&federation, &plan, shares(&plan, federation.size()), runs);
    // As somebody whom all trusted would draw it.
    let central = aucs(&federation, &plan, Noise { branches: 1, counted_on: 1 }, runs);
    let [shares, central] = [&each, &central].map(|runs| runs.iter().sum::<f64>() / runs.len() as f64);
    let reached = shares >= *least && central - shares <= SHARES_COST_MAX;
    let verdict = if reached { "reached" } else { "MISSED" };
    let name = published.name;
    println!(
        "{name}, {family}, {epsilon}: {quiet:.4}; {shares:.4} {each:.4?}; {central:.4}; {least} and {SHARES_COST_MAX} {verdict}"
    );
    Some(reached)
}

/// One for each set of noise, side by side.
fn aucs(federation: &Federation, plan: &Job, noise: Noise, runs: u64) -> Vec<f64> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..runs).map(|run| scope.spawn(move || federation.auc(plan, noise, run))).collect();
        runs.into_iter().map(|run| run.join().expect("a run ends")).collect()
    })
}

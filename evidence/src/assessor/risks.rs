//! Risks that are left, each by the worst figure of a report. The rules stand on the page as well.

use serde::{Deserialize, Serialize};

use super::measures;
use crate::report::{ComplianceReport, Processing, RunLine};

/// A risk that is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskLine {
    /// Which: a word.
    pub risk: String,
    /// By which measure it is met: a word.
    pub measure: String,
    /// `low`, `medium` or `high`, by the rule that stands beside it on the page.
    pub level: String,
    /// The figure from which the level follows.
    pub figure: String,
}

/// Each risk, by every run that counts, by what was charged over all plans, and by so many open incidents.
pub(super) fn risks(report: &ComplianceReport, open: u64) -> Vec<RiskLine> {
    let runs: Vec<&RunLine> = report.processing.iter().flat_map(|of| counting(report, of)).collect();
    let line = |risk: &str, measure: &str, level: &str, figure: String| RiskLine {
        risk: risk.into(),
        measure: measure.into(),
        level: level.into(),
        figure,
    };
    let low_if = |low: bool, other: &'static str| if low { "low" } else { other };
    let worst = epsilon(report, &runs);
    let fewest = runs.iter().map(|run| run.survivors_needed.unwrap_or(0)).min().unwrap_or(0);
    let (shares, group) = honest_part(&runs);
    let honest = shares.saturating_mul(2) >= group && shares > 0;
    let overlap = runs.iter().map(|run| run.overlap_max).min().unwrap_or(1);
    let (cap, capped) = cap_for_life(report);
    let kept = report.processing.iter().map(|of| of.kept_days).max().unwrap_or(0);
    let uploads = report.processing.iter().any(|of| of.kept_dimension_max > 0);
    let files = report.exports.len();
    let material = report.processing.iter().any(|of| of.materiality == "high");
    let caps = shown(cap);
    let caps = caps.trim_start_matches("epsilon ");
    let of_plans = format!("{caps} ({capped} / {})", report.spending.branches.len());
    vec![
        line("risk-membership", measures::noise(report), by_epsilon(worst), shown(worst)),
        line("risk-single-update", "measure-masks", low_if(fewest >= 3, "high"), format!("{fewest} >= 3")),
        line("risk-coalition", "measure-threshold", low_if(honest, "medium"), format!("{shares} / {group}")),
        line("risk-overlap", "measure-overlap", low_if(overlap > 1, "medium"), overlap.to_string()),
        line("risk-repeated", measures::budget(report), by_epsilon(cap), of_plans),
        line("risk-kept", "measure-masks", low_if(!uploads, "medium"), kept.to_string()),
        line("risk-files", "measure-register", low_if(files == 0, "medium"), files.to_string()),
        line(
            "risk-decisions",
            "measure-four-eyes",
            if material { "high" } else { "medium" },
            report.models.len().to_string(),
        ),
        line("risk-incidents", measures::log(report), low_if(open == 0, "high"), open.to_string()),
    ]
}

/// The runs of a plan that count: those with a round that was charged. While there is none, all of them: nothing is known of it yet.
fn counting<'a>(report: &'a ComplianceReport, of: &Processing) -> Vec<&'a RunLine> {
    let all: Vec<&RunLine> = report.runs.iter().filter(|run| run.plan == of.plan).collect();
    let charged: Vec<&RunLine> = all.iter().copied().filter(|run| run.charged > 0).collect();
    if charged.is_empty() { all } else { charged }
}

/// Fewest honest shares of a sum, and the members of its group, of the run where they are the smallest part. A run that has opened no sum has none, and
/// counts where no run has opened one.
fn honest_part(runs: &[&RunLine]) -> (u32, u32) {
    let known = runs.iter().filter_map(|run| Some((run.honest_fewest?, run.group_size)));
    let part = |(shares, group): &(u32, u32), other: &(u32, u32)| {
        (u64::from(*shares) * u64::from(other.1)).cmp(&(u64::from(other.0) * u64::from(*group)))
    };
    let unknown = || (0, runs.iter().map(|run| run.group_size).max().unwrap_or(0));
    known.min_by(part).unwrap_or_else(unknown)
}

/// The largest epsilon of a customer: what a plan may charge, and what was charged over all plans. A plan whose figure is of no customer protects none.
fn epsilon(report: &ComplianceReport, runs: &[&RunLine]) -> f64 {
    let of_run = |run: &&RunLine| {
        let of_customers = run.epsilon_plan.as_deref().filter(|_| run.mode != "branch");
        of_customers.map_or(f64::INFINITY, number)
    };
    let spending = &report.spending;
    let branches = spending.branches.iter().map(|branch| number(&branch.closing));
    let groups = spending.groups.iter().filter_map(|group| group.epsilon.last()).map(|text| number(text));
    runs.iter().map(of_run).chain(branches).chain(groups).fold(0.0, f64::max)
}

/// The largest cap for life of a branch, and how many branches have one. Without one at a branch there is no largest.
fn cap_for_life(report: &ComplianceReport) -> (f64, usize) {
    let branches = &report.spending.branches;
    let caps: Vec<f64> = branches.iter().filter_map(|branch| branch.cap_life.as_deref()).map(number).collect();
    let all = caps.len() == branches.len() && !branches.is_empty();
    (if all { caps.iter().copied().fold(0.0, f64::max) } else { f64::INFINITY }, caps.len())
}

/// The one rule for a customer's epsilon.
fn by_epsilon(epsilon: f64) -> &'static str {
    match epsilon {
        epsilon if epsilon <= 1.0 => "low",
        epsilon if epsilon <= 8.0 => "medium",
        _ => "high",
    }
}

/// A number of the report. What is none bounds nothing.
fn number(text: &str) -> f64 {
    text.parse().ok().filter(|number: &f64| !number.is_nan()).unwrap_or(f64::INFINITY)
}

fn shown(epsilon: f64) -> String {
    if epsilon.is_finite() { format!("epsilon {epsilon:.6}") } else { "epsilon -".into() }
}

#[cfg(test)]
mod tests;

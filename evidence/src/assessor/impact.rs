//! The input to an impact assessment: what is processed and why, how it flows, by which parameters, and what risk is left by which measure. It says how
//! each level follows from the figures; whoever assesses decides.

use serde::{Deserialize, Serialize};

use super::processing::{ActivityLine, Controller, ProcessingRecord};
use super::security::FlowLine;
use crate::paper::Body;
use crate::report::{ComplianceReport, RunLine};

/// The input to an impact assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpactReport {
    /// The layout.
    pub format: u32,
    /// `dpia`.
    pub kind: String,
    /// The program and its version.
    pub generator: String,
    /// The first day, of UTC.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Which plans.
    pub scope: String,
    /// Who answers for it.
    pub controller: Controller,
    /// What is done: one for each plan.
    pub activities: Vec<ActivityLine>,
    /// Who opens what to whom at the coordinator.
    pub flows: Vec<FlowLine>,
    /// Parameters of each plan, by its last run.
    pub parameters: Vec<ParameterLine>,
    /// What is assumed: words.
    pub trust: Vec<String>,
    /// Why it is necessary and in proportion: words.
    pub necessity: Vec<String>,
    /// Risks that are left, each with its measure.
    pub risks: Vec<RiskLine>,
    /// What protects the data: words.
    pub measures: Vec<String>,
    /// Incidents of these days, and those of them that are open.
    pub incidents: (u64, u64),
    /// Digest over the chain of the log on which all of this rests.
    pub log: String,
}

/// Parameters of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterLine {
    /// Digest of the plan.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// `customer`, `local`, `branch` or `none`.
    pub mode: String,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
    /// The delta.
    pub delta: Option<String>,
    /// Epsilon of everything that all runs of the plan may charge.
    pub epsilon_plan: Option<String>,
    /// Epsilon of the rounds that were charged in the last run.
    pub epsilon_charged: Option<String>,
    /// Members of its group.
    pub group_size: u32,
    /// Fewest survivors of a sum that its rule admits.
    pub survivors_needed: Option<u32>,
    /// Fewest honest noise shares of a sum that was opened.
    pub honest_fewest: Option<u32>,
    /// The nominal number of customers.
    pub customers_nominal: u64,
}

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

const TRUST: [&str; 6] =
    ["trust-coordinator", "trust-members", "trust-branch", "trust-authorities", "trust-network", "trust-overlap"];

const NECESSITY: [&str; 5] = ["need-purpose", "need-no-pooling", "need-fields", "need-retention", "need-people"];

/// Makes the input from a report of the same days and scope, the record of the same, and the flows of the configuration.
#[must_use]
pub fn impact(report: &ComplianceReport, record: ProcessingRecord, flows: Vec<FlowLine>) -> ImpactReport {
    let last = |plan: &str| report.runs.iter().rfind(|run| run.plan == plan);
    let parameters: Vec<ParameterLine> =
        report.processing.iter().filter_map(|of| last(&of.plan)).map(parameters).collect();
    let open = report.incidents.iter().filter(|incident| incident.state == "open").count() as u64;
    let risks = risks(report, &parameters, open);
    let ProcessingRecord { generator, from, to, scope, controller, activities, measures, log, .. } = record;
    ImpactReport {
        format: ImpactReport::FORMAT,
        kind: "dpia".into(),
        generator,
        from,
        to,
        scope,
        controller,
        activities,
        flows,
        parameters,
        trust: TRUST.map(str::to_owned).into(),
        necessity: NECESSITY.map(str::to_owned).into(),
        risks,
        measures,
        incidents: (report.incidents.len() as u64, open),
        log,
    }
}

fn parameters(run: &RunLine) -> ParameterLine {
    ParameterLine {
        plan: run.plan.clone(),
        name: run.name.clone(),
        mode: run.mode.clone(),
        overlap_max: run.overlap_max,
        delta: run.delta.clone(),
        epsilon_plan: run.epsilon_plan.clone(),
        epsilon_charged: run.epsilon_charged.clone(),
        group_size: run.group_size,
        survivors_needed: run.survivors_needed,
        honest_fewest: run.honest_fewest,
        customers_nominal: run.customers_nominal,
    }
}

/// Each risk by the worst figure of the plans. The rules stand on the page as well.
fn risks(report: &ComplianceReport, parameters: &[ParameterLine], open: u64) -> Vec<RiskLine> {
    let line = |risk: &str, measure: &str, level: &str, figure: String| RiskLine {
        risk: risk.into(),
        measure: measure.into(),
        level: level.into(),
        figure,
    };
    let mut lines = Vec::new();
    // The largest epsilon of a plan; a plan without one protects no customer.
    let epsilons: Vec<Option<f64>> = parameters
        .iter()
        .map(|of| of.epsilon_plan.as_deref().filter(|_| of.mode != "branch").and_then(|text| text.parse().ok()))
        .collect();
    let worst = epsilons.iter().map(|epsilon| epsilon.unwrap_or(f64::INFINITY)).fold(0.0, f64::max);
    let membership = match worst {
        worst if worst <= 1.0 => "low",
        worst if worst <= 8.0 => "medium",
        _ => "high",
    };
    let figure = if worst.is_finite() { format!("epsilon {worst:.6}") } else { "epsilon -".into() };
    lines.push(line("risk-membership", "measure-noise", membership, figure));
    let fewest = parameters.iter().map(|of| of.survivors_needed.unwrap_or(0)).min().unwrap_or(0);
    let single = if fewest >= 3 { "low" } else { "high" };
    lines.push(line("risk-single-update", "measure-masks", single, format!("{fewest} >= 3")));
    let shares = parameters.iter().map(|of| of.honest_fewest.unwrap_or(0)).min().unwrap_or(0);
    let group = parameters.iter().map(|of| of.group_size).max().unwrap_or(0);
    let coalition = if 2 * shares >= group && shares > 0 { "low" } else { "medium" };
    lines.push(line("risk-coalition", "measure-threshold", coalition, format!("{shares} / {group}")));
    let overlap = parameters.iter().map(|of| of.overlap_max).min().unwrap_or(1);
    lines.push(line("risk-overlap", "measure-budget", if overlap > 1 { "low" } else { "medium" }, overlap.to_string()));
    let capped = report.spending.branches.iter().filter(|branch| branch.cap_life.is_some()).count();
    let branches = report.spending.branches.len();
    let repeated = if capped == branches && branches > 0 { "low" } else { "high" };
    lines.push(line("risk-repeated", "measure-budget", repeated, format!("{capped} / {branches}")));
    let kept = report.processing.iter().map(|of| of.kept_days).max().unwrap_or(0);
    let uploads = report.processing.iter().any(|of| of.kept_dimension_max > 0);
    lines.push(line("risk-kept", "measure-masks", if uploads { "medium" } else { "low" }, kept.to_string()));
    let files = report.exports.iter().filter(|export| !export.void).count();
    lines.push(line("risk-files", "measure-four-eyes", if files > 0 { "medium" } else { "low" }, files.to_string()));
    let material = report.processing.iter().any(|of| of.materiality == "high");
    let decisions = if material { "high" } else { "medium" };
    lines.push(line("risk-decisions", "measure-four-eyes", decisions, report.models.len().to_string()));
    lines.push(line("risk-incidents", "measure-log", if open > 0 { "high" } else { "low" }, open.to_string()));
    lines
}

impl Body for ImpactReport {
    const KIND: &'static str = "IMPACT-INPUT";
    const WHAT: &'static str = "input to an impact assessment";
    const FORMAT: u32 = 1;

    fn format(&self) -> u32 {
        self.format
    }
}

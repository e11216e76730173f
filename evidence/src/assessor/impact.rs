//! The input to an impact assessment: what is processed and why, how it flows, by which parameters, and what risk is left by which measure. It says how
//! each level follows from the figures; whoever assesses decides.

use serde::{Deserialize, Serialize};

use super::processing::{ActivityLine, Controller, ProcessingRecord};
use super::risks::{RiskLine, risks};
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

const TRUST: [&str; 6] =
    ["trust-coordinator", "trust-members", "trust-branch", "trust-authorities", "trust-network", "trust-overlap"];

const NECESSITY: [&str; 5] = ["need-purpose", "need-no-pooling", "need-fields", "need-retention", "need-people"];

/// Makes the input from a report of the same days and scope, the record of the same, and the flows of the configuration.
#[must_use]
pub fn impact(report: &ComplianceReport, record: ProcessingRecord, flows: Vec<FlowLine>) -> ImpactReport {
    let last = |plan: &str| report.runs.iter().rfind(|run| run.plan == plan);
    let runs: Vec<&RunLine> = report.processing.iter().filter_map(|of| last(&of.plan)).collect();
    let open = report.incidents.iter().filter(|incident| incident.state == "open").count() as u64;
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
        parameters: runs.iter().map(|run| parameters(run)).collect(),
        trust: TRUST.map(str::to_owned).into(),
        necessity: NECESSITY.map(str::to_owned).into(),
        risks: risks(report, open),
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

impl Body for ImpactReport {
    const KIND: &'static str = "IMPACT-INPUT";
    const WHAT: &'static str = "input to an impact assessment";
    const FORMAT: u32 = 1;

    fn format(&self) -> u32 {
        self.format
    }
}

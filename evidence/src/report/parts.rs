//! What a compliance report holds. Every number that is no whole one is a text of decimals, so that whoever reads and writes the object again finds
//! the bytes that were signed.

mod incidents;
mod models;
mod parties;
mod record;
mod runs;
mod spending;

use serde::{Deserialize, Serialize};

pub use incidents::{IncidentLine, LookLine, TimelineLine};
pub use models::{AttacksLine, ExportLine, FigureLine, GateLine, ModelLine, PointsLine, SetPoints};
pub use parties::{AgreementLine, Branch, FieldLine, Parties, PersonLine, Processing, RoleLine, RosterLine};
pub use record::{AlgorithmLine, Deviation, Duty, EvidenceLine, Integrity, Security, Signer, WitnessLine};
pub use runs::{Counted, RunLine, SentLine, StageLine};
pub use spending::{BranchSpend, GroupSpend, MonthLine, Spending};

/// The layout of a report.
pub const REPORT_FORMAT: u32 = 1;

/// What happened in a federation over some time, for compliance officers, auditors and supervisors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplianceReport {
    /// The layout: [`REPORT_FORMAT`].
    pub format: u32,
    /// `compliance`.
    pub kind: String,
    /// The program and its version.
    pub generator: String,
    /// The occasion, where there is one.
    pub preset: Option<String>,
    /// The first day, of UTC.
    pub from: String,
    /// The last day, of UTC.
    pub to: String,
    /// Which plans.
    pub scope: String,
    /// Counts over everything below.
    pub summary: Summary,
    /// Who took part.
    pub parties: Parties,
    /// What was done with personal information: one for each plan.
    pub processing: Vec<Processing>,
    /// The runs, in the order in which they began.
    pub runs: Vec<RunLine>,
    /// What was spent.
    pub spending: Spending,
    /// What did not go as planned, in order.
    pub deviations: Vec<Deviation>,
    /// Incidents that were open in the period.
    pub incidents: Vec<IncidentLine>,
    /// What inspectors were shown in the period.
    pub looks: Vec<LookLine>,
    /// What left the branches: one for each stage of a run.
    pub sent: Vec<SentLine>,
    /// Keys and algorithms.
    pub security: Security,
    /// What two people decided.
    pub duties: Vec<Duty>,
    /// The log.
    pub integrity: Integrity,
    /// Models, with their figures and gates.
    pub models: Vec<ModelLine>,
    /// Models that left as files.
    pub exports: Vec<ExportLine>,
    /// Files on which all of this rests.
    pub evidence: Vec<EvidenceLine>,
}

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Plans with a run in the period.
    pub plans: u32,
    /// Runs that were open in the period.
    pub runs: u32,
    /// Rounds that were started in the period: each is charged.
    pub rounds_charged: u32,
    /// Rounds whose sum was released in the period.
    pub rounds_committed: u32,
    /// Rounds that ended without a sum in the period.
    pub rounds_aborted: u32,
    /// Members that were in a cohort and not in the sum, over all rounds of the period.
    pub dropouts: u32,
    /// Plans that branches refused, and sessions that they gave up.
    pub refusals: u32,
    /// Orders of people that stopped a plan or the federation.
    pub stops: u32,
    /// Models that were registered in the period.
    pub models: u32,
    /// Decisions of two people.
    pub decisions: u32,
    /// Decisions that one person made alone. The rule book refuses them, so a verified log has none.
    pub decisions_alone: u32,
}

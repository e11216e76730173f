//! What a compliance report holds. Every number that is no whole one is a text of decimals, so that whoever reads and writes the object again finds
//! the bytes that were signed.

use serde::{Deserialize, Serialize};

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

/// Who took part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parties {
    /// Branches and partners of the last roster of the period.
    pub branches: Vec<Branch>,
    /// People with roles of that roster.
    pub people: Vec<PersonLine>,
    /// Rosters that came into force in the period.
    pub rosters: Vec<RosterLine>,
}

/// A branch or a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Its number.
    pub client: u32,
    /// Organisation and id.
    pub name: String,
    /// Last day of its entry.
    pub until: String,
}

/// Somebody with roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonLine {
    /// Staff number.
    pub staff: String,
    /// Each role, by its word.
    pub roles: Vec<RoleLine>,
}

/// A role and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleLine {
    /// The word.
    pub role: String,
    /// In whose place, where it is a deputy's.
    pub deputy_of: Option<String>,
    /// First day.
    pub from: String,
    /// Last day.
    pub until: String,
}

/// A roster that came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterLine {
    /// When.
    pub at: String,
    /// Its number.
    pub epoch: u64,
    /// Its digest.
    pub digest: String,
    /// Members that came, by name.
    pub joined: Vec<String>,
    /// Members that went.
    pub left: Vec<String>,
    /// People whose key or roles have changed.
    pub people: Vec<String>,
}

/// One plan's processing of personal information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processing {
    /// Digest of the plan.
    pub plan: String,
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub purpose: String,
    /// The law or the consent.
    pub legal_basis: String,
    /// The assessment of the impact: where it is.
    pub assessment: String,
    /// SHA-256 of the document.
    pub assessment_digest: String,
    /// The day of it.
    pub assessment_day: String,
    /// The ticket of the institution's change process.
    pub ticket: String,
    /// Data assets, by the institution's register.
    pub assets: Vec<String>,
    /// What the model is for.
    pub intended_use: String,
    /// What it must not be used for.
    pub prohibited_use: String,
    /// `low`, `medium` or `high`.
    pub materiality: String,
    /// Last day before a review.
    pub review_by: String,
    /// Agreements with other organisations.
    pub agreements: Vec<AgreementLine>,
    /// Digest of the schema.
    pub schema: String,
    /// The schema's fields; nothing where its file is not here.
    pub fields: Option<Vec<FieldLine>>,
    /// Highest level of a field.
    pub level_max: Option<String>,
    /// The day of which the data were in the last run, where the plan declares one.
    pub as_of: Option<String>,
    /// Whether uploads are kept, and of sums up to how many coordinates.
    pub kept_dimension_max: u32,
    /// Whether sums are kept.
    pub kept_sums: bool,
    /// Days after a run's end at which what is kept is removed.
    pub kept_days: u32,
}

/// An agreement with another organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementLine {
    /// The partner's number.
    pub organisation: u32,
    /// Where it is.
    pub reference: String,
    /// SHA-256 of it.
    pub digest: String,
    /// Its last day.
    pub until: String,
}

/// A field, a label or a group that is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldLine {
    /// Its name.
    pub name: String,
    /// `input`, `label` or `audited`.
    pub used_as: String,
    /// `C1` or `C2` of JR/T 0171; nothing for a label.
    pub class: Option<String>,
    /// The level of JR/T 0197; nothing for a label.
    pub level: Option<String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLine {
    /// Digest of the plan.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// When it began.
    pub begun: String,
    /// When it ended; nothing while it is open.
    pub ended: Option<String>,
    /// `complete`, `ended-early`, `aborted` or `open`.
    pub state: String,
    /// Who put the plan forward.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: String,
    /// `customer`, `local`, `branch` or `none`.
    pub mode: String,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
    /// The roster's group.
    pub group: String,
    /// Members of it.
    pub group_size: u32,
    /// Fewest survivors that its rule admits in the last session's cohort; nothing before the first.
    pub survivors_needed: Option<u32>,
    /// Fewest survivors of a sum that was opened.
    pub survivors_fewest: Option<u32>,
    /// Fewest honest noise shares of such a sum.
    pub honest_fewest: Option<u32>,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds that were committed.
    pub committed: u32,
    /// Rounds that were charged.
    pub charged: u32,
    /// Rounds that may be charged.
    pub charged_max: u32,
    /// Rounds that ended without a sum, by reason.
    pub aborted: Vec<Counted>,
    /// The delta; nothing without noise.
    pub delta: Option<String>,
    /// Epsilon of everything that all runs of the plan may charge.
    pub epsilon_plan: Option<String>,
    /// Epsilon of everything that one run may charge.
    pub epsilon_run: Option<String>,
    /// Epsilon of the rounds that were charged.
    pub epsilon_charged: Option<String>,
    /// Epsilon of the rounds whose sum was released: never more than was charged.
    pub epsilon_released: Option<String>,
    /// The stages.
    pub stages: Vec<StageLine>,
    /// Digest of the released model.
    pub model: Option<String>,
    /// Sums that were recomputed from the uploads that branches signed.
    pub sums_verified: u32,
    /// Sums of which nothing is kept here.
    pub sums_not_verified: u32,
    /// The nominal number of customers, by which sums are divided.
    pub customers_nominal: u64,
}

/// A word and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The word.
    pub what: String,
    /// How often.
    pub count: u32,
}

/// A stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageLine {
    /// Its number, from 1.
    pub number: u16,
    /// Its kind.
    pub kind: String,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds committed.
    pub committed: u32,
    /// Rounds charged.
    pub charged: u32,
    /// Noise over sensitivity; nothing without noise.
    pub noise_multiplier: Option<String>,
    /// Probability of a customer's secret coin.
    pub sampling_rate: String,
}

/// What was spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spending {
    /// Each branch, by the heads of its budget that it signed.
    pub branches: Vec<BranchSpend>,
    /// Each month of the period.
    pub months: Vec<MonthLine>,
    /// Each group of the roster: what a customer of it was charged, up to the end of each month.
    pub groups: Vec<GroupSpend>,
}

/// What a branch's customers were charged, over all plans: by the last head that it signed, and its signed uploads since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchSpend {
    /// Its number.
    pub client: u32,
    /// Its name.
    pub name: String,
    /// The delta at which its epsilons are stated: that of its caps, or the smallest of the plans.
    pub delta: String,
    /// Epsilon for life when the period began; nothing where the branch had signed no head before.
    pub opening: Option<String>,
    /// Epsilon for life when the period ended.
    pub closing: String,
    /// Epsilon that counted within a year then.
    pub year: String,
    /// The cap of a year, where its head names one.
    pub cap_year: Option<String>,
    /// The cap for life.
    pub cap_life: Option<String>,
    /// The last head's counter.
    pub counter: u64,
    /// Grants that the owner has taken back, and raises of caps, ever.
    pub withdrawn: u32,
}

/// A month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthLine {
    /// Year and month.
    pub month: String,
    /// Rounds that were started.
    pub charged: u32,
    /// Rounds that were committed.
    pub committed: u32,
    /// Rounds that were aborted.
    pub aborted: u32,
    /// Members that were missing in sums.
    pub dropouts: u32,
}

/// What a customer of a group was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpend {
    /// The roster's group.
    pub group: String,
    /// The delta.
    pub delta: String,
    /// Epsilon over everything that was charged since the log began, up to the end of each month of [`Spending::months`].
    pub epsilon: Vec<String>,
    /// The lowest cap of a year that a branch of the group named.
    pub cap_year: Option<String>,
    /// The lowest cap for life.
    pub cap_life: Option<String>,
}

/// Something that did not go as planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// When.
    pub at: String,
    /// Digits of the plan, and the run's number.
    pub run: String,
    /// `round-aborted`, `session-closed`, `refused`, `charged-more`, `evicted`, `budget-begun`, `stopped` or `aborted`.
    pub what: String,
    /// Which client, or which person.
    pub who: Option<String>,
    /// Why, in the words of the protocol.
    pub why: String,
}

/// What left the branches in one stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentLine {
    /// Digits of the plan, and the run's number.
    pub run: String,
    /// The stage's number.
    pub stage: u16,
    /// Its kind.
    pub kind: String,
    /// Whole numbers of one masked vector.
    pub coordinates: u32,
    /// Bits of each.
    pub bits: u32,
    /// Vectors that entered sums in the period.
    pub uploads: u32,
    /// Bytes of them.
    pub bytes: u64,
    /// Whether noise was in them.
    pub noised: bool,
}

/// Keys and algorithms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Signatures in the log that were verified, by algorithm and who signs.
    pub signatures: u32,
    /// What is used for what.
    pub algorithms: Vec<AlgorithmLine>,
    /// Members of the last roster whose entry ended within the period.
    pub entries_ended: Vec<String>,
    /// Clients that were put out of a run because of what they signed.
    pub evicted: u32,
}

/// An algorithm and its use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmLine {
    /// For what: a word.
    pub used_for: String,
    /// Its name in the standards.
    pub algorithm: String,
}

/// A decision of two people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// When it was recorded.
    pub at: String,
    /// What was decided.
    pub what: String,
    /// Digest of what it is about.
    pub subject: String,
    /// Who signed, each with the role.
    pub signers: Vec<Signer>,
    /// Why, where its form has a reason.
    pub why: Option<String>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Staff number.
    pub staff: String,
    /// In which role.
    pub role: String,
    /// When, by the signer's clock.
    pub at: String,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integrity {
    /// Entries of the whole log.
    pub entries: u64,
    /// Entries of the period.
    pub entries_in_period: u64,
    /// When the first entry was written.
    pub first: Option<String>,
    /// When the last one was.
    pub last: Option<String>,
    /// Digest over the chain.
    pub head: String,
    /// Root of the tree.
    pub root: String,
    /// Branches that have cosigned a checkpoint which this log goes on from, with its size.
    pub witnesses: Vec<Witness>,
}

/// A cosignature on a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Which branch.
    pub client: u32,
    /// Entries of the log that it has witnessed.
    pub entries: u64,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelLine {
    /// Its digest.
    pub model: String,
    /// Its purpose.
    pub purpose: String,
    /// Digest of its plan.
    pub plan: String,
    /// The run's number.
    pub run: u32,
    /// The model from which its run began.
    pub parent: Option<String>,
    /// Its state at the end of the log.
    pub state: String,
    /// When it was registered.
    pub registered: String,
    /// Its figures, as far as they were measured under privacy.
    pub figures: Vec<FigureLine>,
    /// Its gates, with the newest report.
    pub gates: Vec<GateLine>,
    /// Who validated it last.
    pub validator: Option<String>,
    /// What that person found.
    pub findings: Option<String>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// The last day of that report.
    pub valid_until: Option<String>,
}

/// A figure with the interval that the noise gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureLine {
    /// The label.
    pub label: String,
    /// Which figure.
    pub figure: String,
    /// The group of customers; nothing for all.
    pub group: Option<String>,
    /// The estimate.
    pub value: String,
    /// Lower end of the 95 % interval.
    pub low: String,
    /// Upper end.
    pub high: String,
}

/// A gate and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateLine {
    /// What is measured, of which label.
    pub measure: String,
    /// The limit.
    pub limit: String,
    /// What it came to; nothing where the counts do not give it.
    pub value: Option<String>,
    /// Whether it holds.
    pub holds: bool,
}

/// A model that left as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLine {
    /// Its number.
    pub number: u64,
    /// The model.
    pub model: String,
    /// The format.
    pub file_format: String,
    /// Who may use it.
    pub recipient: String,
    /// When it was made.
    pub made: String,
    /// Its last day.
    pub until: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// Whether nobody may use it any more.
    pub void: bool,
}

/// A file on which the report rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceLine {
    /// What it is.
    pub what: String,
    /// Its digest.
    pub digest: String,
}

//! Who took part, and what was done with personal information.

use serde::{Deserialize, Serialize};

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

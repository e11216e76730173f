//! Incidents, looks of inspectors, and what happened meanwhile.

use serde::{Deserialize, Serialize};

/// An incident and its timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentLine {
    /// Its number: incidents of a journal are counted from 1.
    pub number: u64,
    /// What names it: the digest of its signed opening.
    pub incident: String,
    /// `open` or `closed`.
    pub state: String,
    /// `low`, `medium`, `high` or `critical`, by its last word.
    pub severity: String,
    /// When it began, as whoever opened it says.
    pub happened: String,
    /// When its opening was recorded.
    pub opened: String,
    /// Who opened it.
    pub opened_by: String,
    /// When its closing was recorded.
    pub closed: Option<String>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// What people told of it, and what the log has of the time from its beginning to its closing, in order.
    pub timeline: Vec<TimelineLine>,
}

/// Something within the time of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineLine {
    /// Number of the entry in the log, from 0.
    pub entry: u64,
    /// When it was recorded.
    pub at: String,
    /// When it happened, where a person says so.
    pub happened: Option<String>,
    /// `incident-open`, `incident-note` or `incident-close`, a statement that took a model back, or as a deviation's.
    pub what: String,
    /// Which run: digits of its plan, and its number.
    pub run: Option<String>,
    /// Which branch, which round or which person.
    pub who: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// How bad, in the judgement of whoever signed.
    pub severity: Option<String>,
    /// What, or why.
    pub text: String,
}

/// What an inspector was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookLine {
    /// Number of the entry in the log, from 0.
    pub entry: u64,
    /// When it was recorded, before anything was shown.
    pub at: String,
    /// Who looked.
    pub staff: String,
    /// What: the word of the command.
    pub what: String,
    /// The first day, where it is of days.
    pub from: Option<String>,
    /// The last day.
    pub to: Option<String>,
    /// Of which plans, or which incident.
    pub scope: String,
}

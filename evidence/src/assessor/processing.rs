//! The record of processing activities, from a compliance report, the grants that came to the coordinator, and its configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measures::measures;
use crate::paper::{Body, GENERATOR};
use crate::report::{ComplianceReport, ExportLine, Processing, RoleLine};

/// The record of processing activities of a federation over some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessingRecord {
    /// The layout.
    pub format: u32,
    /// `ropa`.
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
    /// What was done: one for each plan.
    pub activities: Vec<ActivityLine>,
    /// What the owners of data have granted, as it came to the coordinator.
    pub grants: Vec<GrantLine>,
    /// What protects the data: words.
    pub measures: Vec<String>,
    /// Digest over the chain of the log on which all of this rests.
    pub log: String,
}

/// Who answers for the processing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// The coordinator, by its certificate.
    pub coordinator: String,
    /// What names the federation.
    pub federation: String,
    /// Branches and partners whose data it is: each answers for its own.
    pub members: Vec<String>,
    /// People who hold the role of privacy officer, by staff number.
    pub privacy_officers: Vec<String>,
}

/// One activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityLine {
    /// Purpose, basis, assessment, assets, agreements, retention.
    pub processing: Processing,
    /// Who put the plan forward, and who approved it.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: String,
    /// Its runs of the time.
    pub runs: Vec<RunDays>,
    /// Categories of personal information.
    pub categories: Vec<CategoryLine>,
    /// Who receives what.
    pub recipients: Vec<RecipientLine>,
}

/// The days of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDays {
    /// Its number.
    pub number: u32,
    /// When it began.
    pub begun: String,
    /// When it ended.
    pub ended: Option<String>,
    /// `complete`, `ended-early`, `aborted` or `open`.
    pub state: String,
}

/// Fields of one class and level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryLine {
    /// `input`, `label` or `audited`.
    pub used_as: String,
    /// `C1` or `C2` of JR/T 0171; nothing for a label.
    pub class: Option<String>,
    /// The level of JR/T 0197; nothing for a label.
    pub level: Option<String>,
    /// The fields.
    pub fields: Vec<String>,
}

/// Who receives something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientLine {
    /// Who: a word, or a name.
    pub who: String,
    /// What: a word.
    pub what: String,
    /// Until when, where that has an end.
    pub until: Option<String>,
    /// Whether it has received a model that was withdrawn since. It has the file still, until it deletes it.
    pub void: bool,
}

/// A grant of an owner of data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantLine {
    /// Its digest.
    pub grant: String,
    /// For a plan, by its digest, or for a purpose.
    pub subject: String,
    /// The branches whose data it is.
    pub branches: Vec<String>,
    /// Runs that it allows.
    pub runs: u32,
    /// First day.
    pub from: String,
    /// Last day.
    pub until: String,
    /// Whether the owner has taken it back.
    pub withdrawn: bool,
}

/// Makes the record from a report of the same days and scope.
#[must_use]
pub fn processing_record(
    report: &ComplianceReport,
    (coordinator, federation): (&str, &str),
    mut grants: Vec<GrantLine>,
) -> ProcessingRecord {
    grants.sort();
    let has = |role: &RoleLine| role.role == "privacy-officer";
    let officers = report.parties.people.iter().filter(|person| person.roles.iter().any(has));
    ProcessingRecord {
        format: ProcessingRecord::FORMAT,
        kind: "ropa".into(),
        generator: GENERATOR.into(),
        from: report.from.clone(),
        to: report.to.clone(),
        scope: report.scope.clone(),
        controller: Controller {
            coordinator: coordinator.into(),
            federation: federation.into(),
            members: report.parties.branches.iter().map(|branch| branch.name.clone()).collect(),
            privacy_officers: officers.map(|person| person.staff.clone()).collect(),
        },
        activities: report.processing.iter().map(|of| activity(report, of)).collect(),
        grants,
        measures: measures(report),
        log: report.integrity.head.clone(),
    }
}

fn activity(report: &ComplianceReport, of: &Processing) -> ActivityLine {
    let runs: Vec<_> = report.runs.iter().filter(|run| run.plan == of.plan).collect();
    let mut fields: BTreeMap<(String, Option<String>, Option<String>), Vec<String>> = BTreeMap::new();
    for field in of.fields.iter().flatten() {
        let key = (field.used_as.clone(), field.class.clone(), field.level.clone());
        fields.entry(key).or_default().push(field.name.clone());
    }
    let categories =
        fields.into_iter().map(|((used_as, class, level), fields)| CategoryLine { used_as, class, level, fields });
    let line = |who: &str, what: &str, until: Option<String>| RecipientLine {
        who: who.into(),
        what: what.into(),
        until,
        void: false,
    };
    let mut recipients = vec![
        line("coordinator", "masked-sums", None),
        line("members", "models", None),
        line("staff-of-branch", "lists-at-branch", None),
    ];
    recipients.extend(of.agreements.iter().map(|agreement| {
        line(
            &format!("organisation {} ({})", agreement.organisation, agreement.reference),
            "models",
            Some(agreement.until.clone()),
        )
    }));
    let own =
        |export: &&ExportLine| report.models.iter().any(|model| model.model == export.model && model.plan == of.plan);
    // Whoever received a file has it, whatever became of the model since.
    recipients.extend(report.exports.iter().filter(own).map(|export| RecipientLine {
        void: export.void,
        ..line(&export.recipient, "model-file", Some(export.until.clone()))
    }));
    let last = runs.last();
    ActivityLine {
        processing: of.clone(),
        proposed_by: last.map(|run| run.proposed_by.clone()).unwrap_or_default(),
        approved_by: last.map(|run| run.approved_by.clone()).unwrap_or_default(),
        runs: runs
            .iter()
            .map(|run| RunDays {
                number: run.number,
                begun: run.begun.clone(),
                ended: run.ended.clone(),
                state: run.state.clone(),
            })
            .collect(),
        categories: categories.collect(),
        recipients,
    }
}

impl Body for ProcessingRecord {
    const KIND: &'static str = "PROCESSING-RECORD";
    const WHAT: &'static str = "record of processing activities";
    const FORMAT: u32 = 1;

    fn format(&self) -> u32 {
        self.format
    }
}

//! The registry in plain words, one line for each event and one for what it has come to.

use alloc::format;
use alloc::string::String;

use super::event::RegistryEvent;
use super::incident::{IncidentStep, SignedIncident};
use super::look::SignedLook;
use super::notice::Notice;
use super::record::{ModelState, RegistryRecord};
use super::statement::ModelStatement;
use super::step::ModelStep;
use crate::plan::Date;
use crate::roster::Roster;

impl Notice {
    /// What happened to the journal, in one sentence.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::LogDisputed { client, entries, .. } => format!(
                "client {client} has a checkpoint of {entries} entries, signed by this coordinator, that this journal does not go on from"
            ),
            Self::SinkFailed => "the second place of the journal takes no entry; no round begins".into(),
            Self::SinkBack => "the second place of the journal has every entry again".into(),
        }
    }
}

impl ModelStatement {
    /// What it says, in one sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        let (model, purpose) = (self.model.short(), &self.purpose);
        match self.step {
            ModelStep::Challenge => {
                let share = percent(self.scope.share());
                format!(
                    "model {model} is compared with the champion for \"{purpose}\", and scores {share} of the customers"
                )
            }
            ModelStep::Pilot => {
                let branches = self.scope.branches().len();
                format!(
                    "model {model} is the champion for \"{purpose}\" at {branches} branches of a pilot, and at no other"
                )
            }
            ModelStep::Promote => format!("model {model} becomes the champion for \"{purpose}\""),
            ModelStep::RollBack => {
                format!("model {model}, an earlier champion, is the champion for \"{purpose}\" again")
            }
            ModelStep::Retire => format!("model {model} is not used for \"{purpose}\" any more"),
            ModelStep::Withdraw => {
                format!(
                    "model {model} for \"{purpose}\" is withdrawn: every branch deletes it and refuses it from now on"
                )
            }
        }
    }
}

/// Parts in 10,000, for people.
fn percent(parts: u16) -> String {
    match (parts / 100, parts % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, rest) => format!("{whole}.{rest:02} %"),
    }
}

impl RegistryRecord {
    /// What an event says that comes next, in one line.
    #[must_use]
    pub fn describe(&self, event: &RegistryEvent) -> String {
        match event {
            RegistryEvent::RosterAdopted { roster } => {
                format!("roster {} adopted for the registry", roster.roster.epoch())
            }
            RegistryEvent::ModelRegistered { manifest } => {
                let lineage = &manifest.lineage;
                format!(
                    "model {} registered: a candidate for \"{}\", of run {} of plan {}",
                    manifest.digest().short(),
                    lineage.purpose,
                    lineage.run.number,
                    lineage.run.plan.short()
                )
            }
            RegistryEvent::StatementTaken { statement } => format!(
                "statement {} of its purpose, by {} ({}) and {} ({}): {}",
                statement.statement.sequence,
                statement.first.staff,
                statement.first.role,
                statement.second.staff,
                statement.second.role,
                statement.statement.in_words()
            ),
            RegistryEvent::CopyNoted { note } => {
                let name = Roster::named(self.roster.as_ref(), note.client);
                format!("{name}: model {} {}", note.model.short(), note.state.name())
            }
            RegistryEvent::IncidentTold { told } => self.told_in_words(told),
            RegistryEvent::Looked { look } => {
                let SignedLook { look, signed } = look.as_ref();
                let (staff, role, what, scope) = (&signed.staff, signed.role, look.what.name(), &look.scope);
                let days = match look.what.is_of_days() {
                    true => format!(" of {} to {}", Date::of_second(look.from), Date::of_second(look.to)),
                    false => String::new(),
                };
                format!("look of {staff} ({role}): {what}{days}, {scope}")
            }
            RegistryEvent::Noticed { notice } => notice.in_words(),
            RegistryEvent::CardWritten { model, card } => {
                format!("card {} of model {} written", card.short(), model.short())
            }
            RegistryEvent::Exported { number, model, record } => {
                format!("export {number}: model {} leaves as a file, by the record {}", model.short(), record.short())
            }
            RegistryEvent::PointsSet { model, number, change } => {
                format!("change {number} of the points of model {}: {}", model.short(), change.short())
            }
            RegistryEvent::AttacksReported { report } => {
                let (report, signed) = (&report.report, &report.signed);
                let found = match report.alarm {
                    true => {
                        "they show a larger epsilon than was claimed. No branch that asks gets the model, no run begins from it, and no statement lets it be used. Branches that have it stop when it is withdrawn"
                    }
                    false => "none shows a larger epsilon than was claimed",
                };
                let (model, findings) = (report.model.short(), report.findings.short());
                format!("report {findings} of attacks on model {model}, by {} ({}): {found}", signed.staff, signed.role)
            }
        }
    }

    /// What is told of an incident, in one line.
    fn told_in_words(&self, told: &SignedIncident) -> String {
        let SignedIncident { word, signed } = told;
        let mut numbered = self.incidents.numbered();
        let number = match word.step {
            IncidentStep::Open => numbered.count().saturating_add(1) as u64,
            _ => numbered.find(|(_, incident)| incident.id == word.incident).map_or(0, |(number, _)| number),
        };
        let (step, severity, staff, role) = (word.step.name(), word.severity.name(), &signed.staff, signed.role);
        format!("incident {number}, {step}, {severity}, by {staff} ({role}): {}", word.text)
    }

    /// What it has come to, in one line.
    #[must_use]
    pub fn state(&self) -> String {
        let count = |state| self.in_state(state).count();
        format!(
            "{} models: {} champions, {} pilots, {} challengers, {} candidates, {} retired, {} withdrawn",
            self.models.len(),
            count(ModelState::Champion),
            count(ModelState::Pilot),
            count(ModelState::Challenger),
            count(ModelState::Candidate),
            count(ModelState::Retired),
            count(ModelState::Withdrawn)
        )
    }
}

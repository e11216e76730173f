//! The registry in plain words, one line for each event and one for what it has come to.

use alloc::format;
use alloc::string::String;

use super::event::RegistryEvent;
use super::record::{ModelState, RegistryRecord};
use super::statement::ModelStatement;
use super::step::ModelStep;

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
                let name = self.roster.as_ref().and_then(|roster| roster.name_of(note.client));
                let name = name.map_or_else(|| format!("client {}", note.client), |name| String::from(name.as_str()));
                format!("{name}: model {} {}", note.model.short(), note.state.name())
            }
        }
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

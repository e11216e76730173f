//! Which runs used this branch's data, by its own records.

use std::path::Path;

use serde::Serialize;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Date, RunRef};
use tributary_protocol::round::ParticipantEvent;
use tributary_storage::journal::read_view;

use crate::budget::BUDGET_FILE;
use crate::error::ClientError;
use crate::ready::Store as Readiness;

/// A run in which the branch took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UsedIn {
    /// The plan's name.
    pub plan: String,
    /// The run's number.
    pub run: u32,
    /// What it was for.
    pub purpose: String,
    /// The day on which the branch admitted it, in UTC.
    pub admitted: String,
    /// Of which day the data set was, where that was said.
    pub data_of: Option<String>,
    /// Noised sums that left the branch in it.
    pub sums: u32,
}

/// All of them, the first one first.
///
/// # Errors
/// If the budget file or a word of readiness cannot be read.
pub(super) fn runs(state_dir: &Path) -> Result<Vec<UsedIn>, ClientError> {
    let events = read_view::<ParticipantEvent>(&state_dir.join(BUDGET_FILE), LedgerId::BUDGET)?;
    let readiness = Readiness::of(state_dir);
    let mut found: Vec<(RunRef, UsedIn)> = Vec::new();
    for recorded in &events {
        match &recorded.event {
            ParticipantEvent::RunAccepted { run, name, purpose, at, .. } => {
                let day = readiness.used(*run)?.map(|used| used.statement.date.to_string());
                let used = UsedIn {
                    plan: name.printable().to_string(),
                    run: run.number,
                    purpose: purpose.printable().to_string(),
                    admitted: Date::of_second(at.0 / 1000).to_string(),
                    data_of: day,
                    sums: 0,
                };
                found.push((*run, used));
            }
            ParticipantEvent::Uploaded { run, .. } => {
                if let Some((_, used)) = found.iter_mut().find(|(known, _)| known == run) {
                    used.sums += 1;
                }
            }
            _ => {}
        }
    }
    Ok(found.into_iter().map(|(_, used)| used).collect())
}

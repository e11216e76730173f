//! How a run is called in reports.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_protocol::ids::RunId;
use tributary_protocol::plan::RunRef;

/// A run, as far as this branch knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunName {
    /// First letters of its identity; nothing where a word belongs to no run.
    pub run: Option<String>,
    /// The plan's name, once the coordinator has shown it.
    pub plan: Option<String>,
    /// Number of the run in its plan, from 1.
    pub number: Option<u32>,
}

impl RunName {
    /// A run that somebody speaks of.
    #[must_use]
    pub fn unknown(run: RunId) -> Self {
        Self { run: Some(run.digest().short()), plan: None, number: None }
    }

    /// A run of a plan with this name, as it can be printed.
    #[must_use]
    pub fn of(run: &RunRef, plan: String) -> Self {
        Self { plan: Some(plan), number: Some(run.number), ..Self::unknown(run.id()) }
    }
}

/// For people.
impl fmt::Display for RunName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.run, &self.plan, self.number) {
            (Some(run), Some(plan), Some(number)) => write!(out, "run {number} of {plan} ({run})"),
            (Some(run), ..) => write!(out, "run {run}"),
            (None, ..) => out.write_str("this branch"),
        }
    }
}

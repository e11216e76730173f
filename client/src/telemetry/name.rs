//! How a run is called in reports.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_protocol::ids::RunId;
use tributary_protocol::plan::RunRef;
use tributary_texts::{Language, Said, screen};

/// A run, as far as this branch knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunName {
    /// First letters of its identity; nothing where a word belongs to no run.
    pub run_id: Option<String>,
    /// Digest of the plan, once the coordinator has shown that.
    pub plan: Option<String>,
    /// The plan's name.
    pub plan_name: Option<String>,
    /// Of its runs, from 1.
    pub run: Option<u32>,
}

impl RunName {
    /// A run that somebody speaks of.
    #[must_use]
    pub fn unknown(run: RunId) -> Self {
        Self { run_id: Some(run.digest().short()), ..Self::default() }
    }

    /// A run of a plan with this name, as it can be printed.
    #[must_use]
    pub fn of(run: &RunRef, plan_name: String) -> Self {
        let plan = Some(run.plan.to_string());
        Self { plan, plan_name: Some(plan_name), run: Some(run.number), ..Self::unknown(run.id()) }
    }

    /// For people.
    #[must_use]
    pub fn said(&self) -> Said {
        match (&self.run_id, &self.plan_name, self.run) {
            (_, Some(plan_name), Some(run)) => screen::run_named(plan_name, run),
            (Some(run_id), ..) => screen::run_unnamed(run_id),
            (None, ..) => screen::this_branch(),
        }
    }
}

/// In English, for logs.
impl fmt::Display for RunName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.said().text(Language::English))
    }
}

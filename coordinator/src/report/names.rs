//! Whom and what events are of: a run, a client, a member that is missing, the kind of a refusal.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_certs::inspect::date;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::{GrantFault, Run, ValidPlan};

/// Kinds of reasons for which a client takes no part, as far as people must know them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedFor {
    /// The owner of its data has not granted all that the plan needs.
    GrantMissing,
    /// The owner of its data has taken the grant back.
    GrantWithdrawn,
    /// Any other.
    Other,
}

impl RefusedFor {
    /// Of a client's own words.
    #[must_use]
    pub fn of(code: &RefusalCode) -> Self {
        match code {
            RefusalCode::NotGranted(GrantFault::Withdrawn) => Self::GrantWithdrawn,
            RefusalCode::NotGranted(_) => Self::GrantMissing,
            _ => Self::Other,
        }
    }
}

/// A client, by its number and, where the roster has one, its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whom {
    /// Its number in the roster.
    pub client: u32,
    /// Its name there; nothing if the roster in force does not name it.
    pub name: Option<String>,
}

/// A member that is not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which one.
    #[serde(flatten)]
    pub client: Whom,
    /// Unix seconds at which it was connected last; nothing if this process has not seen it.
    pub last_seen: Option<u64>,
    /// It is here, and its operator has not said that the data of the run's day are ready.
    pub not_ready: bool,
    /// Where it is away: why, as far as that is known, and what to do.
    pub trouble: Option<String>,
}

/// A run, by its plan and its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunName {
    /// Digest of the plan.
    pub plan: String,
    /// The plan's name.
    pub plan_name: String,
    /// Of its runs, from 1.
    pub run: u32,
}

impl RunName {
    pub(crate) fn new(plan: &ValidPlan, number: u32) -> Self {
        Self { plan: plan.digest().to_string(), plan_name: plan.name.to_string(), run: number }
    }

    pub(crate) fn of(run: &Run) -> Self {
        Self::new(run.plan(), run.reference().number)
    }

    /// Whether an operator means its plan: by the name, or by the first digits of the digest.
    #[must_use]
    pub fn is_meant_by(&self, plan: &str) -> bool {
        self.plan_name == plan || self.plan.starts_with(plan)
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} run {}", self.plan_name, self.run)
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "client {}", self.client)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(formatter, " ({name})"))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, last_seen, not_ready, trouble } = self;
        match last_seen {
            _ if *not_ready => {
                write!(formatter, "{client}, here, and its operator has not said that its data are ready")
            }
            Some(seconds) => write!(formatter, "{client}, last seen {}", date(*seconds)),
            None => write!(formatter, "{client}, not seen since this coordinator started"),
        }?;
        trouble.iter().try_for_each(|trouble| write!(formatter, ": {trouble}"))
    }
}

//! `tributary coordinator run readiness`: every member of a run's group, and what it waits for or does.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_certs::inspect::date;

use crate::report::{RunName, Whom};

/// The members of one open run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Which run.
    #[serde(flatten)]
    pub of: RunName,
    /// Of which day its data must be; nothing where the plan names none.
    pub as_of: Option<String>,
    /// Members that must have joined before the first keys are agreed on; 0: as many as a cohort needs.
    pub ready_min: u32,
    /// Each member of the plan's group.
    pub members: Vec<MemberStatus>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Which one.
    #[serde(flatten)]
    pub client: Whom,
    /// How far it is.
    #[serde(flatten)]
    pub state: MemberState,
}

/// How far a member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MemberState {
    /// It is here and has admitted the plan.
    Ready,
    /// It is here, and its operator has not said that the data of the run's day are ready.
    Late,
    /// It is here and has not answered.
    Asked,
    /// It is not here.
    Silent {
        /// Unix seconds at which it was connected last; nothing if this process has not seen it.
        last_seen: Option<u64>,
    },
    /// It has refused the run, or is out of it.
    Without {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Readiness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&MemberState) -> bool| self.members.iter().filter(|one| wanted(&one.state)).count();
        let (ready, late) = (count(|one| *one == MemberState::Ready), count(|one| *one == MemberState::Late));
        let silent = count(|one| matches!(one, MemberState::Silent { .. }));
        writeln!(
            out,
            "{}: {ready} of {} members are ready, {late} late, {silent} silent",
            self.of,
            self.members.len()
        )?;
        if let Some(day) = &self.as_of {
            writeln!(out, "  the data must be of {day}")?;
        }
        if self.ready_min > 0 {
            writeln!(out, "  it begins with {} or more", self.ready_min)?;
        }
        self.members.iter().try_for_each(|MemberStatus { client, state }| writeln!(out, "  {client}: {state}"))
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => out.write_str("ready"),
            Self::Late => out.write_str(
                "late: it is here, and its operator has not said that its data are ready. Ask there for `tributary client ready`",
            ),
            Self::Asked => out.write_str("here, and has not answered yet"),
            Self::Silent { last_seen: Some(seen) } => {
                write!(out, "silent since {}. Ask its operator whether the daemon runs", date(*seen))
            }
            Self::Silent { last_seen: None } => {
                out.write_str("silent since this coordinator started. Ask its operator whether the daemon runs")
            }
            Self::Without { reason } => write!(out, "not in this run: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_has_its_state_and_what_to_do() {
        let member = |client, state| MemberStatus { client: Whom { client, name: None }, state };
        let readiness = Readiness {
            of: RunName { plan: "ab".into(), plan_name: "churn".into(), run: 2 },
            as_of: Some("2026-11-30".into()),
            ready_min: 8,
            members: vec![
                member(1, MemberState::Ready),
                member(2, MemberState::Late),
                member(3, MemberState::Asked),
                member(4, MemberState::Silent { last_seen: Some(1_893_456_000) }),
                member(5, MemberState::Without { reason: "its budget is spent".into() }),
            ],
        };
        let text = readiness.to_string();
        for part in [
            "churn run 2: 1 of 5 members are ready, 1 late, 1 silent\n  the data must be of 2026-11-30\n  it begins with 8 or more\n",
            "client 2: late: it is here",
            "client 4: silent since 2030-01-01 00:00 UTC",
            "client 5: not in this run: its budget is spent",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let told: Readiness = serde_json::from_str(&serde_json::to_string(&readiness).unwrap()).unwrap();
        assert_eq!(told, readiness);
    }
}

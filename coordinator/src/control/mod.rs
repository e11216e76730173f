//! `tributary coordinator status`, `run show` and `site list`: what the operator asks a running daemon, through a local socket in the state folder.

mod readiness;
mod status;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_daemon::control::{self, Question};

pub use self::readiness::{MemberState, MemberStatus, Readiness};
pub use self::status::{
    DisputeStatus, IncidentStatus, LateWitness, LogStatus, Refusing, RunStatus, SinkStatus, Site, Status, WaitingStatus,
};
use crate::error::CoordinatorError;
use crate::settings::Settings;

/// What the operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// What the daemon is at.
    Status,
    /// The members, and who of them is here.
    Sites,
    /// The members of the open runs of a plan, by its name or the first digits of its digest.
    Readiness(String),
    /// Recording what a command brings, by the name of its file.
    Told(String),
}

/// The word before a plan.
const READINESS: &str = "readiness ";

/// The word before the name of a file.
const TOLD: &str = "told ";

impl Question for Request {
    fn of_line(line: &str) -> Option<Self> {
        match line {
            "status" => Some(Self::Status),
            "sites" => Some(Self::Sites),
            _ => match line.strip_prefix(TOLD) {
                Some(name) => Some(Self::Told(name.to_owned())),
                None => line.strip_prefix(READINESS).map(|plan| Self::Readiness(plan.to_owned())),
            },
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Status => "status".into(),
            Self::Sites => "sites".into(),
            Self::Readiness(plan) => format!("{READINESS}{plan}"),
            Self::Told(name) => format!("{TOLD}{name}"),
        }
    }
}

/// What the daemon says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// What it is at.
    Status(Box<Status>),
    /// The members.
    Sites(Vec<Site>),
    /// The members of each run that is meant.
    Readiness(Vec<Readiness>),
    /// It stands in the journal, durable; in words.
    Recorded(String),
    /// It is not taken, and why.
    NotRecorded(String),
}

/// A question that waits for the loop.
pub(crate) type Asked = control::Asked<Request, Said>;

/// What the daemon of a settings file is at.
///
/// # Errors
/// If none runs, or it does not answer.
pub fn status(config: &Path) -> Result<Status, CoordinatorError> {
    match ask(config, Request::Status)? {
        Said::Status(status) => Ok(*status),
        _ => Err(unexpected()),
    }
}

/// The members of the federation that the daemon of a settings file serves.
///
/// # Errors
/// As for [`status`].
pub fn sites(config: &Path) -> Result<Vec<Site>, CoordinatorError> {
    match ask(config, Request::Sites)? {
        Said::Sites(sites) => Ok(sites),
        _ => Err(unexpected()),
    }
}

/// The members of the open runs of a plan, which is meant by its name or by the first digits of its digest.
///
/// # Errors
/// As for [`status`].
pub fn readiness(config: &Path, plan: &str) -> Result<Vec<Readiness>, CoordinatorError> {
    // One line is one question.
    let plan = plan.chars().filter(|letter| !letter.is_control()).collect();
    match ask(config, Request::Readiness(plan))? {
        Said::Readiness(runs) => Ok(runs),
        _ => Err(unexpected()),
    }
}

/// Has the daemon of a state folder record what a command brings: the entry in words, or why it is not taken. Nothing where no daemon runs.
///
/// # Errors
/// In words, if it does not answer.
pub(crate) fn tell(state_dir: &Path, name: &str) -> Result<Option<Result<String, String>>, String> {
    match control::ask(state_dir, &Request::Told(name.to_owned()))? {
        None => Ok(None),
        Some(Said::Recorded(words)) => Ok(Some(Ok(words))),
        Some(Said::NotRecorded(why)) => Ok(Some(Err(why))),
        Some(_) => Err(unexpected().to_string()),
    }
}

fn ask(config: &Path, request: Request) -> Result<Said, CoordinatorError> {
    let settings = Settings::load(config)?;
    let said = control::ask(&settings.state_dir, &request).map_err(CoordinatorError::Control)?;
    said.ok_or_else(|| {
        CoordinatorError::Control(format!(
            "{}: no daemon of these settings runs, so there is nothing to show. Start it: `tributary coordinator serve --config {}`",
            settings.state_dir.display(),
            config.display()
        ))
    })
}

fn unexpected() -> CoordinatorError {
    let words = "the daemon answered something else; compare its release with this one's, and start it anew";
    CoordinatorError::Control(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one side says the other side understands; whatever else comes is no question.
    #[test]
    fn each_question_is_one_line() {
        let named = |name: &str| [Request::Readiness(name.into()), Request::Told(name.into())];
        let rows = [(Request::Status, "status"), (Request::Sites, "sites")];
        let [ready, told] = named("a b");
        for (request, line) in rows.into_iter().chain([(ready, "readiness a b"), (told, "told a b")]) {
            assert_eq!(request.line(), line);
            assert_eq!(Request::of_line(line), Some(request));
        }
        for line in ["", "Status", "status ", "site", "readiness", "told", "tell a"] {
            assert_eq!(Request::of_line(line), None, "{line}");
        }
    }

    #[test]
    fn without_a_daemon_there_is_nobody_to_ask() {
        let federation = crate::enrolled::Federation::new(2);
        let config = federation.settings(|text| text);
        for fault in [status(&config).err(), sites(&config).err(), readiness(&config, "test").err()] {
            let fault = fault.expect("nobody answers").to_string();
            assert!(fault.contains("no daemon of these settings runs"), "{fault}");
        }
        assert_eq!(tell(&federation.path("state"), "a.look"), Ok(None));
    }
}

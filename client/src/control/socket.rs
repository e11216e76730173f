//! What is asked and answered.

use serde::{Deserialize, Serialize};
use tributary_daemon::control::{self, Question};

use super::status::Status;

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// What the daemon is at.
    Status,
    /// Take part in nothing.
    Pause,
    /// Take part again.
    Resume,
}

impl Request {
    pub(super) const ALL: [Self; 3] = [Self::Status, Self::Pause, Self::Resume];

    /// As it is asked.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// What the daemon says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// What it is at.
    Status(Box<Status>),
    /// It takes part in nothing.
    Paused,
    /// It takes part.
    Resumed,
    /// It could not do it.
    Fault(String),
}

/// A question that waits for the daemon's loop.
pub(crate) type Asked = control::Asked<Request, Said>;

impl Question for Request {
    fn of_line(line: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|request| request.word() == line)
    }

    fn line(&self) -> String {
        self.word().to_owned()
    }
}

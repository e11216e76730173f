//! What is asked and answered.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::status::Status;

/// The socket's name in the state folder.
pub(super) const SOCKET: &str = "control.sock";

/// Longest question, with its end of line.
pub(super) const QUESTION_BYTES_MAX: usize = 64;

/// Longest answer.
pub(super) const ANSWER_BYTES_MAX: u64 = 1 << 20;

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
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) answer: oneshot::Sender<Said>,
}

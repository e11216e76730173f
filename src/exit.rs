//! Exit codes and the one form of failure. `docs/OPERATING.md` lists them; a test compares.

use std::fmt;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It did not, or what it verified or inspected is not in order.
    Failed = 1,
    /// A settings file, or a file that it names, has a fault.
    Settings = 2,
    /// The command line is wrong (BSD `sysexits.h`: `EX_USAGE`).
    Usage = 64,
    /// Ctrl-C or SIGTERM ended the demo (128 and the number of SIGINT).
    #[cfg(feature = "demo")]
    Interrupted = 130,
}

/// Why a command ended without doing what was asked, in words for its user.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What happened, what it means, what to do.
    pub(crate) message: String,
}

impl Failure {
    /// [`Exit::Failed`].
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, message: message.to_string() }
    }

    /// [`Exit::Settings`].
    pub(crate) fn settings(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Settings, message: message.to_string() }
    }

    /// [`Exit::Usage`].
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

//! Exit codes and the one form of failure. `docs/OPERATING.md` lists them; a test compares.

use std::fmt;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// It did not, or what it verified or inspected is not in order.
    Failed,
    /// A settings file, or a file that it names, has a fault.
    Settings,
    /// This machine's clock cannot be used, or seems to be wrong, as a preflight would say.
    Clock,
    /// The command line is wrong (BSD `sysexits.h`: `EX_USAGE`).
    Usage,
    /// Ctrl-C or SIGTERM ended the demo (128 and the number of SIGINT).
    #[cfg(feature = "demo")]
    Interrupted,
    /// A preflight found this cause at fault.
    #[cfg(any(feature = "coordinator", feature = "client"))]
    Cause(u8),
}

impl Exit {
    /// The process's exit code.
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Settings => 2,
            Self::Clock => 15,
            Self::Usage => 64,
            #[cfg(feature = "demo")]
            Self::Interrupted => 130,
            #[cfg(any(feature = "coordinator", feature = "client"))]
            Self::Cause(code) => code,
        }
    }
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
        Self::from(exit.code())
    }
}

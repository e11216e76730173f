//! Exit codes and the one form of failure. `docs/OPERATING.md` lists them, and the test below compares.

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
    #[cfg(feature = "people")]
    Settings,
    /// Evidence lacks something without which nobody can rely on it.
    Incomplete,
    /// Evidence is signed by another key than was expected.
    WrongKey,
    /// Evidence cannot be read.
    Unreadable,
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
            #[cfg(feature = "people")]
            Self::Settings => 2,
            Self::Incomplete => 2,
            Self::WrongKey => 3,
            Self::Unreadable => 4,
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
    #[cfg(feature = "people")]
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

#[cfg(all(test, feature = "demo"))]
mod tests {
    use std::collections::BTreeSet;

    use tributary_transport::preflight::Cause;

    use super::*;

    /// The codes of the table under "Exit codes": each row begins with one, or with the first and the last of several.
    fn written() -> BTreeSet<u8> {
        let manual = include_str!("../docs/OPERATING.md");
        let (_, after) = manual.split_once("\n## Exit codes\n").expect("the section of exit codes");
        let (table, _) = after.split_once("\n## ").expect("a section after it");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
        let codes = rows.filter_map(|(codes, _)| {
            let (first, last) = codes.split_once(" to ").unwrap_or((codes, codes));
            Some(first.parse().ok()?..=last.parse().ok()?)
        });
        codes.flatten().collect()
    }

    #[test]
    fn the_table_of_exit_codes_is_that_of_the_code() {
        let own = [
            Exit::Done,
            Exit::Failed,
            Exit::Settings,
            Exit::Incomplete,
            Exit::WrongKey,
            Exit::Unreadable,
            Exit::Clock,
            Exit::Usage,
            Exit::Interrupted,
        ];
        let causes = (Cause::Name as u8..=Cause::AuditSink as u8).map(Exit::Cause);
        let codes: BTreeSet<u8> = own.into_iter().chain(causes).map(Exit::code).collect();
        assert_eq!(written(), codes);
        assert_eq!(Exit::Clock.code(), Cause::Clock as u8, "one code for the clock");
    }
}

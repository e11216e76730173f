//! What is said of a plan: one finding with its level, and the key that cures it.

use core::fmt;

use serde::Serialize;
use tributary_protocol::printable::Printable;

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The plan cannot run, or does not hold what it says.
    Fault,
    /// An approver should ask why.
    Ask,
}

/// Something that an approver must know or ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The key of plan.toml that cures it.
    pub key: String,
    /// What was found, what it means, what to do.
    pub text: Printable,
}

/// For a terminal, on one line.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.level == Level::Fault { "FAULT" } else { "ask  " };
        write!(out, "{mark}  {}: {}", self.key, self.text)
    }
}

/// A finding of a text.
pub(super) fn finding(level: Level, key: &str, text: impl fmt::Display) -> Finding {
    Finding { level, key: key.into(), text: Printable::new(&text.to_string()) }
}

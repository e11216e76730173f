//! One line for each event on standard output: a JSON object for a supervisor, or a sentence for a person.

use std::io::Write as _;

use serde::Serialize;

/// An event as one line of JSON, without a line end.
///
/// # Panics
/// For a type that is no plain data: with a map whose keys are no texts.
#[must_use]
pub fn json(event: &impl Serialize) -> String {
    serde_json::to_string(event).expect("an event is plain data")
}

/// Prints a line at once. A reader that has gone away, or a full disk, does not stop a daemon.
pub fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Whether a person reads what is printed.
#[must_use]
pub fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdout())
}

//! What single tests need beyond the compiler, and a machine may not have: shared files, a token, rights. Every crate's tests take this one file.

use std::fmt::Display;
use std::io::Write as _;

/// Says aloud that something is not tested here and what it lacks, past the harness that keeps what passing tests print. Where the switch is set,
/// in the environment, the thing is required, and the test fails.
pub(crate) fn skip(switch: &str, what: &str, missing: impl Display) {
    assert!(std::env::var_os(switch).is_none(), "{switch} is set, and {what} cannot be tested: {missing}");
    // A closed stream is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {missing} (set {switch} to make this fail)");
}

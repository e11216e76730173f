//! What is said after a command that changed something.

use std::path::Path;

use crate::exit::{Exit, Failure};

/// Names what was written, and what it is.
pub(super) fn done(path: &Path, what: &str) -> Result<Exit, Failure> {
    println!("{}: {what}", path.display());
    Ok(Exit::Done)
}

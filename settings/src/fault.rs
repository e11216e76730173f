//! What is wrong with a settings file, as its reader is told.

use std::fmt;
use std::path::{Path, PathBuf};

use tributary_protocol::printable::Printable;

/// The key of a fault of the file as a whole.
const WHOLE: &str = "(file)";

/// One thing that is wrong with a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, with its tables: `policy.epsilon_max`. Empty if the file as a whole is unreadable.
    pub key: String,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// Everything that is wrong with one settings file.
#[derive(Debug, thiserror::Error)]
pub struct Faults {
    /// The file.
    pub file: PathBuf,
    /// At least one fault.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(formatter, "{}: {count} fault{}", shown(&self.file), if count == 1 { "" } else { "s" })?;
        for Fault { key, found, allowed } in &self.faults {
            // Names and values come from the file: whatever is in them, none begins a line of its own or moves the cursor.
            write!(formatter, "\n  {}: found ", Printable::new(key))?;
            if key == WHOLE {
                // The parser's own words, which show a line of the file.
                for (number, line) in found.lines().enumerate() {
                    write!(formatter, "{}{}", if number == 0 { "" } else { "\n" }, Printable::new(line))?;
                }
            } else {
                write!(formatter, "{}", Printable::new(found))?;
            }
            write!(formatter, "; allowed: {allowed}")?;
        }
        Ok(())
    }
}

/// A path as it is printed.
pub(crate) fn shown(path: &Path) -> Printable {
    Printable::new(&path.display().to_string())
}

/// A fault of the file as a whole.
pub(crate) fn whole(path: &Path, found: String, allowed: &str) -> Faults {
    Faults { file: path.to_path_buf(), faults: vec![Fault { key: WHOLE.into(), found, allowed: allowed.into() }] }
}

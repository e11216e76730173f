//! Sentences as programs read them: in English, whatever language people here read.

use serde::{Serialize as _, Serializer};
use tributary_texts::{Language, Said};

/// Several sentences.
///
/// # Errors
/// As the serializer says.
pub(crate) fn all<S: Serializer>(lines: &[Said], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(|line| line.text(Language::English)))
}

/// One, if there is one.
///
/// # Errors
/// As the serializer says.
pub(crate) fn one<S: Serializer>(line: &Option<Said>, serializer: S) -> Result<S::Ok, S::Error> {
    line.as_ref().map(|line| line.text(Language::English)).serialize(serializer)
}

//! Sentences as programs read them: in English, whatever language people here read.

use serde::Serializer;
use tributary_texts::{Language, Said};

/// Several sentences.
///
/// # Errors
/// As the serializer says.
pub(crate) fn all<S: Serializer>(lines: &[Said], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(|line| line.text(Language::English)))
}

//! The note beside a file of scores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_storage::files::{Existing, FileError, read_text, write_private};

/// What a file of scores is. Whoever reads the file refuses a note with another format or another key, and a file of another digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoresNote {
    /// 1.
    pub format: u32,
    /// The model that was named; after it the challenger, where one scored a share of the customers.
    pub models: Vec<NotedModel>,
    /// What the models are for.
    pub purpose: String,
    /// Digest of the schema.
    pub schema: String,
    /// The labels that have columns, in their order.
    pub labels: Vec<String>,
    /// SHA-256 of the table's file; of a database, of its encoded rows.
    pub source_digest: String,
    /// Of which day the table is, where that is known.
    pub as_of: Option<String>,
    /// Unix seconds at which it was made.
    pub made_at: u64,
    /// Unix seconds until which it may be used.
    pub valid_until: u64,
    /// Customers in it.
    pub rows: u64,
    /// Customers who were in it, and were erased since.
    pub erased: u64,
    /// Rows of the table that could not be read.
    pub rejected: u64,
    /// SHA-256 of the file.
    pub digest: String,
    /// The branch's name in the roster.
    pub branch: String,
}

/// A model that scored customers of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedModel {
    /// Its digest. The file's column `model` has the first 8 digits.
    pub model: String,
    /// `champion`, `pilot`, `challenger` or `candidate`.
    pub state: String,
    /// Of a challenger beside the champion: the share of the customers that is its own, in parts in 10,000.
    pub share: Option<u16>,
    /// Customers whom it scored.
    pub rows: u64,
}

impl ScoresNote {
    /// The layout of a note.
    pub(crate) const FORMAT: u32 = 1;

    /// Whether such a note is at a path.
    pub(crate) fn is_at(path: &Path) -> bool {
        read_text(path, "note").is_ok_and(|text| serde_json::from_str::<Self>(&text).is_ok())
    }

    /// Of a file of so many rows, by the first digits of their models' digests, with this digest: those that were in it before and are not were erased.
    #[must_use]
    pub(crate) fn of_fewer(mut self, digest: Digest, rows: &BTreeMap<String, u64>) -> Self {
        let stay = rows.values().sum();
        self.erased = self.erased.saturating_add(self.rows.saturating_sub(stay));
        self.rows = stay;
        self.digest = digest.to_string();
        for own in &mut self.models {
            let digits = rows.iter().find(|(digits, _)| own.model.starts_with(digits.as_str()));
            own.rows = digits.map_or(0, |(_, rows)| *rows);
        }
        self
    }

    /// Writes it beside a file of scores.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn write(&self, file: &Path) -> Result<(), FileError> {
        let mut text = serde_json::to_vec(self).expect("texts and numbers are JSON");
        text.push(b'\n');
        write_private(&note_path(file), &text, Existing::Replace)
    }
}

/// Where the note of a file of scores is.
pub(crate) fn note_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

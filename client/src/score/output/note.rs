//! The note beside a file of scores. The branch signs it: whoever can write the file cannot raise a score in it and the digest beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::message::signed_message;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};
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
    /// Signature of all of it by the branch's key.
    #[serde(default)]
    pub signature: String,
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

    /// What is signed.
    fn message(&self) -> Vec<u8> {
        let bare = Self { signature: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&bare).expect(TEXTS);
        signed_message("SCORES", &Canonical::new("tributary/scores/1").bytes(&text).finish())
    }

    /// The same, signed by the branch.
    #[must_use]
    pub(crate) fn signed(mut self, key: &SigningKey) -> Self {
        self.signature = RealSuite::sign(key, &self.message()).to_string();
        self
    }

    /// Whether the branch signed it as it stands.
    #[must_use]
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let signature = Signature::of_text(&self.signature);
        signature.is_some_and(|signature| RealSuite::verify(key, &self.message(), &signature))
    }

    /// Writes it beside a file of scores.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn write(&self, file: &Path) -> Result<(), FileError> {
        let mut text = serde_json::to_vec(self).expect(TEXTS);
        text.push(b'\n');
        write_private(&note_path(file), &text, Existing::Replace)
    }
}

const TEXTS: &str = "texts and numbers are JSON";

/// Where the note of a file of scores is.
pub(crate) fn note_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

//! A scores file, and the note beside it that says what it is.

use std::path::Path;

use tributary_model::schema::{Dialect, Encoding};
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::{Printable, is_hidden};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::read_text;
use tributary_texts::{begins_a_formula, contact as words};

use super::register::CLOCK_S;
use crate::data::{FileError, Origin, PlainRead, RowFault, Rows, file_digest, read_plain};
use crate::error::ClientError;
use crate::score::{ScoresNote, columns, note_path};

/// Most rows.
const ROWS_MAX: u64 = 64 << 20;

/// What a scores file must be.
pub struct Wanted<'a> {
    /// The branch.
    pub branch: &'a str,
    /// What the model is for.
    pub purpose: &'a str,
    /// The label.
    pub label: &'a str,
    /// States of the model.
    pub states: &'a [String],
    /// Oldest, in days.
    pub days_max: u16,
    /// Unix seconds.
    pub now: u64,
}

/// Reads the note beside a file, and sees that the branch signed it, and that the file is the one that it speaks of.
///
/// # Errors
/// If there is none, it is none or not signed by this key, or the file is another one.
pub(crate) fn read_note(file: &Path, key: &VerifyingKey) -> Result<ScoresNote, ClientError> {
    let note = read_note_alone(file, key)?;
    let found = file_digest(file).map_err(|fault| ClientError::rows(&fault))?;
    if Digest::from_hex(&note.digest) != Some(found) {
        return Err(ClientError::Said(words::scores_changed(file.display())));
    }
    Ok(note)
}

/// Reads the note beside a file, whichever file it speaks of.
///
/// # Errors
/// If there is none, it is none, or the branch did not sign it.
pub(super) fn read_note_alone(file: &Path, key: &VerifyingKey) -> Result<ScoresNote, ClientError> {
    let path = note_path(file);
    let text = read_text(&path, "note of a scores file").map_err(ClientError::file)?;
    let bad = |what: String| ClientError::Said(words::scores_note_bad(path.display(), Printable::new(&what)));
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|fault| bad(fault.to_string()))?;
    if value["format"] != ScoresNote::FORMAT {
        return Err(bad(format!("format {}", value["format"])));
    }
    let note: ScoresNote = serde_json::from_value(value).map_err(|fault| bad(fault.to_string()))?;
    let states = note.models.iter().map(|own| &own.state);
    let texts = [&note.branch, &note.purpose].into_iter().chain(states).chain(&note.labels);
    if texts.flat_map(|text| text.chars()).any(is_hidden) {
        return Err(bad("a text with a character that is not shown".to_owned()));
    }
    if !note.is_signed_by(key) {
        return Err(ClientError::Said(words::scores_note_unsigned(path.display())));
    }
    Ok(note)
}

impl ScoresNote {
    /// Digests of the models: of the one that was named, and of the challenger, where one scored a share of the customers.
    ///
    /// # Errors
    /// If there is none, one is no digest, or lines do not tell one from the other.
    pub fn digests(&self, file: &Path) -> Result<Vec<Digest>, ClientError> {
        let bad = || ClientError::Said(words::scores_note_bad(note_path(file).display(), "models"));
        let digests: Option<Vec<Digest>> = self.models.iter().map(|own| Digest::from_hex(&own.model)).collect();
        let told_apart = |digests: &Vec<Digest>| match digests.as_slice() {
            [_] => true,
            [one, other] => one.short() != other.short(),
            _ => false,
        };
        digests.filter(told_apart).ok_or_else(bad)
    }

    /// What the model of a row is for its purpose, by the first digits of its digest; nothing where the note names no such model.
    #[must_use]
    pub fn state_of(&self, digits: &str) -> Option<&str> {
        let own = self.models.iter().find(|own| own.model.starts_with(digits));
        own.filter(|_| digits.len() == Digest::ZERO.short().len()).map(|own| own.state.as_str())
    }

    /// Whether a list may be made of it.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, file: &Path, wanted: &Wanted<'_>) -> Result<(), ClientError> {
        let said = |said| Err(ClientError::Said(said));
        let path = file.display();
        if self.branch != wanted.branch {
            return said(words::scores_of_other_branch(path, &self.branch, wanted.branch));
        }
        if self.purpose != wanted.purpose {
            return said(words::scores_for_other_purpose(path, &self.purpose, wanted.purpose));
        }
        if !self.models.iter().any(|own| wanted.states.contains(&own.state)) {
            let found: Vec<&str> = self.models.iter().map(|own| own.state.as_str()).collect();
            return said(words::scores_of_state(path, found.join(", "), wanted.states.join(", ")));
        }
        if !self.labels.iter().any(|label| label == wanted.label) {
            return said(words::scores_without_label(path, wanted.label, self.labels.join(", ")));
        }
        if self.made_at > wanted.now.saturating_add(CLOCK_S) {
            return said(words::scores_of_future(path));
        }
        let oldest = u64::from(wanted.days_max).saturating_mul(86_400);
        if wanted.now > self.valid_until || wanted.now.saturating_sub(self.made_at) > oldest {
            return said(words::scores_too_old(path, wanted.days_max));
        }
        Ok(())
    }
}

/// One customer's scores of one label, as the file has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScoreRow {
    /// The customer's id.
    pub customer: String,
    /// The logit.
    pub score: String,
    /// The probability.
    pub probability: String,
    /// The tenth.
    pub decile: String,
    /// Points; empty where the model is not additive.
    pub points: String,
    /// The reasons.
    pub reasons: [String; 3],
    /// Stage, action and notice; empty without an actions file.
    pub ends: [String; 3],
    /// The first digits of the digest of the model that scored the customer.
    pub model: String,
}

/// Whoever takes rows of scores, by their number from 1.
type Taker<'a> = &'a mut dyn FnMut(u64, ScoreRow) -> Result<(), RowFault>;

struct Reader<'a> {
    header: Vec<String>,
    note: &'a ScoresNote,
    label: &'a str,
    take: Taker<'a>,
}

impl Rows for Reader<'_> {
    fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
        if header != self.header {
            let text = "the columns are not those of a scores file, or stand in another order; score the customers anew (`tributary client score`)";
            return Err(RowFault { column: None, text: text.to_owned() });
        }
        let first = format!("{}.score", self.label);
        let first = self.header.iter().position(|name| *name == first).unwrap_or_default();
        let last = self.header.len();
        Ok(std::iter::once(0).chain(first..first + 7).chain(last - 4..last).collect())
    }

    fn row(&mut self, number: u64, values: &[String]) -> Result<(), RowFault> {
        if number > ROWS_MAX {
            return Err(RowFault { column: None, text: format!("the file has more than {ROWS_MAX} rows") });
        }
        let value = |place: usize| values.get(place).map_or("", |value| value.trim()).to_owned();
        let row = ScoreRow {
            customer: id_of(&value(0)).to_owned(),
            score: value(1),
            probability: value(2),
            decile: value(3),
            points: value(4),
            reasons: [value(5), value(6), value(7)],
            ends: [value(8), value(9), value(10)],
            model: value(11),
        };
        if self.note.state_of(&row.model).is_none() {
            return Err(RowFault::of("model", "none of the models that the note beside the file names"));
        }
        if row.customer.is_empty() {
            return Err(RowFault::of("customer", "empty where a customer's id is expected"));
        }
        (self.take)(number, row)
    }
}

/// An id without the mark that keeps a spreadsheet from running it.
#[must_use]
pub(crate) fn id_of(written: &str) -> &str {
    match written.strip_prefix('\'') {
        Some(rest) if begins_a_formula(rest) => rest,
        _ => written,
    }
}

/// Reads a scores file whole, and sees that it still is the one of the note.
///
/// # Errors
/// If it has faults, other rows than the note says, or another digest.
pub(crate) fn read_scores(file: &Path, note: &ScoresNote, label: &str, take: Taker<'_>) -> Result<(), ClientError> {
    let found = read_rows(file, note, label, take)?;
    if found.file != Digest::from_hex(&note.digest) {
        return Err(ClientError::Said(words::scores_changed(file.display())));
    }
    if found.rows != note.rows {
        return Err(ClientError::Said(words::scores_rows(file.display(), found.rows, note.rows)));
    }
    Ok(())
}

/// Reads the rows of a scores file, however many the note names.
///
/// # Errors
/// If it has faults.
pub(super) fn read_rows(
    file: &Path,
    note: &ScoresNote,
    label: &str,
    take: Taker<'_>,
) -> Result<PlainRead, ClientError> {
    let origin = Origin::File(file.to_path_buf());
    let read = |encoding, take: Taker<'_>| -> Result<PlainRead, FileError> {
        let dialect = Dialect { encoding, ..Dialect::comma_separated() };
        read_plain(&origin, (None, &dialect), &mut Reader { header: columns(&note.labels), note, label, take })
    };
    let encoding = encoding(&origin)?;
    read(encoding, take).map_err(|fault| ClientError::rows(&fault))
}

/// How a text of scores is written. The note does not say it. A text is GB18030 where it is not valid UTF-8.
fn encoding(origin: &Origin) -> Result<Encoding, ClientError> {
    struct Nothing;
    impl Rows for Nothing {
        fn columns(&mut self, _: &[String]) -> Result<Vec<usize>, RowFault> {
            Ok(Vec::new())
        }
        fn row(&mut self, _: u64, _: &[String]) -> Result<(), RowFault> {
            Ok(())
        }
    }
    match read_plain(origin, (None, &Dialect::comma_separated()), &mut Nothing) {
        Err(FileError::Encoding { .. }) => Ok(Encoding::Gb18030),
        Err(fault) => Err(ClientError::rows(&fault)),
        Ok(_) => Ok(Encoding::Utf8),
    }
}

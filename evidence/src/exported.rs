//! The record of a model that left as a file. Each is a file of its own, is never changed, and names the digest of the one before it. The journal names
//! number, model and digest of each, so that the last one is missed as well.
//!
//! What a record says is judged by [`ExportRecord::judge`] alone: by the coordinator before the journal has it, and by whoever verifies the journal.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::printable::{Printable, is_one_line};
use tributary_protocol::registry::{ModelRecord, ModelState};
use tributary_protocol::time::Millis;

use crate::paper::to_json;
use crate::report::shown::moment;

/// One export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecord {
    /// The version of the record: [`ExportRecord::VERSION`].
    pub version: u32,
    /// Its number, from 1.
    pub number: u64,
    /// Digest of the model.
    pub model: String,
    /// In which state the model left: `champion`, `pilot`, `challenger` or `retired`; a `candidate` leaves for trial alone.
    pub state: String,
    /// The name of an [`ExportFormat`].
    pub format: String,
    /// The dialect of SQL.
    pub dialect: Option<String>,
    /// The label, where the file has one of several.
    pub head: Option<String>,
    /// Who may use it.
    pub recipient: String,
    /// Its last second, of the Unix clock.
    pub valid_until: u64,
    /// When it was made, in seconds of the Unix clock.
    pub made_at: u64,
    /// The file's name, without its folder.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// SHA-256 of the record before; zeros for the first one.
    pub previous: String,
}

/// What a model is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// The parameters alone, with the schema's canonical encoding beside.
    Safetensors,
    /// From columns to probabilities, for every network.
    Onnx,
    /// From columns to probabilities, for additive models.
    Pmml,
    /// One statement that scores a table, for additive models.
    Sql,
}

/// What a record says that cannot be. Its words follow the record's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// Something that no export has.
    #[error("has {0}")]
    Words(&'static str),
    /// Another state of its model.
    #[error("says that the model is a {said}, and it is a {found}")]
    State {
        /// In the record.
        said: Printable,
        /// By the journal.
        found: &'static str,
    },
    /// Valid for no time at all, or for ever.
    #[error("has a last day before the file was made, or after the year 9999")]
    Valid,
    /// A candidate for too long.
    #[error("lets a candidate leave for more than 31 days")]
    Trial,
    /// Longer than somebody answers for the model.
    #[error("is valid until {until}, and a model validator answers for the model until {last} and no longer", until = of_second(*.until), last = of_second(*.last))]
    Unanswered {
        /// In the record.
        until: u64,
        /// By the last report on the model's gates.
        last: u64,
    },
    /// Made at another time than the journal's entry.
    #[error("was made at {}, as it says itself, and its entry of the journal is of {}: they are more than a day apart", of_second(*.made), moment(*.at))]
    Time {
        /// In the record, in seconds.
        made: u64,
        /// Of the entry.
        at: Millis,
    },
}

fn of_second(second: u64) -> String {
    moment(Millis(second.saturating_mul(1000)))
}

impl ExportFault {
    /// What whoever exports does about it.
    #[must_use]
    pub const fn todo(&self) -> &'static str {
        match self {
            Self::Words(_) => "Type the command again with other words",
            Self::State { .. } => "The model's state has changed meanwhile: type the command again",
            Self::Valid | Self::Trial | Self::Unanswered { .. } => "Name another last day (`--valid-until`)",
            Self::Time { .. } => "Set the clock of this machine, and that of the daemon, and type the command again",
        }
    }
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Safetensors, Self::Onnx, Self::Pmml, Self::Sql];

    /// The word at the command line and in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Pmml => "pmml",
            Self::Sql => "sql",
        }
    }

    /// Whether the file has one label.
    #[must_use]
    pub const fn has_one_head(self) -> bool {
        matches!(self, Self::Pmml | Self::Sql)
    }
}

impl ExportRecord {
    /// The version of a record.
    pub const VERSION: u32 = 1;
    /// Longest time for which a candidate leaves for trial, in seconds: 31 days.
    pub const TRIAL_SECONDS_MAX: u64 = 31 * 86_400;
    /// Longest name of a recipient, in characters.
    pub const RECIPIENT_MAX: usize = 120;
    /// Most seconds between the time that a record says and that of its entry.
    const SKEW_SECONDS: u64 = 86_400;

    /// As it is written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_json(self).into_bytes()
    }

    /// Reads it in its one form; nothing for anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        (record.version == Self::VERSION && record.to_bytes() == bytes).then_some(record)
    }

    /// Whether a text names a recipient.
    #[must_use]
    pub fn is_recipient(text: &str) -> bool {
        is_one_line(text) && text.chars().count() <= Self::RECIPIENT_MAX
    }

    /// Judges what it says of its file, of this model as the journal has it before the record's entry, which is of this time.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn judge(&self, model: &ModelRecord, at: Millis) -> Result<(), ExportFault> {
        let format = ExportFormat::ALL.into_iter().find(|format| format.name() == self.format);
        let format = format.ok_or(ExportFault::Words("a format that no model is written as"))?;
        let shown = |text: &Option<String>| text.as_deref().is_none_or(is_one_line);
        let digest = Digest::from_hex(&self.digest).filter(|digest| digest.to_string() == self.digest);
        for (holds, fault) in [
            (Self::is_recipient(&self.recipient), "no recipient of one line, with characters that show as they are"),
            (
                is_one_line(&self.file) && !self.file.contains(['/', '\\']),
                "no file name of one line, with characters that show as they are",
            ),
            (digest.is_some(), "no SHA-256 of the file"),
            (
                self.dialect.is_some() == (format == ExportFormat::Sql) && shown(&self.dialect),
                "no dialect of SQL where its format needs one, or one where it needs none",
            ),
            (
                (self.head.is_some() || !format.has_one_head()) && shown(&self.head),
                "no label where its format needs one",
            ),
        ] {
            if !holds {
                return Err(ExportFault::Words(fault));
            }
        }
        let Self { valid_until, made_at, .. } = *self;
        if self.state != model.state.name() {
            return Err(ExportFault::State { said: Printable::new(&self.state), found: model.state.name() });
        }
        if valid_until <= made_at || valid_until > Date::LAST.last_second() {
            return Err(ExportFault::Valid);
        }
        if model.state == ModelState::Candidate && valid_until > made_at.saturating_add(Self::TRIAL_SECONDS_MAX) {
            return Err(ExportFault::Trial);
        }
        if let Some(last) = model.answered_until().filter(|last| *last < valid_until) {
            return Err(ExportFault::Unanswered { until: valid_until, last });
        }
        match made_at.abs_diff(at.0 / 1000) <= Self::SKEW_SECONDS {
            true => Ok(()),
            false => Err(ExportFault::Time { made: made_at, at }),
        }
    }

    /// Whether it is the record of this number and model, and follows the record of this digest.
    #[must_use]
    pub fn stands(&self, number: u64, model: &Digest, previous: &Digest) -> bool {
        self.number == number && self.model == model.to_string() && self.previous == previous.to_string()
    }
}

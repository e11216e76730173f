//! What the coordinator notes of its own commands: models that leave as files, and points of scorecards that people have set.
//!
//! What was done lies in a file beside the journal. Number and digest of the file stand in the journal, so that the last one is missed as well.

use super::record::{ModelRecord, ModelState, RegistryRecord};
use crate::digest::Digest;
use crate::limits::{EXPORTS_MAX, POINTS_CHANGES_MAX};
use crate::round::OutOfOrder;

/// Why an export or a change of points is not noted, for whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedNote {
    /// No such model.
    #[error("the registry has no model {0}; `tributary model list` shows which it has")]
    Unknown(Digest),
    /// A withdrawn model.
    #[error(
        "model {0} was withdrawn: it leaves as no file, and nobody sets its points. `tributary model show` says why"
    )]
    Withdrawn(Digest),
    /// An attack showed more than was claimed.
    #[error(
        "a report of attacks on model {0} raised the alarm, so it leaves as no file, and nobody sets its points. `tributary model show` names the report"
    )]
    Alarm(Digest),
    /// The number.
    #[error("it has the number {found}, and the next one is {expected}: another one came before it. Make it again")]
    Number {
        /// Its number.
        found: u64,
        /// The next one.
        expected: u64,
    },
    /// There are too many.
    #[error("there are {0} of them, and the journal takes no more")]
    Full(usize),
}

impl RefusedNote {
    /// The rule of the journal that it would break.
    pub(super) const fn rule(self) -> OutOfOrder {
        OutOfOrder(match self {
            Self::Unknown(_) => "an export or a change of points is of a registered model",
            Self::Withdrawn(_) => "a withdrawn model is not exported, and nobody sets its points",
            Self::Alarm(_) => "a model with an alarm is not exported, and nobody sets its points",
            Self::Number { .. } => "exports, and changes of a model's points, are numbered from 1 without a gap",
            Self::Full(_) => "a journal has 999999 exports at most, and 10000 changes of a model's points",
        })
    }
}

impl RegistryRecord {
    /// The number of the next export.
    #[must_use]
    pub fn next_export(&self) -> u64 {
        after(self.exports.len())
    }

    /// Whether a model may leave as the export of this number.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do.
    pub fn judge_export(&self, number: u64, model: &Digest) -> Result<(), RefusedNote> {
        self.usable(model)?;
        is_next(number, self.exports.len(), EXPORTS_MAX)
    }

    /// Whether points of a model may be set by the change of this number.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do.
    pub fn judge_points(&self, model: &Digest, number: u64) -> Result<(), RefusedNote> {
        let model = self.usable(model)?;
        is_next(number, model.points.len(), POINTS_CHANGES_MAX)
    }

    fn usable(&self, digest: &Digest) -> Result<&ModelRecord, RefusedNote> {
        let model = self.models.get(digest).ok_or(RefusedNote::Unknown(*digest))?;
        if model.state == ModelState::Withdrawn {
            return Err(RefusedNote::Withdrawn(*digest));
        }
        if model.is_alarmed() { Err(RefusedNote::Alarm(*digest)) } else { Ok(model) }
    }
}

/// The number after so many.
const fn after(count: usize) -> u64 {
    (count as u64).saturating_add(1)
}

fn is_next(found: u64, count: usize, most: usize) -> Result<(), RefusedNote> {
    let expected = after(count);
    if count >= most {
        return Err(RefusedNote::Full(count));
    }
    if found == expected { Ok(()) } else { Err(RefusedNote::Number { found, expected }) }
}

//! Points of one bin that people have set in the place of the model's.

use super::fault::{ChangeFault, POINTS_ABS_MAX};

/// A change of one bin's points. The model stays as it is, and so does its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointChange {
    /// The field.
    pub field: String,
    /// The bin's number within the field, from 1.
    pub bin: u32,
    /// The points that it had.
    pub before: i64,
    /// The points that it has from then on.
    pub after: i64,
}

impl PointChange {
    /// Whether it changes anything, within the limits.
    ///
    /// # Errors
    /// [`ChangeFault::Same`], [`ChangeFault::Points`].
    pub fn check(&self) -> Result<(), ChangeFault> {
        if self.before == self.after {
            return Err(ChangeFault::Same(self.after));
        }
        if self.after.unsigned_abs() > POINTS_ABS_MAX.unsigned_abs() {
            return Err(ChangeFault::Points(self.after));
        }
        Ok(())
    }
}

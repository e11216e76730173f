//! Scorecards of additive models: whole points for each bin, category and special value of each field.
//!
//! **More points mean that the label is more likely.** A customer with the base odds has the base points, and so many points more double the odds
//! (Siddiqi 2006):
//!
//! ```text
//! score  = base points + factor * (logit - ln(base odds))        factor = points to double the odds / ln 2
//! points = round(base points + factor * (intercept - ln(base odds))) + the sum over fields and tables of round(factor * what each adds)
//! ```
//!
//! `round` goes to the nearest whole number, and halves go away from zero. Each of the rounded parts errs by one half at most. So the points of a
//! customer are within (1 + fields + tables) / 2 of the score ([`Scorecard::error_max`]).
//!
//! A number without bins has a line: its points follow from one formula, and are rounded once. A table of a pair has a table of points beside.

mod changed;
mod fault;
mod field;
mod pair;
mod scale;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use changed::PointChange;
pub use fault::{ChangeFault, POINTS_ABS_MAX, ScaleFault};
pub use field::{Also, BinPoints, FieldPoints, Line, Rule, Turn, Values, reason_code};
pub use pair::{PairCell, PairPoints};
pub use scale::Scale;

use crate::additive::{Additive, AdditiveFault};
use crate::parameters::Parameters;
use crate::schema::Schema;

/// The points of one head of an additive model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scorecard {
    /// The head.
    pub head: String,
    /// How logits become points.
    pub scale: Scale,
    /// The intercept in points, before it was rounded.
    pub base_exact: f64,
    /// The intercept in whole points: what everybody has.
    pub base: i64,
    /// How far a customer's points may be from the score: one half for each part that is rounded. Changed points are not in it.
    pub error_max: f64,
    /// One for each field, in the schema's order.
    pub fields: Vec<FieldPoints>,
    /// Tables of pairs.
    pub pairs: Vec<PairPoints>,
}

impl Scorecard {
    /// The scorecard of one head.
    ///
    /// # Errors
    /// If the model is not additive, belongs to another schema, or has no such head.
    pub fn of(parameters: &Parameters, schema: &Schema, head: &str, scale: Scale) -> Result<Self, AdditiveFault> {
        let additive = Additive::of(parameters, schema, head)?;
        let base_exact = scale.score(additive.intercept);
        let named = (1..).zip(schema.fields()).zip(&additive.fields);
        let fields: Vec<FieldPoints> =
            named.map(|((number, field), term)| FieldPoints::of((number, field), term, scale)).collect();
        let pairs: Vec<PairPoints> =
            additive.pairs.iter().map(|pair| PairPoints::of(pair, schema, &fields, scale)).collect();
        let parts = 1 + fields.len() + pairs.len();
        let error_max = parts as f64 / 2.0;
        Ok(Self { head: head.to_owned(), scale, base_exact, base: scale::whole(base_exact), error_max, fields, pairs })
    }

    /// The points of an encoded row: one number for each slot of the schema, as [`crate::features::FeatureMatrix::write_row`] writes them.
    #[must_use]
    pub fn points(&self, slots: &[f32]) -> i64 {
        let mut points = self.base;
        let mut rest = slots;
        let mut active = [None; crate::schema::FIELDS_MAX];
        for (field, active) in self.fields.iter().zip(&mut active) {
            let (own, after) = rest.split_at_checked(field.slots()).unwrap_or((rest, &[]));
            rest = after;
            let (of_field, slot) = field.points(own);
            points += of_field;
            *active = slot;
        }
        self.pairs.iter().fold(points, |sum, pair| sum + pair.points(&active))
    }

    /// With points that two people have changed, in the order in which they did.
    ///
    /// # Errors
    /// [`ChangeFault`]: a change that names no bin, or another number of points than the card has.
    pub fn changed(mut self, changes: &[PointChange]) -> Result<Self, ChangeFault> {
        for change in changes {
            change.check()?;
            let named = |field: &&mut FieldPoints| field.field == change.field;
            let field = self.fields.iter_mut().find(named).ok_or_else(|| ChangeFault::Field(change.field.clone()))?;
            field.change(change)?;
        }
        Ok(self)
    }

    /// Whether somebody has changed points of it.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.fields.iter().flat_map(FieldPoints::bins).any(|bin| bin.model_points.is_some())
    }
}

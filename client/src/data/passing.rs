//! Rows that pass through: encoded one by one, handed on, and forgotten.

use tributary_model::features::{Cell, EncodedRow};
use tributary_model::schema::Decimal;

use super::error::FileError;

/// A cell that is wanted beside a row's encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of a column of the schema, as the mapping makes it.
    Schema(String),
    /// Of a column of the source, as it is there.
    Table(String),
}

/// One row on its way. It cannot be printed.
pub struct PassedRow<'row> {
    /// Its number in the source, from 1.
    pub number: u64,
    /// Its fields, encoded.
    pub encoded: EncodedRow<'row>,
    /// The customer's key as every table has it; nothing where the schema has no column of customers.
    pub key: Option<Cell<'row>>,
    /// The same as this source writes it.
    pub customer: Option<Cell<'row>>,
    /// What was wanted beside, in its order.
    pub wanted: &'row [Cell<'row>],
    /// What stands before the fraction of a number that is a text.
    pub decimal: Decimal,
}

/// Whom rows are handed to.
pub(super) struct Passing<'a> {
    pub(super) wanted: &'a [Wanted],
    pub(super) hand: &'a mut dyn FnMut(&PassedRow<'_>) -> Result<(), FileError>,
}

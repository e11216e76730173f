//! One encoded row by itself, for whoever scores it.

use super::encode::FieldEncoder;
use super::packed::{FieldValue, RowLayout};
use crate::schema::Schema;

/// The fields of one row, as they are encoded: labels and audit columns are not part of it. It cannot be printed.
///
/// Rows of one schema have an order by their bytes. Of several rows of one customer, the first one in this order is the one that counts where customers
/// are counted and evaluated, and where they are scored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EncodedRow<'row>(&'row [u8]);

impl<'row> EncodedRow<'row> {
    /// Of bytes that were one before. Bytes that no row has are a row all the same, of values that none has.
    #[must_use]
    pub fn new(bytes: &'row [u8]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as many as [`RowForm::bytes`].
    #[must_use]
    pub fn bytes(&self) -> &'row [u8] {
        self.0
    }
}

/// How the encoded rows of a schema lie in their bytes.
pub struct RowForm(RowLayout);

impl RowForm {
    /// Of a schema.
    #[must_use]
    pub fn of(schema: &Schema) -> Self {
        Self(RowLayout::new(schema.fields().iter().map(FieldEncoder::cell), 0))
    }

    /// Bytes of a row.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.cells_bytes()
    }

    /// Slots of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Writes the slots of a row, one for each of the width. Of bytes that are no row, zeros.
    pub fn write_slots(&self, row: EncodedRow<'_>, slots: &mut [f32]) {
        let whole = row.0.len() == self.bytes();
        self.0.unpack(whole.then_some(row.0), slots);
    }

    /// What a row holds, field by field.
    pub(crate) fn values<'a>(&'a self, row: EncodedRow<'a>) -> impl Iterator<Item = FieldValue> + 'a {
        self.0.values(row.0)
    }
}

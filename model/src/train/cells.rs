//! Rows as the slots that are 1: two bytes for each field, for stages that only look values up.

use zeroize::Zeroizing;

use super::placement::rows_padded;
use super::table::{Table, TableMaxima};

/// What a label's byte says of a row that does not know it, and of padding.
pub(crate) const UNKNOWN: u8 = 2;

/// Rows of all customers, one after the other, padded to the public maximum of rows.
pub(crate) struct CellRows {
    fields: usize,
    heads: usize,
    /// Rows x fields: the slot of the field that is 1.
    active: Zeroizing<Vec<u16>>,
    /// Rows x heads: 0, 1, or [`UNKNOWN`].
    labels: Zeroizing<Vec<u8>>,
    /// Of each row, how many rows its customer has; 1 in padding.
    sharing: Zeroizing<Vec<u32>>,
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct CellRow<'a> {
    /// The slot of each field that is 1, or 65,535, which no field has.
    pub(crate) active: &'a [u16],
    /// The class of each head's label: 0, 1, or [`UNKNOWN`].
    pub(crate) labels: &'a [u8],
    /// Rows of its customer, 1 or more.
    pub(crate) sharing: u32,
}

impl CellRows {
    pub(super) fn new(table: &Table) -> Self {
        let (data, customers) = (table.data(), table.customers());
        let (fields, heads) = (data.fields(), data.labels());
        let padded = usize::try_from(rows_padded(table.maxima())).expect("rows fit memory");
        let count = customers.all().len().max(padded);
        let mut rows = Self {
            fields,
            heads,
            active: Zeroizing::new(vec![0; count * fields]),
            labels: Zeroizing::new(vec![UNKNOWN; count * heads]),
            sharing: Zeroizing::new(vec![1; count]),
        };
        for at in 0..count {
            let row = customers.all().get(at).map(|row| *row as usize);
            data.write_active(row, &mut rows.active[at * fields..][..fields]);
            for (label, class) in rows.labels[at * heads..][..heads].iter_mut().enumerate() {
                let (target, known) = row.map_or((0.0, 0.0), |row| data.label(row, label));
                *class = if known == 0.0 { UNKNOWN } else { u8::from(target == 1.0) };
            }
        }
        let mut at = 0;
        for own in (0..).zip(0..table.customer_count()).map(|(customer, _)| customers.of(customer).len()) {
            rows.sharing[at..at + own].fill(u32::try_from(own).expect("a customer has few rows"));
            at += own;
        }
        rows
    }

    /// Most bytes of rows within public maxima.
    pub(super) fn bytes(maxima: TableMaxima, fields: u64, heads: u64) -> u64 {
        rows_padded(maxima).saturating_mul(2 * fields + heads + 4)
    }

    /// The rows, padding included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = CellRow<'_>> {
        self.sharing.iter().enumerate().map(|(at, sharing)| CellRow {
            active: &self.active[at * self.fields..][..self.fields],
            labels: &self.labels[at * self.heads..][..self.heads],
            sharing: *sharing,
        })
    }

    /// Fields of a row.
    pub(crate) fn fields(&self) -> usize {
        self.fields
    }
}

//! Encoded rows in few bytes: one for a category, four for a number, one for a label.
//!
//! A row of 80 slots takes about 100 bytes instead of 320, and a table is as large as its rows: it grows by blocks, which are never moved.

/// How a row's slots and labels lie in its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RowLayout {
    cells: Vec<Cell>,
    /// Slots of an unpacked row.
    width: usize,
    labels: usize,
    /// Audit columns, which are in no slot; they come last.
    audits: usize,
    /// Bytes of the cells; labels follow.
    cells_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    kind: CellKind,
    slots: usize,
    /// What stands in the place of a missing number, beside the slot that says so.
    filling: f32,
}

/// How one field lies in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    /// One of some slots is 1, or none: its number from 1, or 0.
    OneHot,
    /// A number, and perhaps a slot after it which says that there is none (NaN).
    Number,
}

/// Slots that one byte can tell apart, none of them included.
const SHORT_SLOTS_MAX: usize = 255;

/// No slot of a field is 1: one before the first.
#[cfg(any(test, feature = "train"))]
const NO_SLOT: u16 = u16::MAX;

/// Bytes of an audit column: the number of its group from 1, or 0.
const AUDIT_BYTES: usize = 2;

/// What a label's byte says.
pub(super) const UNKNOWN: u8 = 2;

impl RowLayout {
    /// Fields by their kind and number of slots.
    pub(super) fn new(fields: impl IntoIterator<Item = (CellKind, usize)>, labels: usize) -> Self {
        let cells: Vec<Cell> = fields.into_iter().map(|(kind, slots)| Cell { kind, slots, filling: 0.0 }).collect();
        let width = cells.iter().map(|cell| cell.slots).sum();
        let cells_bytes = cells.iter().map(|cell| cell.bytes()).sum();
        Self { cells, width, labels, audits: 0, cells_bytes }
    }

    /// With something else than 0 in the place of missing numbers, cell by cell.
    pub(super) fn filled(mut self, fillings: impl Iterator<Item = f32>) -> Self {
        self.cells.iter_mut().zip(fillings).for_each(|(cell, filling)| cell.filling = filling);
        self
    }

    /// With so many audit columns.
    pub(super) fn audited(self, audits: usize) -> Self {
        Self { audits, ..self }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Audit columns.
    pub(super) fn audits(&self) -> usize {
        self.audits
    }

    pub(super) fn labels(&self) -> usize {
        self.labels
    }

    fn bytes(&self) -> usize {
        self.cells_bytes + self.labels + AUDIT_BYTES * self.audits
    }

    /// Unpacks the slots of a row; of none, zeros at the same cost.
    pub(super) fn unpack(&self, row: Option<&[u8]>, slots: &mut [f32]) {
        slots.fill(0.0);
        let blank = vec![0; if row.is_none() { self.bytes() } else { 0 }];
        let (mut bytes, mut slots) = (row.unwrap_or(&blank), slots);
        for cell in &self.cells {
            let (own, rest) = slots.split_at_mut(cell.slots);
            let (packed, left) = bytes.split_at(cell.bytes());
            match cell.kind {
                CellKind::OneHot => {
                    let number = packed.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte));
                    if let Some(slot) = number.checked_sub(1).and_then(|index| own.get_mut(index)) {
                        *slot = 1.0;
                    }
                }
                CellKind::Number => {
                    let number = packed.first_chunk().map_or(0.0, |bytes| f32::from_le_bytes(*bytes));
                    match own {
                        [value, missing] if number.is_nan() => (*value, *missing) = (cell.filling, 1.0),
                        [value, ..] => *value = number,
                        [] => {}
                    }
                }
            }
            (slots, bytes) = (rest, left);
        }
    }

    /// What a row holds, field by field. Bytes that no row has are values all the same: a number beyond the slots is none of them.
    pub(super) fn values<'row>(&'row self, row: &'row [u8]) -> impl Iterator<Item = FieldValue> + 'row {
        let mut bytes = row;
        self.cells.iter().map(move |cell| {
            let (packed, left) = bytes.split_at_checked(cell.bytes()).unwrap_or((&[], &[]));
            bytes = left;
            match cell.kind {
                CellKind::OneHot => {
                    let number = packed.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte));
                    FieldValue::Slot(number.checked_sub(1).filter(|slot| *slot < cell.slots))
                }
                CellKind::Number => {
                    let number = packed.first_chunk().map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes));
                    FieldValue::Number(if number.is_nan() { None } else { Some(number) })
                }
            }
        })
    }

    /// Bytes of a row's fields.
    pub(super) fn cells_bytes(&self) -> usize {
        self.cells_bytes
    }

    /// Fields that lie in a row.
    #[cfg(any(test, feature = "train"))]
    pub(super) fn fields(&self) -> usize {
        self.cells.len()
    }

    /// The slot of each field that is 1, counted within the field: 65,535 where none is, for a field that is a number, and for no row. The same
    /// work for all of them.
    #[cfg(any(test, feature = "train"))]
    pub(super) fn active(&self, row: Option<&[u8]>, slots: &mut [u16]) {
        let blank = vec![0; if row.is_none() { self.bytes() } else { 0 }];
        let mut bytes = row.unwrap_or(&blank);
        for (cell, slot) in self.cells.iter().zip(slots) {
            let (packed, left) = bytes.split_at(cell.bytes());
            let number = packed.iter().rev().fold(0_u16, |number, byte| number.wrapping_shl(8) | u16::from(*byte));
            *slot = match cell.kind {
                CellKind::OneHot => number.wrapping_sub(1),
                CellKind::Number => NO_SLOT,
            };
            bytes = left;
        }
    }

    /// Target and presence of a label of a row.
    pub(super) fn label(&self, row: &[u8], label: usize) -> (f32, f32) {
        match row.get(self.cells_bytes + label) {
            Some(0) => (0.0, 1.0),
            Some(1) => (1.0, 1.0),
            _ => (0.0, 0.0),
        }
    }

    /// The group of a row by an audit column, or 65,535 where it is in none.
    #[cfg(any(test, feature = "train"))]
    pub(super) fn audit(&self, row: &[u8], audit: usize) -> u16 {
        let bytes = row.get(self.cells_bytes + self.labels + AUDIT_BYTES * audit..).and_then(|rest| rest.first_chunk());
        bytes.map_or(NO_SLOT, |bytes| u16::from_le_bytes(*bytes).wrapping_sub(1))
    }
}

impl Cell {
    fn bytes(self) -> usize {
        match self.kind {
            CellKind::OneHot if self.slots < SHORT_SLOTS_MAX => 1,
            CellKind::OneHot => 2,
            CellKind::Number => 4,
        }
    }
}

/// What a row holds of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FieldValue {
    /// Of bins or categories: the slot that is 1, counted within the field.
    Slot(Option<usize>),
    /// The number, as it is encoded; nothing where it is missing.
    Number(Option<f32>),
}

/// A row on its way in.
#[derive(Default)]
pub(super) struct PackedRow(Vec<u8>);

impl PackedRow {
    /// A row as it lies in a table.
    #[cfg(feature = "train")]
    pub(super) fn of(row: &[u8]) -> Self {
        Self(row.to_vec())
    }

    /// Gives it the opposite of each label that is known.
    #[cfg(feature = "train")]
    pub(super) fn turn_labels(&mut self, layout: &RowLayout) {
        let labels = self.0.iter_mut().skip(layout.cells_bytes).take(layout.labels);
        labels.filter(|label| **label != UNKNOWN).for_each(|label| *label = 1 - (*label).min(1));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The slot that is 1 of a field of `slots` slots.
    pub(super) fn one_hot(&mut self, slot: Option<usize>, slots: usize) {
        let number = u16::try_from(slot.map_or(0, |slot| slot + 1)).expect("a row has at most 4096 slots");
        let bytes = number.to_le_bytes();
        self.0.extend_from_slice(if slots < SHORT_SLOTS_MAX { &bytes[..1] } else { &bytes });
    }

    /// A number, or that there is none.
    pub(super) fn number(&mut self, number: Option<f32>) {
        self.0.extend_from_slice(&number.unwrap_or(f32::NAN).to_le_bytes());
    }

    /// The group of an audit column, or that there is none.
    pub(super) fn audit(&mut self, group: Option<usize>) {
        let number = u16::try_from(group.map_or(0, |group| group + 1)).expect("a field has at most 4096 slots");
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A label's class, or that it is not known.
    pub(super) fn label(&mut self, class: Option<bool>) {
        self.0.push(class.map_or(UNKNOWN, u8::from));
    }
}

/// Rows, one after the other.
pub(super) struct PackedRows {
    layout: RowLayout,
    blocks: Vec<Vec<u8>>,
    rows_per_block: usize,
    rows: usize,
}

/// Bytes of a block, about.
const BLOCK_BYTES: usize = 1 << 20;

impl PackedRows {
    pub(super) fn new(layout: RowLayout) -> Self {
        let rows_per_block = (BLOCK_BYTES / layout.bytes().max(1)).max(1);
        Self { layout, blocks: Vec::new(), rows_per_block, rows: 0 }
    }

    pub(super) fn layout(&self) -> &RowLayout {
        &self.layout
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, row: &PackedRow) {
        debug_assert_eq!(row.0.len(), self.layout.bytes());
        if self.rows.is_multiple_of(self.rows_per_block) {
            self.blocks.push(Vec::with_capacity(self.rows_per_block * self.layout.bytes()));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.extend_from_slice(&row.0);
        }
        self.rows += 1;
    }

    /// A row's bytes.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        let bytes = self.layout.bytes();
        let at = row % self.rows_per_block * bytes;
        &self.blocks[row / self.rows_per_block][at..at + bytes]
    }

    /// Rows of numbers and labels of 0 and 1.
    pub(super) fn of_numbers(
        features: &ndarray::Array2<f32>,
        (targets, present): (&ndarray::Array2<f32>, &ndarray::Array2<f32>),
    ) -> Self {
        let cells = (0..features.ncols()).map(|_| (CellKind::Number, 1));
        let mut rows = Self::new(RowLayout::new(cells, targets.ncols()));
        let mut row = PackedRow::default();
        for ((features, targets), present) in features.rows().into_iter().zip(targets.rows()).zip(present.rows()) {
            row.clear();
            features.iter().for_each(|value| row.number(Some(*value)));
            for (target, present) in targets.iter().zip(present) {
                row.label((*present == 1.0).then_some(*target == 1.0));
            }
            rows.push(&row);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_unpacked_as_it_was_packed() {
        let fields = [(CellKind::OneHot, 3), (CellKind::Number, 2), (CellKind::OneHot, 300), (CellKind::Number, 1)];
        let mut rows = PackedRows::new(RowLayout::new(fields, 2).audited(2));
        let mut row = PackedRow::default();
        for (first, number, second, label) in [
            (Some(2), Some(0.5), Some(299), Some(true)),
            (None, None, None, None),
            (Some(0), Some(-1.0), Some(0), Some(false)),
        ] {
            row.clear();
            row.one_hot(first, 3);
            row.number(number);
            row.one_hot(second, 300);
            row.number(Some(0.25));
            row.label(label);
            row.label(None);
            row.audit(first);
            row.audit(None);
            rows.push(&row);
        }
        let unpacked = |index: Option<usize>| {
            let mut slots = vec![9.0; 306];
            rows.layout().unpack(index.map(|index| rows.row(index)), &mut slots);
            slots
        };
        let (first, second) = (unpacked(Some(0)), unpacked(Some(1)));
        assert_eq!((&first[..5], first[304], first[305]), (&[0.0, 0.0, 1.0, 0.5, 0.0][..], 1.0, 0.25));
        assert_eq!((&second[..5], second[5..305].iter().sum::<f32>()), (&[0.0, 0.0, 0.0, 0.0, 1.0][..], 0.0));
        let active = |index: Option<usize>| {
            let mut slots = [7; 4];
            rows.layout().active(index.map(|index| rows.row(index)), &mut slots);
            slots
        };
        let audits = |row, audit| rows.layout().audit(rows.row(row), audit);
        assert_eq!(
            [audits(0, 0), audits(1, 0), audits(2, 0), audits(0, 1), audits(0, 2)],
            [2, NO_SLOT, 0, NO_SLOT, NO_SLOT]
        );
        assert_eq!(rows.layout().fields(), 4);
        assert_eq!(active(Some(0)), [2, NO_SLOT, 299, NO_SLOT]);
        assert_eq!(active(Some(2)), [0, NO_SLOT, 0, NO_SLOT]);
        assert_eq!([active(Some(1)), active(None)], [[NO_SLOT; 4]; 2]);
        assert_eq!((unpacked(Some(2))[0], unpacked(Some(2))[3], unpacked(Some(2))[5]), (1.0, -1.0, 1.0));
        assert!(unpacked(None).iter().all(|slot| *slot == 0.0));
        let labels = |row| rows.layout().label(rows.row(row), 0);
        assert_eq!([labels(0), labels(1), labels(2)], [(1.0, 1.0), (0.0, 0.0), (0.0, 1.0)]);
        assert_eq!(rows.layout().label(rows.row(0), 1), (0.0, 0.0));
    }

    #[test]
    fn many_rows_lie_in_many_blocks() {
        let mut rows = PackedRows::new(RowLayout::new([(CellKind::Number, 1)], 0));
        let mut row = PackedRow::default();
        let count = BLOCK_BYTES / 4 * 2 + 3;
        for number in 0..count {
            row.clear();
            row.number(Some(number as f32));
            rows.push(&row);
        }
        assert_eq!((rows.rows(), rows.blocks.len()), (count, 3));
        let mut slot = [0.0];
        for index in [0, count / 2, count - 1] {
            rows.layout().unpack(Some(rows.row(index)), &mut slot);
            assert_eq!(slot[0], index as f32);
        }
    }
}

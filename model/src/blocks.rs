//! Blocks of cells: each field in one or several resolutions, of which the finest has a cell for each of the field's slots.
//!
//! A row is in one cell of each block, or in none where its field has no slot that is 1. Coarse groups are neighbouring bins put together, so
//! that what is learnt in blocks is a table over the schema's slots again (additive models: Hastie and Tibshirani 1986). Pairs of fields may have
//! blocks of their own, after all others.

use std::ops::Range;

use crate::architecture::PairShape;
use crate::parameters::{PARAMETER_ABS_MAX, Parameters};
use crate::schema::{Field, FieldKind, Missing, Schema, Transform};

/// How a schema's slots lie in blocks of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    blocks: Vec<Block>,
    fields: Vec<Span>,
    /// Cells of the fields' blocks.
    cells: usize,
    pairs: Option<PairShape>,
}

/// One field in one resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number of the field in its schema.
    pub field: usize,
    /// The first cell.
    pub first: usize,
    /// Values of the field that are told apart at the finest.
    values: usize,
    /// Groups of them, at most as many.
    groups: usize,
    /// Whether a cell after the groups says that there is no value.
    missing: bool,
}

/// A field's slots in a row, and its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    slot: usize,
    slots: usize,
    blocks: usize,
    /// Values of the field; a slot after them says that there is none.
    values: usize,
    /// Whether the values have an order.
    ordered: bool,
}

/// A field that is in no cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field \"{0}\" is a number without bins: give it transform = \"bins\" with edges in the schema")]
pub struct UngroupedField(pub String);

impl Blocks {
    /// The blocks of a schema: of each field with bins one for each of the coarse numbers of groups that is smaller than its number of bins, then
    /// one of all its slots. Categories have no order, so a categorical field has the last one alone.
    ///
    /// # Errors
    /// [`UngroupedField`].
    pub fn of(schema: &Schema, coarse: &[u32]) -> Result<Self, UngroupedField> {
        let mut all = Self { blocks: Vec::new(), fields: Vec::new(), cells: 0, pairs: None };
        let mut slot = 0;
        for (number, field) in schema.fields().iter().enumerate() {
            let (values, missing, ordered) = shape(field)?;
            let before = all.blocks.len();
            let groups = coarse.iter().map(|groups| *groups as usize).filter(|groups| ordered && *groups < values);
            for groups in groups.chain([values]) {
                let block = Block { field: number, first: all.cells, values, groups, missing };
                all.cells += block.cells();
                all.blocks.push(block);
            }
            let blocks = all.blocks.len() - before;
            all.fields.push(Span { slot, slots: field.width(), blocks, values, ordered });
            slot += field.width();
        }
        Ok(all)
    }

    /// With blocks of pairs, one for each table.
    #[must_use]
    pub fn with_pairs(self, pairs: Option<PairShape>) -> Self {
        Self { pairs, ..self }
    }

    /// The tables of pairs, where there are blocks of them.
    #[must_use]
    pub fn pairs(&self) -> Option<PairShape> {
        self.pairs
    }

    /// Every block of a field, field by field, the finest of a field last.
    #[must_use]
    pub fn all(&self) -> &[Block] {
        &self.blocks
    }

    /// Cells of all blocks, pairs included.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells + self.pairs.map_or(0, |pairs| pairs.tables as usize * pairs.cells())
    }

    /// The cells of every block, those of pairs last.
    pub fn spans(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let of_fields = self.blocks.iter().map(|block| block.first..block.first + block.cells());
        let (tables, cells) = self.pairs.map_or((0, 0), |pairs| (pairs.tables as usize, pairs.cells()));
        of_fields.chain((0..tables).map(move |table| {
            let first = self.cells + table * cells;
            first..first + cells
        }))
    }

    /// All blocks, pairs included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.blocks.len() + self.pairs.map_or(0, |pairs| pairs.tables as usize)
    }

    /// Fields.
    #[must_use]
    pub fn fields(&self) -> usize {
        self.fields.len()
    }

    /// Slots of a field.
    #[must_use]
    pub fn slots(&self, field: usize) -> usize {
        self.fields[field].slots
    }

    /// Slots of all fields.
    #[must_use]
    pub fn width(&self) -> usize {
        self.fields.iter().map(|span| span.slots).sum()
    }

    /// The slots of a field in a row.
    #[must_use]
    pub fn span(&self, field: usize) -> Range<usize> {
        let Span { slot, slots, .. } = self.fields[field];
        slot..slot + slots
    }

    /// How many of a field's slots are values, and whether these have an order. A slot after them says that there is none.
    #[must_use]
    pub fn values(&self, field: usize) -> (usize, bool) {
        (self.fields[field].values, self.fields[field].ordered)
    }

    /// The cells of a field's finest block, of which it has one for each slot.
    #[must_use]
    pub fn finest(&self, field: usize) -> Range<usize> {
        let after = self.fields[..=field].iter().map(|span| span.blocks).sum::<usize>();
        let block = self.blocks[after - 1];
        block.first..block.first + block.cells()
    }

    /// Blocks of a field.
    #[must_use]
    pub fn resolutions(&self, field: usize) -> usize {
        self.fields[field].blocks
    }

    /// The tables over a schema's slots, of a model over blocks: for each slot the sum over its cells, in the blocks' order, then the biases;
    /// without pairs. Both lie head by head within a slot or cell. What leaves the limits of a parameter stays at them.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a model is released in 32-bit floats")]
    pub fn folded(&self, model: &Parameters) -> Vec<f32> {
        let (heads, values) = (model.architecture().heads().len(), model.values());
        let mut folded = vec![0.0_f64; self.width() * heads];
        for block in &self.blocks {
            let Span { slot, slots, .. } = self.fields[block.field];
            for own in 0..slots {
                let cell = block.cell(own);
                for head in 0..heads {
                    folded[(slot + own) * heads + head] += f64::from(values[cell * heads + head]);
                }
            }
        }
        let most = f64::from(PARAMETER_ABS_MAX);
        let tables = folded.into_iter().map(|value| value.clamp(-most, most) as f32);
        tables.chain(values[self.cells() * heads..].iter().copied()).collect()
    }

    /// A model over blocks that scores as tables over a schema's slots do, all of them in the finest blocks. Tables of pairs are left out.
    #[must_use]
    pub fn unfolded(&self, tables: &Parameters) -> Vec<f32> {
        let (heads, values) = (tables.architecture().heads().len(), tables.values());
        let mut model = vec![0.0; self.cells() * heads];
        for (field, span) in self.fields.iter().enumerate() {
            let own = &values[span.slot * heads..(span.slot + span.slots) * heads];
            let first = self.finest(field).start * heads;
            model[first..first + own.len()].copy_from_slice(own);
        }
        model.extend_from_slice(&values[self.width() * heads..(self.width() + 1) * heads]);
        model
    }
}

impl Block {
    /// Cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.groups + usize::from(self.missing)
    }

    /// The cell of a slot of the field.
    #[must_use]
    pub fn cell(&self, slot: usize) -> usize {
        let group = if slot < self.values { slot * self.groups / self.values } else { self.groups };
        self.first + group
    }
}

/// Values of a field, whether a slot says that there is none, and whether the values have an order.
fn shape(field: &Field) -> Result<(usize, bool, bool), UngroupedField> {
    match &field.kind {
        FieldKind::Numeric { transform: Transform::Bins(edges), missing, .. } => {
            Ok((edges.len() + 1, *missing == Missing::Indicator, true))
        }
        FieldKind::Numeric { .. } => Err(UngroupedField(field.name.clone())),
        FieldKind::Categorical { categories, missing, .. } => {
            Ok((categories.len(), *missing == Missing::Indicator, false))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;

    const TEXT: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [1, 2, 3, 4, 5, 6], missing = "indicator", class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b", "c", "d", "e"], class = "C1", level = "L1" },
    { name = "open", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [5], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }, { name = "deposit", positive = ["yes"], negative = ["no"] }]
"#;

    fn blocks(coarse: &[u32]) -> Blocks {
        Blocks::of(&Schema::parse(TEXT).unwrap_or_else(|faults| panic!("{faults}")), coarse).unwrap()
    }

    #[test]
    fn groups_are_neighbouring_bins_and_categories_have_none() {
        let blocks = blocks(&[2, 4]);
        let shapes: Vec<_> = blocks.all().iter().map(|block| (block.field, block.first, block.cells())).collect();
        assert_eq!(shapes, [(0, 0, 3), (0, 3, 5), (0, 8, 8), (1, 16, 5), (2, 21, 2)]);
        assert_eq!((blocks.cells(), blocks.fields(), blocks.slots(0)), (23, 3, 8));
        assert_eq!([0, 1, 2].map(|field| blocks.resolutions(field)), [3, 1, 1]);
        let cells = |block: usize| (0..8).map(|slot| blocks.all()[block].cell(slot)).collect::<Vec<_>>();
        assert_eq!(cells(0), [0, 0, 0, 0, 1, 1, 1, 2], "the last slot is that of no value");
        assert_eq!(cells(1), [3, 3, 4, 4, 5, 5, 6, 7]);
        assert_eq!(cells(2), (8..16).collect::<Vec<_>>());
    }

    #[test]
    fn tables_come_back_from_blocks_and_coarse_cells_are_added() {
        let blocks = blocks(&[2, 4]);
        let heads = ["churn", "deposit"];
        let fine = Architecture::logistic(15, &heads).unwrap();
        let tables: Vec<f32> = (0..32_u8).map(f32::from).collect();
        let tables = Parameters::new(fine, tables).unwrap();
        let over = Architecture::logistic(23, &heads).unwrap();
        let mut model = blocks.unfolded(&tables);
        assert_eq!(blocks.folded(&Parameters::new(over.clone(), model.clone()).unwrap()), tables.values());
        // One coarse cell, of the second head.
        model[2 * 4 + 1] = 0.5;
        let folded = blocks.folded(&Parameters::new(over, model).unwrap());
        let moved = folded.iter().zip(tables.values()).enumerate().filter(|(_, (new, old))| new != old);
        assert_eq!(moved.map(|(at, _)| at).collect::<Vec<_>>(), [2 * 2 + 1, 2 * 3 + 1]);
    }

    #[test]
    fn a_number_without_bins_is_named() {
        let text = TEXT.replace("transform = \"bins\", edges = [5], ", "");
        assert_eq!(Blocks::of(&Schema::parse(&text).unwrap(), &[]), Err(UngroupedField("open".into())));
    }
}

//! Blocks of cells: each field in one or several resolutions, of which the finest has a cell for each of the field's slots.
//!
//! A row is in one cell of each block, or in none where its field has no slot that is 1. Coarse groups are neighbouring bins put together, so
//! that what is learnt in blocks is a table over the schema's slots again (additive models: Hastie and Tibshirani 1986). Pairs of fields may have
//! blocks of their own, after all others.
//!
//! Which bins are put together is public and even, or learnt from noised counts. What was learnt is a list of numbers, block by block: of
//! neighbouring bins the first value of each group but the first one; of categories the cell of each. Every list in its canonical form is a
//! partition, and nothing else is taken. So a row is in one cell of a block at most, whoever made the list.

use std::ops::Range;

use crate::architecture::PairShape;
use crate::edges::edges;
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
    /// The group of each value, block by block.
    groups: Vec<u16>,
    /// Whether groups come from counts.
    learnt: bool,
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
    /// Whether the values have an order.
    ordered: bool,
    /// Where the groups of its values begin.
    start: usize,
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
        Self::made(schema, coarse, false)
    }

    /// The blocks of a schema whose groups come from counts; even groups until they do. Bins are a fine grid here: a field with more of them than
    /// the largest coarse number has no block of all its slots.
    ///
    /// # Errors
    /// [`UngroupedField`].
    pub fn to_learn(schema: &Schema, coarse: &[u32]) -> Result<Self, UngroupedField> {
        Self::made(schema, coarse, true)
    }

    fn made(schema: &Schema, coarse: &[u32], learnt: bool) -> Result<Self, UngroupedField> {
        let mut all =
            Self { blocks: Vec::new(), fields: Vec::new(), cells: 0, pairs: None, groups: Vec::new(), learnt };
        let mut slot = 0;
        let most = coarse.last().map_or(usize::MAX, |most| *most as usize);
        for (number, field) in schema.fields().iter().enumerate() {
            let (values, missing, ordered) = shape(field)?;
            let before = all.blocks.len();
            let groups = coarse.iter().map(|groups| *groups as usize).filter(|groups| ordered && *groups < values);
            let finest = (!learnt || !ordered || values <= most).then_some(values);
            for groups in groups.chain(finest) {
                let start = all.groups.len();
                let block = Block { field: number, first: all.cells, values, groups, missing, ordered, start };
                all.groups.extend((0..values).map(|value| narrow(value * groups / values)));
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

    /// What was learnt, in its canonical form: empty where groups are public.
    #[must_use]
    pub fn learnt(&self) -> Vec<u16> {
        let of = |block: &Block| -> Vec<u16> {
            let own = self.groups_of(block);
            if !block.ordered {
                return own.to_vec();
            }
            let begins = own.windows(2).zip(1..).filter(|(pair, _)| block.groups < block.values && pair[0] < pair[1]);
            begins.map(|(_, value)| value).collect()
        };
        self.blocks.iter().filter(|_| self.learnt).flat_map(of).collect()
    }

    /// The same blocks with what was learnt elsewhere; nothing where that is no canonical list for them.
    #[must_use]
    pub fn with(&self, learnt: &[u16]) -> Option<Self> {
        let mut own = self.clone();
        let mut left = learnt;
        for block in self.blocks.iter().filter(|_| self.learnt) {
            let groups = &mut own.groups[block.start..block.start + block.values];
            if block.ordered && block.groups < block.values {
                let (begins, rest) = left.split_at_checked(block.groups - 1)?;
                divide(groups, begins)?;
                left = rest;
            } else if !block.ordered {
                let (cells, rest) = left.split_at_checked(block.values)?;
                put_together(groups, cells)?;
                left = rest;
            }
        }
        left.is_empty().then_some(own)
    }

    /// The same blocks with groups from noised counts of each slot: neighbouring bins of about as many customers in each group, and one cell for
    /// all categories that are rare. Public and even groups stay as they are. Nothing where the counts are of other slots.
    #[must_use]
    pub fn learn(&self, counts: &[i64], is_rare: impl Fn(i64) -> bool) -> Option<Self> {
        if counts.len() != self.width() {
            return None;
        }
        let mut learnt = Vec::new();
        for block in self.blocks.iter().filter(|_| self.learnt) {
            let slot = self.fields[block.field].slot;
            let own = &counts[slot..slot + block.values];
            if !block.ordered {
                let rest = own.iter().position(|count| is_rare(*count)).unwrap_or_default();
                let cell = |(value, count): (usize, &i64)| narrow(if is_rare(*count) { rest } else { value });
                learnt.extend(own.iter().enumerate().map(cell));
            } else if block.groups < block.values {
                learnt.extend(edges(own, block.groups).into_iter().map(narrow));
            }
        }
        self.with(&learnt)
    }

    fn groups_of(&self, block: &Block) -> &[u16] {
        &self.groups[block.start..block.start + block.values]
    }

    /// The cell of a slot of a block's field.
    #[must_use]
    pub fn cell(&self, block: &Block, slot: usize) -> usize {
        let group = self.groups_of(block).get(slot).map_or(block.groups, |group| usize::from(*group));
        block.first + group
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
                let cell = self.cell(block, own);
                for head in 0..heads {
                    folded[(slot + own) * heads + head] += f64::from(values[cell * heads + head]);
                }
            }
        }
        let most = f64::from(PARAMETER_ABS_MAX);
        let tables = folded.into_iter().map(|value| value.clamp(-most, most) as f32);
        tables.chain(values[self.cells() * heads..].iter().copied()).collect()
    }

    /// A model over blocks that scores as tables over a schema's slots do, all of them in the finest blocks. Where the finest block of a field puts
    /// slots together, they get the mean of their values. Tables of
    /// pairs are left out.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a mean of 32-bit floats, and exact where there is one")]
    pub fn unfolded(&self, tables: &Parameters) -> Vec<f32> {
        let (heads, values) = (tables.architecture().heads().len(), tables.values());
        let mut sums = vec![0.0_f64; self.cells() * heads];
        let mut slots = vec![0.0_f64; self.cells()];
        let mut last = 0;
        for span in &self.fields {
            last += span.blocks;
            let finest = &self.blocks[last - 1];
            for own in 0..span.slots {
                let cell = self.cell(finest, own);
                slots[cell] += 1.0;
                for head in 0..heads {
                    sums[cell * heads + head] += f64::from(values[(span.slot + own) * heads + head]);
                }
            }
        }
        let means = sums.iter().enumerate().map(|(at, sum)| (sum / slots[at / heads].max(1.0)) as f32);
        means.chain(values[self.width() * heads..(self.width() + 1) * heads].iter().copied()).collect()
    }
}

impl Block {
    /// Cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.groups + usize::from(self.missing)
    }
}

/// The group of each value, where groups after the first one begin at these values.
fn divide(groups: &mut [u16], begins: &[u16]) -> Option<()> {
    let ascending = begins.windows(2).all(|pair| pair[0] < pair[1]);
    let inside = begins.iter().all(|begin| *begin > 0 && usize::from(*begin) < groups.len());
    if !ascending || !inside {
        return None;
    }
    for (value, group) in groups.iter_mut().enumerate() {
        *group = narrow(begins.iter().take_while(|begin| usize::from(**begin) <= value).count());
    }
    Some(())
}

/// The cell of each category: its own, or for all others that of the first one among them.
fn put_together(groups: &mut [u16], cells: &[u16]) -> Option<()> {
    let moved = cells.iter().enumerate().find(|(value, cell)| usize::from(**cell) != *value);
    let rest = moved.map(|(_, cell)| usize::from(*cell));
    let taken = cells.iter().enumerate().all(|(value, cell)| {
        let cell = usize::from(*cell);
        cell == value || (Some(cell) == rest && cell < value)
    });
    groups.copy_from_slice(cells);
    taken.then_some(())
}

/// A number of a slot of one field: a schema has 4096 at most.
fn narrow(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
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
        let cells = |block: usize| (0..8).map(|slot| blocks.cell(&blocks.all()[block], slot)).collect::<Vec<_>>();
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

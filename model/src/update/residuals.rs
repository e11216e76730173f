//! Sums of integers that each row looks up: how many customers each head's label is known of, and residuals in blocks of cells.
//!
//! A customer's rows share its weight: each row's vector is divided by their number, and truncated towards zero. So the norm of a customer's
//! vector is at most that of one row, in integers, whatever the model, the block weights and the rows are.

use zeroize::Zeroizing;

use super::sums::ClippedSum;
use crate::blocks::Blocks;
use crate::parameters::Parameters;
use crate::train::{CellRows, UNKNOWN, sigmoid};

/// Steps of a residual between 0 and 1.
const RESIDUAL_UNITS: i64 = 1 << 30;

/// Public numbers that residuals are made by. Heads lie next to each other within a cell.
pub(crate) struct ResidualRule<'a> {
    /// How fields lie in cells.
    pub(crate) blocks: &'a Blocks,
    /// The model over cells; its biases last.
    pub(crate) model: &'a Parameters,
    /// Block weights A, head by head: a customer moves one cell of a block by A times its residual at most.
    pub(crate) weights: &'a [u32],
}

/// For each head the customers of whom its label is known, and those among them who are positive: `units` for each.
pub(crate) fn label_sum(rows: &CellRows, heads: usize, units: u32) -> ClippedSum {
    let mut sum = Zeroizing::new(vec![0_i64; 2 * heads]);
    for row in rows.iter() {
        let own = i64::from(units) / i64::from(row.sharing);
        for (counts, class) in sum.chunks_exact_mut(2).zip(row.labels) {
            counts[0] += own & -i64::from(*class != UNKNOWN);
            counts[1] += own & -i64::from(*class == 1);
        }
    }
    ClippedSum::new(sum)
}

/// The sum over customers of trunc(A (p - y)) at the cell of each block, for each head: first the cells, then a zero for each bias. A head whose
/// label is not known adds nothing, nor does a probability that is no number. Nothing at all comes of rows and rules that do not fit each other.
pub(crate) fn residual_sum(rows: &CellRows, rule: &ResidualRule<'_>) -> ClippedSum {
    let ResidualRule { blocks, model, weights } = *rule;
    let heads = model.architecture().heads().len();
    let coordinates = (blocks.cells() + 1) * heads;
    let fits = rows.fields() == blocks.fields()
        && weights.len() == heads * blocks.all().len()
        && model.values().len() == coordinates;
    // What has no cell lies after all others, and is left there.
    let mut sum = Zeroizing::new(vec![0_i64; coordinates + heads]);
    if fits {
        accumulate(rows, rule, heads, &mut sum);
    }
    sum.truncate(coordinates);
    ClippedSum::new(sum)
}

fn accumulate(rows: &CellRows, rule: &ResidualRule<'_>, heads: usize, sum: &mut [i64]) {
    let ResidualRule { blocks, model, weights } = *rule;
    let tables = Tables::new(blocks, model, heads);
    let nowhere = sum.len() / heads - 1;
    let lookups: Vec<Lookup> = blocks
        .all()
        .iter()
        .map(|block| {
            let slots = blocks.slots(block.field);
            let cells = (0..slots).map(|slot| block.cell(slot)).chain([nowhere]).collect();
            Lookup { field: block.field, slots, cells }
        })
        .collect();
    let mut residuals = Zeroizing::new(vec![0_i64; heads]);
    for row in rows.iter() {
        for (head, residual) in residuals.iter_mut().enumerate() {
            let probability = sigmoid(tables.score(row.active, head));
            *residual = residual_units(probability, row.labels[head], row.sharing);
        }
        for (number, lookup) in lookups.iter().enumerate() {
            let first = lookup.cell(row.active) * heads;
            for (head, residual) in residuals.iter().enumerate() {
                let weight = i64::from(weights[head * lookups.len() + number]);
                sum[first + head] += weight * residual / RESIDUAL_UNITS;
            }
        }
    }
}

/// p - y over the number of a customer's rows, towards zero.
#[expect(clippy::cast_possible_truncation, reason = "towards zero, of an absolute value of at most 2^30")]
fn residual_units(probability: f64, class: u8, sharing: u32) -> i64 {
    let residual = probability - f64::from(class.min(1));
    // The same work for every row. A quotient that is no whole number lies further below the next one than its rounding reaches.
    let units = (residual.clamp(-1.0, 1.0) * RESIDUAL_UNITS as f64 / f64::from(sharing)) as i64;
    units & -i64::from(class != UNKNOWN)
}

/// Of one block, the cell of each slot of its field; after them that of none.
struct Lookup {
    field: usize,
    slots: usize,
    cells: Vec<usize>,
}

impl Lookup {
    fn cell(&self, active: &[u16]) -> usize {
        self.cells[usize::from(active[self.field]).min(self.slots)]
    }
}

/// What each slot of each field adds to a score, head by head; after a field's slots zeros, for none of them.
struct Tables {
    /// First entry and slots of each field.
    fields: Vec<(usize, usize)>,
    values: Vec<f64>,
    biases: Vec<f64>,
    heads: usize,
}

impl Tables {
    fn new(blocks: &Blocks, model: &Parameters, heads: usize) -> Self {
        let mut folded = blocks.folded(model).into_iter().map(f64::from);
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for field in 0..blocks.fields() {
            let slots = blocks.slots(field);
            fields.push((values.len(), slots));
            values.extend(folded.by_ref().take(slots * heads));
            values.extend(std::iter::repeat_n(0.0, heads));
        }
        Self { fields, values, biases: folded.collect(), heads }
    }

    fn score(&self, active: &[u16], head: usize) -> f64 {
        let own = self.fields.iter().zip(active);
        own.fold(self.biases[head], |sum, ((first, slots), slot)| {
            sum + self.values[first + usize::from(*slot).min(*slots) * self.heads + head]
        })
    }
}

//! Sums of integers that each row looks up: how many customers each head's label is known of, how many are in each slot, and residuals in
//! blocks of cells.
//!
//! A customer's rows share its weight: each row's vector is divided by their number, and truncated towards zero. So the norm of a customer's
//! vector is at most that of one row, in integers, whatever the model, the block weights and the rows are.

use zeroize::Zeroizing;

use super::class_weights::weighed;
use super::sums::ClippedSum;
use crate::blocks::{Block, Blocks};
use crate::elementary::sigmoid;
use crate::pairs::Pairing;
use crate::parameters::Parameters;
use crate::train::{CellRows, UNKNOWN};

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
    /// Which fields are taken in pairs, where the blocks have pairs.
    pub(crate) pairing: &'a Pairing,
    /// For each head the weights of negatives and positives, in millionths: 1,000,000 at most.
    pub(crate) classes: &'a [[u32; 2]],
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

/// For each slot of each field the customers in it: `units` for each customer and field.
pub(crate) fn slot_sum(rows: &CellRows, blocks: &Blocks, units: u32) -> ClippedSum {
    // What is in no slot lies after all others, and is left there.
    let nowhere = blocks.width();
    let mut sum = Zeroizing::new(vec![0_i64; nowhere + 1]);
    if rows.fields() == blocks.fields() {
        let fields: Vec<(usize, usize)> =
            (0..blocks.fields()).map(|field| (blocks.span(field).start, blocks.slots(field))).collect();
        for row in rows.iter() {
            let own = i64::from(units) / i64::from(row.sharing);
            for ((first, slots), active) in fields.iter().zip(row.active) {
                let active = usize::from(*active);
                sum[if active < *slots { first + active } else { nowhere }] += own;
            }
        }
    }
    sum.truncate(nowhere);
    ClippedSum::new(sum)
}

/// The sum over customers of trunc(A (p - y)) at the cell of each block, for each head: first the cells, then a zero for each bias. A head whose
/// label is not known adds nothing, nor does a probability that is no number. A class weight is a factor of 1 at most. Nothing at all comes of rows and rules that do not fit each other.
pub(crate) fn residual_sum(rows: &CellRows, rule: &ResidualRule<'_>) -> ClippedSum {
    let ResidualRule { blocks, model, weights, pairing, classes } = *rule;
    let heads = model.architecture().heads().len();
    let coordinates = (blocks.cells() + 1) * heads;
    let paired = blocks.pairs().is_none_or(|shape| pairing.fits(shape, blocks.width(), blocks.fields()));
    let fits = rows.fields() == blocks.fields()
        && paired
        && classes.len() == heads
        && weights.len() == heads * blocks.count()
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
    let ResidualRule { blocks, model, weights, pairing, classes } = *rule;
    let tables = Tables::new(blocks, model, heads);
    let nowhere = sum.len() / heads - 1;
    let lookups = Lookup::of_fields(blocks, nowhere);
    let of_pairs = PairLookup::of(blocks, pairing, nowhere);
    // What a cell adds to a score; that of no cell adds nothing.
    let cells = model.values()[..blocks.cells() * heads].iter().copied().map(f64::from);
    let cells: Vec<f64> = cells.chain(std::iter::repeat_n(0.0, 2 * heads)).collect();
    let mut residuals = Zeroizing::new(vec![0_i64; heads]);
    let mut pairs = Zeroizing::new(vec![0_usize; of_pairs.len()]);
    for row in rows.iter() {
        pairs.iter_mut().zip(&of_pairs).for_each(|(first, lookup)| *first = lookup.cell(row.active) * heads);
        for (head, residual) in residuals.iter_mut().enumerate() {
            let score = pairs.iter().fold(tables.score(row.active, head), |score, first| score + cells[first + head]);
            *residual = residual_units(sigmoid(score), row.labels[head], (row.sharing, classes[head]));
        }
        let firsts = lookups.iter().map(|lookup| lookup.cell(row.active) * heads).chain(pairs.iter().copied());
        for (number, first) in firsts.enumerate() {
            for (head, residual) in residuals.iter().enumerate() {
                let weight = i64::from(weights[head * blocks.count() + number]);
                sum[first + head] += weight * residual / RESIDUAL_UNITS;
            }
        }
    }
}

/// p - y over the number of a customer's rows, towards zero, times the weight of its class.
#[expect(clippy::cast_possible_truncation, reason = "towards zero, of an absolute value of at most 2^30")]
fn residual_units(probability: f64, class: u8, (sharing, classes): (u32, [u32; 2])) -> i64 {
    let residual = probability - f64::from(class.min(1));
    // The same work for every row. A quotient that is no whole number lies further below the next one than its rounding reaches.
    let units = (residual.clamp(-1.0, 1.0) * RESIDUAL_UNITS as f64 / f64::from(sharing)) as i64;
    weighed(units, classes[usize::from(class.min(1))]) & -i64::from(class != UNKNOWN)
}

/// Of one block, the cell of each slot of its field; after them that of none.
struct Lookup {
    field: usize,
    slots: usize,
    cells: Vec<usize>,
}

impl Lookup {
    fn of_fields(blocks: &Blocks, nowhere: usize) -> Vec<Self> {
        let lookup = |block: &Block| {
            let slots = blocks.slots(block.field);
            let cells = (0..slots).map(|slot| blocks.cell(block, slot)).chain([nowhere]).collect();
            Self { field: block.field, slots, cells }
        };
        blocks.all().iter().map(lookup).collect()
    }

    fn cell(&self, active: &[u16]) -> usize {
        self.cells[usize::from(active[self.field]).min(self.slots)]
    }
}

/// Of one table of pairs, what each slot of both fields adds to the number of the cell.
struct PairLookup {
    sides: [Lookup; 2],
    nowhere: usize,
}

impl PairLookup {
    fn of(blocks: &Blocks, pairing: &Pairing, nowhere: usize) -> Vec<Self> {
        let Some(shape) = blocks.pairs() else { return Vec::new() };
        let firsts = blocks.spans().skip(blocks.all().len()).map(|cells| cells.start);
        let table = |(first, fields): (usize, &[u32; 2])| {
            let side = |field: u32, (first, step): (usize, usize)| {
                let field = field as usize;
                let groups = pairing.groups[blocks.span(field)].iter();
                let cells = groups.map(|group| first + step * *group as usize).chain([nowhere]).collect();
                Lookup { field, slots: blocks.slots(field), cells }
            };
            let [one, other] = *fields;
            Self { sides: [side(one, (first, shape.side())), side(other, (0, 1))], nowhere }
        };
        firsts.zip(&pairing.fields).map(table).collect()
    }

    /// The cell; that of none where a field has no value.
    fn cell(&self, active: &[u16]) -> usize {
        let [one, other] = &self.sides;
        (one.cell(active) + other.cell(active)).min(self.nowhere)
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

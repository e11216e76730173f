//! Additive models: one table for each field, and perhaps tables of pairs of fields.

use super::fault::ScoreFault;
use super::places::{Active, FieldPlace};
use crate::pairs::PairTables;
use crate::parameters::{Parameters, settled};

/// An additive model. Heads lie next to each other within a slot, a field or a cell.
pub(super) struct Additive {
    heads: usize,
    /// Slots x heads.
    weights: Vec<f64>,
    biases: Vec<f64>,
    /// Fields x heads: what the baseline has of each field.
    middles: Vec<f64>,
    pairs: Vec<PairTable>,
    /// The group of each slot in tables of pairs, where it has one.
    groups: Vec<Option<usize>>,
    /// The logits of the baseline.
    base: Vec<f64>,
}

/// One table of a pair, with what it gives where one field, or both, are as in the baseline.
struct PairTable {
    fields: [usize; 2],
    side: usize,
    /// Side x side x heads.
    cells: Vec<f64>,
    /// Groups of the first field x heads, with the second one's baseline.
    first: Vec<f64>,
    /// Groups of the second field x heads, with the first one's baseline.
    second: Vec<f64>,
    /// With both baselines.
    middle: Vec<f64>,
}

impl Additive {
    pub(super) fn new(places: &[FieldPlace], parameters: &Parameters) -> Result<Self, ScoreFault> {
        let wide = |value: &f32| f64::from(settled(*value));
        let architecture = parameters.architecture();
        let (heads, layers) = (architecture.heads().len(), architecture.layout());
        let head_layer = layers.first().ok_or(ScoreFault::Shape)?;
        let values = parameters.values();
        let weights: Vec<f64> = values[head_layer.weights..head_layer.biases].iter().map(wide).collect();
        let biases: Vec<f64> = values[head_layer.biases..head_layer.end()].iter().map(wide).collect();
        let mut middles = vec![0.0; places.len() * heads];
        for (place, middle) in places.iter().zip(middles.chunks_exact_mut(heads)) {
            add_slots(place.baseline(), &weights, middle);
        }
        let tables = PairTables::of(parameters);
        let slots = architecture.inputs() as usize;
        let groups: Vec<Option<usize>> =
            (0..slots).map(|slot| tables.as_ref().and_then(|tables| tables.group(slot))).collect();
        let pairs = tables.iter().flat_map(|tables| {
            let side = tables.side();
            tables.tables().map(move |(slots, cells)| (slots.clone(), cells, side))
        });
        let field = |slots: &std::ops::Range<usize>| places.iter().position(|place| place.slots == *slots);
        let pairs = pairs.map(|(slots, cells, side)| {
            let fields = [field(&slots[0]).ok_or(ScoreFault::Pairs)?, field(&slots[1]).ok_or(ScoreFault::Pairs)?];
            Ok(PairTable::new(fields, places, (side, cells, heads), &groups))
        });
        let pairs = pairs.collect::<Result<Vec<_>, ScoreFault>>()?;
        let mut base = biases.clone();
        let tables = middles.chunks_exact(heads).chain(pairs.iter().map(|pair| pair.middle.as_slice()));
        tables.for_each(|own| base.iter_mut().zip(own).for_each(|(base, own)| *base += own));
        Ok(Self { heads, weights, biases, middles, pairs, groups, base })
    }

    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// The intercepts, field by field the table's value, and pair by pair.
    pub(super) fn logits(&self, fields: &[Active], logits: &mut [f64]) {
        logits.copy_from_slice(&self.biases);
        fields.iter().for_each(|field| add_slots(field.iter(), &self.weights, logits));
        for pair in &self.pairs {
            let [one, other] = pair.fields.map(|field| &fields[field]);
            for (row, left) in grouped(one, &self.groups) {
                for (column, right) in grouped(other, &self.groups) {
                    let at = (row * pair.side + column) * self.heads;
                    let cell = &pair.cells[at..at + self.heads];
                    logits.iter_mut().zip(cell).for_each(|(logit, cell)| *logit += left * right * cell);
                }
            }
        }
    }

    /// What each field adds to the baseline's logits, field by field, head by head. Of a table of a pair f(a, b) with the baseline (a0, b0) the first
    /// field has half of f(a, b) + f(a, b0) - f(a0, b) - f(a0, b0), and the second one the rest: the integrated gradients of a product.
    pub(super) fn contributions(&self, fields: &[Active], contributions: &mut [f64]) {
        let heads = self.heads;
        for ((field, own), middle) in
            fields.iter().zip(contributions.chunks_exact_mut(heads)).zip(self.middles.chunks_exact(heads))
        {
            own.fill(0.0);
            add_slots(field.iter(), &self.weights, own);
            own.iter_mut().zip(middle).for_each(|(own, middle)| *own -= middle);
        }
        for pair in &self.pairs {
            let [one, other] = pair.fields.map(|field| &fields[field]);
            for head in 0..heads {
                let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
                for (row, left) in grouped(one, &self.groups) {
                    first += left * pair.first[row * heads + head];
                    for (column, right) in grouped(other, &self.groups) {
                        both += left * right * pair.cells[(row * pair.side + column) * heads + head];
                    }
                }
                for (column, right) in grouped(other, &self.groups) {
                    second += right * pair.second[column * heads + head];
                }
                let [one, other] = pair.fields;
                contributions[one * heads + head] += 0.5 * (both + first - second - pair.middle[head]);
                contributions[other * heads + head] += 0.5 * (both + second - first - pair.middle[head]);
            }
        }
    }
}

impl PairTable {
    fn new(
        fields: [usize; 2],
        places: &[FieldPlace],
        (side, cells, heads): (usize, &[f64], usize),
        groups: &[Option<usize>],
    ) -> Self {
        let shares = fields.map(|field| {
            let mut shares = vec![0.0; side];
            for (slot, share) in places[field].baseline() {
                if let Some(group) = groups.get(slot).copied().flatten() {
                    shares[group] += share;
                }
            }
            shares
        });
        let (mut first, mut second) = (vec![0.0; side * heads], vec![0.0; side * heads]);
        let mut middle = vec![0.0; heads];
        for row in 0..side {
            for column in 0..side {
                for head in 0..heads {
                    let cell = cells[(row * side + column) * heads + head];
                    first[row * heads + head] += shares[1][column] * cell;
                    second[column * heads + head] += shares[0][row] * cell;
                    middle[head] += shares[0][row] * shares[1][column] * cell;
                }
            }
        }
        Self { fields, side, cells: cells.to_vec(), first, second, middle }
    }
}

/// Adds the weights of slots, each times what the slot holds.
fn add_slots(slots: impl Iterator<Item = (usize, f64)>, weights: &[f64], sums: &mut [f64]) {
    let heads = sums.len();
    for (slot, value) in slots {
        let own = weights.get(slot * heads..(slot + 1) * heads).unwrap_or_default();
        sums.iter_mut().zip(own).for_each(|(sum, weight)| *sum += value * weight);
    }
}

/// The groups in which a field's value is, each with its share.
fn grouped<'a>(field: &'a Active, groups: &'a [Option<usize>]) -> impl Iterator<Item = (usize, f64)> + 'a {
    field.iter().filter_map(|(slot, share)| Some((groups.get(slot).copied().flatten()?, share)))
}

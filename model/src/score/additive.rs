//! Additive models, as [`crate::additive`] reads them: scores, and what each field has to do with them.

use super::fault::ScoreFault;
use super::places::{Active, FieldPlace};
use crate::additive::{Additive as Sum, AdditiveFault, PairTerm};
use crate::parameters::Parameters;
use crate::schema::Schema;

/// An additive model.
pub(super) struct Additive {
    heads: Vec<Head>,
    /// The first slot of each field.
    firsts: Vec<usize>,
    /// The logits of the baseline.
    base: Vec<f64>,
}

/// One head, with what it gives where fields are as in the baseline.
struct Head {
    sum: Sum,
    /// What the baseline has of each field.
    middles: Vec<f64>,
    pairs: Vec<PairMiddle>,
}

/// What a table of a pair gives where one field, or both, are as in the baseline.
struct PairMiddle {
    /// By group of the first field, with the second one's baseline.
    first: Vec<f64>,
    /// By group of the second field, with the first one's baseline.
    second: Vec<f64>,
    /// With both baselines.
    middle: f64,
}

impl Additive {
    pub(super) fn new(schema: &Schema, places: &[FieldPlace], parameters: &Parameters) -> Result<Self, ScoreFault> {
        let read = |head: &String| {
            let sum = Sum::read(parameters, schema, head).map_err(|fault| match fault {
                AdditiveFault::Fields(_) => ScoreFault::Pairs,
                _ => ScoreFault::Shape,
            })?;
            Ok(Head::new(sum, places))
        };
        let heads = parameters.architecture().heads().iter().map(read).collect::<Result<Vec<_>, ScoreFault>>()?;
        let base = heads.iter().map(Head::base).collect();
        Ok(Self { heads, firsts: places.iter().map(|place| place.slots.start).collect(), base })
    }

    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// The intercepts, field by field the table's value, and pair by pair.
    pub(super) fn logits(&self, fields: &[Active], logits: &mut [f64]) {
        for (head, logit) in self.heads.iter().zip(logits) {
            *logit = head.sum.intercept;
            for ((term, field), first) in head.sum.fields.iter().zip(fields).zip(&self.firsts) {
                *logit += term.added(field.after(*first));
            }
            for pair in &head.sum.pairs {
                let [one, other] = self.of_pair(pair, fields);
                *logit += pair.added(one, other);
            }
        }
    }

    /// What each field adds to the baseline's logits, field by field, head by head. Of a table of a pair f(a, b) with the baseline (a0, b0) the first
    /// field has half of f(a, b) + f(a, b0) - f(a0, b) - f(a0, b0), and the second one the rest: the integrated gradients of a product.
    pub(super) fn contributions(&self, fields: &[Active], contributions: &mut [f64]) {
        let heads = self.heads.len();
        for (number, head) in self.heads.iter().enumerate() {
            let terms = head.sum.fields.iter().zip(&head.middles).zip(fields.iter().zip(&self.firsts));
            for (((term, middle), (field, first)), own) in
                terms.zip(contributions.iter_mut().skip(number).step_by(heads))
            {
                *own = term.added(field.after(*first)) - middle;
            }
            for (pair, known) in head.sum.pairs.iter().zip(&head.pairs) {
                let [one, other] = self.of_pair(pair, fields);
                let both = pair.added(one.clone(), other.clone());
                let first: f64 = pair.grouped(0, one).map(|(group, share)| share * known.first[group]).sum();
                let second: f64 = pair.grouped(1, other).map(|(group, share)| share * known.second[group]).sum();
                let [one, other] = pair.fields;
                contributions[one * heads + number] += 0.5 * (both + first - second - known.middle);
                contributions[other * heads + number] += 0.5 * (both + second - first - known.middle);
            }
        }
    }

    fn of_pair<'a>(
        &'a self,
        pair: &PairTerm,
        fields: &'a [Active],
    ) -> [impl Iterator<Item = (usize, f64)> + Clone + 'a; 2] {
        pair.fields.map(|field| fields[field].after(self.firsts[field]))
    }
}

impl Head {
    fn new(sum: Sum, places: &[FieldPlace]) -> Self {
        let baseline = |place: &FieldPlace| {
            let first = place.slots.start;
            place.baseline().map(move |(slot, share)| (slot - first, share)).collect::<Vec<_>>()
        };
        let baselines: Vec<Vec<(usize, f64)>> = places.iter().map(baseline).collect();
        let middles = sum.fields.iter().zip(&baselines).map(|(term, own)| term.added(own.iter().copied())).collect();
        let pairs = sum.pairs.iter().map(|pair| PairMiddle::new(pair, &baselines)).collect();
        Self { sum, middles, pairs }
    }

    /// The logit of the baseline.
    fn base(&self) -> f64 {
        let pairs = self.pairs.iter().map(|pair| pair.middle);
        self.middles.iter().copied().chain(pairs).fold(self.sum.intercept, |sum, own| sum + own)
    }
}

impl PairMiddle {
    fn new(pair: &PairTerm, baselines: &[Vec<(usize, f64)>]) -> Self {
        let shares = [0, 1].map(|place| {
            let mut shares = vec![0.0; pair.side];
            for (group, share) in pair.grouped(place, baselines[pair.fields[place]].iter().copied()) {
                shares[group] += share;
            }
            shares
        });
        let (mut first, mut second, mut middle) = (vec![0.0; pair.side], vec![0.0; pair.side], 0.0);
        for (row, cells) in pair.cells.chunks_exact(pair.side).enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                first[row] += shares[1][column] * cell;
                second[column] += shares[0][row] * cell;
                middle += shares[0][row] * shares[1][column] * cell;
            }
        }
        Self { first, second, middle }
    }
}

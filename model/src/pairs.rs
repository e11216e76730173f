//! Tables of pairs of fields: which pairs a model has, and what they add to a score.
//!
//! They are part of a model's values, after its linear layer. First comes the group of each slot. Then each table names its two fields, each by its
//! first slot and its number of slots. Then come the cells of all tables, row by row, head by head within a cell. So a model says by itself what
//! it scores, and its digest covers it. Whatever the values are, they are a model: a table whose fields are none adds nothing, nor does a slot
//! whose group is none.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::architecture::PairShape;
use crate::parameters::Parameters;

/// How slots lie in groups, and which fields are taken together. Public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    /// The group of each slot of a row.
    pub groups: Vec<u32>,
    /// The two fields of each table, by their numbers in the schema.
    pub fields: Vec<[u32; 2]>,
}

impl Pairing {
    /// Of so many slots and fields, with which a stage begins where nothing is handed on to it: the first pairs in the order of their numbers, and
    /// every slot in the first group.
    #[must_use]
    pub fn first(shape: PairShape, slots: usize, fields: usize) -> Self {
        let fields = u32::try_from(fields).unwrap_or(u32::MAX);
        let pairs = (0..fields).flat_map(|one| (one + 1..fields).map(move |other| [one, other]));
        Self { groups: vec![0; slots], fields: pairs.take(shape.tables as usize).collect() }
    }

    /// Whether every slot has a group, and every table two fields that no other table has together.
    #[must_use]
    pub fn fits(&self, shape: PairShape, slots: usize, fields: usize) -> bool {
        let grouped = self.groups.len() == slots && self.groups.iter().all(|group| (*group as usize) < shape.side());
        let named = |[one, other]: &[u32; 2]| one < other && (*other as usize) < fields;
        let mut sorted = self.fields.clone();
        sorted.sort_unstable();
        let once = sorted.windows(2).all(|pair| pair[0] != pair[1]);
        grouped && once && self.fields.len() == shape.tables as usize && self.fields.iter().all(named)
    }
}

/// The values of tables of pairs, as they follow a model's linear layer. `spans` are each field's first slot and slots; `cells` those of all
/// tables.
#[must_use]
pub fn values(shape: PairShape, spans: &[Range<usize>], pairing: &Pairing, cells: &[f32]) -> Vec<f32> {
    let groups = pairing.groups.iter().map(|group| number(*group as usize));
    let sides = pairing.fields.iter().flatten().flat_map(|field| {
        let span = spans.get(*field as usize).cloned().unwrap_or_default();
        [number(span.start), number(span.len())]
    });
    let named = sides.take(4 * shape.tables as usize);
    groups.chain(named).chain(cells.iter().copied()).collect()
}

/// The tables of pairs of a model, read from its values.
pub struct PairTables {
    heads: usize,
    side: usize,
    /// The group of each slot, where it has one.
    groups: Vec<Option<usize>>,
    tables: Vec<PairTable>,
}

/// One table.
struct PairTable {
    /// The slots of both fields.
    fields: [Range<usize>; 2],
    /// Row by row, head by head.
    cells: Vec<f64>,
}

impl PairTables {
    /// Of a model; nothing where its network has none.
    #[must_use]
    pub fn of(model: &Parameters) -> Option<Self> {
        let architecture = model.architecture();
        let shape = architecture.pairs()?;
        let (heads, slots) = (architecture.heads().len(), architecture.inputs() as usize);
        let linear = architecture.layout().last().map_or(0, |layer| layer.end());
        let (groups, rest) = model.values().get(linear..)?.split_at_checked(slots)?;
        let (named, cells) = rest.split_at_checked(4 * shape.tables as usize)?;
        let groups = groups.iter().map(|group| whole(*group, shape.side() - 1)).collect();
        let tables = named.as_chunks::<4>().0.iter().zip(cells.chunks_exact(shape.cells() * heads));
        let tables = tables.filter_map(|(named, cells)| {
            let field = |at: usize| {
                let first = whole(named[at], slots)?;
                let count = whole(named[at + 1], slots)?;
                (count > 0 && first + count <= slots).then_some(first..first + count)
            };
            Some(PairTable { fields: [field(0)?, field(2)?], cells: cells.iter().copied().map(f64::from).collect() })
        });
        Some(Self { heads, side: shape.side(), groups, tables: tables.collect() })
    }

    /// Groups of a field in a table, the one for no value among them.
    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// The group of a slot; nothing where it has none.
    pub(crate) fn group(&self, slot: usize) -> Option<usize> {
        self.groups.get(slot).copied().flatten()
    }

    /// The slots of both fields of each table, and its cells: row by row, head by head.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&[Range<usize>; 2], &[f64])> {
        self.tables.iter().map(|table| (&table.fields, table.cells.as_slice()))
    }

    /// What one table adds to a head's logit where its fields have these numbers in these slots; 0 for a table or a head that is none.
    pub(crate) fn value(&self, table: usize, head: usize, [one, other]: [&[(usize, f64)]; 2]) -> f64 {
        let Some(table) = self.tables.get(table) else { return 0.0 };
        let cell = |one: usize, other: usize| {
            let at = (one * self.side + other) * self.heads + head;
            if head < self.heads { table.cells.get(at).copied().unwrap_or_default() } else { 0.0 }
        };
        let products = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
        let of = |((slot, value), (other_slot, other)): (&(usize, f64), &(usize, f64))| {
            Some(value * other * cell(self.group(*slot)?, self.group(*other_slot)?))
        };
        products.filter_map(of).sum()
    }

    /// What the tables add to the logits of a row: of each table the cells of its values' groups, each times both slots. The same work for every
    /// row. Doubles do not leave their range here: slots are within 2^40, cells within 2^20.
    pub fn add(&self, slots: &[f32], logits: &mut [f64]) {
        let mut sums = [0, 1].map(|_| Zeroizing::new(vec![0.0; self.side]));
        for table in &self.tables {
            for (sums, field) in sums.iter_mut().zip(&table.fields) {
                sums.fill(0.0);
                for (slot, group) in slots[field.clone()].iter().zip(&self.groups[field.clone()]) {
                    if let Some(group) = group {
                        sums[*group] += f64::from(*slot);
                    }
                }
            }
            let [one, other] = &sums;
            let products = one.iter().flat_map(|one| other.iter().map(move |other| one * other));
            for (product, cell) in products.zip(table.cells.chunks_exact(self.heads)) {
                for (logit, value) in logits.iter_mut().zip(cell) {
                    *logit += product * value;
                }
            }
        }
    }
}

/// A whole number from 0 to a limit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within its limits")]
fn whole(value: f32, most: usize) -> Option<usize> {
    let fits = value >= 0.0 && f64::from(value) <= most as f64 && value.fract() == 0.0;
    fits.then_some(value as usize)
}

/// A number of a slot, of which there are 4096 at most.
fn number(value: usize) -> f32 {
    u16::try_from(value).map_or(f32::from(u16::MAX), f32::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::architecture::Architecture;

    const SHAPE: PairShape = PairShape { tables: 2, groups: 2 };

    fn network() -> Architecture {
        Architecture::logistic(7, &["churn", "deposit"]).unwrap().with_pairs(Some(SHAPE)).unwrap()
    }

    /// Fields of three, two and two slots; the first two and the last two of them in pairs.
    fn model(cells: &[f32]) -> Parameters {
        let pairing = Pairing { groups: vec![0, 1, 2, 0, 1, 1, 0], fields: vec![[0, 1], [1, 2]] };
        assert!(pairing.fits(SHAPE, 7, 3));
        let linear = std::iter::repeat_n(0.0, 16);
        let beside = values(SHAPE, &[0..3, 3..5, 5..7], &pairing, cells);
        Parameters::new(network(), linear.chain(beside).collect()).unwrap()
    }

    #[test]
    fn a_row_has_one_cell_of_each_table() {
        let cells: Vec<f32> = (0..36_u8).map(f32::from).collect();
        let tables = PairTables::of(&model(&cells)).unwrap();
        let mut logits = [0.0; 2];
        // Groups 2, 0 and 1: cell (2, 0) of the first table, cell (0, 1) of the second one.
        tables.add(&[0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0], &mut logits);
        let of = |table: usize, row: usize, column: usize| f64::from(cells[2 * (table * 9 + row * 3 + column)]);
        assert_eq!(logits, [of(0, 2, 0) + of(1, 0, 1), of(0, 2, 0) + of(1, 0, 1) + 2.0]);
        // A field without a value has no cell.
        let mut logits = [0.0; 2];
        tables.add(&[0.0; 7], &mut logits);
        assert_eq!(logits, [0.0; 2]);
        let plain = Parameters::zero(&Architecture::logistic(7, &["churn"]).unwrap());
        assert!(PairTables::of(&plain).is_none());
    }

    #[test]
    fn pairs_that_are_none_do_not_fit() {
        let first = Pairing::first(SHAPE, 7, 3);
        assert_eq!(first.fields, [[0, 1], [0, 2]]);
        assert!(first.fits(SHAPE, 7, 3));
        for fields in
            [vec![[0, 1]], vec![[0, 1], [0, 1]], vec![[0, 1], [2, 1]], vec![[0, 1], [1, 3]], vec![[0, 0], [0, 1]]]
        {
            assert!(!Pairing { fields, ..first.clone() }.fits(SHAPE, 7, 3));
        }
        assert!(!Pairing { groups: vec![3; 7], ..first.clone() }.fits(SHAPE, 7, 3));
        assert!(!first.fits(SHAPE, 8, 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Any values are a model, and any row has a finite score.
        #[test]
        fn whatever_the_values_are_a_row_has_a_score(seed in proptest::collection::vec(-3.0..9.0_f32, 16 + 7 + 8 + 36), whole in any::<bool>(), row in proptest::collection::vec(-2.0..2.0_f32, 7)) {
            let values = seed.into_iter().map(|value| if whole { value.round() } else { value }).collect();
            let tables = PairTables::of(&Parameters::new(network(), values).unwrap()).unwrap();
            let mut logits = [0.0; 2];
            tables.add(&row, &mut logits);
            prop_assert!(logits.iter().all(|logit| logit.is_finite()));
        }
    }
}

//! How much each field moves the scores of a model that is a sum over fields, and over pairs of fields, from the counts of customers by field.
//!
//! What a table of a pair adds is split as in an analysis of variance of functions (Hooker 2007): its mean over the other field belongs to each field, and
//! what is left to the two together. Joint counts are not known, so that the fields of a pair are taken to be independent.

use std::ops::Range;

use crate::counts::{CellLayout, NoisedHistogram};
use crate::metrics::{Contribution, FieldImportance, Importance, NoisedCounts};
use crate::pairs::PairTables;
use crate::parameters::Parameters;
use crate::schema::Schema;

/// How much each field of a schema moves the scores of a model over the schema's slots without hidden layers; after the fields, how much those of each pair
/// do together. `fields` are the counts of customers by field, each with noise of this standard deviation in customers; `noise` is
/// [`super::PlannedStage::noise_in_model`], which is not known of fields in pairs.
#[must_use]
pub fn importance(
    schema: &Schema,
    model: &Parameters,
    (layout, fields, noise_stddev): (&CellLayout, &[NoisedHistogram], f64),
    noise: Option<&[f32]>,
) -> Importance {
    let architecture = model.architecture();
    let heads = architecture.heads();
    if !architecture.hidden().is_empty() || architecture.inputs() as usize != schema.width() {
        return Importance::NotAdditive;
    }
    if fields.len() < schema.fields().len() {
        return Importance::NoCounts;
    }
    let noise = noise.filter(|noise| noise.len() == model.values().len());
    let fields = &fields[..schema.fields().len()];
    let scene = Scene { schema, layout, fields, noise_stddev };
    let pairs = Pairs::of(&scene, model);
    let of = |(head, name): (usize, &String)| -> Vec<FieldImportance> {
        let each = schema.fields().iter().zip(fields).enumerate().map(|(number, (field, histogram))| {
            let contribution = |cell: usize| {
                let slots = layout.slots_of(number, cell);
                let sum = |of: &dyn Fn(usize, f64) -> f64| {
                    slots.iter().map(|(slot, value)| of(slot * heads.len() + head, *value)).sum()
                };
                Contribution {
                    value: sum(&|at, value| f64::from(model.values()[at]) * value),
                    noise: noise.map(|noise| sum(&|at, value| f64::from(noise[at]) * value * value)),
                }
            };
            let cells: Vec<Contribution> = (0..histogram.counts.len()).map(contribution).collect();
            let own = (name.as_str(), field.name.as_str());
            match pairs.with(number).is_empty() {
                true => FieldImportance::of(own, &cells, NoisedCounts { counts: &histogram.counts, noise_stddev }),
                false => pairs.of_field(&scene, (number, head), own, &cells),
            }
        });
        let together = (0..pairs.tables.len()).map(|table| pairs.of_table(&scene, (table, head), name));
        each.chain(together).collect()
    };
    Importance::Fields(heads.iter().enumerate().flat_map(of).collect())
}

/// What the counts are of.
struct Scene<'a> {
    schema: &'a Schema,
    layout: &'a CellLayout,
    fields: &'a [NoisedHistogram],
    noise_stddev: f64,
}

impl Scene<'_> {
    fn cells(&self, field: usize) -> usize {
        self.fields[field].counts.len()
    }

    /// The counts of these fields, one after the other, and how many each has.
    fn together(&self, fields: &[usize]) -> (Vec<f64>, Vec<usize>) {
        let counts = fields.iter().flat_map(|field| self.fields[*field].counts.iter().copied()).collect();
        (counts, fields.iter().map(|field| self.cells(*field)).collect())
    }
}

/// One table: its two fields, and for each head its value for each cell of the one and of the other.
struct Pair {
    fields: [usize; 2],
    values: Vec<Vec<Vec<f64>>>,
}

/// Tables of pairs whose fields are those of the schema.
struct Pairs {
    tables: Vec<Pair>,
}

impl Pairs {
    fn of(scene: &Scene<'_>, model: &Parameters) -> Self {
        let Some(tables) = PairTables::of(model) else { return Self { tables: Vec::new() } };
        let mut spans = Vec::new();
        let mut first = 0;
        for field in scene.schema.fields() {
            spans.push(first..first + field.width());
            first += field.width();
        }
        let heads = model.architecture().heads().len();
        let pair = |(table, ([one, other], _)): (usize, (&[Range<usize>; 2], &[f64]))| {
            let place = |own: &Range<usize>| spans.iter().position(|span| span == own);
            let fields = [place(one)?, place(other)?];
            let slots = fields.map(|field| -> Vec<_> {
                (0..scene.cells(field)).map(|cell| scene.layout.slots_of(field, cell)).collect()
            });
            let of_head = |head: usize| {
                let row = |one: &Vec<(usize, f64)>| {
                    slots[1].iter().map(|other| tables.value(table, head, [one, other])).collect()
                };
                slots[0].iter().map(row).collect()
            };
            Some(Pair { fields, values: (0..heads).map(of_head).collect() })
        };
        Self { tables: tables.tables().enumerate().filter_map(pair).collect() }
    }

    /// The tables in which a field is, with its place there.
    fn with(&self, field: usize) -> Vec<(&Pair, usize)> {
        let place = |pair: &Pair| pair.fields.iter().position(|own| *own == field);
        self.tables.iter().filter_map(|pair| Some((pair, place(pair)?))).collect()
    }

    /// A field's own table, and the means of its pairs' tables over their other fields.
    fn of_field(
        &self,
        scene: &Scene<'_>,
        (field, head): (usize, usize),
        named: (&str, &str),
        own: &[Contribution],
    ) -> FieldImportance {
        let pairs = self.with(field);
        let others = pairs.iter().map(|(pair, place)| pair.fields[1 - place]);
        let fields: Vec<usize> = std::iter::once(field).chain(others).collect();
        let (counts, cells) = scene.together(&fields);
        let variance = |counts: &[f64]| {
            let (of_field, mut rest) = counts.split_at_checked(own.len())?;
            let mut values: Vec<f64> = own.iter().map(|cell| cell.value).collect();
            for ((pair, place), count) in pairs.iter().zip(&cells[1..]) {
                let (of_other, after) = rest.split_at_checked(*count)?;
                rest = after;
                let means = means(&pair.values[head], *place, shares(of_other)?);
                values.iter_mut().zip(means).for_each(|(value, mean)| *value += mean);
            }
            Some(variance(&values, &shares(of_field)?))
        };
        let counts = NoisedCounts { counts: &counts, noise_stddev: scene.noise_stddev };
        FieldImportance::of_several(named, (counts, &cells), variance)
    }

    /// What is left of a table when the means of both fields are taken out.
    fn of_table(&self, scene: &Scene<'_>, (table, head): (usize, usize), label: &str) -> FieldImportance {
        let pair = &self.tables[table];
        let names = pair.fields.map(|field| scene.schema.fields()[field].name.as_str());
        let (counts, cells) = scene.together(&pair.fields);
        let values = &pair.values[head];
        let variance = |counts: &[f64]| {
            let (one, other) = counts.split_at_checked(cells[0])?;
            let (one, other) = (shares(one)?, shares(other)?);
            let (rows, columns) = (means(values, 0, other.clone()), means(values, 1, one.clone()));
            let middle: f64 = rows.iter().zip(&one).map(|(row, share)| row * share).sum();
            let of_row = |((row, mean), share): ((&Vec<f64>, &f64), &f64)| -> f64 {
                let left = row.iter().zip(&columns).map(|(value, column)| value - mean - column + middle);
                left.zip(&other).map(|(left, of_other)| left * left * share * of_other).sum()
            };
            Some(values.iter().zip(&rows).zip(&one).map(of_row).sum())
        };
        let counts = NoisedCounts { counts: &counts, noise_stddev: scene.noise_stddev };
        let name = format!("{} × {}", names[0], names[1]);
        FieldImportance::of_several((label, &name), (counts, &cells), variance)
    }
}

/// Of all counts, where they are more than nothing.
fn shares(counts: &[f64]) -> Option<Vec<f64>> {
    let all: f64 = counts.iter().sum();
    (all > 0.0).then(|| counts.iter().map(|count| count / all).collect())
}

fn variance(values: &[f64], shares: &[f64]) -> f64 {
    let mean =
        |of: &dyn Fn(f64) -> f64| values.iter().zip(shares).map(|(value, share)| of(*value) * share).sum::<f64>();
    let middle = mean(&|value| value);
    mean(&|value| (value - middle) * (value - middle))
}

/// For each cell of the field at `place` (0: rows, 1: columns) the mean over the other field.
fn means(values: &[Vec<f64>], place: usize, shares: Vec<f64>) -> Vec<f64> {
    if place == 0 {
        return values.iter().map(|row| row.iter().zip(&shares).map(|(value, share)| value * share).sum()).collect();
    }
    let columns = values.first().map_or(0, Vec::len);
    let mean = |column: usize| values.iter().zip(&shares).map(|(row, share)| row[column] * share).sum();
    (0..columns).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::{Architecture, PairShape};
    use crate::pairs::{Pairing, values};

    const SCHEMA: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [20, 40], class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

    /// Where fields are independent, the parts are those of an analysis of variance, and add up to the variance of the score.
    #[test]
    fn parts_of_fields_and_pairs_add_up_to_the_variance_of_the_score() {
        let schema = Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"));
        let shape = PairShape { tables: 1, groups: 2 };
        let network = Architecture::logistic(5, &["churn"]).unwrap().with_pairs(Some(shape)).unwrap();
        let linear = [0.5, -0.25, 1.0, 0.75, -0.5, -1.0];
        // Three bins in two groups, two regions in two; the third row and column are of those without a value.
        let pairing = Pairing { groups: vec![0, 0, 1, 0, 1], fields: vec![[0, 1]] };
        let table = [1.0, -1.0, 9.0, 0.25, 2.0, 9.0, 9.0, 9.0, 9.0];
        let beside = values(shape, &[0..3, 3..5], &pairing, &table);
        let all: Vec<f32> = linear.iter().copied().chain(beside).collect();
        let model = Parameters::new(network, all).unwrap();
        let layout = CellLayout::features(&schema, 2, false);
        let counts = layout.read(&[200, 300, 500, 400, 600], 1);
        let Importance::Fields(found) = importance(&schema, &model, (&layout, &counts, 0.0), None) else {
            panic!("tables")
        };
        let names: Vec<&str> = found.iter().map(|part| part.field.as_str()).collect();
        assert_eq!(names, ["age", "region", "age × region"]);
        let score = |age: usize, region: usize| {
            let group = usize::from(age == 2);
            f64::from(linear[age]) + f64::from(linear[3 + region]) + f64::from(table[group * 3 + region])
        };
        let (ages, regions) = ([0.2, 0.3, 0.5], [0.4, 0.6]);
        let mean = |of: &dyn Fn(f64) -> f64| -> f64 {
            let places = (0..3).flat_map(|age| (0..2).map(move |region| (age, region)));
            places.map(|(age, region)| of(score(age, region)) * ages[age] * regions[region]).sum()
        };
        let middle = mean(&|score| score);
        let whole = mean(&|score| (score - middle) * (score - middle));
        let parts: f64 = found.iter().map(|part| part.variance.unwrap().value).sum();
        assert!((parts - whole).abs() < 1e-12, "{parts} {whole}");
        assert!(found[2].variance.unwrap().value > 0.1);
        // Noise in the counts widens the intervals of all parts, and hides those of fields that nobody has.
        let Importance::Fields(noisy) = importance(&schema, &model, (&layout, &counts, 20.0), None) else {
            panic!("tables")
        };
        assert!(noisy.iter().all(|part| part.variance.is_some_and(|own| own.high > own.low && own.low < own.value)));
        let few = layout.read(&[2, 3, 5, 400, 600], 1);
        let Importance::Fields(few) = importance(&schema, &model, (&layout, &few, 20.0), None) else {
            panic!("tables")
        };
        assert!(few.iter().all(|part| part.variance.is_none()), "{few:?}");
    }
}

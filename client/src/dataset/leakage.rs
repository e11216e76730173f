//! Fields that tell a label almost alone: they are hardly what was known on the day of the data. For the branch's own screen.

use tributary_model::features::FeatureMatrix;
use tributary_model::schema::{Field, FieldKind, Schema, Transform};
use tributary_texts::{Said, events as words};

use super::verdict::Remark;

/// Above this area under the curve a field is told of.
const AREA_MAX: f64 = 0.9;
/// Fewest rows of each class: of fewer, chance separates any column.
const CLASS_MIN: u64 = 20;
/// Fewest rows of a category; those of rarer ones are put together.
const CELL_MIN: u64 = 10;
/// Parts into which a number's range is divided.
const PARTS: usize = 1024;

/// How the rows of one field are divided into cells.
struct Cells {
    /// The first of its slots, and how many there are.
    slots: (usize, usize),
    /// Whether its cells have an order, the last one apart: that is of missing values.
    ordered: bool,
    cells: usize,
}

impl Cells {
    fn of(field: &Field, first: usize) -> Self {
        let slots = (first, field.width());
        let number =
            matches!(&field.kind, FieldKind::Numeric { transform, .. } if !matches!(transform, Transform::Bins(_)));
        Self { slots, ordered: number, cells: if number { PARTS + 1 } else { field.width() + 1 } }
    }

    fn cell(&self, row: &[f32]) -> usize {
        let (first, width) = self.slots;
        let own = row.get(first..first + width).unwrap_or_default();
        if self.ordered {
            return match own {
                // Beside a number stands whether it is missing.
                [_, missing, ..] if *missing == 1.0 => PARTS,
                [number, ..] => part(*number),
                [] => PARTS,
            };
        }
        own.iter().position(|slot| *slot == 1.0).unwrap_or(width)
    }
}

/// The part of a number that is encoded from -1 to 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "bounded")]
fn part(number: f32) -> usize {
    let place = (f64::from(number) + 1.0) / 2.0 * (PARTS as f64);
    (place.clamp(0.0, (PARTS - 1) as f64)) as usize
}

/// A warning for each field that tells a label almost alone.
#[must_use]
pub fn leaks(rows: &FeatureMatrix, schema: &Schema) -> Vec<Remark> {
    let mut first = 0;
    let cells: Vec<Cells> = schema
        .fields()
        .iter()
        .map(|field| {
            let own = Cells::of(field, first);
            first += field.width();
            own
        })
        .collect();
    let labels = rows.labels();
    let mut counts: Vec<Vec<[u64; 2]>> = (0..labels).flat_map(|_| &cells).map(|own| vec![[0; 2]; own.cells]).collect();
    let mut slots = vec![0.0; rows.width()];
    for row in 0..rows.rows() {
        rows.write_row(Some(row), &mut slots);
        for label in 0..labels {
            let (target, present) = rows.label(row, label);
            if present != 1.0 {
                continue;
            }
            let class = usize::from(target != 1.0);
            for (field, own) in cells.iter().enumerate() {
                counts[label * cells.len() + field][own.cell(&slots)][class] += 1;
            }
        }
    }
    let mut found = Vec::new();
    for (label, own) in schema.labels().iter().enumerate() {
        for (field, cells_of) in schema.fields().iter().enumerate() {
            let area = area(&counts[label * cells.len() + field], cells[field].ordered);
            if let Some(area) = area.filter(|area| *area > AREA_MAX) {
                let said: Said = words::tells_alone(&cells_of.name, &own.name, format!("{area:.3}"));
                found.push(Remark::new(false, Some(format!("field {}", cells_of.name)), said));
            }
        }
    }
    found
}

/// The area under the curve of a field alone; nothing where a class has few rows.
fn area(counts: &[[u64; 2]], ordered: bool) -> Option<f64> {
    let [positive, negative] = counts.iter().fold([0, 0], |[yes, no], cell| [yes + cell[0], no + cell[1]]);
    if positive < CLASS_MIN || negative < CLASS_MIN {
        return None;
    }
    if !ordered {
        let mut rare = [0; 2];
        let mut cells: Vec<[u64; 2]> = Vec::new();
        for cell in counts.iter().copied().filter(|[yes, no]| yes + no > 0) {
            if cell[0] + cell[1] < CELL_MIN {
                rare = [rare[0] + cell[0], rare[1] + cell[1]];
            } else {
                cells.push(cell);
            }
        }
        cells.push(rare);
        // By the share of positives, compared without a quotient.
        cells.sort_by_key(|[yes, no]| std::cmp::Reverse(u128::from(*yes) * RATE / u128::from((yes + no).max(1))));
        return Some(in_order(cells.iter(), [positive, negative]));
    }
    // Missing values stand before all others or after them, whichever tells more; and so does the order itself.
    let (missing, numbers) = counts.split_last()?;
    let first = in_order(std::iter::once(missing).chain(numbers), [positive, negative]);
    let last = in_order(counts.iter(), [positive, negative]);
    Some([first, 1.0 - first, last, 1.0 - last].into_iter().fold(0.0, f64::max))
}

/// Rates are compared in so many parts.
const RATE: u128 = 1 << 40;

/// The share of pairs in which the positive row comes first, ties as halves.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn in_order<'a>(cells: impl Iterator<Item = &'a [u64; 2]>, [positive, negative]: [u64; 2]) -> f64 {
    let (mut before, mut twice) = (0_u128, 0_u128);
    for [yes, no] in cells {
        twice += u128::from(*no) * (2 * before + u128::from(*yes));
        before += u128::from(*yes);
    }
    twice as f64 / (2.0 * positive as f64 * negative as f64)
}

#[cfg(test)]
mod tests {
    use tributary_model::features::RawBatch;
    use tributary_texts::Language;

    use super::*;

    #[test]
    fn the_area_is_that_of_the_pairs() {
        assert_eq!(in_order([[3, 0], [0, 2]].iter(), [3, 2]), 1.0);
        assert_eq!(in_order([[0, 2], [3, 0]].iter(), [3, 2]), 0.0);
        assert_eq!(in_order([[3, 2]].iter(), [3, 2]), 0.5);
        assert_eq!(in_order([[2, 1], [1, 1]].iter(), [3, 2]), (1.0 + 2.0 * 0.5 + 1.0 + 0.5) / 6.0);
        for ordered in [false, true] {
            assert_eq!(area(&[[19, 0], [0, 400]], ordered), None, "too few");
            assert_eq!(area(&[[400, 0], [0, 19]], ordered), None, "too few");
            assert_eq!(area(&[[20, 0], [0, 20]], ordered), Some(1.0));
        }
        // Categories of fewer than ten rows are one together, of whichever class they are.
        assert_eq!(area(&[[6, 3], [1, 8], [30, 10], [13, 39]], false), Some(4_430.0 / 6_000.0));
        assert_eq!(area(&[[10, 0], [2, 7], [8, 13]], false), Some(630.0 / 800.0), "ten rows stand alone");
        assert_eq!(area(&[[0, 100], [50, 50], [50, 0]], true).map(|area| (area * 1000.0).round()), Some(917.0));
    }

    /// The last part is never that of missing numbers, which is one further.
    #[test]
    fn each_number_has_a_part_and_the_largest_the_last_one() {
        for (number, expected) in
            [(-3.0, 0), (-1.0, 0), (0.0, PARTS / 2), (0.999, PARTS - 1), (1.0, PARTS - 1), (7.0, PARTS - 1)]
        {
            assert_eq!(part(number), expected, "{number}");
        }
    }

    #[test]
    fn a_field_that_tells_the_label_is_told_of_and_no_other() {
        const SCHEMA: &str = r#"
name = "bank"
version = 1
fields = [
    { name = "honest", kind = "numeric", min = 0, max = 100, class = "C1", level = "L1" },
    { name = "told", kind = "numeric", min = 0, max = 100, missing = "indicator", class = "C1", level = "L1" },
    { name = "word", kind = "categorical", categories = ["a", "b"], missing = "indicator", class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = [1], negative = [0] }]
"#;
        let schema = Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"));
        let mut batch = RawBatch::new(&schema, &["honest", "told", "word", "y"]).unwrap();
        for row in 0..400_u32 {
            let leaves = row.is_multiple_of(4);
            let honest = ((row * 37) % 90 + u32::from(leaves) * 10).to_string();
            // What is missing says it as well as a number does.
            let told = if leaves { String::new() } else { (row % 100).to_string() };
            let word = if row.is_multiple_of(40) || leaves { "a" } else { "b" };
            batch.push(row.into(), &[&honest, &told, word, if leaves { "1" } else { "0" }]).unwrap();
        }
        let found = leaks(&batch.into_features().unwrap(), &schema);
        let about: Vec<&str> = found.iter().filter_map(|remark| remark.about.as_deref()).collect();
        assert_eq!(about, ["field told", "field word"]);
        assert!(found.iter().all(|remark| !remark.stops));
        assert!(found[0].said.text(Language::Chinese).contains("字段 told"), "{}", found[0].text);
    }
}

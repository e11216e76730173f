//! Histograms of counting rounds: their cells, and how noised counts are read.

use serde::{Deserialize, Serialize};

use crate::features::filling;
use crate::metrics::ScoreBins;
use crate::schema::{FieldKind, Missing, Range, Schema, Transform};

/// Where counts lie, and what they count.
#[derive(Clone, Debug, PartialEq)]
pub struct CellLayout {
    histograms: Vec<Histogram>,
    bins: usize,
    scores: Option<ScoreBins>,
    counts_per_customer: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    name: String,
    /// First cell.
    start: usize,
    cells: usize,
    source: Source,
    /// Customers of one label and class alone.
    only: Option<(usize, bool)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    /// One head's scores of one class.
    Scores,
    /// One slot between public bounds, in equal bins, and perhaps a slot after it that says that the value is missing.
    Scaled { slot: usize, low: f32, missing: bool, filling: f32 },
    /// Slots of which one is set; always, where it is complete.
    OneHot { slot: usize, complete: bool },
}

/// One histogram of noised counts. Counts can be fractional or negative; whoever shows them says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoisedHistogram {
    /// A field's name, or a head's name and the class.
    pub name: String,
    /// One for each cell.
    pub counts: Vec<f64>,
}

impl CellLayout {
    /// Two histograms of scores for each head: negatives, then positives. After them the same for each group, if there are groups.
    #[must_use]
    pub fn scores(heads: &[String], bins: usize, groups: &[String]) -> Self {
        let of_all = |of: &str| -> Vec<String> {
            heads.iter().flat_map(|head| [format!("{head}: negative{of}"), format!("{head}: positive{of}")]).collect()
        };
        let names = of_all("").into_iter().chain(groups.iter().flat_map(|group| of_all(&format!(", {group}"))));
        let histogram =
            |(index, name)| Histogram { name, start: index * bins, cells: bins, source: Source::Scores, only: None };
        let counts_per_customer = heads.len() * if groups.is_empty() { 1 } else { 2 };
        let histograms = names.enumerate().map(histogram).collect();
        Self { histograms, bins, scores: Some(ScoreBins::new(bins)), counts_per_customer }
    }

    /// One histogram for each field of a schema; with labels, after them two more for each label and field, of negatives and of positives.
    #[must_use]
    pub fn features(schema: &Schema, bins: usize, with_labels: bool) -> Self {
        let mut layout = Self::plain_features(schema, bins);
        if !with_labels {
            return layout;
        }
        let fields = layout.histograms.clone();
        for (head, label) in schema.labels().iter().enumerate() {
            for field in &fields {
                for (positive, class) in [(false, "negative"), (true, "positive")] {
                    let name = format!("{}, {}: {class}", field.name, label.name);
                    let start = layout.cells();
                    layout.histograms.push(Histogram { name, start, only: Some((head, positive)), ..field.clone() });
                }
            }
        }
        layout.counts_per_customer = fields.len() * (1 + schema.labels().len());
        layout
    }

    fn plain_features(schema: &Schema, bins: usize) -> Self {
        let (mut slot, mut start) = (0, 0);
        let mut histograms = Vec::new();
        for field in schema.fields() {
            let (cells, source) = match &field.kind {
                FieldKind::Numeric { transform: Transform::Bins(_), .. } => {
                    (field.width(), Source::OneHot { slot, complete: true })
                }
                FieldKind::Categorical { .. } => (field.width(), Source::OneHot { slot, complete: false }),
                FieldKind::Numeric { transform, missing, .. } => {
                    let low = match transform.range() {
                        Range::Unit => 0.0,
                        Range::Symmetric => -1.0,
                    };
                    let missing = matches!(missing, Missing::Indicator);
                    (bins + usize::from(missing), Source::Scaled { slot, low, missing, filling: filling(field) })
                }
            };
            histograms.push(Histogram { name: field.name.clone(), start, cells, source, only: None });
            slot += field.width();
            start += cells;
        }
        let counts_per_customer = histograms.len();
        Self { histograms, bins, scores: None, counts_per_customer }
    }

    /// Cells altogether.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.histograms.last().map_or(0, |last| last.start + last.cells)
    }

    /// Counts that one customer adds at most: for each head one, and one more where there are groups; or one for each field, and one more for each field
    /// and label where labels are counted. The squared sensitivity of all cells, in counts.
    #[must_use]
    pub fn counts_per_customer(&self) -> usize {
        self.counts_per_customer
    }

    /// Whether a histogram has a cell for every customer, whatever its values are.
    #[must_use]
    pub fn counts_everybody(&self, histogram: usize) -> bool {
        self.histograms.get(histogram).is_some_and(|histogram| {
            let complete = matches!(histogram.source, Source::Scaled { .. } | Source::OneHot { complete: true, .. });
            complete && histogram.only.is_none()
        })
    }

    /// The cell of a score, by head and class.
    #[must_use]
    pub fn score_cell(&self, head: usize, positive: bool, score: f32) -> Option<usize> {
        let histogram = self.histograms.get(2 * head + usize::from(positive))?;
        Some(histogram.start + self.scores.as_ref()?.of(score))
    }

    /// The cell of a score in a group, by head and class.
    #[must_use]
    pub fn group_cell(&self, (group, heads): (usize, usize), head: usize, positive: bool, score: f32) -> Option<usize> {
        self.score_cell((1 + group) * heads + head, positive, score)
    }

    /// The cells of a customer's encoded row and labels, one for each histogram at most. Those of the other class are named as well, and told apart: so the
    /// work is the same whatever the labels are.
    pub fn feature_cells(
        &self,
        row: &[f32],
        label: impl Fn(usize) -> Option<bool>,
        mut add: impl FnMut(Option<usize>, bool),
    ) {
        for histogram in &self.histograms {
            let counts = histogram.only.is_none_or(|(head, positive)| label(head) == Some(positive));
            let cell = match histogram.source {
                Source::Scores => None,
                Source::Scaled { slot, missing: true, .. } if row.get(slot + 1) == Some(&1.0) => Some(self.bins),
                Source::Scaled { slot, low, .. } => {
                    row.get(slot).map(|value| bin((value - low) / (1.0 - low), self.bins))
                }
                Source::OneHot { slot, .. } => row[slot..slot + histogram.cells].iter().position(|value| *value == 1.0),
            };
            add(cell.map(|cell| histogram.start + cell), counts);
        }
    }

    /// Where the rows of a cell of a field's histogram have something, and what: in the middle of the cell, where it holds numbers.
    #[must_use]
    pub fn slots_of(&self, histogram: usize, cell: usize) -> Vec<(usize, f64)> {
        match self.histograms.get(histogram).map(|histogram| &histogram.source) {
            None | Some(Source::Scores) => Vec::new(),
            Some(Source::Scaled { slot, missing: true, filling, .. }) if cell == self.bins => {
                vec![(*slot, f64::from(*filling)), (slot + 1, 1.0)]
            }
            Some(Source::Scaled { slot, low, .. }) => {
                let (low, share) = (f64::from(*low), (cell as f64 + 0.5) / self.bins as f64);
                vec![(*slot, low + (1.0 - low) * share)]
            }
            Some(Source::OneHot { slot, .. }) => vec![(slot + cell, 1.0)],
        }
    }

    /// Reads an unmasked sum, in which one count is `unit` units.
    #[must_use]
    pub fn read(&self, sum: &[i64], unit: u32) -> Vec<NoisedHistogram> {
        let counts = |histogram: &Histogram| {
            let cells = sum.get(histogram.start..histogram.start + histogram.cells).unwrap_or_default();
            cells.iter().map(|units| *units as f64 / f64::from(unit)).collect()
        };
        self.histograms
            .iter()
            .map(|histogram| NoisedHistogram { name: histogram.name.clone(), counts: counts(histogram) })
            .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a small count, and the cast saturates"
)]
fn bin(share: f32, bins: usize) -> usize {
    ((share * bins as f32) as usize).min(bins - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_counted_by_head_and_class() {
        let layout = CellLayout::scores(&["churn".into(), "deposit".into()], 10, &[]);
        assert_eq!((layout.cells(), layout.counts_per_customer()), (40, 2));
        assert_eq!(layout.score_cell(0, false, 0.0), Some(0));
        assert_eq!(layout.score_cell(0, true, 0.0005), Some(10));
        assert_eq!(layout.score_cell(1, true, 1.0), Some(39));
        assert_eq!(layout.score_cell(1, false, f32::NAN), Some(20));
        assert_eq!(layout.score_cell(2, false, 0.5), None);
    }

    /// A number always has a bin; a category may be one that the list lacks.
    #[test]
    fn numbers_count_everybody() {
        let schema = Schema::parse(include_str!("../../docs/samples/schemas/bank_full.toml")).unwrap();
        let layout = CellLayout::features(&schema, 8, false);
        let complete =
            |name| layout.counts_everybody(schema.fields().iter().position(|field| field.name == name).unwrap());
        assert_eq!(["age", "balance", "pdays", "job", "poutcome"].map(complete), [true, true, true, false, false]);
    }

    #[test]
    fn every_field_of_the_sample_schemas_is_counted_once() {
        for text in [
            include_str!("../../docs/samples/schemas/adult.toml"),
            include_str!("../../docs/samples/schemas/bank_full.toml"),
            include_str!("../../docs/samples/schemas/deposit_churn.toml"),
        ] {
            let schema = Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
            let layout = CellLayout::features(&schema, 8, false);
            assert_eq!(layout.counts_per_customer(), schema.fields().len());
            // A row of zeros has its scaled fields alone; a row of ones every field once.
            for value in [0.0, 1.0] {
                let mut cells = Vec::new();
                layout.feature_cells(&vec![value; schema.width()], |_| None, |cell, _| cells.extend(cell));
                assert!(cells.len() <= schema.fields().len() && cells.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(cells.iter().all(|cell| *cell < layout.cells()));
                assert!(value == 0.0 || cells.len() == schema.fields().len());
            }
        }
    }
}

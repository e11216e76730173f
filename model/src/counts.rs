//! Histograms of counting rounds: their cells, and how noised counts are read.

use serde::Serialize;

use crate::schema::{FieldKind, Missing, Range, Schema, Transform};

/// Where counts lie, and what they count.
#[derive(Clone, Debug, PartialEq)]
pub struct CellLayout {
    histograms: Vec<Histogram>,
    bins: usize,
    scores: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    name: String,
    /// First cell.
    start: usize,
    cells: usize,
    source: Source,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    /// One head's scores of one class, in equal bins of 0 to 1.
    Scores,
    /// One slot between public bounds, in equal bins, and perhaps a slot after it that says that the value is missing.
    Scaled { slot: usize, low: f32, missing: bool },
    /// Slots of which one is set.
    OneHot { slot: usize },
}

/// One histogram of noised counts. Counts can be fractional or negative; whoever shows them says so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoisedHistogram {
    /// A field's name, or a head's name and the class.
    pub name: String,
    /// One for each cell.
    pub counts: Vec<f64>,
}

/// What a round of evaluation says of one head, estimated from noised counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadEvaluation {
    /// The head's name.
    pub head: String,
    /// Area under the receiver operating characteristic; nothing where the counts cannot give one.
    pub auc: Option<f64>,
    /// Share of positives, estimated.
    pub positives: Option<f64>,
    /// For each bin of scores: its middle, and the share of positives in it, where enough customers are.
    pub calibration: Vec<(f64, Option<f64>)>,
}

impl CellLayout {
    /// Two histograms of scores for each head: negatives, then positives.
    #[must_use]
    pub fn scores(heads: &[String], bins: usize) -> Self {
        let names = heads.iter().flat_map(|head| [format!("{head}: negative"), format!("{head}: positive")]);
        let histograms = names
            .enumerate()
            .map(|(index, name)| Histogram { name, start: index * bins, cells: bins, source: Source::Scores })
            .collect();
        Self { histograms, bins, scores: true }
    }

    /// One histogram for each field of a schema.
    #[must_use]
    pub fn features(schema: &Schema, bins: usize) -> Self {
        let (mut slot, mut start) = (0, 0);
        let mut histograms = Vec::new();
        for field in schema.fields() {
            let (cells, source) = match &field.kind {
                FieldKind::Numeric { transform: Transform::Bins(_), .. } | FieldKind::Categorical { .. } => {
                    (field.width(), Source::OneHot { slot })
                }
                FieldKind::Numeric { transform, missing, .. } => {
                    let low = match transform.range() {
                        Range::Unit => 0.0,
                        Range::Symmetric => -1.0,
                    };
                    let missing = matches!(missing, Missing::Indicator);
                    (bins + usize::from(missing), Source::Scaled { slot, low, missing })
                }
            };
            histograms.push(Histogram { name: field.name.clone(), start, cells, source });
            slot += field.width();
            start += cells;
        }
        Self { histograms, bins, scores: false }
    }

    /// Cells altogether.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.histograms.last().map_or(0, |last| last.start + last.cells)
    }

    /// Counts that one customer adds at most: one for each head, or one for each field. The squared sensitivity of all cells, in counts.
    #[must_use]
    pub fn counts_per_customer(&self) -> usize {
        if self.scores { self.histograms.len() / 2 } else { self.histograms.len() }
    }

    /// Whether a histogram has a cell for every customer, whatever its values are.
    #[must_use]
    pub fn counts_everybody(&self, histogram: usize) -> bool {
        self.histograms.get(histogram).is_some_and(|histogram| matches!(histogram.source, Source::Scaled { .. }))
    }

    /// The cell of a score, by head and class.
    #[must_use]
    pub fn score_cell(&self, head: usize, positive: bool, score: f32) -> Option<usize> {
        let histogram = self.histograms.get(2 * head + usize::from(positive))?;
        Some(histogram.start + bin(score, self.bins))
    }

    /// The cells of a customer's encoded row, one for each field at most.
    pub fn feature_cells(&self, row: &[f32], mut add: impl FnMut(usize)) {
        for histogram in &self.histograms {
            let cell = match histogram.source {
                Source::Scores => None,
                Source::Scaled { slot, missing: true, .. } if row.get(slot + 1) == Some(&1.0) => Some(self.bins),
                Source::Scaled { slot, low, .. } => {
                    row.get(slot).map(|value| bin((value - low) / (1.0 - low), self.bins))
                }
                Source::OneHot { slot } => row[slot..slot + histogram.cells].iter().position(|value| *value == 1.0),
            };
            if let Some(cell) = cell {
                add(histogram.start + cell);
            }
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

/// Estimates of each head from the noised histograms of [`CellLayout::scores`]; `noise_stddev` is one cell's, in counts. A bin's share of
/// positives is given where its count is above three standard deviations of noise.
#[must_use]
pub fn evaluate_heads(histograms: &[NoisedHistogram], heads: &[String], noise_stddev: f64) -> Vec<HeadEvaluation> {
    let pairs = histograms.chunks_exact(2);
    pairs.zip(heads).map(|(pair, head)| evaluate_head(head, &pair[0].counts, &pair[1].counts, noise_stddev)).collect()
}

fn evaluate_head(head: &str, negatives: &[f64], positives: &[f64], noise_stddev: f64) -> HeadEvaluation {
    let (mut won, mut below, mut all_positives) = (0.0, 0.0, 0.0);
    for (negative, positive) in negatives.iter().zip(positives) {
        won += positive * (below + negative / 2.0);
        below += negative;
        all_positives += positive;
    }
    let all_negatives = below;
    let counted = all_negatives > 0.0 && all_positives > 0.0;
    let bins = negatives.len() as f64;
    let calibration = negatives.iter().zip(positives).enumerate().map(|(index, (negative, positive))| {
        let count = negative + positive;
        let enough = count > (3.0 * std::f64::consts::SQRT_2 * noise_stddev).max(0.5);
        ((index as f64 + 0.5) / bins, enough.then(|| (positive / count).clamp(0.0, 1.0)))
    });
    HeadEvaluation {
        head: head.to_owned(),
        auc: counted.then(|| (won / (all_negatives * all_positives)).clamp(0.0, 1.0)),
        positives: counted.then(|| all_positives / (all_negatives + all_positives)),
        calibration: calibration.collect(),
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
        let layout = CellLayout::scores(&["churn".into(), "deposit".into()], 10);
        assert_eq!((layout.cells(), layout.counts_per_customer()), (40, 2));
        assert_eq!(layout.score_cell(0, false, 0.0), Some(0));
        assert_eq!(layout.score_cell(0, true, 0.05), Some(10));
        assert_eq!(layout.score_cell(1, true, 1.0), Some(39));
        assert_eq!(layout.score_cell(1, false, f32::NAN), Some(20));
        assert_eq!(layout.score_cell(2, false, 0.5), None);
    }

    #[test]
    fn an_auc_is_read_from_counts() {
        let heads = ["churn".to_owned()];
        let layout = CellLayout::scores(&heads, 4);
        // Negatives 2, 1, 0, 0 and positives 0, 1, 0, 2 of 1000 units each: 9 pairs, one tie, no loss.
        let sum = [2000, 1000, 0, 0, 0, 1000, 0, 2000];
        let histograms = layout.read(&sum, 1000);
        assert_eq!(histograms[1].counts, [0.0, 1.0, 0.0, 2.0]);
        let found = &evaluate_heads(&histograms, &heads, 0.0)[0];
        assert_eq!(found.auc, Some(8.5 / 9.0));
        assert_eq!(found.positives, Some(0.5));
        assert_eq!(found.calibration[1], (0.375, Some(0.5)));
        assert_eq!(found.calibration[2], (0.625, None));
        assert_eq!(evaluate_heads(&layout.read(&[0; 8], 1000), &heads, 0.0)[0].auc, None);
        let noisy = &evaluate_heads(&histograms, &heads, 5.0)[0];
        assert!(noisy.calibration.iter().all(|(_, share)| share.is_none()), "too few to say");
    }

    /// The numbers come from another program in another language.
    #[test]
    fn an_evaluation_has_its_bits() {
        let heads = ["churn".to_owned()];
        let sum = [670_126, -4_321, 307_353, 819_004, 1_356_108, 92_263, 142_909, -98, 1_114_826, 188_405];
        let histograms = CellLayout::scores(&heads, 5).read(&sum, 1000);
        let found = &evaluate_heads(&histograms, &heads, 1.7)[0];
        assert_eq!(found.auc.map(f64::to_bits), Some(0x3fdc_3065_c3d7_550b));
        assert_eq!(found.positives.map(f64::to_bits), Some(0x3fd5_01d3_aff1_a98b));
        let calibration: Vec<(u64, u64)> =
            found.calibration.iter().map(|(middle, share)| (middle.to_bits(), share.unwrap().to_bits())).collect();
        let expected = [
            (0x3fb9_9999_9999_999a, 0x3fbe_fb0d_b3ff_551c),
            (0x3fd3_3333_3333_3333, 0x3ff0_0000_0000_0000),
            (0x3fe0_0000_0000_0000, 0x0000_0000_0000_0000),
            (0x3fe6_6666_6666_6666, 0x3fe2_7292_da66_d9a0),
            (0x3fec_cccc_cccc_cccd, 0x3fbf_3a4e_6ccd_7a54),
        ];
        assert_eq!(calibration, expected);
    }

    #[test]
    fn every_field_of_the_sample_schemas_is_counted_once() {
        for text in [
            include_str!("../../docs/samples/schemas/adult.toml"),
            include_str!("../../docs/samples/schemas/bank_full.toml"),
            include_str!("../../docs/samples/schemas/deposit_churn.toml"),
        ] {
            let schema = Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
            let layout = CellLayout::features(&schema, 8);
            assert_eq!(layout.counts_per_customer(), schema.fields().len());
            // A row of zeros has its scaled fields alone; a row of ones every field once.
            for value in [0.0, 1.0] {
                let mut cells = Vec::new();
                layout.feature_cells(&vec![value; schema.width()], |cell| cells.push(cell));
                assert!(cells.len() <= schema.fields().len() && cells.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(cells.iter().all(|cell| *cell < layout.cells()));
                assert!(value == 0.0 || cells.len() == schema.fields().len());
            }
        }
    }
}

//! The figures of each label, as a list to act on needs them: who is first, how much more often right than by chance, and whether scores are rates.

use std::fmt;

use serde::Serialize;
use tributary_model::metrics::{Estimate, FieldImportance, HeadFigures, Importance};
use tributary_rehearsal::Judged;

/// The list whose lift is shown: a tenth of all customers.
const LIST_SHARE: f64 = 0.1;

/// So many fields are named.
const FIELDS_SHOWN: usize = 5;

/// One label: exact figures of rows, or estimates.
#[derive(Debug, Serialize)]
pub(super) struct LabelLine<F> {
    label: String,
    /// Area under the receiver operating characteristic.
    auc: Option<F>,
    /// Largest distance between the classes' distributions of scores.
    ks: Option<F>,
    /// How many times more positives than by chance, in a list of a tenth of all customers.
    lift_10: Option<F>,
    /// Expected calibration error.
    ece: Option<F>,
    /// The fields that move its scores most, of those that noise does not explain; where that was counted alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    most_important: Option<Vec<String>>,
}

impl LabelLine<f64> {
    /// A line for each label, of rows that were judged.
    pub(super) fn judged(labels: &[(String, Judged)]) -> Vec<Self> {
        let line = |(label, Judged { auc, ks, lift_10, ece, .. }): &(String, Judged)| Self {
            label: label.clone(),
            auc: *auc,
            ks: *ks,
            lift_10: *lift_10,
            ece: *ece,
            most_important: None,
        };
        labels.iter().map(line).collect()
    }
}

impl LabelLine<Estimate> {
    /// A line for each label of an evaluation, with the fields that matter.
    pub(super) fn counted(heads: &[HeadFigures], importance: Option<&Importance>) -> Vec<Self> {
        let line = |head: &HeadFigures| Self {
            label: head.head.clone(),
            auc: head.auc,
            ks: head.ks,
            lift_10: head.lift.iter().find(|lift| lift.share == LIST_SHARE).and_then(|lift| lift.lift),
            ece: head.ece,
            most_important: match importance {
                Some(Importance::Fields(fields)) => Some(most_important(fields, &head.head)),
                _ => None,
            },
        };
        heads.iter().map(line).collect()
    }
}

fn most_important(fields: &[FieldImportance], label: &str) -> Vec<String> {
    let variance = |field: &FieldImportance| field.variance.map_or(0.0, |variance| variance.value);
    let mut own: Vec<_> = fields.iter().filter(|field| field.head == label && !field.below_noise).collect();
    own.sort_by(|one, other| variance(other).total_cmp(&variance(one)));
    own.into_iter().take(FIELDS_SHOWN).map(|field| field.field.clone()).collect()
}

/// The table's part about labels: on held-out rows, and under it what the counts under privacy say of the same rows.
pub(super) fn write_labels(
    formatter: &mut fmt::Formatter<'_>,
    held_out: &[LabelLine<f64>],
    counted: Option<&[LabelLine<Estimate>]>,
) -> fmt::Result {
    if held_out.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "\nlabel                         AUC               KS                lift at 10 %      ECE")?;
    for line in held_out {
        writeln!(formatter, "  {:<27} {}", line.label, figures(line, |of: f64| format!("{of:.4}")))?;
        if let Some(counted) = counted.into_iter().flatten().find(|counted| counted.label == line.label) {
            let interval = |of: Estimate| format!("{:.3} {:.3}-{:.3}", of.value, of.low, of.high);
            writeln!(formatter, "  {:<27} {}", "  measured under privacy", figures(counted, interval))?;
            match counted.most_important.as_deref() {
                Some([]) => writeln!(formatter, "  {:<27} none above the noise", "  fields that matter most")?,
                Some(fields) => writeln!(formatter, "  {:<27} {}", "  fields that matter most", fields.join(", "))?,
                None => {}
            }
        }
    }
    writeln!(formatter)
}

fn figures<F: Copy>(line: &LabelLine<F>, shown: impl Fn(F) -> String) -> String {
    let each = [line.auc, line.ks, line.lift_10, line.ece];
    let each = each.map(|of| format!("{:<17}", of.map_or("-".to_owned(), &shown)));
    each.join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use tributary_model::metrics::{ScoreBins, ScoreCounts};

    use super::*;

    #[test]
    fn the_fields_that_matter_are_those_above_the_noise_in_order() {
        let field = |head: &str, name: &str, variance: f64, below_noise| {
            let variance = Some(Estimate { value: variance, low: variance, high: variance });
            FieldImportance { head: head.into(), field: name.into(), variance, noise: None, below_noise }
        };
        let fields = [
            field("churn", "a", 0.1, false),
            field("churn", "b", 0.9, false),
            field("churn", "c", 2.0, true),
            field("deposit", "d", 3.0, false),
        ];
        assert_eq!(most_important(&fields, "churn"), ["b", "a"]);
        assert_eq!(most_important(&fields, "none"), [""; 0]);
    }

    struct Shown(Vec<LabelLine<f64>>, Option<Vec<LabelLine<Estimate>>>);

    impl fmt::Display for Shown {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_labels(formatter, &self.0, self.1.as_deref())
        }
    }

    #[test]
    fn each_label_has_a_line_and_what_was_counted_of_it_another() {
        let judged =
            |targets: &[bool]| LabelLine::judged(&[("churn".to_owned(), Judged::of(&[0.1, 0.2, 0.3, 0.4], targets))]);
        let (bins, negatives, positives) = (ScoreBins::new(4), [40.0, 30.0, 20.0, 10.0], [1.0, 3.0, 9.0, 27.0]);
        let counts = ScoreCounts { bins: &bins, negatives: &negatives, positives: &positives, noise_stddev: 1.0 };
        let counted = LabelLine::counted(&[HeadFigures::of("churn", counts)], Some(&Importance::Fields(Vec::new())));
        let text = Shown(judged(&[false, true, false, true]), Some(counted)).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].starts_with("  churn") && lines[3].contains("measured under privacy"), "{text}");
        assert_eq!((lines.len(), lines[3].matches('-').count()), (6, 4), "each figure has its interval: {text}");
        assert!(lines[4].contains("none above the noise"), "{text}");
        // One class alone has no area, and the line says so.
        assert!(Shown(judged(&[false; 4]), None).to_string().contains("churn                       -"));
        assert_eq!(Shown(Vec::new(), None).to_string(), "");
    }
}

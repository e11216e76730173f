//! A label's own figures, by name.

use tributary_model::metrics::{Estimate, HeadFigures};
use tributary_texts::{Said, evaluation as words};

/// A figure's name, and its estimate where the counts give one.
pub(super) type Row = (Said, Option<Estimate>);

/// Every figure of a head, in the order in which it is shown.
pub(super) fn rows(head: &HeadFigures) -> Vec<Row> {
    let mut rows = vec![
        (words::customers(), Some(head.customers)),
        (words::positives(), head.positives),
        (words::auc(), head.auc),
        (words::pr_auc(), head.pr_auc),
        (words::ks(), head.ks),
        (words::log_loss(), head.log_loss),
        (words::brier(), head.brier),
        (words::ece(), head.ece),
    ];
    rows.extend(head.lift.iter().map(|lift| (words::lift(format!("{:.0}", 100.0 * lift.share)), lift.lift)));
    rows
}

/// As many digits as a figure of its size needs.
pub(super) fn shown(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

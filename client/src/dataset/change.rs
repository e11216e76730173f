//! One data set beside the one before it: volume, label rate, and how far each column has moved.
//!
//! A column's movement is its population stability index over the schema's bins: the sum of (p - q) ln(p / q) over the shares p now and q before.
//! Half a row is added to each cell, so that an empty one is not infinite. What chance alone would move is allowed on top of every limit: of a file
//! of forty rows little can be said.
//!
//! These figures are for the branch's own screen. They decide nothing but whether its operator is asked once more.

use serde::Serialize;
use tributary_texts::{Said, dataset as words};

use super::summary::{FieldSummary, LabelSummary, Summary};
use crate::settings::ChangeLimits;

/// What changed between two data sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// Rows before and now.
    pub rows: [u64; 2],
    /// Customers before and now.
    pub customers: [u64; 2],
    /// Each label that both have.
    pub labels: Vec<LabelChange>,
    /// Each field that both have in the same bins.
    pub fields: Vec<FieldChange>,
    /// What is above a limit: what it is, what it means, what to do. Programs read it in English.
    #[serde(serialize_with = "crate::english::all")]
    pub alarms: Vec<Said>,
}

/// A label's share of positives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelChange {
    /// The label.
    pub name: String,
    /// Share of positive rows among those that are known, before and now; nothing where none is known.
    pub rates: [Option<f64>; 2],
}

/// A field's movement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field.
    pub name: String,
    /// Its population stability index.
    pub stability: f64,
}

impl Changes {
    /// Lays a data set beside an earlier one.
    #[must_use]
    pub fn between(before: &Summary, now: &Summary, limits: ChangeLimits) -> Self {
        let mut changes = Self {
            rows: [before.rows, now.rows],
            customers: [before.customers, now.customers],
            labels: Vec::new(),
            fields: Vec::new(),
            alarms: Vec::new(),
        };
        if before == now {
            changes.alarms.push(words::same_rows());
        }
        let percent = limits.volume_percent;
        if is_apart(changes.rows, limits) {
            changes.alarms.push(words::rows_apart(now.rows, before.rows, percent));
        }
        if is_apart(changes.customers, limits) {
            changes.alarms.push(words::customers_apart(now.customers, before.customers, percent));
        }
        for (number, now_label) in now.labels.iter().enumerate() {
            let known = before.labels.iter().position(|label| label.name == now_label.name);
            if let Some(then) = known {
                changes.label(&before.labels[then], now_label, limits);
                changes.flipped((before, then), (now, number));
            }
        }
        for field in &now.fields {
            let known = before.fields.iter().find(|known| known.name == field.name);
            if let Some(known) = known.filter(|known| known.cells.len() == field.cells.len()) {
                changes.field(known, field, limits);
            }
        }
        changes
    }

    fn label(&mut self, before: &LabelSummary, now: &LabelSummary, limits: ChangeLimits) {
        let rates = [before, now].map(rate);
        self.labels.push(LabelChange { name: now.name.clone(), rates });
        let [Some(then), Some(rate)] = rates else { return };
        let rarer = then.min(1.0 - then);
        let variance = |label: &LabelSummary, rate: f64| rate * (1.0 - rate) / whole(known(label)).max(1.0);
        // Three standard errors: once in some hundred months chance does as much.
        let by_chance = 3.0 * (variance(before, then) + variance(now, rate)).sqrt();
        let moved = (rate - then).abs();
        if moved > rarer * f64::from(limits.label_percent) / 100.0 && moved > by_chance {
            let [share, before] = [rate, then].map(percent);
            self.alarms.push(words::label_moved(&now.name, share, before, limits.label_percent));
        }
    }

    /// Whether a label's classes have changed places: within the columns' bins, its rates before are nearer to those of the other class.
    fn flipped(&mut self, (before, then): (&Summary, usize), (now, number): (&Summary, usize)) {
        let (mut same, mut other, mut same_chance) = (0.0, 0.0, 0.0);
        for field in &now.fields {
            let known = before.fields.iter().find(|known| known.name == field.name);
            let Some(known) = known.filter(|known| known.cells.len() == field.cells.len()) else { continue };
            let (Some(old), Some(new)) = (known.by_label.get(then), field.by_label.get(number)) else { continue };
            for ([old_yes, old_no], [new_yes, new_no]) in old.iter().zip(new) {
                let (olds, news) = (whole(old_yes + old_no), whole(new_yes + new_no));
                if olds == 0.0 || news == 0.0 {
                    continue;
                }
                let (old, new) = (whole(*old_yes) / olds, whole(*new_yes) / news);
                // So many rows as both have tell so much.
                let weight = olds * news / (olds + news);
                same += weight * (new - old).powi(2);
                other += weight * (1.0 - new - old).powi(2);
                same_chance += 0.25;
            }
        }
        // Far from what it was, and near to its opposite.
        if same > 4.0 * other && same > 4.0 * same_chance {
            self.alarms.push(words::label_flipped(&now.labels[number].name));
        }
    }

    fn field(&mut self, before: &FieldSummary, now: &FieldSummary, limits: ChangeLimits) {
        let stability = stability(&before.cells, &now.cells);
        self.fields.push(FieldChange { name: now.name.clone(), stability });
        if stability > limits.stability + chance(&before.cells, &now.cells) {
            self.alarms.push(words::field_moved(&now.name, format!("{stability:.2}"), limits.stability));
        }
    }

    /// For the branch's own screen.
    #[must_use]
    pub fn said(&self) -> Said {
        let ([rows_before, rows], [customers_before, customers]) = (self.rows, self.customers);
        let mut lines = vec![words::changed_volume(rows_before, rows, customers_before, customers)];
        lines.extend(self.labels.iter().map(|LabelChange { name, rates }| {
            let [before, now] = rates.map(|rate| rate.map_or_else(words::rate_unknown, |rate| Said::of(percent(rate))));
            words::changed_label(name, before, now)
        }));
        let fields = self.fields.iter();
        lines.extend(
            fields.map(|FieldChange { name, stability }| words::changed_field(name, format!("{stability:.2}"))),
        );
        Said::joined(&lines, "\n")
    }
}

/// Whether two numbers are further apart than the settings allow.
fn is_apart([before, now]: [u64; 2], limits: ChangeLimits) -> bool {
    u128::from(before.abs_diff(now)) * 100 > u128::from(before) * u128::from(limits.volume_percent)
}

fn known(label: &LabelSummary) -> u64 {
    label.classes.iter().sum()
}

fn rate(label: &LabelSummary) -> Option<f64> {
    (known(label) > 0).then(|| whole(label.classes[0]) / whole(known(label)))
}

/// The population stability index of two histograms with as many cells.
fn stability(before: &[u64], now: &[u64]) -> f64 {
    let share =
        |cells: &[u64], cell: u64| (whole(cell) + 0.5) / (whole(cells.iter().sum()) + 0.5 * whole(cells.len() as u64));
    let moved = before.iter().zip(now).map(|(old, new)| {
        let (old, new) = (share(before, *old), share(now, *new));
        (new - old) * (new / old).ln()
    });
    moved.sum()
}

/// What chance moves the index by at most, but once in some hundred months: it is distributed as chi squared times (1/n + 1/m).
fn chance(before: &[u64], now: &[u64]) -> f64 {
    let used = before.iter().zip(now).filter(|(old, new)| **old > 0 || **new > 0).count();
    let freedom = whole(used.saturating_sub(1) as u64);
    let rows = |cells: &[u64]| whole(cells.iter().sum()).max(1.0);
    (freedom + 3.0 * (2.0 * freedom).sqrt()) * (1.0 / rows(before) + 1.0 / rows(now))
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows, far below 2^53")]
fn whole(count: u64) -> f64 {
    count as f64
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;

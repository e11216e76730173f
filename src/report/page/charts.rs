//! Drawings of a report, as SVG inside the page: epsilon against caps, and rounds, by month.

use std::fmt::Write as _;

use tributary_evidence::report::{GroupSpend, MonthLine};

use crate::page::escaped;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 30.0;
const TOP: f64 = 14.0;

/// Most names of months below a drawing.
const NAMES_MAX: usize = 13;

struct Frame {
    months: usize,
    most: f64,
    out: String,
}

impl Frame {
    fn new(title: &str, months: &[&str], most: f64) -> Self {
        let most = 4.0 * step(most / 4.0);
        let mut frame = Self { months: months.len().max(1), most, out: String::new() };
        let title = escaped(title);
        let _ = write!(
            frame.out,
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>"#
        );
        for mark in 0..=4_u32 {
            let value = frame.most * f64::from(mark) / 4.0;
            let y = frame.up(value);
            let shown = value.to_string();
            let _ = write!(frame.out, r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{WIDTH}" y2="{y:.1}"/>"#);
            let _ = write!(frame.out, r#"<text class="y" x="{:.1}" y="{:.1}">{shown}</text>"#, LEFT - 6.0, y + 4.0);
        }
        let step = months.len().div_ceil(NAMES_MAX).max(1);
        for (at, month) in months.iter().enumerate().step_by(step) {
            let (x, y) = (frame.middle(at), HEIGHT - BOTTOM + 16.0);
            let _ = write!(frame.out, r#"<text class="x" x="{x:.1}" y="{y:.1}">{}</text>"#, escaped(month));
        }
        frame
    }

    fn wide(&self) -> f64 {
        (WIDTH - LEFT) / self.months as f64
    }

    fn middle(&self, month: usize) -> f64 {
        LEFT + self.wide() * (month as f64 + 0.5)
    }

    fn up(&self, value: f64) -> f64 {
        let share = (value / self.most).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }

    fn bar(&mut self, class: &str, month: usize, from: f64, to: f64) {
        let (x, wide) = (self.middle(month) - self.wide() * 0.3, self.wide() * 0.6);
        let (top, bottom) = (self.up(to), self.up(from));
        let high = (bottom - top).max(0.0);
        let _ =
            write!(self.out, r#"<rect class="{class}" x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}"/>"#);
    }

    fn closed(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// The smallest of 1, 2, 2.5 and 5, times a power of ten, that is no less: marks of an axis are numbers that people read at once.
fn step(least: f64) -> f64 {
    let mut power = 0.001;
    while power * 10.0 < least {
        power *= 10.0;
    }
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|times| times * power);
    steps.into_iter().find(|step| *step >= least).unwrap_or(1.0)
}

/// A text of decimals as a number, for where it is drawn. What is no finite number is not drawn.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// What a customer of a group was charged up to each month, with the caps.
pub(super) fn epsilon(title: &str, months: &[&str], group: &GroupSpend) -> String {
    let values: Vec<f64> = group.epsilon.iter().map(|text| number(text).unwrap_or(0.0)).collect();
    let caps = [&group.cap_year, &group.cap_life].into_iter().flatten();
    let caps: Vec<f64> = caps.filter_map(|text| number(text)).collect();
    let most = values.iter().chain(&caps).copied().fold(0.0, f64::max);
    let mut frame = Frame::new(title, months, most);
    for cap in caps {
        let y = frame.up(cap);
        let _ = write!(frame.out, r#"<line class="chance" x1="{LEFT}" y1="{y:.1}" x2="{WIDTH}" y2="{y:.1}"/>"#);
    }
    let place = |(at, value): (usize, &f64)| (frame.middle(at), frame.up(*value));
    let places: Vec<(f64, f64)> = values.iter().enumerate().map(place).collect();
    let points: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = write!(frame.out, r#"<polyline class="a" points="{}"/>"#, points.join(" "));
    for (x, y) in places {
        let _ = write!(frame.out, r#"<circle class="a" cx="{x:.1}" cy="{y:.1}" r="3"/>"#);
    }
    frame.closed()
}

/// Rounds by month: those that were committed, and above them those that ended without a sum.
pub(super) fn rounds(title: &str, months: &[MonthLine]) -> String {
    let names: Vec<&str> = months.iter().map(|line| line.month.as_str()).collect();
    let all = |line: &MonthLine| f64::from(line.committed) + f64::from(line.aborted);
    let most = months.iter().map(all).fold(0.0, f64::max);
    let mut frame = Frame::new(title, &names, most);
    for (at, line) in months.iter().enumerate() {
        frame.bar("a", at, 0.0, line.committed.into());
        frame.bar("b", at, line.committed.into(), all(line));
    }
    frame.closed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers_that_reach_the_highest_value() {
        for (least, expected) in
            [(0.0, 0.001), (0.3, 0.5), (1.0, 1.0), (1.78, 2.0), (2.2, 2.5), (4.1, 5.0), (51.0, 100.0)]
        {
            assert!((step(least) - expected).abs() < 1e-9, "{least}: {}", step(least));
        }
    }
}

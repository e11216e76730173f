//! Line charts as inline SVG: no script, no font and no file from elsewhere, so that a page is one file that opens anywhere.

use std::fmt::Write as _;

use crate::page::escaped;

/// Of the whole drawing.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 240.0;
/// Room for numbers beside the axes.
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 28.0;
/// Room above and to the right.
const MARGIN: f64 = 18.0;
/// Marks on an axis, beside its beginning.
const MARKS: u32 = 4;

/// One line, or points with intervals.
pub(super) struct Series {
    /// The class in the page's style sheet, which gives the colour.
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, f64)>,
    /// For each point: from where to where it may lie. Empty for a plain line.
    pub(super) intervals: Vec<(f64, f64)>,
}

/// A chart from 0 to the two ends of its axes.
pub(super) struct Chart {
    pub(super) ends: (f64, f64),
    pub(super) series: Vec<Series>,
    /// A thin line from corner to corner, or at one height: what chance alone would give.
    pub(super) chance: Option<[(f64, f64); 2]>,
    /// What it shows, for readers that do not see.
    pub(super) title: String,
}

impl Chart {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = |value: f64, end: f64| if end > 0.0 { (value / end).clamp(0.0, 1.0) } else { 0.0 };
        let (across, up) = (WIDTH - LEFT - MARGIN, HEIGHT - BOTTOM - MARGIN);
        (LEFT + share(x, self.ends.0) * across, HEIGHT - BOTTOM - share(y, self.ends.1) * up)
    }

    fn line(&self, out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (self.place(from), self.place(to));
        let _ = write!(out, r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
    }

    /// The drawing.
    pub(super) fn svg(&self) -> String {
        let mut out = String::new();
        let title = escaped(&self.title);
        let _ = write!(
            out,
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>"#
        );
        for mark in 0..=MARKS {
            let share = f64::from(mark) / f64::from(MARKS);
            let (x, y) = (share * self.ends.0, share * self.ends.1);
            self.line(&mut out, "grid", (x, 0.0), (x, self.ends.1));
            self.line(&mut out, "grid", (0.0, y), (self.ends.0, y));
            let ((across, _), (_, up)) = (self.place((x, 0.0)), self.place((0.0, y)));
            let below = HEIGHT - BOTTOM + 16.0;
            let _ = write!(out, r#"<text class="x" x="{across:.1}" y="{below:.1}">{}</text>"#, number(x));
            let _ = write!(out, r#"<text class="y" x="{:.1}" y="{:.1}">{}</text>"#, LEFT - 6.0, up + 4.0, number(y));
        }
        if let Some([from, to]) = self.chance {
            self.line(&mut out, "chance", from, to);
        }
        for Series { class, points, intervals } in &self.series {
            let placed: Vec<String> =
                points.iter().map(|point| self.place(*point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = write!(out, r#"<polyline class="{class}" points="{}"/>"#, placed.join(" "));
            for ((x, y), (low, high)) in points.iter().zip(intervals) {
                self.line(&mut out, class, (*x, *low), (*x, *high));
                let (across, up) = self.place((*x, *y));
                let _ = write!(out, r#"<circle class="{class}" cx="{across:.1}" cy="{up:.1}" r="2.5"/>"#);
            }
        }
        out.push_str("</svg>");
        out
    }
}

fn number(value: f64) -> String {
    if value >= 10.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_numbers_are_the_drawing_stays_inside() {
        let points = vec![(0.0, 0.0), (0.5, 2.0), (f64::NAN, -1.0), (9.0, f64::INFINITY)];
        let intervals = vec![(-5.0, 5.0); 4];
        let series = vec![Series { class: "a", points, intervals }];
        let chart = Chart { ends: (1.0, 1.0), series, chance: None, title: "<b>\"&'".into() };
        let svg = chart.svg();
        assert!(svg.contains("&lt;b&gt;&quot;&amp;&#39;") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains(&format!("{:.1},{:.1}", WIDTH - MARGIN, MARGIN)), "{svg}");
        assert!(!svg.contains("inf"), "{svg}");
    }
}

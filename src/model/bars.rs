//! Named figures one below the other as inline SVG: bars from zero, or points with intervals around the figure of all.

use std::fmt::Write as _;

use crate::page::escaped;

const WIDTH: f64 = 640.0;
const ROW: f64 = 24.0;
/// Room for names, and for numbers after the bars.
const NAMES: f64 = 190.0;
const NUMBERS: f64 = 70.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;
/// Widest name, in halves of a Chinese character.
const NAME_MAX: usize = 26;

/// One figure.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) interval: (f64, f64),
    /// The class in the page's style sheet, which gives the colour.
    pub(super) class: &'static str,
    /// The figure in words.
    pub(super) told: String,
}

/// Figures of one kind.
pub(super) struct Bars {
    /// What it shows, for readers that do not see.
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
    /// Where a thin line stands: the figure of all. Without one, bars begin at zero.
    pub(super) all: Option<f64>,
}

impl Bars {
    /// The drawing; nothing of no figures.
    pub(super) fn svg(&self) -> String {
        let ends = self.bars.iter().flat_map(|bar| [bar.value, bar.interval.0, bar.interval.1]);
        let ends = ends.chain(self.all).filter(|end| end.is_finite());
        let (least, most) =
            ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end), high.max(end)));
        if least > most {
            return String::new();
        }
        let (from, to) = match self.all {
            None => (0.0, most.max(f64::MIN_POSITIVE)),
            Some(_) => {
                let room = ((most - least) * 0.08).max(1e-6);
                (least - room, most + room)
            }
        };
        let across = WIDTH - NAMES - NUMBERS;
        let share = |value: f64| if value.is_nan() { 0.0 } else { ((value - from) / (to - from)).clamp(0.0, 1.0) };
        let place = |value: f64| NAMES + share(value) * across;
        let height = TOP + ROW * self.bars.len() as f64 + BOTTOM;
        let title = escaped(&self.title);
        let mut out = String::new();
        let _ = write!(
            out,
            r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}"><title>{title}</title>"#
        );
        let bottom = height - BOTTOM;
        for mark in 0..=4 {
            let value = from + (to - from) * f64::from(mark) / 4.0;
            let x = place(value);
            let _ = write!(out, r#"<line class="grid" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom:.1}"/>"#);
            let y = bottom + 16.0;
            let _ = write!(out, r#"<text class="x" x="{x:.1}" y="{y:.1}">{}</text>"#, number(value, to - from));
        }
        if let Some(all) = self.all {
            let x = place(all);
            let _ = write!(out, r#"<line class="chance" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom:.1}"/>"#);
        }
        for (row, bar) in self.bars.iter().enumerate() {
            let middle = TOP + ROW * (row as f64 + 0.5);
            let (x, low, high) = (place(bar.value), place(bar.interval.0), place(bar.interval.1));
            let _ = write!(
                out,
                r#"<text class="y" x="{:.1}" y="{:.1}">{}</text>"#,
                NAMES - 8.0,
                middle + 4.0,
                escaped(&short(&bar.name))
            );
            let class = bar.class;
            if self.all.is_none() {
                let (top, width) = (middle - 7.0, x - NAMES);
                let _ =
                    write!(out, r#"<rect class="{class}" x="{NAMES}" y="{top:.1}" width="{width:.1}" height="14"/>"#);
            }
            let _ = write!(
                out,
                r#"<line class="whisker" x1="{low:.1}" y1="{middle:.1}" x2="{high:.1}" y2="{middle:.1}"/>"#
            );
            if self.all.is_some() {
                let _ = write!(out, r#"<circle class="{class}" cx="{x:.1}" cy="{middle:.1}" r="4"/>"#);
            }
            let after = WIDTH - NUMBERS + 8.0;
            let _ = write!(out, r#"<text x="{after:.1}" y="{:.1}">{}</text>"#, middle + 4.0, escaped(&bar.told));
        }
        out.push_str("</svg>");
        out
    }
}

/// As many digits as tell marks of such a range apart.
fn number(value: f64, range: f64) -> String {
    let digits = if range >= 40.0 {
        0
    } else if range >= 4.0 {
        1
    } else if range >= 0.04 {
        2
    } else {
        4
    };
    format!("{value:.digits$}")
}

/// A name that fits beside its bar.
fn short(name: &str) -> String {
    let mut out = String::new();
    let mut wide = 0;
    for character in name.chars() {
        wide += if character.is_ascii() { 1 } else { 2 };
        if wide > NAME_MAX {
            out.push('…');
            break;
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_figures_are_the_drawing_stays_inside() {
        let bar = |name: &str, value: f64, interval| Bar {
            name: name.into(),
            value,
            interval,
            class: "a",
            told: "<1>".into(),
        };
        let bars = [
            bar("<b>\"&'", 0.5, (0.1, 0.9)),
            bar("一个很长很长很长很长很长的字段名称", f64::NAN, (f64::NEG_INFINITY, f64::INFINITY)),
            bar("c", 0.0, (0.0, 0.0)),
        ];
        for all in [None, Some(0.3)] {
            let bars = bars.iter().map(|one| bar(&one.name, one.value, one.interval)).collect();
            let svg = Bars { title: "<i>".into(), bars, all }.svg();
            assert!(!svg.contains("<b>") && !svg.contains("<i>") && svg.contains("&lt;1&gt;") && svg.contains('…'));
            assert!(!svg.contains("inf"), "{svg}");
            assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        }
        assert_eq!(Bars { title: String::new(), bars: Vec::new(), all: None }.svg(), "");
    }
}

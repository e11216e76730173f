//! The evaluation of models as one page of HTML.

use std::fmt::Write as _;

use tributary_coordinator::registry::Evaluation;
use tributary_model::metrics::{Estimate, HeadFigures};
use tributary_texts::{Language, Said, evaluation as words};

use super::chart::{Chart, Series, escaped};

const STYLE: &str = "body{font:15px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1b2430}h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin-top:2rem}table{border-collapse:collapse;margin:1rem 0}\
    th,td{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid #dde3ea}td.n{font-variant-numeric:tabular-nums}\
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1.5rem}figure{margin:0}\
    figcaption{font-size:.9rem}figcaption small{display:block;color:#5a6675}svg{width:100%;height:auto}line.grid{stroke:#e6ebf1}\
    line.chance{stroke:#9aa6b4;stroke-dasharray:4 3}text{font-size:11px;fill:#5a6675}text.x{text-anchor:middle}text.y{text-anchor:end}\
    polyline{fill:none;stroke-width:2}.a{stroke:#0b5cad}.b{stroke:#b4470e}circle.a{fill:#0b5cad}circle.b{fill:#b4470e}";

/// Places in a chart.
type Points = Vec<(f64, f64)>;

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

/// One page for these models, side by side where there are several.
pub(crate) fn page(models: &[Evaluation], language: Language) -> String {
    let say = |said: &Said| escaped(said.text(language));
    let short = |model: &Evaluation| model.model.chars().take(16).collect::<String>();
    let title = match models {
        [one] => words::title(short(one)),
        _ => words::comparison(),
    };
    let code = match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{code}\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n",
        title = say(&title)
    );
    for model in models {
        let of_run = words::of_run(&model.purpose, model.run, &model.plan_name);
        let counted = words::counted(format!("{:.0}", model.customers()), model.survivors);
        let _ = writeln!(out, "<p><code>{}</code><br>{}<br>{}</p>", escaped(&model.model), say(&of_run), say(&counted));
    }
    let _ = writeln!(out, "<p>{}</p>", say(&words::intervals()));
    let names: Vec<&str> =
        models.first().map(|model| model.heads.iter().map(|head| head.head.as_str()).collect()).unwrap_or_default();
    for name in names {
        let heads: Vec<&HeadFigures> =
            models.iter().filter_map(|model| model.heads.iter().find(|head| head.head == name)).collect();
        let _ = writeln!(out, "<h2>{}</h2>", say(&words::label(name)));
        table(&mut out, &heads, language);
        charts(&mut out, &heads, language);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn table(out: &mut String, heads: &[&HeadFigures], language: Language) {
    let say = |said: Said| escaped(said.text(language));
    let _ = write!(out, "<table><tr><th>{}</th>", say(words::figure()));
    for _ in heads {
        let _ = write!(out, "<th>{}</th><th>{}</th>", say(words::estimate()), say(words::interval()));
    }
    out.push_str("</tr>\n");
    let columns: Vec<Vec<Row>> = heads.iter().map(|head| rows(head)).collect();
    let Some(first) = columns.first() else { return };
    for (place, (name, _)) in first.iter().enumerate() {
        let _ = write!(out, "<tr><td>{}</td>", say(name.clone()));
        for column in &columns {
            let _ = match column.get(place).and_then(|(_, estimate)| *estimate) {
                Some(Estimate { value, low, high }) => {
                    write!(
                        out,
                        "<td class=\"n\">{}</td><td class=\"n\">{} – {}</td>",
                        shown(value),
                        shown(low),
                        shown(high)
                    )
                }
                None => write!(out, "<td colspan=\"2\">{}</td>", say(words::none())),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn charts(out: &mut String, heads: &[&HeadFigures], language: Language) {
    const CLASSES: [&str; 2] = ["a", "b"];
    let each = |series: &dyn Fn(&HeadFigures) -> (Points, Points)| -> Vec<Series> {
        let of = |(head, class): (&&HeadFigures, &&'static str)| {
            let (points, intervals) = series(head);
            Series { class, points, intervals }
        };
        heads.iter().zip(CLASSES.iter().cycle()).map(of).collect()
    };
    let groups = |head: &HeadFigures| {
        let known = head.calibration.iter().filter_map(|group| Some((group.score, group.positives?)));
        known.map(|(score, share)| ((score, share.value), (share.low, share.high))).unzip()
    };
    let lifts = |head: &HeadFigures| {
        let known = head.lift.iter().filter_map(|lift| Some((lift.share, lift.lift?)));
        known.map(|(share, lift)| ((share, lift.value), (lift.low, lift.high))).unzip()
    };
    let highest = |series: &[Series], least: f64| {
        let ends = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        let intervals = series.iter().flat_map(|series| series.intervals.iter().map(|interval| interval.1));
        ends.chain(intervals).fold(least, f64::max)
    };
    let calibration = each(&groups);
    let scores = calibration.iter().flat_map(|series| series.points.iter().map(|point| point.0)).fold(0.1, f64::max);
    let scale = highest(&calibration, scores).min(1.0);
    let lift = each(&lifts);
    let most = highest(&lift, 2.0).ceil();
    // Both classes of the first model: two of each would be four lines.
    let both = heads.first().map(|head| {
        let edges = head.roc.len().saturating_sub(1).max(1) as f64;
        let class = |of: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
            head.roc.iter().enumerate().map(|(edge, shares)| (edge as f64 / edges, of(shares))).collect()
        };
        let line = |class_name, points| Series { class: class_name, points, intervals: Vec::new() };
        vec![line("a", class(|shares| shares.1)), line("b", class(|shares| shares.0))]
    });
    let drawn = [
        (
            words::roc(),
            words::roc_axes(),
            (1.0, 1.0),
            each(&|head| (head.roc.clone(), Vec::new())),
            Some([(0.0, 0.0), (1.0, 1.0)]),
        ),
        (
            words::calibration(),
            words::calibration_axes(),
            (scale, scale),
            calibration,
            Some([(0.0, 0.0), (scale, scale)]),
        ),
        (words::lifts(), words::lifts_axes(), (0.2, most), lift, Some([(0.0, 1.0), (0.2, 1.0)])),
        (words::separation(), words::separation_axes(), (1.0, 1.0), both.unwrap_or_default(), None),
    ];
    out.push_str("<div class=\"charts\">\n");
    for (title, axes, ends, series, chance) in drawn {
        let chart = Chart { ends, series, chance, title: title.text(language).to_owned() };
        let (title, axes) = (escaped(title.text(language)), escaped(axes.text(language)));
        let _ = writeln!(out, "<figure>{}<figcaption>{title}<small>{axes}</small></figcaption></figure>", chart.svg());
    }
    out.push_str("</div>\n");
}

#[cfg(test)]
mod tests {
    use tributary_model::metrics::{ScoreBins, ScoreCounts};

    use super::*;

    fn evaluated(purpose: &str, positives: &[f64; 8]) -> Evaluation {
        let (bins, negatives) = (ScoreBins::new(8), [400.0, 900.0, 700.0, 300.0, 90.0, 20.0, 5.0, 1.0]);
        let counts = ScoreCounts { bins: &bins, negatives: &negatives, positives, noise_stddev: 2.0 };
        let heads = ["churn", "<b>deposit</b>"].map(|head| HeadFigures::of(head, counts)).to_vec();
        let (model, plan_name) = ("ab".repeat(32), "monthly & more".to_owned());
        Evaluation { model, purpose: purpose.into(), plan_name, run: 3, survivors: 9, heads }
    }

    /// In both languages each figure is there, every tag is closed, and nothing that others have written is markup.
    #[test]
    fn a_page_has_every_figure_and_no_foreign_markup() {
        let one = evaluated("<script>alert(1)</script>", &[1.0, 8.0, 20.0, 40.0, 60.0, 30.0, 9.0, 2.0]);
        let none = evaluated("deposit", &[0.0; 8]);
        for language in [Language::English, Language::Chinese] {
            for models in [&[one.clone()][..], &[one.clone(), none.clone()]] {
                let page = page(models, language);
                assert!(!page.contains("<script") && !page.contains("<b>") && page.contains("monthly &amp; more"));
                assert!(rows(&one.heads[0]).iter().all(|(name, _)| page.contains(&escaped(name.text(language)))));
                assert_eq!(page.matches("<svg").count(), 8, "four charts for each label");
                for tag in ["table", "tr", "td", "th", "figure", "figcaption", "svg", "title", "div", "p", "h2", "text"]
                {
                    let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
                    assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
                }
                assert!(!page.contains("NaN") && !page.contains("inf<"), "{page}");
            }
        }
    }
}

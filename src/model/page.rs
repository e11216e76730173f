//! The evaluation of models as one page of HTML.

use std::fmt::Write as _;

use tributary_coordinator::registry::Evaluation;
use tributary_model::metrics::HeadFigures;
use tributary_texts::{Language, Said, evaluation as words};

use super::bars::{Bar, Bars};
use super::beside::{BesideFile, Price};
use super::chart::{Chart, Series};
use super::figures::{Row, rows, shown};
use super::sections;
use crate::page::{CLOSED, Section, contents, escaped, heading, opened, section};

/// Places in a chart.
type Points = Vec<(f64, f64)>;

/// What follows a model's own figures: tables under a heading, and files beside the page.
#[cfg_attr(not(feature = "demo"), allow(dead_code, reason = "the demo alone has chapters"))]
pub(crate) struct Chapter {
    pub(crate) title: Said,
    pub(crate) note: Said,
    pub(crate) sections: Vec<Section>,
    /// Ways from the page's folder, without a blank, and what is there.
    pub(crate) files: Vec<(String, Said)>,
}

/// One page for a model, with what follows its figures.
#[cfg(feature = "demo")]
pub(crate) fn page(model: &Evaluation, chapters: &[Chapter], language: Language) -> String {
    page_of(std::slice::from_ref(model), None, chapters, language)
}

/// One page for these models, side by side where there are several, with figures of other models beside them, where there are any.
pub(super) fn page_beside(models: &[Evaluation], beside: Option<&BesideFile>, language: Language) -> String {
    page_of(models, beside, &[], language)
}

fn page_of(models: &[Evaluation], beside: Option<&BesideFile>, chapters: &[Chapter], language: Language) -> String {
    let say = |said: &Said| escaped(said.text(language));
    let short = |model: &Evaluation| model.model.chars().take(16).collect::<String>();
    let title = match models {
        [one] => words::title(short(one)),
        _ => words::comparison(),
    };
    let mut out = opened(title.text(language), language);
    for model in models {
        let of_run = words::of_run(&model.purpose, model.run, &model.plan_name);
        let counted = words::counted(format!("{:.0}", model.customers()), model.survivors);
        let _ = writeln!(out, "<p><code>{}</code><br>{}<br>{}</p>", escaped(&model.model), say(&of_run), say(&counted));
    }
    let _ = writeln!(out, "<p>{}<br>{}</p>", say(&words::intervals()), say(&words::branches()));
    let names: Vec<&str> =
        models.first().map(|model| model.heads.iter().map(|head| head.head.as_str()).collect()).unwrap_or_default();
    if !chapters.is_empty() {
        let labels = names.iter().map(words::label);
        let titles: Vec<Said> = labels.chain(chapters.iter().map(|chapter| chapter.title.clone())).collect();
        contents(&mut out, &titles, language);
    }
    for (number, name) in (1..).zip(&names) {
        let name = *name;
        let heads: Vec<&HeadFigures> =
            models.iter().filter_map(|model| model.heads.iter().find(|head| head.head == name)).collect();
        heading(&mut out, number, &words::label(name), language);
        if let [one, other] = models {
            for (class, model) in [("a", one), ("b", other)] {
                let _ = writeln!(out, "<div><span class=\"key {class}\"></span>{}</div>", escaped(&short(model)));
            }
        }
        table(&mut out, &heads, language);
        charts(&mut out, &heads, language);
        if let Some(file) = beside {
            other_models(&mut out, &heads, file, language);
        }
        for model in models {
            let Some(head) = model.heads.iter().find(|head| head.head == name) else { continue };
            if models.len() > 1 {
                let _ = writeln!(out, "<h3><code>{}</code></h3>", escaped(&short(model)));
            }
            for one in sections::of_head(model, head, language) {
                section(&mut out, &one, &drawings(model, head, &one, language), language);
            }
        }
    }
    for one in models.iter().filter_map(|model| sections::stability(model, language)) {
        section(&mut out, &one, "", language);
    }
    for (number, Chapter { title, note, sections, files }) in (names.len() + 1..).zip(chapters) {
        heading(&mut out, number, title, language);
        let _ = writeln!(out, "<p class=\"note\">{}</p>", say(note));
        sections.iter().for_each(|one| section(&mut out, one, "", language));
        let links = files.iter().map(|(path, said)| {
            let path = escaped(path);
            format!("<a href=\"{path}\"><code>{path}</code></a> {}", say(said))
        });
        let _ = writeln!(out, "<p class=\"links\">{}</p>", links.collect::<Vec<_>>().join("<br>"));
    }
    out.push_str(CLOSED);
    out
}

/// What is drawn beside a table of one label.
fn drawings(model: &Evaluation, head: &HeadFigures, section: &Section, language: Language) -> String {
    let mut out = String::new();
    let mut draw = |title: &Said, bars: Vec<Bar>, all: Option<f64>| {
        let title = title.text(language).to_owned();
        let svg = Bars { title: title.clone(), bars, all }.svg();
        if !svg.is_empty() {
            let _ = writeln!(out, "<figure class=\"wide\">{svg}<figcaption>{}</figcaption></figure>", escaped(&title));
        }
    };
    if section.title == words::importance() {
        let fields = model.importance.iter().flat_map(|of| sections::by_importance(of, &head.head));
        let bars = fields.filter_map(|field| {
            let variance = field.variance?;
            let class = if field.below_noise { "z" } else { "a" };
            let (name, told) = (field.field.clone(), shown(variance.value));
            Some(Bar { name, value: variance.value, interval: (variance.low, variance.high), class, told })
        });
        draw(&words::importance(), bars.take(BARS_MAX).collect(), None);
    }
    if section.title == words::groups() {
        for (title, figure) in sections::of_groups() {
            let known = head.groups.iter().filter_map(|group| Some((group, figure(group)?)));
            let bars: Vec<(Bar, f64)> = known
                .map(|(group, compared)| {
                    let own = compared.own;
                    let (name, told) = (sections::cell(&group.group, language), shown(own.value));
                    let bar = Bar { name, value: own.value, interval: (own.low, own.high), class: "a", told };
                    (bar, own.value - compared.difference.value)
                })
                .collect();
            let all = bars.first().map(|(_, all)| *all);
            draw(&title, bars.into_iter().map(|(bar, _)| bar).collect(), all);
        }
    }
    out
}

/// Most fields in a drawing; the table has all of them.
const BARS_MAX: usize = 20;

/// Figures of other models, and what the plan reaches at other epsilons.
fn other_models(out: &mut String, heads: &[&HeadFigures], file: &BesideFile, language: Language) {
    let say = |said: Said| escaped(said.text(language));
    let Some(head) = heads.first() else { return };
    let others: Vec<_> = file.beside.models_of(&head.head).collect();
    let price = file.beside.price_of(&head.head);
    if others.is_empty() && price.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h3>{}</h3>", say(words::beside()));
    let _ = writeln!(out, "<p class=\"note\">{}</p>", say(words::beside_note(file.path.display())));
    if let Some(first) = others.first() {
        let _ = write!(out, "<div class=\"scroll\"><table><tr><th>{}</th>", say(words::beside_name()));
        for (name, _) in first.figures() {
            let _ = write!(out, "<th>{}</th>", say(name));
        }
        out.push_str("</tr>\n");
        for other in &others {
            let _ = write!(out, "<tr><td>{}</td>", escaped(&other.name));
            for (_, value) in other.figures() {
                let _ = write!(out, "<td class=\"n\">{}</td>", value.map_or_else(|| "–".to_owned(), shown));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table></div>\n");
    }
    if !price.is_empty() {
        let bars = price.iter().map(|Price { epsilon, auc, stddev, .. }| {
            let around = stddev.unwrap_or(0.0);
            let told = shown(*auc);
            Bar {
                name: format!("epsilon {epsilon}"),
                value: *auc,
                interval: (auc - around, auc + around),
                class: "a",
                told,
            }
        });
        let own = heads.first().and_then(|head| head.auc).map(|auc| auc.value);
        let title = words::price().text(language).to_owned();
        let svg = Bars { title: title.clone(), bars: bars.collect(), all: Some(own.unwrap_or(price[0].auc)) }.svg();
        let axes = say(words::price_axes());
        let _ = writeln!(
            out,
            "<figure class=\"wide\">{svg}<figcaption>{}<small>{axes}</small></figcaption></figure>",
            escaped(&title)
        );
    }
}

fn table(out: &mut String, heads: &[&HeadFigures], language: Language) {
    let say = |said: Said| escaped(said.text(language));
    let _ = write!(out, "<div class=\"scroll\"><table><tr><th>{}</th>", say(words::figure()));
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
                Some(tributary_model::metrics::Estimate { value, low, high }) => {
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
    out.push_str("</table></div>\n");
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
    use tributary_coordinator::registry::{Moved, Stability};
    use tributary_model::cells::Cell;
    use tributary_model::metrics::{
        Contribution, FieldImportance, FieldWeights, GroupFigures, Importance, NoisedCounts, ScoreBins, ScoreCounts,
    };

    use super::super::beside::{Beside, OtherModel};

    use super::*;

    fn evaluated(purpose: &str, positives: &[f64; 8]) -> Evaluation {
        let (bins, negatives) = (ScoreBins::new(8), [400.0, 900.0, 700.0, 300.0, 90.0, 20.0, 5.0, 1.0]);
        let counts = ScoreCounts { bins: &bins, negatives: &negatives, positives, noise_stddev: 2.0 };
        let half = [200.0, 500.0, 300.0, 100.0, 60.0, 20.0, 5.0, 1.0];
        let own = ScoreCounts { negatives: &half, ..counts };
        let (class, empty) = (Cell::Category("<u>f</u>".into()), [0.0; 8]);
        let groups = vec![
            GroupFigures::of(&class, counts, own),
            GroupFigures::of(&Cell::Missing, counts, ScoreCounts { negatives: &empty, positives: &empty, ..counts }),
        ];
        let heads = HEADS.map(|head| HeadFigures { groups: groups.clone(), ..HeadFigures::of(head, counts) }).to_vec();
        let (model, plan_name) = ("ab".repeat(32), "monthly & more".to_owned());
        let cells = [Cell::Between(18.0, 40.5), Cell::Missing];
        let classes = [[900.0, 100.0], [100.0, 60.0]];
        let [no, yes] = classes.each_ref().map(|counts| NoisedCounts { counts, noise_stddev: 3.0 });
        let of_cell = |value| Contribution { value, noise: Some(0.01) };
        let field = |head: &str, value| FieldImportance::of((head, "<i>age"), &[of_cell(0.0), of_cell(value)], yes);
        let importance = HEADS.iter().flat_map(|head| [field(head, 1.0), field(head, 0.0)]).collect();
        let moved = |name: &str, index| Moved { name: name.into(), index };
        let index = heads[0].positives;
        let stability = Stability {
            run: 2,
            model: "cd".repeat(32),
            scores: vec![moved("churn", index)],
            fields: vec![moved("<s>age", None)],
        };
        Evaluation {
            model,
            purpose: purpose.into(),
            plan_name,
            run: 3,
            survivors: 9,
            heads,
            importance: Some(Importance::Fields(importance)),
            weights: HEADS.map(|head| FieldWeights::of((head, "<i>age"), &cells, [no, yes])).to_vec(),
            stability: Some(stability),
        }
    }

    const HEADS: [&str; 2] = ["churn", "<b>deposit</b>"];

    /// In both languages each figure is there, every tag is closed, and nothing that others have written is markup.
    #[test]
    fn a_page_has_every_figure_and_no_foreign_markup() {
        let one = evaluated("<script>alert(1)</script>", &[1.0, 8.0, 20.0, 40.0, 60.0, 30.0, 9.0, 2.0]);
        let none = evaluated("deposit", &[0.0; 8]);
        let other = OtherModel {
            name: "<em>pooled".into(),
            label: None,
            auc: Some(0.8),
            pr_auc: None,
            ks: None,
            log_loss: None,
            brier: None,
            ece: None,
        };
        let price = |epsilon| Price { label: None, epsilon, auc: 0.7 + epsilon / 100.0, stddev: Some(0.01) };
        let beside = Beside { models: vec![other], price: [1.0, 2.0, 4.0].map(price).into() };
        let file = BesideFile { path: "<q>.json".into(), beside };
        for language in [Language::English, Language::Chinese] {
            for models in [&[one.clone()][..], &[one.clone(), none.clone()]] {
                let page = page_beside(models, Some(&file), language);
                for foreign in ["<script", "<b>", "<i>", "<u>", "<s>", "<em>", "<q>"] {
                    assert!(!page.contains(foreign), "{foreign}");
                }
                assert!(page.contains("monthly &amp; more") && page.contains("&lt;em&gt;pooled"));
                for title in
                    [words::groups(), words::importance(), words::weights(), words::price(), words::group_small()]
                {
                    assert!(page.contains(&escaped(title.text(language))), "{}", title.text(language));
                }
                assert!(page.contains(&escaped(words::stability(2).text(language))));
                assert!(rows(&one.heads[0]).iter().all(|(name, _)| page.contains(&escaped(name.text(language)))));
                // For each label four charts, the price, and of each model the importance and at most four figures of groups.
                let svgs = page.matches("<svg").count();
                assert!((2 * 10..=2 * (5 + 5 * models.len())).contains(&svgs), "{svgs}");
                for tag in [
                    "table",
                    "tr",
                    "td",
                    "th",
                    "figure",
                    "figcaption",
                    "svg",
                    "title",
                    "div",
                    "p",
                    "h2",
                    "h3",
                    "small",
                    "text",
                ] {
                    let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
                    assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
                }
                assert!(!page.contains("NaN") && !page.contains("inf<"), "{page}");
            }
        }
    }
}

//! The input to an impact assessment as one page, made from its JSON alone, with a drawing of how personal information flows.

use std::fmt::Write as _;

use tributary_evidence::assessor::ImpactReport;
use tributary_evidence::paper::Paper;
use tributary_texts::{Language, Said, assessor as words, report, words as terms};

use super::processing::{activities, controller, identified};
use super::security::flows;
use crate::page::escaped;
use crate::sheet::{Page, Part, or_none, text, words_of};

const PARTS: [Part<Paper<ImpactReport>>; 8] = [
    (words::about, about),
    (words::dpia_flows, |page, file| flow(page, &file.paper)),
    (words::dpia_activities, |page, file| activities(page, &file.paper.activities)),
    (words::parameters, |page, file| parameters(page, &file.paper)),
    (words::trust, |page, file| page.list(&words_of(&file.paper.trust))),
    (words::necessity, |page, file| page.list(&words_of(&file.paper.necessity))),
    (words::risks, |page, file| risks(page, &file.paper)),
    (words::dpia_measures, |page, file| measures(page, &file.paper)),
];

/// The page.
pub(in crate::report) fn page(file: &Paper<ImpactReport>, language: Language) -> String {
    Page::of(&words::dpia_title(), &PARTS, file, language)
}

fn about(page: &mut Page, file: &Paper<ImpactReport>) {
    let of = &file.paper;
    identified(page, [&of.from, &of.to, &of.scope, &of.generator, &of.log], (file.digest(), file.key()));
    controller(page, &of.controller);
    page.note(&words::who_decides());
    page.note(&words::check_paper());
}

fn flow(page: &mut Page, of: &ImpactReport) {
    page.title(&words::drawing());
    let (members, language) = (of.controller.members.len(), page.language());
    page.drawing(|title| drawing(title, members, language), &words::drawing(), &words::drawing_note());
    flows(page, &of.flows);
}

/// Five places in a row that turns back: data, branch, coordinator above; lists and models below.
fn drawing(title: &str, members: usize, language: Language) -> String {
    const HIGH: u32 = 56;
    let say = |said: &Said| escaped(said.text(language));
    let title = escaped(title);
    let mut out = format!(
        r##"<svg viewBox="0 0 720 240" role="img" aria-label="{title}"><title>{title}</title><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#5a6675"/></marker></defs>"##
    );
    let mut place = |x: u32, y: u32, name: &Said, more: &str| {
        let _ = write!(
            out,
            r##"<rect x="{x}" y="{y}" width="150" height="{HIGH}" rx="4" fill="#fff" stroke="#1b2430"/><text class="x" x="{}" y="{}">{}</text><text class="x" x="{}" y="{}">{}</text>"##,
            x + 75,
            y + 25,
            say(name),
            x + 75,
            y + 42,
            escaped(more)
        );
    };
    place(5, 20, &words::box_data(), "");
    place(285, 20, &words::box_branch(), words::branches_count(members).text(language));
    place(565, 20, &words::coordinator(), "");
    place(285, 160, &words::box_lists(), "");
    place(565, 160, &words::models(), "");
    let mut arrow = |from: (u32, u32), to: (u32, u32), label: (u32, u32), name: &Said| {
        let _ = write!(
            out,
            r##"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="#5a6675" marker-end="url(#tip)"/><text class="x" x="{}" y="{}">{}</text>"##,
            from.0,
            from.1,
            to.0,
            to.1,
            label.0,
            label.1,
            say(name)
        );
    };
    arrow((155, 48), (283, 48), (220, 40), &words::arrow_rows());
    arrow((435, 48), (563, 48), (500, 40), &words::arrow_masked());
    arrow((640, 76), (640, 158), (590, 120), &words::arrow_sum());
    arrow((565, 170), (420, 78), (520, 116), &report::model());
    arrow((340, 76), (340, 158), (390, 120), &words::arrow_scores());
    out.push_str("</svg>");
    out
}

fn parameters(page: &mut Page, of: &ImpactReport) {
    let number = |value: Option<u32>| value.map_or_else(terms::none, text);
    let rows = of.parameters.iter().map(|line| {
        vec![
            text(&line.name),
            terms::of(&line.mode),
            or_none(line.delta.as_ref()),
            or_none(line.epsilon_plan.as_ref()),
            or_none(line.epsilon_charged.as_ref()),
            text(line.overlap_max),
            text(line.group_size),
            number(line.survivors_needed),
            number(line.honest_fewest),
            text(line.customers_nominal),
        ]
    });
    let columns = [
        report::plan(),
        report::mode(),
        report::delta(),
        report::epsilon_plan(),
        report::epsilon_charged(),
        words::overlap(),
        words::group_size(),
        report::survivors(),
        report::honest(),
        words::nominal(),
    ];
    page.table(&columns, rows.collect());
}

fn risks(page: &mut Page, of: &ImpactReport) {
    let rows = of.risks.iter().map(|line| {
        vec![
            words::of(&line.risk),
            words::of(&line.measure),
            terms::of(&line.level),
            text(&line.figure),
            words::rule_of(&line.risk),
        ]
    });
    let columns = [words::risk(), words::measure(), words::level(), report::figure(), words::rule()];
    page.table(&columns, rows.collect());
    page.note(&words::attack_tests());
}

fn measures(page: &mut Page, of: &ImpactReport) {
    page.list(&words_of(&of.measures));
    page.line(&words::incidents_of(of.incidents.0, of.incidents.1));
}

//! The month on the demo's report.

use std::path::Path;

use tributary_certs::inspect::date;
use tributary_client::contact::{LeftOut, Line};
use tributary_planning::gates::decimal;
use tributary_protocol::plan::{Date, Gate, Measure, PilotGroup};
use tributary_protocol::registry::Figure;
use tributary_texts::{Language, Said, evaluation, month as words};

use super::done::Month;
use super::exported::Exported;
use super::listed::Listed;
use super::promoted::Promoted;
use crate::model::Chapter;
use crate::page::{Entry, Section};

/// Lines of a list that are shown.
const LINES_SHOWN: usize = 5;

/// The month's chapters. `root`: the folder of the page.
pub(in crate::demo) fn chapters(month: &Month, root: &Path, language: Language) -> Vec<Chapter> {
    let mut chapters = vec![Chapter {
        title: words::gates(),
        note: Said::joined(&[words::about(), words::gates_note()], " "),
        sections: vec![gates(&month.promoted, language), steps(&month.promoted, language)],
        files: Vec::new(),
    }];
    if month.lists.is_empty() {
        return chapters;
    }
    let mut sections = vec![counts(&month.lists, language), handed_over(&month.lists, root, language)];
    // An example in the reader's language, where a branch works in it.
    let example = month.lists.iter().find(|list| list.language == language).or(month.lists.first());
    sections.extend(example.map(reasons));
    let replies = month.lists.iter().map(|list| {
        (list.reply.as_path(), Said::joined(&[words::reply(), Said::verbatim(format!("({})", list.branch))], " "))
    });
    chapters.push(Chapter {
        title: words::lists(),
        note: words::lists_note(),
        sections,
        files: replies.map(|(path, said)| (beside(path, root), said)).collect(),
    });
    let page = match language {
        Language::English => "month/scorecard.html",
        Language::Chinese => "month/scorecard.zh.html",
    };
    let files =
        [(page, words::scorecard()), ("month/card.json", words::the_card()), ("month/commands.txt", words::commands())];
    chapters.push(Chapter {
        title: words::exports(),
        note: words::exports_note(),
        sections: vec![exports(&month.exports, root)],
        files: files.map(|(path, said)| (path.to_owned(), said)).into(),
    });
    chapters
}

/// A file by its way from the page.
fn beside(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Each gate with its figure.
fn gates(promoted: &Promoted, language: Language) -> Section {
    let text = |said: Said| said.text(language).to_owned();
    let row = |(gate, figure, holds): (&Gate, Figure, bool)| {
        let bound = decimal(gate.limit);
        let bound = if gate.measure.is_at_least() { words::at_least(bound) } else { words::at_most(bound) };
        let (value, interval) = match figure {
            Figure::Measured { value, low, high } => {
                (Said::verbatim(decimal(value)), format!("{} – {}", decimal(low), decimal(high)))
            }
            Figure::Absent => (words::absent(), String::from("–")),
            Figure::NoChampion => (words::no_champion(), String::from("–")),
        };
        let label = words::of_label(measure(gate.measure), gate.label.printable());
        let verdict = if holds { words::gate_holds() } else { words::fails() };
        vec![
            Entry::of(text(label)),
            Entry::of(text(bound)),
            Entry::of(text(value)),
            Entry::of(interval),
            Entry::of(text(verdict)),
        ]
    };
    Section {
        title: words::measured(),
        note: None,
        columns: vec![
            words::gate_name(),
            words::gate_limit(),
            evaluation::estimate(),
            evaluation::interval(),
            words::verdict(),
        ],
        rows: promoted.report.report.verdicts().map(row).collect(),
    }
}

fn measure(measure: Measure) -> Said {
    match measure {
        Measure::CalibrationError => evaluation::ece(),
        Measure::Auc => evaluation::auc(),
        Measure::Ks => evaluation::ks(),
        Measure::Lift { share } => evaluation::lift(decimal(u32::from(share) * 100)),
        Measure::FoundGap => words::found_gap(),
        Measure::CalibrationGap => words::calibration_gap(),
        Measure::Stability => words::stability(),
    }
}

/// What was signed, and by whom.
fn steps(promoted: &Promoted, language: Language) -> Section {
    let text = |said: Said| said.text(language).to_owned();
    let report = &promoted.report.report;
    let row = |step: Said, result: Said, below: Option<String>| {
        vec![Entry::of(text(step)), Entry { text: text(result), below }]
    };
    let mut rows = vec![row(words::card(), words::card_made(), Some(report.card.to_string()))];
    if let Some(signed) = &promoted.report.signed {
        let validated = words::validated(signed.staff.as_str(), date(report.valid_until));
        let findings = text(words::findings(report.findings.printable()));
        rows.push(row(words::validation(), validated, Some(findings)));
    }
    let (mut note, pilots) = (None, report.gates.pilot.as_ref().map(|pilot| &pilot.group));
    match (promoted.copies, pilots) {
        (Some(copies), Some(PilotGroup::Named(names))) => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            rows.push(row(words::step_pilot(), words::piloted(names.join(", ")), None));
            rows.push(row(words::promotion(), words::promoted(copies), None));
        }
        (Some(copies), _) => rows.push(row(words::promotion(), words::promoted(copies), None)),
        (None, _) => note = Some(words::not_promoted()),
    }
    Section { title: words::steps(), note, columns: vec![words::step(), words::result()], rows }
}

/// How many are in, and left out by which rule, side by side.
fn counts(lists: &[Listed], language: Language) -> Section {
    let row = |name: Said, of: &dyn Fn(&Listed) -> u64| {
        let first = Entry::of(name.text(language));
        [first].into_iter().chain(lists.iter().map(|list| Entry::of(of(list).to_string()))).collect::<Vec<_>>()
    };
    let mut rows = vec![row(words::scored(), &|list| list.shown.rows)];
    let is_used = |rule: &LeftOut| lists.iter().any(|list| list.shown.left_out.contains_key(rule));
    rows.extend(LeftOut::ALL.into_iter().filter(is_used).map(|rule| {
        row(words::left_out(rule.said()), &|list| list.shown.left_out.get(&rule).copied().unwrap_or_default().into())
    }));
    rows.push(row(words::listed(), &|list| list.shown.summary.lines.into()));
    let branches = lists.iter().map(|list| Said::verbatim(&list.branch));
    Section {
        title: words::counted(),
        note: None,
        columns: [words::list_customers()].into_iter().chain(branches).collect(),
        rows,
    }
}

/// Approval, delivery and the bank's answer.
fn handed_over(lists: &[Listed], root: &Path, language: Language) -> Section {
    let row = |list: &Listed| {
        let summary = &list.shown.summary;
        let batch = summary.batch.map_or_else(|| "–".to_owned(), |batch| batch.to_string());
        vec![
            Entry::of(&list.branch),
            Entry::of(&summary.campaign),
            Entry::of(batch),
            Entry::of(summary.lines.to_string()),
            Entry::of(summary.stage.said().text(language)),
            Entry::of(Date::of_second(summary.valid_until).to_string()),
            Entry { text: beside(&list.file, root), below: Some(list.sha256.clone()) },
        ]
    };
    Section {
        title: words::handed_over(),
        note: Some(words::handed_over_note()),
        columns: vec![
            words::branch(),
            words::campaign(),
            words::batch(),
            words::lines(),
            words::stands(),
            words::until(),
            words::file(),
        ],
        rows: lists.iter().map(row).collect(),
    }
}

/// The first lines of a list, with their reasons.
fn reasons(list: &Listed) -> Section {
    let row = |(place, line): (usize, &Line)| {
        let Line { customer, probability, decile, points, reasons, ends, .. } = line;
        let percent = probability.parse::<f64>().map_or_else(|_| probability.clone(), |of| format!("{of:.3}"));
        let why: Vec<&str> = reasons.iter().map(String::as_str).filter(|reason| !reason.is_empty()).collect();
        let [_, action, notice] = ends;
        let separator = if list.language == Language::Chinese { "；" } else { "; " };
        vec![
            Entry::of(whose(customer, place, list.invented)),
            Entry::of(percent),
            Entry::of(decile),
            Entry::of(points),
            Entry::of(why.join(separator)),
            Entry { text: action.clone(), below: Some(notice.clone()) },
        ]
    };
    Section {
        title: words::reasons(&list.branch),
        note: Some(words::reasons_note()),
        columns: vec![
            words::customer(),
            words::probability(),
            words::tenth(),
            words::line_points(),
            words::why(),
            words::action(),
        ],
        rows: (1..).zip(list.shown.first.lines.iter().take(LINES_SHOWN)).map(row).collect(),
    }
}

/// The customer of a line: the place of the line where customers are not invented.
fn whose(customer: &str, place: usize, invented: bool) -> String {
    if invented { customer.to_owned() } else { place.to_string() }
}

/// What left the federation as files.
fn exports(exports: &[Exported], root: &Path) -> Section {
    let row = |Exported { record, path }: &Exported| {
        let format =
            record.dialect.as_ref().map_or_else(|| record.format.clone(), |own| format!("{} ({own})", record.format));
        vec![
            Entry::of(record.number.to_string()),
            Entry::of(format),
            Entry::of(&record.recipient),
            Entry::of(Date::of_second(record.valid_until).to_string()),
            Entry { text: beside(path, root), below: Some(record.digest.clone()) },
        ]
    };
    Section {
        title: words::register(),
        note: None,
        columns: vec![
            words::number(),
            words::export_format(),
            words::export_recipient(),
            words::until(),
            words::file(),
        ],
        rows: exports.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_invented_customers_alone() {
        assert_eq!([true, false].map(|invented| whose("6222020000001", 3, invented)), ["6222020000001", "3"]);
    }
}

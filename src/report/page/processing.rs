//! The record of processing activities as one page, made from its JSON alone.

use tributary_evidence::assessor::{ActivityLine, Controller, ProcessingRecord, RecipientLine};
use tributary_evidence::paper::Paper;
use tributary_texts::{Language, Said, assessor as words, report, words as terms};

use super::{facts_of, scope_of};
use crate::sheet::{LINES_MAX, Page, Part, level, moment, names, or_none, short, text, words_of, yes};

const PARTS: [Part<Paper<ProcessingRecord>>; 5] = [
    (words::about, about),
    (words::controller, |page, file| controller(page, &file.paper.controller)),
    (words::activities, |page, file| activities(page, &file.paper.activities)),
    (words::grants, grants),
    (words::measures, |page, file| page.list(&words_of(&file.paper.measures))),
];

/// The page.
pub(in crate::report) fn page(file: &Paper<ProcessingRecord>, language: Language) -> String {
    Page::of(&words::ropa_title(), &PARTS, file, language)
}

fn about(page: &mut Page, file: &Paper<ProcessingRecord>) {
    let of = &file.paper;
    identified(page, [&of.from, &of.to, &of.scope, &of.generator, &of.log], (file.digest(), file.key()));
    page.note(&words::check_paper());
}

/// Of which days and plans a paper is, what made it, and how it is named and signed.
pub(super) fn identified(page: &mut Page, [from, to, scope, generator, log]: [&str; 5], (digest, key): (&str, &str)) {
    page.facts(&[
        (report::period(), report::from_to(from, to)),
        (report::scope(), scope_of(scope)),
        (report::generator(), text(generator)),
        (words::log_head(), text(log)),
        (report::digest(), text(digest)),
        (report::signed_by(), text(key)),
    ]);
}

pub(super) fn controller(page: &mut Page, of: &Controller) {
    page.facts(&[
        (words::coordinator(), text(&of.coordinator)),
        (words::federation(), text(&of.federation)),
        (words::members(), names(&of.members)),
        (words::privacy_officers(), names(&of.privacy_officers)),
    ]);
}

pub(super) fn activities(page: &mut Page, activities: &[ActivityLine]) {
    if activities.is_empty() {
        page.note(&terms::none());
    }
    for of in activities {
        let processing = &of.processing;
        page.title(&Said::joined(&[text(&processing.name), short(&processing.plan)], ", "));
        let mut facts = facts_of(processing);
        facts.push((words::subjects(), words::customers_of_members()));
        facts.push((words::retention(), report::kept(processing.kept_dimension_max, processing.kept_days)));
        facts.push((words::transfer(), words::no_transfer()));
        facts.push((report::proposed_by(), text(&of.proposed_by)));
        facts.push((report::approved_by(), text(&of.approved_by)));
        page.facts(&facts);
        page.title(&words::categories());
        let rows = of.categories.iter().map(|line| {
            let used_as = terms::of(&line.used_as);
            vec![used_as, or_none(line.class.as_ref()), level(line.level.as_ref()), names(&line.fields)]
        });
        let columns = [report::used_as(), report::class(), report::level(), report::fields()];
        page.table(&columns, rows.collect());
        page.title(&words::recipients());
        let rows =
            of.recipients.iter().map(|line| vec![words::of(&line.who), received(line), or_none(line.until.as_ref())]);
        page.table(&[report::recipient(), words::receives(), report::until()], rows.collect());
        page.title(&terms::runs());
        let rows = of.runs.iter().map(|run| {
            let ended = run.ended.as_deref().map_or_else(terms::none, moment);
            vec![text(run.number), moment(&run.begun), ended, terms::of(&run.state)]
        });
        page.table(&[report::number(), report::begun(), report::ended(), report::state()], rows.collect());
    }
}

/// What somebody receives, with a mark where the model was withdrawn.
fn received(line: &RecipientLine) -> Said {
    let what = words::of(&line.what);
    if line.void { words::void_file(what) } else { what }
}

fn grants(page: &mut Page, file: &Paper<ProcessingRecord>) {
    let grants = &file.paper.grants;
    if grants.is_empty() {
        return page.note(&words::no_grants());
    }
    let rows = grants.iter().take(LINES_MAX).map(|line| {
        vec![
            short(&line.grant),
            text(&line.subject),
            names(&line.branches),
            text(line.runs),
            text(&line.from),
            text(&line.until),
            yes(line.withdrawn),
        ]
    });
    let columns = [
        words::grant(),
        words::grant_subject(),
        report::branches(),
        words::granted_runs(),
        words::first_day(),
        words::last_day(),
        words::withdrawn(),
    ];
    page.table(&columns, rows.collect());
    if grants.len() > LINES_MAX {
        page.note(&report::more_of_them(LINES_MAX, grants.len()));
    }
}

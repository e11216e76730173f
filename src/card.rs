//! A model card as one page of HTML, made from its JSON alone.

use tributary_evidence::card::{Card, CardFile, Input};
use tributary_evidence::report::FigureLine;
use tributary_texts::{Language, Said, card as words, report as shared, words as terms};

use crate::sheet::{Page, level, names, or_none, text, yes};

/// The page.
pub(crate) fn page(file: &CardFile, language: Language) -> String {
    let card = &file.paper;
    let headings = [
        words::what_it_is(),
        words::use_of_it(),
        words::learnt_from(),
        words::privacy(),
        words::figures(),
        words::fields(),
        words::review(),
        words::signature(),
    ];
    let mut page = Page::new(&words::title(&card.purpose), &headings, language);
    let mut next = headings.iter();
    let mut heading = |page: &mut Page| next.next().into_iter().for_each(|said| page.heading(said));
    heading(&mut page);
    page.facts(&[
        (shared::model(), text(&card.model)),
        (shared::purpose(), text(&card.purpose)),
        (shared::plan(), text(format!("{} ({})", card.plan_name, card.plan))),
        (shared::run(), text(card.run)),
        (terms::plan_owner(), text(&card.owner)),
        (shared::parent(), or_none(card.parent.as_ref())),
        (words::made(), text(tributary_certs::inspect::date(card.made_at))),
    ]);
    heading(&mut page);
    use_of_it(&mut page, card);
    heading(&mut page);
    learnt_from(&mut page, card);
    heading(&mut page);
    let privacy = &card.privacy;
    page.facts(&[
        (shared::mode(), terms::of(&privacy.mode)),
        (words::epsilon(), or_none(privacy.epsilon.as_ref())),
        (shared::delta(), or_none(privacy.delta.as_ref())),
        (words::rounds(), text(privacy.rounds)),
        (words::complete(), yes(privacy.complete)),
        (words::statement(), text(&privacy.statement)),
    ]);
    heading(&mut page);
    page.note(&words::figures_note());
    figures(&mut page, &card.figures);
    heading(&mut page);
    match card.fields.importance.as_str() {
        "measured" if card.fields.below_noise.is_empty() => page.line(&words::all_above_noise()),
        "measured" => {
            page.line(&words::below_noise());
            let rows = card.fields.below_noise.iter().map(|weak| vec![text(&weak.label), text(&weak.field)]);
            page.table(&[shared::label(), shared::fields()], rows.collect());
        }
        "not-additive" => page.note(&words::not_additive()),
        _ => page.note(&words::no_counts()),
    }
    heading(&mut page);
    page.line(&words::review_by(&card.review.by));
    page.list(&card.review.when.iter().map(|code| demands(code)).collect::<Vec<_>>());
    heading(&mut page);
    page.facts(&[(shared::signed_by(), text(file.key())), (shared::digest(), text(file.digest()))]);
    page.note(&words::check_it());
    page.closed()
}

fn use_of_it(page: &mut Page, card: &Card) {
    let used = &card.use_of_it;
    page.facts(&[
        (shared::intended(), text(&used.intended)),
        (shared::prohibited(), text(&used.prohibited)),
        (shared::materiality(), terms::of(&used.materiality)),
    ]);
    page.title(&words::limits());
    page.list(&used.limits.iter().map(|code| limit(code, &card.learnt_from.group)).collect::<Vec<_>>());
}

fn learnt_from(page: &mut Page, card: &Card) {
    let from = &card.learnt_from;
    page.facts(&[
        (shared::legal_basis(), text(&from.legal_basis)),
        (shared::assets(), names(&from.assets)),
        (shared::as_of(), or_none(from.as_of.as_ref())),
        (words::run_days(), words::from_to(&from.run_begun, &from.run_ended)),
        (words::customers(), text(from.customers_nominal)),
        (words::group(), text(&from.group)),
        (words::schema(), text(&from.schema)),
        (words::labels(), names(&from.labels)),
    ]);
    let rows = |inputs: &[Input], used_as: &str| -> Vec<Vec<Said>> {
        let row =
            |input: &Input| vec![text(&input.name), terms::of(used_as), text(&input.class), level(Some(&input.level))];
        inputs.iter().map(row).collect()
    };
    let all = rows(&from.inputs, "input").into_iter().chain(rows(&from.audited, "audited")).collect();
    page.table(&[shared::fields(), shared::used_as(), shared::class(), shared::level()], all);
}

/// Figures with their intervals; a note where there are none.
pub(crate) fn figures(page: &mut Page, figures: &[FigureLine]) {
    if figures.is_empty() {
        return page.note(&shared::no_figures());
    }
    let rows = figures.iter().map(|line| {
        let interval = text(format!("{} - {}", line.low, line.high));
        vec![text(&line.label), terms::of(&line.figure), or_none(line.group.as_ref()), text(&line.value), interval]
    });
    let columns = [shared::label(), shared::figure(), shared::group(), shared::value(), shared::interval()];
    page.table(&columns, rows.collect());
}

/// A limit of use, in words.
pub(crate) fn limit(code: &str, group: &str) -> Said {
    match code {
        "group" => words::limit_group(group),
        "no-noise" => words::limit_no_noise(),
        "incomplete" => words::limit_incomplete(),
        "not-evaluated" => words::limit_not_evaluated(),
        "noise-alone" => words::limit_noise_alone(),
        "groups-not-compared" => words::limit_groups(),
        "fields-not-compared" => words::limit_fields(),
        other => text(other),
    }
}

fn demands(code: &str) -> Said {
    match code {
        "schema" => words::when_schema(),
        "gates-end" => words::when_gates_end(),
        "stability" => words::when_stability(),
        "attacks" => words::when_attacks(),
        "no-limits" => words::when_no_limits(),
        other => text(other),
    }
}

//! What attacks came to, for people: lines of a terminal, and a page made from the JSON file alone.

use tributary_evidence::attacks::{Attacks, AttacksFile, Measured};
use tributary_texts::{Language, Said, attacks as words, month, report as shared};

use crate::sheet::{Page, or_none, short, text};

/// The page.
pub(crate) fn page(file: &AttacksFile, language: Language) -> String {
    let found = &file.findings;
    let headings = [words::rows(), words::results(), words::poisoning(), words::verdict()];
    let mut page = Page::new(&words::title(short(&found.model)), &headings, language);
    page.heading(&headings[0]);
    let kind = if found.rows.kind == "public" { words::public() } else { words::invented() };
    page.facts(&[
        (shared::model(), text(&found.model)),
        (shared::plan(), text(&found.plan)),
        (shared::run(), text(found.run)),
        (words::kind(), kind),
        (words::branches(), text(found.rows.branches)),
        (words::members(), text(found.rows.members)),
        (words::others(), text(found.rows.others)),
        (words::claimed(), or_none(found.claimed.as_ref())),
        (shared::delta(), or_none(found.delta.as_ref())),
        (words::signed_by(), file.staff().map_or_else(tributary_texts::words::none, text)),
        (shared::digest(), text(file.digest())),
    ]);
    page.heading(&headings[1]);
    attacks(&mut page, found);
    page.heading(&headings[2]);
    poisoning(&mut page, found);
    page.heading(&headings[3]);
    page.line(&verdict(found));
    page.closed()
}

/// The table of attacks, with what each figure means.
pub(crate) fn attacks(page: &mut Page, found: &Attacks) {
    let rows = lines(found).into_iter().map(Vec::from).collect();
    page.table(&[words::attack(), month::result(), words::meaning()], rows);
}

/// Branches that turn their labels.
fn poisoning(page: &mut Page, found: &Attacks) {
    let rows = found.poisoning.iter().map(|line| {
        vec![text(line.branches), text(&line.label), or_none(line.auc.as_ref()), or_none(line.fall.as_ref())]
    });
    page.table(&[words::liars(), shared::label(), words::auc(), words::fall()], rows.collect());
}

/// The verdict in a sentence.
pub(crate) fn verdict(found: &Attacks) -> Said {
    match (found.alarm, &found.claimed) {
        (true, _) => words::alarm(),
        (false, Some(_)) if found.is_powerless() => words::powerless(),
        (false, Some(_)) if found.canary.is_some() => words::no_alarm(),
        (false, Some(_)) => words::not_tested(),
        (false, None) => words::no_claim(),
    }
}

/// The same for a terminal.
pub(super) fn told(found: &Attacks) -> Vec<Said> {
    let mut told = vec![words::title(&found.model)];
    told.extend(lines(found).map(|parts| Said::joined(&parts, "; ")));
    let liars = found.poisoning.iter().map(|line| {
        let parts = [
            Said::joined(&[words::liars(), text(line.branches)], " "),
            text(&line.label),
            Said::joined(&[words::auc(), or_none(line.auc.as_ref())], " "),
            Said::joined(&[words::fall(), or_none(line.fall.as_ref())], " "),
        ];
        Said::joined(&parts, "; ")
    });
    told.extend(liars);
    told.push(verdict(found));
    told
}

/// Each attack, its result, and what that means.
fn lines(found: &Attacks) -> [[Said; 3]; 7] {
    let interval = |measured: &Measured| words::of_interval(&measured.value, &measured.low, &measured.high);
    let or_not = |said: Option<Said>| said.unwrap_or_else(words::not_tested);
    let membership = found.membership.as_ref();
    let few = membership.map_or_else(words::not_tested, |_| words::found_too_few());
    let rebuilt = found.reconstruction.as_ref();
    let spread = found.spread.as_ref();
    let runs = spread.map_or(0, |spread| spread.runs);
    let claimed = or_none(found.claimed.as_ref());
    [
        [
            words::membership(),
            or_not(membership.and_then(|line| line.auc.as_ref()).map(interval)),
            words::membership_means(),
        ],
        [words::found(), membership.and_then(|line| line.found.as_ref()).map_or(few, interval), words::found_means()],
        [
            words::canary(),
            or_not(found.canary.as_ref().map(|line| text(&line.epsilon_low))),
            found
                .canary
                .as_ref()
                .map_or_else(Said::empty, |line| words::canary_means(claimed, line.trials, &line.epsilon_most)),
        ],
        [
            words::exact(),
            or_not(rebuilt.map(|line| interval(&line.exact))),
            rebuilt.map_or_else(Said::empty, |line| words::exact_means(&line.by_chance, line.candidates)),
        ],
        [
            words::exact_bare(),
            or_not(rebuilt.map(|line| interval(&line.exact_without_noise))),
            words::exact_bare_means(),
        ],
        [words::spread_auc(), or_not(spread.and_then(|line| line.auc.as_ref()).map(text)), words::spread_means(runs)],
        [
            words::spread_score(),
            or_not(spread.and_then(|line| line.score.as_ref()).map(text)),
            words::spread_means(runs),
        ],
    ]
}

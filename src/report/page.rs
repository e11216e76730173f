//! A compliance report as one page of HTML, made from its JSON alone: the same file gives the same bytes. Every number on the page stands in the file.

mod charts;
pub(super) mod impact;
mod late;
pub(super) mod processing;
pub(super) mod security;

use tributary_evidence::report::{ComplianceReport, PersonLine, Preset, Processing, ReportFile, RunLine};
use tributary_texts::{Language, Said, report as words, words as terms};

use crate::sheet::{LINES_MAX, Page, Part, level, moment, names, or_none, short, stage, text};

/// The sections, in the order of their numbers.
const PARTS: [Part<ReportFile>; 19] = [
    (words::cover, cover),
    (words::summary, |page, file| summary(page, &file.report)),
    (words::parties, |page, file| parties(page, &file.report)),
    (words::processing, |page, file| of_plans(page, &file.report)),
    (words::runs, |page, file| runs(page, &file.report)),
    (words::settings, |page, file| settings(page, &file.report)),
    (words::spending, |page, file| spending(page, &file.report)),
    (words::deviations, |page, file| deviations(page, &file.report)),
    (words::sent, |page, file| late::sent(page, &file.report)),
    (words::security, |page, file| late::security(page, &file.report)),
    (words::duties, |page, file| late::duties(page, &file.report)),
    (words::integrity, |page, file| late::integrity(page, &file.report)),
    (words::attacks, |page, file| late::attacks(page, &file.report)),
    (words::models, |page, file| late::models(page, &file.report)),
    (words::incidents, |page, file| late::incidents(page, &file.report)),
    (words::retention, |page, file| late::retention(page, &file.report)),
    (words::questions, |page, file| late::questions(page, &file.report)),
    (words::controls, |page, _| late::controls(page)),
    (words::annex, |page, file| late::annex(page, &file.report)),
];

/// The page.
pub(super) fn page(file: &ReportFile, language: Language) -> String {
    Page::of(&words::title(), &PARTS, file, language)
}

/// Of which plans a report is.
fn scope_of(scope: &str) -> Said {
    if scope == "all" { words::scope_all() } else { text(scope) }
}

fn cover(page: &mut Page, file: &ReportFile) {
    let report = &file.report;
    let preset = match report.preset.as_deref() {
        Some(name) if name == Preset::Yearly.name() => words::preset_yearly(),
        Some(name) if name == Preset::PersonalInformation.name() => words::preset_personal_information(),
        Some(name) if name == Preset::Leak.name() => words::preset_leak(),
        _ => words::preset_none(),
    };
    page.facts(&[
        (words::occasion(), preset),
        (words::period(), words::from_to(&report.from, &report.to)),
        (words::scope(), scope_of(&report.scope)),
        (words::generator(), text(&report.generator)),
        (words::digest(), text(file.digest())),
        (words::signed_by(), text(file.key())),
    ]);
    page.note(&words::check_it());
}

fn summary(page: &mut Page, report: &ComplianceReport) {
    let sum = &report.summary;
    page.line(&words::summary_runs(sum.plans, sum.runs, sum.rounds_committed, sum.rounds_charged));
    page.line(&words::summary_troubles(sum.rounds_aborted, sum.dropouts, sum.refusals, sum.stops));
    page.line(&words::summary_models(sum.models, sum.decisions, sum.decisions_alone));
    let log = &report.integrity;
    let seen = log.witnesses.iter().map(|witness| witness.entries).max().unwrap_or_default();
    page.line(&words::summary_witnessed(log.entries, log.entries.saturating_sub(seen)));
    page.title(&words::not_guaranteed());
    page.list(&[words::not_other_releases(), words::not_overlap(), words::not_end_cut(), words::not_model_anonymous()]);
}

fn parties(page: &mut Page, report: &ComplianceReport) {
    page.title(&words::branches());
    let branches = report.parties.branches.iter();
    let rows = branches.map(|branch| vec![text(branch.client), text(&branch.name), text(&branch.until)]);
    page.table(&[words::number(), words::name(), words::until()], rows.collect());
    page.title(&words::people());
    let rows = report.parties.people.iter().map(|person| vec![text(&person.staff), roles_of(person)]);
    page.table(&[words::staff(), words::role()], rows.collect());
    page.note(&words::not_in_log_roles());
    page.title(&words::rosters());
    let rows = report.parties.rosters.iter().map(|line| {
        vec![moment(&line.at), text(line.epoch), names(&line.joined), names(&line.left), names(&line.people)]
    });
    let columns = [words::when(), words::roster(), words::joined(), words::left(), words::people_changed()];
    page.table(&columns, rows.collect());
}

/// Somebody's roles, each with its days.
fn roles_of(person: &PersonLine) -> Said {
    let roles = person.roles.iter().map(|line| {
        let role = terms::of(&line.role);
        let role = match &line.deputy_of {
            Some(staff) => words::role_deputy(role, staff),
            None => role,
        };
        words::role_from_to(role, &line.from, &line.until)
    });
    Said::joined(&roles.collect::<Vec<_>>(), "; ")
}

fn of_plans(page: &mut Page, report: &ComplianceReport) {
    page.note(&words::not_in_log_processing());
    for of in &report.processing {
        page.title(&text(format!("{} ({})", of.name, of.plan.chars().take(16).collect::<String>())));
        page.facts(&facts_of(of));
        let Some(fields) = &of.fields else {
            page.note(&words::fields_unknown());
            continue;
        };
        let rows = fields.iter().map(|field| {
            let used_as = terms::of(&field.used_as);
            vec![text(&field.name), used_as, or_none(field.class.as_ref()), level(field.level.as_ref())]
        });
        page.table(&[words::fields(), words::used_as(), words::class(), words::level()], rows.collect());
    }
}

fn facts_of(of: &Processing) -> Vec<(Said, Said)> {
    let agreements = of.agreements.iter();
    let agreements: Vec<Said> =
        agreements.map(|line| words::agreement(line.organisation, &line.reference, &line.until)).collect();
    let agreements = if agreements.is_empty() { terms::none() } else { Said::joined(&agreements, "; ") };
    vec![
        (words::purpose(), text(&of.purpose)),
        (words::legal_basis(), text(&of.legal_basis)),
        (words::assessment(), words::of_day(&of.assessment, &of.assessment_day)),
        (words::ticket(), text(&of.ticket)),
        (words::assets(), names(&of.assets)),
        (words::intended(), text(&of.intended_use)),
        (words::prohibited(), text(&of.prohibited_use)),
        (words::materiality(), terms::of(&of.materiality)),
        (words::review_by(), text(&of.review_by)),
        (words::agreements(), agreements),
        (words::as_of(), or_none(of.as_of.as_ref())),
        (words::level_max(), level(of.level_max.as_ref())),
    ]
}

fn run_name(run: &RunLine) -> Said {
    text(format!("{}, {}", run.name, run.number))
}

fn runs(page: &mut Page, report: &ComplianceReport) {
    let rows = report.runs.iter().map(|run| {
        vec![
            run_name(run),
            moment(&run.begun),
            run.ended.as_deref().map_or_else(terms::none, moment),
            terms::of(&run.state),
            text(&run.proposed_by),
            text(&run.approved_by),
            text(format!("{} / {}", run.committed, run.rounds)),
            words::sums_of(run.sums_verified, run.sums_verified.saturating_add(run.sums_not_verified)),
            run.model.as_deref().map_or_else(terms::none, short),
        ]
    });
    let columns = [
        words::run(),
        words::begun(),
        words::ended(),
        words::state(),
        words::proposed_by(),
        words::approved_by(),
        words::rounds(),
        words::sums(),
        words::model(),
    ];
    page.table(&columns, rows.collect());
}

fn settings(page: &mut Page, report: &ComplianceReport) {
    page.note(&words::settings_note());
    let number = |value: Option<u32>| value.map_or_else(terms::none, text);
    let rows = report.runs.iter().map(|run| {
        vec![
            run_name(run),
            terms::of(&run.mode),
            or_none(run.delta.as_ref()),
            or_none(run.epsilon_plan.as_ref()),
            or_none(run.epsilon_run.as_ref()),
            or_none(run.epsilon_charged.as_ref()),
            or_none(run.epsilon_released.as_ref()),
            Said::joined(&[number(run.survivors_needed), number(run.survivors_fewest)], " / "),
            number(run.honest_fewest),
        ]
    });
    let columns = [
        words::run(),
        words::mode(),
        words::delta(),
        words::epsilon_plan(),
        words::epsilon_run(),
        words::epsilon_charged(),
        words::epsilon_released(),
        words::survivors(),
        words::honest(),
    ];
    page.table(&columns, rows.collect());
    page.title(&words::stages());
    let rows = report.runs.iter().flat_map(|run| {
        run.stages.iter().map(move |of| {
            vec![
                run_name(run),
                stage(of.number, &of.kind),
                text(of.rounds),
                text(of.committed),
                text(of.charged),
                or_none(of.noise_multiplier.as_ref()),
                text(&of.sampling_rate),
            ]
        })
    });
    let columns = [
        words::run(),
        words::stage(),
        words::planned(),
        words::committed(),
        words::charged(),
        words::noise_multiplier(),
        words::sampling_rate(),
    ];
    page.table(&columns, rows.collect());
}

fn spending(page: &mut Page, report: &ComplianceReport) {
    let spending = &report.spending;
    page.note(&words::spending_note());
    let rows = spending.branches.iter().map(|line| {
        vec![
            text(&line.name),
            text(&line.delta),
            or_none(line.opening.as_ref()),
            text(&line.closing),
            text(&line.year),
            or_none(line.cap_year.as_ref()),
            or_none(line.cap_life.as_ref()),
            text(line.counter),
            text(line.withdrawn),
        ]
    });
    let columns = [
        words::name(),
        words::delta(),
        words::opening(),
        words::closing(),
        words::within_year(),
        words::cap_year(),
        words::cap_life(),
        words::counter(),
        words::withdrawn(),
    ];
    page.table(&columns, rows.collect());
    let months: Vec<&str> = spending.months.iter().map(|line| line.month.as_str()).collect();
    for group in &spending.groups {
        let title = words::spending_of(&group.group, &group.delta);
        page.title(&title);
        page.drawing(|title| charts::epsilon(title, &months, group), &title, &words::spending_axes());
        let rows = months.iter().zip(&group.epsilon).map(|(month, epsilon)| vec![text(month), text(epsilon)]);
        page.table(&[words::month(), words::epsilon_charged()], rows.collect());
    }
    page.title(&words::months());
    page.drawing(|title| charts::rounds(title, &spending.months), &words::months(), &words::months_axes());
    let rows = spending.months.iter().map(|line| {
        vec![text(&line.month), text(line.charged), text(line.committed), text(line.aborted), text(line.dropouts)]
    });
    let columns = [words::month(), words::charged(), words::committed(), words::aborted(), words::dropouts()];
    page.table(&columns, rows.collect());
}

fn deviations(page: &mut Page, report: &ComplianceReport) {
    let rows = report.deviations.iter().take(LINES_MAX).map(|line| {
        vec![
            moment(&line.at),
            or_none(line.run.as_ref()),
            terms::of(&line.what),
            or_none(line.who.as_ref()),
            text(&line.why),
        ]
    });
    page.table(&[words::when(), words::run(), words::what(), words::who(), words::why()], rows.collect());
    if report.deviations.len() > LINES_MAX {
        page.note(&words::more_of_them(LINES_MAX, report.deviations.len()));
    }
}

#[cfg(test)]
#[cfg(feature = "client")]
mod tests;

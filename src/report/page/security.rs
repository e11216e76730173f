//! The security report as one page, made from its JSON alone.

use tributary_evidence::assessor::{FlowLine, SecurityReport};
use tributary_evidence::paper::Paper;
use tributary_texts::{Language, Said, assessor as words, report};

use super::roles_of;
use crate::sheet::{Page, Part, text, words_of};

const PARTS: [Part<Paper<SecurityReport>>; 8] = [
    (words::about, about),
    (words::flows, |page, file| {
        page.note(&words::flows_note());
        flows(page, &file.paper.flows);
    }),
    (words::cryptography, cryptography),
    (words::certificates, certificates),
    (words::roles, roles),
    (words::hardening, hardening),
    (words::not_promised, |page, file| page.list(&words_of(&file.paper.not_promised))),
    (words::versions, versions),
];

/// The page.
pub(in crate::report) fn page(file: &Paper<SecurityReport>, language: Language) -> String {
    Page::of(&words::security_title(), &PARTS, file, language)
}

fn about(page: &mut Page, file: &Paper<SecurityReport>) {
    let of = &file.paper;
    page.facts(&[
        (words::coordinator(), text(&of.coordinator)),
        (words::federation(), text(&of.federation)),
        (words::made(), text(&of.made)),
        (report::generator(), text(&of.generator)),
        (report::digest(), text(file.digest())),
        (report::signed_by(), text(file.key())),
    ]);
    page.note(&words::check_paper());
}

pub(super) fn flows(page: &mut Page, flows: &[FlowLine]) {
    let rows = flows.iter().map(|flow| {
        vec![
            text(flow.number),
            Said::joined(&[words::of(&flow.from), words::of(&flow.to)], " → "),
            Said::joined(&[text(&flow.address), words::of(&flow.protocol)], ", "),
            words::of(&flow.carries),
            words::of(&flow.protection),
        ]
    });
    let columns = [report::number(), words::from_and_to(), words::address(), words::carries(), words::protection()];
    page.table(&columns, rows.collect());
}

fn cryptography(page: &mut Page, file: &Paper<SecurityReport>) {
    page.note(&words::crypto_note());
    let rows = file.paper.cryptography.iter().map(|line| {
        vec![
            words::of(&line.used_for),
            text(&line.algorithm),
            text(&line.bits),
            words::of(&line.key_place),
            text(format!("{} ({})", line.standard, line.libraries.join(", "))),
        ]
    });
    let columns = [report::used_for(), report::algorithm(), words::bits(), words::key_place(), words::standard()];
    page.table(&columns, rows.collect());
}

fn certificates(page: &mut Page, file: &Paper<SecurityReport>) {
    let rows = file.paper.certificates.iter().map(|line| {
        vec![
            words::of(&line.what),
            text(&line.subject),
            text(&line.key),
            text(&line.from),
            text(&line.until),
            text(line.days_left),
            text(&line.serial),
        ]
    });
    let columns = [
        report::what(),
        words::subject(),
        words::key(),
        words::first_day(),
        words::last_day(),
        words::days_left(),
        words::serial(),
    ];
    page.table(&columns, rows.collect());
}

fn roles(page: &mut Page, file: &Paper<SecurityReport>) {
    let of = &file.paper;
    page.title(&report::branches());
    let rows = of.members.iter().map(|branch| vec![text(branch.client), text(&branch.name), text(&branch.until)]);
    page.table(&[report::number(), report::name(), report::until()], rows.collect());
    page.title(&report::people());
    let rows = of.people.iter().map(|person| vec![text(&person.staff), roles_of(person)]);
    page.table(&[report::staff(), report::role()], rows.collect());
    page.facts(&[(report::roster(), text(of.roster))]);
}

fn hardening(page: &mut Page, file: &Paper<SecurityReport>) {
    let rows =
        file.paper.hardening.iter().map(|line| vec![words::of(&line.what), words::of(&line.state), text(&line.found)]);
    page.table(&[report::what(), report::state(), words::found()], rows.collect());
}

fn versions(page: &mut Page, file: &Paper<SecurityReport>) {
    let of = &file.paper;
    let rows = of.versions.iter().map(|line| vec![words::of(&line.what), text(&line.version)]);
    page.table(&[report::what(), words::version()], rows.collect());
    page.line(&words::components(&of.sbom.digest, of.sbom.packages));
}

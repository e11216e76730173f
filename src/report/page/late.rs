//! The sections from what left the branches on.

use tributary_evidence::report::{ComplianceReport, Duty, IncidentLine, ModelLine, PointsLine, RunLine, Signer};
use tributary_texts::attacks as attacked;
use tributary_texts::{
    Said, assessor, card as of_card, controls as mapping, evaluation, questions as asked, report as words,
    words as terms,
};

use crate::sheet::{LINES_MAX, Page, moment, names, or_none, short, stage, text, yes};
use crate::{card, five_parts, redteam};

pub(super) fn sent(page: &mut Page, report: &ComplianceReport) {
    page.note(&words::sent_note());
    let rows = report.sent.iter().map(|line| {
        vec![
            text(&line.run),
            stage(line.stage, &line.kind),
            text(line.coordinates),
            text(line.bits),
            text(line.uploads),
            text(line.bytes),
            terms::yes(),
            yes(line.noised),
        ]
    });
    let columns = [
        words::run(),
        words::stage(),
        words::coordinates(),
        words::bits(),
        words::uploads(),
        words::bytes(),
        words::masked(),
        words::noised(),
    ];
    page.table(&columns, rows.collect());
}

pub(super) fn security(page: &mut Page, report: &ComplianceReport) {
    let security = &report.security;
    let rows = security.algorithms.iter().map(|line| vec![assessor::of(&line.used_for), text(&line.algorithm)]);
    page.table(&[words::used_for(), words::algorithm()], rows.collect());
    page.list(&[
        words::signatures(security.signatures),
        words::entries_ended(names(&security.entries_ended)),
        words::put_out(security.evicted),
        words::not_certified(),
        words::not_in_log_certificates(),
    ]);
}

pub(super) fn duties(page: &mut Page, report: &ComplianceReport) {
    let rows = report.duties.iter().take(LINES_MAX).map(|duty| {
        let signers = match duty.signers.as_slice() {
            [] => words::signers_unknown(),
            signers => signers_of(signers),
        };
        vec![moment(&duty.at), decided(duty), short(&duty.subject), signers, or_none(duty.why.as_ref())]
    });
    let columns = [words::when(), words::what(), words::subject(), words::signed_by_whom(), words::why()];
    page.table(&columns, rows.collect());
    if report.duties.len() > LINES_MAX {
        page.note(&words::more_of_them(LINES_MAX, report.duties.len()));
    }
}

/// What was decided, with its number where such decisions are counted.
fn decided(duty: &Duty) -> Said {
    let what = terms::of(&duty.what);
    duty.number.map_or(what.clone(), |number| words::decision_of_number(what, number))
}

fn signers_of(signers: &[Signer]) -> Said {
    let signers = signers.iter().map(|one| {
        let role = terms::of(&one.role);
        Said::joined(&[terms::signed_of(&one.what), text(&one.staff), role, moment(&one.at)], ", ")
    });
    Said::joined(&signers.collect::<Vec<_>>(), "; ")
}

pub(super) fn integrity(page: &mut Page, report: &ComplianceReport) {
    let log = &report.integrity;
    page.line(&words::entries(log.entries, log.entries_in_period));
    if let (Some(first), Some(last)) = (&log.first, &log.last) {
        page.line(&words::first_last(moment(first), moment(last)));
    }
    page.line(&words::verified());
    page.facts(&[(words::head(), text(&log.head)), (words::root(), text(&log.root))]);
    page.title(&words::witnesses());
    if log.witnesses.is_empty() {
        return page.note(&words::no_witnesses());
    }
    let branches = &report.parties.branches;
    let rows = log.witnesses.iter().map(|witness| {
        let branch = branches.iter().find(|branch| branch.client == witness.client);
        let name = branch.map_or_else(|| text(witness.client), |branch| text(&branch.name));
        vec![name, words::witnessed(witness.entries)]
    });
    page.table(&[words::name(), words::what()], rows.collect());
}

/// Of each model what attacks on it came to; a model that nobody attacked says so.
pub(super) fn attacks(page: &mut Page, report: &ComplianceReport) {
    page.note(&words::attacks_note());
    for model in &report.models {
        if model.attacks.is_empty() {
            page.line(&attacked::none_of_model(short(&model.model)));
            continue;
        }
        page.title(&evaluation::title(short(&model.model)));
        for line in &model.attacks {
            page.line(&attacked::signed_line(&line.staff));
            match &line.findings {
                Some(findings) => {
                    redteam::attacks(page, findings);
                    page.line(&redteam::verdict(findings));
                }
                None if line.alarm => page.line(&attacked::alarm()),
                None => page.note(&attacked::gone(short(&line.digest))),
            }
        }
    }
}

pub(super) fn models(page: &mut Page, report: &ComplianceReport) {
    if report.models.is_empty() {
        page.note(&terms::none());
    }
    for model in &report.models {
        of_model(page, model);
    }
}

fn of_model(page: &mut Page, model: &ModelLine) {
    page.title(&Said::joined(&[short(&model.model), terms::of(&model.state)], ", "));
    page.facts(&[
        (words::purpose(), text(&model.purpose)),
        (words::plan(), Said::joined(&[short(&model.plan), text(model.run)], ", ")),
        (words::parent(), model.parent.as_deref().map_or_else(terms::none, short)),
        (words::registered(), moment(&model.registered)),
    ]);
    card::figures(page, &model.figures);
    if !model.figures.is_empty() && model.figures.iter().all(|line| line.group.is_none()) {
        page.note(&of_card::limit_groups());
    }
    if !model.gates.is_empty() {
        five_parts::gates(page, &model.gates);
    }
    match (&model.validator, &model.valid_until) {
        (Some(staff), Some(until)) => {
            page.line(&words::validation(staff, until));
            let findings = model.findings.iter().map(words::findings);
            page.list(&findings.chain(model.conditions.iter().map(words::condition)).collect::<Vec<_>>());
        }
        _ => page.note(&words::not_validated()),
    }
    if !model.points.is_empty() {
        page.line(&words::points_set(model.points.len()));
        page.list(&model.points.iter().map(of_points).collect::<Vec<_>>());
    }
}

/// What two people set in the place of the model's points.
fn of_points(line: &PointsLine) -> Said {
    let Some(set) = &line.set else { return words::points_gone(line.number, moment(&line.at), short(&line.change)) };
    let values = words::points_of(&set.label, set.bin, &set.field, &set.values, set.before, set.after);
    Said::joined(
        &[
            words::points_change(line.number, moment(&line.at), values),
            signers_of(&set.signers),
            words::points_reason(&set.reason),
        ],
        "; ",
    )
}

pub(super) fn incidents(page: &mut Page, report: &ComplianceReport) {
    let sum = &report.summary;
    page.line(&words::incidents_note(sum.stops, sum.rounds_aborted, sum.rounds_charged));
    if report.incidents.is_empty() {
        page.note(&words::no_incidents());
    }
    for incident in &report.incidents {
        of_incident(page, incident);
    }
    page.title(&words::looks());
    if report.looks.is_empty() {
        return page.note(&words::no_looks());
    }
    let rows = report.looks.iter().take(LINES_MAX).map(|look| {
        let days = match (&look.from, &look.to) {
            (Some(from), Some(to)) => words::from_to(from, to),
            _ => terms::none(),
        };
        vec![moment(&look.at), text(&look.staff), terms::of(&look.what), days, text(&look.scope), text(look.entry)]
    });
    let columns = [words::when(), words::who(), words::what(), words::period(), words::scope(), words::entry_of_log()];
    page.table(&columns, rows.collect());
    if report.looks.len() > LINES_MAX {
        page.note(&words::more_of_them(LINES_MAX, report.looks.len()));
    }
}

fn of_incident(page: &mut Page, incident: &IncidentLine) {
    page.title(&words::incident(incident.number, terms::of(&incident.state), terms::of(&incident.severity)));
    let closed = match (&incident.closed, &incident.closed_by) {
        (Some(at), Some(by)) => Said::joined(&[moment(at), text(by)], ", "),
        _ => terms::none(),
    };
    page.facts(&[
        (words::digest_of_incident(), text(&incident.incident)),
        (words::happened(), moment(&incident.happened)),
        (words::opened(), Said::joined(&[moment(&incident.opened), text(&incident.opened_by)], ", ")),
        (words::closed(), closed),
    ]);
    let rows = incident.timeline.iter().take(LINES_MAX).map(|line| {
        let who = [line.run.as_deref().map(text), line.who.as_deref().map(text), line.role.as_deref().map(terms::of)];
        let who: Vec<Said> = who.into_iter().flatten().collect();
        let who = if who.is_empty() { terms::none() } else { Said::joined(&who, ", ") };
        let severity = line.severity.as_deref().map_or_else(terms::none, terms::of);
        vec![moment(&line.at), terms::of(&line.what), who, severity, text(&line.text), text(line.entry)]
    });
    let columns = [words::when(), words::what(), words::who(), words::severity(), words::why(), words::entry_of_log()];
    page.table(&columns, rows.collect());
    if incident.timeline.len() > LINES_MAX {
        page.note(&words::more_of_them(LINES_MAX, incident.timeline.len()));
    }
}

pub(super) fn retention(page: &mut Page, report: &ComplianceReport) {
    let lines = report.processing.iter().map(|of| {
        let kept = words::kept(of.kept_dimension_max, of.kept_days);
        Said::joined(&[text(&of.name), kept], ": ")
    });
    page.list(&lines.collect::<Vec<_>>());
    page.title(&words::exports());
    let rows = report.exports.iter().map(|line| {
        vec![
            text(line.number),
            short(&line.model),
            text(&line.file_format),
            text(&line.recipient),
            text(&line.made),
            text(&line.until),
            short(&line.digest),
            yes(line.void),
        ]
    });
    let columns = [
        words::number(),
        words::model(),
        words::format(),
        words::recipient(),
        words::made(),
        words::until(),
        words::file_digest(),
        words::void_(),
    ];
    page.table(&columns, rows.collect());
}

pub(super) fn questions(page: &mut Page, report: &ComplianceReport) {
    if report.runs.is_empty() {
        page.note(&terms::none());
    }
    // Runs of one plan have one answer but for what they have spent: the last one of each has the newest.
    for of in &report.processing {
        let Some(run) = report.runs.iter().rfind(|run| run.plan == of.plan) else { continue };
        page.title(&text(format!("{}, {}", run.name, run.number)));
        let rows = (1..).zip(answers(run)).map(|(number, [question, answer])| vec![text(number), question, answer]);
        page.table(&[words::number(), words::question(), words::answer()], rows.collect());
    }
}

fn answers(run: &RunLine) -> [[Said; 2]; 24] {
    let number = |value: Option<u32>| value.map_or_else(terms::none, text);
    let unit = match run.mode.as_str() {
        "branch" => asked::unit_branch(),
        "none" => asked::unit_none(),
        _ => asked::unit_customer(),
    };
    let epsilon = asked::epsilon_answer(
        or_none(run.epsilon_plan.as_ref()),
        or_none(run.epsilon_run.as_ref()),
        or_none(run.epsilon_charged.as_ref()),
    );
    let survivors = asked::dropouts_answer(number(run.survivors_needed), number(run.survivors_fewest));
    [
        [asked::definition(), asked::definition_answer(terms::of(&run.mode))],
        [asked::epsilon(), epsilon],
        [asked::delta(), asked::delta_answer(or_none(run.delta.as_ref()), run.customers_nominal)],
        [asked::unit(), unit],
        [asked::neighbours(), asked::neighbours_answer()],
        [asked::contribution(), asked::contribution_answer()],
        [asked::overlap(), asked::overlap_answer(run.overlap_max)],
        [asked::repeated(), asked::repeated_answer()],
        [asked::composition(), asked::composition_answer()],
        [asked::clipping(), asked::clipping_answer()],
        [asked::tuning(), asked::tuning_answer()],
        [asked::releases(), asked::releases_answer()],
        [asked::others(), asked::others_answer()],
        [asked::random(), asked::random_answer()],
        [asked::floating(), asked::floating_answer()],
        [asked::timing(), asked::timing_answer()],
        [asked::trust(), asked::trust_answer()],
        [asked::dropouts(), survivors],
        [asked::access(), asked::access_answer()],
        [asked::at_rest(), asked::at_rest_answer()],
        [asked::collection(), asked::collection_answer()],
        [asked::utility(), asked::utility_answer()],
        [asked::checked(), asked::checked_answer()],
        [asked::meaning(), asked::meaning_answer()],
    ]
}

pub(super) fn controls(page: &mut Page) {
    page.note(&words::controls_note());
    let rows = mapping::controls().into_iter().map(Vec::from);
    page.table(&[words::instrument(), words::asked(), words::evidence_of()], rows.collect());
}

pub(super) fn annex(page: &mut Page, report: &ComplianceReport) {
    let rows = mapping::artefacts().into_iter().map(Vec::from);
    page.table(&[words::artefact(), words::where_it_is()], rows.collect());
    let rows = report.evidence.iter().map(|line| {
        let name = line.name.iter().map(text);
        let what: Vec<Said> = std::iter::once(terms::evidence_of(&line.what)).chain(name).collect();
        vec![Said::joined(&what, " "), text(&line.digest)]
    });
    page.table(&[words::evidence_of(), words::its_digest()], rows.collect());
}

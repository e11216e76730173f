//! The evaluation of a model as one page of HTML, made from its JSON alone: background, target, method, result, conclusion.

use tributary_evidence::evaluation::{Conclusion, EvaluationFile, Found};
use tributary_evidence::report::GateLine;
use tributary_texts::month::{fails, gate_holds, gate_limit, gate_name, verdict};
use tributary_texts::{Language, Said, card as of_card, five_parts as words, month, report as shared, words as terms};

use crate::sheet::{Page, level, names, or_none, text};
use crate::{card, redteam};

/// The page.
pub(crate) fn page(file: &EvaluationFile, language: Language) -> String {
    let of = &file.paper;
    let headings = [words::background(), words::target(), words::method(), words::result(), words::conclusion()];
    let mut page = Page::new(&words::title(&of.background.purpose), &headings, language);
    let [background, target, method, result, conclusion] = &headings;
    page.heading(background);
    let why = &of.background;
    page.line(&words::background_line(&why.purpose));
    page.facts(&[
        (shared::legal_basis(), text(&why.legal_basis)),
        (shared::assessment(), text(&why.assessment)),
        (shared::ticket(), text(&why.ticket)),
        (terms::plan_owner(), text(&why.owner)),
        (words::approver(), text(&why.approver)),
        (shared::intended(), text(&why.intended)),
        (shared::prohibited(), text(&why.prohibited)),
        (shared::materiality(), terms::of(&why.materiality)),
    ]);
    page.heading(target);
    let what = &of.target;
    let [first, last] = &what.run_days;
    page.facts(&[
        (shared::model(), text(&what.model)),
        (shared::state(), terms::of(&what.state)),
        (shared::plan(), text(format!("{} ({})", what.plan_name, what.plan))),
        (shared::run(), text(what.run)),
        (words::card(), text(&what.card)),
        (words::parameters(), text(what.parameters)),
        (shared::as_of(), or_none(what.as_of.as_ref())),
        (of_card::run_days(), of_card::from_to(first, last)),
        (of_card::customers(), text(what.customers_nominal)),
        (of_card::labels(), names(&what.labels)),
    ]);
    let fields = what.inputs.iter();
    let fields = fields.map(|field| vec![text(&field.name), text(&field.class), level(Some(&field.level))]);
    page.table(&[shared::fields(), shared::class(), shared::level()], fields.collect());
    page.heading(method);
    page.facts(&[(shared::mode(), terms::of(&of.method.mode))]);
    page.list(&of.method.means.iter().map(|code| means(code)).collect::<Vec<_>>());
    page.title(&words::stages());
    let stages = of.method.stages.iter().map(|stage| vec![terms::stage_of(&stage.kind), text(stage.rounds)]);
    page.table(&[terms::kind(), words::rounds()], stages.collect());
    page.heading(result);
    found(&mut page, &of.result);
    page.heading(conclusion);
    concluded(&mut page, &of.conclusion, &of.target.group);
    page.line(&words::review(&of.conclusion.review_by));
    page.facts(&[(of_card::made(), text(tributary_certs::inspect::date(of.made_at)))]);
    page.note(&words::signature(file.key(), file.digest()));
    page.closed()
}

fn found(page: &mut Page, found: &Found) {
    page.facts(&[
        (of_card::epsilon(), or_none(found.epsilon.as_ref())),
        (shared::delta(), or_none(found.delta.as_ref())),
    ]);
    page.title(&words::figures());
    card::figures(page, &found.figures);
    if !found.below_noise.is_empty() {
        let fields = found.below_noise.iter().map(|weak| format!("{} ({})", weak.field, weak.label));
        page.note(&words::below_noise(fields.collect::<Vec<_>>().join(", ")));
    }
    page.title(&words::gate_results());
    gates(page, &found.gates);
    page.title(&words::attack_results());
    match &found.attacks {
        None => page.line(&words::not_tested()),
        Some(attacks) => {
            redteam::attacks(page, attacks);
            page.line(&redteam::verdict(attacks));
        }
    }
}

/// Gates with what they came to; a note where there are none.
pub(crate) fn gates(page: &mut Page, gates: &[GateLine]) {
    if gates.is_empty() {
        return page.note(&words::no_gates());
    }
    let rows = gates.iter().map(|gate| {
        let holds = if gate.holds { gate_holds() } else { fails() };
        vec![text(&gate.label), terms::of(&gate.measure), text(&gate.limit), or_none(gate.value.as_ref()), holds]
    });
    page.table(&[shared::label(), gate_name(), gate_limit(), shared::value(), verdict()], rows.collect());
}

fn concluded(page: &mut Page, conclusion: &Conclusion, group: &str) {
    let verdict = match conclusion.verdict.as_str() {
        "usable" => words::usable(),
        "usable-with-conditions" => words::usable_with_conditions(),
        "not-validated" => words::not_validated(),
        _ => words::not_usable(),
    };
    page.facts(&[(month::verdict(), verdict)]);
    if !conclusion.why.is_empty() {
        page.title(&words::reasons());
        page.list(&conclusion.why.iter().map(|code| reason(code)).collect::<Vec<_>>());
    }
    if let (Some(staff), Some(until)) = (&conclusion.validator, &conclusion.valid_until) {
        page.title(&words::conditions());
        page.line(&shared::validation(staff, until));
        let findings = conclusion.findings.iter().map(shared::findings);
        page.list(&findings.chain(conclusion.conditions.iter().map(shared::condition)).collect::<Vec<_>>());
    }
    page.title(&of_card::limits());
    page.list(&conclusion.limits.iter().map(|code| card::limit(code, group)).collect::<Vec<_>>());
}

fn means(code: &str) -> Said {
    match code {
        "secure-aggregation" => words::secure_aggregation(),
        "differential-privacy" => words::differential_privacy(),
        "evaluated-under-privacy" => words::under_privacy(),
        "gates" => words::gates(),
        "attacks" => words::attacks(),
        "validated" => words::validated(),
        other => text(other),
    }
}

fn reason(code: &str) -> Said {
    match code {
        "alarm" => words::why_alarm(),
        "over" => words::why_over(),
        "gate-fails" => words::why_gate_fails(),
        "no-report" => words::why_no_report(),
        "ended" => words::why_ended(),
        "no-attacks" => words::why_no_attacks(),
        "incomplete" => words::why_incomplete(),
        other => text(other),
    }
}

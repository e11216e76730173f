//! Makes an evaluation of what is known of a model.

use tributary_protocol::plan::{Approvals, Date, Plan};
use tributary_protocol::registry::{ModelRecord, ModelState, SignedReport};

use super::parts::{Background, Conclusion, Evaluation, Found, Method, StageOf, Target};
use crate::attacks::Attacks;
use crate::card::Card;
use crate::paper::{Body as _, GENERATOR};
use crate::report::gate_lines;

/// From what an evaluation is made.
pub struct Material<'a> {
    /// What the registry says.
    pub model: &'a ModelRecord,
    /// The plan of its run, and who signed that.
    pub plan: &'a Plan,
    /// The people who signed it.
    pub approvals: &'a Approvals,
    /// The model's card.
    pub card: &'a Card,
    /// The newest report on its gates that a validator signed.
    pub report: Option<&'a SignedReport>,
    /// The newest report of attacks on it.
    pub attacks: Option<&'a Attacks>,
}

impl Evaluation {
    /// Makes one at a second of the Unix clock.
    #[must_use]
    pub fn of(material: &Material<'_>, made_at: u64) -> Self {
        let Material { model, plan, approvals, card, report, attacks } = *material;
        let charter = &plan.charter;
        Self {
            format: Self::FORMAT,
            generator: GENERATOR.into(),
            made_at,
            background: Background {
                purpose: card.purpose.clone(),
                legal_basis: card.learnt_from.legal_basis.clone(),
                assessment: charter.assessment.reference.to_string(),
                ticket: charter.ticket.to_string(),
                owner: card.owner.clone(),
                approver: approvals.approval.staff.to_string(),
                intended: card.use_of_it.intended.clone(),
                prohibited: card.use_of_it.prohibited.clone(),
                materiality: card.use_of_it.materiality.clone(),
            },
            target: Target {
                model: card.model.clone(),
                state: model.state.name().into(),
                plan_name: card.plan_name.clone(),
                plan: card.plan.clone(),
                run: card.run,
                card: model.card.map(|card| card.to_string()).unwrap_or_default(),
                parameters: model.manifest.parameter_bytes / 4,
                as_of: card.learnt_from.as_of.clone(),
                run_days: [card.learnt_from.run_begun.clone(), card.learnt_from.run_ended.clone()],
                group: card.learnt_from.group.clone(),
                customers_nominal: card.learnt_from.customers_nominal,
                inputs: card.learnt_from.inputs.clone(),
                labels: card.learnt_from.labels.clone(),
            },
            method: Method {
                mode: card.privacy.mode.clone(),
                stages: plan
                    .stages
                    .iter()
                    .map(|stage| StageOf { kind: stage.kind.clone(), rounds: stage.rounds })
                    .collect(),
                means: means(material),
            },
            result: Found {
                epsilon: card.privacy.epsilon.clone(),
                delta: card.privacy.delta.clone(),
                figures: card.figures.clone(),
                gates: report.map(|report| gate_lines(&report.report)).unwrap_or_default(),
                below_noise: card.fields.below_noise.clone(),
                attacks: attacks.cloned(),
            },
            conclusion: conclusion(material, made_at),
        }
    }
}

fn means(material: &Material<'_>) -> Vec<String> {
    let Material { plan, card, report, attacks, .. } = *material;
    let means = [
        ("secure-aggregation", true),
        ("differential-privacy", plan.privacy.unit().is_some()),
        ("evaluated-under-privacy", !card.figures.is_empty()),
        ("gates", report.is_some()),
        ("attacks", attacks.is_some()),
        ("validated", report.is_some()),
    ];
    means.into_iter().filter(|(_, done)| *done).map(|(code, _)| code.to_owned()).collect()
}

fn conclusion(material: &Material<'_>, now: u64) -> Conclusion {
    let Material { model, card, report, attacks, .. } = *material;
    let of_report = report.map(|signed| &signed.report);
    let over = matches!(model.state, ModelState::Retired | ModelState::Withdrawn);
    let ended = of_report.is_some_and(|report| report.valid_until < now);
    let fails = of_report.is_some_and(|report| report.check_gates().is_err());
    // What rules a model out comes first.
    let against = [("alarm", model.is_alarmed()), ("over", over), ("gate-fails", fails)];
    let open = [
        ("no-report", report.is_none()),
        ("ended", ended),
        ("no-attacks", attacks.is_none()),
        ("incomplete", !card.privacy.complete),
    ];
    let conditions: Vec<String> =
        of_report.map(|report| report.conditions.iter().map(ToString::to_string).collect()).unwrap_or_default();
    let verdict = match () {
        () if against.iter().any(|(_, holds)| *holds) => "not-usable",
        () if report.is_none() || ended => "not-validated",
        () if conditions.is_empty() => "usable",
        () => "usable-with-conditions",
    };
    let why = against.iter().chain(&open).filter(|(_, holds)| *holds).map(|(code, _)| (*code).to_owned());
    Conclusion {
        verdict: verdict.into(),
        why: why.collect(),
        validator: report.map(|signed| signed.signed.staff.to_string()),
        findings: of_report.map(|report| report.findings.to_string()),
        conditions,
        valid_until: of_report.map(|report| Date::of_second(report.valid_until).to_string()),
        limits: card.use_of_it.limits.clone(),
        review_by: card.review.by.clone(),
    }
}

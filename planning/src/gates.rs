//! A plan's gates against the rest of it, and in words.

use tributary_model::stage::{EvaluateSettings, StageSettings};
use tributary_protocol::plan::{Gate, Gates, Measure, PARTS, Pilot, PilotGroup, Plan};

const DAY: u64 = 86_400;

/// Why a gate can never hold: the key that cures it, and the sentence.
#[must_use]
pub fn unmeasured(plan: &Plan, labels: &[String]) -> Option<(&'static str, String)> {
    let settings = plan.stages.iter().filter_map(|stage| StageSettings::decode(&stage.kind, &stage.settings).ok());
    let evaluation: Option<EvaluateSettings> = settings.into_iter().find_map(|settings| match settings {
        StageSettings::Evaluate(settings) => Some(settings),
        _ => None,
    });
    let first = plan.gates.limits.first()?;
    let Some(evaluation) = evaluation else {
        let text =
            format!("no evaluation counts what {} needs, so that no model passes; add [plan.evaluation]", name(first));
        return Some(("gates.label", text));
    };
    if !plan.retention.sums {
        let text = "the figures of gates come from opened sums, and this plan keeps none, so that no model passes; set sums = true";
        return Some(("plan.retention.sums", text.into()));
    }
    plan.gates.limits.iter().find_map(|gate| {
        if !labels.iter().any(|label| label == gate.label.raw()) {
            let text = format!("{} is no label that the plan learns; it learns {}", gate.label, labels.join(", "));
            return Some(("gates.label", text));
        }
        let by_group = matches!(gate.measure, Measure::FoundGap | Measure::CalibrationGap);
        (by_group && evaluation.groups.is_none()).then(|| {
            let text = format!(
                "no groups are compared that {} needs, so that no model passes; name them in plan.evaluation.groups",
                name(gate)
            );
            ("gates.label", text)
        })
    })
}

/// What an approver should ask of a plan's gates: the keys and the sentences.
#[must_use]
pub fn asked(plan: &Plan) -> Vec<(&'static str, String)> {
    let Gates { limits, card, pilot, .. } = &plan.gates;
    let mut asked = Vec::new();
    if limits.is_empty() {
        let text = "no figure has a limit: a model becomes champion by the signatures of a validator and of two people alone; ask below which figures \
                    it must not";
        asked.push(("gates.label", text.to_owned()));
    }
    if !card {
        asked.push((
            "gates.card",
            "no model card is needed; ask who tells users what the model must not be used for".into(),
        ));
    }
    if let Some(Pilot { seconds_min: 0, .. }) = pilot {
        asked.push(("gates.pilot.days", "the pilot may end at once; ask what is seen in it".into()));
    }
    asked
}

/// A gate's figure, such as `auc of churn`.
#[must_use]
pub fn name(gate: &Gate) -> String {
    let label = gate.label.printable();
    match gate.measure {
        Measure::CalibrationError => format!("calibration error of {label}"),
        Measure::Auc => format!("AUC of {label}"),
        Measure::Ks => format!("KS of {label}"),
        Measure::Lift { share } => format!("lift of {label} in the list of {}", percent(share.into())),
        Measure::FoundGap => format!("largest gap between groups in the true-positive rate of {label}"),
        Measure::CalibrationGap => format!("largest gap between groups in the calibration of {label}"),
        Measure::Stability => format!("stability index of the scores of {label} against the champion"),
    }
}

/// A gate's limit, such as `at least 0.7`.
#[must_use]
pub fn limit(gate: &Gate) -> String {
    format!("{} {}", if gate.measure.is_at_least() { "at least" } else { "at most" }, decimal(gate.limit))
}

/// A pilot in words.
#[must_use]
pub fn pilot(Pilot { group, copies_min, seconds_min }: &Pilot) -> String {
    let who = match group {
        PilotGroup::Named(names) => format!("{} named branches", names.len()),
        PilotGroup::Share(share) => {
            format!("{} of the branches, drawn by the model's digest", percent((*share).into()))
        }
    };
    let days = match (seconds_min / DAY, seconds_min % DAY) {
        (days, 0) => format!("{days} days"),
        _ => format!("{seconds_min} seconds"),
    };
    format!("{who}; {days} at least, and {copies_min} acknowledged copies")
}

/// Parts in 10,000 as a number.
#[must_use]
pub fn decimal(parts: u32) -> String {
    let text = format!("{}.{:04}", parts / PARTS, parts % PARTS);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// Parts in 10,000 as a share of a hundred.
#[must_use]
pub fn percent(parts: u32) -> String {
    format!("{} %", decimal(parts * 100))
}

/// What a model must hold, in one line.
#[must_use]
pub fn in_words(gates: &Gates) -> String {
    let limits = gates.limits.iter().map(|gate| format!("{} {}", name(gate), limit(gate)));
    let card = gates.card.then(|| "a model card".to_owned());
    let pilot = gates.pilot.as_ref().map(|it| format!("a pilot of {}", pilot(it)));
    let always = "a report that a model validator has signed".to_owned();
    limits.chain(card).chain(pilot).chain([always]).collect::<Vec<_>>().join("; ")
}

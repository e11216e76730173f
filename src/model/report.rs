//! A report on a model's gates, in words and for programs.

use std::fmt::Write as _;
use std::path::Path;

use tributary_certs::gates::ReportFile;
use tributary_certs::inspect::date;
use tributary_planning::gates::{decimal, limit, name, pilot};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{Figure, GatesReport};

/// A report's file in words, for whoever signs.
pub(super) fn in_words(file: &ReportFile) -> String {
    let lineage = &file.manifest.lineage;
    let mut text = format!("report on the gates of model {}\n", file.report.model);
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "  {name:<10}{value}");
    };
    line("purpose", &format!("\"{}\"", lineage.purpose));
    line("plan", &format!("\"{}\" ({}), run {}", lineage.name, lineage.run.plan, lineage.run.number));
    line("owner", &lineage.owner);
    text + &lines(&file.report, file.signed.as_ref())
}

/// Each gate with its figure, and what the validator wrote.
pub(super) fn lines(report: &GatesReport, signed: Option<&Attestation>) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "  {line}");
    };
    for (gate, figure, holds) in report.verdicts() {
        let mark = if holds { "holds" } else { "FAILS" };
        line(format!("{mark}     {}: {}, {}", name(gate), limit(gate), told(figure)));
    }
    if report.figures.is_empty() {
        line("no figure has a limit in the plan".into());
    }
    match (report.gates.card, report.card) {
        (true, Digest::ZERO) => line("FAILS     a model card is needed, and none is named".into()),
        (_, Digest::ZERO) => line("card      none".into()),
        (_, card) => line(format!("card      {card}")),
    }
    if let Some(wanted) = &report.gates.pilot {
        line(format!("pilot     {}", pilot(wanted)));
    }
    match report.champion {
        Some(champion) => line(format!("champion  {champion}")),
        None => line("champion  none when the report was made".into()),
    }
    line(format!("made      {}", date(report.made)));
    if let Some(signed) = signed {
        line(format!(
            "validated by {} as {}, {}, until {}",
            signed.staff,
            signed.role,
            date(signed.at),
            date(report.valid_until)
        ));
        line(format!("findings  {}", report.findings));
        report.conditions.iter().for_each(|condition| line(format!("condition {condition}")));
    }
    line(format!("report    {}", report.digest()));
    text
}

fn told(figure: Figure) -> String {
    match figure {
        Figure::Measured { value, low, high } => {
            format!("it is {} ({} to {})", decimal(value), decimal(low), decimal(high))
        }
        Figure::Absent => "and nothing gives it".into(),
        Figure::NoChampion => "and there is no champion to compare with".into(),
    }
}

/// The same for programs.
pub(super) fn as_json(file: &ReportFile, path: &Path) -> serde_json::Value {
    let mut object = object(&file.report, file.signed.as_ref());
    object["file"] = serde_json::json!(path);
    object
}

/// A report without its file.
pub(super) fn object(report: &GatesReport, signed: Option<&Attestation>) -> serde_json::Value {
    let gates: Vec<serde_json::Value> = report
        .verdicts()
        .map(|(gate, figure, holds)| {
            let (value, low, high) = match figure {
                Figure::Measured { value, low, high } => (Some(value), Some(low), Some(high)),
                Figure::Absent | Figure::NoChampion => (None, None, None),
            };
            let share = Some(gate.measure.share()).filter(|share| *share > 0);
            let measure = gate.measure.name();
            serde_json::json!({
                "label": gate.label.to_string(), "measure": measure, "share": share, "at_least": gate.measure.is_at_least(),
                "limit": gate.limit, "value": value, "low": low, "high": high, "holds": holds,
            })
        })
        .collect();
    let conditions: Vec<String> = report.conditions.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "report": report.digest().to_string(), "model": report.model.to_string(), "gates": gates,
        "holds": report.check_gates().is_ok(),
        "card": Some(report.card).filter(|card| *card != Digest::ZERO).map(|card| card.to_string()),
        "champion": report.champion.map(|champion| champion.to_string()), "made": report.made,
        "validator": signed.map(|signed| signed.staff.to_string()), "findings": report.findings.to_string(),
        "conditions": conditions, "valid_until": Some(report.valid_until).filter(|until| *until > 0),
    })
}

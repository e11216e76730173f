use serde_json::{Value, json};

use super::*;
use crate::assessor::processing_record;
use crate::report::{GroupSpend, IncidentLine};

/// A report of one plan of two branches, of which each risk is as low as its rule lets it be.
fn report() -> ComplianceReport {
    let text = |name: &str| json!(format!("a {name}"));
    let texts = |names: &[&str]| -> serde_json::Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), text(name))).collect()
    };
    let object = |own: Value, names: &[&str]| {
        let mut all = texts(names);
        all.extend(own.as_object().unwrap().clone());
        Value::Object(all)
    };
    let processing = object(
        json!({ "plan": "p", "assets": [], "agreements": [], "fields": null, "level_max": null, "as_of": null, "materiality": "low",
            "kept_dimension_max": 0, "kept_sums": true, "kept_days": 30 }),
        &[
            "name",
            "purpose",
            "legal_basis",
            "assessment",
            "assessment_digest",
            "assessment_day",
            "ticket",
            "intended_use",
            "prohibited_use",
            "review_by",
            "schema",
        ],
    );
    let run = object(
        json!({ "plan": "p", "number": 1, "ended": null, "mode": "customer", "overlap_max": 2, "group_size": 10,
            "survivors_needed": 3, "survivors_fewest": 8, "honest_fewest": 5, "rounds": 1, "committed": 1, "charged": 1, "charged_max": 1,
            "aborted": [], "delta": "1e-6", "epsilon_plan": "1.000000", "epsilon_run": null, "epsilon_charged": null,
            "epsilon_released": null, "stages": [], "model": null, "sums_verified": 0, "sums_not_verified": 0, "customers_nominal": 9 }),
        &["name", "begun", "state", "proposed_by", "approved_by", "group"],
    );
    let branch = |client: u32| {
        json!({ "client": client, "name": format!("b{client}"), "delta": "1e-6", "opening": null, "closing": "1.000000", "year": "1.000000",
            "cap_year": "1.000000", "cap_life": "1.000000", "counter": 1, "withdrawn": 0 })
    };
    let member = |client: u32| json!({ "client": client, "name": format!("b{client}"), "until": "2027-01-01" });
    let sent = json!({ "run": "p", "stage": 1, "kind": "gradient", "coordinates": 1, "bits": 20, "uploads": 8, "bytes": 8, "noised": true });
    let group = json!({ "group": "all", "delta": "1e-6", "epsilon": ["0.500000", "1.000000"], "cap_year": null, "cap_life": null });
    let integrity = json!({ "entries": 9, "entries_in_period": 9, "covered": 8, "first": null, "last": null, "head": "h", "root": "r",
        "witnesses": [{ "client": 0, "entries": 9 }, { "client": 1, "entries": 8 }] });
    let all = json!({
        "format": 1, "kind": "compliance", "generator": "g", "preset": null, "from": "2026-01-01", "to": "2026-12-31", "scope": "all",
        "summary": crate::report::Summary::default(), "processing": [processing], "runs": [run],
        "parties": { "branches": [member(0), member(1)], "people": [], "rosters": [] },
        "spending": { "branches": [branch(0), branch(1)], "months": [], "groups": [group] }, "deviations": [], "incidents": [], "looks": [],
        "sent": [sent.clone(), sent], "security": crate::report::Security::default(), "duties": [], "integrity": integrity, "models": [],
        "exports": [], "evidence": [],
    });
    serde_json::from_value(all).unwrap()
}

/// The line of a risk: its level, its measure, its figure.
fn line(report: &ComplianceReport, risk: &str) -> [String; 3] {
    let open = report.incidents.iter().filter(|incident| incident.state == "open").count() as u64;
    let all = risks(report, open);
    let found = all.into_iter().find(|line| line.risk == risk).unwrap();
    [found.level, found.measure, found.figure]
}

fn incident(state: &str) -> IncidentLine {
    let all = json!({ "number": 1, "incident": "i", "state": state, "severity": "low", "happened": "", "opened": "", "opened_by": "",
        "closed": null, "closed_by": null, "timeline": [] });
    serde_json::from_value(all).unwrap()
}

fn export(void: bool) -> crate::report::ExportLine {
    let all = json!({ "number": 1, "model": "m", "file_format": "onnx", "recipient": "r", "made": "", "until": "", "digest": "", "void": void });
    serde_json::from_value(all).unwrap()
}

type Change = fn(&mut ComplianceReport);

/// The same run before the others, changed.
fn earlier(report: &mut ComplianceReport, change: fn(&mut RunLine)) {
    let mut run = report.runs[0].clone();
    change(&mut run);
    report.runs.insert(0, run);
}

#[test]
fn each_risk_has_the_level_of_its_worst_figure() {
    let cases: [(&str, Change, [&str; 3]); 37] = [
        ("risk-membership", |_| {}, ["low", "measure-noise", "epsilon 1.000000"]),
        (
            "risk-membership",
            |of| of.runs[0].epsilon_plan = Some("1.000001".into()),
            ["medium", "measure-noise", "epsilon 1.000001"],
        ),
        (
            "risk-membership",
            |of| of.runs[0].epsilon_plan = Some("8.000000".into()),
            ["medium", "measure-noise", "epsilon 8.000000"],
        ),
        (
            "risk-membership",
            |of| of.runs[0].epsilon_plan = Some("8.000001".into()),
            ["high", "measure-noise", "epsilon 8.000001"],
        ),
        // What plans may charge one by one is less than what was charged over all of them.
        (
            "risk-membership",
            |of| of.spending.branches[1].closing = "11.856140".into(),
            ["high", "measure-noise", "epsilon 11.856140"],
        ),
        (
            "risk-membership",
            |of| of.spending.groups[0].epsilon[1] = "1.500000".into(),
            ["medium", "measure-noise", "epsilon 1.500000"],
        ),
        (
            "risk-membership",
            |of| {
                of.spending
                    .groups
                    .push(GroupSpend { epsilon: vec!["9.000000".into()], ..of.spending.groups[0].clone() })
            },
            ["high", "measure-noise", "epsilon 9.000000"],
        ),
        ("risk-membership", |of| of.runs[0].mode = "branch".into(), ["high", "measure-noise", "epsilon -"]),
        ("risk-membership", |of| of.runs[0].epsilon_plan = None, ["high", "measure-noise", "epsilon -"]),
        ("risk-membership", |of| of.sent[1].noised = false, ["low", "measure-noise-some", "epsilon 1.000000"]),
        (
            "risk-membership",
            |of| of.sent.iter_mut().for_each(|line| line.noised = false),
            ["low", "measure-noise-none", "epsilon 1.000000"],
        ),
        ("risk-single-update", |_| {}, ["low", "measure-masks", "3 >= 3"]),
        ("risk-single-update", |of| of.runs[0].survivors_needed = Some(2), ["high", "measure-masks", "2 >= 3"]),
        ("risk-single-update", |of| of.runs[0].survivors_needed = None, ["high", "measure-masks", "0 >= 3"]),
        ("risk-coalition", |_| {}, ["low", "measure-threshold", "5 / 10"]),
        ("risk-coalition", |of| of.runs[0].honest_fewest = Some(4), ["medium", "measure-threshold", "4 / 10"]),
        // An earlier run of the same plan counts as the last one does, unless no round of it was charged.
        (
            "risk-coalition",
            |of| earlier(of, |run| run.honest_fewest = Some(4)),
            ["medium", "measure-threshold", "4 / 10"],
        ),
        (
            "risk-coalition",
            |of| earlier(of, |run| (run.honest_fewest, run.group_size) = (Some(4), 6)),
            ["low", "measure-threshold", "5 / 10"],
        ),
        ("risk-coalition", |of| earlier(of, |run| run.honest_fewest = None), ["low", "measure-threshold", "5 / 10"]),
        (
            "risk-single-update",
            |of| earlier(of, |run| run.survivors_needed = Some(2)),
            ["high", "measure-masks", "2 >= 3"],
        ),
        (
            "risk-single-update",
            |of| earlier(of, |run| (run.survivors_needed, run.charged) = (None, 0)),
            ["low", "measure-masks", "3 >= 3"],
        ),
        ("risk-overlap", |_| {}, ["low", "measure-overlap", "2"]),
        ("risk-overlap", |of| of.runs[0].overlap_max = 1, ["medium", "measure-overlap", "1"]),
        ("risk-repeated", |_| {}, ["low", "measure-budget", "1.000000 (2 / 2)"]),
        (
            "risk-repeated",
            |of| of.spending.branches[1].cap_life = Some("8.000000".into()),
            ["medium", "measure-budget", "8.000000 (2 / 2)"],
        ),
        (
            "risk-repeated",
            |of| of.spending.branches[1].cap_life = Some("16.000000".into()),
            ["high", "measure-budget", "16.000000 (2 / 2)"],
        ),
        ("risk-repeated", |of| of.spending.branches[1].cap_life = None, ["high", "measure-budget-some", "- (1 / 2)"]),
        ("risk-repeated", |of| of.spending.branches.clear(), ["high", "measure-budget-some", "- (0 / 0)"]),
        ("risk-kept", |_| {}, ["low", "measure-masks", "30"]),
        ("risk-kept", |of| of.processing[0].kept_dimension_max = 1, ["medium", "measure-masks", "30"]),
        ("risk-files", |_| {}, ["low", "measure-register", "0"]),
        // A recipient has the file, whether or not somebody may use it still.
        ("risk-files", |of| of.exports = vec![export(true)], ["medium", "measure-register", "1"]),
        ("risk-files", |of| of.exports = vec![export(true), export(false)], ["medium", "measure-register", "2"]),
        ("risk-decisions", |_| {}, ["medium", "measure-four-eyes", "0"]),
        ("risk-decisions", |of| of.processing[0].materiality = "high".into(), ["high", "measure-four-eyes", "0"]),
        ("risk-incidents", |of| of.incidents = vec![incident("closed")], ["low", "measure-log", "0"]),
        (
            "risk-incidents",
            |of| of.incidents = vec![incident("closed"), incident("open")],
            ["high", "measure-log", "1"],
        ),
    ];
    for (place, (risk, change, expected)) in cases.into_iter().enumerate() {
        let mut changed = report();
        change(&mut changed);
        assert_eq!(line(&changed, risk), expected, "{risk}, case {place}");
    }
}

#[test]
fn a_measure_is_named_as_far_as_the_report_shows_it() {
    let measures = |change: Change| {
        let mut changed = report();
        change(&mut changed);
        processing_record(&changed, ("c", "f"), Vec::new()).measures
    };
    let whole = measures(|_| {});
    assert_eq!(whole.len(), 10);
    let cases: [(Change, &str, Option<&str>); 6] = [
        (|of| of.integrity.witnesses[1].entries = 7, "measure-log", Some("measure-log-some")),
        (|of| of.integrity.witnesses.truncate(1), "measure-log", Some("measure-log-alone")),
        (|of| of.integrity.witnesses.clear(), "measure-log", Some("measure-log-alone")),
        (|of| of.spending.branches[0].cap_year = None, "measure-budget", Some("measure-budget-some")),
        (|of| of.sent[0].noised = false, "measure-noise", Some("measure-noise-some")),
        (|of| of.runs[0].mode = "none".into(), "measure-clip", None),
    ];
    for (change, gone, instead) in cases {
        let expected: Vec<String> = whole
            .iter()
            .filter_map(|own| if own == gone { instead.map(str::to_owned) } else { Some(own.clone()) })
            .collect();
        assert_eq!(measures(change), expected, "{gone}");
    }
}

#[test]
fn whoever_received_a_file_stays_a_recipient() {
    let mut report = report();
    let model = json!({ "model": "m", "purpose": "churn", "plan": "p", "run": 1, "parent": null, "state": "withdrawn", "registered": "",
        "figures": [], "gates": [], "validator": null, "findings": null, "conditions": [], "valid_until": null, "card": null, "attacks": [],
        "points": [] });
    report.models = vec![serde_json::from_value(model).unwrap()];
    report.exports = vec![export(true), export(false)];
    let record = processing_record(&report, ("c", "f"), Vec::new());
    let files = record.activities[0].recipients.iter().filter(|line| line.what == "model-file");
    assert_eq!(files.map(|line| (line.who.as_str(), line.void)).collect::<Vec<_>>(), [("r", true), ("r", false)]);
}

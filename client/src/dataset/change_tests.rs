use tributary_texts::Language;

use super::*;

/// A data set of one column with two bins: `by_bin` has rows that are positive and negative in each.
fn summary(by_bin: [[u64; 2]; 2]) -> Summary {
    let rows = by_bin.iter().flatten().sum();
    let classes = [0, 1].map(|class: usize| by_bin.iter().map(|bin| bin[class]).sum());
    let cells = by_bin.iter().map(|bin| bin.iter().sum()).chain([0]).collect();
    let by_label = vec![by_bin.into_iter().chain([[0, 0]]).collect()];
    Summary {
        rows,
        customers: rows,
        labels: vec![LabelSummary { name: "churn".into(), classes }],
        fields: vec![FieldSummary { name: "age".into(), missing: 0, cells, by_label }],
    }
}

fn alarms(before: [[u64; 2]; 2], now: [[u64; 2]; 2]) -> Vec<String> {
    english(&Changes::between(&summary(before), &summary(now), ChangeLimits::USUAL).alarms)
}

fn english(alarms: &[Said]) -> Vec<String> {
    alarms.iter().map(|alarm| alarm.text(Language::English).to_owned()).collect()
}

const BEFORE: [[u64; 2]; 2] = [[50, 450], [100, 400]];

#[test]
fn a_usual_month_asks_nothing() {
    for now in [[[52, 455], [96, 402]], [[40, 500], [110, 380]], [[60, 560], [120, 510]]] {
        assert_eq!(alarms(BEFORE, now), Vec::<String>::new(), "{now:?}");
    }
    // Of so few rows nothing can be said.
    assert_eq!(alarms([[1, 19], [1, 19]], [[2, 18], [3, 17]]), Vec::<String>::new());
}

#[test]
fn the_same_rows_again_are_asked_about() {
    let found = alarms(BEFORE, BEFORE);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("the same rows again"), "{found:?}");
}

#[test]
fn flipped_labels_are_asked_about_at_every_rate() {
    let flipped = |by_bin: [[u64; 2]; 2]| by_bin.map(|[yes, no]| [no, yes]);
    for before in [BEFORE, [[400, 100], [100, 400]], [[245, 255], [350, 150]]] {
        let found = alarms(before, flipped(before));
        assert!(found.iter().any(|alarm| alarm.contains("its classes look flipped")), "{before:?}: {found:?}");
    }
    let rare = alarms(BEFORE, flipped(BEFORE));
    assert!(rare.iter().any(|alarm| alarm.contains("label churn: 85.0 % positive, and 15.0 %")), "{rare:?}");
    // A label that says nothing about its columns, and half of the rows: nobody can tell.
    assert!(alarms([[250, 250], [250, 250]], [[251, 249], [250, 250]]).is_empty());
}

#[test]
fn volume_label_and_columns_are_asked_about_above_their_limits() {
    let volume = alarms(BEFORE, [[25, 225], [50, 200]]);
    assert!(volume.iter().all(|alarm| alarm.contains("more than 30 % apart")), "{volume:?}");
    assert_eq!(volume.len(), 2, "rows and customers: {volume:?}");
    let label = alarms(BEFORE, [[90, 410], [180, 320]]);
    assert!(label.len() == 1 && label[0].contains("label churn: 27.0 % positive, and 15.0 %"), "{label:?}");
    let column = alarms(BEFORE, [[15, 135], [170, 680]]);
    assert!(column.len() == 1 && column[0].starts_with("field age: its values are spread otherwise"), "{column:?}");
    let wide = ChangeLimits { volume_percent: 100, label_percent: 1000, stability: 10.0 };
    for now in [[[25, 225], [50, 200]], [[90, 410], [180, 320]], [[15, 135], [170, 680]]] {
        assert_eq!(Changes::between(&summary(BEFORE), &summary(now), wide).alarms, []);
    }
}

#[test]
fn what_one_of_both_does_not_have_is_not_compared() {
    let mut before = summary(BEFORE);
    before.fields[0].cells.push(0);
    before.labels[0].name = "other".into();
    let changes = Changes::between(&before, &summary(BEFORE), ChangeLimits::USUAL);
    assert!(changes.fields.is_empty() && changes.labels.is_empty() && changes.alarms.is_empty());
    let none = Summary { rows: 0, customers: 0, labels: Vec::new(), fields: Vec::new() };
    let changes = Changes::between(&none, &summary(BEFORE), ChangeLimits::USUAL);
    assert_eq!(changes.alarms.len(), 2, "{:?}", changes.alarms);
}

#[test]
fn the_index_is_the_sum_over_shares() {
    let index = stability(&[4_000, 6_000], &[6_000, 4_000]);
    assert!((index - 0.2 * 1.5_f64.ln() * 2.0).abs() < 1e-3, "{index}");
    assert!(stability(&[5, 0], &[5, 0]).abs() < 1e-12);
    assert!(stability(&[0, 0], &[0, 0]).is_finite() && stability(&[0, 10], &[10, 0]).is_finite());
}

#[test]
fn changes_are_told_in_both_languages_and_programs_read_one() {
    let changes = Changes::between(&summary(BEFORE), &summary([[450, 50], [400, 100]]), ChangeLimits::USUAL);
    let said = changes.said();
    let text = "  rows 1000 -> 1000, customers 1000 -> 1000\n  label churn: positive 15.0 % -> 85.0 %\n  field age: stability index 0.00";
    assert_eq!(said.text(Language::English), text);
    assert!(said.text(Language::Chinese).contains("标签 churn：正例 15.0 % -> 85.0 %"));
    assert!(changes.alarms[0].text(Language::Chinese).starts_with("标签 churn："));
    let json = serde_json::to_value(&changes).unwrap();
    assert_eq!(json["alarms"], serde_json::json!(english(&changes.alarms)));
}

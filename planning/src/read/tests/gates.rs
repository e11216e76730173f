//! [gates], key by key.

use tributary_protocol::plan::{Gate, Gates, Measure, Pilot, PilotGroup};
use tributary_protocol::roster::MemberName;

use super::*;

fn gates(lines: &str) -> Result<Gates, Faults> {
    load(&format!("{SMALLEST}{lines}\n")).map(|plan| plan.mechanism.gates)
}

#[test]
fn a_plan_without_gates_wants_a_card_and_a_validators_word() {
    assert_eq!(gates("").unwrap(), Gates::USUAL);
    let strict = gates("[gates]\ncard = false\nchallenger = false").unwrap();
    assert_eq!(strict, Gates { card: false, challenger: false, ..Gates::USUAL });
}

#[test]
fn limits_are_read_in_parts_of_ten_thousand() {
    let read = gates(
        "[[gates.label]]\nlabel = \"deposit\"\nauc_min = 0.7125\nlift_min = 2.5\nstability_max = 0.25\n\
         [[gates.label]]\nlabel = \"churn\"\ncalibration_error_max = 0.05\nks_min = 0\nfound_gap_max = 1\ncalibration_gap_max = 0.1\n\
         lift_min = 3\nlift_share = 0.01",
    );
    let gate = |label: &str, measure, limit| Gate { label: label.into(), measure, limit };
    let expected = [
        gate("churn", Measure::CalibrationError, 500),
        gate("churn", Measure::Ks, 0),
        gate("churn", Measure::Lift { share: 100 }, 30_000),
        gate("churn", Measure::FoundGap, 10_000),
        gate("churn", Measure::CalibrationGap, 1_000),
        gate("deposit", Measure::Auc, 7_125),
        gate("deposit", Measure::Lift { share: 1_000 }, 25_000),
        gate("deposit", Measure::Stability, 2_500),
    ];
    assert_eq!(read.unwrap().limits, expected);
}

#[test]
fn a_pilot_is_of_named_branches_or_of_a_share() {
    let named = gates("[gates.pilot]\nbranches = [\"north-bank/b-2\", \"north-bank/b-1\"]\ncopies_min = 2");
    let names = ["north-bank/b-1", "north-bank/b-2"].map(|name| MemberName::parse(name).unwrap());
    let expected = Pilot { group: PilotGroup::Named(names.into()), copies_min: 2, seconds_min: 7 * DAY };
    assert_eq!(named.unwrap().pilot, Some(expected));
    let share = gates("[gates.pilot]\nshare = 0.125\ncopies_min = 3\ndays = 0").unwrap();
    assert_eq!(share.pilot, Some(Pilot { group: PilotGroup::Share(1_250), copies_min: 3, seconds_min: 0 }));
}

#[test]
fn what_no_gate_may_say_is_named() {
    let label = |lines: &str| format!("[[gates.label]]\nlabel = \"churn\"\n{lines}");
    let pilot = |lines: &str| format!("[gates.pilot]\n{lines}");
    let branches = "branches = [\"a/b\", \"a/c\"]";
    let cases = [
        ("[gates]\ncard = 1".to_owned(), "gates.card", "true or false"),
        (label(""), "gates.label.1.label", "one limit at least"),
        (label("auc_min = 1.5"), "gates.label.1.auc_min", "from 0 to 1"),
        (label("auc_min = -0.5"), "gates.label.1.auc_min", "from 0 to 1"),
        (label("auc_min = nan"), "gates.label.1.auc_min", "from 0 to 1"),
        (label("auc_min = 0.70005"), "gates.label.1.auc_min", "four digits"),
        (label("auc = 0.7"), "gates.label.1.auc", "auc_min"),
        (label("lift_min = 1001"), "gates.label.1.lift_min", "from 0 to 1000"),
        (label("lift_min = 2\nlift_share = 0.3"), "gates.label.1.lift_share", "0.01, 0.05, 0.1, 0.2"),
        (label("ks_min = 0.2\nlift_share = 0.1"), "gates.label.1.lift_share", "lift_min"),
        ("[[gates.label]]\nauc_min = 0.7".to_owned(), "gates.label.1.label", "1 to 64 bytes"),
        (format!("{}\n{}", label("auc_min = 0.7"), label("auc_min = 0.8")), "gates.label", "one table for each label"),
        (pilot("copies_min = 1"), "gates.pilot.share", "by name"),
        (pilot(&format!("{branches}\nshare = 0.1\ncopies_min = 1")), "gates.pilot.share", "either"),
        (pilot("branches = [\"a\"]\ncopies_min = 1"), "gates.pilot.branches", "ORGANISATION/ID"),
        (pilot("branches = [\"a/b\", \"a/b\"]\ncopies_min = 1"), "gates.pilot.branches", "each once"),
        (pilot("share = 0\ncopies_min = 1"), "gates.pilot.share", "above 0"),
        (pilot(branches), "gates.pilot.copies_min", "from 1 to 2"),
        (pilot(&format!("{branches}\ncopies_min = 3")), "gates.pilot.copies_min", "from 1 to 2"),
        (pilot(&format!("{branches}\ncopies_min = 1\ndays = 367")), "gates.pilot.days", "0 to 366"),
    ];
    for (lines, key, allowed) in cases {
        let faults = gates(&lines).expect_err(&lines).faults;
        let told = faults.iter().any(|fault| fault.key == key && fault.allowed.contains(allowed));
        assert!(told, "{lines}: {faults:?}");
    }
}

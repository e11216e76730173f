//! [gates]: what a model must hold before branches use it.

use tributary_model::metrics::LIST_SHARES;
use tributary_protocol::limits::{GATES_MAX, PILOT_BRANCHES_MAX, ROSTER_ENTRIES_MAX};
use tributary_protocol::plan::{Gate, Gates, Measure, PARTS, Pilot, PilotGroup};
use tributary_protocol::printable::Untrusted;
use tributary_protocol::roster::MemberName;
use tributary_settings::Document;

use super::keys::{NAME_ALLOWED, line, only_with};

const DAY: u64 = 86_400;

/// Labels that may have limits.
const LABELS_MAX: usize = GATES_MAX / 7;

/// Keys of a label's limits, but for that of the lift, with the largest value that one has a meaning for.
const LIMITS: [(&str, Measure, u32); 6] = [
    ("calibration_error_max", Measure::CalibrationError, 1),
    ("auc_min", Measure::Auc, 1),
    ("ks_min", Measure::Ks, 1),
    ("found_gap_max", Measure::FoundGap, 1),
    ("calibration_gap_max", Measure::CalibrationGap, 1),
    ("stability_max", Measure::Stability, 10),
];

pub(super) fn gates(document: &mut Document) -> Option<Gates> {
    let card = document.boolean("gates.card", Gates::USUAL.card);
    let challenger = document.boolean("gates.challenger", Gates::USUAL.challenger);
    let limits = limits(document);
    let pilot = pilot(document);
    Some(Gates { limits: limits?, card: card?, challenger: challenger?, pilot: pilot? })
}

fn limits(document: &mut Document) -> Option<Vec<Gate>> {
    let prefixes = document.tables("gates.label", LABELS_MAX)?;
    let (mut limits, mut whole) = (Vec::new(), true);
    for prefix in prefixes {
        let key = |name: &str| format!("{prefix}.{name}");
        let label = document.text(&key("label"), NAME_ALLOWED, None, |text| line(text, 64));
        let label = label.map(|label| Untrusted::from(label.as_str()));
        let before = limits.len();
        let mut add = |measure, limit: Option<Option<u32>>| match (&label, limit) {
            (Some(label), Some(Some(limit))) => limits.push(Gate { label: label.clone(), measure, limit }),
            (_, Some(None)) => {}
            _ => whole = false,
        };
        for (name, measure, most) in LIMITS {
            add(measure, optional_parts(document, &key(name), most));
        }
        let lift = optional_parts(document, &key("lift_min"), 1_000);
        let share = list_share(document, &key("lift_share"));
        if lift == Some(None) {
            only_with(document, &[&key("lift_share")], "lift_min");
        }
        match share {
            Some(share) => add(Measure::Lift { share }, lift),
            None => whole = false,
        }
        if whole && limits.len() == before {
            document.fault(
                &key("label"),
                "no limit",
                "one limit at least, such as auc_min; a label without any needs no table",
            );
            whole = false;
        }
    }
    limits.sort();
    let twice = limits
        .iter()
        .zip(limits.iter().skip(1))
        .find(|(one, next)| (&one.label, one.measure) == (&next.label, next.measure));
    if let Some((gate, _)) = twice {
        document.fault("gates.label", format!("two tables for {}", gate.label), "one table for each label");
        return None;
    }
    whole.then_some(limits)
}

/// The share of a list whose lift is known: a tenth, where none is named.
fn list_share(document: &mut Document, key: &str) -> Option<u16> {
    let allowed = format!(
        "one of {}: the lists whose lift an evaluation gives",
        LIST_SHARES.map(|share| share.to_string()).join(", ")
    );
    let share = document.number(key, &allowed, Some(0.1), |share| LIST_SHARES.contains(&share))?;
    parts(share).and_then(|parts| u16::try_from(parts).ok())
}

/// A number from 0 on with four digits after the point at most, in parts in 10,000: nothing within, where the key is absent.
fn optional_parts(document: &mut Document, key: &str, most: u32) -> Option<Option<u32>> {
    let allowed = format!("a number from 0 to {most}, with four digits after the point at most");
    let fits = |value: f64| value <= f64::from(most) && parts(value).is_some();
    // Asked for in any case, so that the key counts as known. No file can say that a number is none.
    let found = document.number(key, &allowed, Some(f64::NAN), fits)?;
    Some(if found.is_nan() { None } else { parts(found) })
}

/// A number in parts in 10,000, where it is a whole number of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "compared with what it was, and the cast saturates"
)]
fn parts(value: f64) -> Option<u32> {
    let parts = (value * f64::from(PARTS)).round();
    let found = parts as u32;
    ((value * f64::from(PARTS) - parts).abs() < 1e-6 && f64::from(found) == parts).then_some(found)
}

fn pilot(document: &mut Document) -> Option<Option<Pilot>> {
    let keys = ["branches", "share", "copies_min", "days"].map(|key| format!("gates.pilot.{key}"));
    let [branches, share, copies, days] = &keys;
    if !keys.iter().any(|key| document.has(key)) {
        return Some(None);
    }
    let group = match (document.has(branches), document.has(share)) {
        (true, false) => names(document, branches).map(PilotGroup::Named),
        (false, true) => {
            let found = optional_parts(document, share, 1);
            let found = found.flatten().and_then(|parts| u16::try_from(parts).ok()).filter(|parts| *parts > 0);
            if found.is_none() && document.has(share) {
                document.fault(
                    share,
                    "no share of the branches",
                    "above 0, at most 1, with four digits after the point at most",
                );
            }
            found.map(PilotGroup::Share)
        }
        (both, _) => {
            // Both count as known.
            if both {
                let _ = (names(document, branches), optional_parts(document, share, 1));
            }
            let found = if both { "given with gates.pilot.branches" } else { "nothing" };
            document.fault(
                share,
                found,
                "either the pilot's branches by name (gates.pilot.branches), or their share of the plan's group",
            );
            None
        }
    };
    let most = match &group {
        Some(PilotGroup::Named(names)) => names.len(),
        _ => ROSTER_ENTRIES_MAX,
    };
    let most = i64::try_from(most).expect("at most ten thousand");
    let copies_min = document.integer(copies, 1..=most, None);
    let days: Option<u64> = document.integer(days, 0..=366, Some(7_u64));
    Some(Some(Pilot { group: group?, copies_min: copies_min?, seconds_min: days? * DAY }))
}

fn names(document: &mut Document, key: &str) -> Option<Vec<MemberName>> {
    let allowed =
        format!("a list of 1 to {PILOT_BRANCHES_MAX} branches, ORGANISATION/ID as the roster names them, each once");
    let mut names = document.texts(key, &allowed, |text| MemberName::parse(text).ok())?;
    let count = names.len();
    names.sort();
    names.dedup();
    if count > PILOT_BRANCHES_MAX || names.len() < count {
        document.fault(key, format!("a list of {count} items, {} of them different", names.len()), allowed);
        return None;
    }
    Some(names)
}

//! Whether a plan fits what the year under which it runs gives its kind of run: epsilon of a run, and runs by month.

use std::collections::BTreeMap;

use tributary_model::privacy::epsilon_of;
use tributary_model::year::RunKind;
use tributary_protocol::plan::{Plan, PrivacyMode, Rhythm, YearShare};
use tributary_protocol::printable::counted;
use tributary_protocol::privacy::{Month, Unit};
use tributary_protocol::time::Millis;

use super::finding::{Finding, Level, finding};
use crate::portrait::figure;
use crate::year::YearFile;

/// Months that one finding names.
const NAMED_MAX: usize = 3;
/// Rounding of an epsilon, upwards, by whoever computes it.
const ROUNDING: f64 = 1e-6;
/// Seconds of the longest month.
const LONGEST_MONTH: u64 = 31 * 86_400;

/// Everything that an approver of the plan must know of its year.
pub(super) fn compared(plan: &Plan, file: Option<&YearFile>) -> Vec<Finding> {
    let fault = |key: &str, text: String| finding(Level::Fault, key, text);
    let ask = |key: &str, text: String| finding(Level::Ask, key, text);
    let (share, file) = match (&plan.charter.year, file) {
        (None, None) => return Vec::new(),
        (None, Some(_)) => {
            let text =
                "the plan names no year, so that nothing is compared; name the year's digest, or leave --year out";
            return vec![fault("charter.year", text.into())];
        }
        (Some(share), None) => {
            let text = format!(
                "the plan runs under the year {} and nothing was compared with it; give the year's signed file with --year",
                share.year
            );
            return vec![ask("charter.year", text)];
        }
        (Some(share), Some(file)) => (share, file),
    };
    let YearShare { year, kind: name } = share;
    let found = file.year.digest();
    if found != *year {
        let text =
            format!("the plan runs under the year {year}, and the file holds the year {found}: give the other file");
        return vec![fault("charter.year", text)];
    }
    let mut findings = Vec::new();
    if file.approvals().is_none() {
        let text = "two people have not signed the year, so that it allocates nothing yet (`tributary plan year propose`, `approve`)";
        findings.push(fault("charter.year", text.into()));
    }
    let Some(kind) = file.year.kind(name.raw()) else {
        let kinds: Vec<&str> = file.year.kinds.iter().map(|kind| kind.name.as_str()).collect();
        let text = format!("the year has no runs of kind {name}; its kinds are {}", kinds.join(", "));
        findings.push(fault("charter.year_kind", text));
        return findings;
    };
    if plan.privacy == PrivacyMode::None {
        let text = "the plan adds no noise, and a year allocates epsilon: no year pays for it; leave the year out";
        findings.push(fault("charter.year", text.into()));
        return findings;
    }
    // At the year's delta, whatever the plan's is.
    let delta = file.year.delta;
    let epsilon = epsilon_of(plan.charge_of_run().of(Unit::Customer), delta).0;
    if epsilon > kind.epsilon + ROUNDING {
        let text = format!(
            "a run may cost a customer epsilon {} at delta {delta:e}, and the year gives a run of kind {} epsilon {}; lower plan.epsilon, or have \
             another year approved",
            figure(epsilon),
            kind.name,
            figure(kind.epsilon)
        );
        findings.push(fault("plan.epsilon", text));
    }
    findings.extend(by_month(plan, kind).map(|text| fault("schedule", text)));
    if let Some(text) = late(plan, kind) {
        findings.push(ask("schedule", text));
    }
    findings
}

/// The months in which the plan may begin more runs than the year has of its kind, if each begins as early as it may.
fn by_month(plan: &Plan, kind: &RunKind) -> Option<String> {
    let last = plan.schedule.not_after.min(plan.charter.review_by);
    let mut runs: BTreeMap<Month, u32> = BTreeMap::new();
    let mut before = None;
    for _ in 0..plan.runs {
        let next = plan.schedule.next_after(before);
        if next > last {
            break;
        }
        *runs.entry(Month::of(Millis(next.saturating_mul(1000)))).or_default() += 1;
        before = Some(next);
    }
    let more = runs.iter().filter(|(month, count)| **count > kind.runs_in(**month));
    let more: Vec<String> =
        more.map(|(month, count)| format!("{count} in {month}, where the year has {}", kind.runs_in(*month))).collect();
    let named = more.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    let rest = match more.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        left => format!("; and so in {}", counted(left, "more month")),
    };
    (!more.is_empty()).then(|| {
        format!(
            "the plan may begin more runs of kind {} than the year has: {named}{rest}; change the schedule, or have another year approved",
            kind.name
        )
    })
}

/// Where a run that begins late moves the next ones, so that a month may get more than the year has.
fn late(plan: &Plan, kind: &RunKind) -> Option<String> {
    let Rhythm::Interval { seconds } = plan.schedule.rhythm else { return None };
    let most = (LONGEST_MONTH - 1) / seconds.max(1) + 1;
    let most = most.min(plan.runs.into());
    (most > kind.runs.into()).then(|| {
        format!(
            "runs that begin later than they may can come to {most} in one month, and the year has {} of kind {}; schedule.monthly_day keeps to one",
            kind.runs, kind.name
        )
    })
}

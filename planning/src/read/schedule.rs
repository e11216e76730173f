//! [schedule]: how often, when, and within what all runs stay.

use tributary_protocol::limits::{AS_OF_DAYS_MAX, PLAN_SECONDS_MAX, ROSTER_ENTRIES_MAX, RUNS_MAX};
use tributary_protocol::plan::{AsOf, Date, Readiness, Rhythm, Schedule};
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_settings::Document;

use super::keys::{first_second, last_second, only_with};
use crate::dates::day;
use crate::settings::{PrivacyTarget, ScheduleSettings};

const DAY: u64 = 86_400;

pub(super) fn schedule(
    document: &mut Document,
    (privacy, cohort): (Option<PrivacyTarget>, Option<CohortRule>),
) -> Option<ScheduleSettings> {
    let runs_max = document.integer("schedule.runs_max", 1..=RUNS_MAX.into(), Some(1_u32));
    let rhythm = rhythm(document, runs_max);
    let not_before = first_second(document, "schedule.not_before", "no run begins earlier");
    let why = "no run begins later, and what was approved once does not run for ever";
    let not_after = last_second(document, "schedule.not_after", why);
    let epsilon_all_runs = epsilon_all_runs(document, privacy, runs_max);
    let readiness = readiness(document, cohort);
    if let (Some(not_before), Some(not_after)) = (not_before, not_after)
        && !not_after.checked_sub(not_before).is_some_and(|seconds| (1..=PLAN_SECONDS_MAX).contains(&seconds))
    {
        let allowed = format!("a date from not_before ({}) to ten years after it", day(not_before));
        document.fault("schedule.not_after", day(not_after), allowed);
    }
    let (runs_max, epsilon_all_runs) = (runs_max?, epsilon_all_runs?);
    let schedule = Schedule { not_before: not_before?, not_after: not_after?, rhythm: rhythm? };
    Some(ScheduleSettings { runs_max, schedule, readiness: readiness?, epsilon_all_runs })
}

fn rhythm(document: &mut Document, runs_max: Option<u32>) -> Option<Rhythm> {
    let (interval, monthly) = ("schedule.interval_days", "schedule.monthly_day");
    let (has_interval, has_monthly) = (document.has(interval), document.has(monthly));
    let most = i64::try_from(PLAN_SECONDS_MAX / DAY).expect("ten years of days");
    let days = document.integer(interval, 0..=most, Some(0_u64));
    let day = document.integer(monthly, 1..=28, Some(1_u8));
    if has_interval && has_monthly {
        document.fault(monthly, "given with interval_days", "one of the two");
        return None;
    }
    if !has_interval && !has_monthly && runs_max.is_some_and(|runs| runs > 1) {
        let allowed =
            "interval_days, 0 to 3653, or monthly_day, 1 to 28: how far apart the runs of a plan with several are";
        document.fault(interval, "nothing", allowed);
        return None;
    }
    if has_monthly {
        return day.map(|day| Rhythm::Monthly { day });
    }
    days.map(|days| Rhythm::Interval { seconds: days * DAY })
}

fn epsilon_all_runs(
    document: &mut Document,
    privacy: Option<PrivacyTarget>,
    runs_max: Option<u32>,
) -> Option<Option<f64>> {
    let key = "schedule.epsilon_all_runs";
    let above = |value: f64| value > 0.0 && value <= 100_000.0;
    let epsilon = document.number(key, "above 0, at most 100000", Some(1.0), above);
    if !document.has(key) {
        return Some(None);
    }
    match privacy {
        Some(PrivacyTarget::None) => only_with(document, &[key], "a privacy mode with noise"),
        Some(target) => {
            let one = target.target().map(|(epsilon, _)| epsilon);
            if let (Some(all), Some(one)) = (epsilon, one)
                && all < one
            {
                let allowed = format!("plan.epsilon ({one}) or more: below it no run could begin");
                document.fault(key, all.to_string(), allowed);
            }
            if runs_max == Some(1) {
                only_with(document, &[key], "runs_max above 1; the cap of one run is plan.epsilon");
            }
        }
        None => {}
    }
    epsilon.map(Some)
}

/// What must be ready before a run begins.
fn readiness(document: &mut Document, cohort: Option<CohortRule>) -> Option<Readiness> {
    let allowed = format!(
        "\"month-end\" (the last day of the month before the one in which a run begins), \"N days before\" (the run's first day, N from 0 to \
         {AS_OF_DAYS_MAX}), or a date, YYYY-MM-DD"
    );
    let as_of = document.date("schedule.as_of", &allowed, Some(AsOf::Undeclared), as_of);
    let most = i64::try_from(ROSTER_ENTRIES_MAX).expect("a few thousand");
    let ready_min = document.integer("schedule.ready_min", 0..=most, Some(0_u32));
    if let (Some(ready), Some(cohort)) = (ready_min, cohort)
        && (1..cohort.cohort_min.into()).contains(&ready)
    {
        let allowed = format!("0, or plan.cohort.cohort_min ({}) or more: fewer never begin a run", cohort.cohort_min);
        document.fault("schedule.ready_min", ready.to_string(), allowed);
    }
    Some(Readiness { as_of: as_of?, ready_min: ready_min? })
}

fn as_of(text: &str) -> Option<AsOf> {
    if text == "month-end" {
        return Some(AsOf::MonthEnd);
    }
    let Some(days) = text.strip_suffix(" days before").or_else(|| text.strip_suffix(" day before")) else {
        return Date::parse(text).map(AsOf::Day);
    };
    let read: u16 = days.parse().ok()?;
    (read <= AS_OF_DAYS_MAX && read.to_string() == days).then_some(AsOf::DaysBefore { days: read })
}

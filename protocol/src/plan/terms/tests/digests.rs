//! What is signed with a plan: another choice is another plan. Its runs, and their days.

use super::*;
use crate::digest::frozen;
use crate::plan::{AsOf, Date, Readiness, Run};

/// A run has a number, and its own identity.
#[test]
fn a_run_is_one_of_its_plan() {
    let plan = Plan { runs: 3, ..cast::plan() }.validate().expect("a valid plan");
    let ids: Vec<_> = (1..=3).map(|number| Run::new(plan.clone(), number).expect("one of three").id()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_eq!((Run::new(plan.clone(), 0), Run::new(plan, 4)), (None, None));
}

/// The year that a plan names, and its place there.
#[test]
fn the_year_of_a_plan_is_in_its_digest() {
    let digest = |year: Option<YearShare>| {
        let mut plan = cast::plan();
        plan.charter.year = year;
        plan.validate().expect("within the limits").digest()
    };
    let own = || share("churn".into());
    let other = YearShare { year: Digest::of(b"another"), ..own() };
    let digests = [digest(None), digest(Some(own())), digest(Some(share("count".into()))), digest(Some(other))];
    assert_eq!(frozen(digests), "75372f5a");
}

#[test]
fn what_is_kept_is_in_the_plans_digest() {
    let digest = |change: fn(&mut Retention)| {
        let mut plan = cast::plan();
        change(&mut plan.retention);
        plan.validate().expect("within the limits").digest()
    };
    let digests = [
        digest(|_| {}),
        digest(|retention| retention.uploads_dimension_max = 0),
        digest(|retention| retention.sums = false),
        digest(|retention| retention.days = 1),
    ];
    assert_eq!(frozen(digests), "d68e4958");
    let keeps = |uploads_dimension_max, dimension| {
        Retention { uploads_dimension_max, ..Retention::USUAL }.keeps_uploads(dimension)
    };
    assert!(keeps(600, 600) && !keeps(600, 601) && !keeps(0, 1));
}

/// Each run has a day of its own, by when it begins.
#[test]
fn the_day_of_a_runs_data_follows_from_its_beginning() {
    let date = |text| Date::parse(text).expect("a day of the calendar");
    let noon = |text| date(text).first_second() + 43_200;
    let rows = [
        (AsOf::Undeclared, "2027-01-15", None),
        (AsOf::Day(date("2026-12-31")), "2027-06-01", Some("2026-12-31")),
        (AsOf::MonthEnd, "2027-01-01", Some("2026-12-31")),
        (AsOf::MonthEnd, "2027-03-31", Some("2027-02-28")),
        (AsOf::DaysBefore { days: 0 }, "2027-03-01", Some("2027-03-01")),
        (AsOf::DaysBefore { days: 1 }, "2027-03-01", Some("2027-02-28")),
    ];
    for (as_of, begins, day) in rows {
        assert_eq!(as_of.of_run(noon(begins)), day.map(date), "{as_of:?}, {begins}");
    }
    assert_eq!(AsOf::MonthEnd.of_run(0), Some(Date(0)), "no day is before the clock");
}

#[test]
fn what_must_be_ready_is_in_the_plans_digest() {
    let choices = [
        Readiness::NONE,
        Readiness { as_of: AsOf::MonthEnd, ..Readiness::NONE },
        Readiness { as_of: AsOf::Day(Date(0)), ..Readiness::NONE },
        Readiness { as_of: AsOf::Day(Date(1)), ..Readiness::NONE },
        Readiness { as_of: AsOf::DaysBefore { days: 0 }, ..Readiness::NONE },
        Readiness { as_of: AsOf::DaysBefore { days: 1 }, ..Readiness::NONE },
        Readiness { ready_min: 20, ..Readiness::NONE },
    ];
    let of = |readiness| Plan { readiness, ..cast::plan() }.validate().expect("within the limits").digest();
    assert_eq!(frozen(choices.map(of)), "9716977e");
}

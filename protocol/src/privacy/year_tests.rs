use alloc::string::ToString as _;

use proptest::prelude::*;

use super::*;
use crate::digest::frozen_fields;
use crate::privacy::RdpVector;

const DAY: u64 = 86_400_000;

fn charge(times: u64) -> Accounts {
    Accounts::customers(RdpVector::gaussian(1, 2000).times(times))
}

/// Noon of a day.
fn noon(year: u64, month: u32, day: u32) -> Millis {
    Millis(days_before(year, month, day) * DAY + DAY / 2)
}

#[test]
fn months_are_those_of_the_calendar() {
    let month = Month::of(noon(2026, 11, 28));
    assert_eq!((month.to_string().as_str(), month.plus(2).to_string().as_str()), ("2026-11", "2027-01"));
    assert_eq!(Month::of(Millis(month.first_second() * 1000)), month);
    assert_eq!(Month::of(Millis(month.first_second() * 1000 - 1)).plus(1), month);
    assert_eq!((Month(3).first_second(), Month::of(Millis(0)).to_string().as_str()), (0, "1970-01"));
}

/// The day of a date.
fn day(year: u64, month: u32, of_month: u32) -> Day {
    Day::of(noon(year, month, of_month))
}

#[test]
fn a_year_of_days_ends_with_the_same_date() {
    let today = day(2026, 11, 28);
    assert_eq!((today.to_string().as_str(), today.month().to_string().as_str()), ("2026-11-28", "2026-11"));
    assert_eq!((today.falls(), today.year_begins()), (day(2027, 11, 28), day(2025, 11, 29)));
    // A leap day counts until 1 March, and so does the first of March after one.
    assert_eq!((day(2028, 2, 29).falls(), day(2028, 3, 1).falls()), (day(2029, 3, 1), day(2029, 3, 1)));
    assert_eq!((day(2028, 2, 29).year_begins(), day(2029, 2, 28).year_begins()), (day(2027, 3, 1), day(2028, 2, 29)));
    assert_eq!(Day(0).year_begins(), Day(0));
    // Whatever day it is: the first that counts has not fallen, and the one before it has.
    for today in (day(2026, 1, 1).0..day(2030, 1, 1).0).map(Day) {
        let begins = today.year_begins();
        assert!(begins.falls() > today && Day(begins.0 - 1).falls() <= today, "{today}");
        assert!((365..=366).contains(&(today.0 + 1 - begins.0)), "{today}");
    }
}

/// Time passes by two clocks that agree.
fn pass(year: &mut YearSpend, to: Millis) {
    year.pass((to, to));
}

/// Days that are over for one of two heads are over for what both come to.
#[test]
fn a_raised_year_begins_where_the_later_one_begins() {
    let (mut old, mut new) = (YearSpend::default(), YearSpend::default());
    old.charge(noon(2026, 1, 10), &charge(3));
    old.charge(noon(2026, 9, 1), &charge(1));
    new.charge(noon(2026, 10, 1), &charge(2));
    pass(&mut new, noon(2027, 2, 1));
    for (mut year, other) in [(old.clone(), &new), (new.clone(), &old)] {
        year.raise(other);
        assert_eq!((year.from(), year.spent()), (day(2026, 2, 2), charge(2)));
    }
}

/// A charge counts until the day before the same date of the next year.
#[test]
fn a_charge_counts_for_twelve_months() {
    let mut year = YearSpend::default();
    year.charge(noon(2026, 1, 31), &charge(3));
    year.charge(noon(2026, 6, 1), &charge(1));
    pass(&mut year, noon(2027, 1, 30));
    assert_eq!(year.spent(), charge(4));
    let (falls, then) = year.falls_after(noon(2027, 1, 30)).expect("something is spent");
    assert_eq!((falls.to_string().as_str(), then), ("2027-01-31", charge(1)));
    assert_eq!(year.spent_at(noon(2027, 1, 31)), charge(1), "were time to have passed");
    assert_eq!(year.spent(), charge(4), "it has not");
    pass(&mut year, noon(2027, 1, 31));
    assert_eq!((year.spent(), year.days().len()), (charge(1), 1));
    pass(&mut year, noon(2027, 6, 1));
    assert_eq!((year.spent(), year.falls_after(noon(2027, 6, 1))), (Accounts::zero(), None));
}

/// A run each month, always from the same day on: twelve of them are a year's, however long one takes within its month.
#[test]
fn twelve_monthly_runs_are_a_year() {
    let mut year = YearSpend::default();
    for number in 0..36 {
        let (in_year, month) = (2026 + number / 12, u32::try_from(number % 12).unwrap() + 1);
        pass(&mut year, noon(in_year, month, 5));
        assert_eq!(year.spent(), charge(number.min(11)), "run {number}");
        year.charge(noon(in_year, month, 5), &charge(1));
    }
    // A run of three days counts until the last of them is over.
    let mut year = YearSpend::default();
    (5..8).for_each(|of_month| year.charge(noon(2026, 1, of_month), &charge(1)));
    for (of_month, spent) in [(5, 3), (6, 3), (7, 0)] {
        pass(&mut year, noon(2027, 1, of_month));
        assert_eq!((year.spent(), year.is_short()), (charge(spent), true));
    }
}

/// What costs nothing leaves no trace, not of its day either.
#[test]
fn a_charge_of_nothing_is_no_charge() {
    let mut year = YearSpend::default();
    year.charge(noon(2030, 1, 1), &Accounts::zero());
    assert_eq!(year, YearSpend::default());
    year.charge(noon(2026, 1, 1), &charge(1));
    assert_eq!(year.days(), [(day(2026, 1, 1), charge(1))]);
}

/// Asked for a moment that is long past, a year says what it says of the first day that it knows of.
#[test]
fn a_moment_before_the_first_day_that_counts_brings_nothing_back() {
    let mut year = YearSpend::default();
    year.charge(noon(2026, 1, 10), &charge(3));
    year.charge(noon(2026, 9, 1), &charge(1));
    pass(&mut year, noon(2027, 2, 1));
    for asked in [noon(2020, 1, 1), noon(2027, 2, 1)] {
        assert_eq!(year.spent_at(asked), charge(1));
        assert_eq!(year.falls_after(asked), Some((day(2027, 9, 1), Accounts::zero())));
    }
}

/// An operator who moves the branch's clock: back, and the charge counts as if the clock had not moved; forward, and it counts for longer.
#[test]
fn a_clock_that_was_set_frees_nothing() {
    let mut year = YearSpend::default();
    pass(&mut year, noon(2026, 11, 1));
    year.charge(noon(2020, 1, 1), &charge(2));
    assert_eq!(year.days().first().map(|(day, _)| day.to_string()).as_deref(), Some("2026-11-01"));
    year.charge(noon(2031, 5, 1), &charge(1));
    year.charge(noon(2026, 12, 1), &charge(1));
    assert_eq!(year.spent(), charge(4), "the charge of the future makes none of the past older");
    pass(&mut year, noon(2026, 1, 1));
    assert_eq!(year.spent(), charge(4), "time does not come back");
    pass(&mut year, noon(2028, 1, 1));
    assert_eq!(year.spent(), charge(2), "what was charged after the clock was set counts with it");
    pass(&mut year, noon(2032, 6, 1));
    assert_eq!(year.spent(), Accounts::zero());
}

/// Where two clocks differ, the earlier one frees and the later one says on which day a charge counts.
#[test]
fn two_clocks_free_what_both_have_passed() {
    let mut year = YearSpend::default();
    year.pass((noon(2026, 1, 31), noon(2026, 2, 1)));
    year.charge(noon(2026, 1, 31), &charge(1));
    for early in [(noon(2027, 1, 31), noon(2027, 2, 1)), (noon(2030, 1, 1), noon(2027, 1, 31))] {
        year.pass(early);
        assert_eq!(year.spent(), charge(1));
    }
    year.pass((noon(2027, 2, 1), noon(2027, 2, 2)));
    assert_eq!(year.spent(), Accounts::zero());
}

/// More months than a year has come of a run that goes on for long after it was accepted, or of a clock that jumps.
#[test]
fn months_are_few_and_none_is_lost() {
    let mut year = YearSpend::default();
    pass(&mut year, noon(2025, 1, 1));
    for month in 0..40 {
        year.charge(noon(2025 + month / 12, u32::try_from(month % 12).unwrap() + 1, 1), &charge(1));
    }
    assert!(year.is_short());
    assert_eq!((year.spent(), year.days().len()), (charge(40), YEAR_MONTHS_MAX));
    pass(&mut year, noon(2028, 3, 31));
    assert_eq!(year.spent(), charge(40), "what was put together counts for as long as the latest of it");
    pass(&mut year, noon(2028, 4, 1));
    assert_eq!(year.spent(), charge(12));
}

#[test]
fn a_form_that_this_type_does_not_make_is_known() {
    let days = |days: &[u32]| YearSpend {
        from: Day(10),
        latest: Day(500),
        days: days.iter().map(|day| (Day(*day), charge(1))).collect(),
    };
    assert!(days(&[10, 40]).is_short() && days(&[10, 500]).is_short() && YearSpend::default().is_short());
    let long: Vec<u32> = (0..14).map(|month| 15 + 31 * month).collect();
    assert!(days(&long[..13]).is_short());
    for bad in [&[9, 40][..], &[40, 501], &[40, 40], &[70, 40], &[40, 41], &long] {
        assert!(!days(bad).is_short(), "{bad:?}");
    }
    // A charge on its latest day would be before the first one that counts.
    let empty = |from, latest| YearSpend { from: Day(from), latest: Day(latest), days: Vec::new() };
    assert!(empty(9, 9).is_short() && !empty(10, 9).is_short());
}

/// Frozen, with each part changed: a branch signs its year.
#[test]
fn every_part_of_a_year_is_in_its_digest() {
    let base = YearSpend {
        from: Day(10),
        latest: Day(500),
        days: [(40, 3), (90, 5)].map(|(day, times)| (Day(day), charge(times))).to_vec(),
    };
    let changes: [fn(&mut YearSpend); 7] = [
        |year| year.from = Day(11),
        |year| year.latest = Day(501),
        |year| year.days[0].0 = Day(41),
        |year| year.days[1].1 = charge(6),
        |year| year.days[1].1 = Accounts { branch: charge(5).customer, ..Accounts::zero() },
        |year| drop(year.days.pop()),
        |year| year.days.clear(),
    ];
    let digest = |year: &YearSpend| year.canonical(Canonical::new("year")).finish();
    assert_eq!(frozen_fields(&base, &changes, digest), "6f2778f6");
}

/// What a branch does with its year.
#[derive(Clone, Debug)]
enum Step {
    Charge { day: u32, times: u64 },
    Pass { day: u32 },
}

fn moment(day: u32) -> Millis {
    Day(11_000 + day).first_millisecond()
}

fn after(steps: &[Step]) -> YearSpend {
    let mut year = YearSpend::default();
    for step in steps {
        match step {
            Step::Charge { day, times } => year.charge(moment(*day), &charge(*times)),
            Step::Pass { day } => pass(&mut year, moment(*day)),
        }
    }
    year
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u32..2_400, 1_u64..9).prop_map(|(day, times)| Step::Charge { day, times }),
        (0_u32..60, 1_u64..9).prop_map(|(day, times)| Step::Charge { day, times }),
        (0_u32..1_800).prop_map(|day| Step::Pass { day }),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    /// Whatever clocks do: a charge that was made when so much time had passed for certain counts for twelve months from then on at least.
    #[test]
    fn nothing_is_freed_before_twelve_months_have_passed(steps in steps(), asked in 0_u32..2_400) {
        let year = after(&steps);
        let passed = |steps: &[Step]| {
            let days = steps.iter().filter_map(|step| if let Step::Pass { day } = step { Some(*day) } else { None });
            days.max().unwrap_or(0)
        };
        let now = asked.max(passed(&steps));
        let owed = steps.iter().enumerate().filter_map(|(place, step)| match step {
            Step::Charge { day, times } => {
                let at = passed(&steps[..place]).max(*day);
                (Day::of(moment(at)).falls() > Day::of(moment(now))).then_some(*times)
            }
            Step::Pass { .. } => None,
        });
        prop_assert!(charge(owed.sum()).at_most(&year.spent_at(moment(now))));
        prop_assert!(year.is_short());
    }

    /// An older copy that is shown what was signed later counts no less than either, from any day on; and it then knows both.
    #[test]
    fn an_older_copy_forgets_nothing(early in steps(), own in steps(), other in steps(), asked in 0_u32..2_400) {
        let one = after(&[early.clone(), own].concat());
        let two = after(&[early, other].concat());
        let mut both = one.clone();
        both.raise(&two);
        prop_assert!(both.knows(&one) && both.knows(&two) && both.is_short());
        let at = moment(asked);
        let from = Day::of(at).year_begins().max(both.from());
        prop_assert!(one.since(from).most(&two.since(from)).at_most(&both.spent_at(at)));
        if !one.knows(&two) {
            prop_assert!(both != one, "there was something to count");
        }
        // Nothing is counted twice.
        let all = one.spent().most(&two.spent());
        prop_assert!(both.spent().at_most(&all));
        let again = { let mut again = both.clone(); again.raise(&two); again };
        prop_assert_eq!(again, both);
    }
}

//! Each function by hand.

use super::*;

/// Five events of customer a, one of b; c has none within the windows, and d has none at all.
const ROWS: &str = "khh,day,je,qd\n\
    a,2026-11-30,-100.50,03\n\
    a,2026-11-20,2000.00,01\n\
    a,2026-11-20,-0.50,04\n\
    a,2026-10-31,70.00,02\n\
    a,2026-09-01,-30.00,01\n\
    b,2026-11-01,5.25,02\n\
    c,2026-08-30,9.00,01\n";

#[test]
fn counts_sums_and_shares_are_those_of_the_window() {
    let found = of_transactions(
        &[
            "function = \"count\"\nwindow_days = 30",
            "function = \"count\"\nwindow_days = 90",
            "function = \"sum\"\nwindow_days = 90\ndirection = \"out\"",
            "function = \"net\"\nwindow_days = 30",
            "function = \"mean\"\nwindow_months = 3",
            "function = \"max\"\nwindow_days = 90\nonly = { channel = [\"app\", \"atm\"] }",
            "function = \"any\"\nwindow_days = 90\namount_min = \"2000\"",
            "function = \"share_of_count\"\nwindow_days = 90\nonly = { channel = [\"app\"] }",
            "function = \"share_of_amount\"\nwindow_days = 30\ndirection = \"in\"",
            "function = \"distinct\"\nof = \"channel\"\nwindow_days = 90",
        ],
        ROWS,
    );
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    // 2026-10-31 is thirty days before, and 2026-09-01 ninety: they are no longer in these windows.
    let share = 2000.0 / 2101.0;
    assert_eq!(found["a"], some(&[3.0, 4.0, 101.0, 1899.0, 440.2, 100.5, 1.0, 0.5, share, 3.0]));
    assert_eq!(found["b"], some(&[1.0, 1.0, 0.0, 5.25, 5.25, 5.25, 0.0, 0.0, 1.0, 1.0]));
    let none = vec![Some(0.0), Some(0.0), Some(0.0), Some(0.0), None, None, Some(0.0), None, None, Some(0.0)];
    assert_eq!(found["c"], none, "its event is of before");
    assert_eq!(found["d"], none, "counts are 0; of means and shares there is nothing to say");
}

#[test]
fn recency_cycles_and_decay_are_counted_in_days_and_windows() {
    let found = of_transactions(
        &[
            "function = \"days_since_last\"\nwindow_days = 365",
            "function = \"cycle_days\"\nwindow_days = 91",
            "function = \"active_days\"\nwindow_days = 91",
            "function = \"decay\"\nwindow_days = 30\nformer = 2",
            "function = \"days_since_last\"\nwindow_days = 5\ndirection = \"in\"",
        ],
        ROWS,
    );
    // Days 0, 10, 30 and 90 before: gaps of 10, 20 and 60. Three in the last window, two in the two before: 3 / (2 / 2).
    assert_eq!(found["a"], [Some(0.0), Some(20.0), Some(4.0), Some(3.0 / 0.5), None]);
    assert_eq!(found["b"], [Some(29.0), None, Some(1.0), None, None]);
    assert_eq!(found["c"], [Some(92.0), None, Some(0.0), None, None]);
    assert_eq!(found["d"], [None, None, Some(0.0), None, None]);
}

/// Tickets that are open, and how long the others took: an end after the day of the data is not known on it.
#[test]
fn ends_after_the_day_are_not_known() {
    let text = "[[events]]\nname = \"calls\"\ncustomer = \"khh\"\ntime = \"begin\"\nuntil = \"end\"\nbooked = \"known\"\n\
        [[derived]]\nto = \"f0\"\ntable = \"calls\"\nfunction = \"open\"\nwindow_days = 30\n\
        [[derived]]\nto = \"f1\"\ntable = \"calls\"\nfunction = \"hours_mean\"\nwindow_days = 30\n\
        [[derived]]\nto = \"f2\"\ntable = \"calls\"\nfunction = \"count\"\nwindow_days = 30\n";
    let mapping = mapping(text).unwrap_or_else(|fault| panic!("{fault}"));
    let rows = "khh,begin,end,known\n\
        a,2026-11-10 08:00,2026-11-10 20:00:00,2026-11-10\n\
        a,2026-11-20 08:00,2026-11-21 08:00:00,2026-11-20\n\
        b,2026-11-10 08:00,2026-11-10,2026-11-10\n\
        b,2026-11-10 08:00,2026-11-12,2026-11-10\n\
        a,2026-11-30 23:00,2026-12-01 01:00:00,2026-11-30\n\
        a,2026-11-29 12:00,,2026-11-29\n\
        a,2026-11-29 12:00,,2026-12-01\n\
        a,2026-11-29 12:00,,\n";
    let files = Files::new(&[("kh.csv", "who,y\na,1\nb,1\n"), ("c.csv", rows)]);
    let found = derived(&mapping, &files.file("kh.csv"), &[files.file("c.csv")], &["a", "b"]);
    let found = found.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(found["a"], [Some(2.0), Some(18.0), Some(4.0)]);
    // Of an end without a time whole days are known: none and two.
    assert_eq!(found["b"], [Some(0.0), Some(24.0), Some(2.0)]);
}

#[test]
fn balances_of_a_day_add_up_and_trends_are_those_of_days() {
    let text = "[[events]]\nname = \"balances\"\nholds = \"balances\"\ncustomer = \"khh\"\ntime = \"day\"\ntime_form = \"YYYYMMDD\"\n\
        amount = \"ye\"\nunit = \"万元\"\nsign = \"allowed\"\n\
        [[events.codes]]\nname = \"kind\"\ncolumn = \"lx\"\nmeanings = { \"dq\" = \"fixed\", \"hq\" = \"demand\" }\n";
    let fields = [
        "function = \"last\"\nwindow_days = 90",
        "function = \"mean\"\nwindow_days = 30",
        "function = \"trend_ratio\"\nwindow_months = 1",
        "function = \"trend_slope\"\nwindow_days = 61",
        "function = \"share_of_amount\"\nwindow_days = 1\nonly = { kind = [\"fixed\"] }",
        "function = \"last\"\nwindow_days = 90\nonly = { kind = [\"demand\"] }",
    ];
    let fields: String = (0..)
        .zip(fields)
        .map(|(number, keys)| format!("[[derived]]\nto = \"f{number}\"\ntable = \"balances\"\n{keys}\n"))
        .collect();
    let mapping = mapping(&format!("{text}{fields}")).unwrap_or_else(|fault| panic!("{fault}"));
    // At the end of September 1, of October 2 and of November 4 (ten thousand yuan), the last in two accounts.
    let rows = "khh,day,ye,lx\na,20261001,1,hq\na,20261031,2,hq\na,20261130,3,dq\na,20261130,1,hq\nb,20261130,-0.5,hq\nc,20261101,1,hq\n";
    let files = Files::new(&[("kh.csv", "who,y\na,1\nb,0\nc,0\n"), ("b.csv", rows)]);
    let found = derived(&mapping, &files.file("kh.csv"), &[files.file("b.csv")], &["a", "b", "c"]);
    let found = found.unwrap_or_else(|fault| panic!("{fault}"));
    // Days 0, 30 and 60 with 1, 2 and 4: a slope of 1.5 for thirty days. October's mean is 1.5 over its two days.
    assert_eq!(found["a"], [40_000.0, 40_000.0, 4.0 / 1.5, 15_000.0, 0.75, 10_000.0].map(Some));
    assert_eq!(found["b"], [Some(-5_000.0), Some(-5_000.0), None, None, None, Some(-5_000.0)]);
    assert_eq!(found["c"], [Some(10_000.0), Some(10_000.0), None, None, None, Some(10_000.0)]);
}

/// An event at four in the afternoon by UTC is of the next day in China.
#[test]
fn days_are_those_of_the_banks_own_clock() {
    let keys = "function = \"sum\"\nwindow_days = 1";
    let rows = "khh,day,je,qd\na,2026-11-29 15:59:59,1,01\na,2026-11-29 16:00:00,2,01\na,2026-11-30 15:59:59,4,01\n\
        a,2026-11-30 16:00:00,8,01\n";
    let files = Files::new(&[("kh.csv", "who,y\na,1\n"), ("t.csv", rows)]);
    // By a clock five minutes ahead of China's, 15:59:59 is of the next day as well.
    for (zone, offset, sum) in [("local", 480, 12.0), ("utc", 480, 6.0), ("utc", 0, 12.0), ("utc", 485, 3.0)] {
        let text = transactions(&format!("time_zone = \"{zone}\""), &[keys]);
        let mapping =
            mapping(&format!("utc_offset_minutes = {offset}\n{text}")).unwrap_or_else(|fault| panic!("{fault}"));
        let found = derived(&mapping, &files.file("kh.csv"), &[files.file("t.csv")], &["a"]);
        let found = found.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(found["a"], [Some(sum)], "{zone} {offset}");
    }
}

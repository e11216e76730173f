//! What holds for all rows: no order, no source and no division matters, and no field sees the future.

use std::fmt::Write as _;
use std::fs::File;
use std::sync::Arc;

use ::parquet::data_type::ByteArray;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;

/// Every function of events, over windows of several lengths.
const FIELDS: [&str; 15] = [
    "function = \"count\"\nwindow_days = 30",
    "function = \"any\"\nwindow_days = 7\namount_min = \"500\"",
    "function = \"open\"\nwindow_days = 90",
    "function = \"sum\"\nwindow_days = 90\ndirection = \"out\"",
    "function = \"net\"\nwindow_months = 3",
    "function = \"mean\"\nwindow_days = 90",
    "function = \"max\"\nwindow_days = 30",
    "function = \"days_since_last\"\nwindow_days = 180",
    "function = \"cycle_days\"\nwindow_days = 180",
    "function = \"active_days\"\nwindow_days = 30",
    "function = \"distinct\"\nof = \"channel\"\nwindow_days = 30",
    "function = \"share_of_count\"\nwindow_days = 90\nonly = { channel = [\"app\"] }",
    "function = \"share_of_amount\"\nwindow_days = 90\ndirection = \"in\"",
    "function = \"decay\"\nwindow_days = 30\nformer = 3",
    "function = \"hours_mean\"\nwindow_days = 90",
];
/// How many days each of them looks back.
const LOOK_BACK: [i64; 15] = [30, 7, 90, 90, 91, 90, 30, 180, 180, 30, 30, 90, 90, 120, 90];

const MORE: &str = "until = \"end\"\nbooked = \"known\"";

/// An event: customer, days before the day of the data, fen, channel, days until it ended, days until it was booked.
type Row = (u8, i64, i64, u8, Option<i64>, i64);

fn row() -> impl Strategy<Value = Row> {
    (0_u8..4, -40_i64..220, -100_000_i64..100_000, 1_u8..5, proptest::option::of(0_i64..60), 0_i64..4)
}

fn date(before: i64) -> String {
    Date(u32::try_from(i64::from(day().0) - before).unwrap()).to_string()
}

/// The values of a row as texts.
fn texts((who, before, fen, channel, end, booked): Row) -> [String; 6] {
    let sign = if fen < 0 { "-" } else { "" };
    [
        ["a", "b", "c", "d"][usize::from(who)].to_owned(),
        date(before),
        format!("{sign}{}.{:02}", fen.abs() / 100, fen.abs() % 100),
        format!("0{channel}"),
        end.map(|days| date(before - days)).unwrap_or_default(),
        date(before - booked),
    ]
}

const HEADER: [&str; 6] = ["khh", "day", "je", "qd", "end", "known"];

fn csv(rows: &[Row]) -> String {
    let mut text = format!("{}\n", HEADER.join(","));
    rows.iter().for_each(|row| writeln!(text, "{}", texts(*row).join(",")).unwrap());
    text
}

fn of(rows: &[Row]) -> Values {
    let mapping = mapping(&transactions(MORE, &FIELDS)).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", "who,y\na,1\nb,0\nc,0\nd,0\n"), ("t.csv", &csv(rows))]);
    derived(&mapping, &files.file("kh.csv"), &[files.file("t.csv")], &["a", "b", "c", "d"])
        .unwrap_or_else(|fault| panic!("{fault}"))
}

/// The same rows as a Parquet file of groups of this size, and as an SQLite file.
fn elsewhere(rows: &[Row], group: usize) -> [Values; 2] {
    let files = Files::new(&[("kh.csv", "who,y\na,1\nb,0\nc,0\nd,0\n")]);
    let columns: String = HEADER.map(|name| format!("required binary {name} (UTF8); ")).concat();
    let types = Arc::new(parse_message_type(&format!("message m {{ {columns} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(File::create(files.at("t.parquet")).unwrap(), types, properties).unwrap();
    for rows in rows.chunks(group) {
        let mut out = file.next_row_group().unwrap();
        let mut number = 0;
        while let Some(mut column) = out.next_column().unwrap() {
            let values: Vec<ByteArray> =
                rows.iter().map(|row| ByteArray::from(texts(*row)[number].clone().into_bytes())).collect();
            match column.untyped() {
                ::parquet::column::writer::ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(&values, None, None).map(drop).unwrap();
                }
                _ => unreachable!("columns of text alone"),
            }
            column.close().unwrap();
            number += 1;
        }
        out.close().unwrap();
    }
    file.close().unwrap();
    let database = rusqlite::Connection::open(files.at("t.db")).unwrap();
    database.execute_batch("CREATE TABLE t (khh, day, je REAL, qd, \"end\", known); BEGIN").unwrap();
    for row in rows {
        database
            .execute("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6)", rusqlite::params_from_iter(texts(*row)))
            .unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
    drop(database);
    let sqlite = Origin::Sqlite { file: files.at("t.db"), query: "SELECT * FROM t".to_owned(), day_query: None };
    [("source = \"parquet\"", files.file("t.parquet")), ("source = \"sqlite\"\nquery = \"SELECT * FROM t\"", sqlite)]
        .map(|(source, origin)| {
            let mapping = mapping(&transactions(&format!("{MORE}\n{source}"), &FIELDS));
            let mapping = mapping.unwrap_or_else(|fault| panic!("{fault}"));
            derived(&mapping, &files.file("kh.csv"), &[origin], &["a", "b", "c", "d"])
                .unwrap_or_else(|fault| panic!("{fault}"))
        })
}

/// To the last bit.
fn bits(values: &Values) -> Vec<Option<u64>> {
    values.values().flatten().map(|value| value.map(f64::to_bits)).collect()
}

/// Every field by itself, over whole rows: slow and plain.
#[expect(clippy::cast_precision_loss, reason = "small sums")]
fn plainly(rows: &[Row], who: u8) -> [Option<f64>; 15] {
    let own =
        rows.iter().filter(|(customer, before, .., booked)| *customer == who && *before >= 0 && before - booked >= 0);
    let within = |days: i64| own.clone().filter(move |(_, before, ..)| *before < days).copied().collect::<Vec<Row>>();
    let count = |rows: &[Row]| Some(rows.len() as f64);
    let ratio = |sum: i64, parts: i64| (parts != 0).then(|| sum as f64 / parts as f64);
    let yuan = |fen: i64| Some(fen as f64 / 100.0);
    let ended = |(_, before, _, _, end, _): &Row| end.filter(|end| before - end >= 0);
    let [month, quarter, half] = [30, 90, 180].map(within);
    let by_months = within(91);
    let sizes = |rows: &[Row]| rows.iter().map(|row| row.2.abs()).sum::<i64>();
    let mut days: Vec<i64> = half.iter().map(|row| row.1).collect();
    days.sort_unstable();
    days.dedup();
    let mut gaps: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let middle = (!gaps.is_empty()).then(|| (gaps[gaps.len() / 2] + gaps[(gaps.len() - 1) / 2]) as f64 / 2.0);
    let mut active: Vec<i64> = month.iter().map(|row| row.1).collect();
    active.sort_unstable();
    active.dedup();
    let mut channels: Vec<u8> = month.iter().map(|row| row.3.min(3)).collect();
    channels.sort_unstable();
    channels.dedup();
    let of_app = quarter.iter().filter(|row| row.3 >= 3).count();
    let incoming: i64 = quarter.iter().map(|row| row.2.max(0)).sum();
    let hours: Vec<i64> = quarter.iter().filter_map(ended).collect();
    let former = within(120).len() as i64 - month.len() as i64;
    [
        count(&month),
        Some(f64::from(u8::from(within(7).iter().any(|row| row.2.abs() >= 50_000)))),
        Some(quarter.iter().filter(|row| ended(row).is_none()).count() as f64),
        yuan(quarter.iter().map(|row| -row.2.min(0)).sum()),
        yuan(by_months.iter().map(|row| row.2).sum()),
        ratio(sizes(&quarter), quarter.len() as i64 * 100),
        month.iter().map(|row| row.2.abs()).max().map(|most| most as f64 / 100.0),
        half.iter().map(|row| row.1).min().map(|last| last as f64),
        middle,
        Some(active.len() as f64),
        Some(channels.len() as f64),
        ratio(of_app as i64, quarter.len() as i64),
        ratio(incoming, sizes(&quarter)),
        ratio(month.len() as i64 * 3, former),
        ratio(hours.iter().sum::<i64>() * 24, hours.len() as i64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The numbers that are kept of a customer say the same as all of its rows.
    #[test]
    fn fields_are_what_whole_rows_say(rows in proptest::collection::vec(row(), 1..60)) {
        let found = of(&rows);
        for (who, name) in (0..).zip(["a", "b", "c", "d"]) {
            let plain = plainly(&rows, who);
            prop_assert_eq!(&found[name], &plain.to_vec(), "{}", name);
        }
    }

    #[test]
    fn no_order_no_source_and_no_division_matters(
        (rows, turned) in proptest::collection::vec(row(), 1..40).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        group in 1_usize..12,
    ) {
        let first = bits(&of(&rows));
        prop_assert_eq!(&first, &bits(&of(&turned)));
        for values in elsewhere(&turned, group) {
            prop_assert_eq!(&first, &bits(&values));
        }
    }

    /// Adding, removing or changing events after the day of the data changes no field, and neither does what was booked after it, nor an end after it.
    #[test]
    fn no_field_sees_the_future(
        rows in proptest::collection::vec(row(), 1..40),
        later in proptest::collection::vec((0_u8..4, 1_i64..400, -100_000_i64..100_000, 1_u8..5), 0..20),
        ends in 1_i64..300,
    ) {
        let known: Vec<Row> = rows.iter().copied().filter(|row| row.1 >= 0 && row.1 >= row.5).collect();
        prop_assume!(!known.is_empty());
        let first = bits(&of(&known));
        prop_assert_eq!(&first, &bits(&of(&rows)), "removed");
        let after = later.iter().map(|(who, days, fen, channel)| (*who, -days, *fen, *channel, None, 0));
        // Of yesterday and before, and booked after the day of the data.
        let booked = later.iter().map(|(who, days, fen, channel)| (*who, days % 50, *fen, *channel, Some(0), days % 50 + 1));
        let mut more: Vec<Row> = after.chain(booked).chain(known.iter().copied()).collect();
        prop_assert_eq!(&first, &bits(&of(&more)), "added");
        // Whether something ends tomorrow or in a year is one.
        for row in &mut more {
            if row.4.is_some_and(|end| end > row.1) {
                row.4 = Some(row.1 + ends);
            }
        }
        prop_assert_eq!(&first, &bits(&of(&more)), "changed");
    }

    /// An event from before a field's days changes that field in nothing.
    #[test]
    fn a_field_sees_its_window_alone(rows in proptest::collection::vec(row(), 1..40), old in row(), age in 0_i64..400) {
        let first = of(&rows);
        let mut more = rows;
        more.push((old.0, age, old.2, old.3, old.4, 0));
        let found = of(&more);
        for (who, name) in (0..).zip(["a", "b", "c", "d"]) {
            for (field, days) in LOOK_BACK.iter().enumerate() {
                if who != old.0 || age >= *days {
                    prop_assert_eq!(first[name][field], found[name][field], "{} {}", name, FIELDS[field]);
                }
            }
        }
        // One that is of the window is counted.
        let name = ["a", "b", "c", "d"][usize::from(old.0)];
        let more = f64::from(u8::from(age < 30));
        prop_assert_eq!(found[name][0], first[name][0].map(|count| count + more));
    }
}

//! Who may be read, and how customers without events stand.

use super::*;
use crate::data::{ReadTable, read_origin};

/// Everything of a data set, as a run reads it.
pub(super) fn read(
    mapping: &Mapping,
    customers: &Origin,
    tables: &[Origin],
    beside: &[&Origin],
) -> Result<ReadTable, FileError> {
    let (schema, stop) = (schema(), Stop::default());
    let reading = Reading {
        mapping: Some(mapping),
        day: Some(day()),
        tables,
        beside,
        faulty_percent_max: 40,
        ..Reading::strict(&stop)
    };
    read_origin(customers, &schema, &reading)
}

/// The columns that nothing makes.
pub(super) fn customers(rows: &[(&str, &str)], column: &str) -> String {
    let others: String = (1..32).map(|field| format!(",f{field}")).collect();
    let row = |(who, more): &(&str, &str)| format!("{who},{more},1,1,1{}\n", ",".repeat(31));
    format!("who,{column},full,word,y{others}\n{}", rows.iter().map(row).collect::<String>())
}

pub(super) const COUNT: &str = "function = \"count\"\nwindow_days = 30";

/// The first field of a row: from -1e9 to 1e9 it is encoded from -1 to 1.
fn count_of(table: &ReadTable, row: usize) -> f32 {
    (table.rows.features()[[row, 0]] * 1e9).round()
}

#[test]
fn whoever_has_not_agreed_is_not_read_and_whoever_refused_once_is_not_either() {
    let own = "[[consent]]\ncolumn = \"ty\"\nallowed = [\"1\", \"Y\"]\n";
    let table = "[[consent]]\nname = \"words\"\ncustomer = \"khh\"\ncolumn = \"said\"\nrefused = [\"no\"]\npurpose = \"use\"\npurposes = [\"model\"]\n";
    let mapping =
        mapping(&format!("{own}{table}{}", transactions("", &[COUNT]))).unwrap_or_else(|fault| panic!("{fault}"));
    // b has not agreed, c has refused for this purpose, d for another one; e has a row that agrees and one that does not.
    let kh = customers(&[("a", "1"), ("b", ""), ("c", "Y"), ("d", "1"), ("e", "1"), ("e", "0")], "ty");
    // Values of b that are no numbers are never looked at.
    let kh = kh.replace("b,,1,1,1", "b,,x,x,1");
    let events = "khh,day,je,qd\na,2026-11-30,1,01\nb,2026-11-30,secret,99\nc,never,1,01\nd,2026-11-30,1,01\nd,2026-11-29,1,01\n";
    let words = "khh,said,use\nc,yes,model\nc,no,model\nd,no,letters\nstranger,no,model\n";
    let files = Files::new(&[("kh.csv", &kh), ("t.csv", events), ("w.csv", words)]);
    let found = read(&mapping, &files.file("kh.csv"), &[files.file("w.csv"), files.file("t.csv")], &[]);
    let found = found.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.rows.rows(), found.counts.withheld, found.counts.faulty), (2, 4, 0));
    assert_eq!([count_of(&found, 0), count_of(&found, 1)], [1.0, 2.0]);
    let events = found.events.unwrap();
    assert_eq!(events.withheld, 3);
    let [words, transactions] = events.tables.as_slice() else { panic!("{:?}", events.tables) };
    assert!(words.counts.is_none());
    let counts = transactions.counts.as_ref().unwrap();
    assert_eq!((counts.seen, counts.withheld, counts.unknown, counts.rows.faulty), (3, 2, 0, 0));
}

/// A list of those who agree has nobody else.
#[test]
fn a_table_of_those_who_agree_lets_nobody_else_in() {
    let text = "[[consent]]\nname = \"agreed\"\ncustomer = \"khh\"\ncolumn = \"word\"\nallowed = [\"yes\"]\n";
    let mapping = mapping(text).unwrap_or_else(|fault| panic!("{fault}"));
    let kh = customers(&[("a", ","), ("b", ","), ("c", ",")], "f0,x");
    let files = Files::new(&[("kh.csv", &kh), ("w.csv", "khh,word\na,yes\nb,no\nb,yes\n"), ("none.csv", "khh,word\n")]);
    let found = read(&mapping, &files.file("kh.csv"), &[files.file("w.csv")], &[]);
    let found = found.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.rows.rows(), found.counts.withheld), (1, 2));
    let fault = read(&mapping, &files.file("kh.csv"), &[files.file("none.csv")], &[]).map(|_| ()).unwrap_err();
    assert!(fault.to_string().contains("the table \"agreed\" has no rows"), "{fault}");
}

/// A row for another purpose does not agree to this one.
#[test]
fn a_word_for_another_purpose_is_none_for_this_one() {
    let text = "[[consent]]\ncolumn = \"ty\"\nallowed = [\"1\"]\npurpose = \"f0\"\npurposes = [\"7\"]\n";
    let mapping = mapping(text).unwrap_or_else(|fault| panic!("{fault}"));
    let kh = customers(&[("a", "1,7"), ("b", "1,8"), ("c", "0,7"), ("c", "1,7")], "ty,f0");
    let files = Files::new(&[("kh.csv", &kh)]);
    let found = read(&mapping, &files.file("kh.csv"), &[], &[]).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.rows.rows(), found.counts.withheld, found.events.unwrap().withheld), (1, 3, 2));
}

/// Customers of the other data set and of other branches are no strangers, and their events are not read.
#[test]
fn events_of_other_customers_are_passed_over() {
    let home = "[mapping.home]\ncolumn = \"wd\"\nvalues = [\"7\"]\n";
    let strict = "unknown_percent_max = 0";
    let mapping =
        mapping(&format!("{home}{}", transactions(strict, &[COUNT]))).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[
        ("kh.csv", &customers(&[("a", "7"), ("b", "8")], "wd")),
        ("held.csv", &customers(&[("h", "7")], "wd")),
        ("t.csv", "khh,day,je,qd\na,2026-11-30,1,01\nb,x,x,x\nh,x,x,x\n"),
        ("more.csv", "khh,day,je,qd\na,2026-11-30,1,01\nstranger,2026-11-30,1,01\n"),
    ]);
    let held = files.file("held.csv");
    let found = read(&mapping, &files.file("kh.csv"), &[files.file("t.csv")], &[&held]);
    let found = found.unwrap_or_else(|fault| panic!("{fault}"));
    let counts = found.events.unwrap().tables[0].counts.clone().unwrap();
    assert_eq!((found.rows.rows(), counts.elsewhere, counts.seen, counts.rows.faulty), (1, 2, 1, 0));
    let strangers = read(&mapping, &files.file("kh.csv"), &[files.file("more.csv")], &[&held]).map(|_| ()).unwrap_err();
    assert!(
        strangers.to_string().contains("1 of 2 rows of the table \"transactions\" are of customers whom"),
        "{strangers}"
    );
}

/// Two events of one id that say different things: nobody knows which one is right, so the customers of both are left out.
#[test]
fn an_event_counts_once_and_contradictions_leave_their_customers_out() {
    let mapping = mapping(&transactions("id = \"lsh\"", &[COUNT])).unwrap_or_else(|fault| panic!("{fault}"));
    let rows = [
        "a,2026-11-30,1,01,1",
        "a,2026-11-30,1.00,01,1",
        "a,2026-11-29,1,01,2",
        "b,2026-11-29,1,01,3",
        "c,2026-11-29,2,01,3",
        "d,2026-11-28,2,01,4",
    ];
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 1, 5, 0, 4, 2]] {
        let rows: String = order.iter().map(|row| format!("{}\n", rows[*row])).collect();
        let kh = customers(&[("a", ""), ("b", ""), ("c", ""), ("d", "")], "x");
        let files = Files::new(&[("kh.csv", &kh), ("t.csv", &format!("khh,day,je,qd,lsh\n{rows}"))]);
        let (schema, stop) = (schema(), Stop::default());
        let tables = [files.file("t.csv")];
        let reading = Reading {
            mapping: Some(&mapping),
            day: Some(day()),
            tables: &tables,
            faulty_percent_max: 50,
            ..Reading::strict(&stop)
        };
        let found = read_origin(&files.file("kh.csv"), &schema, &reading).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!((found.rows.rows(), found.counts.faulty), (2, 2));
        assert_eq!([count_of(&found, 0), count_of(&found, 1)], [2.0, 1.0]);
        let told = &found.counts.told[0];
        assert!(told.text.contains("row 2, column \"who\": two events of this customer have one id"), "{}", told.text);
        assert_eq!(found.events.unwrap().tables[0].counts.as_ref().unwrap().repeated, 1);
    }
}

/// A live database goes on: what comes after the day of the data is no other data set, and what comes into the window is one.
#[test]
fn a_databases_table_is_known_by_what_comes_of_it() {
    let text = transactions("source = \"sqlite\"\nquery = \"SELECT * FROM t\"", &[COUNT]);
    let mapping = mapping(&text).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", &customers(&[("a", ""), ("b", "")], "x"))]);
    let database = rusqlite::Connection::open(files.at("t.db")).unwrap();
    database
        .execute_batch("CREATE TABLE t (khh, day, je, qd); INSERT INTO t VALUES ('a', '2026-11-30', 1, '01')")
        .unwrap();
    let origin = Origin::Sqlite { file: files.at("t.db"), query: "SELECT * FROM t".to_owned(), day_query: None };
    let digest = || {
        let found = read(&mapping, &files.file("kh.csv"), std::slice::from_ref(&origin), &[]);
        found.unwrap_or_else(|fault| panic!("{fault}")).events.unwrap().digest()
    };
    let first = digest();
    database.execute_batch("INSERT INTO t VALUES ('a', '2026-12-01', 1, '01')").unwrap();
    assert_eq!(digest(), first);
    database.execute_batch("INSERT INTO t VALUES ('b', '2026-11-30', 1, '01')").unwrap();
    let second = digest();
    assert_ne!(second, first);
    database
        .execute_batch("UPDATE t SET khh = CASE khh WHEN 'a' THEN 'b' ELSE 'a' END WHERE day > '2026-11-30'")
        .unwrap();
    assert_eq!(digest(), second);
}

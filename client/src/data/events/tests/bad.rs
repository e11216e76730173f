//! What users and their systems get wrong: each a clear error or a stated rule.

use tributary_model::schema::Schema as Other;

use super::*;

const COUNT: &str = "function = \"count\"\nwindow_days = 30";

#[test]
fn a_declaration_with_a_fault_is_refused_with_its_key() {
    let good = transactions("", &[COUNT]);
    assert!(mapping(&good).is_ok());
    let turned = |from: &str, to: &str| good.replace(from, to);
    let field = |keys: &str| transactions("", &[keys]);
    let balances = "[[events]]\nname = \"b\"\nholds = \"balances\"\ncustomer = \"khh\"\ntime = \"day\"\namount = \"ye\"\nunit = \"元\"\n";
    let of_balances =
        |keys: &str| format!("{balances}[[derived]]\nto = \"f0\"\ntable = \"b\"\nwindow_days = 30\n{keys}\n");
    let second = |more: &str| format!("{good}[[derived]]\nto = \"f0\"\ntable = \"transactions\"\n{COUNT}\n{more}");
    for (text, part) in [
        (turned("name = \"transactions\"", "name = \"Transactions\""), "events.1.name"),
        (turned("name = \"transactions\"\n", ""), "events.1.name: found nothing"),
        (turned("time = \"day\"\n", ""), "events.1.time: found nothing"),
        (turned("time = \"day\"", "time = \"day\"\ntime_form = \"DD.MM.YYYY\""), "events.1.time_form"),
        (turned("unit = \"元\"", "unit = \"dollar\""), "events.1.unit"),
        (turned("unit = \"元\"\n", ""), "events.1.unit: found nothing"),
        (turned("sign = \"direction\"", "sign = \"maybe\""), "events.1.sign"),
        (
            turned("sign = \"direction\"", "direction = \"jd\"\nin = [\"C\"]\nout = [\"C\", \"D\"]"),
            "a code that means in and out",
        ),
        (turned("sign = \"direction\"", "in = [\"C\"]"), "a key that means nothing here"),
        (turned("meanings = {", "meanings = { \" 01\" = \"x\","), "a code twice"),
        (turned("\"01\" = \"counter\"", "\"01\" = \"Counter!\""), "the name of a group"),
        (
            turned("meanings = { \"01\" = \"counter\", \"02\" = \"atm\", \"03\" = \"app\", \"04\" = \"app\" }", ""),
            "0 codes",
        ),
        (turned("sign = \"direction\"", "query = \"SELECT 1\""), "a query, without a database"),
        (turned("sign = \"direction\"", "source = \"sqlite\""), "events.1.query: found nothing"),
        (turned("sign = \"direction\"", "unknown_percent_max = 101"), "events.1.unknown_percent_max"),
        (turned("table = \"transactions\"", "table = \"other\""), "which is no table here"),
        (turned("to = \"f0\"", "to = \"absent\""), "which the schema does not read"),
        (turned("to = \"f0\"", "to = \"y\""), "which is no field"),
        (turned("to = \"f0\"", "to = \"who\""), "which is no field"),
        (second(""), "derived.2.to: found \"f0\" again"),
        (format!("{good}[[columns]]\nto = \"f0\"\nfrom = \"own\"\n"), "which [[columns]] makes as well"),
        // What would be derived from what is derived.
        (format!("{good}[[columns]]\nto = \"f1\"\nfrom = \"f0\"\n"), "from which [[columns]] makes \"f1\""),
        (field("function = \"guess\"\nwindow_days = 30"), "derived.1.function"),
        (field("function = \"count\""), "derived.1.window_days: found nothing"),
        (field("function = \"count\"\nwindow_days = 30\nwindow_months = 1"), "one of window_days and window_months"),
        (field("function = \"count\"\nwindow_days = 0"), "derived.1.window_days"),
        (field("function = \"decay\"\nwindow_days = 1000\nformer = 4"), "a look back over 5000 days"),
        (field("function = \"cycle_days\"\nwindow_days = 1099"), "at most 1098 days for cycle_days"),
        (field("function = \"count\"\nwindow_days = 30\nformer = 2"), "decay alone has it"),
        (field("function = \"distinct\"\nof = \"kind\"\nwindow_days = 30"), "which is no column of codes"),
        (field("function = \"count\"\nwindow_days = 30\nonly = { channel = [\"shop\"] }"), "derived.1.only.channel"),
        (field("function = \"count\"\nwindow_days = 30\nonly = { kind = [\"app\"] }"), "a key that means nothing here"),
        (field("function = \"count\"\nwindow_days = 30\namount_min = \"a lot\""), "derived.1.amount_min"),
        (field("function = \"last\"\nwindow_days = 30"), "last of events"),
        (field("function = \"hours_mean\"\nwindow_days = 30"), "of a table without an end"),
        (
            turned("amount = \"je\"\nunit = \"元\"\nsign = \"direction\"\n", "").replace("\"count\"", "\"sum\""),
            "a table without amounts",
        ),
        (turned("sign = \"direction\"\n", "").replace("\"count\"", "\"net\""), "a table without a direction"),
        (of_balances("function = \"count\""), "count of balances"),
        (
            format!(
                "{}id = \"lsh\"\n[[derived]]\nto = \"f0\"\ntable = \"b\"\nwindow_days = 30\nfunction = \"last\"\n",
                balances
            ),
            "beside balances",
        ),
        (balances.to_owned(), "from which nothing is derived"),
        // Of a customer without events there is no mean, and this field takes no missing value.
        (turned("to = \"f0\"", "to = \"full\"").replace("\"count\"", "\"mean\""), "which takes no missing value"),
        (turned("to = \"f0\"", "to = \"word\""), "which has categories"),
        (format!("{good}{}", transactions("", &[])), "two tables of the name \"transactions\""),
        ("[[consent]]\ncolumn = \"ty\"\n".to_owned(), "neither list"),
        ("[[consent]]\ncolumn = \"ty\"\nallowed = [\"1\"]\nrefused = [\"0\"]\n".to_owned(), "both lists"),
        ("[[consent]]\nname = \"w\"\ncolumn = \"ty\"\nallowed = [\"1\"]\n".to_owned(), "consent.1.customer"),
        ("[label]\ndays = 0\n".to_owned(), "label.days"),
        (format!("utc_offset_minutes = 900\n{good}"), "mapping.utc_offset_minutes"),
    ] {
        let told = mapping(&text).map(|_| ()).expect_err(part);
        assert!(told.contains(part), "{part:?} is missing in {told}\n{text}");
    }
    for keys in ["function = \"any\"", "function = \"count\""] {
        let text = field(&format!("{keys}\nwindow_days = 30"))
            .replace("\"f0\"", if keys.contains("any") { "\"word\"" } else { "\"full\"" });
        assert!(mapping(&text).is_ok(), "{keys}");
    }
}

#[test]
fn tables_are_joined_by_a_key_and_money_has_a_unit_in_the_schema() {
    let bare = "name = \"bank\"\nversion = 1\nfields = [{ name = \"f0\", kind = \"numeric\", min = 0, max = 1, missing = \"indicator\", class = \"C2\", level = \"L2\" }]\n\
        labels = [{ name = \"y\", positive = [1], negative = [0] }]\n";
    let refused = |text: &str, keys: &str| {
        let schema = Other::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let text = format!("[mapping]\nschema = \"{}\"\n{}", schema.digest(), transactions("", &[keys]));
        Mapping::parse(Path::new("mapping.toml"), &text, &schema).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(bare, COUNT).contains("a schema with customer_column"));
    let keyed = bare.replace("version = 1\n", "version = 1\ncustomer_column = \"who\"\n");
    let told = refused(&keyed, "function = \"sum\"\nwindow_days = 30");
    assert!(told.contains("the schema names no unit of it"), "{told}");
}

/// What the rows of a table get wrong. Each is one of ten, and is left out where a tenth may be.
#[test]
fn a_row_with_a_fault_is_left_out_by_itself_and_told_without_its_value() {
    let more = "booked = \"known\"\nuntil = \"end\"\nid = \"lsh\"\ndirection = \"jd\"\nin = [\"C\"]\nout = [\"D\"]";
    let text = transactions(more, &[COUNT]).replace("sign = \"direction\"\n", "");
    let mapping = mapping(&text).unwrap_or_else(|fault| panic!("{fault}"));
    let header = "khh,day,je,qd,known,end,lsh,jd\n";
    let good: String =
        (0..9).map(|row| format!("a,2026-11-1{row},1.25,01,2026-11-2{row},2026-11-2{row},n{row},C\n")).collect();
    for (row, part) in [
        (",2026-11-30,1,01,2026-11-30,,9,C", "column \"khh\": empty where a customer's key is expected"),
        ("a,2026-11-31,1,01,2026-11-30,,9,C", "column \"day\": no time that is written YYYY-MM-DD"),
        ("a,,1,01,2026-11-30,,9,C", "column \"day\": empty where a time is expected"),
        ("a,30.11.2026,1,01,2026-11-30,,9,C", "column \"day\": no time"),
        ("a,2026-11-30,1,01,secret,,9,C", "column \"known\": no time"),
        ("a,2026-11-30,-1,01,2026-11-30,,9,C", "column \"je\": an amount below 0"),
        ("a,2026-11-30,secret,01,2026-11-30,,9,C", "column \"je\": no number"),
        ("a,2026-11-30,,01,2026-11-30,,9,C", "column \"je\": empty where an amount is expected"),
        ("a,2026-11-30,1.005,01,2026-11-30,,9,C", "column \"je\": an amount that is finer than a fen"),
        ("a,2026-11-30,99999999999999999999,01,2026-11-30,,9,C", "column \"je\": an amount of more than ten trillion"),
        ("a,2026-11-30,1,secret,2026-11-30,,9,C", "column \"qd\": a code that the mapping does not list"),
        ("a,2026-11-30,1,,2026-11-30,,9,C", "column \"qd\": a code that the mapping does not list"),
        ("a,2026-11-30,1,01,2026-11-30,2026-11-01,9,C", "column \"end\": an end before the begin"),
        ("a,2026-11-30,1,01,2026-11-30,x,9,C", "column \"end\": no time"),
        ("a,2026-11-30,1,01,2026-11-30,,,C", "column \"lsh\": empty where an event's id is expected"),
        ("a,2026-11-30,1,01,2026-11-30,,9,X", "column \"jd\": a code that is neither in nor out"),
        ("a,2026-11-30,1,01,2026-11-30,,9", "row 10: has another number of fields than the header"),
        ("a,2026-11-30,\"1\"x,01,2026-11-30,,9,C", "text after a closing quote"),
    ] {
        let files = Files::new(&[("kh.csv", "who,y\na,1\n"), ("t.csv", &format!("{header}{good}{row}\n"))]);
        let (schema, stop) = (schema(), Stop::default());
        let tables = [files.file("t.csv")];
        let reading = |percent| Reading {
            mapping: Some(&mapping),
            day: Some(day()),
            tables: &tables,
            faulty_percent_max: percent,
            ..Reading::strict(&stop)
        };
        let customers = files.file("kh.csv");
        let read = |percent| derive(&customers, (&mapping, &schema), &reading(percent));
        let told = read(9).map(|_| ()).expect_err(row).to_string();
        assert!(told.contains(part) && told.contains("row 10") && !told.contains("secret"), "{row}: {told}");
        let found = read(10).unwrap_or_else(|fault| panic!("{row}: {fault}"));
        let counts = found.into_read().tables[0].counts.clone().unwrap();
        assert_eq!((counts.seen, counts.rows.faulty, counts.rows.told.len()), (9, 1, 1), "{row}");
    }
}

/// What a table as a whole gets wrong.
#[test]
fn a_table_that_is_another_one_is_refused_before_a_row_of_it_is_read() {
    let rows = "khh,day,je,qd\na,2026-11-30,1,01\n";
    let read = |tables: &[(&str, &str)], more: &str, with_day: bool| {
        let files = Files::new(&[("kh.csv", "who,y\na,1\n")]);
        for (name, text) in tables {
            fs::write(files.at(name), text).unwrap();
        }
        let mapping = mapping(&transactions(more, &[COUNT])).unwrap_or_else(|fault| panic!("{fault}"));
        let (schema, stop) = (schema(), Stop::default());
        let origins: Vec<Origin> = tables.iter().map(|(name, _)| files.file(name)).collect();
        let day = with_day.then(day);
        let reading = Reading { mapping: Some(&mapping), day, tables: &origins, ..Reading::strict(&stop) };
        derive(&files.file("kh.csv"), (&mapping, &schema), &reading).map(|_| ()).map_err(|fault| fault.to_string())
    };
    assert_eq!(read(&[("t.csv", rows)], "", true), Ok(()));
    for (tables, more, day, part) in [
        (
            vec![("t.csv", "khh,day,je,qd\n")],
            "",
            true,
            "the table \"transactions\" has no rows; look whether its export has run",
        ),
        (vec![("t.csv", "")], "", true, "no column \"khh\""),
        (
            vec![("t.csv", "khh,day,je\na,2026-11-30,1\n")],
            "",
            true,
            "the data has no column \"qd\", which the mapping reads of the table",
        ),
        (vec![("t.csv", "khh,khh,day,je,qd\na,a,2026-11-30,1,01\n")], "", true, "column \"khh\" more than once"),
        (vec![("t.csv", "khh,day,je,qd\na,2026-11-30,\"1,01\n")], "", true, "a quote is opened and not closed"),
        (vec![("t.csv", rows)], "source = \"parquet\"", true, "cannot be read as Parquet"),
        (vec![], "", true, "nobody has said where the table \"transactions\" is"),
        (vec![("t.csv", rows)], "", false, "nobody says which day that is"),
        (
            vec![("t.csv", "khh,day,je,qd\nz,2026-11-30,1,01\n")],
            "",
            true,
            "are of customers whom the customers' table does not have",
        ),
    ] {
        let told = read(&tables, more, day).expect_err(part);
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
}

/// A query that gives other types than last month is told before a row is read.
#[test]
fn columns_of_other_types_are_told_where_the_source_says_them() {
    use crate::data::mapping::ColumnKind;
    use crate::data::sink::{Column, Sink as _};

    let mapping = mapping(&transactions("", &[COUNT])).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", "who,y\na,1\n")]);
    let schema = schema();
    let begin = |kinds: [ColumnKind; 4]| {
        let standings = super::super::keys::Standings::default();
        let stop = Stop::default();
        let means = super::super::incoming::Means {
            keys: (&mapping, &schema),
            standings: &standings,
            stop: &stop,
            last: 0,
            earliest: 0,
            utc_offset_minutes: 480,
            faulty_percent_max: 0,
        };
        let mut incoming = super::super::incoming::Incoming::new(&mapping.events.tables[0], Vec::new(), means);
        let columns = ["khh", "day", "je", "qd"].into_iter().zip(kinds);
        let columns = columns.map(|(name, kind)| Column { name: name.to_owned(), kind: Some(kind) }).collect();
        let begun = incoming.begin(&files.at("t"), columns, tributary_model::schema::Decimal::Point);
        begun.map_err(|fault| fault.to_string())
    };
    use ColumnKind::{Day, Decimal, Flag, Float, Other, Text, Whole};
    assert_eq!(begin([Text, Day, Decimal, Whole]), Ok(()));
    for (kinds, part) in [
        ([Float, Day, Decimal, Text], "\"khh\" holds floating-point numbers today"),
        ([Text, Whole, Decimal, Text], "\"day\" holds whole numbers today, and a time is read there"),
        ([Text, Flag, Decimal, Text], "\"day\" holds flags"),
        ([Text, Day, Flag, Text], "\"je\" holds flags today, and an amount"),
        ([Text, Day, Day, Text], "\"je\" holds dates today"),
        ([Text, Day, Decimal, Other("lists".into())], "\"qd\" holds lists today"),
    ] {
        let told = begin(kinds).expect_err(part);
        assert!(told.contains(part) && told.contains("nothing was read"), "{part:?} is missing in {told}");
    }
}

/// However many events one customer has, what is kept of it has one size, and an operator is told of it by its count.
#[test]
fn a_hundred_thousand_events_of_one_customer_are_one_customers() {
    let mut rows = String::from("khh,day,je,qd\n");
    for row in 0..100_000_u32 {
        rows.push_str(&format!("a,2026-11-{:02},{}.{:02},01\n", row % 30 + 1, row % 1000, row % 100));
    }
    rows.push_str("b,2026-11-01,1,02\n");
    let found = of_transactions(
        &[COUNT, "function = \"sum\"\nwindow_days = 30", "function = \"active_days\"\nwindow_days = 30"],
        &rows,
    );
    let fen: u64 = (0..100_000_u64).map(|row| row % 1000 * 100 + row % 100).sum();
    assert_eq!(found["a"], [Some(100_000.0), Some(fen as f64 / 100.0), Some(30.0)]);
    assert_eq!(found["b"], [Some(1.0), Some(1.0), Some(1.0)]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// A declaration or a table of whatever text ends with an answer.
    #[test]
    fn any_text_ends(text in "(\\[\\[events\\]\\]\n)?([a-z_]{1,9} = (\"[a-z0-9元]{0,6}\"|[0-9]{1,3}|true|\\{ \"[a-z]\" = \"[a-z]\" \\})\n){0,8}(\\[\\[derived\\]\\]\n)?([a-z_]{1,9} = (\"[a-z]{0,5}\"|[0-9]{1,3})\n){0,5}", rows in ".{0,200}") {
        let _ = mapping(&text);
        let files = Files::new(&[("kh.csv", "who,y\na,1\n"), ("t.csv", &format!("khh,day,je,qd\n{rows}"))]);
        let mapping = mapping(&transactions("", &[COUNT])).unwrap();
        let _ = derived(&mapping, &files.file("kh.csv"), &[files.file("t.csv")], &["a"]);
    }
}

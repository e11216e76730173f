//! A refusal holds, however it is written, wherever it stands, and whatever is wrong with its row.

use super::consents::{COUNT, customers, read};
use super::*;
use crate::data::{CustomerKey, plainest, read_origin};

/// A table of those who refuse, with this text, beside customers with these keys: whose rows are read; or what is said instead.
fn left(keys: &[&str], more: &str, words: &str) -> Result<u64, String> {
    let table = "[[consent]]\nname = \"words\"\ncustomer = \"khh\"\ncolumn = \"said\"\nrefused = [\"no\", \"0\"]\n";
    let mapping = mapping(&format!("{table}{more}")).unwrap_or_else(|fault| panic!("{fault}"));
    let rows: Vec<(&str, &str)> = keys.iter().map(|key| (*key, "")).collect();
    let files = Files::new(&[("kh.csv", &customers(&rows, "f0")), ("w.csv", words)]);
    let found =
        read(&mapping, &files.file("kh.csv"), &[files.file("w.csv")], &[]).map_err(|fault| fault.to_string())?;
    assert_eq!(found.counts.withheld + found.rows.rows() as u64, keys.len() as u64);
    Ok(found.counts.withheld)
}

#[test]
fn another_spelling_refuses_as_well() {
    let keys = ["a", "B7", "0042", "Ｄ", "e-1", "f"];
    for (words, withheld) in [
        ("khh,said\nb7,no\n42,NO\nd,Ｎｏ\nE1,\"no\"\n", 4),
        ("khh,said\n B7 ,no\nB7,yes\n0042.0,0.0\n'Ｄ,００\nf,\n", 3),
        ("khh,said\nb70,no\n4.2,no\nstranger,no\n", 0),
    ] {
        assert_eq!(left(&keys, "", words), Ok(withheld), "{words}");
    }
}

/// Nobody knows whose refusal it is, so nothing is used.
#[test]
fn a_row_of_refusals_that_cannot_be_read_lets_nobody_in() {
    for row in [",no", "a", "a,no,more", "a,\"no\"x", " ,no"] {
        let told = left(&["a", "b", "c", "d"], "", &format!("khh,said\nb,no\nc,yes\nd,yes\n{row}\n"));
        assert!(told.clone().is_err_and(|told| told.contains("row 4")), "{row:?}: {told:?}");
    }
    let text = "[[consent]]\nname = \"words\"\ncustomer = \"khh\"\ncolumn = \"said\"\nrefused = [\"0\"]\nsource = \"sqlite\"\nquery = \"SELECT 1\"\n";
    let mapping = mapping(text).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", &customers(&[("7", ""), ("8", "")], "f0"))]);
    let database = rusqlite::Connection::open(files.at("w.db")).unwrap();
    let words = Origin::Sqlite { file: files.at("w.db"), query: "SELECT * FROM w".to_owned(), day_query: None };
    for (rows, withheld) in
        [("(7, 0.0)", Some(1)), ("('7', '0'), (8.0, 0)", None), ("(8, x'30')", None), ("(8, 1)", Some(0))]
    {
        let made = format!("DROP TABLE IF EXISTS w; CREATE TABLE w (khh, said); INSERT INTO w VALUES {rows}");
        database.execute_batch(&made).unwrap();
        let found = read(&mapping, &files.file("kh.csv"), std::slice::from_ref(&words), &[]);
        assert_eq!(found.ok().map(|found| found.counts.withheld), withheld, "{rows}");
    }
}

#[test]
fn a_refusal_for_no_purpose_is_one_for_every_purpose() {
    let purpose = "purpose = \"use\"\npurposes = [\"model\"]\n";
    let words = "khh,said,use\na,no,\nb,no,MODEL\nc,no,letters\nd,yes,\n";
    assert_eq!(left(&["a", "b", "c", "d"], purpose, words), Ok(2));
    // A number is a purpose like any other.
    let text = "[[consent]]\nname = \"words\"\ncustomer = \"khh\"\ncolumn = \"said\"\nrefused = [\"0\"]\npurpose = \"use\"\n\
                purposes = [\"7\"]\nsource = \"sqlite\"\nquery = \"SELECT 1\"\n";
    let mapping = mapping(text).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", &customers(&[("a", ""), ("b", "")], "f0"))]);
    let database = rusqlite::Connection::open(files.at("w.db")).unwrap();
    let words = Origin::Sqlite { file: files.at("w.db"), query: "SELECT * FROM w".to_owned(), day_query: None };
    for (rows, withheld) in [("('a', 0, 8)", 0), ("('a', 0, 7)", 1), ("('a', 0, NULL)", 1), ("('a', 0, ' ')", 1)] {
        let made = format!("DROP TABLE IF EXISTS w; CREATE TABLE w (khh, said, use); INSERT INTO w VALUES {rows}");
        database.execute_batch(&made).unwrap();
        let found = read(&mapping, &files.file("kh.csv"), std::slice::from_ref(&words), &[]);
        assert_eq!(found.map(|found| found.counts.withheld).ok(), Some(withheld), "{rows}");
    }
}

/// One row agrees. The other one is of another branch, in the other data set, or cannot be read.
#[test]
fn a_refusal_holds_wherever_it_stands() {
    let home = "[mapping.home]\ncolumn = \"wd\"\nvalues = [\"7\"]\n";
    let own = "[[consent]]\ncolumn = \"ty\"\nallowed = [\"1\"]\n";
    let mapping = mapping(&format!("{home}{own}")).unwrap_or_else(|fault| panic!("{fault}"));
    let kh = customers(
        &[("a", "7,1,"), ("b", "7,1,"), ("b", "8,0,"), ("c", "7,1,"), ("d", "7,1,"), ("d", "7,\"1\"x,"), ("e", "8,1,")],
        "wd,ty,f0",
    );
    let files = Files::new(&[("kh.csv", &kh), ("held.csv", &customers(&[("c", "7,0,"), ("e", "7,1,")], "wd,ty,f0"))]);
    let held = files.file("held.csv");
    let found = read(&mapping, &files.file("kh.csv"), &[], &[&held]).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.rows.rows(), found.events.unwrap().withheld), (1, 3));
    // What agrees elsewhere agrees to nothing here.
    let found = read(&mapping, &held, &[], &[&files.file("kh.csv")]).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.rows.rows(), found.counts.withheld), (1, 1));
}

/// Whoever has used the right to be left out is not read, whatever every table says.
#[test]
fn a_refusal_that_no_table_has_holds_by_the_plainest_spelling() {
    let mapping =
        mapping("[[consent]]\ncolumn = \"ty\"\nallowed = [\"1\"]\n").unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", &customers(&[("a", "1,"), ("B-7", "1,"), ("c", "0,")], "ty,f0"))]);
    let (schema, stop, left) = (schema(), Stop::default(), plainest("b7"));
    let refused = |key: &CustomerKey| *key == left;
    let reading =
        Reading { mapping: Some(&mapping), day: Some(day()), refused: Some(&refused), ..Reading::strict(&stop) };
    let found = read_origin(&files.file("kh.csv"), &schema, &reading).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.rows.rows(), found.counts.withheld, found.events.unwrap().withheld), (1, 2, 2));
}

/// Reading ends in the middle: what was wrong before is told with it, and nothing is used.
#[test]
fn a_table_of_refusals_that_breaks_off_lets_nobody_in() {
    let told = left(&["a", "b"], "", "khh,said\na,yes\nb,\"no").unwrap_err();
    assert!(told.contains("a quote is opened and not closed"), "{told}");
    let table = "[[consent]]\nname = \"words\"\ncustomer = \"khh\"\ncolumn = \"said\"\nrefused = [\"no\"]\n";
    let mapping = mapping(table).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", &customers(&[("a", ""), ("b", "")], "f0"))]);
    for (bytes, part) in
        [(&b"khh,said\na,yes\na\nb,\xff\n"[..], "row 2: "), (&b"khh,said\na,yes\nb,\xff\n"[..], "w.csv")]
    {
        fs::write(files.at("w.csv"), bytes).unwrap();
        let told =
            read(&mapping, &files.file("kh.csv"), &[files.file("w.csv")], &[]).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
}

/// Keys have the meanings that the mapping gives them, in every table.
#[test]
fn codes_of_the_key_count_in_every_table() {
    let key = "[[columns]]\nto = \"who\"\nfrom = \"who\"\ncodes = { \"old\" = \"new\", \"none\" = \"\" }\n";
    let words = "[[consent]]\nname = \"words\"\ncustomer = \"khh\"\ncolumn = \"said\"\nrefused = [\"no\"]\n";
    let mapping =
        mapping(&format!("{key}{words}{}", transactions("", &[COUNT]))).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[
        ("kh.csv", &customers(&[("old", ""), ("b", "")], "x")),
        ("w.csv", "khh,said\nb,yes\n"),
        ("no.csv", "khh,said\nold,no\nnobody,no\n"),
        ("t.csv", "khh,day,je,qd\nnew,2026-11-30,1,01\nold,2026-11-30,1,01\n"),
        ("more.csv", "khh,day,je,qd\nb,2026-11-30,1,01\nnobody,2026-11-30,1,01\n"),
    ]);
    let of = |words: &str, events: &str| {
        let tables = [files.file(words), files.file(events)];
        read(&mapping, &files.file("kh.csv"), &tables, &[]).map_err(|fault| fault.to_string())
    };
    let found = of("w.csv", "t.csv").unwrap();
    assert_eq!(found.events.unwrap().tables[1].counts.as_ref().unwrap().seen, 2);
    assert_eq!(of("no.csv", "t.csv").map(|found| found.counts.withheld), Ok(1));
    // A table of consents makes nobody a customer.
    let told = of("no.csv", "more.csv").map(|_| ()).unwrap_err();
    assert!(told.contains("1 of 2 rows of the table \"transactions\" are of customers whom"), "{told}");
}

/// Consents are read of one file, and rows must be of the same one: the table of events is a pipe whose writer changes the customers' file.
#[cfg(unix)]
#[test]
fn customers_are_not_exchanged_after_their_consents_were_read() {
    let own = "[[consent]]\ncolumn = \"ty\"\nallowed = [\"1\"]\n";
    let mapping = mapping(&format!("{own}{}", transactions("", &[COUNT]))).unwrap_or_else(|fault| panic!("{fault}"));
    let files = Files::new(&[("kh.csv", &customers(&[("a", "1"), ("b", "1")], "ty"))]);
    let made = std::process::Command::new("mkfifo").arg(files.at("t.csv")).status().unwrap();
    assert!(made.success());
    let refused = customers(&[("a", "1"), ("b", "0")], "ty");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // It opens when the events are read.
            let mut events = fs::OpenOptions::new().write(true).open(files.at("t.csv")).unwrap();
            fs::write(files.at("kh.csv"), &refused).unwrap();
            std::io::Write::write_all(&mut events, b"khh,day,je,qd\na,2026-11-30,1,01\n").unwrap();
        });
        let told = read(&mapping, &files.file("kh.csv"), &[files.file("t.csv")], &[]).map(|_| ()).unwrap_err();
        assert!(told.to_string().contains("the file was changed while it was read"), "{told}");
    });
}

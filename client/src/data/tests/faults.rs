//! What is refused, and how it is told.

use std::path::Path;

use super::*;

#[test]
fn every_fault_of_a_file_has_its_name_and_row() {
    use FileError as E;
    let missing = read_csv(Path::new("/nowhere/at-all.csv"), &plain());
    assert!(matches!(missing, Err(E::Open { .. })));
    assert!(matches!(read_csv(&std::env::temp_dir(), &plain()), Err(E::Open { .. } | E::Read { row: 0, .. })));
    for empty in ["", "\n\n", "age,job,y\n"] {
        assert!(only(empty).contains("has no rows"), "{empty:?}");
    }
    assert!(only("age,y\n1,no\n").contains("no column \"job\""));
    assert!(only("age,job,y,y\n").contains("column \"y\" more than once"));
    assert!(only("age,job,y\n1,student,no\n1,student\n").contains("row 2 has 2 fields where the header has 3"));
    let long = format!("age,job,y\n1,student,no\n2,{}", "x".repeat(2 * RECORD_BYTES_MAX));
    assert!(only(long).contains("row 2: longer than"));
}

#[test]
fn all_faults_of_a_file_are_told_at_once_by_row_and_column() {
    let (told, count) = faults("age,job,y\nx,student,no\n7,student\n8,,no\ny,,no\n9,student,no\n", &plain());
    assert_eq!(count, 5);
    let places: Vec<&str> = told
        .iter()
        .map(|text| text.split_once(if text.contains("fields") { " has" } else { ":" }).unwrap().0)
        .collect();
    let expected =
        ["row 1, column \"age\"", "row 2", "row 3, column \"job\"", "row 4, column \"age\"", "row 4, column \"job\""];
    assert_eq!(places, expected);
    let many = error(format!("age,job,y\n{}", "x,student,no\n".repeat(500)));
    let text = many.to_string();
    assert!(matches!(&many, FileError::Faults(faults) if faults.told.len() == FAULTS_TOLD_MAX && faults.count == 500));
    assert!(
        text.contains("500 faults")
            && text.contains("row 20,")
            && !text.contains("row 21,")
            && text.ends_with("and 480 more")
    );
}

#[test]
fn a_quote_that_is_not_closed_is_refused_in_whatever_column() {
    let file = |value: &str| {
        format!("age,job,y,remarks\n1,student,no,ok\n2,student,no,{value}\n3,student,no,ok\n4,student,no,ok\n")
    };
    let open = only(file("\"5 inch pipe"));
    assert!(open.starts_with("row 2, column \"remarks\": a quote is opened and not closed"), "{open}");
    let after = only(file("\"5 inch\" pipe"));
    assert!(after.starts_with("row 2, column \"remarks\": text after a closing quote"), "{after}");
    let far = format!("{}{}", file("\"5 inch pipe"), "3,student,no,ok\n".repeat(10_000));
    assert!(only(far).starts_with("row 2, column \"remarks\": a quote is opened and not closed"));
    // What comes before is told as well.
    let (told, count) = faults("age,job,y\nx,student,no\n2,student,\"no\n", &plain());
    assert!(count == 2 && told[1].starts_with("row 2, column \"y\": a quote is opened"), "{told:?}");
}

#[test]
fn a_value_that_swallowed_rows_is_doubted() {
    let (_folder, path) =
        file("age,job,y,remarks\n1,student,no,\"5 inch\n2,student,no,\"\n3,student,no,\"two\nlines\"\n");
    let table = read_table(&path, &plain(), &Stop::default()).unwrap();
    assert_eq!((table.rows.rows(), table.doubts.len()), (2, 1));
    let doubt = &table.doubts[0];
    assert_eq!((doubt.row, doubt.column.as_deref()), (Some(1), Some("remarks")));
    assert!(doubt.text.contains("as many delimiters as a row"));
}

#[test]
fn a_spreadsheets_first_line_is_passed_over_or_named() {
    let rows = "age,job,y\n1,student,no\n";
    for line in ["sep=,", "SEP=,", "\"sep=,\"", "sep=,,,"] {
        let (_folder, path) = file(format!("\u{feff}{line}\r\n{rows}"));
        assert_eq!(ages(&read_csv(&path, &plain()).unwrap_or_else(|fault| panic!("{line}: {fault}"))), [1.0]);
    }
    let other = error(format!("sep=;\n{rows}"));
    assert!(matches!(&other, FileError::Separator { said, .. } if said == ";"), "{other}");
    assert!(other.to_string().contains("sep=;") && other.to_string().contains("csv.delimiter"));
    // More than empty cells after the delimiter: it says something else.
    for said in [",;", ",x", ",,,y"] {
        let other = error(format!("sep={said}\n{rows}"));
        assert!(matches!(&other, FileError::Separator { said: found, .. } if found == said), "{other}");
    }
}

#[test]
fn a_header_with_another_delimiter_or_another_case_is_named() {
    for (header, found) in
        [("age;job;y", "\";\" 2 times"), ("age|@|job|@|y", "\"|@|\" 2 times"), ("age\tjob\ty", "\"\\t\" 2 times")]
    {
        let told = only(format!("{header}\n"));
        assert!(
            told.contains("is the delimiter right?") && told.contains(found) && told.contains("csv.delimiter"),
            "{told}"
        );
    }
    let told = only("Age,job,y\n1,student,no\n");
    assert!(told.contains("\"Age\", which differs in upper and lower case only"), "{told}");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Whatever stands in a file: an answer, with a bounded number of faults and no word of a value.
    #[test]
    fn any_file_is_answered(bytes in proptest::collection::vec(proptest::sample::select(b"age,job,y\n\r\"12. e+|@|;\t\x00\xb7\xe4\xbd\xa0\x1f\x8b".to_vec()), 0..400)) {
        let headed = [b"age,job,y\n".as_slice(), &bytes].concat();
        let dialects = [
            "{}",
            r#"{ delimiter = "|@|", encoding = "gb18030" }"#,
            r#"{ encoding = "utf-16" }"#,
            r#"{ encoding = "latin1", decimal = "," }"#,
            r#"{ header = false, columns = ["age", "job", "y"], positions = ["1-2", "2-4", "9-9"], encoding = "big5" }"#,
        ];
        for (content, dialect) in [&bytes, &headed].into_iter().flat_map(|content| dialects.map(|dialect| (content, dialect))) {
            let (_folder, path) = file(content);
            if let Err(FileError::Faults(faults)) = read_table(&path, &schema(dialect), &Stop::default()) {
                proptest::prop_assert!(faults.count > 0 && faults.told.len() <= FAULTS_TOLD_MAX);
            }
        }
    }
}

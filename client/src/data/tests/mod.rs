use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tributary_model::schema::Schema;
use tributary_model::synthetic::{self, SyntheticSpec};

use super::*;

mod bad_inputs;
mod faults;
mod formats;
mod split;

fn schema(csv: &str) -> Schema {
    let text = format!(
        r#"
name = "small"
version = 1
csv = {csv}
fields = [
    {{ name = "age", kind = "numeric", min = 0, max = 100, range = "unit", class = "C2", level = "L2" }},
    {{ name = "job", kind = "categorical", categories = ["office, old", "student"], class = "C1", level = "L1" }},
]
labels = [{{ name = "y", positive = ["yes"], negative = ["no"] }}]
"#
    );
    Schema::parse(&text).unwrap()
}

fn plain() -> Schema {
    schema("{}")
}

/// A folder with one file, `data.csv`.
fn file(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn ages(matrix: &tributary_model::features::FeatureMatrix) -> Vec<f32> {
    matrix.features().column(0).iter().map(|age| (age * 100.0).round()).collect()
}

fn error(content: impl AsRef<[u8]>) -> FileError {
    let (_folder, path) = file(content);
    match read_csv(&path, &plain()) {
        Err(error) => error,
        Ok(_) => panic!("the file was accepted"),
    }
}

fn faults(content: impl AsRef<[u8]>, schema: &Schema) -> (Vec<String>, u64) {
    let (_folder, path) = file(content);
    match read_csv(&path, schema) {
        Err(FileError::Faults(faults)) => (faults.told.into_iter().map(|fault| fault.text).collect(), faults.count),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the file was accepted"),
    }
}

fn only(content: impl AsRef<[u8]>) -> String {
    let (told, count) = faults(content, &plain());
    assert_eq!(count, 1, "{told:?}");
    told.into_iter().next().unwrap()
}

#[test]
fn a_file_is_read_whatever_its_line_ends_quotes_and_mark() {
    let text = "y,age,job\r\nno,1,\"office, old\"\r\n\r\nyes,2,student\r\n";
    for content in [text.to_owned(), text.replace("\r\n", "\n"), format!("\u{feff}{text}"), text.trim_end().to_owned()]
    {
        let (_folder, path) = file(content);
        let matrix = read_csv(&path, &plain()).unwrap();
        assert_eq!((ages(&matrix), matrix.targets().column(0).to_vec()), (vec![1.0, 2.0], vec![0.0, 1.0]));
        assert_eq!(matrix.features().row(0).to_vec()[1..], [1.0, 0.0]);
    }
}

#[test]
fn the_schema_gives_the_dialect() {
    let (_folder, path) = file("|a comment\n3; office, old ;no\n|another; with; fields\n4;student;yes\n");
    let schema =
        schema(r#"{ delimiter = ";", comment = "|", header = false, columns = ["age", "job", "y"], quote = "" }"#);
    assert_eq!(ages(&read_csv(&path, &schema).unwrap()), [3.0, 4.0]);
}

#[test]
fn only_the_kept_rows_of_all_files_are_looked_at() {
    let (_folder, first) = file("age,job,y\n1,student,no\nnonsense,student,no\n3,student,no\n");
    let (_other, second) = file("age,job,y\n4,student,no\n5,student,no\n");
    let matrix = read_csv_rows(&[first.clone(), second.clone()], &plain(), |row| row != 1 && row != 3).unwrap();
    assert_eq!(ages(&matrix), [1.0, 3.0, 5.0]);
    let none = read_csv_rows(&[first.clone(), second], &plain(), |_| false);
    assert!(matches!(none, Err(FileError::Faults(faults)) if faults.told[0].text.contains("has no rows")));
    let (_third, turned) = file("job,age,y\nstudent,4,no\n");
    assert!(matches!(
        read_csv_rows(&[first, turned], &plain(), |_| true),
        Err(FileError::Faults(faults)) if faults.told[0].row == Some(2)
    ));
    let (_a, a) = file("age,job,y\n1,student,no\n");
    let (_b, b) = file("job,age,y\nstudent,4,no\n");
    assert!(
        matches!(read_csv_rows(&[a, b.clone()], &plain(), |_| true), Err(FileError::HeadersDiffer { path }) if path == b)
    );
    assert!(matches!(read_csv_rows(&[], &plain(), |_| true), Err(FileError::Faults(_))));
}

/// The texts of the faults that are told, and how many there are.

#[test]
fn a_long_file_of_short_rows_is_within_the_limit() {
    let content = format!("age,job,y\n{}", "3,student,no\n".repeat(3 * RECORD_BYTES_MAX / 13));
    let (_folder, path) = file(content);
    assert_eq!(read_csv(&path, &plain()).unwrap().rows(), 3 * RECORD_BYTES_MAX / 13);
}

#[test]
fn messages_name_the_file_and_no_value() {
    let message = error("age,job,y\nGeheim,student,no\n").to_string();
    assert!(message.contains("data.csv") && message.contains("row 1") && message.contains("\"age\""), "{message}");
    assert!(!message.contains("Geheim"), "{message}");
}

#[test]
fn invented_branches_are_written_and_read_again() {
    let data =
        synthetic::generate(&SyntheticSpec { branches: 2, customers_per_branch: 40, ..SyntheticSpec::default() });
    let schema = synthetic::schema();
    let folder = tempfile::tempdir().unwrap();
    for branch in &data.branches {
        let path = folder.path().join("branch.csv");
        let rows = write_csv(&path, schema.dialect(), &data.header, &branch.training).unwrap();
        assert_eq!(read_csv(&path, &schema).unwrap().rows() as u64, rows);
    }
    let nowhere = folder.path().join("no/such/folder.csv");
    assert!(matches!(write_csv(&nowhere, schema.dialect(), &data.header, &[]), Err(FileError::Write { .. })));
}

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tributary_model::features::DataError;
use tributary_model::schema::Schema;
use tributary_model::synthetic::{self, SyntheticSpec};

use super::*;

#[path = "../../../tests/needed.rs"]
mod needed;

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
    assert!(matches!(none, Err(FileError::Rows { source: DataError::NoRows, .. })));
    let (_third, turned) = file("job,age,y\nstudent,4,no\n");
    assert!(matches!(
        read_csv_rows(&[first, turned], &plain(), |_| true),
        Err(FileError::Rows { source: DataError::NotANumber { row: 2, .. }, .. })
    ));
    let (_a, a) = file("age,job,y\n1,student,no\n");
    let (_b, b) = file("job,age,y\nstudent,4,no\n");
    assert!(
        matches!(read_csv_rows(&[a, b.clone()], &plain(), |_| true), Err(FileError::HeadersDiffer { path }) if path == b)
    );
    assert!(matches!(read_csv_rows(&[], &plain(), |_| true), Err(FileError::Rows { source: DataError::NoRows, .. })));
}

#[test]
fn customers_are_scored_without_labels() {
    let (_folder, path) = file("job,age\nstudent,4\n");
    let matrix = read_csv_for_scoring(&path, &plain()).unwrap();
    assert_eq!((ages(&matrix), matrix.present()[[0, 0]]), (vec![4.0], 0.0));
}

#[test]
fn every_fault_of_a_file_has_its_name_and_row() {
    use FileError as E;
    let missing = read_csv(Path::new("/nowhere/at-all.csv"), &plain());
    assert!(matches!(missing, Err(E::Open { .. })));
    assert!(matches!(read_csv(&std::env::temp_dir(), &plain()), Err(E::Open { .. } | E::Read { row: 0, .. })));
    for empty in ["", "\n\n", "age,job,y\n"] {
        assert!(matches!(error(empty), E::Rows { source: DataError::NoRows, .. }), "{empty:?}");
    }
    assert!(matches!(error("age,y\n1,no\n"), E::Rows { source: DataError::MissingColumn { .. }, .. }));
    assert!(matches!(error("age,job,y,y\n"), E::Rows { source: DataError::DuplicateColumn { .. }, .. }));
    let short = error("age,job,y\n1,student,no\n1,student\n");
    assert!(
        matches!(short, E::Rows { source: DataError::FieldCount { row: 2, expected: 3, found: 2 }, .. }),
        "{short}"
    );
    assert!(matches!(error(b"age,job,y\n1,student,no\n2,\xff\xfe,no\n"), E::NotUtf8 { row: 2, .. }));
    let open = format!("age,job,y\n1,student,no\n2,\"student,no\n{}", "3,student,no\n".repeat(10_000));
    let open = error(open);
    assert!(matches!(open, E::RecordTooLong { row: 2, .. }), "{open}");
    assert!(open.to_string().contains("quote that is not closed"));
}

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

struct Trial {
    folder: TempDir,
    data: Vec<PathBuf>,
}

/// Two files of three and two rows, ages 0 to 4.
fn trial() -> Trial {
    let folder = tempfile::tempdir().unwrap();
    let data = ["a.csv", "b.csv"].map(|name| folder.path().join(name)).to_vec();
    fs::write(&data[0], "age,job,y\n0,\"office, old\",no\n1,student,yes\n2,student,no\n").unwrap();
    fs::write(&data[1], "age,job,y\n3,student,no\n4,student,yes\n").unwrap();
    Trial { folder, data }
}

impl Trial {
    fn split(&self, partition: &str, split: Option<&str>) -> Result<Vec<BranchFiles>, PartitionError> {
        let into = self.folder.path();
        let (partition_path, split_path) = (into.join("partition.csv"), into.join("split.csv"));
        fs::write(&partition_path, partition).unwrap();
        fs::write(&split_path, split.unwrap_or_default()).unwrap();
        split_by_branch(&PartitionRequest {
            data: &self.data,
            schema: &plain(),
            partition: &partition_path,
            split: split.map(|_| split_path.as_path()),
            into,
        })
    }
}

const PARTITION: &str = "row,branch\n0,1\n1,0\n2,1\n4,1\n3,0\n";
const SPLIT: &str = "row,y,part\n0,0,train\n1,1,train\n2,0,test\n3,0,train\n4,1,train\n";

#[test]
fn a_data_set_is_split_into_branches_that_the_same_schema_reads() {
    let trial = trial();
    let branches = trial.split(PARTITION, Some(SPLIT)).unwrap();
    let read = |path: &Path| ages(&read_csv(path, &plain()).unwrap());
    assert_eq!(branches.len(), 2);
    assert_eq!((branches[0].branch, branches[0].training_rows, branches[0].held_out_rows), (0, 2, 0));
    assert_eq!((read(&branches[0].training), &branches[0].held_out), (vec![1.0, 3.0], &None));
    assert_eq!((branches[1].training_rows, branches[1].held_out_rows), (2, 1));
    assert_eq!(read(&branches[1].training), [0.0, 4.0]);
    assert_eq!(read(branches[1].held_out.as_ref().unwrap()), [2.0]);
    let all = trial.split(PARTITION, None).unwrap();
    assert_eq!((all[1].training_rows, &all[1].held_out), (3, &None));
}

#[test]
fn every_fault_of_a_partition_is_named() {
    use PartitionError as E;
    let trial = trial();
    let fails = |partition: &str, split: Option<&str>| trial.split(partition, split).expect_err(partition);
    let malformed = [
        ("row;branch\n0;1\n", 1),
        ("", 1),
        ("row,branch\n0,0\nx,0\n", 3),
        ("row,branch\n0,0\n1,-1\n", 3),
        ("row,branch\n0,0\n1\n", 3),
        ("row,branch\n0,0\n0,0\n", 3),
        ("row,branch\n0,70000\n", 2),
    ];
    for (partition, expected) in malformed {
        assert!(matches!(fails(partition, None), E::Malformed { line, .. } if line == expected), "{partition:?}");
    }
    for split in ["row,y,part\n0,0,valid\n", "row,y,part\n0,2,test\n", "row,y,part\n0,test\n"] {
        assert!(matches!(fails(PARTITION, Some(split)), E::Malformed { line: 2, form: "row,y,part", .. }), "{split:?}");
    }
    assert!(matches!(fails("row,branch\n0,0\n1,0\n2,0\n3,0\n", None), E::RowMissing { row: 4, .. }));
    assert!(matches!(fails("row,branch\n0,0\n2,0\n3,0\n4,0\n", None), E::RowMissing { row: 1, .. }));
    assert!(matches!(fails(PARTITION, Some("row,y,part\n0,0,train\n")), E::RowMissing { row: 1, .. }));
    assert!(matches!(fails(&format!("{PARTITION}5,0\n"), None), E::RowsLeftOver { listed: 6, found: 5, .. }));
    assert!(matches!(fails(&format!("{PARTITION}5,3\n"), None), E::BranchMissing { branch: 2, .. }));
    assert!(matches!(fails(PARTITION, Some(&SPLIT.replace("train", "test"))), E::NothingToLearn { branch: 0 }));
    let nowhere = PartitionRequest {
        data: &trial.data,
        schema: &plain(),
        partition: Path::new("/nowhere/at-all.csv"),
        split: None,
        into: trial.folder.path(),
    };
    assert!(matches!(split_by_branch(&nowhere), Err(E::File(FileError::Open { .. }))));
}

/// The shared data sets, where they are: folder of the data, and the sample schema of that name.
fn shared(name: &str) -> Option<(PathBuf, Schema)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = root.join("../../shared/data");
    let schema = fs::read_to_string(root.join(format!("../docs/samples/schemas/{name}.toml"))).unwrap();
    let schema = Schema::parse(&schema).unwrap_or_else(|error| panic!("{error}"));
    if !data.join(name).is_dir() {
        needed::skip("TRIBUTARY_TEST_DATA", &format!("the data set {name}"), "it is not beside this checkout");
        return None;
    }
    Some((data, schema))
}

#[test]
fn sample_schemas_read_the_public_data_sets_whole() {
    let sets: [(&str, &[&str], usize, f32); 4] = [
        ("bank_full", &["bank-full.csv"], 45_211, 5_289.0),
        ("bank_additional", &["bank-additional-full.csv"], 41_188, 4_640.0),
        ("default_credit", &["UCI_Credit_Card.csv"], 30_000, 6_636.0),
        ("adult", &["adult.data", "adult.test"], 48_842, 11_687.0),
    ];
    for (name, files, rows, positives) in sets {
        let Some((data, schema)) = shared(name) else { continue };
        let files: Vec<PathBuf> = files.iter().map(|file| data.join(name).join(file)).collect();
        let matrix = read_csv_rows(&files, &schema, |_| true).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((matrix.rows(), matrix.targets().sum()), (rows, positives), "{name}");
        assert_eq!(matrix.present().sum(), rows as f32, "{name}");
        assert_eq!(matrix.features().ncols(), schema.width(), "{name}");
    }
}

#[test]
fn a_public_data_set_is_split_among_fifty_branches_without_losing_a_row() {
    let Some((data, schema)) = shared("adult") else { return };
    let files = ["adult/adult.data", "adult/adult.test"].map(|file| data.join(file));
    let folder = tempfile::tempdir().unwrap();
    let branches = split_by_branch(&PartitionRequest {
        data: &files,
        schema: &schema,
        partition: &data.join("partitions/adult__segment_dir0.5__50.csv"),
        split: Some(&data.join("splits/adult.csv")),
        into: folder.path(),
    })
    .unwrap();
    assert_eq!(branches.len(), 50);
    assert_eq!(branches.iter().map(|branch| branch.training_rows + branch.held_out_rows).sum::<u64>(), 48_842);
    let split = fs::read_to_string(data.join("splits/adult.csv")).unwrap();
    let held_out = split.lines().filter(|line| line.ends_with(",test"));
    assert_eq!(branches.iter().map(|branch| branch.held_out_rows).sum::<u64>(), held_out.clone().count() as u64);
    let positives = held_out.filter(|line| line.contains(",1,")).count();
    let read = |branch: &BranchFiles| read_csv(branch.held_out.as_ref().unwrap(), &schema).unwrap().targets().sum();
    assert_eq!(branches.iter().map(read).sum::<f32>(), positives as f32);
    let first = read_csv(&branches[0].training, &schema).unwrap();
    assert_eq!(first.rows() as u64, branches[0].training_rows);
}

//! One data set for many branches, and the public data sets.

use std::path::Path;

use super::*;
use crate::needed;

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

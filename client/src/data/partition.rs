//! One data set into the files of many branches, for demonstrations and trials.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tributary_model::features::RawBatch;
use tributary_model::schema::Schema;
use tributary_storage::files::shown;

use super::error::FileError;
use super::faults::FileFaults;
use super::records::Records;
use super::write::Text;

/// Which rows go to which branch.
#[derive(Clone, Debug)]
pub struct PartitionRequest<'a> {
    /// The data files; rows are counted through, from 0.
    pub data: &'a [PathBuf],
    /// Gives the dialect, for reading and for writing.
    pub schema: &'a Schema,
    /// A file of `row,branch` under that header: every row once, branches counted from 0 without gaps.
    pub partition: &'a Path,
    /// A file of `row,y,part` under that header: every row once, `part` is `train` or `test`. Without it every row is for training.
    pub split: Option<&'a Path>,
    /// An existing folder for the branches' files.
    pub into: &'a Path,
}

/// The files of one branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchFiles {
    /// Branch, from 0.
    pub branch: u32,
    /// `branch-000.csv` and so on: rows to learn from.
    pub training: PathBuf,
    /// Number of rows to learn from, at least 1.
    pub training_rows: u64,
    /// `branch-000.held-out.csv` and so on: rows to test with. `None` if this branch has none.
    pub held_out: Option<PathBuf>,
    /// Number of rows to test with.
    pub held_out_rows: u64,
}

/// A partition cannot be carried out. Rows are counted from 0, as the partition counts them; lines from 1.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// A data file cannot be read, or a branch's file not written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line of the partition or split file has another form.
    #[error("{path}: line {line} is not of the form {form}; each row of the data appears once", path = shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the line should be.
        form: &'static str,
    },
    /// The partition or split file does not know a row of the data.
    #[error("{path}: row {row} of the data is missing; the file must have one line for each row", path = shown(path))]
    RowMissing {
        /// The file.
        path: PathBuf,
        /// The first row that is missing.
        row: usize,
    },
    /// The partition or split file has rows that the data does not have.
    #[error("{path}: has {listed} rows where the data has {found}; it belongs to other data, or a data file is missing", path = shown(path))]
    RowsLeftOver {
        /// The file.
        path: PathBuf,
        /// Rows in the file.
        listed: usize,
        /// Rows in the data.
        found: usize,
    },
    /// A branch number below the largest has no row.
    #[error("{path}: no row belongs to branch {branch}; number the branches from 0 without gaps", path = shown(path))]
    BranchMissing {
        /// The file.
        path: PathBuf,
        /// The first number without a row.
        branch: u32,
    },
    /// All rows of a branch are held out.
    #[error(
        "branch {branch} has no row to learn from, all of its rows are held out; choose another split or partition"
    )]
    NothingToLearn {
        /// The branch.
        branch: u32,
    },
}

/// Most branches of one partition.
const BRANCHES_MAX: u32 = 1 << 16;
/// Longest partition or split file: 32 bytes a row.
const LIST_BYTES_MAX: u64 = RawBatch::ROWS_MAX as u64 * 32;

/// Writes each branch's rows into its own files, in their order, in the dialect that they came in. The rows are held in memory until they
/// are written.
///
/// # Errors
/// The first fault of the files; branches' files may then have been written in part.
pub fn split_by_branch(request: &PartitionRequest<'_>) -> Result<Vec<BranchFiles>, PartitionError> {
    let dialect = request.schema.dialect();
    let branch_of = branches(request.partition)?;
    let held_out = request.split.map(parts).transpose()?;
    let branches = branch_of.iter().max().map_or(0, |last| *last as usize + 1);
    let part = || Part { text: Text::new(dialect), rows: 0 };
    let mut texts: Vec<[Part<'_>; 2]> = (0..branches).map(|_| [part(), part()]).collect();
    let mut row = 0;
    let mut header: Option<Vec<String>> = None;
    for path in request.data {
        let mut records = Records::open(path, dialect)?;
        if header.get_or_insert_with(|| records.header().to_vec()) != records.header() {
            return Err(FileError::HeadersDiffer { path: path.clone() }.into());
        }
        while let Some((_, record)) = records.next().map_err(|ended| ended.alone(path))? {
            if let Some(oddity) = record.oddities.first().copied() {
                let mut faults = FileFaults::new(path.clone());
                faults.add(records.fault(&oddity));
                return Err(FileError::Faults(Box::new(faults)).into());
            }
            let missing = |path: &Path| PartitionError::RowMissing { path: path.to_owned(), row };
            let branch = branch_of.get(row).ok_or_else(|| missing(request.partition))?;
            let part = match (&held_out, request.split) {
                (Some(held_out), Some(split)) => *held_out.get(row).ok_or_else(|| missing(split))?,
                _ => false,
            };
            let part = &mut texts[*branch as usize][usize::from(part)];
            if let (0, None, Some(header)) = (part.rows, &dialect.columns, &header) {
                part.text.row(header.iter().map(String::as_str));
            }
            part.text.row(record.iter());
            part.rows += 1;
            row += 1;
        }
    }
    let split = request.split.zip(held_out.as_ref()).map(|(path, list)| (path, list.len()));
    for (path, listed) in [Some((request.partition, branch_of.len())), split].into_iter().flatten() {
        if listed > row {
            return Err(PartitionError::RowsLeftOver { path: path.to_owned(), listed, found: row });
        }
    }
    (0..).zip(texts).map(|(branch, texts)| write(branch, texts, request.into)).collect()
}

/// A branch's rows of one part, as text.
struct Part<'dialect> {
    text: Text<'dialect>,
    rows: u64,
}

fn write(branch: u32, parts: [Part<'_>; 2], into: &Path) -> Result<BranchFiles, PartitionError> {
    let [training, held_out] = parts;
    if training.rows == 0 {
        return Err(PartitionError::NothingToLearn { branch });
    }
    let training_path = into.join(format!("branch-{branch:03}.csv"));
    let held_out_path = (held_out.rows > 0).then(|| into.join(format!("branch-{branch:03}.held-out.csv")));
    let (training_rows, held_out_rows) = (training.rows, held_out.rows);
    training.text.save(&training_path)?;
    if let Some(path) = &held_out_path {
        held_out.text.save(path)?;
    }
    Ok(BranchFiles { branch, training: training_path, training_rows, held_out: held_out_path, held_out_rows })
}

/// Each row's branch.
fn branches(path: &Path) -> Result<Vec<u32>, PartitionError> {
    let list = list(path, "row,branch", |rest| rest.parse().ok().filter(|branch| *branch < BRANCHES_MAX))?;
    let mut used = vec![false; list.iter().max().map_or(0, |last| *last as usize + 1)];
    for branch in &list {
        used[*branch as usize] = true;
    }
    match (0..).zip(&used).find(|(_, used)| !**used) {
        None => Ok(list),
        Some((branch, _)) => Err(PartitionError::BranchMissing { path: path.to_owned(), branch }),
    }
}

/// Whether each row is held out.
fn parts(path: &Path) -> Result<Vec<bool>, PartitionError> {
    list(path, "row,y,part", |rest| match rest.split_once(',') {
        Some(("0" | "1", "train")) => Some(false),
        Some(("0" | "1", "test")) => Some(true),
        _ => None,
    })
}

/// A list with one line for each row, in any order, under the header `form`; `read` is given what stands after the row's number.
fn list<T: Clone>(path: &Path, form: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, PartitionError> {
    let text = whole(path).map_err(|source| FileError::Open { path: path.to_owned(), source })?;
    let malformed = |line| PartitionError::Malformed { path: path.to_owned(), line, form };
    let mut lines = (1..).zip(text.lines().map(str::trim_end));
    if lines.next().is_none_or(|(_, header)| header != form) {
        return Err(malformed(1));
    }
    let count = lines.clone().filter(|(_, line)| !line.is_empty()).count();
    let mut rows: Vec<Option<T>> = vec![None; count];
    for (line, text) in lines.filter(|(_, line)| !line.is_empty()) {
        let (row, rest) = text.split_once(',').ok_or_else(|| malformed(line))?;
        let row: usize = row.parse().map_err(|_| malformed(line))?;
        let value = read(rest).ok_or_else(|| malformed(line))?;
        // A row beyond the count means that another one is missing, which the end finds.
        if let Some(slot) = rows.get_mut(row)
            && slot.replace(value).is_some()
        {
            return Err(malformed(line));
        }
    }
    match rows.iter().position(Option::is_none) {
        Some(row) => Err(PartitionError::RowMissing { path: path.to_owned(), row }),
        None => Ok(rows.into_iter().flatten().collect()),
    }
}

fn whole(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?.take(LIST_BYTES_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > LIST_BYTES_MAX { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

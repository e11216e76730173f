//! The file of scores: one line for each customer, as CSV or as Parquet; and the note beside it, which says what it is.
//!
//! ```text
//! FILE         written to a draft, synced and renamed, mode 0600
//! FILE.json    the same, after it: a file whose digest differs from its note's is none
//! ```

mod csv;
mod draft;
mod line;
mod note;
mod parquet;
mod without;

use std::io;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_storage::files::{FileError, folder_of};

pub(crate) use self::csv::Encoding;
use self::draft::Hashed;
pub(crate) use self::draft::is_parquet;
pub(crate) use self::line::{HeadLine, Line};
pub(crate) use self::note::note_path;
pub use self::note::{NotedModel, ScoresNote};
pub(crate) use self::without::without;

/// The columns of one head, after its name and a point.
const OF_HEAD: [&str; 7] = ["score", "probability", "decile", "points", "reason_1", "reason_2", "reason_3"];
/// The columns after those of all heads.
const LAST: [&str; 4] = ["stage", "action", "notice", "model"];

/// The columns, in their order.
pub(crate) fn columns(heads: &[String]) -> Vec<String> {
    let own = heads.iter().flat_map(|head| OF_HEAD.map(|column| format!("{head}.{column}")));
    std::iter::once("customer".to_owned()).chain(own).chain(LAST.map(str::to_owned)).collect()
}

/// A file in the making.
pub(crate) struct ScoresFile {
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Csv(csv::CsvLines<Hashed>),
    Parquet(Box<parquet::ParquetLines<Hashed>>),
}

impl ScoresFile {
    /// Begins the file that will be at this path: Parquet where its name ends so, else CSV.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn begin(path: &Path, heads: &[String], encoding: Encoding) -> Result<Self, FileError> {
        let failed = |fault| FileError::system("writing", path)(fault);
        let hashed = Hashed::private(folder_of(path)).map_err(failed)?;
        let columns = columns(heads);
        let writer = if is_parquet(path) {
            Writer::Parquet(Box::new(parquet::ParquetLines::begin(hashed, &columns).map_err(failed)?))
        } else {
            Writer::Csv(csv::CsvLines::begin(hashed, &columns, encoding).map_err(failed)?)
        };
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Appends a customer.
    ///
    /// # Errors
    /// As the operating system says.
    pub(crate) fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        match &mut self.writer {
            Writer::Csv(lines) => lines.line(line),
            Writer::Parquet(lines) => lines.line(line),
        }
    }

    /// Ends the file, which has no name yet.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn end(self) -> Result<Ended, FileError> {
        let Self { path, writer } = self;
        let ended = match writer {
            Writer::Csv(lines) => lines.end(),
            Writer::Parquet(lines) => lines.end(),
        };
        let hashed = ended.map_err(FileError::system("writing", &path))?;
        Ok(Ended { path, hashed })
    }
}

/// A whole file without its name.
pub(crate) struct Ended {
    path: PathBuf,
    hashed: Hashed,
}

impl Ended {
    /// Its SHA-256.
    pub(crate) fn digest(&self) -> Digest {
        self.hashed.digest()
    }

    /// Gives the file its name: durable when this returns.
    ///
    /// # Errors
    /// [`FileError`]; the name is untouched.
    pub(crate) fn place(self) -> Result<(), FileError> {
        self.hashed.place(&self.path)
    }
}

/// A file of customers with these scores of one label, for tests of whoever reads it.
#[cfg(test)]
pub(crate) fn write_scores(path: &Path, gb18030: bool, customers: &[(&str, f64)], reason: &str) -> Digest {
    let encoding = if gb18030 { Encoding::Gb18030 } else { Encoding::Utf8 };
    let mut file = ScoresFile::begin(path, &["churn".to_owned()], encoding).unwrap();
    for (customer, score) in customers {
        let (probability, reasons) = (1.0 / (1.0 + (-score).exp()), [reason, "", ""]);
        let heads = [HeadLine { score: *score, probability, decile: 1, points: None, reasons }];
        let line = Line { customer, heads: &heads, stage: "", action: "", notice: "", model: "07070707" };
        file.line(&line).unwrap();
    }
    let ended = file.end().unwrap();
    let digest = ended.digest();
    ended.place().unwrap();
    digest
}

#[cfg(test)]
mod tests;

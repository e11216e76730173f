//! Reference vectors from the shared folder, where there is one.

use std::collections::BTreeMap;
use std::fmt;

#[path = "../../../tests/needed.rs"]
mod needed;

/// One row of a vector file, by column name.
pub(super) struct Row {
    file: String,
    line: usize,
    cells: BTreeMap<String, String>,
}

impl Row {
    pub(super) fn text(&self, column: &str) -> &str {
        self.cells.get(column).unwrap_or_else(|| panic!("{self}: no column {column}"))
    }

    /// The number in a cell; panics if there is none.
    pub(super) fn number(&self, column: &str) -> f64 {
        self.optional(column).unwrap_or_else(|| panic!("{self}: column {column} is not a number"))
    }

    /// The number in a cell that may be empty.
    pub(super) fn optional(&self, column: &str) -> Option<f64> {
        self.text(column).parse().ok()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} line {}", self.file, self.line)
    }
}

/// The rows of a file, or none, said aloud, where the shared folder is absent.
pub(super) fn rows(file: &str) -> Vec<Row> {
    let path = format!("{}/../../shared/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(fault) => {
            needed::skip("TRIBUTARY_TEST_VECTORS", &format!("reference vectors {file}"), fault);
            return Vec::new();
        }
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let rows: Vec<Row> = reader
        .records()
        .enumerate()
        .map(|(index, record)| {
            let record = record.unwrap();
            let cells = names.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned()));
            Row { file: file.to_owned(), line: index + 2, cells: cells.collect() }
        })
        .collect();
    assert!(!rows.is_empty(), "{file} has no rows");
    rows
}

/// Asserts a relative difference of at most `tolerance`. Values below the smallest normal float are compared as zero.
pub(super) fn close(actual: f64, expected: f64, tolerance: f64, row: &Row) {
    let scale = expected.abs().max(f64::MIN_POSITIVE);
    assert!((actual - expected).abs() <= tolerance * scale, "{row}: {actual} instead of {expected}");
}

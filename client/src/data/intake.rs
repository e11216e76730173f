//! Rows on their way into a batch, whatever their source is: columns are found, values converted, rows with faults left out and counted.

use std::path::{Path, PathBuf};

use tributary_model::features::{Cell, DataError, RawBatch};
use tributary_model::schema::{Decimal, Field, FieldKind, Schema};
use tributary_protocol::plan::Date;

use super::error::FileError;
use super::faults::{FAULTS_TOLD_MAX, Fault, FileFaults};
use super::mapping::{ColumnKind, Conversion, Mapping, Rule};
use super::reading::Reading;

/// A column as its source names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// What it holds, where the source says so for all rows.
    pub(super) kind: Option<ColumnKind>,
}

/// One row of a source. A column that nobody needs may be given as missing.
pub(super) trait Values {
    /// Number of values.
    fn count(&self) -> usize;
    /// A value, by its number from 0.
    fn cell(&self, column: usize) -> Cell<'_>;
}

/// Where one of the batch's columns comes from.
struct Pick<'a> {
    column: usize,
    rule: Option<&'a Rule>,
}

/// What follows from a source's columns.
struct Begun<'a> {
    columns: Vec<Column>,
    picks: Vec<Pick<'a>>,
    home: Option<(usize, &'a [String])>,
    /// The columns whose values are read.
    needed: Vec<usize>,
    /// The pick that is the customers' key, where its source has decimals there.
    decimal_key: Option<usize>,
    batch: RawBatch<'a>,
}

/// Rows of one data set.
pub(super) struct Intake<'a> {
    schema: &'a Schema,
    reading: &'a Reading<'a>,
    begun: Option<Begun<'a>>,
    /// The source that is being read, and its faults so far.
    name: PathBuf,
    faults: FileFaults,
    doubts: Vec<Fault>,
    counts: RowCounts,
    index: usize,
    day: Option<Date>,
}

/// Rows that are in no batch, and all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that were read.
    pub read: u64,
    /// Of which have a fault, and are left out.
    pub faulty: u64,
    /// The first faults of these.
    pub told: Vec<Fault>,
    /// Of which are another branch's, by the mapping.
    pub elsewhere: u64,
}

/// What came of a data set.
pub(super) struct TakenIn<'a> {
    pub(super) batch: RawBatch<'a>,
    pub(super) doubts: Vec<Fault>,
    pub(super) counts: RowCounts,
    pub(super) day: Option<Date>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(schema: &'a Schema, reading: &'a Reading<'a>) -> Self {
        Self {
            schema,
            reading,
            begun: None,
            name: PathBuf::new(),
            faults: FileFaults::default(),
            doubts: Vec::new(),
            counts: RowCounts::default(),
            index: 0,
            day: reading.day,
        }
    }

    /// The day of the data, where the source itself says it.
    pub(super) fn dated(&mut self, day: Date) {
        self.day = Some(self.day.unwrap_or(day));
    }

    /// Whether somebody wishes to stop.
    pub(super) fn wished_to_stop(&self) -> Result<(), FileError> {
        if self.reading.stop.wished() {
            return Err(FileError::Stopped { path: self.name.clone() });
        }
        Ok(())
    }

    /// Whether a column's values are read.
    pub(super) fn needs(&self, column: usize) -> bool {
        self.begun.as_ref().is_none_or(|begun| begun.needed.contains(&column))
    }

    /// A source begins. One after the first must have the same columns.
    pub(super) fn begin(&mut self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<(), FileError> {
        self.name = name.to_owned();
        self.faults = FileFaults::new(name.to_owned());
        if let Some(begun) = &self.begun {
            if begun.columns != columns {
                return Err(FileError::HeadersDiffer { path: name.to_owned() });
            }
            return Ok(());
        }
        if columns.is_empty() {
            return Err(FileError::of_all(name, DataError::NoRows));
        }
        if self.day.is_none() && self.reading.mapping.is_some_and(Mapping::counts_days) {
            return Err(FileError::NoDay { path: name.to_owned() });
        }
        self.begun = Some(self.found(name, columns, decimal)?);
        Ok(())
    }

    fn found(&self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<Begun<'a>, FileError> {
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        let Some(mapping) = self.reading.mapping else {
            let picks: Vec<Pick<'a>> = (0..columns.len()).map(|column| Pick { column, rule: None }).collect();
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let batch = self.batch(&names, decimal, faults)?;
            self.kinds(name, &columns, &picks, &names)?;
            let needed = self.needed(&picks, &names, None);
            let decimal_key = self.decimal_key(&columns, &picks, &names);
            return Ok(Begun { picks, home: None, needed, decimal_key, batch, columns });
        };
        let mut place = |from: &str, what: &str| {
            let mut places = columns.iter().enumerate().filter(|(_, column)| column.name.trim() == from);
            let place = places.next().map(|(place, _)| place);
            let text = match (place, places.next()) {
                (Some(_), None) => return place,
                (Some(_), Some(_)) => {
                    format!("the data has the column {from:?} more than once, {what}; export it once")
                }
                (None, _) => format!(
                    "the data has no column {from:?}, {what}; export it, or have the owner read and sign a mapping without it"
                ),
            };
            faults.add(Fault { row: None, column: Some(from.to_owned()), text });
            None
        };
        let mut picks = Vec::new();
        let mut names = Vec::new();
        for rule in &mapping.rules {
            let what = format!("which the mapping takes for {:?}", rule.to);
            if let Some(column) = place(&rule.from, &what) {
                picks.push(Pick { column, rule: Some(rule) });
                names.push(rule.to.as_str());
            }
        }
        let home = mapping.home.as_ref().and_then(|home| {
            let what = "which the mapping names as the home branch";
            place(&home.column, what).map(|column| (column, home.values.as_slice()))
        });
        if faults.count > 0 {
            return Err(FileError::Faults(Box::new(faults)));
        }
        // What no rule makes is the column of the same name. What a rule makes hides such a column.
        for (column, own) in columns.iter().enumerate() {
            if !mapping.rules.iter().any(|rule| rule.to == own.name.trim()) {
                picks.push(Pick { column, rule: None });
                names.push(own.name.as_str());
            }
        }
        let batch = self.batch(&names, decimal, faults)?;
        self.kinds(name, &columns, &picks, &names)?;
        let needed = self.needed(&picks, &names, home.map(|(column, _)| column));
        let decimal_key = self.decimal_key(&columns, &picks, &names);
        Ok(Begun { picks, home, needed, decimal_key, batch, columns })
    }

    fn decimal_key(&self, columns: &[Column], picks: &[Pick<'_>], names: &[&str]) -> Option<usize> {
        let is_decimal =
            |pick: &Pick<'_>| columns.get(pick.column).is_some_and(|column| column.kind == Some(ColumnKind::Decimal));
        let key =
            |(pick, name): (&Pick<'_>, &&str)| self.schema.customer_column() == Some(name.trim()) && is_decimal(pick);
        picks.iter().zip(names).position(key)
    }

    /// The columns from which something is read. Of the others the names alone were looked at, for one that is there twice.
    fn needed(&self, picks: &[Pick<'_>], names: &[&str], home: Option<usize>) -> Vec<usize> {
        let schema = self.schema;
        let is_read = |name: &str| {
            schema.fields().iter().any(|field| field.column == name)
                || schema.labels().iter().any(|label| label.column == name)
                || schema.customer_column() == Some(name)
        };
        let read = picks.iter().zip(names).filter(|(_, name)| is_read(name.trim())).map(|(pick, _)| pick.column);
        read.chain(home).collect()
    }

    fn batch(&self, names: &[&str], decimal: Decimal, mut faults: FileFaults) -> Result<RawBatch<'a>, FileError> {
        RawBatch::written(self.schema, names, decimal).map_err(|found| {
            for fault in found {
                let one = matches!(fault, DataError::OneColumn { .. });
                let hint = if one { self.reading.hint(self.schema, names) } else { None };
                let mut fault = Fault::from(fault);
                fault.text.extend(hint);
                faults.add(fault);
            }
            FileError::Faults(Box::new(faults))
        })
    }

    /// Whether each column that is read holds what it should, where its source says what it holds.
    fn kinds(&self, name: &Path, columns: &[Column], picks: &[Pick<'_>], names: &[&str]) -> Result<(), FileError> {
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        for (pick, to) in picks.iter().zip(names) {
            let Some(Column { name, kind: Some(kind) }) = columns.get(pick.column) else { continue };
            if let Some(what) = misfit(self.schema, to.trim(), pick.rule, kind) {
                let text = format!("column {name:?} holds {} today, and {what}", kind.name());
                faults.add(Fault { row: None, column: Some(name.clone()), text });
            }
        }
        if faults.count == 0 { Ok(()) } else { Err(FileError::Faults(Box::new(faults))) }
    }

    /// A row, and what is wrong with the way in which it is written.
    pub(super) fn row(&mut self, number: u64, values: &dyn Values, written: Vec<Fault>) -> Result<(), FileError> {
        self.wished_to_stop()?;
        let Some(begun) = &mut self.begun else { return Ok(()) };
        // Rows beyond the limit are no rows with a fault, of which a few may be left out.
        if begun.batch.rows() >= RawBatch::ROWS_MAX as usize {
            return Err(FileError::of_all(&self.name, DataError::TooManyRows { rows_max: RawBatch::ROWS_MAX }));
        }
        let index = self.index;
        self.index += 1;
        let mut faults = written;
        if faults.is_empty() && (self.reading.keep)(index) {
            self.counts.read += 1;
            match begun.taken(number, values, self.day) {
                Ok(true) => {}
                Ok(false) => self.counts.elsewhere += 1,
                Err(found) => faults = found,
            }
        } else if !faults.is_empty() {
            self.counts.read += 1;
        }
        if !faults.is_empty() {
            self.counts.faulty += 1;
            faults.into_iter().for_each(|fault| self.faults.add(fault));
        }
        Ok(())
    }

    /// Something that may be wrong although it can be read.
    pub(super) fn doubt(&mut self, doubt: Fault) {
        if self.doubts.len() < FAULTS_TOLD_MAX {
            self.doubts.push(doubt);
        }
    }

    /// Nothing after this can be read.
    pub(super) fn broken(&mut self, fault: Fault) {
        self.faults.stopped = true;
        self.faults.add(fault);
    }

    /// Whether there was a fault so far.
    pub(super) fn is_faulty(&self) -> bool {
        self.faults.count > 0
    }

    /// A source has ended. Its rows with faults are left out, unless they are too many, or its end was not seen.
    pub(super) fn end(&mut self) -> Result<(), FileError> {
        let faults = std::mem::take(&mut self.faults);
        let RowCounts { read, faulty, .. } = &self.counts;
        let many = u128::from(*faulty) * 100 > u128::from(*read) * u128::from(self.reading.faulty_percent_max);
        if faults.count > 0 && (faults.stopped || many) {
            return Err(FileError::Faults(Box::new(faults)));
        }
        let room = FAULTS_TOLD_MAX.saturating_sub(self.counts.told.len());
        self.counts.told.extend(faults.told.into_iter().take(room));
        Ok(())
    }

    /// All sources have ended.
    pub(super) fn finish(self) -> Result<TakenIn<'a>, FileError> {
        let Self { begun, doubts, counts, day, .. } = self;
        let none = || FileError::of_all(&self.name, DataError::NoRows);
        let batch = begun.ok_or_else(none)?.batch;
        Ok(TakenIn { batch, doubts, counts, day })
    }
}

impl Begun<'_> {
    /// Whether a row is this branch's own, which is then in the batch.
    fn taken(&mut self, row: u64, values: &dyn Values, day: Option<Date>) -> Result<bool, Vec<Fault>> {
        if values.count() != self.columns.len() {
            let (expected, found) = (self.columns.len(), values.count());
            return Err(vec![DataError::FieldCount { row, expected, found }.into()]);
        }
        if let Some((column, own)) = self.home
            && !is_one_of(values.cell(column), own)
        {
            return Ok(false);
        }
        let decimal = self.batch.decimal();
        let mut faults = Vec::new();
        let mut cells: Vec<Cell<'_>> = self
            .picks
            .iter()
            .map(|Pick { column, rule }| {
                let cell = values.cell(*column);
                let Some(rule) = rule else { return cell };
                rule.convert(cell, decimal, day).unwrap_or_else(|fault| {
                    let text = format!("row {row}, column {:?}: {fault}", rule.from);
                    faults.push(Fault { row: Some(row), column: Some(rule.from.clone()), text });
                    Cell::Missing
                })
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        // A database may write 7 in one row and 7.00 in another, and both are rows of one customer.
        if let Some(Cell::Text(text)) = self.decimal_key.and_then(|key| cells.get_mut(key))
            && text.contains('.')
        {
            *text = text.trim().trim_end_matches('0').trim_end_matches('.');
        }
        let pushed = self.batch.push_cells(row, &cells);
        pushed.map(|()| true).map_err(|found| found.into_iter().map(Fault::from).collect())
    }
}

fn is_one_of(cell: Cell<'_>, own: &[String]) -> bool {
    match cell {
        Cell::Missing | Cell::Number(_) => false,
        Cell::Text(text) => own.iter().any(|value| value == text.trim()),
        Cell::Integer(number) => own.iter().any(|value| *value == number.to_string()),
    }
}

/// Why a column of this kind is none for one of the schema's columns: what is expected instead, and what to do.
fn misfit(schema: &Schema, to: &str, rule: Option<&Rule>, kind: &ColumnKind) -> Option<String> {
    const CURE: &str = "convert it in the query or the export, or have the owner sign a mapping with its type";
    let key = schema.customer_column() == Some(to);
    let fields: Vec<&Field> = schema.fields().iter().filter(|field| field.column == to).collect();
    if !key && fields.is_empty() && !schema.labels().iter().any(|label| label.column == to) {
        return None;
    }
    if let ColumnKind::Other(_) = kind {
        return Some(format!("that is no single value; {CURE}"));
    }
    if key && *kind == ColumnKind::Float {
        return Some("a customer's key has more digits than they hold; give it as text or as whole numbers".to_owned());
    }
    if let Some(named) = rule.and_then(|rule| rule.kind.as_ref()) {
        let expected = || {
            format!("the mapping says {}: nothing was read. Ask whether the table has changed; {CURE}", named.name())
        };
        return (!kind.is(named)).then(expected);
    }
    let counted = rule.is_some_and(|rule| matches!(rule.conversion, Conversion::Day(..)));
    let decoded = rule.is_some_and(|rule| !rule.codes.is_empty());
    let numeric = fields.iter().any(|field| matches!(field.kind, FieldKind::Numeric { .. }));
    let fits = match kind {
        ColumnKind::Day => counted || !numeric,
        ColumnKind::Text => {
            counted
                || decoded
                || !numeric
                || matches!(rule.map(|rule| rule.conversion), Some(Conversion::Number { .. }))
        }
        ColumnKind::Flag => decoded || !numeric,
        ColumnKind::Whole => true,
        ColumnKind::Decimal | ColumnKind::Float => !counted,
        ColumnKind::Other(_) => false,
    };
    let wanted = if counted { "a date" } else { "a number" };
    (!fits).then(|| format!("the schema reads {wanted} there: nothing was read. {CURE}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Stop;

    const SCHEMA: &str = r#"
name = "bank"
version = 1
customer_column = "who"
fields = [{ name = "age", kind = "numeric", min = 0, max = 100, range = "unit", class = "C2", level = "L2" }]
labels = [{ name = "y", positive = ["1"], negative = ["0"] }]
"#;

    struct Row([&'static str; 3]);

    impl Values for Row {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn cell(&self, column: usize) -> Cell<'_> {
            Cell::Text(self.0[column])
        }
    }

    fn customers(kind: ColumnKind, keys: &[&'static str]) -> usize {
        let (schema, stop) = (Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}")), Stop::default());
        let reading = Reading::strict(&stop);
        let mut intake = Intake::new(&schema, &reading);
        let column = |(name, kind): (&str, ColumnKind)| Column { name: name.to_owned(), kind: Some(kind) };
        let columns = [("age", ColumnKind::Whole), ("who", kind), ("y", ColumnKind::Text)].map(column);
        intake.begin(Path::new("rows"), columns.to_vec(), Decimal::Point).unwrap();
        for (row, key) in (1..).zip(keys) {
            intake.row(row, &Row(["30", key, "1"]), Vec::new()).unwrap();
        }
        intake.end().unwrap();
        let rows = intake.finish().unwrap().batch.into_features().unwrap();
        rows.customers().iter().max().map_or(0, |last| *last as usize + 1)
    }

    /// Otherwise each of them would be protected by itself, and the customer half as much.
    #[test]
    fn equal_decimals_are_one_customer() {
        let keys = ["7", "7.00", "7.", "7.0 ", "70", "70.0", "100"];
        assert_eq!(customers(ColumnKind::Decimal, &keys), 3);
        assert_eq!(customers(ColumnKind::Decimal, &["7.10", "7.1", "7.01"]), 2);
        // Texts are told apart as they are.
        assert_eq!(customers(ColumnKind::Text, &["7", "7.00", "70"]), 3);
    }
}

//! Rows on their way into a batch, whatever their source is: columns are found, values converted, rows with faults left out and counted.

use std::path::Path;

use tributary_model::features::{Cell, DataError, RawBatch};
use tributary_model::schema::{Decimal, Field, FieldKind, Schema};
use tributary_protocol::plan::Date;

use super::columns::{is_one_of, place};
use super::error::FileError;
use super::events::{Derived, Key, Standing, TimeColumn, key_text, plainest, read_moment};
use super::faults::{FAULTS_TOLD_MAX, Fault, FileFaults};
use super::mapping::{ColumnKind, Conversion, Mapping, Rule};
use super::reading::{Reading, Refused, Stop};
use super::sink::{Column, Sink, Values};
use super::tolerance::{RowCounts, Tolerance};

/// Where one of the batch's columns comes from.
enum Pick<'a> {
    /// A column of the source.
    Column(usize, Option<&'a Rule>),
    /// What was derived from other tables, by its number.
    Derived(usize),
}

impl Pick<'_> {
    fn column(&self) -> Option<usize> {
        match self {
            Self::Column(column, _) => Some(*column),
            Self::Derived(_) => None,
        }
    }
}

/// What follows from a source's columns.
struct Begun<'a> {
    columns: Vec<Column>,
    picks: Vec<Pick<'a>>,
    home: Option<(usize, &'a [String])>,
    /// The columns whose values are read.
    needed: Vec<usize>,
    /// The pick that is the customers' key, and whether its source has decimals there.
    key: Option<usize>,
    decimal_key: bool,
    derived: Option<&'a Derived<'a>>,
    label: Option<LabelDay<'a>>,
    batch: RawBatch<'a>,
}

/// The column of the day on which what a label is about has happened.
struct LabelDay<'a> {
    place: usize,
    of: &'a TimeColumn,
    days: u16,
    utc_offset_minutes: i32,
}

/// What became of a row.
enum Taken {
    /// It is in the batch.
    In(LabelTime),
    /// It is another branch's.
    Elsewhere,
    /// Its customer may not be read.
    Withheld,
}

/// When what a label is about has happened.
enum LabelTime {
    /// Within the label's days, or nobody says.
    Within,
    /// On the day of the data, or before: the fields may know it.
    Before,
    /// After the label's days.
    After,
}

/// Rows of one data set.
pub(super) struct Intake<'a> {
    schema: &'a Schema,
    reading: &'a Reading<'a>,
    derived: Option<&'a Derived<'a>>,
    begun: Option<Begun<'a>>,
    /// What is left out of it.
    tolerance: Tolerance,
    doubts: Vec<Fault>,
    index: usize,
    day: Option<Date>,
}

/// What came of a data set.
pub(super) struct TakenIn<'a> {
    pub(super) batch: RawBatch<'a>,
    pub(super) doubts: Vec<Fault>,
    pub(super) counts: RowCounts,
    pub(super) day: Option<Date>,
}

impl<'a> Intake<'a> {
    /// `derived`: what each customer's rows are joined with.
    pub(super) fn new(schema: &'a Schema, reading: &'a Reading<'a>, derived: Option<&'a Derived<'a>>) -> Self {
        Self {
            schema,
            reading,
            derived,
            begun: None,
            tolerance: Tolerance::new(reading.faulty_percent_max),
            doubts: Vec::new(),
            index: 0,
            day: reading.day,
        }
    }

    fn found(&self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<Begun<'a>, FileError> {
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        let Some(mapping) = self.reading.mapping else {
            let picks: Vec<Pick<'a>> = (0..columns.len()).map(|column| Pick::Column(column, None)).collect();
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let batch = self.batch(&names, decimal, faults)?;
            self.kinds(name, &columns, &picks, &names)?;
            let needed = self.needed(&picks, &names, None);
            let (key, decimal_key) = self.key(&columns, &picks, &names);
            return Ok(Begun {
                picks,
                home: None,
                needed,
                key,
                decimal_key,
                derived: None,
                label: None,
                batch,
                columns,
            });
        };
        let mut find = |from: &str, what: &str| place(&columns, from, what).map_err(|fault| faults.add(fault)).ok();
        let mut picks = Vec::new();
        let mut names = Vec::new();
        for rule in &mapping.rules {
            let what = format!("which the mapping takes for {:?}", rule.to);
            if let Some(column) = find(&rule.from, &what) {
                picks.push(Pick::Column(column, Some(rule)));
                names.push(rule.to.as_str());
            }
        }
        let home = mapping.home.as_ref().and_then(|home| {
            let what = "which the mapping names as the home branch";
            find(&home.column, what).map(|column| (column, home.values.as_slice()))
        });
        let label = mapping.events.label.as_ref().and_then(|label| {
            let of = label.happened.as_ref()?;
            let place = find(&of.column, "which says when what a label is about has happened")?;
            Some(LabelDay { place, of, days: label.days, utc_offset_minutes: mapping.events.utc_offset_minutes })
        });
        if faults.count > 0 {
            return Err(FileError::Faults(Box::new(faults)));
        }
        for (column, to) in self.derived.iter().flat_map(|derived| derived.columns().enumerate()) {
            picks.push(Pick::Derived(column));
            names.push(to);
        }
        let made = names.len();
        // What nothing makes is the column of the same name. What is made hides such a column.
        for (column, own) in columns.iter().enumerate() {
            if !names[..made].contains(&own.name.trim()) {
                picks.push(Pick::Column(column, None));
                names.push(own.name.as_str());
            }
        }
        let batch = self.batch(&names, decimal, faults)?;
        self.kinds(name, &columns, &picks, &names)?;
        let mut needed = self.needed(&picks, &names, home.map(|(column, _)| column));
        needed.extend(label.as_ref().map(|label| label.place));
        let (key, decimal_key) = self.key(&columns, &picks, &names);
        let derived = self.derived;
        Ok(Begun { picks, home, needed, key, decimal_key, derived, label, batch, columns })
    }

    /// The pick that is the customers' key, and whether it has decimals.
    fn key(&self, columns: &[Column], picks: &[Pick<'_>], names: &[&str]) -> (Option<usize>, bool) {
        let key = names.iter().position(|name| self.schema.customer_column() == Some(name.trim()));
        let column = key.and_then(|key| picks.get(key)?.column()).and_then(|column| columns.get(column));
        (key, column.is_some_and(|column| column.kind == Some(ColumnKind::Decimal)))
    }

    /// The columns from which something is read. Of the others the names alone were looked at, for one that is there twice.
    fn needed(&self, picks: &[Pick<'_>], names: &[&str], home: Option<usize>) -> Vec<usize> {
        let schema = self.schema;
        let is_read = |name: &str| {
            schema.fields().iter().any(|field| field.column == name)
                || schema.labels().iter().any(|label| label.column == name)
                || schema.audits().iter().any(|audit| audit.column == name)
                || schema.customer_column() == Some(name)
        };
        let read =
            picks.iter().zip(names).filter(|(_, name)| is_read(name.trim())).filter_map(|(pick, _)| pick.column());
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
            let Pick::Column(column, rule) = pick else { continue };
            let Some(Column { name, kind: Some(kind) }) = columns.get(*column) else { continue };
            if let Some(what) = misfit(self.schema, to.trim(), *rule, kind) {
                let text = format!("column {name:?} holds {} today, and {what}", kind.name());
                faults.add(Fault { row: None, column: Some(name.clone()), text });
            }
        }
        if faults.count == 0 { Ok(()) } else { Err(FileError::Faults(Box::new(faults))) }
    }

    /// A source has ended. Its rows with faults are left out, unless they are too many, or its end was not seen.
    pub(super) fn end(&mut self) -> Result<(), FileError> {
        self.tolerance.end()
    }

    /// All sources have ended.
    pub(super) fn finish(self) -> Result<TakenIn<'a>, FileError> {
        let Self { begun, doubts, tolerance, day, .. } = self;
        let none = || FileError::of_all(tolerance.name(), DataError::NoRows);
        let batch = begun.ok_or_else(none)?.batch;
        Ok(TakenIn { batch, doubts, counts: tolerance.counts, day })
    }
}

impl Sink for Intake<'_> {
    fn dated(&mut self, day: Date) {
        self.day = Some(self.day.unwrap_or(day));
    }

    fn stop(&self) -> &Stop {
        self.reading.stop
    }

    fn wished_to_stop(&self) -> Result<(), FileError> {
        self.reading.stop.checked(self.tolerance.name())
    }

    fn needs(&self, column: usize) -> bool {
        self.begun.as_ref().is_none_or(|begun| begun.needed.contains(&column))
    }

    fn begin(&mut self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<(), FileError> {
        self.tolerance.begin(name);
        if let Some(begun) = &self.begun {
            if begun.columns != columns {
                return Err(FileError::HeadersDiffer { path: name.to_owned() });
            }
            return Ok(());
        }
        if columns.is_empty() {
            return Err(FileError::of_all(name, DataError::NoRows));
        }
        if let Some(day) = self.derived.and_then(Derived::day).filter(|day| self.day != Some(*day)) {
            let text = format!(
                "the day of the data was {day} when the events were read, and is another one now; read them again"
            );
            let mut faults = FileFaults::new(name.to_owned());
            faults.add(Fault { row: None, column: None, text });
            return Err(FileError::Faults(Box::new(faults)));
        }
        if self.day.is_none() && self.reading.mapping.is_some_and(Mapping::counts_days) {
            return Err(FileError::NoDay { path: name.to_owned() });
        }
        self.begun = Some(self.found(name, columns, decimal)?);
        Ok(())
    }

    fn row(&mut self, number: u64, values: &dyn Values, written: Vec<Fault>) -> Result<(), FileError> {
        self.wished_to_stop()?;
        let Some(begun) = &mut self.begun else { return Ok(()) };
        // Rows beyond the limit are no rows with a fault, of which a few may be left out.
        if begun.batch.rows() >= RawBatch::ROWS_MAX as usize {
            return Err(FileError::of_all(
                self.tolerance.name(),
                DataError::TooManyRows { rows_max: RawBatch::ROWS_MAX },
            ));
        }
        let index = self.index;
        self.index += 1;
        let mut faults = written;
        if faults.is_empty() {
            if !(self.reading.keep)(index) {
                return Ok(());
            }
            match begun.taken(number, values, (self.day, self.reading.refused)) {
                Ok(Taken::In(LabelTime::Within)) => {}
                Ok(Taken::In(LabelTime::Before)) => self.tolerance.counts.labels_before += 1,
                Ok(Taken::In(LabelTime::After)) => self.tolerance.counts.labels_after += 1,
                Ok(Taken::Elsewhere) => self.tolerance.counts.elsewhere += 1,
                Ok(Taken::Withheld) => self.tolerance.counts.withheld += 1,
                Err(found) => faults = found,
            }
        }
        self.tolerance.read(faults);
        Ok(())
    }

    fn doubt(&mut self, doubt: Fault) {
        if self.doubts.len() < FAULTS_TOLD_MAX {
            self.doubts.push(doubt);
        }
    }

    fn broken(&mut self, fault: Fault) {
        self.tolerance.broken(fault);
    }

    fn is_faulty(&self) -> bool {
        self.tolerance.is_faulty()
    }
}

impl Begun<'_> {
    /// Whether a row is this branch's own, and its customer may be read: it is then in the batch. Of other rows nothing else is read.
    fn taken(
        &mut self,
        row: u64,
        values: &dyn Values,
        (day, refused): (Option<Date>, Option<Refused<'_>>),
    ) -> Result<Taken, Vec<Fault>> {
        if values.count() != self.columns.len() {
            let (expected, found) = (self.columns.len(), values.count());
            return Err(vec![DataError::FieldCount { row, expected, found }.into()]);
        }
        if let Some((column, own)) = self.home
            && !is_one_of(values.cell(column), own)
        {
            return Ok(Taken::Elsewhere);
        }
        let decimal = self.batch.decimal();
        if let Some(refused) = refused
            && self.plainest_key(values).is_some_and(|key| refused(&key))
        {
            return Ok(Taken::Withheld);
        }
        let customer = match self.customer(row, values)? {
            Some(Standing::Own(customer)) => Some(customer),
            Some(Standing::Withheld) => return Ok(Taken::Withheld),
            Some(Standing::Elsewhere) => return Ok(Taken::Elsewhere),
            Some(Standing::Unknown) => return Err(vec![self.of_key(row, CHANGED)]),
            None => None,
        };
        if let (Some(derived), Some(customer)) = (self.derived, customer)
            && derived.is_contradicted(customer)
        {
            return Err(vec![self.of_key(row, CONTRADICTED)]);
        }
        let mut faults = Vec::new();
        let mut cells: Vec<Cell<'_>> = self
            .picks
            .iter()
            .map(|pick| {
                let (column, rule) = match pick {
                    Pick::Column(column, rule) => (*column, rule),
                    Pick::Derived(column) => {
                        let of = |derived: &Derived<'_>, customer| derived.value(customer, *column);
                        return self.derived.zip(customer).map_or(Cell::Missing, |(all, one)| of(all, one));
                    }
                };
                let cell = values.cell(column);
                let Some(rule) = rule else { return cell };
                rule.convert(cell, decimal, day).unwrap_or_else(|fault| {
                    let text = format!("row {row}, column {:?}: {fault}", rule.from);
                    faults.push(Fault { row: Some(row), column: Some(rule.from.clone()), text });
                    Cell::Missing
                })
            })
            .collect();
        let label = self.label_time(row, values, day).unwrap_or_else(|fault| {
            faults.push(fault);
            LabelTime::Within
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        // A database may write 7 in one row and 7.00 in another, and both are rows of one customer.
        let key = self.key.filter(|_| self.decimal_key).and_then(|key| cells.get_mut(key));
        if let Some(Cell::Text(text)) = key
            && text.contains('.')
        {
            *text = text.trim().trim_end_matches('0').trim_end_matches('.');
        }
        let pushed = self.batch.push_cells(row, &cells);
        pushed.map(|()| Taken::In(label)).map_err(|found| found.into_iter().map(Fault::from).collect())
    }

    /// The row's customer in the plainest spelling, where there is one.
    fn plainest_key(&self, values: &dyn Values) -> Option<Key> {
        let Some(Pick::Column(column, rule)) = self.key.and_then(|key| self.picks.get(key)) else { return None };
        let cell = values.cell(*column);
        let cell = rule.map_or(Ok(cell), |rule| rule.convert(cell, self.batch.decimal(), None)).ok()?;
        let mut text = String::new();
        key_text(cell, self.decimal_key, &mut text).ok().map(|()| plainest(&text))
    }

    /// How the row's customer stands, where that was looked at; nothing where the key is none, which is told with the other values.
    fn customer(&self, row: u64, values: &dyn Values) -> Result<Option<Standing>, Vec<Fault>> {
        let pick = self.key.and_then(|key| self.picks.get(key));
        let (Some(derived), Some(Pick::Column(column, rule))) = (self.derived, pick) else { return Ok(None) };
        let cell = values.cell(*column);
        let Some(rule) = rule else { return Ok(derived.standing(cell, self.decimal_key)) };
        let cell = rule.convert(cell, self.batch.decimal(), None);
        let cell = cell.map_err(|fault| vec![self.of_key(row, &fault.to_string())])?;
        Ok(derived.standing(cell, self.decimal_key))
    }

    /// A fault of a row's customer.
    fn of_key(&self, row: u64, what: &str) -> Fault {
        let pick = self.key.and_then(|key| self.picks.get(key));
        let column = pick.and_then(Pick::column).and_then(|column| self.columns.get(column));
        let column = column.map(|column| column.name.trim().to_owned());
        let text = format!("row {row}, column {:?}: {what}", column.as_deref().unwrap_or_default());
        Fault { row: Some(row), column, text }
    }

    /// When what the labels are about has happened.
    fn label_time(&self, row: u64, values: &dyn Values, day: Option<Date>) -> Result<LabelTime, Fault> {
        let (Some(label), Some(day)) = (&self.label, day) else { return Ok(LabelTime::Within) };
        let read = read_moment(values.cell(label.place), label.of, label.utc_offset_minutes);
        let happened = read.map_err(|what| {
            let column = label.of.column.clone();
            Fault { row: Some(row), text: format!("row {row}, column {column:?}: {what}"), column: Some(column) }
        })?;
        let Some(happened) = happened.map(|happened| i64::from(happened.day)) else { return Ok(LabelTime::Within) };
        let last = i64::from(day.0);
        Ok(match happened {
            day if day <= last => LabelTime::Before,
            day if day > last + i64::from(label.days) => LabelTime::After,
            _ => LabelTime::Within,
        })
    }
}

const CHANGED: &str = "a customer who was not there when the customers were counted: the data were changed while they were read; read them again";
const CONTRADICTED: &str = "two events of this customer have one id and say different things, so the customer is left out; correct the export of the events";

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
#[path = "intake_tests.rs"]
mod tests;

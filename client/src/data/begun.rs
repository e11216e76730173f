//! What follows from a source's columns: where each of the batch's columns comes from, and what becomes of one row.

use tributary_model::features::{Cell, DataError, RawBatch};
use tributary_protocol::plan::Date;

use super::columns::is_one_of;
use super::error::FileError;
use super::events::{Derived, Key, Standing, TimeColumn, key_text, plainest, read_moment};
use super::faults::Fault;
use super::mapping::Rule;
use super::passing::{PassedRow, Passing};
use super::reading::Refused;
use super::sink::{Column, Values};

/// Where one of the batch's columns comes from.
pub(super) enum Pick<'a> {
    /// A column of the source.
    Column(usize, Option<&'a Rule>),
    /// What was derived from other tables, by its number.
    Derived(usize),
}

impl Pick<'_> {
    pub(super) fn column(&self) -> Option<usize> {
        match self {
            Self::Column(column, _) => Some(*column),
            Self::Derived(_) => None,
        }
    }
}

/// What follows from a source's columns.
pub(super) struct Begun<'a> {
    pub(super) columns: Vec<Column>,
    pub(super) picks: Vec<Pick<'a>>,
    pub(super) home: Option<(usize, &'a [String])>,
    /// The columns whose values are read.
    pub(super) needed: Vec<usize>,
    /// The pick that is the customers' key, and whether its source has decimals there.
    pub(super) key: Option<usize>,
    pub(super) decimal_key: bool,
    pub(super) derived: Option<&'a Derived<'a>>,
    pub(super) label: Option<LabelDay<'a>>,
    pub(super) batch: RawBatch<'a>,
    /// Where rows pass through: which cells are wanted beside.
    pub(super) wanted: Vec<Place>,
}

/// Where a cell is that is wanted beside a row's encoding.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A column of the batch.
    Pick(usize),
    /// A column of the source.
    Column(usize),
}

/// The column of the day on which what a label is about has happened.
pub(super) struct LabelDay<'a> {
    pub(super) place: usize,
    pub(super) of: &'a TimeColumn,
    pub(super) days: u16,
    pub(super) utc_offset_minutes: i32,
}

/// What became of a row.
pub(super) enum Taken {
    /// It is in the batch, or was handed on.
    In(LabelTime),
    /// Whoever it was handed to could not take it.
    Broken(FileError),
    /// It is another branch's.
    Elsewhere,
    /// Its customer may not be read.
    Withheld,
}

/// When what a label is about has happened.
pub(super) enum LabelTime {
    /// Within the label's days, or nobody says.
    Within,
    /// On the day of the data, or before: the fields may know it.
    Before,
    /// After the label's days.
    After,
}

impl Begun<'_> {
    /// Whether a row is this branch's own, and its customer may be read: it is then in the batch. Of other rows nothing else is read.
    pub(super) fn taken(
        &mut self,
        row: u64,
        values: &dyn Values,
        (day, refused): (Option<Date>, Option<Refused<'_>>),
        passing: Option<&mut Passing<'_>>,
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
        pushed.map_err(|found| found.into_iter().map(Fault::from).collect::<Vec<_>>())?;
        let Some(passing) = passing else { return Ok(Taken::In(label)) };
        let wanted = self.wanted.iter().map(|place| match place {
            Place::Pick(pick) => cells.get(*pick).copied().unwrap_or(Cell::Missing),
            Place::Column(column) => values.cell(*column),
        });
        let customer = self.key.and_then(|key| self.picks.get(key)?.column());
        let passed = PassedRow {
            number: row,
            encoded: self.batch.encoded(),
            key: self.key.and_then(|key| cells.get(key)).copied(),
            customer: customer.map(|column| values.cell(column)),
            wanted: &wanted.collect::<Vec<_>>(),
            decimal,
        };
        Ok((passing.hand)(&passed).map_or_else(Taken::Broken, |()| Taken::In(label)))
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

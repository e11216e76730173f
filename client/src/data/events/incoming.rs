//! Rows of a table of events or balances on their way into its fields. Whose event it is, is looked at first; then when it was. Of an event that a
//! field must not see, nothing else is read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use tributary_model::features::Cell;
use tributary_model::schema::{Decimal, Schema};
use tributary_protocol::digest::Hasher;

use super::declared::{Codes, EventTable, Sign};
use super::keys::{Key, NoKey, Standing, Standings, key_of, key_text};
use super::moment::{Moment, MomentForm, read_moment};
use super::tally::{Event, Tally};
use crate::data::columns::{is_one_of, place};
use crate::data::error::FileError;
use crate::data::faults::{Fault, FileFaults};
use crate::data::mapping::{ColumnKind, Mapping};
use crate::data::reading::Stop;
use crate::data::sink::{Column, Sink, Values};
use crate::data::tolerance::{RowCounts, Tolerance};

/// Most rows of one table: counts of a customer are numbers of 32 bits.
pub(super) const ROWS_MAX: u64 = u32::MAX as u64;
/// Most events whose ids are kept while a table is read. Each takes about 40 bytes.
pub(super) const IDS_MAX: usize = 8 << 20;

/// Rows of a table of events, by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Rows with faults, and all rows.
    pub rows: RowCounts,
    /// Events that a field may look at.
    pub seen: u64,
    /// Events from before every field's window.
    pub older: u64,
    /// Events after the day of the data, which no field sees.
    pub later: u64,
    /// Events that the bank came to know of after the day of the data, which no field sees.
    pub booked_later: u64,
    /// Events of customers whom the customers' table does not have.
    pub unknown: u64,
    /// Events of customers who may not be read.
    pub withheld: u64,
    /// Events of other branches' customers, or of this branch's other data set.
    pub elsewhere: u64,
    /// Events that were there before, with the same id and the same content.
    pub repeated: u64,
    /// Events of the customer who has most of those that are seen.
    pub of_one_customer_max: u64,
    /// The day of the first event, since 1970-01-01.
    pub first_day: Option<i32>,
}

/// What a table is read with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    /// How the customers' own table makes a key of its column.
    pub(super) keys: (&'a Mapping, &'a Schema),
    pub(super) standings: &'a Standings,
    pub(super) stop: &'a Stop,
    /// The day of the data, since 1970-01-01.
    pub(super) last: i32,
    /// The last day before every field of the table.
    pub(super) earliest: i32,
    pub(super) utc_offset_minutes: i32,
    pub(super) faulty_percent_max: u8,
}

/// Where a table's columns are.
#[derive(Default)]
struct Places {
    columns: usize,
    customer: usize,
    decimal_key: bool,
    time: usize,
    booked: Option<usize>,
    until: Option<usize>,
    amount: Option<usize>,
    direction: Option<usize>,
    codes: Vec<usize>,
    id: Option<usize>,
}

/// Rows of one table.
pub(super) struct Incoming<'a, 'm> {
    table: &'a EventTable,
    means: Means<'m>,
    tallies: Vec<Tally<'a>>,
    codes: Vec<HashMap<&'a str, u8>>,
    places: Places,
    needed: Vec<usize>,
    decimal: Decimal,
    tolerance: Tolerance,
    counts: EventCounts,
    of_customers: Vec<u32>,
    ids: HashMap<Key, Key>,
    /// Customers of whom two events have one id.
    contradicted: HashSet<u32>,
    text: String,
}

/// What came of a table.
pub(super) struct Taken<'a> {
    pub(super) tallies: Vec<Tally<'a>>,
    pub(super) counts: EventCounts,
    pub(super) contradicted: HashSet<u32>,
}

impl<'a, 'm> Incoming<'a, 'm> {
    pub(super) fn new(table: &'a EventTable, tallies: Vec<Tally<'a>>, means: Means<'m>) -> Self {
        let list = |codes: &'a Codes| codes.meanings.iter().map(|(code, group)| (code.as_str(), *group)).collect();
        Self {
            table,
            tallies,
            codes: table.codes.iter().map(list).collect(),
            places: Places::default(),
            needed: Vec::new(),
            decimal: Decimal::Point,
            tolerance: Tolerance::new(means.faulty_percent_max),
            counts: EventCounts::default(),
            of_customers: vec![0; means.standings.own()],
            ids: HashMap::new(),
            contradicted: HashSet::new(),
            text: String::new(),
            means,
        }
    }

    /// The table has ended.
    pub(super) fn end(mut self) -> Result<Taken<'a>, FileError> {
        self.tolerance.end()?;
        let (name, own) = (self.tolerance.name().clone(), &self.table.source.name);
        let rows = self.tolerance.counts.read;
        if rows == 0 {
            return Err(nothing(&name, own));
        }
        let (unknown, limit) = (self.counts.unknown, self.table.unknown_percent_max);
        if u128::from(unknown) * 100 > u128::from(rows) * u128::from(limit) {
            let text = format!(
                "{unknown} of {rows} rows of the table {own:?} are of customers whom the customers' table does not have, and \
                 unknown_percent_max allows {limit} percent; look whether both are of one day and write keys alike"
            );
            return Err(of_all(&name, text));
        }
        self.counts.of_one_customer_max = self.of_customers.iter().copied().max().unwrap_or_default().into();
        self.counts.rows = self.tolerance.counts;
        Ok(Taken { tallies: self.tallies, counts: self.counts, contradicted: self.contradicted })
    }

    /// One row, judged. What must not be seen is counted and left.
    fn take(&mut self, number: u64, values: &dyn Values) -> Result<Result<(), Fault>, FileError> {
        let (table, offset) = (self.table, self.means.utc_offset_minutes);
        let fault = |column: &str, what: &dyn std::fmt::Display| {
            let text = format!("row {number}, column {column:?}: {what}");
            Ok(Err(Fault { row: Some(number), column: Some(column.to_owned()), text }))
        };
        if values.count() != self.places.columns {
            let text = format!("row {number}: {LENGTH}");
            return Ok(Err(Fault { row: Some(number), column: None, text }));
        }
        let (mapping, schema) = self.means.keys;
        let key = match mapping.key(schema, values.cell(self.places.customer), self.decimal) {
            Ok(key) => key,
            Err(what) => return fault(&table.customer, &what),
        };
        match key_text(key, self.places.decimal_key, &mut self.text) {
            Ok(()) => {}
            Err(NoKey::Empty) => return fault(&table.customer, &"empty where a customer's key is expected"),
            Err(NoKey::Inexact) => {
                let what =
                    "a floating-point number where a customer's key is expected; give it as text or as a whole number";
                return fault(&table.customer, &what);
            }
        }
        let customer = match self.means.standings.of(&key_of(&self.text)) {
            Standing::Own(customer) => customer,
            other => {
                let count = match other {
                    Standing::Withheld => &mut self.counts.withheld,
                    Standing::Unknown => &mut self.counts.unknown,
                    _ => &mut self.counts.elsewhere,
                };
                *count += 1;
                return Ok(Ok(()));
            }
        };
        let time = match read_moment(values.cell(self.places.time), &table.time, offset) {
            Ok(Some(time)) => time,
            Ok(None) => return fault(&table.time.column, &"empty where a time is expected"),
            Err(what) => return fault(&table.time.column, &what),
        };
        if time.day > self.means.last {
            self.counts.later += 1;
            return Ok(Ok(()));
        }
        if let (Some(column), Some(place)) = (&table.booked, self.places.booked) {
            match read_moment(values.cell(place), column, offset) {
                // What is not booked yet is not known.
                Ok(booked) if booked.is_none_or(|booked| booked.day > self.means.last) => {
                    self.counts.booked_later += 1;
                    return Ok(Ok(()));
                }
                Ok(_) => {}
                Err(what) => return fault(&column.column, &what),
            }
        }
        self.counts.first_day = Some(self.counts.first_day.map_or(time.day, |first| first.min(time.day)));
        if time.day <= self.means.earliest {
            self.counts.older += 1;
            return Ok(Ok(()));
        }
        let event = match self.event(time, values) {
            Ok(event) => event,
            Err((column, what)) => return fault(column, &what),
        };
        if let Some(place) = self.places.id {
            match id_text(values.cell(place)) {
                None => {
                    let column = table.id.as_deref().unwrap_or_default();
                    return fault(column, &"empty where an event's id is expected");
                }
                Some(id) => {
                    if !self.is_new(&id, customer, &event)? {
                        return Ok(Ok(()));
                    }
                }
            }
        }
        self.counts.seen += 1;
        self.of_customers[customer as usize] += 1;
        self.tallies.iter_mut().for_each(|tally| tally.add(customer as usize, &event));
        Ok(Ok(()))
    }

    /// Whether no event had this id before. The same event again is left out. Another one with the same id contradicts it, and nobody knows which of
    /// the two is right: so the customers of both are left out.
    fn is_new(&mut self, id: &str, customer: u32, event: &Event) -> Result<bool, FileError> {
        let content = content(customer, event);
        match self.ids.get(&key_of(id)) {
            Some(before) if *before == content => {
                self.counts.repeated += 1;
                Ok(false)
            }
            Some(before) => {
                let other = u32::from_le_bytes(*before.first_chunk().unwrap_or(&[0; 4]));
                self.contradicted.extend([customer, other]);
                Ok(false)
            }
            None if self.ids.len() >= IDS_MAX => {
                let text = format!(
                    "the table {:?} has more than {IDS_MAX} events whose ids would be kept; leave repeated events out by the query or the export, \
                     and have the owner sign a mapping without the id",
                    self.table.source.name
                );
                Err(of_all(self.tolerance.name(), text))
            }
            None => {
                self.ids.insert(key_of(id), content);
                Ok(true)
            }
        }
    }

    fn event(&self, time: Moment, values: &dyn Values) -> Result<Event, (&'a str, String)> {
        let table = self.table;
        let (mut amount, mut inward) = (0, None);
        if let (Some(of), Some(place)) = (&table.amount, self.places.amount) {
            let read = of.measure.read(values.cell(place), self.decimal, of.trailing_sign);
            amount = read.map_err(|fault| (of.column.as_str(), fault.to_string()))?;
            match of.sign {
                Sign::Refused if amount < 0 => {
                    let what = "an amount below 0; amount.sign of the mapping says what a minus means";
                    return Err((of.column.as_str(), what.to_owned()));
                }
                Sign::Direction => {
                    inward = (amount != 0).then_some(amount > 0);
                    amount = amount.abs();
                }
                _ => {}
            }
        }
        if let (Some(of), Some(place)) = (&table.direction, self.places.direction) {
            let cell = values.cell(place);
            inward = match (is_one_of(cell, &of.inward), is_one_of(cell, &of.outward)) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => {
                    let what = "a code that is neither in nor out; have the owner add it to the mapping";
                    return Err((of.column.as_str(), what.to_owned()));
                }
            };
        }
        let mut groups = [Codes::OTHER; Codes::COLUMNS_MAX];
        for (((codes, known), place), group) in
            table.codes.iter().zip(&self.codes).zip(&self.places.codes).zip(&mut groups)
        {
            let digits;
            let code = match values.cell(*place) {
                Cell::Missing | Cell::Number(_) => "",
                Cell::Text(text) => text.trim(),
                Cell::Integer(number) => {
                    digits = number.to_string();
                    &digits
                }
            };
            match known.get(code) {
                Some(own) => *group = *own,
                None if codes.others => {}
                None => {
                    let what = "a code that the mapping does not list; have the owner add it, or say others = true";
                    return Err((codes.column.as_str(), what.to_owned()));
                }
            }
        }
        let mut lasted = None;
        if let (Some(column), Some(place)) = (&table.until, self.places.until) {
            let offset = self.means.utc_offset_minutes;
            let until =
                read_moment(values.cell(place), column, offset).map_err(|what| (column.column.as_str(), what))?;
            // An end after the day of the data is not known: the event is open.
            if let Some(until) = until.filter(|until| until.day <= self.means.last) {
                let seconds = time.seconds_to(until);
                if seconds < 0 {
                    return Err((column.column.as_str(), "an end before the begin; correct the export".to_owned()));
                }
                lasted = Some(seconds);
            }
        }
        Ok(Event { day: time.day, amount, inward, groups, lasted })
    }

    /// Whether columns hold what they should, where the source says what they hold.
    fn misfits(&self, columns: &[Column], faults: &mut FileFaults) {
        let kind = |place: usize| columns.get(place).and_then(|column| column.kind.as_ref());
        let mut tell = |place: usize, wanted: &str| {
            let Some(Column { name, kind: Some(kind) }) = columns.get(place) else { return };
            let text = format!(
                "column {name:?} holds {} today, and {wanted} is read there: nothing was read. Ask whether the table has changed",
                kind.name()
            );
            faults.add(Fault { row: None, column: Some(name.clone()), text });
        };
        let places = &self.places;
        if matches!(kind(places.customer), Some(ColumnKind::Float | ColumnKind::Other(_) | ColumnKind::Day)) {
            tell(places.customer, "a customer's key");
        }
        let table = self.table;
        let times = [
            (Some(&table.time), Some(places.time)),
            (table.booked.as_ref(), places.booked),
            (table.until.as_ref(), places.until),
        ];
        for (column, place) in times {
            let (Some(column), Some(place)) = (column, place) else { continue };
            let digits = matches!(column.form, MomentForm::Compact | MomentForm::CompactSeconds);
            match kind(place) {
                None | Some(ColumnKind::Text) => {}
                Some(ColumnKind::Day) if column.form == MomentForm::Dashes => {}
                Some(ColumnKind::Whole) if digits => {}
                Some(ColumnKind::Day) => tell(place, "a time of another form (the mapping's form is YYYY-MM-DD there)"),
                Some(_) => tell(place, "a time"),
            }
        }
        if let Some(place) = places.amount
            && matches!(kind(place), Some(ColumnKind::Flag | ColumnKind::Day | ColumnKind::Other(_)))
        {
            tell(place, "an amount");
        }
        for place in places.codes.iter().chain(&places.direction).chain(&places.id) {
            if matches!(kind(*place), Some(ColumnKind::Float | ColumnKind::Other(_))) {
                tell(*place, "a code");
            }
        }
    }
}

impl Sink for Incoming<'_, '_> {
    /// The day is that of the customers' table.
    fn dated(&mut self, _: tributary_protocol::plan::Date) {}

    fn begin(&mut self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<(), FileError> {
        self.tolerance.begin(name);
        self.decimal = decimal;
        let table = self.table;
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        let what = format!("which the mapping reads of the table {:?}", table.source.name);
        let mut find = |column: &str| place(&columns, column, &what).map_err(|fault| faults.add(fault)).ok();
        let customer = find(&table.customer).unwrap_or_default();
        let time = find(&table.time.column).unwrap_or_default();
        let booked = table.booked.as_ref().and_then(|column| find(&column.column));
        let until = table.until.as_ref().and_then(|column| find(&column.column));
        let amount = table.amount.as_ref().and_then(|amount| find(&amount.column));
        let direction = table.direction.as_ref().and_then(|direction| find(&direction.column));
        let codes: Vec<usize> = table.codes.iter().filter_map(|codes| find(&codes.column)).collect();
        let id = table.id.as_deref().and_then(&mut find);
        let decimal_key = columns.get(customer).is_some_and(|column| column.kind == Some(ColumnKind::Decimal));
        self.needed =
            [Some(customer), Some(time), booked, until, amount, direction, id].into_iter().flatten().collect();
        self.needed.extend(&codes);
        let columns_count = columns.len();
        self.places =
            Places { columns: columns_count, customer, decimal_key, time, booked, until, amount, direction, codes, id };
        if faults.count == 0 {
            self.misfits(&columns, &mut faults);
        }
        if faults.count == 0 { Ok(()) } else { Err(FileError::Faults(Box::new(faults))) }
    }

    fn needs(&self, column: usize) -> bool {
        self.needed.contains(&column)
    }

    fn stop(&self) -> &Stop {
        self.means.stop
    }

    fn wished_to_stop(&self) -> Result<(), FileError> {
        self.means.stop.checked(self.tolerance.name())
    }

    fn row(&mut self, number: u64, values: &dyn Values, written: Vec<Fault>) -> Result<(), FileError> {
        self.wished_to_stop()?;
        if number > ROWS_MAX {
            let text = format!("the table {:?} has more than {ROWS_MAX} rows; divide it", self.table.source.name);
            return Err(of_all(self.tolerance.name(), text));
        }
        let mut faults = written;
        if faults.is_empty() {
            faults.extend(self.take(number, values)?.err());
        }
        self.tolerance.read(faults);
        Ok(())
    }

    fn doubt(&mut self, _: Fault) {}

    fn broken(&mut self, fault: Fault) {
        self.tolerance.broken(fault);
    }

    fn is_faulty(&self) -> bool {
        self.tolerance.is_faulty()
    }
}

pub(super) const LENGTH: &str =
    "has another number of fields than the header; check the delimiter, and quotes around text that holds it";

/// The one fault of a table as a whole.
pub(super) fn of_all(name: &Path, text: String) -> FileError {
    let mut faults = FileFaults::new(name.to_owned());
    faults.add(Fault { row: None, column: None, text });
    FileError::Faults(Box::new(faults))
}

/// A table without rows is an export that went wrong: every count would be 0.
pub(super) fn nothing(name: &Path, table: &str) -> FileError {
    of_all(name, format!("the table {table:?} has no rows; look whether its export has run"))
}

/// An id as text; nothing where there is none.
fn id_text(cell: Cell<'_>) -> Option<String> {
    let text = match cell {
        Cell::Missing => return None,
        Cell::Text(text) => text.trim().to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => number.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// What an event is, its customer first.
fn content(customer: u32, event: &Event) -> Key {
    let Event { day, amount, inward, groups, lasted } = event;
    let mut hasher = Hasher::new();
    hasher.update(&day.to_le_bytes());
    hasher.update(&amount.to_le_bytes());
    hasher.update(&[inward.map_or(2, u8::from)]);
    hasher.update(groups);
    hasher.update(&lasted.unwrap_or(-1).to_le_bytes());
    let digest = hasher.finish();
    let mut content = [0; 16];
    let (own, rest) = content.split_at_mut(4);
    own.copy_from_slice(&customer.to_le_bytes());
    rest.copy_from_slice(&digest.0[..12]);
    content
}

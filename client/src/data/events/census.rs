//! Who the customers are, and who of them may be read: before anything else of them is. Of a row the key is read, the home branch, and what says
//! whether the customer agrees.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use tributary_model::features::Cell;
use tributary_model::schema::{Decimal, Schema};
use tributary_protocol::plan::Date;

use super::declared::{Consent, ConsentRule, Events};
use super::incoming::{LENGTH, ROWS_MAX, nothing, of_all};
use super::keys::{Key, NoKey, Noted, Standings, key_of, key_text, plainest};
use crate::data::columns::{is_one_of, place};
use crate::data::error::FileError;
use crate::data::faults::{Fault, FileFaults};
use crate::data::mapping::{ColumnKind, Mapping, written};
use crate::data::reading::{Refused, Stop};
use crate::data::sink::{Column, Sink, Values};
use crate::data::tolerance::Tolerance;

/// What is known of a customer.
#[derive(Clone, Copy)]
struct Known {
    /// A customers' table has it.
    named: bool,
    /// A row of this data set is its own.
    own: bool,
    /// The consents that allow, as bits.
    allowed: u32,
    /// Its key in the plainest spelling.
    plainest: Key,
}

/// All customers so far.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<Key, Known>,
    /// Whoever refuses, by the plainest spelling of its key: a refusal holds however the key is written there.
    refused: HashSet<Key>,
    /// The consents that ask for a word that allows, as bits.
    asked: u32,
}

impl People {
    /// Nobody yet, of those of whom these consents are asked.
    pub(super) fn asked(consents: &[Consent]) -> Self {
        let asks = |consent: &Consent| matches!(consent.rule, ConsentRule::Allowed(_));
        let bits = (0_u32..).zip(consents).filter(|(_, consent)| asks(consent)).map(|(number, _)| 1 << number);
        Self { asked: bits.fold(0, |all, bit| all | bit), ..Self::default() }
    }

    /// The end of the census: a customer who has refused anywhere is withheld, whatever else was said. `refused`: who has refused elsewhere, by the
    /// plainest spelling of the key.
    pub(super) fn standings(self, refused: Option<Refused<'_>>) -> Standings {
        let mut standings = Standings::default();
        // By their keys, so that numbers follow from who is there and from no order.
        let mut known: Vec<(Key, Known)> = self.known.into_iter().filter(|(_, known)| known.named).collect();
        known.sort_unstable_by_key(|(key, _)| *key);
        for (key, known) in known {
            let agrees = known.allowed & self.asked == self.asked && !self.refused.contains(&known.plainest);
            let agrees = agrees && !refused.is_some_and(|refused| refused(&known.plainest));
            standings.add(
                key,
                match (known.own, agrees) {
                    (false, _) => Noted::Elsewhere,
                    (true, true) => Noted::Own,
                    (true, false) => Noted::Withheld,
                },
            );
        }
        standings
    }

    fn of(&mut self, text: &str) -> &mut Known {
        let nobody = || Known { named: false, own: false, allowed: 0, plainest: plainest(text) };
        self.known.entry(key_of(text)).or_insert_with(nobody)
    }

    /// What a row says of a consent, by its number.
    fn hears(&mut self, text: &str, number: usize, said: Option<bool>) {
        match said {
            None => {}
            Some(true) => self.of(text).allowed |= 1 << number,
            Some(false) => {
                self.refused.insert(plainest(text));
            }
        }
    }

    fn count(&self) -> usize {
        self.known.len() + self.refused.len()
    }
}

/// Where the columns of a source are.
#[derive(Default)]
struct Places {
    columns: usize,
    key: usize,
    decimal: bool,
    home: Option<usize>,
    consents: Vec<(usize, Option<usize>)>,
    needed: Vec<usize>,
    before_fraction: Option<Decimal>,
}

/// What is looked at in a source.
enum Asked<'a> {
    /// The customers' table of this data set, or of the other one of this branch.
    Customers { own: bool },
    /// A table of a consent, by its number.
    Consent(&'a Consent, usize),
}

/// One source of the census.
pub(super) struct Census<'a> {
    asked: Asked<'a>,
    mapping: &'a Mapping,
    schema: &'a Schema,
    stop: &'a Stop,
    people: &'a mut People,
    tolerance: Tolerance,
    places: Places,
    text: String,
    /// The day that the source says.
    pub(super) day: Option<Date>,
    rows: u64,
}

impl<'a> Census<'a> {
    /// Of a customers' table.
    pub(super) fn of_customers(
        of: (&'a Mapping, &'a Schema),
        own: bool,
        stop: &'a Stop,
        people: &'a mut People,
    ) -> Self {
        // Of a customers' table, faults are told when it is read.
        Self::new(Asked::Customers { own }, of, stop, people, 100)
    }

    /// Of a table of a consent. A row that cannot be read may be a refusal, and nobody knows whose: so none may have a fault.
    pub(super) fn of_consent(
        (consent, number): (&'a Consent, usize),
        of: (&'a Mapping, &'a Schema),
        stop: &'a Stop,
        people: &'a mut People,
    ) -> Self {
        Self::new(Asked::Consent(consent, number), of, stop, people, 0)
    }

    fn new(
        asked: Asked<'a>,
        (mapping, schema): (&'a Mapping, &'a Schema),
        stop: &'a Stop,
        people: &'a mut People,
        percent_max: u8,
    ) -> Self {
        let (tolerance, places) = (Tolerance::new(percent_max), Places::default());
        Self { asked, mapping, schema, stop, people, tolerance, places, text: String::new(), day: None, rows: 0 }
    }

    /// The source has ended.
    pub(super) fn end(mut self) -> Result<Option<Date>, FileError> {
        self.tolerance.end()?;
        let Asked::Consent(consent, _) = self.asked else { return Ok(self.day) };
        if self.rows == 0 {
            let name = consent.table.as_ref().map(|(source, _)| source.name.clone()).unwrap_or_default();
            return Err(nothing(self.tolerance.name(), &name));
        }
        Ok(self.day)
    }

    /// The column of the customers' key.
    fn key_column(&self) -> &'a str {
        match self.asked {
            Asked::Consent(consent, _) => consent.table.as_ref().map_or("", |(_, column)| column.as_str()),
            Asked::Customers { .. } => {
                let rule = self.mapping.rule_of_key(self.schema);
                rule.map_or(self.schema.customer_column().unwrap_or_default(), |rule| rule.from.as_str())
            }
        }
    }

    /// The consents that this source tells of, with their numbers.
    fn consents(&self) -> Vec<(usize, &'a Consent)> {
        match self.asked {
            Asked::Consent(consent, number) => vec![(number, consent)],
            Asked::Customers { .. } => of_customers(&self.mapping.events).collect(),
        }
    }

    /// Reads the key of a row's customer; what is wrong with it.
    fn key(&mut self, values: &dyn Values) -> Result<(), String> {
        let decimal = self.places.before_fraction.unwrap_or(Decimal::Point);
        let cell = self.mapping.key(self.schema, values.cell(self.places.key), decimal);
        let cell = cell.map_err(|fault| fault.to_string())?;
        key_text(cell, self.places.decimal, &mut self.text).map_err(|none| match none {
            NoKey::Empty => "empty where a customer's key is expected".to_owned(),
            NoKey::Inexact => "a floating-point number where a customer's key is expected".to_owned(),
        })
    }

    /// What a row says of whose key was read. Where a value of it cannot be read, it says no.
    fn hear(&mut self, values: &dyn Values, sound: bool) {
        let heard: Vec<(usize, Option<bool>)> = self
            .consents()
            .into_iter()
            .zip(&self.places.consents)
            .map(|((number, consent), places)| {
                (number, if sound { said(consent, *places, values) } else { Some(false) })
            })
            .collect();
        if let Asked::Consent(..) = self.asked {
            heard.into_iter().for_each(|(number, said)| self.people.hears(&self.text, number, said));
            return;
        }
        let home = self.mapping.home.as_ref().zip(self.places.home);
        let elsewhere = home.is_some_and(|(home, place)| !is_one_of(values.cell(place), &home.values));
        let own = matches!(self.asked, Asked::Customers { own: true }) && !elsewhere;
        let known = self.people.of(&self.text);
        known.named = true;
        known.own |= own;
        // Another data set's row, or another branch's, agrees to nothing here. What a customer refuses there, it refuses.
        let counts = |said: &Option<bool>| own || *said == Some(false);
        let heard = heard.into_iter().filter(|(_, said)| counts(said));
        heard.for_each(|(number, said)| self.people.hears(&self.text, number, said));
    }
}

/// The consents that stand in the customers' table, with their numbers.
fn of_customers(events: &Events) -> impl Iterator<Item = (usize, &Consent)> {
    events.consents.iter().enumerate().filter(|(_, consent)| consent.table.is_none())
}

impl Sink for Census<'_> {
    fn dated(&mut self, day: Date) {
        self.day = Some(day);
    }

    fn begin(&mut self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<(), FileError> {
        self.tolerance.begin(name);
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        let mut find = |column: &str, what: &str| place(&columns, column, what).map_err(|fault| faults.add(fault)).ok();
        let key = find(self.key_column(), "which holds the customers' keys");
        let home = match &self.asked {
            Asked::Customers { .. } => self.mapping.home.as_ref(),
            Asked::Consent(..) => None,
        };
        let home = home.map(|home| find(&home.column, "which the mapping names as the home branch"));
        let consents: Vec<(Option<usize>, Option<Option<usize>>)> = self
            .consents()
            .into_iter()
            .map(|(_, consent)| {
                let of = find(&consent.column, "which says whether a customer agrees");
                let purpose = consent.purpose.as_ref().map(|(column, _)| find(column, "which says for what purpose"));
                (of, purpose)
            })
            .collect();
        let kind =
            |place: Option<usize>| place.and_then(|place| columns.get(place)).and_then(|column| column.kind.as_ref());
        let mut tell = |place: Option<usize>, wanted: &str| {
            let Some(Column { name, kind: Some(kind) }) = place.and_then(|place| columns.get(place)) else { return };
            let text = format!("column {name:?} holds {} today, and {wanted}: nothing was read", kind.name());
            faults.add(Fault { row: None, column: Some(name.clone()), text });
        };
        if matches!(kind(key), Some(ColumnKind::Float | ColumnKind::Other(_))) {
            tell(key, "customers' keys are read there; give them as text or as whole numbers");
        }
        for ((_, consent), (of, purpose)) in self.consents().into_iter().zip(&consents) {
            let (ConsentRule::Allowed(codes) | ConsentRule::Refused(codes)) = &consent.rule;
            let purposes = consent.purpose.as_ref().map(|(_, purposes)| purposes);
            for (place, codes) in [(*of, Some(codes)), (purpose.flatten(), purposes)] {
                // What is never one of the codes would let everybody in who has to refuse.
                let flags =
                    || codes.is_some_and(|codes| codes.iter().any(|code| ["true", "false"].contains(&code.as_str())));
                match kind(place) {
                    Some(ColumnKind::Float | ColumnKind::Other(_)) => {
                        tell(place, "codes of a consent are read there; give them as text")
                    }
                    Some(ColumnKind::Flag) if !flags() => {
                        tell(
                            place,
                            "the mapping's codes of a consent are others than true and false; have the owner sign them",
                        );
                    }
                    _ => {}
                }
            }
        }
        if faults.count > 0 {
            return Err(FileError::Faults(Box::new(faults)));
        }
        let key = key.unwrap_or_default();
        let mut needed = vec![key];
        needed.extend(home.flatten());
        let consents: Vec<(usize, Option<usize>)> =
            consents.into_iter().map(|(of, purpose)| (of.unwrap_or_default(), purpose.flatten())).collect();
        needed.extend(consents.iter().flat_map(|(of, purpose)| std::iter::once(*of).chain(*purpose)));
        let decimal_key = columns.get(key).is_some_and(|column| column.kind == Some(ColumnKind::Decimal));
        self.places = Places {
            columns: columns.len(),
            key,
            decimal: decimal_key,
            home: home.flatten(),
            consents,
            needed,
            before_fraction: Some(decimal),
        };
        Ok(())
    }

    fn needs(&self, column: usize) -> bool {
        self.places.needed.contains(&column)
    }

    fn stop(&self) -> &Stop {
        self.stop
    }

    fn wished_to_stop(&self) -> Result<(), FileError> {
        self.stop.checked(self.tolerance.name())
    }

    fn row(&mut self, number: u64, values: &dyn Values, written: Vec<Fault>) -> Result<(), FileError> {
        self.wished_to_stop()?;
        self.rows += 1;
        if self.rows > ROWS_MAX || self.people.count() > CUSTOMERS_MAX {
            let text = format!(
                "there are more than {CUSTOMERS_MAX} customers, the most that tables are joined with, or more than {ROWS_MAX} rows; divide the data set"
            );
            return Err(of_all(self.tolerance.name(), text));
        }
        let is_consent = matches!(self.asked, Asked::Consent(..));
        let whole = values.count() == self.places.columns;
        let unread = if whole { self.key(values).err() } else { Some(LENGTH.to_owned()) };
        if !written.is_empty() || unread.is_some() {
            let told = |what: String| Fault { row: Some(number), column: None, text: format!("row {number}: {what}") };
            let faulty = !written.is_empty();
            let faults = if faulty { written } else { unread.clone().map(told).into_iter().collect() };
            self.tolerance.read(if is_consent { faults } else { Vec::new() });
            // The row is told of and left out when it is read. Whatever stands in it may be a refusal.
            if !is_consent && unread.is_none() {
                self.hear(values, false);
            }
            return Ok(());
        }
        self.tolerance.read(Vec::new());
        self.hear(values, true);
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

/// Most customers of all tables together, each refusal beside.
const CUSTOMERS_MAX: usize = 1 << 24;

/// What a row says about a consent; nothing where it is for another purpose. Who agrees, says it exactly as the mapping does. A refusal is one also in
/// another spelling, and without a purpose it is one for every purpose.
fn said(consent: &Consent, (column, purpose): (usize, Option<usize>), values: &dyn Values) -> Option<bool> {
    let cell = values.cell(column);
    let agrees = match &consent.rule {
        ConsentRule::Allowed(codes) => is_one_of(cell, codes),
        ConsentRule::Refused(codes) => !is_like(cell, codes),
    };
    let (Some((_, purposes)), Some(place)) = (&consent.purpose, purpose) else { return Some(agrees) };
    let purpose = values.cell(place);
    let counts = if agrees { is_one_of(purpose, purposes) } else { is_empty(purpose) || is_like(purpose, purposes) };
    counts.then_some(agrees)
}

fn is_empty(cell: Cell<'_>) -> bool {
    match cell {
        Cell::Missing => true,
        Cell::Text(text) => text.trim().is_empty(),
        Cell::Integer(_) | Cell::Number(_) => false,
    }
}

/// Whether a value is one of these codes, in whatever spelling.
fn is_like(cell: Cell<'_>, codes: &[String]) -> bool {
    let text = written(&cell);
    let plain = plainest(&text);
    !text.trim().is_empty() && codes.iter().any(|code| plainest(code) == plain)
}

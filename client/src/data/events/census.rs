//! Who the customers are, and who of them may be read: before anything else of them is. Of a row the key is read, the home branch, and what says
//! whether the customer agrees.

use std::collections::HashMap;
use std::path::Path;

use tributary_model::schema::{Decimal, Schema};
use tributary_protocol::plan::Date;

use super::declared::{Consent, ConsentRule, Events};
use super::incoming::{LENGTH, nothing, of_all};
use super::keys::{Key, Noted, Standings, key_of, key_text};
use crate::data::columns::{is_one_of, place};
use crate::data::error::FileError;
use crate::data::faults::{Fault, FileFaults};
use crate::data::mapping::{ColumnKind, Mapping, Rule};
use crate::data::reading::Stop;
use crate::data::sink::{Column, Sink, Values};
use crate::data::tolerance::Tolerance;

/// What is known of a customer, as bits.
#[derive(Clone, Copy, Default)]
struct Known {
    /// A row of this data set is its own.
    own: bool,
    /// Something refuses.
    refused: bool,
    /// The consents that allow, as bits.
    allowed: u32,
}

impl Known {
    /// What a row says of a consent, by its number.
    fn hears(&mut self, number: usize, said: Option<bool>) {
        match said {
            None => {}
            Some(true) => self.allowed |= 1 << number,
            Some(false) => self.refused = true,
        }
    }
}

/// All customers so far.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<Key, Known>,
    /// The consents that ask for a word that allows, as bits.
    asked: u32,
}

impl People {
    /// Nobody yet, of those of whom these consents are asked.
    pub(super) fn asked(consents: &[Consent]) -> Self {
        let asks = |consent: &Consent| matches!(consent.rule, ConsentRule::Allowed(_));
        let bits = (0_u32..).zip(consents).filter(|(_, consent)| asks(consent)).map(|(number, _)| 1 << number);
        Self { asked: bits.fold(0, |all, bit| all | bit), known: HashMap::new() }
    }

    /// The end of the census: a customer who has refused anywhere is withheld, whatever else was said.
    pub(super) fn standings(self) -> Standings {
        let mut standings = Standings::default();
        // By their keys, so that numbers follow from who is there and from no order.
        let mut known: Vec<(Key, Known)> = self.known.into_iter().collect();
        known.sort_unstable_by_key(|(key, _)| *key);
        for (key, known) in known {
            let noted = match known {
                Known { own: false, .. } => Noted::Elsewhere,
                Known { refused: false, allowed, .. } if allowed & self.asked == self.asked => Noted::Own,
                Known { .. } => Noted::Withheld,
            };
            standings.add(key, noted);
        }
        standings
    }

    fn of(&mut self, key: Key) -> &mut Known {
        self.known.entry(key).or_default()
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
    Customers { mapping: &'a Mapping, schema: &'a Schema, own: bool },
    /// A table of a consent, by its number.
    Consent(&'a Consent, usize),
}

/// One source of the census.
pub(super) struct Census<'a> {
    asked: Asked<'a>,
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
        (mapping, schema): (&'a Mapping, &'a Schema),
        own: bool,
        stop: &'a Stop,
        people: &'a mut People,
    ) -> Self {
        Self::new(Asked::Customers { mapping, schema, own }, stop, people, 100)
    }

    /// Of a table of a consent.
    pub(super) fn of_consent(
        (consent, number): (&'a Consent, usize),
        percent_max: u8,
        stop: &'a Stop,
        people: &'a mut People,
    ) -> Self {
        Self::new(Asked::Consent(consent, number), stop, people, percent_max)
    }

    fn new(asked: Asked<'a>, stop: &'a Stop, people: &'a mut People, percent_max: u8) -> Self {
        let tolerance = Tolerance::new(percent_max);
        Self { asked, stop, people, tolerance, places: Places::default(), text: String::new(), day: None, rows: 0 }
    }

    /// The source has ended.
    pub(super) fn end(mut self) -> Result<Option<Date>, FileError> {
        // Of the customers' own table, faults are told when it is read.
        self.tolerance.end()?;
        let Asked::Consent(consent, _) = self.asked else { return Ok(self.day) };
        if self.rows == 0 {
            let name = consent.table.as_ref().map(|(source, _)| source.name.clone()).unwrap_or_default();
            return Err(nothing(self.tolerance.name(), &name));
        }
        Ok(self.day)
    }

    /// The rule of the customers' key, where the mapping has one, and its column.
    fn key_column(&self) -> (&str, Option<&'a Rule>) {
        match &self.asked {
            Asked::Consent(consent, _) => (consent.table.as_ref().map_or("", |(_, column)| column.as_str()), None),
            Asked::Customers { mapping, schema, .. } => {
                let key = schema.customer_column().unwrap_or_default();
                let rule = mapping.rules.iter().find(|rule| rule.to == key);
                (rule.map_or(key, |rule| rule.from.as_str()), rule)
            }
        }
    }

    /// The consents that this source tells of.
    fn consents(&self) -> Vec<&'a Consent> {
        match &self.asked {
            Asked::Consent(consent, _) => vec![consent],
            Asked::Customers { own: false, .. } => Vec::new(),
            Asked::Customers { mapping, .. } => of_customers(&mapping.events).map(|(_, consent)| consent).collect(),
        }
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
        let key = find(self.key_column().0, "which holds the customers' keys");
        let home = match &self.asked {
            Asked::Customers { mapping, .. } => mapping.home.as_ref(),
            Asked::Consent(..) => None,
        };
        let home = home.map(|home| find(&home.column, "which the mapping names as the home branch"));
        let consents: Vec<(Option<usize>, Option<Option<usize>>)> = self
            .consents()
            .into_iter()
            .map(|consent| {
                let of = find(&consent.column, "which says whether a customer agrees");
                let purpose = consent.purpose.as_ref().map(|(column, _)| find(column, "which says for what purpose"));
                (of, purpose)
            })
            .collect();
        if let Some(Column { kind: Some(ColumnKind::Float | ColumnKind::Other(_)), name }) =
            key.and_then(|key| columns.get(key))
        {
            let text = format!(
                "column {name:?} holds customers' keys, and is of another kind today; give it as text or as whole numbers"
            );
            faults.add(Fault { row: None, column: Some(name.clone()), text });
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
        if !written.is_empty() || values.count() != self.places.columns {
            let is_consent = matches!(self.asked, Asked::Consent(..));
            let count = || Fault { row: Some(number), column: None, text: format!("row {number}: {LENGTH}") };
            let faults = if written.is_empty() { vec![count()] } else { written };
            self.tolerance.read(if is_consent { faults } else { Vec::new() });
            return Ok(());
        }
        self.tolerance.read(Vec::new());
        let cell = values.cell(self.places.key);
        let (_, rule) = self.key_column();
        // A key that is none is told of where the row is read.
        let cell = match rule {
            None => cell,
            Some(rule) => match rule.convert(cell, self.places.before_fraction.unwrap_or(Decimal::Point), None) {
                Ok(cell) => cell,
                Err(_) => return Ok(()),
            },
        };
        if key_text(cell, self.places.decimal, &mut self.text).is_err() {
            return Ok(());
        }
        let key = key_of(&self.text);
        if self.people.known.len() > CUSTOMERS_MAX {
            let text = format!(
                "there are more than {CUSTOMERS_MAX} customers, the most that tables are joined with; divide the data set"
            );
            return Err(of_all(self.tolerance.name(), text));
        }
        match &self.asked {
            Asked::Customers { own: false, .. } => drop(self.people.of(key)),
            Asked::Customers { mapping, .. } => {
                let home = mapping.home.as_ref().zip(self.places.home);
                let elsewhere = home.is_some_and(|(home, place)| !is_one_of(values.cell(place), &home.values));
                let known = self.people.of(key);
                if elsewhere {
                    return Ok(());
                }
                known.own = true;
                for ((number, consent), places) in of_customers(&mapping.events).zip(&self.places.consents) {
                    known.hears(number, said(consent, *places, values));
                }
            }
            Asked::Consent(consent, number) => {
                let Some(places) = self.places.consents.first() else { return Ok(()) };
                self.people.of(key).hears(*number, said(consent, *places, values));
            }
        }
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

/// Most customers of all tables together.
const CUSTOMERS_MAX: usize = 1 << 24;

/// What a row says about a consent; nothing where it is for another purpose.
fn said(consent: &Consent, (column, purpose): (usize, Option<usize>), values: &dyn Values) -> Option<bool> {
    if let (Some((_, purposes)), Some(place)) = (&consent.purpose, purpose)
        && !is_one_of(values.cell(place), purposes)
    {
        return None;
    }
    let cell = values.cell(column);
    Some(match &consent.rule {
        ConsentRule::Allowed(codes) => is_one_of(cell, codes),
        ConsentRule::Refused(codes) => !is_one_of(cell, codes),
    })
}

//! Rows on their way into a batch, whatever their source is: columns are found, values converted, rows with faults left out and counted.

use std::path::Path;

use tributary_model::features::{DataError, RawBatch};
use tributary_model::schema::{Decimal, Schema};
use tributary_protocol::plan::Date;

use super::begun::{Begun, LabelDay, LabelTime, Pick, Place, Taken};
use super::columns::place;
use super::error::FileError;
use super::events::Derived;
use super::faults::{FAULTS_TOLD_MAX, Fault, FileFaults};
use super::mapping::{ColumnKind, Mapping};
use super::misfit::misfit;
use super::passing::{Passing, Wanted};
use super::reading::{Reading, Stop};
use super::sink::{Column, Sink, Values};
use super::tolerance::{RowCounts, Tolerance};

/// Rows of one data set.
pub(super) struct Intake<'a> {
    schema: &'a Schema,
    reading: &'a Reading<'a>,
    derived: Option<&'a Derived<'a>>,
    /// Where rows pass through and are not kept.
    passing: Option<Passing<'a>>,
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
            passing: None,
            begun: None,
            tolerance: Tolerance::new(reading.faulty_percent_max),
            doubts: Vec::new(),
            index: 0,
            day: reading.day,
        }
    }

    /// The same for rows that are handed on one by one, without labels and audit columns.
    pub(super) fn passing(self, passing: Passing<'a>) -> Self {
        Self { passing: Some(passing), ..self }
    }

    /// Whether something is read from a column of the schema.
    fn is_read(&self, name: &str) -> bool {
        let schema = self.schema;
        let taught = || {
            schema.labels().iter().any(|label| label.column == name)
                || schema.audits().iter().any(|audit| audit.column == name)
        };
        schema.fields().iter().any(|field| field.column == name)
            || schema.customer_column() == Some(name)
            || (self.passing.is_none() && taught())
    }

    fn found(&self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<Begun<'a>, FileError> {
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        let Some(mapping) = self.reading.mapping else {
            let picks: Vec<Pick<'a>> = (0..columns.len()).map(|column| Pick::Column(column, None)).collect();
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let batch = self.batch(&names, decimal, faults)?;
            self.kinds(name, &columns, &picks, &names)?;
            let wanted = self.wanted(name, &columns, &names)?;
            let needed = self.needed((&picks, &names), None, &wanted);
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
                wanted,
            });
        };
        let mut find = |from: &str, what: &str| place(&columns, from, what).map_err(|fault| faults.add(fault)).ok();
        let mut picks = Vec::new();
        let mut names = Vec::new();
        // What a table to score does not have to have is not looked for.
        let rules = mapping.rules.iter().filter(|rule| self.passing.is_none() || self.is_read(&rule.to));
        for rule in rules {
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
        let label = mapping.events.label.as_ref().filter(|_| self.passing.is_none()).and_then(|label| {
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
        let wanted = self.wanted(name, &columns, &names)?;
        let mut needed = self.needed((&picks, &names), home.map(|(column, _)| column), &wanted);
        needed.extend(label.as_ref().map(|label| label.place));
        let (key, decimal_key) = self.key(&columns, &picks, &names);
        let derived = self.derived;
        Ok(Begun { picks, home, needed, key, decimal_key, derived, label, batch, columns, wanted })
    }

    /// The pick that is the customers' key, and whether it has decimals.
    fn key(&self, columns: &[Column], picks: &[Pick<'_>], names: &[&str]) -> (Option<usize>, bool) {
        let key = names.iter().position(|name| self.schema.customer_column() == Some(name.trim()));
        let column = key.and_then(|key| picks.get(key)?.column()).and_then(|column| columns.get(column));
        (key, column.is_some_and(|column| column.kind == Some(ColumnKind::Decimal)))
    }

    /// The columns from which something is read. Of the others the names alone were looked at, for one that is there twice.
    fn needed(&self, (picks, names): (&[Pick<'_>], &[&str]), home: Option<usize>, wanted: &[Place]) -> Vec<usize> {
        let is_read = |name: &&str| self.is_read(name.trim());
        let read = picks.iter().zip(names).filter(|(_, name)| is_read(name)).filter_map(|(pick, _)| pick.column());
        let beside = wanted.iter().filter_map(|place| match place {
            Place::Pick(_) => None,
            Place::Column(column) => Some(*column),
        });
        read.chain(home).chain(beside).collect()
    }

    /// Where the cells are that are wanted beside a row's encoding. A field's column that the schema lets out has none.
    fn wanted(&self, name: &Path, columns: &[Column], names: &[&str]) -> Result<Vec<Place>, FileError> {
        let mut faults = FileFaults::new(name.to_owned());
        faults.stopped = true;
        let all = self.passing.as_ref().map_or(&[][..], |passing| passing.wanted);
        let places = all.iter().filter_map(|wanted| match wanted {
            Wanted::Schema(to) => {
                Some(Place::Pick(names.iter().position(|name| name.trim() == to).unwrap_or(usize::MAX)))
            }
            Wanted::Table(own) => {
                let found = place(columns, own, "which the file of actions names");
                found.map(Place::Column).map_err(|fault| faults.add(fault)).ok()
            }
        });
        let places = places.collect();
        if faults.count == 0 { Ok(places) } else { Err(FileError::Faults(Box::new(faults))) }
    }

    fn batch(&self, names: &[&str], decimal: Decimal, mut faults: FileFaults) -> Result<RawBatch<'a>, FileError> {
        let made = match self.passing {
            None => RawBatch::written(self.schema, names, decimal),
            Some(_) => RawBatch::to_score(self.schema, names, decimal),
        };
        made.map_err(|found| {
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
            if self.passing.is_some() && !self.is_read(to.trim()) {
                continue;
            }
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
            match begun.taken(number, values, (self.day, self.reading.refused), self.passing.as_mut()) {
                Ok(Taken::In(LabelTime::Within)) => {}
                Ok(Taken::Broken(fault)) => return Err(fault),
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

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;

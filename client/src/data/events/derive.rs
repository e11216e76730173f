//! From tables beside the customers' own to fields: consents first, then who the customers are, then their events.

use std::collections::HashSet;

use tributary_model::schema::{Dialect, Schema};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use super::census::{Census, People};
use super::declared::TableSource;
use super::derived::{Derived, EventsRead, TableRead, digest_of};
use super::incoming::{Incoming, Means, Taken, of_all};
use super::keys::Standings;
use super::tally::{Span, Tally};
use crate::data::error::FileError;
use crate::data::mapping::{MappedSource, Mapping};
use crate::data::place::Origin;
use crate::data::reading::Reading;
use crate::data::sink::Sink;
use crate::data::stream::stream;

/// Most memory for the fields of all customers.
const BYTES_MAX: u64 = 4 << 30;

/// Reads every table that a mapping declares, for the customers of one data set.
pub(in crate::data) fn derive<'a>(
    customers: &Origin,
    (mapping, schema): (&'a Mapping, &'a Schema),
    reading: &Reading<'_>,
) -> Result<Derived<'a>, FileError> {
    let mut tables = Reader { schema, origins: reading.tables.iter() };
    let (standings, day, (mut read, digest)) = people(customers, (mapping, schema), reading, &mut tables)?;
    let events = &mapping.events;
    let counted = match (day, events.tables.is_empty()) {
        (Some(day), false) => Some(day),
        (None, false) => return Err(FileError::NoDay { path: customers.name() }),
        (_, true) => None,
    };
    let mut tallies: Vec<Option<Tally<'a>>> = events.fields.iter().map(|_| None).collect();
    let mut contradicted = HashSet::new();
    if let Some(day) = counted {
        let spans: Vec<Span> = events.fields.iter().map(|field| Span::new(field, day)).collect();
        fits(mapping, &spans, &standings, customers)?;
        for (number, table) in events.tables.iter().enumerate() {
            let of = |place: &usize| events.fields[*place].table == number;
            let places: Vec<usize> = (0..events.fields.len()).filter(of).collect();
            let own = places.iter().map(|place| {
                let field = &events.fields[*place];
                Tally::new(field, table.holds, spans[*place], standings.own())
            });
            let furthest = places.iter().copied().min_by_key(|place| spans[*place].earliest());
            let last = i32::try_from(day.0).unwrap_or(i32::MAX);
            let means = Means {
                keys: (mapping, schema),
                standings: &standings,
                stop: reading.stop,
                last,
                earliest: furthest.map_or(last, |place| spans[place].earliest()),
                utc_offset_minutes: events.utc_offset_minutes,
                faulty_percent_max: reading.faulty_percent_max,
            };
            let mut incoming = Incoming::new(table, own.collect(), means);
            let mut told = tables.next(&table.source, &mut incoming)?;
            let Taken { tallies: own, counts, contradicted: found } = incoming.end()?;
            contradicted.extend(&found);
            told.counts = Some(counts);
            told.furthest = furthest.map(|place| (events.fields[place].to.clone(), spans[place].earliest()));
            if told.file.is_none() {
                told.digest = digest_of(&standings, &found, &own.iter().collect::<Vec<_>>());
            }
            read.push(told);
            for (place, tally) in places.into_iter().zip(own) {
                tallies[place] = Some(tally);
            }
        }
    }
    let tallies = events.fields.iter().zip(tallies);
    let tallies = tallies.filter_map(|(field, tally)| tally.map(|tally| (field.to.as_str(), tally))).collect();
    let read = EventsRead { tables: read, withheld: standings.withheld() as u64 };
    Ok(Derived { day: counted, digest, standings, tallies, contradicted, read })
}

/// What was read of tables of consents, and the digest of the customers' file.
type Asked = (Vec<TableRead>, Option<Digest>);

/// How each customer stands, and of which day the data are.
fn people<'a>(
    customers: &Origin,
    (mapping, schema): (&'a Mapping, &'a Schema),
    reading: &Reading<'_>,
    tables: &mut Reader<'_>,
) -> Result<(Standings, Option<Date>, Asked), FileError> {
    let (mut people, mut read) = (People::asked(&mapping.events.consents), Vec::new());
    for (number, consent) in mapping.events.consents.iter().enumerate() {
        let Some((source, _)) = &consent.table else { continue };
        let mut census = Census::of_consent((consent, number), (mapping, schema), reading.stop, &mut people);
        read.push(tables.next(source, &mut census)?);
        census.end()?;
    }
    let dialect = reading.dialect(schema);
    let (mut day, mut digest) = (reading.day, None);
    let own = reading.beside.iter().map(|origin| (*origin, false)).chain([(customers, true)]);
    for (origin, own) in own {
        if let Origin::File(path) = origin
            && !path.is_file()
        {
            let text = "a pipe can be read once, and customers are read twice where a mapping has tables of events or consents: give a file";
            return Err(of_all(path, text.to_owned()));
        }
        let mut census = Census::of_customers((mapping, schema), own, reading.stop, &mut people);
        digest = stream(origin, Some(&mapping.source), dialect, &mut census)?;
        let said = census.end()?;
        day = day.or(said.filter(|_| own));
    }
    let standings = people.standings(reading.refused);
    for told in read.iter_mut().filter(|told: &&mut TableRead| told.file.is_none()) {
        told.digest = digest_of(&standings, &HashSet::new(), &[]);
    }
    // The last one is the customers' own.
    Ok((standings, day, (read, digest)))
}

/// Whether the fields of all customers fit into memory.
fn fits(mapping: &Mapping, spans: &[Span], standings: &Standings, customers: &Origin) -> Result<(), FileError> {
    let events = &mapping.events;
    let each = events.fields.iter().zip(spans).map(|(field, span)| {
        let holds = events.tables.get(field.table).map_or(super::declared::Holds::Events, |table| table.holds);
        Tally::bytes(field, holds, *span)
    });
    let (each, all) = (each.sum::<u64>(), standings.own() as u64);
    if each.saturating_mul(all) <= BYTES_MAX {
        return Ok(());
    }
    let text = format!(
        "the derived fields take {each} bytes for each of {all} customers, and {} GiB is the most for all of them: derive fewer fields, or over \
         shorter windows",
        BYTES_MAX >> 30
    );
    Err(of_all(&customers.name(), text))
}

/// Tables, in the order in which the mapping declares them.
struct Reader<'a> {
    schema: &'a Schema,
    origins: std::slice::Iter<'a, Origin>,
}

impl Reader<'_> {
    fn next(&mut self, source: &TableSource, sink: &mut dyn Sink) -> Result<TableRead, FileError> {
        let none = || {
            let text =
                format!("nobody has said where the table {:?} is: name it in the settings (data.events)", source.name);
            of_all(std::path::Path::new(&source.name), text)
        };
        let origin = self.origins.next().ok_or_else(none)?;
        let dialect: &Dialect = match &source.source {
            MappedSource::Text(Some(own)) => own,
            _ => self.schema.dialect(),
        };
        let digest = stream(origin, Some(&source.source), dialect, sink)?;
        let file = origin.file().map(std::path::Path::to_owned);
        let (name, place) = (source.name.clone(), origin.name());
        let digest = digest.unwrap_or(Digest::ZERO);
        Ok(TableRead { name, place, file, digest, counts: None, furthest: None })
    }
}

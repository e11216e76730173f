//! What came of all tables: how each customer stands, and its derived fields.

use std::collections::HashSet;
use std::path::PathBuf;

use tributary_model::features::Cell;
use tributary_protocol::digest::{Canonical, Digest, Hasher};
use tributary_protocol::plan::Date;

use super::incoming::EventCounts;
use super::keys::{Standing, Standings, key_of, key_text};
use super::tally::Tally;

/// A table that was read.
#[derive(Clone, Debug)]
pub struct TableRead {
    /// Its name in the mapping.
    pub name: String,
    /// Where it is, for people.
    pub place: PathBuf,
    /// The file, where its bytes have a checksum.
    pub file: Option<PathBuf>,
    /// Of a file: SHA-256 of its bytes. Of a database: of what came of it, whatever else its table holds.
    pub digest: Digest,
    /// Of a table of events: its rows.
    pub counts: Option<EventCounts>,
    /// The field that looks back furthest, and the last day before it, since 1970-01-01.
    pub furthest: Option<(String, i32)>,
}

/// What an operator is told of all tables.
#[derive(Clone, Debug)]
pub struct EventsRead {
    /// Each of them.
    pub tables: Vec<TableRead>,
    /// Customers of this data set who may not be read.
    pub withheld: u64,
}

/// Everything that customers' rows are joined with.
pub(in crate::data) struct Derived<'a> {
    /// The day up to which events were seen, where there are any.
    pub(super) day: Option<Date>,
    /// SHA-256 of the customers' file as it was when it was looked at for keys and consents.
    pub(super) digest: Option<Digest>,
    pub(super) standings: Standings,
    /// The fields, in the mapping's order.
    pub(super) tallies: Vec<(&'a str, Tally<'a>)>,
    /// Customers of whom two events have one id.
    pub(super) contradicted: HashSet<u32>,
    pub(super) read: EventsRead,
}

impl<'a> Derived<'a> {
    /// The schema's columns that are derived, in order.
    pub(in crate::data) fn columns(&self) -> impl Iterator<Item = &'a str> {
        self.tallies.iter().map(|(to, _)| *to)
    }

    /// The day up to which events were seen.
    pub(in crate::data) fn day(&self) -> Option<Date> {
        self.day
    }

    /// Whether the customers' file is the one whose keys and consents were looked at.
    pub(in crate::data) fn is_of(&self, digest: Option<Digest>) -> bool {
        self.digest == digest
    }

    /// How the customer of a row stands; nothing where the value is no key.
    pub(in crate::data) fn standing(&self, key: Cell<'_>, decimal: bool) -> Option<Standing> {
        let mut text = String::new();
        key_text(key, decimal, &mut text).ok()?;
        Some(self.standings.of(&key_of(&text)))
    }

    /// A customer's value of a derived column, by its number from 0.
    pub(in crate::data) fn value(&self, customer: u32, column: usize) -> Cell<'static> {
        self.tallies.get(column).map_or(Cell::Missing, |(_, tally)| tally.value(customer as usize))
    }

    /// Whether a customer's events contradict each other.
    pub(in crate::data) fn is_contradicted(&self, customer: u32) -> bool {
        self.contradicted.contains(&customer)
    }

    /// What is told of it.
    pub(in crate::data) fn into_read(self) -> EventsRead {
        self.read
    }
}

impl EventsRead {
    /// The digest of all tables, which changes with each of them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/events/1");
        let tables = self.tables.iter();
        tables.fold(body, |body, table| body.bytes(table.name.as_bytes()).digest(&table.digest)).finish()
    }
}

/// SHA-256 of what came of a database's table, for every customer by its key.
pub(super) fn digest_of(standings: &Standings, contradicted: &HashSet<u32>, tallies: &[&Tally<'_>]) -> Digest {
    let mut hasher = Hasher::new();
    for (key, customer) in standings.in_order() {
        hasher.update(&key);
        hasher.update(&[u8::from(u32::try_from(customer).is_ok_and(|customer| contradicted.contains(&customer)))]);
        for tally in tallies {
            let (kind, bits) = match tally.value(customer) {
                Cell::Missing | Cell::Text(_) => (0, 0),
                Cell::Integer(number) => (1, number.cast_unsigned()),
                Cell::Number(number) => (2, number.to_bits()),
            };
            hasher.update(&[kind]);
            hasher.update(&bits.to_le_bytes());
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tables that are exchanged, or one under another name, are other data.
    #[test]
    fn the_digest_of_all_tables_has_each_one_s_name_and_content_in_order() {
        let table = |name: &str, content: &[u8]| TableRead {
            name: name.into(),
            place: "t.csv".into(),
            file: None,
            digest: Digest::of(content),
            counts: None,
            furthest: None,
        };
        let digest = |tables: Vec<TableRead>| EventsRead { tables, withheld: 0 }.digest();
        let all = digest(vec![table("cards", b"one"), table("loans", b"two")]);
        let body = Canonical::new("tributary/events/1").bytes(b"cards").digest(&Digest::of(b"one"));
        assert_eq!(all, body.bytes(b"loans").digest(&Digest::of(b"two")).finish());
        assert_eq!(digest(Vec::new()), Canonical::new("tributary/events/1").finish());
        let mut elsewhere = table("cards", b"one");
        (elsewhere.place, elsewhere.furthest) = ("u.csv".into(), Some(("f".into(), 3)));
        let again = EventsRead { tables: vec![elsewhere, table("loans", b"two")], withheld: 7 };
        assert_eq!(again.digest(), all, "where a table lies is nothing of it");
    }
}

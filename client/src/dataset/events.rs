//! What became of the tables of events, for the branch's own screen.

use serde::Serialize;
use tributary_model::schema::Schema;
use tributary_protocol::plan::Date;
use tributary_texts::{Said, events as words};

use super::verdict::Remark;
use crate::data::{EventCounts, EventsRead, Mapping, RowCounts, TableRead};

/// Events of one customer, from which on half of a table's events are too many for one.
const MOST_MIN: u64 = 1000;

/// Rows of one table. They depend on customers: they are for the branch's own screen, and no message has a place for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventLine {
    /// Its name in the mapping.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// The digest of the file; of a database's table, of what came of it.
    pub digest: String,
    /// Its rows, but where it holds consents.
    #[serde(flatten)]
    pub rows: Option<EventRows>,
}

/// Rows by what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRows {
    /// All of them.
    pub rows: u64,
    /// Within a field's days.
    pub seen: u64,
    /// Before them.
    pub older: u64,
    /// After the day of the data.
    pub later: u64,
    /// Booked after it.
    pub booked_later: u64,
    /// Of customers whom the customers' table does not have.
    pub unknown: u64,
    /// Of other branches' customers, or of the other data set.
    pub elsewhere: u64,
    /// Of customers who may not be read.
    pub withheld: u64,
    /// There before.
    pub repeated: u64,
    /// With a fault.
    pub faulty: u64,
}

impl EventLine {
    pub(super) fn new(table: &TableRead) -> Self {
        Self {
            name: table.name.clone(),
            place: table.place.display().to_string(),
            digest: table.digest.to_string(),
            rows: table.counts.as_ref().map(EventRows::new),
        }
    }

    pub(super) fn said(&self) -> Vec<Said> {
        let Self { name, place, rows, .. } = self;
        let Some(EventRows { rows, seen, older, later, booked_later, unknown, elsewhere, withheld, repeated, faulty }) =
            rows
        else {
            return vec![words::read_consent(name, place)];
        };
        let mut lines = vec![words::read(name, place, seen, rows)];
        if rows > seen {
            lines.push(words::left(older, later, booked_later, unknown, elsewhere, withheld, repeated, faulty));
        }
        lines
    }
}

impl EventRows {
    fn new(counts: &EventCounts) -> Self {
        let EventCounts { rows, seen, older, later, booked_later, unknown, elsewhere, withheld, repeated, .. } = counts;
        Self {
            rows: rows.read,
            faulty: rows.faulty,
            seen: *seen,
            older: *older,
            later: *later,
            booked_later: *booked_later,
            unknown: *unknown,
            elsewhere: *elsewhere,
            withheld: *withheld,
            repeated: *repeated,
        }
    }
}

/// The day after which the days of the labels begin, and the last one of them.
pub(super) fn label_days(mapping: &Mapping, day: Option<Date>) -> Option<[String; 2]> {
    let (label, day) = (mapping.events.label.as_ref()?, day?);
    Some([day.to_string(), last_label_day(label.days, day).to_string()])
}

fn last_label_day(days: u16, day: Date) -> Date {
    Date(day.0.saturating_add(days.into()))
}

/// What is remarkable about the tables, and about the labels beside them.
pub(crate) fn remarks(
    (rows, read): (&RowCounts, Option<&EventsRead>),
    mapping: Option<&Mapping>,
    (schema, day): (&Schema, Option<Date>),
    limit: u8,
) -> Vec<Remark> {
    let warned = |said: Said| Remark::new(false, None, said);
    let mut found: Vec<Remark> = read
        .into_iter()
        .flat_map(|read| &read.tables)
        .flat_map(|table| of_table(table, day, limit))
        .map(warned)
        .collect();
    let Some(mapping) = mapping else { return found };
    if let (Some(label), Some(day)) = (&mapping.events.label, day) {
        let end = last_label_day(label.days, day);
        found.extend((rows.labels_before > 0).then(|| warned(words::labels_before(rows.labels_before, day))));
        found.extend((rows.labels_after > 0).then(|| warned(words::labels_after(rows.labels_after, end))));
    }
    for field in schema.fields() {
        let rule = mapping.rules.iter().find(|rule| rule.to == field.column);
        let from = rule.map_or(&field.column, |rule| &rule.from);
        let derived = mapping.events.fields.iter().any(|own| own.to == field.column);
        if !derived && mapping.events.known_after_label.contains(from) {
            let said = words::known_too_late(&field.name, format!("{from:?}"));
            found.push(Remark::new(false, Some(format!("field {}", field.name)), said));
        }
    }
    found
}

fn of_table(table: &TableRead, day: Option<Date>, limit: u8) -> Vec<Said> {
    let Some(counts) = &table.counts else { return Vec::new() };
    let name = &table.name;
    let mut said = Vec::new();
    let RowCounts { read, faulty, told, .. } = &counts.rows;
    if *faulty > 0 {
        let first: String = told.iter().map(|fault| format!("\n    {}", fault.text)).collect();
        said.push(words::faulty(name, faulty, read, limit, first));
    }
    if counts.seen == 0 {
        said.push(words::nothing_seen(name));
    }
    let most = counts.of_one_customer_max;
    if most >= MOST_MIN && most * 2 > counts.seen {
        said.push(words::one_customer_has_most(name, most, counts.seen));
    }
    if let (Some((field, begin)), Some(first), Some(day)) = (&table.furthest, counts.first_day, day) {
        let last = i32::try_from(day.0).unwrap_or(i32::MAX);
        let (lacking, all) = (first.saturating_sub(begin + 1), last.saturating_sub(*begin));
        // Nobody need have done something on the window's first day.
        if lacking > all / 10 {
            said.push(words::short_span(field, name, shown(begin + 1), shown(first)));
        }
    }
    said
}

/// A day for people.
fn shown(day: i32) -> String {
    u32::try_from(day).map_or_else(|_| "1970-01-01".to_owned(), |day| Date(day).to_string())
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;

    use super::*;

    fn table(counts: EventCounts, furthest: Option<i32>) -> TableRead {
        TableRead {
            name: "cards".into(),
            place: "t.csv".into(),
            file: None,
            digest: Digest::of(b"t"),
            counts: Some(counts),
            furthest: furthest.map(|begin| ("f0".to_owned(), begin)),
        }
    }

    /// Half of all events are many for one customer, and so is a tenth of a window without any.
    #[test]
    fn what_is_odd_about_a_table_is_told_from_its_limit_on() {
        let of = |seen, of_one_customer_max, first_day, furthest| {
            let counts = EventCounts { seen, of_one_customer_max, first_day, ..EventCounts::default() };
            of_table(&table(counts, furthest), Some(Date(20_100)), 5)
        };
        let none = Vec::new();
        assert_eq!(of(0, 0, None, None), [words::nothing_seen("cards")]);
        assert_eq!(of(1, 1, None, None), none);
        assert_eq!(of(1_998, 999, None, None), none);
        assert_eq!(of(1_000, 999, None, None), none);
        assert_eq!(of(2_000, 1_000, None, None), none);
        assert_eq!(of(1_999, 1_000, None, None), [words::one_customer_has_most("cards", 1_000_u64, 1_999_u64)]);
        // A window of a hundred days, of which ten may be without an event.
        assert_eq!(of(9, 1, Some(20_011), Some(20_000)), none);
        let short = words::short_span("f0", "cards", shown(20_001), shown(20_012));
        assert_eq!(of(9, 1, Some(20_012), Some(20_000)), [short]);
        assert_eq!(of(9, 1, Some(20_012), None), none);
        assert_eq!([shown(-1), shown(0), shown(20_787)], ["1970-01-01", "1970-01-01", "2026-11-30"]);
        assert!(of_table(&TableRead { counts: None, ..table(EventCounts::default(), None) }, None, 5).is_empty());
    }

    /// Each figure stands in its own place, and nothing is said to be left out of a table that was read whole.
    #[test]
    fn a_table_is_shown_with_all_of_its_figures() {
        let rows = RowCounts { read: 90, faulty: 8, ..RowCounts::default() };
        let [seen, older, later, booked_later, unknown, elsewhere, withheld, repeated] = [31, 2, 3, 4, 5, 6, 7, 9];
        let counts = EventCounts {
            rows,
            seen,
            older,
            later,
            booked_later,
            unknown,
            elsewhere,
            withheld,
            repeated,
            ..EventCounts::default()
        };
        let (rows, faulty) = (90, 8);
        let figures =
            EventRows { rows, seen, older, later, booked_later, unknown, elsewhere, withheld, repeated, faulty };
        let line = EventLine::new(&table(counts, None));
        let (name, place) = ("cards".to_owned(), "t.csv".to_owned());
        let mut whole = EventLine { name, place, digest: Digest::of(b"t").to_string(), rows: Some(figures) };
        assert_eq!(line, whole);
        let read = |seen: u64| words::read("cards", "t.csv", seen, 90_u64);
        let left = words::left(2_u64, 3_u64, 4_u64, 5_u64, 6_u64, 7_u64, 9_u64, 8_u64);
        assert_eq!(whole.said(), [read(31), left]);
        whole.rows.iter_mut().for_each(|rows| rows.seen = 90);
        assert_eq!(whole.said(), [read(90)]);
        whole.rows = None;
        assert_eq!(whole.said(), [words::read_consent("cards", "t.csv")]);
    }
}

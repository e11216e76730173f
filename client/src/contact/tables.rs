//! The tables that rules read beside the scores: attributes, contacts, and confidential suppressions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use tributary_model::schema::Dialect;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_texts::contact as words;

use super::rules::{AttributeRules, TableRules};
use crate::data::{
    CustomerKey, Database, MappedSource, Origin, PlainRead, Queries, RowFault, Rows, bank_day_of, place_of, plainest,
    read_plain,
};
use crate::error::ClientError;
use crate::settings::Settings;

/// Most rows of one table.
const ROWS_MAX: u64 = 64 << 20;

/// Why a row of the attributes keeps its customer out, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bar {
    /// The customer refuses contacts.
    OptedOut,
    /// There is no consent to this purpose.
    NoConsent,
    /// The risk level is above the limit, or unknown.
    Risk,
    /// The product's risk is above what the customer can bear, or that is unknown.
    Unsuitable,
}

/// What the table of attributes says of all customers.
#[derive(Default)]
pub(crate) struct Attributes {
    /// The first bar of any row, by the plainest spelling of the id: a refusal holds however the id is written.
    bars: HashMap<CustomerKey, Option<Bar>>,
    /// Teams, by the id as it is written.
    named: HashMap<String, u32>,
    teams: Vec<String>,
}

impl Attributes {
    /// Whether a customer has a line, under this very id.
    #[must_use]
    pub(crate) fn has(&self, id: &str) -> bool {
        self.named.contains_key(id)
    }

    /// What keeps a customer out, if something does.
    #[must_use]
    pub(crate) fn bar(&self, id: &str) -> Option<Bar> {
        self.bars.get(&plainest(id)).copied().flatten()
    }

    /// Customers who refuse contacts, or have not agreed to this purpose.
    #[must_use]
    pub(crate) fn refusals(&self) -> u64 {
        let refuses = |bar: &&Option<Bar>| matches!(bar, Some(Bar::OptedOut | Bar::NoConsent));
        self.bars.values().filter(refuses).count() as u64
    }

    /// A customer's team; empty without teams.
    #[must_use]
    pub(crate) fn team(&self, id: &str) -> &str {
        let team = self.named.get(id).and_then(|team| self.teams.get(*team as usize));
        team.map_or("", String::as_str)
    }

    /// Notes a row.
    fn add(&mut self, id: &str, team: &str, bar: Option<Bar>) {
        let known = self.bars.entry(plainest(id)).or_insert(bar);
        // The first bar in their order, whichever row has it.
        *known = match (*known, bar) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let number = self.teams.iter().position(|known| known == team).unwrap_or_else(|| {
            self.teams.push(team.to_owned());
            self.teams.len() - 1
        });
        self.named.entry(id.to_owned()).or_insert(u32::try_from(number).unwrap_or(u32::MAX));
    }
}

/// Most different teams.
const TEAMS_MAX: usize = 4096;

struct AttributeRows<'a> {
    rules: &'a AttributeRules,
    found: Attributes,
}

impl AttributeRows<'_> {
    /// The columns that are read, the customer's first.
    fn names(&self) -> Vec<&str> {
        let AttributeRules { table, opt_out, consent, risk, tolerance, team } = self.rules;
        let optional =
            [risk.as_ref().map(|risk| &risk.column), tolerance.as_ref().map(|levels| &levels.column), team.as_ref()];
        let required = [&table.customer, &opt_out.column, &consent.column];
        required.into_iter().chain(optional.into_iter().flatten()).map(String::as_str).collect()
    }
}

impl Rows for AttributeRows<'_> {
    fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
        self.names().into_iter().map(|name| place_of(header, name)).collect()
    }

    fn row(&mut self, number: u64, values: &[String]) -> Result<(), RowFault> {
        let rules = self.rules;
        let mut rest = values.iter().map(|value| value.trim());
        let mut next = || rest.next().unwrap_or_default();
        let id = next();
        is_id((number, &rules.table.customer), id)?;
        let mut bar = None;
        let mut hold = |holds: bool, own: Bar| {
            if !holds && bar.is_none() {
                bar = Some(own);
            }
        };
        hold(rules.opt_out.allows_all(next()), Bar::OptedOut);
        hold(rules.consent.allows(next()), Bar::NoConsent);
        if let Some(risk) = &rules.risk {
            hold(risk.is_at_most(next()), Bar::Risk);
        }
        if let Some(tolerance) = &rules.tolerance {
            hold(tolerance.is_at_least(next()), Bar::Unsuitable);
        }
        let team = if rules.team.is_some() { next() } else { "" };
        if self.found.teams.len() >= TEAMS_MAX && !self.found.teams.iter().any(|known| known == team) {
            let text = format!("there are more than {TEAMS_MAX} teams; look whether this is the column of teams");
            return Err(RowFault { column: rules.team.clone(), text });
        }
        self.found.add(id, team, bar);
        Ok(())
    }
}

fn is_id((number, column): (u64, &str), id: &str) -> Result<(), RowFault> {
    if number > ROWS_MAX {
        return Err(RowFault { column: None, text: format!("the table has more than {ROWS_MAX} rows; divide it") });
    }
    if id.is_empty() {
        return Err(RowFault::of(column, "empty where a customer's id is expected"));
    }
    if is_rounded(id) {
        let text =
            "a number that a spreadsheet has rounded. It is not known which customer it means; export the ids as text";
        return Err(RowFault::of(column, text));
    }
    Ok(())
}

/// Whether an id is written as spreadsheets write long numbers, such as `6.222E+15`: its last digits are gone.
fn is_rounded(id: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    id.split_once(['e', 'E']).is_some_and(|(number, exponent)| {
        let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
        digits(whole) && digits(rest) && exponent.strip_prefix('+').is_some_and(digits)
    })
}

/// Customers alone.
struct Ids<'a> {
    column: &'a str,
    found: HashSet<CustomerKey>,
}

impl Rows for Ids<'_> {
    fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
        Ok(vec![place_of(header, self.column)?])
    }

    fn row(&mut self, number: u64, values: &[String]) -> Result<(), RowFault> {
        let id = values.first().map_or("", |value| value.trim());
        is_id((number, self.column), id)?;
        self.found.insert(plainest(id));
        Ok(())
    }
}

/// Contacts by customer, from a day on.
struct Contacts<'a> {
    columns: (&'a str, &'a str),
    from: Date,
    utc_offset_minutes: u16,
    found: BTreeMap<CustomerKey, u32>,
}

impl Rows for Contacts<'_> {
    fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
        Ok(vec![place_of(header, self.columns.0)?, place_of(header, self.columns.1)?])
    }

    fn row(&mut self, number: u64, values: &[String]) -> Result<(), RowFault> {
        let (id, day) =
            (values.first().map_or("", |value| value.trim()), values.get(1).map_or("", |value| value.trim()));
        is_id((number, self.columns.0), id)?;
        let day = bank_day_of(day, self.utc_offset_minutes.into());
        let day = day.ok_or_else(|| RowFault::of(self.columns.1, "not a day that is written YYYY-MM-DD"))?;
        // A contact that is planned for a later day counts as well.
        if day >= self.from {
            *self.found.entry(plainest(id)).or_default() += 1;
        }
        Ok(())
    }
}

/// Where a table is.
fn origin(settings: &Settings, table: &TableRules, (key, file): (&str, Option<&Path>)) -> Result<Origin, ClientError> {
    let file = || {
        let none = || ClientError::Said(words::no_table(key));
        file.map(Path::to_path_buf).ok_or_else(none)
    };
    Ok(match &table.source {
        MappedSource::Text(_) | MappedSource::Parquet => Origin::File(file()?),
        MappedSource::Sqlite(queries) => Origin::Sqlite { file: file()?, query: queries.rows.clone(), day_query: None },
        MappedSource::Postgres(queries) => database(settings, key, queries, |at| matches!(at, Database::Postgres(_)))?,
        MappedSource::Odbc(queries) => database(settings, key, queries, |at| matches!(at, Database::Odbc(_)))?,
    })
}

/// The branch's database, of the kind that the rules ask.
fn database(
    settings: &Settings,
    key: &str,
    queries: &Queries,
    fits: impl Fn(&Database) -> bool,
) -> Result<Origin, ClientError> {
    let at = settings.database.clone().filter(fits).ok_or_else(|| ClientError::Said(words::no_database(key)))?;
    Ok(Origin::Database { at: Box::new(at), query: queries.rows.clone(), day_query: None })
}

fn read(
    settings: &Settings,
    table: &TableRules,
    place: (&str, Option<&Path>),
    rows: &mut dyn Rows,
) -> Result<PlainRead, ClientError> {
    let origin = origin(settings, table, place)?;
    let read = read_plain(&origin, (Some(&table.source), &Dialect::comma_separated()), rows);
    read.map_err(|fault| ClientError::rows(&fault))
}

/// Reads the attributes, and how many lines they have.
///
/// # Errors
/// If the table cannot be read whole.
pub(crate) fn read_attributes(settings: &Settings, rules: &AttributeRules) -> Result<(Attributes, u64), ClientError> {
    let mut rows = AttributeRows { rules, found: Attributes::default() };
    let place = ("contact.attributes", settings.contact.attributes.as_deref());
    let read = read(settings, &rules.table, place, &mut rows)?;
    Ok((rows.found, read.rows))
}

/// Reads contacts from a day of the bank's clock on, by the plainest spelling of the id; and how many lines the table has in all.
///
/// # Errors
/// If the table cannot be read whole.
pub(crate) fn read_contacts(
    settings: &Settings,
    (table, day): (&TableRules, &str),
    (from, utc_offset_minutes): (Date, u16),
) -> Result<(BTreeMap<CustomerKey, u32>, u64), ClientError> {
    let columns = (table.customer.as_str(), day);
    let mut rows = Contacts { columns, from, utc_offset_minutes, found: BTreeMap::new() };
    let read = read(settings, table, ("contact.contacts", settings.contact.contacts.as_deref()), &mut rows)?;
    Ok((rows.found, read.rows))
}

/// Reads confidential suppressions, with the digest of what was read and the number of its lines. No error says anything of what is in the table.
///
/// # Errors
/// If the table cannot be read whole.
pub(crate) fn read_confidential(
    settings: &Settings,
    table: &TableRules,
) -> Result<(HashSet<CustomerKey>, Digest, u64), ClientError> {
    let mut rows = Ids { column: &table.customer, found: HashSet::new() };
    let place = ("contact.confidential", settings.contact.confidential.as_deref());
    let read = read(settings, table, place, &mut rows).map_err(|_| ClientError::Said(words::confidential_unread()))?;
    Ok((rows.found, read.values, read.rows))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use zeroize::Zeroizing;

    use super::*;
    use crate::contact::tests::{RULES, World};
    use crate::data::{OdbcSettings, PostgresSettings, PostgresTls};

    #[test]
    fn a_table_is_asked_of_a_database_of_the_kind_that_its_rules_name() {
        let world = World::new(RULES);
        let queries = || Queries { rows: "SELECT 1".into(), held_out: None, score: None, day: None };
        let (timeout, connection) = (Duration::from_secs(1), Zeroizing::new(String::new()));
        let odbc = Database::Odbc(OdbcSettings { name: "core".into(), connection, timeout });
        let postgres = Database::Postgres(PostgresSettings {
            host: "localhost".into(),
            port: 5_432,
            database: "core".into(),
            user: "reader".into(),
            password: None,
            tls: PostgresTls::OnThisMachine,
            timeout,
        });
        let (by_odbc, by_postgres) = (MappedSource::Odbc(queries()), MappedSource::Postgres(queries()));
        let none = || Err(ClientError::Said(words::no_database("contact.attributes")).to_string());
        let cases = [
            (&by_odbc, Some(&odbc), Ok("odbc:core")),
            (&by_odbc, Some(&postgres), none()),
            (&by_odbc, None, none()),
            (&by_postgres, Some(&postgres), Ok("postgresql://localhost:5432/core")),
            (&by_postgres, Some(&odbc), none()),
            (&by_postgres, None, none()),
        ];
        for (source, at, expected) in cases {
            let settings = Settings { database: at.cloned(), ..world.settings() };
            let (source, customer) = (source.clone(), "id".to_owned());
            let table = TableRules { source, customer, may_be_empty: false, lost_permille_max: 0 };
            let found = origin(&settings, &table, ("contact.attributes", None));
            let found = found.map(|origin| (origin.name(), matches!(origin, Origin::Database { .. })));
            let expected = expected.map(|name| (name.into(), true));
            assert_eq!(found.map_err(|fault| fault.to_string()), expected);
        }
    }
}

//! Tables, fields and consents in words, for the owner who signs them.

use tributary_texts::{Said, events as words};

use super::declared::{Codes, Consent, ConsentRule, DerivedField, EventTable, Events, Filter, Function, Holds, Sign};
use super::moment::{TimeColumn, Zone};
use super::window::Window;
use crate::data::mapping::{MappedSource, said_of};

impl Events {
    /// What is declared, line by line.
    pub(in crate::data) fn said(&self) -> Vec<Said> {
        let mut lines: Vec<Said> = self.consents.iter().flat_map(Consent::said).collect();
        for table in &self.tables {
            lines.extend(table.said());
        }
        if !self.tables.is_empty() {
            lines.push(words::clock(self.utc_offset_minutes));
        }
        lines.extend(self.fields.iter().filter_map(|field| Some(field.said(self.tables.get(field.table)?))));
        if let Some(label) = &self.label {
            lines.push(words::label(label.days));
            lines.extend(label.happened.as_ref().map(|column| words::label_happened(column.said())));
        }
        if !self.known_after_label.is_empty() {
            lines.push(words::known_after(list(&self.known_after_label)));
        }
        lines
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
}

/// What a table is.
fn kind(source: &MappedSource) -> Said {
    match source {
        MappedSource::Text(_) => words::from_text(),
        MappedSource::Parquet => words::from_parquet(),
        MappedSource::Sqlite(_) => words::from_sqlite(),
        MappedSource::Postgres(_) => words::from_postgres(),
        MappedSource::Odbc(_) => words::from_odbc(),
    }
}

/// How its file is written, or what is asked of its database.
fn asked(source: &MappedSource) -> Option<Said> {
    if let MappedSource::Text(dialect) = source {
        return dialect.as_ref().map(said_of);
    }
    let rows = &source.queries()?.rows;
    let lines: Vec<String> = rows.lines().map(|line| format!("      {}", line.escape_debug())).collect();
    Some(words::query(lines.join("\n")))
}

impl EventTable {
    fn said(&self) -> Vec<Said> {
        let source = kind(&self.source.source);
        let holds = match self.holds {
            Holds::Events => words::holds_events(),
            Holds::Balances => words::holds_balances(),
        };
        let mut lines = vec![words::table(&self.source.name, holds, source, quoted(&self.customer), self.time.said())];
        lines.extend(asked(&self.source.source));
        lines.extend(self.booked.as_ref().map(|column| words::booked(column.said())));
        lines.extend(self.until.as_ref().map(|column| words::until(column.said())));
        if let Some(amount) = &self.amount {
            let sign = match amount.sign {
                Sign::Refused => words::sign_refused(),
                Sign::Direction => words::sign_direction(),
                Sign::Allowed => words::sign_allowed(),
            };
            let trailing = if amount.trailing_sign { words::trailing_sign() } else { Said::empty() };
            lines.push(words::amount(quoted(&amount.column), amount.measure.name(), sign, trailing));
        }
        if let Some(direction) = &self.direction {
            lines.push(words::direction(quoted(&direction.column), list(&direction.inward), list(&direction.outward)));
        }
        lines.extend(self.codes.iter().map(Codes::said));
        lines.extend(self.id.as_ref().map(|column| words::id(quoted(column))));
        lines.push(words::unknown_customers(self.unknown_percent_max));
        lines
    }
}

impl TimeColumn {
    fn said(&self) -> Said {
        let zone = match self.zone {
            Zone::Local => words::zone_local(),
            Zone::Utc => words::zone_utc(),
        };
        words::time(quoted(&self.column), self.form.name(), zone)
    }
}

impl Codes {
    fn said(&self) -> Said {
        let of = |(code, group): &(String, u8)| {
            format!("{code:?} = {}", self.groups.get(usize::from(*group)).map_or("", String::as_str))
        };
        let meanings: Vec<String> = self.meanings.iter().map(of).collect();
        let others = if self.others { words::others_pass() } else { words::others_are_faults() };
        words::codes(&self.name, quoted(&self.column), meanings.join(", "), others)
    }
}

impl DerivedField {
    fn said(&self, table: &EventTable) -> Said {
        let window = match self.window {
            Window::Days(days) => words::window_days(days),
            Window::Months(months) => words::window_months(months),
        };
        let function = match self.function {
            Function::Distinct(place) => {
                let of = table.codes.get(place).map_or("", |codes| codes.name.as_str());
                Said::verbatim(format!("{} {of}", self.function.name()))
            }
            Function::Decay(former) => words::decay(self.function.name(), former),
            other => Said::verbatim(other.name()),
        };
        words::derived(quoted(&self.to), function, &table.source.name, window, self.filter.said(table))
    }
}

impl Filter {
    fn said(&self, table: &EventTable) -> Said {
        let mut parts = Vec::new();
        for (place, mask) in &self.groups {
            let Some(codes) = table.codes.get(*place) else { continue };
            let names = codes.groups.iter().enumerate().filter(|(group, _)| mask >> group & 1 == 1);
            let names: Vec<&str> = names.map(|(_, name)| name.as_str()).collect();
            parts.push(words::only(&codes.name, names.join(", ")));
        }
        parts.extend(self.inward.map(|inward| if inward { words::only_in() } else { words::only_out() }));
        if let (Some(min), Some(amount)) = (self.amount_min, &table.amount) {
            let (unit, whole) = (amount.measure.smallest(), amount.measure.name());
            let (whole_units, rest) = (min / unit, (min % unit).abs());
            let places = usize::try_from(unit.ilog10()).unwrap_or_default();
            let rest = if places == 0 { String::new() } else { format!(".{rest:0places$}") };
            parts.push(words::amount_min(format!("{whole_units}{rest}"), whole));
        }
        Said::joined(&parts, "")
    }
}

impl Consent {
    fn said(&self) -> Vec<Said> {
        let table = match &self.table {
            None => words::in_customers(),
            Some((source, customer)) => words::in_table(&source.name, kind(&source.source), quoted(customer)),
        };
        let rule = match &self.rule {
            ConsentRule::Allowed(codes) => words::allowed(list(codes)),
            ConsentRule::Refused(codes) => words::refused(list(codes)),
        };
        let purpose = match &self.purpose {
            None => Said::empty(),
            Some((column, purposes)) => words::purposes(quoted(column), list(purposes)),
        };
        let line = words::consent(quoted(&self.column), table, rule, purpose);
        std::iter::once(line).chain(self.table.as_ref().and_then(|(source, _)| asked(&source.source))).collect()
    }
}

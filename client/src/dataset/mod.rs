//! A branch's files, read and judged: the same for a run, for a preflight, and for whoever only wants to look.

mod change;
mod events;
mod leakage;
mod report;
mod signed;
mod sources;
mod summary;
mod verdict;

use tributary_certs::entropy::OsEntropy;
use tributary_model::schema::Schema;
use tributary_model::train::{PlacementKey, Table, TableMaxima};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::plan::Date;
use tributary_texts::{Said, dataset as words};

pub use change::{Changes, FieldChange, LabelChange};
pub use events::EventLine;
pub(crate) use events::remarks as event_remarks;
pub use leakage::leaks;
pub use report::{AuditLine, BoundCounts, DatasetReport, FieldLine, LabelLine};
pub use signed::Signed;
pub use sources::{Place, Sources};
pub use summary::{FieldSummary, LabelSummary, Summary};
pub use verdict::{Remark, remarks};

use crate::contact::Refusals;
use crate::data::{CustomerKey, EventsRead, FileError, Mapping, Origin, Reading, RowCounts, Stop, read_origin};
use crate::error::ClientError;
use crate::settings::Settings;

/// One data set that can be read.
pub struct Loaded {
    /// Its rows, in order.
    pub table: Table,
    /// What it holds.
    pub report: DatasetReport,
    /// What is remarkable about it.
    pub remarks: Vec<Remark>,
    /// SHA-256 of the file as it was read; of a database's rows as they are encoded.
    pub digest: Digest,
    /// Of which day it is, where it says so itself or it was said before.
    pub day: Option<Date>,
    /// The same day, where the mapping counts days up to it.
    pub counted_to: Option<Date>,
    /// The tables that its rows were joined with.
    pub events: Option<EventsRead>,
}

/// How a data set is read: which one, by which mapping, of which day as far as that is known.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// Which one.
    pub place: &'a Place,
    /// How its columns become the schema's, and what they are joined with.
    pub sources: &'a Sources,
    /// Of which day it is.
    pub day: Option<Date>,
}

impl Loaded {
    /// Reads a data set, and judges it.
    ///
    /// # Errors
    /// All faults of it.
    pub fn read(look: Look<'_>, settings: &Settings, schema: &Schema, stop: &Stop) -> Result<Self, FileError> {
        let Look { place, sources, day } = look;
        let (mapping, limit) = (sources.mapping(), settings.faulty_percent_max);
        let others = sources.places.iter().filter(|other| other.key != place.key);
        let beside: Vec<&Origin> = others.map(|other| &other.origin).collect();
        let (tables, beside) = (sources.tables.as_slice(), beside.as_slice());
        let refusals = refusals(settings)?;
        let refused = |customer: &CustomerKey| refusals.has(customer);
        let asked = (!refusals.is_empty()).then_some(&refused as &dyn Fn(&CustomerKey) -> bool);
        let reading = Reading {
            mapping,
            day,
            faulty_percent_max: limit,
            tables,
            beside,
            refused: asked,
            ..Reading::strict(stop)
        };
        let read = read_origin(&place.origin, schema, &reading)?;
        let (digest, day) = (read.digest, read.day);
        let doubts = read.doubts.into_iter().map(|doubt| Remark::new(false, None, Said::verbatim(doubt.text)));
        let mut found: Vec<Remark> = faulty(&read.counts, limit).into_iter().chain(doubts).collect();
        found.extend(events::remarks((&read.counts, read.events.as_ref()), mapping, (schema, day), limit));
        found.extend(remarks(read.rows.counts(), schema, settings.share_limits, settings.rows_per_customer_max));
        let maxima = TableMaxima {
            customers: settings.customers_max,
            rows: settings.rows_max,
            rows_per_customer: settings.rows_per_customer_max,
        };
        let table = Table::new(read.rows, maxima, &PlacementKey::new(OsEntropy.bytes32()))?;
        let name = place.origin.name();
        let mut report = DatasetReport::new(&name, table.data().counts(), schema, table.rows_left_out());
        (report.rows_faulty, report.rows_elsewhere) = (read.counts.faulty, read.counts.elsewhere);
        report.add_events(&read.counts, read.events.as_ref());
        report.label_days = mapping.and_then(|mapping| events::label_days(mapping, day));
        let counted_to = day.filter(|_| mapping.is_some_and(Mapping::counts_days));
        Ok(Self { table, report, remarks: found, digest, day, counted_to, events: read.events })
    }

    /// The same, with warnings of fields that tell a label almost alone.
    #[must_use]
    pub fn suspected(mut self, schema: &Schema) -> Self {
        self.remarks.extend(leaks(self.table.data(), schema));
        self
    }

    /// The digest of all tables that its rows were joined with, where there are any.
    #[must_use]
    pub fn events_digest(&self) -> Option<Digest> {
        self.events.as_ref().map(EventsRead::digest)
    }

    /// The file, if nothing about it stops a branch from using it.
    ///
    /// # Errors
    /// Everything that does.
    pub fn usable(self) -> Result<Self, ClientError> {
        let stops = self.remarks.iter().filter(|remark| remark.stops).map(|remark| remark.said.clone());
        let stops: Vec<Said> = stops.collect();
        if stops.is_empty() {
            return Ok(self);
        }
        let lines: Vec<Said> = std::iter::once(words::not_usable(&self.report.file)).chain(stops).collect();
        Err(ClientError::Rows(Said::joined(&lines, "\n  ")))
    }
}

/// Who has used the right to be left out.
pub(crate) fn refusals(settings: &Settings) -> Result<Refusals, FileError> {
    Refusals::read(&settings.state_dir).map_err(|fault| {
        let source = std::io::Error::other(fault.to_string());
        FileError::Open { path: settings.state_dir.join("contact"), source }
    })
}

/// What the operator is told of rows that are left out.
pub(crate) fn faulty(counts: &RowCounts, limit: u8) -> Option<Remark> {
    let RowCounts { read, faulty, told, .. } = counts;
    (*faulty > 0).then(|| {
        let first: String = told.iter().map(|fault| format!("\n    {}", fault.text)).collect();
        Remark::new(false, None, words::rows_faulty(faulty, read, limit, first))
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;

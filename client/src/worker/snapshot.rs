//! The branch's rows: read before anybody is spoken to, and read again when the operator says that other files are ready.
//!
//! Whether a table can be read, and is used, decides whether the daemon starts; a plan, a model or a coordinator has no part in it. So no
//! refusal can say anything about a row. A table that cannot be read again leaves the rows before it in memory, and the runs that wait for it wait.

use tributary_model::schema::Schema;
use tributary_model::train::Table;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use crate::data::Stop;
use crate::dataset::{Loaded, Look, Place, Sources};
use crate::error::ClientError;
use crate::ready::FileDigests;
use crate::settings::Settings;
use crate::telemetry::Report;

/// Rows for training, and those that are only counted where there are any.
pub struct Snapshot {
    /// What models learn from.
    pub training: Table,
    /// What evaluations count instead.
    pub held_out: Option<Table>,
    /// The files that were read.
    pub files: FileDigests,
}

/// What is known of one file that was read.
#[derive(Clone, Copy)]
struct Read {
    digest: Digest,
    counted_to: Option<Date>,
    events: Option<Digest>,
}

impl Snapshot {
    /// Reads the files that the settings name, and tells the operator's screen what they hold, what was left out, and what is beyond the public
    /// maxima.
    ///
    /// # Errors
    /// All faults of a file, for the operator; or what stops this branch from using it.
    pub fn read(
        settings: &Settings,
        schema: &Schema,
        stop: &Stop,
        report: &mut dyn FnMut(Report),
    ) -> Result<Self, ClientError> {
        let sources = Sources::of(settings, schema)?;
        let mut table = |place: &Place| -> Result<(Table, Read), ClientError> {
            let look = Look { place, sources: &sources, day: place.day(settings) };
            let loaded = Loaded::read(look, settings, schema, stop).map_err(|fault| ClientError::rows(&fault))?;
            report(Report::Dataset(Box::new(loaded.report.clone())));
            for remark in loaded.remarks.iter().filter(|remark| !remark.stops) {
                let (file, said) = (loaded.report.file.clone(), remark.said.clone());
                report(Report::DatasetRemark { file, remark: remark.text.clone(), said });
            }
            let Loaded { table, digest, counted_to, events, .. } = loaded.usable()?;
            let events = events.map(|events| events.digest());
            let (rows, kept) = (table.rows_left_out(), table.data().rows() - table.rows_left_out());
            if rows > 0 {
                report(Report::RowsDropped { rows, kept });
            }
            if table.passes_maxima() {
                report(Report::MaximaPassed { customers: table.customer_count(), rows: kept });
            }
            Ok((table, Read { digest, counted_to, events }))
        };
        let mut places = sources.places.iter();
        let none = || ClientError::Said(tributary_texts::ready::no_file_named());
        let (training, own) = table(places.next().ok_or_else(none)?)?;
        let (held_out, other) = places.next().map(table).transpose()?.unzip();
        let counted_to = [own.counted_to, other.and_then(|other| other.counted_to)];
        let events = [own.events, other.and_then(|other| other.events)];
        let mapping = sources.mapping().map(|mapping| mapping.digest);
        let held_out_digest = other.map(|other| other.digest);
        let files = FileDigests { data: own.digest, held_out: held_out_digest, counted_to, events, mapping };
        sources.note()?;
        Ok(Self { training, held_out, files })
    }
}

//! The branch's rows as they are when the daemon starts: read once, before anybody is spoken to, and fixed for every plan.
//!
//! Whether a table can be read decides whether the daemon starts; a plan, a model or a coordinator has no part in it. So no refusal can say
//! anything about a row.

use std::path::Path;

use tributary_certs::entropy::OsEntropy;
use tributary_model::features::FeatureMatrix;
use tributary_model::schema::Schema;
use tributary_model::train::{PlacementKey, Table, TableMaxima};
use tributary_protocol::entropy::Entropy as _;

use crate::data::read_csv;
use crate::error::ClientError;
use crate::settings::Settings;
use crate::telemetry::Report;

/// Rows for training, and those that are only counted where there are any.
pub struct Snapshot {
    /// What models learn from.
    pub training: Table,
    /// What evaluations count instead.
    pub held_out: Option<Table>,
}

impl Snapshot {
    /// Reads the files that the settings name, and tells the operator's screen what was left out and what is beyond the public maxima.
    ///
    /// # Errors
    /// The first fault of a file or of its rows, for the operator.
    pub fn read(settings: &Settings, schema: &Schema, report: &dyn Fn(&Report)) -> Result<Self, ClientError> {
        let table = |file: &Path| -> Result<Table, ClientError> {
            let data = read_csv(file, schema).map_err(ClientError::file)?;
            let table = laid(data, settings)?;
            let (rows, kept) = (table.rows_left_out(), table.data().rows() - table.rows_left_out());
            if rows > 0 {
                report(&Report::RowsDropped { rows, kept });
            }
            if table.passes_maxima() {
                report(&Report::MaximaPassed { customers: table.customer_count(), rows: kept });
            }
            Ok(table)
        };
        let training = table(&settings.data_file)?;
        let held_out = settings.held_out_file.as_deref().map(table).transpose()?;
        Ok(Self { training, held_out })
    }
}

fn laid(data: FeatureMatrix, settings: &Settings) -> Result<Table, ClientError> {
    let maxima = TableMaxima {
        customers: settings.customers_max,
        rows: settings.rows_max,
        rows_per_customer: settings.rows_per_customer_max,
    };
    Table::new(data, maxima, &PlacementKey::new(OsEntropy.bytes32())).map_err(ClientError::file)
}

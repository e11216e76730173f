//! What the executable's `client` commands call.

use std::path::PathBuf;

use tributary_certs::enrolment::names;
use tributary_certs::inspect::inspect;
use tributary_certs::tls::TrustRoots;
use tributary_model::schema::Schema;

use crate::data::read_csv;
use crate::runtime::{self, ClientError};
use crate::settings::Settings;
use crate::telemetry::print;

/// Options of `client run`.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The settings file.
    pub config: PathBuf,
    /// JSON lines on standard output, for a supervisor.
    pub events: bool,
}

/// Runs the daemon.
///
/// # Errors
/// [`ClientError`], for the operator.
pub fn run(options: &RunOptions) -> Result<(), ClientError> {
    let settings = Settings::load(&options.config)?;
    runtime::run(settings, &|report| print(report, options.events))
}

/// Checks a settings file and every file that it names, the data included; opens no port and changes nothing.
///
/// # Errors
/// The first file that cannot be used, or every fault of the settings file.
pub fn check(config: &std::path::Path, now_unix_s: u64) -> Result<Vec<String>, ClientError> {
    let settings = Settings::load(config)?;
    let mut lines = vec![format!("{}: settings are complete", config.display())];
    let file = |fault: String| ClientError::File(fault);
    let roots = TrustRoots::read(&settings.identity.join(names::TRUST)).map_err(|fault| file(fault.to_string()))?;
    let chain = settings.identity.join(names::CHAIN);
    let inspection = inspect(&chain, Some(&roots), now_unix_s).map_err(|fault| file(fault.to_string()))?;
    if !inspection.problems.is_empty() {
        return Err(file(format!("{}: {}", chain.display(), inspection.problems.join("; "))));
    }
    lines.push(format!("{}: certificate is valid", chain.display()));
    let text = std::fs::read_to_string(&settings.schema_file)
        .map_err(|fault| file(format!("{}: {fault}", settings.schema_file.display())))?;
    let schema =
        Schema::parse(&text).map_err(|faults| file(format!("{}: {faults}", settings.schema_file.display())))?;
    lines.push(format!(
        "{}: schema {} with {} encoded features",
        settings.schema_file.display(),
        schema.digest().short(),
        schema.width()
    ));
    let data = read_csv(&settings.data_file, &schema).map_err(|fault| file(fault.to_string()))?;
    lines.push(format!(
        "{}: {} rows of {} customers fit the schema",
        settings.data_file.display(),
        data.rows(),
        data.customer_count()
    ));
    Ok(lines)
}

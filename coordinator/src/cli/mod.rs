//! What the command line offers: a first settings file, a check of everything it names, and the daemon.

use std::future::Future;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::office::refresh_list;
use tributary_daemon::{StopSignal, lines};
use tributary_settings::Faults;
use tributary_storage::files::{self, Existing};
use tributary_transport::preflight::Findings;

use crate::error::CoordinatorError;
use crate::federation::renewal::Renewer;
use crate::federation::{Ends, run};
use crate::noticing::Noticing;
use crate::open::{Opened, Report};
use crate::report::Told;
use crate::settings::Settings;

/// The commented settings file, as `docs/samples` shows it.
pub const SAMPLE: &str = include_str!("../../../docs/samples/coordinator.toml");

/// Name of the settings file that [`init`] writes.
pub const SETTINGS_FILE: &str = "coordinator.toml";

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The settings file.
    pub config: PathBuf,
    /// One JSON object for each event on standard output, instead of lines for people.
    pub events: bool,
    /// When the process ends by itself.
    pub ends: Ends,
}

/// Writes a commented settings file into a folder, which is made if it is absent. Gives the file's path.
///
/// # Errors
/// If there is one already, which is never replaced, or it cannot be written.
pub fn init(folder: &Path) -> Result<PathBuf, CoordinatorError> {
    let path = folder.join(SETTINGS_FILE);
    files::create_private_folder(folder)?;
    files::write_public(&path, SAMPLE.as_bytes(), Existing::Keep)?;
    Ok(path)
}

/// Opens every file that the settings name, and every plan that is activated, without opening a port or touching the state directory.
///
/// # Errors
/// Every fault.
pub fn check(config: &Path) -> Result<Report, Faults> {
    Opened::open(config, unix_seconds()).map(|opened| opened.report())
}

/// Tries everything that the daemon will need, the port included, and closes it again.
///
/// # Errors
/// Every fault of the settings file and of the files that it names.
pub fn preflight(config: &Path) -> Result<Findings, Faults> {
    crate::preflight::preflight(config, unix_seconds())
}

/// Serves the federation until the operator stops the process (SIGTERM, ctrl-c), and prints what happens.
///
/// # Errors
/// Why the coordinator could not start or had to end.
pub fn serve(options: &ServeOptions) -> Result<(), CoordinatorError> {
    let settings = Settings::load(&options.config)?;
    let mut noticing = Noticing::start(&settings, unix_seconds).map_err(CoordinatorError::Runtime)?;
    let mut print = |told: &Told| {
        noticing.hear(told);
        lines::print(&if options.events { told.to_json() } else { told.to_string() });
    };
    let stop = async { StopSignal::listen().wished().await };
    let served = serve_reporting(&options.config, options.ends, &mut print, stop);
    noticing.finish(served.is_err());
    served
}

/// [`serve`] with the events given to `report`, until `stop` completes.
///
/// # Errors
/// As [`serve`].
pub fn serve_reporting(
    config: &Path,
    ends: Ends,
    report: &mut dyn FnMut(&Told),
    stop: impl Future<Output = ()>,
) -> Result<(), CoordinatorError> {
    let now = unix_seconds();
    // An office that was away for long makes its list first; whoever merely checks is told that it has ended.
    let Settings { office, identity, .. } = Settings::load(config)?;
    if let Some(folder) = &office {
        refresh_list(folder, now).map_err(|fault| tracing::error!(%fault, "the office's list was not made anew")).ok();
    }
    match Renewer::of(&identity.tls, office.as_deref(), identity.renew).catch_up(now) {
        Ok(None) => {}
        Ok(Some(_)) => tracing::warn!("this coordinator's certificate had ended, and was renewed"),
        Err(fault) => tracing::error!("this coordinator's certificate was not renewed: {fault}"),
    }
    run(Opened::open(config, now)?, ends, report, stop)
}

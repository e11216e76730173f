//! `tributary client preflight`: everything that a branch's daemon will need, tried before it runs.

use std::path::Path;

use tributary_daemon::notices;
use tributary_transport::Dialer;
use tributary_transport::preflight::{Findings, disk, network};

use crate::error::ClientError;
use crate::settings::Settings;
use crate::standing::{certificate, lists, standing};

/// Room for the budget file, many times over.
const DISK_BYTES: u64 = 64 << 20;

/// Tries everything; `now` is in Unix seconds. A daemon of this identity that runs meanwhile is not disturbed.
///
/// # Errors
/// Every fault of the settings file; everything else is a finding.
pub fn preflight(config: &Path, now: u64) -> Result<Findings, ClientError> {
    let settings = Settings::load(config)?;
    let mut found = Findings::default();
    disk(&mut found, &settings.state_dir, DISK_BYTES);
    if let Some(identity) = standing(&mut found, &settings, now) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
        let keys = identity.keys.trial(now)?;
        let dialer = Dialer::new(settings.dial());
        let coordinator = runtime.block_on(network(&dialer, &keys, now, &mut found));
        // By the coordinator's clock, where this machine's is wrong: a certificate has not ended because somebody's battery has.
        let now = coordinator.unwrap_or(now);
        certificate(&mut found, &identity, now);
        lists(&mut found, &identity, now);
    }
    notices::preflight(&mut found, &settings.notices, now);
    Ok(found)
}

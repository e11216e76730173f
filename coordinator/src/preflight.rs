//! `tributary coordinator preflight`: everything that the coordinator's daemon will need, tried before it runs.

use std::net::ToSocketAddrs as _;
use std::path::Path;

use tributary_daemon::notices;
use tributary_settings::Faults;
use tributary_transport::preflight::{Cause, Findings, Outcome, disk, open_files, udp_buffers};
use tributary_transport::{ListenError, Listener};

use crate::open::Opened;
use crate::settings::Settings;
use crate::sink;

/// Files that the daemon opens besides its connections.
const OWN_FILES: u64 = 64;

/// Models that lie on the disk at once, beside the one that each round leaves in its run.
const MODELS_BEYOND_ROUNDS: u64 = 4;

/// Tries everything; `now` is in Unix seconds. A coordinator that runs meanwhile is not disturbed.
///
/// # Errors
/// Every fault of the settings file and of the files that it names.
pub(crate) fn preflight(config: &Path, now: u64) -> Result<Findings, Faults> {
    let opened = Opened::open(config, now)?;
    let mut found = Findings::default();
    let report = opened.report();
    let identity = format!("{}, roster {} of {} clients", report.identity, report.roster_epoch, report.enrolled);
    found.good(Cause::Files, "opening the identity, the roster and the plans", identity);
    for warning in &report.warnings {
        let means = "it goes on until then, and stops after it";
        found.bad(
            Cause::Certificate,
            Outcome::Warning,
            ["looking at what ends", warning, means, "the federation's authority"],
        );
    }
    let enrolled = u64::try_from(report.enrolled).unwrap_or(u64::MAX);
    let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let room = report.plans.iter().map(|plan| {
        let model = wide(plan.parameters).saturating_mul(4);
        let models = model.saturating_mul(u64::from(plan.rounds) + MODELS_BEYOND_ROUNDS);
        models.saturating_add(wide(plan.upload_bytes).saturating_mul(enrolled))
    });
    let room = room.fold(64 << 20, u64::saturating_add);
    disk(&mut found, &opened.state_dir, room);
    open_files(&mut found, enrolled.saturating_mul(2) + OWN_FILES);
    udp_buffers(&mut found);
    port(&mut found, &opened);
    if let Some(settings) = &opened.sink {
        sink::preflight(&mut found, settings, &opened.state_dir);
    }
    notices::preflight(&mut found, &Settings::load(config)?.notices, now);
    Ok(found)
}

/// Opens the port, over both transports, and closes it again.
fn port(found: &mut Findings, opened: &Opened) {
    let listen = &opened.listen.listen;
    let tried = format!("opening {listen} for UDP{}", if opened.listen.tcp { " and TCP" } else { "" });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Some(runtime) = found.checked(Cause::System, "starting a runtime", runtime, |_| "started") else {
        return;
    };
    let opened_port = runtime.block_on(async { Listener::open(&opened.listen, opened.identity.keyring.keys()) });
    match opened_port {
        Ok(_) => {
            found.good(Cause::Port, &tried, "free, and this user may use it");
            let to = listen.to_socket_addrs().ok().and_then(|mut all| all.next());
            let port = to.map_or_else(|| listen.clone(), |to| to.port().to_string());
            let ask = format!(
                "the network team, with this rule, unless it is there:\nallow UDP and TCP from the branches (any port) to this machine port {port}, \
                 inbound, replies allowed, idle timeout at least 30 seconds, no inspection of the content"
            );
            let means =
                "from here it cannot be seen whether branches reach the port; each branch's own preflight shows it";
            found.bad(
                Cause::Port,
                Outcome::Warning,
                ["asking whether the firewall lets branches in", "not visible from inside", means, &ask],
            );
        }
        Err(fault @ ListenError::PortInUse { .. }) => {
            let means = "a coordinator that runs now has it, which is fine, or another program has";
            found.bad(Cause::Port, Outcome::Fault, [&tried, &fault.to_string(), means, "whoever runs this machine"]);
        }
        Err(fault) => {
            let means = "no client could connect";
            found.bad(Cause::Port, Outcome::Fault, [&tried, &fault.to_string(), means, "whoever runs this machine"]);
        }
    }
}

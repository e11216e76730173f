//! `tributary coordinator preflight`: everything that the coordinator's daemon will need, tried before it runs.

use std::net::ToSocketAddrs as _;
use std::path::Path;

use tributary_daemon::notices;
use tributary_settings::Faults;
use tributary_transport::preflight::{Cause, Findings, Outcome, disk, open_files, udp_buffers};
use tributary_transport::{ListenError, Listener};

use crate::open::{Opened, PlanReport};
use crate::settings::Settings;
use crate::sink;

/// Files that the daemon opens besides its connections.
const OWN_FILES: u64 = 64;

/// Models that lie on the disk at once, beside the one that each round leaves in its run.
const MODELS_BEYOND_ROUNDS: u64 = 4;

/// Bytes on the disk beside models and uploads.
const ROOM_BESIDE: u64 = 64 << 20;

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
    disk(&mut found, &opened.state_dir, room_for(&report.plans, enrolled));
    open_files(&mut found, files_for(enrolled));
    udp_buffers(&mut found);
    port(&mut found, &opened);
    if let Some(settings) = &opened.sink {
        sink::preflight(&mut found, settings, &opened.state_dir);
    }
    notices::preflight(&mut found, &Settings::load(config)?.notices, now);
    Ok(found)
}

/// Bytes that may lie on the disk at once: models and uploads of every plan, and some beside.
fn room_for(plans: &[PlanReport], enrolled: u64) -> u64 {
    let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let room = plans.iter().map(|plan| {
        let model = wide(plan.parameters).saturating_mul(4);
        let models = model.saturating_mul(u64::from(plan.rounds) + MODELS_BEYOND_ROUNDS);
        models.saturating_add(wide(plan.upload_bytes).saturating_mul(enrolled))
    });
    room.fold(ROOM_BESIDE, u64::saturating_add)
}

/// Files that may be open at once: an old and a new connection of every client, and the daemon's own.
fn files_for(enrolled: u64) -> u64 {
    enrolled.saturating_mul(2).saturating_add(OWN_FILES)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolled::{DAY, Federation, now};

    /// What was found of one cause, in its order.
    fn outcomes(found: &Findings, cause: Cause) -> Vec<Outcome> {
        found.lines().iter().filter(|line| line.cause == cause).map(|line| line.outcome).collect()
    }

    #[test]
    fn room_and_files_are_counted_for_every_plan_and_client() {
        let federation = Federation::new(2);
        let config = federation.settings(|text| text);
        let [plan] = Opened::open(&config, now())
            .map_err(|faults| faults.to_string())
            .unwrap()
            .report()
            .plans
            .try_into()
            .unwrap();
        let plan = |parameters, rounds, upload_bytes| PlanReport { parameters, rounds, upload_bytes, ..plan.clone() };
        let beside = 64 << 20;
        assert_eq!(room_for(&[], 9), beside);
        assert_eq!(room_for(&[plan(10, 3, 7)], 9), beside + 10 * 4 * 7 + 7 * 9);
        assert_eq!(room_for(&[plan(10, 3, 7), plan(1, 0, 0)], 9), beside + 280 + 63 + 16);
        assert_eq!(room_for(&[plan(usize::MAX, 3, 7)], 9), u64::MAX);
        assert_eq!([0, 9, u64::MAX].map(files_for), [64, 82, u64::MAX]);
    }

    #[test]
    fn everything_that_the_daemon_needs_is_tried() {
        let federation = Federation::new(2);
        let config = federation.settings(|text| text);
        let found = preflight(&config, now()).map_err(|faults| faults.to_string()).unwrap();
        assert_eq!(outcomes(&found, Cause::Files), [Outcome::Ok]);
        let files = &found.lines()[0].seen;
        assert_eq!(files, "spiffe://federation.example/centre/coordinator/main, roster 1 of 2 clients");
        for (cause, expected) in [
            (Cause::Disk, vec![Outcome::Ok]),
            (Cause::Port, vec![Outcome::Ok, Outcome::Warning]),
            (Cause::Certificate, vec![]),
            (Cause::AuditSink, vec![]),
        ] {
            assert_eq!(outcomes(&found, cause), expected, "{found}");
        }
        assert_eq!(outcomes(&found, Cause::System).len(), 3, "open files, buffers and a runtime: {found}");
        // A copy on the same disk, a certificate that ends soon, and a port that somebody has.
        let federation = Federation::aged(2, now() - 28 * DAY, now());
        let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let listen = format!("listen = \"{}\"", taken.local_addr().unwrap());
        let config = federation.settings(|text| {
            let text = text.replace("listen = \"127.0.0.1:0\"", &listen);
            text.replace("[plan]\n", "[audit.sink]\nfile = \"copy.log\"\n[plan]\n")
        });
        let found = preflight(&config, now()).map_err(|faults| faults.to_string()).unwrap();
        assert_eq!(outcomes(&found, Cause::Certificate), [Outcome::Warning], "{found}");
        assert_eq!(outcomes(&found, Cause::AuditSink), [Outcome::Warning], "{found}");
        assert_eq!(outcomes(&found, Cause::Port), [Outcome::Fault], "{found}");
        let port = found.lines().iter().find(|line| line.cause == Cause::Port).unwrap();
        assert!(port.means.contains("a coordinator that runs now has it"), "{found}");
        // An address of another machine is no port in use.
        let elsewhere = federation.settings(|text| text.replace("127.0.0.1:0", "192.0.2.1:7"));
        let found = preflight(&elsewhere, now()).map_err(|faults| faults.to_string()).unwrap();
        let port = found.lines().iter().find(|line| line.cause == Cause::Port).unwrap();
        assert_eq!((port.outcome, port.means.as_str()), (Outcome::Fault, "no client could connect"), "{found}");
    }
}

//! What a preflight finds of the second copy of the journal: whether it would be taken, and whether it is elsewhere at all.

use std::path::Path;

use tributary_transport::preflight::{Cause, Findings, Outcome};

use super::ways::way_of;
use crate::settings::{SinkSettings, SinkWay};

/// Tries the way without an entry: a receiver proves itself and ends the connection as it should; a file is opened and synced.
pub(crate) fn preflight(found: &mut Findings, settings: &SinkSettings, state_dir: &Path) {
    let mut way = way_of(&settings.way);
    let tried = format!("trying the second copy of audit.log: {}", way.target());
    if let Err(fault) = way.deliver(&[]) {
        let (means, ask) = (
            "entries would wait, and no round would begin when it lags too far",
            "whoever runs the receiver, or the disk",
        );
        return found.bad(Cause::AuditSink, Outcome::Fault, [&tried, &fault.to_string(), means, ask]);
    }
    let beside = match &settings.way {
        SinkWay::File(path) => is_on_one_disk(path, state_dir),
        SinkWay::Syslog(_) => false,
    };
    if beside {
        let seen = "it is on the disk of the state folder";
        let means = "whoever loses the disk, or can write to it, loses or changes both copies";
        let ask = "whoever runs this machine: a file on another disk, or a receiver on another machine";
        return found.bad(Cause::AuditSink, Outcome::Warning, [&tried, seen, means, ask]);
    }
    found.good(Cause::AuditSink, &tried, "it would be taken");
}

#[cfg(unix)]
fn is_on_one_disk(file: &Path, state_dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| path.metadata().ok().map(|metadata| metadata.dev());
    device(file).is_some() && device(file) == device(state_dir)
}

/// Nobody says so outside Unix.
#[cfg(not(unix))]
fn is_on_one_disk(_: &Path, _: &Path) -> bool {
    false
}

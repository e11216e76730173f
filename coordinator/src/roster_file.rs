//! The roster's file while the coordinator runs: whoever has the roster signed again puts it there, and nobody restarts anything.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tributary_certs::clock::unix_seconds;
use tributary_certs::roster::{RosterAuthorities, RosterFileError, read_roster};
use tributary_protocol::roster::{RosterHead, SignedRoster, Succession};
use tributary_protocol::round::Input;
use tributary_transport::Pulse;
use tributary_transport::identity::stamp;

use crate::connections::{Arrival, Door};
use crate::keyring::{RELOAD_SECONDS, WATCH_EVERY};

/// The file, whom its signatures must come from, and what was read of it last.
pub(crate) struct RosterFile {
    path: PathBuf,
    authorities: RosterAuthorities,
    stamp: Option<(SystemTime, u64)>,
    head: RosterHead,
}

impl RosterFile {
    /// Reads the roster, and verifies its signatures. A federation begins without the file: its members enrol first, and the roster is signed
    /// then.
    ///
    /// # Errors
    /// [`RosterFileError`].
    pub(crate) fn open(path: PathBuf, authorities: RosterAuthorities) -> Result<(Self, SignedRoster), RosterFileError> {
        let stamp = stamp(&path);
        let absent = path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let roster = if absent { SignedRoster::none() } else { read_roster(&path, &authorities)? };
        Ok((Self { path, authorities, stamp, head: roster.roster.head() }, roster))
    }

    /// Where it is, or will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Follows the file for as long as it is polled: every newer roster goes to the machine, which adopts it between two rounds. Whoever is not in
    /// it is out at once.
    pub(crate) async fn watch(mut self, door: Arc<Door>, inputs: mpsc::Sender<Arrival>, pulse: Pulse) {
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        let mut again = None;
        loop {
            ticks.tick().await;
            pulse.beat();
            let stamp = stamp(&self.path);
            let now = unix_seconds();
            if stamp == self.stamp && again.is_none_or(|again| now < again) {
                continue;
            }
            self.stamp = stamp;
            let read = self.read();
            again = read.is_err().then(|| now + RELOAD_SECONDS);
            let Ok(Some(roster)) = read else { continue };
            door.announce(&roster.roster);
            if inputs.send(Arrival::Input(Input::Roster(Box::new(roster)))).await.is_err() {
                pulse.rest();
                return;
            }
        }
    }

    /// The roster, if it is another one and newer.
    ///
    /// # Errors
    /// Told in the log already.
    fn read(&mut self) -> Result<Option<SignedRoster>, RosterFileError> {
        let read = read_roster(&self.path, &self.authorities).and_then(|roster| {
            let succession = roster.roster.follows(&self.head)?;
            Ok((roster, succession))
        });
        match read {
            Ok((_, Succession::Same)) => Ok(None),
            Ok((roster, succession)) => {
                self.head = roster.roster.head();
                let missing = if let Succession::Skipped { missing } = succession { missing } else { 0 };
                tracing::info!(
                    epoch = self.head.epoch,
                    missing,
                    "a newer roster is here; it counts from the next round on"
                );
                Ok(Some(roster))
            }
            Err(fault) => {
                tracing::error!(%fault, "the changed roster cannot be used; the one before it stays in force");
                Err(fault)
            }
        }
    }
}

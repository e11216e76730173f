//! The roster's file while the coordinator runs: whoever has the roster signed again puts it there, and nobody restarts anything.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tributary_certs::clock::unix_seconds;
use tributary_certs::roster::{RosterAuthorities, RosterFileError, read_roster};
use tributary_daemon::Pulse;
use tributary_protocol::roster::{RosterHead, SignedRoster, Succession};
use tributary_transport::identity::stamp;

use crate::connections::{Arrival, Door};
use crate::federation::keyring::WATCH_EVERY;
use crate::federation::rereading::Rereading;

/// The file, whom its signatures must come from, and what was read of it last.
pub(crate) struct RosterFile {
    path: PathBuf,
    authorities: RosterAuthorities,
    rereading: Rereading<Option<(SystemTime, u64)>>,
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
        let rereading = Rereading::of(stamp);
        Ok((Self { path, authorities, rereading, head: roster.roster.head() }, roster))
    }

    /// Where it is, or will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Follows the file for as long as it is polled: every newer roster goes to the machine, which adopts it between two rounds. Whoever is not in
    /// it is out at once.
    pub(crate) async fn watch(mut self, door: Arc<Door>, inputs: mpsc::Sender<Arrival>, pulse: Pulse) {
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        loop {
            ticks.tick().await;
            pulse.beat();
            let Some(roster) = self.look(unix_seconds()) else { continue };
            door.announce(&roster.roster);
            if inputs.send(Arrival::Roster(Box::new(roster))).await.is_err() {
                pulse.rest();
                return;
            }
        }
    }

    /// A newer roster, if the file has one since the last look; `now` is in Unix seconds.
    fn look(&mut self, now: u64) -> Option<SignedRoster> {
        if !self.rereading.is_due(stamp(&self.path), now) {
            return None;
        }
        let read = self.read();
        self.rereading.ended(read.is_ok(), now);
        read.ok().flatten()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use tributary_certs::ceremony::sign_roster;
    use tributary_certs::enrolment::{init_authority, issue_client, names};
    use tributary_certs::identity::TrustDomain;

    const NOW: u64 = 1_900_000_000;

    /// The file becomes readable without a new stamp, as after a disk's fault: it is read half a minute after the try that failed.
    #[test]
    fn a_roster_that_could_not_be_read_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        let authorities = init_authority(&ca, &TrustDomain::parse("bank.example").unwrap(), 1, 1, NOW).unwrap();
        issue_client(&ca, "north-bank", "branch-1", &folder.path().join("branch-1"), NOW).unwrap();
        sign_roster(&ca).unwrap();
        let good = fs::read(ca.join(names::ROSTER)).unwrap();
        let path = folder.path().join("roster");
        let (mut file, first) = RosterFile::open(path.clone(), authorities).unwrap();
        assert!(first.roster.entries().is_empty() && file.look(NOW).is_none());
        fs::write(&path, vec![b'?'; good.len()]).unwrap();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(file.look(NOW).is_none());
        fs::write(&path, &good).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
        assert!(file.look(NOW + 29).is_none());
        assert_eq!(file.look(NOW + 30).unwrap().roster.entries().len(), 1);
        assert!(file.look(NOW + 60).is_none(), "it was read");
    }

    /// The next one in the row is taken, and one after a gap; an older one, or another of the same number, changes nothing.
    #[test]
    fn a_roster_is_taken_where_it_goes_on_from_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        let authorities = init_authority(&ca, &TrustDomain::parse("bank.example").unwrap(), 1, 1, NOW).unwrap();
        let mut texts = Vec::new();
        for number in 1..=4 {
            let own = folder.path().join(format!("branch-{number}"));
            issue_client(&ca, "north-bank", &format!("branch-{number}"), &own, NOW).unwrap();
            sign_roster(&ca).unwrap();
            texts.push(fs::read(ca.join(names::ROSTER)).unwrap());
        }
        let path = folder.path().join("roster");
        let put = |number: usize| {
            fs::write(&path, &texts[number - 1]).unwrap();
            // Another stamp each time, whatever the clock's steps are.
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(NOW + u64::try_from(number).unwrap());
            File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        put(1);
        let (mut file, first) = RosterFile::open(path.clone(), authorities).unwrap();
        assert_eq!((first.roster.epoch(), file.path()), (1, path.as_path()));
        assert!(file.look(NOW).is_none(), "nothing has changed");
        let epoch = |found: Option<SignedRoster>| found.map(|roster| roster.roster.epoch());
        put(2);
        assert_eq!(epoch(file.look(NOW)), Some(2));
        put(4);
        assert_eq!(epoch(file.look(NOW)), Some(4), "somebody has not seen the third one");
        put(3);
        assert_eq!(epoch(file.look(NOW)), None, "an older one was put back");
        assert_eq!(file.head.epoch, 4);
        put(4);
        assert_eq!(epoch(file.look(NOW)), None, "the same");
        // A file that is there and is none is no federation without members.
        fs::write(&path, "nothing").unwrap();
        let authorities = RosterAuthorities::read(&ca.join(names::AUTHORITIES)).unwrap();
        assert!(RosterFile::open(path, authorities).is_err());
    }
}

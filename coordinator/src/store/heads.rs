//! The newest budget head of every client, over all plans: a journal in a folder of its own, beside the state folder of any one plan.
//!
//! Each head is appended as it comes and synced before anybody relies on it. When the file holds many more entries than there are clients it
//! is written anew beside its name and takes the place of the old one, so that a crash leaves the one or the other.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::state::{StateFault, judge_state, open_folder};
use tributary_protocol::budget::{Heads, Kept};
use tributary_protocol::log::LedgerId;
use tributary_protocol::time::Millis;
use tributary_storage::files::rename;
use tributary_storage::journal::Journal;

use super::error::StoreError;

/// Entries beyond those that are needed, before the file is written anew: so many for each that is needed, and so many beside. An entry names every run
/// that was charged, so a file of many old ones would make each start slower.
const STALE_EACH: usize = 4;
const STALE_MORE: usize = 256;

const FILE: &str = "budgets.ledger";
const FRESH: &str = "budgets.fresh";

/// Judges the folder and the file, and makes nothing.
///
/// # Errors
/// [`StateFault`].
pub(super) fn judge(folder: &Path) -> Result<(), StateFault> {
    judge_state(folder, &[FILE])
}

/// The open file.
pub(crate) struct HeadsFile {
    folder: PathBuf,
    journal: Journal<Kept>,
    heads: Heads,
    entries: usize,
}

impl HeadsFile {
    /// Opens or makes the folder and the file.
    ///
    /// # Errors
    /// [`StoreError`] if others may use it, another process has it, or it is damaged.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        open_folder(folder, &[FILE])?;
        let (journal, recorded) = Journal::open(&folder.join(FILE), LedgerId::ADMINISTRATION)?;
        if let Some(torn) = journal.torn() {
            tracing::warn!("{torn}");
        }
        let heads = Heads::replay(recorded.iter().map(|recorded| &recorded.event));
        Ok(Self { folder: folder.to_path_buf(), journal, heads, entries: recorded.len() })
    }

    /// What is kept.
    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }

    /// Appends one more entry; durable after [`HeadsFile::sync`].
    ///
    /// # Errors
    /// [`StoreError`]; the caller must end the process.
    pub(crate) fn keep(&mut self, at: Millis, kept: Kept) -> Result<(), StoreError> {
        self.heads.apply(&kept);
        self.journal.append(at, kept)?;
        self.entries += 1;
        if self.entries > (1 + STALE_EACH) * self.heads.count() + STALE_MORE {
            self.renew(at)?;
        }
        Ok(())
    }

    /// Makes everything kept durable.
    ///
    /// # Errors
    /// [`StoreError`]; the caller must end the process.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        Ok(self.journal.sync()?)
    }

    /// Writes what is needed into a new file, and puts that in the place of the old one.
    fn renew(&mut self, at: Millis) -> Result<(), StoreError> {
        let (path, fresh) = (self.folder.join(FILE), self.folder.join(FRESH));
        let system = |action, path: &Path| {
            let path = path.to_path_buf();
            move |fault| StoreError::System { action, path, fault }
        };
        // What an interrupted attempt left.
        if fresh.exists() {
            fs::remove_file(&fresh).map_err(system("removing", &fresh))?;
        }
        let (mut journal, _) = Journal::open(&fresh, LedgerId::ADMINISTRATION)?;
        let mut entries = 0;
        for kept in self.heads.compact() {
            journal.append(at, kept)?;
            entries += 1;
        }
        journal.sync()?;
        let renamed = rename(&fresh, &path);
        // From here on that is the file, whether its name is there for good or not.
        (self.journal, self.entries) = (journal, entries);
        Ok(renamed?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tributary_protocol::budget::BudgetHead;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::ids::{ClientId, OrganisationId};
    use tributary_protocol::limits::{ROSTER_ENTRIES_MAX, ROSTER_GROUP_MEMBERS_MAX};
    use tributary_protocol::plan::RunRef;
    use tributary_protocol::roster::{MemberName, Roster, RosterEntry, RosterGroup, SignedRoster};
    use tributary_protocol::round::cast;
    use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
    use tributary_storage::faults::each_fault;
    use tributary_storage::journal::JournalError;

    use super::*;

    fn head(client: u32, counter: u64) -> Kept {
        Kept::Head(Box::new(head_of(client, counter)))
    }

    /// What a client says that it has spent, signed by nobody.
    pub(crate) fn head_of(client: u32, counter: u64) -> BudgetHead {
        let (owner, signature) = (VerifyingKey::ed25519([5; 32]), Signature::ed25519([6; 64]));
        let run = RunRef { plan: Digest([4; 32]), number: 1 };
        BudgetHead { counter, owner, signature, ..cast::head(ClientId(client), run) }
    }

    fn counters(file: &HeadsFile) -> Vec<Option<u64>> {
        (1..=3).map(|client| file.heads().newest(ClientId(client)).map(|head| head.counter)).collect()
    }

    /// The largest roster that there may be is an entry of the file.
    #[test]
    fn the_largest_roster_is_kept() {
        let clients =
            || (1..=u32::try_from(ROSTER_ENTRIES_MAX).unwrap()).map(|number| ClientId(u32::MAX - 20_000 + number));
        let entry = |client: ClientId| RosterEntry {
            client,
            name: MemberName::new(&"o".repeat(63), &format!("{:063}", client.0)).unwrap(),
            organisation: OrganisationId(u32::MAX),
            signing_key: VerifyingKey::ed25519(Digest::of(&client.0.to_le_bytes()).0),
            tls_spki_sha256: Digest::of(&client.0.to_be_bytes()),
            not_after: u64::MAX,
        };
        let groups = ROSTER_GROUP_MEMBERS_MAX / ROSTER_ENTRIES_MAX;
        let groups =
            (0..groups).map(|number| RosterGroup { name: format!("{number:064}"), members: clients().collect() });
        let roster =
            Roster::new(1, Digest::ZERO, clients().map(entry).collect(), groups.collect(), Vec::new()).unwrap();
        let roster = SignedRoster { roster, signatures: Vec::new() };
        let folder = tempfile::tempdir().unwrap();
        let mut file = HeadsFile::open(&folder.path().join("heads")).unwrap();
        file.keep(Millis(0), Kept::Roster(Box::new(roster))).unwrap();
        file.keep(Millis(0), head(1, 1)).unwrap();
        drop(file);
        let file = HeadsFile::open(&folder.path().join("heads")).unwrap();
        assert!(file.heads().has_roster(1) && counters(&file)[0] == Some(1));
        assert!(
            std::fs::metadata(folder.path().join("heads").join(FILE)).unwrap().len() > 1 << 20,
            "it is a large one"
        );
    }

    /// Four old entries for each client, and so many beside: then the file is written anew.
    #[test]
    fn the_file_is_written_anew_one_entry_beyond_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = HeadsFile::open(&folder.path().join("heads")).unwrap();
        file.keep(Millis(0), head(2, 1)).unwrap();
        let limit = 5 * 2 + 256;
        for counter in 1..limit as u64 {
            file.keep(Millis(0), head(1, counter)).unwrap();
        }
        assert_eq!((file.entries, file.heads().count()), (limit, 2));
        file.keep(Millis(0), head(1, 9_999)).unwrap();
        assert_eq!((file.entries, counters(&file)), (2, vec![Some(9_999), Some(1), None]));
        assert!(!folder.path().join("heads").join(FRESH).exists());
        // What comes after that is in the new file.
        file.keep(Millis(0), head(3, 7)).unwrap();
        file.sync().unwrap();
        drop(file);
        let file = HeadsFile::open(&folder.path().join("heads")).unwrap();
        assert_eq!((file.entries, counters(&file)), (3, vec![Some(9_999), Some(1), Some(7)]));
    }

    /// A coordinator whose disk is full ends, and its next start finds every head that somebody relied on: also where the file was being written anew.
    #[test]
    fn no_head_is_lost_where_the_disk_fails() {
        let failed = each_fault(|fault| {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("heads");
            let keeps = |counters: std::ops::Range<u64>| {
                let mut file = HeadsFile::open(&folder)?;
                counters.into_iter().try_for_each(|counter| file.keep(Millis(0), head(1, counter)))?;
                file.sync()
            };
            // The file is written anew after so many.
            assert_eq!(fault.during(|| keeps(1..300)).is_err(), fault.struck());
            let before = counters(&HeadsFile::open(&folder).unwrap())[0];
            assert!(fault.struck() || before == Some(299));
            keeps(before.unwrap_or(0) + 1..before.unwrap_or(0) + 2).unwrap();
            assert_eq!(counters(&HeadsFile::open(&folder).unwrap())[0], Some(before.unwrap_or(0) + 1));
        });
        // Folder, file and name; the new one, and its name; the last entries.
        assert_eq!(failed, 3 + 3 + 1 + 1);
    }

    #[test]
    fn the_newest_of_each_is_there_again_and_the_file_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("heads");
        let mut file = HeadsFile::open(&folder).unwrap();
        assert!(matches!(HeadsFile::open(&folder), Err(StoreError::Heads(JournalError::Locked(_)))));
        for counter in 1..=3000 {
            file.keep(Millis(0), head(1, counter)).unwrap();
            file.keep(Millis(0), head(2, 2 * counter)).unwrap();
        }
        file.sync().unwrap();
        assert_eq!(counters(&file), [Some(3000), Some(6000), None]);
        let recorded = file.entries;
        assert!(recorded <= 266, "{recorded}: it was written anew");
        drop(file);
        // What an interrupted attempt to write it anew left does no harm.
        std::fs::write(folder.join(FRESH), b"half").unwrap();
        let mut file = HeadsFile::open(&folder).unwrap();
        assert_eq!((counters(&file), file.entries), (vec![Some(3000), Some(6000), None], recorded));
        for counter in 1..=5000 {
            file.keep(Millis(0), head(3, counter)).unwrap();
        }
        drop(file);
        assert_eq!(counters(&HeadsFile::open(&folder).unwrap()), [Some(3000), Some(6000), Some(5000)]);
    }
}

//! Folders of the state into which people carry files: each file is handed on once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tributary_storage::files::FileError;

use crate::connections::Arrival;

/// How often such a folder is looked into.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Files that one look reads, at most: a folder with more has others' files in it.
const FILES_MAX: usize = 10_000;
/// When a file that the system did not let this process read is tried again.
pub(crate) const AGAIN_SECONDS: u64 = 30;

/// A folder, and what was handed on of it.
pub(crate) struct Inbox {
    folder: PathBuf,
    extension: &'static str,
    seen: BTreeSet<OsString>,
    /// Files that could not be read, what was said of each, and the Unix second from which it is tried again.
    later: BTreeMap<OsString, (String, u64)>,
}

impl Inbox {
    pub(crate) fn of(folder: PathBuf, extension: &'static str) -> Self {
        Self { folder, extension, seen: BTreeSet::new(), later: BTreeMap::new() }
    }

    /// What has come since the last look, read. A file that is something else is named once, and left. One that could not be read is tried
    /// again, because it may be whole: a disk was full, too many files were open, or another user put it here and the operator mends that.
    pub(crate) fn new_ones<T>(&mut self, now: u64, read: impl Fn(&Path) -> Result<T, FileError>) -> Vec<T> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let is_named = |name: &OsString| Path::new(name).extension().is_some_and(|found| found == self.extension);
        let names: BTreeSet<OsString> = entries.flatten().map(|entry| entry.file_name()).filter(is_named).collect();
        self.later.retain(|name, _| names.contains(name));
        let is_due =
            |name: &OsString| !self.seen.contains(name) && self.later.get(name).is_none_or(|(_, again)| *again <= now);
        let fresh: Vec<OsString> = names.into_iter().filter(is_due).take(FILES_MAX).collect();
        let mut found = Vec::new();
        for name in fresh {
            match read(&self.folder.join(&name)) {
                Ok(one) => found.push(one),
                Err(fault) if may_be_mended(&fault) => {
                    let fault = fault.to_string();
                    if self.later.get(&name).is_none_or(|(said, _)| *said != fault) {
                        tracing::error!(
                            fault,
                            "a file that was carried here could not be read; it is tried again every {AGAIN_SECONDS} seconds"
                        );
                    }
                    self.later.insert(name, (fault, now.saturating_add(AGAIN_SECONDS)));
                    continue;
                }
                Err(fault) => {
                    tracing::error!(%fault, "a file that was carried here is not what it should be, and changes nothing")
                }
            }
            self.later.remove(&name);
            self.seen.insert(name);
        }
        found
    }
}

/// Whether a file may be whole, and only this process was not let to it, or must not believe who put it there.
const fn may_be_mended(fault: &FileError) -> bool {
    matches!(fault, FileError::System { .. } | FileError::NotOwn { .. } | FileError::OpenFolder { .. })
}

/// Hands on what has come, for as long as this is polled.
pub(crate) async fn follow<I: IntoIterator<Item = Arrival>>(
    mut look: impl FnMut() -> I,
    inputs: mpsc::Sender<Arrival>,
) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        for arrival in look() {
            if inputs.send(arrival).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_tried_again_and_what_is_none_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name);
        for file in ["a.order", "b.order", "c.txt"] {
            std::fs::write(name(file), "x").unwrap();
        }
        let mut inbox = Inbox::of(folder.path().to_path_buf(), "order");
        let refuses = |path: &Path| -> Result<u8, FileError> {
            match path == name("a.order") {
                true => Err(FileError::System {
                    action: "reading",
                    path: path.into(),
                    source: std::io::ErrorKind::Other.into(),
                }),
                false => Err(FileError::content(path, "order")),
            }
        };
        assert!(inbox.new_ones(1_000, refuses).is_empty());
        let reads = |path: &Path| Ok(path.to_path_buf());
        assert!(inbox.new_ones(1_000 + AGAIN_SECONDS - 1, reads).is_empty(), "not yet");
        assert_eq!(inbox.new_ones(1_000 + AGAIN_SECONDS, reads), [name("a.order")]);
        assert!(inbox.new_ones(u64::MAX, reads).is_empty(), "once");
    }

    /// A file that could not be read was taken away, and comes back: it is another one.
    #[test]
    fn a_file_that_was_taken_away_is_read_as_soon_as_it_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.order");
        std::fs::write(&file, "x").unwrap();
        let mut inbox = Inbox::of(folder.path().to_path_buf(), "order");
        let refuses = |path: &Path| -> Result<u8, FileError> {
            Err(FileError::System { action: "reading", path: path.into(), source: std::io::ErrorKind::Other.into() })
        };
        assert!(inbox.new_ones(1_000, refuses).is_empty());
        std::fs::remove_file(&file).unwrap();
        assert!(inbox.new_ones(1_001, |_| Ok(7)).is_empty());
        std::fs::write(&file, "y").unwrap();
        assert_eq!(inbox.new_ones(1_002, |_| Ok(7)), [7]);
    }

    /// Whoever carries a file here as another user, and mends that, need not know that the daemon has seen it already.
    #[test]
    fn a_file_of_another_user_counts_as_soon_as_that_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.withdrawal");
        std::fs::write(&file, "x").unwrap();
        let mut inbox = Inbox::of(folder.path().to_path_buf(), "withdrawal");
        let refuses = |path: &Path| -> Result<u8, FileError> {
            Err(FileError::NotOwn {
                path: path.to_owned(),
                what: "others may change it, or it belongs to somebody else",
            })
        };
        assert!(inbox.new_ones(1_000, refuses).is_empty());
        assert_eq!(inbox.new_ones(1_000 + AGAIN_SECONDS, |_| Ok(7)), [7]);
        assert!(inbox.new_ones(u64::MAX, |_| Ok(7)).is_empty(), "once");
    }

    #[test]
    fn a_file_that_is_none_is_left_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a.order", "b.order"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        let mut inbox = Inbox::of(folder.path().to_path_buf(), "order");
        let reads = |path: &Path| match path.ends_with("a.order") {
            true => Err(FileError::content(path, "order")),
            false => Ok(7),
        };
        let (found, told) = crate::log::logged(|| inbox.new_ones(1_000, reads));
        assert_eq!(found, [7]);
        assert_eq!(told.matches("is not what it should be, and changes nothing").count(), 1, "{told}");
        assert!(inbox.new_ones(1_000 + 10 * AGAIN_SECONDS, |_| Ok(8)).is_empty(), "it is seen");
    }

    /// What could not be read is said once, and again where the reason is another one.
    #[test]
    fn a_fault_is_told_as_long_as_it_is_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.order"), "x").unwrap();
        let mut inbox = Inbox::of(folder.path().to_path_buf(), "order");
        let mut look = |at: u64, action: &'static str| {
            let refuses = |path: &Path| -> Result<u8, FileError> {
                Err(FileError::System { action, path: path.into(), source: std::io::ErrorKind::Other.into() })
            };
            let (found, told) = crate::log::logged(|| inbox.new_ones(at, refuses));
            assert!(found.is_empty());
            told.matches("it is tried again every 30 seconds").count()
        };
        let looks =
            [(1_000, "reading"), (1_029, "reading"), (1_030, "reading"), (1_060, "opening"), (1_090, "opening")];
        assert_eq!(looks.map(|(at, action)| look(at, action)), [1, 0, 0, 1, 0]);
    }

    /// A folder with too many files is read in several looks.
    #[test]
    fn one_look_reads_so_many_files_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=FILES_MAX {
            std::fs::File::create(folder.path().join(format!("{number}.order"))).unwrap();
        }
        let mut inbox = Inbox::of(folder.path().to_path_buf(), "order");
        let looks = [1_000, 1_001, 1_002].map(|at| inbox.new_ones(at, |_| Ok(())).len());
        assert_eq!(looks, [10_000, 1, 0]);
    }

    #[test]
    fn everything_that_came_is_handed_on_as_long_as_somebody_listens() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (inputs, mut arrivals) = mpsc::channel(3);
            let lists = |number: u8| Arrival::Lists(vec![number]);
            let mut come = [vec![lists(1), lists(2)], Vec::new(), vec![lists(3)], vec![lists(4)]].into_iter();
            let follows = tokio::spawn(follow(move || come.next().unwrap_or_default(), inputs));
            for expected in 1..=3 {
                let Some(Arrival::Lists(found)) = arrivals.recv().await else { panic!("another arrival") };
                assert_eq!(found, [expected]);
            }
            drop(arrivals);
            tokio::time::timeout(Duration::from_secs(60), follows).await.expect("it ends").unwrap();
        });
    }
}

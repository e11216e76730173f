//! A medium of this thread that fails, or keeps no modes: for the tests of every crate that writes through this one.
//!
//! What is asked of the medium is counted and answered for one thread alone, so that tests beside each other do not meet. Production never has this
//! module: it needs the feature `faults`.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

thread_local! {
    static MODE: Cell<Option<u32>> = const { Cell::new(None) };
    static FAILS: Cell<Option<usize>> = const { Cell::new(None) };
    static SYNCED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static FAILED: RefCell<Option<File>> = const { RefCell::new(None) };
    static LOCKING: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    static LOCKS: Cell<bool> = const { Cell::new(true) };
}

/// One fault: the sync of one number fails, of those that some work asks for.
pub struct Fault {
    number: usize,
    asked: Cell<usize>,
}

impl Fault {
    /// Does some work on the medium with this fault. Once for each fault.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let (done, synced) = synced(Some(self.number), work);
        self.asked.set(synced.len());
        done
    }

    /// Whether the work came as far as the fault.
    #[must_use]
    pub fn struck(&self) -> bool {
        self.asked.get() >= self.number
    }
}

/// Takes a turn with the first sync failing, then one with the second, until a turn asks for less. How many syncs failed.
pub fn each_fault(mut turn: impl FnMut(&Fault)) -> usize {
    let mut failed = 0;
    loop {
        let fault = Fault { number: failed + 1, asked: Cell::new(0) };
        turn(&fault);
        if !fault.struck() {
            return failed;
        }
        failed += 1;
    }
}

/// Does some work in a new world for each sync that it asks for, and that sync fails: the work says so, and done again in the same world, as a person does
/// it after making room, it goes well. A folder that could not be synced is synced then, if it is still there: what the first attempt has named in it is not
/// called done because it is there. How many syncs failed.
///
/// # Panics
/// If a failure is passed over in silence, or leaves something that stops the second attempt, or that it takes for durable.
pub fn each_sync_fails_once<W, T, E: std::fmt::Debug>(
    world: impl Fn() -> W,
    work: impl Fn(&W) -> Result<T, E>,
) -> usize {
    each_fault(|fault| fails_once(fault, &world(), &work, false))
}

/// The same of what may be lost, because each later start looks at it again and makes it anew: what the second attempt finds there it need not sync.
///
/// # Panics
/// If a failure is passed over in silence, or leaves something that stops the second attempt.
pub fn each_sync_fails_once_and_heals<W, T, E: std::fmt::Debug>(
    world: impl Fn() -> W,
    work: impl Fn(&W) -> Result<T, E>,
) -> usize {
    each_fault(|fault| fails_once(fault, &world(), &work, true))
}

fn fails_once<W, T, E: std::fmt::Debug>(fault: &Fault, world: &W, work: &impl Fn(&W) -> Result<T, E>, heals: bool) {
    let (done, number) = (fault.during(|| work(world)), fault.number);
    let Err(told) = done else {
        assert!(!fault.struck(), "sync {number} failed, and nothing was said");
        return;
    };
    assert!(fault.struck(), "none of {} syncs failed, but: {told:?}", number - 1);
    let folder = FAILED.take();
    let (again, synced) = synced(None, || work(world));
    if let Err(told) = again {
        panic!("after sync {number} failed it cannot be done again: {told:?}");
    }
    let folder = folder.map(|folder| folder.metadata().expect("it is open"));
    let passed_over = folder.filter(|folder| folder.nlink() > 0 && !synced.contains(&folder.ino()));
    assert!(heals || passed_over.is_none(), "the folder of sync {number} was not synced again");
}

/// What was synced by some work, in its order. The sync of one number fails, from 1.
pub fn synced<T>(fails: Option<usize>, work: impl FnOnce() -> T) -> (T, Vec<u64>) {
    SYNCED.take();
    FAILS.set(fails);
    let done = work();
    FAILS.set(None);
    (done, SYNCED.take())
}

/// How a file or a folder is named in [`synced`].
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn number(path: &Path) -> u64 {
    std::fs::metadata(path).expect("is there").ino()
}

/// Some work on a medium that has no locks.
pub fn without_locks<T>(work: impl FnOnce() -> T) -> T {
    LOCKS.set(false);
    let done = work();
    LOCKS.set(true);
    done
}

/// Some work on a medium, with a look at it right before each lock.
pub fn before_locks<T>(look: impl Fn() + 'static, work: impl FnOnce() -> T) -> T {
    LOCKING.set(Some(Box::new(look)));
    let done = work();
    LOCKING.set(None);
    done
}

/// Some work on a medium whose files have this mode, whatever they are made with.
pub fn with_mode<T>(mode: u32, work: impl FnOnce() -> T) -> T {
    MODE.set(Some(mode));
    let done = work();
    MODE.set(None);
    done
}

pub(crate) fn locking() -> io::Result<()> {
    LOCKING.with_borrow(|look| look.iter().for_each(|look| look()));
    if LOCKS.get() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::Unsupported)) }
}

pub(crate) fn asked(file: &File) -> io::Result<()> {
    SYNCED.with_borrow_mut(|synced| {
        synced.push(file.metadata()?.ino());
        if FAILS.get() != Some(synced.len()) {
            return Ok(());
        }
        // A file may be locked, and would stay so.
        let is_dir = file.metadata()?.is_dir();
        FAILED.set(if is_dir { Some(file.try_clone()?) } else { None });
        Err(io::Error::from(io::ErrorKind::StorageFull))
    })
}

pub(crate) fn mode() -> Option<u32> {
    MODE.get()
}

//! Runs that need nothing of each other, on every core of the machine.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What each of so many tasks gives, in their order. The first fault of one of them, if there is any; tasks that have not begun by then never do.
///
/// # Errors
/// As a task.
pub fn side_by_side<T: Send, E: Send>(tasks: usize, task: impl Fn(usize) -> Result<T, E> + Sync) -> Result<Vec<T>, E> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(tasks);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(tasks)));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= tasks {
                return;
            }
            let given = task(number);
            if given.is_err() {
                next.store(tasks, Ordering::Relaxed);
            }
            done.lock().expect("no task panics while it holds the list").push((number, given));
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        work();
        others.into_iter().for_each(|other| other.join().expect("a task does not panic"));
    });
    let mut done = done.into_inner().expect("no task panics while it holds the list");
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, given)| given).collect()
}

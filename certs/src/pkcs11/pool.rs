//! A few threads that wait for a device, so that nobody else has to wait longer than a deadline.
//!
//! A token's library blocks for as long as it likes. Its calls are made on these threads alone; whoever asks for one waits for the answer, and
//! gives up at the deadline. While every thread is in a call that somebody has given up, whoever asks is refused at once: a token that hangs costs
//! one deadline for each thread, not one for each connection.

use std::collections::VecDeque;
use std::io;
use std::num::{NonZeroU8, NonZeroU16};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long a pool waits for its threads to end when it is dropped, so that they close what they opened. A thread that hangs is left behind.
const FAREWELL: Duration = Duration::from_secs(1);

/// A call, and the handing over of its answer.
type Job<D> = Box<dyn FnOnce(&mut D) + Send>;

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// As many wait as may.
    Busy,
    /// The deadline passed, or would.
    Late,
}

/// Threads, each with a device of its own.
pub(super) struct Pool<D> {
    shared: Arc<Shared<D>>,
}

struct Shared<D> {
    state: Mutex<State<D>>,
    /// There is work, or no more will come.
    work: Condvar,
    /// A thread has ended.
    ended: Condvar,
    threads: usize,
    waiting_max: usize,
}

struct State<D> {
    waiting: VecDeque<Job<D>>,
    /// Threads in a call.
    busy: usize,
    /// Threads that have not ended.
    alive: usize,
    /// A call was given up, and none has ended since.
    late: bool,
    closed: bool,
}

impl<D: Send + 'static> Pool<D> {
    /// Starts the threads.
    pub(super) fn start(threads: NonZeroU8, waiting: NonZeroU16, mut device: impl FnMut() -> D) -> io::Result<Self> {
        let state = State { waiting: VecDeque::new(), busy: 0, alive: 0, late: false, closed: false };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            ended: Condvar::new(),
            threads: usize::from(threads.get()),
            waiting_max: usize::from(waiting.get()),
        });
        // Ends those that were started if another cannot be.
        let pool = Self { shared };
        for number in 1..=threads.get() {
            let (shared, mut device) = (Arc::clone(&pool.shared), device());
            pool.shared.lock().alive += 1;
            let started = thread::Builder::new().name(format!("token-{number}")).spawn(move || {
                shared.work(&mut device);
                // What the device has open is closed before the pool is told.
                drop(device);
                shared.end();
            });
            if let Err(error) = started {
                pool.shared.end();
                return Err(error);
            }
        }
        Ok(pool)
    }

    /// Has a call made on one of the threads, and waits for its answer.
    pub(super) fn call<T: Send + 'static>(
        &self,
        deadline: Duration,
        call: impl FnOnce(&mut D) -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        let (answer, answered) = mpsc::sync_channel(1);
        let expires = Instant::now() + deadline;
        let job = move |device: &mut D| {
            // Nobody waits for it any more: the device's time is for those who do.
            if Instant::now() < expires {
                let _ = answer.send(call(device));
            }
        };
        self.shared.accept(Box::new(job))?;
        answered.recv_timeout(deadline).map_err(|_| {
            self.shared.lock().late = true;
            Unanswered::Late
        })
    }
}

impl<D> Shared<D> {
    fn accept(&self, job: Job<D>) -> Result<(), Unanswered> {
        let mut state = self.lock();
        if state.late && state.busy == self.threads {
            return Err(Unanswered::Late);
        }
        if state.waiting.len() >= self.waiting_max {
            return Err(Unanswered::Busy);
        }
        state.waiting.push_back(job);
        self.work.notify_one();
        Ok(())
    }

    fn work(&self, device: &mut D) {
        while let Some(job) = self.next() {
            job(device);
            let mut state = self.lock();
            state.busy -= 1;
            state.late = false;
        }
    }

    /// The next call, as soon as there is one; `None` once no more will come.
    fn next(&self) -> Option<Job<D>> {
        let idle = |state: &mut State<D>| state.waiting.is_empty() && !state.closed;
        let mut state = self.work.wait_while(self.lock(), idle).expect("nothing panics while it holds the lock");
        if state.closed {
            return None;
        }
        state.busy += 1;
        state.waiting.pop_front()
    }

    fn end(&self) {
        self.lock().alive -= 1;
        self.ended.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

impl<D> Drop for Pool<D> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.work.notify_all();
        let _ = self.shared.ended.wait_timeout_while(state, FAREWELL, |state| state.alive > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const LONG: Duration = Duration::from_secs(60);

    fn pool(threads: u8, waiting: u16) -> Pool<u8> {
        let mut number = 0;
        let device = move || {
            number += 1;
            number
        };
        Pool::start(NonZeroU8::new(threads).unwrap(), NonZeroU16::new(waiting).unwrap(), device).unwrap()
    }

    /// A call that says when it has begun, and ends when it is told to.
    fn held() -> (impl FnOnce(&mut u8) -> u8 + Send + 'static, Receiver<()>, Sender<()>) {
        let ((begin, begun), (end, ended)) = (channel(), channel::<()>());
        let call = move |device: &mut u8| {
            begin.send(()).unwrap();
            let _ = ended.recv();
            *device
        };
        (call, begun, end)
    }

    #[test]
    fn calls_are_made_at_once_on_as_many_threads() {
        let pool = pool(2, 8);
        let ((first, first_begun, first_end), (second, second_begun, second_end)) = (held(), held());
        thread::scope(|scope| {
            let first = scope.spawn(|| pool.call(LONG, first));
            let second = scope.spawn(|| pool.call(LONG, second));
            // Both are under way before either ends.
            first_begun.recv().unwrap();
            second_begun.recv().unwrap();
            drop((first_end, second_end));
            let mut devices = [first.join().unwrap().unwrap(), second.join().unwrap().unwrap()];
            devices.sort_unstable();
            assert_eq!(devices, [1, 2]);
        });
    }

    #[test]
    fn a_device_that_hangs_holds_nobody_and_is_used_again_when_it_is_back() {
        let pool = pool(1, 8);
        let (call, begun, end) = held();
        thread::scope(|scope| {
            let hanging = scope.spawn(|| pool.call(LONG, call));
            begun.recv().unwrap();
            assert_eq!(pool.call(Duration::ZERO, |device| *device), Err(Unanswered::Late));
            // Refused at once, although the deadline is long.
            assert_eq!(pool.call(LONG, |device| *device), Err(Unanswered::Late));
            drop(end);
            assert_eq!(hanging.join().unwrap(), Ok(1));
        });
        // The thread says so just after it has answered.
        while pool.shared.lock().late {
            thread::yield_now();
        }
        assert_eq!(pool.call(LONG, |device| *device), Ok(1));
    }

    #[test]
    fn a_call_that_hangs_stops_nobody_while_another_thread_is_free() {
        let pool = pool(2, 8);
        let (call, begun, end) = held();
        thread::scope(|scope| {
            let hanging = scope.spawn(|| pool.call(LONG, call));
            begun.recv().unwrap();
            pool.shared.lock().late = true;
            assert!(pool.call(LONG, |device| *device).is_ok());
            drop(end);
            hanging.join().unwrap().unwrap();
        });
    }

    #[test]
    fn no_more_wait_than_may_and_those_who_gave_up_cost_nothing() {
        let pool = pool(1, 1);
        let (call, begun, end) = held();
        thread::scope(|scope| {
            let first = scope.spawn(|| pool.call(LONG, call));
            begun.recv().unwrap();
            let (made, never) = channel();
            assert_eq!(pool.call(Duration::ZERO, move |_| made.send(()).unwrap()), Err(Unanswered::Late));
            assert_eq!(pool.shared.lock().waiting.len(), 1);
            pool.shared.lock().late = false;
            assert_eq!(pool.call(LONG, |device| *device), Err(Unanswered::Busy));
            drop(end);
            assert_eq!(first.join().unwrap(), Ok(1));
            assert!(never.recv().is_err(), "the call that was given up is not made");
        });
        assert_eq!(pool.call(LONG, |device| *device), Ok(1));
    }

    #[test]
    fn threads_end_with_their_pool_and_drop_their_devices() {
        struct Device(Sender<()>);
        impl Drop for Device {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (dropped, drops) = channel();
        let (three, one) = (NonZeroU8::new(3).unwrap(), NonZeroU16::MIN);
        let pool = Pool::start(three, one, || Device(dropped.clone())).unwrap();
        let shared = Arc::clone(&pool.shared);
        assert_eq!(shared.lock().alive, 3);
        drop(pool);
        // All of them are there already: dropping the pool waited for them.
        assert_eq!((drops.try_iter().count(), shared.lock().alive), (3, 0));
    }
}

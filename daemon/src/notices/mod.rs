//! Notices for people who are elsewhere: by a program, a mail, a web service or a line of syslog.
//!
//! ```text
//! daemon's loop ─ tell (never waits) ─► queue ─► a thread for each hook: Quiet (once, storms, quiet hours) ─► Hook (bounded) ─► people
//!                                                     └─ notices-HOOK.json in the state folder: what was told, what waits
//! ```
//!
//! What can be told is a [`Notice`], in which there is no number about data and no customer. A hook that hangs or fails disturbs neither the
//! daemon nor another hook.

mod hook;
mod memory;
mod message;
mod notice;
mod quiet;
mod settings;
mod words;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tributary_texts::{Said, preflight as preflight_words};
use tributary_transport::preflight::{Cause, Findings, Outcome};

pub use self::hook::HookFault;
use self::hook::{Hook, TIME_LIMIT, hooks};
use self::memory::MemoryFile;
use self::message::Message;
pub use self::notice::{Notice, Over, RunName, Severity, plan_in_short};
use self::quiet::Quiet;
pub use self::settings::{HostPort, NoticesSettings, Secret, Smtp, SmtpSecurity, SyslogAddress, Trust, Webhook};
pub use self::words::Text;

/// How long a daemon that ends waits for what it has told.
pub const FAREWELL_TIME: Duration = Duration::from_secs(10);

/// What a hook's thread has not heard yet; more is only counted.
const QUEUE_MAX: usize = 64;

/// How often somebody looks at what ends with time.
const LOOK_SECONDS: u64 = 3_600;

/// Longest sleep of a hook's thread: the machine's clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(600);

/// Looks at what ends with time alone; it is given Unix seconds.
pub type Look = Arc<dyn Fn(u64) -> Vec<Notice> + Send + Sync>;

/// By which a daemon tells. Cheap to clone, and never waits.
#[derive(Clone, Default)]
pub struct Notices {
    /// Emptied when the daemon ends.
    queues: Arc<Mutex<Vec<Queue>>>,
}

struct Queue {
    words: SyncSender<Word>,
    /// Words for which there was no room.
    lost: Arc<AtomicU64>,
    /// Completes when the hook's thread has ended.
    ended: Receiver<()>,
}

enum Word {
    Tell(Box<Notice>),
    Over(Over),
}

impl Notices {
    /// Starts a thread for each hook of the settings. What was told before this process is in the state folder.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        settings: &NoticesSettings,
        state_dir: &Path,
        unix_seconds: fn() -> u64,
        look: &Look,
    ) -> std::io::Result<Self> {
        let started = hooks(settings, TIME_LIMIT).into_iter().map(|hook| {
            let memory = MemoryFile::of(state_dir, hook.name());
            let quiet = Quiet::new(settings.quiet, memory.read());
            let source = settings.name.clone();
            let look = Arc::clone(look);
            let worker = Worker { hook, quiet, memory, source, look, looked: None, failing: false, unix_seconds };
            worker.start()
        });
        let queues = started.collect::<std::io::Result<Vec<Queue>>>()?;
        Ok(Self { queues: Arc::new(Mutex::new(queues)) })
    }

    /// Something happened.
    pub fn tell(&self, notice: &Notice) {
        self.send(|| Word::Tell(Box::new(notice.clone())));
    }

    /// Something that may have been told is over.
    pub fn over(&self, over: &Over) {
        self.send(|| Word::Over(over.clone()));
    }

    /// The daemon ends: what waits is told, for as long as this takes at most.
    pub fn finish(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let queues = std::mem::take(&mut *self.queues());
        let ends: Vec<Receiver<()>> = queues.into_iter().map(|queue| queue.ended).collect();
        for ended in ends {
            let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }

    fn send(&self, word: impl Fn() -> Word) {
        for queue in self.queues().iter() {
            if queue.words.try_send(word()).is_err() {
                queue.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn queues(&self) -> MutexGuard<'_, Vec<Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hook's thread.
struct Worker {
    hook: Box<dyn Hook>,
    quiet: Quiet,
    memory: MemoryFile,
    source: String,
    look: Look,
    looked: Option<u64>,
    /// The log was told that the hook fails.
    failing: bool,
    unix_seconds: fn() -> u64,
}

impl Worker {
    fn start(self) -> std::io::Result<Queue> {
        let (words, heard) = sync_channel(QUEUE_MAX);
        let (done, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let name = format!("notices-{}", self.hook.name());
        std::thread::Builder::new().name(name).spawn(move || {
            self.run(&heard, &counted);
            let _ = done.send(());
        })?;
        Ok(Queue { words, lost, ended })
    }

    /// Until the daemon ends, and what may leave then has left.
    fn run(mut self, heard: &Receiver<Word>, lost: &AtomicU64) {
        let mut ended = false;
        while !ended {
            self.look_at_what_ends();
            self.deliver();
            let pause = self.quiet.pause((self.unix_seconds)()).map_or(SLEEP_MAX, Duration::from_secs);
            match heard.recv_timeout(pause.min(SLEEP_MAX)) {
                Ok(word) => self.hear(word),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => ended = true,
            }
            // A storm is heard before anything of it is told.
            heard.try_iter().for_each(|word| self.hear(word));
            self.quiet.lost(lost.swap(0, Ordering::Relaxed));
        }
        self.deliver();
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Tell(notice) => self.quiet.hear(*notice),
            Word::Over(over) => self.quiet.over(&over),
        }
    }

    fn look_at_what_ends(&mut self) {
        let now = (self.unix_seconds)();
        if self.looked.is_none_or(|looked| now.abs_diff(looked) >= LOOK_SECONDS) {
            self.looked = Some(now);
            (self.look)(now).into_iter().for_each(|notice| self.quiet.hear(notice));
        }
    }

    /// Everything that may leave now, and what is remembered of it.
    fn deliver(&mut self) {
        loop {
            self.memory.write(self.quiet.memory());
            let now = (self.unix_seconds)();
            let Some(parcel) = self.quiet.due(now) else { return };
            let (name, target) = (self.hook.name(), self.hook.target());
            match self.hook.deliver(&Message::of(&parcel, &self.source, now)) {
                Ok(()) => {
                    self.quiet.delivered(now, &parcel);
                    if std::mem::take(&mut self.failing) {
                        tracing::info!("notices.{name} ({target}) takes notices again");
                    }
                }
                Err(fault) => {
                    let given_up = self.quiet.failed((self.unix_seconds)());
                    if !std::mem::replace(&mut self.failing, true) {
                        tracing::error!(
                            "notices.{name} ({target}) does not take notices: {fault}. People are not told by it; notices wait, and are \
                             tried again. Mend the hook, and try it with `preflight`"
                        );
                    }
                    if given_up > 0 {
                        tracing::error!(
                            given_up,
                            "notices.{name} ({target}) has not taken notices for two days; they are given up"
                        );
                    }
                }
            }
        }
    }
}

/// Tries each hook of the settings with a message that says so.
pub fn preflight(found: &mut Findings, settings: &NoticesSettings, now: u64) {
    for mut hook in hooks(settings, TIME_LIMIT) {
        let tried = preflight_words::trying_hook(hook.name(), hook.target());
        match hook.deliver(&Message::trial(&settings.name, now)) {
            Ok(()) => found.good(Cause::Notices, &tried, preflight_words::hook_took()),
            Err(fault) => {
                let (means, ask) = (preflight_words::hook_means(), preflight_words::hook_ask());
                found.tell(Cause::Notices, Outcome::Fault, [tried, Said::verbatim(fault), means, ask]);
            }
        }
    }
}

#[cfg(test)]
mod tests;

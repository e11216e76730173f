//! The sink's thread: reads what is durable of the journal, gives it away in order, and keeps what was acknowledged.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::Mark;
use tributary_storage::journal::{Durable, Follower, JournalError, Visit};

use super::Shared;
use super::entry::{Line, line};
use super::place::{Place, PlaceFile};
use super::way::{SinkFault, Way};
use crate::connections::Arrival;
use crate::report::Event;

/// Lines of one delivery, at most. Half as many after each one that failed, and twice as many after each that did not.
const BATCH_MAX: usize = 1_000;
const BATCH_MIN: usize = 16;

/// Between two deliveries: so many entries of a round leave together.
const PACE: Duration = Duration::from_secs(1);

/// The first pause after a delivery that failed, which doubles, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What is read of the journal and was not acknowledged yet, with the chain's digest after each entry.
type Waiting = VecDeque<(Line, Digest)>;

pub(super) struct Worker {
    ledger: PathBuf,
    place: PlaceFile,
    way: Box<dyn Way>,
    enterprise: u32,
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Arrival>,
    unix_millis: fn() -> u64,
    waiting: Waiting,
    batch: usize,
    pause: Duration,
    /// When the next attempt may be.
    next: Instant,
    /// Whether the journal could not be read at the last attempt.
    unreadable: bool,
}

/// Why the journal is not read on.
enum Stop {
    /// Not now: it is tried again.
    Unreadable(String),
    /// What the sink has and what the journal says differ.
    Ends(String),
}

impl From<JournalError> for Stop {
    fn from(fault: JournalError) -> Self {
        match fault {
            JournalError::Io { path, fault } => Self::Unreadable(format!(
                "{} cannot be read: {fault}. Entries wait, and reading is tried again. See that the disk and the folder are there and may be used",
                path.display()
            )),
            fault => Self::Ends(fault.to_string()),
        }
    }
}

impl Worker {
    pub(super) fn new(
        (ledger, place): (PathBuf, PlaceFile),
        (way, enterprise): (Box<dyn Way>, u32),
        (shared, inputs): (Arc<Shared>, mpsc::Sender<Arrival>),
        unix_millis: fn() -> u64,
    ) -> Self {
        let (waiting, batch, pause, next, unreadable) = (Waiting::new(), BATCH_MAX, PAUSE.0, Instant::now(), false);
        Self { ledger, place, way, enterprise, shared, inputs, unix_millis, waiting, batch, pause, next, unreadable }
    }

    /// Until the daemon ends, and what may leave then has left.
    pub(super) fn run(mut self) {
        let mut reading: Option<Follower> = None;
        loop {
            let (durable, ending) = self.wait(reading.as_ref().map(|follower| follower.reader().log().size()));
            match self.go_on(reading.take(), durable) {
                Ok(follower) => reading = Some(follower),
                Err(Stop::Ends(why)) => return self.breaks(why),
                Err(Stop::Unreadable(why)) => self.cannot_read(why),
            }
            if reading.is_some() && !self.waiting.is_empty() {
                self.deliver();
            }
            // Several batches may be left.
            let read = reading.as_ref().is_none_or(|follower| follower.reader().log().size() >= durable.entries);
            if ending && ((read && self.waiting.is_empty()) || self.shared.state().failing.is_some()) {
                return;
            }
        }
    }

    /// Reads on, from the place that was acknowledged where nothing is read yet.
    fn go_on(&mut self, follower: Option<Follower>, durable: Durable) -> Result<Follower, Stop> {
        let mut follower = match follower {
            Some(follower) => follower,
            None => self.begin()?,
        };
        self.read(&mut follower, durable)?;
        if std::mem::take(&mut self.unreadable) && self.waiting.is_empty() {
            let entries = self.shared.state().acknowledged;
            self.recovers(entries);
        }
        Ok(follower)
    }

    /// Reads the journal up to the place that was acknowledged, and compares it.
    fn begin(&mut self) -> Result<Follower, Stop> {
        let durable = self.shared.state().durable;
        let mut follower = Follower::open(&self.ledger, &Mark::start())?;
        let place = self.place.read();
        let entries = place.map_or(0, |place| place.entries);
        if entries > 0 {
            let seen = |entry: u64| if entry + 1 == entries { Visit::Stops } else { Visit::Goes };
            follower.visit(durable.bytes, |entry| Ok(seen(entry.position)))?;
        }
        let log = follower.reader().log();
        if place.is_some_and(|place| (place.entries, place.head) != (log.size(), log.head())) {
            return Err(Stop::Ends(format!(
                "the sink has {entries} entries of another journal than {}: an older copy was put back, or the file was changed. Put the newest good \
                 copy in its place; or keep {} as evidence in another folder, and the copy begins anew",
                self.ledger.display(),
                self.place.shown()
            )));
        }
        {
            let mut state = self.shared.state();
            (state.begun, state.acknowledged) = (true, entries);
        }
        self.tell(Arrival::SinkMoved);
        Ok(follower)
    }

    /// Until there is something to deliver and it is time to, or the daemon ends.
    fn wait(&self, read: Option<u64>) -> (Durable, bool) {
        let mut state = self.shared.state();
        loop {
            let left = self.next.saturating_duration_since(Instant::now());
            let something = !self.waiting.is_empty() || read.is_none_or(|read| state.durable.entries > read);
            if state.ending || (something && left.is_zero()) {
                return (state.durable, state.ending);
            }
            let news = &self.shared.news;
            state = if something {
                news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            } else {
                news.wait(state).unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    /// Reads up to a batch of what is durable.
    fn read(&mut self, follower: &mut Follower, durable: Durable) -> Result<(), JournalError> {
        while self.waiting.len() < BATCH_MAX && follower.reader().log().size() < durable.entries {
            let (waiting, enterprise, before) = (&mut self.waiting, self.enterprise, follower.reader().log().size());
            // One at a time, since the chain's digest after each is kept.
            follower.visit(durable.bytes, |entry| {
                waiting.push_back((line(&entry, enterprise), Digest::ZERO));
                Ok(Visit::Stops)
            })?;
            let log = follower.reader().log();
            if log.size() == before {
                let fault = "it is shorter than what was made durable: somebody has cut it".to_owned();
                return Err(JournalError::Damaged { path: self.ledger.clone(), fault });
            }
            if let Some((_, head)) = waiting.back_mut() {
                *head = log.head();
            }
        }
        self.shared.state().oldest = self.oldest();
        Ok(())
    }

    /// When the oldest of them was recorded, where that is known.
    fn oldest(&self) -> Option<u64> {
        self.waiting.front().map(|(line, _)| line.at).filter(|at| *at > 0)
    }

    fn deliver(&mut self) {
        let lines: Vec<Line> = self.waiting.iter().take(self.batch).map(|(line, _)| line.clone()).collect();
        match self.way.deliver(&lines) {
            Ok(()) => self.delivered(lines.len()),
            Err(fault) => self.failed(&fault),
        }
    }

    fn delivered(&mut self, lines: usize) {
        let last = self.waiting.drain(..lines).next_back();
        let Some((line, head)) = last else { return };
        let place = Place { entries: line.position.saturating_add(1), head };
        if let Err(fault) = self.place.write(place) {
            // The copy has them. After a restart they are sent once more.
            tracing::warn!(%fault, "what the second copy of the journal has acknowledged could not be written down");
        }
        self.batch = self.batch.saturating_mul(2).min(BATCH_MAX);
        let oldest = self.oldest();
        {
            let mut state = self.shared.state();
            (state.acknowledged, state.oldest) = (place.entries, oldest);
        }
        // What is left after a full batch does not wait.
        self.next = if self.waiting.is_empty() { Instant::now() + PACE } else { Instant::now() };
        self.recovers(place.entries);
    }

    /// Nothing fails any more, and rounds may begin again.
    fn recovers(&mut self, entries: u64) {
        self.pause = PAUSE.0;
        let (recovered, moved) = {
            let mut state = self.shared.state();
            (state.failing.take().is_some(), state.withholds)
        };
        if recovered {
            let target = self.way.target();
            tracing::info!("the second copy of audit.log is taken again by {target}");
            self.tell(Arrival::Told(Box::new(Event::SinkRestored { target, entries })));
        }
        if recovered || moved {
            self.tell(Arrival::SinkMoved);
        }
    }

    fn failed(&mut self, fault: &SinkFault) {
        self.batch = (self.batch / 2).max(BATCH_MIN);
        self.fails(fault.to_string());
    }

    /// The journal cannot be read now. What was read and not acknowledged is read again, from the place that was.
    fn cannot_read(&mut self, why: String) {
        self.waiting.clear();
        self.unreadable = true;
        let now = (self.unix_millis)();
        {
            let mut state = self.shared.state();
            // Nobody knows when the entries were recorded that cannot be read: they are at least as old as this.
            state.oldest = state.oldest.or(Some(now)).filter(|_| state.lag_entries() > 0);
        }
        self.fails(why);
    }

    /// It is tried again after a pause, which grows.
    fn fails(&mut self, reason: String) {
        self.next = Instant::now() + self.pause;
        self.pause = self.pause.saturating_mul(2).min(PAUSE.1);
        let now = (self.unix_millis)() / 1000;
        let (first, lag_entries) = {
            let mut state = self.shared.state();
            let since = state.failing.as_ref().map(|(_, since)| *since);
            state.failing = Some((reason.clone(), since.unwrap_or(now)));
            (since.is_none(), state.lag_entries())
        };
        if first {
            let target = self.way.target();
            tracing::error!(
                lag_entries,
                "the second copy of audit.log is not taken by {target}: {reason}. Entries wait, and are tried again; no round begins when it lags too far"
            );
            self.tell(Arrival::Told(Box::new(Event::SinkFailed { target, reason, lag_entries })));
        }
    }

    /// Nothing is attempted any more: what the sink has and what the journal says differ.
    fn breaks(&self, why: String) {
        tracing::error!("the second copy of audit.log ends: {why}");
        let lag_entries = {
            let mut state = self.shared.state();
            state.broken = Some((why.clone(), (self.unix_millis)() / 1000));
            state.lag_entries()
        };
        let event = Event::SinkFailed { target: self.way.target(), reason: why, lag_entries };
        self.tell(Arrival::Told(Box::new(event)));
    }

    /// Whoever ends meanwhile does not hear it.
    fn tell(&self, arrival: Arrival) {
        let _ = self.inputs.blocking_send(arrival);
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;

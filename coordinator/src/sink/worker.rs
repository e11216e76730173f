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
    /// When the next delivery may be.
    next: Instant,
}

impl Worker {
    pub(super) fn new(
        (ledger, place): (PathBuf, PlaceFile),
        (way, enterprise): (Box<dyn Way>, u32),
        (shared, inputs): (Arc<Shared>, mpsc::Sender<Arrival>),
        unix_millis: fn() -> u64,
    ) -> Self {
        let (waiting, batch, pause, next) = (Waiting::new(), BATCH_MAX, PAUSE.0, Instant::now());
        Self { ledger, place, way, enterprise, shared, inputs, unix_millis, waiting, batch, pause, next }
    }

    /// Until the daemon ends, and what may leave then has left.
    pub(super) fn run(mut self) {
        let mut follower = match self.begin() {
            Ok(follower) => follower,
            Err(why) => return self.breaks(why),
        };
        loop {
            let (durable, ending) = self.wait(follower.reader().log().size());
            if let Err(fault) = self.read(&mut follower, durable) {
                return self.breaks(fault.to_string());
            }
            if !self.waiting.is_empty() {
                self.deliver();
            }
            if ending && (self.waiting.is_empty() || self.shared.state().failing.is_some()) {
                return;
            }
        }
    }

    /// Reads the journal up to the place that was acknowledged, and compares it.
    fn begin(&mut self) -> Result<Follower, String> {
        let durable = self.shared.state().durable;
        let mut follower = Follower::open(&self.ledger, &Mark::start()).map_err(|fault| fault.to_string())?;
        let place = self.place.read();
        let entries = place.map_or(0, |place| place.entries);
        if entries > 0 {
            let seen = |entry: u64| if entry + 1 == entries { Visit::Stops } else { Visit::Goes };
            let read = follower.visit(durable.bytes, |entry| Ok(seen(entry.position)));
            read.map_err(|fault| fault.to_string())?;
        }
        let log = follower.reader().log();
        if place.is_some_and(|place| (place.entries, place.head) != (log.size(), log.head())) {
            return Err(format!(
                "the sink has {entries} entries of another journal than {}: an older copy was put back, or the file was changed. Put the newest good \
                 copy in its place; or keep {} as evidence in another folder, and the copy begins anew",
                self.ledger.display(),
                self.place.shown()
            ));
        }
        {
            let mut state = self.shared.state();
            (state.begun, state.acknowledged) = (true, entries);
        }
        self.tell(Arrival::SinkMoved);
        Ok(follower)
    }

    /// Until there is something to deliver and it is time to, or the daemon ends.
    fn wait(&self, read: u64) -> (Durable, bool) {
        let mut state = self.shared.state();
        loop {
            let left = self.next.saturating_duration_since(Instant::now());
            let something = !self.waiting.is_empty() || state.durable.entries > read;
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
        self.pause = PAUSE.0;
        let oldest = self.oldest();
        let (recovered, moved) = {
            let mut state = self.shared.state();
            (state.acknowledged, state.oldest) = (place.entries, oldest);
            (state.failing.take().is_some(), state.withholds)
        };
        // What is left after a full batch does not wait.
        self.next = if self.waiting.is_empty() { Instant::now() + PACE } else { Instant::now() };
        if recovered {
            let target = self.way.target();
            tracing::info!("the second copy of audit.log is taken again by {target}");
            self.tell(Arrival::Told(Box::new(Event::SinkRestored { target, entries: place.entries })));
        }
        if recovered || moved {
            self.tell(Arrival::SinkMoved);
        }
    }

    fn failed(&mut self, fault: &SinkFault) {
        self.batch = (self.batch / 2).max(BATCH_MIN);
        self.next = Instant::now() + self.pause;
        self.pause = self.pause.saturating_mul(2).min(PAUSE.1);
        let (reason, now) = (fault.to_string(), (self.unix_millis)() / 1000);
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

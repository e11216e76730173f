//! The second connection of a client: beside the one that carries its session, one may wait to carry it, to be refused or to be tried out. The
//! newest takes the place of the one before it, which ends at once: whoever has a client's TLS key holds two connections with it, and no more.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tributary_protocol::ids::ClientId;
use tributary_transport::limits::CONNECTIONS_PER_CLIENT_MAX;

// One is seated, and one waits.
const _: () = assert!(CONNECTIONS_PER_CLIENT_MAX == 2);

/// Those who wait, one of each client.
#[derive(Default)]
pub(super) struct Line {
    waiting: Mutex<Waiting>,
    replaced: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    arrivals: u64,
    of: BTreeMap<ClientId, (u64, oneshot::Sender<Infallible>)>,
}

/// A client's turn; over when dropped.
pub(super) struct Turn<'a> {
    line: &'a Line,
    client: ClientId,
    number: u64,
    stay: oneshot::Receiver<Infallible>,
}

impl Line {
    /// The newest connection of this client; the one that waited has lost its turn.
    pub(super) fn enter(&self, client: ClientId) -> Turn<'_> {
        let (sender, stay) = oneshot::channel();
        let mut waiting = self.waiting();
        let number = waiting.arrivals;
        waiting.arrivals += 1;
        if waiting.of.insert(client, (number, sender)).is_some() {
            self.replaced.fetch_add(1, Ordering::Relaxed);
        }
        Turn { line: self, client, number, stay }
    }

    /// Connections that a newer one of their client has replaced so far.
    pub(super) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// How many wait now.
    #[cfg(test)]
    pub(super) fn waits(&self) -> usize {
        self.waiting().of.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Completes when a newer connection of the client has come.
    pub(super) async fn lost(&mut self) {
        // Nothing is ever sent: the other half is dropped.
        let _ = (&mut self.stay).await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = self.line.waiting();
        if waiting.of.get(&self.client).is_some_and(|(number, _)| *number == self.number) {
            waiting.of.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_client_stays_and_others_are_not_touched() {
        let line = Line::default();
        let lost = |turn: &mut Turn<'_>| turn.stay.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        let mut first = line.enter(ClientId(1));
        let mut other = line.enter(ClientId(2));
        let mut second = line.enter(ClientId(1));
        assert!(lost(&mut first) && !lost(&mut second) && !lost(&mut other));
        drop(first);
        assert!(!lost(&mut second), "the first one's end is not the second one's");
        drop(second);
        assert!(line.waiting().of.keys().eq([&ClientId(2)]));
        assert_eq!(line.replaced(), 1);
    }
}

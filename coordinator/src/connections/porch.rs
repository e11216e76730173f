//! Places for those whom nobody knows yet. While there are places, everybody gets one. When all are taken, or all that a newcomer's network may
//! have, somebody makes room:
//!
//! 1. whoever has said nothing at all, of a network that has more places than the newcomer's,
//! 2. else whoever has not gone a step further for a while,
//! 3. else whoever is of a network that has many, where the newcomer's has few,
//! 4. else whoever has been silent for long.
//!
//! Each time it is the oldest one of the network that has the most places. So a thousand branches of one network come in as fast as their
//! handshakes go, and a stranger who fills the places with silence, or from one network, keeps nobody out. Some places are kept for networks from
//! which members have come.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;
use tributary_transport::PeerFault;

use super::networks::Networks;
use super::places::{Places, Rules};

/// A number of places.
pub(crate) struct Porch {
    state: Mutex<State>,
    made_room: AtomicU64,
    turned_away: AtomicU64,
}

struct State {
    places: Places,
    /// Dropping one sends the peer away.
    stays: BTreeMap<u64, oneshot::Sender<Infallible>>,
}

/// A place; free again when dropped.
pub(crate) struct Place {
    mark: PlaceMark,
    stay: oneshot::Receiver<Infallible>,
}

/// Says how far the peer in a place has come.
#[derive(Clone)]
pub(crate) struct PlaceMark {
    porch: Arc<Porch>,
    number: u64,
}

impl Porch {
    /// Whose free places are anybody's.
    pub(crate) fn for_anybody(places: usize) -> Arc<Self> {
        Self::with(Rules::for_anybody(places))
    }

    /// With limits for networks in which no member has been, and places that are kept for the others.
    pub(super) fn of_a_door(places: usize) -> Arc<Self> {
        Self::with(Rules::of_a_door(places))
    }

    fn with(rules: Rules) -> Arc<Self> {
        let state = Mutex::new(State { places: Places::new(rules), stays: BTreeMap::new() });
        Arc::new(Self { state, made_room: AtomicU64::new(0), turned_away: AtomicU64::new(0) })
    }

    /// Places that are taken.
    pub(crate) fn taken(&self) -> usize {
        self.state().places.taken()
    }

    /// How many made room for others so far, and how many found no place.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.made_room.load(Ordering::Relaxed), self.turned_away.load(Ordering::Relaxed))
    }

    /// A place for a peer at this address, if there is one or somebody makes room. `known`: a member has come from there, and the peer is there.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr, known: bool) -> Option<Place> {
        let mut state = self.state();
        let Some(entered) = state.places.enter(Networks::of(address), known, Instant::now()) else {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        if let Some(leaver) = entered.leaver {
            state.stays.remove(&leaver);
            self.made_room.fetch_add(1, Ordering::Relaxed);
        }
        let (sender, stay) = oneshot::channel();
        state.stays.insert(entered.number, sender);
        Some(Place { mark: PlaceMark { porch: Arc::clone(self), number: entered.number }, stay })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(crate) fn mark(&self) -> PlaceMark {
        self.mark.clone()
    }

    /// Completes when the place is somebody else's.
    pub(crate) async fn lost(&mut self) -> PeerFault {
        // Nothing is ever sent: the other half is dropped.
        let _ = (&mut self.stay).await;
        PeerFault::Crowded("others came, and this peer did nothing or its network holds most places")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.mark.porch.state();
        state.places.leave(self.mark.number);
        state.stays.remove(&self.mark.number);
    }
}

impl PlaceMark {
    /// The peer has gone a step further.
    pub(crate) fn moved(&self) {
        self.set(Some(Instant::now()));
    }

    /// The peer waits for us, and that is not its fault.
    pub(crate) fn waits_for_us(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        self.porch.state().places.moved(self.number, since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_lost(place: &mut Place) -> bool {
        matches!(place.stay.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn whoever_makes_room_is_told_and_a_place_is_free_again_when_it_is_dropped() {
        let porch = Porch::for_anybody(2);
        let enter = || porch.enter([10, 0, 0, 1].into(), false);
        let (mut first, mut second) = (enter().unwrap(), enter().unwrap());
        first.mark().moved();
        let mut third = enter().unwrap();
        assert!(!is_lost(&mut first) && is_lost(&mut second) && !is_lost(&mut third));
        drop(second);
        assert_eq!(porch.taken(), 2, "its place is another's already");
        third.mark().moved();
        assert!(enter().is_none());
        assert_eq!(porch.counts(), (1, 1));
        drop((first, third));
        assert!(porch.taken() == 0 && porch.state().stays.is_empty());
    }
}

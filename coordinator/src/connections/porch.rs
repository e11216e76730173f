//! Places for those whom nobody knows yet. While there are places, everybody gets one. When all are taken, somebody who does nothing makes
//! room:
//!
//! 1. whoever has said nothing at all,
//! 2. else whoever has not gone a step further for a while,
//! 3. else whoever shares an address prefix with many others, where the newcomer shares it with few.
//!
//! Each time it is the oldest one of the prefix that has the most places. So a thousand branches of one network come in as fast as their
//! handshakes go, and a stranger who fills the places with silence, or from one network, keeps nobody out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;
use tributary_transport::PeerFault;
use tributary_transport::limits::MUTE_TIME;

/// What one network's addresses have in common: 24 bits of IPv4, 64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Prefix([u8; 9]);

impl Prefix {
    fn of(address: IpAddr) -> Self {
        let mut prefix = [0; 9];
        match address.to_canonical() {
            IpAddr::V4(address) => prefix[1..4].copy_from_slice(&address.octets()[..3]),
            IpAddr::V6(address) => {
                prefix[0] = 6;
                prefix[1..].copy_from_slice(&address.octets()[..8]);
            }
        }
        Self(prefix)
    }
}

/// A number of places.
pub(crate) struct Porch {
    places: usize,
    state: Mutex<State>,
    made_room: AtomicU64,
    turned_away: AtomicU64,
}

#[derive(Default)]
struct State {
    /// By arrival.
    standing: BTreeMap<u64, Standing>,
    arrivals: u64,
}

struct Standing {
    prefix: Prefix,
    /// Has it ever moved, and when last: at its arrival, if never. Nothing while it waits for us.
    moved: bool,
    since: Option<Instant>,
    /// Dropping it sends the peer away.
    _stay: oneshot::Sender<Infallible>,
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
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places, state: Mutex::default(), made_room: AtomicU64::new(0), turned_away: AtomicU64::new(0) })
    }

    /// Places that are taken.
    pub(crate) fn taken(&self) -> usize {
        self.state().standing.len()
    }

    /// How many made room for others so far, and how many found no place.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.made_room.load(Ordering::Relaxed), self.turned_away.load(Ordering::Relaxed))
    }

    /// A place for a peer at this address, if there is one or somebody makes room.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        self.enter_at(address, Instant::now())
    }

    fn enter_at(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<Place> {
        let prefix = Prefix::of(address);
        let mut state = self.state();
        if state.standing.len() >= self.places {
            let Some(leaver) = state.who_makes_room(prefix, now) else {
                self.turned_away.fetch_add(1, Ordering::Relaxed);
                return None;
            };
            state.standing.remove(&leaver);
            self.made_room.fetch_add(1, Ordering::Relaxed);
        }
        let number = state.arrivals;
        state.arrivals += 1;
        let (sender, stay) = oneshot::channel();
        state.standing.insert(number, Standing { prefix, moved: false, since: Some(now), _stay: sender });
        Some(Place { mark: PlaceMark { porch: Arc::clone(self), number }, stay })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn who_makes_room(&self, newcomer: Prefix, now: Instant) -> Option<u64> {
        let mut shares: BTreeMap<Prefix, usize> = BTreeMap::new();
        for standing in self.standing.values() {
            *shares.entry(standing.prefix).or_default() += 1;
        }
        let still = |standing: &Standing, limit| standing.since.is_some_and(|since| now >= since + limit);
        // By share, and among those of one share the first one that came.
        let first = |counts: &dyn Fn(&Standing) -> bool| {
            let those = self.standing.iter().filter(|(_, standing)| counts(standing));
            those.max_by_key(|(number, standing)| (shares[&standing.prefix], u64::MAX - **number))
        };
        let silent = || first(&|standing| !standing.moved);
        let mute = || first(&|standing| still(standing, MUTE_TIME));
        let own = shares.get(&newcomer).copied().unwrap_or_default();
        let crowd = || first(&|_| true).filter(|(_, standing)| shares[&standing.prefix] > (own + 1) * 2);
        silent().or_else(mute).or_else(crowd).map(|(number, _)| *number)
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
        self.mark.porch.state().standing.remove(&self.mark.number);
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
        if let Some(standing) = self.porch.state().standing.get_mut(&self.number) {
            (standing.moved, standing.since) = (true, since);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_lost(place: &mut Place) -> bool {
        matches!(place.stay.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    /// A full porch of peers at these addresses, which came one after the other and have moved once if `moved`.
    fn full(addresses: &[&str], moved: bool, at: Instant) -> (Arc<Porch>, Vec<Place>) {
        let porch = Porch::new(addresses.len());
        let places: Vec<Place> =
            addresses.iter().map(|text| porch.enter_at(address(text), at).expect("there is room")).collect();
        if moved {
            places.iter().for_each(|place| place.mark.set(Some(at)));
        }
        (porch, places)
    }

    fn lost(places: &mut [Place]) -> Vec<usize> {
        (0..places.len()).filter(|index| is_lost(&mut places[*index])).collect()
    }

    #[test]
    fn prefixes_are_networks() {
        let same = |one: &str, other: &str| Prefix::of(address(one)) == Prefix::of(address(other));
        assert!(same("10.1.2.3", "10.1.2.250") && !same("10.1.2.3", "10.1.3.3"));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9") && !same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:10.1.2.3", "10.1.2.4") && !same("::", "0.0.0.0"));
    }

    #[test]
    fn one_network_fills_the_porch_and_is_not_limited_by_itself() {
        let now = Instant::now();
        let (porch, mut places) = full(&["10.0.0.1"; 5], true, now);
        assert!(porch.enter_at(address("10.0.0.9"), now).is_none(), "their handshakes go on");
        assert_eq!((lost(&mut places), porch.counts()), (vec![], (0, 1)));
        places.pop();
        assert!(porch.enter_at(address("10.0.0.9"), now).is_some(), "and a place that is free is anybody's");
    }

    #[test]
    fn the_oldest_silent_one_goes_first_and_then_the_oldest_mute_one() {
        let now = Instant::now();
        let (porch, mut places) = full(&["10.0.0.1"; 4], false, now);
        places[0].mark.set(Some(now));
        let soon = now + Duration::from_millis(1);
        let _first = porch.enter_at(address("10.0.0.1"), soon).expect("a silent one goes");
        let _second = porch.enter_at(address("10.0.0.1"), soon).expect("and the next");
        assert_eq!(lost(&mut places), [1, 2]);
        places[3].mark.set(Some(soon));
        let later = now + MUTE_TIME;
        _second.mark.set(Some(later));
        _first.mark.set(None);
        let _third = porch.enter_at(address("10.0.0.1"), later).expect("a mute one goes");
        assert_eq!(lost(&mut places), [0, 1, 2]);
        let late = later + Duration::from_secs(3_600);
        let mut waiting = _first;
        let _more: Vec<_> = (0..20).filter_map(|_| porch.enter_at(address("10.0.0.1"), late)).collect();
        assert!(!is_lost(&mut waiting), "whoever waits for us keeps its place");
    }

    #[test]
    fn a_network_that_holds_most_places_makes_room_for_others() {
        let now = Instant::now();
        let (porch, mut places) =
            full(&["10.0.0.1", "10.9.9.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"], true, now);
        let second = porch.enter_at(address("10.8.8.8"), now).expect("a newcomer of another network");
        second.mark.set(Some(now));
        assert_eq!(lost(&mut places), [0], "the largest network's oldest makes room");
        let third = porch.enter_at(address("10.7.7.7"), now).expect("and of a third");
        third.mark.set(Some(now));
        assert_eq!(lost(&mut places), [0, 2]);
        let fourth = porch.enter_at(address("10.6.6.6"), now).expect("and of a fourth");
        fourth.mark.set(Some(now));
        assert!(porch.enter_at(address("10.0.0.1"), now).is_none(), "and not for its own");
        drop((second, third, fourth));
    }

    #[test]
    fn silence_of_one_network_never_keeps_another_out() {
        let now = Instant::now();
        let (porch, mut places) = full(&["10.0.0.1"; 128], false, now);
        let mut honest = porch.enter_at(address("192.0.2.7"), now).expect("a place at once");
        for millisecond in 0..2_000 {
            let at = now + Duration::from_millis(millisecond);
            places.extend(porch.enter_at(address("10.0.0.1"), at));
        }
        // It was silent itself for two seconds, and its network has the fewest places.
        assert!(!is_lost(&mut honest));
        assert_eq!(porch.taken(), 128);
    }
}

//! Who has a place, and who makes room. No clock, no socket and no lock: the porch has those.
//!
//! Shares are counted in networks of three widths. Two addresses are compared in the widest networks that they do not share, so that whoever has
//! many narrow networks of a wide one is counted as that wide one.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tributary_transport::limits::MUTE_TIME;

use super::networks::{Networks, WIDTHS};

/// Whoever has said nothing at all for so long makes room for anybody: several times what a first word takes on the way.
const SILENT_TIME: Duration = Duration::from_secs(1);

/// How many places there are, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    places: usize,
    /// Of these, for networks from which members have come.
    reserve: usize,
    /// While half of the places are taken: how many of them a network of each width may have in which no member has been.
    shares: Option<[usize; WIDTHS]>,
}

impl Rules {
    /// A quarter is for known networks. Of the others one of the widest networks has at most half, and one of the narrowest a quarter.
    pub(super) const fn of_a_door(places: usize) -> Self {
        Self { places, reserve: places / 4, shares: Some([places / 2, places * 3 / 8, places / 4]) }
    }

    /// Places that are free are anybody's.
    pub(super) const fn for_anybody(places: usize) -> Self {
        Self { places, reserve: 0, shares: None }
    }
}

/// Those who have a place.
pub(super) struct Places {
    rules: Rules,
    /// By arrival.
    standing: BTreeMap<u64, Standing>,
    arrivals: u64,
    /// Of networks that are not known.
    strangers: usize,
    shares: BTreeMap<(usize, Networks), Share>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    all: usize,
    strangers: usize,
}

struct Standing {
    networks: Networks,
    known: bool,
    /// Has it ever moved, and when last: at its arrival, if never. Nothing while it waits for us.
    moved: bool,
    since: Option<Instant>,
}

/// A newcomer's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) number: u64,
    /// Who made room.
    pub(super) leaver: Option<u64>,
}

impl Places {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, standing: BTreeMap::new(), arrivals: 0, strangers: 0, shares: BTreeMap::new() }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.standing.len()
    }

    /// A place for a peer of these networks, if there is one or somebody makes room. `known`: a member has come from there.
    pub(super) fn enter(&mut self, networks: Networks, known: bool, now: Instant) -> Option<Entered> {
        let crowd = Crowd::of(self, networks, known);
        let leaver = match crowd.needs_room() {
            true => Some(self.who_makes_room(&crowd, now)?),
            false => None,
        };
        if let Some(leaver) = leaver {
            self.leave(leaver);
        }
        let number = self.arrivals;
        self.arrivals += 1;
        self.count(networks, known, |count| *count += 1);
        self.standing.insert(number, Standing { networks, known, moved: false, since: Some(now) });
        Some(Entered { number, leaver })
    }

    /// A place is free again.
    pub(super) fn leave(&mut self, number: u64) {
        if let Some(Standing { networks, known, .. }) = self.standing.remove(&number) {
            self.count(networks, known, |count| *count -= 1);
            for width in 0..WIDTHS {
                let key = (width, networks.at(width));
                if self.shares.get(&key).is_some_and(|share| share.all == 0) {
                    self.shares.remove(&key);
                }
            }
        }
    }

    /// The peer has gone a step further at this time; nothing: it waits for us.
    pub(super) fn moved(&mut self, number: u64, since: Option<Instant>) {
        if let Some(standing) = self.standing.get_mut(&number) {
            (standing.moved, standing.since) = (true, since);
        }
    }

    fn count(&mut self, networks: Networks, known: bool, change: impl Fn(&mut usize)) {
        for width in 0..WIDTHS {
            let share = self.shares.entry((width, networks.at(width))).or_default();
            change(&mut share.all);
            if !known {
                change(&mut share.strangers);
            }
        }
        if !known {
            change(&mut self.strangers);
        }
    }

    fn share(&self, width: usize, networks: Networks) -> Share {
        self.shares.get(&(width, networks.at(width))).copied().unwrap_or_default()
    }

    fn who_makes_room(&self, crowd: &Crowd, now: Instant) -> Option<u64> {
        let may: Vec<_> = self.standing.iter().filter(|(_, standing)| crowd.may_leave(standing)).collect();
        // By share, and among those of one share the first one that came.
        let first = |counts: &dyn Fn(&Standing) -> bool| {
            let those = may.iter().filter(|(_, standing)| counts(standing));
            let weight = |standing: &Standing| [0, 1, 2].map(|width| self.share(width, standing.networks).all);
            those.max_by_key(|(number, standing)| (weight(standing), u64::MAX - **number)).map(|(number, _)| **number)
        };
        let still = |standing: &Standing, limit| standing.since.is_some_and(|since| now >= since + limit);
        // The shares of somebody's network and the newcomer's, where they part.
        let shares = |standing: &Standing| {
            let width = standing.networks.parts_from(crowd.newcomer)?;
            Some((self.share(width, standing.networks).all, self.share(width, crowd.newcomer).all))
        };
        let more = |standing: &Standing, by: usize| shares(standing).is_none_or(|(theirs, own)| theirs > own + by);
        let hogs = |standing: &Standing| shares(standing).is_some_and(|(theirs, own)| theirs > (own + 1) * 2);
        first(&|standing| !standing.moved && more(standing, 1))
            .or_else(|| first(&|standing| still(standing, MUTE_TIME)))
            .or_else(|| first(&hogs))
            .or_else(|| first(&|standing| !standing.moved && (more(standing, 0) || still(standing, SILENT_TIME))))
    }
}

/// What stands in a newcomer's way.
struct Crowd {
    newcomer: Networks,
    full: bool,
    /// Strangers have all the places that they may have, and the newcomer is one.
    strangers: bool,
    /// The newcomer's network of this width has.
    network: Option<usize>,
}

impl Crowd {
    fn of(places: &Places, newcomer: Networks, known: bool) -> Self {
        let Rules { places: all, reserve, shares } = places.rules;
        let taken = places.taken();
        let limits = shares.filter(|_| !known && taken >= all / 2);
        // The narrowest: whoever leaves it leaves the wider ones.
        let network = limits.and_then(|limits| {
            (0..WIDTHS).rev().find(|width| places.share(*width, newcomer).strangers >= limits[*width])
        });
        Self { newcomer, full: taken >= all, strangers: !known && places.strangers >= all - reserve, network }
    }

    fn needs_room(&self) -> bool {
        self.full || self.strangers || self.network.is_some()
    }

    /// Whether the newcomer could have this one's place.
    fn may_leave(&self, standing: &Standing) -> bool {
        let same = |width: usize| standing.networks.at(width) == self.newcomer.at(width);
        (!self.strangers || !standing.known) && self.network.is_none_or(|width| !standing.known && same(width))
    }
}

#[cfg(test)]
#[path = "tests/places.rs"]
mod tests;

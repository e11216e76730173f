//! Who masks with whom: everybody with everybody up to [`COMPLETE_GRAPH_MAX`] members, a random regular graph above (SA-1, section 6).
//!
//! The sparse graph is the union of independent random Hamiltonian cycles, not a ring with chords to the nearest: a coordinator that
//! chooses who counts as lost, after it has seen the graph, cuts an arc out of a ring by dropping its two flanks; in an expander the
//! border of every set is almost everybody. The seed takes a contribution of every member, which is [`crate::round`]'s to see to.
//!
//! # How it is drawn
//! Cycle number c is a uniform permutation of the members, by Fisher and Yates from the back, closed to a ring. Its numbers come from
//! SHA-256 over label, seed, c, attempt and a counter, as eight little-endian 32-bit words a block, with rejection where a word would
//! favour small numbers. Two cycles may want the same edge; at these degrees nearly every one does, so that drawing a cycle again would
//! not end. Instead each such edge (a, b), in the cycle's order, is exchanged with another edge (c, d) of the same cycle at a position
//! that is drawn, to (a, c) and (b, d), which leaves one cycle, until neither of the two is in an earlier one. Should one edge find no
//! partner, the cycle is drawn again under the next attempt. Nothing here looks at a member's number, so that every renumbering of the
//! members is as likely as every other: a member's neighbours are a uniform choice of k of the rest, exactly as [`Degree`] assumes.

mod degree;

use alloc::vec::Vec;

pub use degree::Degree;

use crate::digest::{Canonical, Digest};
use crate::limits::{COHORT_MAX, COMPLETE_GRAPH_MAX};

/// The neighbour graph of a session: simple, undirected, regular, connected.
#[derive(Clone, PartialEq, Eq)]
pub struct Graph {
    members: usize,
    /// Neighbours of each member.
    degree: usize,
    /// Every member's neighbours, ascending, one member behind the other.
    neighbours: Vec<u32>,
}

impl Graph {
    /// The graph of a cohort: complete where there is no degree, otherwise drawn from the seed. [`Degree::for_cohort`] says which.
    ///
    /// # Panics
    /// With more than [`COHORT_MAX`] members; with more than [`COMPLETE_GRAPH_MAX`] and no degree; with a degree that is odd, 0 or above two
    /// thirds of the members. None of these comes from [`super::parameters::Thresholds::degree`].
    #[must_use]
    pub fn new(members: usize, seed: &Digest, degree: Option<Degree>) -> Self {
        assert!(members <= COHORT_MAX, "a cohort has at most {COHORT_MAX} members");
        let Some(degree) = degree else { return Self::complete(members) };
        let degree = usize::from(degree.neighbours);
        assert!(degree > 0 && degree % 2 == 0 && 3 * degree <= 2 * members, "no such regular graph is drawn");
        let mut edges = Edges::new(members);
        for cycle in 0..degree / 2 {
            edges.add(&free_cycle(&edges, seed, cycle));
        }
        Self { members, degree, neighbours: edges.lists() }
    }

    fn complete(members: usize) -> Self {
        assert!(members <= COMPLETE_GRAPH_MAX, "a complete graph has at most {COMPLETE_GRAPH_MAX} members");
        let count = u32::try_from(members).expect("at most 256");
        let neighbours = (0..count).flat_map(|own| (0..count).filter(move |other| *other != own)).collect();
        Self { members, degree: members.saturating_sub(1), neighbours }
    }

    /// How many members it has.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members
    }

    /// How many neighbours each of them has.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// A member's neighbours, ascending; nobody for a number that is no member's. The holders of its secrets in a sparse graph are these
    /// and itself.
    #[must_use]
    pub fn neighbours(&self, member: usize) -> &[u32] {
        let start = member.saturating_mul(self.degree);
        self.neighbours.get(start..start.saturating_add(self.degree)).unwrap_or(&[])
    }

    /// How many of `survivors`, ascending, hold shares of a member's secrets: its surviving neighbours, and itself where it survives
    /// (SA-1, R3: at least the threshold for every secret to be opened).
    #[must_use]
    pub fn holders_among(&self, member: usize, survivors: &[u32]) -> usize {
        let survives = |index: &u32| survivors.binary_search(index).is_ok();
        let own = u32::try_from(member).is_ok_and(|member| survives(&member));
        self.neighbours(member).iter().filter(|index| survives(index)).count() + usize::from(own)
    }
}

/// The edges so far: one bit for each ordered pair.
struct Edges {
    members: usize,
    bits: Vec<u64>,
}

impl Edges {
    fn new(members: usize) -> Self {
        Self { members, bits: alloc::vec![0; (members * members).div_ceil(64)] }
    }

    fn has(&self, a: u32, b: u32) -> bool {
        let bit = a as usize * self.members + b as usize;
        self.bits[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn add(&mut self, cycle: &[u32]) {
        for position in 0..cycle.len() {
            let (a, b) = edge(cycle, position);
            for (from, to) in [(a, b), (b, a)] {
                let bit = from as usize * self.members + to as usize;
                self.bits[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    /// Every member's neighbours, one member behind the other.
    fn lists(&self) -> Vec<u32> {
        let members = u32::try_from(self.members).expect("COHORT_MAX is below 2^32");
        (0..members).flat_map(|own| (0..members).filter(move |other| self.has(own, *other))).collect()
    }
}

/// The edge behind a position of a cycle.
fn edge(cycle: &[u32], position: usize) -> (u32, u32) {
    (cycle[position], cycle[(position + 1) % cycle.len()])
}

/// A random cycle through all members that has no edge in common with those so far.
fn free_cycle(edges: &Edges, seed: &Digest, number: usize) -> Vec<u32> {
    let number = u32::try_from(number).expect("a degree is below 2^16");
    (0..=u32::MAX)
        .find_map(|attempt| {
            let mut draw = Draw::new(seed, number, attempt);
            let mut cycle: Vec<u32> = (0..u32::try_from(edges.members).expect("COHORT_MAX is below 2^32")).collect();
            for last in (1..cycle.len()).rev() {
                cycle.swap(last, draw.below(last + 1));
            }
            exchange(edges, &mut cycle, &mut draw).then_some(cycle)
        })
        .expect("two thirds of all edges at most are taken, so that nearly every attempt ends well")
}

/// Exchanges every edge that is taken for one that is free. Gives up where one finds no partner.
fn exchange(edges: &Edges, cycle: &mut [u32], draw: &mut Draw) -> bool {
    let members = cycle.len();
    (0..members).all(|position| {
        let (a, b) = edge(cycle, position);
        if !edges.has(a, b) {
            return true;
        }
        (0..64 * members).any(|_| {
            let (first, last) = match draw.below(members) {
                other if other < position => (other, position),
                other => (position, other),
            };
            let ((a, b), (c, d)) = (edge(cycle, first), edge(cycle, last));
            // Edges that share a member would come back as they were.
            let fits = b != c && d != a && a != c && !edges.has(a, c) && !edges.has(b, d);
            if fits {
                cycle[first + 1..=last].reverse();
            }
            fits
        })
    })
}

/// Uniform numbers from a seed.
struct Draw {
    prefix: Vec<u8>,
    counter: u32,
    words: [u32; 8],
    used: usize,
}

impl Draw {
    fn new(seed: &Digest, cycle: u32, attempt: u32) -> Self {
        let prefix = Canonical::new("SA1 graph cycle").digest(seed).u32(cycle).u32(attempt).into_bytes();
        Self { prefix, counter: 0, words: [0; 8], used: 8 }
    }

    fn word(&mut self) -> u32 {
        if self.used == self.words.len() {
            let block = Digest::of_parts(&[&self.prefix, &self.counter.to_le_bytes()]);
            for (word, bytes) in self.words.iter_mut().zip(block.0.chunks_exact(4)) {
                *word = u32::from_le_bytes(bytes.try_into().expect("chunks of four"));
            }
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A uniform number below `bound`, at least 1.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound).expect("COHORT_MAX is below 2^32");
        // The largest multiple of the bound that 32 bits hold; words beyond it would favour small remainders.
        let fair = u32::MAX - (u32::MAX % bound + 1) % bound;
        loop {
            let word = self.word();
            if word <= fair {
                return (word % bound) as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests;

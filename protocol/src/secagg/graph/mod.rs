//! Who masks with whom: everybody with everybody up to [`COMPLETE_GRAPH_MAX`] members, a random regular graph above (docs/PROTOCOL.md, "Numbers").
//!
//! The sparse graph is the union of independent random Hamiltonian cycles, not a ring with chords to the nearest: a coordinator that
//! chooses who counts as lost, after it has seen the graph, cuts an arc out of a ring by dropping its two flanks; in an expander the
//! border of every set is almost everybody. The seed takes a contribution of every member, which is [`crate::round`]'s to see to.
//!
//! # How it is drawn
//! Cycle number c is a uniform permutation of the members, by Fisher and Yates from the back, closed to a ring. Its numbers come from the
//! mask generator under a key derived from seed, c and attempt ([`super::labels::graph_key`]), as little-endian 32-bit words: the high half
//! of a word times the bound, rejected where that would favour some numbers (Lemire 2019). Two cycles may want the same edge; at these degrees nearly every one does, so that drawing a cycle again would
//! not end. Instead each such edge (a, b), in the cycle's order, is exchanged with another edge (c, d) of the same cycle at a position
//! that is drawn, to (a, c) and (b, d), which leaves one cycle, until neither of the two is in an earlier one. Should one edge find no
//! partner, the cycle is drawn again under the next attempt. Nothing here looks at a member's number, so that every renumbering of the
//! members is as likely as every other: a member's neighbours are a uniform choice of k of the rest, exactly as [`Degree`] assumes.

mod degree;

use alloc::vec::Vec;

pub use degree::Degree;

use super::labels::graph_key;
use super::suite::{Keystream, Suite};
use crate::digest::Digest;
use crate::limits::{COHORT_MAX, COMPLETE_GRAPH_MAX};

/// The neighbour graph of a session: simple, undirected, regular, connected. All of it, or what one member needs.
#[derive(Clone, PartialEq, Eq)]
pub struct Graph {
    members: usize,
    /// Neighbours of each member.
    degree: usize,
    /// Whose neighbours are listed, ascending; nothing where everybody's are.
    listed: Option<Vec<u32>>,
    /// Their neighbours, ascending, one member behind the other.
    neighbours: Vec<u32>,
}

impl Graph {
    /// The graph of a cohort: complete where there is no degree, otherwise drawn from the seed. [`Degree::for_cohort`] says which.
    ///
    /// # Panics
    /// With more than [`COHORT_MAX`] members; with more than [`COMPLETE_GRAPH_MAX`] and no degree; with a degree that is odd, 0 or above two
    /// thirds of the members. None of these comes from [`super::parameters::Thresholds::degree`].
    #[must_use]
    pub fn new<S: Suite>(members: usize, seed: &Digest, degree: Option<Degree>) -> Self {
        let Some(degree) = degree else { return Self::complete(members) };
        let everybody: Vec<u32> = (0_u32..).take(members).collect();
        let neighbours = Edges::draw::<S>(members, seed, degree).lists(&everybody);
        Self { members, degree: degree.neighbours.into(), listed: None, neighbours }
    }

    /// The same sparse graph, as far as one member needs it: its own neighbours and theirs. Everybody else has none in it. It is drawn whole,
    /// as it must be, and read and kept in part: a hundredth at the largest cohort.
    ///
    /// # Panics
    /// As [`Graph::new`].
    #[must_use]
    pub fn around<S: Suite>(own: usize, members: usize, seed: &Digest, degree: Degree) -> Self {
        let edges = Edges::draw::<S>(members, seed, degree);
        let own: Vec<u32> = u32::try_from(own).into_iter().filter(|own| (*own as usize) < members).collect();
        let mut listed = edges.lists(&own);
        listed.extend(own);
        listed.sort_unstable();
        let neighbours = edges.lists(&listed);
        Self { members, degree: degree.neighbours.into(), listed: Some(listed), neighbours }
    }

    fn complete(members: usize) -> Self {
        assert!(members <= COHORT_MAX, "a cohort has at most {COHORT_MAX} members");
        assert!(members <= COMPLETE_GRAPH_MAX, "a complete graph has at most {COMPLETE_GRAPH_MAX} members");
        let count = u32::try_from(members).expect("at most 256");
        let neighbours = (0..count).flat_map(|own| (0..count).filter(move |other| *other != own)).collect();
        Self { members, degree: members.saturating_sub(1), listed: None, neighbours }
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

    /// A member's neighbours, ascending; nobody for a number that is no member's, or not listed. The holders of its secrets in a sparse
    /// graph are these and itself.
    #[must_use]
    pub fn neighbours(&self, member: usize) -> &[u32] {
        let place = match &self.listed {
            None => Some(member),
            Some(listed) => u32::try_from(member).ok().and_then(|member| listed.binary_search(&member).ok()),
        };
        let start = place.unwrap_or(usize::MAX).saturating_mul(self.degree);
        self.neighbours.get(start..start.saturating_add(self.degree)).unwrap_or(&[])
    }
}

/// The cycles so far, and which pairs of members are an edge of one.
struct Edges {
    members: usize,
    cycles: Vec<Vec<u32>>,
    /// Words of each row.
    width: usize,
    /// A row for each member, a bit for each smaller one.
    bits: Vec<u64>,
}

impl Edges {
    /// All cycles of a graph.
    fn draw<S: Suite>(members: usize, seed: &Digest, degree: Degree) -> Self {
        assert!(members <= COHORT_MAX, "a cohort has at most {COHORT_MAX} members");
        let degree = usize::from(degree.neighbours);
        assert!(degree > 0 && degree % 2 == 0 && 3 * degree <= 2 * members, "no such regular graph is drawn");
        let width = members.div_ceil(64);
        let mut edges =
            Self { members, cycles: Vec::with_capacity(degree / 2), width, bits: alloc::vec![0; members * width] };
        for number in 0..degree / 2 {
            let cycle = free_cycle::<S>(&edges, seed, number);
            edges.add(&cycle);
            edges.cycles.push(cycle);
        }
        edges
    }

    fn place(&self, a: u32, b: u32) -> (usize, u64) {
        let (low, high) = (a.min(b), a.max(b));
        (high as usize * self.width + low as usize / 64, 1 << (low % 64))
    }

    fn has(&self, a: u32, b: u32) -> bool {
        let (word, bit) = self.place(a, b);
        self.bits[word] & bit != 0
    }

    fn add(&mut self, cycle: &[u32]) {
        for position in 0..cycle.len() {
            let (a, b) = edge(cycle, position);
            let (word, bit) = self.place(a, b);
            self.bits[word] |= bit;
        }
    }

    /// The neighbours of these members, ascending both, one member behind the other.
    fn lists(&self, wanted: &[u32]) -> Vec<u32> {
        let mut rank = alloc::vec![None; self.members];
        for (place, member) in wanted.iter().enumerate() {
            rank[*member as usize] = Some(place);
        }
        let degree = 2 * self.cycles.len();
        let mut lists = alloc::vec![0; wanted.len() * degree];
        for (cycle, number) in self.cycles.iter().zip(0..) {
            let mut before = cycle[cycle.len() - 1];
            for position in 0..cycle.len() {
                let (own, behind) = edge(cycle, position);
                if let Some(place) = rank[own as usize] {
                    lists[place * degree + 2 * number..][..2].copy_from_slice(&[before, behind]);
                }
                before = own;
            }
        }
        lists.chunks_mut(degree).for_each(<[u32]>::sort_unstable);
        lists
    }
}

/// The edge behind a position of a cycle.
fn edge(cycle: &[u32], position: usize) -> (u32, u32) {
    let next = position + 1;
    (cycle[position], cycle[if next == cycle.len() { 0 } else { next }])
}

/// A random cycle through all members that has no edge in common with those so far.
fn free_cycle<S: Suite>(edges: &Edges, seed: &Digest, number: usize) -> Vec<u32> {
    let number = u32::try_from(number).expect("a degree is below 2^16");
    (0..=u32::MAX)
        .find_map(|attempt| {
            let mut draw = Draw::<S>::new(seed, number, attempt);
            let mut cycle: Vec<u32> = (0..u32::try_from(edges.members).expect("COHORT_MAX is below 2^32")).collect();
            for last in (1..cycle.len()).rev() {
                cycle.swap(last, draw.below(last + 1));
            }
            exchange(edges, &mut cycle, &mut draw).then_some(cycle)
        })
        .expect("two thirds of all edges at most are taken, so that nearly every attempt ends well")
}

/// Exchanges every edge that is taken for one that is free. Gives up where one finds no partner.
fn exchange<S: Suite>(edges: &Edges, cycle: &mut [u32], draw: &mut Draw<S>) -> bool {
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

/// Bytes that are taken from the generator at once.
const DRAWN_BYTES: usize = 1024;

/// Uniform numbers from a seed.
struct Draw<S: Suite> {
    stream: S::Keystream,
    bytes: [u8; DRAWN_BYTES],
    used: usize,
}

impl<S: Suite> Draw<S> {
    fn new(seed: &Digest, cycle: u32, attempt: u32) -> Self {
        let stream = S::keystream(&graph_key::<S>(seed, cycle, attempt));
        Self { stream, bytes: [0; DRAWN_BYTES], used: DRAWN_BYTES }
    }

    fn word(&mut self) -> u32 {
        if self.used == DRAWN_BYTES {
            self.stream.fill(&mut self.bytes);
            self.used = 0;
        }
        let word = self.bytes[self.used..].first_chunk().expect("words fill the bytes without a rest");
        self.used += word.len();
        u32::from_le_bytes(*word)
    }

    /// A uniform number below `bound`, at least 1.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound).expect("COHORT_MAX is below 2^32");
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            let (high, low) = (product >> 32, product & u64::from(u32::MAX));
            // Of 2^32 words so many are too many for every number to have as many; most draws need not know how many.
            if low >= bound.into() || low >= u64::from(bound.wrapping_neg() % bound) {
                return usize::try_from(high).expect("below the bound");
            }
        }
    }
}

#[cfg(test)]
mod tests;

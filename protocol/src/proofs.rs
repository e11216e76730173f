//! A tree that grows, with all of its full nodes: from these, consistency of any two of its sizes is proved (RFC 9162, section 2.1.4.1).
//!
//! It holds two digests for each leaf, 64 bytes. [`Frontier`](crate::merkle::Frontier) is for whoever needs the root alone.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::merkle::node;

/// The full nodes of a tree over leaves' digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrowingTree {
    /// Leaves first. In each level the nodes over `2^level` leaves each, without one over fewer.
    levels: Vec<Vec<Digest>>,
}

impl GrowingTree {
    /// The tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// How many leaves it has.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.levels.first().map_or(0, Vec::len) as u64
    }

    /// Appends the leaf of this digest.
    pub fn push(&mut self, hash: impl Fn(&[&[u8]]) -> Digest, leaf: Digest) {
        let mut carried = leaf;
        for height in 0.. {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            let Some(level) = self.levels.get_mut(height) else { return };
            level.push(carried);
            match level.as_slice() {
                [.., left, right] if level.len() % 2 == 0 => carried = node(&hash, left, right),
                _ => return,
            }
        }
    }

    /// The root that it had when it had so many leaves; nothing if it never had.
    #[must_use]
    pub fn root_at(&self, hash: impl Fn(&[&[u8]]) -> Digest, leaves: u64) -> Option<Digest> {
        if leaves == 0 { Some(hash(&[])) } else { self.over(&hash, 0, leaves) }
    }

    /// Proof that the tree of the first `old` leaves is a front of that of the first `new` ones; nothing if it has no such two.
    #[must_use]
    pub fn consistency(&self, hash: impl Fn(&[&[u8]]) -> Digest, old: u64, new: u64) -> Option<Vec<Digest>> {
        let mut proof = Vec::new();
        if old > new || new > self.leaves() {
            return None;
        }
        if old == 0 {
            return Some(proof);
        }
        // The RFC's SUBPROOF, from the root down: `start` and `width` are the leaves under the node, `old` those of them that are old.
        let (mut start, mut old, mut width, mut whole) = (0_u64, old, new, true);
        while old < width {
            let split = width.next_power_of_two() >> 1;
            let rest = width.checked_sub(split)?;
            if old <= split {
                proof.push(self.over(&hash, start.checked_add(split)?, rest)?);
                width = split;
            } else {
                proof.push(self.over(&hash, start, split)?);
                (start, old, width, whole) = (start.checked_add(split)?, old.checked_sub(split)?, rest, false);
            }
        }
        if !whole {
            proof.push(self.over(&hash, start, width)?);
        }
        proof.reverse();
        Some(proof)
    }

    /// The node over `width` leaves from `start` on, which is a multiple of the next power of two. At most 64 steps.
    fn over(&self, hash: &impl Fn(&[&[u8]]) -> Digest, start: u64, width: u64) -> Option<Digest> {
        let (mut start, mut width, mut lefts) = (start, width, Vec::new());
        // The widest full node on the left, and what is left of the others on its right.
        while !width.is_power_of_two() {
            let split = width.next_power_of_two() >> 1;
            lefts.push(self.full(start, split)?);
            (start, width) = (start.checked_add(split)?, width.checked_sub(split)?);
        }
        let narrowest = self.full(start, width)?;
        Some(lefts.iter().rev().fold(narrowest, |right, left| node(hash, left, &right)))
    }

    fn full(&self, start: u64, width: u64) -> Option<Digest> {
        let height = width.trailing_zeros();
        let level = self.levels.get(usize::try_from(height).ok()?)?;
        level.get(usize::try_from(start.checked_shr(height)?).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{MerkleTree, is_consistent, leaf_digest};

    /// Every root and every proof is that of a tree that was built for it.
    #[test]
    fn it_has_the_roots_and_proofs_of_every_size() {
        let leaves: Vec<Digest> = (0..70_u8).map(|number| leaf_digest(Digest::of_parts, &[number])).collect();
        let mut tree = GrowingTree::new();
        assert_eq!(tree.consistency(Digest::of_parts, 0, 0), Some(Vec::new()));
        for (number, leaf) in (1..).zip(&leaves) {
            tree.push(Digest::of_parts, *leaf);
            assert_eq!(tree.leaves(), number);
        }
        let mut grown = Vec::new();
        for new in 0..=leaves.len() {
            let whole = MerkleTree::new(Digest::of_parts, leaves.iter().take(new).copied().collect());
            let root = tree.root_at(Digest::of_parts, new as u64);
            assert_eq!(root, Some(whole.root()));
            grown.push(whole.root());
            for (old, old_root) in grown.iter().enumerate() {
                let proof = tree.consistency(Digest::of_parts, old as u64, new as u64);
                assert_eq!(proof, whole.consistency(old), "{old} to {new}");
                let (old, new) = ((old as u64, old_root), (new as u64, &whole.root()));
                assert!(is_consistent(Digest::of_parts, old, new, &proof.unwrap()));
            }
        }
        for old in [0, 3, 70, 71] {
            assert_eq!(tree.consistency(Digest::of_parts, old, 71), None, "{old}");
        }
        assert_eq!(tree.consistency(Digest::of_parts, 4, 3), None);
        assert_eq!(tree.root_at(Digest::of_parts, 71), None);
    }
}

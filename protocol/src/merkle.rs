//! Merkle trees as RFC 9162, section 2.1, has them (RFC 6962 has the same): the audit log's tree, and the trees under which dealers show shares.
//!
//! A leaf is hashed after a byte 0 and a node after a byte 1, so that no node passes as a leaf. A node without a sibling is carried up as it
//! is, which gives the RFC's split at the largest power of two. Every function takes the hash as an argument: a log's is SHA-256
//! ([`Digest::of_parts`]), a suite has its own.
//!
//! Proofs come from anybody: verification is total, and takes at most 64 steps whatever the sizes claim.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Digest of a leaf.
#[must_use]
#[inline(always)]
pub fn leaf_digest(hash: impl Fn(&[&[u8]]) -> Digest, data: &[u8]) -> Digest {
    hash(&[&[0], data])
}

/// Digest of the node over two others.
#[inline(always)]
pub(crate) fn node(hash: impl Fn(&[&[u8]]) -> Digest, left: &Digest, right: &Digest) -> Digest {
    hash(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// A tree that only grows: it keeps one digest for each bit of its size that is set, at most 64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    leaves: u64,
    /// The roots of the full trees that it consists of, widest first.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { leaves: 0, peaks: Vec::new() }
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Whether it has a root for each bit of its size: one that was decoded may not.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        u32::try_from(self.peaks.len()) == Ok(self.leaves.count_ones())
    }

    /// Appends the leaf of this digest.
    ///
    /// # Panics
    /// After 2^64 - 1 leaves.
    pub fn push(&mut self, hash: impl Fn(&[&[u8]]) -> Digest, leaf: Digest) {
        assert!(self.push_full(hash, 0, leaf), "no tree has 2^64 leaves");
    }

    /// Appends the `2^height` leaves of a full tree, by its root. Gives whether such a tree can begin here: nothing has changed where it cannot.
    #[must_use]
    pub fn push_full(&mut self, hash: impl Fn(&[&[u8]]) -> Digest, height: u32, root: Digest) -> bool {
        let Some(width) = 1_u64.checked_shl(height) else { return false };
        let Some(leaves) = self.leaves.checked_add(width).filter(|_| self.leaves.is_multiple_of(width)) else {
            return false;
        };
        let mut carried = root;
        for _ in 0..self.leaves.checked_shr(height).unwrap_or(0).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                carried = node(&hash, &left, &carried);
            }
        }
        self.peaks.push(carried);
        self.leaves = leaves;
        true
    }

    /// The root; without leaves the hash of nothing.
    #[must_use]
    pub fn root(&self, hash: impl Fn(&[&[u8]]) -> Digest) -> Digest {
        let narrowest_first = self.peaks.iter().rev().copied();
        narrowest_first.reduce(|right, left| node(&hash, &left, &right)).unwrap_or_else(|| hash(&[]))
    }
}

/// A tree with all its levels, from which every proof is read.
pub struct MerkleTree {
    /// Leaves first.
    levels: Vec<Vec<Digest>>,
    root: Digest,
}

impl MerkleTree {
    /// The tree over the leaves of these digests ([`leaf_digest`]), in their order.
    #[must_use]
    pub fn new(hash: impl Fn(&[&[u8]]) -> Digest, leaves: Vec<Digest>) -> Self {
        let mut level = leaves;
        let mut levels = Vec::new();
        while level.len() > 1 {
            let (pairs, single) = level.as_chunks();
            let mut above: Vec<Digest> = pairs.iter().map(|[left, right]| node(&hash, left, right)).collect();
            above.extend_from_slice(single);
            levels.push(core::mem::replace(&mut level, above));
        }
        let root = level.first().copied().unwrap_or_else(|| hash(&[]));
        levels.push(level);
        Self { levels, root }
    }

    /// The root; without leaves the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }

    /// How many leaves it has.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The steps from a leaf to the root: the length of the longest path.
    #[must_use]
    pub fn height(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// Proof of inclusion: the siblings on the way from a leaf to the root, lowest first. None for a leaf that is not there.
    pub fn path(&self, index: usize) -> impl Iterator<Item = Digest> + '_ {
        let levels = if index < self.leaves() { self.levels.as_slice() } else { &[] };
        levels.iter().zip(0..).filter_map(move |(level, height)| level.get(index.checked_shr(height)? ^ 1).copied())
    }

    /// Proof of consistency: that the tree of the first `old` leaves is a front of this one. Nothing if it has fewer leaves than that.
    #[must_use]
    pub fn consistency(&self, old: usize) -> Option<Vec<Digest>> {
        let mut proof = Vec::new();
        let (mut start, mut old, mut width) = (0_usize, old, self.leaves());
        if old == 0 {
            return Some(proof);
        }
        // The RFC's SUBPROOF, from the root down: `start` and `width` are the leaves under the node, `old` those of them that are old.
        let mut whole = true;
        while old < width {
            let split = width.next_power_of_two() >> 1;
            let rest = width.checked_sub(split)?;
            if old <= split {
                proof.push(self.node_over(start.checked_add(split)?, rest)?);
                width = split;
            } else {
                proof.push(self.node_over(start, split)?);
                (start, old, width, whole) = (start.checked_add(split)?, old.checked_sub(split)?, rest, false);
            }
        }
        if !whole {
            proof.push(self.node_over(start, width)?);
        }
        proof.reverse();
        (old == width).then_some(proof)
    }

    /// The node over `width` leaves from `start` on, where there is one.
    fn node_over(&self, start: usize, width: usize) -> Option<Digest> {
        let height = width.next_power_of_two().trailing_zeros();
        self.levels.get(usize::try_from(height).ok()?)?.get(start.checked_shr(height)?).copied()
    }
}

/// The root that a tree of `leaves` has if the leaf of this digest stands at `index` and has these siblings. Nothing if there is no such place,
/// or if it has more or fewer siblings.
#[must_use]
pub fn root_of_path(
    hash: impl Fn(&[&[u8]]) -> Digest,
    (index, leaves): (u64, u64),
    leaf: &Digest,
    path: &[Digest],
) -> Option<Digest> {
    if index >= leaves {
        return None;
    }
    let (mut index, mut width) = (index, leaves);
    let (mut found, mut siblings) = (*leaf, path.iter());
    while width > 1 {
        let sibling = index ^ 1;
        if sibling < width {
            let beside = siblings.next()?;
            found = if index < sibling { node(&hash, &found, beside) } else { node(&hash, beside, &found) };
        }
        (index, width) = (index >> 1, width.div_ceil(2));
    }
    siblings.next().is_none().then_some(found)
}

/// Whether a tree of so many leaves with this root is a front of another one, by this proof (RFC 9162, section 2.1.4.2). The tree without leaves
/// is a front of every tree.
#[must_use]
pub fn is_consistent(
    hash: impl Fn(&[&[u8]]) -> Digest,
    (old, old_root): (u64, &Digest),
    (new, new_root): (u64, &Digest),
    proof: &[Digest],
) -> bool {
    let Some((last_old, last_new)) = old.checked_sub(1).zip(new.checked_sub(1)).filter(|_| old < new) else {
        return proof.is_empty()
            && match (old, new) {
                (0, 1..) => *old_root == hash(&[]),
                _ => old == new && old_root == new_root,
            };
    };
    // Where the old tree is full, its root is a node of the new one, and the proof leaves it out.
    let full = old.is_power_of_two().then_some(old_root);
    let mut steps = full.into_iter().chain(proof);
    let Some(first) = steps.next() else { return false };
    let lowest = last_old.trailing_ones();
    let (mut at_old, mut at_new) = (shifted(last_old, lowest), shifted(last_new, lowest));
    let (mut found_old, mut found_new) = (*first, *first);
    for step in steps {
        if at_new == 0 {
            return false;
        }
        if at_old & 1 == 1 || at_old == at_new {
            (found_old, found_new) = (node(&hash, step, &found_old), node(&hash, step, &found_new));
            // A node without a sibling is carried up.
            let carried = if at_old == 0 { 0 } else { at_old.trailing_zeros() };
            (at_old, at_new) = (shifted(at_old, carried), shifted(at_new, carried));
        } else {
            found_new = node(&hash, &found_new, step);
        }
        (at_old, at_new) = (at_old >> 1, at_new >> 1);
    }
    at_new == 0 && found_old == *old_root && found_new == *new_root
}

/// A shift by all 64 bits leaves nothing.
fn shifted(value: u64, bits: u32) -> u64 {
    value.checked_shr(bits).unwrap_or(0)
}

#[cfg(test)]
#[path = "merkle_tests.rs"]
mod tests;

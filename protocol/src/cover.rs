//! Leaves that are left out of a tree: the roots of the fewest full trees over them, from which the tree's root is made without them.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::merkle::node;

/// Full trees over leaves that follow each other, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The place of the next leaf in the whole tree.
    next: u64,
    /// Height and root of each.
    trees: Vec<(u32, Digest)>,
}

impl Cover {
    /// Of no leaf, at a place of the whole tree.
    #[must_use]
    pub const fn at(place: u64) -> Self {
        Self { next: place, trees: Vec::new() }
    }

    /// Leaves out the next leaf.
    ///
    /// # Panics
    /// After 2^64 - 1 leaves.
    pub fn push(&mut self, hash: impl Fn(&[&[u8]]) -> Digest, leaf: Digest) {
        let (mut height, mut carried) = (0_u32, leaf);
        // A tree ends at the next place; whether one of twice its width does, and begins at a place of its own, the place says.
        self.next = self.next.checked_add(1).expect("no tree has 2^64 leaves");
        while let Some((_, left)) =
            self.trees.pop_if(|(left, _)| *left == height && height < self.next.trailing_zeros())
        {
            carried = node(&hash, &left, &carried);
            height = height.saturating_add(1);
        }
        self.trees.push((height, carried));
    }

    /// Height and root of each full tree, in their order; it is empty afterwards.
    pub fn take(&mut self) -> Vec<(u32, Digest)> {
        core::mem::take(&mut self.trees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Frontier, leaf_digest};

    /// However many leaves are left out wherever, every root stays, and no more than two trees of each height are needed.
    #[test]
    fn every_root_is_that_of_the_whole_tree() {
        let leaves: Vec<Digest> = (0..70_u8).map(|number| leaf_digest(Digest::of_parts, &[number])).collect();
        for from in 0..=leaves.len() {
            for to in from..=leaves.len() {
                let (mut whole, mut partly) = (Frontier::new(), Frontier::new());
                let mut cover = Cover::at(from as u64);
                for (place, leaf) in leaves.iter().enumerate() {
                    whole.push(Digest::of_parts, *leaf);
                    if (from..to).contains(&place) {
                        cover.push(Digest::of_parts, *leaf);
                    }
                    if place + 1 == to {
                        let trees = cover.take();
                        assert!(trees.len() <= 12, "{from} {to}: {}", trees.len());
                        for (height, root) in trees {
                            assert!(partly.push_full(Digest::of_parts, height, root), "{from} {to}");
                        }
                    }
                    if !(from..to).contains(&place) {
                        partly.push(Digest::of_parts, *leaf);
                    }
                    if place + 1 >= to || place < from {
                        assert_eq!(partly, whole, "{from} {to} {place}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_full_tree_has_few_places() {
        let mut tree = Frontier::new();
        assert!(
            !tree.push_full(Digest::of_parts, 64, Digest::ZERO) && !tree.push_full(Digest::of_parts, 99, Digest::ZERO)
        );
        tree.push(Digest::of_parts, Digest::ZERO);
        let before = tree.clone();
        assert!(!tree.push_full(Digest::of_parts, 1, Digest::ZERO));
        assert_eq!(tree, before);
        assert!(tree.push_full(Digest::of_parts, 0, Digest::ZERO) && tree.push_full(Digest::of_parts, 1, Digest::ZERO));
        assert_eq!(tree.leaves(), 4);
        let mut large = Frontier::new();
        assert!(
            large.push_full(Digest::of_parts, 63, Digest::ZERO) && !large.push_full(Digest::of_parts, 63, Digest::ZERO)
        );
    }
}

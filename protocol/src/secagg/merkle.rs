//! Merkle trees over digests: a dealer signs one root, and each of its shares can be shown to belong under it.
//!
//! Leaves and nodes are hashed under different prefixes, and an odd node is carried up as it is, so that no list of leaves has the root of
//! another one of the same length (RFC 9162, section 2.1, has the same two rules).

use alloc::vec::Vec;

use super::suite::Suite;
use crate::digest::Digest;

/// A tree with all its levels, leaves first.
pub struct MerkleTree {
    levels: Vec<Vec<Digest>>,
}

impl MerkleTree {
    /// The tree over these leaves, in their order. Without leaves the root is all zeros.
    #[must_use]
    pub fn new<S: Suite>(leaves: &[Digest]) -> Self {
        let mut level: Vec<Digest> = leaves.iter().map(leaf::<S>).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let above = level.chunks(2).map(pair::<S>).collect();
            levels.push(core::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self { levels }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or(Digest::ZERO)
    }

    /// The steps from a leaf to the root: the length of the longest path.
    #[must_use]
    pub fn height(&self) -> usize {
        self.levels.len() - 1
    }

    /// The siblings on the way from a leaf to the root, lowest first.
    pub fn path(&self, index: usize) -> impl Iterator<Item = Digest> + '_ {
        self.levels.iter().enumerate().filter_map(move |(height, level)| level.get((index >> height) ^ 1).copied())
    }
}

/// The root that a leaf at this position among `leaves` has with these siblings; `None` if there are too many or too few of them.
#[must_use]
pub fn root_of_path<S: Suite>(index: usize, leaves: usize, value: &Digest, path: &[Digest]) -> Option<Digest> {
    if index >= leaves {
        return None;
    }
    let (mut index, mut width) = (index, leaves);
    let (mut node, mut siblings) = (leaf::<S>(value), path.iter());
    while width > 1 {
        let sibling = index ^ 1;
        if sibling < width {
            let sibling_node = siblings.next()?;
            let ordered = if index < sibling { [node, *sibling_node] } else { [*sibling_node, node] };
            node = pair::<S>(&ordered);
        }
        (index, width) = (index >> 1, width.div_ceil(2));
    }
    siblings.next().is_none().then_some(node)
}

fn leaf<S: Suite>(value: &Digest) -> Digest {
    S::hash(&[&[0], value.as_bytes()])
}

/// A node over two, or the one that has no sibling.
fn pair<S: Suite>(nodes: &[Digest]) -> Digest {
    match nodes {
        [left, right] => S::hash(&[&[1], left.as_bytes(), right.as_bytes()]),
        [single] => *single,
        _ => Digest::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secagg::toy::Toy;

    fn leaves(count: u8) -> Vec<Digest> {
        (0..count).map(|number| Digest([number; 32])).collect()
    }

    #[test]
    fn every_leaf_of_every_size_has_its_path_and_no_other() {
        for count in 1..=40_u8 {
            let leaves = leaves(count);
            let tree = MerkleTree::new::<Toy>(&leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let path: Vec<Digest> = tree.path(index).collect();
                let root = |index, width, leaf, path: &[Digest]| root_of_path::<Toy>(index, width, leaf, path);
                assert_eq!(root(index, leaves.len(), leaf, &path), Some(tree.root()), "{index} of {count}");
                assert_ne!(root(index, leaves.len(), &Digest([99; 32]), &path), Some(tree.root()));
                let other = (index + 1) % leaves.len();
                assert!(other == index || root(other, leaves.len(), leaf, &path) != Some(tree.root()));
                let longer = [path.as_slice(), &[Digest::ZERO]].concat();
                assert_eq!(root(index, leaves.len(), leaf, &longer), None);
                assert!(path.is_empty() || root(index, leaves.len(), leaf, &path[1..]).is_none());
            }
            assert_eq!(root_of_path::<Toy>(leaves.len(), leaves.len(), &leaves[0], &[]), None);
        }
        assert_eq!(MerkleTree::new::<Toy>(&[]).root(), Digest::ZERO);
    }

    #[test]
    fn a_node_is_no_leaf() {
        let (two, tree) = (leaves(2), MerkleTree::new::<Toy>(&leaves(4)));
        let nodes = [MerkleTree::new::<Toy>(&two).root(), MerkleTree::new::<Toy>(&leaves(4)[2..]).root()];
        assert_ne!(MerkleTree::new::<Toy>(&nodes).root(), tree.root());
    }
}

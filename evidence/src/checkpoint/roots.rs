//! The roots that a journal has at some sizes, found while its entries are read one after the other.

use std::collections::BTreeMap;

use tributary_protocol::digest::Digest;
use tributary_protocol::merkle::Frontier;

/// Sizes whose roots are asked for, with the roots so far.
pub(crate) struct RootsAt {
    roots: BTreeMap<u64, Option<Digest>>,
    tree: Frontier,
}

impl RootsAt {
    /// Before the first entry.
    pub(crate) fn of(sizes: impl IntoIterator<Item = u64>) -> Self {
        let roots = sizes.into_iter().map(|size| (size, None)).collect();
        let mut all = Self { roots, tree: Frontier::new() };
        all.reached();
        all
    }

    /// The leaf of the next entry.
    pub(crate) fn push(&mut self, leaf: Digest) {
        self.tree.push(Digest::of_parts, leaf);
        self.reached();
    }

    /// The root of a full tree of this height, whose entries are left out.
    pub(crate) fn push_full(&mut self, height: u32, root: Digest) {
        // One that cannot begin here is refused by whoever reads the part.
        let _ = self.tree.push_full(Digest::of_parts, height, root);
        self.reached();
    }

    fn reached(&mut self) {
        if let Some(root) = self.roots.get_mut(&self.tree.leaves()) {
            *root = Some(self.tree.root(Digest::of_parts));
        }
    }

    /// How many entries there are so far.
    pub(crate) fn entries(&self) -> u64 {
        self.tree.leaves()
    }

    /// The root of so many first entries, where it was asked for and there are as many.
    pub(crate) fn at(&self, size: u64) -> Option<Digest> {
        self.roots.get(&size).copied().flatten()
    }

    /// Every root that was found, with its size, ascending.
    pub(crate) fn found(self) -> impl Iterator<Item = (u64, Digest)> {
        self.roots.into_iter().filter_map(|(size, root)| Some((size, root?)))
    }
}

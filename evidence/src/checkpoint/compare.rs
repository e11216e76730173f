//! Whether two checkpoints of one coordinator can be of one journal.

use std::fmt;

use serde::Serialize;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{Checkpoint, Entries};

use super::roots::RootsAt;
use crate::entries::{Bad, whole};

/// What two checkpoints, each with its coordinator's signature, say of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// They are of one journal.
    Consistent,
    /// No journal has both: its coordinator has shown two.
    Forked,
    /// Nothing here tells.
    Open,
    /// They have different origins: two federations' journals.
    OtherJournal,
}

/// Roots of a journal's first entries, as far as they were asked for.
pub type JournalRoots = Vec<(u64, Digest)>;

/// The roots that a journal's file has at these sizes; nothing for a size beyond its end.
///
/// # Errors
/// [`Bad`] for a file whose chain is not whole.
pub fn roots_of(bytes: &[u8], sizes: &[u64]) -> Result<JournalRoots, Bad> {
    whole(bytes)?;
    let mut roots = RootsAt::of(sizes.iter().copied());
    Entries::new(bytes).for_each(|entry| roots.push(entry.leaf));
    Ok(roots.found().collect())
}

/// Compares two checkpoints that one coordinator has signed; a journal's roots decide where their sizes differ.
///
/// A journal that has the larger checkpoint's root is the journal of that checkpoint, whoever kept it. Then its root at the smaller size is the only
/// one that the smaller checkpoint can have. A journal that has another root there says nothing of either.
#[must_use]
pub fn compare(one: &Checkpoint, other: &Checkpoint, journal: &JournalRoots) -> Comparison {
    let (small, large) = if one.size <= other.size { (one, other) } else { (other, one) };
    let root = |size: u64| journal.iter().find(|(at, _)| *at == size).map(|(_, root)| *root);
    let same = |same: bool| if same { Comparison::Consistent } else { Comparison::Forked };
    if one.origin != other.origin {
        return Comparison::OtherJournal;
    }
    if small.size == large.size {
        return same(small.root == large.root);
    }
    match (root(large.size), root(small.size)) {
        (Some(of_large), Some(of_small)) if of_large == large.root => same(of_small == small.root),
        _ => Comparison::Open,
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Consistent => "consistent: both checkpoints are of one journal",
            Self::Forked => {
                "FORKED: the coordinator signed two checkpoints that no journal can have. Keep both files: they prove it to everybody who has the \
                 coordinator's key"
            }
            Self::Open => {
                "cannot be told: the checkpoints have different numbers of entries, and nothing here joins them. Give the journal (--journal), or \
                 compare again when both branches have the same number"
            }
            Self::OtherJournal => "different journals: the origins are those of two federations. Give two checkpoints of one",
        })
    }
}

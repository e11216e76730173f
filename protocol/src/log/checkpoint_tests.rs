#![expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]

use alloc::vec::Vec;

use super::*;
use crate::digest::Digest;
use crate::limits::ORIGIN_BYTES_MAX;
use crate::merkle::MerkleTree;

const RUN: LedgerId = LedgerId([7; 32]);

/// A journal of this many entries, with the leaves.
fn grown(count: u64, event: &[u8]) -> (Checkpoint, Vec<Digest>) {
    let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
    (0..count).for_each(|sequence| file.extend(log.append(RUN, sequence, event).unwrap()));
    let leaves = Entries::new(&file).map(|entry| entry.leaf).collect();
    (log.checkpoint("bank.example/audit"), leaves)
}

#[test]
fn a_journal_that_grew_follows_its_checkpoint() {
    for (old, new) in [(0, 0), (0, 5), (3, 7), (7, 7), (8, 9)] {
        let ((last, _), (now, leaves)) = (grown(old, b"x"), grown(new, b"x"));
        let proof = MerkleTree::new(Digest::of_parts, leaves).consistency(usize::try_from(old).unwrap()).unwrap();
        assert_eq!(now.follows(&last, &proof), Ok(()), "{old} to {new}");
        let (anew, _) = grown(new, b"y");
        let fork = Err(CheckpointFault::Fork { seen: old, found: new });
        assert!(old == 0 || anew.follows(&last, &proof) == fork, "{old} to {new}, written anew");
        let shorter = Err(CheckpointFault::Shorter { seen: new, found: old });
        assert!(old == new || last.follows(&now, &proof) == shorter);
    }
}

#[test]
fn an_entry_is_shown_in_its_place_alone() {
    let (now, leaves) = grown(6, b"x");
    let tree = MerkleTree::new(Digest::of_parts, leaves.clone());
    let path: Vec<Digest> = tree.path(4).collect();
    assert_eq!(now.includes(4, &leaves[4], &path), Ok(()));
    assert_eq!(now.includes(5, &leaves[4], &path), Err(CheckpointFault::NotIncluded { position: 5 }));
    assert_eq!(now.includes(4, &leaves[5], &path), Err(CheckpointFault::NotIncluded { position: 4 }));
    assert_eq!(now.includes(u64::MAX, &leaves[4], &path), Err(CheckpointFault::NotIncluded { position: u64::MAX }));
    let unnamed = Checkpoint { origin: "".into(), ..now };
    assert_eq!(unnamed.includes(4, &leaves[4], &path), Err(CheckpointFault::Origin));
}

#[test]
fn other_journals_and_origins_are_refused() {
    let (last, _) = grown(2, b"x");
    let other = Checkpoint { origin: "bank.example/other".into(), ..last.clone() };
    assert_eq!(other.follows(&last, &[]), Err(CheckpointFault::OtherJournal));
    for origin in ["", "two words", "plus+plus", "line\nend", "Bänk", &"x".repeat(ORIGIN_BYTES_MAX + 1)] {
        let named = Checkpoint { origin: origin.into(), ..last.clone() };
        assert_eq!(named.check(), Err(CheckpointFault::Origin), "{origin:?}");
        assert_eq!(named.follows(&last, &[]), Err(CheckpointFault::Origin), "{origin:?}");
        assert_eq!(last.follows(&named, &[]), Err(CheckpointFault::Origin), "{origin:?}");
    }
    let longest = Checkpoint { origin: "x".repeat(ORIGIN_BYTES_MAX), ..last.clone() };
    assert_eq!((last.check(), longest.check()), (Ok(()), Ok(())));
}

/// Frozen: it stands in the first line of every checkpoint, and others compare it.
#[test]
fn a_journal_is_named_by_its_federation_and_the_hash_of_its_tree() {
    let origin = origin_of(&Digest([0xa5; 32]));
    assert_eq!(origin, ["tributary/audit/sha256/", &"a5".repeat(32)].concat());
    assert_eq!(Checkpoint { origin, ..grown(1, b"x").0 }.check(), Ok(()));
}

//! Random changes of a bundle, and of the files of which it is made: none of them is ever called intact.

use std::collections::BTreeMap;

use super::code;
use super::world::{SMALL, Shape, World, sealed};

/// A generator of tests: SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    /// Changes bytes: one, a few, cut out, doubled or put elsewhere.
    pub(crate) fn change(&mut self, bytes: &mut Vec<u8>) {
        let (at, length) = (self.below(bytes.len()), 1 + self.below(40));
        let end = bytes.len().min(at + length);
        match self.below(6) {
            0 | 1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes[at..end].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1)),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len() - piece.len() + 1);
                bytes[to..to + piece.len()].copy_from_slice(&piece);
            }
        }
    }
}

/// How many of each kind: `MUTATIONS` says another number, for campaigns.
fn count() -> usize {
    std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

/// Two rounds: what is verified again for each change should be little.
fn small() -> World {
    World::new(Shape { rounds: 2, ..SMALL })
}

#[test]
fn no_change_of_a_bundle_s_bytes_is_called_intact() {
    let bundle = small().bundle();
    let mut dice = Dice(1);
    for number in 0..count() {
        let mut changed = bundle.clone();
        dice.change(&mut changed);
        if changed != bundle {
            let (found, words) = code(&changed, false);
            assert!([1, 4].contains(&found), "change {number}: {found} {words}");
        }
    }
}

/// Whoever changes a file makes table and digests anew: what the parts say must give it away.
#[test]
fn no_change_of_a_file_is_called_intact() {
    let parts: BTreeMap<String, Vec<u8>> = small().all();
    // Nobody signs for which days a bundle was made, and its reader sees it: other days are no lie. A space more or less in a schema says nothing.
    let names: Vec<&String> =
        parts.keys().filter(|name| *name != "contents.json" && !name.starts_with("plans/")).collect();
    let mut dice = Dice(2);
    for number in 0..count() / 4 {
        let name = names[dice.below(names.len())];
        let mut changed = parts.clone();
        let bytes = changed.get_mut(name).unwrap();
        dice.change(bytes);
        // A file that is gone whole is no lie: what it says was computed again.
        if !bytes.is_empty() && changed != parts {
            let (found, words) = code(&sealed(&changed), false);
            assert_ne!(found, 0, "change {number} of {name}: {words}");
        }
    }
}

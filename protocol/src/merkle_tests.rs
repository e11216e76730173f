#![expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]

use proptest::prelude::*;

use super::*;

/// The entries of Certificate Transparency's reference tests (RFC 6962).
const ENTRIES: [&[u8]; 8] =
    [b"", &[0], &[0x10], &[0x20, 0x21], &[0x30, 0x31], b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];

/// The roots over the first one, two and on of [`ENTRIES`], from the same tests.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const NODE_0: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const NODE_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const NODE_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const NODE_2_TO_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const NODE_4_TO_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const NODE_6_TO_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const NODE_4_TO_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

fn digest(text: &str) -> Digest {
    Digest::from_hex(text).unwrap()
}

fn sha256(parts: &[&[u8]]) -> Digest {
    Digest::of_parts(parts)
}

fn published(count: usize) -> Vec<Digest> {
    ENTRIES[..count].iter().map(|entry| leaf_digest(sha256, entry)).collect()
}

fn numbered(count: u64) -> Vec<Digest> {
    (0..count).map(|number| leaf_digest(sha256, &number.to_le_bytes())).collect()
}

fn frontier(leaves: &[Digest]) -> Frontier {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(sha256, *leaf));
    frontier
}

/// The RFC's definition, word for word.
fn defined_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[1], defined_root(left).as_bytes(), defined_root(right).as_bytes()])
        }
    }
}

#[test]
fn roots_are_the_published_ones() {
    let nothing = digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(Frontier::new().root(sha256), nothing);
    assert_eq!(MerkleTree::new(sha256, Vec::new()).root(), nothing);
    for (root, count) in ROOTS.iter().zip(1..) {
        assert_eq!(MerkleTree::new(sha256, published(count)).root(), digest(root), "{count} leaves");
        assert_eq!(frontier(&published(count)).root(sha256), digest(root), "{count} leaves");
    }
}

#[test]
fn proofs_of_inclusion_are_the_published_ones() {
    let cases: [(usize, usize, &[&str]); 5] = [
        (0, 1, &[]),
        (0, 8, &[NODE_1, NODE_2_TO_3, NODE_4_TO_7]),
        (5, 8, &[NODE_4, NODE_6_TO_7, ROOTS[3]]),
        (2, 3, &[ROOTS[1]]),
        (1, 5, &[NODE_0, NODE_2_TO_3, NODE_4]),
    ];
    for (index, count, path) in cases {
        let found: Vec<Digest> = MerkleTree::new(sha256, published(count)).path(index).collect();
        let expected: Vec<Digest> = path.iter().map(|node| digest(node)).collect();
        assert_eq!(found, expected, "leaf {index} of {count}");
        let root = root_of_path(sha256, (index as u64, count as u64), &published(count)[index], &expected);
        assert_eq!(root, Some(digest(ROOTS[count - 1])));
    }
}

#[test]
fn proofs_of_consistency_are_the_published_ones() {
    let cases: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (1, 8, &[NODE_1, NODE_2_TO_3, NODE_4_TO_7]),
        (6, 8, &[NODE_4_TO_5, NODE_6_TO_7, ROOTS[3]]),
        (2, 5, &[NODE_2_TO_3, NODE_4]),
    ];
    for (old, new, proof) in cases {
        let expected: Vec<Digest> = proof.iter().map(|node| digest(node)).collect();
        assert_eq!(MerkleTree::new(sha256, published(new)).consistency(old), Some(expected.clone()), "{old} of {new}");
        let (old_root, new_root) = (digest(ROOTS[old - 1]), digest(ROOTS[new - 1]));
        assert!(is_consistent(sha256, (old as u64, &old_root), (new as u64, &new_root), &expected), "{old} of {new}");
    }
}

#[test]
fn every_leaf_of_every_size_has_its_path_and_no_other() {
    for count in 1..=40_u64 {
        let leaves = numbered(count);
        let tree = MerkleTree::new(sha256, leaves.clone());
        for (leaf, index) in leaves.iter().zip(0..) {
            let path: Vec<Digest> = tree.path(index).collect();
            let (index, root) = (index as u64, |place, leaf, path: &[Digest]| root_of_path(sha256, place, leaf, path));
            assert_eq!(root((index, count), leaf, &path), Some(tree.root()), "{index} of {count}");
            assert_ne!(root((index, count), &Digest([99; 32]), &path), Some(tree.root()));
            let other = (index + 1) % count;
            assert!(other == index || root((other, count), leaf, &path) != Some(tree.root()));
            assert_eq!(root((index, count), leaf, &[path.as_slice(), &[Digest::ZERO]].concat()), None);
            assert!(path.is_empty() || root((index, count), leaf, &path[1..]).is_none());
            assert!(path.len() <= tree.height());
        }
        // The first leaf's path is a longest one.
        assert_eq!(tree.height(), tree.path(0).count(), "{count}");
        assert_eq!(root_of_path(sha256, (count, count), &leaves[0], &[]), None);
        assert_eq!(tree.path(leaves.len()).count(), 0);
        assert_eq!(tree.consistency(leaves.len() + 1), None);
    }
    assert_eq!(root_of_path(sha256, (0, 0), &Digest::ZERO, &[]), None);
}

#[test]
fn a_node_is_no_leaf() {
    let leaves = numbered(4);
    let nodes = [&leaves[..2], &leaves[2..]].map(|pair| frontier(pair).root(sha256));
    let passed_off = nodes.map(|node| leaf_digest(sha256, node.as_bytes()));
    assert_ne!(frontier(&passed_off).root(sha256), frontier(&leaves).root(sha256));
}

#[test]
fn every_pair_of_sizes_is_consistent_by_its_own_proof_only() {
    let leaves = numbered(34);
    let roots: Vec<Digest> = (0..=leaves.len()).map(|size| defined_root(&leaves[..size])).collect();
    for new in 0..=leaves.len() {
        let tree = MerkleTree::new(sha256, leaves[..new].to_vec());
        for old in 0..=new {
            let proof = tree.consistency(old).unwrap();
            let judge = |(old, old_root): (usize, &Digest), (new, new_root): (usize, &Digest), proof: &[Digest]| {
                is_consistent(sha256, (old as u64, old_root), (new as u64, new_root), proof)
            };
            assert!(judge((old, &roots[old]), (new, &roots[new]), &proof), "{old} of {new}");
            assert!(!judge((old, &Digest([9; 32])), (new, &roots[new]), &proof), "{old} of {new}");
            // Of a tree without leaves nothing can be wrong but its own root.
            assert!(old == 0 || !judge((old, &roots[old]), (new, &Digest([9; 32])), &proof), "{old} of {new}");
            assert!(old == new || !judge((new, &roots[new]), (old, &roots[old]), &proof), "{new} is no front of {old}");
            assert!(!judge((old, &roots[old]), (new, &roots[new]), &[proof.as_slice(), &[roots[0]]].concat()));
            for position in 0..proof.len() {
                let mut changed = proof.clone();
                changed[position].0[7] ^= 1;
                assert!(!judge((old, &roots[old]), (new, &roots[new]), &changed), "{old} of {new}, node {position}");
                changed.remove(position);
                assert!(!judge((old, &roots[old]), (new, &roots[new]), &changed), "{old} of {new}, without {position}");
            }
        }
    }
}

/// A proof is for trees as high as it says, and none is needed for a tree of the same size alone.
#[test]
fn a_size_of_another_height_is_not_consistent() {
    let [one, two, three] = [1, 2, 3].map(|count| frontier(&numbered(count)).root(sha256));
    let proof = MerkleTree::new(sha256, numbered(2)).consistency(1).unwrap();
    assert!(is_consistent(sha256, (1, &one), (2, &two), &proof));
    for claimed in [3, 4, 5, u64::MAX] {
        assert!(!is_consistent(sha256, (1, &one), (claimed, &two), &proof), "{claimed}");
    }
    assert!(is_consistent(sha256, (3, &three), (3, &three), &[]));
    assert!(!is_consistent(sha256, (3, &three), (2, &three), &[]), "a larger tree");
    assert!(!is_consistent(sha256, (3, &three), (0, &three), &[]), "a larger tree");
}

#[test]
fn a_tree_that_was_kept_has_a_root_for_each_bit_of_its_size() {
    for leaves in [0, 1, 5, 6, 7, 8, u64::MAX] {
        for count in 0..=65 {
            let kept = Frontier { leaves, peaks: [Digest::ZERO; 65][..count].to_vec() };
            assert_eq!(kept.is_whole(), count == leaves.count_ones() as usize, "{count} of {leaves}");
        }
    }
}

#[test]
fn the_largest_sizes_end() {
    let (proof, digest) = ([Digest::ZERO; 70], Digest::ZERO);
    for count in 0..=70 {
        assert_eq!(root_of_path(sha256, (u64::MAX - 1, u64::MAX), &digest, &proof[..count]).is_some(), count == 63);
        for old in [1, 1 << 63, (1 << 63) - 1, u64::MAX - 1] {
            assert!(
                !is_consistent(sha256, (old, &digest), (u64::MAX, &digest), &proof[..count]),
                "{old}, {count} nodes"
            );
        }
    }
}

proptest! {
    #[test]
    fn a_tree_that_grew_has_the_defined_root(count in 0_u64..600) {
        let leaves = numbered(count);
        let (grown, root) = (frontier(&leaves), defined_root(&leaves));
        prop_assert_eq!(grown.root(sha256), root);
        prop_assert_eq!(MerkleTree::new(sha256, leaves).root(), root);
        prop_assert_eq!((grown.leaves(), grown.peaks.len()), (count, count.count_ones() as usize));
    }

    #[test]
    fn a_changed_proof_of_inclusion_is_refused(count in 1_u64..600, at in any::<prop::sample::Index>(), bit in 0..256_usize) {
        let leaves = numbered(count);
        let tree = MerkleTree::new(sha256, leaves.clone());
        let index = at.index(leaves.len());
        let path: Vec<Digest> = tree.path(index).collect();
        let place = (index as u64, count);
        prop_assert_eq!(root_of_path(sha256, place, &leaves[index], &path), Some(tree.root()));
        for position in 0..path.len() {
            let mut changed = path.clone();
            changed[position].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(root_of_path(sha256, place, &leaves[index], &changed), Some(tree.root()));
        }
    }

    #[test]
    fn a_front_of_any_size_is_consistent(new in 1_usize..600, at in any::<prop::sample::Index>(), bit in 0..256_usize) {
        let leaves = numbered(new as u64);
        let old = (1..=new).nth(at.index(new)).unwrap();
        let (old_root, tree) = (defined_root(&leaves[..old]), MerkleTree::new(sha256, leaves));
        let proof = tree.consistency(old).unwrap();
        let judge = |proof: &[Digest]| is_consistent(sha256, (old as u64, &old_root), (new as u64, &tree.root()), proof);
        prop_assert!(judge(&proof));
        for position in 0..proof.len() {
            let mut changed = proof.clone();
            changed[position].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!judge(&changed));
        }
    }

    #[test]
    fn arbitrary_sizes_and_proofs_never_panic(old in any::<u64>(), new in any::<u64>(), count in 0_usize..70) {
        let proof = [Digest::ZERO; 70];
        prop_assert!(!is_consistent(sha256, (old, &Digest::ZERO), (new, &Digest([1; 32])), &proof[..count]));
        let root = root_of_path(sha256, (old, new), &Digest::ZERO, &proof[..count]);
        prop_assert!(old < new || root.is_none());
    }
}

extern crate std;

use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::secagg::toy::{Seeded, Toy};

const RINGS: [Ring; 2] = [Ring::Bits32, Ring::Bits64];

fn vector(ring: Ring, seed: u64, dimension: usize) -> RingWords {
    let mut words = RingWords::zero(ring, dimension);
    apply::<Toy>(&mut words, &Seeded::new(seed).key(), Sign::Add);
    words
}

fn masks(seed: u64, count: usize) -> Vec<Mask> {
    let mut entropy = Seeded::new(seed);
    (0..count).map(|index| (if index % 3 == 1 { Sign::Subtract } else { Sign::Add }, entropy.key())).collect()
}

fn descriptor(seed: u64) -> Digest {
    Digest::of(&seed.to_le_bytes())
}

#[test]
fn words_are_little_endian_words_of_the_stream() {
    let key = Seeded::new(7).key();
    let mut bytes = [0; 24];
    Toy::keystream(&key).fill(&mut bytes);
    for ring in RINGS {
        let mut words = RingWords::zero(ring, 24 / ring.word_bytes());
        apply::<Toy>(&mut words, &key, Sign::Add);
        assert_eq!(words.to_le_bytes(), bytes);
    }
}

#[test]
fn the_larger_identity_adds() {
    assert_eq!(Sign::of_pair(ClientId(2), ClientId(1)), Sign::Add);
    assert_eq!(Sign::of_pair(ClientId(1), ClientId(2)), Sign::Subtract);
    assert_eq!(Sign::of_pair(ClientId(1), ClientId(2)).opposite(), Sign::of_pair(ClientId(2), ClientId(1)));
}

#[test]
fn every_way_of_masking_gives_the_same() {
    let masks = masks(3, 5);
    for ring in RINGS {
        for dimension in [0, 1, 7, BLOCK_WORDS - 1, BLOCK_WORDS, 2 * BLOCK_WORDS + 33] {
            let start = vector(ring, 11, dimension);
            let mut one_by_one = start.clone();
            masks.iter().for_each(|(sign, key)| apply::<Toy>(&mut one_by_one, key, *sign));
            let mut blocked = start.clone();
            apply_all::<Toy>(&mut blocked, &masks);
            assert!(blocked == one_by_one, "{ring:?}, {dimension} coordinates");
            let mut reversed = start.clone();
            apply_blocks(&mut reversed, &masks, |blocks| blocks.into_iter().rev().for_each(MaskBlock::run::<Toy>));
            assert!(reversed == one_by_one, "{ring:?}, {dimension} coordinates");
        }
    }
}

#[test]
#[should_panic(expected = "every block of a vector is masked")]
fn a_block_that_is_not_run_is_noticed() {
    let mut words = RingWords::zero(Ring::Bits64, BLOCK_WORDS + 1);
    apply_blocks(&mut words, &masks(1, 1), |blocks| blocks.into_iter().skip(1).for_each(MaskBlock::run::<Toy>));
}

/// Every coordinate is weighed with its own word of the stream, also in a vector longer than the pieces in which the stream is made.
#[test]
fn a_checksum_weighs_every_coordinate_with_its_word_of_the_stream() {
    for ring in RINGS {
        let words = vector(ring, 4, 2 * PAD_BYTES / ring.word_bytes() + 7);
        let mut rho = RingWords::zero(ring, words.len());
        apply::<Toy>(&mut rho, &labels::checksum_key::<Toy>(&descriptor(2)), Sign::Add);
        let products = words.centred().into_iter().zip(rho.centred()).map(|(word, rho)| word.wrapping_mul(rho));
        let sum = products.fold(0_i64, i64::wrapping_add);
        let found = RingWords::reduce(ring, &[checksum::<Toy>(&words, &descriptor(2)).cast_signed()]);
        assert!(found == RingWords::reduce(ring, &[sum]), "{ring:?}");
    }
}

#[test]
fn other_participant_counts_fail() {
    for ring in RINGS {
        let mut sum = RingWords::zero(ring, 5 + CHECK_COORDINATES);
        for client in 0..3 {
            let mut update = vector(ring, client, 5);
            append_checks::<Toy>(&mut update, &descriptor(1));
            sum.add(&update).unwrap();
        }
        for participants in [0, 1, 2, 4] {
            let result = split_checks::<Toy>(sum.clone(), &descriptor(1), participants);
            assert_eq!(result.err(), Some(CheckFailure::Counter));
        }
        // A counter that was changed to fit is caught by the checksum.
        let mut forged = RingWords::zero(ring, 5);
        forged.push(1);
        forged.push(0);
        sum.add(&forged).unwrap();
        assert_eq!(split_checks::<Toy>(sum, &descriptor(1), 4).err(), Some(CheckFailure::Checksum));
    }
}

#[test]
fn vectors_without_room_for_checks_fail() {
    for dimension in 0..CHECK_COORDINATES {
        let words = RingWords::zero(Ring::Bits64, dimension);
        assert!(split_checks::<Toy>(words, &descriptor(1), 0).is_err());
    }
}

proptest! {
    #[test]
    fn any_range_is_masked_as_in_the_whole(first in 0_usize..70, length in 0_usize..2000, seed: u64) {
        let masks = masks(seed, 3);
        for ring in RINGS {
            let mut whole = RingWords::zero(ring, first + length);
            apply_all::<Toy>(&mut whole, &masks);
            let mut range = RingWords::zero(ring, length);
            apply_range::<Toy>(range.view_mut(), first, &masks);
            prop_assert_eq!(&whole.to_le_bytes()[first * ring.word_bytes()..], range.to_le_bytes());
        }
    }

    #[test]
    fn sums_pass_the_checks_and_come_back(cohort in 1_usize..8, dimension in 0_usize..40, seed: u64) {
        for ring in RINGS {
            let updates: Vec<RingWords> = (0..cohort).map(|i| vector(ring, seed.wrapping_add(i as u64), dimension)).collect();
            let mut sum = RingWords::zero(ring, dimension + CHECK_COORDINATES);
            let mut plain = RingWords::zero(ring, dimension);
            for update in &updates {
                plain.add(update).unwrap();
                let mut update = update.clone();
                append_checks::<Toy>(&mut update, &descriptor(seed));
                sum.add(&update).unwrap();
            }
            let data = split_checks::<Toy>(sum, &descriptor(seed), cohort);
            prop_assert!(data.is_ok_and(|data| data == plain));
        }
    }

    /// Errors in the low eight bits: missed with a chance of 2^-24 at most.
    #[test]
    fn a_changed_coordinate_fails(dimension in 1_usize..40, at: prop::sample::Index, bit in 0_u32..8, seed: u64) {
        for ring in RINGS {
            let mut sum = vector(ring, seed, dimension);
            append_checks::<Toy>(&mut sum, &descriptor(seed));
            let mut error = vec![0; dimension + CHECK_COORDINATES];
            let at = at.index(error.len());
            error[at] = 1_i64 << bit;
            sum.add(&RingWords::reduce(ring, &error)).unwrap();
            let expected = if at == dimension { CheckFailure::Counter } else { CheckFailure::Checksum };
            prop_assert_eq!(split_checks::<Toy>(sum, &descriptor(seed), 1).err(), Some(expected));
        }
    }

    #[test]
    fn another_descriptor_fails(dimension in 1_usize..40, seed: u64) {
        for ring in RINGS {
            let mut sum = vector(ring, seed, dimension);
            append_checks::<Toy>(&mut sum, &descriptor(seed));
            let result = split_checks::<Toy>(sum, &descriptor(!seed), 1);
            prop_assert_eq!(result.err(), Some(CheckFailure::Checksum));
        }
    }
}

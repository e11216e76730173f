use alloc::vec;

use proptest::prelude::*;

use super::*;

fn words(ring: Ring, values: &[u64]) -> RingWords {
    let mut words = RingWords::zero(ring, 0);
    values.iter().for_each(|value| words.push(*value));
    words
}

fn same(a: &RingWords, b: &RingWords) -> bool {
    a == b
}

/// A piece that ends behind the vector, or that cuts a coordinate at its beginning or its end: nothing of it is added.
#[test]
fn a_piece_that_does_not_fit_changes_nothing() {
    for ring in [Ring::Bits32, Ring::Bits64] {
        let word = ring.word_bytes();
        let own = words(ring, &[5, 6, 7]);
        for (first, length) in [
            (0, 4 * word),
            (2 * word, 2 * word),
            (3 * word, word),
            (usize::MAX - word + 1, word),
            (0, word - 1),
            (0, 2 * word + 1),
            (1, word),
            (word - 1, word),
        ] {
            let mut sum = own.clone();
            let refused = sum.add_le_bytes_at(first, &vec![1; length]);
            // What fits after the first byte; nothing fits after the end.
            let expected = (3 * word).saturating_sub(first);
            assert_eq!(refused, Err(RingError::OtherLength { expected, found: length }), "{first} {length}");
            assert!(same(&sum, &own), "{first} {length}");
        }
        let mut sum = own.clone();
        sum.add_le_bytes_at(2 * word, &vec![0; word]).unwrap();
        sum.add_le_bytes_at(3 * word, &[]).unwrap();
        assert!(same(&sum, &own));
    }
}

/// A vector that is longer than a piece of the wire form is written as a short one is, and comes back from pieces at any coordinate.
#[test]
fn a_long_vector_is_written_and_added_piece_by_piece() {
    for ring in [Ring::Bits32, Ring::Bits64] {
        let word = ring.word_bytes();
        for count in [PIECE_BYTES / word - 1, PIECE_BYTES / word, PIECE_BYTES / word + 1, 2 * PIECE_BYTES / word + 3] {
            let values: Vec<u64> =
                (0..count as u64).map(|place| (place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
            let (own, expected) = (words(ring, &values), {
                let bytes = values.iter().map(|value| value.to_le_bytes());
                bytes.flat_map(|bytes| bytes.into_iter().take(word)).collect::<Vec<u8>>()
            });
            assert!(own.to_le_bytes() == expected, "{ring:?}, {count} coordinates");
            assert!(own.to_wire() == (expected.clone(), Digest::of_vector(&expected)), "{ring:?}, {count} coordinates");
            assert_eq!(own.digest(), Digest::of_vector(&expected));
            let (piece, mut sum) = (17 * word, RingWords::zero(ring, count));
            for (place, bytes) in expected.chunks(piece).enumerate() {
                sum.add_le_bytes_at(place * piece, bytes).unwrap();
            }
            assert!(same(&sum, &own), "{ring:?}, {count} coordinates");
        }
    }
}

#[test]
fn centring_at_the_edges() {
    let narrow = words(Ring::Bits32, &[0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]);
    assert_eq!(narrow.centred(), [0, 1, i64::from(i32::MAX), i64::from(i32::MIN), -1]);
    let wide = words(Ring::Bits64, &[0, 1, u64::MAX >> 1, 1 << 63, u64::MAX]);
    assert_eq!(wide.centred(), [0, 1, i64::MAX, i64::MIN, -1]);
    for own in [narrow, wide] {
        for first in 0..7 {
            let expected = own.centred().into_iter().skip(first).collect::<Vec<_>>();
            assert_eq!(own.centred_from(first).collect::<Vec<_>>(), expected, "from {first} on");
        }
    }
}

#[test]
fn reduction_at_the_edges() {
    let values = [0, -1, i64::from(i32::MIN), i64::from(i32::MAX) + 1, i64::MIN, i64::MAX];
    assert_eq!(RingWords::reduce(Ring::Bits64, &values).centred(), values);
    let narrow = RingWords::reduce(Ring::Bits32, &values).centred();
    assert_eq!(narrow, [0, -1, i64::from(i32::MIN), i64::from(i32::MIN), 0, -1]);
}

#[test]
fn sums_wrap() {
    for ring in [Ring::Bits32, Ring::Bits64] {
        let mut sum = words(ring, &[u64::MAX, 3]);
        sum.add(&words(ring, &[2, 4])).unwrap();
        assert_eq!(sum.centred(), [1, 7]);
    }
}

#[test]
fn wire_form_is_little_endian() {
    assert_eq!(words(Ring::Bits32, &[0x0102_0304]).to_le_bytes(), [4, 3, 2, 1]);
    assert_eq!(words(Ring::Bits64, &[0x0102_0304]).to_le_bytes(), [4, 3, 2, 1, 0, 0, 0, 0]);
    assert_eq!(words(Ring::Bits32, &[1]).digest(), Digest::of_vector(&[1, 0, 0, 0]));
}

#[test]
fn other_shapes_are_refused_and_change_nothing() {
    let mut own = words(Ring::Bits32, &[1, 2]);
    assert_eq!(own.add(&words(Ring::Bits64, &[1, 2])), Err(RingError::OtherRing));
    assert_eq!(own.add(&words(Ring::Bits32, &[1])), Err(RingError::OtherLength { expected: 2, found: 1 }));
    for length in [0, 1, 7, 9, 16] {
        let bytes = vec![1; length];
        if length > 0 {
            assert_eq!(own.add_le_bytes_at(0, &bytes), Err(RingError::OtherLength { expected: 8, found: length }));
        }
        let read = RingWords::from_le_bytes(Ring::Bits32, 2, &bytes);
        assert_eq!(read.err(), Some(RingError::OtherLength { expected: 8, found: length }));
    }
    assert!(RingWords::from_le_bytes(Ring::Bits64, usize::MAX, &[0; 8]).is_err());
    assert!(same(&own, &words(Ring::Bits32, &[1, 2])));
}

#[test]
fn blocks_cover_every_coordinate_once() {
    let mut sum = RingWords::zero(Ring::Bits64, 10);
    for block in sum.view_mut().blocks(4) {
        let RingSliceMut::W64(words) = block else { panic!("the ring does not change") };
        assert!(words.len() <= 4);
        words.iter_mut().for_each(|word| *word += 1);
    }
    assert_eq!(sum.centred(), [1; 10]);
}

proptest! {
    #[test]
    fn wire_form_returns(values in prop::collection::vec(any::<u64>(), 0..20)) {
        for ring in [Ring::Bits32, Ring::Bits64] {
            let own = words(ring, &values);
            let bytes = own.to_le_bytes();
            assert_eq!(own.to_wire(), (bytes.clone(), Digest::of_vector(&bytes)));
            assert_eq!(own.digest(), Digest::of_vector(&bytes));
            let read = RingWords::from_le_bytes(ring, values.len(), &bytes).unwrap();
            prop_assert!(same(&read, &own));
            let mut sum = RingWords::zero(ring, values.len());
            sum.add_le_bytes_at(0, &bytes).unwrap();
            prop_assert!(same(&sum, &own));
        }
    }

    #[test]
    fn the_64_bit_ring_agrees_with_wide_integers(pairs in prop::collection::vec((any::<i32>(), any::<i32>()), 1..20)) {
        for ring in [Ring::Bits32, Ring::Bits64] {
            let halves = |value: i32| i64::from(value / 2);
            let a: Vec<i64> = pairs.iter().map(|pair| halves(pair.0)).collect();
            let b: Vec<i64> = pairs.iter().map(|pair| halves(pair.1)).collect();
            let mut sum = RingWords::reduce(ring, &a);
            sum.add(&RingWords::reduce(ring, &b)).unwrap();
            let expected: Vec<i64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            prop_assert_eq!(sum.centred(), expected);
        }
    }
}

#[test]
fn a_vector_is_empty_where_it_has_no_coordinate() {
    for ring in [Ring::Bits32, Ring::Bits64] {
        for count in [0, 1, 2] {
            let mut own = RingWords::zero(ring, count);
            assert_eq!((own.is_empty(), own.len()), (count == 0, count));
            assert_eq!((own.view_mut().is_empty(), own.view_mut().len()), (count == 0, count));
        }
    }
}

//! Which customers a challenger scores: a stated share of them, the same ones each time.

use crate::digest::{Canonical, Digest};
use crate::plan::PARTS;

/// Whether a customer is among the share that a challenger scores. It follows from a key that the branch alone has, the challenger and the customer's
/// identifier, and from nothing else. So a customer stays with one model as long as the challenger does, nobody outside can tell whose turn it is, and
/// the next challenger scores other customers.
#[must_use]
pub fn is_challengers(key: &[u8; 32], challenger: &Digest, customer: &[u8], share: u16) -> bool {
    let drawn = Canonical::new("tributary/challenger/1").digest(&Digest(*key)).digest(challenger).bytes(customer);
    let Digest([a, b, c, d, e, f, g, h, ..]) = drawn.finish();
    let drawn = u128::from(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    drawn * u128::from(PARTS) < u128::from(share) << 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_met_and_the_same_customers_are_drawn_again() {
        let (key, one, other) = ([7; 32], Digest::of(b"one"), Digest::of(b"other"));
        let drawn = |key: &[u8; 32], model: &Digest, share| -> alloc::vec::Vec<u32> {
            (0..20_000).filter(|customer: &u32| is_challengers(key, model, &customer.to_le_bytes(), share)).collect()
        };
        let tenth = drawn(&key, &one, 1_000);
        // Twenty thousand drawn with a tenth: a standard deviation of 42.
        assert!((1_800..2_200).contains(&tenth.len()), "{}", tenth.len());
        assert_eq!(tenth, drawn(&key, &one, 1_000));
        let fifth = drawn(&key, &one, 2_000);
        assert!(tenth.iter().all(|customer| fifth.contains(customer)), "a larger share keeps whom it had");
        let both = |others: &[u32]| tenth.iter().filter(|customer| others.contains(customer)).count();
        assert!(both(&drawn(&key, &other, 1_000)) < 400 && both(&drawn(&[8; 32], &one, 1_000)) < 400);
        assert!(drawn(&key, &one, 0).is_empty());
        assert_eq!(drawn(&key, &one, 10_000).len(), 20_000);
    }
}

use alloc::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::secagg::toy::{Seeded, ToyField};

fn pairs(shares: &[Share<ToyField>]) -> Vec<(u16, ToyField)> {
    shares.iter().map(|share| (share.x, share.value)).collect()
}

/// An entropy of zeros: every coefficient above the secret is zero, as it may be.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

#[test]
fn zero_coefficients_are_kept() {
    let secret = ToyField::from_u64(77);
    let shares = share(secret, 3, 5, &mut Zeros).unwrap();
    assert!(shares.iter().all(|share| share.value == secret), "no coefficient is drawn again for being zero");
}

#[test]
fn shares_are_the_polynomial_at_one_plus_rank() {
    let mut entropy = Seeded::new(6);
    let (a, b) = (ToyField::random(&mut entropy), ToyField::random(&mut entropy));
    let secret = ToyField::from_u64(5);
    let shares = share(secret, 3, 4, &mut Seeded::new(6)).unwrap();
    for (rank, share) in shares.iter().enumerate() {
        let x = rank as u64 + 1;
        assert_eq!(u64::from(share.x), x);
        let [one, two] = [x, x * (x - 1) / 2].map(ToyField::from_u64);
        assert_eq!(share.value, secret + a * one + b * two);
    }
}

#[test]
fn impossible_thresholds_are_refused() {
    let secret = ToyField::from_u64(1);
    for (threshold, holders) in [(0, 3), (4, 3), (1, 0), (0, 0), (2, HOLDERS_MAX + 1), (1, usize::MAX)] {
        let refused = share(secret, threshold, holders, &mut Zeros).err();
        assert_eq!(refused, Some(ShareError::ThresholdInvalid { threshold, holders }));
    }
    assert_eq!(share(secret, HOLDERS_MAX, HOLDERS_MAX, &mut Seeded::new(1)).unwrap().len(), HOLDERS_MAX);
    assert_eq!(reconstruct::<ToyField>(0, &[]).err(), Some(ShareError::ThresholdInvalid { threshold: 0, holders: 0 }));
}

#[test]
fn unfit_share_lists_are_refused() {
    let shares = pairs(&share(ToyField::from_u64(9), 3, 5, &mut Seeded::new(2)).unwrap());
    assert_eq!(reconstruct(3, &shares[..2]), Err(ShareError::TooFew { needed: 3, found: 2 }));
    assert_eq!(reconstruct(3, &[shares[0], shares[1], shares[0]]), Err(ShareError::Repeated { x: 1 }));
    assert_eq!(reconstruct(3, &[shares[0], (0, shares[1].1), shares[2]]), Err(ShareError::PointZero));
    assert_eq!(LagrangeAtZero::<ToyField>::new(&[]).err(), Some(ShareError::TooFew { needed: 1, found: 0 }));
    let lagrange = LagrangeAtZero::new(&[1, 2, 3]).unwrap();
    assert_eq!(lagrange.reconstruct(&[shares[0].1]), Err(ShareError::TooFew { needed: 3, found: 1 }));
}

#[test]
fn every_set_of_threshold_shares_gives_the_secret() {
    let secret = ToyField::from_u64(123_456_789);
    let shares = pairs(&share(secret, 4, 7, &mut Seeded::new(3)).unwrap());
    let mut sets = 0;
    for chosen in 0_u32..1 << 7 {
        let mut used: Vec<_> = (0..7).filter(|bit| chosen >> bit & 1 == 1).map(|bit| shares[bit]).collect();
        used.reverse();
        if used.len() >= 4 {
            assert_eq!(reconstruct(4, &used), Ok(secret));
            sets += 1;
        } else if used.len() == 3 {
            assert_eq!(reconstruct(4, &used), Err(ShareError::TooFew { needed: 4, found: 3 }));
            assert_ne!(reconstruct(3, &used), Ok(secret), "three shares interpolate to something else");
        }
    }
    assert_eq!(sets, 35 + 21 + 7 + 1);
}

/// With t-1 shares every secret is still possible, and equally likely: the missing share maps one to one to the secret.
#[test]
fn fewer_shares_say_nothing() {
    let shares = pairs(&share(ToyField::from_u64(42), 3, 5, &mut Seeded::new(4)).unwrap());
    let candidates: BTreeSet<[u8; 32]> = (0..500)
        .map(|guess| reconstruct(3, &[shares[0], shares[3], (5, ToyField::from_u64(guess))]).unwrap().to_bytes())
        .collect();
    assert_eq!(candidates.len(), 500);
    // And the first share alone is uniform whatever the secret is: its low 4 bits, chi-squared with 15 degrees of freedom.
    for secret in [0, 1, u64::MAX >> 4] {
        let mut entropy = Seeded::new(5);
        let mut counts = [0_u32; 16];
        for _ in 0..4096 {
            let shares = share(ToyField::from_u64(secret), 2, 2, &mut entropy).unwrap();
            counts[usize::from(shares[0].value.to_bytes()[0] & 15)] += 1;
        }
        let chi: f64 = counts.iter().map(|count| (f64::from(*count) - 256.0).powi(2) / 256.0).sum();
        assert!(chi < 44.3, "chi-squared {chi} is beyond the 1e-4 quantile");
    }
}

proptest! {
    #[test]
    fn any_threshold_of_any_holders_works(
        secret: u64,
        holders in 1_usize..40,
        threshold: prop::sample::Index,
        order: prop::sample::Index,
        seed: u64,
    ) {
        let (secret, threshold) = (ToyField::from_u64(secret), threshold.index(holders) + 1);
        let mut shares = pairs(&share(secret, threshold, holders, &mut Seeded::new(seed)).unwrap());
        shares.rotate_left(order.index(holders));
        prop_assert_eq!(reconstruct(threshold, &shares), Ok(secret));
        let (points, values): (Vec<u16>, Vec<ToyField>) = shares[..threshold].iter().copied().unzip();
        prop_assert_eq!(LagrangeAtZero::new(&points).unwrap().reconstruct(&values), Ok(secret));
    }
}

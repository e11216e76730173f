//! Verification of Ed25519 signatures (RFC 8032) by keys that come back round after round.
//!
//! Two things are not computed again for each signature, and the result is the same:
//! - a key's point. Taking the root that turns 32 bytes into a point is a sixth of a verification, and the keys are a roster's;
//! - R's point, which strict verification wants only to refuse small orders. The equation is checked by comparing R's bytes with those of a
//!   computed point, so that an accepted R is the one encoding of its point, and the small orders have eight of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey, verify_batch};

/// Keys that a thread keeps: more than a cohort with its authorities has. Each takes some 250 bytes.
const KEPT_MAX: usize = 1_024;

/// The encodings of the points of small order.
static SMALL_ORDERS: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

thread_local! {
    /// Keys by their bytes: points of the curve, and not of small order. Public values, whose use no timing needs to hide.
    static KEPT: RefCell<BTreeMap<[u8; 32], VerifyingKey>> = const { RefCell::new(BTreeMap::new()) };
}

/// Strict verification: no malleable signature, no key and no R of small order.
pub(super) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Some(key), Ok(signature)) = (parse(key), Signature::from_slice(signature)) else { return false };
    !SMALL_ORDERS.contains(signature.r_bytes()) && key.verify(message, &signature).is_ok()
}

/// Batch verification (Bernstein et al. 2012, section 5): key, message and signature of each; keys of small order are refused.
pub(super) fn verify_all<'a>(signed: impl Iterator<Item = (&'a [u8; 32], &'a [u8], &'a [u8])>) -> bool {
    let (mut keys, mut messages, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
    for (key, message, signature) in signed {
        let (Some(key), Ok(signature)) = (parse(key), Signature::from_slice(signature)) else { return false };
        keys.push(key);
        messages.push(message);
        signatures.push(signature);
    }
    verify_batch(&messages, &signatures, &keys).is_ok()
}

/// A key's point, unless it is none or has a small order.
fn parse(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(key) = kept.get(bytes) {
            return Some(*key);
        }
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak())?;
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(*bytes, key);
        Some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_within_a_bound_and_refused_ones_are_not() {
        let kept = || KEPT.with_borrow(BTreeMap::len);
        for small in SMALL_ORDERS.iter() {
            assert!(parse(small).is_none());
        }
        assert_eq!(kept(), 0);
        let key = |number: usize| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key()
        };
        for number in 0..=KEPT_MAX {
            let key = key(number);
            assert_eq!(parse(key.as_bytes()), Some(key));
            assert_eq!(parse(key.as_bytes()), Some(key));
            assert!(kept() <= KEPT_MAX);
        }
        assert_eq!(kept(), 1);
    }

    /// The owner of a good key can make the equation hold with the identity as R; the library's strict verification refuses it, and so does
    /// this one, which without that check would accept.
    #[test]
    fn an_r_of_small_order_is_refused() {
        use sha2::{Digest as _, Sha512};
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let (public, message) = (key.verifying_key(), b"message");
        let identity = SMALL_ORDERS[0];
        let hash =
            Sha512::new().chain_update(identity).chain_update(public.as_bytes()).chain_update(message).finalize();
        let challenge = curve25519_dalek::Scalar::from_bytes_mod_order_wide(&hash.into());
        let response = challenge * key.to_scalar();
        let forged = Signature::from_components(identity, response.to_bytes());
        assert!(public.verify(message, &forged).is_ok() && public.verify_strict(message, &forged).is_err());
        assert!(!verify(public.as_bytes(), message, &forged.to_bytes()));
    }
}

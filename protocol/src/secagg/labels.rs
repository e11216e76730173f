//! Every key-derivation label of SA-1, one function each, so that the byte layout has one place.
//!
//! All are HKDF-Expand (RFC 5869) with `info` = `"SA1/"`, a name, and fixed-length fields; integers little-endian.

use super::suite::{SecretKey, Suite};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};

/// K_ij: the key of a pair for one session, from both agreements, bound to the frozen roster view (H_view0).
#[must_use]
pub fn pair_key<S: Suite>(view: &Digest, diffie_hellman: &SecretKey, encapsulated: &SecretKey) -> SecretKey {
    S::extract(view.as_bytes(), &[diffie_hellman.expose(), encapsulated.expose()])
}

/// s_ij,r: the seed of a pair's mask in one round.
#[must_use]
pub fn pair_seed<S: Suite>(pair_key: &SecretKey, session: &SessionId, round: RoundId) -> SecretKey {
    let bytes = round.0.to_le_bytes();
    S::expand(pair_key, &[b"SA1/pair", &session.0, round_bytes(&bytes)])
}

/// The AEAD key of the one bundle that `from` sends to `to` in a session.
#[must_use]
pub fn bundle_key<S: Suite>(pair_key: &SecretKey, from: ClientId, to: ClientId) -> SecretKey {
    S::expand(pair_key, &[b"SA1/enc", &from.0.to_le_bytes(), &to.0.to_le_bytes()])
}

/// The AEAD key of a sealed envelope, from the envelope key kappa (its canonical bytes).
#[must_use]
pub fn envelope_key<S: Suite>(kappa: &SecretKey) -> SecretKey {
    S::expand(kappa, &[b"SA1/env"])
}

/// The mask generator's key of a self mask, from the seed b (its canonical bytes) and the round descriptor's digest.
#[must_use]
pub fn self_mask_key<S: Suite>(seed: &SecretKey, descriptor: &Digest) -> SecretKey {
    S::expand(seed, &[b"SA1/self", descriptor.as_bytes()])
}

/// The mask generator's key of a pairwise mask, from the seed s_ij,r and the round descriptor's digest.
#[must_use]
pub fn pair_mask_key<S: Suite>(seed: &SecretKey, descriptor: &Digest) -> SecretKey {
    S::expand(seed, &[b"SA1/pair", descriptor.as_bytes()])
}

/// The mask generator's key of the check coefficients rho. Public: it follows from the round descriptor alone.
#[must_use]
pub fn checksum_key<S: Suite>(descriptor: &Digest) -> SecretKey {
    S::expand(&SecretKey::new(*descriptor.as_bytes()), &[b"SA1/checksum"])
}

/// A round in four bytes, as the reference vectors have it; in eight where four do not hold it (no plan comes near).
fn round_bytes(bytes: &[u8; 8]) -> &[u8] {
    match bytes {
        [low @ .., 0, 0, 0, 0] => low.as_slice(),
        all => all,
    }
}

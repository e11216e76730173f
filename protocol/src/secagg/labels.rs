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

/// The generator's key of one cycle of the neighbour graph, at one attempt. Public: it follows from what every member knows.
#[must_use]
pub fn graph_key<S: Suite>(seed: &Digest, cycle: u32, attempt: u32) -> SecretKey {
    S::expand(&SecretKey::new(*seed.as_bytes()), &[b"SA1/graph", &cycle.to_le_bytes(), &attempt.to_le_bytes()])
}

/// A round in four bytes, as the reference vectors have it; in eight where four do not hold it (no plan comes near).
fn round_bytes(bytes: &[u8; 8]) -> &[u8] {
    match bytes {
        [low @ .., 0, 0, 0, 0] => low.as_slice(),
        all => all,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::secagg::toy::Toy;

    const KEY: [u8; 32] = [7; 32];

    /// Whether it is what the suite derives under [`KEY`] from these fields.
    fn same(derived: &SecretKey, info: &[&[u8]]) -> bool {
        derived.expose() == Toy::expand(&SecretKey::new(KEY), info).expose()
    }

    /// Frozen: both ends of every build must derive the same keys. The real suite is held to the reference vectors in `certs`.
    #[test]
    fn labels_have_their_layout() {
        let (key, session, descriptor) = (SecretKey::new(KEY), SessionId([2; 32]), Digest([3; 32]));
        let seed = |round| pair_seed::<Toy>(&key, &session, RoundId(round));
        assert!(same(&seed(7), &[b"SA1/pair", &[2; 32], &[7, 0, 0, 0]]));
        assert!(same(&seed(0xffff_ffff), &[b"SA1/pair", &[2; 32], &[0xff; 4]]));
        assert!(same(&seed(1 << 32 | 7), &[b"SA1/pair", &[2; 32], &[7, 0, 0, 0, 1, 0, 0, 0]]));
        let bundle = bundle_key::<Toy>(&key, ClientId(1), ClientId(0x0203));
        assert!(same(&bundle, &[b"SA1/enc", &[1, 0, 0, 0], &[3, 2, 0, 0]]));
        assert!(same(&envelope_key::<Toy>(&key), &[b"SA1/env"]));
        assert!(same(&self_mask_key::<Toy>(&key, &descriptor), &[b"SA1/self", &[3; 32]]));
        assert!(same(&pair_mask_key::<Toy>(&key, &descriptor), &[b"SA1/pair", &[3; 32]]));
        assert!(same(&checksum_key::<Toy>(&Digest(KEY)), &[b"SA1/checksum"]));
        assert!(same(&graph_key::<Toy>(&Digest(KEY), 1, 2), &[b"SA1/graph", &[1, 0, 0, 0], &[2, 0, 0, 0]]));
        let pair = pair_key::<Toy>(&descriptor, &key, &SecretKey::new([8; 32]));
        let expected = Toy::extract(&[3; 32], &[&KEY, &[8; 32]]);
        assert_eq!(pair.expose(), expected.expose());
    }

    #[test]
    fn keys_of_different_uses_differ() {
        let (key, descriptor) = (SecretKey::new(KEY), Digest(KEY));
        let (session, one, two) = (SessionId(KEY), ClientId(1), ClientId(2));
        let keys = [
            pair_seed::<Toy>(&key, &session, RoundId(1)),
            pair_seed::<Toy>(&key, &session, RoundId(2)),
            pair_seed::<Toy>(&key, &session, RoundId(1 << 32 | 1)),
            bundle_key::<Toy>(&key, one, two),
            bundle_key::<Toy>(&key, two, one),
            envelope_key::<Toy>(&key),
            self_mask_key::<Toy>(&key, &descriptor),
            pair_mask_key::<Toy>(&key, &descriptor),
            checksum_key::<Toy>(&descriptor),
            graph_key::<Toy>(&descriptor, 0, 0),
            graph_key::<Toy>(&descriptor, 0, 1),
            graph_key::<Toy>(&descriptor, 1, 0),
        ];
        let mut distinct: Vec<_> = keys.iter().map(SecretKey::expose).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len());
    }
}

//! The kinds of keys that are used in a token, and how each signs.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::KeyType;
use sha2::{Digest as _, Sha256};
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::suite::RealSuite;

/// A signature: of ECDSA the halves r and s, big-endian, of EdDSA the encoded R and S, 32 bytes each.
pub(super) type Halves = [u8; 64];

/// An uncompressed point of P-256: 0x04, x, y (SEC 1, section 2.3.3).
pub(super) type Point = [u8; 65];

/// A kind of key.
pub(super) trait Algorithm: 'static {
    /// A public key of this kind.
    type Public: Copy + Eq + Send + Sync;
    /// What it is called in messages.
    const NAME: &'static str;
    /// The token's word for it.
    const KEY_TYPE: KeyType;
    /// The names of its curve in DER, as one token or another writes and takes them; the first is tried first.
    const CURVES: &'static [&'static [u8]];
    /// How a pair of it is made.
    fn generation() -> Mechanism<'static>;
    /// How it signs.
    fn signing() -> Mechanism<'static>;
    /// What the token is given of a message.
    fn input(message: &[u8]) -> Vec<u8>;
    /// A public key as tokens store it.
    fn public(stored: &[u8]) -> Option<Self::Public>;
    /// Whether a signature is this key's.
    fn verifies(public: &Self::Public, message: &[u8], halves: &Halves) -> bool;
}

/// ECDSA on P-256 over SHA-256, of TLS. The token signs the digest (CKM_ECDSA).
pub(super) struct EcdsaP256;

impl Algorithm for EcdsaP256 {
    type Public = Point;
    const NAME: &'static str = "an ECDSA key on P-256";
    const KEY_TYPE: KeyType = KeyType::EC;
    // RFC 5480, section 2.1.1.1.
    const CURVES: &'static [&'static [u8]] = &[b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"];

    fn generation() -> Mechanism<'static> {
        Mechanism::EccKeyPairGen
    }

    fn signing() -> Mechanism<'static> {
        Mechanism::Ecdsa
    }

    fn input(message: &[u8]) -> Vec<u8> {
        Sha256::digest(message).to_vec()
    }

    /// The point inside an octet string, or, from some vendors, bare.
    fn public(stored: &[u8]) -> Option<Point> {
        let bare = stored.strip_prefix(&[0x04, 65]).unwrap_or(stored);
        Point::try_from(bare).ok().filter(|point| point[0] == 0x04)
    }

    fn verifies(public: &Point, message: &[u8], halves: &Halves) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(message, halves).is_ok()
    }
}

/// Ed25519 (RFC 8032), with which people sign. The token signs the message itself (CKM_EDDSA without parameters).
pub(super) struct Ed25519;

impl Ed25519 {
    /// The key as the protocol has it.
    pub(super) fn key(public: &[u8; 32]) -> VerifyingKey {
        VerifyingKey::ed25519(*public)
    }
}

impl Algorithm for Ed25519 {
    type Public = [u8; 32];
    const NAME: &'static str = "an Ed25519 key";
    const KEY_TYPE: KeyType = KeyType::EC_EDWARDS;
    // RFC 8410, section 3; the name and the older number of PKCS#11 3.0, section 2.3.5.
    const CURVES: &'static [&'static [u8]] =
        &[b"\x06\x03\x2b\x65\x70", b"\x13\x0cedwards25519", b"\x06\x0a\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"];

    fn generation() -> Mechanism<'static> {
        Mechanism::EccEdwardsKeyPairGen
    }

    fn signing() -> Mechanism<'static> {
        Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure))
    }

    fn input(message: &[u8]) -> Vec<u8> {
        message.to_vec()
    }

    /// The 32 bytes inside an octet string or a bit string, or bare.
    fn public(stored: &[u8]) -> Option<[u8; 32]> {
        let enclosed = stored.strip_prefix(&[0x04, 32]).or_else(|| stored.strip_prefix(&[0x03, 33, 0]));
        // Bare bytes may begin as an enclosure does: the length decides.
        let bare = enclosed.filter(|bare| bare.len() == 32).unwrap_or(stored);
        bare.try_into().ok()
    }

    /// Strictly, as everybody verifies it who is shown it later.
    fn verifies(public: &[u8; 32], message: &[u8], halves: &Halves) -> bool {
        RealSuite::verify(&Self::key(public), message, &Signature::ed25519(*halves))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_in_both_forms() {
        let point: Point = core::array::from_fn(|at| if at == 0 { 4 } else { 7 });
        let enclosed = [[0x04, 65].as_slice(), &point].concat();
        assert_eq!((EcdsaP256::public(&point), EcdsaP256::public(&enclosed)), (Some(point), Some(point)));
        // Compressed, cut off, too long.
        for wrong in [&[[2].as_slice(), &point[1..]].concat(), &enclosed[..66], &[point.as_slice(), &[0]].concat(), &[]]
        {
            assert_eq!(EcdsaP256::public(wrong), None);
        }
    }

    #[test]
    fn an_ed25519_key_is_read_in_every_form() {
        // The second begins as an octet string of 32 bytes does, the third as a bit string.
        let mut keys = [[7; 32]; 3];
        keys[1][..2].copy_from_slice(&[0x04, 32]);
        keys[2][..3].copy_from_slice(&[0x03, 33, 0]);
        for key in keys {
            let octets = [[0x04, 32].as_slice(), &key].concat();
            let bits = [[0x03, 33, 0].as_slice(), &key].concat();
            for stored in [key.as_slice(), &octets, &bits] {
                assert_eq!(Ed25519::public(stored), Some(key));
            }
            for wrong in [&octets[..33], &bits[..34], &[key.as_slice(), &[0]].concat(), &key[1..], &[]] {
                assert_eq!(Ed25519::public(wrong), None);
            }
        }
    }
}

//! What a protocol signature covers: a label, a zero byte, the number of the hashes, and the digest of a canonical body (docs/PROTOCOL.md,
//! "Algorithms").

use alloc::vec::Vec;

use crate::algorithm::Hashes;
use crate::digest::{Canonical, Digest};
use crate::secagg::suite::Suite;

/// The bytes to sign for a message type and the digest of its body. The number of the hashes stands before the digest: it is the algorithm of
/// this one and of every digest in the body.
#[must_use]
pub fn signed_message(kind: &str, body: &Digest) -> Vec<u8> {
    let mut message = Vec::with_capacity(4 + kind.len() + 2 + 32);
    message.extend_from_slice(b"SA1/");
    message.extend_from_slice(kind.as_bytes());
    message.extend_from_slice(&[0, Hashes::CURRENT.number()]);
    message.extend_from_slice(body.as_bytes());
    message
}

/// A body that somebody signs: its type and its canonical encoding.
pub trait SignedBody {
    /// The message type inside the signature's label.
    const KIND: &'static str;

    /// The canonical encoding, the signature itself left out.
    fn canonical(&self) -> Canonical;

    /// The bytes to sign. Where the body's digest is needed as well, [`signed_message`] makes them of it.
    fn to_sign<S: Suite>(&self) -> Vec<u8> {
        signed_message(Self::KIND, &body_of::<S>(self))
    }
}

/// Digest of a signed body.
#[must_use]
pub fn body_of<S: Suite>(body: &(impl SignedBody + ?Sized)) -> Digest {
    S::digest(body.canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen: signatures on disk must stay valid, and others make the same bytes.
    #[test]
    fn the_hashes_stand_before_the_digest() {
        let expected = [b"SA1/KEYS\0\x01".as_slice(), &[7; 32]].concat();
        assert_eq!(signed_message("KEYS", &Digest([7; 32])), expected);
    }
}

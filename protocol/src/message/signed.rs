//! What a protocol signature covers: a label, a zero byte and the digest of a canonical body (SA-1, section 1).

use alloc::vec::Vec;

use crate::digest::{Canonical, Digest};
use crate::secagg::suite::Suite;

/// The bytes to sign for a message type and the digest of its body.
#[must_use]
pub fn signed_message(kind: &str, body: &Digest) -> Vec<u8> {
    let mut message = Vec::with_capacity(4 + kind.len() + 1 + 32);
    message.extend_from_slice(b"SA1/");
    message.extend_from_slice(kind.as_bytes());
    message.push(0);
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

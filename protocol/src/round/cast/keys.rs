//! Who signs with which key: the coordinator, the roster's authority, owners, branches and people.

use crate::digest::Digest;
use crate::ids::ClientId;
use crate::roster::federation_digest;
use crate::secagg::suite::{Signature, Suite as _};
use crate::secagg::toy::Toy;

pub(super) const COORDINATOR_KEY: [u8; 32] = [200; 32];
pub(super) const AUTHORITY_KEY: [u8; 32] = [201; 32];

/// The key of every branch's owner.
pub const OWNER_KEY: [u8; 32] = [202; 32];

/// A client's signing key.
#[must_use]
pub fn signing_key(client: ClientId) -> [u8; 32] {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&client.0.to_le_bytes());
    key
}

/// A client's key after it has enrolled again.
#[must_use]
pub fn second_key(client: ClientId) -> [u8; 32] {
    let mut key = signing_key(client);
    key[31] = 8;
    key
}

/// The key of one of the cast's people.
#[must_use]
pub fn person_key(staff: &str) -> [u8; 32] {
    Digest::of(staff.as_bytes()).0
}

/// What names the cast's federation.
#[must_use]
pub fn federation() -> Digest {
    federation_digest(&[Toy::verifying_key(&AUTHORITY_KEY)], 1)
}

/// A signature by the coordinator's own key: a coordinator that lies can sign its lies.
#[must_use]
pub fn coordinator_signs(message: &[u8]) -> Signature {
    Toy::sign(&COORDINATOR_KEY, message)
}

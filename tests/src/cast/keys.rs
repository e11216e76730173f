//! Keys and names of everybody, each from a number.

use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::{MemberName, federation_digest};
use tributary_protocol::secagg::suite::Suite;
use tributary_protocol::secagg::toy::Toy;

/// A suite whose signing keys can be made from a number.
pub(crate) trait Keyed: Suite {
    /// The signing key of a seed.
    fn signing_key(seed: [u8; 32]) -> Self::SigningKey;
}

impl Keyed for Toy {
    fn signing_key(seed: [u8; 32]) -> [u8; 32] {
        seed
    }
}

impl Keyed for RealSuite {
    fn signing_key(seed: [u8; 32]) -> SigningKey {
        SigningKey::from_seed(&seed)
    }
}

pub(super) const COORDINATOR: u32 = u32::MAX;
pub(super) const AUTHORITY: u32 = u32::MAX - 1;
pub(super) const STRANGER: u32 = u32::MAX - 2;
pub(super) const OWNER: u32 = 1 << 30;

/// In whose name everybody signs.
pub(super) fn federation<S: Keyed>() -> Digest {
    federation_digest(&[S::verifying_key(&S::signing_key(seed_of(AUTHORITY)))], 1)
}

/// The name of a client of this number.
pub(super) fn name(client: u32) -> MemberName {
    MemberName::new(&format!("bank-{client}"), "branch").expect("a name")
}

/// The seed of a number's key.
pub(super) fn seed_of(number: u32) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    seed
}

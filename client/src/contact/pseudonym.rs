//! What the register knows a customer by.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_certs::pseudonym::PseudonymKey;

use crate::data::{CustomerKey, plainest};

/// A customer by its keyed pseudonym. It is made of the plainest spelling of the id, as refusals are compared: one customer has one pseudonym, however
/// two systems write the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pseudonym(pub [u8; 16]);

impl Pseudonym {
    /// What is left where a customer was erased.
    pub const ERASED: Self = Self([0; 16]);
    /// Bytes of one.
    pub const BYTES: usize = 16;

    /// Of an id.
    #[must_use]
    pub fn of(key: &PseudonymKey, id: &str) -> Self {
        Self::of_plainest(key, &plainest(id))
    }

    /// Of an id in its plainest spelling.
    pub(super) fn of_plainest(key: &PseudonymKey, plain: &CustomerKey) -> Self {
        Self(half(key.of("tributary/customer/1", plain)))
    }
}

/// It tells nobody who it is, but two of them say whether they are of one customer.
impl fmt::Debug for Pseudonym {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a pseudonym")
    }
}

/// A file of pseudonyms as bytes.
#[must_use]
pub(super) fn to_bytes(customers: &[Pseudonym]) -> Vec<u8> {
    customers.iter().flat_map(|customer| customer.0).collect()
}

/// Bytes as pseudonyms; nothing if they are none.
#[must_use]
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Vec<Pseudonym>> {
    let (customers, rest) = bytes.as_chunks();
    rest.is_empty().then(|| customers.iter().map(|bytes| Pseudonym(*bytes)).collect())
}

/// The first half of a tag.
pub(super) fn half(tag: [u8; 32]) -> [u8; 16] {
    let (half, _) = tag.split_first_chunk().expect("a tag has 32 bytes");
    *half
}

//! Identities: newtypes, never aliases.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

number!(
    /// A client, as the roster numbers it.
    ClientId, u32
);
number!(
    /// An organisation: a bank or a partner.
    OrganisationId, u32
);
number!(
    /// An aggregation. Strictly increasing within a plan, over all its sessions; never used twice.
    RoundId, u64
);

/// A session: one key set-up for a cohort. 32 random bytes that the coordinator draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub [u8; 32]);

/// A run of a plan: the digest of the plan's digest and the run's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub [u8; 32]);

impl RunId {
    /// Before any run is known.
    pub const NONE: Self = Self([0; 32]);

    /// The same bytes, for a canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest().fmt(formatter)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest(self.0).fmt(formatter)
    }
}

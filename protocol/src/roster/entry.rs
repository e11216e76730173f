//! One member of a roster.

use serde::{Deserialize, Serialize};

use super::name::MemberName;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::secagg::suite::VerifyingKey;
use crate::time::Millis;

/// One enrolled client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// The client's number in the roster.
    pub client: ClientId,
    /// Who it is, as its certificate says: organisation and id. What a signer reads is what is signed.
    pub name: MemberName,
    /// The number of the organisation in its name.
    pub organisation: OrganisationId,
    /// Its protocol signing key, distinct from its TLS key.
    pub signing_key: VerifyingKey,
    /// SHA-256 of the public key information (SPKI) of its TLS certificate: binds transport and protocol identities.
    pub tls_spki_sha256: Digest,
    /// Unix seconds after which the signing key is no longer valid.
    pub not_after: u64,
}

impl RosterEntry {
    /// The last moment of the Unix clock at which the entry is valid: the end of its last second.
    #[must_use]
    pub fn ends(&self) -> Millis {
        Millis(self.not_after.saturating_mul(1000)).plus(999)
    }

    /// Whether the entry is over at this time of the Unix clock.
    #[must_use]
    pub fn has_ended(&self, now: Millis) -> bool {
        self.ends() < now
    }
}

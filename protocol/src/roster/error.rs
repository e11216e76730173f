//! Why a roster is refused.

use super::group::GroupFault;
use super::people::{PeopleFault, StaffNumber};
use crate::ids::ClientId;

/// Why a roster was refused. The roster authorities are to blame for its contents, its bearer for the signatures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Epochs count from 1, and the first alone has no predecessor.
    #[error(
        "epoch {epoch} and predecessor do not fit: epochs count from 1, and only the first has an all-zero predecessor"
    )]
    Predecessor {
        /// The epoch it claims.
        epoch: u64,
    },
    /// More entries, signatures or bytes of keys than the limits allow.
    #[error("the roster has {count} {what}, more than the {limit} allowed")]
    TooMany {
        /// Entries, signatures or bytes of keys.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// Entries are not strictly ascending by client.
    #[error("client {client} is out of order or listed twice; the roster must be made again, sorted by client")]
    Order {
        /// The entry at fault.
        client: ClientId,
    },
    /// Two clients share a signing key: one of them is a double of the other.
    #[error("client {client} has the signing key of another client; each client must enrol with a key of its own")]
    SigningKeyTwice {
        /// The second of the two.
        client: ClientId,
    },
    /// Two clients share a TLS key.
    #[error("client {client} has the TLS key of another client; each client must enrol with a key of its own")]
    TlsKeyTwice {
        /// The second of the two.
        client: ClientId,
    },
    /// Two clients have one name: one of them is a double of the other.
    #[error("client {client} has the name of another client; each client has a name of its own")]
    NameTwice {
        /// The second of the two.
        client: ClientId,
    },
    /// An organisation with two numbers, or a number of two organisations.
    #[error(
        "client {client}'s organisation has another number or another name in this roster; one organisation has one name and one number"
    )]
    Organisation {
        /// The entry at fault.
        client: ClientId,
    },
    /// A group is not in order.
    #[error("{0}; the roster must be made again")]
    Group(#[from] GroupFault),
    /// A person is not in order.
    #[error("{0}; the roster must be made again")]
    Person(#[from] PeopleFault),
    /// The verifier's own settings cannot be met: no authority, too many, one twice, or a threshold of zero or above their number.
    #[error(
        "{needed} signatures of {authorities} distinct authorities were asked for; correct the authorities in the local settings"
    )]
    Authorities {
        /// The threshold asked for.
        needed: usize,
        /// Distinct authorities configured.
        authorities: usize,
    },
    /// A signature names an authority that is not configured.
    #[error("a signature names authority {authority}, which is not among the configured ones")]
    UnknownAuthority {
        /// The index it names.
        authority: u8,
    },
    /// Signatures are not strictly ascending by authority: one may have been counted twice.
    #[error("authority {authority} signs twice or out of order")]
    SignatureOrder {
        /// The index at fault.
        authority: u8,
    },
    /// A signature does not verify: the roster was altered, or signed by another key.
    #[error(
        "the signature of authority {authority} does not verify; the roster was altered or signed with another key: do not use it"
    )]
    BadSignature {
        /// The index at fault.
        authority: u8,
    },
    /// An authority has a key that this release cannot use.
    #[error(
        "authority {authority} has a key of algorithm {number}, which this release does not know; install a release that knows it"
    )]
    AuthorityAlgorithm {
        /// The index at fault.
        authority: u8,
        /// The algorithm's number.
        number: u8,
    },
    /// A member has a key that this release cannot use.
    #[error(
        "client {client} has a signing key of algorithm {number}, which this release does not know; install a release that knows it, or let the \
         client enrol with a key that every member knows"
    )]
    MemberAlgorithm {
        /// The entry at fault.
        client: ClientId,
        /// The algorithm's number.
        number: u8,
    },
    /// A person has a key that this release cannot use.
    #[error(
        "{staff} has a signing key of algorithm {number}, which this release does not know; install a release that knows it, or let the person make \
         a key that every member knows"
    )]
    PersonAlgorithm {
        /// The person at fault.
        staff: StaffNumber,
        /// The algorithm's number.
        number: u8,
    },
    /// Too few authorities signed.
    #[error("{present} authorities signed and {needed} are needed; ask the others to sign")]
    TooFewSignatures {
        /// Valid signatures.
        present: usize,
        /// The threshold.
        needed: usize,
    },
    /// Older than the roster seen last: somebody restored or replays an old membership.
    #[error(
        "the roster has epoch {epoch}, but epoch {seen} was already accepted; an old membership is being replayed: refuse it"
    )]
    Rollback {
        /// The epoch offered.
        epoch: u64,
        /// The epoch accepted before.
        seen: u64,
    },
    /// Two different rosters of one epoch, or a next one with another predecessor.
    #[error(
        "the roster of epoch {epoch} contradicts the one accepted before; the authorities signed two histories: stop and ask them"
    )]
    Fork {
        /// The epoch offered.
        epoch: u64,
    },
}

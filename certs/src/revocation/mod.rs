//! Revocation lists: of an issuing authority's certificates, and of a root's authorities. Without a current list at every tier nothing is believed.
//!
//! ```text
//! root ─ signs offline, for months ──────► list of issuing authorities
//! issuing authority ─ signs, for days ───► list of leaves
//!
//! revocations.pem                for whoever stands under trust.pem
//! revocations-ORGANISATION.pem   for whoever stands under trust-ORGANISATION.pem, and for nobody else
//! list-numbers                   the largest number of each issuer that was in force here
//! ```
//!
//! Each file holds lists and the certificates of the authorities that signed them (PEM), so that it proves itself against the trusted roots
//! alone, whoever carries it. The newest list of an issuer's key counts. An issuer's list says nothing of another issuer's certificates.

mod carried;
mod error;
mod known;
mod list;
mod lists;
mod number;
mod read;
mod scope;
mod seen;
mod standing;

pub use self::carried::{LISTS_BYTES_MAX, carried_name, read_carried, take_carried};
pub(crate) use self::carried::{admit_carried, standing_with};
pub use self::error::RevocationFileError;
pub use self::known::KnownNumbers;
pub(crate) use self::known::parse_line as parse_known_line;
pub(crate) use self::list::issued_by;
pub use self::lists::RevocationLists;
pub use self::number::ListNumber;
pub use self::read::{ListsRead, organisation_file};
pub use self::seen::{DenyOrder, SEEN, Seen};
pub use self::standing::{LIST_WARNING_SECONDS, ListEnd, ROOT_LIST_WARNING_SECONDS, Revocation};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiers_tests;

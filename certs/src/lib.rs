//! Keys and identities: the real cryptographic suite, certificates, TLS configurations and the roster's files.
//!
//! Nothing here decides who may take part; it says who somebody is and proves it.

mod armour;
mod attempt;
pub mod attestation;
pub mod binding;
pub mod budget;
pub mod cap_raise;
pub mod ceremony;
pub mod clock;
pub mod counter;
pub mod deletion;
pub mod denied;
pub mod ended;
pub mod enrolment;
pub mod entropy;
pub mod fault;
pub mod gates;
pub mod grant;
pub mod identity;
pub mod inspect;
pub mod issue;
pub mod keys;
mod lines;
pub mod model;
mod object;
pub mod office;
pub mod order;
pub mod people;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod points;
pub mod policy;
#[cfg(unix)]
#[cfg(test)]
mod prepared;
pub mod provider;
pub mod pseudonym;
pub mod renewal;
pub mod revocation;
pub mod roster;
pub mod signers;
pub mod skew;
pub mod state;
pub mod suite;
pub mod tls;
pub mod token;
pub mod told;
pub mod trust;
mod verify;

pub use verify::{CHAIN_MAX, PeerRule};

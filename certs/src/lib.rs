//! Keys and identities: the real cryptographic suite, certificates, TLS configurations and the roster's files.
//!
//! Nothing here decides who may take part; it says who somebody is and proves it.

pub mod entropy;
pub mod suite;

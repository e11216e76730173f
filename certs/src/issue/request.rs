//! What is asked of an authority.

use std::net::IpAddr;

use super::validity::Validity;
use crate::identity::Identity;

/// What a leaf certificate is asked for.
#[derive(Clone, Debug)]
pub struct LeafRequest {
    /// Who the bearer is; the only URI of the certificate.
    pub identity: Identity,
    /// DNS names by which clients reach a coordinator; empty for everybody else.
    pub host_names: Vec<String>,
    /// Addresses by which clients reach a coordinator; empty for everybody else.
    pub addresses: Vec<IpAddr>,
    /// When it is valid.
    pub validity: Validity,
}

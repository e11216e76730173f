//! Why nothing was issued.

use crate::identity::TrustDomain;

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The validity ends before it begins, or lies outside what a certificate can carry.
    #[error(
        "a validity from {not_before} to {not_after} (Unix seconds) is empty or beyond the year 9999; choose another"
    )]
    Validity {
        /// Its first second.
        not_before: u64,
        /// Its last second.
        not_after: u64,
    },
    /// The leaf would outlive its issuer or begin before it.
    #[error(
        "the certificate would be valid outside the validity of its issuing authority; shorten it or renew the authority"
    )]
    OutsideIssuer,
    /// A host name that cannot stand in a certificate.
    #[error("{name:?} is not a host name that a certificate can carry; correct the coordinator's addresses")]
    HostName {
        /// The name.
        name: String,
    },
    /// A coordinator without any address.
    #[error("a coordinator's certificate needs at least one host name or address, by which clients connect; name one")]
    NoHost,
    /// A client with an address: it accepts no connection.
    #[error("a client accepts no connection, so the certificate carries no host name or address; leave them out")]
    HostOfClient,
    /// Another trust domain than the authority's.
    #[error(
        "the identity belongs to the trust domain {asked}, and this authority issues for {own}; use that domain's authority"
    )]
    TrustDomain {
        /// The identity's.
        asked: TrustDomain,
        /// The authority's.
        own: TrustDomain,
    },
    /// The certificate library refused a key or a certificate.
    #[error("the key or certificate could not be used ({0}); make it again")]
    Library(#[from] rcgen::Error),
    /// The authority's own certificate cannot be read.
    #[error("the authority's certificate is unusable ({0}); restore the authority's folder")]
    Authority(#[from] crate::identity::IdentityError),
}

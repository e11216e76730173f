//! Why a side has no TLS configuration.

use rustls::server::VerifierBuilderError;
use tributary_storage::files::FileError;

use crate::identity::{Identity, IdentityError, Role};

/// Why no configuration could be made. The operator's files are to blame.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The trust file holds no certificate.
    #[error("no trusted authority is configured; give the federation's trust.pem")]
    NoRoots,
    /// A root that may speak for others as well.
    #[error(
        "the roots of {organisation} are trusted for other organisations too, so that the restriction would be void; leave each root in \
         one file alone"
    )]
    SharedRoot {
        /// The organisation.
        organisation: String,
    },
    /// More roots, or organisations with roots of their own, than are looked through at every connection.
    #[error("at most {limit} authorities may be trusted here; remove those that are no longer needed")]
    TooManyRoots {
        /// How many may be.
        limit: usize,
    },
    /// This side's own certificate carries no usable identity.
    #[error("this side's certificate cannot be used: {0}")]
    OwnIdentity(#[from] IdentityError),
    /// This side's own certificate is for the other role.
    #[error("this side's certificate says {identity}, and a {needed}'s is needed; check the path in the settings")]
    OwnRole {
        /// What it says.
        identity: Identity,
        /// What is needed.
        needed: Role,
    },
    /// Neither a DNS name nor an address.
    #[error("{host:?} is neither a host name nor an address; correct the coordinator's address in the settings")]
    Host {
        /// What was given.
        host: String,
    },
    /// The revocation list cannot be read.
    #[error("the revocation list cannot be used ({0}); install the authority's current one")]
    RevocationList(VerifierBuilderError),
    /// Certificate and key do not belong together, or another refusal of the library.
    #[error("certificate and private key cannot be used together ({0}); check that both come from one enrolment")]
    Library(#[from] rustls::Error),
}

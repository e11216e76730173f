//! Why lists are not accepted.

use std::path::PathBuf;

use tributary_storage::files::FileError;

use crate::fault::CertificateFault;

/// Why a file of lists was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RevocationFileError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is none.
    #[error(
        "{} is missing, and without revocation lists nobody is believed. Copy the authority's revocations.pem there; where it has none, \
         `tributary certs crl --authority DIR` makes it", path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A list is forged, unreadable, or older than one that was in force.
    #[error(transparent)]
    Refused(#[from] CertificateFault),
    /// The trusted roots cannot be used.
    #[error("{0}")]
    Roots(String),
}

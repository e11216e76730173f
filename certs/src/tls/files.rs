//! Files of certificates and of revocation lists (PEM).

use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use tributary_storage::files::{self, FileError};

/// Reads all certificates of a PEM file, in order.
///
/// # Errors
/// [`FileError::Content`] if the file holds none or a broken one, and as reading.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let text = files::read_public(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(FileError::content(path, "certificate file (PEM)")),
    }
}

/// Reads a revocation list (PEM).
///
/// # Errors
/// [`FileError::Content`] if the file holds none or a broken one, and as reading.
pub fn read_revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileError> {
    let text = files::read_public(path)?;
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&text).collect();
    match lists {
        Ok(lists) if !lists.is_empty() => Ok(lists),
        _ => Err(FileError::content(path, "revocation list (PEM)")),
    }
}

//! Files of certificates and of revocation lists (PEM).

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use tributary_storage::files::{self, FileError};

/// Reads all certificates of a PEM file, in order.
///
/// # Errors
/// [`FileError::Content`] if the file holds none or a broken one, and as reading.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    read_all(path, "certificate file (PEM)")
}

/// Reads all revocation lists of a PEM file, in order.
///
/// # Errors
/// As [`read_certificates`].
pub fn read_revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileError> {
    read_all(path, "revocation list (PEM)")
}

fn read_all<T: PemObject>(path: &Path, kind: &'static str) -> Result<Vec<T>, FileError> {
    let text = files::read_public(path)?;
    let all: Result<Vec<T>, _> = T::pem_slice_iter(&text).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| FileError::content(path, kind))
}

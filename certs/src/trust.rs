//! Whom to believe: the roots that may speak for everybody, and the roots that may speak for one organisation alone.
//!
//! A partner's authority must not be able to name a member of another organisation, nor ours one of the partner's. Name constraints cannot
//! say that about URIs, so the verifier reads the organisation from the leaf first and then admits that organisation's roots and no other.
//!
//! ```text
//! trust.pem                 general roots: for every organisation without roots of its own
//! trust-ORGANISATION.pem    the roots of that organisation, and nobody else's
//! ```
//!
//! Each file may hold several roots: the old and the new one while an authority is replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{DistinguishedName, RootCertStore};

use crate::identity::organisation_named;
use crate::tls::error::TlsError;
use crate::tls::files::read_certificates;
use tributary_storage::files::{FileError, folder_of};

/// Organisations with roots of their own, at most.
pub const RESTRICTED_MAX: usize = 64;

/// Roots of one file, at most.
pub const ROOTS_MAX: usize = 16;

/// The authorities that are trusted: root certificates, and for whom each may speak.
#[derive(Clone, Debug)]
pub struct TrustRoots {
    general: RootSet,
    restricted: BTreeMap<String, RootSet>,
}

/// Roots that stand for the same organisations.
#[derive(Clone, Debug)]
pub(crate) struct RootSet {
    pub(crate) store: Arc<RootCertStore>,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

impl RootSet {
    fn new(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, TlsError> {
        let certificates: Vec<_> = certificates.into_iter().collect();
        if certificates.is_empty() {
            return Err(TlsError::NoRoots);
        }
        if certificates.len() > ROOTS_MAX {
            return Err(TlsError::TooManyRoots { limit: ROOTS_MAX });
        }
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone())?;
        }
        Ok(Self { store: Arc::new(store), certificates })
    }
}

impl TrustRoots {
    /// Trusts these root certificates for every organisation.
    ///
    /// # Errors
    /// [`TlsError::NoRoots`] without any, [`TlsError::TooManyRoots`], [`TlsError::Library`] if one cannot be parsed.
    pub fn new(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, TlsError> {
        Ok(Self { general: RootSet::new(certificates)?, restricted: BTreeMap::new() })
    }

    /// Trusts these roots for one organisation, and no others for it.
    ///
    /// # Errors
    /// As [`TrustRoots::new`]; [`TlsError::OwnIdentity`] if the name cannot be an organisation's, [`TlsError::SharedRoot`] if one of the roots
    /// speaks for others already, which would make the restriction void.
    pub fn with_organisation(
        mut self,
        organisation: &str,
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, TlsError> {
        let organisation = organisation_named(organisation)?;
        let set = RootSet::new(certificates)?;
        let others = || [&self.general].into_iter().chain(self.restricted.values());
        if others().any(|other| set.certificates.iter().any(|root| other.certificates.contains(root))) {
            return Err(TlsError::SharedRoot { organisation });
        }
        if self.restricted.len() == RESTRICTED_MAX || self.restricted.contains_key(&organisation) {
            return Err(TlsError::TooManyRoots { limit: RESTRICTED_MAX });
        }
        self.restricted.insert(organisation, set);
        Ok(self)
    }

    /// Reads `trust.pem`, and every `trust-ORGANISATION.pem` in the same folder.
    ///
    /// # Errors
    /// [`TlsError::File`], and as [`TrustRoots::with_organisation`].
    pub fn read(path: &Path) -> Result<Self, TlsError> {
        let general = Self::new(read_certificates(path)?)?;
        organisation_files(path)?.into_iter().try_fold(general, |roots, (organisation, path)| {
            roots.with_organisation(&organisation, read_certificates(&path)?)
        })
    }

    /// The organisations with roots of their own, ascending.
    pub fn organisations(&self) -> impl Iterator<Item = &str> {
        self.restricted.keys().map(String::as_str)
    }

    /// The roots that may speak for an organisation.
    pub(crate) fn of(&self, organisation: &str) -> &RootSet {
        self.restricted.get(organisation).unwrap_or(&self.general)
    }

    pub(crate) fn general(&self) -> &RootSet {
        &self.general
    }

    pub(crate) fn restricted(&self) -> &BTreeMap<String, RootSet> {
        &self.restricted
    }

    /// The subjects of every root, for clients that choose a certificate by them.
    pub(crate) fn all_subjects(&self) -> Vec<DistinguishedName> {
        [&self.general].into_iter().chain(self.restricted.values()).flat_map(|set| set.store.subjects()).collect()
    }
}

/// The files of restricted roots beside a trust file, ascending by organisation.
///
/// # Errors
/// [`FileError::System`] if the folder cannot be listed.
pub fn organisation_files(trust: &Path) -> Result<BTreeMap<String, PathBuf>, FileError> {
    let folder = folder_of(trust);
    let listed = fs::read_dir(folder).map_err(FileError::system("listing", folder))?;
    let mut files = BTreeMap::new();
    for entry in listed {
        let entry = entry.map_err(FileError::system("listing", folder))?;
        let name = entry.file_name();
        let organisation = name.to_str().and_then(|name| name.strip_prefix("trust-")?.strip_suffix(".pem"));
        if let Some(organisation) = organisation {
            files.insert(organisation.to_owned(), entry.path());
        }
    }
    Ok(files)
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;

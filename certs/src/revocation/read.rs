//! Files of lists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tributary_storage::files;

use super::error::RevocationFileError;
use super::lists::RevocationLists;
use super::scope::Scope;
use super::seen::Seen;
use crate::trust::TrustRoots;

/// Lists that were read, and what is wrong with those of single organisations, which must not stop the others.
#[derive(Clone, Debug)]
pub struct ListsRead {
    /// The lists.
    pub lists: RevocationLists,
    /// Sentences for the log.
    pub notes: Vec<String>,
}

impl RevocationLists {
    /// Reads `revocations.pem`, and `revocations-ORGANISATION.pem` beside it for every organisation that has roots of its own. Where an
    /// organisation's file cannot be used, the one `before` stays, if its roots are the same.
    ///
    /// # Errors
    /// Why the general lists cannot be used.
    pub fn read(
        path: &Path,
        roots: &TrustRoots,
        seen: &Seen,
        before: Option<&Self>,
    ) -> Result<ListsRead, RevocationFileError> {
        let read = |path: &Path, roots: &[CertificateDer<'static>]| {
            if !path.exists() {
                return Err(RevocationFileError::Missing { path: path.to_owned() });
            }
            let scope = Scope::parse(&files::read_public(path)?, roots)?;
            seen.admits(&scope)?;
            Ok(Arc::new(scope))
        };
        let general = read(path, &roots.general().certificates)?;
        let mut own = Self { general, restricted: BTreeMap::new() };
        let mut notes = Vec::new();
        for (organisation, set) in roots.restricted() {
            let scope = read(&organisation_file(path, organisation), &set.certificates).unwrap_or_else(|fault| {
                let kept = before.and_then(|before| before.restricted.get(organisation));
                let kept = kept.filter(|(roots, scope)| *roots == set.certificates && !scope.lists.is_empty());
                let then = if kept.is_some() { "the lists before stay" } else { "nobody of it is believed" };
                notes.push(format!("the revocation lists of {organisation} cannot be used, so {then}: {fault}"));
                kept.map(|(_, scope)| Arc::clone(scope)).unwrap_or_default()
            });
            own.restricted.insert(organisation.clone(), (set.certificates.clone(), scope));
        }
        Ok(ListsRead { lists: own, notes })
    }
}

/// Where the lists of an organisation's own authority lie, beside the general ones.
#[must_use]
pub fn organisation_file(general: &Path, organisation: &str) -> PathBuf {
    general.with_file_name(format!("revocations-{organisation}.pem"))
}

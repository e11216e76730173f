//! Verified lists of every set of roots.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::number::ListNumber;
use super::scope::Scope;
use super::standing::{ListEnd, Revocation};
use crate::fault::{CertificateFault, FaultKind};
use crate::trust::TrustRoots;

/// Verified lists: of the general roots, and of each organisation that has its own. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists {
    pub(super) general: Arc<Scope>,
    pub(super) restricted: BTreeMap<String, (Vec<CertificateDer<'static>>, Arc<Scope>)>,
}

impl RevocationLists {
    /// Verifies lists of the general roots: `authorities` are those whose signatures count once a root vouches for them.
    ///
    /// # Errors
    /// [`FaultKind::RevocationListForged`].
    pub fn verified(
        lists: Vec<CertificateRevocationListDer<'static>>,
        authorities: &[CertificateDer<'_>],
        roots: &TrustRoots,
    ) -> Result<Self, CertificateFault> {
        let general = Scope::verified(lists, authorities, &roots.general().certificates)?;
        Ok(Self { general: Arc::new(general), restricted: BTreeMap::new() })
    }

    /// Verified lists of an organisation with roots of its own, beside these.
    ///
    /// # Errors
    /// [`FaultKind::RevocationListForged`]; [`FaultKind::ForeignAuthority`] if it has no roots of its own.
    pub fn with_organisation(
        mut self,
        organisation: &str,
        lists: Vec<CertificateRevocationListDer<'static>>,
        authorities: &[CertificateDer<'_>],
        roots: &TrustRoots,
    ) -> Result<Self, CertificateFault> {
        let set = roots.restricted().get(organisation);
        let set = set.ok_or_else(|| FaultKind::ForeignAuthority.because(organisation))?;
        let scope = Scope::verified(lists, authorities, &set.certificates)?;
        self.restricted.insert(organisation.to_owned(), (set.certificates.clone(), Arc::new(scope)));
        Ok(self)
    }

    /// What the lists of an organisation's roots say of a certificate (DER) and of everything above it, at `now`, in Unix seconds.
    #[must_use]
    pub fn standing(&self, organisation: &str, certificate: &[u8], now: u64) -> Revocation {
        self.of(organisation).standing(certificate, now)
    }

    /// Whether it is an authority above a certificate that was revoked: then its bearer is as good as before, and asks for another certificate.
    #[must_use]
    pub fn authority_revoked(&self, organisation: &str, certificate: &[u8], now: u64) -> bool {
        self.of(organisation).authority_revoked(certificate, now)
    }

    /// When the first list of the general roots ends that is needed.
    #[must_use]
    pub fn end(&self, now: u64) -> Option<ListEnd> {
        self.general.end(now)
    }

    /// As [`RevocationLists::end`], of the roots that an organisation stands under.
    #[must_use]
    pub fn end_of(&self, organisation: &str, now: u64) -> Option<ListEnd> {
        self.of(organisation).end(now)
    }

    /// Each organisation with lists of its own, and when the first of them ends that is needed.
    pub fn organisations(&self, now: u64) -> impl Iterator<Item = (&str, Option<ListEnd>)> {
        self.restricted.iter().map(move |(name, (_, scope))| (name.as_str(), scope.end(now)))
    }

    /// The largest number among the general lists, for the log.
    #[must_use]
    pub fn number(&self) -> Option<ListNumber> {
        self.general.lists.iter().map(|list| list.number).max()
    }

    /// The general lists, for a TLS configuration.
    #[must_use]
    pub fn to_tls(&self) -> Vec<CertificateRevocationListDer<'static>> {
        tls_of(&self.general)
    }

    /// The lists that count for an organisation's certificates.
    pub(crate) fn for_roots_of(&self, organisation: Option<&str>) -> Vec<CertificateRevocationListDer<'static>> {
        organisation.map_or_else(|| self.to_tls(), |organisation| tls_of(self.of(organisation)))
    }

    pub(crate) fn general(&self) -> &Scope {
        &self.general
    }

    pub(crate) fn scopes(&self) -> impl Iterator<Item = &Scope> {
        [&*self.general].into_iter().chain(self.restricted.values().map(|(_, scope)| &**scope))
    }

    fn of(&self, organisation: &str) -> &Scope {
        self.restricted.get(organisation).map_or(&*self.general, |(_, scope)| &**scope)
    }
}

fn tls_of(scope: &Scope) -> Vec<CertificateRevocationListDer<'static>> {
    scope.lists.iter().map(|list| list.der.clone()).collect()
}

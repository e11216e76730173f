//! Revocation lists: of an issuing authority's certificates, and of a root's authorities. Without a current list at every tier nothing is believed.
//!
//! ```text
//! root ─ signs offline, for months ──────► list of issuing authorities
//! issuing authority ─ signs, for days ───► list of leaves
//!
//! revocations.pem                for whoever stands under trust.pem
//! revocations-ORGANISATION.pem   for whoever stands under trust-ORGANISATION.pem, and for nobody else
//! list-numbers                   the largest number of each issuer that was in force here
//! ```
//!
//! Each file holds lists and the certificates of the authorities that signed them (PEM), so that it proves itself against the trusted roots
//! alone, whoever carries it. The newest list of an issuer's key counts. An issuer's list says nothing of another issuer's certificates.

mod carried;
mod known;
mod list;
mod number;
mod scope;
mod seen;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use tributary_protocol::printable::Printable;

pub use self::carried::{LISTS_BYTES_MAX, carried_name, read_carried, take_carried};
pub(crate) use self::carried::{admit_carried, standing_with};
pub use self::known::KnownNumbers;
pub(crate) use self::known::parse_line as parse_known_line;
pub(crate) use self::list::Authority;
pub use self::number::ListNumber;
pub(crate) use self::scope::Scope;
pub use self::seen::{DenyOrder, SEEN, Seen};

use crate::fault::{CertificateFault, FaultKind};
use crate::identity::parse_certificate;
use crate::trust::TrustRoots;
use tributary_storage::files::{self, FileError};

/// How long before its end a root's list is reported, in seconds: thirty days. Its key is offline, and people must meet.
pub const ROOT_LIST_WARNING_SECONDS: u64 = 30 * 86_400;

/// How long before its end an issuing authority's list is reported, in seconds: one day.
pub const LIST_WARNING_SECONDS: u64 = 86_400;

/// What the lists say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Current lists of every authority above it do not name it, nor one of those.
    Good,
    /// A list names it, or an authority above it, however old that list is.
    Revoked,
    /// The list of an authority above it is not here, or the certificate cannot be read.
    Unknown,
    /// The list of an authority above it is past its date.
    ListExpired,
}

impl Revocation {
    /// Why a certificate is not believed, if so.
    #[must_use]
    pub fn fault(self) -> Option<FaultKind> {
        match self {
            Self::Good => None,
            Self::Revoked => Some(FaultKind::Revoked),
            Self::Unknown => Some(FaultKind::RevocationUnknown),
            Self::ListExpired => Some(FaultKind::RevocationListExpired),
        }
    }
}

/// When a list ends without which somebody could not be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEnd {
    /// Whether it is a root's: its key is offline.
    pub by_root: bool,
    /// The authority, for people.
    pub authority: Printable,
    /// Its last second, Unix; 0 where there is no list.
    pub next_update: u64,
}

impl ListEnd {
    /// Whether it is time to say so.
    #[must_use]
    pub fn is_near(&self, now: u64) -> bool {
        let before = if self.by_root { ROOT_LIST_WARNING_SECONDS } else { LIST_WARNING_SECONDS };
        self.next_update.saturating_sub(now) < before
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: u64) -> bool {
        self.next_update < now
    }

    /// Who must do what.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        if self.by_root {
            "the holder of root.key runs `tributary certs crl --authority DIR --root --keys MEDIUM`; the new revocations.pem reaches everybody \
             through the coordinator"
        } else {
            "the authority's operator runs `tributary certs crl --authority DIR`, or starts the coordinator that keeps the office \
             (`enrolment.authority`), which does it by itself; branches fetch the new list from there"
        }
    }
}

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

/// Verified lists: of the general roots, and of each organisation that has its own. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists {
    general: Arc<Scope>,
    restricted: BTreeMap<String, (Vec<CertificateDer<'static>>, Arc<Scope>)>,
}

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

impl Scope {
    /// An authority between the roots and the leaves, by its key, if it stands: neither revoked, nor out of its validity, nor without a current list.
    pub(crate) fn authority(&self, matches: impl Fn(&Authority) -> bool, now: u64) -> Result<&Authority, FaultKind> {
        let found = self.authorities.iter().find(|authority| !authority.root && matches(authority));
        let found = found.ok_or(FaultKind::ForeignAuthority)?;
        if let Some(fault) = self.standing_of_authority(found, now).fault() {
            return Err(fault);
        }
        match found.validity {
            validity if validity.not_after < now => Err(FaultKind::Expired),
            validity if validity.not_before > now => Err(FaultKind::NotYetValid),
            _ => Ok(found),
        }
    }
}

fn tls_of(scope: &Scope) -> Vec<CertificateRevocationListDer<'static>> {
    scope.lists.iter().map(|list| list.der.clone()).collect()
}

/// Where the lists of an organisation's own authority lie, beside the general ones.
#[must_use]
pub fn organisation_file(general: &Path, organisation: &str) -> PathBuf {
    general.with_file_name(format!("revocations-{organisation}.pem"))
}

/// Whether an authority's key signed a certificate that names it as its issuer.
pub(crate) fn issued_by(certificate: &[u8], authority: &[u8]) -> bool {
    let (Ok(certificate), Ok(authority)) = (parse_certificate(certificate), parse_certificate(authority)) else {
        return false;
    };
    authority.is_ca()
        && certificate.issuer() == authority.subject()
        && certificate.verify_signature(Some(authority.public_key())).is_ok()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiers_tests;

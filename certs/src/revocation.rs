//! Revocation lists for connections that are open already, and for files that carry lists.
//!
//! A handshake asks the library; a connection that outlives a revocation is asked about again here: nothing but issuer, serial number and
//! the list's dates, because the list was verified when it was loaded and the certificate when the connection began.
//!
//! `revocations.pem` holds lists and the certificates of the authorities that signed them (PEM), so that it can be verified against the trusted
//! roots alone.

use std::collections::BTreeSet;
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::fault::{CertificateFault, FaultKind};
use crate::files::{self, FileError};
use crate::identity::parse_certificate;
use crate::tls::{TlsError, TrustRoots};

/// What the lists say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// A current list of its issuer does not name it.
    Good,
    /// A list of its issuer names it, however old that list is.
    Revoked,
    /// No list of its issuer is here, or the certificate cannot be read.
    Unknown,
    /// The lists of its issuer are past their date.
    ListExpired,
}

/// Why a file of lists was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RevocationFileError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A list is forged or unreadable.
    #[error(transparent)]
    Refused(#[from] CertificateFault),
    /// The trusted roots cannot be used.
    #[error(transparent)]
    Roots(#[from] TlsError),
}

/// Verified lists.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists {
    lists: Vec<List>,
}

#[derive(Clone, Debug)]
struct List {
    der: CertificateRevocationListDer<'static>,
    /// The issuer's name (DER).
    issuer: Vec<u8>,
    number: u64,
    /// Last second, Unix.
    next_update: u64,
    serials: BTreeSet<Vec<u8>>,
}

impl RevocationLists {
    /// Reads `revocations.pem` and verifies it. Lists of authorities under no trusted root are left out: nobody's certificate stands under
    /// them either, and a new authority's list may arrive before its root.
    ///
    /// # Errors
    /// [`FaultKind::RevocationListForged`] if a list claims to be a trusted authority's and is not, or none is left; or the file cannot be read.
    pub fn read(path: &Path, roots: &TrustRoots) -> Result<Self, RevocationFileError> {
        let text = files::read_public(path)?;
        let content = || FileError::content(path, "revocation list (PEM)");
        let authorities: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&text).collect();
        let (authorities, lists) = (authorities.map_err(|_| content())?, lists.map_err(|_| content())?);
        if lists.is_empty() {
            return Err(content().into());
        }
        Ok(Self::verified(lists, &authorities, roots)?)
    }

    /// Verifies lists: `authorities` are the issuing authorities whose signatures count once a root vouches for them.
    ///
    /// # Errors
    /// [`FaultKind::RevocationListForged`].
    pub fn verified(
        lists: Vec<CertificateRevocationListDer<'static>>,
        authorities: &[CertificateDer<'_>],
        roots: &TrustRoots,
    ) -> Result<Self, CertificateFault> {
        let trusted = authorities.iter().filter(|authority| roots.all().any(|root| issued_by(authority, root)));
        let trusted: Vec<&[u8]> = trusted.map(AsRef::as_ref).chain(roots.all().map(AsRef::as_ref)).collect();
        let mut own = Vec::new();
        for der in lists {
            let list = List::parse(der)?;
            if trusted.iter().any(|authority| signs(authority, &list.der)) {
                own.push(list);
            } else if trusted.iter().any(|authority| is_named(authority, &list.issuer)) {
                return Err(FaultKind::RevocationListForged.because("its signature is wrong"));
            }
        }
        if own.is_empty() {
            return Err(FaultKind::RevocationListForged.because("no authority under a trusted root signed it"));
        }
        Ok(Self { lists: own })
    }

    /// The lists for a TLS configuration.
    #[must_use]
    pub fn to_tls(&self) -> Vec<CertificateRevocationListDer<'static>> {
        self.lists.iter().map(|list| list.der.clone()).collect()
    }

    /// When the first of the lists runs out, in Unix seconds; `None` without any.
    #[must_use]
    pub fn next_update(&self) -> Option<u64> {
        self.lists.iter().map(|list| list.next_update).min()
    }

    /// The largest number among the lists: a newer file has a larger one, and an older file is no news.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.lists.iter().map(|list| list.number).max()
    }
}

impl List {
    fn parse(der: CertificateRevocationListDer<'static>) -> Result<Self, CertificateFault> {
        let unreadable = || FaultKind::RevocationListForged.because("it is no revocation list");
        let Ok(([], parsed)) = CertificateRevocationList::from_der(&der) else { return Err(unreadable()) };
        let next_update = parsed.next_update().and_then(|time| u64::try_from(time.timestamp()).ok());
        let number = parsed.crl_number().and_then(|number| u64::try_from(number).ok());
        let (Some(next_update), Some(number)) = (next_update, number) else { return Err(unreadable()) };
        let issuer = parsed.issuer().as_raw().to_vec();
        let serials = parsed.iter_revoked_certificates().map(|revoked| revoked.raw_serial().to_vec()).collect();
        drop(parsed);
        Ok(Self { der, issuer, number, next_update, serials })
    }
}

/// What the lists say of a certificate (DER) at `now`, in Unix seconds. A revocation counts whichever list names it, so that no other list of
/// the same issuer's name can take it back.
#[must_use]
pub fn revoked_in(lists: &RevocationLists, certificate: &[u8], now: u64) -> Revocation {
    let Ok(parsed) = parse_certificate(certificate) else { return Revocation::Unknown };
    let issuer = parsed.issuer().as_raw();
    let mut own = lists.lists.iter().filter(|list| list.issuer == issuer).peekable();
    if own.peek().is_none() {
        return Revocation::Unknown;
    }
    let own: Vec<_> = own.collect();
    if own.iter().any(|list| list.serials.contains(parsed.raw_serial())) {
        return Revocation::Revoked;
    }
    if own.iter().any(|list| list.next_update >= now) { Revocation::Good } else { Revocation::ListExpired }
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

/// The largest number among the lists of a file, verified or not.
///
/// # Errors
/// [`RevocationFileError`].
pub(crate) fn last_number(path: &Path) -> Result<u64, RevocationFileError> {
    let lists = crate::tls::read_revocations(path)?;
    let numbers = lists.into_iter().map(|der| Ok(List::parse(der)?.number));
    Ok(numbers.collect::<Result<Vec<_>, CertificateFault>>()?.into_iter().max().unwrap_or(0))
}

fn is_named(authority: &[u8], name: &[u8]) -> bool {
    parse_certificate(authority).is_ok_and(|authority| authority.subject().as_raw() == name)
}

fn signs(authority: &[u8], list: &[u8]) -> bool {
    let (Ok(authority), Ok((_, list))) = (parse_certificate(authority), CertificateRevocationList::from_der(list))
    else {
        return false;
    };
    let usage = authority.key_usage().ok().flatten();
    usage.is_some_and(|usage| usage.value.crl_sign())
        && list.issuer() == authority.subject()
        && list.verify_signature(authority.public_key()).is_ok()
}

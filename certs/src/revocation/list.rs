//! One list, and the authorities by whose word lists and certificates count.

use std::collections::BTreeSet;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::Printable;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use super::number::ListNumber;
use crate::fault::{CertificateFault, FaultKind};
use crate::identity::parse_certificate;
use crate::inspect::validity_in;
use crate::issue::Validity;

/// Tiers of authorities between a root and the one that issued a leaf, the latter counted, at most.
const TIERS_MAX: u32 = 3;

/// A list that was read; what it says counts once its issuer's signature does.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) der: CertificateRevocationListDer<'static>,
    /// The issuer's name (DER).
    pub(super) issuer: Vec<u8>,
    /// SHA-256 of the key information of whoever signed it; zero before that is known.
    pub(super) signer: Digest,
    pub(super) number: ListNumber,
    /// Last second, Unix.
    pub(super) next_update: u64,
    pub(super) serials: BTreeSet<Vec<u8>>,
}

impl List {
    pub(super) fn parse(der: CertificateRevocationListDer<'static>) -> Result<Self, CertificateFault> {
        let unreadable = |what: &str| FaultKind::RevocationListForged.because(what);
        let Ok(([], parsed)) = CertificateRevocationList::from_der(&der) else {
            return Err(unreadable("it is no revocation list"));
        };
        // What the TLS library cannot read would leave a branch without a configuration: nobody may get such a list kept.
        // Owned, so that every entry is looked at.
        let read = webpki::BorrowedCertRevocationList::from_der(&der).and_then(|list| list.to_owned());
        if let Err(fault) = read {
            return Err(unreadable(&format!("the TLS library does not read it: {fault:?}")));
        }
        let next_update = parsed.next_update().and_then(|time| u64::try_from(time.timestamp()).ok());
        let number = parsed.crl_number().and_then(|number| ListNumber::from_be_bytes(&number.to_bytes_be()));
        let (Some(next_update), Some(number)) = (next_update, number) else {
            return Err(unreadable("it has no end, or no number of at most 20 octets"));
        };
        // One that speaks for a part of its issuer's certificates would pass for all of them.
        if parsed.extensions().iter().any(|extension| extension.critical) {
            return Err(unreadable("it is not a complete list of its issuer"));
        }
        let issuer = parsed.issuer().as_raw().to_vec();
        let serials = parsed.iter_revoked_certificates().map(|revoked| revoked.raw_serial().to_vec()).collect();
        drop(parsed);
        Ok(Self { der, issuer, signer: Digest::ZERO, number, next_update, serials })
    }
}

/// An authority whose word counts: a trusted root, or one that stands under a root.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) root: bool,
    pub(crate) spki_sha256: Digest,
    pub(crate) validity: Validity,
    pub(super) subject: Vec<u8>,
    pub(super) serial: Vec<u8>,
    /// For people.
    pub(super) name: Printable,
    pub(super) key_identifier: Option<Vec<u8>>,
    /// Further authorities that may stand under it.
    below: u32,
    /// Where its issuer stands among the authorities; nowhere for a root.
    pub(super) above: Option<usize>,
}

impl Authority {
    fn read(der: &CertificateDer<'_>, root: bool) -> Option<Self> {
        let parsed = parse_certificate(der).ok()?;
        // Roots of the first version have no extensions, and are trusted as they are.
        let constraints = parsed.basic_constraints().ok().flatten();
        if !root && !parsed.is_ca() {
            return None;
        }
        let below = constraints.and_then(|constraints| constraints.value.path_len_constraint).unwrap_or(TIERS_MAX);
        Some(Self {
            der: der.clone().into_owned(),
            root,
            spki_sha256: Digest::of(parsed.public_key().raw),
            validity: validity_in(&parsed),
            subject: parsed.subject().as_raw().to_vec(),
            serial: parsed.raw_serial().to_vec(),
            name: parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok()).unwrap_or("?").into(),
            key_identifier: key_identifier(&parsed),
            below: below.min(TIERS_MAX),
            above: None,
        })
    }

    /// Whether it signed this list and may.
    pub(super) fn signed(&self, list: &List) -> bool {
        let (Ok(own), Ok((_, parsed))) = (parse_certificate(&self.der), CertificateRevocationList::from_der(&list.der))
        else {
            return false;
        };
        let usage = own.key_usage().ok().flatten();
        usage.is_none_or(|usage| usage.value.crl_sign())
            && self.subject == list.issuer
            && parsed.verify_signature(own.public_key()).is_ok()
    }

    /// Whether a certificate of this issuer's name and key names it.
    pub(super) fn is_named(&self, issuer: &[u8], key: Option<&[u8]>) -> bool {
        let same = |key: &[u8]| self.key_identifier.as_deref().is_none_or(|own| own == key);
        self.subject == issuer && key.is_none_or(same)
    }
}

/// The roots, and those of the given certificates that stand under them, each where its issuer lets it. Each stands after its issuer, so that whoever goes
/// from one to the next comes to a root.
pub(super) fn trusted(roots: &[CertificateDer<'static>], given: &[CertificateDer<'_>]) -> Vec<Authority> {
    let mut all: Vec<Authority> = roots.iter().filter_map(|root| Authority::read(root, true)).collect();
    // Whoever stood under none of those of an earlier pass does not stand under them now: a file of many of one name is to cost no more than it must.
    let mut asked = 0;
    for _ in 0..TIERS_MAX {
        let before = all.len();
        for der in given {
            if all.iter().any(|known| known.der == *der) {
                continue;
            }
            let Some(found) = Authority::read(der, false) else { continue };
            let mut above = all.iter().enumerate().skip(asked);
            let above = above.find(|(_, other)| other.below > 0 && issued_by(der, &other.der));
            let Some((place, other)) = above else { continue };
            let below = found.below.min(other.below - 1);
            all.push(Authority { below, above: Some(place), ..found });
        }
        if all.len() == before {
            break;
        }
        asked = before;
    }
    all
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

/// Issuer, serial number and the issuer's key of a certificate.
pub(super) struct Named {
    pub(super) issuer: Vec<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) key: Option<Vec<u8>>,
}

impl Named {
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let parsed = parse_certificate(certificate).ok()?;
        Some(Self {
            issuer: parsed.issuer().as_raw().to_vec(),
            serial: parsed.raw_serial().to_vec(),
            key: authority_key_identifier(&parsed),
        })
    }
}

fn key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0.to_vec()),
        _ => None,
    })
}

fn authority_key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(key) => Some(key.key_identifier.as_ref()?.0.to_vec()),
        _ => None,
    })
}

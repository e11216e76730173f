//! A private certificate authority in two tiers: an offline root, an issuing authority, and leaves (docs/CERTIFICATES.md, "Who is who").
//!
//! ```text
//! root (P-384, path length 1, key offline) ─► issuing (P-384, path length 0) ─► leaf (P-256, one URI, one purpose)
//! ```
//!
//! Time is an argument. A leaf depends on the issuing key, its own key and its request alone: issuing for client N + 1 changes nothing
//! that clients 1 to N hold.

mod error;
mod parameters;
mod reasons;
mod request;
pub(crate) mod validity;

use rcgen::{
    Certificate, CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams, SerialNumber,
    SubjectPublicKeyInfo,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use tributary_protocol::entropy::Entropy;

pub use self::error::IssueError;
pub use self::reasons::{ListEntry, RevocationReason};
pub use self::request::LeafRequest;
pub use self::validity::{TIME_MAX, Validity};

use self::parameters::{authority_key, authority_parameters, leaf_parameters, moment, within};
use crate::identity::TrustDomain;
use crate::keys::TlsKey;
use crate::revocation::ListNumber;

/// For how long a leaf may be valid at most, in seconds: 398 days, as for certificates of the web. An authority of ours gives 30 days, and a bank's
/// own may give more. Nobody accepts a longer one: whoever has stolen an issuing key would make one that outlives every revocation.
pub const LEAF_SECONDS_MAX: u64 = 398 * 86_400;

/// The same of an authority between a leaf and its root: ten years and ten days, a little more than a root of ours has. Ours gives two years.
pub const AUTHORITY_SECONDS_MAX: u64 = 3_660 * 86_400;

/// The leaf's certificate and those above it, without the root: what a peer presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain(Vec<CertificateDer<'static>>);

impl Chain {
    /// The certificates, leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.0[0]
    }

    /// The certificates, leaf first, by value.
    #[must_use]
    pub fn into_certificates(self) -> Vec<CertificateDer<'static>> {
        self.0
    }

    /// A chain that was read from a file; `None` if it is empty.
    #[must_use]
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Option<Self> {
        if certificates.is_empty() { None } else { Some(Self(certificates)) }
    }
}

/// The online issuing authority. Its key is erased when dropped.
pub struct CertificateAuthority {
    trust_domain: TrustDomain,
    certificate: CertificateDer<'static>,
    validity: Validity,
    key: TlsKey,
}

/// A new two-tier authority. The root's key signs nothing but issuing authorities: take it offline at once.
pub struct NewAuthority {
    /// The root's certificate: what everybody trusts.
    pub root: CertificateDer<'static>,
    /// The root's key.
    pub root_key: TlsKey,
    /// The issuing authority.
    pub issuing: CertificateAuthority,
}

impl CertificateAuthority {
    /// Creates a root and an issuing authority under it.
    ///
    /// # Errors
    /// [`IssueError::Validity`], or [`IssueError::OutsideIssuer`] if the issuing authority would outlive the root.
    pub fn create(
        entropy: &mut dyn Entropy,
        trust_domain: &TrustDomain,
        root: Validity,
        issuing: Validity,
    ) -> Result<NewAuthority, IssueError> {
        let root_key = authority_key()?;
        let root_parameters = authority_parameters(entropy, trust_domain, "root", 1, root)?;
        let root_certificate = root_parameters.self_signed(root_key.pair())?;
        within(issuing, root)?;
        let key = authority_key()?;
        let parameters = authority_parameters(entropy, trust_domain, "issuing", 0, issuing)?;
        let certificate = parameters.signed_by(key.pair(), &Issuer::from_params(&root_parameters, root_key.pair()))?;
        let issuing =
            Self { trust_domain: trust_domain.clone(), certificate: certificate.into(), validity: issuing, key };
        Ok(NewAuthority { root: root_certificate.into(), root_key, issuing })
    }

    /// A new issuing authority under an existing root.
    ///
    /// # Errors
    /// [`IssueError::OutsideIssuer`] if it would outlive the root, [`IssueError::Validity`], [`IssueError::Library`].
    pub fn under(
        entropy: &mut dyn Entropy,
        trust_domain: &TrustDomain,
        root: &CertificateDer<'static>,
        root_key: &TlsKey,
        validity: Validity,
    ) -> Result<Self, IssueError> {
        within(validity, crate::inspect::validity_of(root)?)?;
        let key = authority_key()?;
        let parameters = authority_parameters(entropy, trust_domain, "issuing", 0, validity)?;
        let certificate = parameters.signed_by(key.pair(), &Issuer::from_ca_cert_der(root, root_key.pair())?)?;
        Ok(Self { trust_domain: trust_domain.clone(), certificate: certificate.into(), validity, key })
    }

    /// An issuing authority from its stored parts.
    ///
    /// # Errors
    /// [`IssueError::Authority`] if the certificate cannot be read.
    pub fn from_parts(
        trust_domain: TrustDomain,
        certificate: CertificateDer<'static>,
        key: TlsKey,
    ) -> Result<Self, IssueError> {
        let validity = crate::inspect::validity_of(&certificate)?;
        Ok(Self { trust_domain, certificate, validity, key })
    }

    /// The issuing authority's certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The issuing authority's key.
    #[must_use]
    pub fn key(&self) -> &TlsKey {
        &self.key
    }

    /// When this authority may issue.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The trust domain it issues for.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Issues for a fresh key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, entropy: &mut dyn Entropy, request: &LeafRequest) -> Result<(Chain, TlsKey), IssueError> {
        let key = TlsKey::generate();
        let chain = self.issue_for(entropy, request, &key.spki())?;
        Ok((chain, key))
    }

    /// Issues for a key whose public half (SPKI, DER) is given: the private half stays where it was made.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue_for(
        &self,
        entropy: &mut dyn Entropy,
        request: &LeafRequest,
        spki: &[u8],
    ) -> Result<Chain, IssueError> {
        if request.identity.trust_domain() != &self.trust_domain {
            let (asked, own) = (request.identity.trust_domain().clone(), self.trust_domain.clone());
            return Err(IssueError::TrustDomain { asked, own });
        }
        within(request.validity, self.validity)?;
        let parameters = leaf_parameters(entropy, request)?;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, self.key.pair())?;
        let leaf: Certificate = parameters.signed_by(&SubjectPublicKeyInfo::from_der(spki)?, &issuer)?;
        Ok(Chain(vec![leaf.into(), self.certificate.clone()]))
    }

    /// A revocation list, complete, of certificates that this authority issued.
    ///
    /// `number` grows with every list; `validity` runs from this list's time to the latest time of the next one.
    ///
    /// # Errors
    /// [`IssueError::Validity`] or [`IssueError::Library`].
    pub fn revocation_list(
        &self,
        number: impl Into<ListNumber>,
        validity: Validity,
        serials: &[Vec<u8>],
    ) -> Result<CertificateRevocationListDer<'static>, IssueError> {
        let entry = |serial: &Vec<u8>| ListEntry {
            serial: serial.clone(),
            at: validity.not_before,
            reason: RevocationReason::Unspecified,
        };
        self.revocation_list_of(number, validity, &serials.iter().map(entry).collect::<Vec<_>>())
    }

    /// As [`CertificateAuthority::revocation_list`], with the time and reason of each.
    ///
    /// # Errors
    /// [`IssueError::Validity`] or [`IssueError::Library`].
    pub fn revocation_list_of(
        &self,
        number: impl Into<ListNumber>,
        validity: Validity,
        entries: &[ListEntry],
    ) -> Result<CertificateRevocationListDer<'static>, IssueError> {
        let revoked = |entry: &ListEntry| {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&entry.serial),
                revocation_time: moment(entry.at, validity)?,
                reason_code: entry.reason.code(),
                invalidity_date: None,
            })
        };
        let list = CertificateRevocationListParams {
            this_update: moment(validity.not_before, validity)?,
            next_update: moment(validity.not_after, validity)?,
            crl_number: SerialNumber::from_slice(number.into().to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs: entries.iter().map(revoked).collect::<Result<_, IssueError>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_ca_cert_der(&self.certificate, self.key.pair())?;
        Ok(list.signed_by(&issuer)?.into())
    }
}

#[cfg(test)]
mod tests;

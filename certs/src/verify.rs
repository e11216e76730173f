//! What a handshake checks beyond the chain: one identity, of the right role and federation, used for its purpose, vouched for by an
//! authority that may speak for its organisation.
//!
//! ```text
//! limits ─► one identity ─► role, domain, usage ─► the organisation's roots ─► chain, validity, revocation, host (the library) ─► length of life
//! ```
//!
//! It happens inside the handshake, so that no caller can forget it. The cheap refusals come first; nothing that an unverified certificate
//! says is used for anything but to refuse it or to choose its roots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DistinguishedName, Error, OtherError};
use tributary_protocol::printable::Printable;
use x509_parser::prelude::X509Certificate;

use crate::ended::{Ended, EndedCertificates};
use crate::fault::{FaultKind, explain};
use crate::identity::{
    CERTIFICATE_BYTES_MAX, Identity, IdentityError, Role, TrustDomain, identity_in, parse_certificate,
};
use crate::issue::{AUTHORITY_SECONDS_MAX, LEAF_SECONDS_MAX};
use crate::revocation::{Revocation, RevocationLists};

/// Certificates that a peer may present, at most: the leaf, and three authorities between it and the root.
pub const CHAIN_MAX: usize = 4;

/// Whom a peer must prove to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRule {
    /// The federation both belong to.
    pub trust_domain: TrustDomain,
    /// The peer's role.
    pub role: Role,
    /// The very peer, if it is known: a client knows its coordinator.
    pub exactly: Option<Identity>,
}

/// A rule of ours that a certificate broke, inside a [`rustls::Error`]. Its text carries the fault's number and code, so that it survives
/// transports which pass text alone.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {detail}", kind.mark())]
pub(crate) struct Refusal {
    pub(crate) kind: FaultKind,
    pub(crate) detail: Printable,
}

/// The same text: the TLS library prints an error of others in this form, and QUIC carries nothing else of it.
impl std::fmt::Debug for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

fn refuse<T>(kind: FaultKind, detail: impl Into<Printable>) -> Result<T, Refusal> {
    Err(Refusal { kind, detail: detail.into() })
}

impl PeerRule {
    /// Checks what a leaf says, and returns the peer's identity. Says nothing about who vouches for it.
    ///
    /// # Errors
    /// The fault, with what the certificate says.
    fn check(&self, certificate: &X509Certificate<'_>) -> Result<Identity, Refusal> {
        let identity = identity_in(certificate).map_err(|error| bad_identity(&error))?;
        if identity.trust_domain() != &self.trust_domain {
            return refuse(FaultKind::ForeignDomain, format!("{identity} is not of {}", self.trust_domain));
        }
        if identity.role() != self.role {
            return refuse(FaultKind::WrongRole, format!("{identity} may not act as a {}", self.role));
        }
        usage(certificate, &identity)?;
        match &self.exactly {
            Some(expected) if expected != &identity => {
                refuse(FaultKind::WrongPeer, format!("{identity} answered instead of {expected}"))
            }
            _ => Ok(identity),
        }
    }
}

/// Whether the certificate may be used as its identity's role demands: the extended key usage is there and names the purpose, and a key
/// usage, where there is one, allows signatures.
pub(crate) fn usage(certificate: &X509Certificate<'_>, identity: &Identity) -> Result<(), Refusal> {
    let Ok(Some(_)) = certificate.extended_key_usage() else {
        return refuse(FaultKind::NoUsage, identity.to_string());
    };
    if !serves(certificate, identity.role()) {
        return refuse(
            FaultKind::WrongUsage,
            format!("{identity}'s extended key usage does not allow a {}", identity.role()),
        );
    }
    match certificate.key_usage() {
        Ok(Some(usage)) if !usage.value.digital_signature() => refuse(FaultKind::WrongKeyUsage, identity.to_string()),
        Ok(_) => Ok(()),
        Err(_) => refuse(FaultKind::Unreadable, identity.to_string()),
    }
}

/// Whether the extended key usage is there and names the role's purpose.
pub(crate) fn serves(certificate: &X509Certificate<'_>, role: Role) -> bool {
    let usage = certificate.extended_key_usage().ok().flatten();
    usage.is_some_and(|usage| match role {
        Role::Coordinator => usage.value.server_auth,
        _ => usage.value.client_auth,
    })
}

/// What is checked of a chain before anything of it is believed: number and size, then that the leaf is none of an authority's and those
/// above it are.
pub(crate) fn shape<'a>(leaf: &'a [u8], above: &[CertificateDer<'_>]) -> Result<X509Certificate<'a>, Refusal> {
    if above.len() >= CHAIN_MAX {
        return refuse(FaultKind::ChainTooLong, format!("{} certificates", above.len() + 1));
    }
    let longest = above.iter().map(|certificate| certificate.len()).chain([leaf.len()]).max().unwrap_or(0);
    if longest > CERTIFICATE_BYTES_MAX {
        return refuse(FaultKind::TooLarge, format!("{longest} bytes"));
    }
    let parsed = parse_certificate(leaf).map_err(|error| bad_identity(&error))?;
    if parsed.is_ca() {
        return refuse(FaultKind::AuthorityAsLeaf, parsed.subject().to_string());
    }
    for certificate in above {
        let parsed = parse_certificate(certificate).map_err(|error| bad_identity(&error))?;
        if !parsed.is_ca() {
            return refuse(FaultKind::IssuedByLeaf, parsed.subject().to_string());
        }
    }
    Ok(parsed)
}

/// Whether nothing of a chain is valid for longer than its kind may be. Asked of what is good otherwise, so that worse faults are told first.
pub(crate) fn lives(leaf: &X509Certificate<'_>, above: &[CertificateDer<'_>]) -> Result<(), Refusal> {
    life(leaf, LEAF_SECONDS_MAX)?;
    above.iter().try_for_each(|certificate| {
        life(&parse_certificate(certificate).map_err(|error| bad_identity(&error))?, AUTHORITY_SECONDS_MAX)
    })
}

pub(crate) fn life(certificate: &X509Certificate<'_>, longest: u64) -> Result<(), Refusal> {
    let validity = certificate.validity();
    let seconds = validity.not_after.timestamp().saturating_sub(validity.not_before.timestamp());
    let seconds = u64::try_from(seconds).unwrap_or(0);
    if seconds <= longest {
        return Ok(());
    }
    let (subject, days, most) = (certificate.subject(), seconds / 86_400, longest / 86_400);
    refuse(FaultKind::LifeTooLong, format!("{subject} is valid for {days} days, and {most} are the most"))
}

pub(crate) fn bad_identity(error: &IdentityError) -> Refusal {
    let kind = match error {
        IdentityError::NotACertificate => FaultKind::Unreadable,
        IdentityError::UriCount { count: 0 } => FaultKind::NoIdentity,
        IdentityError::UriCount { .. } => FaultKind::SeveralIdentities,
        IdentityError::Form | IdentityError::Part { .. } => FaultKind::ForeignIdentity,
    };
    Refusal { kind, detail: error.to_string().into() }
}

/// Turns the library's error into one that says more: a certificate that signed itself is told from one of an authority we do not know, and
/// whatever its alert would not tell apart carries its number in its text.
fn sharpen(error: Error, certificate: &X509Certificate<'_>) -> Error {
    let kind = explain(&error).kind;
    let detail = error.to_string().into();
    match kind {
        FaultKind::ForeignAuthority if certificate.issuer() == certificate.subject() => {
            refused(Refusal { kind: FaultKind::SelfSigned, detail: "the certificate was signed by its own key".into() })
        }
        FaultKind::Expired
        | FaultKind::NotYetValid
        | FaultKind::Revoked
        | FaultKind::ForeignAuthority
        | FaultKind::Forged
        | FaultKind::WrongUsage => error,
        kind => refused(Refusal { kind, detail }),
    }
}

pub(crate) fn refused(refusal: Refusal) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
}

/// The library's verifier of every set of roots.
#[derive(Debug)]
pub(crate) struct Chains<V: ?Sized> {
    pub(crate) general: Arc<V>,
    pub(crate) restricted: BTreeMap<String, Arc<V>>,
    /// Whom they are asked about; nothing where revocation does not matter.
    pub(crate) lists: Option<RevocationLists>,
}

impl<V: ?Sized> Chains<V> {
    /// Checks the shape, the rule, and the chain against the organisation's roots.
    ///
    /// `verify` asks the library.
    fn verify<T>(
        &self,
        rule: &PeerRule,
        leaf: &[u8],
        above: &[CertificateDer<'_>],
        now: UnixTime,
        verify: impl Fn(&V) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let certificate = shape(leaf, above).map_err(refused)?;
        let identity = rule.check(&certificate).map_err(refused)?;
        let own = self.restricted.get(identity.organisation()).unwrap_or(&self.general);
        let standing = |lists: &RevocationLists| lists.standing(identity.organisation(), leaf, now.as_secs());
        let standing = self.lists.as_ref().map_or(Revocation::Good, standing);
        let error = match (verify(own), standing.fault()) {
            (Ok(verified), None) => return lives(&certificate, above).map_err(refused).map(|()| verified),
            // The library asks nothing where it has no list at all.
            (Ok(_), Some(kind)) => refused(Refusal { kind, detail: identity.to_string().into() }),
            // It may miss the leaf's list before it sees that the authority above was revoked.
            (Err(error), Some(FaultKind::Revoked)) if explain(&error).kind == FaultKind::RevocationUnknown => {
                Error::InvalidCertificate(CertificateError::Revoked)
            }
            (Err(error), _) => sharpen(error, &certificate),
        };
        let mut others = [&self.general].into_iter().chain(self.restricted.values());
        let unknown = explain(&error).kind == FaultKind::ForeignAuthority;
        let another = |other: &Arc<V>| {
            !Arc::ptr_eq(other, own)
                && !verify(other).is_err_and(|error| explain(&error).kind == FaultKind::ForeignAuthority)
        };
        if unknown && others.any(another) {
            let detail = format!("{identity} was named by an authority of others").into();
            return Err(refused(Refusal { kind: FaultKind::WrongAuthority, detail }));
        }
        Err(error)
    }
}

/// Checks clients at the coordinator.
#[derive(Debug)]
pub(crate) struct ClientIdentityVerifier {
    pub(crate) chains: Chains<dyn ClientCertVerifier>,
    pub(crate) hints: Vec<DistinguishedName>,
    pub(crate) rule: PeerRule,
    pub(crate) ended: EndedCertificates,
}

impl ClientIdentityVerifier {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.chains.verify(&self.rule, leaf, above, now, |chain| chain.verify_client_cert(leaf, above, now))
    }

    /// Notes a certificate that has ended, if it was good in its last second: what nobody has vouched for names nobody.
    fn note_end(&self, leaf: &CertificateDer<'_>, above: &[CertificateDer<'_>]) {
        let Ok(parsed) = parse_certificate(leaf) else { return };
        let not_after = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
        let last = UnixTime::since_unix_epoch(Duration::from_secs(not_after));
        let name = identity_in(&parsed).ok().and_then(|identity| identity.member_name());
        if self.judge(leaf, above, last).is_ok()
            && let Some(name) = name
        {
            self.ended.note(Ended { name, not_after });
        }
    }
}

impl ClientCertVerifier for ClientIdentityVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let judged = self.judge(leaf, intermediates, now);
        if judged.as_ref().is_err_and(|error| explain(error).kind == FaultKind::Expired) {
            self.note_end(leaf, intermediates);
        }
        judged
    }

    crate::provider::handshake_signatures!();
}

/// Checks the coordinator at a client.
#[derive(Debug)]
pub(crate) struct CoordinatorIdentityVerifier {
    pub(crate) chains: Chains<dyn ServerCertVerifier>,
    pub(crate) rule: PeerRule,
}

impl ServerCertVerifier for CoordinatorIdentityVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chains.verify(&self.rule, leaf, intermediates, now, |chain| {
            chain.verify_server_cert(leaf, intermediates, server_name, ocsp_response, now)
        })
    }

    crate::provider::handshake_signatures!();
}

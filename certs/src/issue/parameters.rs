//! What authorities' and leaves' certificates contain.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SanType, SerialNumber,
};
use time::OffsetDateTime;
use tributary_protocol::entropy::Entropy;

use super::error::IssueError;
use super::request::LeafRequest;
use super::validity::{TIME_MAX, Validity};
use crate::identity::{Role, TrustDomain};
use crate::keys::TlsKey;

pub(super) fn authority_key() -> Result<TlsKey, IssueError> {
    Ok(TlsKey::from_pair(KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?))
}

pub(super) fn authority_parameters(
    entropy: &mut dyn Entropy,
    trust_domain: &TrustDomain,
    tier: &str,
    path_length: u8,
    validity: Validity,
) -> Result<CertificateParams, IssueError> {
    // A part of random name, so that two authorities of one domain are told apart when chains are built.
    let mark = u32::from_le_bytes(random(entropy));
    let mut parameters = parameters(entropy, validity)?;
    parameters.distinguished_name = name(trust_domain.as_str(), &format!("Tributary {tier} authority {mark:08x}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

pub(super) fn leaf_parameters(
    entropy: &mut dyn Entropy,
    request: &LeafRequest,
) -> Result<CertificateParams, IssueError> {
    let identity = &request.identity;
    let hosts = request.host_names.len() + request.addresses.len();
    let purpose = match identity.role() {
        Role::Coordinator if hosts == 0 => return Err(IssueError::NoHost),
        Role::Coordinator => ExtendedKeyUsagePurpose::ServerAuth,
        _ if hosts > 0 => return Err(IssueError::HostOfClient),
        _ => ExtendedKeyUsagePurpose::ClientAuth,
    };
    let mut parameters = parameters(entropy, request.validity)?;
    parameters.distinguished_name = name(identity.organisation(), identity.id());
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![purpose];
    parameters.subject_alt_names.push(SanType::URI(identity.to_string().try_into()?));
    for host in &request.host_names {
        let refused = || IssueError::HostName { name: host.clone() };
        rustls::pki_types::DnsName::try_from(host.as_str()).map_err(|_| refused())?;
        let host = host.clone().try_into().map_err(|_| refused())?;
        parameters.subject_alt_names.push(SanType::DnsName(host));
    }
    parameters.subject_alt_names.extend(request.addresses.iter().copied().map(SanType::IpAddress));
    Ok(parameters)
}

fn parameters(entropy: &mut dyn Entropy, validity: Validity) -> Result<CertificateParams, IssueError> {
    let mut parameters = CertificateParams::default();
    parameters.not_before = moment(validity.not_before, validity)?;
    parameters.not_after = moment(validity.not_after, validity)?;
    parameters.use_authority_key_identifier_extension = true;
    // Random and positive (RFC 5280, section 4.1.2.2): a renewal for the same key gets another number, so that either can be revoked.
    let mut serial: [u8; 16] = random(entropy);
    serial[0] = serial[0] & 0x7f | 0x40;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(parameters)
}

fn random<const N: usize>(entropy: &mut dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

fn name(organisation: &str, common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation);
    name.push(DnType::CommonName, common);
    name
}

pub(super) fn within(inner: Validity, outer: Validity) -> Result<(), IssueError> {
    let inside = inner.not_before >= outer.not_before && inner.not_after <= outer.not_after;
    if inside { Ok(()) } else { Err(IssueError::OutsideIssuer) }
}

/// Seconds since 1970 in the certificate library's type of time.
pub(super) fn moment(seconds: u64, of: Validity) -> Result<OffsetDateTime, IssueError> {
    let Validity { not_before, not_after } = of;
    if not_before >= not_after || not_after > TIME_MAX {
        return Err(IssueError::Validity { not_before, not_after });
    }
    Ok(OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

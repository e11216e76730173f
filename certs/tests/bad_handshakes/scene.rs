//! Three federations, certificates with arbitrary contents, and what a handshake with them comes to.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ServerConfig};
use tributary_certs::issue::CertificateAuthority;
use tributary_certs::tls::TrustRoots;

use crate::support::{DAY, Federation, NOW, Refused, connect_to, pair_of};

pub(crate) const CLIENT: &str = "spiffe://federation.example/north-bank/client/x";
pub(crate) const CENTRE: &str = "spiffe://federation.example/north-bank/coordinator/centre";

pub(crate) type Presented = (Vec<CertificateDer<'static>>, KeyPair);
pub(crate) type Make = fn(&Scene) -> Presented;

/// Our federation; a partner whose root speaks for `partner` alone; strangers.
pub(crate) struct Scene {
    pub(crate) ours: Federation,
    pub(crate) partner: Federation,
    pub(crate) strangers: Federation,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let [ours, partner, strangers] = ["federation.example"; 3].map(Federation::new);
        let third = Federation::new("federation.example");
        let roots = TrustRoots::new([ours.authority.root.clone()]).expect("one root");
        let roots = roots.with_organisation("partner", [partner.authority.root.clone()]).expect("one more");
        let roots = roots.with_organisation("third", [third.authority.root.clone()]).expect("one more");
        let partners = vec![partner.as_partner("partner"), third.as_partner("third")];
        Self { ours: Federation { roots, partners, ..ours }, partner, strangers }
    }

    /// A leaf that our authority signed, with arbitrary contents.
    pub(crate) fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Presented {
        leaf_of(&self.ours.authority.issuing, CLIENT, ClientAuth, change)
    }

    pub(crate) fn centre(&self, change: impl FnOnce(&mut CertificateParams)) -> Presented {
        leaf_of(&self.ours.authority.issuing, CENTRE, ServerAuth, change)
    }
}

pub(crate) fn leaf_of(
    issuing: &CertificateAuthority,
    uri: &str,
    purpose: ExtendedKeyUsagePurpose,
    change: impl FnOnce(&mut CertificateParams),
) -> Presented {
    let mut parameters = good(uri, purpose);
    change(&mut parameters);
    let key = KeyPair::generate().expect("a key");
    let leaf = parameters.signed_by(&key, &issuer(issuing)).expect("signed");
    (vec![leaf.into(), issuing.certificate().clone()], key)
}

pub(crate) fn good(uri: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    (parameters.not_before, parameters.not_after) = (moment(NOW - DAY), moment(NOW + DAY));
    parameters.subject_alt_names = vec![named(uri)];
    if purpose == ServerAuth {
        parameters.subject_alt_names.push(SanType::DnsName("coordinator.example".try_into().expect("ASCII")));
    }
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![purpose];
    parameters.use_authority_key_identifier_extension = true;
    parameters
}

pub(crate) fn moment(seconds: u64) -> time::OffsetDateTime {
    time::OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}

pub(crate) fn named(uri: &str) -> SanType {
    SanType::URI(uri.try_into().expect("ASCII"))
}

pub(crate) fn issuer(authority: &CertificateAuthority) -> rcgen::Issuer<'static, KeyPair> {
    rcgen::Issuer::from_ca_cert_der(authority.certificate(), pair(authority)).expect("an issuer")
}

pub(crate) fn pair(authority: &CertificateAuthority) -> KeyPair {
    pair_of(authority.key())
}

pub(crate) fn huge(bytes: usize) -> impl FnOnce(&mut CertificateParams) {
    move |parameters| {
        parameters.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![4; bytes])];
    }
}

pub(crate) fn certified((chain, key): Presented) -> Arc<SingleCertAndKey> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let signer = aws_lc_rs::sign::any_supported_type(&key).expect("a key");
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, signer)))
}

pub(crate) fn refused(client: ClientConfig, server: ServerConfig, name: &str) -> Box<Refused> {
    let result = connect_to("coordinator.example", &Arc::new(client), &Arc::new(server));
    let refused = result.map(|_| ()).expect_err(name);
    // Both sides name a number, and the side that is told knows that it was told.
    assert!(refused.fault.to_string().contains(&refused.fault.kind.mark()), "{name}");
    assert!(refused.told.to_string().contains(&refused.told.kind.mark()), "{name}");
    assert!(!refused.fault.found_by_peer && refused.told.found_by_peer, "{name}");
    refused
}

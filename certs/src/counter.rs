//! TLS at the office's counter: the office proves who it is, and whoever asks proves itself inside the request.
//!
//! A newcomer has no certificate, and a client whose certificate has run out has none that counts. Both speak another application protocol
//! than enrolled peers, so that nobody reaches a round through here. A newcomer knows nothing of the federation but its bundle: it believes the
//! one root whose fingerprint stands there, which the office sends along, and the one coordinator.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use tributary_protocol::digest::Digest;

use crate::fault::FaultKind;
use crate::identity::{Identity, Role};
use crate::provider::{KeyExchange, provider_with};
use crate::tls::{Credentials, TlsError, TrustRoots, coordinator_verifier, system_clock};
use crate::verify::{PeerRule, Refusal, refused};

/// The application protocol (ALPN, RFC 7301) of the counter.
pub const OFFICE_PROTOCOL: &[u8] = b"tributary-enrol/1";

/// What a client trusts at the counter.
pub enum CounterTrust {
    /// The root with this SHA-256 (DER), from an enrolment bundle.
    Fingerprint(Digest),
    /// The roots of its own folder.
    Roots(TrustRoots),
}

/// The office's configuration: nobody is asked for a certificate, nothing is resumed.
///
/// # Errors
/// [`TlsError`].
pub fn office_config(
    credentials: Credentials,
    roots: &TrustRoots,
    key_exchange: KeyExchange,
) -> Result<ServerConfig, TlsError> {
    let certified = credentials.for_counter(roots)?;
    let mut config = ServerConfig::builder_with_details(provider_with(key_exchange), system_clock())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(certified);
    config.alpn_protocols = vec![OFFICE_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok(config)
}

/// The configuration of somebody who asks the office, which must be this coordinator.
///
/// # Errors
/// [`TlsError`].
pub fn counter_config(
    trust: CounterTrust,
    coordinator: Identity,
    key_exchange: KeyExchange,
) -> Result<ClientConfig, TlsError> {
    let provider = provider_with(key_exchange);
    let rule = PeerRule {
        trust_domain: coordinator.trust_domain().clone(),
        role: Role::Coordinator,
        exactly: Some(coordinator),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        CounterTrust::Roots(roots) => Arc::new(coordinator_verifier(&roots, &[], rule, &provider)?),
        CounterTrust::Fingerprint(root_sha256) => Arc::new(PinnedRoot { root_sha256, rule, key_exchange }),
    };
    let mut config = ClientConfig::builder_with_details(provider, system_clock())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![OFFICE_PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Believes the root of one fingerprint, wherever it stands in the chain that the office sends.
#[derive(Debug)]
struct PinnedRoot {
    root_sha256: Digest,
    rule: PeerRule,
    key_exchange: KeyExchange,
}

impl PinnedRoot {
    /// The library's verifier under some root; its signatures do not depend on which.
    fn under(&self, root: &CertificateDer<'_>) -> Result<impl ServerCertVerifier, Error> {
        let roots = TrustRoots::new([root.clone().into_owned()]);
        let provider = provider_with(self.key_exchange);
        let verifier = roots.and_then(|roots| coordinator_verifier(&roots, &[], self.rule.clone(), &provider));
        verifier.map_err(|error| Error::General(error.to_string()))
    }
}

impl ServerCertVerifier for PinnedRoot {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = |certificate: &&CertificateDer<'_>| Digest::of(certificate) == self.root_sha256;
        let Some(root) = intermediates.iter().find(pinned) else {
            let detail = format!("no certificate of the bundle's fingerprint {} was sent", self.root_sha256.short());
            return Err(refused(Refusal { kind: FaultKind::ForeignAuthority, detail }));
        };
        let above: Vec<CertificateDer<'_>> =
            intermediates.iter().filter(|certificate| !pinned(certificate)).cloned().collect();
        self.under(root)?.verify_server_cert(leaf, &above, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crate::provider::verify_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider_with(self.key_exchange).signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator, names};
    use crate::fault::explain;
    use crate::identity::TrustDomain;
    use crate::tls::{ClientTls, CoordinatorTls, client_config, read_certificates, server_config};
    use rustls::{ClientConnection, ServerConnection};

    /// Both ends of a handshake in memory, to its end; the first error of either side.
    fn shake(client: ClientConfig, server: ServerConfig) -> Result<(), Error> {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name)?;
        let mut server = ServerConnection::new(Arc::new(server))?;
        for _ in 0..10 {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        Ok(())
    }

    #[test]
    fn the_pinned_root_alone_opens_the_counter() {
        let folder = tempfile::tempdir().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let domain = TrustDomain::parse("federation.example").unwrap();
        let make = |name: &str| {
            let authority = folder.path().join(name);
            init_authority(&authority, &domain, 1, 1, now).unwrap();
            let out = folder.path().join(format!("{name}-centre"));
            let request = CoordinatorRequest {
                organisation: "bank",
                id: "centre",
                host_names: &[],
                addresses: &[std::net::Ipv4Addr::LOCALHOST.into()],
            };
            let pin = issue_coordinator(&authority, &request, &out, now).unwrap();
            (authority, out, pin.identity)
        };
        let ((own, centre, identity), (other, ..)) = (make("own"), make("other"));
        let credentials = || Credentials::read(&centre.join(names::CHAIN), &centre.join(names::KEY)).unwrap();
        let roots = TrustRoots::read(&own.join(names::TRUST)).unwrap();
        let office = || office_config(credentials(), &roots, KeyExchange::DEFAULT).unwrap();
        let print =
            |authority: &std::path::Path| Digest::of(&read_certificates(&authority.join(names::TRUST)).unwrap()[0]);
        let newcomer = |trust| counter_config(trust, identity.clone(), KeyExchange::DEFAULT).unwrap();
        shake(newcomer(CounterTrust::Fingerprint(print(&own))), office()).unwrap();
        shake(newcomer(CounterTrust::Roots(roots.clone())), office()).unwrap();
        let error = shake(newcomer(CounterTrust::Fingerprint(print(&other))), office()).unwrap_err();
        assert_eq!(explain(&error).kind, FaultKind::ForeignAuthority);
        let foreign = TrustRoots::read(&other.join(names::TRUST)).unwrap();
        let error = shake(newcomer(CounterTrust::Roots(foreign)), office()).unwrap_err();
        assert_eq!(explain(&error).kind, FaultKind::ForeignAuthority);
        let imposter = Identity::new(domain.clone(), "bank", Role::Coordinator, "other").unwrap();
        let wrong = counter_config(CounterTrust::Fingerprint(print(&own)), imposter, KeyExchange::DEFAULT).unwrap();
        assert_eq!(explain(&shake(wrong, office()).unwrap_err()).kind, FaultKind::WrongPeer);
        // Nobody gets from the counter into a round, nor from a round to the counter.
        let peers = || {
            let clock = system_clock();
            let (credentials, key_exchange) = (credentials(), KeyExchange::DEFAULT);
            server_config(CoordinatorTls { credentials, roots: &roots, revocations: vec![], clock, key_exchange })
                .unwrap()
        };
        let error = shake(newcomer(CounterTrust::Fingerprint(print(&own))), peers()).unwrap_err();
        assert_eq!(explain(&error).kind, FaultKind::TlsApplicationProtocol);
        let branch = folder.path().join("branch");
        issue_client(&own, "bank", "branch", &branch, now).unwrap();
        let enrolled = client_config(ClientTls {
            credentials: Credentials::read(&branch.join(names::CHAIN), &branch.join(names::KEY)).unwrap(),
            roots: &roots,
            coordinator: None,
            revocations: vec![],
            clock: system_clock(),
            key_exchange: KeyExchange::DEFAULT,
        });
        let error = shake(enrolled.unwrap(), office()).unwrap_err();
        assert_eq!(explain(&error).kind, FaultKind::TlsApplicationProtocol);
    }
}

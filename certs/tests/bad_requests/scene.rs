//! An office, a member, a branch that has begun to enrol, and requests with arbitrary contents.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, SanType};
use tributary_certs::binding::KeyBinding;
use tributary_certs::enrolment::names;
use tributary_certs::identity::Identity;
use tributary_certs::keys::{TlsKey, read_signing_key};
use tributary_certs::office::{
    Bundle, EnrolRequest, RenewRequest, Request, RevocationReason, WhomToRevoke, begin, begin_renewal, decode_request,
    encode_request, revoke,
};
use tributary_certs::suite::SigningKey;
use tributary_protocol::ids::ClientId;

use crate::support::folders::Folders;
use crate::support::{NOW, pair_of};

pub(crate) const URI: &str = "spiffe://federation.example/north-bank/client/branch-1";

/// An authority with a coordinator, one member (`member`, client 1), and a branch that has begun to enrol as `branch-1`.
pub(crate) struct Scene {
    pub(crate) folders: Folders,
    pub(crate) bundle: Bundle,
    pub(crate) request: Vec<u8>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(false)
    }

    pub(crate) fn with(approval: bool) -> Self {
        let folders = Folders::whole();
        folders.issue("member");
        let bundle = folders.asked_token("branch-1", approval, false, NOW).expect("a token");
        let request = begin(&bundle, &folders.at("branch-1")).expect("begun").request;
        Self { folders, bundle, request }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folders.at(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folders.ca()
    }

    pub(crate) fn token(&self) -> String {
        self.bundle.token.expose().to_string()
    }

    pub(crate) fn signing(&self) -> SigningKey {
        read_signing_key(&self.at("branch-1").join(names::SIGNING_KEY)).expect("read")
    }

    pub(crate) fn ask(&self, request: &[u8], now: u64) -> Vec<u8> {
        self.folders.office().answer(request, now)
    }

    /// The good request with a part of its text replaced.
    pub(crate) fn altered(&self, old: &str, new: &str) -> Vec<u8> {
        let text = String::from_utf8(self.request.clone()).expect("JSON");
        assert!(text.contains(old), "{old}");
        text.replace(old, new).into_bytes()
    }

    /// The good request with its fields changed, not signed anew.
    pub(crate) fn fields(&self, change: impl Fn(&mut EnrolRequest)) -> Vec<u8> {
        let Ok(Request::Enrol(mut request)) = decode_request(&self.request) else { panic!("an enrolment") };
        change(&mut request);
        encode_request(&Request::Enrol(request))
    }

    /// A request with this certificate request, signed as it must be.
    pub(crate) fn with_csr(&self, csr: Vec<u8>) -> Vec<u8> {
        encode_request(&Request::Enrol(EnrolRequest::sign(&self.token(), csr, &self.signing())))
    }

    pub(crate) fn renewal(&self) -> Vec<u8> {
        begin_renewal(&self.at("member"), ClientId(1)).expect("begun").request
    }

    /// A renewal of the member with these parts; whatever is signed is signed by `key`.
    pub(crate) fn renewal_of(
        &self,
        tls: &TlsKey,
        binding: impl Fn(KeyBinding) -> KeyBinding,
        key: &SigningKey,
    ) -> Vec<u8> {
        let identity = member();
        let csr = csr_of(&pair_of(tls), |parameters| parameters.subject_alt_names = vec![uri(&identity.to_string())]);
        let plain = KeyBinding { client: ClientId(1), tls_spki_sha256: tls.spki_sha256(), sequence: 1 };
        let signed = binding(plain).sign(key).encode().to_vec();
        encode_request(&Request::Renew(RenewRequest::sign(identity, csr, signed, key)))
    }

    pub(crate) fn member_key(&self) -> SigningKey {
        read_signing_key(&self.at("member").join(names::SIGNING_KEY)).expect("read")
    }

    pub(crate) fn renewal_fields(&self, change: impl Fn(&mut RenewRequest)) -> Vec<u8> {
        let Ok(Request::Renew(mut request)) = decode_request(&self.renewal()) else { panic!("a renewal") };
        change(&mut request);
        encode_request(&Request::Renew(request))
    }

    pub(crate) fn revoke(&self, identity: &str) {
        let whom = WhomToRevoke::Identity(Identity::parse(identity).expect("an identity"));
        revoke(&self.ca(), &whom, RevocationReason::KeyCompromise, 7, NOW).expect("revoked");
    }
}

pub(crate) fn member() -> Identity {
    Identity::parse("spiffe://federation.example/north-bank/client/member").expect("an identity")
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("ASCII"))
}

pub(crate) fn csr_of(key: &KeyPair, change: impl Fn(&mut CertificateParams)) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.subject_alt_names = vec![uri(URI)];
    change(&mut parameters);
    parameters.serialize_request(key).expect("a request").der().to_vec()
}

pub(crate) fn csr(change: impl Fn(&mut CertificateParams)) -> Vec<u8> {
    csr_of(&KeyPair::generate().expect("a key"), change)
}

pub(crate) type Make = fn(&Scene) -> Vec<u8>;

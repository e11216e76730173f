//! What a branch sends to the office and what the office answers: JSON with a version, of at most 64 KiB, bytes in lower-case hexadecimal.
//!
//! A request is signed by the branch's protocol signing key and proves, by its certificate request, the TLS key. An answer that grants
//! something is signed by the issuing authority, so that it may travel as a file: who carries it cannot add a root to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::ids::ClientId;
use tributary_protocol::printable::Untrusted;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::binding::SignedBinding;
use crate::fault::{CertificateFault, FaultKind};
use crate::identity::Identity;
use crate::lines::{hex, unhex};
use crate::suite::{RealSuite, SigningKey};

/// Longest request that is read, in bytes.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Longest answer that is read, in bytes: the roots of several organisations and the revocation lists travel in it.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;

/// The version of both.
pub const WIRE_VERSION: u16 = 1;

/// Bytes, in JSON as lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex(pub Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        unhex(&text).map(Self).ok_or("not lower-case hexadecimal digits in pairs")
    }
}

impl From<Hex> for String {
    fn from(bytes: Hex) -> String {
        hex(&bytes.0)
    }
}

/// A branch asks to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The token's 32 hexadecimal digits.
    pub token: String,
    /// The certificate request (PKCS#10, DER), with the branch's identity as its only alternative name.
    pub csr: Hex,
    /// The public signing key.
    pub signing_key: Hex,
    /// Its signature over the other three.
    pub signature: Hex,
}

/// A member asks for a certificate of a fresh TLS key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// Who asks.
    pub identity: Identity,
    /// The certificate request (PKCS#10, DER) for the fresh key.
    pub csr: Hex,
    /// The member's signed binding of the fresh key, with the next sequence ([`crate::binding::SignedBinding::encode`]).
    pub binding: Hex,
    /// The signing key's signature over the other three.
    pub signature: Hex,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// An enrolment.
    Enrol(EnrolRequest),
    /// A renewal.
    Renew(RenewRequest),
    /// The revocation lists, which anybody may have.
    Lists,
}

/// What the office answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// No, with a numbered reason.
    Refused(Refused),
    /// Not yet: a person must approve the fingerprint, then the same request is sent again.
    Pending {
        /// Eight groups, to be read over the telephone.
        fingerprint: String,
    },
    /// Yes.
    Granted(Box<Granted>),
    /// The text of `revocations.pem`. Not signed: it proves itself.
    Lists(String),
}

/// A numbered refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The reason's number.
    pub number: u16,
    /// The reason's code.
    pub code: Untrusted,
    /// What is known about it. Never secret.
    pub detail: Option<Untrusted>,
}

/// What a branch is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// The client's number in the roster.
    pub client: u32,
    /// Its certificate and those above it (PEM, leaf first).
    pub chain: String,
    /// The federation's issuing authority (PEM), whose key signed this answer.
    pub issuing: String,
    /// The trust files by name: `trust.pem` and every `trust-ORGANISATION.pem` (PEM).
    pub trust: BTreeMap<String, String>,
    /// The roots' words for each other (`succession`); empty where there is one.
    pub succession: String,
    /// The text of `revocations.pem`.
    pub lists: String,
    /// The file `authorities`.
    pub authorities: String,
    /// The file `coordinator`.
    pub coordinator: String,
    /// After a renewal, the binding of the new key.
    pub binding: Option<Hex>,
    /// The issuing authority's signature (ECDSA on P-384 with SHA-384, ASN.1) over the other fields.
    pub signature: Hex,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<T> {
    version: u16,
    body: T,
}

/// The version alone, whatever else is there.
#[derive(Deserialize)]
struct Versioned {
    version: u16,
}

impl EnrolRequest {
    /// Signs a request.
    #[must_use]
    pub fn sign(token: &str, csr: Vec<u8>, key: &SigningKey) -> Self {
        let signing_key = key.verifying_key();
        let signature = RealSuite::sign(key, &Self::input(token, &csr, &signing_key.0));
        Self {
            token: token.to_owned(),
            csr: Hex(csr),
            signing_key: Hex(signing_key.0.to_vec()),
            signature: Hex(signature.0),
        }
    }

    /// The signing key, if it signed the request.
    pub(crate) fn verified_key(&self) -> Result<VerifyingKey, CertificateFault> {
        let key = <[u8; 32]>::try_from(self.signing_key.0.as_slice());
        let key =
            key.map(VerifyingKey).map_err(|_| FaultKind::RequestUnreadable.because("the signing key's length"))?;
        let input = Self::input(&self.token, &self.csr.0, &key.0);
        let genuine = RealSuite::verify(&key, &input, &Signature(self.signature.0.clone()));
        if genuine { Ok(key) } else { Err(FaultKind::RequestForged.into()) }
    }

    fn input(token: &str, csr: &[u8], key: &[u8]) -> Vec<u8> {
        signed(b"SA1/enrol\0", Canonical::new("SA1 enrol").bytes(token.as_bytes()).bytes(csr).bytes(key))
    }
}

/// Who asks for a renewal, if these bytes are one that the member signed: by its number, for which `key_of` knows the signing key. For a door
/// that keeps places for members; the office itself judges everything again.
#[must_use]
pub fn renewal_signer(bytes: &[u8], key_of: impl Fn(ClientId) -> Option<VerifyingKey>) -> Option<ClientId> {
    let Ok(Request::Renew(request)) = decode_request(bytes) else { return None };
    let signed = SignedBinding::decode(&request.binding.0)?;
    let client = signed.binding.client;
    let key = key_of(client)?;
    (signed.verify(&key) && request.verify(&key)).then_some(client)
}

impl RenewRequest {
    /// Signs a request.
    #[must_use]
    pub fn sign(identity: Identity, csr: Vec<u8>, binding: Vec<u8>, key: &SigningKey) -> Self {
        let signature = RealSuite::sign(key, &Self::input(&identity, &csr, &binding));
        Self { identity, csr: Hex(csr), binding: Hex(binding), signature: Hex(signature.0) }
    }

    /// Whether the member's signing key signed the request.
    pub(crate) fn verify(&self, key: &VerifyingKey) -> bool {
        let input = Self::input(&self.identity, &self.csr.0, &self.binding.0);
        RealSuite::verify(key, &input, &Signature(self.signature.0.clone()))
    }

    fn input(identity: &Identity, csr: &[u8], binding: &[u8]) -> Vec<u8> {
        let body = Canonical::new("SA1 renew").bytes(identity.to_string().as_bytes()).bytes(csr).bytes(binding);
        signed(b"SA1/renew\0", body)
    }
}

impl Granted {
    /// What the issuing authority signs.
    pub(crate) fn input(&self) -> Vec<u8> {
        let head =
            Canonical::new("SA1 granted").u32(self.client).bytes(self.chain.as_bytes()).bytes(self.issuing.as_bytes());
        let count = u32::try_from(self.trust.len()).expect("a few files");
        let trust = self
            .trust
            .iter()
            .fold(head.u32(count), |body, (name, text)| body.bytes(name.as_bytes()).bytes(text.as_bytes()));
        let trust = trust.bytes(self.succession.as_bytes()).bytes(self.lists.as_bytes());
        let rest = trust.bytes(self.authorities.as_bytes()).bytes(self.coordinator.as_bytes());
        signed(b"SA1/granted\0", rest.bytes(self.binding.as_ref().map_or(&[][..], |binding| &binding.0)))
    }
}

fn signed(label: &[u8], body: Canonical) -> Vec<u8> {
    let digest: Digest = body.finish();
    [label, digest.as_bytes()].concat()
}

/// Encodes a request.
#[must_use]
pub fn encode_request(request: &Request) -> Vec<u8> {
    serde_json::to_vec(&Envelope { version: WIRE_VERSION, body: request }).expect("a request is plain data")
}

/// Decodes a request. Says nothing about its signatures.
///
/// # Errors
/// [`FaultKind::RequestTooLong`] before anything is parsed, [`FaultKind::RequestVersion`], [`FaultKind::RequestUnreadable`].
pub fn decode_request(bytes: &[u8]) -> Result<Request, CertificateFault> {
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err(FaultKind::RequestTooLong.because(format!("{} bytes", bytes.len())));
    }
    let unreadable = |_| CertificateFault::from(FaultKind::RequestUnreadable);
    let Versioned { version } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if version != WIRE_VERSION {
        return Err(FaultKind::RequestVersion.because(format!("version {version} instead of {WIRE_VERSION}")));
    }
    serde_json::from_slice::<Envelope<Request>>(bytes).map(|envelope| envelope.body).map_err(unreadable)
}

/// Encodes an answer.
#[must_use]
pub fn encode_answer(answer: &Answer) -> Vec<u8> {
    serde_json::to_vec(&Envelope { version: WIRE_VERSION, body: answer }).expect("an answer is plain data")
}

/// Decodes an answer. Says nothing about its signature.
///
/// # Errors
/// [`FaultKind::AnswerUnreadable`].
pub fn decode_answer(bytes: &[u8]) -> Result<Answer, CertificateFault> {
    let unreadable = || CertificateFault::from(FaultKind::AnswerUnreadable);
    if bytes.len() > ANSWER_BYTES_MAX {
        return Err(unreadable());
    }
    let envelope: Envelope<Answer> = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    if envelope.version == WIRE_VERSION { Ok(envelope.body) } else { Err(unreadable()) }
}

impl From<&CertificateFault> for Refused {
    fn from(fault: &CertificateFault) -> Self {
        let detail = fault.detail.as_deref().map(Untrusted::from);
        Self { number: fault.number, code: fault.kind.code().into(), detail }
    }
}

impl Refused {
    /// The fault that the office reports.
    #[must_use]
    pub fn fault(&self) -> CertificateFault {
        match FaultKind::of_number(self.number) {
            Some(kind) => kind.fault(true, self.detail.as_ref().map(Untrusted::printable)),
            None => FaultKind::UnknownToUs.fault(true, Some(format!("{} {}", self.number, self.code).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tributary_protocol::printable::is_hidden;

    /// Who answers may be no office: its words are shown, and do nothing to the screen.
    #[test]
    fn an_office_s_words_are_escaped() {
        for (number, shown) in [(404, "(a\\u{1b}[2J\\u{a}b\\u{202e})"), (999, "(999 co\\u{2066}de)")] {
            let refused = Refused { number, code: "co\u{2066}de".into(), detail: Some("a\u{1b}[2J\nb\u{202e}".into()) };
            let Ok(Answer::Refused(refused)) = decode_answer(&encode_answer(&Answer::Refused(refused))) else {
                panic!("it is decoded");
            };
            let fault = refused.fault();
            assert!(fault.to_string().ends_with(shown), "{fault}");
            assert!(!serde_json::to_string(&fault).unwrap().contains(is_hidden));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode_request(&bytes).is_err());
            prop_assert!(decode_answer(&bytes).is_err());
        }

        #[test]
        fn what_is_encoded_is_decoded(token in "[a-z0-9]{0,40}", csr in prop::collection::vec(any::<u8>(), 0..99)) {
            let request = EnrolRequest::sign(&token, csr, &SigningKey::from_seed(&[3; 32]));
            prop_assert!(request.verified_key().is_ok());
            let request = Request::Enrol(request);
            prop_assert_eq!(decode_request(&encode_request(&request)).unwrap(), request);
        }
    }
}

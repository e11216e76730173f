//! What a branch sends to the office and what the office answers: JSON with a version, of at most 64 KiB, bytes in lower-case hexadecimal.
//!
//! A request is signed by the branch's protocol signing key and proves, by its certificate request, the TLS key. An answer that grants
//! something is signed by the issuing authority, so that it may travel as a file: who carries it cannot add a root to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_protocol::algorithm::SignatureAlgorithm;
use tributary_protocol::digest::Canonical;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::signed_message;
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
pub const WIRE_VERSION: u16 = 2;

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
    /// The number of the signing key's algorithm, which is the signature's too.
    pub algorithm: u8,
    /// The public signing key.
    pub signing_key: Hex,
    /// Its signature over the other four.
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
    version: u64,
}

impl EnrolRequest {
    /// Signs a request.
    #[must_use]
    pub fn sign(token: &str, csr: Vec<u8>, key: &SigningKey) -> Self {
        let signing_key = key.verifying_key();
        let signature = RealSuite::sign(key, &Self::input(token, &csr, &signing_key));
        Self {
            token: token.to_owned(),
            csr: Hex(csr),
            algorithm: signing_key.algorithm.number(),
            signing_key: Hex(signing_key.bytes),
            signature: Hex(signature.bytes),
        }
    }

    /// The signing key, if it signed the request.
    pub(crate) fn verified_key(&self) -> Result<VerifyingKey, CertificateFault> {
        let algorithm = SignatureAlgorithm::of_number(self.algorithm);
        let key = VerifyingKey { algorithm, bytes: self.signing_key.0.clone() };
        RealSuite::knows(&key).map_err(|fault| FaultKind::RequestUnreadable.because(fault.to_string()))?;
        key.as_ed25519().ok_or_else(|| FaultKind::RequestUnreadable.because("the signing key's length"))?;
        let input = Self::input(&self.token, &self.csr.0, &key);
        let genuine = RealSuite::verify(&key, &input, &Signature { algorithm, bytes: self.signature.0.clone() });
        if genuine { Ok(key) } else { Err(FaultKind::RequestForged.into()) }
    }

    fn input(token: &str, csr: &[u8], key: &VerifyingKey) -> Vec<u8> {
        let body = Canonical::new("SA1 enrol").bytes(token.as_bytes()).bytes(csr);
        signed_message("enrol", &key.canonical(body).finish())
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
        Self { identity, csr: Hex(csr), binding: Hex(binding), signature: Hex(signature.bytes) }
    }

    /// Whether the member's signing key signed the request.
    pub(crate) fn verify(&self, key: &VerifyingKey) -> bool {
        let input = Self::input(&self.identity, &self.csr.0, &self.binding.0);
        // The request is by the key that the roster gives the member, and so of its algorithm.
        let signature = Signature { algorithm: key.algorithm, bytes: self.signature.0.clone() };
        RealSuite::verify(key, &input, &signature)
    }

    fn input(identity: &Identity, csr: &[u8], binding: &[u8]) -> Vec<u8> {
        let body = Canonical::new("SA1 renew").bytes(identity.to_string().as_bytes()).bytes(csr).bytes(binding);
        signed_message("renew", &body.finish())
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
        let body = rest.bytes(self.binding.as_ref().map_or(&[][..], |binding| &binding.0));
        signed_message("granted", &body.finish())
    }
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
    if version != u64::from(WIRE_VERSION) {
        return Err(FaultKind::RequestVersion.because(other_version(version)));
    }
    serde_json::from_slice::<Envelope<Request>>(bytes).map(|envelope| envelope.body).map_err(unreadable)
}

/// What is said of another version.
fn other_version(found: u64) -> String {
    let (by, cure) = match found > u64::from(WIRE_VERSION) {
        true => ("a newer release", "use the release that wrote it here as well, or a later one"),
        false => ("an earlier release", "ask again with this release at both ends"),
    };
    format!("version {found} instead of {WIRE_VERSION}, written by {by}: {cure}")
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
    let Versioned { version } = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    if version != u64::from(WIRE_VERSION) {
        return Err(FaultKind::AnswerUnreadable.because(other_version(version)));
    }
    serde_json::from_slice::<Envelope<Answer>>(bytes).map(|envelope| envelope.body).map_err(|_| unreadable())
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
#[path = "wire_tests.rs"]
mod tests;

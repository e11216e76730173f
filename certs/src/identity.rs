//! Who a certificate says its bearer is: one URI, and nothing else (docs/CERTIFICATES.md, "Who is who"; SPIFFE-ID, section 2).
//!
//! `spiffe://TRUST_DOMAIN/ORGANISATION/client/ID` and `spiffe://TRUST_DOMAIN/ORGANISATION/coordinator/ID`. People have no certificates: the
//! signed roster says who may sign what. The common name is never looked at. Name constraints on URIs are not relied on: the check is made here,
//! after the chain was verified.
//!
//! Does **not** guarantee that the certificate is genuine: [`identity_of`] reads what a chain verification must have accepted.

use core::fmt;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::NAME_PART_BYTES_MAX;
use tributary_protocol::roster::{MemberName, is_name};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Longest part of an identity, in bytes: the limit of a DNS label.
pub const PART_BYTES_MAX: usize = NAME_PART_BYTES_MAX;

/// Longest trust domain, in bytes: the limit of a DNS name.
pub const TRUST_DOMAIN_BYTES_MAX: usize = 253;

/// Longest certificate that is parsed, in bytes. Ours are below 1 KiB; a bank's own authority may add extensions.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

const SCHEME: &str = "spiffe://";

/// Why a certificate carries no identity of ours. The bearer or its certificate authority is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a certificate, trailing bytes, or too long.
    #[error(
        "the file or message is not one X.509 certificate of at most {CERTIFICATE_BYTES_MAX} bytes; issue it again"
    )]
    NotACertificate,
    /// No URI among the subject alternative names, or several.
    #[error(
        "the certificate names {count} identities (URI entries of the subject alternative name), and exactly one is needed; issue it again"
    )]
    UriCount {
        /// URI entries found.
        count: usize,
    },
    /// The URI has another form than ours.
    #[error(
        "the certificate's identity is not of the form spiffe://DOMAIN/ORGANISATION/client/ID or /coordinator/ID; issue it again"
    )]
    Form,
    /// A part of the URI has characters or a length that are not allowed.
    #[error(
        "the {part} of an identity must be 1 to {limit} characters of a-z, 0-9, '-', '_' and '.', and begin and end with a letter or digit"
    )]
    Part {
        /// Which part.
        part: &'static str,
        /// Its longest length.
        limit: usize,
    },
}

/// A trust domain: the name under which one federation issues its certificates, such as `federation.example`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrustDomain(String);

/// What a certificate entitles its bearer to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A branch's daemon: connects, proves itself with `clientAuth`.
    Client,
    /// The centre's daemon: accepts connections, proves itself with `serverAuth`.
    Coordinator,
}

/// A parsed identity. Its text form is the certificate's URI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identity {
    trust_domain: TrustDomain,
    organisation: String,
    role: Role,
    id: String,
}

impl TrustDomain {
    /// Parses a trust domain.
    ///
    /// # Errors
    /// [`IdentityError::Part`] for other characters than `a-z 0-9 - _ .` or a length outside 1 to [`TRUST_DOMAIN_BYTES_MAX`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        checked("trust domain", text, TRUST_DOMAIN_BYTES_MAX).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Role {
    /// Its name, as the URI has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Coordinator => "coordinator",
        }
    }
}

impl Identity {
    /// An identity from its parts.
    ///
    /// # Errors
    /// [`IdentityError::Part`] if organisation or id have other characters than `a-z 0-9 - _ .` or a length outside 1 to [`PART_BYTES_MAX`].
    pub fn new(trust_domain: TrustDomain, organisation: &str, role: Role, id: &str) -> Result<Self, IdentityError> {
        let organisation = checked("organisation", organisation, PART_BYTES_MAX)?;
        Ok(Self { trust_domain, organisation, role, id: checked("id", id, PART_BYTES_MAX)? })
    }

    /// Parses a URI.
    ///
    /// # Errors
    /// [`IdentityError::Form`] or [`IdentityError::Part`].
    pub fn parse(uri: &str) -> Result<Self, IdentityError> {
        let mut parts = uri.strip_prefix(SCHEME).ok_or(IdentityError::Form)?.split('/');
        let mut part = || parts.next().ok_or(IdentityError::Form);
        let (trust_domain, organisation, kind) = (part()?, part()?, part()?);
        let role = match kind {
            "client" => Role::Client,
            "coordinator" => Role::Coordinator,
            _ => return Err(IdentityError::Form),
        };
        let id = part()?;
        match parts.next() {
            None => Self::new(TrustDomain::parse(trust_domain)?, organisation, role, id),
            Some(_) => Err(IdentityError::Form),
        }
    }

    /// The identity of a member of the roster.
    #[must_use]
    pub fn of_member(trust_domain: TrustDomain, name: &MemberName) -> Self {
        let (organisation, id) = (name.organisation().to_owned(), name.id().to_owned());
        Self { trust_domain, organisation, role: Role::Client, id }
    }

    /// The name that the roster has it under: a client alone has one.
    #[must_use]
    pub fn member_name(&self) -> Option<MemberName> {
        let name = MemberName::new(&self.organisation, &self.id).ok();
        name.filter(|_| self.role == Role::Client)
    }

    /// The federation that issued it.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The bank or partner.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// What the bearer may be.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The branch or the coordinator, unique within its organisation and role.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The identity of a certificate (DER): its only URI among the subject alternative names. The common name is ignored.
///
/// # Errors
/// [`IdentityError`] if it is no certificate, has no URI or several, or the URI is not of our form.
pub fn identity_of(certificate: &[u8]) -> Result<Identity, IdentityError> {
    identity_in(&parse_certificate(certificate)?)
}

/// SHA-256 of the certificate's public key information (SPKI, DER): what the roster binds a client's TLS key with.
///
/// # Errors
/// [`IdentityError::NotACertificate`].
pub fn spki_sha256_of(certificate: &[u8]) -> Result<Digest, IdentityError> {
    Ok(Digest::of(parse_certificate(certificate)?.public_key().raw))
}

/// The identity of an already parsed certificate.
pub(crate) fn identity_in(certificate: &X509Certificate<'_>) -> Result<Identity, IdentityError> {
    let names = certificate.subject_alternative_name().map_err(|_| IdentityError::NotACertificate)?;
    let names = names.map_or(&[][..], |extension| extension.value.general_names.as_slice());
    let mut uris = names.iter().filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None });
    match (uris.next(), uris.count()) {
        (Some(uri), 0) => Identity::parse(uri),
        (None, _) => Err(IdentityError::UriCount { count: 0 }),
        (Some(_), more) => Err(IdentityError::UriCount { count: 1 + more }),
    }
}

/// One certificate, no byte more.
pub(crate) fn parse_certificate(der: &[u8]) -> Result<X509Certificate<'_>, IdentityError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(IdentityError::NotACertificate);
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(IdentityError::NotACertificate),
    }
}

/// An organisation's name that can stand in an identity, as the names of files that belong to it have it.
///
/// # Errors
/// [`IdentityError::Part`].
pub(crate) fn organisation_named(name: &str) -> Result<String, IdentityError> {
    checked("organisation", name, PART_BYTES_MAX)
}

fn checked(part: &'static str, text: &str, limit: usize) -> Result<String, IdentityError> {
    if is_name(text, limit) { Ok(text.to_owned()) } else { Err(IdentityError::Part { part, limit }) }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}/{}/{}/{}", self.trust_domain, self.organisation, self.role, self.id)
    }
}

impl TryFrom<String> for TrustDomain {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, IdentityError> {
        Self::parse(&text)
    }
}

impl From<TrustDomain> for String {
    fn from(domain: TrustDomain) -> String {
        domain.0
    }
}

impl TryFrom<String> for Identity {
    type Error = IdentityError;
    fn try_from(uri: String) -> Result<Self, IdentityError> {
        Self::parse(&uri)
    }
}

impl From<Identity> for String {
    fn from(identity: Identity) -> String {
        identity.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uri_and_its_identity_say_the_same() {
        let uri = "spiffe://federation.example/north-bank/client/branch_07";
        let identity = Identity::parse(uri).unwrap();
        assert_eq!(identity.trust_domain().as_str(), "federation.example");
        assert_eq!(
            (identity.organisation(), identity.role(), identity.id()),
            ("north-bank", Role::Client, "branch_07")
        );
        assert_eq!(identity.to_string(), uri);
        let json = serde_json::to_string(&identity).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&json).unwrap(), identity);
        assert!(serde_json::from_str::<Identity>("\"spiffe://a/b/c/d\"").is_err());
        assert_eq!(identity.member_name().map(|name| name.to_string()).as_deref(), Some("north-bank/branch_07"));
        let coordinator = Identity::parse("spiffe://federation.example/north-bank/coordinator/main").unwrap();
        assert!(coordinator.member_name().is_none(), "a roster names clients alone");
    }

    #[test]
    fn uris_of_another_form_are_refused() {
        let bad = [
            "",
            "spiffe://",
            "https://federation.example/bank/client/1",
            "SPIFFE://federation.example/bank/client/1",
            "spiffe://federation.example/bank/client",
            "spiffe://federation.example/bank/client/1/2",
            "spiffe://federation.example/bank/client/1/",
            "spiffe://federation.example/bank/admin/1",
            "spiffe://federation.example/bank/auditor/1",
            "spiffe://federation.example/bank/role/auditor",
            "spiffe://federation.example/bank/role/auditor/1",
            "spiffe://federation.example/bank/Client/1",
            "spiffe://federation.example//client/1",
            "spiffe://federation.example/bank/client/",
            "spiffe://federation.example/bank/client/..",
            "spiffe://federation.example/bank/client/.a",
            "spiffe://federation.example/bank/client/a?x=1",
            "spiffe://federation.example/bank/client/a#b",
            "spiffe://federation.example/bank/client/%61",
            "spiffe://federation.example/bank/client/a b",
            "spiffe://federation.example/bank/client/\u{430}",
            "spiffe://federation.example:443/bank/client/a",
            "spiffe://user@federation.example/bank/client/a",
            "spiffe://Federation.example/bank/client/a",
            "spiffe://federation.example/bank/client/a\0",
        ];
        for uri in bad {
            assert!(Identity::parse(uri).is_err(), "{uri:?}");
        }
        let long = "a".repeat(PART_BYTES_MAX + 1);
        assert!(Identity::parse(&format!("spiffe://d/bank/client/{long}")).is_err());
        assert!(Identity::parse(&format!("spiffe://d/bank/client/{}", &long[1..])).is_ok());
        assert!(TrustDomain::parse(&"d".repeat(TRUST_DOMAIN_BYTES_MAX)).is_ok());
        assert!(TrustDomain::parse(&"d".repeat(TRUST_DOMAIN_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_identity() {
        for bytes in [&[][..], &[0x30, 0x80], &[0xff; 64], &vec![0x30; CERTIFICATE_BYTES_MAX + 1]] {
            assert_eq!(identity_of(bytes), Err(IdentityError::NotACertificate));
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_prints_back_unchanged(uri in "spiffe://[a-z./-]{1,12}/[a-z_.]{1,5}/(client|coordinator|role)/[a-z0-9/A-]{1,6}") {
            if let Ok(identity) = Identity::parse(&uri) {
                prop_assert_eq!(identity.to_string(), uri);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = identity_of(&bytes);
        }
    }

    #[test]
    fn a_client_alone_is_a_member() {
        let of = |role: &str| Identity::parse(&format!("spiffe://federation.example/north-bank/{role}/x")).unwrap();
        let name = MemberName::parse("north-bank/x").unwrap();
        assert_eq!((of("client").member_name(), of("coordinator").member_name()), (Some(name.clone()), None));
        assert_eq!(Identity::of_member(TrustDomain::parse("federation.example").unwrap(), &name), of("client"));
    }
}

//! What a certificate file says, and what is wrong with it: for `certs inspect`.
//!
//! Reads; does not judge trust beyond what it is given: with trust roots the chain is verified as a handshake would, without them it is not.

use core::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use serde::Serialize;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::{Printable, counted};
use x509_parser::prelude::X509Certificate;
use x509_parser::public_key::PublicKey;

use crate::fault::{CertificateFault, FaultKind, explain};
use crate::identity::{Identity, IdentityError, Role, identity_in, parse_certificate};
use crate::issue::validity::Validity;
use crate::provider::provider;
use crate::tls::{TrustRoots, read_certificates};
use crate::trust::RootSet;
use crate::verify::{bad_identity, lives, serves, shape, usage};
use tributary_storage::files::FileError;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The share of a validity, in per cent, below which what is left is reported (docs/CERTIFICATES.md, "Renewal").
const WARN_PER_CENT: u64 = 25;

/// What a certificate file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Who the leaf says its bearer is; absent for an authority's certificate and where it cannot be told.
    pub identity: Option<Identity>,
    /// What the leaf entitles to, by identity and extended key usage together.
    pub role: Option<Role>,
    /// The leaf's subject, for people; nothing relies on it.
    pub subject: Printable,
    /// The leaf's issuer, for people.
    pub issuer: Printable,
    /// The leaf's serial number, hexadecimal: what a revocation names.
    pub serial: String,
    /// First second of validity, Unix seconds.
    pub not_before: u64,
    /// Last second of validity, Unix seconds.
    pub not_after: u64,
    /// Whole days until the last second; negative once it has passed.
    pub days_left: i64,
    /// Kind and size of the key.
    pub key: String,
    /// SHA-256 of the public key information, as the roster holds it.
    pub spki_sha256: String,
    /// Host names and addresses the certificate is good for.
    pub hosts: Vec<Printable>,
    /// Certificates in the file.
    pub chain_length: usize,
    /// Whether it is an authority's certificate.
    pub authority: bool,
    /// What is wrong, as sentences; empty if nothing is.
    pub problems: Vec<String>,
}

/// Inspects a PEM file: a leaf with its chain, or an authority's certificate.
///
/// `roots` are the trusted authorities if the chain is to be verified; `now` is in Unix seconds.
///
/// # Errors
/// [`FileError`] if the file cannot be read or its first certificate cannot be parsed. Faults of the certificate are problems, not errors.
pub fn inspect(path: &Path, roots: Option<&TrustRoots>, now: u64) -> Result<Inspection, FileError> {
    let chain = read_certificates(path)?;
    inspect_chain(&chain, roots, now).map_err(|_| FileError::content(path, "X.509 certificate"))
}

/// Inspects certificates in memory, leaf first.
///
/// # Errors
/// [`IdentityError::NotACertificate`] if there is none or the first cannot be parsed.
pub fn inspect_chain(
    chain: &[CertificateDer<'_>],
    roots: Option<&TrustRoots>,
    now: u64,
) -> Result<Inspection, IdentityError> {
    let leaf = parse_certificate(chain.first().ok_or(IdentityError::NotACertificate)?)?;
    let Validity { not_before, not_after } = validity_in(&leaf);
    let identity = identity_in(&leaf);
    let role = identity.as_ref().ok().map(Identity::role).filter(|role| serves(&leaf, *role));
    let authority = leaf.is_ca();
    let mut problems = Vec::from_iter(validity_problems(not_before, not_after, now));
    if !authority {
        problems.extend(leaf_problems(&identity, role));
        problems.extend(chain_problems(chain, roots, now));
    }
    Ok(Inspection {
        role,
        subject: leaf.subject().to_string().into(),
        issuer: leaf.issuer().to_string().into(),
        serial: leaf.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
        not_before,
        not_after,
        days_left: days_between(now, not_after),
        key: key_name(&leaf),
        spki_sha256: Digest::of(leaf.public_key().raw).to_string(),
        hosts: hosts(&leaf).into_iter().map(Printable::from).collect(),
        chain_length: chain.len(),
        authority,
        identity: identity.ok(),
        problems,
    })
}

/// First and last second of a certificate's validity.
///
/// # Errors
/// [`IdentityError::NotACertificate`].
pub fn validity_of(certificate: &[u8]) -> Result<Validity, IdentityError> {
    Ok(validity_in(&parse_certificate(certificate)?))
}

/// The serial number of a certificate, big-endian: what a revocation list names.
///
/// # Errors
/// [`IdentityError::NotACertificate`].
pub fn serial_of(certificate: &[u8]) -> Result<Vec<u8>, IdentityError> {
    Ok(parse_certificate(certificate)?.raw_serial().to_vec())
}

/// Times before 1970 count as 1970.
pub(crate) fn validity_in(certificate: &X509Certificate<'_>) -> Validity {
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
    let validity = certificate.validity();
    Validity { not_before: seconds(validity.not_before), not_after: seconds(validity.not_after) }
}

fn validity_problems(not_before: u64, not_after: u64, now: u64) -> Option<String> {
    let (whole, left) = (not_after.saturating_sub(not_before), not_after.saturating_sub(now));
    if now > not_after {
        return Some(format!(
            "It expired {} ago. Renew it and restart its daemon.",
            counted((now - not_after) / DAY, "day")
        ));
    }
    if now < not_before {
        return Some("It is not valid yet. Check this machine's clock.".to_owned());
    }
    // In 128 bits, because the product of two times may not fit.
    let nearly_over = u128::from(left) * 100 < u128::from(whole) * u128::from(WARN_PER_CENT);
    nearly_over.then(|| format!("It expires in {}. Renew it now.", counted(left / DAY, "day")))
}

fn leaf_problems(identity: &Result<Identity, IdentityError>, role: Option<Role>) -> Option<String> {
    match (identity, role) {
        (Err(error), _) => Some(format!("It proves nobody's identity: {error}.")),
        (Ok(identity), None) => Some(format!(
            "Its identity is a {}'s, but its extended key usage does not allow that. Issue it again.",
            identity.role()
        )),
        (Ok(_), Some(_)) => None,
    }
}

/// The chain is verified at a moment inside the leaf's validity, which is reported apart, so that one fault gives one problem.
fn chain_problems(chain: &[CertificateDer<'_>], roots: Option<&TrustRoots>, now: u64) -> Option<String> {
    let (roots, (leaf, above)) = (roots?, chain.split_first()?);
    let certificate = parse_certificate(leaf).ok()?;
    let Validity { not_before, not_after } = validity_in(&certificate);
    let fault = verify_chain(roots, leaf, above, now.clamp(not_before, not_after.max(not_before))).err()?;
    // What the leaf itself says was reported before.
    let reported = matches!(
        fault.kind,
        FaultKind::NoUsage
            | FaultKind::WrongUsage
            | FaultKind::NoIdentity
            | FaultKind::SeveralIdentities
            | FaultKind::ForeignIdentity
    );
    (!reported).then(|| fault.to_string())
}

/// Verifies a chain as a handshake would, without the host, which is for the one who dials: shape, identity, usage, that the roots of its
/// organisation vouch for it at `now`, and that it lives no longer than it may. The identity.
///
/// # Errors
/// The fault.
pub fn verify_chain(
    roots: &TrustRoots,
    leaf: &CertificateDer<'_>,
    above: &[CertificateDer<'_>],
    now: u64,
) -> Result<Identity, CertificateFault> {
    let certificate = shape(leaf, above).map_err(|refusal| refusal.kind.because(refusal.detail))?;
    let identity = identity_in(&certificate).map_err(|error| bad_identity(&error).kind.because(error))?;
    usage(&certificate, &identity).map_err(|refusal| refusal.kind.because(refusal.detail))?;
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let verify = |set: &RootSet| library_verdict(set, leaf, above, moment, identity.role());
    let fault = match verify(roots.of(identity.organisation())) {
        Ok(()) => {
            return lives(&certificate, above)
                .map(|()| identity)
                .map_err(|refusal| refusal.kind.because(refusal.detail));
        }
        Err(error) => explain(&error),
    };
    if fault.kind == FaultKind::ForeignAuthority {
        if certificate.issuer() == certificate.subject() {
            return Err(FaultKind::SelfSigned.because(&identity));
        }
        if [roots.general()].into_iter().chain(roots.restricted().values()).any(|set| verify(set).is_ok()) {
            return Err(FaultKind::WrongAuthority.because(&identity));
        }
    }
    Err(fault)
}

fn library_verdict(
    set: &RootSet,
    leaf: &CertificateDer<'_>,
    above: &[CertificateDer<'_>],
    moment: UnixTime,
    role: Role,
) -> Result<(), rustls::Error> {
    let store = Arc::clone(&set.store);
    let built = "trust roots are never empty and no revocation list was given";
    if role != Role::Coordinator {
        let verifier = WebPkiClientVerifier::builder_with_provider(store, provider()).build().expect(built);
        return verifier.verify_client_cert(leaf, above, moment).map(|_| ());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(store, provider()).build().expect(built);
    let host = ServerName::try_from("localhost").expect("a host name");
    match verifier.verify_server_cert(leaf, above, &host, &[], moment) {
        // The library looks at the host last.
        Err(error) if explain(&error).kind == FaultKind::WrongHost => Ok(()),
        verdict => verdict.map(|_| ()),
    }
}

fn key_name(certificate: &X509Certificate<'_>) -> String {
    let key = certificate.public_key();
    match key.parsed() {
        Ok(PublicKey::EC(point)) => format!("ECDSA, {} bits", point.key_size()),
        Ok(PublicKey::RSA(rsa)) => format!("RSA, {} bits", rsa.key_size()),
        _ if key.algorithm.algorithm.to_id_string() == "1.3.101.112" => "Ed25519".to_owned(),
        _ => format!("unknown ({})", key.algorithm.algorithm.to_id_string()),
    }
}

pub(crate) fn hosts(certificate: &X509Certificate<'_>) -> Vec<String> {
    use x509_parser::extensions::GeneralName;
    let names = certificate.subject_alternative_name().ok().flatten();
    let host = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    names.map_or_else(Vec::new, |names| names.value.general_names.iter().filter_map(host).collect())
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string())).ok()
}

fn days_between(now: u64, then: u64) -> i64 {
    let days = |seconds: u64| i64::try_from(seconds / DAY).expect("a number of days fits");
    if then >= now { days(then - now) } else { -days(now - then) - 1 }
}

impl fmt::Display for Inspection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = match (&self.identity, self.authority) {
            (Some(identity), _) => identity.to_string(),
            (None, true) => "none (a certificate authority)".to_owned(),
            (None, false) => "none".to_owned(),
        };
        let role = self.role.map_or("none", Role::as_str);
        writeln!(formatter, "identity      {identity}")?;
        writeln!(formatter, "role          {role}")?;
        writeln!(formatter, "subject       {}", self.subject)?;
        writeln!(formatter, "issuer        {}", self.issuer)?;
        writeln!(formatter, "serial        {}", self.serial)?;
        writeln!(
            formatter,
            "valid         {} to {} ({} left)",
            date(self.not_before),
            date(self.not_after),
            counted(self.days_left, "day")
        )?;
        writeln!(formatter, "key           {}", self.key)?;
        writeln!(formatter, "spki sha256   {}", self.spki_sha256)?;
        writeln!(formatter, "chain         {}", counted(self.chain_length, "certificate"))?;
        if !self.hosts.is_empty() {
            writeln!(
                formatter,
                "hosts         {}",
                self.hosts.iter().map(Printable::as_str).collect::<Vec<_>>().join(", ")
            )?;
        }
        match self.problems.as_slice() {
            [] => writeln!(formatter, "problems      none"),
            problems => problems.iter().try_for_each(|problem| writeln!(formatter, "problem       {problem}")),
        }
    }
}

/// A time in words, UTC.
#[must_use]
pub fn date(seconds: u64) -> String {
    let moment =
        i64::try_from(seconds).ok().and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.map_or_else(
        || "beyond the year 9999".to_owned(),
        |moment| {
            let (month, day) = (u8::from(moment.month()), moment.day());
            format!("{:04}-{month:02}-{day:02} {:02}:{:02} UTC", moment.year(), moment.hour(), moment.minute())
        },
    )
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;

//! The branch's side: keys are made here and never leave; what the office answers is verified against the bundle before anything is written.
//!
//! ```text
//! begin ─► request ─► (network or courier) ─► answer ─► install
//! ```
//!
//! Both steps can be repeated: the keys of a folder are made once, and an answer is installed the same way twice.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;

use super::grant::{trust_files, write_trust_files};
use super::succession::all_vouched;
use super::wire::{Answer, EnrolRequest, Granted, RenewRequest, Request, decode_answer, encode_request};
use super::{Bundle, Fingerprint, client_name, csr};
use crate::binding::{KeyBinding, SignedBinding};
use crate::enrolment::{EnrolmentError, names, read_coordinator, write_certificates, write_fingerprint};
use crate::entropy::OsEntropy;
use crate::fault::{CertificateFault, FaultKind};
use crate::identity::{Identity, identity_of, organisation_named, parse_certificate, spki_sha256_of};
use crate::inspect::{validity_of, verify_chain};
use crate::issue::AUTHORITY_SECONDS_MAX;
use crate::keys::{TlsKey, read_signing_key, write_signing_key, write_verifying_key};
use crate::renewal::{Places, current_binding};
use crate::revocation::{Revocation, Seen, admit_carried, issued_by, standing_with, take_carried};
use crate::roster::RosterAuthorities;
use crate::suite::SigningKey;
use crate::tls::TrustRoots;
use crate::verify::life;
use tributary_storage::files::{self, Existing, FileError};

/// The bundle's copy in the folder, from [`begin`] to [`install`].
const BUNDLE: &str = "enrolment.bundle";

/// A request to be sent or carried, and what the branch reads over the telephone if a person must approve it.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The request.
    pub request: Vec<u8>,
    /// The fingerprint of the folder's keys; the office shows the same.
    pub fingerprint: Fingerprint,
}

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Who the branch is.
    pub identity: Identity,
    /// Its number in the roster.
    pub client: ClientId,
}

/// Begins an enrolment in the folder `out`: makes the keys that are not there yet (mode 0600), and the request. Where an [`install`] broke off at its end,
/// it goes on with the same keys.
///
/// # Errors
/// [`FileError::Exists`] if the folder is enrolled already, or by the bundle of another federation; and as its files are written.
pub fn begin(bundle: &Bundle, out: &Path) -> Result<Begun, EnrolmentError> {
    files::create_private_folder(out)?;
    let (chain, copy) = (out.join(names::CHAIN), out.join(BUNDLE));
    // As long as the bundle's copy is there, it is not enrolled to its end. What it believes was taken from that copy, and no other bundle changes it.
    let unfinished = || Ok::<_, FileError>(copy.exists() && Bundle::read(&copy)?.same_federation(bundle));
    if chain.exists() && !unfinished()? {
        return Err(FileError::Exists { path: chain }.into());
    }
    bundle.write(&copy, Existing::Replace)?;
    let key = tls_key(&out.join(names::KEY))?;
    let signing_path = out.join(names::SIGNING_KEY);
    if !signing_path.exists() {
        write_signing_key(&SigningKey::generate(&mut OsEntropy), &signing_path)?;
    }
    let signing = read_signing_key(&signing_path)?;
    let csr = csr::make(&bundle.identity, &key)?;
    let request = EnrolRequest::sign(&bundle.token.expose(), csr, &signing);
    let fingerprint = fingerprint(&key, &signing, &bundle.identity)?;
    Ok(Begun { request: encode_request(&Request::Enrol(request)), fingerprint })
}

/// What the branch reads aloud.
fn fingerprint(key: &TlsKey, signing: &SigningKey, identity: &Identity) -> Result<Fingerprint, EnrolmentError> {
    Ok(Fingerprint::of(&key.spki_sha256(), &signing.verifying_key(), &client_name(identity)?))
}

/// Installs the office's answer into the folder where [`begin`] made the keys; afterwards it holds what `certs issue client` writes, and the
/// numbers of the lists that the bundle knew. Nothing is written unless everything fits the bundle; `now` is in Unix seconds.
///
/// # Errors
/// [`EnrolmentError::Refused`]: the office's reason, [`FaultKind::ApprovalPending`] with the fingerprint, or what does not fit.
pub fn install(answer: &[u8], out: &Path, now: u64) -> Result<Installed, EnrolmentError> {
    let bundle = Bundle::read(&out.join(BUNDLE))?;
    let key = TlsKey::read(&out.join(names::KEY))?;
    let signing = read_signing_key(&out.join(names::SIGNING_KEY))?;
    let granted = granted(answer, &fingerprint(&key, &signing, &bundle.identity)?)?;
    let above = |root: &CertificateDer<'_>| Digest::of(root) == bundle.root_sha256;
    let roots = judged(&granted, above, (out, &bundle.coordinator.identity), now)?;
    let chain = leaf_for(&granted, &roots, &bundle.identity, &key.spki_sha256(), now)?;
    let authorities = RosterAuthorities::parse(&granted.authorities);
    if granted.coordinator != bundle.coordinator.print() || authorities.as_ref() != Some(&bundle.authorities) {
        return Err(FaultKind::AnswerPin.into_error());
    }
    admit_carried(granted.lists.as_bytes(), &roots.general().certificates, &bundle.lists)?;
    write_verifying_key(&signing.verifying_key(), &out.join(names::SIGNING_PUBLIC))?;
    write_fingerprint(out, &fingerprint(&key, &signing, &bundle.identity)?)?;
    write_trust_files(out, &granted.trust)?;
    Seen::beside(&out.join(names::TRUST))?.know(&bundle.lists)?;
    take_carried(out, &bundle.coordinator.identity, granted.lists.as_bytes(), now)?;
    bundle.authorities.write(&out.join(names::AUTHORITIES))?;
    bundle.coordinator.write(&out.join(names::COORDINATOR))?;
    // Last: with it the folder is enrolled.
    write_certificates(&out.join(names::CHAIN), &chain, Existing::Replace)?;
    files::remove(&out.join(BUNDLE))?;
    Ok(Installed { identity: bundle.identity, client: ClientId(granted.client) })
}

/// Begins a renewal in a client's folder: makes the next TLS key if it is not there yet, and the request. `client` is its number in the roster.
///
/// # Errors
/// [`EnrolmentError`].
pub fn begin_renewal(folder: &Path, client: ClientId) -> Result<Begun, EnrolmentError> {
    let places = Places::daemon(folder);
    places.finish()?;
    let identity = own_identity(folder)?;
    let signing = read_signing_key(&folder.join(names::SIGNING_KEY))?;
    let sequence = current_binding(folder)?.map_or(1, |signed| signed.binding.sequence + 1);
    let key = tls_key(&places.next("key"))?;
    let binding = KeyBinding { client, tls_spki_sha256: key.spki_sha256(), sequence }.sign(&signing);
    let csr = csr::make(&identity, &key)?;
    let request = RenewRequest::sign(identity.clone(), csr, binding.encode().to_vec(), &signing);
    let fingerprint = fingerprint(&key, &signing, &identity)?;
    Ok(Begun { request: encode_request(&Request::Renew(request)), fingerprint })
}

/// Installs the answer to a renewal: verified against the roots that the folder trusts, then switched to as [`crate::renewal`] says. New roots
/// that the answer brings are trusted from then on.
///
/// # Errors
/// As [`install`].
pub fn install_renewal(folder: &Path, answer: &[u8], now: u64) -> Result<Installed, EnrolmentError> {
    let places = Places::daemon(folder);
    let identity = own_identity(folder)?;
    let key = TlsKey::read(&places.next("key"))?;
    let signing = read_signing_key(&folder.join(names::SIGNING_KEY))?;
    let granted = granted(answer, &fingerprint(&key, &signing, &identity)?)?;
    let trusted = TrustRoots::read(&folder.join(names::TRUST))?;
    let coordinator = read_coordinator(&folder.join(names::COORDINATOR))?.identity;
    let roots = judged(&granted, |root| trusted.general().certificates.contains(root), (folder, &coordinator), now)?;
    // Whoever vouches for this branch's own certificate stays the same: nobody whom its roots have not named is to issue one.
    let own_roots = |roots: &TrustRoots| {
        roots.restricted().get(identity.organisation()).map(|set| set.certificates.clone()).unwrap_or_default()
    };
    if own_roots(&roots) != own_roots(&trusted) {
        let detail = "it brings other roots for this branch's own organisation; they come by hand, not with a renewal";
        return Err(FaultKind::AnswerAuthority.because(detail).into());
    }
    let chain = leaf_for(&granted, &roots, &identity, &key.spki_sha256(), now)?;
    let binding = granted.binding.as_ref().and_then(|binding| SignedBinding::decode(&binding.0));
    let own = |signed: &SignedBinding| {
        signed.binding.tls_spki_sha256 == key.spki_sha256()
            && signed.binding.client.0 == granted.client
            && signed.verify(&signing.verifying_key())
    };
    let binding = binding.filter(own).ok_or_else(|| FaultKind::AnswerOtherKeys.into_error())?;
    if trust_files(folder)? != granted.trust {
        write_trust_files(folder, &granted.trust)?;
    }
    take_carried(folder, &coordinator, granted.lists.as_bytes(), now)?;
    binding.write(&places.next("binding"))?;
    write_certificates(&places.next("pem"), &chain, Existing::Replace)?;
    places.finish()?;
    Ok(Installed { identity, client: ClientId(granted.client) })
}

fn own_identity(folder: &Path) -> Result<Identity, EnrolmentError> {
    let chain = crate::tls::read_certificates(&folder.join(names::CHAIN))?;
    Ok(identity_of(&chain[0])?)
}

/// The key of a file, made if it is not there.
fn tls_key(path: &Path) -> Result<TlsKey, FileError> {
    if !path.exists() {
        TlsKey::generate().write(path)?;
    }
    TlsKey::read(path)
}

/// What was granted; everything else is an error.
fn granted(answer: &[u8], fingerprint: &Fingerprint) -> Result<Granted, EnrolmentError> {
    match decode_answer(answer)? {
        Answer::Granted(granted) => Ok(*granted),
        Answer::Refused(refused) => Err(refused.fault().into()),
        Answer::Pending { fingerprint: shown } if shown == fingerprint.to_string() => {
            Err(FaultKind::ApprovalPending.fault(true, Some(shown.into())).into())
        }
        Answer::Pending { .. } => Err(FaultKind::AnswerOtherKeys.into_error()),
        Answer::Lists(_) => Err(FaultKind::AnswerUnreadable.into_error()),
    }
}

/// The request for the revocation lists, which needs no certificate.
#[must_use]
pub fn lists_request() -> Vec<u8> {
    encode_request(&Request::Lists)
}

/// Takes the answer to [`lists_request`] into a client's folder. Whether anything is newer.
///
/// # Errors
/// As [`take_carried`]; the office's reason.
pub fn install_lists(folder: &Path, answer: &[u8], now: u64) -> Result<bool, EnrolmentError> {
    let coordinator = read_coordinator(&folder.join(names::COORDINATOR))?.identity;
    match decode_answer(answer)? {
        Answer::Lists(text) => Ok(take_carried(folder, &coordinator, text.as_bytes(), now)?),
        Answer::Refused(refused) => Err(refused.fault().into()),
        Answer::Pending { .. } | Answer::Granted(_) => Err(FaultKind::AnswerUnreadable.into_error()),
    }
}

/// Whether the federation's authority made the answer: its certificate stands under a root that is trusted here, no list has revoked it, and its
/// key signed. Returns the roots that the answer brings; each of them is trusted, or named by one that is.
fn judged(
    granted: &Granted,
    trusted: impl Fn(&CertificateDer<'_>) -> bool,
    (folder, coordinator): (&Path, &Identity),
    now: u64,
) -> Result<TrustRoots, EnrolmentError> {
    let foreign = |detail: &str| EnrolmentError::from(FaultKind::AnswerAuthority.because(detail));
    let issuing = certificates(&granted.issuing)?.swap_remove(0);
    let mut general = None;
    let mut restricted = Vec::new();
    for (name, text) in &granted.trust {
        let roots = certificates(text)?;
        let organisation = name.strip_prefix("trust-").and_then(|name| name.strip_suffix(".pem"));
        match (name == names::TRUST, organisation) {
            (true, _) => general = Some(roots),
            (_, Some(organisation)) => restricted.push((organisation_named(organisation)?, roots)),
            _ => return Err(FaultKind::AnswerUnreadable.into_error()),
        }
    }
    let general = general.ok_or_else(|| FaultKind::AnswerUnreadable.into_error())?;
    // Before anything is asked about each of them: whoever answers is not to keep this machine busy with more than may be.
    let roots = TrustRoots::new(general.iter().cloned())?;
    let vouched = all_vouched(&general, |root| trusted(root), &granted.succession);
    if !vouched.ok_or_else(|| FaultKind::AnswerUnreadable.into_error())? {
        return Err(foreign("it brings a root that no trusted root has named"));
    }
    if restricted.iter().any(|(organisation, _)| organisation == coordinator.organisation()) {
        return Err(foreign("it brings roots of its own for the coordinator's organisation"));
    }
    if !general.iter().any(|root| issued_by(&issuing, root)) {
        return Err(foreign("it stands under no root that is trusted here"));
    }
    let validity = validity_of(&issuing)?;
    // A root signed this certificate: who is out of time is told so, because the clock here may be wrong.
    let untimely = match () {
        () if now < validity.not_before => Some(FaultKind::NotYetValid),
        () if now > validity.not_after => Some(FaultKind::Expired),
        () => None,
    };
    if let Some(kind) = untimely {
        return Err(kind.because("the office's issuing authority, by this machine's clock").into());
    }
    let parsed = parse_certificate(&issuing)?;
    life(&parsed, AUTHORITY_SECONDS_MAX).map_err(|refusal| refusal.kind.because(refusal.detail))?;
    // A root that issues leaves too must not make each of them an office.
    if !parsed.is_ca() {
        return Err(foreign("it is no authority"));
    }
    let standing = standing_with(folder, granted.lists.as_bytes(), &general, &issuing, now)?;
    match standing {
        Revocation::Good => {}
        Revocation::ListExpired => {
            let detail = "of the office's issuing authority, by this machine's clock";
            return Err(FaultKind::RevocationListExpired.because(detail).into());
        }
        Revocation::Revoked => return Err(foreign("a root has revoked it")),
        Revocation::Unknown => return Err(foreign("no list of a root says that it was not revoked")),
    }
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &parsed.public_key().subject_public_key.data);
    key.verify(&granted.input(), &granted.signature.0).map_err(|_| foreign("its signature on the answer is wrong"))?;
    Ok(restricted.into_iter().try_fold(roots, |roots, (name, own)| roots.with_organisation(&name, own))?)
}

/// The granted chain, if it is for this branch and this key.
fn leaf_for(
    granted: &Granted,
    roots: &TrustRoots,
    identity: &Identity,
    spki_sha256: &Digest,
    now: u64,
) -> Result<Vec<CertificateDer<'static>>, EnrolmentError> {
    let chain = certificates(&granted.chain)?;
    let (leaf, above) = chain.split_first().ok_or_else(|| FaultKind::AnswerUnreadable.into_error())?;
    let named = verify_chain(roots, leaf, above, now)?;
    let other = named != *identity || spki_sha256_of(leaf)? != *spki_sha256;
    if other { Err(FaultKind::AnswerOtherKeys.because(named).into()) } else { Ok(chain) }
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let some = read.ok().filter(|certificates| !certificates.is_empty());
    some.ok_or_else(|| FaultKind::AnswerUnreadable.into())
}

impl FaultKind {
    fn into_error(self) -> EnrolmentError {
        CertificateFault::from(self).into()
    }
}

#[cfg(unix)]
#[cfg(test)]
#[path = "branch_tests.rs"]
mod tests;

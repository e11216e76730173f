//! The folders of an authority and of those it enrols: what `certs init`, `certs issue` and the demo call.
//!
//! `docs/CERTIFICATES.md` lists the files. Time is an argument, in Unix seconds.
//!
//! Does **not** guarantee separation of duties: here one folder holds the root's key and all roster authorities' keys, as a demonstration
//! and a start need it. Before real data, move each away to its holder; signing then goes through [`crate::roster::countersign`].

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::{Roster, RosterEntry, RosterError, SignedRoster};
use tributary_protocol::secagg::suite::VerifyingKey;

use crate::entropy::OsEntropy;
use crate::files::{self, Existing, FileError};
use crate::identity::{Identity, IdentityError, Role, TrustDomain};
use crate::issue::{CertificateAuthority, IssueError, LeafRequest, Validity};
use crate::keys::{self, TlsKey};
use crate::lines::{Fields, body, print_entry};
use crate::roster::{RosterAuthorities, RosterFileError, countersign, read_roster, write_roster};
use crate::suite::SigningKey;
use crate::tls::read_certificates;

const DAY: u64 = 86_400;
/// Validity of the root: ten years.
pub const ROOT_SECONDS: u64 = 3_650 * DAY;
/// Validity of the issuing authority: two years.
pub const ISSUING_SECONDS: u64 = 730 * DAY;
/// Validity of a daemon's TLS certificate: 30 days.
pub const TLS_SECONDS: u64 = 30 * DAY;
/// Validity of a client's signing key in the roster: one year.
pub const SIGNING_SECONDS: u64 = 365 * DAY;

/// The names of the files.
pub mod names {
    /// The certificate chain (PEM) of a daemon, leaf first.
    pub const CHAIN: &str = "identity.pem";
    /// The TLS private key of a daemon.
    pub const KEY: &str = "identity.key";
    /// The protocol signing key of a daemon.
    pub const SIGNING_KEY: &str = "signing.key";
    /// Its public half.
    pub const SIGNING_PUBLIC: &str = "signing.pub";
    /// The trusted root certificates.
    pub const TRUST: &str = "trust.pem";
    /// The roster authorities and how many must sign.
    pub const AUTHORITIES: &str = "authorities";
    /// The coordinator that a client expects: identity and public signing key.
    pub const COORDINATOR: &str = "coordinator";
    /// The newest signed roster.
    pub const ROSTER: &str = "roster";
    pub(super) const DOMAIN: &str = "trust-domain";
    pub(super) const ROOT_KEY: &str = "root.key";
    pub(super) const ISSUING: &str = "issuing.pem";
    pub(super) const ISSUING_KEY: &str = "issuing.key";
    pub(super) const MEMBERS: &str = "members";
}

const MEMBERS_TITLE: &str = "tributary members 1";
const COORDINATOR_TITLE: &str = "tributary coordinator 1";

/// Why an authority's folder could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing was issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A name cannot be part of an identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A roster or its file was refused.
    #[error(transparent)]
    Roster(#[from] RosterFileError),
    /// The identity was issued before.
    #[error(
        "{identity} is enrolled already. Choose another id, or remove its line from the members list if it must start anew"
    )]
    Enrolled {
        /// The identity.
        identity: Identity,
    },
}

impl From<RosterError> for EnrolmentError {
    fn from(error: RosterError) -> Self {
        Self::Roster(error.into())
    }
}

/// A client as it was enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub identity: Identity,
    /// Its entry in the next roster.
    pub entry: RosterEntry,
}

/// The coordinator that a client expects, from its enrolment: a mis-issued certificate is not enough to take its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorPin {
    /// Its identity.
    pub identity: Identity,
    /// Its protocol signing key.
    pub signing_key: VerifyingKey,
}

/// What a coordinator is issued.
#[derive(Clone, Debug)]
pub struct CoordinatorRequest<'a> {
    /// Its organisation.
    pub organisation: &'a str,
    /// Its id.
    pub id: &'a str,
    /// DNS names by which clients reach it.
    pub host_names: &'a [String],
    /// Addresses by which clients reach it.
    pub addresses: &'a [IpAddr],
}

/// Makes an authority's folder: root, issuing authority, `authorities` roster keys of which `needed` must sign, and an empty members list.
///
/// # Errors
/// [`EnrolmentError`]; [`FileError::Exists`] if the folder already holds an authority, which is never replaced: every certificate would
/// become worthless.
pub fn init_authority(
    folder: &Path,
    trust_domain: &TrustDomain,
    authorities: u8,
    needed: usize,
    now: u64,
) -> Result<RosterAuthorities, EnrolmentError> {
    let keys: Vec<SigningKey> = (0..authorities).map(|_| SigningKey::generate(&mut OsEntropy)).collect();
    let list = RosterAuthorities::new(needed, keys.iter().map(SigningKey::verifying_key).collect())?;
    let (root, issuing) = (Validity::starting(now, ROOT_SECONDS), Validity::starting(now, ISSUING_SECONDS));
    let new = CertificateAuthority::create(&mut OsEntropy, trust_domain, root, issuing)?;
    files::create_private_folder(folder)?;
    // First, and never replaced: a second call in the same folder stops here.
    files::write_public(&folder.join(names::DOMAIN), format!("{trust_domain}\n").as_bytes(), Existing::Keep)?;
    new.root_key.write(&folder.join(names::ROOT_KEY))?;
    new.issuing.key().write(&folder.join(names::ISSUING_KEY))?;
    write_certificates(&folder.join(names::TRUST), &[new.root], Existing::Keep)?;
    write_certificates(&folder.join(names::ISSUING), std::slice::from_ref(new.issuing.certificate()), Existing::Keep)?;
    for (index, key) in (0..authorities).zip(&keys) {
        keys::write_signing_key(key, &authority_key(folder, index))?;
    }
    list.write(&folder.join(names::AUTHORITIES))?;
    write_members(folder, &[])?;
    Ok(list)
}

/// Enrols a client into `out`: certificate, keys, trust, authorities, and the coordinator if one was issued before. The client gets the next
/// free number, its organisation the number it had or the next one. Nothing of any other client is touched.
///
/// # Errors
/// [`EnrolmentError`]; [`EnrolmentError::Enrolled`] if the identity is taken.
pub fn issue_client(
    folder: &Path,
    organisation: &str,
    id: &str,
    out: &Path,
    now: u64,
) -> Result<Member, EnrolmentError> {
    let authority = open_authority(folder)?;
    let identity = Identity::new(authority.trust_domain().clone(), organisation, Role::Client, id)?;
    let mut members = read_members(folder)?;
    if members.iter().any(|member| member.identity == identity) {
        return Err(EnrolmentError::Enrolled { identity });
    }
    let request = LeafRequest {
        identity: identity.clone(),
        host_names: vec![],
        addresses: vec![],
        validity: Validity::starting(now, TLS_SECONDS),
    };
    let (signing_key, tls_spki_sha256) = write_daemon(folder, &authority, &request, out)?;
    if folder.join(names::COORDINATOR).exists() {
        read_coordinator(&folder.join(names::COORDINATOR))?.write(&out.join(names::COORDINATOR))?;
    }
    let (client, organisation) = numbers(&members, organisation);
    let entry = RosterEntry { client, organisation, signing_key, tls_spki_sha256, not_after: now + SIGNING_SECONDS };
    let member = Member { identity, entry };
    members.push(member.clone());
    write_members(folder, &members)?;
    Ok(member)
}

/// Enrols a coordinator into `out` and remembers it, so that clients enrolled later expect it.
///
/// # Errors
/// [`EnrolmentError`].
pub fn issue_coordinator(
    folder: &Path,
    request: &CoordinatorRequest<'_>,
    out: &Path,
    now: u64,
) -> Result<CoordinatorPin, EnrolmentError> {
    let authority = open_authority(folder)?;
    let identity =
        Identity::new(authority.trust_domain().clone(), request.organisation, Role::Coordinator, request.id)?;
    let leaf = LeafRequest {
        identity: identity.clone(),
        host_names: request.host_names.to_vec(),
        addresses: request.addresses.to_vec(),
        validity: Validity::starting(now, TLS_SECONDS),
    };
    let (signing_key, _) = write_daemon(folder, &authority, &leaf, out)?;
    let pin = CoordinatorPin { identity, signing_key };
    pin.write(&folder.join(names::COORDINATOR))?;
    Ok(pin)
}

/// Makes the next roster of all members, signed by the authorities whose keys lie in the folder, and writes it as `roster` and, never to be
/// replaced, as `roster-EPOCH`. With fewer keys than are needed it is written for the other authorities to countersign.
///
/// # Errors
/// [`EnrolmentError`]; [`RosterError`] if the newest roster is damaged.
pub fn sign_roster(folder: &Path) -> Result<SignedRoster, EnrolmentError> {
    let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES))?;
    let newest = folder.join(names::ROSTER);
    let last = if newest.exists() { Some(read_roster(&newest, &authorities)?.roster.head()) } else { None };
    let (epoch, previous) = last.map_or((1, Digest::ZERO), |head| (head.epoch + 1, head.digest));
    let entries = read_members(folder)?.into_iter().map(|member| member.entry).collect();
    let mut signed = SignedRoster { roster: Roster::new(epoch, previous, entries)?, signatures: vec![] };
    for index in (0..=u8::MAX).take(authorities.keys().len()) {
        let path = authority_key(folder, index);
        if path.exists() {
            countersign(&mut signed, &authorities, index, &keys::read_signing_key(&path)?)?;
        }
    }
    write_roster(&signed, &folder.join(format!("{}-{epoch:06}", names::ROSTER)), Existing::Keep)?;
    write_roster(&signed, &newest, Existing::Replace)?;
    Ok(signed)
}

/// The authority of a folder.
///
/// # Errors
/// [`EnrolmentError`].
pub fn open_authority(folder: &Path) -> Result<CertificateAuthority, EnrolmentError> {
    let domain = files::read_text(&folder.join(names::DOMAIN), "trust domain")?;
    let key = TlsKey::read(&folder.join(names::ISSUING_KEY))?;
    let certificate = read_certificates(&folder.join(names::ISSUING))?.swap_remove(0);
    Ok(CertificateAuthority::from_parts(TrustDomain::parse(domain.trim_end())?, certificate, key)?)
}

/// The enrolled clients, ascending by number.
///
/// # Errors
/// [`FileError`].
pub fn read_members(folder: &Path) -> Result<Vec<Member>, FileError> {
    const WHAT: &str = "members list";
    let path = folder.join(names::MEMBERS);
    let text = files::read_text(&path, WHAT)?;
    let parse = |line| {
        let mut fields = Fields::of(line);
        let identity = Identity::parse(fields.text("identity")?).ok()?;
        let entry = fields.entry()?;
        fields.end().map(|()| Member { identity, entry })
    };
    let members = body(&text, MEMBERS_TITLE).and_then(|lines| lines.map(parse).collect());
    members.ok_or_else(|| FileError::content(&path, WHAT))
}

/// Reads the coordinator that a client expects.
///
/// # Errors
/// [`FileError`].
pub fn read_coordinator(path: &Path) -> Result<CoordinatorPin, FileError> {
    const WHAT: &str = "coordinator's identity and public key";
    let text = files::read_text(path, WHAT)?;
    let parse = || {
        let mut lines = body(&text, COORDINATOR_TITLE)?;
        let mut fields = Fields::of(lines.next()?);
        let identity = Identity::parse(fields.text("identity")?).ok()?;
        let signing_key = VerifyingKey(fields.digest("signing")?.0);
        fields.end()?;
        lines.next().is_none().then_some(CoordinatorPin { identity, signing_key })
    };
    parse().ok_or_else(|| FileError::content(path, WHAT))
}

impl CoordinatorPin {
    /// Writes the file, replacing an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = format!("{COORDINATOR_TITLE}\nidentity {} signing {}\n", self.identity, Digest(self.signing_key.0));
        files::write_public(path, text.as_bytes(), Existing::Replace)
    }
}

/// Writes a daemon's own files and returns its public signing key and the digest of its TLS key.
fn write_daemon(
    folder: &Path,
    authority: &CertificateAuthority,
    request: &LeafRequest,
    out: &Path,
) -> Result<(VerifyingKey, Digest), EnrolmentError> {
    let (chain, tls_key) = authority.issue(&mut OsEntropy, request)?;
    let signing_key = SigningKey::generate(&mut OsEntropy);
    files::create_private_folder(out)?;
    tls_key.write(&out.join(names::KEY))?;
    write_certificates(&out.join(names::CHAIN), chain.certificates(), Existing::Keep)?;
    keys::write_signing_key(&signing_key, &out.join(names::SIGNING_KEY))?;
    keys::write_verifying_key(&signing_key.verifying_key(), &out.join(names::SIGNING_PUBLIC))?;
    let trust = read_certificates(&folder.join(names::TRUST))?;
    write_certificates(&out.join(names::TRUST), &trust, Existing::Replace)?;
    RosterAuthorities::read(&folder.join(names::AUTHORITIES))?.write(&out.join(names::AUTHORITIES))?;
    Ok((signing_key.verifying_key(), tls_key.spki_sha256()))
}

fn write_certificates(path: &Path, certificates: &[CertificateDer<'_>], existing: Existing) -> Result<(), FileError> {
    let text = |certificate: &CertificateDer<'_>| pem::encode(&pem::Pem::new("CERTIFICATE", certificate.to_vec()));
    files::write_public(path, certificates.iter().map(text).collect::<String>().as_bytes(), existing)
}

fn write_members(folder: &Path, members: &[Member]) -> Result<(), FileError> {
    let lines = members.iter().map(|member| format!("identity {} {}\n", member.identity, print_entry(&member.entry)));
    let text: String = [format!("{MEMBERS_TITLE}\n")].into_iter().chain(lines).collect();
    files::write_public(&folder.join(names::MEMBERS), text.as_bytes(), Existing::Replace)
}

/// The next client's number and its organisation's.
fn numbers(members: &[Member], organisation: &str) -> (ClientId, OrganisationId) {
    let known = members.iter().find(|member| member.identity.organisation() == organisation);
    let client = members.iter().map(|member| member.entry.client.0).max().unwrap_or(0) + 1;
    let next = members.iter().map(|member| member.entry.organisation.0).max().unwrap_or(0) + 1;
    (ClientId(client), known.map_or(OrganisationId(next), |member| member.entry.organisation))
}

fn authority_key(folder: &Path, index: u8) -> PathBuf {
    folder.join(format!("authority-{index}.key"))
}

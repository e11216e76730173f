//! The folders of an authority and of those it enrols: what `certs init`, `certs issue` and the demo call. Rosters are made by [`crate::ceremony`].
//!
//! `docs/CERTIFICATES.md` lists the files. Time is an argument, in Unix seconds.
//!
//! Whoever is enrolled here has its keys made here: for a demonstration, and for a coordinator beside its authority. A branch makes its own
//! keys and enrols through [`crate::office`].
//!
//! Does **not** guarantee separation of duties: [`init_authority`] leaves the root's key and all roster authorities' keys in one folder, as a
//! demonstration and a start need it. For real data, [`init_authority_apart`] gives each holder a folder.

mod authority;
mod error;
mod groups;
mod lists;
mod making;
pub mod names;

use std::net::IpAddr;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::roster::{RosterEntry, RosterError};
use tributary_protocol::secagg::suite::VerifyingKey;

pub(crate) use authority::authority_key;
pub use authority::{Apart, init_authority, init_authority_apart, open_authority};
pub use error::EnrolmentError;
pub(crate) use groups::groups_of;
pub use groups::{read_groups, remove_group, set_group};
pub use lists::write_certificates;
pub(crate) use lists::{certificates_text, numbers, write_members};
pub use lists::{read_coordinator, read_members};

use self::making::Making;
use crate::entropy::OsEntropy;
use crate::identity::{Identity, IdentityError, Role};
use crate::issue::{CertificateAuthority, LeafRequest, Validity};
use crate::keys;
use crate::office::{Fingerprint, Ground, Issued, Way, copy_lists, copy_trust, record, record_ground};
use crate::roster::RosterAuthorities;
use crate::suite::SigningKey;
use tributary_storage::files::{self, Existing, FileError, sync_folder};
use tributary_storage::lock::FolderLock;

const DAY: u64 = 86_400;
/// Validity of the root: ten years.
pub const ROOT_SECONDS: u64 = 3_650 * DAY;
/// Validity of the issuing authority: two years.
pub const ISSUING_SECONDS: u64 = 730 * DAY;
/// Validity of a daemon's TLS certificate: 30 days.
pub const TLS_SECONDS: u64 = 30 * DAY;
/// Validity of a client's signing key in the roster: one year.
pub const SIGNING_SECONDS: u64 = 365 * DAY;

const MEMBERS_TITLE: &str = "tributary members 2";
const COORDINATOR_TITLE: &str = "tributary coordinator 2";

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
    let _lock = FolderLock::take(folder)?;
    let authority = open_authority(folder)?;
    let identity = Identity::new(authority.trust_domain().clone(), organisation, Role::Client, id)?;
    let mut members = read_members(folder)?;
    if let Some(member) = members.iter().find(|member| member.identity == identity) {
        // Killed after the last list was written: everything is there.
        return match Making::is_of(out, &identity)? {
            Some(making) if holds_key(out, &member.entry.signing_key) => {
                // Perhaps the list has its name and not yet for good.
                sync_folder(folder)?;
                making.end().map(|()| member.clone())
            }
            _ => Err(EnrolmentError::Enrolled { identity }),
        };
    }
    let making = Making::begin(out, &identity)?;
    let request = LeafRequest {
        identity: identity.clone(),
        host_names: vec![],
        addresses: vec![],
        validity: Validity::starting(now, TLS_SECONDS),
    };
    let (signing_key, tls_spki_sha256) = write_daemon(folder, &authority, &request, out, now)?;
    if folder.join(names::COORDINATOR).exists() {
        read_coordinator(&folder.join(names::COORDINATOR))?.write(&out.join(names::COORDINATOR))?;
    }
    let (client, organisation) = numbers(folder, &members, organisation)?;
    let name = identity.member_name().ok_or(IdentityError::Form)?;
    let not_after = now + SIGNING_SECONDS;
    let entry = RosterEntry { client, name, organisation, signing_key, tls_spki_sha256, not_after };
    record_ground(folder, &entry, Ground { way: Way::MadeHere, at: now, approval: None })?;
    write_fingerprint(out, &Fingerprint::of_entry(&entry))?;
    let member = Member { identity, entry };
    members.push(member.clone());
    write_members(folder, &members)?;
    making.end()?;
    Ok(member)
}

/// Enrols a coordinator into `out` and remembers it, so that clients enrolled later expect it. Where an attempt broke off after that, it goes on with the
/// same keys.
///
/// # Errors
/// [`EnrolmentError`].
pub fn issue_coordinator(
    folder: &Path,
    request: &CoordinatorRequest<'_>,
    out: &Path,
    now: u64,
) -> Result<CoordinatorPin, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    let authority = open_authority(folder)?;
    let identity =
        Identity::new(authority.trust_domain().clone(), request.organisation, Role::Coordinator, request.id)?;
    let leaf = LeafRequest {
        identity: identity.clone(),
        host_names: request.host_names.to_vec(),
        addresses: request.addresses.to_vec(),
        validity: Validity::starting(now, TLS_SECONDS),
    };
    let pinned = folder.join(names::COORDINATOR);
    if pinned.exists()
        && let Some(making) = Making::is_of(out, &identity)?
    {
        let pin = read_coordinator(&pinned)?;
        // Killed after this was written: everything is there, and branches may have been told of this key.
        if pin.identity == identity && holds_key(out, &pin.signing_key) {
            sync_folder(folder)?;
            making.end()?;
            return Ok(pin);
        }
    }
    let making = Making::begin(out, &identity)?;
    let (signing_key, _) = write_daemon(folder, &authority, &leaf, out, now)?;
    let pin = CoordinatorPin { identity, signing_key };
    pin.write(&pinned)?;
    making.end()?;
    Ok(pin)
}

/// Whether the folder has the signing key of this public one.
fn holds_key(out: &Path, public: &VerifyingKey) -> bool {
    keys::read_signing_key(&out.join(names::SIGNING_KEY)).is_ok_and(|key| key.verifying_key() == *public)
}

/// Keeps what a holder of a roster key may ask the branch for, on the day that the roster is signed.
pub(crate) fn write_fingerprint(out: &Path, fingerprint: &Fingerprint) -> Result<(), FileError> {
    files::write_public(&out.join(names::FINGERPRINT), format!("{fingerprint}\n").as_bytes(), Existing::Replace)
}

/// Writes a daemon's own files and returns its public signing key and the digest of its TLS key.
fn write_daemon(
    folder: &Path,
    authority: &CertificateAuthority,
    request: &LeafRequest,
    out: &Path,
    now: u64,
) -> Result<(VerifyingKey, Digest), EnrolmentError> {
    let (chain, tls_key) = authority.issue(&mut OsEntropy, request)?;
    record(folder, Issued::of(chain.leaf())?, now)?;
    let signing_key = SigningKey::generate(&mut OsEntropy);
    tls_key.write(&out.join(names::KEY))?;
    write_certificates(&out.join(names::CHAIN), chain.certificates(), Existing::Keep)?;
    keys::write_signing_key(&signing_key, &out.join(names::SIGNING_KEY))?;
    keys::write_verifying_key(&signing_key.verifying_key(), &out.join(names::SIGNING_PUBLIC))?;
    copy_trust(folder, out)?;
    copy_lists(folder, out)?;
    RosterAuthorities::read(&folder.join(names::AUTHORITIES))?.write(&out.join(names::AUTHORITIES))?;
    Ok((signing_key.verifying_key(), tls_key.spki_sha256()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests;

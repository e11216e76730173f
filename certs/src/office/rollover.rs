//! New certificates for those who do not ask over the wire: the coordinator, the issuing authority, the root.
//!
//! An authority that is replaced stays trusted until its last leaf has expired: the old issuing authority still signs revocation lists, and
//! the old root stays in `trust.pem` beside the new one, which travels to every branch in the signed answer to its next renewal. Wait for that
//! (at most one renewal, 30 days, and 30 days of grace) before a new issuing authority is put under the new root.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use tributary_protocol::digest::Digest;

use super::lists::{
    REVOCATION_DAYS, ROOT_LIST_DAYS, copy_lists, demand_revoked_by_root, demand_standing, make_list, make_root_list,
    mark_revoked, replaced_authorities,
};
use super::succession::vouch;
use super::unfinished::{Begun, Mark};
use super::{Issued, copy_trust, record};
use crate::enrolment::{
    EnrolmentError, ISSUING_SECONDS, ROOT_SECONDS, TLS_SECONDS, names, open_authority, write_certificates,
};
use crate::entropy::OsEntropy;
use crate::fault::FaultKind;
use crate::identity::{Identity, Role, identity_of, parse_certificate};
use crate::inspect::{hosts, validity_of};
use crate::issue::{CertificateAuthority, LeafRequest, RevocationReason, Validity};
use crate::keys::TlsKey;
use crate::renewal::Places;
use crate::tls::read_certificates;
use tributary_storage::files::{Existing, FileError, rename, sync_folder};
use tributary_storage::lock::FolderLock;

/// An authority that a renewal has put in the place of another one, or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// When it counts.
    pub validity: Validity,
    /// It is the one of an earlier renewal that had broken off: this one has finished it, and made no other.
    pub went_on: bool,
}

/// Renews the certificate in a coordinator's folder, for a fresh TLS key and the same names. Its signing key, which every branch has pinned,
/// stays. The new validity.
///
/// # Errors
/// [`EnrolmentError`]; [`FaultKind::WrongRole`] if the folder is not a coordinator's.
pub fn renew_coordinator(folder: &Path, coordinator: &Path, now: u64) -> Result<Validity, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    renew_coordinator_locked(folder, coordinator, now)
}

/// The certificate in a coordinator's folder, and whom it names.
fn coordinator_in(folder: &Path) -> Result<(CertificateDer<'static>, Identity), EnrolmentError> {
    let leaf = read_certificates(&folder.join(names::CHAIN))?.swap_remove(0);
    let identity = identity_of(&leaf)?;
    if identity.role() == Role::Coordinator {
        Ok((leaf, identity))
    } else {
        Err(FaultKind::WrongRole.because(&identity).into())
    }
}

fn renew_coordinator_locked(folder: &Path, coordinator: &Path, now: u64) -> Result<Validity, EnrolmentError> {
    let places = Places::daemon(coordinator);
    places.finish()?;
    let authority = open_authority(folder)?;
    let (old, identity) = coordinator_in(coordinator)?;
    let (addresses, host_names): (Vec<_>, Vec<_>) = hosts(&parse_certificate(&old)?)
        .into_iter()
        .map(|host| host.parse::<std::net::IpAddr>().map_err(|_| host))
        .partition(Result::is_ok);
    let validity = within(Validity::starting(now, TLS_SECONDS), authority.validity());
    let request = LeafRequest {
        identity,
        host_names: host_names.into_iter().filter_map(Result::err).collect(),
        addresses: addresses.into_iter().filter_map(Result::ok).collect(),
        validity,
    };
    let next = places.next("key");
    if !next.exists() {
        TlsKey::generate().write(&next)?;
    }
    // First what may fail in the coordinator's folder: whoever tries again and again is not to fill the log of what was issued.
    copy_trust(folder, coordinator)?;
    copy_lists(folder, coordinator)?;
    let chain = authority.issue_for(&mut OsEntropy, &request, &TlsKey::read(&next)?.spki())?;
    record(folder, Issued::of(chain.leaf())?, now)?;
    write_certificates(&places.next("pem"), chain.certificates(), Existing::Replace)?;
    places.finish()?;
    Ok(validity)
}

/// Puts a new issuing authority under the newest root whose key is `root.key` in the folder `keys`, and makes fresh lists, the root's included. The
/// old one is kept as `issuing-old-SECONDS`; with `revoke` it is on the root's list, for this reason, and so is everything that it issued. A
/// coordinator's folder gets a certificate of the new one before that, so that branches find somebody whom they believe.
///
/// Where an attempt broke off after the switch, the same command does the rest, and replaces and revokes nobody else. From its end on it means the one that
/// stands.
///
/// # Errors
/// [`EnrolmentError::RenewalUnfinished`] where an earlier renewal broke off and this one may mean another authority; [`FaultKind::KeyMismatch`] if the key
/// is not of a root in `trust.pem`; [`EnrolmentError`].
pub fn renew_issuing(
    folder: &Path,
    keys: &Path,
    revoke: Option<RevocationReason>,
    coordinator: Option<&Path>,
    now: u64,
) -> Result<Renewed, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    // What may fail in the coordinator's folder fails before anything is replaced.
    if let Some(coordinator) = coordinator {
        coordinator_in(coordinator)?;
    }
    Places::authority(folder).finish()?;
    let (mark, authority) = (Mark::of_issuing(folder), open_authority(folder)?);
    let begun = mark.read()?;
    let went_on = mark.goes_on(begun, &Digest::of(authority.certificate()), revoke.is_some(), now)?;
    let (replaced, validity) = match begun.filter(|_| went_on) {
        Some(begun) => (replaced_by(folder, &begun)?, authority.validity()),
        None => (authority.certificate().clone(), replace(folder, keys, &authority, revoke, now)?),
    };
    if let Some(coordinator) = coordinator {
        renew_coordinator_locked(folder, coordinator, now)?;
    }
    // The new one is there before the old one is gone: whoever asks meanwhile is answered by one that counts.
    make_root_list(folder, keys, ROOT_LIST_DAYS, now)?;
    make_list(folder, REVOCATION_DAYS, now)?;
    if let Some(coordinator) = coordinator {
        copy_lists(folder, coordinator)?;
    }
    if revoke.is_some() && validity_of(&replaced)?.not_after >= now {
        demand_revoked_by_root(folder, &replaced)?;
    }
    mark.end()?;
    Ok(Renewed { validity, went_on })
}

/// The authority that a renewal has replaced: it was kept before the switch.
fn replaced_by(folder: &Path, begun: &Begun) -> Result<CertificateDer<'static>, EnrolmentError> {
    let kept = replaced_authorities(folder)?.into_iter().map(|(certificate, _)| certificate);
    let found = kept.into_iter().find(|certificate| Digest::of(certificate) == begun.certificate);
    let detail = "the authority that an unfinished renewal has replaced is not kept here (issuing-old-SECONDS.pem); bring it back, or remove \
                  unfinished-issuing";
    found.ok_or_else(|| FaultKind::ForeignAuthority.because(detail).into())
}

/// Puts a new issuing authority in the place of this one, which is kept. The folder's lock is held.
fn replace(
    folder: &Path,
    keys: &Path,
    authority: &CertificateAuthority,
    revoke: Option<RevocationReason>,
    now: u64,
) -> Result<Validity, EnrolmentError> {
    let places = Places::authority(folder);
    let root_key = TlsKey::read(&keys.join(names::ROOT_KEY))?;
    let roots = read_certificates(&folder.join(names::TRUST))?;
    let root = root_of(&roots, &root_key).ok_or_else(|| FaultKind::KeyMismatch.because("root.key and trust.pem"))?;
    let validity = within(Validity::starting(now, ISSUING_SECONDS), validity_of(root)?);
    let new = CertificateAuthority::under(&mut OsEntropy, authority.trust_domain(), root, &root_key, validity)?;
    // Another may have been replaced within the same second: it still signs lists, so its name stays its own.
    let kept = |at: u64, part: &str| folder.join(format!("issuing-old-{at}.{part}"));
    let mut at = now;
    while kept(at, "pem").exists() && read_certificates(&kept(at, "pem"))?.first() != Some(authority.certificate()) {
        at += 1;
    }
    for part in ["key", "pem"] {
        let (from, to) = (places.current(part), kept(at, part));
        if !to.exists() {
            fs::hard_link(&from, &to).map_err(FileError::system("keeping", &to))?;
        }
    }
    // One that a crash left behind signed nothing.
    if places.next("key").exists() {
        fs::remove_file(places.next("key")).map_err(FileError::system("removing", &places.next("key")))?;
    }
    new.key().write(&places.next("key"))?;
    // Before the new certificate is there, from which on the next attempt begins with the switch: wherever this one stops, it is the old one that the next
    // list of its root names, and the next attempt knows which one that was.
    let certificate = Digest::of(authority.certificate());
    Mark::of_issuing(folder).write(Begun { certificate, revoke: revoke.is_some(), at: now })?;
    if let Some(reason) = revoke {
        mark_revoked(folder, authority.certificate(), reason, now)?;
    }
    write_certificates(&places.next("pem"), std::slice::from_ref(new.certificate()), Existing::Replace)?;
    places.finish()?;
    Ok(validity)
}

/// Makes a new root beside the old ones. Its key takes the name `root.key` in the folder `keys`; the old key is kept as `root-old-SECONDS.key`. After
/// a crash the same root goes on: while `root.next.key` is there, the keys have not changed their names; and after that, until the lists are made.
///
/// # Errors
/// [`EnrolmentError::StandingRevoked`]; [`EnrolmentError`].
pub fn renew_root(folder: &Path, keys: &Path, now: u64) -> Result<Renewed, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    demand_standing(folder)?;
    let (current, next) = (keys.join(names::ROOT_KEY), keys.join("root.next.key"));
    let (mark, waiting) = (Mark::of_root(folder), begun_root(folder, &next)?);
    let named = match mark.read()?.filter(|begun| waiting.is_none() && begun.is_recent(now)) {
        Some(begun) => begun_root(folder, &current)?.filter(|root| Digest::of(root) == begun.certificate),
        None => None,
    };
    let went_on = named.is_some() || waiting.is_some();
    let root = match (named, waiting) {
        (Some(root), _) => {
            // Its key has its name, perhaps not for good.
            sync_folder(keys)?;
            root
        }
        (None, waiting) => {
            let begun = waiting.map_or_else(|| begin_root(folder, &current, &next, now), Ok)?;
            mark.write(Begun { certificate: Digest::of(&begun), revoke: false, at: now })?;
            if current.exists() {
                rename(&current, &unused(keys, now))?;
            }
            rename(&next, &current)?;
            begun
        }
    };
    make_root_list(folder, keys, ROOT_LIST_DAYS, now)?;
    make_list(folder, REVOCATION_DAYS, now)?;
    mark.end()?;
    Ok(Renewed { validity: validity_of(&root)?, went_on })
}

/// The root that is trusted already and whose key this is. Where the key waits for its name, branches may have the root, so that the key must not be lost.
fn begun_root(folder: &Path, key: &Path) -> Result<Option<CertificateDer<'static>>, EnrolmentError> {
    // A medium without links leaves an empty file after a crash: no key.
    if fs::metadata(key).map_or(true, |found| found.len() == 0) {
        return Ok(None);
    }
    Ok(root_of(&read_certificates(&folder.join(names::TRUST))?, &TlsKey::read(key)?).cloned())
}

/// Makes a root, whose key is `next`, and trusts it beside the one whose key is `current`.
fn begin_root(folder: &Path, current: &Path, next: &Path, now: u64) -> Result<CertificateDer<'static>, EnrolmentError> {
    let domain = open_authority(folder)?.trust_domain().clone();
    let validity = Validity::starting(now, ROOT_SECONDS);
    let new = CertificateAuthority::create(&mut OsEntropy, &domain, validity, Validity::starting(now, 86_400))?;
    if next.exists() {
        fs::remove_file(next).map_err(FileError::system("removing", next))?;
    }
    new.root_key.write(next)?;
    let trust = folder.join(names::TRUST);
    let mut roots = read_certificates(&trust)?;
    // Each vouches for the other, before either is trusted beside the other: a branch believes no root that none of its own has named.
    let old_key = TlsKey::read(current)?;
    let last = root_of(&roots, &old_key).ok_or_else(|| FaultKind::KeyMismatch.because("root.key and trust.pem"))?;
    vouch(folder, &new.root, (last, &old_key))?;
    vouch(folder, last, (&new.root, &new.root_key))?;
    roots.push(new.root.clone());
    write_certificates(&trust, &roots, Existing::Replace)?;
    Ok(new.root)
}

/// The newest of these roots that has this key.
fn root_of<'a>(roots: &'a [CertificateDer<'static>], key: &TlsKey) -> Option<&'a CertificateDer<'static>> {
    let spki = key.spki();
    roots.iter().rfind(|root| parse_certificate(root).is_ok_and(|root| root.public_key().raw == spki))
}

/// A name for a root's old key that no other key has: two may be replaced within one second.
fn unused(keys: &Path, now: u64) -> PathBuf {
    let named = |at: u64| keys.join(format!("root-old-{at}.key"));
    let mut at = now;
    while named(at).exists() {
        at += 1;
    }
    named(at)
}

fn within(wanted: Validity, outer: Validity) -> Validity {
    Validity { not_before: wanted.not_before.max(outer.not_before), not_after: wanted.not_after.min(outer.not_after) }
}

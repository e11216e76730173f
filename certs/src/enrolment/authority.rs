//! An authority's folder: made, opened, and the roster signed.

use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{Roster, RosterEntry, SignedRoster};

use super::groups::groups_of;
use super::{EnrolmentError, names, read_members, write_certificates, write_members};
use crate::entropy::OsEntropy;
use crate::files::{self, Existing};
use crate::identity::TrustDomain;
use crate::issue::{CertificateAuthority, Validity};
use crate::keys::{TlsKey, read_signing_key, write_signing_key};
use crate::office::lock::FolderLock;
use crate::office::revoked_members;
use crate::renewal::chain_for;
use crate::roster::{RosterAuthorities, countersign, read_roster, write_roster};
use crate::suite::SigningKey;

use super::{ISSUING_SECONDS, ROOT_SECONDS};

/// Makes an authority's folder: root, issuing authority, `authorities` roster keys of which `needed` must sign, and an empty members list.
///
/// # Errors
/// [`EnrolmentError`]; [`crate::files::FileError::Exists`] if the folder already holds an authority, which is never replaced: every
/// certificate would become worthless.
pub fn init_authority(
    folder: &Path,
    trust_domain: &TrustDomain,
    authorities: u8,
    needed: usize,
    now: u64,
) -> Result<RosterAuthorities, EnrolmentError> {
    init_authority_apart(folder, folder, trust_domain, authorities, needed, now)
}

/// As [`init_authority`], with the keys that need not be online, the root's and the roster authorities', in the folder `offline`: a medium
/// that is taken away, or the first step of handing each key to its holder.
///
/// # Errors
/// As [`init_authority`].
pub fn init_authority_apart(
    folder: &Path,
    offline: &Path,
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
    files::create_private_folder(offline)?;
    // First, and never replaced: a second call in the same folder stops here.
    files::write_public(&folder.join(names::DOMAIN), format!("{trust_domain}\n").as_bytes(), Existing::Keep)?;
    new.root_key.write(&offline.join(names::ROOT_KEY))?;
    new.issuing.key().write(&folder.join(names::ISSUING_KEY))?;
    write_certificates(&folder.join(names::TRUST), &[new.root], Existing::Keep)?;
    write_certificates(&folder.join(names::ISSUING), std::slice::from_ref(new.issuing.certificate()), Existing::Keep)?;
    for (index, key) in (0..authorities).zip(&keys) {
        write_signing_key(key, &authority_key(offline, index))?;
    }
    list.write(&folder.join(names::AUTHORITIES))?;
    write_members(folder, &[])?;
    Ok(list)
}

/// Makes the next roster of all members that were not revoked and of the groups of them ([`super::set_group`]), signed by the authorities whose keys lie in the folder, and writes it as
/// `roster` and, never to be replaced, as `roster-EPOCH`. With fewer keys than are needed it is written for the other authorities to
/// countersign.
///
/// # Errors
/// [`EnrolmentError`]; [`tributary_protocol::roster::RosterError`] if the newest roster is damaged.
pub fn sign_roster(folder: &Path) -> Result<SignedRoster, EnrolmentError> {
    sign_roster_with(folder, folder)
}

/// As [`sign_roster`], with the keys of another folder.
///
/// # Errors
/// As [`sign_roster`].
pub fn sign_roster_with(folder: &Path, keys: &Path) -> Result<SignedRoster, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES))?;
    let newest = folder.join(names::ROSTER);
    let last = if newest.exists() { Some(read_roster(&newest, &authorities)?.roster.head()) } else { None };
    let (epoch, previous) = last.map_or((1, Digest::ZERO), |head| (head.epoch + 1, head.digest));
    let revoked = revoked_members(folder)?;
    let members = read_members(folder)?.into_iter().filter(|member| !revoked.contains(&member.identity));
    let entries: Vec<RosterEntry> = members.map(|member| member.entry).collect();
    let clients: Vec<ClientId> = entries.iter().map(|entry| entry.client).collect();
    let groups = groups_of(folder, &clients)?;
    let mut signed = SignedRoster { roster: Roster::new(epoch, previous, entries, groups)?, signatures: vec![] };
    for index in (0..=u8::MAX).take(authorities.keys().len()) {
        let path = authority_key(keys, index);
        if path.exists() {
            countersign(&mut signed, &authorities, index, &read_signing_key(&path)?)?;
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
    let certificate = chain_for(&folder.join(names::ISSUING), &key.spki_sha256())?.swap_remove(0);
    Ok(CertificateAuthority::from_parts(TrustDomain::parse(domain.trim_end())?, certificate, key)?)
}

fn authority_key(folder: &Path, index: u8) -> PathBuf {
    folder.join(format!("authority-{index}.key"))
}

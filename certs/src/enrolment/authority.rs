//! An authority's folder: made and opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::lists::read_domain;
use super::{EnrolmentError, names, write_certificates, write_members};
use crate::attempt::Attempt;
use crate::entropy::OsEntropy;
use crate::identity::TrustDomain;
use crate::issue::{CertificateAuthority, Validity};
use crate::keys::{TlsKey, write_signing_key};
use crate::office::{REVOCATION_DAYS, ROOT_LIST_DAYS, make_list, make_root_list};
use crate::renewal::chain_for;
use crate::roster::RosterAuthorities;
use crate::suite::SigningKey;
use tributary_storage::files::{self, Existing, FileError};

use super::{ISSUING_SECONDS, ROOT_SECONDS};

/// Where the keys lie that need not be online: media that are taken away, or the first step of handing each key to its holder.
#[derive(Clone, Copy, Debug)]
pub struct Apart<'a> {
    /// The folder of the root's key, and of the roster keys where no holders are named.
    pub offline: &'a Path,
    /// The folder of each holder of a roster key, in the order of the roster authorities.
    pub holders: &'a [PathBuf],
}

/// Makes an authority's folder: root, issuing authority, `authorities` roster keys of which `needed` must sign, and an empty members list.
///
/// # Errors
/// [`EnrolmentError`]; [`tributary_storage::files::FileError::Exists`] if the folder already holds an authority, which is never replaced: every
/// certificate would become worthless.
pub fn init_authority(
    folder: &Path,
    trust_domain: &TrustDomain,
    authorities: u8,
    needed: usize,
    now: u64,
) -> Result<RosterAuthorities, EnrolmentError> {
    init_authority_apart(folder, Apart { offline: folder, holders: &[] }, trust_domain, authorities, needed, now)
}

/// As [`init_authority`], with the keys that need not be online elsewhere. Beside each roster key lies the list of all of them, by which its
/// holder judges what is to be signed.
///
/// # Errors
/// As [`init_authority`], also where a folder has a key or the list of another federation; [`EnrolmentError::Holders`] if there are holders, and another
/// number of them than of authorities. Nothing is left behind where a folder cannot keep a secret, and no key where a file cannot be written.
pub fn init_authority_apart(
    folder: &Path,
    Apart { offline, holders }: Apart<'_>,
    trust_domain: &TrustDomain,
    authorities: u8,
    needed: usize,
    now: u64,
) -> Result<RosterAuthorities, EnrolmentError> {
    if !holders.is_empty() && holders.len() != usize::from(authorities) {
        return Err(EnrolmentError::Holders { holders: holders.len(), authorities });
    }
    let keys: Vec<SigningKey> = (0..authorities).map(|_| SigningKey::generate(&mut OsEntropy)).collect();
    let list = RosterAuthorities::new(needed, keys.iter().map(SigningKey::verifying_key).collect())?;
    let (root, issuing) = (Validity::starting(now, ROOT_SECONDS), Validity::starting(now, ISSUING_SECONDS));
    let new = CertificateAuthority::create(&mut OsEntropy, trust_domain, root, issuing)?;
    let mut places: Vec<&Path> = holders.iter().map(PathBuf::as_path).chain([folder, offline]).collect();
    places.sort_unstable();
    places.dedup();
    // Before anything is written: a medium that cannot keep a secret is found out here.
    for place in &places {
        files::create_private_folder(place)?;
        files::keeps_secrets(place)?;
    }
    let homes = (0..authorities).map(|index| holders.get(usize::from(index)).map_or(offline, PathBuf::as_path));
    let occupied = |path: PathBuf| if path.exists() { Err(FileError::Exists { path }) } else { Ok(()) };
    occupied(offline.join(names::ROOT_KEY))?;
    (0..authorities).zip(homes.clone()).try_for_each(|(index, home)| occupied(authority_key(home, index)))?;
    // Whoever holds a key of another federation judges what is to be signed by its list.
    let listed: BTreeSet<PathBuf> = homes.clone().chain([folder]).map(|home| home.join(names::AUTHORITIES)).collect();
    listed.iter().cloned().try_for_each(occupied)?;
    let mut attempt = Attempt::default();
    let certificate =
        |own, path: &Path| write_certificates(path, std::slice::from_ref::<CertificateDer<'_>>(own), Existing::Keep);
    // First, and never replaced: a second call in the same folder stops here.
    let name = format!("{trust_domain}\n");
    attempt.makes(folder.join(names::DOMAIN), |path| files::write_public(path, name.as_bytes(), Existing::Keep))?;
    attempt.makes(offline.join(names::ROOT_KEY), |path| new.root_key.write(path))?;
    attempt.makes(folder.join(names::ISSUING_KEY), |path| new.issuing.key().write(path))?;
    attempt.makes(folder.join(names::TRUST), |path| certificate(&new.root, path))?;
    attempt.makes(folder.join(names::ISSUING), |path| certificate(new.issuing.certificate(), path))?;
    for ((index, key), home) in (0..authorities).zip(&keys).zip(homes) {
        attempt.makes(authority_key(home, index), |path| write_signing_key(key, path))?;
    }
    for path in listed {
        attempt.makes(path, |path| files::write_public(path, list.print().as_bytes(), Existing::Keep))?;
    }
    write_members(folder, &[])?;
    make_root_list(folder, offline, ROOT_LIST_DAYS, now)?;
    make_list(folder, REVOCATION_DAYS, now)?;
    attempt.went_well();
    Ok(list)
}

/// The authority of a folder.
///
/// # Errors
/// [`EnrolmentError`].
pub fn open_authority(folder: &Path) -> Result<CertificateAuthority, EnrolmentError> {
    let domain = read_domain(folder)?;
    let key = TlsKey::read(&folder.join(names::ISSUING_KEY))?;
    let certificate = chain_for(&folder.join(names::ISSUING), &key.spki_sha256())?.swap_remove(0);
    Ok(CertificateAuthority::from_parts(domain, certificate, key)?)
}

/// A roster authority's signing key in the folder of its holder.
pub(crate) fn authority_key(folder: &Path, index: u8) -> PathBuf {
    folder.join(format!("authority-{index}.key"))
}

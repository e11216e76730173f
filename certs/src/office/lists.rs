//! The lists that an authority's folder makes: of its leaves, for days, by the online issuing authorities; and of the issuing authorities, for
//! months, by the root, whose key is offline.
//!
//! ```text
//! revoked-authorities   serial 4b1c.. not-after 1902592000 at 1900000000 reason key-compromise
//! root-list.pem         what the roots signed (PEM)
//! revocations.pem       the authorities, their lists, and those of the roots (PEM): what everybody needs
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::deny::sign_anew;
use super::revoked::read_revoked;
use crate::enrolment::{EnrolmentError, certificates_text, names, open_authority};
use crate::fault::FaultKind;
use crate::identity::{TrustDomain, parse_certificate};
use crate::inspect::{serial_of, validity_of};
use crate::issue::{CertificateAuthority, ListEntry, RevocationReason, Validity};
use crate::keys::TlsKey;
use crate::lines::{Fields, hex, read_list, write_list};
use crate::revocation::{ListNumber, issued_by};
use crate::tls::{read_certificates, read_revocations};
use tributary_storage::files::{self, Existing, FileError, sync_folder};
use tributary_storage::lock::FolderLock;

/// For how many days a list of leaves counts, unless another number is given.
pub const REVOCATION_DAYS: u64 = 7;

/// For how many days a root's list counts, unless another number is given.
pub const ROOT_LIST_DAYS: u64 = 180;

/// How many days a list of leaves may count at most: whoever misses a new one believes a revoked certificate for so long.
const REVOCATION_DAYS_MAX: u64 = 90;

/// The same of a root's list, for which people must meet.
const ROOT_LIST_DAYS_MAX: u64 = 400;

const DAY: u64 = 86_400;

/// What the roots signed.
const ROOT_LIST: &str = "root-list.pem";

const REVOKED: &str = "revoked-authorities";
const REVOKED_TITLE: &str = "tributary revoked authorities 1";

/// An issuing authority that was revoked.
struct RevokedAuthority {
    entry: ListEntry,
    not_after: u64,
}

impl RevokedAuthority {
    fn line(&self) -> String {
        let ListEntry { serial, at, reason } = &self.entry;
        format!("serial {} not-after {} at {at} reason {}\n", hex(serial), self.not_after, reason.as_str())
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let (serial, not_after, at) = (fields.bytes("serial")?, fields.number("not-after")?, fields.number("at")?);
        let reason = RevocationReason::parse(fields.text("reason")?)?;
        fields.end().map(|()| Self { entry: ListEntry { serial, at, reason }, not_after })
    }
}

fn read_revoked_authorities(folder: &Path) -> Result<Vec<RevokedAuthority>, FileError> {
    read_list(&folder.join(REVOKED), REVOKED_TITLE, "list of revoked authorities", RevokedAuthority::parse)
}

/// Makes a fresh list of what was revoked, that counts for `days`: before the last one runs out, and nothing need be revoked for it. Its number.
///
/// # Errors
/// [`EnrolmentError`].
pub fn fresh_list(folder: &Path, days: u64, now: u64) -> Result<ListNumber, EnrolmentError> {
    let days = days_checked(days)?;
    let _lock = FolderLock::take(folder)?;
    make_list(folder, days, now)
}

/// As [`fresh_list`], if the last list has less than half of its usual life left, or lacks what was noted as revoked: what an office does by itself.
///
/// # Errors
/// [`EnrolmentError`].
pub fn refresh_list(folder: &Path, now: u64) -> Result<Option<ListNumber>, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    let path = folder.join(names::REVOCATIONS);
    let lists = if path.exists() { read_revocations(&path)? } else { Vec::new() };
    let own = authorities(folder, now)?;
    let fresh = |authority: &CertificateAuthority| {
        let named = lists.iter().filter(|list| is_of(list, authority.certificate()));
        named.filter_map(|list| end_of(list)).any(|end| end >= now + REVOCATION_DAYS * DAY / 2)
    };
    let revoked = read_revoked(folder)?;
    let noted: Vec<Vec<u8>> =
        revoked.into_iter().filter(|revoked| revoked.not_after >= now).map(|revoked| revoked.serial).collect();
    let complete = unsigned_leaves(folder, &noted, now)?.is_empty();
    if complete && own.iter().all(fresh) {
        // They may have their name not yet for good.
        sync_folder(folder)?;
        return Ok(None);
    }
    make_list(folder, REVOCATION_DAYS, now).map(Some)
}

/// Has every root of `trust.pem` whose key lies in the folder `keys` sign a fresh list of issuing authorities, that counts for `days`. Its number.
///
/// # Errors
/// [`FaultKind::KeyMismatch`] if no root's key is there; [`EnrolmentError`].
pub fn fresh_root_list(folder: &Path, keys: &Path, days: u64, now: u64) -> Result<ListNumber, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    let number = make_root_list(folder, keys, days, now)?;
    make_list(folder, REVOCATION_DAYS, now)?;
    Ok(number)
}

/// Puts an issuing authority on the roots' list. Whether it was not there.
///
/// # Errors
/// [`EnrolmentError::RevokedStanding`] for the one that stands, which is replaced first; [`FaultKind::ForeignAuthority`] if no root of `trust.pem` issued it, [`FaultKind::Expired`] if it has ended, [`FaultKind::KeyMismatch`] if the
/// key of the root that issued it is not there; as [`fresh_root_list`].
pub fn revoke_issuing(
    folder: &Path,
    authority: &CertificateDer<'_>,
    keys: &Path,
    reason: RevocationReason,
    now: u64,
) -> Result<bool, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    // Tokens, certificates and lists would go on under it, and nobody would believe them.
    if read_certificates(&folder.join(names::ISSUING))?.first() == Some(authority) {
        return Err(EnrolmentError::RevokedStanding);
    }
    if validity_of(authority)?.not_after < now {
        let detail = "the authority has ended, so that nobody believes what it issued; there is nothing to revoke";
        return Err(FaultKind::Expired.because(detail).into());
    }
    mark_revoked(folder, authority, reason, now)?;
    let new = !revoked_by_root(folder, authority)?;
    if new {
        make_root_list(folder, keys, ROOT_LIST_DAYS, now)?;
        make_list(folder, REVOCATION_DAYS, now)?;
        demand_revoked_by_root(folder, authority)?;
    } else {
        // What says so may have its name not yet for good.
        sync_folder(folder)?;
    }
    Ok(new)
}

/// Whether the list of the root that issued an authority names it, where everybody reads it.
fn revoked_by_root(folder: &Path, authority: &CertificateDer<'_>) -> Result<bool, EnrolmentError> {
    let mut roots = read_certificates(&folder.join(names::TRUST))?;
    roots.retain(|root| issued_by(authority, root));
    Ok(unsigned(&folder.join(names::REVOCATIONS), &roots, &[serial_of(authority)?])?.is_empty())
}

/// Nobody is told that an authority is revoked where another root's key was at hand than its own root's.
pub(super) fn demand_revoked_by_root(folder: &Path, authority: &CertificateDer<'_>) -> Result<(), EnrolmentError> {
    if revoked_by_root(folder, authority)? {
        return Ok(());
    }
    let detail = "the authority is noted as revoked, and NO list says so yet: the key of the root that issued it is not on the medium; bring the \
                  medium with that key, and run `tributary certs crl --root --keys MEDIUM`";
    Err(FaultKind::KeyMismatch.because(detail).into())
}

/// Those of these serial numbers that some signer has not signed as revoked, in the lists of a file. A mark counts with a signed list alone, and a
/// try that stopped between the two has left a mark without: so the list is signed whenever it lacks one, not whenever a mark is new.
fn unsigned<'a>(
    path: &Path,
    signers: &[CertificateDer<'_>],
    serials: &'a [Vec<u8>],
) -> Result<Vec<&'a [u8]>, EnrolmentError> {
    let lists = if path.exists() { read_revocations(path)? } else { Vec::new() };
    let signed: Vec<BTreeSet<Vec<u8>>> = signers
        .iter()
        .map(|signer| lists.iter().filter(|list| is_of(list, signer)).flat_map(serials_of).collect())
        .collect();
    let by_all = |serial: &[u8]| signed.iter().all(|list| list.contains(serial));
    Ok(serials.iter().map(Vec::as_slice).filter(|serial| !by_all(serial)).collect())
}

/// As [`unsigned`], of certificates that the folder's authorities issued, in their own lists.
pub(super) fn unsigned_leaves<'a>(
    folder: &Path,
    serials: &'a [Vec<u8>],
    now: u64,
) -> Result<Vec<&'a [u8]>, EnrolmentError> {
    let own = authorities(folder, now)?;
    let signers: Vec<_> = own.iter().map(|authority| authority.certificate().clone()).collect();
    unsigned(&folder.join(names::REVOCATIONS), &signers, serials)
}

/// Notes that an authority is revoked: it counts with the next list of its root. The folder's lock is held.
pub(super) fn mark_revoked(
    folder: &Path,
    authority: &CertificateDer<'_>,
    reason: RevocationReason,
    now: u64,
) -> Result<bool, EnrolmentError> {
    if issued_by(authority, authority) {
        // A root's own list takes no effect on the root: whoever believed this would think that a thief is out.
        return Err(EnrolmentError::RevokedRoot);
    }
    let roots = read_certificates(&folder.join(names::TRUST))?;
    if !roots.iter().any(|root| issued_by(authority, root)) {
        return Err(FaultKind::ForeignAuthority
            .because("no root of trust.pem issued it, so that none can revoke it")
            .into());
    }
    let serial = serial_of(authority)?;
    let mut list = read_revoked_authorities(folder)?;
    if list.iter().any(|other| other.entry.serial == serial) {
        return Ok(false);
    }
    let not_after = validity_of(authority)?.not_after;
    list.push(RevokedAuthority { entry: ListEntry { serial, at: now, reason }, not_after });
    write_list(&folder.join(REVOKED), REVOKED_TITLE, list.iter().map(RevokedAuthority::line))?;
    Ok(true)
}

/// Refuses where the issuing authority that stands is noted as revoked: a renewal that was to replace it broke off before the switch, and a root's list made
/// now would leave nobody whom a branch believes.
pub(super) fn demand_standing(folder: &Path) -> Result<(), EnrolmentError> {
    let standing = serial_of(open_authority(folder)?.certificate())?;
    let revoked = read_revoked_authorities(folder)?.iter().any(|revoked| revoked.entry.serial == standing);
    if revoked { Err(EnrolmentError::StandingRevoked) } else { Ok(()) }
}

pub(super) fn days_checked(days: u64) -> Result<u64, EnrolmentError> {
    let good = (1..=REVOCATION_DAYS_MAX).contains(&days);
    if good { Ok(days) } else { Err(EnrolmentError::ListDays { limit: REVOCATION_DAYS_MAX }) }
}

/// The roots' lists; those of a root whose key is not at hand stay. None is made that names the authority which stands. The folder's lock is held.
pub(crate) fn make_root_list(folder: &Path, keys: &Path, days: u64, now: u64) -> Result<ListNumber, EnrolmentError> {
    if !(1..=ROOT_LIST_DAYS_MAX).contains(&days) {
        return Err(EnrolmentError::ListDays { limit: ROOT_LIST_DAYS_MAX });
    }
    demand_standing(folder)?;
    let path = folder.join(ROOT_LIST);
    let old = if path.exists() { read_revocations(&path)? } else { Vec::new() };
    let number = next_number(old.iter())?;
    let domain = TrustDomain::parse(files::read_text(&folder.join(names::DOMAIN), "trust domain")?.trim_end())?;
    let revoked = read_revoked_authorities(folder)?;
    let entries: Vec<_> =
        revoked.iter().filter(|revoked| revoked.not_after >= now).map(|revoked| revoked.entry.clone()).collect();
    let mut at_hand = root_keys(keys)?;
    let (mut text, mut signed) = (String::new(), 0);
    for root in read_certificates(&folder.join(names::TRUST))? {
        let spki = parse_certificate(&root)?.public_key().raw.to_vec();
        let list = match at_hand.iter().position(|key| key.spki() == spki) {
            Some(place) => {
                signed += 1;
                let authority = CertificateAuthority::from_parts(domain.clone(), root, at_hand.swap_remove(place))?;
                let validity = Validity::starting(now, days * DAY);
                let outer = authority.validity().not_after;
                let validity = Validity { not_after: validity.not_after.min(outer), ..validity };
                Some(authority.revocation_list_of(number, validity, &entries)?)
            }
            None => old.iter().find(|list| is_of(list, &root)).cloned(),
        };
        text += &list.map_or_else(String::new, |list| pem::encode(&pem::Pem::new("X509 CRL", list.to_vec())));
    }
    if signed == 0 {
        let detail = format!("{} holds the key of no root in trust.pem", keys.display());
        return Err(FaultKind::KeyMismatch.because(detail).into());
    }
    files::write_public(&path, text.as_bytes(), Existing::Replace)?;
    Ok(number)
}

/// The roots' keys on a medium: `root.key`, and those that a new root took the name from.
fn root_keys(keys: &Path) -> Result<Vec<TlsKey>, FileError> {
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name == names::ROOT_KEY || name.starts_with("root-old-") && name.ends_with(".key"))
    };
    listed(keys, named)?.iter().map(|path| TlsKey::read(path)).collect()
}

/// Every issuing authority of the folder signs one, those that were replaced too: their leaves live on for a month. The serial numbers are
/// random, so that all stand in every list. The folder's lock is held.
pub(crate) fn make_list(folder: &Path, days: u64, now: u64) -> Result<ListNumber, EnrolmentError> {
    let path = folder.join(names::REVOCATIONS);
    let own = authorities(folder, now)?;
    // Not verified: a root that was taken out must not keep anybody from revoking.
    let old = if path.exists() { read_revocations(&path)? } else { Vec::new() };
    let ours =
        |list: &&CertificateRevocationListDer<'_>| own.iter().any(|authority| is_of(list, authority.certificate()));
    let number = next_number(old.iter().filter(ours))?;
    let validity = Validity::starting(now, days * DAY);
    let revoked = read_revoked(folder)?;
    let current = revoked.iter().filter(|revoked| revoked.not_after >= now);
    let entries: Vec<_> = current
        .map(|revoked| ListEntry { serial: revoked.serial.clone(), at: revoked.at, reason: revoked.reason })
        .collect();
    let mut text = String::new();
    for authority in &own {
        let list = authority.revocation_list_of(number, validity, &entries)?;
        text += &certificates_text(std::slice::from_ref(authority.certificate()));
        text += &pem::encode(&pem::Pem::new("X509 CRL", list.to_vec()));
    }
    let roots = folder.join(ROOT_LIST);
    if roots.exists() {
        text += &files::read_text(&roots, "list of the roots")?;
    }
    files::write_public(&path, text.as_bytes(), Existing::Replace)?;
    sign_anew(folder, &own[0])?;
    Ok(number)
}

/// One more than the largest.
fn next_number<'a>(
    lists: impl Iterator<Item = &'a CertificateRevocationListDer<'static>>,
) -> Result<ListNumber, EnrolmentError> {
    let last = lists.filter_map(number_of).max().unwrap_or(ListNumber::from(0));
    let used_up = || {
        FaultKind::OfficeUnavailable.because("the numbers of its revocation lists are used up; replace the authority")
    };
    Ok(last.next().ok_or_else(used_up)?)
}

fn number_of(list: &CertificateRevocationListDer<'static>) -> Option<ListNumber> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    ListNumber::from_be_bytes(&list.crl_number()?.to_bytes_be())
}

fn is_of(list: &CertificateRevocationListDer<'_>, authority: &[u8]) -> bool {
    let (Ok((_, list)), Ok(authority)) = (CertificateRevocationList::from_der(list), parse_certificate(authority))
    else {
        return false;
    };
    list.issuer() == authority.subject()
}

fn serials_of(list: &CertificateRevocationListDer<'_>) -> Vec<Vec<u8>> {
    let read = CertificateRevocationList::from_der(list);
    read.map(|(_, list)| list.iter_revoked_certificates().map(|revoked| revoked.raw_serial().to_vec()).collect())
        .unwrap_or_default()
}

fn end_of(list: &CertificateRevocationListDer<'_>) -> Option<u64> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    u64::try_from(list.next_update()?.timestamp()).ok()
}

/// The issuing authority first, and those it replaced, unless they have expired or stand under no root any more.
fn authorities(folder: &Path, now: u64) -> Result<Vec<CertificateAuthority>, EnrolmentError> {
    let own = open_authority(folder)?;
    let domain = own.trust_domain().clone();
    let mut all = vec![own];
    let roots = read_certificates(&folder.join(names::TRUST))?;
    for (certificate, path) in replaced_authorities(folder)? {
        let key = TlsKey::read(&path.with_extension("key"))?;
        let authority = CertificateAuthority::from_parts(domain.clone(), certificate, key)?;
        let current = authority.validity().not_after >= now;
        let trusted = roots.iter().any(|root| issued_by(authority.certificate(), root));
        if current && trusted && all.iter().all(|other| other.certificate() != authority.certificate()) {
            all.push(authority);
        }
    }
    Ok(all)
}

/// The certificates of the authorities that were replaced, with their files.
pub(super) fn replaced_authorities(folder: &Path) -> Result<Vec<(CertificateDer<'static>, PathBuf)>, FileError> {
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("issuing-old-") && name.ends_with(".pem"))
    };
    listed(folder, named)?.into_iter().map(|path| Ok((read_certificates(&path)?.swap_remove(0), path))).collect()
}

/// The files of a folder with such names, sorted.
fn listed(folder: &Path, named: impl Fn(&PathBuf) -> bool) -> Result<Vec<PathBuf>, FileError> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(FileError::system("listing", folder))?;
    files.retain(named);
    files.sort();
    Ok(files)
}

/// Gives a folder the lists of an authority's, each organisation's in its own file.
pub(crate) fn copy_lists(authority: &Path, folder: &Path) -> Result<(), FileError> {
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| {
            name == names::REVOCATIONS || name.starts_with("revocations-") && name.ends_with(".pem")
        })
    };
    for path in listed(authority, named)? {
        let name = path.file_name().unwrap_or_default();
        files::write_public(&folder.join(name), &files::read_public(&path)?, Existing::Replace)?;
    }
    Ok(())
}

//! Lists on their way to a branch: in the office's answers, and after a session's welcome. Whoever carries them cannot change them, and what a
//! branch holds is never made older or fewer.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::error::RevocationFileError;
use super::known::KnownNumbers;
use super::read::organisation_file;
use super::scope::Scope;
use super::seen::Seen;
use super::standing::Revocation;
use crate::enrolment::names;
use crate::fault::FaultKind;
use crate::identity::Identity;
use crate::trust::TrustRoots;
use tributary_storage::files::{self, Existing};

/// Longest text of lists that is carried, in bytes.
pub const LISTS_BYTES_MAX: usize = 1 << 20;

/// The name of the file whose lists count for a coordinator, in a folder with these roots.
#[must_use]
pub fn carried_name(roots: &TrustRoots, coordinator: &Identity) -> String {
    let organisation = coordinator.organisation();
    let own = roots.organisations().any(|other| other == organisation);
    let path = if own {
        organisation_file(Path::new(names::REVOCATIONS), organisation)
    } else {
        PathBuf::from(names::REVOCATIONS)
    };
    path.display().to_string()
}

/// What a coordinator carries: the text of the lists that count for itself, from the file of the general ones or from one beside it. Nothing
/// where there is none, or one that is too long.
#[must_use]
pub fn read_carried(general: &Path, roots: &TrustRoots, coordinator: &Identity) -> Option<Vec<u8>> {
    let own = carried_name(roots, coordinator);
    let path = if own == names::REVOCATIONS { general.to_owned() } else { general.with_file_name(own) };
    files::read_public(&path).ok().filter(|text| text.len() <= LISTS_BYTES_MAX)
}

/// Takes lists that were carried into a branch's folder: verified against the roots that it trusts, joined with those that it holds, and
/// written if something is newer. Whether that was so. `now` is in Unix seconds.
///
/// # Errors
/// [`FaultKind::RevocationListForged`] for what does not prove itself; nothing is changed then.
pub fn take_carried(folder: &Path, coordinator: &Identity, text: &[u8], now: u64) -> Result<bool, RevocationFileError> {
    if text.len() > LISTS_BYTES_MAX {
        return Err(FaultKind::RevocationListForged.because(format!("{} bytes", text.len())).into());
    }
    let trust = folder.join(names::TRUST);
    let roots = TrustRoots::read(&trust).map_err(|fault| RevocationFileError::Roots(fault.to_string()))?;
    let path = folder.join(carried_name(&roots, coordinator));
    let seen = Seen::beside(&trust)?;
    let set = &roots.of(coordinator.organisation()).certificates;
    let offered = Scope::parse(text, set)?;
    // A file that cannot be used any more is made good by what was offered.
    let held = files::read_public(&path).ok().and_then(|text| Scope::parse(&text, set).ok());
    let joined = held.as_ref().map_or(Ok(offered.clone()), |held| joined(held, &offered, set))?;
    // Older lists among what was offered are passed over; what is left must not be older than anything that was in force.
    seen.admits(&joined)?;
    let new = joined.print(now);
    if held.is_some_and(|held| held.print(now) == new) {
        // An earlier try may have written them, and not for good.
        files::sync_folder(folder)?;
        return Ok(false);
    }
    files::write_public(&path, new.as_bytes(), Existing::Replace)?;
    Ok(true)
}

/// Whether lists that were carried are no older than what is known, for a folder that holds none yet. Nothing is written.
///
/// # Errors
/// [`FaultKind::RevocationListOlder`]; [`FaultKind::RevocationListForged`] for what does not prove itself.
pub(crate) fn admit_carried(
    text: &[u8],
    roots: &[CertificateDer<'static>],
    known: &KnownNumbers,
) -> Result<(), RevocationFileError> {
    Ok(known.admit(&Scope::parse(text, roots)?)?)
}

/// What the newest lists, carried or held in a branch's folder, say of an authority under these roots.
pub(crate) fn standing_with(
    folder: &Path,
    text: &[u8],
    roots: &[CertificateDer<'static>],
    authority: &[u8],
    now: u64,
) -> Result<Revocation, RevocationFileError> {
    if text.len() > LISTS_BYTES_MAX {
        return Err(FaultKind::RevocationListForged.because(format!("{} bytes", text.len())).into());
    }
    let offered = Scope::parse(text, roots)?;
    let held = files::read_public(&folder.join(names::REVOCATIONS)).ok();
    let held = held.and_then(|text| Scope::parse(&text, roots).ok());
    let all = held.map_or(Ok(offered.clone()), |held| joined(&held, &offered, roots))?;
    Ok(all.standing(authority, now))
}

/// The newest of both, of each issuer.
fn joined(held: &Scope, offered: &Scope, roots: &[CertificateDer<'static>]) -> Result<Scope, RevocationFileError> {
    let text = [held.print(0), offered.print(0)].concat();
    let mut authorities: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(text.as_bytes()).filter_map(Result::ok).collect();
    authorities.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
    authorities.dedup();
    let lists = held.lists.iter().chain(&offered.lists).map(|list| list.der.clone()).collect();
    Ok(Scope::verified(lists, &authorities, roots)?)
}

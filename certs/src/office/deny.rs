//! The deny-list in an authority's folder.

use std::path::Path;

use crate::denied::{DENIED, Denied, DenyEntry, DenyList, IssueOrFile};
use crate::enrolment::{EnrolmentError, open_authority, read_members};
use crate::fault::FaultKind;
use crate::identity::{Identity, Role};
use crate::issue::{CertificateAuthority, RevocationReason};
use tributary_storage::files::{FileError, sync_folder};
use tributary_storage::lock::FolderLock;

/// Who is denied.
///
/// # Errors
/// [`EnrolmentError`].
pub fn read_denied(folder: &Path) -> Result<DenyList, EnrolmentError> {
    Ok(DenyList::read_own(&folder.join(DENIED), &open_authority(folder)?)?)
}

/// Denies. Whether it was not so before; `now` is in Unix seconds.
///
/// # Errors
/// [`FaultKind::MemberUnknown`] for a number that no member has, [`FaultKind::ForeignDomain`] and [`FaultKind::WrongRole`] for an identity that
/// no door of this federation lets in as a client anyway; [`EnrolmentError`].
pub fn deny(folder: &Path, who: Denied, reason: RevocationReason, now: u64) -> Result<bool, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    match &who {
        Denied::Client(client) if read_members(folder)?.iter().all(|member| member.entry.client != *client) => {
            return Err(FaultKind::MemberUnknown.because(format!("no member has the number {client}")).into());
        }
        Denied::Identity(identity) => deniable(folder, identity)?,
        Denied::Client(_) | Denied::Key(_) | Denied::Signing(_) => {}
    }
    deny_locked(folder, DenyEntry { who, at: now, reason })
}

fn deniable(folder: &Path, identity: &Identity) -> Result<(), EnrolmentError> {
    let authority = open_authority(folder)?;
    if identity.trust_domain() != authority.trust_domain() {
        return Err(FaultKind::ForeignDomain.because(identity).into());
    }
    if identity.role() != Role::Client {
        let detail = format!(
            "{identity} comes through no coordinator's door, where this list counts; revoke its certificates (`tributary certs revoke`)"
        );
        return Err(FaultKind::WrongRole.because(detail).into());
    }
    Ok(())
}

/// As [`deny`], with the folder's lock held.
pub(super) fn deny_locked(folder: &Path, entry: DenyEntry) -> Result<bool, EnrolmentError> {
    let authority = open_authority(folder)?;
    let path = folder.join(DENIED);
    let mut list = DenyList::read_own(&path, &authority)?;
    let added = list.add(entry);
    // What another authority signed may count nowhere any more: then the entry is as good as new.
    let new = added || list.order().is_none();
    if new {
        list.sign(&path, &authority)?;
    } else {
        // An earlier try may have written it, and not for good.
        sync_folder(folder)?;
    }
    Ok(new)
}

/// Takes an entry out. Whether it was there.
///
/// # Errors
/// [`EnrolmentError`].
pub fn allow(folder: &Path, who: &Denied) -> Result<bool, EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    allow_locked(folder, who)
}

/// As [`allow`], with the folder's lock held.
pub(super) fn allow_locked(folder: &Path, who: &Denied) -> Result<bool, EnrolmentError> {
    let authority = open_authority(folder)?;
    let path = folder.join(DENIED);
    let mut list = DenyList::read_own(&path, &authority)?;
    let there = list.remove(who);
    if there {
        list.sign(&path, &authority)?;
    } else {
        sync_folder(folder)?;
    }
    Ok(there)
}

/// Signs the list again where another authority signed it: that one may be revoked or end. The folder's lock is held.
pub(super) fn sign_anew(folder: &Path, authority: &CertificateAuthority) -> Result<(), EnrolmentError> {
    let path = folder.join(DENIED);
    let mut list = DenyList::read_own(&path, authority)?;
    if path.exists() && list.order().is_none() {
        list.sign(&path, authority)?;
    }
    Ok(())
}

impl From<IssueOrFile> for EnrolmentError {
    fn from(fault: IssueOrFile) -> Self {
        match fault {
            IssueOrFile::Issue(fault) => fault.into(),
            IssueOrFile::File(fault) => FileError::into(fault),
        }
    }
}

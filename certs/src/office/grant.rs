//! The last steps of a granted request: the certificate, its copy, its line in the log, and the signed answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;

use super::csr::Checked;
use super::wire::{Answer, Granted, Hex};
use super::{BINDINGS, Issued, Office, approvals, record, succession};
use crate::binding::{SignedBinding, record_binding};
use crate::enrolment::{EnrolmentError, TLS_SECONDS, certificates_text, names, open_authority, write_certificates};
use crate::entropy::OsEntropy;
use crate::fault::FaultKind;
use crate::inspect::validity_of;
use crate::issue::{IssueError, LeafRequest, Validity};
use crate::renewal::GRACE_SECONDS;
use crate::tls::read_certificates;
use crate::trust::organisation_files;
use tributary_storage::files::{self, Existing, FileError};

/// The folder of the chains that were granted, named by the keys they are for.
const GRANTED: &str = "granted";

/// A request that was judged good.
pub(super) struct Wanted<'a> {
    pub(super) asked: &'a Checked,
    pub(super) keys: Digest,
    pub(super) client: ClientId,
    pub(super) binding: Option<SignedBinding>,
}

fn path_of(folder: &Path, keys: &Digest) -> PathBuf {
    folder.join(GRANTED).join(format!("{keys}.pem"))
}

/// The chain that was granted for these keys before.
pub(super) fn stored(folder: &Path, keys: &Digest) -> Result<Option<Vec<CertificateDer<'static>>>, FileError> {
    let path = path_of(folder, keys);
    if path.exists() { read_certificates(&path).map(Some) } else { Ok(None) }
}

/// Removes chains that ended so long ago that nobody is given them again.
fn forget_past(folder: &Path, now: u64) -> Result<(), FileError> {
    let granted = folder.join(GRANTED);
    let entries = fs::read_dir(&granted).map_err(FileError::system("listing", &granted))?;
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let chain = read_certificates(&path).ok();
        let end = chain.and_then(|chain| validity_of(chain.first()?).ok()).map(|validity| validity.not_after);
        if end.is_some_and(|end| end.saturating_add(GRACE_SECONDS) < now) {
            fs::remove_file(&path).map_err(FileError::system("removing", &path))?;
        }
    }
    Ok(())
}

impl Office {
    /// Grants it: `chain` is what the organisation's own authority made, `None` has ours issue. The folder's lock is held.
    pub(super) fn grant(
        &self,
        wanted: &Wanted<'_>,
        chain: Option<Vec<CertificateDer<'static>>>,
        now: u64,
    ) -> Result<(Answer, String), EnrolmentError> {
        let Wanted { asked, keys, client, binding } = wanted;
        let authority = open_authority(&self.folder)?;
        // Whatever could be missing is read before anything is issued.
        let trust = trust_files(&self.folder)?;
        let authorities = files::read_text(&self.folder.join(names::AUTHORITIES), "list of roster authorities")?;
        let coordinator = self.coordinator()?;
        let chain = match (stored(&self.folder, keys)?, chain) {
            (Some(stored), _) => stored,
            (None, Some(given)) => given,
            (None, None) => {
                let request = LeafRequest {
                    identity: asked.identity.clone(),
                    host_names: vec![],
                    addresses: vec![],
                    // Shorter at the end of the authority's own life, rather than refused.
                    validity: Validity {
                        not_after: authority.validity().not_after.min(now.saturating_add(TLS_SECONDS)),
                        ..Validity::starting(now, TLS_SECONDS)
                    },
                };
                authority.issue_for(&mut OsEntropy, &request, &asked.spki)?.into_certificates()
            }
        };
        files::create_private_folder(&self.folder.join(GRANTED))?;
        // The copy first: after a crash the same certificate is found and logged. Nobody has it before the log does.
        write_certificates(&path_of(&self.folder, keys), &chain, Existing::Replace)?;
        if record(&self.folder, Issued::of(&chain[0])?, now)? {
            forget_past(&self.folder, now)?;
        }
        if let Some(binding) = binding {
            record_binding(&self.folder.join(BINDINGS), binding.clone())?;
        }
        approvals::forget(&self.folder, *keys, now)?;
        // Of all that this answer rests on some may be an earlier try's, and not there for good.
        files::sync_folder(&self.folder)?;
        let mut granted = Granted {
            client: client.0,
            chain: certificates_text(&chain),
            issuing: certificates_text(std::slice::from_ref(authority.certificate())),
            trust,
            succession: succession::read_text(&self.folder)?,
            lists: lists(&self.folder)?,
            authorities,
            coordinator,
            binding: binding.as_ref().map(|binding| Hex(binding.encode())),
            signature: Hex(vec![]),
        };
        granted.signature =
            Hex(rcgen::SigningKey::sign(authority.key().pair(), &granted.input()).map_err(IssueError::from)?);
        let outcome = format!("{} was given a certificate as client {client}", asked.identity);
        Ok((Answer::Granted(Box::new(granted)), outcome))
    }

    fn coordinator(&self) -> Result<String, EnrolmentError> {
        let path = self.folder.join(names::COORDINATOR);
        if path.exists() {
            return Ok(files::read_text(&path, "coordinator's identity and public key")?);
        }
        Err(FaultKind::OfficeUnavailable.because("no coordinator was issued yet").into())
    }
}

/// The text of the lists.
pub(super) fn lists(folder: &Path) -> Result<String, FileError> {
    files::read_text(&folder.join(names::REVOCATIONS), "file of revocation lists")
}

/// The trust files of a folder by name.
pub(super) fn trust_files(folder: &Path) -> Result<BTreeMap<String, String>, FileError> {
    let general = folder.join(names::TRUST);
    let mut files = BTreeMap::from([(names::TRUST.to_owned(), general.clone())]);
    for (organisation, path) in organisation_files(&general)? {
        files.insert(format!("trust-{organisation}.pem"), path);
    }
    let read = |(name, path): (String, PathBuf)| Ok((name, certificates_text(&read_certificates(&path)?)));
    files.into_iter().map(read).collect()
}

/// Gives a folder the trust files of an authority's.
pub(crate) fn copy_trust(authority: &Path, folder: &Path) -> Result<(), FileError> {
    write_trust_files(folder, &trust_files(authority)?)
}

/// Makes a folder's trust files these, and removes those of organisations that have none any more.
pub(super) fn write_trust_files(folder: &Path, trust: &BTreeMap<String, String>) -> Result<(), FileError> {
    for (name, text) in trust {
        files::write_public(&folder.join(name), text.as_bytes(), Existing::Replace)?;
    }
    for (organisation, path) in organisation_files(&folder.join(names::TRUST))? {
        if !trust.contains_key(&format!("trust-{organisation}.pem")) {
            fs::remove_file(&path).map_err(FileError::system("removing", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;

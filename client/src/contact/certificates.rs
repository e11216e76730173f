//! Certificates of what `client purge` has deleted.
//!
//! ```text
//! STATE/contact/certificates/pending.json   what is about to be deleted, before the first of it is
//!                           /000001.json    what was deleted, signed by the branch and chained; the register has its digest
//! ```
//!
//! A process that ends in between leaves what the next purge certifies: of what was about to be deleted, all that is gone.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_certs::deletion::{DeletionCertificate, Removed, verify_deletions};
use tributary_certs::inspect::date;
use tributary_protocol::digest::Digest;
use tributary_storage::files::{Existing, create_private_folder, read_public, write_private};
use tributary_texts::{Said, customer as words};

use super::event::ContactEvent;
use super::kept_scores::remove;
use super::store::Store;
use crate::error::ClientError;
use crate::identity::{own_name, own_signing_key};
use crate::settings::Settings;

const FOLDER: &str = "contact/certificates";
const PENDING: &str = "pending.json";

/// Something that is about to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Going {
    pub(super) removed: Removed,
    /// Where it is, if it is a file of its own.
    pub(super) path: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Pending {
    /// Of which certificate.
    number: u32,
    at: u64,
    going: Vec<Going>,
}

/// What will be certified.
pub(super) struct Certifying<'a> {
    settings: &'a Settings,
    folder: PathBuf,
    pending: Pending,
}

fn folder_of(settings: &Settings) -> PathBuf {
    settings.state_dir.join(FOLDER)
}

fn path_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:06}.json"))
}

/// The number of the next certificate.
fn next(store: &Store) -> u32 {
    u32::try_from(store.register().certificates.len()).unwrap_or(u32::MAX).saturating_add(1)
}

impl<'a> Certifying<'a> {
    /// Notes what is about to be deleted: durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn begin(
        settings: &'a Settings,
        store: &Store,
        (going, at): (Vec<Going>, u64),
    ) -> Result<Self, ClientError> {
        let folder = folder_of(settings);
        create_private_folder(&folder).map_err(ClientError::file)?;
        let pending = Pending { number: next(store), at, going };
        let text = serde_json::to_vec(&pending).map_err(ClientError::file)?;
        write_private(&folder.join(PENDING), &text, Existing::Replace).map_err(ClientError::file)?;
        Ok(Self { settings, folder, pending })
    }

    /// What the last purge left: some of it may be gone.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn left(settings: &'a Settings) -> Result<Option<Self>, ClientError> {
        let folder = folder_of(settings);
        let path = folder.join(PENDING);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_public(&path).map_err(ClientError::file)?;
        let pending = serde_json::from_slice(&bytes).map_err(ClientError::file)?;
        Ok(Some(Self { settings, folder, pending }))
    }

    /// Certifies what is gone; the certificate's number, if something is.
    ///
    /// # Errors
    /// If a file or the register cannot be written.
    pub(super) fn end(
        self,
        store: &mut Store,
        is_gone: impl Fn(&Store, &Going) -> bool,
    ) -> Result<Option<u32>, ClientError> {
        let Self { settings, folder, pending } = self;
        let Pending { number, at, going } = pending;
        let gone = going.into_iter().filter(|going| is_gone(store, going)).map(|going| going.removed);
        let gone: Vec<Removed> = gone.collect();
        let certified = number == next(store) && !gone.is_empty();
        if certified {
            let key = own_signing_key(&settings.identity.folder)?;
            let branch = own_name(&settings.identity.folder)?.to_string();
            let previous = store.register().certificates.last().copied().unwrap_or(Digest::ZERO);
            let certificate = DeletionCertificate::sign(&key, &branch, (number, previous), at, gone);
            let bytes = certificate.to_bytes();
            write_private(&path_of(&folder, number), &bytes, Existing::Replace).map_err(ClientError::file)?;
            store.record(at, ContactEvent::Certified { number, digest: certificate.digest() })?;
        }
        remove(&folder.join(PENDING))?;
        Ok(certified.then_some(number))
    }
}

/// A file's digest, before it is deleted.
pub(super) fn digest_of(path: &Path) -> Digest {
    fs::read(path).map_or(Digest::ZERO, |bytes| Digest::of(&bytes))
}

/// A certificate of this branch.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateLine {
    /// As its file has it.
    #[serde(flatten)]
    pub certificate: DeletionCertificate,
    /// What names it.
    #[serde(serialize_with = "super::hex::one")]
    pub digest: Digest,
    /// Where it is.
    pub path: PathBuf,
}

impl CertificateLine {
    /// For people.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let DeletionCertificate { number, at, removed, .. } = &self.certificate;
        let mut lines = vec![words::certificate(number, date(*at), removed.len(), self.digest)];
        lines.extend(removed.iter().map(|one| words::certificate_of(&one.kind, &one.name, &one.rule, &one.digest)));
        lines
    }
}

/// All certificates of this branch, the first one at the front: those that the register names, as it names them.
///
/// # Errors
/// If one is missing, was changed, or is another one than the register names.
pub fn certificates(config: &Path, now: u64) -> Result<Vec<CertificateLine>, ClientError> {
    let settings = Settings::load(config)?;
    let (store, folder) = (Store::open(&settings, now)?, folder_of(&settings));
    let mut all = Vec::new();
    for (number, digest) in (1..).zip(&store.register().certificates) {
        let path = path_of(&folder, number);
        let bytes = read_public(&path).map_err(ClientError::file)?;
        let found = DeletionCertificate::parse(&bytes).filter(|found| found.digest() == *digest);
        let changed = || ClientError::Said(words::certificate_changed(path.display()));
        let certificate = found.ok_or_else(changed)?;
        all.push(CertificateLine { certificate, digest: *digest, path });
    }
    let row: Vec<DeletionCertificate> = all.iter().map(|line| line.certificate.clone()).collect();
    verify_deletions(&row, &[]).map_err(ClientError::file)?;
    Ok(all)
}

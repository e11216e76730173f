//! Certificates of what `client purge` has deleted.
//!
//! ```text
//! STATE/contact/certificates/pending.json   what is about to be deleted, before the first of it is; under the key of pseudonyms
//!                           /000001.json    what was deleted, signed by the branch and chained; the register has its digest
//! ```
//!
//! A process that ends in between leaves what the next purge certifies: of what was about to be deleted, all that is gone.
//!
//! No certificate is ever replaced. A register that was cut and begun again does not know the last ones: they are taken into it again.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_certs::deletion::{DeletionCertificate, Removed, verify_deletions};
use tributary_certs::inspect::date;
use tributary_protocol::digest::Digest;
use tributary_storage::files::{Existing, create_private_folder, read_itself, write_private};
use tributary_texts::{Said, customer as words};

use super::event::ContactEvent;
use super::itself::is_gone;
use super::kept_scores::remove;
use super::made::INTERRUPTED;
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

/// The same, as its file has it. Nobody without the branch's key has this branch certify what he has deleted himself.
#[derive(Serialize, Deserialize)]
struct PendingFile {
    pending: Pending,
    /// Over the pending one, under the key of pseudonyms.
    tag: String,
}

impl Pending {
    fn tag(&self, store: &Store) -> Result<String, ClientError> {
        let body = serde_json::to_vec(self).map_err(ClientError::file)?;
        Ok(Digest(store.key().of("tributary/purge/pending", &body)).to_string())
    }
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

/// How many certificates the register names.
fn named(store: &Store) -> u32 {
    u32::try_from(store.register().certificates.len()).unwrap_or(u32::MAX)
}

/// The number of the next certificate.
fn next(store: &Store) -> u32 {
    named(store).saturating_add(1)
}

/// Takes certificates into the register that lie on the disk and follow on those that it names: it was cut and begun again, or a process ended between a
/// certificate and its record.
///
/// # Errors
/// If one of a later number does not follow, is another branch's, or is not signed by the branch's key.
fn adopt(settings: &Settings, store: &mut Store, now: u64) -> Result<(), ClientError> {
    let folder = folder_of(settings);
    let branch = own_name(&settings.identity.folder)?.to_string();
    let own = own_signing_key(&settings.identity.folder)?.verifying_key().to_string();
    let unknown = |path: &Path| ClientError::Said(words::certificate_unknown(path.display()));
    loop {
        let (number, path) = (next(store), path_of(&folder, next(store)));
        if is_gone(&path) {
            break;
        }
        let previous = store.register().certificates.last().copied();
        // The key may have been renewed after the last one that the register names.
        let last = previous.and_then(|digest| of_digest(&path_of(&folder, named(store)), digest).ok().flatten());
        let key =
            |found: &DeletionCertificate| found.key == own || last.as_ref().is_some_and(|last| last.key == found.key);
        let bytes = read_itself(&path).map_err(ClientError::file)?;
        let found = DeletionCertificate::parse(&bytes).filter(|found| {
            let follows = (found.number, found.previous.as_str())
                == (number, previous.unwrap_or(Digest::ZERO).to_string().as_str());
            follows && found.branch == branch && key(found) && found.is_signed()
        });
        let digest = found.ok_or_else(|| unknown(&path))?.digest();
        store.record(now, ContactEvent::Certified { number, digest })?;
    }
    match last_on_disk(&folder) {
        last if last > named(store) => Err(unknown(&path_of(&folder, last))),
        _ => Ok(()),
    }
}

/// The certificate of a file, if it is the one of this digest.
///
/// # Errors
/// If the file cannot be read.
fn of_digest(path: &Path, digest: Digest) -> Result<Option<DeletionCertificate>, ClientError> {
    let bytes = read_itself(path).map_err(ClientError::file)?;
    Ok(DeletionCertificate::parse(&bytes).filter(|found| found.digest() == digest))
}

/// The largest number of a certificate's file; 0 for none.
fn last_on_disk(folder: &Path) -> u32 {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let number = |name: &str| {
        name.strip_suffix(".json")?
            .parse::<u32>()
            .ok()
            .filter(|number| path_of(Path::new(""), *number) == Path::new(name))
    };
    names.filter_map(|name| number(name.to_str()?)).max().unwrap_or(0)
}

impl<'a> Certifying<'a> {
    /// Notes what is about to be deleted: durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written, or a certificate on the disk is none of this register's.
    pub(super) fn begin(
        settings: &'a Settings,
        store: &mut Store,
        (going, at): (Vec<Going>, u64),
    ) -> Result<Self, ClientError> {
        let folder = folder_of(settings);
        create_private_folder(&folder).map_err(ClientError::file)?;
        adopt(settings, store, at)?;
        let pending = Pending { number: next(store), at, going };
        let file = PendingFile { tag: pending.tag(store)?, pending };
        let text = serde_json::to_vec(&file).map_err(ClientError::file)?;
        write_private(&folder.join(PENDING), &text, Existing::Replace).map_err(ClientError::file)?;
        Ok(Self { settings, folder, pending: file.pending })
    }

    /// What the last purge left: some of it may be gone.
    ///
    /// # Errors
    /// If it cannot be read, or this branch did not write it.
    pub(super) fn left(settings: &'a Settings, store: &Store) -> Result<Option<Self>, ClientError> {
        let folder = folder_of(settings);
        let path = folder.join(PENDING);
        if is_gone(&path) {
            return Ok(None);
        }
        let bytes = read_itself(&path).map_err(ClientError::file)?;
        let changed = || ClientError::Said(words::pending_changed(path.display()));
        let PendingFile { pending, tag } = serde_json::from_slice(&bytes).map_err(|_| changed())?;
        if pending.tag(store)? != tag {
            return Err(changed());
        }
        Ok(Some(Self { settings, folder, pending }))
    }

    /// Certifies what is gone; the certificate's number, if something is.
    ///
    /// # Errors
    /// If a file or the register cannot be written, or a certificate on the disk is none of this register's.
    pub(super) fn end(
        self,
        store: &mut Store,
        is_deleted: impl Fn(&Store, &Going) -> bool,
    ) -> Result<Option<u32>, ClientError> {
        let Self { settings, folder, pending } = self;
        let Pending { number: pending, at, going } = pending;
        adopt(settings, store, at)?;
        // It may be there already, and not yet have been recorded. After a cut, the number may be a lower one.
        let is_written = pending <= named(store);
        let gone = going.into_iter().filter(|going| !is_written && is_deleted(store, going));
        let gone: Vec<Removed> = gone.map(|going| going.removed).collect();
        let number = (!gone.is_empty()).then(|| next(store));
        if let Some(number) = number {
            let key = own_signing_key(&settings.identity.folder)?;
            let branch = own_name(&settings.identity.folder)?.to_string();
            let previous = store.register().certificates.last().copied().unwrap_or(Digest::ZERO);
            let certificate = DeletionCertificate::sign(&key, &branch, (number, previous), at, gone);
            let bytes = certificate.to_bytes();
            write_private(&path_of(&folder, number), &bytes, Existing::Keep).map_err(ClientError::file)?;
            store.record(at, ContactEvent::Certified { number, digest: certificate.digest() })?;
        }
        remove(&folder.join(PENDING))?;
        Ok(number)
    }
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
        lines.extend(removed.iter().map(|one| match one.rule.as_str() {
            INTERRUPTED => words::certificate_of_unfinished(&one.name, &one.digest),
            rule => words::certificate_of(&one.kind, &one.name, rule, &one.digest),
        }));
        lines
    }
}

/// All certificates of this branch, the first one at the front: those that the register names, as it names them.
///
/// # Errors
/// If one is missing, was changed, is another one than the register names, or is of a later number and none of this register's.
pub fn certificates(config: &Path, now: u64) -> Result<Vec<CertificateLine>, ClientError> {
    let settings = Settings::load(config)?;
    let (mut store, folder) = (Store::open(&settings, now)?, folder_of(&settings));
    adopt(&settings, &mut store, now)?;
    let mut all = Vec::new();
    for (number, digest) in (1..).zip(&store.register().certificates) {
        let path = path_of(&folder, number);
        let changed = || ClientError::Said(words::certificate_changed(path.display()));
        let certificate = of_digest(&path, *digest)?.ok_or_else(changed)?;
        all.push(CertificateLine { certificate, digest: *digest, path });
    }
    let row: Vec<DeletionCertificate> = all.iter().map(|line| line.certificate.clone()).collect();
    verify_deletions(&row, &[]).map_err(ClientError::file)?;
    Ok(all)
}

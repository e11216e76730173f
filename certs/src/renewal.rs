//! When a certificate is due for renewal, and how a renewed one takes its place.
//!
//! The key, the chain and the binding are three files, and no operating system replaces three at once. The key's rename is the moment of the
//! change; before it the old pair stands, and after it whoever reads takes the chain that fits the key:
//!
//! ```text
//! made     identity.next.key                       old pair in use
//! answered identity.next.binding, identity.next.pem  old pair in use
//! 1        identity.next.key ─► identity.key         new key, its chain in identity.next.pem: found by `chain_for`
//! 2        identity.next.binding ─► identity.binding the same
//! 3        identity.next.pem ─► identity.pem         new pair in use
//! ```
//!
//! [`finish`] goes on wherever a crash stopped it. An issuing authority is replaced the same way, without a binding.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use serde::Serialize;
use tributary_protocol::digest::Digest;

use crate::binding::SignedBinding;
use crate::identity::spki_sha256_of;
use crate::issue::Validity;
use crate::keys::TlsKey;
use crate::tls::files::read_certificates;
use tributary_storage::files::{FileError, rename};

/// How long after its end a certificate is still renewed, if a person approves: 30 days.
pub const GRACE_SECONDS: u64 = 30 * 86_400;

/// How much of its life a certificate has left (docs/CERTIFICATES.md, "Renewal").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expiry {
    /// More than half.
    Fine,
    /// Half or less: renewal is due.
    Due,
    /// Less than a quarter: renewal has failed for a while.
    Warning,
    /// Less than a tenth.
    Critical,
    /// None.
    Expired,
}

impl Expiry {
    /// The level of a validity at `now`, in Unix seconds.
    #[must_use]
    pub fn of(validity: Validity, now: u64) -> Self {
        let Validity { not_before, not_after } = validity;
        if now > not_after {
            return Self::Expired;
        }
        let life = u128::from(not_after.saturating_sub(not_before));
        let per_cent = u128::from(not_after - now) * 100;
        match () {
            () if per_cent < life * 10 => Self::Critical,
            () if per_cent < life * 25 => Self::Warning,
            () if per_cent <= life * 50 => Self::Due,
            () => Self::Fine,
        }
    }
}

/// When to renew, in Unix seconds: at half of the life, up to a tenth of it earlier or later, so that branches enrolled together do not
/// all ask at once; `now` if that is past. `draw` is any number, uniformly drawn once for a certificate.
#[must_use]
pub fn renewal_due(validity: Validity, now: u64, draw: u64) -> u64 {
    let life = validity.not_after.saturating_sub(validity.not_before);
    let fifth = (u128::from(life / 5) * u128::from(draw)) >> 64;
    let jitter = u64::try_from(fifth).expect("a part of a 64-bit number");
    let due = validity.not_before.saturating_add(life / 2 - life / 10).saturating_add(jitter);
    due.max(now)
}

/// Where the parts of a renewal lie: beside the parts that they replace.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    folder: PathBuf,
    stem: &'static str,
}

impl Places {
    /// A daemon's.
    pub(crate) fn daemon(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), stem: "identity" }
    }

    /// An issuing authority's.
    pub(crate) fn authority(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), stem: "issuing" }
    }

    pub(crate) fn current(&self, part: &str) -> PathBuf {
        self.folder.join(format!("{}.{part}", self.stem))
    }

    pub(crate) fn next(&self, part: &str) -> PathBuf {
        self.folder.join(format!("{}.next.{part}", self.stem))
    }

    /// Whether the next chain is for this key file.
    fn next_fits(&self, key: &Path) -> Result<bool, FileError> {
        if !key.exists() || !self.next("pem").exists() {
            return Ok(false);
        }
        fits(&read_certificates(&self.next("pem"))?, &TlsKey::read(key)?.spki_sha256(), &self.next("pem"))
    }

    /// The parts that a switch has yet to move, in order; none if there is nothing to switch.
    fn steps(&self) -> Result<Vec<&'static str>, FileError> {
        let key = self.next_fits(&self.next("key"))?;
        if !key && !self.next_fits(&self.current("key"))? {
            return Ok(vec![]);
        }
        let parts = ["key", "binding", "pem"].into_iter().filter(|part| *part != "key" || key);
        Ok(parts.filter(|part| self.next(part).exists()).collect())
    }

    fn advance(&self, part: &str) -> Result<(), FileError> {
        rename(&self.next(part), &self.current(part))
    }

    /// Goes through with a switch, from the beginning or from where a crash stopped it; whether there was one.
    pub(crate) fn finish(&self) -> Result<bool, FileError> {
        let steps = self.steps()?;
        steps.iter().try_for_each(|part| self.advance(part))?;
        Ok(!steps.is_empty())
    }
}

/// Completes a renewal in a daemon's folder that was answered, wherever a crash stopped it; whether there was one. For a daemon's start,
/// before it reads its identity, and at the end of a renewal.
///
/// # Errors
/// [`FileError`].
pub fn finish(folder: &Path) -> Result<bool, FileError> {
    Places::daemon(folder).finish()
}

/// The chain of a file, or, in the middle of a renewal, the one beside it that fits the key.
///
/// # Errors
/// [`FileError`].
pub(crate) fn chain_for(path: &Path, spki_sha256: &Digest) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let chain = read_certificates(path)?;
    let next = path.with_extension("next.pem");
    if fits(&chain, spki_sha256, path)? || !next.exists() {
        return Ok(chain);
    }
    let other = read_certificates(&next)?;
    Ok(if fits(&other, spki_sha256, &next)? { other } else { chain })
}

fn fits(chain: &[CertificateDer<'_>], spki_sha256: &Digest, path: &Path) -> Result<bool, FileError> {
    let leaf = chain.first().ok_or_else(|| FileError::content(path, "certificate file (PEM)"))?;
    let own = spki_sha256_of(leaf).map_err(|_| FileError::content(path, "certificate file (PEM)"))?;
    Ok(own == *spki_sha256)
}

/// The binding of the key in use, in the middle of a renewal too; `None` before the first renewal, when the roster has the key.
///
/// # Errors
/// [`FileError`].
pub fn current_binding(folder: &Path) -> Result<Option<SignedBinding>, FileError> {
    let places = Places::daemon(folder);
    let spki_sha256 = TlsKey::read(&places.current("key"))?.spki_sha256();
    for path in [places.current("binding"), places.next("binding")] {
        if path.exists() {
            let binding = SignedBinding::read(&path)?;
            if binding.binding.tls_spki_sha256 == spki_sha256 {
                return Ok(Some(binding));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binding::KeyBinding;
    use crate::enrolment::{names, write_certificates};
    use crate::entropy::OsEntropy;
    use crate::identity::{Identity, Role, TrustDomain};
    use crate::issue::{CertificateAuthority, LeafRequest};
    use crate::suite::SigningKey;
    use crate::tls::Credentials;
    use tributary_protocol::ids::ClientId;
    use tributary_storage::files::Existing;

    const DAY: u64 = 86_400;

    #[test]
    fn half_a_life_with_a_tenth_of_jitter() {
        let month = Validity { not_before: 0, not_after: 30 * DAY };
        assert_eq!(renewal_due(month, 0, 0), 12 * DAY);
        assert_eq!(renewal_due(month, 0, 1 << 63), 15 * DAY);
        assert!((18 * DAY - 1..=18 * DAY).contains(&renewal_due(month, 0, u64::MAX)));
        assert_eq!(renewal_due(month, 20 * DAY, 0), 20 * DAY);
        let _ = renewal_due(Validity { not_before: u64::MAX, not_after: 0 }, 0, u64::MAX);
        let _ = renewal_due(Validity { not_before: 0, not_after: u64::MAX }, u64::MAX, u64::MAX);
    }

    #[test]
    fn the_levels_of_expiry() {
        let month = Validity { not_before: 0, not_after: 100 * DAY };
        let table =
            [(0, Expiry::Fine), (49, Expiry::Fine), (50, Expiry::Due), (75, Expiry::Due), (76, Expiry::Warning)];
        for (days, level) in table.into_iter().chain([
            (90, Expiry::Warning),
            (91, Expiry::Critical),
            (100, Expiry::Critical),
            (101, Expiry::Expired),
        ]) {
            assert_eq!(Expiry::of(month, days * DAY), level, "{days}");
        }
        assert!(Expiry::Critical > Expiry::Warning);
    }

    /// The process ends after each step in turn: what is there is a usable pair with its binding, and the rest is made up for.
    #[test]
    fn a_crash_at_any_point_leaves_a_usable_pair() {
        let domain = TrustDomain::parse("federation.example").unwrap();
        let validity = |days| Validity::starting(1_900_000_000, days * DAY);
        let authority =
            CertificateAuthority::create(&mut OsEntropy, &domain, validity(9), validity(9)).unwrap().issuing;
        let identity = Identity::new(domain, "north-bank", Role::Client, "x").unwrap();
        let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity: validity(8) };
        let signing = SigningKey::generate(&mut OsEntropy);
        for cut in 0..=6 {
            let folder = tempfile::tempdir().unwrap();
            let places = Places::daemon(folder.path());
            let issue = || authority.issue(&mut OsEntropy, &request).unwrap();
            let ((old_chain, old_key), (chain, key)) = (issue(), issue());
            old_key.write(&places.current("key")).unwrap();
            write_certificates(&places.current("pem"), old_chain.certificates(), Existing::Keep).unwrap();
            let tls_spki_sha256 = key.spki_sha256();
            let binding = KeyBinding { client: ClientId(1), tls_spki_sha256, sequence: 1 }.sign(&signing);
            let steps: [&dyn Fn(); 6] = [
                &|| key.write(&places.next("key")).unwrap(),
                &|| binding.write(&places.next("binding")).unwrap(),
                &|| write_certificates(&places.next("pem"), chain.certificates(), Existing::Replace).unwrap(),
                &|| places.advance("key").unwrap(),
                &|| places.advance("binding").unwrap(),
                &|| places.advance("pem").unwrap(),
            ];
            steps.iter().take(cut).for_each(|step| step());
            let now_used = |new: bool| {
                let read = Credentials::read(&folder.path().join(names::CHAIN), &folder.path().join(names::KEY));
                let wanted = if new { key.spki_sha256() } else { old_key.spki_sha256() };
                assert_eq!(TlsKey::read(&folder.path().join(names::KEY)).unwrap().spki_sha256(), wanted, "{cut}");
                assert_eq!(read.unwrap().spki_sha256().unwrap(), wanted, "{cut}");
                assert_eq!(current_binding(folder.path()).unwrap(), new.then(|| binding.clone()), "{cut}");
            };
            now_used(cut > 3);
            assert_eq!(finish(folder.path()).unwrap(), (3..6).contains(&cut));
            now_used(cut >= 3);
            assert!(!finish(folder.path()).unwrap());
        }
    }

    #[test]
    fn a_chain_is_the_next_one_where_that_alone_is_of_the_key() {
        let domain = TrustDomain::parse("federation.example").unwrap();
        let validity = Validity::starting(1_900_000_000, DAY);
        let authority = CertificateAuthority::create(&mut OsEntropy, &domain, validity, validity).unwrap().issuing;
        let identity = Identity::new(domain, "north-bank", Role::Client, "x").unwrap();
        let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity };
        let folder = tempfile::tempdir().unwrap();
        let places = Places::daemon(folder.path());
        let [(own, own_key), (next, next_key), (_, other_key)] =
            [(); 3].map(|()| authority.issue(&mut OsEntropy, &request).unwrap());
        let chosen = |key: &TlsKey| chain_for(&places.current("pem"), &key.spki_sha256()).unwrap();
        write_certificates(&places.current("pem"), own.certificates(), Existing::Keep).unwrap();
        assert_eq!(chosen(&next_key), own.certificates());
        write_certificates(&places.next("pem"), next.certificates(), Existing::Keep).unwrap();
        assert_eq!((chosen(&own_key), chosen(&next_key)), (own.certificates().to_vec(), next.into_certificates()));
        assert_eq!(chosen(&other_key), own.certificates(), "of neither: the one that is there");
    }
}

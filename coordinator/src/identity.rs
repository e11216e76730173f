//! The files by which a coordinator proves who it is and knows who may come: all of them opened and judged before a port is.

use std::fmt::Display;
use std::path::PathBuf;

use tributary_certs::identity::Identity;
use tributary_certs::issue::Validity;
use tributary_certs::keys::read_signing_key;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::counted;
use tributary_protocol::roster::SignedRoster;
use tributary_settings::Fault;

use crate::federation::keyring::Keyring;
use crate::federation::roster_file::RosterFile;
use crate::settings::IdentityFiles;

/// A certificate of which less than this part of its validity is left is reported: a quarter.
const WARN_DIVISOR: u64 = 4;

const DAY: u64 = 86_400;

/// Everything a coordinator needs to be one.
pub struct OwnIdentity {
    /// Who its certificate says it is.
    pub identity: Identity,
    /// The TLS configurations, and what renews them.
    pub keyring: Keyring,
    /// The protocol signing key.
    pub signing_key: SigningKey,
    /// What names the federation: its list of roster authorities, by its digest.
    pub federation: Digest,
    /// Who may take part; its signatures were verified.
    pub roster: SignedRoster,
    /// Where it came from, and newer ones will.
    pub(crate) roster_file: RosterFile,
    /// When its certificate is valid.
    pub validity: Validity,
    /// What should be done soon, as sentences.
    pub warnings: Vec<String>,
}

impl OwnIdentity {
    /// Opens every file, and the office's folder if there is one; `now` is in Unix seconds.
    ///
    /// # Errors
    /// Every fault, under the key of its file.
    pub fn open(files: IdentityFiles, office: Option<PathBuf>, now: u64) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let signing_key =
            keep(&mut faults, "signing_key", "an Ed25519 key of mode 0600", || read_signing_key(&files.signing_key));
        let authorities = keep(&mut faults, "authorities", "the roster authorities' public keys", || {
            RosterAuthorities::read(&files.authorities)
        });
        let federation = authorities.as_ref().map(RosterAuthorities::digest);
        let roster = authorities.and_then(|authorities| {
            keep(&mut faults, "roster", "a roster signed by enough authorities", || {
                RosterFile::open(files.roster, authorities)
            })
        });
        let keyring = Keyring::open(files.tls, office, files.renew, now).map_err(|more| faults.extend(more)).ok();
        let all = (keyring, signing_key, federation, roster);
        let (Some(keyring), Some(signing_key), Some(federation), Some((roster_file, roster))) = all else {
            return Err(faults);
        };
        let (identity, validity) = (keyring.identity().clone(), keyring.validity());
        let mut warnings = warnings(&validity, &keyring.cure(), &roster, now);
        if roster.roster.epoch() == 0 {
            let path = roster_file.path().display();
            warnings.push(format!("there is no roster at {path} yet: have the first one signed, and put it there"));
        }
        warnings.extend(keyring.warnings(now));
        Ok(Self { identity, keyring, signing_key, federation, roster, roster_file, validity, warnings })
    }
}

fn warnings(validity: &Validity, cure: &str, roster: &SignedRoster, now: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let left = validity.not_after.saturating_sub(now);
    if left < validity.not_after.saturating_sub(validity.not_before) / WARN_DIVISOR {
        warnings.push(format!("this coordinator's certificate expires in {}: {cure}", counted(left / DAY, "day")));
    }
    let expired = roster.roster.entries().iter().filter(|entry| entry.not_after < now).count();
    if expired > 0 {
        warnings.push(format!(
            "{expired} clients' entries in the roster have ended; they are refused until those branches are enrolled anew and the next roster is signed"
        ));
    }
    warnings
}

/// A value, or its fault under the file's key.
fn keep<T, E: Display>(
    faults: &mut Vec<Fault>,
    name: &str,
    allowed: &str,
    read: impl FnOnce() -> Result<T, E>,
) -> Option<T> {
    read()
        .map_err(|error| {
            let key = format!("identity.{name}");
            faults.push(Fault { key, found: error.to_string(), allowed: allowed.into() });
        })
        .ok()
}

#[cfg(test)]
mod tests;

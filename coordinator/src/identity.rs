//! The files by which a coordinator proves who it is and knows who may come: all of them opened and judged before a port is.

use std::fmt::Display;
use std::sync::Arc;

use tributary_certs::identity::{Identity, Role};
use tributary_certs::inspect::{inspect_chain, validity_of};
use tributary_certs::issue::Validity;
use tributary_certs::keys::read_signing_key;
use tributary_certs::provider::KeyExchange;
use tributary_certs::roster::{RosterAuthorities, read_roster};
use tributary_certs::suite::SigningKey;
use tributary_certs::tls::{CoordinatorTls, Credentials, TrustRoots, read_certificates, server_config, system_clock};
use tributary_protocol::roster::SignedRoster;
use tributary_settings::Fault;

use crate::settings::IdentityFiles;

/// A certificate of which less than this part of its validity is left is reported: a quarter.
const WARN_DIVISOR: u64 = 4;

const DAY: u64 = 86_400;

/// Everything a coordinator needs to be one.
pub struct OwnIdentity {
    /// Who its certificate says it is.
    pub identity: Identity,
    /// The TLS configuration.
    pub tls: Arc<rustls::ServerConfig>,
    /// The protocol signing key.
    pub signing_key: SigningKey,
    /// Who may take part; its signatures were verified.
    pub roster: SignedRoster,
    /// When its certificate is valid.
    pub validity: Validity,
    /// What should be done soon, as sentences.
    pub warnings: Vec<String>,
}

impl OwnIdentity {
    /// Opens every file; `now` is in Unix seconds.
    ///
    /// # Errors
    /// Every fault, under the key of its file.
    pub fn open(files: &IdentityFiles, now: u64) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let credentials = keep(&mut faults, "certificate", "a coordinator's certificate and its key", || {
            Credentials::read(&files.certificate, &files.private_key)
        });
        let roots = keep(&mut faults, "ca_certificate", "the federation's authorities (PEM)", || {
            TrustRoots::read(&files.ca_certificate)
        });
        let signing_key =
            keep(&mut faults, "signing_key", "an Ed25519 key of mode 0600", || read_signing_key(&files.signing_key));
        let authorities = keep(&mut faults, "authorities", "the roster authorities' public keys", || {
            RosterAuthorities::read(&files.authorities)
        });
        let roster = authorities.and_then(|authorities| {
            keep(&mut faults, "roster", "a roster signed by enough authorities", || {
                read_roster(&files.roster, &authorities)
            })
        });
        let (Some(credentials), Some(roots), Some(signing_key), Some(roster)) =
            (credentials, roots, signing_key, roster)
        else {
            return Err(faults);
        };
        let identity = credentials.identity().clone();
        let validity = judge(files, &credentials, &roots, now).map_err(|found| vec![bad_certificate(found)])?;
        let tls = CoordinatorTls {
            credentials,
            roots: &roots,
            revocations: Vec::new(),
            clock: system_clock(),
            key_exchange: KeyExchange::DEFAULT,
        };
        let tls = server_config(tls).map_err(|error| vec![bad_certificate(error.to_string())])?;
        let warnings = warnings(&validity, &roster, now);
        Ok(Self { identity, tls: Arc::new(tls), signing_key, roster, validity, warnings })
    }
}

/// The validity of a certificate that clients would accept now.
fn judge(files: &IdentityFiles, credentials: &Credentials, roots: &TrustRoots, now: u64) -> Result<Validity, String> {
    let text = |error: &dyn Display| error.to_string();
    let validity = validity_of(credentials.leaf()).map_err(|error| text(&error))?;
    let Validity { not_before, not_after } = validity;
    if now > not_after {
        return Err(format!("a certificate that expired {} days ago", (now - not_after) / DAY));
    }
    if now < not_before {
        return Err("a certificate that is not valid yet; this machine's clock may be wrong".into());
    }
    let chain = read_certificates(&files.certificate).map_err(|error| text(&error))?;
    // At its first second, so that a certificate that merely ends soon has no problem.
    let inspection = inspect_chain(&chain, Some(roots), not_before).map_err(|error| text(&error))?;
    match inspection.problems.as_slice() {
        [] if inspection.role == Some(Role::Coordinator) => Ok(validity),
        [] => Err("a certificate that is not a coordinator's".into()),
        problems => Err(problems.join(" ")),
    }
}

fn warnings(validity: &Validity, roster: &SignedRoster, now: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let left = validity.not_after.saturating_sub(now);
    if left < validity.not_after.saturating_sub(validity.not_before) / WARN_DIVISOR {
        warnings.push(format!("this coordinator's certificate expires in {} days; renew it now", left / DAY));
    }
    let expired = roster.roster.entries().iter().filter(|entry| entry.not_after < now).count();
    if expired > 0 {
        warnings.push(format!(
            "{expired} clients' entries in the roster have expired; they are refused until it is renewed"
        ));
    }
    warnings
}

fn bad_certificate(found: String) -> Fault {
    Fault {
        key: "identity.certificate".into(),
        found,
        allowed: "a valid certificate of a coordinator of this federation".into(),
    }
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

//! Whether a client may be here: asked at the door, when it takes its seat, and of every seat again whenever trust, lists or roster change.

use std::sync::{PoisonError, RwLock};

use rustls::pki_types::CertificateDer;
use tributary_certs::denied::{Bearer, DenyList};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::Identity;
use tributary_certs::inspect::validity_of;
use tributary_certs::revocation::RevocationLists;
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::RosterEntry;

/// Whom the door believes, beside the roster.
#[derive(Default)]
pub(crate) struct Standing {
    in_force: RwLock<(RevocationLists, DenyList)>,
}

impl Standing {
    pub(crate) fn new(lists: RevocationLists, denied: DenyList) -> Self {
        Self { in_force: RwLock::new((lists, denied)) }
    }

    /// From here on these count.
    pub(crate) fn replace(&self, lists: RevocationLists, denied: DenyList) {
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = (lists, denied);
    }

    /// Why whoever proved this certificate, and is this member of the roster, may not be here, if so; `now` is in Unix seconds.
    pub(crate) fn refuses(
        &self,
        certificate: &CertificateDer<'static>,
        identity: &Identity,
        tls_spki_sha256: &Digest,
        entry: &RosterEntry,
        now: u64,
    ) -> Option<String> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        let (lists, denied) = &*in_force;
        if let Some(fault) = lists.standing(identity.organisation(), certificate, now).fault() {
            return Some(fault.because(identity).to_string());
        }
        if validity_of(certificate).is_ok_and(|validity| validity.not_after < now) {
            return Some(FaultKind::Expired.because(identity).to_string());
        }
        let bearer = Bearer { identity, tls_spki_sha256, signing_key: &entry.signing_key, client: entry.client };
        let entry = denied.denies(&bearer)?;
        Some(FaultKind::Denied.because(format!("{}, for {}", entry.who, entry.reason.as_str())).to_string())
    }
}

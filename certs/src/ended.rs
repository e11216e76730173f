//! Certificates that were good and have ended, as somebody shows them: an operator learns whose they are, although a handshake that ends leaves no name.

use std::sync::{Arc, Mutex, PoisonError};

use tributary_protocol::roster::MemberName;

/// So many are kept until somebody takes them: an operator needs the first.
const KEPT_MAX: usize = 64;

/// A certificate that was shown after its end. An authority that is trusted has issued it; that its bearer showed it is not proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whom it names.
    pub name: MemberName,
    /// Its last second, Unix.
    pub not_after: u64,
}

/// Those that were shown since somebody last took them.
#[derive(Clone, Debug, Default)]
pub struct EndedCertificates(Arc<Mutex<Vec<Ended>>>);

impl EndedCertificates {
    pub(crate) fn note(&self, ended: Ended) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX && !kept.contains(&ended) {
            kept.push(ended);
        }
    }

    /// Takes all of them.
    #[must_use]
    pub fn take(&self) -> Vec<Ended> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
#[path = "ended_tests.rs"]
mod tests;

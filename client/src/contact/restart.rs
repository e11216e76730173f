//! A register that was cut, begun again knowingly: what is left of it, what was known of it, why, and the words of two people.

use serde::{Deserialize, Serialize};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::message::signed_message;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

/// Where a register ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// How many records it has.
    pub records: u64,
    /// The digest over them.
    pub head: Digest,
}

/// What two people sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restart {
    /// The branch.
    pub branch: String,
    /// What is left: the new register begins with it.
    pub left: Place,
    /// What was noted last; nothing where no note could be read.
    pub noted: Option<Place>,
    /// So many numbers of lists, batches and recalls are left out: what is lost may have used them.
    pub skipped: u32,
    /// Why, in one line.
    pub reason: String,
    /// When it was drafted, in Unix seconds.
    pub at: u64,
}

/// One person's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestartWord {
    /// By whom.
    pub key: VerifyingKey,
    /// Unix seconds.
    pub at: u64,
    /// Over [`RestartWord::message`].
    pub signature: Signature,
}

impl Restart {
    /// What is signed.
    #[must_use]
    pub(super) fn digest(&self) -> Digest {
        let end = |body: Canonical, Place { records, head }: &Place| body.u64(*records).digest(head);
        let body = Canonical::new("tributary/list/restart/1").bytes(self.branch.as_bytes());
        let body = end(body, &self.left).u8(u8::from(self.noted.is_some()));
        let body = end(body, &self.noted.unwrap_or(Place { records: 0, head: Digest::ZERO }));
        body.u32(self.skipped).bytes(self.reason.as_bytes()).u64(self.at).finish()
    }

    /// Records that are lost at least.
    #[must_use]
    pub(super) fn lost(&self) -> u64 {
        self.noted.map_or(0, |noted| noted.records.saturating_sub(self.left.records))
    }
}

impl RestartWord {
    /// The bytes that are signed.
    fn message(digest: &Digest, at: u64) -> Vec<u8> {
        let body = Canonical::new("tributary/list/restart/word/1").digest(digest).u64(at);
        signed_message("RESTART", &body.finish())
    }

    /// Somebody's word, at this Unix second.
    #[must_use]
    pub(super) fn sign(key: &SigningKey, restart: &Restart, at: u64) -> Self {
        let signature = RealSuite::sign(key, &Self::message(&restart.digest(), at));
        Self { key: key.verifying_key(), at, signature }
    }

    /// Whether it is of whoever has the key, on this.
    #[must_use]
    pub(super) fn holds(&self, restart: &Restart) -> bool {
        RealSuite::verify(&self.key, &Self::message(&restart.digest(), self.at), &self.signature)
    }
}

#[cfg(test)]
#[path = "restart_tests.rs"]
mod tests;

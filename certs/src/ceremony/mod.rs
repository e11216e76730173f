//! The roster's ceremony: proposed where the office is, shown and signed where the keys are, put in force when enough have signed.
//!
//! ```text
//! office: propose ─► proposal ─► holder: changes shown, signed ─► holder: changes shown, countersigned ─► office: install ─► roster
//! ```
//!
//! The office is online and may be in other hands. So a holder believes nothing of a proposal but what its own folder bears out: the list of
//! authorities, the last roster that it has seen, and what its key has signed. What the office says that changes rest on is shown beside them
//! and is not signed.
//!
//! Does **not** guarantee that a fingerprint is a branch's or a person's: the holder compares it with them. Nor that a holder looks: it is asked.

mod changes;
mod holder;
mod office;
mod people;
mod proposal;
mod question;
mod shape;
mod words;

use std::path::PathBuf;

use tributary_protocol::digest::Digest;
use tributary_protocol::roster::RosterError;

pub use changes::ChangeReport;
pub use holder::{Holder, Review};
pub use office::{install, propose, sign_roster, sign_roster_with};
pub use proposal::{Proposal, Rest, Rests, read_proposal, read_roster_or_proposal};
pub use question::Question;

use crate::enrolment::EnrolmentError;
use crate::roster::RosterFileError;
use tributary_storage::files::FileError;

/// Why a step of the ceremony was not taken. Nothing was signed or put in force.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The authority's folder cannot be used.
    #[error(transparent)]
    Office(#[from] EnrolmentError),
    /// A roster is refused.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The holder's folder has no key that may sign.
    #[error(
        "{} holds no roster authority's key (authority-N.key) that the list of authorities beside it names; name the folder of a holder with --keys",
        folder.display()
    )]
    NoKey {
        /// The folder.
        folder: PathBuf,
    },
    /// The key under an authority's name is another one.
    #[error(
        "authority-{authority}.key is not the key that the list of authorities beside it names; use the folder that `certs init` made"
    )]
    OtherKey {
        /// Which authority.
        authority: u8,
    },
    /// The office has another list of authorities than the holder.
    #[error(
        "the office's list of roster authorities is another one than this folder's: other keys, another order, or another number that must sign. \
         Nothing is signed. Ask the other holders; whoever changed that list wanted other signatures to count"
    )]
    OtherAuthorities,
    /// The first time must be said aloud.
    #[error(
        "this folder has seen no roster yet, so it cannot be said here what changes. If this is the holder's first signature, say so with --first, \
         and compare every member"
    )]
    First,
    /// Not the first time.
    #[error("this folder has seen roster {epoch} already, so that --first is wrong; leave it away")]
    NotFirst {
        /// The epoch seen.
        epoch: u64,
    },
    /// The roster before the proposed one is not known here.
    #[error(
        "the proposal follows a roster of epoch {epoch} ({previous}) that this folder has not seen. Bring that roster, and name it with --last"
    )]
    Unseen {
        /// Its epoch.
        epoch: u64,
        /// Its digest.
        previous: Digest,
    },
    /// The proposal is not the next roster.
    #[error(
        "the proposal has epoch {epoch}, and the roster that it names as the last one has {last}; the next one has the epoch after it. Nothing is \
         done; have it proposed anew"
    )]
    NotNext {
        /// The epoch proposed.
        epoch: u64,
        /// The epoch before it.
        last: u64,
    },
    /// The key has signed another roster of this epoch.
    #[error(
        "this key has signed ANOTHER roster of epoch {epoch} (changes that led to {signed}; copy: {}). If both get enough signatures, there are two \
         histories of the federation. Only if that one is given up and every copy destroyed: sign this one with --instead {signed}",
        copy.display()
    )]
    OtherHistory {
        /// The epoch.
        epoch: u64,
        /// The digest of the roster that was signed.
        signed: Digest,
        /// The copy of it.
        copy: PathBuf,
    },
    /// Signatures are there where a first one is expected, or none where one more is.
    #[error("{0}")]
    Turn(&'static str),
    /// Too few have signed for it to count.
    #[error("the roster in force stays: {present} signed and {needed} must. Carry the file on; it lacks {missing}")]
    NotEnough {
        /// Valid signatures.
        present: usize,
        /// The threshold.
        needed: usize,
        /// Who has not signed.
        missing: String,
    },
}

impl From<RosterFileError> for CeremonyError {
    fn from(error: RosterFileError) -> Self {
        match error {
            RosterFileError::File(error) => Self::File(error),
            RosterFileError::Roster(error) => Self::Roster(error),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;

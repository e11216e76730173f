//! Grants of a branch's data and their withdrawals: signing them, and the files in which they travel.
//!
//! Nothing is believed for being in a file: the branch verifies the owner's signature.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::plan::{Approvals, Grant, OwnersWord, Plan, Withdrawal};
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_storage::files::FileError;

use crate::object::ObjectFile;
use crate::suite::{RealSuite, SigningKey};

/// How the name of a grant's file ends, at a branch and at a coordinator: `DIGEST.grant`.
pub const GRANT_EXTENSION: &str = "grant";

/// How the name of a withdrawal's file ends, after the digest of the grant that it takes back.
pub const WITHDRAWAL_EXTENSION: &str = "withdrawal";

/// How the file of an owner's word is named, at a branch, at a coordinator and in a bundle.
#[must_use]
pub fn word_file_name(word: &OwnersWord) -> String {
    let ending = match word {
        OwnersWord::Granted(_) => GRANT_EXTENSION,
        OwnersWord::TakenBack(_) => WITHDRAWAL_EXTENSION,
    };
    format!("{}.{ending}", word.grant())
}

/// Longest encoding of either: a thousand names, and as many fields.
const BYTES_MAX: usize = 512 << 10;
const GRANT: ObjectFile = ObjectFile {
    title: "tributary grant 2",
    what: "grant, as `tributary client authorise grant` writes it",
    bytes_max: BYTES_MAX,
};
const WITHDRAWAL: ObjectFile = ObjectFile {
    title: "tributary grant withdrawal 1",
    what: "withdrawal of a grant, as `tributary client authorise revoke` writes it",
    bytes_max: BYTES_MAX,
};

const REQUEST: ObjectFile = ObjectFile {
    title: "tributary grant request 1",
    what: "plan that waits for a grant, as a branch's daemon writes it",
    bytes_max: CONTROL_MESSAGE_BYTES_MAX,
};

/// A plan that waits for the owner of a branch's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantAsked {
    /// The plan.
    pub plan: Plan,
    /// Who put it forward, and who approved it.
    pub approvals: Approvals,
    /// Since when it waits, in Unix seconds.
    pub since: u64,
}

/// Writes the file of a plan that waits; never replaces one.
///
/// # Errors
/// [`FileError`].
pub fn write_request(asked: &GrantAsked, path: &Path) -> Result<(), FileError> {
    REQUEST.write(asked, path)
}

/// Reads such a file. Says nothing about the signatures in it.
///
/// # Errors
/// [`FileError`].
pub fn read_request(path: &Path) -> Result<GrantAsked, FileError> {
    REQUEST.read(path)
}

/// Signs a grant as it stands, in its owner's name.
#[must_use]
pub fn sign_grant(owner: &SigningKey, mut grant: Grant) -> Grant {
    grant.owner = owner.verifying_key();
    grant.signature = RealSuite::sign(owner, &grant.to_sign::<RealSuite>());
    grant
}

/// Takes a grant back, at a second of the Unix clock.
#[must_use]
pub fn sign_withdrawal(owner: &SigningKey, grant: Digest, at: u64) -> Withdrawal {
    let mut withdrawal = Withdrawal { grant, owner: owner.verifying_key(), at, signature: Signature::none() };
    withdrawal.signature = RealSuite::sign(owner, &withdrawal.to_sign::<RealSuite>());
    withdrawal
}

/// Whether an owner signed a grant.
#[must_use]
pub fn is_signed_grant(grant: &Grant) -> bool {
    grant.is_genuine::<RealSuite>()
}

/// Writes a grant's file; never replaces one.
///
/// # Errors
/// [`FileError`].
pub fn write_grant(grant: &Grant, path: &Path) -> Result<(), FileError> {
    GRANT.write(grant, path)
}

/// Reads a grant's file. Says nothing about the signature.
///
/// # Errors
/// [`FileError`].
pub fn read_grant(path: &Path) -> Result<Grant, FileError> {
    GRANT.read(path)
}

/// Reads the text of a grant's or a withdrawal's file. Says nothing about the signature.
#[must_use]
pub fn parse_word(text: &str) -> Option<OwnersWord> {
    GRANT.parse(text).map(OwnersWord::Granted).or_else(|| WITHDRAWAL.parse(text).map(OwnersWord::TakenBack))
}

/// Writes a withdrawal's file; never replaces one.
///
/// # Errors
/// [`FileError`].
pub fn write_withdrawal(withdrawal: &Withdrawal, path: &Path) -> Result<(), FileError> {
    WITHDRAWAL.write(withdrawal, path)
}

/// Reads a withdrawal's file. Says nothing about the signature.
///
/// # Errors
/// [`FileError`].
pub fn read_withdrawal(path: &Path) -> Result<Withdrawal, FileError> {
    WITHDRAWAL.read(path)
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;

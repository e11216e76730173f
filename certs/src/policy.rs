//! What the owner of a branch's data signs as a file: its policy, the mapping of its own columns, and the rules of its lists. Whoever reads such a file
//! demands the signature.

use std::path::{Path, PathBuf};

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::message::signed_message;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::clock::unix_millis;
use crate::lines::{Fields, body};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError, read_titled};

/// A kind of file that the owner signs. A signature of one kind is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owned {
    /// What plans the branch admits.
    Policy,
    /// How its own columns become the schema's.
    Mapping,
    /// Whom its lists may name.
    Rules,
    /// What its people do about a customer's score.
    Actions,
}

impl Owned {
    fn title(self) -> &'static str {
        match self {
            Self::Policy => "tributary policy signature 3",
            Self::Mapping => "tributary mapping signature 2",
            Self::Rules => "tributary rules signature 1",
            Self::Actions => "tributary actions signature 1",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Policy => "signature of a policy, as `tributary client policy sign` writes it",
            Self::Mapping => "signature of a mapping, as `tributary client mapping sign` writes it",
            Self::Rules => "signature of a list's rules, as `tributary client list sign` writes it",
            Self::Actions => "signature of a file of actions, as `tributary client actions sign` writes it",
        }
    }

    /// Its word in files and messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Mapping => "mapping",
            Self::Rules => "rules",
            Self::Actions => "actions",
        }
    }

    fn message(self, digest: &Digest, sequence: u64) -> Vec<u8> {
        let (tag, domain) = match self {
            Self::Policy => ("POLICY", "tributary/policy/2"),
            Self::Mapping => ("MAPPING", "tributary/mapping/2"),
            Self::Rules => ("RULES", "tributary/rules/1"),
            Self::Actions => ("ACTIONS", "tributary/actions/1"),
        };
        signed_message(tag, &Canonical::new(domain).digest(digest).u64(sequence).finish())
    }
}

/// Why a signed file is not in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The signature is for another file, or by another key.
    #[error(
        "{path}: the policy is not signed by the branch's owner as it stands, so no plan is admitted: have the owner read it and sign it \
         (`tributary client policy sign`), or put the signed file back",
        path = path.display()
    )]
    NotSigned {
        /// The policy.
        path: PathBuf,
    },
    /// The same of a mapping.
    #[error(
        "{path}: the mapping is not signed by the branch's owner as it stands, so no row is read: have the owner read it and sign it \
         (`tributary client mapping sign`), or put the signed file back",
        path = path.display()
    )]
    MappingNotSigned {
        /// The mapping.
        path: PathBuf,
    },
    /// The same of the rules of a list.
    #[error(
        "{path}: the rules are not signed by the branch's owner as they stand, so no list is made by them: have the owner read them and sign them \
         (`tributary client list sign`), or put the signed file back",
        path = path.display()
    )]
    RulesNotSigned {
        /// The rules.
        path: PathBuf,
    },
    /// The same of a file of actions.
    #[error(
        "{path}: the file of actions is not signed by the branch's owner as it stands, so nobody is scored by it: have the owner read it and sign it \
         (`tributary client actions sign`), or put the signed file back",
        path = path.display()
    )]
    ActionsNotSigned {
        /// The file.
        path: PathBuf,
    },
}

/// A file as its owner signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedText {
    /// The text, to be read instead of the file.
    pub text: String,
    /// Grows with each signature: the file with the largest one is in force.
    pub sequence: u64,
}

/// Where the signature of a file lies: beside it, with `.sig` after its name.
#[must_use]
pub fn signature_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

/// Signs a policy of this text, as [`sign_owned`].
///
/// # Errors
/// [`FileError`].
pub fn sign_policy(policy: &Path, text: &str, owner: &SigningKey) -> Result<PathBuf, FileError> {
    sign_owned(Owned::Policy, policy, text, owner)
}

/// Checks that the owner signed a policy as it stands, as [`verify_owned`].
///
/// # Errors
/// [`PolicyError`].
pub fn verify_policy(policy: &Path, owner: &VerifyingKey) -> Result<String, PolicyError> {
    verify_owned(Owned::Policy, policy, owner).map(|owned| owned.text)
}

/// Signs a file of this text, which its owner was shown, and writes the signature beside it. Where the file was changed meanwhile, it does not fit.
///
/// Its sequence is the time, in milliseconds of the Unix clock; or the next one after the signature that it takes the place of, where that is later.
///
/// # Errors
/// [`FileError`].
pub fn sign_owned(kind: Owned, file: &Path, text: &str, owner: &SigningKey) -> Result<PathBuf, FileError> {
    let digest = Digest::of(text.as_bytes());
    let path = signature_path(file);
    let before = read_titled(&path, kind.title(), kind.what()).ok().and_then(|text| parse(kind, &text));
    let next = before.map_or(0, |before| before.sequence.saturating_add(1));
    let sequence = next.max(unix_millis());
    let signature = RealSuite::sign(owner, &kind.message(&digest, sequence));
    let text = format!("{}\n{} {digest} sequence {sequence} signature {signature}\n", kind.title(), kind.word());
    files::write_public(&path, text.as_bytes(), Existing::Replace)?;
    Ok(path)
}

/// Checks that the owner signed a file as it stands. Whether it signed a newer one is another question.
///
/// # Errors
/// [`PolicyError`].
pub fn verify_owned(kind: Owned, file: &Path, owner: &VerifyingKey) -> Result<OwnedText, PolicyError> {
    let document = files::read_text(file, kind.word())?;
    let digest = Digest::of(document.as_bytes());
    let path = signature_path(file);
    let text = read_titled(&path, kind.title(), kind.what())?;
    let stated = parse(kind, &text).ok_or_else(|| FileError::content(&path, kind.what()))?;
    let Stated { sequence, signature, .. } = &stated;
    if stated.digest == digest && RealSuite::verify(owner, &kind.message(&digest, *sequence), signature) {
        return Ok(OwnedText { text: document, sequence: *sequence });
    }
    let path = file.to_owned();
    Err(match kind {
        Owned::Policy => PolicyError::NotSigned { path },
        Owned::Mapping => PolicyError::MappingNotSigned { path },
        Owned::Rules => PolicyError::RulesNotSigned { path },
        Owned::Actions => PolicyError::ActionsNotSigned { path },
    })
}

/// What a signature's file says.
struct Stated {
    digest: Digest,
    sequence: u64,
    signature: Signature,
}

fn parse(kind: Owned, text: &str) -> Option<Stated> {
    let mut lines = body(text, kind.title())?;
    let mut fields = Fields::of(lines.next()?);
    let (digest, sequence) = (fields.digest(kind.word())?, fields.number("sequence")?);
    let signature = fields.signature("signature")?;
    fields.end()?;
    lines.next().is_none().then_some(Stated { digest, sequence, signature })
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;

//! The first use of a branch's budget, signed by the owner of the data; and the mark that it leaves in the identity's folder, so that nobody
//! begins a second one by deleting the first.

use std::path::{Path, PathBuf};

use tributary_protocol::budget::{FirstUse, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::files::{self, Existing, FileError};
use crate::lines::{Fields, body};
use crate::suite::{RealSuite, SigningKey};

const TITLE: &str = "tributary budget mark 1";
const WHAT: &str = "mark of a budget that was begun, as `tributary client budget begin` writes it";
const NAME: &str = "budget";

/// What stays in the identity's folder of a budget that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetMark {
    /// Salted digest of the population.
    pub population: Digest,
    /// The salt, which is needed again if the budget file is lost.
    pub salt: [u8; 32],
    /// The owner's public key.
    pub owner: VerifyingKey,
}

impl BudgetMark {
    /// Where it lies.
    #[must_use]
    pub fn path(identity: &Path) -> PathBuf {
        identity.join(NAME)
    }

    /// Reads it; nothing where none was left.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read(identity: &Path) -> Result<Option<Self>, FileError> {
        let path = Self::path(identity);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = files::read_private(&path)?;
        let text = std::str::from_utf8(&bytes).ok();
        text.and_then(Self::parse).map(Some).ok_or_else(|| FileError::content(&path, WHAT))
    }

    /// Leaves it, readable by its owner only: the salt is in it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, identity: &Path) -> Result<(), FileError> {
        let Self { population, salt, owner } = self;
        let text = format!("{TITLE}\npopulation {population} salt {} owner {}\n", Digest(*salt), Digest(owner.0));
        files::write_private(&Self::path(identity), text.as_bytes(), Existing::Replace)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = body(text, TITLE)?;
        let mut fields = Fields::of(lines.next()?);
        let (population, salt, owner) = (fields.digest("population")?, fields.digest("salt")?, fields.digest("owner")?);
        fields.end()?;
        lines.next().is_none().then_some(Self { population, salt: salt.0, owner: VerifyingKey(owner.0) })
    }
}

/// The owner signs that this branch's key begins a budget for a population, or that one takes the place of a lost file.
#[must_use]
pub fn sign_first_use(
    owner: &SigningKey,
    (population, salt): (&str, &[u8; 32]),
    signing_key: VerifyingKey,
    adopts: bool,
) -> FirstUse {
    let mut first = FirstUse {
        population: population_digest(salt, population),
        owner: owner.verifying_key(),
        signing_key,
        adopts,
        signature: Signature(Vec::new()),
    };
    first.signature = RealSuite::sign(owner, &first.to_sign::<RealSuite>());
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn a_mark_comes_back_and_another_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(BudgetMark::read(folder.path()).unwrap(), None);
        let mark = BudgetMark { population: Digest([1; 32]), salt: [2; 32], owner: VerifyingKey([3; 32]) };
        mark.write(folder.path()).unwrap();
        assert_eq!(BudgetMark::read(folder.path()).unwrap(), Some(mark));
        let path = BudgetMark::path(folder.path());
        let text = std::fs::read_to_string(&path).unwrap();
        for broken in [text.replace("salt", "sugar"), format!("{text}more\n"), String::new()] {
            std::fs::write(&path, broken).unwrap();
            assert!(BudgetMark::read(folder.path()).is_err());
        }
    }

    #[test]
    fn the_owners_signature_covers_population_salt_keys_and_purpose() {
        let (owner, branch) = (SigningKey::generate(&mut OsEntropy), SigningKey::generate(&mut OsEntropy));
        let key = branch.verifying_key();
        let first = sign_first_use(&owner, ("retail", &[7; 32]), key, false);
        assert!(first.is_signed::<RealSuite>());
        assert_eq!(first.population, population_digest(&[7; 32], "retail"));
        let changed = [
            FirstUse { population: population_digest(&[8; 32], "retail"), ..first.clone() },
            FirstUse { population: population_digest(&[7; 32], "wholesale"), ..first.clone() },
            FirstUse { owner: key, ..first.clone() },
            FirstUse { signing_key: owner.verifying_key(), ..first.clone() },
            FirstUse { adopts: true, ..first },
        ];
        assert!(changed.iter().all(|first| !first.is_signed::<RealSuite>()));
    }
}

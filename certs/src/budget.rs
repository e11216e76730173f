//! The first use of a branch's budget, signed by the owner of the data; and the mark that it leaves in the identity's folder, so that nobody
//! begins a second one by deleting the first.

use std::path::{Path, PathBuf};

use tributary_protocol::budget::{FirstUse, OwnerChange, Release, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::plan::RunRef;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::lines::{Fields, body};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError, judge_title};

const TITLE: &str = "tributary budget mark 2";
const WHAT: &str = "mark of a budget that was begun, as `tributary client budget begin` writes it";
const NAME: &str = "budget";

/// What stays in the identity's folder of a budget that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetMark {
    /// Salted digest of the population.
    pub population: Digest,
    /// The salt, which is needed again if the budget file is lost.
    pub salt: [u8; 32],
    /// The owner's public key: nobody else's budget takes the place of a lost one.
    pub owner: VerifyingKey,
    /// How it became the owner's, the newest change last: needed again if the budget file is lost.
    pub changes: Vec<OwnerChange>,
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
        text.map_or(Ok(()), |text| judge_title(&path, text, TITLE))?;
        text.and_then(Self::parse).map(Some).ok_or_else(|| FileError::content(&path, WHAT))
    }

    /// Leaves it, readable by its owner only: the salt is in it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, identity: &Path) -> Result<(), FileError> {
        let Self { population, salt, owner, changes } = self;
        let mut text = format!("{TITLE}\npopulation {population} salt {} owner {owner}\n", Digest(*salt));
        for OwnerChange { population, from, to, signature } in changes {
            text += &format!("change population {population} from {from} to {to} signature {signature}\n");
        }
        files::write_private(&Self::path(identity), text.as_bytes(), Existing::Replace)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = body(text, TITLE)?;
        let mut fields = Fields::of(lines.next()?);
        let (population, salt, owner) = (fields.digest("population")?, fields.digest("salt")?, fields.key("owner")?);
        fields.end()?;
        let changes = lines.map(change).collect::<Option<Vec<_>>>()?;
        Some(Self { population, salt: salt.0, owner, changes })
    }
}

fn change(line: &str) -> Option<OwnerChange> {
    let mut fields = Fields::of(line.strip_prefix("change ")?);
    let (population, from, to) = (fields.digest("population")?, fields.key("from")?, fields.key("to")?);
    let signature = fields.signature("signature")?;
    fields.end()?;
    Some(OwnerChange { population, from, to, signature })
}

/// The owner signs that a budget passes to another one.
#[must_use]
pub fn sign_owner_change(owner: &SigningKey, population: Digest, to: VerifyingKey) -> OwnerChange {
    let from = owner.verifying_key();
    let mut change = OwnerChange { population, from, to, signature: Signature::none() };
    change.signature = RealSuite::sign(owner, &change.to_sign::<RealSuite>());
    change
}

/// The owner signs that what a run has reserved is free, because nobody signed its end here.
#[must_use]
pub fn sign_release(owner: &SigningKey, population: Digest, run: RunRef) -> Release {
    let mut release = Release { population, run, owner: owner.verifying_key(), signature: Signature::none() };
    release.signature = RealSuite::sign(owner, &release.to_sign::<RealSuite>());
    release
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
        signature: Signature::none(),
    };
    first.signature = RealSuite::sign(owner, &first.to_sign::<RealSuite>());
    first
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;

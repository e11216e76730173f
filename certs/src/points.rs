//! Points of a scorecard that people set in the place of the model's: the file in which one change travels from person to person, and the register
//! that keeps it.
//!
//! A change does not touch the model, nor its digest. Each names the digest of the change before it, so that none can be left out in the middle.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::limits::MODEL_REASON_BYTES_MAX;
use tributary_protocol::plan::{Attestation, AttestationFault, Over, Wanted};
use tributary_protocol::printable::{Untrusted, is_one_line};
use tributary_protocol::registry::ModelManifest;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Roster, StaffNumber};
use tributary_storage::files::FileError;

use crate::object::ObjectFile;
use crate::people::{SigningPerson, Unsigned};
use crate::signers::{SignersFault, has_duty, is_next};
use crate::suite::RealSuite;

const POINTS: ObjectFile = ObjectFile {
    title: "tributary points 1",
    what: "change of a scorecard's points, as `tributary model points change` writes it",
    bytes_max: 128 << 10,
};

/// What both signatures do.
const ACTION: Action = Action::ChangePoints;

/// A change of the points of one bin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsStatement {
    /// In which federation.
    pub federation: Digest,
    /// Of which model.
    pub model: Digest,
    /// Of which label.
    pub head: Untrusted,
    /// On which scale: the base points.
    pub base_points: i64,
    /// The base odds, as the bits of a double.
    pub base_odds: u64,
    /// The points that double the odds, as the bits of a double.
    pub double: u64,
    /// Which field.
    pub field: Untrusted,
    /// Which bin of it, from 1.
    pub bin: u32,
    /// The values of the bin, in words.
    pub values: Untrusted,
    /// The points that it has.
    pub before: i64,
    /// The points that it has from then on.
    pub after: i64,
    /// Which change of this model's points it is, from 1.
    pub sequence: u64,
    /// Digest of the change before it; [`Digest::ZERO`] for the first one.
    pub previous: Digest,
    /// Why.
    pub reason: Untrusted,
}

/// A change, the model that it is about, and who has signed so far: two people at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsFile {
    /// The model, whole: whoever signs sees where it comes from.
    pub manifest: ModelManifest,
    /// What is changed.
    pub statement: PointsStatement,
    /// The signatures, in their order.
    pub signatures: Vec<Attestation>,
}

/// Why somebody cannot sign a change, or it does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointsFault {
    /// The file is about another model than its change.
    #[error(
        "the change is not about the model in the file: one of them was changed. Nothing was signed; ask for the file again"
    )]
    OtherModel,
    /// Words that its readers would not see whole.
    #[error(
        "its reason, label, field or values are empty, too long, or have a character that is not shown as it is. Have the change made again with plain \
         words"
    )]
    Words,
    /// Another federation.
    #[error("the change was made for another federation than this list of authorities names")]
    Federation,
    /// Somebody else signs.
    #[error(transparent)]
    Signers(#[from] SignersFault),
    /// It lacks a signature.
    #[error(
        "{0} of two people signed this change, so it does not count. Have it signed by a person in another role (`tributary model points sign`)"
    )]
    Incomplete(usize),
    /// A signature does not count.
    #[error("a signature of the change does not count: {0}")]
    Attestation(#[from] AttestationFault),
    /// The person's key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

impl PointsStatement {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let whole = |number: i64| number.cast_unsigned();
        let body = Canonical::new("tributary/points/1").digest(&self.federation).digest(&self.model);
        let body =
            body.bytes(self.head.raw().as_bytes()).u64(whole(self.base_points)).u64(self.base_odds).u64(self.double);
        let body = body.bytes(self.field.raw().as_bytes()).u32(self.bin).bytes(self.values.raw().as_bytes());
        let body = body.u64(whole(self.before)).u64(whole(self.after)).u64(self.sequence).digest(&self.previous);
        body.bytes(self.reason.raw().as_bytes()).finish()
    }
}

impl PointsFile {
    /// A change that nobody has signed.
    #[must_use]
    pub fn new(manifest: ModelManifest, statement: PointsStatement) -> Self {
        Self { manifest, statement, signatures: Vec::new() }
    }

    /// Whether its words are shown whole, and it is about the model in the file.
    ///
    /// # Errors
    /// [`PointsFault::Words`], [`PointsFault::OtherModel`].
    pub fn check(&self) -> Result<(), PointsFault> {
        let PointsStatement { head, field, values, reason, .. } = &self.statement;
        let shown = |text: &Untrusted| is_one_line(text.raw()) && text.raw().len() <= MODEL_REASON_BYTES_MAX;
        if ![head, field, values, reason].into_iter().all(shown) {
            return Err(PointsFault::Words);
        }
        if self.statement.model == self.manifest.digest() { Ok(()) } else { Err(PointsFault::OtherModel) }
    }

    /// Whether somebody can sign it in a role, in the federation of this digest.
    ///
    /// # Errors
    /// [`PointsFault`].
    pub fn may_sign(&self, staff: &StaffNumber, role: Role, federation: &Digest) -> Result<(), PointsFault> {
        self.check()?;
        if self.statement.federation != *federation {
            return Err(PointsFault::Federation);
        }
        is_next(&self.signatures, (staff, role), "tributary model points install")?;
        Ok(has_duty((staff, role), &self.manifest.lineage.owner, ACTION)?)
    }

    /// Adds a person's signature, at a second of the Unix clock.
    ///
    /// # Errors
    /// As [`PointsFile::may_sign`]; [`PointsFault::Unsigned`]. Nothing is added.
    pub fn sign(&mut self, person: &SigningPerson, role: Role, federation: Digest, at: u64) -> Result<(), PointsFault> {
        self.may_sign(person.staff(), role, &federation)?;
        self.signatures.push(person.attest(ACTION, self.statement.digest(), federation, role, at)?);
        Ok(())
    }

    /// Whether it counts: two people in two roles have signed it, by this roster.
    ///
    /// # Errors
    /// [`PointsFault`].
    pub fn judge(&self, roster: &Roster, federation: &Digest, now: Option<u64>) -> Result<(), PointsFault> {
        self.check()?;
        if self.statement.federation != *federation {
            return Err(PointsFault::Federation);
        }
        let [first, second] = self.signatures.as_slice() else {
            return Err(PointsFault::Incomplete(self.signatures.len()));
        };
        is_next(&self.signatures[..1], (&second.staff, second.role), "")?;
        let lineage = &self.manifest.lineage;
        let (subject, over) = (self.statement.digest(), Over::Group(&lineage.group));
        for signed in [first, second] {
            let owner = Some(&lineage.owner);
            signed.judge::<RealSuite>(
                roster,
                Wanted { action: ACTION, subject: &subject, federation, owner, over, now },
            )?;
        }
        Ok(())
    }

    /// Whether it is the change of this number of a model's points, and follows the change of this digest where that is known.
    #[must_use]
    pub fn stands(&self, number: u64, model: &Digest, previous: Option<&Digest>) -> bool {
        let PointsStatement { model: of, sequence, previous: named, .. } = &self.statement;
        (*sequence, of) == (number, model) && previous.is_none_or(|previous| named == previous)
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(POINTS.print(self).as_bytes())
    }

    /// Reads the text of a file. Says nothing about the signatures.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        POINTS.parse(text)
    }

    /// Writes the file; never replaces one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        POINTS.write(self, path)
    }

    /// Writes the file in place of an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn replace(&self, path: &Path) -> Result<(), FileError> {
        POINTS.replace(self, path)
    }

    /// Reads a file. Says nothing about the signatures.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        POINTS.read(path)
    }
}

#[cfg(test)]
#[path = "points_tests.rs"]
mod tests;

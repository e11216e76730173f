//! What a model is: the parts that its digest covers.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::plan::{Grant, GrantSubject, PrivacyMode, RunRef};
use crate::printable::Untrusted;
use crate::roster::{MemberName, StaffNumber, is_group_name};
use crate::versioned::{Release, Versioned};

/// The layout of a stored manifest.
pub const MANIFEST_FORMAT: Versioned = Versioned {
    what: "a model's manifest",
    magic: *b"TRIBMODL",
    version: 1,
    since: Release { major: 0, minor: 3 },
    older: "The run's ledger says what the model is; register it anew with this release",
};

/// Everything that makes a model this one and no other. Its digest is the model's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelManifest {
    /// Digest of the parameters, as the run's ledger names what it released.
    pub parameters: Digest,
    /// Length of the parameters, in bytes.
    pub parameter_bytes: u64,
    /// The canonical encoding of the network.
    pub architecture: Vec<u8>,
    /// Digest of the feature schema.
    pub schema: Digest,
    /// Digest of what was learnt about features beside the parameters.
    pub features: Digest,
    /// Where it comes from.
    pub lineage: Lineage,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The registered model from which its run began; nothing where that was none.
    pub parent: Option<Digest>,
    /// Digest of the public state from which its run began.
    pub initial: Digest,
    /// The run that released it.
    pub run: RunRef,
    /// The plan's name.
    pub name: Untrusted,
    /// What it is for.
    pub purpose: Untrusted,
    /// What protected the customers whose data it learnt from.
    pub privacy: PrivacyMode,
    /// The roster's group of the plan.
    pub group: String,
    /// Who put the plan forward: the model is this person's own.
    pub owner: StaffNumber,
    /// Digest of the privacy statement of the run.
    pub statement: Digest,
    /// Rounds committed.
    pub rounds: u32,
    /// Whether every round of the plan was committed.
    pub complete: bool,
}

/// What is wrong with a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model's {0} is outside its limits, so no coordinator of this release made it")]
pub struct ManifestFault(pub &'static str);

impl ModelManifest {
    /// The model's name: a digest over every part of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/model/1").digest(&self.parameters).u64(self.parameter_bytes);
        let body = body.bytes(&self.architecture).digest(&self.schema).digest(&self.features);
        self.lineage.canonical(body).finish()
    }

    /// Whether every part is within its limits.
    ///
    /// # Errors
    /// The first part that is not.
    pub fn check(&self) -> Result<(), ManifestFault> {
        let Lineage { name, purpose, group, run, .. } = &self.lineage;
        let holds = |holds: bool, part| if holds { Ok(()) } else { Err(ManifestFault(part)) };
        // A vector on the wire is the longest thing that a branch takes.
        let longest = crate::limits::VECTOR_BYTES_MAX as u64;
        holds((1..=longest).contains(&self.parameter_bytes), "number of bytes")?;
        holds((1..=65_536).contains(&self.architecture.len()), "architecture")?;
        holds((1..=64).contains(&name.raw().len()), "plan's name")?;
        holds((1..=64).contains(&purpose.raw().len()), "purpose")?;
        holds(is_group_name(group), "group")?;
        holds((1..=crate::limits::RUNS_MAX).contains(&run.number), "run")
    }
}

impl Lineage {
    /// Whether a grant lets this branch keep the model. Whether the grant counts now is another question.
    #[must_use]
    pub fn is_granted(&self, grant: &Grant, branch: &MemberName) -> bool {
        let subject = match &grant.subject {
            GrantSubject::Plan(plan) => *plan == self.run.plan,
            // As for the plan itself: a model that no noise protects is granted by name alone.
            GrantSubject::Plans { .. } if self.privacy == PrivacyMode::None => false,
            GrantSubject::Plans { proposer, purpose } => *proposer == self.owner && *purpose == self.purpose,
        };
        grant.uses.keep_models && subject && grant.branches.binary_search(branch).is_ok()
    }

    fn canonical(&self, body: Canonical) -> Canonical {
        let body = match &self.parent {
            None => body.u8(0),
            Some(parent) => body.u8(1).digest(parent),
        };
        let body = body.digest(&self.initial).digest(&self.run.plan).u32(self.run.number);
        let body = body.bytes(self.name.raw().as_bytes()).bytes(self.purpose.raw().as_bytes());
        let body = body.u8(self.privacy.number()).bytes(self.group.as_bytes()).bytes(self.owner.as_str().as_bytes());
        body.digest(&self.statement).u32(self.rounds).u8(u8::from(self.complete))
    }
}

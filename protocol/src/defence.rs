//! The defences that tests take away, one at a time, to show that the attack against each is real.
//!
//! Every build but one has all of them: [`stands`] is then a constant that the compiler removes. The feature `sabotage`, which nothing but
//! the tests enables, lets a test take one down; a binary built with it carries [`MARKER`], and the checks look for that in the release.

/// A check without which a named attack of docs/THREAT_MODEL.md succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defence {
    /// A participant acknowledges one survivor set for each round, so that it reveals one kind of share for each peer.
    OneSurvivorSet,
    /// A survivor set is as large as the participant's own policy asks for.
    SurvivorsMin,
    /// The survivors fulfil the participant's own rule on organisations.
    OrganisationRule,
    /// Shares are revealed under a quorum's signatures only.
    QuorumCertificate,
    /// Session keys are signed by their owners.
    SignedKeys,
    /// The roster is signed by the pinned authorities.
    SignedRoster,
    /// An older roster than the newest one seen is refused.
    RosterChain,
    /// The cohort and its thresholds are as strict as the participant's own policy.
    CohortFloor,
    /// The seed of the neighbour graph takes a contribution of every member, committed before any is known.
    GraphSeedReveal,
    /// The round's descriptor, with the digest of the model in it, keys every mask.
    DescriptorKeysMasks,
    /// The model's bytes have the digest that the descriptor names.
    ModelDigest,
    /// A round is used once, whatever crashed or was restored.
    FreshRound,
    /// A participant adopts a head of its own budget that is newer than its file, of whatever plan, and a coordinator takes no older one.
    RecordRollback,
    /// A share that its dealer did not commit to is found, and its sender blamed.
    ShareCommitment,
    /// A seed that its owner did not commit to is found.
    SeedCommitment,
    /// The pairwise seeds in an envelope are those that both ends committed to.
    EnvelopeCommitment,
    /// One upload for each client and round.
    OneUpload,
    /// An upload has the digest that its sender signed.
    UploadDigest,
    /// The budget is charged before anything leaves.
    ChargeFirst,
    /// A row whose numbers leave a branch's arithmetic removes its own customer, and nobody else; a micro-batch's integers are held against
    /// its members.
    RowFaults,
    /// Gradient norms are summed where no number of a row can vanish, and a micro-batch's integers are held against them.
    WideNorms,
    /// The plan's schema is the one that the owner of the data pinned.
    PinnedSchema,
    /// A coalition is a fraction of the plan's group in the signed roster, not of the cohort that the coordinator chose.
    GroupCoalition,
    /// In mode branch a customer is charged for what it moves, and not for what its branch does.
    CustomerAccount,
    /// A budget begins with its owner's signature, and never by itself.
    FirstUse,
    /// A participant goes on with no member whose budget counter fell.
    CounterFall,
    /// Nothing ends a participant's work for good but the coordinator's signature, made for this connection of this client.
    SignedEnding,
    /// A plan runs only where two people of the signed roster stand by it.
    FourEyes,
    /// A plan runs at a branch only where the owner of its data has granted that.
    OwnersGrant,
}

/// Found in every binary in which a defence can be taken down, and in no other.
#[cfg(feature = "sabotage")]
pub const MARKER: &str = "tributary: built with the feature sabotage, defences can be taken down";

/// Whether a defence stands. Always, but in builds for the tests that take it down.
#[cfg(not(feature = "sabotage"))]
#[must_use]
pub const fn stands(_: Defence) -> bool {
    true
}

#[cfg(feature = "sabotage")]
pub use sabotaged::{rebuild, stands, take_down};

#[cfg(feature = "sabotage")]
mod sabotaged {
    use core::sync::atomic::{AtomicU8, Ordering};

    use super::Defence;

    const NONE: u8 = u8::MAX;

    static DOWN: AtomicU8 = AtomicU8::new(NONE);

    /// Whether a defence stands.
    #[must_use]
    pub fn stands(defence: Defence) -> bool {
        DOWN.load(Ordering::Relaxed) != defence as u8
    }

    /// Takes one defence down in the whole process, instead of the one that was down.
    pub fn take_down(defence: Defence) {
        DOWN.store(defence as u8, Ordering::Relaxed);
    }

    /// All defences stand again.
    pub fn rebuild() {
        DOWN.store(NONE, Ordering::Relaxed);
    }
}

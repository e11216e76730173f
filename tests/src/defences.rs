//! The defences by name, for those builds in which one can be taken down.

pub use tributary_protocol::defence::Defence;

use crate::options::{name_in, value_in};

/// Every defence and its name on the command line.
pub const DEFENCES: [(&str, Defence); 29] = [
    ("one-survivor-set", Defence::OneSurvivorSet),
    ("survivors-min", Defence::SurvivorsMin),
    ("organisation-rule", Defence::OrganisationRule),
    ("quorum-certificate", Defence::QuorumCertificate),
    ("signed-keys", Defence::SignedKeys),
    ("signed-roster", Defence::SignedRoster),
    ("roster-chain", Defence::RosterChain),
    ("cohort-floor", Defence::CohortFloor),
    ("graph-seed-reveal", Defence::GraphSeedReveal),
    ("descriptor-keys-masks", Defence::DescriptorKeysMasks),
    ("model-digest", Defence::ModelDigest),
    ("fresh-round", Defence::FreshRound),
    ("record-rollback", Defence::RecordRollback),
    ("share-commitment", Defence::ShareCommitment),
    ("seed-commitment", Defence::SeedCommitment),
    ("envelope-commitment", Defence::EnvelopeCommitment),
    ("one-upload", Defence::OneUpload),
    ("upload-digest", Defence::UploadDigest),
    ("charge-first", Defence::ChargeFirst),
    ("row-faults", Defence::RowFaults),
    ("wide-norms", Defence::WideNorms),
    ("pinned-schema", Defence::PinnedSchema),
    ("group-coalition", Defence::GroupCoalition),
    ("customer-account", Defence::CustomerAccount),
    ("first-use", Defence::FirstUse),
    ("counter-fall", Defence::CounterFall),
    ("signed-ending", Defence::SignedEnding),
    ("four-eyes", Defence::FourEyes),
    ("owners-grant", Defence::OwnersGrant),
];

/// A defence by its name.
///
/// # Errors
/// Every name there is, for the user.
pub fn defence_named(name: &str) -> Result<Defence, String> {
    value_in(&DEFENCES, name)
}

/// The name of a defence.
#[must_use]
pub fn name_of(defence: Defence) -> &'static str {
    name_in(&DEFENCES, defence)
}

#[cfg(feature = "sabotage")]
pub use tributary_protocol::defence::{MARKER, rebuild, take_down};

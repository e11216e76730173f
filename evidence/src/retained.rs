//! What a coordinator keeps beside its journal, by name. Whoever has files implements [`Retained`]; nothing here opens one.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{RoundId, RunId};

/// One thing that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The uploads of a committed round, with the secrets that open their sum.
    Round(RunId, RoundId),
    /// An opened sum, by its digest.
    Sum(Digest),
    /// A public state, by its digest.
    State(Digest),
    /// The schema of a plan, by the plan's digest.
    Schema(Digest),
    /// What a registered model has learnt about features, by the model's digest.
    Features(Digest),
    /// The parameters of a registered model, by the model's digest.
    Parameters(Digest),
    /// The privacy statement of a registered model, by the model's digest.
    Statement(Digest),
    /// A model card, by the digest of its file.
    Card(Digest),
    /// A report of attacks on a model, by the digest of what it found.
    Attacks(Digest),
    /// The record of an export, by its number.
    Export(u64),
    /// A change of the points of a model, by the model's digest and the change's number.
    Points(Digest, u64),
}

impl Item {
    /// Its name, as it lies in a coordinator's state folder and in a bundle.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Round(run, round) => format!("rounds/{run}-{round}.kept"),
            Self::Sum(digest) => format!("sums/{digest}.sum"),
            Self::State(digest) => format!("models/{digest}.params"),
            Self::Schema(plan) => format!("plans/{plan}/schema"),
            Self::Features(model) => format!("registry/{model}/features.json"),
            Self::Parameters(model) => format!("registry/{model}/parameters"),
            Self::Statement(model) => format!("registry/{model}/statement.json"),
            Self::Card(digest) => format!("cards/{digest}.json"),
            Self::Attacks(digest) => format!("attacks/{digest}.json"),
            Self::Export(number) => format!("exports/{number:06}.json"),
            Self::Points(model, number) => format!("registry/{model}/points/{number:06}.points"),
        }
    }
}

/// Where kept things are looked up.
pub trait Retained {
    /// What was kept; nothing where nothing was, or is any more. What is there and cannot be read is no bytes: it proves nothing, and is not passed over.
    fn get(&self, item: &Item) -> Option<Vec<u8>>;
}

/// Nothing is kept, or nobody looks.
pub struct NothingKept;

impl Retained for NothingKept {
    fn get(&self, _: &Item) -> Option<Vec<u8>> {
        None
    }
}

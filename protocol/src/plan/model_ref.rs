//! From which public state a run begins.

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};

/// From which public state a run begins. The run's first event says which one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelRef {
    /// The one with this digest.
    Digest(Digest),
    /// All parameters zero.
    Zero,
    /// Parameters drawn from this seed by the network's own rule, which is the same everywhere.
    Seed(u64),
    /// The model that the run before released; the first run begins from zero.
    PreviousRun,
    /// The champion of the registry, by a signed promotion.
    Champion,
}

impl ModelRef {
    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        match self {
            Self::Digest(digest) => body.u8(0).digest(digest),
            Self::Zero => body.u8(1),
            Self::PreviousRun => body.u8(2),
            Self::Champion => body.u8(3),
            Self::Seed(seed) => body.u8(4).u64(*seed),
        }
    }

    /// Whether a run may begin from the state of this digest, as far as the reference says it alone.
    #[must_use]
    pub fn admits(&self, model: &Digest) -> bool {
        match self {
            Self::Digest(digest) => digest == model,
            Self::Zero | Self::Seed(_) | Self::PreviousRun | Self::Champion => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_named_is_the_only_one_from_which_a_run_begins() {
        let [one, other] = [b"one".as_slice(), b"other"].map(Digest::of);
        let named = ModelRef::Digest(one);
        assert!(named.admits(&one) && !named.admits(&other));
        let others = [ModelRef::Zero, ModelRef::Seed(1), ModelRef::PreviousRun, ModelRef::Champion];
        assert!(others.iter().all(|reference| reference.admits(&one) && reference.admits(&other)));
    }
}

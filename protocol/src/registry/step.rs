//! What people may do to a model.

use serde::{Deserialize, Serialize};

use crate::role::Action;

/// What is done to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ModelStep {
    /// It is compared with the champion, on a share of the customers.
    Challenge,
    /// It is the champion: the one that branches use for its purpose.
    Promote,
    /// An earlier champion is the champion again.
    RollBack,
    /// It is used no more. What is known of it stays.
    Retire,
    /// Every branch deletes it and refuses it from then on.
    Withdraw,
    /// The branches of a pilot use it as their champion, and all others keep theirs.
    Pilot,
}

impl ModelStep {
    /// Every step, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Challenge, Self::Promote, Self::RollBack, Self::Retire, Self::Withdraw, Self::Pilot];

    /// What whoever signs does.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Challenge | Self::Promote | Self::Pilot => Action::PromoteModel,
            Self::RollBack => Action::RollBackModel,
            Self::Retire => Action::RetireModel,
            Self::Withdraw => Action::WithdrawModel,
        }
    }

    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Promote => "promote",
            Self::RollBack => "rollback",
            Self::Retire => "retire",
            Self::Withdraw => "withdraw",
            Self::Pilot => "pilot",
        }
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Challenge => 1,
            Self::Promote => 2,
            Self::RollBack => 3,
            Self::Retire => 4,
            Self::Withdraw => 5,
            Self::Pilot => 6,
        }
    }

    /// Whether branches use the model after it, so that the report on its gates goes with it: wherever the statement goes, the report can be judged.
    #[must_use]
    pub const fn needs_report(self) -> bool {
        matches!(self, Self::Challenge | Self::Promote | Self::Pilot | Self::RollBack)
    }
}

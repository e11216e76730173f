//! What protects whom in a plan.

use serde::{Deserialize, Serialize};

use crate::privacy::Unit;

/// Largest number of branches at which one customer may be, as a plan may assume it.
pub const OVERLAP_MAX: u16 = 16;

/// What protects the single customer, or the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PrivacyMode {
    /// Distributed discrete Gaussian noise under secure aggregation: customer-level (epsilon, delta) of everything that is released.
    Customer,
    /// Each branch's own differentially private gradient descent, several local steps a round: customer-level (epsilon, delta) of everything
    /// that leaves the branch, whoever adds what up.
    Local,
    /// Distributed noise against the whole update of a branch: (epsilon, delta) of a branch's data as one unit.
    Branch,
    /// Secure aggregation alone. Accepted only where plan **and** branch policy say so.
    None,
}

impl PrivacyMode {
    /// Every mode, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Local, Self::Branch, Self::None];

    /// The word in settings, policies and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Local => "local",
            Self::Branch => "branch",
            Self::None => "none",
        }
    }

    /// Stable number in what is digested.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Customer => 0,
            Self::None => 1,
            Self::Local => 2,
            Self::Branch => 3,
        }
    }

    /// Whose presence the noise is sized for; nobody's without noise.
    #[must_use]
    pub fn unit(self) -> Option<Unit> {
        match self {
            Self::Customer | Self::Local => Some(Unit::Customer),
            Self::Branch => Some(Unit::Branch),
            Self::None => None,
        }
    }

    /// Whether branches train several steps before they upload a difference of models.
    #[must_use]
    pub fn trains_locally(self) -> bool {
        matches!(self, Self::Local | Self::Branch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen: numbers are digested, and words stand in policies.
    #[test]
    fn numbers_and_words_of_modes_are_stable() {
        let of = PrivacyMode::ALL.map(|mode| (mode.number(), mode.name()));
        assert_eq!(of, [(0, "customer"), (2, "local"), (3, "branch"), (1, "none")]);
    }

    #[test]
    fn a_mode_says_whose_presence_is_hidden_and_who_trains() {
        let of = [PrivacyMode::Customer, PrivacyMode::Local, PrivacyMode::Branch, PrivacyMode::None]
            .map(|mode| (mode.unit(), mode.trains_locally()));
        let customer = Some(Unit::Customer);
        assert_eq!(of, [(customer, false), (customer, true), (Some(Unit::Branch), true), (None, false)]);
    }
}

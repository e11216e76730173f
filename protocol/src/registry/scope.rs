//! For whom a statement is: all branches, those of a pilot, or a share of the customers.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::step::ModelStep;
use crate::digest::Canonical;
use crate::limits::PILOT_BRANCHES_MAX;
use crate::plan::PARTS;
use crate::roster::MemberName;

/// Largest share of a challenger: half of the customers. With more it would be the champion in all but name, without a pilot, and where the plan says
/// so without its gates.
pub const CHALLENGER_PARTS_MAX: u16 = 5_000;

const _: () = assert!(2 * CHALLENGER_PARTS_MAX as u32 == PARTS);

/// For whom a statement is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatementScope {
    /// Every branch, and all customers.
    All,
    /// These branches, strictly ascending: a pilot's.
    Branches(Vec<MemberName>),
    /// This share of each branch's customers, in parts in 10,000, [`CHALLENGER_PARTS_MAX`] at most: a challenger's. 0: it scores none, and its evaluation
    /// alone is compared.
    Customers(u16),
}

impl StatementScope {
    /// Whether a step can have it.
    #[must_use]
    pub fn fits(&self, step: ModelStep) -> bool {
        match (step, self) {
            (ModelStep::Pilot, Self::Branches(names)) => {
                (1..=PILOT_BRANCHES_MAX).contains(&names.len()) && names.is_sorted_by(|one, next| one < next)
            }
            (ModelStep::Challenge, Self::Customers(share)) => *share <= CHALLENGER_PARTS_MAX,
            (ModelStep::Pilot | ModelStep::Challenge, _) => false,
            (_, scope) => *scope == Self::All,
        }
    }

    /// Whether a branch is among those that it is for.
    #[must_use]
    pub fn has(&self, branch: &MemberName) -> bool {
        match self {
            Self::Branches(names) => names.binary_search(branch).is_ok(),
            Self::All | Self::Customers(_) => true,
        }
    }

    /// The branches of a pilot.
    #[must_use]
    pub fn branches(&self) -> &[MemberName] {
        match self {
            Self::Branches(names) => names,
            Self::All | Self::Customers(_) => &[],
        }
    }

    /// The share of a challenger.
    #[must_use]
    pub const fn share(&self) -> u16 {
        match self {
            Self::Customers(share) => *share,
            Self::All | Self::Branches(_) => 0,
        }
    }

    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        match self {
            Self::All => body.u8(1),
            Self::Branches(names) => {
                let body = body.u8(2).u32(u32::try_from(names.len()).unwrap_or(u32::MAX));
                names.iter().fold(body, |body, name| body.bytes(name.as_str().as_bytes()))
            }
            Self::Customers(share) => body.u8(3).u32((*share).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ClientId;
    use crate::round::cast::name;

    #[test]
    fn each_step_has_the_scope_that_is_its_own() {
        let names = |count: usize| (1_u32..).map(|client| name(ClientId(client), 1)).take(count).collect::<Vec<_>>();
        let branches = |count| {
            let mut names = names(count);
            names.sort();
            StatementScope::Branches(names)
        };
        let pilots =
            [0, 1, PILOT_BRANCHES_MAX, PILOT_BRANCHES_MAX + 1].map(|count| branches(count).fits(ModelStep::Pilot));
        assert_eq!(pilots, [false, true, true, false]);
        let twice = StatementScope::Branches([names(1), names(1)].concat());
        assert!(!twice.fits(ModelStep::Pilot) && !StatementScope::All.fits(ModelStep::Pilot));
        let shares = [0, CHALLENGER_PARTS_MAX, CHALLENGER_PARTS_MAX + 1].map(StatementScope::Customers);
        assert_eq!(shares.map(|share| share.fits(ModelStep::Challenge)), [true, true, false]);
        for step in [ModelStep::Promote, ModelStep::RollBack, ModelStep::Retire, ModelStep::Withdraw] {
            let fits = [StatementScope::All, branches(1), StatementScope::Customers(1)].map(|scope| scope.fits(step));
            assert_eq!(fits, [true, false, false], "{step:?}");
        }
    }
}

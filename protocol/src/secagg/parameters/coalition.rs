//! Who is assumed to work with the coordinator: a fraction of the participants, or whole organisations (docs/PROTOCOL.md, "Numbers").
//!
//! The coordinator chooses who is in a cohort, and so how many of its friends are in it.
//!
//! * A *fraction* is therefore counted of the whole group that the cohort was chosen from, which is named in the roster that the
//!   authorities signed. Counted of the cohort it could be concentrated: of 100 branches 20 may collude, and 7 of them with one victim are a
//!   cohort of 8, of which a fifth is 2.
//! * *Organisations* cannot be concentrated so. Their number is of the whole federation, not of a cohort, and an organisation counts with all
//!   of its members that are in the cohort: of every possible coalition the one with the most members there is assumed. Whom the
//!   coordinator leaves out may be honest; what is left is still counted as if the worst of the possible coalitions were in it whole.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::Canonical;
use crate::ids::OrganisationId;

/// Fewest organisations that a rule may leave outside the coalition: with one alone, the others could subtract themselves.
pub const OUTSIDE_MIN: u16 = 2;

/// The coalition with the coordinator that a member assumes. A decision of its policy; there is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoalitionRule {
    /// For the branches of one bank: each counts as an organisation of its own, and a fraction of them colludes.
    Fraction {
        /// Thousandths of the roster's group that the cohort was chosen from, rounded up to members; 200 is usual.
        permille: u16,
    },
    /// For a consortium: the organisation that runs the coordinator colludes, and any few others with it.
    Organisations {
        /// The organisation that runs the coordinator.
        operator: OrganisationId,
        /// How many others collude (`f`); the heaviest are assumed.
        others: u16,
        /// Organisations that must remain without such a coalition, in the cohort and among the survivors (`org_min_outside`).
        outside_min: u16,
    },
}

impl CoalitionRule {
    /// Whether a plan's rule assumes at least as much as a member's own. Rules of two forms cannot be compared: neither is as strict.
    #[must_use]
    pub fn at_least_as_strict(&self, own: &Self) -> bool {
        match (self, own) {
            (Self::Fraction { permille }, Self::Fraction { permille: own }) => permille >= own,
            (
                Self::Organisations { operator, others, outside_min },
                Self::Organisations { operator: own_operator, others: own_others, outside_min: own_outside },
            ) => operator == own_operator && others >= own_others && outside_min >= own_outside,
            _ => false,
        }
    }

    /// Appends the rule to a canonical encoding: its form, then its numbers.
    #[must_use]
    pub fn canonical(&self, body: Canonical) -> Canonical {
        match *self {
            Self::Fraction { permille } => body.u8(0).u32(permille.into()),
            Self::Organisations { operator, others, outside_min } => {
                body.u8(1).u32(operator.0).u32(others.into()).u32(outside_min.into())
            }
        }
    }

    /// Whether the rule makes sense at all.
    pub(super) fn is_valid(&self) -> bool {
        match *self {
            Self::Fraction { permille } => permille <= 1000,
            Self::Organisations { outside_min, .. } => outside_min >= OUTSIDE_MIN,
        }
    }
}

/// How many members each organisation has, as far as a coalition is concerned.
pub(super) struct Weights {
    /// Members of the operator's organisation.
    operator: usize,
    /// Members of every other organisation, most first.
    others: Vec<usize>,
    /// Other organisations that collude with the operator.
    colluding: usize,
}

impl Weights {
    pub(super) fn new(members: impl Iterator<Item = OrganisationId>, operator: OrganisationId, others: u16) -> Self {
        let mut counts: BTreeMap<OrganisationId, usize> = BTreeMap::new();
        for organisation in members {
            *counts.entry(organisation).or_default() += 1;
        }
        let own = counts.remove(&operator).unwrap_or(0);
        let mut weights: Vec<usize> = counts.into_values().collect();
        weights.sort_unstable_by(|a, b| b.cmp(a));
        Self { operator: own, others: weights, colluding: others.into() }
    }

    /// Organisations that no coalition reaches, whichever it is.
    pub(super) fn outside(&self) -> usize {
        self.others.len().saturating_sub(self.colluding)
    }

    /// Members that the heaviest coalition has where no organisation counts with more than `cap` members.
    pub(super) fn coalition(&self, cap: usize) -> usize {
        let others = self.others.iter().take(self.colluding).map(|weight| weight.min(&cap));
        self.operator.min(cap) + others.sum::<usize>()
    }

    /// Members of all organisations where none counts with more than `cap`.
    pub(super) fn all(&self, cap: usize) -> usize {
        self.operator.min(cap) + self.others.iter().map(|weight| weight.min(&cap)).sum::<usize>()
    }

    /// The largest cap under which the heaviest coalition is below a third of those who count; `None` if there is none.
    ///
    /// Not a bisection: a lower cap may raise the coalition's part, where the operator is small and the others are even.
    pub(super) fn largest_cap(&self) -> Option<usize> {
        let mut cap = self.others.first().copied().unwrap_or(0).max(self.operator);
        let (mut coalition, mut all) = (self.coalition(cap), self.all(cap));
        // Sorted by weight, those that a lower cap reaches are a front of the list; each is passed once.
        let (mut reached, operator) = (0, self.operator);
        while cap > 0 {
            if 3 * coalition < all {
                return Some(cap);
            }
            while self.others.get(reached).is_some_and(|weight| *weight >= cap) {
                reached += 1;
            }
            let own = usize::from(operator >= cap);
            coalition -= own + reached.min(self.colluding);
            all -= own + reached;
            cap -= 1;
        }
        None
    }
}

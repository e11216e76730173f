//! A cohort as one rule sees it: how many may collude, and how many count, under a cap on each organisation.

use super::coalition::Weights;
use super::refused::CohortRefused;
use crate::limits::COMPLETE_GRAPH_MAX;

/// A cohort of a possible size, and the coalition that a rule assumes in it.
pub(super) struct Cohort {
    pub(super) size: u16,
    pub(super) coalition: Coalition,
}

pub(super) enum Coalition {
    /// Any so many members.
    Members(u16),
    /// Whole organisations.
    Organisations(Weights),
}

impl Cohort {
    /// Members of the largest coalition, counting at most `cap` of each organisation.
    pub(super) fn coalition(&self, cap: u16) -> u16 {
        match &self.coalition {
            Coalition::Members(members) => *members,
            Coalition::Organisations(weights) => small(weights.coalition(cap.into())),
        }
    }

    /// Whether at most `cap` members of each organisation may be a committee. A fraction knows no organisations, and so no cap.
    pub(super) fn admits_cap(&self, cap: u16) -> bool {
        match self.coalition {
            Coalition::Members(_) => cap == self.size,
            Coalition::Organisations(_) if usize::from(self.size) > COMPLETE_GRAPH_MAX => cap == self.size,
            Coalition::Organisations(_) => (1..=self.size).contains(&cap),
        }
    }

    /// Members that count where at most `cap` of each organisation do.
    pub(super) fn committee(&self, cap: u16) -> u16 {
        match &self.coalition {
            Coalition::Members(_) => self.size,
            Coalition::Organisations(weights) => small(weights.all(cap.into())),
        }
    }

    /// The largest cap under which fewer than a third collude: the cohort's size where none is needed.
    pub(super) fn largest_cap(&self) -> Option<u16> {
        if 3 * u32::from(self.coalition(self.size)) < u32::from(self.size) {
            return Some(self.size);
        }
        match &self.coalition {
            Coalition::Members(_) => None,
            // In a sparse graph a secret's holders are its owner's neighbours, whoever they are.
            Coalition::Organisations(_) if usize::from(self.size) > COMPLETE_GRAPH_MAX => None,
            Coalition::Organisations(weights) => weights.largest_cap().map(small),
        }
    }

    pub(super) fn no_graph(&self, survivors_min: u16) -> CohortRefused {
        let (coalition, lost) = (self.coalition(self.size).into(), (self.size - survivors_min).into());
        CohortRefused::NoGraph { cohort: self.size.into(), coalition, lost }
    }

    pub(super) fn too_large(&self) -> CohortRefused {
        CohortRefused::CoalitionTooLarge { coalition: self.coalition(self.size).into(), cohort: self.size.into() }
    }
}

/// A count of members of one cohort.
fn small(count: usize) -> u16 {
    u16::try_from(count).expect("COHORT_MAX is below 2^16")
}
